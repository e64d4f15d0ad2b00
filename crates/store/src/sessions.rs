//! Browser sessions of users.

use chancery_core::{ids::Handle, records::Session};
use chancery_db::{Batch, FromRow, Row, params};

use crate::{
    Result, Store,
    rows::{same, storable, words},
};

const COLUMNS: &str = "id, user_id, created_at, authenticated_at, last_active_at, expires_at, idle_expires_at, \
                       connection, clients, initial_ip, initial_user_agent, second_factor_at, issuer, remembered";

impl Store {
    /// Remembers a session; `digest` is that of the cookie's secret.
    ///
    /// # Errors
    /// [`Error::Conflict`](crate::Error::Conflict) where the id is taken.
    pub async fn insert_session(&self, tenant: &str, session: &Session, digest: &[u8]) -> Result<()> {
        self.commit(self.insert_session_batch(tenant, session, digest)).await
    }

    /// As [`Store::insert_session`], to be committed with other things.
    pub fn insert_session_batch(&self, tenant: &str, session: &Session, digest: &[u8]) -> Batch {
        Batch::default().run(
            "INSERT INTO sessions (tenant, id, digest, user_id, created_at, authenticated_at, last_active_at, \
             expires_at, idle_expires_at, ends_at, connection, clients, initial_ip, initial_user_agent, second_factor_at, issuer, \
             remembered) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
            params![
                tenant,
                session.id.as_str(),
                digest,
                session.user_id.as_str(),
                session.created_at,
                session.authenticated_at,
                session.last_active_at,
                session.expires_at,
                session.idle_expires_at,
                session.expires_at.min(session.idle_expires_at),
                session.connection.as_str(),
                words::print(&session.clients),
                session.initial_ip.as_deref(),
                session.initial_user_agent.as_deref().map(storable),
                session.second_factor_at,
                session.issuer.as_deref(),
                session.is_remembered
            ],
        )
    }

    /// The live session of a cookie; the secret is compared in constant time. `now` is in seconds.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database), as every read here.
    pub async fn session(&self, tenant: &str, handle: &Handle, now: i64) -> Result<Option<Session>> {
        let sql =
            format!("SELECT {COLUMNS}, digest FROM sessions WHERE tenant = $1 AND id = $2 AND ends_at > $3");
        let row: Option<(SessionRow, Vec<u8>)> =
            self.db.query_one(sql, params![tenant, handle.id.as_str(), now]).await?;
        Ok(row.filter(|(_, digest)| same(digest, &handle.digest())).map(|(row, _)| row.0))
    }

    /// A live session by its id (`sid`), for those who already know who they deal with. `now` is in seconds.
    ///
    /// # Errors
    /// As [`Store::session`].
    pub async fn session_by_id(&self, tenant: &str, id: &str, now: i64) -> Result<Option<Session>> {
        let sql = format!("SELECT {COLUMNS} FROM sessions WHERE tenant = $1 AND id = $2 AND ends_at > $3");
        let row: Option<SessionRow> = self.db.query_one(sql, params![tenant, storable(id), now]).await?;
        Ok(row.map(|row| row.0))
    }

    /// Notes activity (seconds), moves the end of idleness and adds an application, if not yet there. A session that is
    /// gone is no error.
    ///
    /// # Errors
    /// As [`Store::session`].
    pub async fn touch_session(
        &self,
        tenant: &str,
        id: &str,
        last_active: i64,
        idle_expires: i64,
        client_id: Option<&str>,
    ) -> Result<()> {
        self.commit(self.touch_session_batch(tenant, id, last_active, idle_expires, client_id)).await
    }

