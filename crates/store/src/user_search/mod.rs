//! Searching for users (D71). The index proposes, documents decide, and everything is bounded:
//!
//! 1. [`keys`]: the users in the parts of the index that cover the query, where they are not too many.
//! 2. Those few are read, looked at and sorted: the answer and its total are exact.
//! 3. Too many: [`walk`] goes through users in the order wanted until the page is full. A query that fits many fills it
//!    soon; one that fits few among many ends at a bound, and whoever asked is told to refine it.

mod counts;
mod keys;
mod places;
mod rows;
mod walk;

use std::collections::HashMap;

use chancery_core::{
    model::User,
    search::{Cover, Query, REST, order_of},
};
use chancery_db::params;
use serde_json::Value;

pub(crate) use self::counts::Counts;
pub use self::places::{FoundInPlace, Place};
use self::{keys::Keys, walk::Walk};
use crate::{Error, Result, Store, users::UserRow};

/// What is searched for, and which part of it is wanted.
#[derive(Clone, Copy, Debug)]
pub struct UserSearch<'a> {
    /// Who fits.
    pub query: &'a Query,
    /// In which order.
    pub sort: UserSort<'a>,
    /// How many come before.
    pub start: usize,
    /// How many at most.
    pub limit: usize,
    /// Whether anybody wants to know how many there are altogether.
    pub totals: bool,
    /// When it is asked, in milliseconds.
    pub now_ms: i64,
    /// How much it may cost.
    pub bounds: SearchBounds,
}

/// What one search may look at. The defaults keep one that the index helps within some 30 ms of a processor's time.
#[derive(Clone, Copy, Debug)]
pub struct SearchBounds {
    /// Users taken from one part of the index at the first try.
    pub few: usize,
    /// And at the second.
    pub many: usize,
    /// Rows taken from the index altogether.
    pub taken: usize,
    /// Rows looked through where every value of a field has to be: `name:*smith`.
    pub scanned: usize,
    /// Documents read to decide and to sort: a search that ends here answers exactly.
    pub read: usize,
    /// Documents looked at on a walk until the page is full.
    pub looked: usize,
    /// Rows of the index passed on it.
    pub passed: usize,
    /// Users counted in a part of the index for a total.
    pub counted: usize,
    /// Documents looked at for a total, before it is estimated.
    pub totalled: usize,
}

impl Default for SearchBounds {
    fn default() -> Self {
        Self {
            few: 1_000,
            many: 10_000,
            taken: 60_000,
            scanned: 1_000_000,
            read: 4_000,
            looked: 20_000,
            passed: 60_000,
            counted: 50_000,
            totalled: 1_000,
        }
    }
}

/// The order of what is found: users without the field come last, the older ones first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserSort<'a> {
    /// One that [`chancery_core::search::is_sortable`].
    pub field: &'a str,
    /// Largest or newest first.
    pub descending: bool,
}

impl UserSort<'static> {
    /// Oldest first.
    pub const CREATED: Self = Self { field: CREATED_AT, descending: false };
}

const CREATED_AT: &str = "created_at";

/// Part of what was found.
#[derive(Clone, Debug, Default)]
pub struct FoundUsers {
    /// Those of the part.
    pub users: Vec<User>,
    /// How many there are; of very many about how many. No less than what was seen, where nobody asked.
    pub total: i64,
}

/// When a user was made, and who it is: the order of lists.
type Key = (i64, String);

impl Store {
    /// Part of the users who fit.
    ///
    /// # Errors
    /// [`Error::TooBroad`](crate::Error::TooBroad) where finding them would mean to look at too many; else as [`Store::user`].
    pub async fn search_users(&self, tenant: &str, search: &UserSearch<'_>) -> Result<FoundUsers> {
        let all_metadata = !search.query.names(&|field| field.contains("metadata."))
            || self.all_metadata_is_indexed(tenant).await?;
        let (cover, covers_exactly) = Cover::of(search.query, all_metadata);
        let walk = Walk::through_the_tenant(self, tenant, search, (&cover, covers_exactly));
        if cover == Cover::Everything || walk.meets_nobody_else() {
            return walk.run().await;
        }
        let Some(Keys { keys, is_exact }) = keys::of(self, tenant, &cover, search.bounds).await? else {
            return walk.run().await;
        };
        let is_exact = is_exact && covers_exactly;
        if is_exact && search.sort.field == CREATED_AT {
            return self.page_of(tenant, search, keys).await;
        }
        if keys.len() <= search.bounds.read {
            return self.read_and_sorted(tenant, search, keys).await;
        }
        // They may lie anywhere in the order wanted: where they are not soon met, all of them are read.
        match Walk::through_keys(self, tenant, search, keys.clone(), is_exact).run().await {
            Err(Error::TooBroad) => self.read_and_sorted(tenant, search, keys).await,
            found => found,
        }
    }

    /// Whether nobody's metadata was too much for the index.
    async fn all_metadata_is_indexed(&self, tenant: &str) -> Result<bool> {
        let sql = "SELECT user_id FROM user_terms WHERE tenant = $1 AND field = $2 ORDER BY value, at, user_id LIMIT 1";
        let found: Option<String> = self.db.query_one(sql, params![tenant, REST]).await?;
        Ok(found.is_none())
    }

