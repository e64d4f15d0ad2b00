//! The page: the same for every address under `/dashboard/`, since the browser finds the screen from the address.

use axum::response::{IntoResponse, Response};
use chancery_web::{Ctx, Failure, html};
use http::header::{CONTENT_SECURITY_POLICY, X_FRAME_OPTIONS};
use http::{HeaderValue, StatusCode};

use super::files;

/// Also for addresses that no screen has: the dashboard says so itself.
pub(super) async fn show(ctx: Ctx) -> Response {
    let Some(index) = files::index() else {
        return with_policy(html(StatusCode::OK, NOT_BUILT), NOT_BUILT_POLICY);
    };
    let nonce = chancery_core::ids::hex(&*ctx.app.rng, 32);
    let response = html(StatusCode::OK, index.replace(NONCE, &nonce));
    with_policy(response, &policy(&nonce))
}

/// Where the built page has room for the nonce.
const NONCE: &str = "__NONCE__";

/// Scripts and style sheets are files of ours. The component library writes a few `<style>` elements, which the nonce
/// admits. Frames are this server's, for tokens that are renewed in silence. Pictures of users lie anywhere.
fn policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; base-uri 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; \
         img-src 'self' https: data:; font-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'; \
         frame-ancestors 'none'"
    )
}

fn with_policy(mut response: Response, policy: &str) -> Response {
    let policy = match HeaderValue::from_str(policy) {
        Ok(policy) => policy,
        Err(error) => return Failure::server(error).into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    response
}

const NOT_BUILT_POLICY: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const NOT_BUILT: &str = include_str!("../../static/dashboard-missing.html");
