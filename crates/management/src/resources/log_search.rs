//! Searching through log events: `q`, `search` and `sort` of `GET /logs` (fact sheet 12, D72).
//!
//! Events lie in the order of time, many to a row. A search goes through them from one end, as far as the times it names
//! allow, through those of one user where it names one, and no further than a bound.

use std::ops::Bound;

use chancery_core::problem::Problem;
use chancery_core::records::LogEvent;
use chancery_core::search::{Dialect, Query, Term, Test, parse};
use chancery_store::LogWalk;

use super::logs::shown;
use super::user_search::direction;
use crate::call::{Call, stored};
use crate::search::understood;

/// What is looked for, and in which order.
pub(super) struct Search {
    query: Query,
    oldest_first: bool,
}

impl Search {
    pub(super) fn of(call: &Call) -> Result<Self, Problem> {
        let mut query = Query::everything();
        for name in ["q", "search"] {
            if let Some(text) = call.query.text(name).filter(|text| !text.trim().is_empty()) {
                query = query.and(understood(parse(text, Dialect::Logs))?);
            }
        }
        let oldest_first = match call.query.text("sort").filter(|sort| !sort.is_empty()).map(direction) {
            None => false,
            Some(sort) => match sort? {
                ("date" | "log_id" | "_id", descending) => !descending,
                (field, _) => {
                    let said = format!("Sorting by {field} is not supported: sort by date");
                    return Err(Problem::query(&said, "sort"));
                }
            },
        };
        Ok(Self { query, oldest_first })
    }

    /// Whether it asks for nothing but the newest.
    pub(super) fn is_plain(&self) -> bool {
        self.query.is_everything() && !self.oldest_first
    }

    /// Part of the events that fit, and how many were seen that do.
    pub(super) async fn run(
        &self,
        call: &Call,
        start: i64,
        limit: i64,
    ) -> Result<(Vec<LogEvent>, i64), Problem> {
        let wanted = start.saturating_add(limit);
        if wanted > REACH {
            return Err(Problem::RefusedAs(
                "invalid_paging",
                "You can only page through the first 1000 records. Use a search that finds fewer.".into(),
            ));
        }
        let mut walk = self.walk();
        let (mut found, mut fitting, mut looked) = (Vec::new(), 0_i64, 0);
        while fitting < wanted {
            if looked >= LOOKED {
                return Err(Problem::TooBroad);
            }
            let events = call.store().logs_along(call.tenant(), &mut walk).await.map_err(stored)?;
            if events.is_empty() {
                break;
            }
            looked += events.len();
            for event in events {
                if self.query.fits(&shown(&event)?) {
                    if (start..wanted).contains(&fitting) {
                        found.push(event);
                    }
                    fitting += 1;
                }
            }
        }
        Ok((found, fitting))
    }

    /// From where to where, and whose events.
    fn walk(&self) -> LogWalk {
        let mut walk = LogWalk::new(self.oldest_first);
        for Term { field, test, .. } in self.query.needed() {
            match (field.as_str(), test) {
                ("user_id", Test::Is(user)) if !user.is_empty() => walk.user = Some(user.clone()),
                ("date", Test::Times((from, to))) => {
                    if let Bound::Included(ms) | Bound::Excluded(ms) = from {
                        walk.from_ms = walk.from_ms.max(ms.saturating_sub(SLACK_MS));
                    }
                    if let Bound::Included(ms) | Bound::Excluded(ms) = to {
                        walk.to_ms = walk.to_ms.min(ms.saturating_add(SLACK_MS));
                    }
                }
                _ => {}
            }
        }
        walk
    }
}

/// Searches end here.
const REACH: i64 = 1000;
/// Events looked at by one search.
const LOOKED: usize = 50_000;
/// Ids are made a moment before or after the time that the event says.
const SLACK_MS: i64 = 60_000;
