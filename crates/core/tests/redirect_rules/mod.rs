//! What must hold of redirect URIs whatever the input: shared by the corpus of security case 4 and the fuzz target.
//!
//! Each rule is worked out a second time and in another way than the code under test does it: by plain comparison of
//! bytes, and by asking the URL parser that browsers agree on (WHATWG), which the code itself never asks.

use std::net::Ipv6Addr;

use chancery_core::oauth::{RedirectUri, allowed_logout_url, origin_of};
use url::{Host, Url};

/// Whether `candidate` may match `registered` at all: equal bytes, but for the ASCII case of scheme and authority and
/// for one label where the registered host begins with `*.`.
pub(crate) fn bytes_match(registered: &str, candidate: &str) -> bool {
    if registered == candidate {
        return true;
    }
    let Some(authority) = registered.find("://").map(|at| at + 3) else { return false };
    let end = registered[authority..].find(['/', '?', '#']).map_or(registered.len(), |at| authority + at);
    let same = |registered: &[u8], candidate: &[u8], cased_from: usize| {
        registered.len() == candidate.len()
            && registered[..cased_from].eq_ignore_ascii_case(&candidate[..cased_from])
            && registered[cased_from..] == candidate[cased_from..]
    };
    let (r, c) = (registered.as_bytes(), candidate.as_bytes());
    if same(r, c, end) {
        return true;
    }
    // `scheme://` label `.suffix/rest`: what the star stands for is what is left between both ends.
    if !r[authority..].starts_with(b"*.") || c.len() < r.len() {
        return false;
    }
    let tail = c.len() - (r.len() - authority - 1);
    let label = &c[authority..tail];
    same(&r[..authority], &c[..authority], authority)
        && same(&r[authority + 1..], &c[tail..], end - authority - 1)
        && label.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-')
}

/// Every rule for one registered callback and one candidate. Answers whether the candidate was accepted.
pub(crate) fn check_callback(registered: &str, candidate: &str) -> bool {
    let Some(uri) = RedirectUri::allowed(candidate, [registered]) else { return false };
    assert_eq!(uri.as_str(), candidate, "what was checked is what is sent");
    assert!(bytes_match(registered, candidate), "{registered:?} let {candidate:?} in");
    assert!(candidate.bytes().all(|b| b.is_ascii_graphic()), "{candidate:?} would be repaired by somebody");
    assert!(!candidate.contains(['#', '\\']), "{candidate:?}");
    same_place(registered, candidate);
    answers_keep_the_uri(&uri);
    if uri.is_verifiable() {
        let host = Url::parse(candidate).ok().and_then(|u| u.host().map(|h| h.to_owned()));
        assert!(!host.is_some_and(|h| is_this_machine(&h)), "{candidate:?} is on the user's machine");
    }
    true
}

/// The same for `/v2/logout` (`ignore_query`) and `/oidc/logout`.
pub(crate) fn check_logout(registered: &str, candidate: &str) {
    for ignore_query in [false, true] {
        let Some(uri) = allowed_logout_url(candidate, [registered], ignore_query) else { continue };
        assert_eq!(uri.as_str(), candidate, "what was checked is what is sent");
        let end = candidate.find(['?', '#']).unwrap_or(candidate.len());
        let without_query = ignore_query && bytes_match(registered, &candidate[..end]);
        assert!(bytes_match(registered, candidate) || without_query, "{registered:?} let {candidate:?} in");
        assert!(ignore_query || !candidate.contains('#'), "{candidate:?}");
        same_place(registered, candidate);
        assert!(uri.with_query("state=1").starts_with(candidate));
    }
}

