//! Answers. Whatever can carry a token or a cookie is never stored by a cache (security case 21).

use axum::body::Body;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION, PRAGMA, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;

use crate::errors::server_error;

/// JSON that no cache keeps.
pub fn json<T: Serialize + ?Sized>(status: StatusCode, value: &T) -> Response {
    // Room for a token answer without growing on the way.
    let mut body = Vec::with_capacity(1536);
    match serde_json::to_writer(&mut body, value) {
        Ok(()) => with_type(status, "application/json", body),
        Err(e) => server_error(format!("an answer has no JSON form: {e}")),
    }
}

/// Plain text that no cache keeps.
pub fn text(status: StatusCode, body: impl Into<String>) -> Response {
    with_type(status, "text/plain; charset=utf-8", body.into().into_bytes())
}

/// A page that no cache keeps.
pub fn html(status: StatusCode, body: impl Into<String>) -> Response {
    with_type(status, "text/html; charset=utf-8", body.into().into_bytes())
}

/// 204 that no cache keeps.
pub fn no_content() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    no_store(response)
}

/// 302, as the front channel of OAuth uses.
pub fn found(location: &str) -> Response {
    redirect(StatusCode::FOUND, location)
}

/// 303: the browser continues with GET whatever it sent.
pub fn see_other(location: &str) -> Response {
    redirect(StatusCode::SEE_OTHER, location)
}

/// Tells every cache to keep nothing (RFC 6749 section 5.1).
pub fn no_store(mut response: Response) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// The location goes out byte for byte: what was validated is what is sent (security case 4).
fn redirect(status: StatusCode, location: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(location) else {
        return server_error("a redirect cannot be written as a header".to_owned());
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response.headers_mut().insert(LOCATION, location);
    no_store(response)
}

fn with_type(status: StatusCode, content_type: &'static str, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    no_store(response)
}

/// Where descriptions of APIs stand (RFC 9728, section 3), without the slash before it.
pub const PROTECTED_RESOURCE: &str = ".well-known/oauth-protected-resource";

/// Adds to the challenge of an answer, where it has one for tokens, where the API is described that gave it (RFC 9728,
/// section 5.1).
pub fn point_to_description(response: &mut Response, url: &str) {
    let Some(text) = response.headers().get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok()) else {
        return;
    };
    if !text.starts_with("Bearer ") && !text.starts_with("DPoP ") {
        return;
    }
    if let Ok(text) = HeaderValue::try_from(format!("{text}, resource_metadata=\"{url}\"")) {
        response.headers_mut().insert(WWW_AUTHENTICATE, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_stored() {
        for response in [
            json(StatusCode::OK, "x"),
            text(StatusCode::OK, "x"),
            html(StatusCode::OK, "x"),
            no_content(),
            found("https://app.example/cb?code=1"),
            see_other("/u/login"),
        ] {
            assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
        }
    }

    #[test]
    fn a_location_cannot_smuggle_headers() {
        let response = found("https://app.example/\r\nset-cookie: a=b");
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!response.headers().contains_key(LOCATION));
    }
}
