//! Which redirect URIs an application may register by itself (security cases 4 and 5).

use url::Url;

use crate::oauth::RedirectUri;
use crate::oauth::redirect_uri::is_loopback_host;

/// Bytes of the longest.
pub(super) const LONGEST: usize = 2000;

/// Schemes that browsers and systems act on themselves: never those of a program that waits for its user.
const TAKEN: [&str; 22] = [
    "about",
    "blob",
    "chrome",
    "chrome-extension",
    "content",
    "data",
    "file",
    "filesystem",
    "ftp",
    "gopher",
    "intent",
    "jar",
    "javascript",
    "mailto",
    "moz-extension",
    "resource",
    "sms",
    "tel",
    "vbscript",
    "view-source",
    "ws",
    "wss",
];

/// `https`, `http` on loopback, or a private scheme; byte for byte what will be compared, without wildcard, placeholder,
/// fragment and user information. `of_the_web` are those that tokens travel to through the browser: they are `https`.
pub(super) fn check(uri: &str, of_the_web: bool) -> Result<(), String> {
    let bad = |why: &str| Err(format!("{} {why}", shown(uri)));
    if uri.contains('#') {
        return bad("has a fragment");
    }
    let Ok(url) = Url::parse(uri) else { return bad("is not a URL") };
    let is_plain = !uri.contains(['*', '\\', '{', '}']) && uri.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_plain || RedirectUri::allowed(uri, [uri]).is_none() {
        return bad("has characters or a form that redirect URIs must not have");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return bad("has user information");
    }
    let rest = uri.get(url.scheme().len()..).unwrap_or_default();
    match url.scheme() {
        "https" if rest.starts_with("://") => Ok(()),
        "https" | "http" if !rest.starts_with("://") => bad("is not a URL"),
        "http" if of_the_web => bad("must be an https URL where tokens travel through the browser"),
        "http" if url.host_str().is_some_and(is_loopback_host) => Ok(()),
        "http" => bad("must be an https URL: http is for loopback alone"),
        _ if of_the_web => bad("must be an https URL where tokens travel through the browser"),
        scheme if TAKEN.iter().any(|taken| scheme == *taken || scheme.starts_with(&format!("{taken}."))) => {
            bad("has a scheme that is no program's")
        }
        _ => Ok(()),
    }
}

/// Short enough to be told.
fn shown(uri: &str) -> String {
    let short: String = uri.chars().take(200).collect();
    format!("{short:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good() {
        for uri in [
            "https://app.example/cb",
            "https://app.example:8443/cb?from=here",
            "http://localhost:3000/cb",
            "http://127.0.0.1:33418",
            "http://[::1]:9/cb",
            "com.example.app:/cb",
            "cursor://anysphere.cursor-retrieval/oauth/cb",
        ] {
            assert_eq!(check(uri, false), Ok(()), "{uri}");
        }
        assert_eq!(check("https://app.example/cb", true), Ok(()));
    }

    /// Security cases 4 and 5.
    #[test]
    fn bad() {
        for uri in [
            "",
            "cb",
            "https://app.example/cb#x",
            "https://app.example/cb#",
            "https:app.example/cb",
            "https:///cb",
            "http://app.example/cb",
            "http://127.0.0.1:80@evil.example/",
            "https://good.example@evil.example/",
            "https://app.example\\@evil.example/",
            "https://*.app.example/cb",
            "https://{organization_name}.app.example/cb",
            "https://app.example/\u{0}",
            "https://app.example/ cb",
            "https://äpp.example/cb",
            "javascript:alert(1)",
            "JavaScript://app.example/%0aalert(1)",
            "javascript.x://a/%0aalert(1)",
            "data:text/html,x",
            "vbscript:x",
            "blob:https://app.example/x",
            "file:///etc/passwd",
            "about:blank",
            "intent://x#Intent;end",
            "view-source:https://app.example/",
            "ftp://app.example/",
            "ws://app.example/",
            "mailto:a@b.example",
        ] {
            assert!(check(uri, false).is_err(), "{uri:?}");
        }
        for uri in ["http://localhost:3000/cb", "com.example.app:/cb"] {
            assert!(check(uri, true).is_err(), "{uri:?}");
        }
    }
}