/// `web_message`, CORS and `form-action` compare origins: they must be those a browser sees.
pub(crate) fn check_origin(listed: &str, candidate: &str) {
    for url in [listed, candidate] {
        let Some(origin) = origin_of(url) else { continue };
        assert_eq!(origin_of(&origin).as_ref(), Some(&origin), "an origin is its own origin");
        if let Ok(parsed) = Url::parse(url) {
            let of_text = Url::parse(&origin).map(|o| o.origin());
            assert_eq!(of_text, Ok(parsed.origin()), "{url:?} is not of {origin:?}");
        }
    }
    let Some(found) = RedirectUri::allowed_origin(candidate, [listed]) else { return };
    assert_eq!(found.as_str(), candidate);
    if let (Ok(a), Ok(b)) = (Url::parse(listed), Url::parse(candidate)) {
        assert_eq!(a.origin(), b.origin(), "{listed:?} let {candidate:?} in");
        assert!(b.path() == "/" && b.query().is_none() && b.fragment().is_none(), "{candidate:?}");
    }
}

/// A browser goes to the host that was registered, or one label below a star.
fn same_place(registered: &str, candidate: &str) {
    let Ok(have) = Url::parse(candidate) else { return };
    if !matches!(have.scheme(), "https" | "http") {
        return;
    }
    assert!(have.username().is_empty() && have.password().is_none(), "{candidate:?} has user information");
    let (_, authority) = registered.split_once("://").unwrap_or_default();
    if let Some(pattern) = authority.strip_prefix("*.") {
        let suffix = pattern.split([':', '/', '?']).next().unwrap_or_default().to_ascii_lowercase();
        let Some(Host::Domain(host)) = have.host() else { panic!("{candidate:?} is no name below a star") };
        let label = host.strip_suffix(&suffix).and_then(|l| l.strip_suffix('.')).unwrap_or_default();
        assert!(!label.is_empty() && !label.contains('.'), "{host:?} is not one label under {suffix:?}");
        // A star for every name of a top-level domain would be anybody's.
        assert!(suffix.trim_matches('.').contains('.'), "{registered:?} is too wide");
        return;
    }
    let want = Url::parse(registered);
    assert!(want.is_ok(), "{candidate:?} is a URL and the registered {registered:?} is none");
    if let Ok(want) = want {
        assert_eq!(have.scheme(), want.scheme());
        assert_eq!(have.host(), want.host(), "{registered:?} {candidate:?}");
        assert_eq!(have.port_or_known_default(), want.port_or_known_default());
        assert_eq!(have.path(), want.path());
    }
}

/// Parameters of an answer come after the URI and change nothing before them.
fn answers_keep_the_uri(uri: &RedirectUri) {
    const ANSWER: &str = "code=a%26b&state=%23";
    let (query, fragment) = (uri.with_query(ANSWER), uri.with_fragment(ANSWER));
    let added = query.strip_prefix(uri.as_str()).and_then(|rest| rest.strip_suffix(ANSWER));
    assert!(matches!(added, Some("?" | "&" | "")), "{query:?}");
    assert_eq!(fragment, format!("{}#{ANSWER}", uri.as_str()));
    let Ok(before) = Url::parse(uri.as_str()) else { return };
    let (Ok(query), Ok(fragment)) = (Url::parse(&query), Url::parse(&fragment)) else {
        panic!("{uri:?} is no URL any more")
    };
    assert_eq!((query.host(), query.port(), query.path()), (before.host(), before.port(), before.path()));
    let pairs = |url: &Url| url.query_pairs().into_owned().collect::<Vec<_>>();
    let expected = [("code", "a&b"), ("state", "#")].map(|(n, v)| (n.to_owned(), v.to_owned()));
    assert_eq!(pairs(&query), [pairs(&before), expected.into()].concat(), "{uri:?}");
    assert_eq!(fragment.fragment(), Some(ANSWER));
    let mut bare = fragment;
    bare.set_fragment(None);
    assert_eq!(bare, before);
}

/// Loopback as browsers and kernels see it, in every way to write it.
fn is_this_machine(host: &Host<String>) -> bool {
    let is_v6 = |ip: &Ipv6Addr| {
        ip.is_loopback() || ip.is_unspecified() || ip.to_ipv4_mapped().is_some_and(|v4| v4.is_loopback())
    };
    match host {
        Host::Domain(name) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            name == "localhost" || name.ends_with(".localhost")
        }
        Host::Ipv4(ip) => ip.is_loopback() || ip.is_unspecified(),
        Host::Ipv6(ip) => is_v6(ip),
    }
}
