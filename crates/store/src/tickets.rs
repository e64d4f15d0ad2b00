//! One-time links mailed to users.

use chancery_core::{ids::Handle, records::Ticket};
use chancery_db::{Batch, params};

use crate::{
    Result, Store,
    error::{parse, print},
    rows::{same, storable},
};

impl Store {
    /// Remembers a ticket.
    ///
    /// # Errors
    /// [`Error::Conflict`](crate::Error::Conflict) where the id is taken.
    pub async fn insert_ticket(&self, tenant: &str, handle: &Handle, ticket: &Ticket) -> Result<()> {
        self.commit(Batch::default().run(
            "INSERT INTO tickets (tenant, id, digest, user_id, spent, ends_at, doc) VALUES ($1, $2, $3, $4, FALSE, $5, $6)",
            params![
                tenant,
                handle.id.as_str(),
                handle.digest(),
                ticket.user_id.as_str(),
                ticket.expires_at,
                print("ticket", ticket)?
            ],
        ))
        .await
    }

    /// A ticket that is neither spent nor at its end. `now` is in seconds.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database).
    pub async fn ticket(&self, tenant: &str, handle: &Handle, now: i64) -> Result<Option<Ticket>> {
        let row: Option<(Vec<u8>, String)> = self
            .db
            .query_one(
                "SELECT digest, doc FROM tickets WHERE tenant = $1 AND id = $2 AND NOT spent AND ends_at > $3",
                params![tenant, handle.id.as_str(), now],
            )
            .await?;
        match row {
            Some((digest, doc)) if same(&digest, &handle.digest()) => Ok(Some(parse("ticket", &doc)?)),
            _ => Ok(None),
        }
    }

    /// Whether a ticket of this id is neither spent nor at its end, for those whom its secret was shown before.
    ///
    /// # Errors
    /// As [`Store::ticket`].
    pub async fn is_ticket_good(&self, tenant: &str, id: &str, now: i64) -> Result<bool> {
        let sql = "SELECT ends_at FROM tickets WHERE tenant = $1 AND id = $2 AND NOT spent AND ends_at > $3";
        let row: Option<(i64,)> = self.db.query_one(sql, params![tenant, storable(id), now]).await?;
        Ok(row.is_some())
    }

    /// Spends a ticket, once: to be committed with what it allows. Of many commits one succeeds, the others fail with
    /// [`Error::Guard`](crate::Error::Guard).
    pub fn spend_ticket(&self, tenant: &str, id: &str) -> Batch {
        Batch::default().guard(
            "UPDATE tickets SET spent = TRUE WHERE tenant = $1 AND id = $2 AND NOT spent",
            params![tenant, id],
        )
    }

    /// Makes every ticket of a user void, such as when their password was changed.
    pub fn delete_tickets_of(&self, tenant: &str, user_id: &str) -> Batch {
        Batch::default()
            .run("DELETE FROM tickets WHERE tenant = $1 AND user_id = $2", params![tenant, user_id])
    }
}
