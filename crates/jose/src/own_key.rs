//! Tokens that bring the key they are signed with, to prove that whoever sends them has its private half (RFC 9449).

use crate::encoding::{base64url_decode, read_object};
use crate::{Algorithm, Error, Jwk, Unverified, VerifyingKey};
use serde::Deserialize;
use serde_json::{Map, Value};

/// A token that its own key signed. It says who holds the key, and nothing about who that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnKey {
    /// SHA-256 thumbprint of the key (RFC 7638).
    pub thumbprint: [u8; 32],
    /// The payload, signed with the key.
    pub payload: Vec<u8>,
}

impl OwnKey {
    /// Proves `token` with the public key in its own header (`jwk`). Nothing but this may ever believe a key that a token
    /// brings along, and it must be called for tokens whose `typ` is `typ`: no other token passes.
    ///
    /// # Errors
    /// As [`Unverified::parse`] and [`Unverified::verify`]; [`Error::Key`] where the key is unfit or is a private one, and
    /// [`Error::Malformed`] where there is none or `typ` is another.
    pub fn prove(token: &str, typ: &str, allowed: &[Algorithm]) -> Result<Self, Error> {
        let unverified = Unverified::parse(token)?;
        if !unverified.header().is_typ(typ) {
            return Err(Error::Malformed("typ"));
        }
        let (header, _) = token.split_once('.').ok_or(Error::Malformed("token"))?;
        let header = base64url_decode(header).map_err(|_| Error::Malformed("header"))?;
        let Bringing { jwk } = read_object(&header).map_err(|_| Error::Key("it cannot be read"))?;
        // Even where there is nothing in it: whoever sends one has mixed up the halves of a key.
        if PRIVATE.iter().any(|name| jwk.contains_key(*name)) {
            return Err(Error::Key("it is a private one"));
        }
        let jwk: Jwk =
            serde_json::from_value(Value::Object(jwk)).map_err(|_| Error::Key("it cannot be read"))?;
        // Its own id and purpose are for others: the key counts alone.
        let bare =
            Jwk { kty: jwk.kty, crv: jwk.crv, n: jwk.n, e: jwk.e, x: jwk.x, y: jwk.y, ..Jwk::default() };
        let payload = unverified.verify(&VerifyingKey::from_jwk(&bare)?, allowed)?;
        Ok(Self { thumbprint: bare.thumbprint()?, payload })
    }
}

#[derive(Deserialize)]
struct Bringing {
    jwk: Map<String, Value>,
}

/// What private and symmetric keys have (RFC 7518, sections 6.2.2, 6.3.2 and 6.4.1).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SigningKey, base64url, generate_es256};
    use serde_json::json;

    const ALLOWED: [Algorithm; 1] = [Algorithm::ES256];

    fn key() -> SigningKey {
        SigningKey::from_pkcs8(Algorithm::ES256, "k", &generate_es256().unwrap()).unwrap()
    }

    fn signed(key: &SigningKey, header: &Value) -> String {
        let input = format!("{}.{}", base64url(header.to_string().as_bytes()), base64url(b"{}"));
        let signature = key.sign_raw(input.as_bytes()).unwrap();
        format!("{input}.{}", base64url(&signature))
    }

    #[test]
    fn proves_its_own_key_alone() {
        let (own, other) = (key(), key());
        let jwk = own.public_jwk().unwrap();
        let good = json!({ "alg": "ES256", "typ": "dpop+jwt", "jwk": jwk });
        let proven = OwnKey::prove(&signed(&own, &good), "dpop+jwt", &ALLOWED).unwrap();
        assert_eq!((proven.thumbprint, proven.payload), (jwk.thumbprint().unwrap(), b"{}".to_vec()));
        let with = |name: &str, value: Value| {
            let mut header = good.clone();
            header[name] = value;
            header
        };
        let mut private = serde_json::to_value(&jwk).unwrap();
        private["d"] = json!("AAAA");
        let mut empty = private.clone();
        empty["d"] = Value::Null;
        let list = json!(["EC", null, null, null, "P-256", jwk.x, jwk.y]);
        let mut off_curve = serde_json::to_value(&jwk).unwrap();
        off_curve["y"] = off_curve["x"].clone();
        for bad in [
            with("typ", json!("JWT")),
            with("typ", Value::Null),
            with("alg", json!("none")),
            with("alg", json!("HS256")),
            with("alg", json!("ES384")),
            with("crit", json!(["exp"])),
            with("jwk", Value::Null),
            with("jwk", json!({ "kty": "oct", "k": "AAAA" })),
            with("jwk", private),
            with("jwk", empty),
            with("jwk", list),
            with("jwk", off_curve),
            with("jwk", serde_json::to_value(other.public_jwk().unwrap()).unwrap()),
        ] {
            assert!(OwnKey::prove(&signed(&own, &bad), "dpop+jwt", &ALLOWED).is_err(), "{bad}");
        }
        assert!(OwnKey::prove(&signed(&own, &good), "dpop+jwt", &[Algorithm::RS256]).is_err());
    }
}
