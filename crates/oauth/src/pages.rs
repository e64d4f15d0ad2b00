//! The pages that the Authentication API itself answers with: errors, `form_post` and `web_message`.

use axum::response::Response;
use chancery_core::oauth::{AuthorizeError, RedirectUri};
use chancery_core::params::Params;
use chancery_login::csp::{PageKind, form_target};
use chancery_login::pages::{ErrorKind, FormPost, Hidden, Link, WebMessage};
use chancery_web::{Ctx, TooManyRequests, hosted};
use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};

/// An error that cannot go to the application.
pub(crate) fn error(ctx: &Ctx, headers: &HeaderMap, status: u16, error: &AuthorizeError) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    let kind = if status == StatusCode::FORBIDDEN { ErrorKind::Forbidden } else { ErrorKind::InvalidRequest };
    hosted::error(
        ctx,
        headers,
        status,
        hosted::Said { kind, code: Some(error.code), text: Some(&error.text) },
    )
}

/// A transaction that is over, was never begun by this browser, or whose application is gone.
pub(crate) fn expired(ctx: &Ctx, headers: &HeaderMap) -> Response {
    let said = hosted::Said { kind: ErrorKind::SessionExpired, code: None, text: None };
    hosted::error(ctx, headers, StatusCode::BAD_REQUEST, said)
}

/// Too many logins begun from one address.
pub(crate) fn too_many(ctx: &Ctx, headers: &HeaderMap, wait: &TooManyRequests) -> Response {
    let said = hosted::Said { kind: ErrorKind::TooManyRequests, code: None, text: None };
    let mut response = hosted::error(ctx, headers, StatusCode::TOO_MANY_REQUESTS, said);
    response.headers_mut().insert(RETRY_AFTER, wait.retry_after.into());
    response
}

/// A form that posts itself to the application (OAuth 2.0 Form Post Response Mode).
pub(crate) fn form_post(
    ctx: &Ctx,
    headers: &HeaderMap,
    to: &RedirectUri,
    client_name: &str,
    answer: &Params,
) -> Response {
    let Some(target) = Link::new(to.as_str()) else {
        return error(
            ctx,
            headers,
            400,
            &AuthorizeError::invalid("form_post needs an http or https redirect_uri"),
        );
    };
    let fields = answer.pairs().map(|(n, v)| Hidden { name: n.to_owned(), value: v.to_owned() }).collect();
    let page = FormPost { frame: hosted::frame(ctx), client_name: client_name.to_owned(), target, fields };
    let targets: Vec<String> = form_target(to.as_str()).into_iter().collect();
    hosted::page(
        StatusCode::OK,
        page.render(&hosted::texts(ctx, headers, None)),
        PageKind::FormPost,
        &targets,
    )
}

/// A message to the window that framed or opened this one.
pub(crate) fn web_message(ctx: &Ctx, headers: &HeaderMap, to: &RedirectUri, answer: &Params) -> Response {
    let Some(target_origin) = to.origin() else {
        return error(
            ctx,
            headers,
            400,
            &AuthorizeError::invalid("web_message needs an http or https redirect_uri"),
        );
    };
    let number = |name: &str, value: &str| match name {
        "expires_in" => value.parse::<i64>().map_or_else(|_| value.into(), serde_json::Value::from),
        _ => value.into(),
    };
    let response = answer.pairs().map(|(n, v)| (n.to_owned(), number(n, v))).collect();
    let page = WebMessage { target_origin, response };
    hosted::page(StatusCode::OK, page.render(&hosted::texts(ctx, headers, None)), PageKind::WebMessage, &[])
}
