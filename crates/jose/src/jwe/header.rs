//! The header of an encrypted token (RFC 7516, section 4).

use crate::encoding::base64url_decode;
use crate::{Error, Jwk};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// What of it counts here. Keys and certificates of the sender's are not read, but for the ephemeral one of ECDH-ES.
#[derive(Deserialize)]
pub(super) struct Header {
    pub(super) alg: String,
    pub(super) enc: String,
    pub(super) epk: Option<Jwk>,
    pub(super) apu: Option<String>,
    pub(super) apv: Option<String>,
    crit: Option<IgnoredAny>,
    zip: Option<IgnoredAny>,
}

impl Header {
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let bytes = base64url_decode(text).map_err(|_| Error::Malformed("header"))?;
        let header: Self = crate::encoding::read_object(&bytes).map_err(|_| Error::Malformed("header"))?;
        match header.crit.is_some() || header.zip.is_some() {
            true => Err(Error::Critical),
            false => Ok(header),
        }
    }
}
