//! Passwords that users had: only hashes, only where their connection asks for it, and only as many as it asks for.

use chancery_db::{Batch, params};

use crate::{Result, Store};

/// Before a password is replaced: keeps it among the `remembered` last, the one to come counted too.
pub(crate) fn moved_on(tenant: &str, user_id: &str, connection: &str, remembered: usize, now: i64) -> Batch {
    let earlier = i64::try_from(remembered.saturating_sub(1)).unwrap_or(i64::MAX);
    let batch = match earlier {
        0 => Batch::default(),
        _ => Batch::default().run(
            "INSERT INTO password_history (tenant, user_id, connection, password_hash, ended_at) \
             SELECT tenant, user_id, connection, password_hash, $1 FROM credentials \
             WHERE tenant = $2 AND user_id = $3 AND connection = $4 AND password_hash IS NOT NULL \
             ON CONFLICT DO NOTHING",
            params![now, tenant, user_id, connection],
        ),
    };
    batch.run(
        "DELETE FROM password_history WHERE tenant = $1 AND user_id = $2 AND connection = $3 \
         AND password_hash NOT IN (SELECT password_hash FROM password_history \
             WHERE tenant = $1 AND user_id = $2 AND connection = $3 \
             ORDER BY ended_at DESC, password_hash LIMIT $4)",
        params![tenant, user_id, connection, earlier],
    )
}

impl Store {
    /// Hashes of the last passwords of a user in a connection, the present one among them: at most so many.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database).
    pub async fn last_passwords(
        &self,
        tenant: &str,
        user_id: &str,
        connection: &str,
        most: usize,
    ) -> Result<Vec<String>> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let of = params![tenant, user_id, connection, most];
        let present = "SELECT password_hash FROM credentials WHERE tenant = $1 AND user_id = $2 AND connection = $3 \
                       AND password_hash IS NOT NULL LIMIT $4";
        let earlier = "SELECT password_hash FROM password_history WHERE tenant = $1 AND user_id = $2 \
                       AND connection = $3 ORDER BY ended_at DESC, password_hash LIMIT $4";
        let mut hashes: Vec<String> = self.db.query(present, of.clone()).await?;
        hashes.extend(self.db.query::<String>(earlier, of).await?);
        hashes.truncate(usize::try_from(most).unwrap_or(usize::MAX));
        Ok(hashes)
    }
}
