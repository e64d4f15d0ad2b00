//! What the browser says of the ceremony (WebAuthn, section 5.8.1).

use chancery_jose::{base64url_decode, constant_time_eq, read_object};
use serde::Deserialize;

use super::{Expected, Refused};

/// Longer ones no browser writes.
const LONGEST: usize = 4096;

#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(default, rename = "crossOrigin")]
    cross_origin: bool,
    #[serde(default, rename = "topOrigin")]
    top_origin: Option<String>,
}

/// Whether `bytes` are about this ceremony: `webauthn.create` or `webauthn.get`. A member that stands twice is refused.
pub(super) fn check(bytes: &[u8], kind: &str, expected: &Expected<'_>) -> Result<(), Refused> {
    if bytes.len() > LONGEST {
        return Err(Refused::Malformed("clientDataJSON"));
    }
    let said: ClientData = read_object(bytes).map_err(|_| Refused::Malformed("clientDataJSON"))?;
    if said.kind != kind {
        return Err(Refused::Type);
    }
    // As bytes: an encoding that is not strict would give one challenge many texts.
    let bytes = |text: &str| base64url_decode(text).map_err(|_| Refused::Challenge);
    if !constant_time_eq(&bytes(&said.challenge)?, &bytes(expected.challenge)?) {
        return Err(Refused::Challenge);
    }
    // The whole origin and nothing but it: neither suffixes nor prefixes are the same site (security case 22).
    if !expected.origins.contains(&said.origin.as_str()) {
        return Err(Refused::Origin);
    }
    if said.cross_origin || said.top_origin.is_some() {
        return Err(Refused::CrossOrigin);
    }
    Ok(())
}
