//! The dashboard: the files of `ui/dashboard/dist`, served as they are, and what it must know of the tenant called.
//!
//! The files are there when they were built before this crate (`make dashboard`). Without them everything else works, and
//! `/dashboard/` says how to add them.

mod files;
mod page;

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chancery_core::dashboard::{CLIENT_ID, PATH};
use chancery_web::{App, Ctx, found, json, text};
use http::{HeaderMap, StatusCode};
use serde::Serialize;

/// The routes under `/dashboard`.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/dashboard", get(|| async { found(PATH) }))
        .route("/dashboard/", get(page::show))
        .route("/dashboard/config.json", get(config))
        .route("/dashboard/assets/{name}", get(asset))
        .route("/dashboard/{*path}", get(page::show))
}

/// Whether this build has it.
pub(crate) fn is_built() -> bool {
    files::index().is_some()
}

/// What the dashboard signs in with.
#[derive(Serialize)]
struct Config<'a> {
    client_id: &'a str,
    audience: &'a str,
}

async fn config(ctx: Ctx) -> Response {
    if ctx.tenant.client(CLIENT_ID).is_none() {
        return text(StatusCode::NOT_FOUND, NO_APPLICATION);
    }
    let audience = &*ctx.origin.management_audience;
    json(StatusCode::OK, &Config { client_id: CLIENT_ID, audience })
}

const NO_APPLICATION: &str = "This tenant has no application for the dashboard. `chancery admin create` makes \
    it, with a first administrator.";

async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    match files::asset(&name, &headers) {
        Some(response) => response,
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
