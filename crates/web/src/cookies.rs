//! Cookies. The names are those of the wire (fact sheet 8.1), which rules out the `__Host-` prefix; everything the prefix
//! would enforce is done anyway: `Secure` on https, `Path=/`, no `Domain`.
//!
//! On https the session cookie must travel in iframes of other sites (silent authentication), hence `SameSite=None`; old
//! browsers that take `None` for `Strict` get the twin named `..._compat` without the attribute. On plain HTTP, which is
//! for development, `None` is refused by browsers, hence `Lax`.

use http::header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE};

/// The session.
pub const SESSION: &str = "auth0";
/// The session, for browsers that do not know `SameSite=None`.
pub const SESSION_COMPAT: &str = "auth0_compat";
/// The browser.
pub const DEVICE: &str = "did";
/// The browser, for browsers that do not know `SameSite=None`.
pub const DEVICE_COMPAT: &str = "did_compat";

/// The browser, where a second factor was shown in it.
pub const REMEMBERED: &str = "auth0-mf";
/// The same, for browsers that do not know `SameSite=None`.
pub const REMEMBERED_COMPAT: &str = "auth0-mf_compat";

/// Whether the session is still the same, for the script of the frame that applications ask (OpenID Connect Session Management).
pub const OP_STATE: &str = "op_state";

/// A year, in seconds.
pub const DEVICE_LIFETIME: i64 = 365 * 24 * 3600;

/// The values of the cookies with this name, in the order sent. One that is no text, which a neighbour of the same domain may have set,
/// takes no other one along.
pub fn all<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(COOKIE)
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b';'))
        .filter_map(|pair| std::str::from_utf8(pair).ok())
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(move |(n, value)| *n == name && !value.is_empty())
        .map(|(_, value)| value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value))
}

/// The first cookie with this name.
pub fn read<'a>(headers: &'a HeaderMap, name: &'a str) -> Option<&'a str> {
    all(headers, name).next()
}

/// The session handle.
pub fn session(headers: &HeaderMap) -> Option<&str> {
    read(headers, SESSION).or_else(|| read(headers, SESSION_COMPAT))
}

/// The device id.
pub fn device(headers: &HeaderMap) -> Option<&str> {
    read(headers, DEVICE).or_else(|| read(headers, DEVICE_COMPAT))
}

/// The secret of a browser that is remembered.
pub fn remembered(headers: &HeaderMap) -> Option<&str> {
    read(headers, REMEMBERED).or_else(|| read(headers, REMEMBERED_COMPAT))
}

/// Sets it, for `max_age` seconds.
pub fn set_remembered(headers: &mut HeaderMap, value: &str, max_age: i64, secure: bool) {
    set_twins(headers, (REMEMBERED, REMEMBERED_COMPAT), value, (Some(max_age), secure));
}

/// Sets the session: for `max_age` seconds, or with `None` until the browser is closed.
pub fn set_session(headers: &mut HeaderMap, value: &str, max_age: Option<i64>, secure: bool) {
    set_twins(headers, (SESSION, SESSION_COMPAT), value, (max_age, secure));
}

/// Ends the session in the browser.
pub fn clear_session(headers: &mut HeaderMap, secure: bool) {
    set_twins(headers, (SESSION, SESSION_COMPAT), "", (Some(0), secure));
}

/// Sets what the frame reads: the one cookie that scripts see.
pub fn set_op_state(headers: &mut HeaderMap, value: &str, max_age: Option<i64>, secure: bool) {
    let same_site = if secure { SameSite::None } else { SameSite::Lax };
    let cookie = Cookie { name: OP_STATE, value, max_age, path: "/", same_site, secure };
    let readable = line(cookie).and_then(|line| {
        let text = line.to_str().ok()?.replace("; HttpOnly", "");
        HeaderValue::from_str(&text).ok()
    });
    if let Some(line) = readable {
        headers.append(SET_COOKIE, line);
    }
}

/// The session it speaks of is over.
pub fn clear_op_state(headers: &mut HeaderMap, secure: bool) {
    set_op_state(headers, "", Some(0), secure);
}

/// Sets the device id.
pub fn set_device(headers: &mut HeaderMap, value: &str, secure: bool) {
    set_twins(headers, (DEVICE, DEVICE_COMPAT), value, (Some(DEVICE_LIFETIME), secure));
}

/// When a cookie travels with requests from other sites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// No attribute.
    Unsaid,
    /// With links, not with forms or frames.
    Lax,
    /// Never.
    Strict,
    /// Always; needs https.
    None,
}

