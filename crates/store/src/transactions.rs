//! Logins under way: what `/authorize` and the login pages hand to each other through the browser.

use chancery_db::{Batch, FromRow, Row, params};

use crate::{
    Result, Store,
    rows::{is_text, same},
};

/// A login under way.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredTransaction {
    /// The `state` of the login pages; no secret.
    pub id: String,
    /// SHA-256 of the secret in the cookie of the browser that began it (security case 12).
    pub digest: Vec<u8>,
    /// Where it stands, as JSON.
    pub doc: String,
    /// Seconds.
    pub expires_at: i64,
    /// Grows by one with each update; 1 when inserted.
    pub rev: i64,
}

/// Leaves out the digest and the document, which may hold what a user typed.
impl std::fmt::Debug for StoredTransaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredTransaction")
            .field("id", &self.id)
            .field("rev", &self.rev)
            .finish_non_exhaustive()
    }
}

impl StoredTransaction {
    /// Whether the browser that holds this secret's digest began it; in constant time.
    #[must_use]
    pub fn belongs_to(&self, digest: &[u8]) -> bool {
        same(&self.digest, digest)
    }
}

impl Store {
    /// Remembers a login; its `rev` becomes 1.
    ///
    /// # Errors
    /// [`Error::Conflict`](crate::Error::Conflict) where the id is taken.
    pub async fn insert_transaction(&self, tenant: &str, transaction: &StoredTransaction) -> Result<()> {
        self.commit(Batch::default().run(
            "INSERT INTO transactions (tenant, id, digest, rev, ends_at, doc) VALUES ($1, $2, $3, 1, $4, $5)",
            params![
                tenant,
                transaction.id.as_str(),
                transaction.digest.as_slice(),
                transaction.expires_at,
                transaction.doc.as_str()
            ],
        ))
        .await
    }

    /// As [`Store::insert_transaction`], in the place of whatever has the id.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database).
    pub async fn replace_transaction(&self, tenant: &str, transaction: &StoredTransaction) -> Result<()> {
        self.commit(Batch::default().run(
            "INSERT INTO transactions (tenant, id, digest, rev, ends_at, doc) VALUES ($1, $2, $3, 1, $4, $5) \
             ON CONFLICT (tenant, id) DO UPDATE SET digest = excluded.digest, rev = transactions.rev + 1, \
             ends_at = excluded.ends_at, doc = excluded.doc",
            params![
                tenant,
                transaction.id.as_str(),
                transaction.digest.as_slice(),
                transaction.expires_at,
                transaction.doc.as_str()
            ],
        ))
        .await
    }

    /// A login that has not ended. `now` is in seconds. The caller compares the digest:
    /// [`StoredTransaction::belongs_to`].
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database).
    pub async fn transaction(&self, tenant: &str, id: &str, now: i64) -> Result<Option<StoredTransaction>> {
        if !is_text(id) {
            return Ok(None);
        }
        let sql = "SELECT id, digest, doc, ends_at, rev FROM transactions \
                   WHERE tenant = $1 AND id = $2 AND ends_at > $3";
        Ok(self.db.query_one(sql, params![tenant, id, now]).await?)
    }

    /// Moves a login on, provided nobody else did since `seen`; the new revision is `seen + 1`.
    ///
    /// # Errors
    /// [`Error::Guard`](crate::Error::Guard) where somebody did, or it is gone.
    pub async fn update_transaction(&self, tenant: &str, id: &str, doc: &str, seen: i64) -> Result<()> {
        self.commit(self.update_transaction_batch(tenant, id, doc, seen)).await
    }

    /// As [`Store::update_transaction`], to be committed with other things.
    pub fn update_transaction_batch(&self, tenant: &str, id: &str, doc: &str, seen: i64) -> Batch {
        Batch::default().guard(
            "UPDATE transactions SET doc = $1, rev = rev + 1 WHERE tenant = $2 AND id = $3 AND rev = $4",
            params![doc, tenant, id, seen],
        )
    }

    /// Ends a login, provided nobody else did: to be committed with what it ends in, so that it ends once.
    pub fn finish_transaction(&self, tenant: &str, id: &str, seen: i64) -> Batch {
        Batch::default().guard(
            "DELETE FROM transactions WHERE tenant = $1 AND id = $2 AND rev = $3",
            params![tenant, id, seen],
        )
    }

    /// Forgets a login; one that is gone is no error.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database).
    pub async fn delete_transaction(&self, tenant: &str, id: &str) -> Result<()> {
        self.commit(
            Batch::default()
                .run("DELETE FROM transactions WHERE tenant = $1 AND id = $2", params![tenant, id]),
        )
        .await
    }
}

impl FromRow for StoredTransaction {
    fn from_row(row: &mut Row) -> chancery_db::Result<Self> {
        Ok(Self {
            id: row.take()?,
            digest: row.take()?,
            doc: row.take()?,
            expires_at: row.take()?,
            rev: row.take()?,
        })
    }
}
