//! What an application is told of itself (RFC 7591, section 3.2.1): all that is registered, as it is now.

use serde_json::{Map, Value, json};

use crate::model::{Client, TokenEndpointAuthMethod};

/// Its metadata, without secret and registration token.
pub fn registered(client: &Client) -> Map<String, Value> {
    let openid = client.openid.as_deref().cloned().unwrap_or_default();
    let is_by_keys = client
        .client_authentication_methods
        .as_ref()
        .is_some_and(|methods| methods.private_key_jwt.is_some());
    let method = match client.token_endpoint_auth_method {
        _ if is_by_keys => "private_key_jwt",
        Some(TokenEndpointAuthMethod::None) => "none",
        Some(TokenEndpointAuthMethod::ClientSecretBasic) => "client_secret_basic",
        Some(TokenEndpointAuthMethod::ClientSecretPost) | None => "client_secret_post",
    };
    let mut all = Map::new();
    let mut put = |name: &str, value: Value| {
        let says_nothing = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        if !says_nothing {
            all.insert(name.to_owned(), value);
        }
    };
    put("client_id", json!(client.client_id));
    put("client_id_issued_at", json!(openid.registered_at));
    put("client_name", json!(client.name));
    put("redirect_uris", json!(client.callbacks));
    put("grant_types", json!(client.grant_types));
    put("response_types", json!(openid.response_types));
    put("token_endpoint_auth_method", json!(method));
    put("token_endpoint_auth_signing_alg", json!(openid.token_endpoint_auth_signing_alg));
    put("application_type", json!(openid.application_type));
    put("contacts", json!(openid.contacts));
    put("client_uri", json!(openid.client_uri));
    put("logo_uri", json!(client.logo_uri));
    put("policy_uri", json!(openid.policy_uri));
    put("tos_uri", json!(openid.tos_uri));
    put("jwks_uri", json!(openid.jwks_uri));
    put("jwks", json!(openid.jwks));
    put("subject_type", json!(if openid.pairwise { "pairwise" } else { "public" }));
    put("sector_identifier_uri", json!(openid.sector_identifier_uri));
    put("id_token_signed_response_alg", json!(client.id_token_alg()));
    put("userinfo_signed_response_alg", json!(openid.userinfo_signed_response_alg));
    put("request_object_signing_alg", json!(openid.request_object_signing_alg));
    put("id_token_encrypted_response_alg", json!(openid.id_token_encrypted_response_alg));
    put("id_token_encrypted_response_enc", json!(openid.id_token_encrypted_response_enc));
    put("userinfo_encrypted_response_alg", json!(openid.userinfo_encrypted_response_alg));
    put("userinfo_encrypted_response_enc", json!(openid.userinfo_encrypted_response_enc));
    put("request_object_encryption_alg", json!(openid.request_object_encryption_alg));
    put("request_object_encryption_enc", json!(openid.request_object_encryption_enc));
    let signs = client.signed_request_object.as_ref().and_then(|settings| settings.required);
    put("require_signed_request_object", json!(signs));
    put("require_pushed_authorization_requests", json!(client.require_pushed_authorization_requests));
    put("request_uris", json!(openid.request_uris));
    put("default_max_age", json!(openid.default_max_age));
    put("require_auth_time", json!(openid.require_auth_time.then_some(true)));
    put("default_acr_values", json!(openid.default_acr_values));
    put("initiate_login_uri", json!(client.initiate_login_uri));
    put("post_logout_redirect_uris", json!(client.allowed_logout_urls));
    if let Some(logout) = &client.oidc_logout {
        let told = logout.backchannel_logout_urls.iter().flatten().find(|url| !url.is_empty());
        put("backchannel_logout_uri", json!(told));
        let is_required = logout.backchannel_logout_session_required;
        put("backchannel_logout_session_required", json!(is_required));
        put("frontchannel_logout_uri", json!(logout.frontchannel_logout_uri));
        put("frontchannel_logout_session_required", json!(logout.frontchannel_logout_session_required));
    }
    put("software_id", json!(openid.software_id));
    put("software_version", json!(openid.software_version));
    all
}
