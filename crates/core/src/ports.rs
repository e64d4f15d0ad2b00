//! What the pure core needs from outside, as arguments.

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
