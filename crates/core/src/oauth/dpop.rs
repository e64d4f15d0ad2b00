//! Proofs of possession: a request shows that its sender holds a key, and tokens are good together with that key alone
//! (RFC 9449, fact sheet 6.1).

use chancery_jose::{Algorithm, OwnKey, base64url, read_object, sha256};
use serde::Deserialize;
use url::Url;

use super::OAuthError;

/// Seconds a proof is good for after it was made.
pub const PROOF_LIFETIME: i64 = 60;
/// The same of a proof with a nonce of ours, which says itself when it was made: clocks of phones are minutes off.
pub const PROOF_LIFETIME_WITH_NONCE: i64 = 300;
/// Seconds clocks may differ by.
pub const PROOF_SKEW: i64 = 10;
/// Seconds a nonce is good for.
pub const NONCE_LIFETIME: i64 = 300;
/// The algorithms of proofs: what discovery lists.
pub const PROOF_ALGORITHMS: [Algorithm; 1] = [Algorithm::ES256];

const MOST_BYTES: usize = 4096;
const MOST_JTI: usize = 128;

/// The request that a proof is for.
#[derive(Clone, Copy, Debug)]
pub struct ProofFor<'a> {
    /// The method of the request.
    pub method: &'a str,
    /// Scheme, host and path of the request, as clients see them.
    pub url: &'a str,
    /// The access token sent with it, if one is.
    pub access_token: Option<&'a str>,
    /// Seconds.
    pub now: i64,
}

/// What a proof says of the server's nonces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofNonce {
    /// It has none.
    Absent,
    /// It has one of ours that is still good.
    Fresh,
    /// It has another.
    Stale,
}

/// A proof that holds, but for whether it was sent before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Thumbprint of the key (RFC 7638), base64url: what tokens are bound to.
    pub jkt: String,
    /// Its own id.
    pub jti: String,
    /// The nonce in it.
    pub nonce: ProofNonce,
    /// The second from which on nobody accepts it any more: it has to be remembered at least until then.
    pub ends_at: i64,
}

impl Proof {
    /// Reads and judges one (RFC 9449, section 4.3).
    ///
    /// # Errors
    /// [`OAuthError::Proof`], with the reason; [`OAuthError::NonceNeeded`] where the time is wrong and a nonce would tell it.
    pub fn check(
        text: &str,
        expected: &ProofFor<'_>,
        is_fresh: impl FnOnce(&str) -> bool,
    ) -> Result<Self, OAuthError> {
        let refuse = OAuthError::Proof;
        if text.len() > MOST_BYTES {
            return Err(refuse("The DPoP proof is too long"));
        }
        let proven = OwnKey::prove(text, "dpop+jwt", &PROOF_ALGORITHMS).map_err(|_| {
            refuse("The DPoP proof is not a JWT of type dpop+jwt that its own ES256 key signed")
        })?;
        let claims: Claims =
            read_object(&proven.payload).map_err(|_| refuse("The DPoP proof lacks jti, htm, htu or iat"))?;
        if claims.jti.is_empty() || claims.jti.len() > MOST_JTI {
            return Err(refuse("jti of the DPoP proof must have 1 to 128 characters"));
        }
        if claims.htm != expected.method {
            return Err(refuse("htm of the DPoP proof is another method"));
        }
        if !is_same_place(&claims.htu, expected.url) {
            return Err(refuse("htu of the DPoP proof is another URL"));
        }
        let ath = expected.access_token.map(|token| base64url(&sha256(token.as_bytes())));
        if ath.is_some() && ath != claims.ath {
            return Err(refuse("ath of the DPoP proof is not the hash of the access token"));
        }
        let nonce = match claims.nonce.map(|nonce| is_fresh(&nonce)) {
            None => ProofNonce::Absent,
            Some(true) => ProofNonce::Fresh,
            Some(false) => ProofNonce::Stale,
        };
        // Whoever holds a nonce of ours cannot have made the proof long ago, whatever its clock says.
        let (before, after) = match nonce {
            ProofNonce::Fresh => (PROOF_LIFETIME_WITH_NONCE, PROOF_LIFETIME_WITH_NONCE),
            _ => (PROOF_LIFETIME + PROOF_SKEW, PROOF_SKEW),
        };
        // Remembered as long as under the longest rule: a nonce from a clock that is ahead is stale first and fresh later.
        let ends_at = claims.iat.saturating_add(PROOF_LIFETIME_WITH_NONCE);
        let is_now = expected.now < claims.iat.saturating_add(before)
            && claims.iat <= expected.now.saturating_add(after);
        match (is_now, nonce) {
            (true, _) => Ok(Self { jkt: base64url(&proven.thumbprint), jti: claims.jti, nonce, ends_at }),
            (false, ProofNonce::Fresh) => Err(refuse("The DPoP proof is too old, or from the future")),
            (false, _) => Err(OAuthError::NonceNeeded),
        }
    }
}

