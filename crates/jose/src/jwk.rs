//! Public keys on the wire: JSON Web Keys and key sets (RFC 7517), thumbprints (RFC 7638).

use crate::{Error, base64, base64url, base64url_decode, sha1, sha256};
use serde::{Deserialize, Deserializer, Serialize, de};

/// A public JSON Web Key. Absent members are not written; unknown members are not kept.
///
/// A key that carries private members (`d`, `p`, `q`, `dp`, `dq`, `qi`, `oth`, `k`) does not parse: whoever sends one has
/// made a mistake that must not go unnoticed, and it must not come to rest here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Received")]
pub struct Jwk {
    /// Key type: `RSA`, `EC` or `OKP`.
    pub kty: String,
    /// What the key is for: `sig`.
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    pub use_: Option<String>,
    /// Curve of an EC or OKP key: `P-256`, `P-384`, `Ed25519`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crv: Option<String>,
    /// RSA modulus, base64url.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n: Option<String>,
    /// RSA exponent, base64url.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub e: Option<String>,
    /// First coordinate of an EC key, or the public key of an OKP key, base64url.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x: Option<String>,
    /// Second coordinate of an EC key, base64url.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub y: Option<String>,
    /// Key id, as tokens name it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// SHA-1 of the certificate, base64url.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x5t: Option<String>,
    /// SHA-256 of the certificate, base64url.
    #[serde(rename = "x5t#S256", skip_serializing_if = "Option::is_none")]
    pub x5t_s256: Option<String>,
    /// Certificate chain, each as ordinary base64 of its DER, the key's own first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x5c: Option<Vec<String>>,
    /// The one algorithm the key is meant for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alg: Option<String>,
    /// Operations the key is meant for: `verify`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_ops: Option<Vec<String>>,
}

impl Jwk {
    /// The key with the certificate that certifies it: sets `x5c` and `x5t`.
    #[must_use]
    pub fn with_certificate(mut self, der: &[u8]) -> Self {
        self.x5c = Some(vec![base64(der)]);
        self.x5t = Some(base64url(&sha1(der)));
        self
    }

