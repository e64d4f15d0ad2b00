//! Tenant log events on their way to the database: handed over at once, written in batches.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chancery_core::records::LogEvent;
use chancery_store::{Error, LogLine, Noticed, Store};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// The queue. Sending never waits; when the database cannot keep up, the oldest events are lost and counted.
pub struct LogQueue {
    waiting: Mutex<VecDeque<(String, LogLine)>>,
    arrived: Notify,
    full: Notify,
    lost: AtomicU64,
    store: Store,
    /// What of the use of scopes is written down already.
    noticed: Mutex<Noticed>,
    /// What was taken from the queue and is not written yet, by tenant. Held while it is on its way, so that
    /// [`LogQueue::flush`] waits for it too. What could not be written stays together: a part of it may be in the database
    /// already, where the connection was lost in the middle, and is known by being the same again.
    taken: tokio::sync::Mutex<HashMap<String, Vec<LogLine>>>,
}

impl LogQueue {
    pub(crate) fn new(store: Store) -> Self {
        Self {
            waiting: Mutex::default(),
            arrived: Notify::new(),
            full: Notify::new(),
            lost: AtomicU64::new(0),
            store,
            noticed: Mutex::default(),
            taken: tokio::sync::Mutex::default(),
        }
    }

    /// Hands an event over. It needs its id and date, which is `at_ms` (milliseconds).
    ///
    /// It is printed here, where its parts were made: freeing a dozen strings on the writer's thread instead would cost
    /// more than printing them.
    pub fn send(&self, tenant: &str, event: LogEvent, at_ms: i64) {
        let Ok(line) = LogLine::of(event, at_ms) else {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let length = {
            let mut waiting = self.lock();
            if waiting.len() >= MOST {
                waiting.pop_front();
                self.lost.fetch_add(1, Ordering::Relaxed);
            }
            waiting.push_back((tenant.to_owned(), line));
            waiting.len()
        };
        if length == 1 {
            self.arrived.notify_one();
        } else if length == BATCH {
            self.full.notify_one();
        }
    }

    /// How many events were lost since the start.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Writes everything that was sent before the call. At shutdown, and before the log is read.
    ///
    /// # Errors
    /// What the database said. While it is away the events are kept, within the bound of the queue; those that it refuses are lost
    /// and counted.
    pub async fn flush(&self) -> Result<(), Error> {
        let mut taken = self.taken.lock().await;
        // What comes meanwhile gathers for the next time: following it would mean a tiny batch after another.
        let mut left = self.lock().len();
        self.write(&mut taken).await?;
        while left > 0 {
            let length = self.take(left, &mut taken);
            if length == 0 {
                break;
            }
            left -= length;
            self.write(&mut taken).await?;
        }
        Ok(())
    }

    /// Writes until cancelled; then writes the rest.
    pub(crate) async fn run(&self, cancel: CancellationToken) {
        let (mut last, mut pause) = (false, Duration::ZERO);
        while !last {
            tokio::select! {
                () = cancel.cancelled() => {}
                () = tokio::time::sleep(pause), if !pause.is_zero() => {}
                () = self.any(), if pause.is_zero() => {
                    tokio::select! {
                        () = cancel.cancelled() => {}
                        () = self.full.notified() => {}
                        () = tokio::time::sleep(GATHER) => {}
                    }
                }
            }
            // Looked at before writing, so that the last round writes everything sent before the cancellation.
            last = cancel.is_cancelled();
            pause = match self.flush().await {
                Ok(()) => Duration::ZERO,
                Err(error) => {
                    // Told once, not at every attempt.
                    if pause.is_zero() {
                        tracing::error!("tenant log events could not be written: {error}");
                    }
                    (pause * 2).clamp(GATHER, LONGEST_PAUSE)
                }
            };
        }
        if !pause.is_zero() {
            self.give_up().await;
        }
    }

    /// The process ends, and the database is still away.
    async fn give_up(&self) {
        let taken: usize = self.taken.lock().await.drain().map(|(_, lines)| lines.len()).sum();
        let waiting = self.lock().drain(..).count();
        if taken + waiting > 0 {
            self.lost.fetch_add((taken + waiting) as u64, Ordering::Relaxed);
            tracing::error!("{} tenant log events are lost", taken + waiting);
        }
    }

    /// Until an event waits.
    async fn any(&self) {
        while self.lock().is_empty() {
            self.arrived.notified().await;
        }
    }

    /// Takes a batch from the queue, at most `most` events, and says how many they are.
    fn take(&self, most: usize, taken: &mut HashMap<String, Vec<LogLine>>) -> usize {
        let mut waiting = self.lock();
        let length = waiting.len().min(most).min(BATCH);
        for (tenant, line) in waiting.drain(..length) {
            taken.entry(tenant).or_default().push(line);
        }
        length
    }

    /// Writes what was taken; what the database cannot take just now stays.
    async fn write(&self, taken: &mut HashMap<String, Vec<LogLine>>) -> Result<(), Error> {
        while let Some(tenant) = taken.keys().next().cloned() {
            let lines = taken.get(&tenant).map(Vec::as_slice).unwrap_or_default();
            let outcome = self.append(&tenant, lines).await;
            if matches!(outcome, Err(Error::Busy(_))) {
                return outcome;
            }
            let Some(lines) = taken.remove(&tenant) else { continue };
            let uses = self.noticed.lock().unwrap_or_else(PoisonError::into_inner).of(&tenant, &lines);
            if !uses.is_empty()
                && let Err(e) = self.store.commit(self.store.note_scope_uses(&tenant, &uses)).await
            {
                tracing::warn!("the use of scopes could not be noted: {e}");
                // It is noted with the next tokens then.
                *self.noticed.lock().unwrap_or_else(PoisonError::into_inner) = Noticed::default();
            }
            match outcome {
                // A commit whose outcome nobody knew had happened.
                Ok(()) | Err(Error::Conflict) => {}
                Err(error) => {
                    self.lost.fetch_add(lines.len() as u64, Ordering::Relaxed);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// A few times, since a database that is only busy has time again soon.
    async fn append(&self, tenant: &str, lines: &[LogLine]) -> Result<(), Error> {
        let mut pause = Duration::from_millis(50);
        for _ in 0..RETRIES {
            match self.store.append_logs(tenant, lines).await {
                Err(Error::Busy(_)) => tokio::time::sleep(pause).await,
                outcome => return outcome,
            }
            pause *= 2;
        }
        self.store.append_logs(tenant, lines).await
    }

    /// The queue stays sound whatever happened to the thread that held it.
    fn lock(&self) -> MutexGuard<'_, VecDeque<(String, LogLine)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shows how full it is.
impl std::fmt::Debug for LogQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogQueue")
            .field("waiting", &self.lock().len())
            .field("lost", &self.lost())
            .finish_non_exhaustive()
    }
}

/// About 10 MB.
const MOST: usize = 20_000;
const BATCH: usize = 2048;
const GATHER: Duration = Duration::from_millis(200);
const RETRIES: usize = 2;
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::app;
    use crate::{Background, ServerConfig};

    fn event(n: usize) -> LogEvent {
        LogEvent {
            log_id: format!("{n:022}"),
            date: "2027-01-15T08:00:00.000Z".into(),
            kind: "s".into(),
            ..LogEvent::default()
        }
    }

    #[tokio::test]
    async fn everything_sent_is_written_before_the_end() {
        let test = app(ServerConfig::default()).await;
        let background = Background::start(&test.app);
        for n in 0..1234 {
            test.app.logs.send("acme", event(n), 0);
        }
        background.stop().await;
        assert_eq!(test.app.store.logs_count("acme").await.unwrap(), 1234);
        assert_eq!(test.app.logs.lost(), 0);
    }

    #[tokio::test]
    async fn written_soon_without_being_asked() {
        let test = app(ServerConfig::default()).await;
        let background = Background::start(&test.app);
        test.app.logs.send("acme", event(1), 0);
        for _ in 0..100 {
            if test.app.store.logs_count("acme").await.unwrap() == 1 {
                return background.stop().await;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("nothing was written in five seconds");
    }

    #[tokio::test]
    async fn the_oldest_are_lost_first() {
        let test = app(ServerConfig::default()).await;
        for n in 0..MOST + 3 {
            test.app.logs.send("acme", event(n), 0);
        }
        assert_eq!(test.app.logs.lost(), 3);
        test.app.logs.flush().await.unwrap();
        let first = &test.app.store.logs_after("acme", "", 1).await.unwrap()[0];
        assert_eq!(first.log_id, format!("{:022}", 3));
    }
}
