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

    /// Gives a browser another secret, for all whom it is remembered for. Without the secret that was given to it nothing moves.
    pub fn move_remembered(&self, tenant: &str, held: &Handle, to: &Handle) -> Batch {
        Batch::default().run(
            "UPDATE remembered_browsers SET id = $1, digest = $2 WHERE tenant = $3 AND id = $4 AND digest = $5",
            params![to.id.as_str(), to.digest(), tenant, held.id.as_str(), held.digest()],
        )
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
