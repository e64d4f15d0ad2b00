//! Reading a company's directory (`/connections/{id}/directory-provisioning`): all of it is read before anything is written, each
//! user and each group is written in one step, and one run goes on at a time for each connection, on whatever node (D153).

mod google;
mod read;
mod write;

use std::sync::Arc;
use std::time::Duration;

use chancery_core::ids;
use chancery_core::model::Connection;
use chancery_core::records::LogEvent;
use chancery_store::{Beginning, DirectoryRun, Error, Kind, RunKey, Snapshot};
use chancery_web::App;
use serde_json::{Map, Value, json};
use tokio::time::MissedTickBehavior;

use self::google::Way;

/// Where the chosen groups lie in the stored configuration; never shown with it.
pub(crate) const GROUPS: &str = "synchronized_groups";
/// How long after a run the next one may begin, in milliseconds.
pub(crate) const REST: i64 = 30 * 60_000;
/// A run that says nothing for so long went with its node. In milliseconds.
const GONE: i64 = 60_000;
/// What a run may take.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// How often it is looked whether a directory is due.
const LOOK_EVERY: Duration = Duration::from_secs(60);

pub(crate) const COMPLETED: &str = "completed";
const FAILED: &str = "failed";
const ENDED_EARLY: &str = "The server that read the directory ended before it was done.";

/// One run of one directory.
pub(crate) struct Job {
    pub(crate) tenant: String,
    pub(crate) connection: Connection,
    /// The stored configuration.
    pub(crate) settings: Value,
    pub(crate) run_id: String,
}

impl Job {
    fn key(&self) -> RunKey<'_> {
        RunKey { tenant: &self.tenant, connection_id: &self.connection.id, id: &self.run_id }
    }

    /// Groups are read too; `Some` names the ones that were chosen, none of them is all.
    fn groups(&self) -> Option<Option<Vec<&str>>> {
        match self.settings.get("synchronize_groups").and_then(Value::as_str) {
            Some("all") => Some(None),
            Some("selected") => {
                let chosen = self.settings.get(GROUPS).and_then(Value::as_array).into_iter().flatten();
                Some(Some(chosen.map(|group| google::text(group, "id")).collect()))
            }
            _ => None,
        }
    }
}

/// Why a run ends before its end.
pub(crate) enum Stopped {
    /// For the administrator.
    Because(String),
    /// Another run took over, or the configuration is gone.
    Over,
    Store(Error),
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        match error {
            Error::Guard => Self::Over,
            other => Self::Store(other),
        }
    }
}

impl From<String> for Stopped {
    fn from(why: String) -> Self {
        Self::Because(why)
    }
}

/// Why the directory of a connection cannot be read, before anybody is asked.
pub(crate) fn unready(connection: &Connection, settings: &Value, now_ms: i64) -> Option<String> {
    if let Err(missing) = Way::of(connection, now_ms) {
        let missing: Vec<String> = missing.iter().map(|name| format!("options.{name}")).collect();
        return Some(format!(
            "The connection cannot be synchronized because setup is incomplete. Please complete the Google Workspace \
             connection administrator setup and try again. Missing or expired: {}.",
            missing.join(", ")
        ));
    }
    let is_off = |name: &str| connection.options.get(name) == Some(&Value::Bool(false));
    let wants_groups =
        settings.get("synchronize_groups").and_then(Value::as_str).is_some_and(|groups| groups != "off");
    if wants_groups && is_off("api_enable_groups") {
        return Some(
            "The Google Workspace Groups API is not enabled on the connection. Select the Enable Groups API option and go \
             through the setup again."
                .to_owned(),
        );
    }
    None
}

/// Begins a run; `None` where one goes on, or where the last one ended after `rested_ms`.
pub(crate) async fn begin(
    app: &App,
    tenant: &str,
    connection_id: &str,
    rested_ms: i64,
) -> Result<Option<String>, Error> {
    let id = ids::prefixed(&*app.rng, "dsync_");
    let now_ms = app.clock.now_ms();
    let when = Beginning { now_ms, gone_ms: now_ms.saturating_sub(GONE), rested_ms };
    let run = RunKey { tenant, connection_id, id: &id };
    Ok(app.store.begin_directory_run(run, when).await?.then_some(id))
}

