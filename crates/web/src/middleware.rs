//! What happens around every request, once: an id, CORS, a time limit, a net under panics, headers for browsers, the
//! access log and the figures.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use chancery_core::Rng;
use http::header::{
    HeaderName, HeaderValue, ORIGIN, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::{HeaderMap, Method};
use tokio::time::Instant;

use crate::cors::{self, Grant};
use crate::errors::{Cause, server_error};
use crate::{App, Ctx, Peer, RequestId, context};

/// Puts everything around the routes and gives them their state. Unknown paths and methods are answered as JSON, unless a
/// nested router has a fallback of its own.
pub fn wrap(routes: Router<Arc<App>>, app: &Arc<App>) -> Router {
    routes
        .fallback(context::not_found)
        .method_not_allowed_fallback(context::method_not_allowed)
        .layer(from_fn_with_state(Arc::clone(app), around))
        .with_state(Arc::clone(app))
}

async fn around(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    let (mut parts, body) = request.into_parts();
    let id = app.request_ids.next();
    parts.extensions.insert(RequestId(Arc::clone(&id)));
    let method = parts.method.clone();
    let route = parts.extensions.get::<MatchedPath>().cloned();
    let hsts = !app.config.dev && Peer::of(&parts).is_secure(&parts, &app);
    let grant = if parts.headers.contains_key(ORIGIN) { Some(grant(&mut parts, &app).await) } else { None };

    let mut response = match grant {
        Some(grant) if cors::is_preflight(&method, &parts.headers) => cors::preflight(grant),
        grant => {
            let mut response = answer(&app, Request::from_parts(parts, body), next).await;
            if let Some(grant) = grant {
                cors::permit(&mut response, grant);
            }
            response
        }
    };
    dress(response.headers_mut(), &id, hsts);
    let route = route.as_ref().map_or(UNMATCHED, MatchedPath::as_str);
    let took = start.elapsed();
    app.metrics.record(route, response.status().as_u16(), took);
    note(&method, route, (&id, took), &mut response);
    response
}

/// The handler's answer, whatever the handler does.
async fn answer(app: &App, request: Request, next: Next) -> Response {
    let mut handler = pin!(next.run(request));
    // A panic in a handler ends this request and no other. What it touched is shared only behind locks and atomics.
    let caught =
        std::future::poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| handler.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(response)) => Poll::Ready(Some(response)),
            Err(_) => Poll::Ready(None),
        });
    match tokio::time::timeout(app.config.request_timeout, caught).await {
        Ok(Some(response)) => response,
        Ok(None) => server_error("a handler panicked".to_owned()),
        Err(_) => context::too_slow(),
    }
}

/// What the page that sent this may do with the answer. The context made on the way is kept for the handler.
async fn grant(parts: &mut Parts, app: &Arc<App>) -> Grant {
    if cors::is_public(parts.uri.path()) {
        return Grant::Anyone;
    }
    let Ok(ctx) = Ctx::from_request_parts(parts, app).await else { return Grant::Nobody };
    let origins = app.allowed_origins.of(&ctx.tenant);
    parts.extensions.insert(ctx);
    match parts.headers.get(ORIGIN) {
        Some(origin) if origin.to_str().is_ok_and(|o| origins.contains(o)) => Grant::Origin(origin.clone()),
        _ => Grant::Nobody,
    }
}

/// Pages may set stricter ones of their own.
fn dress(headers: &mut HeaderMap, id: &str, hsts: bool) {
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(X_REQUEST_ID, id);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Not `no-referrer`, under which browsers send `Origin: null` with forms and so defeat the check of where they are
    // from (Fetch standard, "append a request Origin header").
    headers.entry(REFERRER_POLICY).or_insert(HeaderValue::from_static("strict-origin"));
    if hsts {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
}

/// The access log, and the one place where causes of internal errors are logged.
fn note(method: &Method, route: &str, (id, took): (&str, Duration), response: &mut Response) {
    let status = response.status().as_u16();
    let micros = took.as_micros();
    if let Some(Cause(cause)) = response.extensions_mut().remove() {
        if status == 500 {
            tracing::error!(request_id = id, route, status, "request {id} failed: {cause}");
        } else {
            tracing::warn!(request_id = id, route, status, "request {id} was turned away: {cause}");
        }
    }
    tracing::debug!(request_id = id, %method, route, status, micros = %micros, "request");
}

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const UNMATCHED: &str = "(none)";

/// Ids: a random beginning for each process, then a number.
#[derive(Debug)]
pub(crate) struct RequestIds {
    process: String,
    next: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new(rng: &dyn Rng) -> Self {
        Self { process: chancery_core::ids::hex(rng, 12), next: AtomicU64::new(0) }
    }

    fn next(&self) -> Arc<str> {
        let mut id = String::with_capacity(24);
        id.push_str(&self.process);
        // Writing to a string cannot fail.
        let _ = write!(id, "{:08x}", self.next.fetch_add(1, Ordering::Relaxed));
        id.into()
    }
}

/// Requests and their duration by route and status. The handles are kept: looking them up by name each time would cost
/// more than the rest of this file.
#[derive(Default)]
pub(crate) struct RouteMetrics(RwLock<HashMap<Box<str>, Figures>>);

type Figures = Vec<(u16, metrics::Counter, metrics::Histogram)>;

impl RouteMetrics {
    fn record(&self, route: &str, status: u16, took: Duration) {
        if let Ok(map) = self.0.read()
            && let Some((_, count, time)) =
                map.get(route).and_then(|figures| figures.iter().find(|(s, ..)| *s == status))
        {
            count.increment(1);
            time.record(took.as_secs_f64());
            return;
        }
        let labels = [("route", route.to_owned()), ("status", status.to_string())];
        let count = metrics::counter!("chancery_http_requests_total", &labels);
        let time = metrics::histogram!("chancery_http_request_seconds", &labels);
        count.increment(1);
        time.record(took.as_secs_f64());
        if let Ok(mut map) = self.0.write() {
            map.entry(route.into()).or_default().push((status, count, time));
        }
    }
}
