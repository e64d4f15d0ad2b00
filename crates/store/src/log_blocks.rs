//! Log events, many to a row. A busy server has thousands of them a second, each nearly the same as the last: one
//! compressed row for hundreds costs a tenth of as many rows, and a fraction of their room. Those that name a user are
//! found through a row for each user and block.
//!
//! A block spans at most [`SPAN_MS`]. That bounds where an event can be: the block of an event begins less than that
//! before it. Blocks of several nodes may overlap, so readers merge.

use std::collections::BTreeSet;

use chancery_core::ids;
use chancery_db::{Batch, params};

use crate::{Error, LogLine, Result, Store, rows::storable};

/// Fewer events than this are rows of their own.
pub(crate) const LEAST: usize = 32;
/// The most events in a block: bounds what reading one of them costs.
const MOST: usize = 512;
/// The most time between the first and the last event of a block, in milliseconds.
pub(crate) const SPAN_MS: i64 = 1000;
/// Blocks fetched at once.
const FETCHED: i64 = 4;
/// Above every id.
pub(crate) const END: &str = "~";

/// An event as it is read: its id and its document.
pub(crate) type Line = (String, String);

/// The events as blocks, in whatever order they come.
pub(crate) fn write(tenant: &str, lines: &[LogLine]) -> Batch {
    let mut batch = Batch::default();
    let mut lines: Vec<_> = lines.iter().collect();
    lines.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    let mut rest = &lines[..];
    while let Some(first) = rest.first() {
        let begins = ids::time_of(&first.id);
        let within = |line: &&LogLine| match (begins, ids::time_of(&line.id)) {
            (Some(begins), Some(at)) => at - begins < SPAN_MS,
            _ => line.id == first.id,
        };
        let length = rest.iter().take(MOST).take_while(|line| within(line)).count().max(1);
        let (block, others) = rest.split_at(length);
        batch = write_one(batch, tenant, block);
        rest = others;
    }
    batch
}

fn write_one(batch: Batch, tenant: &str, block: &[&LogLine]) -> Batch {
    let (Some(first), Some(last)) = (block.first(), block.last()) else { return batch };
    let mut text = String::with_capacity(block.iter().map(|line| line.doc.len() + 1).sum());
    for line in block {
        text.push_str(&line.doc);
        text.push('\n');
    }
    let users: BTreeSet<String> =
        block.iter().filter_map(|line| line.user_id.as_deref()).map(storable).collect();
    let batch = users.iter().fold(batch, |batch, user| {
        batch.run(
            "INSERT INTO log_block_users (tenant, user_id, first_id, at_ms) VALUES ($1, $2, $3, $4)",
            params![tenant, user.as_str(), first.id.as_str(), last.at_ms],
        )
    });
    batch.run(
        "INSERT INTO log_blocks (tenant, first_id, last_id, at_ms, count, body) VALUES ($1, $2, $3, $4, $5, $6)",
        params![
            tenant,
            first.id.as_str(),
            last.id.as_str(),
            last.at_ms,
            i64::try_from(block.len()).unwrap_or(0),
            lz4_flex::compress_prepend_size(text.as_bytes())
        ],
    )
}

impl Store {
    /// Merges the newest events of blocks before an id, of one user or all, into `found` (the newest rows), newest first, at
    /// most `need` in all.
    pub(crate) async fn merge_newest(
        &self,
        tenant: &str,
        user: Option<&str>,
        end: &str,
        (found, need): (Vec<Line>, usize),
    ) -> Result<Vec<Line>> {
        let mut merged = Merged { lines: found, need, newest: true };
        let mut before = end.to_owned();
        loop {
            let blocks = self.blocks_before(tenant, user, &before).await?;
            let all = (blocks.len() as i64) < FETCHED;
            for (first, body) in blocks {
                // This block and all before it end here or earlier.
                if merged.is_full_at(&shifted(&first, SPAN_MS)) {
                    return Ok(merged.lines);
                }
                merged.add(unpack(&body, user)?.filter(|(id, _)| id.as_str() < end));
                before = first;
            }
            if all {
                return Ok(merged.lines);
            }
        }
    }

    /// The next blocks of one user or all, newest first.
    async fn blocks_before(
        &self,
        tenant: &str,
        user: Option<&str>,
        before: &str,
    ) -> Result<Vec<(String, Vec<u8>)>> {
        let found = match user {
            None => {
                let sql = "SELECT first_id, body FROM log_blocks WHERE tenant = $1 AND first_id < $2 \
                           ORDER BY first_id DESC LIMIT $3";
                self.db.query_scan(sql, params![tenant, before, FETCHED]).await
            }
            Some(user) => {
                let sql = "SELECT b.first_id, b.body FROM log_block_users u \
                           JOIN log_blocks b ON b.tenant = u.tenant AND b.first_id = u.first_id \
                           WHERE u.tenant = $1 AND u.user_id = $2 AND u.first_id < $3 \
                           ORDER BY u.first_id DESC LIMIT $4";
                self.db.query_scan(sql, params![tenant, user, before, FETCHED]).await
            }
        };
        Ok(found?)
    }

