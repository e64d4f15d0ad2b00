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

use super::{health, process};

/// What is counted, and since when.
#[derive(Clone)]
pub struct Figures {
    recorded: PrometheusHandle,
    started: f64,
}

/// Begins to count. Once in a process, as soon as it starts: that is the time of its start that it tells.
///
/// # Errors
/// Where counting was begun before.
pub fn start() -> Result<Figures> {
    let started = process::now();
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &BUCKETS)?
        .build_recorder();
    let recorded = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|_| anyhow!("metrics were begun before"))?;
    describe();
    metrics::gauge!("chancery_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    Ok(Figures { recorded, started })
}

/// Every name that is counted anywhere: without this an operator sees a number and has to guess.
fn describe() {
    metrics::describe_gauge!("chancery_build_info", "1, with the version that runs");
    metrics::describe_gauge!("chancery_database_up", "1 while the database answers, else 0");
    metrics::describe_counter!("chancery_http_requests_total", "Requests answered, by route and status");
    metrics::describe_histogram!("chancery_http_request_seconds", "Time to answer, by route and status");
    metrics::describe_counter!(
        "chancery_overload_refused_total",
        "Requests turned away with 503, because more came than the cores can serve"
    );
    metrics::describe_gauge!("chancery_passwords_waiting", "Passwords waiting to be hashed");
    metrics::describe_gauge!("chancery_signatures_waiting", "Tokens waiting for an RSA signature");
    metrics::describe_counter!("chancery_tenant_log_events_lost_total", "Tenant log events that were lost");
}

/// The routes of the port: `/metrics`, `/healthz`, `/readyz`.
pub fn routes(figures: Figures, app: &Arc<App>) -> Router {
    let rendered = {
        let app = Arc::clone(app);
        move || {
            let (figures, app) = (figures.clone(), Arc::clone(&app));
            async move { render(&figures, &app).await }
        }
    };
    Router::new().route("/metrics", get(rendered)).merge(health::inner_routes().with_state(Arc::clone(app)))
}

async fn render(figures: &Figures, app: &App) -> Response {
    // What `/readyz` asks first. While PostgreSQL is known to be away this says so without asking.
    let is_up = app.store.ping().await.is_ok();
    metrics::gauge!("chancery_database_up").set(if is_up { 1.0 } else { 0.0 });
    metrics::gauge!("chancery_signatures_waiting").set(float(app.signer.waiting()));
    metrics::gauge!("chancery_passwords_waiting").set(float(app.hasher.waiting()));
    metrics::counter!("chancery_tenant_log_events_lost_total").absolute(app.logs.lost());
    let text = figures.recorded.render() + &process::figures(figures.started);
    let mut response = chancery_web::text(StatusCode::OK, text);
    let content_type = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// Keeps the memory of histograms bounded where nobody scrapes.
pub async fn upkeep(figures: Figures) {
    let mut ticks = tokio::time::interval(Duration::from_secs(5));
    loop {
        ticks.tick().await;
        figures.recorded.run_upkeep();
    }
}

#[expect(clippy::cast_precision_loss, reason = "queues are shorter than 2^52")]
fn float(n: usize) -> f64 {
    n as f64
}

/// From a cached answer to a password: seconds.
const BUCKETS: [f64; 12] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5];
