//! Style and script of dev mode's pages, compiled in.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

/// Never kept by browsers: the next build may have others under the same name.
pub(super) async fn asset(Path(name): Path<String>) -> Response {
    let (content_type, text) = match name.as_str() {
        "dev.css" => ("text/css; charset=utf-8", include_str!("../../static/dev.css")),
        "dev.js" => ("text/javascript; charset=utf-8", include_str!("../../static/dev.js")),
        "callback.js" => ("text/javascript; charset=utf-8", include_str!("../../static/callback.js")),
        "mark.svg" => ("image/svg+xml", include_str!("../../static/mark.svg")),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    ([(CONTENT_TYPE, content_type), (CACHE_CONTROL, "no-cache")], text).into_response()
}
