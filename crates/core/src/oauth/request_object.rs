//! Requests of `/authorize` that the application signed (JAR, RFC 9101, fact sheet 2.10): nobody on the way changes them.

use chancery_jose::Algorithm;
use serde::Deserialize;

use super::AuthorizeError;
use crate::params::Params;

/// What applications may sign with: what discovery lists.
pub const REQUEST_OBJECT_ALGORITHMS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::RS384, Algorithm::PS256];

/// Seconds clocks may differ by.
const SKEW: i64 = 10;
const MOST_JTI: usize = 64;
/// Claims of the token itself, which are no parameters.
const OWN_CLAIMS: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];

/// Whose a request object must be, and for whom.
#[derive(Clone, Copy, Debug)]
pub struct RequestObjectFor<'a> {
    /// The application whose key signed it.
    pub client_id: &'a str,
    /// This server.
    pub issuer: &'a str,
    /// Whether it may leave out who signed it and for whom (`iss`, `aud`); what is there has to be right.
    pub may_be_bare: bool,
    /// Seconds.
    pub now: i64,
}

/// Whether `typ` of the header is that of a request object, so that no other token of the application passes for one.
pub fn is_request_object_typ(header: &chancery_jose::Header) -> bool {
    header.is_typ("oauth-authz-req+jwt") || header.is_typ("jwt")
}

/// The parameters in the payload of a request object whose signature holds. They are the whole request: what stands beside
/// it was not signed (RFC 9101, section 6.3).
///
/// # Errors
/// `invalid_request_object`, with the reason.
pub fn signed_request(payload: &[u8], expected: &RequestObjectFor<'_>) -> Result<Params, AuthorizeError> {
    let claims: Claims = serde_json::from_slice(payload)
        .map_err(|_| refuse("The request object lacks iss, aud, client_id or response_type"))?;
    let may_lack = expected.may_be_bare;
    let is_own = |iss: &String| iss == expected.client_id;
    if !claims.iss.as_ref().map_or(may_lack, is_own) || claims.client_id != expected.client_id {
        return Err(refuse("iss and client_id of the request object must both be the client_id"));
    }
    if !claims.aud.as_ref().map_or(may_lack, |aud| aud.has(expected.issuer)) {
        return Err(refuse("aud of the request object must be the issuer"));
    }
    if claims.exp.is_some_and(|end| end <= expected.now.saturating_sub(SKEW)) {
        return Err(refuse("The request object has expired"));
    }
    let begins = claims.nbf.into_iter().chain(claims.iat).max();
    if begins.is_some_and(|from| from > expected.now.saturating_add(SKEW)) {
        return Err(refuse("The request object is not valid yet"));
    }
    if claims.jti.is_some_and(|jti| jti.len() > MOST_JTI) {
        return Err(refuse("jti of the request object has more than 64 bytes"));
    }
    let all = Params::from_json(payload).map_err(|_| refuse("The request object holds no parameters"))?;
    if all.has("request") || all.has("request_uri") {
        return Err(refuse("A request object must not hold another one"));
    }
    let mut request = Params::default();
    for (name, value) in all.pairs().filter(|(name, _)| !OWN_CLAIMS.contains(name)) {
        request.push(name, value);
    }
    Ok(request)
}

/// The parameters of a request object that nobody signed (`alg` `none`): worth what the same parameters are worth in a query, and
/// read for applications alone that registered so.
///
/// # Errors
/// `invalid_request_object`, with the reason.
pub fn unsigned_request(object: &str, expected: &RequestObjectFor<'_>) -> Result<Params, AuthorizeError> {
    let parts: Vec<&str> = object.split('.').collect();
    let [_, payload, ""] = parts[..] else {
        return Err(refuse("A request object without signature has an empty third part"));
    };
    let payload = chancery_jose::base64url_decode(payload).map_err(|_| bad_request_object())?;
    signed_request(&payload, &RequestObjectFor { may_be_bare: true, ..*expected })
}

/// `invalid_request_object` (RFC 9101, section 7).
pub fn bad_request_object() -> AuthorizeError {
    refuse("The request object is not a JWT that a key of the client signed")
}

fn refuse(text: &str) -> AuthorizeError {
    AuthorizeError::new("invalid_request_object", text)
}

