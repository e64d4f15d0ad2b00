//! Descriptions of APIs (RFC 9728): which server gives tokens for them, and of which scopes. An API on a host of its own points
//! here from its `WWW-Authenticate` (`resource_metadata`), or leads its own `/.well-known/oauth-protected-resource` here.

use axum::body::Body;
use axum::extract::{Path, RawQuery};
use axum::response::Response;
use chancery_core::model::Api;
use chancery_core::oauth::OAuthError;
use chancery_core::params::Params;
use chancery_core::scope::STANDARD;
use chancery_jose::{base64url, sha256};
use chancery_web::{Ctx, Failure, PROTECTED_RESOURCE};
use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH,
};
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};

/// `?resource=IDENTIFIER`: the API of that identifier. Identifiers are names rather than paths, and a path would have to be
/// escaped twice by some who stand in between.
pub(crate) async fn named(
    ctx: Ctx,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let params = Params::from_form(query.unwrap_or_default().as_bytes())?;
    if params.all("resource").nth(1).is_some() {
        return Err(OAuthError::Repeated("resource".to_owned()).into());
    }
    let resource = params.get("resource").ok_or(OAuthError::Missing("resource"))?;
    answer(&ctx, &headers, resource)
}

/// Below the path: what stands at this origin itself, as RFC 9728 has it in section 3.1.
pub(crate) async fn own(ctx: Ctx, headers: HeaderMap, Path(path): Path<String>) -> Result<Response, Failure> {
    let resource = format!("{}/{path}", ctx.origin.base);
    // The Management API ends in a slash, which those who build the address may leave out.
    let with_slash = format!("{resource}/");
    let is_there = ctx.tenant.resolve_api(&ctx.origin, &with_slash).is_some();
    answer(&ctx, &headers, if is_there { &with_slash } else { &resource })
}

fn answer(ctx: &Ctx, headers: &HeaderMap, resource: &str) -> Result<Response, Failure> {
    let members = match ctx.tenant.resolve_api(&ctx.origin, resource) {
        Some(api) if ctx.tenant.agents.protected_resource_metadata.shows(api) => of_api(ctx, api),
        _ if *resource == ctx.origin.userinfo_audience => of_userinfo(ctx),
        // What is hidden looks like what is not there.
        _ => return Err(nothing().into()),
    };
    let body = Value::Object(members).to_string();
    let tag = format!("\"{}\"", base64url(&sha256(body.as_bytes())[..18]));
    let is_known = headers.get(IF_NONE_MATCH).and_then(|v| v.to_str().ok()).is_some_and(|known| {
        known.split(',').any(|one| one.trim().trim_start_matches("W/") == tag || one.trim() == "*")
    });
    let mut response = Response::new(if is_known { Body::empty() } else { Body::from(body) });
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(ETAG, tag);
    }
    Ok(response)
}

fn nothing() -> OAuthError {
    OAuthError::Denied {
        code: "not_found",
        status: 404,
        text: format!(
            "There is no such API. Ask for /{PROTECTED_RESOURCE}?resource= with the identifier of an API, escaped."
        ),
    }
}

/// What anybody may know: nothing here says who may have it.
fn of_api(ctx: &Ctx, api: &Api) -> Map<String, Value> {
    let mut members = begun(ctx, &ctx.origin.absolute(&api.identifier));
    if let Some(name) = &api.name {
        members.insert("resource_name".to_owned(), name.as_str().into());
    }
    let scopes: Vec<&str> = api.live_scopes().collect();
    if !scopes.is_empty() {
        members.insert("scopes_supported".to_owned(), json!(scopes));
    }
    // Only where it is demanded of all: for some is more than the member can say.
    let demanded = api
        .proof_of_possession
        .as_ref()
        .filter(|proof| proof.required && proof.required_for.as_deref() != Some("public_clients"));
    match demanded.map(|proof| proof.mechanism.as_str()) {
        Some("dpop") => {
            members.insert("dpop_bound_access_tokens_required".to_owned(), true.into());
            members.insert("dpop_signing_alg_values_supported".to_owned(), json!(["ES256"]));
        }
        Some("mtls") => {
            members.insert("tls_client_certificate_bound_access_tokens".to_owned(), true.into());
        }
        _ => {}
    }
    members
}

fn of_userinfo(ctx: &Ctx) -> Map<String, Value> {
    let mut members = begun(ctx, &ctx.origin.userinfo_audience);
    members.insert("scopes_supported".to_owned(), json!(STANDARD));
    members
}

fn begun(ctx: &Ctx, resource: &str) -> Map<String, Value> {
    let members = [
        ("resource", json!(resource)),
        ("authorization_servers", json!([ctx.origin.issuer])),
        ("bearer_methods_supported", json!(["header"])),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