#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    #[serde(deserialize_with = "crate::numeric_date::required")]
    iat: i64,
    ath: Option<String>,
    nonce: Option<String>,
}

/// Query and fragment do not count, and scheme, host, port and dots are compared as they are meant (RFC 9449, section
/// 4.3, number 9).
fn is_same_place(htu: &str, url: &str) -> bool {
    let plain = |text: &str| {
        let mut url =
            Url::parse(text).ok().filter(|url| url.username().is_empty() && url.password().is_none())?;
        url.set_query(None);
        url.set_fragment(None);
        Some(url)
    };
    plain(htu).is_some_and(|htu| plain(url) == Some(htu))
}

/// Whether this can be the thumbprint of a key: SHA-256, base64url.
pub fn is_thumbprint(text: &str) -> bool {
    text.len() == 43 && chancery_jose::base64url_decode(text).is_ok_and(|bytes| bytes.len() == 32)
}

/// A nonce: when it was made, and a tag that only the server can make (`tag`).
pub fn nonce(now: i64, tag: &dyn Fn(&[u8]) -> [u8; 32]) -> String {
    let time = now.to_be_bytes();
    base64url(&[&time[..], &tag(&time)[..TAG]].concat())
}

/// Whether this is a nonce of ours that is still good.
pub fn is_fresh_nonce(text: &str, now: i64, tag: &dyn Fn(&[u8]) -> [u8; 32]) -> bool {
    let Ok(bytes) = chancery_jose::base64url_decode(text) else { return false };
    let Some((time, sent)) = bytes.split_first_chunk::<8>() else { return false };
    if !chancery_jose::constant_time_eq(sent, &tag(time)[..TAG]) {
        return false;
    }
    let age = now.saturating_sub(i64::from_be_bytes(*time));
    // Another node made it, whose clock is ahead.
    (-PROOF_SKEW..NONCE_LIFETIME).contains(&age)
}

/// Bytes of the tag in a nonce.
const TAG: usize = 16;

#[cfg(test)]
mod tests {
    use chancery_jose::{SigningKey, generate_es256};
    use serde_json::{Value, json};

    use super::*;

    const URL: &str = "https://t.example/oauth/token";
    const NOW: i64 = 1_000_000;

    fn made(claims: &Value) -> String {
        let key = SigningKey::from_pkcs8(Algorithm::ES256, "", &generate_es256().unwrap()).unwrap();
        let header = json!({ "alg": "ES256", "typ": "dpop+jwt", "jwk": key.public_jwk().unwrap() });
        let part = |value: &Value| base64url(value.to_string().as_bytes());
        let input = format!("{}.{}", part(&header), part(claims));
        let signature = key.sign_raw(input.as_bytes()).unwrap();
        format!("{input}.{}", base64url(&signature))
    }

    fn judged(change: &Value, access_token: Option<&str>) -> Result<Proof, OAuthError> {
        let mut claims = json!({ "jti": "j", "htm": "POST", "htu": URL, "iat": NOW });
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let expected = ProofFor { method: "POST", url: URL, access_token, now: NOW };
        Proof::check(&made(&claims), &expected, |nonce| nonce == "n")
    }

