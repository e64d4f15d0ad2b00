//! What runs beside the requests: following the configuration, sweeping, writing log events.

use std::sync::Arc;
use std::time::Duration;

use chancery_store::Swept;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::App;

/// The tasks of an [`App`].
#[derive(Debug)]
pub struct Background {
    cancel: CancellationToken,
    tasks: TaskTracker,
}

impl Background {
    /// Starts the tasks. Must be called within the runtime.
    pub fn start(app: &Arc<App>) -> Self {
        let (cancel, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(cancel.clone().run_until_cancelled_owned(watch(Arc::clone(app))));
        tasks.spawn(cancel.clone().run_until_cancelled_owned(follow(Arc::clone(app))));
        tasks.spawn(cancel.clone().run_until_cancelled_owned(sweep(Arc::clone(app))));
        tasks.spawn(cancel.clone().run_until_cancelled_owned(look(Arc::clone(app))));
        let (app, stop) = (Arc::clone(app), cancel.clone());
        tasks.spawn(async move { app.logs.run(stop).await });
        tasks.close();
        Self { cancel, tasks }
    }

    /// Ends the tasks; when it returns, every log event sent before is in the database, unless that failed.
    pub async fn stop(self) {
        self.cancel.cancel();
        self.tasks.wait().await;
    }
}

/// How soon it is noticed that the database says nothing more, and that it is back.
const WATCH_EVERY: Duration = Duration::from_millis(500);
/// Half of what other nodes' changes may take to arrive: the other half is for the database.
const FOLLOW_EVERY: Duration = Duration::from_millis(500);
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// Between two slices of a large sweep, so that requests get their turn at the writer.
const SWEEP_PAUSE: Duration = Duration::from_millis(50);

/// Whether the database answers, asked beside everything that waits for its answers: see [`chancery_db::Db::ping`].
async fn watch(app: Arc<App>) {
    let mut ticks = tokio::time::interval(WATCH_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // Who needs it finds out, and says so.
        let _ = app.store.ping().await;
    }
}

/// Whether more comes than can be served.
async fn look(app: Arc<App>) {
    app.overload.watch().await;
}

/// Other nodes' changes. Trouble is logged when it begins and when it ends, not every time.
async fn follow(app: Arc<App>) {
    let mut ticks = tokio::time::interval(FOLLOW_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut behind = false;
    loop {
        ticks.tick().await;
        match app.catalog.sync().await {
            Ok(()) if behind => {
                behind = false;
                tracing::info!("the configuration is followed again");
            }
            Ok(()) => {}
            Err(e) if !behind => {
                behind = true;
                tracing::error!(
                    "the configuration cannot be followed, and serves for {} s more: {e}",
                    app.config.outage.saturating_sub(app.catalog.age()).as_secs()
                );
            }
            Err(_) => {}
        }
    }
}

/// What has ended.
async fn sweep(app: Arc<App>) {
    let mut ticks = tokio::time::interval(SWEEP_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        loop {
            let now = app.clock.now();
            if let Err(e) = app.tell_expired(now).await {
                tracing::warn!("ends of sessions could not be noted, and they are swept in a minute: {e}");
                break;
            }
            match app.store.sweep(now, now - app.config.log_retention).await {
                Ok(Swept::Partly) => tokio::time::sleep(SWEEP_PAUSE).await,
                Ok(Swept::All) => break,
                Err(e) => {
                    tracing::warn!("sweeping failed and is tried again in a minute: {e}");
                    break;
                }
            }
        }
    }
}
