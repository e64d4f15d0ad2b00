//! Which URLs an application may be answered at (fact sheet 2.1, security case 4).
//!
//! No URL parser decides here: two parsers that disagree are the fault this file exists to avoid. A URL that is not byte
//! for byte a registered one is split by a strict grammar that knows no user information, no backslash, no escape in the
//! host and no fragment; what does not fit the grammar does not match. The text that was checked is the text that is sent.

use std::net::{Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

/// A redirect URI proven to belong to the application. Only [`RedirectUri::allowed`] makes one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RedirectUri(String);

impl RedirectUri {
    /// The candidate, if one of the registered callbacks matches it.
    pub fn allowed<'a>(candidate: &str, registered: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        if !is_plain(candidate) || has_script_scheme(candidate) {
            return None;
        }
        registered.into_iter().any(|r| matches(r, candidate)).then(|| Self(candidate.to_owned()))
    }

    /// As [`RedirectUri::allowed`], for programs on the user's machine whose operating system gives them a port: on loopback, by
    /// plain `http`, the port of what is registered counts for nothing (RFC 8252, section 7.3). Wildcards count for nothing.
    pub fn allowed_at_any_port<'a>(
        candidate: &str,
        registered: impl IntoIterator<Item = &'a str>,
    ) -> Option<Self> {
        let mut registered = registered.into_iter().filter(|registered| !registered.contains('*'));
        if !is_plain(candidate) || has_script_scheme(candidate) {
            return None;
        }
        registered
            .any(|r| matches(r, candidate) || matches_on_loopback(r, candidate))
            .then(|| Self(candidate.to_owned()))
    }

    /// For `web_message`: an origin (or a URL of it) that the application lists as web origin or has a callback at.
    pub fn allowed_origin<'a>(candidate: &str, origins: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let parts = Parts::split(candidate)?;
        if !is_plain(candidate) || !parts.is_web() || !matches!(parts.rest, "" | "/") {
            return None;
        }
        let wanted = parts.origin();
        origins
            .into_iter()
            .any(|o| origin_of(o).is_some_and(|o| o == wanted))
            .then(|| Self(candidate.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The URL with `encoded` parameters added to its query.
    pub fn with_query(&self, encoded: &str) -> String {
        let joint = match self.0.find('?') {
            None => "?",
            Some(at) if at + 1 == self.0.len() || self.0.ends_with('&') => "",
            Some(_) => "&",
        };
        format!("{}{joint}{encoded}", self.0)
    }

    /// The URL with `encoded` parameters as fragment.
    pub fn with_fragment(&self, encoded: &str) -> String {
        format!("{}#{encoded}", self.0)
    }

    /// Its origin, for `postMessage` and `form-action`; `None` for custom schemes.
    pub fn origin(&self) -> Option<String> {
        origin_of(&self.0)
    }

    /// Whether somebody else on the user's machine could stand behind it: loopback or custom scheme (fact sheet 2.9).
    pub fn is_verifiable(&self) -> bool {
        Parts::split(&self.0).is_some_and(|p| p.is_web() && !is_loopback_host(p.host()))
    }
}

/// Whether a logout URL is on the list. As redirect URIs, and a registered URL without a query also stands for itself
/// with one on `/v2/logout` (`ignore_query`): the documentation says so there and denies it for `/oidc/logout`.
pub fn allowed_logout_url<'a>(
    candidate: &str,
    registered: impl IntoIterator<Item = &'a str>,
    ignore_query: bool,
) -> Option<RedirectUri> {
    if !is_plain_with_fragment(candidate) || has_script_scheme(candidate) {
        return None;
    }
    let end = candidate.find(['?', '#']).unwrap_or(candidate.len());
    let bare = &candidate[..end];
    let fits = |r: &str| {
        (is_plain(candidate) && matches(r, candidate))
            || (ignore_query && !r.contains('?') && matches(r, bare))
    };
    registered.into_iter().any(fits).then(|| RedirectUri(candidate.to_owned()))
}

/// Lower-case `scheme://authority` of an http(s) URL; default ports are left out, as browsers do.
pub fn origin_of(url: &str) -> Option<String> {
    let parts = Parts::split(url)?;
    parts.is_web().then(|| parts.origin())
}