#[derive(Deserialize)]
struct Claims {
    iss: Option<String>,
    aud: Option<Audience>,
    client_id: String,
    #[serde(rename = "response_type")]
    _response_type: String,
    exp: Option<i64>,
    nbf: Option<i64>,
    iat: Option<i64>,
    jti: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    fn has(&self, issuer: &str) -> bool {
        match self {
            Self::One(one) => one == issuer,
            Self::Several(several) => several.iter().any(|one| one == issuer),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: i64 = 1_000;

    fn expected(may_be_bare: bool) -> RequestObjectFor<'static> {
        RequestObjectFor { client_id: "app", issuer: "https://t.example/", may_be_bare, now: NOW }
    }

    /// OpenID Connect Core 6.1: without `iss` and `aud`, but never with somebody else's.
    #[test]
    fn bare_ones() {
        let bare = json!({ "client_id": "app", "response_type": "code", "state": "s" });
        let object =
            |claims: &Value| format!("e30.{}.", chancery_jose::base64url(claims.to_string().as_bytes()));
        assert!(signed_request(bare.to_string().as_bytes(), &expected(false)).is_err());
        assert_eq!(
            signed_request(bare.to_string().as_bytes(), &expected(true)).unwrap().get("state"),
            Some("s")
        );
        assert_eq!(unsigned_request(&object(&bare), &expected(false)).unwrap().get("state"), Some("s"));
        for (name, value) in [
            ("iss", "other"),
            ("aud", "https://other.example/"),
            ("client_id", "other"),
            ("request_uri", "x"),
        ] {
            let mut claims = bare.clone();
            claims[name] = json!(value);
            assert!(unsigned_request(&object(&claims), &expected(true)).is_err(), "{name}");
        }
        for bad in ["", "e30", "e30.e30", "e30.e30.x", "e30.e30..", &format!("{}x", object(&bare))] {
            assert!(unsigned_request(bad, &expected(true)).is_err(), "{bad}");
        }
    }

    fn opened(change: &Value) -> Result<Params, AuthorizeError> {
        let mut claims = json!({
            "iss": "app", "aud": "https://t.example/", "client_id": "app", "response_type": "code", "scope": "openid",
        });
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let expected = expected(false);
        signed_request(claims.to_string().as_bytes(), &expected)
    }

    #[test]
    fn parameters_without_the_claims_of_the_token() {
        let more = json!({ "exp": NOW + 60, "iat": NOW, "nbf": NOW, "jti": "j", "sub": "app", "max_age": 5, "resource": ["a", "b"] });
        let request = opened(&more).unwrap();
        let mut names: Vec<&str> = request.names().collect();
        names.sort_unstable();
        assert_eq!(names, ["client_id", "max_age", "resource", "resource", "response_type", "scope"]);
        assert_eq!(request.get("max_age"), Some("5"));
        assert!(
            opened(&json!({ "aud": ["x", "https://t.example/"], "exp": NOW - 9, "iat": NOW + 10 })).is_ok()
        );
    }

    #[test]
    fn what_is_refused() {
        for change in [
            json!({ "iss": "other" }),
            json!({ "iss": null }),
            json!({ "client_id": "other" }),
            json!({ "client_id": null }),
            json!({ "aud": "https://t.example" }),
            json!({ "aud": [] }),
            json!({ "aud": null }),
            json!({ "response_type": null }),
            json!({ "exp": NOW - 10 }),
            json!({ "exp": "1" }),
            json!({ "nbf": NOW + 11 }),
            json!({ "iat": NOW + 11 }),
            json!({ "jti": "x".repeat(65) }),
            json!({ "request": "x" }),
            json!({ "request_uri": "urn:x" }),
        ] {
            assert_eq!(opened(&change).unwrap_err().code, "invalid_request_object", "{change}");
        }
        let expected = expected(false);
        let twice = br#"{"iss":"app","aud":"https://t.example/","client_id":"app","client_id":"app","response_type":"code"}"#;
        assert!(signed_request(twice, &expected).is_err());
        let twice = br#"{"iss":"app","aud":"https://t.example/","client_id":"app","response_type":"code","scope":"a","scope":"b"}"#;
        assert_eq!(
            signed_request(twice, &expected).unwrap().repeated(),
            Some("scope"),
            "left to the checks of requests"
        );
    }
}
