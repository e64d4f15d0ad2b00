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
/// Seconds that financial profiles let an object be good for (FAPI 2.0 Message Signing, section 5.3.1; FAPI 1.0 Part 2, section
/// 5.2.2; FAPI-CIBA, section 5.2.2).
const LONGEST_LIFE: i64 = 3_600;
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
    /// Whether it must say from when until when it is good, for an hour at most: financial profiles want that, and questions to a user
    /// who is elsewhere have both anyway.
    pub is_bounded: bool,
    /// Seconds.
    pub now: i64,
}

impl RequestObjectFor<'_> {
    fn check_times(&self, times: &Times) -> Result<(), AuthorizeError> {
        if times.exp.is_some_and(|end| end <= self.now.saturating_sub(SKEW)) {
            return Err(refuse("The request object has expired"));
        }
        let begins = times.nbf.into_iter().chain(times.iat).max();
        if begins.is_some_and(|from| from > self.now.saturating_add(SKEW)) {
            return Err(refuse("The request object is not valid yet"));
        }
        if !self.is_bounded {
            return Ok(());
        }
        let (Some(from), Some(end)) = (times.nbf, times.exp) else {
            return Err(refuse(
                "The request object needs nbf and exp: requests of this kind and of this client are good for an hour at most",
            ));
        };
        match end.saturating_sub(from) > LONGEST_LIFE || self.now.saturating_sub(from) > LONGEST_LIFE + SKEW {
            true => Err(refuse("The request object must expire within an hour of its nbf")),
            false => Ok(()),
        }
    }
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
    let claims: Claims = chancery_jose::read_object(payload)
        .map_err(|_| refuse("The request object lacks iss, aud, client_id or response_type"))?;
    let may_lack = expected.may_be_bare;
    let is_own = |iss: &String| iss == expected.client_id;
    if !claims.iss.as_ref().map_or(may_lack, is_own) || claims.client_id != expected.client_id {
        return Err(refuse("iss and client_id of the request object must both be the client_id"));
    }
    if !claims.aud.as_ref().map_or(may_lack, |aud| aud.has(expected.issuer)) {
        return Err(refuse("aud of the request object must be the issuer"));
    }
    expected.check_times(&Times { exp: claims.exp, nbf: claims.nbf, iat: claims.iat })?;
    if claims.jti.is_some_and(|jti| jti.len() > MOST_JTI) {
        return Err(refuse("jti of the request object has more than 64 bytes"));
    }
    parameters(payload)
}

/// The parameters of a signed request of `/bc-authorize` (OpenID CIBA Core 1.0, section 7.1.1), which says of itself all that such
/// a token can say, and nothing of a browser.
///
/// # Errors
/// `invalid_request_object`, with the reason.
pub fn signed_backchannel_request(
    payload: &[u8],
    expected: &RequestObjectFor<'_>,
) -> Result<Params, AuthorizeError> {
    let claims: BackchannelClaims = chancery_jose::read_object(payload)
        .map_err(|_| refuse("The request object lacks iss, aud, exp, iat, nbf or jti"))?;
    if claims.iss != expected.client_id || claims.client_id.is_some_and(|id| id != expected.client_id) {
        return Err(refuse("iss of the request object must be the client_id"));
    }
    if !claims.aud.has(expected.issuer) {
        return Err(refuse("aud of the request object must be the issuer"));
    }
    let times = Times { exp: Some(claims.exp), nbf: Some(claims.nbf), iat: Some(claims.iat) };
    expected.check_times(&times)?;
    if claims.jti.is_empty() || claims.jti.len() > MOST_JTI {
        return Err(refuse("jti of the request object must have 1 to 64 bytes"));
    }
    parameters(payload)
}

/// What is no claim of the token itself.
fn parameters(payload: &[u8]) -> Result<Params, AuthorizeError> {
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
    #[serde(default, deserialize_with = "crate::numeric_date::optional")]
    exp: Option<i64>,
    #[serde(default, deserialize_with = "crate::numeric_date::optional")]
    nbf: Option<i64>,
    #[serde(default, deserialize_with = "crate::numeric_date::optional")]
    iat: Option<i64>,
    jti: Option<String>,
}