/// A cookie to set: always `HttpOnly`, never with a `Domain`.
#[derive(Clone, Copy, Debug)]
pub struct Cookie<'a> {
    /// Its name.
    pub name: &'a str,
    /// Only characters of RFC 6265 section 4.1.1 are let through.
    pub value: &'a str,
    /// Seconds; `None` until the browser is closed, 0 removes it.
    pub max_age: Option<i64>,
    /// Where it is sent.
    pub path: &'a str,
    /// When it is sent.
    pub same_site: SameSite,
    /// Only over https.
    pub secure: bool,
}

/// Sets a cookie. One that cannot be written as a header is left out, and the log says so.
pub fn set(headers: &mut HeaderMap, cookie: Cookie<'_>) {
    let Some(line) = line(cookie) else {
        tracing::error!(cookie = cookie.name, "cookie {} cannot be written as a header", cookie.name);
        return;
    };
    headers.append(SET_COOKIE, line);
}

fn set_twins(
    headers: &mut HeaderMap,
    (name, compat): (&str, &str),
    value: &str,
    (max_age, secure): (Option<i64>, bool),
) {
    let same_site = if secure { SameSite::None } else { SameSite::Lax };
    let cookie = Cookie { name, value, max_age, path: "/", same_site, secure };
    set(headers, cookie);
    set(headers, Cookie { name: compat, same_site: SameSite::Unsaid, ..cookie });
}

fn line(cookie: Cookie<'_>) -> Option<HeaderValue> {
    let fits = |b: u8| matches!(b, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e);
    if !cookie.value.bytes().all(fits) {
        return None;
    }
    let mut line = format!("{}={}; Path={}", cookie.name, cookie.value, cookie.path);
    if let Some(seconds) = cookie.max_age {
        line.push_str(&format!("; Max-Age={seconds}"));
        if seconds <= 0 {
            line.push_str("; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
        }
    }
    line.push_str("; HttpOnly");
    if cookie.secure {
        line.push_str("; Secure");
    }
    line.push_str(match cookie.same_site {
        SameSite::Unsaid => "",
        SameSite::Lax => "; SameSite=Lax",
        SameSite::Strict => "; SameSite=Strict",
        SameSite::None => "; SameSite=None",
    });
    HeaderValue::from_str(&line).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set_lines(headers: &HeaderMap) -> Vec<&str> {
        headers.get_all(SET_COOKIE).iter().map(|v| v.to_str().unwrap()).collect()
    }

    #[test]
    fn reading() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, "a=1; auth0_compat=old; b=\"q\"".parse().unwrap());
        assert_eq!(session(&headers), Some("old"));
        headers.append(COOKIE, "auth0=new;did=d1;  auth0=second; xauth0=no; auth0".parse().unwrap());
        assert_eq!(session(&headers), Some("new"));
        assert_eq!(all(&headers, SESSION).collect::<Vec<_>>(), ["new", "second"]);
        assert_eq!(device(&headers), Some("d1"));
        assert_eq!(read(&headers, "b"), Some("q"));
        assert_eq!(read(&headers, "c"), None);
        assert_eq!(session(&[(COOKIE, HeaderValue::from_static("auth0="))].into_iter().collect()), None);
        let beside = HeaderValue::from_bytes(b"theirs=\xe9; auth0=new; ours=\xc3\xa9").unwrap();
        let headers = [(COOKIE, beside)].into_iter().collect();
        assert_eq!((session(&headers), read(&headers, "theirs")), (Some("new"), None));
    }

    #[test]
    fn writing() {
        let mut headers = HeaderMap::new();
        set_session(&mut headers, "v", Some(60), true);
        set_session(&mut headers, "v", None, false);
        clear_session(&mut headers, true);
        assert_eq!(
            set_lines(&headers),
            [
                "auth0=v; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=None",
                "auth0_compat=v; Path=/; Max-Age=60; HttpOnly; Secure",
                "auth0=v; Path=/; HttpOnly; SameSite=Lax",
                "auth0_compat=v; Path=/; HttpOnly",
                "auth0=; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; SameSite=None",
                "auth0_compat=; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure",
            ]
        );
    }

    #[test]
    fn values_cannot_smuggle_attributes() {
        let mut headers = HeaderMap::new();
        for value in ["a; Domain=example.com", "a,b", "a b", "a\r\nx: y", "ä", "a\"b"] {
            set_session(&mut headers, value, None, true);
        }
        assert_eq!(set_lines(&headers), Vec::<&str>::new());
    }
}
