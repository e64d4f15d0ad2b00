//! Reading token answers.

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::http1::find;

/// The value of a string member of a compact JSON object, found without parsing: the hot loop reads refresh tokens
/// this way. Tokens hold no escapes.
pub(crate) fn string_member<'a>(body: &'a [u8], name: &str) -> Option<&'a str> {
    // Where the name stands as a value, or is the end of another one, it is not followed or not preceded as a member is.
    let mut rest = body;
    loop {
        let (before, after) = rest.split_at(find(rest, name.as_bytes())?);
        rest = &after[name.len()..];
        if !before.ends_with(b"\"") {
            continue;
        }
        let Some(value) = rest.strip_prefix(b"\":") else { continue };
        let value = value.trim_ascii_start().strip_prefix(b"\"")?;
        return std::str::from_utf8(&value[..memchr::memchr(b'"', value)?]).ok();
    }
}

/// How many signatures an answer of the token endpoint carries: a signed token has two dots, an opaque one fewer.
///
/// # Errors
/// When the answer has no access token.
pub(crate) fn signatures(answer: &Value) -> Result<usize> {
    answer["access_token"].as_str().context("the answer has no access_token")?;
    let signed = |name: &str| answer[name].as_str().is_some_and(|token| token.matches('.').count() == 2);
    Ok(["access_token", "id_token"].into_iter().filter(|name| signed(name)).count())
}

/// The `alg` of a signed token's header.
pub(crate) fn algorithm(token: &str) -> Option<String> {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next()?).ok()?;
    Some(serde_json::from_slice::<Value>(&header).ok()?["alg"].as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_and_signatures() {
        let body = br#"{"access_token":"a.b.c","refresh_token": "v1.x","id_token":"d.e.f","n":1}"#;
        assert_eq!(string_member(body, "refresh_token"), Some("v1.x"));
        assert_eq!(string_member(body, "access_token"), Some("a.b.c"));
        assert_eq!(string_member(body, "n"), None);
        assert_eq!(string_member(body, "token"), None);
        assert_eq!(string_member(br#"{"a":"n","n":"b","b":"d.e.f"}"#, "n"), Some("b"));
        assert_eq!(signatures(&serde_json::from_slice(body).unwrap()).unwrap(), 2);
        assert!(signatures(&Value::Null).is_err());
        assert_eq!(algorithm("eyJhbGciOiJFUzI1NiJ9.e30.x").as_deref(), Some("ES256"));
    }
}
