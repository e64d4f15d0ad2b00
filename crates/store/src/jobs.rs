//! Jobs: work that goes on after its request was answered. They are kept for a while so that whoever asked can look.

use chancery_db::{Batch, params};

use crate::{Result, Store, rows::storable};

impl Store {
    /// Writes down a job; `doc` is its JSON, `ends_at` is in seconds.
    ///
    /// # Errors
    /// [`Error::Conflict`](crate::Error::Conflict) where the id is taken.
    pub async fn insert_job(&self, tenant: &str, id: &str, doc: &str, ends_at: i64) -> Result<()> {
        self.commit(Batch::default().run(
            "INSERT INTO jobs (tenant, id, ends_at, doc) VALUES ($1, $2, $3, $4)",
            params![tenant, id, ends_at, doc],
        ))
        .await
    }

    /// What became of it, with the JSON of what went wrong.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database). A job that is gone is no error.
    pub async fn finish_job(&self, tenant: &str, id: &str, doc: &str, errors: Option<&str>) -> Result<()> {
        self.commit(Batch::default().run(
            "UPDATE jobs SET doc = $1, errors = $2 WHERE tenant = $3 AND id = $4",
            params![doc, errors, tenant, id],
        ))
        .await
    }

    /// A job and what went wrong in it, both as JSON.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database).
    pub async fn job(&self, tenant: &str, id: &str) -> Result<Option<(String, Option<String>)>> {
        let sql = "SELECT doc, errors FROM jobs WHERE tenant = $1 AND id = $2";
        Ok(self.db.query_one(sql, params![tenant, storable(id)]).await?)
    }
}
