//! Randomness of the operating system.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use chancery_core::Rng;

/// The generator of the cryptographic library, seeded by the system.
#[derive(Debug, Default)]
pub struct SystemRng(SystemRandom);

impl Rng for SystemRng {
    fn fill(&self, out: &mut [u8]) {
        // Without randomness there is nothing this process may still do: a guessable secret is worse than none.
        if self.0.fill(out).is_err() {
            std::process::abort();
        }
    }
}
