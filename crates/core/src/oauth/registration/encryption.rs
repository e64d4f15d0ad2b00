//! What is encrypted for an application, and what it encrypts (OpenID Connect Core 10.2, RFC 9101 section 6.1): the algorithms, and
//! which of its keys is the one.

use chancery_jose::{ContentEncryption, EncryptionKey, Jwk, KeyManagement};
use serde_json::Value;

use super::members::Members;
use super::{RegistrationError, Result};
use crate::model::OpenId;

/// How the content's key is agreed upon. No secret that both sides know: whoever has it could be either.
const ALGORITHMS: [&str; 7] = [
    "RSA-OAEP",
    "RSA-OAEP-256",
    "RSA-OAEP-384",
    "RSA-OAEP-512",
    "ECDH-ES",
    "ECDH-ES+A128KW",
    "ECDH-ES+A256KW",
];
const CONTENT: [&str; 4] = ["A128CBC-HS256", "A256CBC-HS512", "A128GCM", "A256GCM"];
/// Where only `alg` is said (OpenID Connect Dynamic Client Registration, section 2).
const DEFAULT_CONTENT: &str = "A128CBC-HS256";
/// How requests may be encrypted for a tenant: what its keys can open.
pub const REQUEST_ENCRYPTIONS: [KeyManagement; 7] = [
    KeyManagement::RsaOaep,
    KeyManagement::RsaOaep256,
    KeyManagement::RsaOaep384,
    KeyManagement::RsaOaep512,
    KeyManagement::EcdhEs,
    KeyManagement::EcdhEsA128Kw,
    KeyManagement::EcdhEsA256Kw,
];
/// Keys of a set that are looked at.
const MOST_KEYS: usize = 20;

/// `X_alg` and `X_enc` of a registration.
pub(super) struct Pair {
    pub(super) alg: Option<String>,
    pub(super) enc: Option<String>,
}

/// Reads both: `enc` means nothing alone, and has a default.
pub(super) fn pair(all: &Members<'_>, what: &str) -> Result<Pair> {
    let alg = all.one_of(&format!("{what}_alg"), &ALGORITHMS)?;
    let enc = all.one_of(&format!("{what}_enc"), &CONTENT)?;
    match (&alg, enc) {
        (None, Some(_)) => Err(RegistrationError::metadata(format!("{what}_enc needs {what}_alg"))),
        (None, None) => Ok(Pair { alg, enc: None }),
        (Some(_), enc) => Ok(Pair { alg, enc: enc.or_else(|| Some(DEFAULT_CONTENT.to_owned())) }),
    }
}

/// Whether there is a key for what is to be encrypted. Keys that lie elsewhere are looked at when they are needed.
pub(super) fn check(openid: &OpenId) -> Result<()> {
    for what in [EncryptedResponse::IdToken, EncryptedResponse::Userinfo] {
        let Some((alg, how)) = what.of(openid) else { continue };
        let name = what.name();
        match &openid.jwks {
            None if openid.jwks_uri.is_none() => {
                return Err(RegistrationError::metadata(format!("{name} needs jwks or jwks_uri")));
            }
            Some(set) if how.and_then(|how| encryption_key(&encryption_keys(set), how)).is_none() => {
                return Err(RegistrationError::metadata(format!("jwks has no key for {name} {alg}")));
            }
            _ => {}
        }
    }
    Ok(())
}

/// What an application may want to have encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncryptedResponse {
    /// ID tokens.
    IdToken,
    /// Answers of `/userinfo`.
    Userinfo,
}

