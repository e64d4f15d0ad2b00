//! What happens around every request, once: an id, CORS, a time limit, a net under panics, headers for browsers, the
//! access log and the figures.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, RwLock};
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use http::header::{
    HeaderName, HeaderValue, ORIGIN, REFERRER_POLICY, RETRY_AFTER, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use tokio::time::{Instant, timeout_at};

use crate::context::Wire;
use crate::cors::{self, Grant, Readers};
use crate::errors::{Cause, server_error};
use crate::front::Caller;
use crate::{App, Ctx, Peer, RequestId, context, failures, overall};

/// Puts everything around the routes and gives them their state. Unknown paths and methods are answered, unless a nested
/// router has a fallback of its own.
pub(crate) fn wrap(routes: Router<Arc<App>>, app: &Arc<App>) -> Router {
    routes
        .fallback(context::not_found)
        .method_not_allowed_fallback(context::method_not_allowed)
        .layer(from_fn_with_state(Arc::clone(app), around))
        .with_state(Arc::clone(app))
}

async fn around(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    let (mut parts, body) = request.into_parts();
    let id = RequestId::new(app.log_ids.next(app.clock.now_ms()));
    parts.extensions.insert(id.clone());
    let method = parts.method.clone();
    let route = parts.extensions.get::<MatchedPath>().cloned();
    let hsts = !app.config.dev && Peer::of(&parts.extensions).is_secure(&parts.headers, &app);
    let end = start + app.config.request_timeout;
    // A tenant that is not loaded in time is nobody's; the handler has no time left then, and says so.
    let grant = match parts.headers.contains_key(ORIGIN) {
        true => Some(timeout_at(end, grant(&mut parts, &app)).await.unwrap_or(Grant::Nobody)),
        false => None,
    };

    let response = match grant {
        Some(grant) if cors::is_preflight(&method, &parts.headers) => cors::preflight(grant),
        grant => {
            let shown = failures::shown_to(&parts);
            let mut response = admitted(&app, (parts, body), (end, next)).await;
            if let Some(browser) = shown.filter(|_| failures::is_one(&response))
                && let Ok(Ok(ctx)) = timeout_at(end, Ctx::of_any_age(&browser, &app)).await
            {
                response = failures::page(response, &browser, &ctx);
            }
            if let Some(grant) = grant {
                cors::permit(&mut response, grant);
            }
            response
        }
    };
    let route = route.as_ref().map_or(UNMATCHED, MatchedPath::as_str);
    finish(&app, Begun { start, method: &method, route, id: &id, hsts }, response)
}

/// The same around a route of [`Frequent`](crate::front::Frequent): what it needs is handed over instead of laid down in the
/// request, and no page of another origin asks.
pub(crate) async fn around_frequent<A: Future<Output = Response>>(
    app: &Arc<App>,
    request: Request,
    caller: &Caller,
    (route, handler): (&'static str, impl FnOnce(Ctx, Parts, Body) -> A),
) -> Response {
    let start = Instant::now();
    let (parts, body) = request.into_parts();
    let id = RequestId::new(app.log_ids.next(app.clock.now_ms()));
    let method = parts.method.clone();
    let hsts = !app.config.dev && caller.peer.is_secure(&parts.headers, app);
    let answering = async {
        match Ctx::for_caller(&parts, app, caller, id.clone()).await {
            Ok(ctx) => handler(ctx, parts, body).await,
            Err(refused) => refused,
        }
    };
    let response = answer(app, (route, start + app.config.request_timeout), answering).await;
    finish(app, Begun { start, method: &method, route, id: &id, hsts }, response)
}

/// What is known of a request before it is answered.
#[derive(Clone, Copy)]
struct Begun<'a> {
    start: Instant,
    method: &'a Method,
    route: &'a str,
    id: &'a RequestId,
    hsts: bool,
}

/// What every answer gets on its way out.
fn finish(app: &App, begun: Begun<'_>, mut response: Response) -> Response {
    let Begun { start, method, route, id, hsts } = begun;
    // Where the answer knows of no better time.
    let wait = match response.status() {
        StatusCode::TOO_MANY_REQUESTS => Some("60"),
        StatusCode::SERVICE_UNAVAILABLE => Some("2"),
        _ => None,
    };
    if let Some(seconds) = wait {
        response.headers_mut().entry(RETRY_AFTER).or_insert(HeaderValue::from_static(seconds));
    }
    dress(response.headers_mut(), id, hsts);
    let took = start.elapsed();
    app.metrics.record(route, response.status().as_u16(), took);
    note(method, route, (id.as_str(), took), &mut response);
    response
}

/// The handler's answer, unless the operator's limits have it that this was one too many.
async fn admitted(
    app: &Arc<App>,
    (mut parts, body): (Parts, Body),
    (end, next): (Instant, Next),
) -> Response {
    let path = parts.uri.path().to_owned();
    let left = match timeout_at(end, overall::admit(app, &mut parts)).await {
        Ok(Ok(left)) => left,
        Ok(Err(refusal)) => return refusal,
        Err(_) => return Wire::of(&path).unavailable(TOO_SLOW.to_owned()),
    };
    let mut response = answer(app, (&path, end), next.run(Request::from_parts(parts, body))).await;
    if let Some(left) = left {
        overall::say(response.headers_mut(), left);
    }
    response
}

/// The handler's answer, whatever the handler does.
async fn answer(
    app: &App,
    (path, end): (&str, Instant),
    handler: impl Future<Output = Response>,
) -> Response {
    let api = Wire::of(path);
    if !HEALTH.contains(&path) && !app.overload.admits() {
        return api.turned_away();
    }
    let mut handler = pin!(handler);
    // A panic in a handler ends this request and no other. What it touched is shared only behind locks and atomics.
    let caught =
        std::future::poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| handler.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(response)) => Poll::Ready(Some(response)),
            Err(_) => Poll::Ready(None),
        });
    match timeout_at(end, caught).await {
        Ok(Some(response)) => response,
        Ok(None) => server_error("a handler panicked".to_owned()),
        Err(_) => api.unavailable(TOO_SLOW.to_owned()),
    }
}

