//! Which answers pages of other origins may read, and which pages: those of the tenant's applications, and only where
//! the request itself proves what the caller may have. Nothing that a cookie decides is ever readable: the origins of all
//! applications are one set, and an application must not read what `/authorize` answers to another (security case 21).

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, RwLock};

use axum::response::Response;
use chancery_core::model::Client;
use chancery_core::oauth::origin_of;
use chancery_store::Snapshot;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderValue,
    ORIGIN, VARY,
};
use http::{HeaderMap, Method};

use crate::responses::no_content;

/// The origins of a tenant's applications, prepared once per revision of its configuration.
#[derive(Debug, Default)]
pub(crate) struct AllowedOrigins(RwLock<HashMap<String, (i64, Arc<Origins>)>>);

impl AllowedOrigins {
    /// The set that belongs to this snapshot.
    pub(crate) fn of(&self, tenant: &Snapshot) -> Arc<Origins> {
        let known = self.0.read().ok().and_then(|map| map.get(&tenant.tenant).cloned());
        if let Some((rev, origins)) = known
            && rev == tenant.rev
        {
            return origins;
        }
        let origins = Arc::new(Origins::collect(tenant.clients().map(|c| &c.client)));
        if let Ok(mut map) = self.0.write() {
            if map.len() >= MOST_TENANTS {
                map.clear();
            }
            map.insert(tenant.tenant.clone(), (tenant.rev, Arc::clone(&origins)));
        }
        origins
    }
}

/// The origins that may read answers.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Origins {
    exact: HashSet<String>,
    /// `https://` and `.example.com[:port]` of `https://*.example.com[:port]`.
    wildcards: Vec<(String, String)>,
}

impl Origins {
    fn collect<'a>(clients: impl Iterator<Item = &'a Client>) -> Self {
        let mut out = Self::default();
        for client in clients {
            let lists = [&client.web_origins, &client.allowed_origins, &client.callbacks];
            for url in lists.into_iter().flatten().flatten() {
                out.add(url);
            }
        }
        out
    }

    fn add(&mut self, url: &str) {
        match url.split_once("://*.") {
            // A callback with a wildcard is not taken: its origin would be open to more than the callback is.
            Some((scheme, rest)) if !rest.contains(['/', '*']) && rest.contains('.') => {
                let scheme = scheme.to_ascii_lowercase();
                self.wildcards.push((format!("{scheme}://"), format!(".{}", rest.to_ascii_lowercase())));
            }
            Some(_) => {}
            None => self.exact.extend(origin_of(url)),
        }
    }

    /// Whether pages of this origin may. A wildcard stands for exactly one label.
    pub(crate) fn contains(&self, origin: &str) -> bool {
        let fits = |(scheme, suffix): &(String, String)| {
            let label =
                origin.strip_prefix(scheme.as_str()).and_then(|rest| rest.strip_suffix(suffix.as_str()));
            label.is_some_and(|l| {
                !l.is_empty() && l.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
            })
        };
        self.exact.contains(origin) || self.wildcards.iter().any(fits)
    }
}

/// Whether the request asks, before the real one, if it may be made (Fetch standard).
pub(crate) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS
        && headers.contains_key(ORIGIN)
        && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// What a page may do with the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Grant {
    /// Public documents: any page, without cookies.
    Anyone,
    /// This origin, without cookies.
    Origin(HeaderValue),
    /// The origin is nobody's, or the answer nobody else's business.
    Nobody,
}

/// Who may read what is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Any page: discovery and key sets.
    Anyone,
    /// Pages of the tenant's applications.
    Applications,
    /// Our own pages.
    Nobody,
}

/// A new endpoint is closed until it is named here.
pub(crate) fn readers(path: &str) -> Readers {
    if path.starts_with("/.well-known/") {
        Readers::Anyone
    } else if OPEN.contains(&path) || OPEN_BELOW.iter().any(|prefix| path.starts_with(prefix)) {
        Readers::Applications
    } else {
        Readers::Nobody
    }
}

/// The answer to a preflight: 204 whoever asks, and permission for those who have it.
pub(crate) fn preflight(grant: Grant) -> Response {
    let mut response = no_content();
    if grant != Grant::Nobody {
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS);
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    }
    permit(&mut response, grant);
    response
}

/// Writes the permission onto an answer.
pub(crate) fn permit(response: &mut Response, grant: Grant) {
    let headers = response.headers_mut();
    headers.append(VARY, HeaderValue::from_static("Origin"));
    match grant {
        Grant::Nobody => return,
        Grant::Anyone => {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        }
        Grant::Origin(origin) => {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        }
    }
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
}

