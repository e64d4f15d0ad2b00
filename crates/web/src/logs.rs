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
    /// Held while a batch is on its way, so that [`LogQueue::flush`] waits for it too.
    writing: tokio::sync::Mutex<()>,
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
            writing: tokio::sync::Mutex::default(),
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

    /// Writes everything that was sent before the call. At shutdown, and in tests.
    ///
    /// # Errors
    /// What the database said; the events of that batch are lost.
    pub async fn flush(&self) -> Result<(), Error> {
        let _turn = self.writing.lock().await;
        // What comes meanwhile gathers for the next time: following it would mean a tiny batch after another.
        let mut left = self.lock().len();
        while left > 0 {
            let batch: Vec<_> = {
                let mut waiting = self.lock();
                let length = waiting.len().min(left).min(BATCH);
                waiting.drain(..length).collect()
            };
            if batch.is_empty() {
                return Ok(());
            }
            left -= batch.len();
            self.write(batch).await?;
        }
        Ok(())
    }

    /// Writes until cancelled; then writes the rest.
    pub(crate) async fn run(&self, cancel: CancellationToken) {
        let mut last = false;
        while !last {
            tokio::select! {
                () = cancel.cancelled() => {}
                () = self.any() => {
                    tokio::select! {
                        () = cancel.cancelled() => {}
                        () = self.full.notified() => {}
                        () = tokio::time::sleep(GATHER) => {}
                    }
                }
            }
            // Looked at before writing, so that the last round writes everything sent before the cancellation.
            last = cancel.is_cancelled();
            if let Err(e) = self.flush().await {
                tracing::error!("tenant log events could not be written: {e}");
            }
        }
    }

    /// Until an event waits.
    async fn any(&self) {
        while self.lock().is_empty() {
            self.arrived.notified().await;
        }
    }

    async fn write(&self, batch: Vec<(String, LogLine)>) -> Result<(), Error> {
        let mut tenants: HashMap<String, Vec<LogLine>> = HashMap::new();
        for (tenant, line) in batch {
            tenants.entry(tenant).or_default().push(line);
        }
        for (tenant, lines) in tenants {
            let mut pause = Duration::from_millis(50);
            let mut outcome = self.store.append_logs(&tenant, &lines).await;
            for _ in 0..RETRIES {
                if !matches!(outcome, Err(Error::Busy(_))) {
                    break;
                }
                tokio::time::sleep(pause).await;
                pause *= 2;
                outcome = self.store.append_logs(&tenant, &lines).await;
            }
            let uses = self.noticed.lock().unwrap_or_else(PoisonError::into_inner).of(&tenant, &lines);
            if !uses.is_empty()
                && let Err(e) = self.store.commit(self.store.note_scope_uses(&tenant, &uses)).await
            {
                tracing::warn!("the use of scopes could not be noted: {e}");
                // It is noted with the next tokens then.
                *self.noticed.lock().unwrap_or_else(PoisonError::into_inner) = Noticed::default();
            }
            if outcome.is_err() {
                self.lost.fetch_add(lines.len() as u64, Ordering::Relaxed);
            }
            outcome?;
        }
        Ok(())
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
const RETRIES: usize = 5;

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