    /// All of them fit, and are in order.
    async fn page_of(&self, tenant: &str, search: &UserSearch<'_>, mut keys: Vec<Key>) -> Result<FoundUsers> {
        let total = count(keys.len());
        if search.sort.descending {
            keys.reverse();
        }
        let page: Vec<Key> = keys.into_iter().skip(search.start).take(search.limit).collect();
        let mut users = Vec::with_capacity(page.len());
        for row in self.rows_of(tenant, &page).await? {
            users.push(row.read()?);
        }
        Ok(FoundUsers { users, total })
    }

    async fn read_and_sorted(
        &self,
        tenant: &str,
        search: &UserSearch<'_>,
        keys: Vec<Key>,
    ) -> Result<FoundUsers> {
        let mut found = Vec::new();
        for keys in keys.chunks(CHUNK) {
            for (key, candidate) in self.candidates(tenant, search, keys).await? {
                if search.query.fits(&candidate.document) {
                    found.push((order_of(&candidate.document, search.sort.field), key, candidate.row));
                }
            }
        }
        if search.sort.field == CREATED_AT {
            // The keys were in order.
            if search.sort.descending {
                found.reverse();
            }
        } else {
            found.sort_unstable_by(|(a, first, _), (b, second, _)| match (a, b) {
                (Some(a), Some(b)) if search.sort.descending => (b, second).cmp(&(a, first)),
                (Some(a), Some(b)) => (a, first).cmp(&(b, second)),
                (None, None) => first.cmp(second),
                (a, b) => b.is_some().cmp(&a.is_some()),
            });
        }
        let total = count(found.len());
        let page = found.into_iter().skip(search.start).take(search.limit);
        Ok(FoundUsers { users: page.map(|(_, _, row)| row.read()).collect::<Result<_>>()?, total })
    }

    /// Users with their documents, in the order of the keys; who is gone is left out.
    async fn candidates(
        &self,
        tenant: &str,
        search: &UserSearch<'_>,
        keys: &[Key],
    ) -> Result<Vec<(Key, Candidate)>> {
        let rows = self.rows_of(tenant, keys).await?;
        self.judged(tenant, search.query, rows).await
    }

    /// The documents of rows, as the query sees them.
    async fn judged(&self, tenant: &str, query: &Query, rows: Vec<Row>) -> Result<Vec<(Key, Candidate)>> {
        let mut organizations: HashMap<String, Vec<Value>> = HashMap::new();
        if query.names(&|field| field == ORGANIZATION) {
            let ids: Vec<&str> = rows.iter().map(|row| row.key.1.as_str()).collect();
            for ids in ids.chunks(CHUNK) {
                let sql = format!(
                    "SELECT user_id, organization_id FROM organization_members WHERE tenant = $1 AND user_id IN ({})",
                    rows::places(2, CHUNK)
                );
                let found: Vec<(String, String)> =
                    self.db.query_scan(sql, rows::with_ids(params![tenant], ids, CHUNK)).await?;
                for (user, organization) in found {
                    organizations.entry(user).or_default().push(organization.into());
                }
            }
        }
        rows.into_iter()
            .map(|Row { key, row }| {
                let mut document = row.shown()?;
                if let (Some(list), Some(members)) = (organizations.remove(&key.1), document.as_object_mut())
                {
                    members.insert(ORGANIZATION.to_owned(), list.into());
                }
                Ok((key, Candidate { document, row }))
            })
            .collect()
    }

    async fn rows_of(&self, tenant: &str, keys: &[Key]) -> Result<Vec<Row>> {
        let mut found = Vec::with_capacity(keys.len());
        for keys in keys.chunks(CHUNK) {
            let ids: Vec<&str> = keys.iter().map(|(_, id)| id.as_str()).collect();
            let sql = format!(
                "SELECT created_ms, id, {} FROM users WHERE tenant = $1 AND id IN ({})",
                rows::COLUMNS,
                rows::places(2, CHUNK)
            );
            let rows: Vec<Row> =
                self.db.query_scan(sql, rows::with_ids(params![tenant], &ids, CHUNK)).await?;
            let mut by_id: HashMap<String, Row> =
                rows.into_iter().map(|row| (row.key.1.clone(), row)).collect();
            found.extend(ids.iter().filter_map(|id| by_id.remove(*id)));
        }
        Ok(found)
    }
}

/// Users of one statement. One number, so that there is one statement.
const CHUNK: usize = 100;

/// Not in the document: where a user belongs.
const ORGANIZATION: &str = "organization_id";

/// A user with the document that the query judges.
struct Candidate {
    document: Value,
    row: UserRow,
}

/// `created_ms, id` and the columns of a user.
struct Row {
    key: Key,
    row: UserRow,
}

impl chancery_db::FromRow for Row {
    fn from_row(row: &mut chancery_db::Row) -> chancery_db::Result<Self> {
        Ok(Self { key: (row.take()?, row.take()?), row: UserRow::from_row(row)? })
    }
}

impl Row {
    fn read(self) -> Result<User> {
        self.row.read()
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
