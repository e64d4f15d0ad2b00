//! Bodies of requests: bounded in size and in time.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use chancery_core::nesting;
use chancery_core::oauth::OAuthError;
use chancery_core::params::{Params, ParamsError};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::Value;

use crate::{App, Failure, ServerConfig};

/// Why a body cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// Larger than allowed: 413.
    #[error("The request is too large")]
    TooLarge,
    /// Did not arrive in time: 408.
    #[error("The body of the request did not arrive in time")]
    TooSlow,
    /// The connection broke.
    #[error("The body of the request is incomplete")]
    Incomplete,
    /// Neither of the content types that are read here: 415.
    #[error("The content type is not supported")]
    ContentType,
    /// Not the JSON or the form that it says it is.
    #[error(transparent)]
    Malformed(#[from] ParamsError),
}

impl BodyError {
    /// The status that goes with it.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Incomplete | Self::Malformed(_) => StatusCode::BAD_REQUEST,
        }
    }
}

impl From<BodyError> for OAuthError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::TooLarge,
            BodyError::ContentType => Self::ContentType,
            BodyError::Malformed(why) => Self::Malformed(why),
            BodyError::TooSlow => {
                Self::Denied { code: "invalid_request", status: 408, text: error.to_string() }
            }
            BodyError::Incomplete => Self::Invalid(error.to_string()),
        }
    }
}

/// The parameters of a form or JSON body; none where there is no body.
///
/// # Errors
/// [`OAuthError::TooLarge`], [`OAuthError::ContentType`], [`OAuthError::Malformed`], or 408 where the body dawdles.
pub async fn read_params(
    config: &ServerConfig,
    headers: &HeaderMap,
    body: Body,
) -> Result<Params, OAuthError> {
    let bytes = read_bytes(config, headers, body).await?;
    match media_type(headers) {
        Some(kind) if kind.eq_ignore_ascii_case(FORM) => Ok(Params::from_form(&bytes)?),
        Some(kind) if kind.eq_ignore_ascii_case(JSON) => Ok(Params::from_json(&bytes)?),
        None if bytes.is_empty() => Ok(Params::default()),
        _ => Err(OAuthError::ContentType),
    }
}

/// A JSON body of any shape; `null` where there is no body.
///
/// # Errors
/// See [`BodyError`].
pub async fn read_json(config: &ServerConfig, headers: &HeaderMap, body: Body) -> Result<Value, BodyError> {
    let value = read_any_json(config, headers, body).await?;
    // Here, so that no handler need think of it: whatever is kept of a body can be read again wherever it lies.
    if nesting::is_too_deep(&value) { Err(ParamsError::TooDeep.into()) } else { Ok(value) }
}

/// The same of what is kept nowhere but carries other bodies, whose depth is judged where they are used.
///
/// # Errors
/// See [`BodyError`].
pub async fn read_any_json(
    config: &ServerConfig,
    headers: &HeaderMap,
    body: Body,
) -> Result<Value, BodyError> {
    let bytes = read_bytes(config, headers, body).await?;
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    match media_type(headers) {
        Some(kind) if kind.eq_ignore_ascii_case(JSON) => {
            serde_json::from_slice(&bytes).map_err(|_| ParamsError::NotJson.into())
        }
        _ => Err(BodyError::ContentType),
    }
}

/// A body that is a page itself as a JSON text: by its type (`text/html`), or by how it begins, since the wire's own SDKs send
/// pages as `application/json`. Any other body as [`read_json`].
///
/// # Errors
/// See [`BodyError`].
pub async fn read_json_or_page(
    config: &ServerConfig,
    headers: &HeaderMap,
    body: Body,
) -> Result<Value, BodyError> {
    let bytes = read_bytes(config, headers, body).await?;
    let is_page = media_type(headers).is_some_and(|kind| kind.eq_ignore_ascii_case("text/html"));
    // No JSON begins so.
    if is_page || bytes.trim_ascii_start().starts_with(b"<") {
        return String::from_utf8(bytes.into()).map(Value::String).map_err(|_| ParamsError::NotJson.into());
    }
    read_json(config, headers, Body::from(bytes)).await
}

