//! Faults of ours, and limits, where a browser waits for a page: 429, 500 and 503 as a page, whichever handler they come from.

use axum::response::Response;
use chancery_login::pages::ErrorKind;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderName, StatusCode};

use crate::errors::Cause;
use crate::{Ctx, hosted};

/// What is needed to show a page to whoever sent this; `None` where it is a program.
pub(crate) fn shown_to(parts: &Parts) -> Option<Parts> {
    let is_page = PAGES.iter().any(|path| parts.uri.path().starts_with(path));
    (is_page && hosted::prefers_html(&parts.headers)).then(|| parts.clone())
}

/// Whether the answer is a fault of ours or a limit, and no page.
pub(crate) fn is_one(response: &Response) -> bool {
    let is_json = |kind: &http::HeaderValue| kind.as_bytes().starts_with(b"application/json");
    AS_PAGES.contains(&response.status()) && response.headers().get(CONTENT_TYPE).is_some_and(is_json)
}

/// The page, with what the failure says beside its text.
pub(crate) fn page(mut failure: Response, browser: &Parts, ctx: &Ctx) -> Response {
    let status = failure.status();
    let (kind, code) = match status {
        StatusCode::TOO_MANY_REQUESTS => (ErrorKind::TooManyRequests, "too_many_requests"),
        StatusCode::SERVICE_UNAVAILABLE => (ErrorKind::Unavailable, "temporarily_unavailable"),
        _ => (ErrorKind::ServerError, "server_error"),
    };
    let said = hosted::Said { kind, code: Some(code), text: None };
    let mut page = hosted::error(ctx, &browser.headers, status, said);
    for name in WAITS {
        if let Some(value) = failure.headers_mut().remove(&name) {
            page.headers_mut().insert(name, value);
        }
    }
    if let Some(cause) = failure.extensions_mut().remove::<Cause>() {
        page.extensions_mut().insert(cause);
    }
    page
}

const AS_PAGES: [StatusCode; 3] =
    [StatusCode::TOO_MANY_REQUESTS, StatusCode::INTERNAL_SERVER_ERROR, StatusCode::SERVICE_UNAVAILABLE];
/// How long to wait, and for what.
const WAITS: [HeaderName; 4] = [
    RETRY_AFTER,
    HeaderName::from_static("x-ratelimit-limit"),
    HeaderName::from_static("x-ratelimit-remaining"),
    HeaderName::from_static("x-ratelimit-reset"),
];
/// Where people are.
const PAGES: [&str; 5] = ["/authorize", "/u/", "/login", "/v2/logout", "/oidc/logout"];
