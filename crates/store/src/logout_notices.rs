//! Ends of sessions that applications are still to be told of (OpenID Connect Back-Channel Logout 1.0). They are written in the
//! same commit as what ends the session, so that none is lost, and taken by one node at a time.

use chancery_core::logout::Initiator;
use chancery_db::{Batch, FromRow, Row, Value, params};

use crate::{
    Result, Store,
    rows::{NEVER, none_of, places, storable, words},
    slices::{SLICE, filled, with_ids},
};

/// What ended a session, and when.
#[derive(Clone, Copy, Debug)]
pub struct Ending<'a> {
    /// By what.
    pub initiator: Initiator,
    /// Seconds.
    pub at: i64,
    /// The request that did it.
    pub trace: &'a str,
}

/// An end of a session that somebody is to be told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutNotice {
    /// Whose.
    pub tenant: String,
    /// The session: `sid`.
    pub session_id: String,
    /// Who is told; empty where that is not settled yet.
    pub client_id: String,
    /// Whose session.
    pub user_id: String,
    /// Where it was; empty where that is not known.
    pub issuer: String,
    /// By the name of [`Initiator`].
    pub initiator: String,
    /// The request that ended it.
    pub trace: String,
    /// The applications that took part.
    pub clients: Vec<String>,
    /// What administrators noted on the session, as JSON.
    pub metadata: Option<String>,
    /// How often it was tried to tell, this time included.
    pub attempts: i64,
    /// When the session ended, seconds.
    pub ended_at: i64,
    /// Until when this node has it to itself, seconds.
    pub due_at: i64,
}

/// Seconds after which nobody is told any more.
const GIVEN_UP: i64 = 86_400;
const COLUMNS: &str = "tenant, session_id, client_id, user_id, issuer, initiator, trace, clients, metadata, attempts, ended_at, due_at";
const INSERT: &str = "INSERT INTO logout_notices (tenant, session_id, client_id, user_id, issuer, initiator, trace, clients, \
                      metadata, successor, attempts, ended_at, due_at, ends_at)";

impl Store {
    /// Has the applications of a session told that it ended: to be committed with its end, before it.
    pub fn tell_session(&self, tenant: &str, session_id: &str, ending: Ending<'_>) -> Batch {
        let session = params![tenant, storable(session_id)];
        told("id = $2", &session, ending).and(released("successor = $2", &session, ending))
    }

    /// The same for every session of a user.
    pub fn tell_sessions_of(&self, tenant: &str, user_id: &str, ending: Ending<'_>) -> Batch {
        tell_sessions("user_id = $2", &[tenant.into(), storable(user_id).into()], ending)
    }

    /// The same for sessions that ended by themselves, which go with it: a session is told of once.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database). What was told of before stays gone.
    pub async fn tell_expired(&self, tenant: &str, ending: Ending<'_>) -> Result<()> {
        loop {
            let sql = format!(
                "SELECT id FROM sessions WHERE tenant = $1 AND ends_at < $2 ORDER BY ends_at LIMIT {SLICE}"
            );
            let expired: Vec<String> = self.db.query_scan(sql, params![tenant, ending.at]).await?;
            if expired.is_empty() {
                return Ok(());
            }
            let ids = filled(&expired);
            // One that was renewed meanwhile is alive.
            let these = format!("id IN ({}) AND ends_at < $2", places(3, ids.len()));
            let values = with_ids(params![tenant, ending.at], &ids);
            // What waits for the end of one of them goes first, while it is known which they are; it is of the same user, by whom
            // it is found.
            let ended = format!("FROM sessions WHERE tenant = $1 AND {these}");
            let waiting = format!("user_id IN (SELECT user_id {ended}) AND successor IN (SELECT id {ended})");
            let batch = released(&waiting, &values, ending)
                .and(told(&these, &values, ending))
                .run(format!("DELETE {ended}"), values);
            self.commit(batch).await?;
            if expired.len() < SLICE {
                return Ok(());
            }
        }
    }

    /// One session takes the place of another of the same user: the applications of the first are told when the other one ends.
    pub fn keep_notices_for(&self, tenant: &str, before: &str, after: &str) -> Batch {
        let insert = format!(
            "{INSERT} SELECT tenant, id, '', user_id, COALESCE(issuer, ''), '', '', clients, metadata, $1, 0, 0, $2, expires_at \
             FROM sessions WHERE tenant = $3 AND id = $4 AND clients <> '' ON CONFLICT DO NOTHING"
        );
        Batch::default().run(insert, params![after, NEVER, tenant, before]).run(
            "UPDATE logout_notices SET successor = $1 WHERE tenant = $2 AND successor = $3 \
             AND user_id = (SELECT user_id FROM sessions WHERE tenant = $2 AND id = $3)",
            params![after, tenant, before],
        )
    }

    /// Notices whose time has come, of every tenant, the oldest first, but for those of some applications. `now` is in seconds.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database).
    pub async fn due_notices(&self, now: i64, limit: i64, but: &[String]) -> Result<Vec<LogoutNotice>> {
        let (others, mut params) = (none_of(but, 3), params![now, limit]);
        params.extend(but.iter().map(|client| Value::from(client.as_str())));
        let sql = format!(
            "SELECT {COLUMNS} FROM logout_notices WHERE due_at <= $1{others} ORDER BY due_at LIMIT $2"
        );
        Ok(self.db.query(sql, params).await?)
    }

