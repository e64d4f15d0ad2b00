//! What the authenticator says (WebAuthn, section 6.1).

use chancery_jose::{Cbor, constant_time_eq, sha256};

use super::{Expected, LONGEST_ID, Refused};

/// Authenticator data.
pub(super) struct Authenticator<'a> {
    relying_party: &'a [u8],
    flags: u8,
    pub(super) sign_count: u32,
    pub(super) attested: Option<Attested<'a>>,
}

/// The credential that was made.
pub(super) struct Attested<'a> {
    pub(super) aaguid: [u8; 16],
    pub(super) id: &'a [u8],
    /// As it came, to be stored.
    pub(super) public_key: &'a [u8],
    pub(super) cose: Cbor<'a>,
}

const PRESENT: u8 = 1;
const VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;
const ATTESTED: u8 = 1 << 6;
const EXTENSIONS: u8 = 1 << 7;

impl<'a> Authenticator<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Refused> {
        const MALFORMED: Refused = Refused::Malformed("authenticatorData");
        let (relying_party, rest) = bytes.split_at_checked(32).ok_or(MALFORMED)?;
        let (&[flags, a, b, c, d], mut rest) = rest.split_first_chunk::<5>().ok_or(MALFORMED)?;
        let mut attested = None;
        if flags & ATTESTED != 0 {
            let (aaguid, after) = rest.split_first_chunk::<16>().ok_or(MALFORMED)?;
            let (length, after) = after.split_first_chunk::<2>().ok_or(MALFORMED)?;
            let length = usize::from(u16::from_be_bytes(*length));
            let (id, after) = after.split_at_checked(length).ok_or(MALFORMED)?;
            if id.is_empty() || id.len() > LONGEST_ID {
                return Err(MALFORMED);
            }
            let (cose, after_key) = Cbor::read(after).map_err(|_| MALFORMED)?;
            let public_key = &after[..after.len() - after_key.len()];
            attested = Some(Attested { aaguid: *aaguid, id, public_key, cose });
            rest = after_key;
        }
        if flags & EXTENSIONS != 0 {
            let (Cbor::Map(_), after) = Cbor::read(rest).map_err(|_| MALFORMED)? else {
                return Err(MALFORMED);
            };
            rest = after;
        }
        if !rest.is_empty() {
            return Err(MALFORMED);
        }
        Ok(Self { relying_party, flags, sign_count: u32::from_be_bytes([a, b, c, d]), attested })
    }

    pub(super) fn check(&self, expected: &Expected<'_>) -> Result<(), Refused> {
        if !constant_time_eq(self.relying_party, &sha256(expected.relying_party.as_bytes())) {
            return Err(Refused::RelyingParty);
        }
        if !self.has(PRESENT) {
            return Err(Refused::NotPresent);
        }
        if expected.verified && !self.is_verified() {
            return Err(Refused::NotVerified);
        }
        // What cannot be copied was not (WebAuthn, section 6.1.3).
        if self.is_backed_up() && !self.is_backup_eligible() {
            return Err(Refused::Backup);
        }
        Ok(())
    }

    pub(super) fn is_verified(&self) -> bool {
        self.has(VERIFIED)
    }

    pub(super) fn is_backup_eligible(&self) -> bool {
        self.has(BACKUP_ELIGIBLE)
    }

    pub(super) fn is_backed_up(&self) -> bool {
        self.has(BACKED_UP)
    }

    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}
