//! What the pure core needs from outside, as arguments.

use std::pin::Pin;

use crate::phone::{PhoneError, PhoneMessage, TwilioAccount};

/// The time. One implementation reads the system clock, one is fixed (tests), one can be moved (dev mode).
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since the Unix epoch.
    fn now_ms(&self) -> i64;

    /// Seconds since the Unix epoch: the NumericDate of RFC 7519.
    fn now(&self) -> i64 {
        self.now_ms().div_euclid(1000)
    }
}

/// Randomness fit for secrets.
pub trait Rng: Send + Sync + 'static {
    /// Fills the whole slice.
    fn fill(&self, out: &mut [u8]);
}

/// Messages to telephones. Whatever sends one (a test of an administrator, a code for a user who signs in) hands it over here.
pub trait Telephone: Send + Sync + 'static {
    /// Hands a message to the company that carries it. Done means that it was taken, not that it was heard.
    fn deliver<'a>(&'a self, account: &'a TwilioAccount, message: &'a PhoneMessage) -> Delivery<'a>;
}

/// What becomes of a message.
pub type Delivery<'a> = Pin<Box<dyn Future<Output = Result<(), PhoneError>> + Send + 'a>>;

/// Draws what tests can foretell: each byte differs from the one before.
#[cfg(test)]
#[derive(Default)]
pub(crate) struct Counting(std::sync::Mutex<u8>);

/// Begins after this byte.
#[cfg(test)]
impl From<u8> for Counting {
    fn from(byte: u8) -> Self {
        Self(byte.into())
    }
}

#[cfg(test)]
impl Rng for Counting {
    fn fill(&self, out: &mut [u8]) {
        let mut last = self.0.lock().unwrap();
        for byte in out {
            *last = last.wrapping_add(37);
            *byte = *last;
        }
    }
}
