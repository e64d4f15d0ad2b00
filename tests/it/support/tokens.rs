//! JWTs as an application reads them.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chancery_jose::{Algorithm, SigningKey, Typ};
use serde_json::Value;

/// Header and claims, unverified.
#[track_caller]
pub(crate) fn decode(token: &str) -> (Value, Value) {
    let mut parts = token.split('.').map(|part| {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).unwrap_or_else(|_| panic!("not base64url: {token}"));
        serde_json::from_slice(&bytes).unwrap_or(Value::Null)
    });
    (parts.next().unwrap(), parts.next().unwrap())
}

/// An HS256 token over these claims.
pub(crate) fn signed_with_secret(secret: &[u8], kid: Option<&str>, claims: &Value) -> String {
    let key = SigningKey::from_secret(Algorithm::HS256, kid.map(str::to_owned), secret).unwrap();
    key.sign(Typ::Jwt, claims.to_string().as_bytes()).unwrap()
}
