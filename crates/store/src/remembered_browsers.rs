//! Browsers that need not show a second factor again for a while.

use chancery_core::ids::Handle;
use chancery_db::{Batch, params};

use crate::{
    Result, Store,
    rows::{same, storable},
};

impl Store {
    /// Whether the browser that holds this secret is remembered for a user. `now` is in seconds.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database), as every read here.
    pub async fn is_browser_remembered(
        &self,
        tenant: &str,
        handle: &Handle,
        user_id: &str,
        now: i64,
    ) -> Result<bool> {
        let sql = "SELECT digest FROM remembered_browsers WHERE tenant = $1 AND id = $2 AND user_id = $3 AND ends_at > $4";
        let row: Option<(Vec<u8>,)> =
            self.db.query_one(sql, params![tenant, handle.id.as_str(), user_id, now]).await?;
        Ok(row.is_some_and(|(digest,)| same(&digest, &handle.digest())))
    }

    /// Whether the secret is one that was given to a browser, for whomever: others may be remembered by it too.
    ///
    /// # Errors
    /// As [`Store::is_browser_remembered`].
    pub async fn is_browser_known(&self, tenant: &str, handle: &Handle, now: i64) -> Result<bool> {
        let sql =
            "SELECT digest FROM remembered_browsers WHERE tenant = $1 AND id = $2 AND ends_at > $3 LIMIT 1";
        let row: Option<(Vec<u8>,)> =
            self.db.query_one(sql, params![tenant, handle.id.as_str(), now]).await?;
        Ok(row.is_some_and(|(digest,)| same(&digest, &handle.digest())))
    }

    /// Remembers a browser for a user until `ends_at` (seconds).
    pub fn remember_browser(&self, tenant: &str, handle: &Handle, user_id: &str, ends_at: i64) -> Batch {
        Batch::default().run(
            "INSERT INTO remembered_browsers (tenant, id, user_id, digest, ends_at) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (tenant, id, user_id) DO UPDATE SET ends_at = excluded.ends_at",
            params![tenant, handle.id.as_str(), user_id, handle.digest(), ends_at],
        )
    }

    /// Forgets all browsers of a user, those too in which they are signed in.
    pub fn forget_browsers(&self, tenant: &str, user_id: &str) -> Batch {
        Batch::default()
            .run(
                "DELETE FROM remembered_browsers WHERE tenant = $1 AND user_id = $2",
                params![tenant, storable(user_id)],
            )
            .run(
                "UPDATE sessions SET remembered = FALSE WHERE tenant = $1 AND user_id = $2",
                params![tenant, storable(user_id)],
            )
    }
}
