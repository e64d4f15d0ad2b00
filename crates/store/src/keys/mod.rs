//! Signing keys: documents whose private half is sealed.

mod lifecycle;
mod material;
mod request_keys;
mod ring;

use serde::{Deserialize, Serialize};

use chancery_jose::Jwk;

pub use lifecycle::NextKeys;
pub use material::KeyMaterial;
pub use request_keys::{RequestKeyDoc, RequestKeyMaterial, RequestKeys};
pub use ring::{KeyRing, Published};

/// A signing key as stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SigningKeyDoc {
    /// 21 URL-safe characters.
    pub kid: String,
    /// Which kind of key.
    pub family: Family,
    /// Where it is in its life.
    pub state: KeyState,
    /// The public key, with the certificate of an RSA key.
    pub jwk: Jwk,
    /// PKCS#8, sealed for this tenant and kid; gone when the key is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<String>,
    /// Seconds.
    pub created_at: i64,
    /// When it began to sign, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_since: Option<i64>,
    /// When its successor took over, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotated_at: Option<i64>,
    /// When it stopped being trusted, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<i64>,
}

impl SigningKeyDoc {
    /// Base64 DER of the certificate; RSA keys have one.
    #[must_use]
    pub fn certificate(&self) -> Option<&str> {
        self.jwk.x5c.as_ref()?.first().map(String::as_str)
    }
}

/// Kinds of key. One key of each is current.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Family {
    /// 2048 bits: RS256, RS512, PS256.
    #[serde(rename = "RSA")]
    Rsa,
    /// P-256: ES256.
    #[serde(rename = "EC")]
    Ec,
    /// Ed25519: EdDSA.
    #[serde(rename = "OKP")]
    Okp,
}

impl Family {
    /// Every kind, the most used first.
    pub const ALL: [Self; 3] = [Self::Rsa, Self::Ec, Self::Okp];
}

/// The life of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// It signs.
    Current,
    /// Published so that everyone knows it when it begins to sign.
    Next,
    /// It signed; what it signed is still good.
    Previous,
    /// Trusted no more.
    Revoked,
}

/// What a sealed key is bound to.
fn context(tenant: &str, kid: &str) -> String {
    format!("{tenant}/signing-key/{kid}")
}