impl EncryptedResponse {
    /// The member of registrations that says so.
    pub const fn name(self) -> &'static str {
        match self {
            Self::IdToken => "id_token_encrypted_response_alg",
            Self::Userinfo => "userinfo_encrypted_response_alg",
        }
    }

    /// `None` where the application wants none of it; without algorithms where this server does not know those that it wants.
    pub fn of(self, openid: &OpenId) -> Option<(&str, Option<(KeyManagement, ContentEncryption)>)> {
        let (alg, enc) = match self {
            Self::IdToken => {
                (&openid.id_token_encrypted_response_alg, &openid.id_token_encrypted_response_enc)
            }
            Self::Userinfo => {
                (&openid.userinfo_encrypted_response_alg, &openid.userinfo_encrypted_response_enc)
            }
        };
        let alg = alg.as_deref()?;
        let known = alg.parse().ok().zip(enc.as_deref().unwrap_or(DEFAULT_CONTENT).parse().ok());
        Some((alg, known))
    }
}

/// The keys of a set that may be for encryption: those that do not say that they are for something else.
pub fn encryption_keys(set: &Value) -> Vec<Jwk> {
    let all = set.get("keys").and_then(Value::as_array).into_iter().flatten().take(MOST_KEYS);
    let read = all.filter_map(|key| serde_json::from_value::<Jwk>(key.clone()).ok());
    read.filter(|jwk| jwk.use_.as_deref().is_none_or(|purpose| purpose == "enc")).collect()
}

/// The key of those that such tokens are encrypted for: one that says that it is for encryption before one that says nothing, and
/// one that names the algorithm before one that names none.
pub fn encryption_key(keys: &[Jwk], how: (KeyManagement, ContentEncryption)) -> Option<EncryptionKey> {
    let mut fit: Vec<_> = keys
        .iter()
        .filter_map(|jwk| Some((jwk, EncryptionKey::from_jwk(how, jwk).ok()?)))
        .map(|(jwk, key)| ((jwk.use_.is_none(), jwk.alg.is_none()), key))
        .collect();
    fit.sort_by_key(|(rank, _)| *rank);
    fit.into_iter().map(|(_, key)| key).next()
}

#[cfg(test)]
mod tests {
    use chancery_jose::{Algorithm, SigningKey, generate_es256};
    use serde_json::json;

    use super::*;

    #[test]
    fn which_key_it_is() {
        let key = |kid: &str, more: Value| {
            let key = SigningKey::from_pkcs8(Algorithm::ES256, kid, &generate_es256().unwrap()).unwrap();
            let mut jwk = serde_json::to_value(key.public_jwk().unwrap()).unwrap();
            for name in ["use", "alg"] {
                jwk.as_object_mut().unwrap().remove(name);
            }
            jwk.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            jwk
        };
        let how = (KeyManagement::EcdhEs, ContentEncryption::A128Gcm);
        let signs = key("signs", json!({"use": "sig"}));
        let plain = key("plain", json!({"key_ops": []}));
        let meant = key("meant", json!({"use": "enc"}));
        let named = key("named", json!({"use": "enc", "alg": "ECDH-ES"}));
        let other = key("other", json!({"use": "enc", "alg": "ECDH-ES+A128KW"}));
        let verifies = key("verifies", json!({"key_ops": ["verify"]}));
        let secret = json!({"kty": "oct", "k": "c2VjcmV0"});
        for (set, chosen) in [
            (vec![], None),
            (vec![&signs, &other, &verifies, &secret], None),
            (vec![&signs, &plain], Some("plain")),
            (vec![&plain, &meant], Some("meant")),
            (vec![&plain, &meant, &named, &other], Some("named")),
        ] {
            let keys = encryption_keys(&json!({ "keys": set }));
            let found = encryption_key(&keys, how).map(|key| {
                let token = key.encrypt(b"x", None).unwrap();
                let header = token.split('.').next().unwrap();
                let header: Value =
                    serde_json::from_slice(&chancery_jose::base64url_decode(header).unwrap()).unwrap();
                header["kid"].as_str().unwrap().to_owned()
            });
            assert_eq!(found.as_deref(), chosen);
        }
        let rsa = (KeyManagement::RsaOaep256, ContentEncryption::A128Gcm);
        assert!(encryption_key(&encryption_keys(&json!({ "keys": [plain] })), rsa).is_none());
    }
}
