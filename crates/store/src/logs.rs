//! Tenant log events: fact sheet 12. Ids order by insertion.

use chancery_core::{ids, records::LogEvent};
use chancery_db::{Batch, params};

use crate::{
    Result, Store,
    error::{parse, write},
    log_blocks::{self, Line},
    rows::{is_text, storable},
    scope_use,
};

/// An event ready to be stored. Made where the event is, so that only one string travels to the writer.
#[derive(Clone, Debug)]
pub struct LogLine {
    pub(crate) id: String,
    pub(crate) at_ms: i64,
    pub(crate) user_id: Option<String>,
    pub(crate) doc: String,
    /// Tells events of other uses of scopes apart; `None` where none is used.
    pub(crate) use_key: Option<u64>,
}

impl LogLine {
    /// The line of an event that has its id; `at_ms` is its date in milliseconds.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) for an event without a JSON form, which there is none of.
    pub fn of(event: LogEvent, at_ms: i64) -> Result<Self> {
        let doc = write("log event", &event)?;
        let use_key = scope_use::key(&event);
        Ok(Self { id: event.log_id, at_ms, user_id: event.user_id, doc, use_key })
    }
}

/// Events behind an id.
pub(crate) const AFTER: &str = "SELECT id, doc FROM logs WHERE tenant = $1 AND id > $2 ORDER BY id LIMIT $3";

/// The newest events of a user.
pub(crate) const OF_USER: &str =
    "SELECT id, doc FROM logs WHERE tenant = $1 AND user_id = $2 ORDER BY id DESC LIMIT $3";

/// A way through the events of a tenant, a part after the other.
#[derive(Clone, Debug)]
pub struct LogWalk {
    /// Those about this user alone; newest first only.
    pub user: Option<String>,
    /// From this time on, in milliseconds.
    pub from_ms: i64,
    /// Up to this time.
    pub to_ms: i64,
    /// Else the newest come first.
    pub oldest_first: bool,
    /// The id of the event that came last.
    last: Option<String>,
    is_done: bool,
}

impl LogWalk {
    /// Through all of them.
    #[must_use]
    pub const fn new(oldest_first: bool) -> Self {
        Self { user: None, from_ms: 0, to_ms: i64::MAX, oldest_first, last: None, is_done: false }
    }
}

/// Events of one part.
const STEP: i64 = 500;
/// A time that ids can say; there is none later.
const LATEST_MS: i64 = 1 << 47;

impl Store {
    /// The next events of a walk; none at its end.
    ///
    /// # Errors
    /// As [`Store::logs_page`].
    pub async fn logs_along(&self, tenant: &str, walk: &mut LogWalk) -> Result<Vec<LogEvent>> {
        if walk.is_done || walk.from_ms > walk.to_ms {
            return Ok(Vec::new());
        }
        let events = if walk.oldest_first {
            let from =
                walk.last.clone().unwrap_or_else(|| log_blocks::first_at(walk.from_ms.clamp(0, LATEST_MS)));
            self.logs_after(tenant, &from, STEP).await?
        } else {
            let to = || match walk.to_ms {
                ms if ms < LATEST_MS => log_blocks::first_at(ms.saturating_add(1).max(0)),
                _ => log_blocks::END.to_owned(),
            };
            let before = walk.last.clone().unwrap_or_else(to);
            self.logs_before(tenant, walk.user.as_deref(), &before, STEP).await?
        };
        walk.is_done = events.len() < usize::try_from(STEP).unwrap_or(0);
        let Some(last) = events.last() else { return Ok(events) };
        walk.last = Some(last.log_id.clone());
        let is_within = |event: &LogEvent| {
            ids::time_of(&event.log_id).is_none_or(|at| (walk.from_ms..=walk.to_ms).contains(&at))
        };
        let length = events.len();
        let events: Vec<_> = events.into_iter().filter(is_within).collect();
        // The first one beyond the limit ends it.
        walk.is_done |= events.len() < length;
        Ok(events)
    }

    /// `limit` events before an id, newest first, of one user or all.
    async fn logs_before(
        &self,
        tenant: &str,
        user: Option<&str>,
        before: &str,
        limit: i64,
    ) -> Result<Vec<LogEvent>> {
        let (before, user) = (storable(before), user.map(storable));
        let mut params = params![tenant, before.as_str(), limit];
        let mut whose = "";
        if let Some(user) = &user {
            params.push(user.as_str().into());
            whose = " AND user_id = $4";
        }
        let sql = format!(
            "SELECT id, doc FROM logs WHERE tenant = $1 AND id < $2{whose} ORDER BY id DESC LIMIT $3"
        );
        let rows: Vec<Line> = self.db.query_scan(sql, params).await?;
        let need = usize::try_from(limit).unwrap_or(0);
        read(self.merge_newest(tenant, user.as_deref(), &before, (rows, need)).await?)
    }

