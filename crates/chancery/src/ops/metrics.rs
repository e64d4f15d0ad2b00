//! Figures for Prometheus, on a port of their own.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use chancery_web::App;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use super::health;

/// Begins to count. Once in a process, before the first request.
///
/// # Errors
/// Where counting was begun before.
pub fn start() -> Result<PrometheusHandle> {
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &BUCKETS)?
        .build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|_| anyhow!("metrics were begun before"))?;
    metrics::describe_counter!("chancery_http_requests_total", "Requests answered, by route and status");
    metrics::describe_histogram!("chancery_http_request_seconds", "Time to answer, by route and status");
    metrics::describe_gauge!("chancery_signatures_waiting", "Tokens waiting for an RSA signature");
    metrics::describe_gauge!("chancery_passwords_waiting", "Passwords waiting to be hashed");
    metrics::describe_gauge!("chancery_tenant_log_events_lost", "Tenant log events lost since the start");
    Ok(handle)
}

/// The routes of the port: `/metrics`, `/healthz`, `/readyz`.
pub fn routes(handle: PrometheusHandle, app: &Arc<App>) -> Router {
    let figures = {
        let app = Arc::clone(app);
        move || {
            let (handle, app) = (handle.clone(), Arc::clone(&app));
            async move { render(&handle, &app) }
        }
    };
    Router::new().route("/metrics", get(figures)).merge(health::routes().with_state(Arc::clone(app)))
}

fn render(handle: &PrometheusHandle, app: &App) -> Response {
    metrics::gauge!("chancery_signatures_waiting").set(float(app.signer.waiting()));
    metrics::gauge!("chancery_passwords_waiting").set(float(app.hasher.waiting()));
    let lost = usize::try_from(app.logs.lost()).unwrap_or(usize::MAX);
    metrics::gauge!("chancery_tenant_log_events_lost").set(float(lost));
    let mut response = chancery_web::text(StatusCode::OK, handle.render());
    let content_type = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// Keeps the memory of histograms bounded where nobody scrapes.
pub async fn upkeep(handle: PrometheusHandle) {
    let mut ticks = tokio::time::interval(Duration::from_secs(5));
    loop {
        ticks.tick().await;
        handle.run_upkeep();
    }
}

#[expect(clippy::cast_precision_loss, reason = "queues are shorter than 2^52")]
fn float(n: usize) -> f64 {
    n as f64
}

/// From a cached answer to a password: seconds.
const BUCKETS: [f64; 12] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5];
