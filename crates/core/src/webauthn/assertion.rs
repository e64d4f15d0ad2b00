//! A credential that is shown (WebAuthn, section 7.2).

use chancery_jose::{CredentialKey, constant_time_eq, sha256};
use serde_json::Value;

use super::{Answer, Expected, Refused, authenticator::Authenticator, client_data, decoded};

/// What a browser answers to `navigator.credentials.get()`.
#[derive(Clone, Debug)]
pub struct Assertion {
    /// Which credential it is.
    pub id: Vec<u8>,
    /// The account that the authenticator has it for.
    pub user_handle: Option<Vec<u8>>,
    /// It is on another machine than the browser: a telephone, a security key.
    pub is_roaming: bool,
    client_data: Vec<u8>,
    authenticator: Vec<u8>,
    signature: Vec<u8>,
}

/// What is known of a credential.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// Its public key as a `COSE_Key`.
    pub public_key: &'a [u8],
    /// Where its counter stood.
    pub sign_count: u32,
    /// Whether it may be copied, if that was said when it was made.
    pub backup_eligible: Option<bool>,
    /// The account that it was made for, if that is known.
    pub user_handle: Option<&'a [u8]>,
}

/// What is known of it from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Where its counter stands.
    pub sign_count: u32,
    /// It was copied.
    pub backed_up: bool,
    /// The authenticator made sure who it was.
    pub verified: bool,
}

impl Assertion {
    /// Reads what came.
    ///
    /// # Errors
    /// [`Refused::Malformed`].
    pub fn parse(json: &str) -> Result<Self, Refused> {
        let Answer { id, response, attachment } = Answer::parse(json)?;
        let user_handle = match response.get("userHandle") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) if text.is_empty() => None,
            Some(_) => Some(decoded(&response, "userHandle")?),
        };
        Ok(Self {
            id,
            user_handle,
            is_roaming: attachment.as_deref() == Some("cross-platform"),
            client_data: decoded(&response, "clientDataJSON")?,
            authenticator: decoded(&response, "authenticatorData")?,
            signature: decoded(&response, "signature")?,
        })
    }

    /// Whether it holds.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn verify(&self, expected: &Expected<'_>, known: &Known<'_>) -> Result<Shown, Refused> {
        if let (Some(said), Some(handle)) = (&self.user_handle, known.user_handle)
            && !constant_time_eq(said, handle)
        {
            return Err(Refused::UserHandle);
        }
        client_data::check(&self.client_data, "webauthn.get", expected)?;
        let said = Authenticator::parse(&self.authenticator)?;
        said.check(expected)?;
        if known.backup_eligible.is_some_and(|eligible| eligible != said.is_backup_eligible()) {
            return Err(Refused::Backup);
        }
        let key = CredentialKey::from_cose(known.public_key).map_err(|_| Refused::Key)?;
        let message = [&self.authenticator[..], &sha256(&self.client_data)].concat();
        key.verify(&message, &self.signature).map_err(|_| Refused::Signature)?;
        // Authenticators without a counter always say 0.
        let counts = said.sign_count != 0 || known.sign_count != 0;
        if counts && said.sign_count <= known.sign_count {
            return Err(Refused::Counter);
        }
        Ok(Shown {
            sign_count: said.sign_count,
            backed_up: said.is_backed_up(),
            verified: said.is_verified(),
        })
    }
}