/// What the page that sent this may do with the answer. The context made on the way is kept for the handler.
async fn grant(parts: &mut Parts, app: &Arc<App>) -> Grant {
    match cors::readers(parts.uri.path()) {
        Readers::Anyone => return Grant::Anyone,
        Readers::Applications => {}
        Readers::Nobody => return Grant::Nobody,
    }
    let Ok(ctx) = Ctx::from_request_parts(parts, app).await else { return Grant::Nobody };
    let origins = app.allowed_origins.of(&ctx.tenant);
    // Applications that nobody registered may run in a page of any origin. What this path answers hangs on a code and on what
    // proves it, never on a cookie.
    let is_anybodys =
        parts.uri.path() == "/oauth/token" && ctx.tenant.agents.client_id_metadata_documents.enabled;
    parts.extensions.insert(ctx);
    match parts.headers.get(ORIGIN) {
        Some(origin) if is_anybodys => Grant::Origin(origin.clone()),
        Some(origin) if origin.to_str().is_ok_and(|o| origins.contains(o)) => Grant::Origin(origin.clone()),
        _ => Grant::Nobody,
    }
}

/// Pages may set stricter ones of their own.
fn dress(headers: &mut HeaderMap, id: &RequestId, hsts: bool) {
    headers.insert(X_REQUEST_ID, id.0.clone());
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
const TOO_SLOW: &str = "the request took longer than the limit";
const UNMATCHED: &str = "(none)";
/// What asks whether the server is alive is told so, busy or not: it would be restarted in the worst moment.
const HEALTH: [&str; 2] = ["/healthz", "/readyz"];

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

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::routing::{get, post};
    use http::Request;
    use tower::ServiceExt;

    use super::*;
    use crate::testing::{app, get as request, text};
    use crate::{Failure, Form, ServerConfig, no_content};

    async fn router(config: ServerConfig) -> (crate::testing::TestApp, Router) {
        let test = app(config).await;
        let who = |ctx: Ctx| async move { format!("{} {} {}", ctx.tenant.tenant, ctx.origin.issuer, ctx.ip) };
        let routes = Router::new()
            .route("/who", get(who))
            .route("/userinfo", get(who))
            .route("/panic", get(panics))
            .route("/slow", get(|| async { std::future::pending::<String>().await }))
            .route("/failure", get(|| async { Failure::server("the cause") }))
            .route("/form", post(|Form(_): Form| async { no_content() }))
            .route("/.well-known/jwks.json", get(|| async { "{}" }));
        let router = wrap(routes, &test.app);
        (test, router)
    }

    async fn panics() -> String {
        std::panic::resume_unwind(Box::new("quietly"))
    }

    async fn send(router: &Router, request: Request<Body>) -> Response {
        router.clone().oneshot(request).await.unwrap()
    }

    #[tokio::test]
    async fn the_host_chooses_the_tenant() {
        let (_test, router) = router(ServerConfig::default()).await;
        let response = send(&router, request("/who", &[("host", "ACME.example")])).await;
        assert!(response.headers().contains_key("x-request-id"));
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        assert!(!response.headers().contains_key(STRICT_TRANSPORT_SECURITY), "it came unencrypted");
        assert_eq!(text(response).await, "acme https://acme.example/ 127.0.0.1");
        let response = send(&router, request("/who", &[("host", "localhost:4000")])).await;
        assert_eq!(text(response).await, "acme http://localhost:4000/ 127.0.0.1");
        let response = send(&router, request("http://acme.example:443/who", &[])).await;
        assert_eq!(text(response).await, "acme https://acme.example/ 127.0.0.1");
    }

    /// Security case 16.
    #[tokio::test]
    async fn foreign_hosts_lead_nowhere_and_are_not_repeated() {
        let (_test, router) = router(ServerConfig::default()).await;
        for headers in [
            &[("host", "evil.example")][..],
            &[("host", "acme.example.evil.example")],
            &[("host", "acme.example@evil.example")],
            &[("host", "acme.example"), ("host", "evil.example")],
            &[("x-forwarded-host", "acme.example")],
            &[],
        ] {
            let response = send(&router, request("/who", headers)).await;
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{headers:?}");
            let body = text(response).await;
            assert!(body.contains("unknown_tenant") && !body.contains("evil"), "{body}");
        }
        let forwarded = [
            ("host", "acme.example"),
            ("x-forwarded-host", "localhost:4000"),
            ("x-forwarded-for", "6.6.6.6"),
        ];
        let body = text(send(&router, request("/who", &forwarded)).await).await;
        assert_eq!(body, "acme https://acme.example/ 127.0.0.1", "nobody is trusted unless configured");
    }

    #[tokio::test]
    async fn trusted_proxies_are_believed() {
        let trusted_proxies = crate::Networks(vec!["10.0.0.0/8".parse().unwrap()]);
        let (_test, router) = router(ServerConfig { trusted_proxies, ..ServerConfig::default() }).await;
        let headers = [
            ("host", "10.0.0.9:8080"),
            ("x-forwarded-host", "acme.example"),
            ("x-forwarded-for", "203.0.113.7"),
            ("x-forwarded-proto", "https"),
        ];
        let from = |addr: &str| {
            let mut request = request("/who", &headers);
            request.extensions_mut().insert(Peer { addr: addr.parse::<SocketAddr>().unwrap(), tls: false });
            request
        };
        let response = send(&router, from("10.0.0.1:999")).await;
        assert!(response.headers().contains_key(STRICT_TRANSPORT_SECURITY));
        assert_eq!(text(response).await, "acme https://acme.example/ 203.0.113.7");
        let response = send(&router, from("192.0.2.1:999")).await;
        assert_eq!(
            response.status(),
            StatusCode::NOT_FOUND,
            "its word counts for nothing, and its Host is unknown"
        );
    }

    #[tokio::test]
    async fn whatever_a_handler_does_there_is_an_answer() {
        let config = ServerConfig { request_timeout: Duration::from_millis(20), ..ServerConfig::default() };
        let (_test, router) = router(config).await;
        let cases = [
            ("/panic", 500, "server_error"),
            ("/slow", 503, "temporarily_unavailable"),
            ("/failure", 500, "server_error"),
            ("/form", 405, "method_not_allowed"),
            ("/nothing", 404, "not_found"),
        ];
        for (path, status, code) in cases {
            let response = send(&router, request(path, &[("host", "acme.example")])).await;
            assert_eq!(response.status().as_u16(), status, "{path}");
            assert!(response.headers().contains_key("x-request-id"));
            assert!(response.extensions().get::<Cause>().is_none());
            let body = text(response).await;
            assert!(body.contains(code) && !body.contains("cause"), "{body}");
        }
    }

    /// In the words of each API, soon, and without a word to those who ask whether the server is alive.
    #[tokio::test]
    async fn what_is_too_much_is_turned_away() {
        let (test, router) = router(ServerConfig::default()).await;
        test.app.overload.turn_away();
        for (path, body) in [
            ("/userinfo", "temporarily_unavailable"),
            ("/api/v2/clients", "\"statusCode\":503"),
            ("/scim/v2/connections/c/Users", "urn:ietf:params:scim:api:messages:2.0:Error"),
        ] {
            let response = send(&router, request(path, &[("host", "acme.example")])).await;
            assert_eq!(response.status(), 503, "{path}");
            assert!(response.headers().contains_key(RETRY_AFTER), "{path}");
            assert!(response.headers().contains_key("x-request-id"));
            assert!(text(response).await.contains(body), "{path}");
        }
        for path in ["/healthz", "/readyz"] {
            let response = send(&router, request(path, &[("host", "acme.example")])).await;
            assert_eq!(response.status(), 404, "these routes have none, but they were asked");
        }
    }

    #[tokio::test]
    async fn bodies_are_read_by_the_extractor() {
        let (_test, router) = router(ServerConfig { max_body: 100, ..ServerConfig::default() }).await;
        let post = |kind: &str, body: String| {
            Request::post("/form").header("content-type", kind).body(Body::from(body)).unwrap()
        };
        let form = "application/x-www-form-urlencoded";
        for (request, status) in [
            (post(form, "a=1".into()), 204),
            (post(form, "a".repeat(101)), 413),
            (post("text/xml", "<a/>".into()), 415),
            (post("application/json", "{".into()), 400),
        ] {
            assert_eq!(send(&router, request).await.status().as_u16(), status);
        }
    }

    #[tokio::test]
    async fn pages_of_applications_may_read_answers() {
        let (_test, router) = router(ServerConfig::default()).await;
        let preflight = |path: &str, origin: &str| {
            Request::options(path)
                .header("host", "acme.example")
                .header("origin", origin)
                .header("access-control-request-method", "POST")
                .body(Body::empty())
                .unwrap()
        };
        let response = send(&router, preflight("/oauth/token", "https://app.example")).await;
        assert_eq!(response.status(), 204);
        assert_eq!(response.headers()["access-control-allow-origin"], "https://app.example");
        assert!(response.headers()["access-control-allow-headers"].to_str().unwrap().contains("DPoP"));
        let response = send(&router, preflight("/oauth/token", "https://evil.example")).await;
        assert_eq!(response.status(), 204);
        assert!(!response.headers().contains_key("access-control-allow-origin"));

        let headers = [("host", "acme.example"), ("origin", "https://app.example")];
        let response = send(&router, request("/userinfo", &headers)).await;
        assert_eq!(response.headers()["access-control-allow-origin"], "https://app.example");
        assert_eq!(response.headers()["vary"], "Origin");
        assert_eq!(text(response).await, "acme https://acme.example/ 127.0.0.1");
        let closed = send(&router, request("/who", &headers)).await;
        assert!(!closed.headers().contains_key("access-control-allow-origin"), "a path nobody named");
        let headers = [("host", "acme.example"), ("origin", "null")];
        assert!(
            !send(&router, request("/userinfo", &headers))
                .await
                .headers()
                .contains_key("access-control-allow-origin")
        );
        let headers = [("host", "acme.example"), ("origin", "https://anyone.example")];
        let response = send(&router, request("/.well-known/jwks.json", &headers)).await;
        assert_eq!(response.headers()["access-control-allow-origin"], "*");
    }

    /// Through a real socket, where a client sees what the library makes of an answer given before the body ended.
    #[tokio::test]
    async fn slow_and_large_bodies_get_their_answer() {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let config = ServerConfig {
            max_body: 1000,
            body_timeout: Duration::from_millis(100),
            ..ServerConfig::default()
        };
        let (_test, router) = router(config).await;
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = socket.local_addr().unwrap();
        let shutdown = tokio_util::sync::CancellationToken::new();
        let listeners = vec![crate::Listener::Plain(socket)];
        let running =
            tokio::spawn(crate::serve(router, listeners, crate::Limits::default(), shutdown.clone()));
        let head = "POST /form HTTP/1.1\r\nhost: acme.example\r\nconnection: close\r\n";
        let chunk = format!("{:x}\r\n{}\r\n", 100_000, "a".repeat(100_000));
        for (rest, sent, status) in [
            ("content-length: 10\r\n\r\na", String::new(), 408),
            ("content-length: 4000000\r\n\r\n", "a".repeat(4_000_000), 413),
            ("transfer-encoding: chunked\r\n\r\n", chunk.repeat(20), 413),
            ("transfer-encoding: chunked\r\n\r\n", "zz\r\n".to_owned(), 400),
        ] {
            let mut stream = tokio::net::TcpStream::connect(addr).await.unwrap();
            let form = "content-type: application/x-www-form-urlencoded\r\n";
            stream.write_all(format!("{head}{form}{rest}{sent}").as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{status}: {answer}");
            assert!(answer.contains("invalid_request"), "{answer}");
        }
        shutdown.cancel();
        assert!(running.await.unwrap());
    }
}
