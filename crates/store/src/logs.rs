//! Tenant log events: fact sheet 12. Ids order by insertion.

use chancery_core::{iso::parse_ms, records::LogEvent};
use chancery_db::{Batch, params};

use crate::{
    Result, Store,
    error::{parse, print},
    rows::{is_text, storable},
};

impl Store {
    /// Writes events in one batch.
    ///
    /// # Errors
    /// [`Error::Conflict`](crate::Error::Conflict) where an id is taken.
    pub async fn append_logs(&self, tenant: &str, events: &[LogEvent]) -> Result<()> {
        let mut batch = Batch::default();
        for event in events {
            batch = batch.run(
                "INSERT INTO logs (tenant, id, at_ms, user_id, doc) VALUES ($1, $2, $3, $4, $5)",
                params![
                    tenant,
                    event.log_id.as_str(),
                    parse_ms(&event.date).unwrap_or(0),
                    event.user_id.as_deref().map(storable),
                    print("log event", event)?
                ],
            );
        }
        self.commit(batch).await
    }

    /// `limit` events, newest first, after the first `offset`.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database), as every read here.
    pub async fn logs_page(&self, tenant: &str, offset: i64, limit: i64) -> Result<Vec<LogEvent>> {
        let sql = "SELECT doc FROM logs WHERE tenant = $1 ORDER BY id DESC LIMIT $2 OFFSET $3";
        read(&self.db.query_scan(sql, params![tenant, limit, offset]).await?)
    }

    /// `take` events, oldest first, beginning behind the event `from` (empty is the beginning): the checkpoint of
    /// streams.
    ///
    /// # Errors
    /// As [`Store::logs_page`].
    pub async fn logs_after(&self, tenant: &str, from: &str, take: i64) -> Result<Vec<LogEvent>> {
        let sql = "SELECT doc FROM logs WHERE tenant = $1 AND id > $2 ORDER BY id LIMIT $3";
        read(&self.db.query_scan(sql, params![tenant, storable(from), take]).await?)
    }

    /// One event.
    ///
    /// # Errors
    /// As [`Store::logs_page`].
    pub async fn log(&self, tenant: &str, id: &str) -> Result<Option<LogEvent>> {
        if !is_text(id) {
            return Ok(None);
        }
        let sql = "SELECT doc FROM logs WHERE tenant = $1 AND id = $2";
        let doc: Option<String> = self.db.query_one(sql, params![tenant, id]).await?;
        doc.map(|doc| parse("log event", &doc)).transpose()
    }

    /// `limit` events about a user, newest first, after the first `offset`.
    ///
    /// # Errors
    /// As [`Store::logs_page`].
    pub async fn logs_of_user(
        &self,
        tenant: &str,
        user_id: &str,
        offset: i64,
        limit: i64,
    ) -> Result<Vec<LogEvent>> {
        let sql =
            "SELECT doc FROM logs WHERE tenant = $1 AND user_id = $2 ORDER BY id DESC LIMIT $3 OFFSET $4";
        read(&self.db.query_scan(sql, params![tenant, storable(user_id), limit, offset]).await?)
    }

    /// How many events there are.
    ///
    /// # Errors
    /// As [`Store::logs_page`].
    pub async fn logs_count(&self, tenant: &str) -> Result<i64> {
        let sql = "SELECT COUNT(*) FROM logs WHERE tenant = $1";
        Ok(self.db.query_scan(sql, params![tenant]).await?.pop().unwrap_or(0))
    }
}

fn read(docs: &[String]) -> Result<Vec<LogEvent>> {
    docs.iter().map(|doc| parse("log event", doc)).collect()
}
