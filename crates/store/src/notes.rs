//! What administrators note on sessions and refresh tokens: JSON that nobody but them reads.

use chancery_db::{Batch, params};

use crate::{Result, Store, rows::storable};

/// What a note is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted {
    /// A session.
    Session,
    /// A refresh token.
    RefreshToken,
}

impl Noted {
    const fn table(self) -> &'static str {
        match self {
            Self::Session => "sessions",
            Self::RefreshToken => "refresh_tokens",
        }
    }
}

impl Store {
    /// Notes something on what is there; `None` takes the note away.
    ///
    /// # Errors
    /// [`Error::Guard`](crate::Error::Guard) where there is no such thing.
    pub async fn note(&self, tenant: &str, on: Noted, id: &str, note: Option<&str>) -> Result<()> {
        let sql = format!("UPDATE {} SET metadata = $1 WHERE tenant = $2 AND id = $3", on.table());
        self.commit(Batch::default().guard(sql, params![note, tenant, storable(id)])).await
    }

    /// The notes on everything of one kind that a user has, by id.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database).
    pub async fn notes(&self, tenant: &str, on: Noted, user_id: &str) -> Result<Vec<(String, String)>> {
        let sql = format!(
            "SELECT id, metadata FROM {} WHERE tenant = $1 AND user_id = $2 AND metadata IS NOT NULL",
            on.table()
        );
        Ok(self.db.query(sql, params![tenant, storable(user_id)]).await?)
    }
}