    /// SHA-256 thumbprint (RFC 7638; RFC 8037, section 2 for OKP): the same for every way to write the same key, so it
    /// also serves as `jkt` and as a key id.
    ///
    /// # Errors
    /// [`Error::Key`] where a required member is missing or the key type is unknown; [`Error::Malformed`] where a
    /// member is not base64url.
    pub fn thumbprint(&self) -> Result<[u8; 32], Error> {
        // Members in the order of their names, no white space. Each value is base64url or one of a few
        // names, so nothing needs escaping.
        let canonical = match self.kty.as_str() {
            "RSA" => {
                let (e, n) = (encoded(self.e.as_deref())?, encoded(self.n.as_deref())?);
                format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#)
            }
            "EC" => {
                let (x, y) = (encoded(self.x.as_deref())?, encoded(self.y.as_deref())?);
                let crv = self.curve(&["P-256", "P-384"])?;
                format!(r#"{{"crv":"{crv}","kty":"EC","x":"{x}","y":"{y}"}}"#)
            }
            "OKP" => {
                let x = encoded(self.x.as_deref())?;
                let crv = self.curve(&["Ed25519"])?;
                format!(r#"{{"crv":"{crv}","kty":"OKP","x":"{x}"}}"#)
            }
            _ => return Err(UNKNOWN_TYPE),
        };
        Ok(sha256(canonical.as_bytes()))
    }

    /// The curve, which must be one of `known`.
    pub(crate) fn curve(&self, known: &[&'static str]) -> Result<&'static str, Error> {
        let crv = self.crv.as_deref().ok_or(MISSING_MEMBER)?;
        known.iter().find(|name| **name == crv).copied().ok_or(Error::Key("the curve is not supported"))
    }
}

/// A set of public keys, as `/.well-known/jwks.json` serves it.
///
/// Reading one keeps the keys that can be read and drops the others: a set may hold keys for purposes unknown here
/// (RFC 7517, section 5).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JwkSet {
    /// The keys, in the order of the document.
    #[serde(deserialize_with = "readable_keys")]
    pub keys: Vec<Jwk>,
}

impl JwkSet {
    /// The first key with this `kid`.
    pub fn find(&self, kid: &str) -> Option<&Jwk> {
        self.keys.iter().find(|key| key.kid.as_deref() == Some(kid))
    }
}

pub(crate) const MISSING_MEMBER: Error = Error::Key("a required member is missing");
pub(crate) const UNKNOWN_TYPE: Error = Error::Key("the key type is not supported");

fn readable_keys<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Jwk>, D::Error> {
    let keys = Vec::<serde_json::Value>::deserialize(deserializer)?;
    Ok(keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect())
}

fn encoded(member: Option<&str>) -> Result<&str, Error> {
    let text = member.ok_or(MISSING_MEMBER)?;
    base64url_decode(text).map(|_| text)
}

/// A key as it arrives, private members included so that they are noticed. Their values are never kept.
#[derive(Deserialize)]
struct Received {
    kty: String,
    #[serde(rename = "use")]
    use_: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    kid: Option<String>,
    x5t: Option<String>,
    #[serde(rename = "x5t#S256")]
    x5t_s256: Option<String>,
    x5c: Option<Vec<String>>,
    alg: Option<String>,
    key_ops: Option<Vec<String>>,
    d: Option<de::IgnoredAny>,
    p: Option<de::IgnoredAny>,
    q: Option<de::IgnoredAny>,
    dp: Option<de::IgnoredAny>,
    dq: Option<de::IgnoredAny>,
    qi: Option<de::IgnoredAny>,
    oth: Option<de::IgnoredAny>,
    k: Option<de::IgnoredAny>,
}

impl TryFrom<Received> for Jwk {
    type Error = Error;

    fn try_from(key: Received) -> Result<Self, Error> {
        let private = [key.d, key.p, key.q, key.dp, key.dq, key.qi, key.oth, key.k];
        if private.iter().any(Option::is_some) {
            return Err(Error::Key("it holds private members"));
        }
        Ok(Self {
            kty: key.kty,
            use_: key.use_,
            crv: key.crv,
            n: key.n,
            e: key.e,
            x: key.x,
            y: key.y,
            kid: key.kid,
            x5t: key.x5t,
            x5t_s256: key.x5t_s256,
            x5c: key.x5c,
            alg: key.alg,
            key_ops: key.key_ops,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn full() -> Jwk {
        Jwk {
            kty: "RSA".into(),
            use_: Some("sig".into()),
            n: Some("AQAB".into()),
            e: Some("AQAB".into()),
            kid: Some("key".into()),
            alg: Some("RS256".into()),
            ..Jwk::default()
        }
    }

    #[test]
    fn members_keep_their_order_and_absent_ones_are_left_out() {
        let text = serde_json::to_string(&full().with_certificate(b"certificate")).unwrap();
        assert_eq!(
            text,
            r#"{"kty":"RSA","use":"sig","n":"AQAB","e":"AQAB","kid":"key","x5t":"c1rVccGJ17qERkv0qfHSKAF1sSg","x5c":["Y2VydGlmaWNhdGU="],"alg":"RS256"}"#
        );
        assert_eq!(serde_json::from_str::<Jwk>(&text).unwrap(), full().with_certificate(b"certificate"));
    }

    #[test]
    fn private_members_are_refused() {
        for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            let mut key = serde_json::to_value(full()).unwrap();
            key[member] = json!("c2VjcmV0");
            let error = serde_json::from_value::<Jwk>(key).unwrap_err().to_string();
            assert!(error.contains("private members") && !error.contains("c2VjcmV0"), "{error}");
        }
    }

    #[test]
    fn a_member_twice_is_refused() {
        assert!(serde_json::from_str::<Jwk>(r#"{"kty":"RSA","n":"AQAB","n":"AQAC","e":"AQAB"}"#).is_err());
    }

    #[test]
    fn a_set_drops_what_it_cannot_read() {
        let set: JwkSet = serde_json::from_value(json!({"keys": [
            {"kty": "oct", "k": "AAAA", "kid": "secret"},
            {"kid": "without a type"},
            7,
            {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "good", "unknown": [{}]},
        ]}))
        .unwrap();
        assert_eq!(set.keys.len(), 1);
        assert!(set.find("good").is_some() && set.find("secret").is_none());
        assert!(serde_json::from_value::<JwkSet>(json!({})).is_err());
        assert_eq!(serde_json::to_string(&JwkSet::default()).unwrap(), r#"{"keys":[]}"#);
    }

    #[test]
    fn a_thumbprint_needs_its_members() {
        let cases = [
            json!({"kty": "RSA", "n": "AQAB"}),
            json!({"kty": "EC", "crv": "P-256", "x": "AA"}),
            json!({"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA"}),
            json!({"kty": "OKP", "crv": "Ed448", "x": "AA"}),
            json!({"kty": "oct"}),
        ];
        for case in cases {
            let key: Jwk = serde_json::from_value(case.clone()).unwrap();
            assert!(matches!(key.thumbprint(), Err(Error::Key(_))), "{case}");
        }
        let key: Jwk = serde_json::from_value(json!({"kty": "RSA", "n": "AQAB\"", "e": "AQAB"})).unwrap();
        assert_eq!(key.thumbprint(), Err(Error::Malformed("base64url")));
    }
}