/// A form with files (`multipart/form-data`, RFC 7578) as an object: each part is a text under its name, `true` and `false`
/// are what they say. Any other body as [`read_json`].
///
/// # Errors
/// See [`BodyError`].
pub async fn read_json_or_form(
    config: &ServerConfig,
    headers: &HeaderMap,
    body: Body,
) -> Result<Value, BodyError> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let Ok(boundary) = multer::parse_boundary(kind) else { return read_json(config, headers, body).await };
    let bytes = read_bytes(config, headers, body).await?;
    let mut parts = multer::Multipart::new(Body::from(bytes).into_data_stream(), boundary);
    let mut object = serde_json::Map::new();
    while let Some(part) = parts.next_field().await.map_err(|_| BodyError::from(ParamsError::NotJson))? {
        let Some(name) = part.name().map(str::to_owned) else { continue };
        let text = part.text().await.map_err(|_| BodyError::from(ParamsError::NotJson))?;
        let value = match text.as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => Value::String(text),
        };
        if object.insert(name, value).is_some() || object.len() > MOST_PARTS {
            return Err(ParamsError::NotJson.into());
        }
    }
    Ok(Value::Object(object))
}

/// More parts than any form of ours has.
const MOST_PARTS: usize = 100;

/// The whole body.
///
/// # Errors
/// [`BodyError::TooLarge`], [`BodyError::TooSlow`] or [`BodyError::Incomplete`].
pub async fn read_bytes(config: &ServerConfig, headers: &HeaderMap, body: Body) -> Result<Bytes, BodyError> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
    if announced.is_some_and(|length: u64| length > config.max_body as u64) {
        return Err(BodyError::TooLarge);
    }
    let whole = Limited::new(body, config.max_body).collect();
    match tokio::time::timeout(config.body_timeout, whole).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(e)) if e.is::<LengthLimitError>() => Err(BodyError::TooLarge),
        Ok(Err(_)) => Err(BodyError::Incomplete),
        Err(_) => Err(BodyError::TooSlow),
    }
}

/// An extractor for [`read_params`].
#[derive(Clone, Debug, Default)]
pub struct Form(pub Params);

impl FromRequest<Arc<App>> for Form {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        Ok(Self(read_params(&app.config, &parts.headers, body).await?))
    }
}

/// Without its parameters: `charset` is UTF-8 whatever it says (RFC 8259 section 11, URL standard).
fn media_type(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or_default().trim())
}

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};
    use std::time::Duration;

    use hyper::body::Frame;

    use super::*;

    fn config() -> ServerConfig {
        ServerConfig { max_body: 64, body_timeout: Duration::from_millis(20), ..ServerConfig::default() }
    }

    fn headers(content_type: Option<&str>) -> HeaderMap {
        content_type.map(|c| (CONTENT_TYPE, c.parse().unwrap())).into_iter().collect()
    }

    async fn params(content_type: Option<&str>, body: impl Into<Body>) -> Result<Params, OAuthError> {
        read_params(&config(), &headers(content_type), body.into()).await
    }

    #[tokio::test]
    async fn form_json_and_nothing() {
        let form = params(Some("application/x-www-form-urlencoded; charset=utf-8"), "a=1").await.unwrap();
        let json = params(Some("Application/JSON"), r#"{"a":"1"}"#).await.unwrap();
        assert!(form == json);
        assert!(params(None, "").await.unwrap() == Params::default());
    }

    #[tokio::test]
    async fn hostile() {
        assert_eq!(params(None, "a=1").await, Err(OAuthError::ContentType));
        assert_eq!(params(Some("text/plain"), "a=1").await, Err(OAuthError::ContentType));
        assert_eq!(params(Some("application/jsonp"), "{}").await, Err(OAuthError::ContentType));
        assert_eq!(params(Some(JSON), "{").await, Err(OAuthError::Malformed(ParamsError::NotJson)));
        assert_eq!(params(Some(FORM), "a".repeat(65)).await, Err(OAuthError::TooLarge));
        let mut lying = headers(Some(FORM));
        lying.insert(CONTENT_LENGTH, "10000000000".parse().unwrap());
        assert_eq!(read_params(&config(), &lying, Body::empty()).await, Err(OAuthError::TooLarge));
        let deep = "[".repeat(60);
        assert_eq!(
            read_json(&config(), &headers(Some(JSON)), deep.into()).await,
            Err(BodyError::Malformed(ParamsError::NotJson))
        );
        assert_eq!(read_json(&config(), &headers(None), Body::empty()).await, Ok(Value::Null));
    }

    #[tokio::test]
    async fn a_body_that_dawdles() {
        let never = Body::new(Never);
        let error = params(Some(FORM), never).await.unwrap_err();
        assert_eq!(error.status(), 408);
    }

    struct Never;
    impl axum::body::HttpBody for Never {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            Poll::Pending
        }
    }
}
