//! How many users a tenant has. To count very many takes longer than a search may, so it is done once in a while.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use chancery_db::params;

use crate::{Result, Store};

/// What was counted, and when: milliseconds. By tenant.
#[derive(Debug, Default)]
pub(crate) struct Counts(Mutex<HashMap<String, (i64, i64)>>);

/// So many are counted each time.
const COUNTED: i64 = 50_000;
/// How long the number of more than that is good, in milliseconds.
const GOOD_MS: i64 = 60_000;

impl Store {
    /// How many users there are. Of more than 50,000, how many there were within the last minute.
    ///
    /// # Errors
    /// As [`Store::user`].
    pub async fn users_count_lately(&self, tenant: &str, now_ms: i64) -> Result<i64> {
        let sql =
            "SELECT COUNT(*) FROM (SELECT id FROM users WHERE tenant = $1 ORDER BY id LIMIT $2) AS counted";
        let found = self.db.query_scan(sql, params![tenant, COUNTED]).await?.pop().unwrap_or(0);
        if found < COUNTED {
            return Ok(found);
        }
        if let Some((count, at)) = self.counts.of(tenant)
            && (0..GOOD_MS).contains(&now_ms.saturating_sub(at))
        {
            return Ok(count);
        }
        let count = self.users_count(tenant).await?;
        self.counts.note(tenant, (count, now_ms));
        Ok(count)
    }
}

/// Entries are whole at any moment, so a poisoned lock is as good as another.
impl Counts {
    fn of(&self, tenant: &str) -> Option<(i64, i64)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(tenant).copied()
    }

    fn note(&self, tenant: &str, counted: (i64, i64)) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant.to_owned(), counted);
    }
}
