//! The tenant a request is for, and who sent it. Taken once: a request sees one configuration from beginning to end.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use chancery_core::iso::format_ms;
use chancery_core::oauth::OAuthError;
use chancery_core::problem::Problem;
use chancery_core::records::LogEvent;
use chancery_login::pages::ErrorKind;
use chancery_store::{Origin, Snapshot, TenantHandle};
use http::header::{CONTENT_TYPE, HeaderValue, USER_AGENT};
use http::request::Parts;
use http::{Extensions, HeaderMap, StatusCode};
use serde_json::json;

use crate::errors::Cause;
use crate::front::Caller;
use crate::{App, Failure, ShownCertificate, host, hosted, responses};

/// A request's surroundings. An extractor; the middleware may have made it before.
#[derive(Clone)]
pub struct Ctx {
    /// What every handler shares.
    pub app: Arc<App>,
    /// The tenant's configuration.
    pub tenant: Arc<Snapshot>,
    /// The origin that was called: the issuer follows from it.
    pub origin: Arc<Origin>,
    /// Address of the client.
    pub ip: IpAddr,
    /// What the client showed in the handshake of TLS, or to a trusted proxy.
    pub certificate: Option<Arc<ShownCertificate>>,
    /// At most 512 bytes of it.
    pub user_agent: Option<String>,
    /// In the log and in `x-request-id`.
    pub request_id: RequestId,
    /// When the request came: milliseconds.
    pub now_ms: i64,
}

impl Ctx {
    /// When the request came: seconds.
    pub fn now(&self) -> i64 {
        self.now_ms.div_euclid(1000)
    }

    /// The day of it: days since 1970-01-01.
    pub fn today(&self) -> i64 {
        self.now_ms.div_euclid(86_400_000)
    }

    /// Sends a tenant log event on its way, with id, time, address, user agent and host filled in where they are
    /// missing.
    pub fn log(&self, mut event: LogEvent) {
        if event.log_id.is_empty() {
            event.log_id = self.app.log_ids.next(self.now_ms);
        }
        if event.date.is_empty() {
            event.date = format_ms(self.now_ms);
        }
        event.ip.get_or_insert_with(|| self.ip.to_string());
        event.hostname.get_or_insert_with(|| self.origin.authority.clone());
        if event.user_agent.is_none() {
            event.user_agent.clone_from(&self.user_agent);
        }
        self.app.logs.send(&self.tenant.tenant, event, self.now_ms);
    }

    /// Of a request that came by itself, not from the middleware.
    async fn of(parts: &Parts, app: &Arc<App>) -> Result<Self, Response> {
        Self::for_caller(parts, app, &Caller::of(&parts.extensions), request_id(parts)).await
    }

    /// Of a request whose sender and id are known.
    pub(crate) async fn for_caller(
        parts: &Parts,
        app: &Arc<App>,
        caller: &Caller,
        request_id: RequestId,
    ) -> Result<Self, Response> {
        let path = parts.uri.path();
        // What has been public may be said as long as it is known: those who verify tokens ask for it.
        if !path.starts_with("/.well-known/") && app.catalog.age() > app.config.outage {
            let cause = "the database has been away for too long to go on without it";
            return Err(Wire::of(path).unavailable(cause.to_owned()));
        }
        Self::made(parts, app, caller, request_id).await
    }

    /// Whether or not the configuration is known to be the one in force.
    pub(crate) async fn of_any_age(parts: &Parts, app: &Arc<App>) -> Result<Self, Response> {
        Self::made(parts, app, &Caller::of(&parts.extensions), request_id(parts)).await
    }

    async fn made(
        parts: &Parts,
        app: &Arc<App>,
        caller: &Caller,
        request_id: RequestId,
    ) -> Result<Self, Response> {
        let peer = caller.peer;
        let Some(handle) = tenant(parts, app, peer) else { return Err(unknown_tenant()) };
        let tenant = match app.catalog.cached(&handle.id) {
            Some(snapshot) => snapshot,
            // In a box: it happens once for each tenant, and what waits for it would be moved about with every request.
            None => Box::pin(app.catalog.snapshot(&handle.id)).await.map_err(|e| match e {
                // The tenant went away between the two looks.
                chancery_store::Error::Guard => unknown_tenant(),
                busy @ chancery_store::Error::Busy(_) => {
                    Wire::of(parts.uri.path()).unavailable(busy.to_string())
                }
                other => Failure::from(other).into_response(),
            })?,
        };
        Ok(Self {
            app: Arc::clone(app),
            tenant,
            origin: Arc::clone(&handle.origin),
            ip: app.config.trusted_proxies.client_ip(peer.addr.ip(), &parts.headers),
            certificate: ShownCertificate::of(&parts.headers, app, caller),
            user_agent: parts
                .headers
                .get(USER_AGENT)
                .map(|v| shortened(&String::from_utf8_lossy(v.as_bytes()))),
            request_id,
            now_ms: app.clock.now_ms(),
        })
    }
}

/// As the middleware laid it down.
fn request_id(parts: &Parts) -> RequestId {
    parts.extensions.get().cloned().unwrap_or_default()
}

impl FromRequestParts<Arc<App>> for Ctx {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        match parts.extensions.get::<Ctx>() {
            Some(ready) => Ok(ready.clone()),
            None => Self::of(parts, app).await,
        }
    }
}

