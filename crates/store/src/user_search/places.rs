//! Searching among those who belong somewhere: members of an organization, users of a role (D157).
//!
//! In the order of users, which is that of the index of the place, so that a checkpoint is the last user seen. Where the place
//! or what the index proposes is small, that is all that is looked at; else the walk goes through the place until the page is
//! full or a bound is reached.

use chancery_core::{
    model::User,
    search::{Cover, Query},
};
use chancery_db::{Value, params};

use super::{CHUNK, Candidate, Key, Row, SearchBounds, keys, rows};
use crate::{Error, Result, Store, rows::storable};

/// Where users belong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// To an organization, by its id.
    Organization(&'a str),
    /// To those who have a role in the tenant, by its id.
    Role(&'a str),
}

/// Rows of the place taken at once on a walk, at most.
const STEP: usize = 4 * CHUNK;
/// Proposed users asked about at once.
const IDS: usize = 5 * CHUNK;

/// A page of those who fit.
#[derive(Clone, Debug, Default)]
pub struct FoundInPlace {
    /// In the order of their ids.
    pub users: Vec<User>,
    /// Whether there are more behind them.
    pub is_more: bool,
}

impl Store {
    /// The first `limit` users of a place behind one (empty is the beginning) whom a query fits.
    ///
    /// # Errors
    /// [`Error::TooBroad`] where finding them would mean to look at too many; else as [`Store::user`].
    pub async fn search_place(
        &self,
        tenant: &str,
        place: Place<'_>,
        query: &Query,
        (after, limit): (&str, usize),
        bounds: SearchBounds,
    ) -> Result<FoundInPlace> {
        let mut search =
            Search { store: self, tenant, place, query, after: storable(after), limit, found: Vec::new() };
        let proposed = match query.is_everything() || search.is_small(bounds.few).await? {
            true => None,
            false => self.proposed(tenant, query, bounds).await?,
        };
        match proposed {
            Some(keys) => search.among(keys).await?,
            None => search.walk(bounds.looked).await?,
        }
        let mut users = search.found;
        let is_more = users.len() > limit;
        users.truncate(limit);
        Ok(FoundInPlace { users, is_more })
    }

    /// Who may fit by the index, where they are not too many.
    async fn proposed(&self, tenant: &str, query: &Query, bounds: SearchBounds) -> Result<Option<Vec<Key>>> {
        let all_metadata = !query.names(&|field| field.contains("metadata."))
            || self.all_metadata_is_indexed(tenant).await?;
        let (cover, _) = Cover::of(query, all_metadata);
        if cover == Cover::Everything {
            return Ok(None);
        }
        Ok(keys::of(self, tenant, &cover, bounds).await?.map(|found| found.keys))
    }
}

struct Search<'a> {
    store: &'a Store,
    tenant: &'a str,
    place: Place<'a>,
    query: &'a Query,
    /// The last user seen.
    after: String,
    limit: usize,
    /// One more than the limit says that there are more.
    found: Vec<User>,
}

impl Search<'_> {
    /// Through users whom the index proposes, those of the place.
    async fn among(&mut self, keys: Vec<Key>) -> Result<()> {
        let mut ids: Vec<String> = keys.into_iter().map(|(_, id)| id).filter(|id| *id > self.after).collect();
        ids.sort_unstable();
        for ids in ids.chunks(IDS) {
            let rows = self.of_place(ids).await?;
            if self.take(rows).await? {
                break;
            }
        }
        Ok(())
    }

    /// Through everybody in the place.
    async fn walk(&mut self, most: usize) -> Result<()> {
        let (mut step, mut looked) = (CHUNK, 0);
        loop {
            let rows = self.behind(step).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            self.after.clone_from(&last.key.1);
            looked += rows.len();
            if self.take(rows).await? {
                return Ok(());
            }
            if looked >= most {
                return Err(Error::TooBroad);
            }
            step = (2 * step).min(STEP);
        }
    }

    /// Keeps those who fit; whether the page is full.
    async fn take(&mut self, rows: Vec<Row>) -> Result<bool> {
        for (_, Candidate { document, row }) in self.store.judged(self.tenant, self.query, rows).await? {
            if self.query.fits(&document) {
                self.found.push(row.read()?);
            }
            if self.found.len() > self.limit {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether no more than so many of the place are left.
    async fn is_small(&self, most: usize) -> Result<bool> {
        let (table, column, id) = self.place.parts();
        let sql = format!(
            "SELECT COUNT(*) FROM (SELECT m.user_id FROM {table} m WHERE m.tenant = $1 AND m.{column} = $2 AND m.user_id > $3 \
             ORDER BY m.user_id LIMIT $4) AS counted"
        );
        let params = params![self.tenant, id, self.after.as_str(), super::count(most + 1)];
        let counted: Option<i64> = self.store.db.query_scan(sql, params).await?.pop();
        Ok(counted.is_some_and(|counted| counted <= super::count(most)))
    }

    /// The next users of the place.
    async fn behind(&self, step: usize) -> Result<Vec<Row>> {
        let (from, id) = self.place.joined();
        let sql = format!(
            "SELECT u.created_ms, u.id, {} FROM {from} AND m.user_id > $3 ORDER BY m.user_id LIMIT $4",
            rows::COLUMNS
        );
        let params = params![self.tenant, id, self.after.as_str(), super::count(step)];
        Ok(self.store.db.query_scan(sql, params).await?)
    }

    /// Those of these users who are in the place, in their order.
    async fn of_place(&self, ids: &[String]) -> Result<Vec<Row>> {
        // Two numbers, so that there are two statements.
        let places = if ids.len() > CHUNK { IDS } else { CHUNK };
        let (from, id) = self.place.joined();
        let sql = format!(
            "SELECT u.created_ms, u.id, {} FROM {from} AND m.user_id IN ({}) ORDER BY m.user_id",
            rows::COLUMNS,
            rows::places(3, places)
        );
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let params: Vec<Value> = rows::with_ids(params![self.tenant, id], &ids, places);
        Ok(self.store.db.query_scan(sql, params).await?)
    }
}

impl<'a> Place<'a> {
    /// The table of those who belong, its column for the place, and the id of this one.
    fn parts(self) -> (&'static str, &'static str, &'a str) {
        match self {
            Self::Organization(id) => ("organization_members", "organization_id", id),
            Self::Role(id) => ("user_roles", "role_id", id),
        }
    }

    /// What to select from, with the tenant as `$1` and the id as `$2`.
    fn joined(self) -> (String, &'a str) {
        let (table, column, id) = self.parts();
        let users = "JOIN users u ON u.tenant = m.tenant AND u.id = m.user_id";
        (format!("{table} m {users} WHERE m.tenant = $1 AND m.{column} = $2"), id)
    }
}
