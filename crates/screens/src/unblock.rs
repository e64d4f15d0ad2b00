//! The link that lifts a block after wrong passwords.

use axum::extract::RawQuery;
use axum::response::Response;
use chancery_core::ids::Handle;
use chancery_core::params::Params;
use chancery_login::csp::PageKind;
use chancery_login::pages::{ErrorKind, Form, Unblock, Unblocked};
use chancery_web::{Ctx, Failure, hosted};
use http::{HeaderMap, StatusCode};

use crate::form::Posted;
use crate::screen::{is_same_origin, path_link, refused};

pub(crate) const PAGE: &str = "/u/unblock";

/// The page that the link leads to. Showing it lifts nothing: mail scanners open links too.
pub(crate) async fn show(
    ctx: Ctx,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let params = Params::from_form(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let Some(handle) = params.get("ticket").and_then(Handle::parse) else {
        return Ok(bad_link(&ctx, &headers));
    };
    let Some(ticket) = ctx.unblock_ticket(&handle).await? else { return Ok(bad_link(&ctx, &headers)) };
    let texts = hosted::texts(&ctx, &headers, None);
    let form = Form { action: path_link(PAGE), state: handle.expose(), csrf: None };
    let view = Unblock { frame: hosted::frame(&ctx), form, email: ticket.email };
    Ok(hosted::localized(hosted::page(StatusCode::OK, view.render(&texts), PageKind::Plain, &[]), &texts))
}

/// The button on it.
pub(crate) async fn submit(
    ctx: Ctx,
    headers: HeaderMap,
    Posted(params): Posted,
) -> Result<Response, Failure> {
    if !is_same_origin(&ctx, &headers) {
        return Ok(refused(&ctx, &headers));
    }
    let handle = params.get("state").filter(|_| params.repeated().is_none()).and_then(Handle::parse);
    let is_lifted = match handle {
        Some(handle) => ctx.unblock_by_link(&handle).await?,
        None => false,
    };
    if !is_lifted {
        return Ok(bad_link(&ctx, &headers));
    }
    let texts = hosted::texts(&ctx, &headers, None);
    let view = Unblocked { frame: hosted::frame(&ctx) };
    Ok(hosted::localized(hosted::page(StatusCode::OK, view.render(&texts), PageKind::Plain, &[]), &texts))
}

fn bad_link(ctx: &Ctx, headers: &HeaderMap) -> Response {
    let said = hosted::Said { kind: ErrorKind::UsedLink, code: None, text: None };
    hosted::error(ctx, headers, StatusCode::BAD_REQUEST, said)
}