/// `localhost`, its subdomains, 127/8, `::1` and the unspecified addresses, however they are written. Browsers read
/// `127.1` and `0x7f000001` as addresses too, so a number that is not four plain decimals counts as loopback.
pub fn is_loopback_host(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    if let Some(v6) = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        let ip = v6.parse::<Ipv6Addr>().map(|ip| ip.to_canonical());
        return ip.is_ok_and(|ip| ip.is_loopback() || ip.is_unspecified());
    }
    let name = host.strip_suffix('.').unwrap_or(&host);
    if let Ok(ip) = name.parse::<Ipv4Addr>() {
        return ip.is_loopback() || ip.is_unspecified();
    }
    name == "localhost" || name.ends_with(".localhost") || ends_in_number(name)
}

/// As the URL standard has it: such a host is an IPv4 address or nothing.
fn ends_in_number(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    let hexadecimal = last.strip_prefix("0x").or(last.strip_prefix("0X"));
    let decimal = !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit());
    decimal || hexadecimal.is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn matches(registered: &str, candidate: &str) -> bool {
    if registered.is_empty() || registered.contains('#') {
        return false;
    }
    if !leads_where_it_seems(candidate) {
        return false;
    }
    if registered == candidate {
        return true;
    }
    let (Some(want), Some(have)) = (Parts::split(registered), Parts::split(candidate)) else { return false };
    want.scheme.eq_ignore_ascii_case(have.scheme)
        && want.rest == have.rest
        && authority_matches(want.authority, have.authority)
}

/// The same but for the port, at this machine's own address.
fn matches_on_loopback(registered: &str, candidate: &str) -> bool {
    let (Some(want), Some(have)) = (Parts::split(registered), Parts::split(candidate)) else { return false };
    let own = |parts: &Parts<'_>| {
        parts.scheme == "http"
            && parts.has_sound_authority()
            && matches!(parts.host(), "127.0.0.1" | "[::1]" | "localhost")
    };
    own(&want)
        && own(&have)
        && want.host() == have.host()
        && want.rest == have.rest
        && !registered.contains('#')
}

/// Browsers read `https:host`, `https:/host` and `https:///host` as `https://host`: a web URL has a host where the
/// grammar expects it, or is none.
fn leads_where_it_seems(url: &str) -> bool {
    let scheme = url.split(':').next().unwrap_or_default();
    match Parts::split(url) {
        Some(parts) => parts.has_sound_authority() && (!is_web_scheme(scheme) || !parts.host().is_empty()),
        None => !is_web_scheme(scheme),
    }
}

fn is_web_scheme(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http")
}

/// Case-insensitive, and a leading `*.` stands for exactly one label.
fn authority_matches(pattern: &str, authority: &str) -> bool {
    let Some(suffix) = pattern.strip_prefix("*.") else { return pattern.eq_ignore_ascii_case(authority) };
    let Some((label, rest)) = authority.split_once('.') else { return false };
    // `*.com` would be anybody's, `*.0.0.1` an address.
    let name = suffix.split(':').next().unwrap_or_default();
    name.contains('.')
        && name.split('.').all(|label| !label.is_empty())
        && !ends_in_number(name)
        && !suffix.contains('*')
        && !label.is_empty()
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && rest.eq_ignore_ascii_case(suffix)
}

/// `scheme://authority` and the rest, split at the first places, nothing decoded.
struct Parts<'a> {
    scheme: &'a str,
    authority: &'a str,
    rest: &'a str,
}

impl<'a> Parts<'a> {
    fn split(url: &'a str) -> Option<Self> {
        let (scheme, after) = url.split_once("://")?;
        let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
        let end = after.find(['/', '?', '#']).unwrap_or(after.len());
        let (authority, rest) = after.split_at(end);
        is_scheme.then_some(Self { scheme, authority, rest })
    }

    fn is_web(&self) -> bool {
        is_web_scheme(self.scheme) && self.has_sound_authority() && !self.host().is_empty()
    }