    #[test]
    fn what_holds() {
        let ath = base64url(&sha256(b"token"));
        for (change, token) in [
            (json!({}), None),
            (json!({ "htu": format!("{URL}?a=b#c") }), None),
            (json!({ "htu": "HTTPS://T.Example:443/oauth/./token" }), None),
            (json!({ "ath": ath }), Some("token")),
            (json!({ "iat": NOW - 69 }), None),
            (json!({ "iat": NOW + 10 }), None),
            (json!({ "iat": NOW - 299, "nonce": "n" }), None),
            (json!({ "iat": NOW + 300, "nonce": "n" }), None),
        ] {
            let proof = judged(&change, token).unwrap_or_else(|error| panic!("{change}: {error:?}"));
            assert!(is_thumbprint(&proof.jkt) && proof.ends_at > NOW, "{change}");
        }
    }

    #[test]
    fn what_does_not() {
        for (change, token) in [
            (json!({ "jti": "" }), None),
            (json!({ "jti": "x".repeat(129) }), None),
            (json!({ "jti": null }), None),
            (json!({ "htm": "post" }), None),
            (json!({ "htm": "GET" }), None),
            (json!({ "htu": "https://t.example/oauth/token/" }), None),
            (json!({ "htu": "http://t.example/oauth/token" }), None),
            (json!({ "htu": "https://t.example:444/oauth/token" }), None),
            (json!({ "htu": "https://x@t.example/oauth/token" }), None),
            (json!({ "htu": "https://t.example.evil.example/oauth/token" }), None),
            (json!({ "htu": "/oauth/token" }), None),
            (json!({ "iat": NOW - 300, "nonce": "n" }), None),
            (json!({ "iat": NOW + 301, "nonce": "n" }), None),
            (json!({}), Some("token")),
            (json!({ "ath": "x" }), Some("token")),
            (json!({ "ath": base64url(&sha256(b"other")) }), Some("token")),
        ] {
            assert!(matches!(judged(&change, token), Err(OAuthError::Proof(_))), "{change}");
        }
    }

    /// Members in the order of the program's own structure are no claims.
    #[test]
    fn a_list_is_no_proof() {
        let list = json!(["j", "POST", URL, NOW, null, null]);
        let expected = ProofFor { method: "POST", url: URL, access_token: None, now: NOW };
        let judged = Proof::check(&made(&list), &expected, |_| true);
        assert_eq!(judged, Err(OAuthError::Proof("The DPoP proof lacks jti, htm, htu or iat")));
    }

    #[test]
    fn times_that_a_nonce_would_tell() {
        for (iat, nonce) in [
            (NOW - 70, None),
            (NOW + 11, None),
            (i64::MAX, None),
            (i64::MIN, None),
            (NOW - 70, Some("stale")),
        ] {
            let judged = judged(&json!({ "iat": iat, "nonce": nonce }), None);
            assert_eq!(judged, Err(OAuthError::NonceNeeded), "{iat}, {nonce:?}");
        }
        assert_eq!(judged(&json!({ "nonce": "stale" }), None).unwrap().nonce, ProofNonce::Stale);
    }

    #[test]
    fn nonces() {
        let tag = |time: &[u8]| sha256(&[b"key", time].concat());
        let made = nonce(NOW, &tag);
        for (now, good) in
            [(NOW - 11, false), (NOW - 10, true), (NOW, true), (NOW + 299, true), (NOW + 300, false)]
        {
            assert_eq!(is_fresh_nonce(&made, now, &tag), good, "{now}");
        }
        assert!(!is_fresh_nonce(&made, NOW, &|time| sha256(&[b"other", time].concat())));
        let mut later = chancery_jose::base64url_decode(&made).unwrap();
        later[7] ^= 1;
        for bad in ["", "A", &made[1..], &base64url(&later), &base64url(&later[..8])] {
            assert!(!is_fresh_nonce(bad, NOW, &tag), "{bad}");
        }
    }

    #[test]
    fn thumbprints() {
        assert!(is_thumbprint(&base64url(&sha256(b"x"))));
        for bad in ["", "x", &"x".repeat(42), &"+".repeat(43), &"x".repeat(44), &base64url(&[0; 33])] {
            assert!(!is_thumbprint(bad), "{bad}");
        }
    }
}
