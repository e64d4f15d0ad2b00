//! Telling applications what lies in the database to be told: any node takes it up, one at a time, also after a restart.

use std::sync::Arc;

use chancery_store::Error;
use chancery_web::{App, Ask, FetchError};
use tokio::task::JoinSet;

/// Taken at once.
pub(crate) const AT_ONCE: i64 = 16;
/// The answer says nothing that is read.
pub(crate) const LONGEST_ANSWER: usize = 4096;
/// Seconds a node has something to itself: longer than a fetch takes.
const OWN: i64 = 30;

/// Why an application does not know.
pub(crate) struct Untold {
    pub(crate) why: String,
    pub(crate) may_work_later: bool,
}

/// Does what is due until nothing is. `due` is asked with the time (seconds); `take` gives what is taken to this node until then, or
/// [`Error::Guard`] where another one has it. Answers how many were taken.
///
/// # Errors
/// What the database says.
pub(crate) async fn all_due<T, Due, Take, Settle>(
    app: &Arc<App>,
    due: impl Fn(Arc<App>, i64) -> Due,
    take: impl Fn(Arc<App>, T, i64) -> Take,
    settle: impl Fn(Arc<App>, T) -> Settle,
) -> Result<usize, Error>
where
    Due: Future<Output = Result<Vec<T>, Error>>,
    Take: Future<Output = Result<T, Error>>,
    Settle: Future<Output = Result<(), Error>> + Send + 'static,
{
    let mut count = 0;
    loop {
        let now = app.clock.now();
        let found = due(Arc::clone(app), now).await?;
        if found.is_empty() {
            return Ok(count);
        }
        let mut telling = JoinSet::new();
        for one in found {
            match take(Arc::clone(app), one, now.saturating_add(OWN)).await {
                Ok(mine) => {
                    count += 1;
                    telling.spawn(settle(Arc::clone(app), mine));
                }
                // Another node has it.
                Err(Error::Guard) => {}
                Err(other) => return Err(other),
            }
        }
        while let Some(told) = telling.join_next().await {
            match told {
                Ok(Ok(()) | Err(Error::Guard)) => {}
                Ok(Err(other)) => return Err(other),
                Err(error) => tracing::error!("telling an application failed: {error}"),
            }
        }
    }
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
