//! Discovery and keys (OpenID Connect Discovery, RFC 8414, fact sheet 9.1 and 9.2). What stands here is served; nothing
//! else.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use chancery_store::{Origin, Snapshot};
use chancery_web::Ctx;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use serde_json::Value;

/// The documents of `/.well-known/openid-configuration` and `/.well-known/oauth-authorization-server`, one for each
/// issuer, made once for each revision of its tenant. Issuers are configured, so there are only so many.
#[derive(Clone, Default)]
pub(crate) struct Documents(Arc<RwLock<HashMap<String, Made>>>);

/// A document, and of which revision of which tenant.
#[derive(Clone)]
struct Made {
    tenant: String,
    rev: i64,
    body: Bytes,
}

impl Documents {
    /// The issuer's document.
    pub(crate) fn answer(&self, ctx: &Ctx) -> Response {
        let (issuer, tenant, rev) = (&ctx.origin.issuer, &ctx.tenant.tenant, ctx.tenant.rev);
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let known = all.get(issuer).filter(|made| made.tenant == *tenant && made.rev == rev);
        let known = known.map(|made| made.body.clone());
        drop(all);
        public(known.unwrap_or_else(|| {
            let body = Bytes::from(document(&ctx.tenant, &ctx.origin));
            let made = Made { tenant: tenant.clone(), rev, body: body.clone() };
            self.0.write().unwrap_or_else(PoisonError::into_inner).insert(issuer.clone(), made);
            body
        }))
    }
}