    /// Merges the oldest events of blocks that come behind the event `from` into `found` (the rows), oldest first.
    pub(crate) async fn merge_oldest(
        &self,
        tenant: &str,
        from: &str,
        (found, need): (Vec<Line>, usize),
    ) -> Result<Vec<Line>> {
        let sql = "SELECT first_id, body FROM log_blocks WHERE tenant = $1 AND first_id > $2 AND last_id > $3 \
                   ORDER BY first_id LIMIT $4";
        let mut merged = Merged { lines: found, need, newest: false };
        let mut after = shifted(from, -SPAN_MS);
        loop {
            let blocks: Vec<(String, Vec<u8>)> =
                self.db.query_scan(sql, params![tenant, after.as_str(), from, FETCHED]).await?;
            let all = (blocks.len() as i64) < FETCHED;
            for (first, body) in blocks {
                if merged.is_full_at(&first) {
                    return Ok(merged.lines);
                }
                merged.add(unpack(&body, None)?.filter(|(id, _)| id.as_str() > from));
                after = first;
            }
            if all {
                return Ok(merged.lines);
            }
        }
    }

    /// The event with this id, if a block holds it.
    pub(crate) async fn in_block(&self, tenant: &str, id: &str) -> Result<Option<String>> {
        let sql = "SELECT body FROM log_blocks WHERE tenant = $1 AND first_id > $2 AND first_id <= $3 \
                   AND last_id >= $3";
        let blocks: Vec<Vec<u8>> =
            self.db.query_scan(sql, params![tenant, shifted(id, -SPAN_MS), id]).await?;
        for body in blocks {
            if let Some((_, doc)) = unpack(&body, None)?.find(|(found, _)| found == id) {
                return Ok(Some(doc));
            }
        }
        Ok(None)
    }

    /// How many events the tenant's blocks hold.
    pub(crate) async fn in_blocks(&self, tenant: &str) -> Result<i64> {
        let sql = "SELECT CAST(COALESCE(SUM(count), 0) AS BIGINT) FROM log_blocks WHERE tenant = $1";
        Ok(self.db.query_scan(sql, params![tenant]).await?.pop().unwrap_or(0))
    }
}

/// The best `need` lines so far, in order.
struct Merged {
    lines: Vec<Line>,
    need: usize,
    newest: bool,
}

impl Merged {
    fn add(&mut self, lines: impl IntoIterator<Item = Line>) {
        self.lines.extend(lines);
        if self.newest {
            self.lines.sort_unstable_by(|a, b| b.0.cmp(&a.0));
        } else {
            self.lines.sort_unstable();
        }
        self.lines.truncate(self.need);
    }

    /// Whether nothing that lies at `bound` or beyond it could enter.
    fn is_full_at(&self, bound: &str) -> bool {
        let Some(worst) = self.need.checked_sub(1).and_then(|last| self.lines.get(last)) else {
            return self.need == 0;
        };
        if self.newest { worst.0.as_str() >= bound } else { worst.0.as_str() <= bound }
    }
}

/// An id, as long as every other, that ids of that time and later are not below.
pub(crate) fn first_at(at_ms: i64) -> String {
    format!("{:-<22}", ids::earliest(at_ms))
}

/// Ids of that time and later are not below it. An id of another shape stands for itself.
fn shifted(id: &str, by_ms: i64) -> String {
    ids::time_of(id).map_or_else(|| id.to_owned(), |at| ids::earliest(at.saturating_add(by_ms).max(0)))
}

/// The events of a block, of one user or all.
pub(crate) fn unpack(body: &[u8], user: Option<&str>) -> Result<impl Iterator<Item = Line>> {
    let corrupt = || Error::corrupt("a block of log events");
    let text = lz4_flex::decompress_size_prepended(body).map_err(|_| corrupt())?;
    let text = String::from_utf8(text).map_err(|_| corrupt())?;
    let mut lines = Vec::new();
    for doc in text.lines() {
        let Named { log_id, user_id } = crate::error::parse("log event", doc)?;
        if user.is_none_or(|user| user_id.is_some_and(|id| storable(&id) == user)) {
            lines.push((log_id, doc.to_owned()));
        }
    }
    Ok(lines.into_iter())
}

#[derive(serde::Deserialize)]
struct Named {
    log_id: String,
    #[serde(default)]
    user_id: Option<String>,
}
