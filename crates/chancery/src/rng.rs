//! Randomness of the operating system.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use chancery_core::Rng;

use crate::threads;

/// The generator of the cryptographic library, seeded by the system.
#[derive(Debug, Default)]
pub struct SystemRng(SystemRandom);

impl SystemRng {
    /// The generator, with the library already gathering its first randomness on a thread of its own: that takes it some
    /// 30 ms, in which sockets and files can be opened.
    ///
    /// # Errors
    /// What the system says when it gives no thread.
    pub fn prepared() -> std::io::Result<Self> {
        threads::begin("entropy".to_owned(), || Self::default().fill(&mut [0]))?;
        Ok(Self::default())
    }
}

impl Rng for SystemRng {
    fn fill(&self, out: &mut [u8]) {
        // Without randomness there is nothing this process may still do: a guessable secret is worse than none.
        if self.0.fill(out).is_err() {
            std::process::abort();
        }
    }
}
