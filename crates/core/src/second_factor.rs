//! Second factors: when one is due, and what proves it (RFC 6238, fact sheet 6.3 and 9.7).

use chancery_jose::{constant_time_eq, hotp, sha256};
use data_encoding::{BASE32, BASE32_NOPAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use crate::Rng;
use crate::records::Session;
use crate::webauthn::KeyKind;

/// What a request names in `acr_values` that wants a second factor, and what its ID token then says in `acr`.
pub const MULTI_FACTOR: &str = "http://schemas.openid.net/pape/policies/2007/06/multi-factor";
/// Type of a method by time-based codes.
pub const TOTP: &str = "totp";
/// Type of the method for whoever lost all others.
pub const RECOVERY_CODE: &str = "recovery-code";
/// Seconds for which a time-based code is shown.
pub const PERIOD: i64 = 30;
/// Clocks of telephones go wrong: codes of so many periods before and after are good too (RFC 6238, section 5.2).
const TOLERANCE: i64 = 1;
/// 160 bits, as RFC 4226 recommends in section 4.
const SECRET_BYTES: usize = 20;

/// What the tenant says about second factors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SecondFactors {
    /// Time-based codes of an authenticator application are there.
    pub otp: bool,
    /// Recovery codes are there, beside another factor.
    pub recovery_code: bool,
    /// Security keys are there.
    pub webauthn_roaming: bool,
    /// What is built into the user's machine is there.
    pub webauthn_platform: bool,
    /// No browser is remembered: whoever signs in shows one each time.
    pub forgets_browsers: bool,
    /// Every sign-in needs one (`all-applications`); else those alone whose request asks for it.
    pub always: bool,
}

impl SecondFactors {
    /// Whether there is one that users can make.
    pub const fn are_there(self) -> bool {
        self.otp || self.webauthn_roaming || self.webauthn_platform
    }

    /// Whether users can make this one. Passkeys are a setting of connections.
    pub const fn has(self, factor: NewFactor) -> bool {
        match factor {
            NewFactor::Otp => self.otp,
            NewFactor::WebauthnRoaming => self.webauthn_roaming,
            NewFactor::WebauthnPlatform => self.webauthn_platform,
            NewFactor::Passkey => false,
        }
    }

    /// Whether the user of a session has to show one now; `wanted`: the request asks for it. Shown once, it counts as long
    /// as the session lives. A remembered browser does for the policy, and not for a request that asks.
    pub fn are_due(self, wanted: bool, session: &Session) -> bool {
        let by_policy = self.always && !(session.is_remembered && self.may_remember());
        self.are_there() && (by_policy || wanted) && session.second_factor_at.is_none()
    }

    /// Whether users may have their browsers remembered, so that the policy asks there no more for a while.
    pub const fn may_remember(self) -> bool {
        self.always && !self.forgets_browsers
    }

    /// Whether the password grant needs one.
    pub const fn guard_passwords(self) -> bool {
        self.are_there() && self.always
    }
}

/// A factor that somebody can make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NewFactor {
    /// An authenticator application.
    Otp,
    /// A security key.
    WebauthnRoaming,
    /// What is built into the machine.
    WebauthnPlatform,
    /// A passkey, which the policy of second factors has no word in.
    Passkey,
}

impl NewFactor {
    /// The credential that it is, if it is one.
    pub const fn key(self) -> Option<KeyKind> {
        match self {
            Self::Otp => None,
            Self::WebauthnRoaming => Some(KeyKind::Roaming),
            Self::WebauthnPlatform => Some(KeyKind::Platform),
            Self::Passkey => Some(KeyKind::Passkey),
        }
    }
}

impl From<KeyKind> for NewFactor {
    fn from(kind: KeyKind) -> Self {
        match kind {
            KeyKind::Roaming => Self::WebauthnRoaming,
            KeyKind::Platform => Self::WebauthnPlatform,
            KeyKind::Passkey => Self::Passkey,
        }
    }
}

/// Seconds for which a browser is remembered: thirty days.
pub const REMEMBERED_FOR: i64 = 30 * 24 * 3600;

/// Whether `acr_values` asks for a second factor.
pub fn is_wanted(acr_values: &str) -> bool {
    acr_values.split(' ').any(|value| value == MULTI_FACTOR)
}

/// A new secret as authenticator applications take it: base32 without padding.
pub fn new_secret(rng: &dyn Rng) -> String {
    let mut secret = [0; SECRET_BYTES];
    rng.fill(&mut secret);
    BASE32_NOPAD.encode(&secret)
}

/// The bytes of a secret in base32, in any case, padded or not.
pub fn secret_bytes(text: &str) -> Option<Vec<u8>> {
    let text = text.to_ascii_uppercase();
    let digits = text.trim_end_matches('=');
    BASE32_NOPAD.decode(digits.as_bytes()).or_else(|_| BASE32.decode(text.as_bytes())).ok()
}

