//! `GET /oidc/initiate`: a login that somebody else than the application begins (OpenID Connect Core 4). The browser is led to where
//! the application begins its logins, and to no other place.

use axum::extract::RawQuery;
use axum::response::Response;
use chancery_core::oauth::AuthorizeError;
use chancery_core::params::Params;
use chancery_web::{Ctx, Failure, found};
use http::HeaderMap;

use crate::pages;

/// Characters of a hint that are passed on.
const LONGEST_HINT: usize = 254;

/// To the application's `initiate_login_uri`, with who asks (`iss`) and whom for (`login_hint`). Where it goes afterwards is the
/// application's to know.
pub(crate) async fn initiate(
    ctx: Ctx,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let params = Params::from_form(query.unwrap_or_default().as_bytes())?;
    let refuse = |text: &str| Ok(pages::error(&ctx, &headers, 400, &AuthorizeError::invalid(text)));
    let Some(client) = params.get("client_id").and_then(|id| ctx.tenant.client(id)) else {
        return refuse("client_id names no application");
    };
    let Some(uri) = client.initiate_login_uri.as_deref().filter(|uri| uri.starts_with("https://")) else {
        return refuse("The application has no initiate_login_uri");
    };
    // Anybody can register a place to be led to; errors of such applications lead nowhere either (fact sheet 1.11).
    if client.shows_errors_on_page() {
        return refuse("The application is somebody else's: this server leads nobody there");
    }
    let mut added = Params::default();
    added.push("iss", ctx.origin.issuer.as_str());
    if let Some(hint) = params.get("login_hint") {
        added.push("login_hint", hint.chars().take(LONGEST_HINT).collect::<String>());
    }
    // What stands behind a fragment would reach nobody's server.
    let uri = uri.split('#').next().unwrap_or_default();
    let joint = if uri.contains('?') { '&' } else { '?' };
    Ok(found(&format!("{uri}{joint}{}", added.encode())))
}