    /// Writes events in one batch: a few as rows, many to a row.
    ///
    /// # Errors
    /// [`Error::Conflict`](crate::Error::Conflict) where an id is taken.
    pub async fn append_logs(&self, tenant: &str, lines: &[LogLine]) -> Result<()> {
        if lines.len() >= log_blocks::LEAST {
            return self.commit(log_blocks::write(tenant, lines)).await;
        }
        self.commit(lines.iter().fold(Batch::default(), |batch, line| {
            batch.run(
                "INSERT INTO logs (tenant, id, at_ms, user_id, doc) VALUES ($1, $2, $3, $4, $5)",
                params![
                    tenant,
                    line.id.as_str(),
                    line.at_ms,
                    line.user_id.as_deref().map(storable),
                    line.doc.as_str()
                ],
            )
        }))
        .await
    }

    /// `limit` events, newest first, after the first `offset`.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database), as every read here.
    pub async fn logs_page(&self, tenant: &str, offset: i64, limit: i64) -> Result<Vec<LogEvent>> {
        let need = offset.saturating_add(limit);
        let sql = "SELECT id, doc FROM logs WHERE tenant = $1 ORDER BY id DESC LIMIT $2";
        let rows: Vec<Line> = self.db.query_scan(sql, params![tenant, need]).await?;
        let need = usize::try_from(need).unwrap_or(0);
        let found = self.merge_newest(tenant, None, log_blocks::END, (rows, need)).await?;
        read(found.into_iter().skip(usize::try_from(offset).unwrap_or(0)))
    }

    /// `take` events, oldest first, beginning behind the event `from` (empty is the beginning): the checkpoint of
    /// streams.
    ///
    /// # Errors
    /// As [`Store::logs_page`].
    pub async fn logs_after(&self, tenant: &str, from: &str, take: i64) -> Result<Vec<LogEvent>> {
        let from = storable(from);
        let rows: Vec<Line> = self.db.query_scan(AFTER, params![tenant, from.as_str(), take]).await?;
        let found = self.merge_oldest(tenant, &from, (rows, usize::try_from(take).unwrap_or(0))).await?;
        read(found)
    }

    /// One event.
    ///
    /// # Errors
    /// As [`Store::logs_page`].
    pub async fn log(&self, tenant: &str, id: &str) -> Result<Option<LogEvent>> {
        if !is_text(id) {
            return Ok(None);
        }
        let sql = "SELECT doc FROM logs WHERE tenant = $1 AND id = $2";
        let mut doc: Option<String> = self.db.query_one(sql, params![tenant, id]).await?;
        if doc.is_none() {
            doc = self.in_block(tenant, id).await?;
        }
        doc.map(|doc| parse("log event", &doc)).transpose()
    }

    /// `limit` events about a user, newest first, after the first `offset`.
    ///
    /// # Errors
    /// As [`Store::logs_page`].
    pub async fn logs_of_user(
        &self,
        tenant: &str,
        user_id: &str,
        offset: i64,
        limit: i64,
    ) -> Result<Vec<LogEvent>> {
        let user_id = storable(user_id);
        let need = offset.saturating_add(limit);
        let rows: Vec<Line> = self.db.query_scan(OF_USER, params![tenant, user_id.as_str(), need]).await?;
        let need = usize::try_from(need).unwrap_or(0);
        let found = self.merge_newest(tenant, Some(&user_id), log_blocks::END, (rows, need)).await?;
        read(found.into_iter().skip(usize::try_from(offset).unwrap_or(0)))
    }

    /// How many events there are.
    ///
    /// # Errors
    /// As [`Store::logs_page`].
    pub async fn logs_count(&self, tenant: &str) -> Result<i64> {
        let sql = "SELECT COUNT(*) FROM logs WHERE tenant = $1";
        let rows: i64 = self.db.query_scan(sql, params![tenant]).await?.pop().unwrap_or(0);
        Ok(rows + self.in_blocks(tenant).await?)
    }
}

fn read(lines: impl IntoIterator<Item = Line>) -> Result<Vec<LogEvent>> {
    lines.into_iter().map(|(_, doc)| parse("log event", &doc)).collect()
}
