//! What a person's browser posts. What cannot be read is answered with a page: it is a person who waits.

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::Response;
use chancery_core::params::Params;
use chancery_login::pages::ErrorKind;
use chancery_web::{App, Ctx, hosted, read_params};
use http::StatusCode;

/// As [`chancery_web::Form`], for pages.
pub(crate) struct Posted(pub(crate) Params);

impl FromRequest<Arc<App>> for Posted {
    type Rejection = Response;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let ctx = Ctx::from_request_parts(&mut parts, app).await?;
        read_params(&app.config, &parts.headers, body).await.map(Self).map_err(|error| {
            let said = hosted::Said {
                kind: ErrorKind::InvalidRequest,
                code: Some(error.code()),
                text: Some(&error.description()),
            };
            let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
            hosted::error(&ctx, &parts.headers, status, said)
        })
    }
}