/// Adds to a configuration how the last run went.
pub(crate) async fn with_last_run(
    app: &App,
    (tenant, connection_id): (&str, &str),
    configuration: &mut Value,
) -> Result<(), Error> {
    let Some(run) = app.store.directory_run(tenant, connection_id).await? else { return Ok(()) };
    let ended = run.ended_ms.map(chancery_core::iso::format_ms);
    let (status, error) = match run.status.as_str() {
        DirectoryRun::GOES_ON if app.clock.now_ms().saturating_sub(run.alive_ms) > GONE => {
            (FAILED.to_owned(), Some(ENDED_EARLY.to_owned()))
        }
        _ => (run.status, run.error),
    };
    configuration["last_synchronization_status"] = status.into();
    for (name, value) in [("last_synchronization_at", ended), ("last_synchronization_error", error)] {
        if let Some(value) = value {
            configuration[name] = value.into();
        }
    }
    Ok(())
}

/// Does the work of a run that has begun, and writes down how it ended.
pub(crate) async fn carry_out(app: &App, job: &Job) {
    let event = |kind: &str, description: Option<String>| {
        let details = Map::from_iter([
            ("connection_id".to_owned(), json!(job.connection.id)),
            ("synchronization_id".to_owned(), json!(job.run_id)),
        ]);
        let connection = Some(job.connection.name.clone());
        let event =
            LogEvent { kind: kind.to_owned(), description, connection, details, ..LogEvent::default() };
        app.log(&job.tenant, event);
    };
    event("directory_sync_started", None);
    let done = tokio::time::timeout(LONGEST, run(app, job)).await;
    let done = done.unwrap_or_else(|_| Err("It takes longer than 15 minutes.".to_owned().into()));
    let (status, error) = match done {
        Ok(trouble) => (COMPLETED, trouble),
        Err(Stopped::Because(why)) => (FAILED, Some(why)),
        // What is to be told of this connection is the other run's to tell.
        Err(Stopped::Over) => return,
        Err(Stopped::Store(error)) => {
            let connection = job.connection.id.as_str();
            tracing::error!(connection, "the directory of {connection} could not be written: {error}");
            (FAILED, Some("The database could not be written.".to_owned()))
        }
    };
    event("directory_sync_completed", error.clone().or_else(|| Some(status.to_owned())));
    let ended = app.store.end_directory_run(job.key(), (status, error.as_deref()), app.clock.now_ms()).await;
    if let Err(error) = ended {
        let connection = job.connection.id.as_str();
        tracing::warn!(
            connection,
            "how the reading of {connection} ended could not be written down: {error}"
        );
    }
}

/// Answers what went wrong with some, though not with all.
async fn run(app: &App, job: &Job) -> Result<Option<String>, Stopped> {
    let now_ms = app.clock.now_ms();
    if let Some(why) = unready(&job.connection, &job.settings, now_ms) {
        return Err(why.into());
    }
    let Ok(way) = Way::of(&job.connection, now_ms) else { return Err(Stopped::Over) };
    let directory = read::Directory::read(app, job, way).await?;
    write::write(app, job, &directory).await
}

/// Reads the directories that are to be read by themselves, each when it has rested; as long as the server runs.
pub async fn keep_directories(app: Arc<App>) {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = synchronize_due(&app).await {
            tracing::warn!("directories are looked for again in a minute: {error}");
        }
    }
}

/// Reads the directories that are due, one after the other. Answers how many.
///
/// # Errors
/// What the database says when tenants and configurations cannot be read.
pub async fn synchronize_due(app: &Arc<App>) -> Result<usize, Error> {
    let mut count = 0;
    for tenant in app.store.tenants().await? {
        let found = app.store.docs_all(&tenant.id, Kind::DirectoryProvisioning).await?;
        if found.is_empty() {
            continue;
        }
        let snapshot = app.catalog.snapshot(&tenant.id).await?;
        for doc in found {
            let Some((connection, settings)) = automatic(&snapshot, &doc.id, &doc.json) else { continue };
            let rested_ms = app.clock.now_ms().saturating_sub(REST);
            let Some(run_id) = begin(app, &tenant.id, &connection.id, rested_ms).await? else { continue };
            carry_out(app, &Job { tenant: tenant.id.clone(), connection, settings, run_id }).await;
            count += 1;
        }
    }
    Ok(count)
}

fn automatic(snapshot: &Snapshot, connection_id: &str, json: &str) -> Option<(Connection, Value)> {
    let settings: Value = serde_json::from_str(json).ok()?;
    let connection = snapshot.connection(connection_id)?;
    let is_on = settings.get("synchronize_automatically") == Some(&Value::Bool(true));
    (is_on && connection.strategy == "google-apps").then(|| (Connection::clone(connection), settings))
}
