//! What happened on each day, counted from log events as long as those are kept.

use std::collections::BTreeMap;

use chancery_core::ids;
use chancery_core::iso::parse_ms;
use chancery_db::params;
use serde::Deserialize;

use crate::{Error, Result, Store, log_blocks};

/// A day's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Daily {
    /// How often somebody signed in.
    pub logins: i64,
    /// How many signed up.
    pub signups: i64,
    /// The first of these events, in milliseconds.
    pub first_ms: i64,
    /// The last one.
    pub last_ms: i64,
}

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;
/// Rows and blocks read at once.
const ROWS: i64 = 1000;
const BLOCKS: i64 = 16;

impl Store {
    /// The days from `from_ms` to before `to_ms` on which somebody signed in or up, by their number since 1970-01-01. Only
    /// events that name a user are looked at.
    ///
    /// # Errors
    /// [`Error::Busy`] or [`Error::Database`], as every read here.
    pub async fn daily(&self, tenant: &str, from_ms: i64, to_ms: i64) -> Result<BTreeMap<i64, Daily>> {
        let (from, to) = (ids::earliest(from_ms.max(0)), ids::earliest(to_ms.max(0)));
        let mut days = BTreeMap::new();
        let sql = "SELECT id, doc FROM logs WHERE tenant = $1 AND id >= $2 AND id < $3 AND user_id IS NOT NULL \
                   ORDER BY id LIMIT $4";
        let mut after = from;
        loop {
            let rows: Vec<(String, String)> =
                self.db.query_scan(sql, params![tenant, after.as_str(), to.as_str(), ROWS]).await?;
            for (_, doc) in &rows {
                count(&mut days, doc, from_ms, to_ms)?;
            }
            match rows.last() {
                // No id lies between one and itself with a space behind it.
                Some((last, _)) if rows.len() as i64 == ROWS => after = format!("{last} "),
                _ => break,
            }
        }
        // A block and what points to it have one time, which is what the pointers' own index is over.
        let sql = "SELECT b.first_id, b.body FROM log_blocks b \
                   WHERE b.tenant = $1 AND b.first_id > $2 AND b.first_id < $3 AND EXISTS (\
                   SELECT 1 FROM log_block_users u WHERE u.at_ms = b.at_ms AND u.tenant = b.tenant \
                   AND u.first_id = b.first_id) ORDER BY b.first_id LIMIT $4";
        // A block may begin before the day that it reaches into.
        let mut after = ids::earliest(from_ms.saturating_sub(log_blocks::SPAN_MS).max(0));
        loop {
            let blocks: Vec<(String, Vec<u8>)> =
                self.db.query_scan(sql, params![tenant, after.as_str(), to.as_str(), BLOCKS]).await?;
            for (_, body) in &blocks {
                for (_, doc) in log_blocks::unpack(body, None)? {
                    count(&mut days, &doc, from_ms, to_ms)?;
                }
            }
            match blocks.last() {
                Some((last, _)) if blocks.len() as i64 == BLOCKS => after.clone_from(last),
                _ => return Ok(days),
            }
        }
    }
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    date: String,
}

fn count(days: &mut BTreeMap<i64, Daily>, doc: &str, from_ms: i64, to_ms: i64) -> Result<()> {
    let Event { kind, date } = crate::error::parse("log event", doc)?;
    let (logins, signups) = match kind.as_str() {
        "s" | "sepft" => (1, 0),
        "ss" => (0, 1),
        _ => return Ok(()),
    };
    let at = parse_ms(&date).ok_or_else(|| Error::corrupt("the date of a log event"))?;
    if (from_ms..to_ms).contains(&at) {
        let none = Daily { logins: 0, signups: 0, first_ms: at, last_ms: at };
        let day = days.entry(at.div_euclid(DAY)).or_insert(none);
        day.logins += logins;
        day.signups += signups;
        day.first_ms = day.first_ms.min(at);
        day.last_ms = day.last_ms.max(at);
    }
    Ok(())
}