    /// Letters, digits, dots, hyphens, one port, or a bracketed IPv6 address. No `@`, `\`, `%`, no spaces.
    fn has_sound_authority(&self) -> bool {
        let host = self.host();
        let port = &self.authority[host.len()..];
        let sound_port = port.is_empty()
            || (port.len() > 1 && port.len() < 7 && port[1..].bytes().all(|b| b.is_ascii_digit()));
        let sound_host = match host.strip_prefix('[') {
            Some(v6) => v6.strip_suffix(']').is_some_and(|v6| v6.parse::<Ipv6Addr>().is_ok()),
            None => host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_')),
        };
        sound_host && sound_port
    }

    fn host(&self) -> &'a str {
        let after_v6 = self.authority.find(']').map_or(0, |i| i + 1);
        let end = self.authority[after_v6..].find(':').map_or(self.authority.len(), |i| after_v6 + i);
        &self.authority[..end]
    }

    fn origin(&self) -> String {
        let scheme = self.scheme.to_ascii_lowercase();
        let authority = self.authority.to_ascii_lowercase();
        let default = if scheme == "https" { ":443" } else { ":80" };
        format!("{scheme}://{}", authority.strip_suffix(default).unwrap_or(&authority))
    }
}

/// Printable ASCII without the characters that URL parsers repair (`\`, quotes, angle brackets, ...), no fragment.
fn is_plain(url: &str) -> bool {
    is_plain_with_fragment(url) && !url.contains('#')
}

fn is_plain_with_fragment(url: &str) -> bool {
    let odd = |b: u8| {
        !b.is_ascii_graphic() || matches!(b, b'\\' | b'"' | b'<' | b'>' | b'^' | b'`' | b'{' | b'}' | b'|')
    };
    url.len() <= 4096 && !url.bytes().any(odd)
}

