//! Whether the server can be reached. While it cannot, callers are told so at once, instead of each finding out by itself and
//! all of them queueing up behind timeouts.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use crate::{Error, Result};

/// How long nobody tries after a failure: what a recovery is noticed late by.
const PAUSE: Duration = Duration::from_millis(250);
/// How long after that those with a request behind them leave it to the pings. In a process that sends none they look themselves.
const PINGED: Duration = Duration::from_secs(5);

/// Who wants a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Asking {
    /// Somebody who has all the time, and only wants to know.
    Ping,
    /// Somebody who is waited for.
    Work,
}

pub(super) struct Reach {
    since: Instant,
    /// Milliseconds after `since` before which nobody tries; 0 while all is well.
    closed_until: AtomicU64,
    silence: Notify,
}

impl Default for Reach {
    fn default() -> Self {
        Self { since: Instant::now(), closed_until: AtomicU64::new(0), silence: Notify::new() }
    }
}

impl Reach {
    /// Whether to try. While the server is away one ping at a time does, and has `turn` for it.
    pub(super) fn ask(&self, asking: Asking, turn: Duration) -> Result<()> {
        // Nearly always.
        if self.closed_until.load(Ordering::Relaxed) == 0 {
            return Ok(());
        }
        self.ask_at(self.since.elapsed(), asking, turn)
    }

    /// No connection could be made.
    pub(super) fn lost(&self) {
        self.lost_at(self.since.elapsed());
    }

    /// The server is there.
    pub(super) fn found(&self) {
        if self.closed_until.load(Ordering::Relaxed) != 0 {
            self.closed_until.store(0, Ordering::Relaxed);
        }
    }

    /// There are connections, and nothing comes through them: whoever waits is told.
    pub(super) fn fell_silent(&self) {
        self.lost();
        self.silence.notify_waiters();
    }

    /// What the work came to; `None` where the server fell silent first.
    pub(super) async fn unless_silent<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = work => Some(done),
            () = self.silence.notified() => None,
        }
    }

    fn ask_at(&self, now: Duration, asking: Asking, turn: Duration) -> Result<()> {
        let until = self.closed_until.load(Ordering::Relaxed);
        let opens = match asking {
            Asking::Ping => until,
            Asking::Work => until.saturating_add(millis(PINGED)),
        };
        let next = millis(now.saturating_add(turn));
        let is_mine = until == 0
            || (millis(now) >= opens
                && self
                    .closed_until
                    .compare_exchange(until, next, Ordering::Relaxed, Ordering::Relaxed)
                    .is_ok());
        if is_mine { Ok(()) } else { Err(Error::Busy("PostgreSQL is away")) }
    }

    fn lost_at(&self, now: Duration) {
        self.closed_until.store(millis(now + PAUSE), Ordering::Relaxed);
    }
}

/// Never 0, which means something else.
fn millis(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TURN: Duration = Duration::from_secs(3);

    #[test]
    fn one_at_a_time_looks_whether_it_is_back() {
        let reach = Reach::default();
        let at = |ms, asking| reach.ask_at(Duration::from_millis(ms), asking, TURN).is_ok();
        assert!(at(0, Asking::Work));
        reach.lost_at(Duration::from_millis(1000));
        assert_eq!(
            [1000, 1249, 1250, 1251, 4249].map(|ms| at(ms, Asking::Ping)),
            [false, false, true, false, false]
        );
        assert_eq!([4250, 4251].map(|ms| at(ms, Asking::Ping)), [true, false], "whoever looked never told");
        assert_eq!(
            [7251, 12_249, 12_250].map(|ms| at(ms, Asking::Work)),
            [false, false, true],
            "nobody pings"
        );
        reach.found();
        assert!(at(12_251, Asking::Work) && at(12_251, Asking::Ping));
    }

    #[tokio::test]
    async fn silence_ends_what_waits() {
        let reach = Reach::default();
        assert_eq!(reach.unless_silent(async { 1 }).await, Some(1));
        let (waited, ()) =
            tokio::join!(reach.unless_silent(std::future::pending::<u8>()), async { reach.fell_silent() });
        assert_eq!(waited, None);
        assert!(reach.ask(Asking::Work, TURN).is_err());
    }
}
