//! The authority a request is for. It only ever chooses among the origins that an administrator configured, and never
//! becomes part of an answer itself (security case 16).

use std::borrow::Cow;

use http::header::HOST;
use http::{HeaderMap, Uri};

/// The authority of a request in lower case: that of the request line (HTTP/2, absolute form), else the one `Host`
/// header. `None` where there is none, where there are several, where they disagree, or where it is no authority.
pub(crate) fn authority<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<Cow<'a, str>> {
    let host = single(headers, HOST.as_str())?;
    let line = uri.authority().map(http::uri::Authority::as_str);
    match (line, host) {
        (Some(line), Some(host)) if !line.eq_ignore_ascii_case(host) => None,
        (Some(authority), _) | (None, Some(authority)) => normal(authority),
        (None, None) => None,
    }
}

/// `X-Forwarded-Host` as the proxy next to us wrote it: the last value.
pub(crate) fn forwarded(headers: &HeaderMap) -> Option<Cow<'_, str>> {
    let line = headers.get_all("x-forwarded-host").iter().next_back()?.as_bytes();
    normal(std::str::from_utf8(line.rsplit(|byte| *byte == b',').next()?).ok()?.trim())
}

/// Name or address, and a port perhaps; nothing else, so that it may stand in a log.
fn normal(authority: &str) -> Option<Cow<'_, str>> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'[' | b']');
    if authority.is_empty() || authority.len() > LONGEST || !authority.bytes().all(fits) {
        return None;
    }
    if authority.bytes().any(|b| b.is_ascii_uppercase()) {
        return Some(Cow::Owned(authority.to_ascii_lowercase()));
    }
    Some(Cow::Borrowed(authority))
}

/// `Some(None)` when absent, `None` when sent twice or not ASCII.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Option<Option<&'a str>> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return None;
    }
    first.map(|v| v.to_str().ok()).map_or(Some(None), |v| v.map(Some))
}

/// A DNS name has at most 253 characters, a port at most 5.
const LONGEST: usize = 253 + 1 + 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn of(uri: &str, hosts: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(HOST, host.parse().unwrap());
        }
        authority(&uri.parse().unwrap(), &headers).map(Cow::into_owned)
    }

    #[test]
    fn one_authority_or_none() {
        assert_eq!(of("/x", &["Acme.Example:4000"]).as_deref(), Some("acme.example:4000"));
        assert_eq!(of("/x", &["[::1]:4000"]).as_deref(), Some("[::1]:4000"));
        assert_eq!(of("https://acme.example/x", &[]).as_deref(), Some("acme.example"));
        assert_eq!(of("https://acme.example/x", &["ACME.example"]).as_deref(), Some("acme.example"));
        for (uri, hosts) in [
            ("/x", &[][..]),
            ("/x", &["a.example", "a.example"][..]),
            ("https://a.example/x", &["b.example"][..]),
            ("/x", &["a.example/../b"][..]),
            ("/x", &["user@a.example"][..]),
            ("/x", &["a.example, b.example"][..]),
            ("/x", &["<script>"][..]),
            ("/x", &[""][..]),
        ] {
            assert_eq!(of(uri, hosts), None, "{uri} {hosts:?}");
        }
        assert_eq!(of("/x", &[&"a".repeat(300)]), None);
    }

    #[test]
    fn the_last_proxy_speaks() {
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-host", "evil.example, acme.example".parse().unwrap());
        assert_eq!(forwarded(&headers).as_deref(), Some("acme.example"));
        let unreadable = http::HeaderValue::from_bytes(b"\xe9, acme.example").unwrap();
        headers.append("x-forwarded-host", unreadable);
        assert_eq!(forwarded(&headers).as_deref(), Some("acme.example"));
    }
}