/// What the tenant's settings make of the template.
fn document(tenant: &Snapshot, origin: &Origin) -> String {
    let settings = &tenant.settings;
    let only = |announced: &'static str, is_there: bool| if is_there { announced } else { "" };
    let acr_values = settings.acr_values().map_or_else(String::new, |values| {
        let values = values.iter().map(|value| Value::from(value.as_str())).collect::<Vec<_>>();
        format!(r#""acr_values_supported":{},"#, Value::from(values))
    });
    let said = |object: &str, name: &str| settings.rest.get(object)?.get(name)?.as_bool();
    let pushed = settings.pushed_authorization_requests_supported.unwrap_or(false);
    let ends = said("oidc_logout", "rp_logout_end_session_endpoint_discovery") != Some(false);
    let types: BTreeSet<&str> = tenant.apis().flat_map(|api| api.details_types()).collect();
    let details = match types.is_empty() {
        true => String::new(),
        false => format!(r#""authorization_details_types_supported":{},"#, serde_json::json!(types)),
    };
    // Keys for it are made when the first application asks for them.
    let encrypts = settings.lets_register() || tenant.request_keys.are_there();
    // The issuer is made of characters that JSON does not escape: `Origin::parse` sees to that. What is in other people's words goes
    // in last, and at once.
    let aliases = settings.mtls.as_ref().and_then(|mtls| mtls.enable_endpoint_aliases) == Some(true);
    let alias = origin.certificate_base.as_deref().filter(|_| aliases);
    let certificates = alias.map_or_else(String::new, |alias| {
        MTLS.replace("{pushed}", only(PUSHED_ALIAS, pushed)).replace("{alias}", alias)
    });
    TEMPLATE
        .replace("{mtls}", &certificates)
        .replace("{mtls_methods}", only(MTLS_METHODS, alias.is_some()))
        .replace("{described}", only(DESCRIBED, tenant.agents.client_id_metadata_documents.enabled))
        .replace("{registration}", only(REGISTRATION, settings.lets_register()))
        .replace("{encrypted_requests}", only(ENCRYPTED_REQUESTS, encrypts))
        .replace("{references}", if settings.lets_register() { REFERENCES } else { NO_REFERENCES })
        .replace("{fapi_objects}", only(FAPI_OBJECTS, tenant.has_financial_clients()))
        .replace("{fapi_assertions}", only(FAPI_ASSERTIONS, tenant.has_financial_clients()))
        .replace("{pushed}", only(PUSHED, pushed))
        .replace("{session}", only(SESSION, settings.flags.has_session_management()))
        .replace("{end_session}", only(END_SESSION, ends))
        .replace("{grants}", only(GRANTS, settings.is_oidc_strict()))
        .replace("{issuer}", &origin.issuer)
        .replace("{others}", &format!("{acr_values}{details}"))
}

/// `/.well-known/jwks.json`.
pub(crate) async fn jwks(ctx: Ctx) -> Response {
    public(ctx.tenant.jwks().clone())
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

/// The endpoints that ask for client certificates (RFC 8705, section 5).
const MTLS_METHODS: &str = r#","tls_client_auth","self_signed_tls_client_auth""#;
const PUSHED_ALIAS: &str = r#","pushed_authorization_request_endpoint":"{alias}/oauth/par""#;
const MTLS: &str = concat!(
    r#""tls_client_certificate_bound_access_tokens":true,"mtls_endpoint_aliases":{"#,
    r#""token_endpoint":"{alias}/oauth/token","userinfo_endpoint":"{alias}/userinfo","#,
    r#""revocation_endpoint":"{alias}/oauth/revoke","introspection_endpoint":"{alias}/oauth/introspect","#,
    r#""device_authorization_endpoint":"{alias}/oauth/device/code","#,
    r#""backchannel_authentication_endpoint":"{alias}/bc-authorize"{pushed}},"#,
);

/// Where applications may register themselves.
const REGISTRATION: &str = r#""registration_endpoint":"{issuer}oidc/register","#;
/// Addresses of requests, and that they are not signed, is registered with an application: there are some where applications
/// register.
const REFERENCES: &str = r#""request_uri_parameter_supported":true,"require_request_uri_registration":true,"request_object_signing_alg_values_supported":["none","RS256","RS384","PS256"{fapi_objects}],"#;
const NO_REFERENCES: &str = r#""request_uri_parameter_supported":false,"request_object_signing_alg_values_supported":["RS256","RS384","PS256"{fapi_objects}],"#;
/// What financial-grade applications sign with, and others do not; where a tenant has none the lists are those of the service that we
/// are compatible with.
const FAPI_OBJECTS: &str = r#","ES256","EdDSA""#;
const FAPI_ASSERTIONS: &str = r#","EdDSA""#;
/// What the tenant's own keys open.
const ENCRYPTED_REQUESTS: &str = concat!(
    r#""request_object_encryption_alg_values_supported":["RSA-OAEP","RSA-OAEP-256","RSA-OAEP-384","RSA-OAEP-512","#,
    r#""ECDH-ES","ECDH-ES+A128KW","ECDH-ES+A256KW"],"#,
    r#""request_object_encryption_enc_values_supported":["A128CBC-HS256","A256CBC-HS512","A128GCM","A256GCM"],"#,
);
/// Where the tenant takes requests that are sent ahead.
const PUSHED: &str = r#""pushed_authorization_request_endpoint":"{issuer}oauth/par","require_pushed_authorization_requests":false,"#;
/// Where the tenant takes applications that describe themselves at a URL.
const DESCRIBED: &str = r#""client_id_metadata_document_supported":true,"#;
/// Where the tenant has session management.
const SESSION: &str = r#""check_session_iframe":"{issuer}oidc/check_session","#;
/// Unless the tenant keeps it to itself.
const END_SESSION: &str = r#""end_session_endpoint":"{issuer}oidc/logout","#;
/// The service that we are compatible with leaves them out, which means two of them alone (OpenID Connect Discovery, section 3).
const GRANTS: &str = concat!(
    r#""grant_types_supported":["authorization_code","implicit","refresh_token","client_credentials","password","#,
    r#""urn:ietf:params:oauth:grant-type:device_code","urn:ietf:params:oauth:grant-type:token-exchange","#,
    r#""urn:ietf:params:oauth:grant-type:jwt-bearer","urn:openid:params:grant-type:ciba"],"#,
);
/// Member order as live tenants have it.
const TEMPLATE: &str = concat!(
    r#"{"issuer":"{issuer}","authorization_endpoint":"{issuer}authorize","token_endpoint":"{issuer}oauth/token","#,
    r#""device_authorization_endpoint":"{issuer}oauth/device/code","#,
    r#""backchannel_authentication_endpoint":"{issuer}bc-authorize","#,
    r#""backchannel_token_delivery_modes_supported":["poll","ping"],"#,
    r#""backchannel_authentication_request_signing_alg_values_supported":["RS256","RS384","PS256","ES256","EdDSA"],"#,
    r#""backchannel_user_code_parameter_supported":false,{grants}"#,
    r#""userinfo_endpoint":"{issuer}userinfo","mfa_challenge_endpoint":"{issuer}mfa/challenge","#,
    r#""jwks_uri":"{issuer}.well-known/jwks.json",{registration}"#,
    r#""introspection_endpoint":"{issuer}oauth/introspect","#,
    r#""revocation_endpoint":"{issuer}oauth/revoke",{pushed}{described}"#,
    r#""scopes_supported":["openid","profile","offline_access","name","given_name","family_name","nickname","email","#,
    r#""email_verified","picture","created_at","identities","phone","address"],"#,
    r#""response_types_supported":["code","token","id_token","code token","code id_token","token id_token","#,
    r#""code token id_token"],"code_challenge_methods_supported":["S256","plain"],"#,
    r#""response_modes_supported":["query","fragment","form_post","query.jwt","fragment.jwt","form_post.jwt","jwt"],"#,
    r#""authorization_signing_alg_values_supported":["RS256","PS256"],"subject_types_supported":["public","pairwise"],"#,
    r#""token_endpoint_auth_methods_supported":["client_secret_basic","client_secret_post","private_key_jwt","none"{mtls_methods}],"#,
    r#""token_endpoint_auth_signing_alg_values_supported":["RS256","RS384","PS256","PS384","ES256","ES384"{fapi_assertions}],"#,
    r#""claims_supported":["aud","auth_time","created_at","email","email_verified","exp","family_name","given_name","#,
    r#""iat","identities","iss","name","nickname","phone_number","picture","sub"],"claims_parameter_supported":true,"#,
    r#"{references}"request_parameter_supported":true,{encrypted_requests}"#,
    r#""id_token_signing_alg_values_supported":["HS256","RS256","PS256","RS512","ES256","EdDSA"],"#,
    r#""id_token_encryption_alg_values_supported":["RSA-OAEP","RSA-OAEP-256","RSA-OAEP-384","RSA-OAEP-512","ECDH-ES","ECDH-ES+A128KW","ECDH-ES+A256KW"],"#,
    r#""id_token_encryption_enc_values_supported":["A128CBC-HS256","A256CBC-HS512","A128GCM","A256GCM"],"#,
    r#""userinfo_signing_alg_values_supported":["RS256","ES256","EdDSA"],{others}"#,
    r#""userinfo_encryption_alg_values_supported":["RSA-OAEP","RSA-OAEP-256","RSA-OAEP-384","RSA-OAEP-512","ECDH-ES","ECDH-ES+A128KW","ECDH-ES+A256KW"],"#,
    r#""userinfo_encryption_enc_values_supported":["A128CBC-HS256","A256CBC-HS512","A128GCM","A256GCM"],"#,
    r#""introspection_endpoint_auth_methods_supported":["client_secret_basic","client_secret_post","private_key_jwt"{mtls_methods}],"#,
    r#"{mtls}"introspection_signing_alg_values_supported":["RS256"],"#,
    r#""dpop_signing_alg_values_supported":["ES256"],"#,
    r#""backchannel_logout_supported":true,"backchannel_logout_session_supported":true,"#,
    r#""frontchannel_logout_supported":true,"frontchannel_logout_session_supported":true,{session}{end_session}"#,
    r#""authorization_response_iss_parameter_supported":true}"#,
);
