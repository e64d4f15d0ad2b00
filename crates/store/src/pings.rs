//! Applications that are told that a user answered (OpenID CIBA Core 1.0, section 10.2). A row is written with the request, becomes
//! due in the commit of the answer, so that none is lost, and is taken by one node at a time.

use chancery_core::ids::Handle;
use chancery_db::{Batch, FromRow, Row, Value, params};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    Error, Result, Store,
    error::{parse, print},
    rows::{NEVER, none_of},
};

/// An answer that an application is to be told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ping {
    /// Whose.
    pub tenant: String,
    /// Finds the request; no secret.
    pub id: String,
    /// Who is told.
    pub client_id: String,
    sealed: String,
    /// How often it was tried, this time included.
    pub attempts: i64,
    /// Until when this node has it to itself, seconds.
    pub due_at: i64,
    /// When nobody asks for tokens with it any more, seconds.
    pub ends_at: i64,
}

/// What it is told, and what it knows us by.
pub struct PingSecrets {
    /// `auth_req_id`.
    pub auth_req_id: Zeroizing<String>,
    /// `client_notification_token`.
    pub token: Zeroizing<String>,
}

/// Shows nothing of it.
impl std::fmt::Debug for PingSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PingSecrets").finish_non_exhaustive()
    }
}

#[derive(Serialize, Deserialize)]
struct Kept {
    auth_req_id: String,
    token: String,
}

const COLUMNS: &str = "tenant, id, client_id, sealed, attempts, due_at, ends_at";

impl Store {
    /// Keeps what the application will be told when the user answers: to be committed with the request.
    ///
    /// # Errors
    /// [`Error::Corrupt`] where the library fails.
    pub fn keep_ping(
        &self,
        tenant: &str,
        handle: &Handle,
        (client_id, token): (&str, &str),
        ends_at: i64,
    ) -> Result<Batch> {
        let kept = Kept { auth_req_id: handle.expose(), token: token.to_owned() };
        let kept = Zeroizing::new(print("ping", &kept)?);
        let sealed = self.vault.seal(&context(tenant, &handle.id), kept.as_bytes())?;
        Ok(Batch::default().run(
            format!("INSERT INTO backchannel_pings ({COLUMNS}) VALUES ($1, $2, $3, $4, 0, $5, $6)"),
            params![tenant, handle.id.as_str(), client_id, sealed, NEVER, ends_at],
        ))
    }

    /// What is in it.
    ///
    /// # Errors
    /// [`Error::Corrupt`] where it was sealed with another master key.
    pub fn open_ping(&self, ping: &Ping) -> Result<PingSecrets> {
        let opened = self.vault.open(&context(&ping.tenant, &ping.id), &ping.sealed)?;
        let text = std::str::from_utf8(&opened).map_err(|_| Error::corrupt("a sealed ping"))?;
        let kept: Kept = parse("ping", text)?;
        Ok(PingSecrets { auth_req_id: kept.auth_req_id.into(), token: kept.token.into() })
    }

    /// Those whose time has come, of every tenant, the oldest first, but for those of some applications. `now` is in seconds.
    ///
    /// # Errors
    /// [`Error::Busy`] or [`Error::Database`].
    pub async fn due_pings(&self, now: i64, limit: i64, but: &[String]) -> Result<Vec<Ping>> {
        let (others, mut params) = (none_of(but, 3), params![now, limit]);
        params.extend(but.iter().map(|client| Value::from(client.as_str())));
        let sql = format!(
            "SELECT {COLUMNS} FROM backchannel_pings WHERE due_at <= $1{others} ORDER BY due_at LIMIT $2"
        );
        Ok(self.db.query(sql, params).await?)
    }

    /// Takes one that is due: it comes again at `until` (seconds) unless it is settled by then. [`Error::Guard`] where another node
    /// has it, or it is gone.
    ///
    /// # Errors
    /// As said, [`Error::Busy`] or [`Error::Database`].
    pub async fn take_ping(&self, ping: &Ping, until: i64) -> Result<Ping> {
        let sql = format!("UPDATE backchannel_pings SET due_at = $4, attempts = attempts + 1 WHERE {THIS}");
        self.commit(Batch::default().guard(sql, [this(ping), params![until]].concat())).await?;
        Ok(Ping { due_at: until, attempts: ping.attempts + 1, ..ping.clone() })
    }

    /// Tries again at `due_at` (seconds).
    ///
    /// # Errors
    /// As [`Store::take_ping`].
    pub async fn postpone_ping(&self, ping: &Ping, due_at: i64) -> Result<()> {
        let sql = format!("UPDATE backchannel_pings SET due_at = $4 WHERE {THIS}");
        self.commit(Batch::default().guard(sql, [this(ping), params![due_at]].concat())).await
    }

    /// There is nothing more to tell.
    ///
    /// # Errors
    /// As [`Store::take_ping`].
    pub async fn settle_ping(&self, ping: &Ping) -> Result<()> {
        let sql = format!("DELETE FROM backchannel_pings WHERE {THIS}");
        self.commit(Batch::default().guard(sql, this(ping))).await
    }
}

/// The user answered: whoever wants to be told is told from now on, once.
pub(crate) fn answered(batch: Batch, tenant: &str, id: &str) -> Batch {
    batch.run(
        "UPDATE backchannel_pings SET due_at = 0 WHERE tenant = $1 AND id = $2 AND due_at = $3",
        params![tenant, id, NEVER],
    )
}

/// Ours as long as nobody took it after us.
const THIS: &str = "tenant = $1 AND id = $2 AND due_at = $3";

fn this(ping: &Ping) -> Vec<Value> {
    params![ping.tenant.as_str(), ping.id.as_str(), ping.due_at]
}

/// What a sealed one is bound to.
fn context(tenant: &str, id: &str) -> String {
    format!("{tenant}/backchannel-ping/{id}")
}

impl FromRow for Ping {
    fn from_row(row: &mut Row) -> chancery_db::Result<Self> {
        Ok(Self {
            tenant: row.take()?,
            id: row.take()?,
            client_id: row.take()?,
            sealed: row.take()?,
            attempts: row.take()?,
            due_at: row.take()?,
            ends_at: row.take()?,
        })
    }
}
