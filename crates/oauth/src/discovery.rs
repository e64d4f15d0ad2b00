//! Discovery and keys (OpenID Connect Discovery, RFC 8414, fact sheet 9.1 and 9.2). What stands here is served; nothing
//! else.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use chancery_core::model::TenantSettings;
use chancery_web::Ctx;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use serde_json::Value;

/// The documents of `/.well-known/openid-configuration` and `/.well-known/oauth-authorization-server`, one for each
/// issuer, made once for settings of its tenant. Issuers are configured, so there are only so many.
#[derive(Clone, Default)]
pub(crate) struct Documents(Arc<RwLock<HashMap<String, Made>>>);

/// A document, and the settings that it was made from.
#[derive(Clone)]
struct Made {
    settings: Arc<TenantSettings>,
    body: Bytes,
}

impl Documents {
    /// The issuer's document.
    pub(crate) fn answer(&self, ctx: &Ctx) -> Response {
        let (issuer, settings) = (&ctx.origin.issuer, &ctx.tenant.settings);
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let known = all.get(issuer).filter(|made| Arc::ptr_eq(&made.settings, settings));
        if let Some(known) = known.map(|made| made.body.clone()) {
            return public(known);
        }
        drop(all);
        let body = document(issuer, settings);
        let made = Made { settings: Arc::clone(settings), body: body.clone() };
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(issuer.clone(), made);
        public(body)
    }
}

/// The issuer is made of characters that JSON does not escape: `Origin::parse` sees to that.
fn document(issuer: &str, settings: &TenantSettings) -> Bytes {
    let only = |announced: &'static str, is_there: bool| if is_there { announced } else { "" };
    let takes_pushed = settings.pushed_authorization_requests_supported.unwrap_or(false);
    let acr_values = settings.acr_values().map_or_else(String::new, |values| {
        let values = values.iter().map(|value| Value::from(value.as_str())).collect::<Vec<_>>();
        format!(r#""acr_values_supported":{},"#, Value::from(values))
    });
    let text = TEMPLATE
        .replace("{registration}", only(REGISTRATION, settings.lets_register()))
        .replace("{references}", if settings.lets_register() { REFERENCES } else { NO_REFERENCES })
        .replace("{pushed}", only(PUSHED, takes_pushed))
        .replace("{issuer}", issuer)
        .replace("{acr_values}", &acr_values);
    Bytes::from(text)
}

/// `/.well-known/jwks.json`.
pub(crate) async fn jwks(ctx: Ctx) -> Response {
    public(Bytes::from_owner(Arc::<[u8]>::from(Arc::clone(ctx.tenant.jwks()))))
}

fn public(body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    let headers = response.headers_mut();
    // These three and those that every answer gets.
    headers.reserve(8);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    // Short enough for a rotated key to be seen in time: the next key is published long before it signs.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=15, stale-while-revalidate=15"));
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

/// Where applications may register themselves.
const REGISTRATION: &str = r#""registration_endpoint":"{issuer}oidc/register","#;
/// Addresses of requests, and that they are not signed, is registered with an application: there are some where applications
/// register.
const REFERENCES: &str = r#""request_uri_parameter_supported":true,"require_request_uri_registration":true,"request_object_signing_alg_values_supported":["none","RS256","RS384","PS256"],"#;
const NO_REFERENCES: &str = r#""request_uri_parameter_supported":false,"request_object_signing_alg_values_supported":["RS256","RS384","PS256"],"#;
/// Where the tenant takes requests that are sent ahead.
const PUSHED: &str = r#""pushed_authorization_request_endpoint":"{issuer}oauth/par","require_pushed_authorization_requests":false,"#;
/// Member order as live tenants have it.
const TEMPLATE: &str = concat!(
    r#"{"issuer":"{issuer}","authorization_endpoint":"{issuer}authorize","token_endpoint":"{issuer}oauth/token","#,
    r#""device_authorization_endpoint":"{issuer}oauth/device/code","#,
    r#""userinfo_endpoint":"{issuer}userinfo","mfa_challenge_endpoint":"{issuer}mfa/challenge","#,
    r#""jwks_uri":"{issuer}.well-known/jwks.json",{registration}"#,
    r#""introspection_endpoint":"{issuer}oauth/introspect","#,
    r#""revocation_endpoint":"{issuer}oauth/revoke",{pushed}"#,
    r#""scopes_supported":["openid","profile","offline_access","name","given_name","family_name","nickname","email","#,
    r#""email_verified","picture","created_at","identities","phone","address"],"#,
    r#""response_types_supported":["code","token","id_token","code token","code id_token","token id_token","#,
    r#""code token id_token"],"code_challenge_methods_supported":["S256","plain"],"#,
    r#""response_modes_supported":["query","fragment","form_post","query.jwt","fragment.jwt","form_post.jwt","jwt"],"#,
    r#""authorization_signing_alg_values_supported":["RS256"],"subject_types_supported":["public","pairwise"],"#,
    r#""token_endpoint_auth_methods_supported":["client_secret_basic","client_secret_post","private_key_jwt","none"],"#,
    r#""token_endpoint_auth_signing_alg_values_supported":["RS256","RS384","PS256","PS384","ES256","ES384"],"#,
    r#""claims_supported":["aud","auth_time","created_at","email","email_verified","exp","family_name","given_name","#,
    r#""iat","identities","iss","name","nickname","phone_number","picture","sub"],"claims_parameter_supported":true,"#,
    r#"{references}"request_parameter_supported":true,"#,
    r#""id_token_signing_alg_values_supported":["HS256","RS256","PS256","RS512","ES256","EdDSA"],"#,
    r#""userinfo_signing_alg_values_supported":["RS256","ES256","EdDSA"],{acr_values}"#,
    r#""introspection_endpoint_auth_methods_supported":["client_secret_basic","client_secret_post","private_key_jwt"],"#,
    r#""introspection_signing_alg_values_supported":["RS256"],"#,
    r#""dpop_signing_alg_values_supported":["ES256"],"#,
    r#""end_session_endpoint":"{issuer}oidc/logout","authorization_response_iss_parameter_supported":true}"#,
);
