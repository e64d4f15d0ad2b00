//! The users in the parts of the index that cover a query.

use std::pin::Pin;

use chancery_core::search::{Cover, Reach, Span};
use chancery_db::params;

use super::{Key, SearchBounds, rows};
use crate::{Result, Store};

/// Users who may fit, in the order of lists.
pub(super) struct Keys {
    pub(super) keys: Vec<Key>,
    /// Whether they are all that the cover says, rather than more.
    pub(super) is_exact: bool,
}

/// Those of a cover; `None` where they are many.
pub(super) async fn of(
    store: &Store,
    tenant: &str,
    cover: &Cover,
    bounds: SearchBounds,
) -> Result<Option<Keys>> {
    let SearchBounds { few, many, taken, scanned, .. } = bounds;
    let mut collector = Collector { store, tenant, left: taken, unscanned: scanned, scans: false };
    if let Some(few) = collector.of(cover, few).await? {
        return Ok(Some(few));
    }
    collector.scans = true;
    collector.of(cover, many).await
}

struct Collector<'a> {
    store: &'a Store,
    tenant: &'a str,
    left: usize,
    unscanned: usize,
    /// Whether every value of a field may be looked at: at the second try only.
    scans: bool,
}

type Collected<'a> = Pin<Box<dyn Future<Output = Result<Option<Keys>>> + Send + 'a>>;

impl Collector<'_> {
    /// At most `most` users; `None` where there are more or nobody knows.
    fn of<'a>(&'a mut self, cover: &'a Cover, most: usize) -> Collected<'a> {
        Box::pin(async move {
            match cover {
                Cover::Everything => Ok(None),
                Cover::Span(span) => self.of_span(span, most).await,
                Cover::Any(any) => {
                    let mut all = Keys { keys: Vec::new(), is_exact: true };
                    for cover in any {
                        let Some(found) = self.of(cover, most).await? else { return Ok(None) };
                        all.is_exact &= found.is_exact;
                        all.keys.extend(found.keys);
                        if all.keys.len() > most {
                            all.put_in_order();
                        }
                        if all.keys.len() > most {
                            return Ok(None);
                        }
                    }
                    all.put_in_order();
                    Ok(Some(all))
                }
                Cover::All(all) => {
                    let mut common: Option<Keys> = None;
                    let mut is_exact = true;
                    for cover in all {
                        match (self.of(cover, most).await?, &mut common) {
                            (None, _) => is_exact = false,
                            (Some(found), None) => common = Some(found),
                            (Some(found), Some(common)) => common.keep_those_in(&found),
                        }
                    }
                    Ok(common.map(|common| Keys { is_exact: common.is_exact && is_exact, ..common }))
                }
            }
        })
    }

    async fn of_span(&mut self, span: &Span, most: usize) -> Result<Option<Keys>> {
        if self.left == 0 {
            return Ok(None);
        }
        let most = most.min(self.left);
        let (sql, params) = match (&span.reach, rows::of_span(self.tenant, span)) {
            (_, Some(selection)) => selection.first(most + 1),
            (Reach::Holding(text), None) if self.scans && span.field != "user_id" => {
                let values = self.values_of(&span.field).await?;
                if values >= self.unscanned {
                    return Ok(None);
                }
                self.unscanned -= values;
                rows::holding(self.tenant, &span.field, text, most + 1)
            }
            _ => return Ok(None),
        };
        let found: Vec<Key> = self.store.db.query_scan(sql, params).await?;
        self.left = self.left.saturating_sub(found.len());
        if found.len() > most {
            return Ok(None);
        }
        let mut keys = Keys { keys: found, is_exact: true };
        keys.put_in_order();
        Ok(Some(keys))
    }

    /// How many values of a field would have to be looked at, up to what is allowed.
    async fn values_of(&self, field: &str) -> Result<usize> {
        let sql = "SELECT COUNT(*) FROM (SELECT 1 FROM user_terms WHERE tenant = $1 AND field = $2 \
                   ORDER BY value, at, user_id LIMIT $3) AS counted";
        let params = params![self.tenant, field, super::count(self.unscanned)];
        let found: Option<i64> = self.store.db.query_scan(sql, params).await?.pop();
        Ok(found.and_then(|count| usize::try_from(count).ok()).unwrap_or(usize::MAX))
    }
}

impl Keys {
    fn put_in_order(&mut self) {
        self.keys.sort_unstable();
        self.keys.dedup();
    }

    fn keep_those_in(&mut self, other: &Self) {
        self.keys.retain(|key| other.keys.binary_search(key).is_ok());
        self.is_exact &= other.is_exact;
    }
}