#[derive(Deserialize)]
struct BackchannelClaims {
    iss: String,
    client_id: Option<String>,
    aud: Audience,
    #[serde(deserialize_with = "crate::numeric_date::required")]
    exp: i64,
    #[serde(deserialize_with = "crate::numeric_date::required")]
    nbf: i64,
    #[serde(deserialize_with = "crate::numeric_date::required")]
    iat: i64,
    jti: String,
}

struct Times {
    exp: Option<i64>,
    nbf: Option<i64>,
    iat: Option<i64>,
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
        RequestObjectFor {
            client_id: "app",
            issuer: "https://t.example/",
            may_be_bare,
            is_bounded: false,
            now: NOW,
        }
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

    /// `fapi2-security-profile-final-ensure-request-object-with*`: what a financial profile wants beside the rest.
    #[test]
    fn times_of_financial_profiles() {
        let bounded = RequestObjectFor { is_bounded: true, ..expected(false) };
        let opened = |exp: Option<i64>, nbf: Option<i64>| {
            let claims = json!({
                "iss": "app", "aud": "https://t.example/", "client_id": "app", "response_type": "code",
                "exp": exp, "nbf": nbf,
            });
            signed_request(claims.to_string().as_bytes(), &bounded).is_ok()
        };
        let late = NOW + 10_000;
        assert!(opened(Some(NOW + 300), Some(NOW)) && opened(Some(NOW + 3_600), Some(NOW)));
        assert!(opened(Some(NOW + 308), Some(NOW + 8)), "its clock is ahead");
        assert!(!opened(None, Some(NOW)) && !opened(Some(NOW + 300), None) && !opened(None, None));
        assert!(!opened(Some(NOW + 4_200), Some(NOW)), "longer than an hour");
        assert!(!opened(Some(i64::MAX), Some(i64::MIN)));
        let bounded = RequestObjectFor { now: late, ..bounded };
        let claims = json!({
            "iss": "app", "aud": "https://t.example/", "client_id": "app", "response_type": "code",
            "exp": late - 5, "nbf": late - 3_605,
        });
        assert!(signed_request(claims.to_string().as_bytes(), &bounded).is_ok());
    }

    /// `fapi-ciba-id1-ensure-request-object-*`.
    #[test]
    fn backchannel_requests() {
        let good = json!({
            "iss": "app", "aud": ["https://t.example/"], "exp": NOW + 300, "nbf": NOW, "iat": NOW, "jti": "j",
            "scope": "openid", "login_hint": "x", "requested_expiry": 300,
        });
        let opened =
            |claims: &Value| signed_backchannel_request(claims.to_string().as_bytes(), &expected(false));
        let request = opened(&good).unwrap();
        let mut names: Vec<&str> = request.names().collect();
        names.sort_unstable();
        assert_eq!(names, ["login_hint", "requested_expiry", "scope"]);
        for name in ["iss", "aud", "exp", "nbf", "iat", "jti"] {
            let mut lacking = good.clone();
            lacking.as_object_mut().unwrap().remove(name);
            assert_eq!(opened(&lacking).unwrap_err().code, "invalid_request_object", "{name}");
        }
        for (name, value) in [
            ("iss", json!("other")),
            ("client_id", json!("other")),
            ("aud", json!("https://other.example/")),
            ("exp", json!(NOW - 10)),
            ("nbf", json!(NOW + 600)),
            ("jti", json!("")),
            ("jti", json!("x".repeat(65))),
            ("request", json!("x")),
        ] {
            let mut wrong = good.clone();
            wrong[name] = value;
            assert_eq!(opened(&wrong).unwrap_err().code, "invalid_request_object", "{name}");
        }
        // Of financial applications alone it must not be good for longer than an hour.
        let mut claims = good;
        claims["exp"] = json!(NOW + 4_200);
        assert!(opened(&claims).is_ok());
        let bounded = RequestObjectFor { is_bounded: true, ..expected(false) };
        assert!(signed_backchannel_request(claims.to_string().as_bytes(), &bounded).is_err());
    }
}
