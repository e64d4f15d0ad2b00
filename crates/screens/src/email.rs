//! The link that proves an address.

use axum::extract::RawQuery;
use axum::response::Response;
use chancery_core::ids::Handle;
use chancery_core::params::Params;
use chancery_login::csp::PageKind;
use chancery_login::pages::{EmailVerified, ErrorKind};
use chancery_web::{Ctx, Failure, found, hosted};
use http::{HeaderMap, Method, StatusCode};

/// Opening it is enough: it says that the mail arrived, no more. A HEAD opens nothing: scanners of mail send those
/// (RFC 9110 section 9.2.1).
pub(crate) async fn show(
    ctx: Ctx,
    method: Method,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    if method == Method::HEAD {
        return Ok(Response::default());
    }
    let params = Params::from_form(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let verified = match params.get("ticket").and_then(Handle::parse) {
        Some(handle) => ctx.verify_email(&handle).await?,
        None => None,
    };
    let Some(ticket) = verified else {
        let said = hosted::Said { kind: ErrorKind::UsedLink, code: None, text: None };
        return Ok(hosted::error(&ctx, &headers, StatusCode::BAD_REQUEST, said));
    };
    let message = "Your email was verified. You can continue using the application.";
    if let Some(landing) = ticket.landing(message) {
        return Ok(found(&landing));
    }
    let texts = hosted::texts(&ctx, &headers, None);
    let view = EmailVerified { frame: hosted::frame(&ctx) };
    let page = hosted::page(StatusCode::OK, view.render(&texts), PageKind::Plain, &[]);
    Ok(hosted::localized(page, &texts))
}
