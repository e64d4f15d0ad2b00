//! Style sheet, scripts and pictures of the pages; the name holds a digest of the content.

use axum::body::Body;
use axum::extract::Path;
use axum::response::Response;
use chancery_login::assets::asset;
use chancery_web::text;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};

/// `/u/static/{name}`.
pub(crate) async fn file(Path(name): Path<String>) -> Response {
    let Some(asset) = asset(&name) else { return text(StatusCode::NOT_FOUND, "Not found") };
    let mut response = Response::new(Body::from(asset.bytes.into_owned()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(asset.cache_control));
    headers.insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
    response
}