    /// As [`Store::touch_session`], to be committed with other things.
    pub fn touch_session_batch(
        &self,
        tenant: &str,
        id: &str,
        last_active: i64,
        idle_expires: i64,
        client_id: Option<&str>,
    ) -> Batch {
        let batch = Batch::default().run(
            "UPDATE sessions SET last_active_at = $1, idle_expires_at = $2, \
             ends_at = CASE WHEN expires_at < $2 THEN expires_at ELSE $2 END WHERE tenant = $3 AND id = $4",
            params![last_active, idle_expires, tenant, id],
        );
        let Some(client_id) = client_id else { return batch };
        batch.run(
            "UPDATE sessions SET clients = clients || CAST($1 AS TEXT) \
             WHERE tenant = $2 AND id = $3 AND replace(clients, CAST($1 AS TEXT), '') = clients",
            params![words::one(client_id), tenant, id],
        )
    }

    /// Notes that the user proved again who they are (seconds).
    ///
    /// # Errors
    /// [`Error::Guard`](crate::Error::Guard) where the session is gone.
    pub async fn reauthenticate_session(&self, tenant: &str, id: &str, authenticated_at: i64) -> Result<()> {
        self.commit(Batch::default().guard(
            "UPDATE sessions SET authenticated_at = $1 WHERE tenant = $2 AND id = $3",
            params![authenticated_at, tenant, id],
        ))
        .await
    }

    /// Notes that the user showed a second factor (seconds). Fails with [`Error::Guard`](crate::Error::Guard) where the
    /// session is gone.
    pub fn note_second_factor(&self, tenant: &str, id: &str, at: i64) -> Batch {
        Batch::default().guard(
            "UPDATE sessions SET second_factor_at = $1 WHERE tenant = $2 AND id = $3",
            params![at, tenant, id],
        )
    }

    /// Ends a session; one that is gone is no error.
    ///
    /// # Errors
    /// As [`Store::session`].
    pub async fn delete_session(&self, tenant: &str, id: &str) -> Result<()> {
        self.commit(self.delete_session_batch(tenant, id)).await
    }

    /// As [`Store::delete_session`], to be committed with other things.
    pub fn delete_session_batch(&self, tenant: &str, id: &str) -> Batch {
        Batch::default()
            .run("DELETE FROM sessions WHERE tenant = $1 AND id = $2", params![tenant, storable(id)])
    }

    /// The live sessions of a user, oldest first. `now` is in seconds.
    ///
    /// # Errors
    /// As [`Store::session`].
    pub async fn sessions_of(&self, tenant: &str, user_id: &str, now: i64) -> Result<Vec<Session>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM sessions WHERE tenant = $1 AND user_id = $2 AND ends_at > $3 ORDER BY created_at, id"
        );
        let rows: Vec<SessionRow> = self.db.query(sql, params![tenant, user_id, now]).await?;
        Ok(rows.into_iter().map(|row| row.0).collect())
    }

    /// Ends every session of a user.
    ///
    /// # Errors
    /// As [`Store::session`].
    pub async fn delete_sessions_of(&self, tenant: &str, user_id: &str) -> Result<()> {
        self.commit(self.delete_sessions_of_batch(tenant, user_id)).await
    }

    /// As [`Store::delete_sessions_of`], to be committed with other things.
    pub fn delete_sessions_of_batch(&self, tenant: &str, user_id: &str) -> Batch {
        Batch::default()
            .run("DELETE FROM sessions WHERE tenant = $1 AND user_id = $2", params![tenant, user_id])
    }
}

struct SessionRow(Session);

impl FromRow for SessionRow {
    fn from_row(row: &mut Row) -> chancery_db::Result<Self> {
        Ok(Self(Session {
            id: row.take()?,
            user_id: row.take()?,
            created_at: row.take()?,
            authenticated_at: row.take()?,
            last_active_at: row.take()?,
            expires_at: row.take()?,
            idle_expires_at: row.take()?,
            connection: row.take()?,
            clients: words::parse(&row.take::<String>()?),
            initial_ip: row.take()?,
            initial_user_agent: row.take()?,
            second_factor_at: row.take()?,
            issuer: row.take()?,
            is_remembered: row.take()?,
        }))
    }
}
