//! Authorization codes: single use, and spent ones are remembered long enough to notice a replay.

use chancery_core::{ids::Handle, records::CodeRecord};
use chancery_db::{Batch, params};

use crate::{
    Result, Store,
    error::{read, write},
    rows::same,
};

/// Seconds that a code is kept after its end, so that its replay is noticed (RFC 6749, section 4.1.2).
const KEPT_AFTER_END: i64 = 600;

impl Store {
    /// Remembers a code.
    ///
    /// # Errors
    /// [`Error::Conflict`](crate::Error::Conflict) where the id is taken.
    pub async fn insert_code(&self, tenant: &str, handle: &Handle, record: &CodeRecord) -> Result<()> {
        self.commit(self.insert_code_batch(tenant, handle, record)?).await
    }

    /// As [`Store::insert_code`], to be committed with the end of its login transaction.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) where the record has no JSON form.
    pub fn insert_code_batch(&self, tenant: &str, handle: &Handle, record: &CodeRecord) -> Result<Batch> {
        let authorization = &record.authorization;
        Ok(Batch::default().run(
            "INSERT INTO codes (tenant, id, digest, authorization_id, user_id, client_id, audience, session_id, spent, \
             ends_at, doc) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, FALSE, $9, $10)",
            params![
                tenant,
                handle.id.as_str(),
                handle.digest(),
                authorization.id.as_str(),
                authorization.user_id.as_str(),
                authorization.client_id.as_str(),
                authorization.audience.as_deref().unwrap_or(""),
                authorization.session_id.as_deref(),
                record.expires_at.saturating_add(KEPT_AFTER_END),
                write("code", record)?
            ],
        ))
    }

    /// The code with this secret and whether it is spent, expired or not: the caller looks at that, at `expires_at` and
    /// at whose it is. Codes of revoked families are not found.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database).
    pub async fn code(&self, tenant: &str, handle: &Handle) -> Result<Option<(CodeRecord, bool)>> {
        let row: Option<(Vec<u8>, bool, String)> = self
            .db
            .query_one(
                "SELECT c.digest, c.spent, c.doc FROM codes c WHERE c.tenant = $1 AND c.id = $2 \
                 AND NOT EXISTS (SELECT 1 FROM revoked r \
                 WHERE r.tenant = c.tenant AND r.authorization_id = c.authorization_id)",
                params![tenant, handle.id.as_str()],
            )
            .await?;
        match row {
            Some((digest, spent, doc)) if same(&digest, &handle.digest()) => {
                Ok(Some((read("code", &doc)?, spent)))
            }
            _ => Ok(None),
        }
    }

    /// Spends a code, once: to be committed with what it is exchanged for. Of many commits one succeeds, the others fail
    /// with [`Error::Guard`](crate::Error::Guard).
    pub fn spend_code(&self, tenant: &str, id: &str) -> Batch {
        Batch::default().guard(
            "UPDATE codes SET spent = TRUE WHERE tenant = $1 AND id = $2 AND NOT spent",
            params![tenant, id],
        )
    }
}
