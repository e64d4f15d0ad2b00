//! More requests than the cores can serve. Without a bound they all wait ever longer, until nobody waits for the answers any more
//! that are being made. So when the line of what is ready to run has been long for a while, what comes is turned away at once,
//! until the line is short: whoever is let in is answered soon, and whoever is not knows it soon and may go to another node.
//!
//! The costly things have lines of their own, which are bounded too: passwords, RSA signatures, the writer of the database.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;

/// Whether requests are let in.
#[derive(Debug, Default)]
pub(crate) struct Overload {
    turns_away: AtomicBool,
    begun: AtomicU64,
    turned_away: AtomicU64,
    /// Nothing came for a while, and nobody looks at the line.
    rests: AtomicBool,
    wake: Notify,
}

/// How often the line is looked at while requests come.
const LOOK: Duration = Duration::from_millis(20);
/// Tasks that are ready and in no core's own line, which has room for 256: with more than these a new request waits long.
const LONG: usize = 256;
/// So few are served in an instant.
const SHORT: usize = 32;
/// Looks at a long line in a row before anybody is turned away: 100 ms. A burst that is served by then is none of our business.
const PATIENCE: u32 = 5;
/// Looks without a request before resting.
const QUIET: u32 = 50;
/// Looks between two lines in the log.
const TELL: u32 = 50;

impl Overload {
    /// Counts a request that has come, and says whether it is let in.
    pub(crate) fn admits(&self) -> bool {
        self.begun.fetch_add(1, Ordering::Relaxed);
        if self.rests.load(Ordering::Relaxed) {
            self.wake.notify_one();
        }
        let admits = !self.turns_away.load(Ordering::Relaxed);
        if !admits {
            self.turned_away.fetch_add(1, Ordering::Relaxed);
        }
        admits
    }

    /// As if the line were long.
    #[cfg(test)]
    pub(crate) fn turn_away(&self) {
        self.turns_away.store(true, Ordering::Relaxed);
    }

    /// Looks at the line of the runtime it runs on.
    pub(crate) async fn watch(&self) {
        let runtime = Handle::current().metrics();
        let refused = metrics::counter!("chancery_overload_refused_total");
        let (mut line, mut quiet, mut since_told, mut untold) = (Line::default(), 0, TELL, 0);
        let mut begun = self.begun.load(Ordering::Relaxed);
        loop {
            tokio::time::sleep(LOOK).await;
            self.turns_away.store(line.look(runtime.global_queue_depth()), Ordering::Relaxed);
            let turned_away = self.turned_away.swap(0, Ordering::Relaxed);
            refused.increment(turned_away);
            untold += turned_away;
            since_told += 1;
            if untold > 0 && since_told >= TELL {
                tracing::warn!(
                    "more requests come than the cores can serve: {untold} were turned away with 503"
                );
                (since_told, untold) = (0, 0);
            }
            let now = self.begun.load(Ordering::Relaxed);
            quiet = if now == begun { quiet + 1 } else { 0 };
            begun = now;
            if quiet >= QUIET && !line.turns_away {
                self.rest(begun).await;
                quiet = 0;
            }
        }
    }

    /// Until a request comes.
    async fn rest(&self, begun: u64) {
        self.rests.store(true, Ordering::SeqCst);
        // One that came between the look and the rest has waked nobody.
        if self.begun.load(Ordering::SeqCst) == begun {
            self.wake.notified().await;
        }
        self.rests.store(false, Ordering::SeqCst);
    }
}

/// What was seen of the line so far.
#[derive(Debug, Default)]
struct Line {
    turns_away: bool,
    /// Looks at a long line in a row.
    long: u32,
}

impl Line {
    /// Whether requests are turned away from now on.
    fn look(&mut self, length: usize) -> bool {
        self.long = if length >= LONG { self.long + 1 } else { 0 };
        self.turns_away = if self.turns_away { length > SHORT } else { self.long >= PATIENCE };
        self.turns_away
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_line_must_be_long_for_a_while() {
        let mut line = Line::default();
        let mut after = |lengths: &[usize]| lengths.iter().fold(None, |_, length| Some(line.look(*length)));
        assert_eq!(after(&[5000, 5000, 5000, 5000]), Some(false), "a burst");
        assert_eq!(after(&[0, LONG, LONG, LONG, LONG]), Some(false));
        assert_eq!(after(&[LONG]), Some(true));
        assert_eq!(after(&[LONG - 1]), Some(true), "until it is short");
        assert_eq!(after(&[SHORT]), Some(false));
        assert_eq!(after(&[LONG]), Some(false), "and then anew");
    }

    fn watched() -> Arc<Overload> {
        let overload = Arc::new(Overload::default());
        let watching = Arc::clone(&overload);
        tokio::spawn(async move { watching.watch().await });
        overload
    }

    #[tokio::test]
    async fn a_request_ends_the_rest() {
        let overload = Arc::new(Overload::default());
        let begun = overload.begun.load(Ordering::SeqCst);
        let resting = tokio::spawn({
            let overload = Arc::clone(&overload);
            async move { overload.rest(begun).await }
        });
        while !overload.rests.load(Ordering::SeqCst) {
            tokio::task::yield_now().await;
        }
        assert!(overload.admits());
        resting.await.unwrap();
        assert!(!overload.rests.load(Ordering::SeqCst));
        // One that came before is seen, too.
        overload.rest(begun).await;
    }

    /// The line is that of a real runtime, whose one worker has far too much to do.
    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_long_line_turns_away_and_a_short_one_lets_in() {
        let overload = watched();
        let ends = Arc::new(AtomicBool::new(false));
        for _ in 0..2000 {
            let ends = Arc::clone(&ends);
            tokio::spawn(async move {
                while !ends.load(Ordering::Relaxed) {
                    std::thread::sleep(Duration::from_micros(50));
                    tokio::task::yield_now().await;
                }
            });
        }
        let changes_to = |admits: bool| {
            let overload = Arc::clone(&overload);
            // On a thread of its own: the worker is busy.
            tokio::task::spawn_blocking(move || {
                let begun = std::time::Instant::now();
                while overload.admits() != admits && begun.elapsed() < Duration::from_secs(30) {
                    std::thread::sleep(Duration::from_millis(1));
                }
                overload.admits() == admits
            })
        };
        assert!(changes_to(false).await.unwrap());
        ends.store(true, Ordering::Relaxed);
        assert!(changes_to(true).await.unwrap());
    }
}
