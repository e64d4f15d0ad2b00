//! Keys that others publish as a JWK set (RFC 7517), to verify what they sign.

use chancery_jose::{Algorithm, Jwk, VerifyingKey};
use chancery_store::AssertionKey;
use serde_json::Value;

/// Bytes a key set may have.
pub const LARGEST_KEY_SET: usize = 64 << 10;
/// What may be signed with such keys. Never a secret that both sides know.
pub const SIGNATURES: [Algorithm; 7] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];
/// Keys of a set that are looked at, and those of them that are used.
const MOST_LOOKED_AT: usize = 50;
const MOST_KEYS: usize = 10;

/// The keys of a set that verify signatures; the others are left out. At most ten.
pub fn verifying_keys(set: &Value) -> Vec<AssertionKey> {
    let keys = set.get("keys").and_then(Value::as_array).into_iter().flatten().take(MOST_LOOKED_AT);
    keys.filter_map(verifying_key).take(MOST_KEYS).collect()
}

fn verifying_key(jwk: &Value) -> Option<AssertionKey> {
    // One with private members or of a symmetric kind is no `Jwk`.
    let jwk: Jwk = serde_json::from_value(jwk.clone()).ok()?;
    if jwk.use_.as_deref().is_some_and(|meant_for| meant_for != "sig") {
        return None;
    }
    let key = VerifyingKey::from_jwk(&jwk).ok()?;
    let alg = match &jwk.alg {
        Some(named) => Some(named.parse().ok().filter(|alg| SIGNATURES.contains(alg) && key.supports(*alg))?),
        None => None,
    };
    let is_fit = SIGNATURES.into_iter().any(|algorithm| key.supports(algorithm));
    is_fit.then_some(AssertionKey { id: String::new(), kid: jwk.kid, alg, expires_at: None, key })
}

#[cfg(test)]
mod tests {
    use chancery_jose::{SigningKey, generate_es256};
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_that_verify_nothing_are_left_out() {
        let key = SigningKey::from_pkcs8(Algorithm::ES256, "k", &generate_es256().unwrap()).unwrap();
        let good = serde_json::to_value(key.public_jwk().unwrap()).unwrap();
        let with = |name: &str, value: Value| {
            let mut jwk = good.clone();
            jwk[name] = value;
            jwk
        };
        let used = |keys: Vec<Value>| verifying_keys(&json!({ "keys": keys })).len();
        assert_eq!(used(vec![good.clone(), with("kid", json!("a")), with("use", json!("sig"))]), 3);
        assert_eq!(used(vec![with("alg", json!("ES256"))]), 1);
        for unfit in [
            with("use", json!("enc")),
            with("alg", json!("HS256")),
            with("alg", json!("none")),
            with("alg", json!("RS256")),
            with("d", json!("AAAA")),
            json!({"kty": "oct", "k": "c2VjcmV0"}),
            json!("key"),
            json!(null),
        ] {
            assert_eq!(used(vec![unfit.clone()]), 0, "{unfit}");
        }
        assert_eq!(used(vec![good; 80]), 10);
        for no_set in [json!({}), json!([]), json!({"keys": {}}), json!(1)] {
            assert_eq!(verifying_keys(&no_set).len(), 0);
        }
    }
}