    /// Takes a notice that is due: it comes again at `until` (seconds) unless it is settled by then.
    /// [`Error::Guard`](crate::Error::Guard) where another node has it, or it is gone.
    ///
    /// # Errors
    /// As said, [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database).
    pub async fn take_notice(&self, notice: &LogoutNotice, until: i64) -> Result<LogoutNotice> {
        let taken = Batch::default().guard(
            "UPDATE logout_notices SET due_at = $1, attempts = attempts + 1 \
             WHERE tenant = $2 AND session_id = $3 AND client_id = $4 AND due_at = $5",
            params![
                until,
                notice.tenant.as_str(),
                notice.session_id.as_str(),
                notice.client_id.as_str(),
                notice.due_at
            ],
        );
        self.commit(taken).await?;
        Ok(LogoutNotice { due_at: until, attempts: notice.attempts + 1, ..notice.clone() })
    }

    /// Puts one notice for each of these applications in the place of one that says only which took part. They are due at `now`.
    ///
    /// # Errors
    /// As [`Store::take_notice`].
    pub async fn address_notice(&self, notice: &LogoutNotice, clients: &[&str], now: i64) -> Result<()> {
        let insert = format!(
            "{INSERT} VALUES ($1, $2, $3, $4, $5, $6, $7, '', $8, NULL, 0, $9, $10, $11) ON CONFLICT DO NOTHING"
        );
        let batch = clients.iter().fold(self.settled(notice), |batch, client_id| {
            batch.run(
                insert.clone(),
                params![
                    notice.tenant.as_str(),
                    notice.session_id.as_str(),
                    *client_id,
                    notice.user_id.as_str(),
                    notice.issuer.as_str(),
                    notice.initiator.as_str(),
                    notice.trace.as_str(),
                    notice.metadata.as_deref(),
                    notice.ended_at,
                    now,
                    notice.ended_at.saturating_add(GIVEN_UP)
                ],
            )
        });
        self.commit(batch).await
    }

    /// There is nothing more to tell.
    ///
    /// # Errors
    /// As [`Store::take_notice`].
    pub async fn settle_notice(&self, notice: &LogoutNotice) -> Result<()> {
        self.commit(self.settled(notice)).await
    }

    /// It is told again at `due_at` (seconds).
    ///
    /// # Errors
    /// As [`Store::take_notice`].
    pub async fn postpone_notice(&self, notice: &LogoutNotice, due_at: i64) -> Result<()> {
        self.commit(Batch::default().guard(
            format!("UPDATE logout_notices SET due_at = $5 WHERE {THIS}"),
            [this(notice), params![due_at]].concat(),
        ))
        .await
    }

    fn settled(&self, notice: &LogoutNotice) -> Batch {
        Batch::default().guard(format!("DELETE FROM logout_notices WHERE {THIS}"), this(notice))
    }
}

/// Ours as long as nobody took it after us.
const THIS: &str = "tenant = $1 AND session_id = $2 AND client_id = $3 AND due_at = $4";

fn this(notice: &LogoutNotice) -> Vec<Value> {
    params![notice.tenant.as_str(), notice.session_id.as_str(), notice.client_id.as_str(), notice.due_at]
}

/// Has the applications told of the sessions of some users: a condition on `user_id` whose first parameter is the tenant.
pub(crate) fn tell_sessions(whose: &str, values: &[Value], ending: Ending<'_>) -> Batch {
    told(whose, values, ending).and(released(&format!("{whose} AND successor IS NOT NULL"), values, ending))
}

/// Notes the end of sessions under a condition, whose first parameter is the tenant.
fn told(whose: &str, values: &[Value], ending: Ending<'_>) -> Batch {
    let (by, trace, at, until) = (values.len() + 1, values.len() + 2, values.len() + 3, values.len() + 4);
    let sql = format!(
        "{INSERT} SELECT tenant, id, '', user_id, COALESCE(issuer, ''), ${by}, ${trace}, clients, metadata, NULL, 0, ${at}, ${at}, ${until} \
         FROM sessions WHERE tenant = $1 AND {whose} AND clients <> '' ON CONFLICT DO NOTHING"
    );
    let given_up = ending.at.saturating_add(GIVEN_UP);
    let ended = params![ending.initiator.as_str(), ending.trace, ending.at, given_up];
    Batch::default().run(sql, [values.to_vec(), ended].concat())
}

/// What waited for the end of another session, under a condition as above.
fn released(which: &str, values: &[Value], ending: Ending<'_>) -> Batch {
    let (at, by, trace) = (values.len() + 1, values.len() + 2, values.len() + 3);
    let sql = format!(
        "UPDATE logout_notices SET due_at = ${at}, ended_at = ${at}, initiator = ${by}, trace = ${trace}, successor = NULL \
         WHERE tenant = $1 AND {which}"
    );
    let ended = params![ending.at, ending.initiator.as_str(), ending.trace];
    Batch::default().run(sql, [values.to_vec(), ended].concat())
}

impl FromRow for LogoutNotice {
    fn from_row(row: &mut Row) -> chancery_db::Result<Self> {
        Ok(Self {
            tenant: row.take()?,
            session_id: row.take()?,
            client_id: row.take()?,
            user_id: row.take()?,
            issuer: row.take()?,
            initiator: row.take()?,
            trace: row.take()?,
            clients: words::parse(&row.take::<String>()?),
            metadata: row.take()?,
            attempts: row.take()?,
            ended_at: row.take()?,
            due_at: row.take()?,
        })
    }
}