/// Schemes that run code in the page that follows them (security case 5); refused even when registered.
pub(super) fn has_script_scheme(url: &str) -> bool {
    let scheme = url.split(':').next().unwrap_or_default().to_ascii_lowercase();
    ["javascript", "data", "vbscript", "blob", "file", "about", "view-source"].contains(&scheme.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(registered: &str, candidate: &str) -> bool {
        RedirectUri::allowed(candidate, [registered]).is_some()
    }

    #[test]
    fn exact_but_for_the_case_of_scheme_and_host() {
        assert!(allowed("https://app.example/cb", "https://app.example/cb"));
        assert!(allowed("https://app.example/cb", "HTTPS://APP.example/cb"));
        assert!(!allowed("https://app.example/cb", "https://app.example/CB"));
        assert!(!allowed("https://app.example/cb", "https://app.example/cb/"));
        assert!(!allowed("https://app.example/cb", "https://app.example/cb?x=1"));
        assert!(!allowed("https://app.example/cb", "http://app.example/cb"));
        assert!(!allowed("https://app.example/cb", "https://app.example:443/cb"));
        assert!(allowed("com.app:/cb", "com.app:/cb"));
        for unlike in ["https:app.example/cb", "https:/app.example/cb", "https:///app.example/cb"] {
            assert!(!allowed(unlike, unlike), "{unlike}");
        }
    }

    #[test]
    fn loopback_ports_are_exact() {
        assert!(allowed("http://127.0.0.1:4000/cb", "http://127.0.0.1:4000/cb"));
        assert!(!allowed("http://127.0.0.1:4000/cb", "http://127.0.0.1:4001/cb"));
        assert!(!allowed("http://127.0.0.1/cb", "http://127.0.0.1:80@evil.example/cb"));
    }

    #[test]
    fn any_port_of_loopback_where_it_is_asked_for() {
        let at = |registered: &str, candidate: &str| {
            RedirectUri::allowed_at_any_port(candidate, [registered]).is_some()
        };
        for host in ["127.0.0.1", "[::1]", "localhost"] {
            assert!(at(&format!("http://{host}/cb"), &format!("http://{host}:49152/cb")), "{host}");
            assert!(at(&format!("http://{host}:3000/cb"), &format!("http://{host}/cb")), "{host}");
        }
        assert!(at("https://a.example/cb", "https://a.example/cb"));
        for (registered, candidate) in [
            ("http://127.0.0.1/cb", "http://127.0.0.1:1/CB"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:1/cb/"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:1/cb?x"),
            ("http://127.0.0.1/cb", "http://localhost:1/cb"),
            ("http://127.0.0.1/cb", "https://127.0.0.1:1/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:80@evil.example/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:1234567/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:x/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1.evil.example:1/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:1/cb#x"),
            ("http://a.example/cb", "http://a.example:1/cb"),
            ("https://*.a.example/cb", "https://b.a.example/cb"),
        ] {
            assert!(!at(registered, candidate), "{registered} {candidate}");
        }
    }

    #[test]
    fn a_star_is_one_label() {
        assert!(allowed("https://*.app.example/cb", "https://a.app.example/cb"));
        assert!(!allowed("https://*.app.example/cb", "https://a.b.app.example/cb"));
        assert!(!allowed("https://*.app.example/cb", "https://app.example/cb"));
        assert!(!allowed("https://*.app.example/cb", "https://evil.example/.app.example/cb"));
        assert!(!allowed("https://*.app.example/cb", "https://x@a.app.example/cb"));
        assert!(!allowed("https://*.com/cb", "https://evil.com/cb"));
        assert!(!allowed("https://*.com./cb", "https://evil.com./cb"));
        assert!(!allowed("https://*.0.0.1/cb", "https://127.0.0.1/cb"));
    }

    #[test]
    fn parameters_are_added_not_lost() {
        let uri = |u: &str| RedirectUri::allowed(u, [u]).unwrap();
        assert_eq!(uri("https://a.example/cb").with_query("x=1"), "https://a.example/cb?x=1");
        assert_eq!(uri("https://a.example/cb?a=b").with_query("x=1"), "https://a.example/cb?a=b&x=1");
        assert_eq!(uri("https://a.example/cb?").with_query("x=1"), "https://a.example/cb?x=1");
        assert_eq!(uri("https://a.example/cb").with_fragment("x=1"), "https://a.example/cb#x=1");
    }

    #[test]
    fn origins() {
        assert_eq!(origin_of("HTTPS://App.example:443/x"), Some("https://app.example".into()));
        assert_eq!(origin_of("http://localhost:3000/x?y"), Some("http://localhost:3000".into()));
        assert_eq!(origin_of("com.app://x"), None);
        assert_eq!(origin_of("https://a@b/"), None);
        assert_eq!(origin_of("http://:80/"), None);
        assert!(RedirectUri::allowed_origin("http://localhost:3000", ["http://localhost:3000/cb"]).is_some());
        assert!(RedirectUri::allowed_origin("http://localhost:3001", ["http://localhost:3000/cb"]).is_none());
        assert!(RedirectUri::allowed_origin("http://localhost:3000/x", ["http://localhost:3000"]).is_none());
    }

    #[test]
    fn verifiable() {
        let uri = |u: &str| RedirectUri::allowed(u, [u]).unwrap().is_verifiable();
        assert!(uri("https://a.example/cb"));
        assert!(!uri("http://localhost:3000/cb"));
        assert!(!uri("http://127.1.2.3/cb"));
        assert!(!uri("http://[::1]:3000/cb"));
        assert!(!uri("http://127.1:3000/cb"));
        assert!(!uri("http://0x7f000001/cb"));
        assert!(!uri("http://[::ffff:7f00:1]/cb"));
        assert!(!uri("http://localhost.:3000/cb"));
        assert!(uri("http://10.0.0.1/cb"));
        assert!(!uri("com.app://cb"));
    }

    #[test]
    fn script_schemes_never() {
        for uri in ["javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "vbscript:x"] {
            assert!(!allowed(uri, uri), "{uri}");
        }
    }

    #[test]
    fn logout_urls() {
        let listed = |c: &str, ignore| allowed_logout_url(c, ["https://a.example/bye"], ignore).is_some();
        assert!(listed("https://a.example/bye", false));
        assert!(listed("https://a.example/bye?x=1", true));
        assert!(!listed("https://a.example/bye?x=1", false));
        assert!(!listed("https://a.example/other?x=1", true));
        assert!(!listed("https://a.example.evil/bye", true));
    }
}
