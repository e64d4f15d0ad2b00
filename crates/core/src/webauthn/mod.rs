//! WebAuthn (Web Authentication, Level 3): security keys and passkeys. What is asked of a browser, and whether what it answers
//! holds. Attestation is not asked for: what vendor a key is of, nobody here needs to know.

mod assertion;
mod authenticator;
mod challenge;
mod client_data;
mod error;
mod options;
mod registration;
mod settings;
#[cfg(test)]
mod tests;

pub use assertion::{Assertion, Known, Shown};
pub use challenge::{Challenge, LIFETIME, Purpose};
pub use error::Refused;
pub use options::{Account, Creation, Request, Verification};
pub use registration::{NewCredential, Registration};
pub use settings::{KeySettings, relying_party};

use chancery_jose::sha256;
use serde_json::Value;

/// Type of a method by a security key that goes from machine to machine.
pub const ROAMING: &str = "webauthn-roaming";
/// Type of a method by what is built into a machine: a fingerprint, a face, a PIN.
pub const PLATFORM: &str = "webauthn-platform";
/// Type of a method that signs in without a password.
pub const PASSKEY: &str = "passkey";
/// All three: whose key it is, one lookup tells.
pub const KINDS: [&str; 3] = [ROAMING, PLATFORM, PASSKEY];

/// A kind of credential, which is the type of its method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// [`ROAMING`].
    Roaming,
    /// [`PLATFORM`].
    Platform,
    /// [`PASSKEY`].
    Passkey,
}

impl KeyKind {
    /// The type of its method.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Roaming => ROAMING,
            Self::Platform => PLATFORM,
            Self::Passkey => PASSKEY,
        }
    }

    /// What a challenge is for that makes one.
    pub const fn making(self) -> Purpose {
        match self {
            Self::Roaming => Purpose::MakeRoaming,
            Self::Platform => Purpose::MakePlatform,
            Self::Passkey => Purpose::MakePasskey,
        }
    }

    /// Where it is, if that is not the user's to choose.
    pub const fn attachment(self) -> Option<&'static str> {
        match self {
            Self::Roaming => Some("cross-platform"),
            Self::Platform => Some("platform"),
            Self::Passkey => None,
        }
    }
}

/// What the answer of a browser has to hold.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The challenge that it answers, in base64url.
    pub challenge: &'a str,
    /// Where it may come from, as browsers write it: `https://host[:port]`, and what Android says of an application.
    pub origins: &'a [&'a str],
    /// The relying party: a host.
    pub relying_party: &'a str,
    /// Whether the authenticator must have made sure whose finger it was.
    pub verified: bool,
}

/// The id of the method of a credential: two users cannot both have one, and a credential finds its user. `dev_` and 16
/// characters, as other methods have, here of the digest of the credential's id (80 bits).
pub fn method_id(kind: &str, credential_id: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let digest = sha256(credential_id);
    let letters = digest.iter().take(16).map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
    format!("{kind}|dev_{}", letters.collect::<String>())
}

/// The longest answer of a browser that is read, in bytes: a key of RSA and a long id are below a half of it.
const LONGEST_ANSWER: usize = 16 * 1024;
/// The longest id of a credential (WebAuthn, section 5.1).
const LONGEST_ID: usize = 1023;

/// An answer as browsers write it in JSON (`PublicKeyCredential.toJSON()`): id, its `response`, and how it is attached.
struct Answer {
    id: Vec<u8>,
    response: Value,
    attachment: Option<String>,
}

impl Answer {
    fn parse(json: &str) -> Result<Self, Refused> {
        if json.len() > LONGEST_ANSWER {
            return Err(Refused::Malformed("the answer is too long"));
        }
        let mut all: Value = serde_json::from_str(json).map_err(|_| Refused::Malformed("no JSON"))?;
        if all.get("type").and_then(Value::as_str) != Some("public-key") {
            return Err(Refused::Malformed("type"));
        }
        let response = all.get_mut("response").map(Value::take).unwrap_or_default();
        let id = decoded(&all, "rawId").or_else(|_| decoded(&all, "id"))?;
        if id.is_empty() || id.len() > LONGEST_ID {
            return Err(Refused::Malformed("id"));
        }
        let attachment = all.get("authenticatorAttachment").and_then(Value::as_str).map(str::to_owned);
        Ok(Self { id, response, attachment })
    }
}

/// A member in base64url.
fn decoded(object: &Value, name: &'static str) -> Result<Vec<u8>, Refused> {
    let text = object.get(name).and_then(Value::as_str).ok_or(Refused::Malformed(name))?;
    chancery_jose::base64url_decode(text.trim_end_matches('=')).map_err(|_| Refused::Malformed(name))
}