/// Shows whose it is.
impl std::fmt::Debug for Ctx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ctx")
            .field("tenant", &self.tenant.tenant)
            .field("request_id", &self.request_id.as_str())
            .finish_non_exhaustive()
    }
}

/// The other end of the connection: put into each request by the listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Whose connection it is.
    pub addr: SocketAddr,
    /// Whether it is encrypted up to here.
    pub tls: bool,
}

impl Peer {
    /// Requests that came through no listener (tests in process) have the loopback address.
    pub(crate) fn of(extensions: &Extensions) -> Self {
        let nowhere = Self { addr: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0), tls: false };
        extensions.get().copied().unwrap_or(nowhere)
    }

    /// Whether the browser's side is encrypted, by the connection or by the word of a trusted proxy.
    pub(crate) fn is_secure(self, headers: &HeaderMap, app: &App) -> bool {
        self.tls
            || (app.config.trusted_proxies.contains(self.addr.ip())
                && headers.get("x-forwarded-proto").is_some_and(|v| v == "https"))
    }
}

/// The id of a request, put into it by the middleware. Cheap to clone. The log event of the token that the request ends in
/// has the same id, and so does the token (`jti`) where it has one: whoever holds any of them finds the event by its key.
#[derive(Clone, Debug)]
pub struct RequestId(pub(crate) HeaderValue);

impl RequestId {
    /// Shared from here on: the answer's header, the context and the log all show the same bytes.
    pub(crate) fn new(id: String) -> Self {
        Self(HeaderValue::from_maybe_shared(Bytes::from(id)).unwrap_or(HeaderValue::from_static("")))
    }

    /// As in the log and in `x-request-id`.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

/// None: the request came through no middleware (tests in process).
impl Default for RequestId {
    fn default() -> Self {
        Self(HeaderValue::from_static(""))
    }
}

/// Chooses among the configured origins; what was sent goes nowhere else (security case 16).
fn tenant(parts: &Parts, app: &App, peer: Peer) -> Option<Arc<TenantHandle>> {
    if app.config.trusted_proxies.contains(peer.addr.ip())
        && let Some(authority) = host::forwarded(&parts.headers)
        && let Some(handle) = app.catalog.tenant_by_host(&authority)
    {
        return Some(handle);
    }
    app.catalog.tenant_by_host(&host::authority(&parts.uri, &parts.headers)?)
}

fn unknown_tenant() -> Response {
    let body = json!({
        "error": "unknown_tenant",
        "error_description": "No tenant answers to this host. Call one of the origins configured for a tenant, and \
                              check that proxies in between pass the Host header on.",
    });
    responses::json(StatusCode::NOT_FOUND, &body)
}

/// At a character boundary.
fn shortened(text: &str) -> String {
    text[..text.floor_char_boundary(LONGEST_USER_AGENT)].to_owned()
}

const LONGEST_USER_AGENT: usize = 512;

/// 404 for a path that is nothing: a page for people who followed a link, JSON for programs.
pub(crate) async fn not_found(ctx: Result<Ctx, Response>, headers: HeaderMap) -> Response {
    if let Ok(ctx) = ctx
        && hosted::prefers_html(&headers)
    {
        let said = hosted::Said { kind: ErrorKind::NotFound, code: None, text: None };
        return hosted::error(&ctx, &headers, StatusCode::NOT_FOUND, said);
    }
    let body = json!({ "error": "not_found", "error_description": "There is nothing at this path." });
    responses::json(StatusCode::NOT_FOUND, &body)
}

/// 405 for a path that is something by another method.
pub(crate) async fn method_not_allowed() -> Response {
    let body = json!({ "error": "method_not_allowed", "error_description": "This path has other methods." });
    responses::json(StatusCode::METHOD_NOT_ALLOWED, &body)
}

/// In which of the wire errors a path answers, where no handler does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    Management,
    Scim,
    OAuth,
}

impl Wire {
    pub(crate) fn of(path: &str) -> Self {
        match path {
            path if path.starts_with("/api/") => Self::Management,
            path if path.starts_with("/scim/") => Self::Scim,
            _ => Self::OAuth,
        }
    }

    /// 503. The cause goes to the log.
    pub(crate) fn unavailable(self, cause: String) -> Response {
        let mut response = self.turned_away();
        response.extensions_mut().insert(Cause(cause));
        response
    }

    /// 503 of which the log has no line for each.
    pub(crate) fn turned_away(self) -> Response {
        match self {
            Self::Management => {
                responses::json(StatusCode::SERVICE_UNAVAILABLE, &Problem::Unavailable.body())
            }
            Self::Scim => {
                let body = json!({
                    "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
                    "status": "503",
                    "detail": "The service is busy: try again",
                });
                let mut response = responses::json(StatusCode::SERVICE_UNAVAILABLE, &body);
                let kind = HeaderValue::from_static("application/scim+json");
                response.headers_mut().insert(CONTENT_TYPE, kind);
                response
            }
            Self::OAuth => Failure::new(OAuthError::Unavailable).into_response(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_agents_are_cut_between_characters() {
        assert_eq!(shortened("curl/8"), "curl/8");
        let cut = shortened(&"ä".repeat(400));
        assert_eq!(cut.len(), 512);
        assert!(shortened(&format!("x{}", "ä".repeat(400))).len() == 511);
    }
}
