//! The challenges that authenticators sign (WebAuthn, section 13.4.3).

use chancery_jose::base64url;
use serde::{Deserialize, Serialize};

use crate::Rng;

/// Seconds for which a challenge may be answered.
pub const LIFETIME: i64 = 600;
/// One that is younger (seconds) is shown again where a page is loaded again: a page that is open keeps its own.
const YOUNG: i64 = 300;

/// What a challenge is for. One of another purpose is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Signing in with a passkey.
    SignIn,
    /// Showing a second factor.
    SecondFactor,
    /// Making a security key.
    MakeRoaming,
    /// Making a credential of the machine.
    MakePlatform,
    /// Making a passkey.
    MakePasskey,
}

/// A challenge that was shown to a browser, kept with the transaction that the browser is bound to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// 32 random bytes in base64url.
    pub value: String,
    /// Seconds.
    pub made_at: i64,
    /// What for.
    pub purpose: Purpose,
    /// In which session, but for signing in.
    pub session_id: Option<String>,
}

impl Challenge {
    /// A new one.
    pub fn new(rng: &dyn Rng, purpose: Purpose, session_id: Option<&str>, now: i64) -> Self {
        let mut bytes = [0; 32];
        rng.fill(&mut bytes);
        Self { value: base64url(&bytes), made_at: now, purpose, session_id: session_id.map(str::to_owned) }
    }

    /// Whether it may be answered now for this purpose in this session.
    pub fn is_for(&self, purpose: Purpose, session_id: Option<&str>, now: i64) -> bool {
        let age = now.saturating_sub(self.made_at);
        self.purpose == purpose && self.session_id.as_deref() == session_id && (0..LIFETIME).contains(&age)
    }

    /// Whether there is time enough left to show it again.
    pub fn is_young(&self, now: i64) -> bool {
        now.saturating_sub(self.made_at) < YOUNG
    }
}
