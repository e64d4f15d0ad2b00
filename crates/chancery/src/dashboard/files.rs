//! The built files. Names of assets carry a hash of what is in them, so that browsers keep them for good; each lies
//! beside itself compressed, where that makes it smaller.

use axum::body::Body;
use axum::response::Response;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY,
};
use http::{HeaderMap, HeaderValue};
use rust_embed::{EmbeddedFile, RustEmbed};

/// In builds for development they are read from the folder at each request.
#[derive(RustEmbed)]
#[folder = "../../ui/dashboard/dist"]
#[allow_missing = true]
struct Built;

/// The page that loads everything else; `None` where the dashboard was not built.
pub(super) fn index() -> Option<String> {
    Built::get("index.html").and_then(|file| String::from_utf8(file.data.into_owned()).ok())
}

/// A file of the folder `assets`.
pub(super) fn asset(name: &str, headers: &HeaderMap) -> Option<Response> {
    if name.starts_with('.')
        || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
    {
        return None;
    }
    let content_type = content_type(name)?;
    let path = format!("assets/{name}");
    let compressed = if takes_gzip(headers) { Built::get(&format!("{path}.gz")) } else { None };
    let is_compressed = compressed.is_some();
    let mut response = of(compressed.or_else(|| Built::get(&path))?);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    );
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if is_compressed {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Some(response)
}

fn of(file: EmbeddedFile) -> Response {
    Response::new(match file.data {
        std::borrow::Cow::Borrowed(bytes) => Body::from(bytes),
        std::borrow::Cow::Owned(bytes) => Body::from(bytes),
    })
}

/// Of what a build makes; nothing else is served.
fn content_type(name: &str) -> Option<&'static str> {
    let (_, ending) = name.rsplit_once('.')?;
    Some(match ending {
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        _ => return None,
    })
}

/// Whether `gzip` is among what the browser takes (RFC 9110 section 12.5.3); `q=0` means that it is not.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let offers = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    offers.flat_map(|value| value.split(',')).any(|offer| {
        let (coding, weight) = offer.split_once(';').unwrap_or((offer, "q=1"));
        let weight = weight.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok());
        coding.trim().eq_ignore_ascii_case("gzip") && weight.is_some_and(|q| q > 0.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compressed_for_who_takes_it() {
        for (offer, takes) in [
            ("gzip, deflate, br", true),
            ("br;q=1.0, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("gzip;q=x", false),
            ("br", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_str(offer).unwrap())]);
            assert_eq!(takes_gzip(&headers), takes, "{offer}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }

    #[test]
    fn nothing_beside_assets_is_served() {
        for name in ["../index.html", "..", ".gitignore", "a/b.js", "a\\b.js", "%2e%2e.js", "x.map", "x", ""]
        {
            assert!(asset(name, &HeaderMap::new()).is_none(), "{name}");
        }
    }
}
