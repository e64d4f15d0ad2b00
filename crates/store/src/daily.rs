//! What happened on each day, counted from log events as long as those are kept.

use std::collections::{BTreeMap, HashMap};
use std::ops::{ControlFlow, RangeInclusive};
use std::sync::Mutex;

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
/// The most events of one day that are looked at to count its tokens.
const MOST_TOKENS_LOOKED_AT: usize = 250_000;
/// Events of the evening are written by then, by whatever node.
const SETTLED_MS: i64 = 3_600_000;
/// Days remembered, over all tenants.
const REMEMBERED: usize = 20_000;

/// Tokens of days that are over: they do not change any more.
#[derive(Debug, Default)]
pub(crate) struct TokenDays(Mutex<HashMap<(String, i64), Option<i64>>>);

impl TokenDays {
    fn known(&self, tenant: &str, day: i64) -> Option<Option<i64>> {
        let days = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        days.get(&(tenant.to_owned(), day)).copied()
    }

    fn keep(&self, tenant: &str, day: i64, tokens: Option<i64>) {
        let mut days = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if days.len() >= REMEMBERED {
            days.clear();
        }
        days.insert((tenant.to_owned(), day), tokens);
    }
}

/// Which events are walked through.
#[derive(Clone, Copy)]
enum Events {
    OfUsers,
    All,
}

impl Events {
    const fn rows(self) -> &'static str {
        match self {
            Self::OfUsers => {
                "SELECT id, doc FROM logs WHERE tenant = $1 AND id >= $2 AND id < $3 AND user_id IS NOT NULL \
                 ORDER BY id LIMIT $4"
            }
            Self::All => {
                "SELECT id, doc FROM logs WHERE tenant = $1 AND id >= $2 AND id < $3 ORDER BY id LIMIT $4"
            }
        }
    }

    const fn blocks(self) -> &'static str {
        match self {
            // A block and what points to it have one time, which is what the pointers' own index is over.
            Self::OfUsers => {
                "SELECT b.first_id, b.body FROM log_blocks b \
                 WHERE b.tenant = $1 AND b.first_id > $2 AND b.first_id < $3 AND EXISTS (\
                 SELECT 1 FROM log_block_users u WHERE u.at_ms = b.at_ms AND u.tenant = b.tenant \
                 AND u.first_id = b.first_id) ORDER BY b.first_id LIMIT $4"
            }
            Self::All => {
                "SELECT first_id, body FROM log_blocks WHERE tenant = $1 AND first_id > $2 AND first_id < $3 \
                 ORDER BY first_id LIMIT $4"
            }
        }
    }
}

impl Store {
    /// The days from `from_ms` to before `to_ms` on which somebody signed in or up, by their number since 1970-01-01. Only
    /// events that name a user are looked at.
    ///
    /// # Errors
    /// [`Error::Busy`] or [`Error::Database`], as every read here.
    pub async fn daily(&self, tenant: &str, from_ms: i64, to_ms: i64) -> Result<BTreeMap<i64, Daily>> {
        let mut days = BTreeMap::new();
        self.walk(tenant, (from_ms, to_ms), Events::OfUsers, |doc| {
            count(&mut days, doc, from_ms, to_ms)?;
            Ok(ControlFlow::Continue(()))
        })
        .await?;
        Ok(days)
    }

    /// The access tokens that were issued on each of these days, by the number of the day since 1970-01-01. `None` is a day
    /// with more events than are looked at. Days that are over are counted once.
    ///
    /// # Errors
    /// [`Error::Busy`] or [`Error::Database`], as every read here.
    pub async fn tokens_per_day(
        &self,
        tenant: &str,
        days: RangeInclusive<i64>,
        now_ms: i64,
    ) -> Result<BTreeMap<i64, Option<i64>>> {
        let mut found = BTreeMap::new();
        for day in days {
            let tokens = match self.token_days.known(tenant, day) {
                Some(known) => known,
                None => {
                    let counted = self.tokens_on(tenant, day).await?;
                    if day.saturating_add(1).saturating_mul(DAY).saturating_add(SETTLED_MS) <= now_ms {
                        self.token_days.keep(tenant, day, counted);
                    }
                    counted
                }
            };
            found.insert(day, tokens);
        }
        Ok(found)
    }

    async fn tokens_on(&self, tenant: &str, day: i64) -> Result<Option<i64>> {
        let (from_ms, to_ms) = (day.saturating_mul(DAY), day.saturating_add(1).saturating_mul(DAY));
        let (mut tokens, mut looked_at) = (0, 0_usize);
        self.walk(tenant, (from_ms, to_ms), Events::All, |doc| {
            looked_at += 1;
            if looked_at > MOST_TOKENS_LOOKED_AT {
                return Ok(ControlFlow::Break(()));
            }
            tokens += i64::from(is_token(doc, from_ms, to_ms)?);
            Ok(ControlFlow::Continue(()))
        })
        .await?;
        Ok((looked_at <= MOST_TOKENS_LOOKED_AT).then_some(tokens))
    }

    /// Shows the events of a time to `visit`, until it has seen enough. Some of just before and after are among them.
    async fn walk(
        &self,
        tenant: &str,
        (from_ms, to_ms): (i64, i64),
        events: Events,
        mut visit: impl FnMut(&str) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let (from, to) = (ids::earliest(from_ms.max(0)), ids::earliest(to_ms.max(0)));
        let mut after = from;
        loop {
            let rows: Vec<(String, String)> =
                self.db.query_scan(events.rows(), params![tenant, after.as_str(), to.as_str(), ROWS]).await?;
            for (_, doc) in &rows {
                if visit(doc)?.is_break() {
                    return Ok(());
                }
            }
            match rows.last() {
                // No id lies between one and itself with a space behind it.
                Some((last, _)) if rows.len() as i64 == ROWS => after = format!("{last} "),
                _ => break,
            }
        }
        // A block may begin before the day that it reaches into.
        let mut after = ids::earliest(from_ms.saturating_sub(log_blocks::SPAN_MS).max(0));
        loop {
            let blocks: Vec<(String, Vec<u8>)> = self
                .db
                .query_scan(events.blocks(), params![tenant, after.as_str(), to.as_str(), BLOCKS])
                .await?;
            for (_, body) in &blocks {
                for (_, doc) in log_blocks::unpack(body, None)? {
                    if visit(&doc)?.is_break() {
                        return Ok(());
                    }
                }
            }
            match blocks.last() {
                Some((last, _)) if blocks.len() as i64 == BLOCKS => after.clone_from(last),
                _ => return Ok(()),
            }
        }
    }
}

/// Types of events that say that an access token was issued.
const TOKENS: [&str; 8] = [
    "seacft",
    "seccft",
    "sertft",
    "sepft",
    "sede",
    "success_on_behalf_of_token_exchange",
    "secte",
    "idjag_exchange_success",
];

fn is_token(doc: &str, from_ms: i64, to_ms: i64) -> Result<bool> {
    // Most events are none, and reading one costs more than looking for these letters.
    if !["ft\"", "\"sede\"", "_on_behalf_of_", "\"secte\"", "\"idjag_"]
        .iter()
        .any(|letters| doc.contains(letters))
    {
        return Ok(false);
    }
    let Event { kind, date } = crate::error::parse("log event", doc)?;
    if !TOKENS.contains(&kind.as_str()) {
        return Ok(false);
    }
    let at = parse_ms(&date).ok_or_else(|| Error::corrupt("the date of a log event"))?;
    Ok((from_ms..to_ms).contains(&at))
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
