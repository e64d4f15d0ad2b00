//! The device authorization grant (RFC 8628, fact sheet 9.8): what a device asks, the code that its user types, and what a
//! device that comes back is told.

use serde::{Deserialize, Serialize};

use super::authorize_checks::{audience, no_repetition, organization, scope};
use super::{AuthorizeError, OAuthError, Surroundings};
use crate::Rng;
use crate::ids;
use crate::model::{DeviceFlow, UserCodeCharset};
use crate::params::Params;
use crate::records::DeviceRecord;

/// The grant type.
pub const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// Seconds that a device code lives.
pub const DEVICE_LIFETIME: i64 = 900;
/// Seconds between two polls, and what a poll that comes too early adds to them (RFC 8628, section 3.5).
pub const POLL_INTERVAL: i64 = 5;
/// What a poll may be early by, in milliseconds: the way of two requests is not of one length.
const EARLY: i64 = 1000;
/// Bytes of the largest request that is kept.
const MOST_BYTES: usize = 16 << 10;

/// Letters that make no words and look like no digits (RFC 8628, section 6.1).
const BASE20: &[u8] = b"BCDFGHJKLMNPQRSTVWXZ";
const DIGITS: &[u8] = b"0123456789";
/// Characters that a code has at least: what one address can try in the life of a code finds none of a million.
const FEWEST_LETTERS: usize = 8;
const FEWEST_DIGITS: usize = 9;
/// Characters of the longest mask.
const LONGEST_MASK: usize = 20;

/// A device of an authorize request: where the answer goes instead of a callback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Finds the device code; no secret.
    pub id: String,
    /// What its screen shows; of an application that asks for a user elsewhere, its message.
    pub user_code: String,
    /// No device: an application asks for a user who is elsewhere (CIBA).
    #[serde(default)]
    pub is_backchannel: bool,
}

/// Checks what a device asks for, as `/authorize` checks it; the user code is still to be drawn. The application proved
/// itself before, and is `around.client`.
///
/// # Errors
/// In the words of the token endpoint.
pub fn device_request(
    params: &Params,
    around: &Surroundings<'_>,
    now: i64,
) -> Result<DeviceRecord, OAuthError> {
    let Some(client) = around.client else { return Err(OAuthError::Unauthorized) };
    if !client.may_use(DEVICE_CODE) {
        return Err(OAuthError::GrantNotAllowed(DEVICE_CODE.to_owned()));
    }
    if client.is_strict_third_party() {
        let text = "The device authorization grant is not open to third-party applications";
        return Err(OAuthError::UnauthorizedClient(text.to_owned()));
    }
    if params.pairs().map(|(name, value)| name.len() + value.len()).sum::<usize>() > MOST_BYTES {
        return Err(OAuthError::TooLarge);
    }
    no_repetition(params).map_err(told)?;
    Ok(DeviceRecord {
        client_id: client.client_id.clone(),
        scope: scope(params).map_err(told)?,
        audience: audience(params, around).map_err(told)?,
        organization: organization(params, client).map_err(told)?,
        authorization_details: Vec::new(),
        user_code: String::new(),
        expires_at: now.saturating_add(DEVICE_LIFETIME),
        backchannel: None,
    })
}

fn told(error: AuthorizeError) -> OAuthError {
    let status = if error.code == "access_denied" { 403 } else { 400 };
    OAuthError::Denied { code: error.code, status, text: error.text }
}

/// A code for people, in the tenant's characters and mask. A mask that leaves too little to guess is not followed.
pub fn user_code(settings: Option<&DeviceFlow>, rng: &dyn Rng) -> String {
    let charset = settings.and_then(|flow| flow.charset).unwrap_or_default();
    let (alphabet, default) = match charset {
        UserCodeCharset::Base20 => (BASE20, "****-****"),
        UserCodeCharset::Digits => (DIGITS, "***-***-***"),
    };
    let mask = settings.and_then(|flow| flow.mask.as_deref());
    let mask = mask.filter(|mask| check_mask(charset, mask).is_ok()).unwrap_or(default);
    let drawn = ids::drawn(rng, alphabet, mask.bytes().filter(|b| *b == b'*').count());
    let mut drawn = drawn.chars();
    mask.chars().map(|c| if c == '*' { drawn.next().unwrap_or('*') } else { c }).collect()
}

/// Whether codes of this mask are hard enough to guess and can be typed.
///
/// # Errors
/// What is wrong with it.
pub fn check_mask(charset: UserCodeCharset, mask: &str) -> Result<(), String> {
    if mask.len() > LONGEST_MASK || !mask.bytes().all(|b| matches!(b, b'*' | b'-' | b' ')) {
        return Err(format!("mask must be at most {LONGEST_MASK} characters *, - and space"));
    }
    let fewest = match charset {
        UserCodeCharset::Base20 => FEWEST_LETTERS,
        UserCodeCharset::Digits => FEWEST_DIGITS,
    };
    match mask.bytes().filter(|b| *b == b'*').count() {
        count if count < fewest => Err(format!("mask must have at least {fewest} characters *")),
        _ => Ok(()),
    }
}

/// What somebody typed, as codes are compared: letters of either case and digits, whatever stands between them.
/// `None` where no code can be meant.
pub fn typed_code(typed: &str) -> Option<String> {
    let code: String = typed
        .chars()
        .filter(|c| c.is_ascii_alphanumeric())
        .take(LONGEST_MASK + 1)
        .map(|c| c.to_ascii_uppercase())
        .collect();
    (!code.is_empty()).then_some(code)
}

