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