/// The period whose code was typed: one near `now` (seconds), later than `last_period`, since a code is good once
/// (RFC 6238, section 5.2). Spaces that people type are left out.
pub fn matching_period(secret: &[u8], typed: &str, now: i64, last_period: i64) -> Option<i64> {
    let typed: String = typed.chars().filter(|c| !c.is_whitespace()).take(MOST_TYPED).collect();
    let present = now.div_euclid(PERIOD);
    // All are computed, whatever was typed, so that time says nothing.
    let periods = present - TOLERANCE..=present + TOLERANCE;
    let fitting = periods.filter(|period| {
        let code = format!("{:06}", hotp(secret, period.cast_unsigned()));
        constant_time_eq(code.as_bytes(), typed.as_bytes())
    });
    fitting.fold(None, |found, period| Some(period).filter(|period| *period > last_period).or(found))
}

/// Characters of a code that are looked at.
const MOST_TYPED: usize = 64;

/// What authenticator applications read from a QR code (the key URI format).
pub fn otpauth_uri(issuer: &str, account: &str, secret: &str) -> String {
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    // A colon parts the issuer from the account.
    let (issuer, account) = (encode(&issuer.replace(':', " ")), encode(&account.replace(':', " ")));
    format!(
        "otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits=6&period={PERIOD}"
    )
}

/// 24 characters that nobody takes for one another: 120 bits.
pub fn recovery_code(rng: &dyn Rng) -> String {
    let mut drawn = [0; 24];
    rng.fill(&mut drawn);
    drawn.iter().map(|byte| char::from(UNLIKE[usize::from(byte % 32)])).collect()
}

const UNLIKE: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// What is stored of a recovery code, and compared. Spaces and dashes that people type are left out, and case does not count.
pub fn recovery_digest(typed: &str) -> [u8; 32] {
    let code: String = typed
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .take(MOST_TYPED)
        .map(|c| c.to_ascii_uppercase())
        .collect();
    sha256(code.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"12345678901234567890";

    #[test]
    fn when_one_is_due() {
        let (fresh, proven) =
            (Session::default(), Session { second_factor_at: Some(1), ..Session::default() });
        let on = SecondFactors { otp: true, recovery_code: true, ..SecondFactors::default() };
        let always = SecondFactors { always: true, ..on };
        assert!(!on.are_due(false, &fresh) && on.are_due(true, &fresh));
        assert!(always.are_due(false, &fresh) && always.are_due(true, &fresh));
        for settings in [on, always] {
            assert!(!settings.are_due(true, &proven), "once for each session");
        }
        let remembered = Session { is_remembered: true, ..fresh.clone() };
        assert!(!always.are_due(false, &remembered), "the policy is content");
        assert!(always.are_due(true, &remembered), "a request that asks is not");
        let forgetful = SecondFactors { forgets_browsers: true, ..always };
        assert!(forgetful.are_due(false, &remembered) && !forgetful.may_remember());
        let none = SecondFactors { otp: false, ..always };
        assert!(!none.are_due(true, &fresh), "there is nothing to show");
        let keys = SecondFactors { webauthn_roaming: true, ..none };
        assert!(keys.are_due(false, &fresh) && keys.guard_passwords(), "by keys alone");
        assert!(!none.guard_passwords() && !on.guard_passwords() && always.guard_passwords());
        assert!(is_wanted(&format!("urn:x {MULTI_FACTOR}")) && !is_wanted("urn:x") && !is_wanted(""));
    }

    #[test]
    fn codes_are_good_near_their_time_and_once() {
        // RFC 6238: 287082 at 59 seconds.
        for (now, is_good) in [(29, true), (30, true), (59, true), (89, true), (90, false), (-1, false)] {
            let found = matching_period(SECRET, "287082", now, -10);
            assert_eq!(found, is_good.then_some(1), "{now}");
        }
        assert_eq!(matching_period(SECRET, " 287 082", 59, 0), Some(1));
        assert_eq!(matching_period(SECRET, "287082", 59, 1), None, "used");
        for wrong in ["", "287083", "2870820", "28708", "0287082", "２８７０８２"] {
            assert_eq!(matching_period(SECRET, wrong, 59, 0), None, "{wrong}");
        }
        assert_eq!(matching_period(SECRET, "081804", 1_111_111_109, 0), Some(37_037_036), "a leading zero");
    }

    #[test]
    fn secrets_in_base32() {
        for text in ["GEZDGNBVGY3TQOJQ", "gezdgnbvgy3tqojq", "GEZDGNBVGY3TQOJQ======"] {
            assert_eq!(secret_bytes(text).as_deref(), Some(&b"1234567890"[..]), "{text}");
        }
        assert_eq!(secret_bytes("1"), None);
        let uri = otpauth_uri("Acme: & Co", "jane@example.com", "GEZDGNBV");
        assert_eq!(
            uri,
            "otpauth://totp/Acme%20%20%26%20Co:jane%40example%2Ecom?secret=GEZDGNBV&issuer=Acme%20%20%26%20Co\
             &algorithm=SHA1&digits=6&period=30"
        );
    }

    #[test]
    fn recovery_codes_as_people_type_them() {
        assert_eq!(recovery_digest("abcd-EFGH 2345"), recovery_digest("ABCDEFGH2345"));
        assert_ne!(recovery_digest("ABCD"), recovery_digest("ABCE"));
    }
}
