//! Telling applications what lies in the database to be told: any node takes it up, one at a time, also after a restart.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use chancery_store::Error;
use chancery_web::{App, Ask, FetchError};
use tokio::task::{Id, JoinSet};

/// Looked at in one go.
pub(crate) const AT_ONCE: i64 = 16;
/// Told at a time.
const PLACES: usize = 16;
/// How many of these for one application.
const SHARE: usize = 4;
/// How soon it is looked again while some are slow to answer.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// The answer says nothing that is read.
pub(crate) const LONGEST_ANSWER: usize = 4096;
/// Seconds a node has something to itself: longer than a fetch takes.
const OWN: i64 = 30;

/// Why an application does not know.
pub(crate) struct Untold {
    pub(crate) why: String,
    pub(crate) may_work_later: bool,
}

/// What there is to tell of one kind: where it comes from, and what becomes of it.
pub(crate) struct Telling<Due, Take, Settle, T> {
    /// What is due at a time (seconds), but for these applications.
    pub(crate) due: Due,
    /// Gives it to this node until then (seconds), or [`Error::Guard`] where another one has it.
    pub(crate) take: Take,
    /// Tells it.
    pub(crate) settle: Settle,
    /// Which application is told; empty where none is yet.
    pub(crate) whose: fn(&T) -> &str,
}

/// Does what is due until nothing is. An application that is slow to answer holds up nobody but itself: it has a share of the
/// places, and what is due for others goes on meanwhile. Answers how many were taken.
///
/// # Errors
/// What the database says.
pub(crate) async fn all_due<T, Due, D, Take, K, Settle, S>(
    app: &Arc<App>,
    kind: Telling<Due, Take, Settle, T>,
) -> Result<usize, Error>
where
    Due: Fn(Arc<App>, i64, Vec<String>) -> D,
    D: Future<Output = Result<Vec<T>, Error>>,
    Take: Fn(Arc<App>, T, i64) -> K,
    K: Future<Output = Result<T, Error>>,
    Settle: Fn(Arc<App>, T) -> S,
    S: Future<Output = Result<(), Error>> + Send + 'static,
{
    let mut count = 0;
    let mut under_way = JoinSet::new();
    let mut told: HashMap<Id, String> = HashMap::new();
    loop {
        let now = app.clock.now();
        let mut begun = 0;
        if under_way.len() < PLACES {
            for one in (kind.due)(Arc::clone(app), now, with_their_share(&told)).await? {
                let client = (kind.whose)(&one).to_owned();
                if under_way.len() >= PLACES || places_of(&told, &client) >= SHARE {
                    continue;
                }
                match (kind.take)(Arc::clone(app), one, now.saturating_add(OWN)).await {
                    Ok(mine) => {
                        let task = under_way.spawn((kind.settle)(Arc::clone(app), mine));
                        told.insert(task.id(), client);
                        begun += 1;
                    }
                    // Another node has it.
                    Err(Error::Guard) => {}
                    Err(other) => return Err(other),
                }
            }
        }
        count += begun;
        if begun > 0 {
            continue;
        }
        let ended = match tokio::time::timeout(LOOK_AGAIN, under_way.join_next_with_id()).await {
            Ok(None) => return Ok(count),
            Ok(Some(ended)) => ended,
            Err(_) => continue,
        };
        let (id, outcome) = match ended {
            Ok((id, outcome)) => (id, outcome),
            Err(error) => {
                tracing::error!("telling an application failed: {error}");
                (error.id(), Ok(()))
            }
        };
        told.remove(&id);
        match outcome {
            Ok(()) | Err(Error::Guard) => {}
            Err(other) => return Err(other),
        }
    }
}

/// What concerns no application yet is no wait for an answer.
fn places_of(told: &HashMap<Id, String>, client: &str) -> usize {
    told.values().filter(|other| !client.is_empty() && *other == client).count()
}

fn with_their_share(told: &HashMap<Id, String>) -> Vec<String> {
    let all: BTreeSet<&String> = told.values().filter(|client| places_of(told, client) >= SHARE).collect();
    all.into_iter().cloned().collect()
}

/// Sends it. `is_final` says of a status that is no success whether the application understood and refused.
pub(crate) async fn send(app: &App, ask: Ask<'_>, is_final: impl Fn(u16) -> bool) -> Result<(), Untold> {
    match app.fetcher.ask(ask).await {
        Ok(reply) if (200..300).contains(&reply.status) => Ok(()),
        Ok(reply) => Err(Untold {
            why: format!("The application answered with status {}.", reply.status),
            may_work_later: !is_final(reply.status),
        }),
        // The answer had come.
        Err(FetchError::TooLarge(_)) => Ok(()),
        Err(error) => Err(Untold {
            why: format!("The application could not be told: {error}."),
            may_work_later: !matches!(error, FetchError::Url | FetchError::Redirect),
        }),
    }
}
