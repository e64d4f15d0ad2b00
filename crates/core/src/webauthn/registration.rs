//! A new credential (WebAuthn, section 7.1).

use chancery_jose::{Cbor, CredentialKey, sha256};
use serde_json::Value;

use super::{Answer, Expected, Refused, authenticator::Authenticator, client_data, decoded};

/// What a browser answers to `navigator.credentials.create()`.
#[derive(Clone, Debug)]
pub struct Registration {
    id: Vec<u8>,
    client_data: Vec<u8>,
    attestation: Vec<u8>,
    transports: Vec<String>,
}

/// A credential that holds, to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCredential {
    /// Its id.
    pub id: Vec<u8>,
    /// Its public key as a `COSE_Key`.
    pub public_key: Vec<u8>,
    /// Where its counter stands; 0 for those without one.
    pub sign_count: u32,
    /// The model of the authenticator, as nobody has proven it.
    pub aaguid: [u8; 16],
    /// It may be copied to other machines of its owner.
    pub backup_eligible: bool,
    /// It was.
    pub backed_up: bool,
    /// The authenticator made sure who it was.
    pub verified: bool,
    /// The ways there are to it, for the browser.
    pub transports: Vec<String>,
}

/// Words for ways that browsers know or will know; more are left out.
const MOST_TRANSPORTS: usize = 8;

impl Registration {
    /// Reads what came.
    ///
    /// # Errors
    /// [`Refused::Malformed`].
    pub fn parse(json: &str) -> Result<Self, Refused> {
        let Answer { id, response, .. } = Answer::parse(json)?;
        let named = response.get("transports").and_then(Value::as_array).into_iter().flatten();
        let is_word = |word: &&str| {
            (1..=20).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
        };
        let transports = named.filter_map(Value::as_str).filter(is_word).take(MOST_TRANSPORTS);
        Ok(Self {
            id,
            client_data: decoded(&response, "clientDataJSON")?,
            attestation: decoded(&response, "attestationObject")?,
            transports: transports.map(str::to_owned).collect(),
        })
    }

    /// The credential, if all of it holds.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn verify(self, expected: &Expected<'_>) -> Result<NewCredential, Refused> {
        client_data::check(&self.client_data, "webauthn.create", expected)?;
        let malformed = Refused::Malformed("attestationObject");
        let object = Cbor::read_all(&self.attestation).map_err(|_| malformed)?;
        let data = object.at("authData").and_then(Cbor::bytes).ok_or(malformed)?;
        let said = Authenticator::parse(data)?;
        said.check(expected)?;
        let attested = said.attested.as_ref().ok_or(malformed)?;
        if attested.id != self.id {
            return Err(Refused::Malformed("id"));
        }
        let key = CredentialKey::of(&attested.cose).map_err(|_| Refused::Key)?;
        let message = [data, &sha256(&self.client_data)].concat();
        check_attestation(&object, &key, &message)?;
        Ok(NewCredential {
            id: self.id,
            public_key: attested.public_key.to_vec(),
            sign_count: said.sign_count,
            aaguid: attested.aaguid,
            backup_eligible: said.is_backup_eligible(),
            backed_up: said.is_backed_up(),
            verified: said.is_verified(),
            transports: self.transports,
        })
    }
}

/// None was asked for; an authenticator may sign with the new key itself (section 8.2). Vendors' statements are refused rather
/// than taken unread.
fn check_attestation(object: &Cbor<'_>, key: &CredentialKey, message: &[u8]) -> Result<(), Refused> {
    let statement = object.at("attStmt").ok_or(Refused::Attestation)?;
    let Cbor::Map(members) = statement else { return Err(Refused::Attestation) };
    match object.at("fmt").and_then(Cbor::text) {
        Some("none") if members.is_empty() => Ok(()),
        Some("packed") if statement.at("x5c").is_none() => {
            let signature = statement.at("sig").and_then(Cbor::bytes).ok_or(Refused::Attestation)?;
            let algorithm = statement.at("alg").and_then(Cbor::integer);
            if algorithm != Some(key.algorithm()) {
                return Err(Refused::Attestation);
            }
            key.verify(message, signature).map_err(|_| Refused::Attestation)
        }
        _ => Err(Refused::Attestation),
    }
}