/// Where a device code stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceState {
    /// Nobody answered yet.
    Pending,
    /// A user said yes: there is a code of the same id to redeem.
    Allowed,
    /// A user said no, or may not.
    Denied,
    /// The device was told that its time is over.
    Ended,
}

impl DeviceState {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::Ended => "ended",
        }
    }

    /// Reads [`DeviceState::as_str`]; anything else is over.
    pub fn parse(text: &str) -> Self {
        match text {
            "pending" => Self::Pending,
            "allowed" => Self::Allowed,
            "denied" => Self::Denied,
            _ => Self::Ended,
        }
    }
}

/// A device that comes back.
#[derive(Clone, Copy, Debug)]
pub struct Poll {
    /// Where its code stands.
    pub state: DeviceState,
    /// When the code ends, seconds.
    pub expires_at: i64,
    /// When it came last, milliseconds; 0 is never.
    pub polled_ms: i64,
    /// Seconds it has to wait between two polls.
    pub interval: i64,
    /// Milliseconds.
    pub now_ms: i64,
}

/// What it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Its code is good for nothing.
    Invalid,
    /// Its time is over: said once.
    Expired,
    /// The user said no.
    Denied,
    /// Nobody answered yet; come again.
    Pending,
    /// The same, and it came too early: from now on it waits longer.
    SlowDown,
    /// It gets its tokens.
    Redeem,
}

/// Decides (RFC 8628, section 3.5; fact sheet 6.3).
pub fn poll(at: &Poll) -> Told {
    if at.state == DeviceState::Ended {
        return Told::Invalid;
    }
    if at.now_ms.div_euclid(1000) >= at.expires_at {
        return Told::Expired;
    }
    match at.state {
        DeviceState::Ended => Told::Invalid,
        DeviceState::Denied => Told::Denied,
        DeviceState::Allowed => Told::Redeem,
        DeviceState::Pending => {
            let due = at.polled_ms.saturating_add(at.interval.saturating_mul(1000));
            let is_early = at.polled_ms > 0 && at.now_ms.saturating_add(EARLY) < due;
            if is_early { Told::SlowDown } else { Told::Pending }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::Counting;

    fn drawn(charset: UserCodeCharset, mask: Option<&str>) -> String {
        let flow = DeviceFlow { charset: Some(charset), mask: mask.map(str::to_owned) };
        user_code(Some(&flow), &Counting::default())
    }

    #[test]
    fn codes_follow_the_mask() {
        let shape = |code: &str, alphabet: &[u8]| -> String {
            code.bytes()
                .map(|b| {
                    if b == b'-' || b == b' ' {
                        char::from(b)
                    } else {
                        assert!(alphabet.contains(&b));
                        '*'
                    }
                })
                .collect()
        };
        assert_eq!(shape(&user_code(None, &Counting::default()), BASE20), "****-****");
        for (charset, alphabet, mask, expected) in [
            (UserCodeCharset::Base20, BASE20, None, "****-****"),
            (UserCodeCharset::Digits, DIGITS, None, "***-***-***"),
            (UserCodeCharset::Base20, BASE20, Some("** ** ** **"), "** ** ** **"),
            (UserCodeCharset::Digits, DIGITS, Some("*********"), "*********"),
            // Too easy to guess, too long, or of characters that nobody can type.
            (UserCodeCharset::Digits, DIGITS, Some("****-****"), "***-***-***"),
            (UserCodeCharset::Base20, BASE20, Some("***"), "****-****"),
            (UserCodeCharset::Base20, BASE20, Some("*********************"), "****-****"),
            (UserCodeCharset::Base20, BASE20, Some("****<****"), "****-****"),
        ] {
            assert_eq!(shape(&drawn(charset, mask), alphabet), expected, "{mask:?}");
        }
    }

    #[test]
    fn typing_is_forgiven() {
        for typed in ["WDJB-MJHT", "wdjbmjht", " wdjb mjht\n", "WDJB–MJHT", "w.d.j.b/m_j-h t"] {
            assert_eq!(typed_code(typed).as_deref(), Some("WDJBMJHT"), "{typed}");
        }
        assert_eq!(typed_code(" - "), None);
        assert_eq!(typed_code(&"B".repeat(10_000)).map(|code| code.len()), Some(LONGEST_MASK + 1));
    }

    #[test]
    fn what_a_poll_is_told() {
        let told = |state, polled_ms, interval, now_ms| {
            poll(&Poll { state, expires_at: 1000, polled_ms, interval, now_ms })
        };
        let pending = |polled_ms, interval, now_ms| told(DeviceState::Pending, polled_ms, interval, now_ms);
        assert_eq!(pending(0, 5, 100_000), Told::Pending, "the first one");
        assert_eq!(pending(100_000, 5, 105_000), Told::Pending);
        assert_eq!(pending(100_000, 5, 104_000), Told::Pending, "a way may be shorter than the one before");
        assert_eq!(pending(100_000, 5, 103_999), Told::SlowDown);
        assert_eq!(pending(100_000, 10, 105_000), Told::SlowDown);
        assert_eq!(told(DeviceState::Allowed, 100_000, 5, 100_001), Told::Redeem, "at once");
        assert_eq!(told(DeviceState::Denied, 100_000, 5, 100_001), Told::Denied);
        for state in [DeviceState::Pending, DeviceState::Allowed, DeviceState::Denied] {
            assert_ne!(told(state, 0, 5, 999_999), Told::Expired, "{state:?}");
            assert_eq!(told(state, 0, 5, 1_000_000), Told::Expired, "{state:?}");
            assert_eq!(DeviceState::parse(state.as_str()), state);
        }
        assert_eq!(told(DeviceState::Ended, 0, 5, 1_000_001), Told::Invalid, "said once");
    }
}
