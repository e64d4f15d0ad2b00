//! Requests to dev mode's own routes.

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use chancery_web::{App, Failure, read_json};
use http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::json;

/// A JSON body. JSON alone is heard: a page of another site cannot send it without asking first, and is told no. `how` is
/// what a caller is told whose body is something else.
pub(super) async fn read<T: DeserializeOwned>(app: &App, request: Request, how: &str) -> Result<T, Response> {
    let (parts, body) = request.into_parts();
    let value = read_json(&app.config, &parts.headers, body)
        .await
        .map_err(|error| Failure::from(error).into_response())?;
    // A list would do for a struct whose members have defaults.
    let wish = if value.is_object() { serde_json::from_value(value).ok() } else { None };
    wish.ok_or_else(|| {
        let body = json!({ "error": "invalid_request", "error_description": how });
        chancery_web::json(StatusCode::BAD_REQUEST, &body)
    })
}