/// Endpoints that SDKs in browsers call. Each asks for a code, a secret, a token or a password, and for no cookie.
const OPEN: [&str; 11] = [
    "/mfa/associate",
    "/mfa/authenticators",
    "/mfa/challenge",
    "/oauth/token",
    "/oauth/device/code",
    "/oauth/revoke",
    "/passwordless/start",
    "/passkey/register",
    "/passkey/challenge",
    "/userinfo",
    "/oidc/register",
];
const OPEN_BELOW: [&str; 4] = ["/dbconnections/", "/mfa/authenticators/", "/api/v2/", "/api/chancery/"];

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE, OPTIONS");
const ALLOWED_HEADERS: HeaderValue = HeaderValue::from_static(
    "Auth0-Client, Authorization, Content-Type, DPoP, X-Request-Language, MCP-Protocol-Version, Accept, \
     Accept-Language, Auth0-Forwarded-For, X-Requested-With",
);
const EXPOSED_HEADERS: HeaderValue = HeaderValue::from_static(
    "DPoP-Nonce, Location, WWW-Authenticate, Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, \
     X-RateLimit-Reset, X-Request-Id",
);
const MOST_TENANTS: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(urls: &[&str]) -> Origins {
        let web_origins = Some(urls.iter().map(|&u| u.to_owned()).collect());
        Origins::collect([Client { web_origins, ..Client::default() }].iter())
    }

    #[test]
    fn whose_pages() {
        let set = origins(&[
            "https://app.example",
            "https://App.Example:8443/callback?x=1",
            "http://localhost:3000",
            "https://*.preview.example",
            "com.example.app://callback",
            "https://*",
            "https://*.com",
            "https://*.wild.example/callback",
        ]);
        for good in [
            "https://app.example",
            "https://app.example:8443",
            "http://localhost:3000",
            "https://pr-1.preview.example",
        ] {
            assert!(set.contains(good), "{good}");
        }
        for bad in [
            "null",
            "",
            "*",
            "http://app.example",
            "https://badapp.example",
            "https://app.example.evil",
            "https://preview.example",
            "https://a.b.preview.example",
            "https://.preview.example",
            "https://evil.com/.preview.example",
            "https://x.com",
            "https://a.wild.example",
            "com.example.app://callback",
        ] {
            assert!(!set.contains(bad), "{bad}");
        }
    }

    #[test]
    fn strangers_get_no_permission() {
        let response = preflight(Grant::Nobody);
        assert_eq!(response.status(), 204);
        assert!(response.headers().keys().all(|name| !name.as_str().starts_with("access-control")));
        let response = preflight(Grant::Origin(HeaderValue::from_static("https://app.example")));
        assert_eq!(response.headers()[ACCESS_CONTROL_ALLOW_ORIGIN], "https://app.example");
        let response = preflight(Grant::Anyone);
        assert_eq!(response.headers()[ACCESS_CONTROL_ALLOW_ORIGIN], "*");
    }

    #[test]
    fn what_a_cookie_decides_is_closed() {
        for path in [
            "/authorize",
            "/authorize/resume",
            "/u/login",
            "/u/consent",
            "/v2/logout",
            "/oidc/logout",
            "/passwordless/verify_redirect",
            "/bc-authorize",
            "/dev/clock",
            "/dev/mail",
            "/",
            "",
        ] {
            assert_eq!(readers(path), Readers::Nobody, "{path}");
        }
        for path in ["/oauth/tokens", "/oauth/token/", "/oauth", "/userinfo/x", "/api/v2", "/dbconnections"] {
            assert_eq!(readers(path), Readers::Nobody, "{path}");
        }
        assert_eq!(readers("/oauth/token"), Readers::Applications);
        assert_eq!(readers("/passwordless/start"), Readers::Applications);
        assert_eq!(readers("/api/v2/clients"), Readers::Applications);
        for path in ["associate", "challenge", "authenticators", "authenticators/totp%7Cdev_1"] {
            assert_eq!(readers(&format!("/mfa/{path}")), Readers::Applications, "{path}");
        }
        for path in ["enrollment", "authenticatorsx", "associate/x", ""] {
            assert_eq!(readers(&format!("/mfa/{path}")), Readers::Nobody, "{path}");
        }
        assert_eq!(readers("/.well-known/jwks.json"), Readers::Anyone);
    }
}
