//! Wall clocks. The only place in the workspace that reads one.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use chancery_core::Clock;

/// The clock of the system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }
}

/// Another clock, moved by hand: expiry is tested without sleeping.
pub struct OffsetClock {
    base: Arc<dyn Clock>,
    offset_ms: AtomicI64,
}

impl OffsetClock {
    /// Shows what `base` shows, until it is moved.
    pub fn over(base: Arc<dyn Clock>) -> Self {
        Self { base, offset_ms: AtomicI64::new(0) }
    }

    /// Moves the clock by so many seconds, back when negative, and returns how far it now is from the clock below,
    /// in seconds. Stops at the ends of what a clock can show.
    pub fn advance(&self, seconds: i64) -> i64 {
        let step = seconds.clamp(-FARTHEST, FARTHEST) * 1000;
        let moved = |offset: i64| Some((offset + step).clamp(-FARTHEST * 1000, FARTHEST * 1000));
        let _ = self.offset_ms.fetch_update(Ordering::SeqCst, Ordering::SeqCst, moved);
        self.offset_ms.load(Ordering::SeqCst).div_euclid(1000)
    }
}

impl Clock for OffsetClock {
    fn now_ms(&self) -> i64 {
        self.base.now_ms() + self.offset_ms.load(Ordering::SeqCst)
    }
}

/// Shows how far it was moved.
impl std::fmt::Debug for OffsetClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OffsetClock").field("offset_ms", &self.offset_ms).finish_non_exhaustive()
    }
}

/// A thousand years, in seconds: far enough for any test, and no date on the wire gets five digits of year.
const FARTHEST: i64 = 1_000 * 365 * 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_and_adds_up() {
        let clock = OffsetClock::over(Arc::new(SystemClock));
        let before = clock.now();
        assert_eq!(clock.advance(3600), 3600);
        assert_eq!(clock.advance(-600), 3000);
        assert!((before + 3000..before + 3010).contains(&clock.now()));
        assert_eq!(clock.advance(i64::MAX), FARTHEST);
        assert_eq!(clock.advance(i64::MIN), 0);
    }
}
