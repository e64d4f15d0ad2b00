//! Whether the process lives, and whether it can serve.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use chancery_web::App;
use http::StatusCode;
use serde_json::{Value, json};

/// `/healthz` answers while the process does; `/readyz` also needs the database and the keys of every tenant, and says no as
/// soon as the process is told to stop, so that nobody new is sent to it. Whoever asks, by whatever name, is told no more.
pub fn routes() -> Router<Arc<App>> {
    let answer =
        |State(app): State<Arc<App>>| async move { ready(&app, |_| json!({ "status": "ok" })).await };
    Router::new().route("/healthz", get(alive)).route("/readyz", get(answer))
}

/// The same for the operator's own port: how many tenants are served is nobody else's business.
pub fn inner_routes() -> Router<Arc<App>> {
    let said = |tenants| json!({ "status": "ok", "tenants": tenants });
    let answer = move |State(app): State<Arc<App>>| async move { ready(&app, said).await };
    Router::new().route("/healthz", get(alive)).route("/readyz", get(answer))
}

async fn alive() -> Response {
    chancery_web::json(StatusCode::OK, &json!({ "status": "ok" }))
}

/// Needs no tenant by host: those who ask are probes, which call an address.
async fn ready(app: &App, said: impl Fn(usize) -> Value) -> Response {
    match check(app).await {
        Ok(tenants) => chancery_web::json(StatusCode::OK, &said(tenants)),
        Err(reason) => {
            tracing::warn!("not ready: {reason}");
            let body = json!({ "status": "unavailable", "reason": reason });
            chancery_web::json(StatusCode::SERVICE_UNAVAILABLE, &body)
        }
    }
}

/// Words without details: what the database said goes to the log.
async fn check(app: &App) -> Result<usize, &'static str> {
    if app.stopping.is_cancelled() {
        return Err("the server is stopping");
    }
    let away = |error: chancery_store::Error| {
        tracing::warn!("the database does not answer: {error}");
        "the database does not answer"
    };
    app.store.ping().await.map_err(away)?;
    let tenants = app.store.tenants().await.map_err(away)?;
    for tenant in &tenants {
        let snapshot = app.catalog.snapshot(&tenant.id).await.map_err(|error| {
            tracing::warn!("the configuration of tenant {} cannot be loaded: {error}", tenant.id);
            "the configuration of a tenant cannot be loaded"
        })?;
        if snapshot.keys.current(chancery_jose::Algorithm::RS256).is_none() {
            return Err("a tenant has no signing key");
        }
    }
    Ok(tenants.len())
}
