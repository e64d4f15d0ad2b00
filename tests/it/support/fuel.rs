//! Time that stands still and randomness that repeats.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use chancery_core::{Clock, Rng};

/// When every test begins: 2026-08-01T12:00:00Z, in milliseconds.
const START_MS: i64 = 1_785_585_600_000;

/// Moves only when told.
pub(crate) struct TestClock(AtomicI64);

impl TestClock {
    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }
}

impl Default for TestClock {
    fn default() -> Self {
        Self(AtomicI64::new(START_MS))
    }
}

impl Clock for TestClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// Each draw differs, each run is the same: a counter through SHA-256.
#[derive(Default)]
pub(crate) struct TestRng(AtomicU64);

impl TestRng {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(AtomicU64::new(seed << 40))
    }

    /// A number below `end`.
    pub(crate) fn below(&self, end: usize) -> usize {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        usize::try_from(u64::from_le_bytes(bytes) % end as u64).unwrap()
    }
}

impl Rng for TestRng {
    fn fill(&self, out: &mut [u8]) {
        for chunk in out.chunks_mut(32) {
            let n = self.0.fetch_add(1, Ordering::Relaxed);
            let digest = chancery_jose::sha256(&n.to_le_bytes());
            chunk.copy_from_slice(&digest[..chunk.len()]);
        }
    }
}
