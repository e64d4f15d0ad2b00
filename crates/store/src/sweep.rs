//! Removal of what has ended, in small slices so that nobody waits for it.

use chancery_db::{Batch, params};

use crate::{Result, Store};

/// Whether a sweep is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swept {
    /// Nothing that has ended is left.
    All,
    /// At least one slice was full: sweep again soon.
    Partly,
}

/// Rows removed from a table at once.
const SLICE: i64 = 1000;
/// Seconds that a revoked family stays marked: far longer than any transaction is in flight.
const TOMBSTONE: i64 = 3600;
/// Changes kept per tenant. A node that is further behind reads everything again.
pub(crate) const CHANGES_KEPT: i64 = 10_000;

/// Tables whose rows end at `ends_at`, with the rest of their key.
const ENDING: [(&str, &str); 14] = [
    ("codes", "id"),
    ("device_codes", "id"),
    ("transactions", "id"),
    ("sessions", "id"),
    ("refresh_tokens", "id"),
    ("opaque_tokens", "id"),
    ("tickets", "id"),
    ("invitations", "id"),
    ("jobs", "id"),
    ("assertions", "digest"),
    ("tries", "id"),
    ("logout_notices", "session_id, client_id"),
    ("backchannel_pings", "id"),
    ("remembered_browsers", "id, user_id"),
];

/// Tables whose rows are as old as `at_ms`, with the rest of their key. What points to a block goes before it.
const LOGS: [(&str, &str); 3] =
    [("logs", "id"), ("log_block_users", "user_id, first_id"), ("log_blocks", "first_id")];

impl Store {
    /// Removes, of every tenant, up to a thousand rows of each kind that ended before `now` and log events from before
    /// `logs_before` (both in seconds).
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database). What was swept before stays swept.
    pub async fn sweep(&self, now: i64, logs_before: i64) -> Result<Swept> {
        let mut swept = Swept::All;
        for (table, key) in ENDING {
            if self.sweep_slice(table, key, "ends_at", now).await? == SLICE {
                swept = Swept::Partly;
            }
        }
        for (table, key) in LOGS {
            if self.sweep_slice(table, key, "at_ms", logs_before.saturating_mul(1000)).await? == SLICE {
                swept = Swept::Partly;
            }
        }
        if self.sweep_revoked(now).await? == Swept::Partly {
            swept = Swept::Partly;
        }
        self.sweep_changes().await?;
        Ok(swept)
    }

    /// One slice, one batch: other writers get their turn between two of them.
    async fn sweep_slice(&self, table: &str, key: &str, column: &str, before: i64) -> Result<i64> {
        let sql = format!("SELECT COUNT(*) FROM (SELECT 1 FROM {table} WHERE {column} < $1 LIMIT $2) ended");
        let ended = self.db.query_scan(sql, params![before, SLICE]).await?.pop().unwrap_or(0);
        if ended > 0 {
            let sql = format!(
                "DELETE FROM {table} WHERE (tenant, {key}) IN \
                 (SELECT tenant, {key} FROM {table} WHERE {column} < $1 ORDER BY {column} LIMIT $2)"
            );
            self.commit(Batch::default().run(sql, params![before, SLICE])).await?;
        }
        Ok(ended)
    }

    /// New tombstones get their time; old ones take along what appeared under them, then go.
    async fn sweep_revoked(&self, now: i64) -> Result<Swept> {
        let old: Vec<(String, String)> = self
            .db
            .query_scan(
                "SELECT tenant, authorization_id FROM revoked WHERE noticed_at > 0 AND noticed_at < $1 \
                 ORDER BY noticed_at LIMIT $2",
                params![now.saturating_sub(TOMBSTONE), SLICE],
            )
            .await?;
        let batch = old.iter().fold(Batch::default(), |batch, (tenant, id)| {
            ["codes", "refresh_tokens", "opaque_tokens", "revoked"].iter().fold(batch, |batch, table| {
                let sql = format!("DELETE FROM {table} WHERE tenant = $1 AND authorization_id = $2");
                batch.run(sql, params![tenant, id])
            })
        });
        let sql = "SELECT COUNT(*) FROM (SELECT 1 FROM revoked WHERE noticed_at = 0 LIMIT $1) fresh";
        let fresh: i64 = self.db.query_scan(sql, params![SLICE]).await?.pop().unwrap_or(0);
        let batch = match fresh {
            0 => batch,
            _ => batch.run(
                "UPDATE revoked SET noticed_at = $1 WHERE (tenant, authorization_id) IN \
                 (SELECT tenant, authorization_id FROM revoked WHERE noticed_at = 0 LIMIT $2)",
                params![now.max(1), SLICE],
            ),
        };
        self.commit(batch).await?;
        let is_full = |count: i64| count == SLICE;
        let old = i64::try_from(old.len()).unwrap_or(SLICE);
        Ok(if is_full(old) || is_full(fresh) { Swept::Partly } else { Swept::All })
    }

    async fn sweep_changes(&self) -> Result<()> {
        let long: Vec<(String, i64)> = self
            .db
            .query_scan(
                "SELECT t.id, t.config_rev FROM tenants t WHERE EXISTS \
                 (SELECT 1 FROM changes c WHERE c.tenant = t.id AND c.seq <= t.config_rev - $1)",
                params![CHANGES_KEPT],
            )
            .await?;
        for (tenant, rev) in long {
            self.commit(Batch::default().run(
                "DELETE FROM changes WHERE tenant = $1 AND seq <= $2",
                params![tenant, rev - CHANGES_KEPT],
            ))
            .await?;
        }
        Ok(())
    }
}
