//! Refresh tokens. Columns hold what changes during the life of a token; the document holds what was issued.

use chancery_core::{ids::Handle, records::RefreshRecord};
use chancery_db::{Batch, FromRow, Row, params};

use crate::{
    Result, Store,
    error::{parse, print},
    rows::{NEVER, same, storable},
};

/// The exchange of a rotating token for its successor.
#[derive(Clone, Copy, Debug)]
pub struct Rotation<'a> {
    /// The token presented.
    pub old_id: &'a str,
    /// Seconds.
    pub now: i64,
    /// The successor's handle.
    pub handle: &'a Handle,
    /// The successor.
    pub record: &'a RefreshRecord,
}

/// Live tokens a user may hold per application; the oldest makes room (fact sheet 7).
const LIMIT: i64 = 200;

const COLUMNS: &str = "t.doc, t.expires_at, t.idle_expires_at, t.rotated_at, t.next_id, t.last_exchanged_at";
const NOT_REVOKED: &str = "NOT EXISTS (SELECT 1 FROM revoked r \
                           WHERE r.tenant = t.tenant AND r.authorization_id = t.authorization_id)";

impl Store {
    /// Remembers the first token of a family and makes room for it: to be committed with what it is exchanged for.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) where the record has no JSON form.
    pub fn insert_refresh_token(
        &self,
        tenant: &str,
        handle: &Handle,
        record: &RefreshRecord,
    ) -> Result<Batch> {
        let authorization = &record.authorization;
        let room = Batch::default().run(
            "DELETE FROM refresh_tokens WHERE tenant = $1 AND id IN (SELECT id FROM refresh_tokens \
             WHERE tenant = $1 AND user_id = $2 AND client_id = $3 AND rotated_at IS NULL AND ends_at > $4 \
             ORDER BY created_at DESC, id DESC LIMIT 1000000 OFFSET $5)",
            params![
                tenant,
                authorization.user_id.as_str(),
                authorization.client_id.as_str(),
                record.created_at,
                LIMIT - 1
            ],
        );
        insert(room, tenant, handle, record)
    }

    /// The token with this secret: rotated or not, expired or not; the caller judges. Tokens of revoked families are not
    /// found.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database), as every read here.
    pub async fn refresh_token(&self, tenant: &str, handle: &Handle) -> Result<Option<RefreshRecord>> {
        let sql = format!(
            "SELECT {COLUMNS}, t.digest FROM refresh_tokens t WHERE t.tenant = $1 AND t.id = $2 AND {NOT_REVOKED}"
        );
        let row: Option<(TokenRow, Vec<u8>)> =
            self.db.query_one(sql, params![tenant, handle.id.as_str()]).await?;
        row.filter(|(_, digest)| same(digest, &handle.digest())).map(|(row, _)| row.read()).transpose()
    }

    /// A token by its id, for those who manage tokens rather than hold them.
    ///
    /// # Errors
    /// As [`Store::refresh_token`].
    pub async fn refresh_token_by_id(&self, tenant: &str, id: &str) -> Result<Option<RefreshRecord>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM refresh_tokens t WHERE t.tenant = $1 AND t.id = $2 AND {NOT_REVOKED}"
        );
        let row: Option<TokenRow> = self.db.query_one(sql, params![tenant, storable(id)]).await?;
        row.map(TokenRow::read).transpose()
    }

    /// The live tokens of a user, of one application or all, oldest first. `now` is in seconds.
    ///
    /// # Errors
    /// As [`Store::refresh_token`].
    pub async fn refresh_tokens_of(
        &self,
        tenant: &str,
        user_id: &str,
        client_id: Option<&str>,
        now: i64,
    ) -> Result<Vec<RefreshRecord>> {
        let mut params = params![tenant, user_id, now];
        let client = match client_id {
            Some(id) => {
                params.push(id.into());
                "AND t.client_id = $4"
            }
            None => "",
        };
        let sql = format!(
            "SELECT {COLUMNS} FROM refresh_tokens t WHERE t.tenant = $1 AND t.user_id = $2 {client} \
             AND t.rotated_at IS NULL AND t.ends_at > $3 AND {NOT_REVOKED} ORDER BY t.created_at, t.id"
        );
        let rows: Vec<TokenRow> = self.db.query(sql, params).await?;
        rows.into_iter().map(TokenRow::read).collect()
    }

    /// Puts a successor in the place of a token that was not exchanged before. Of many commits one succeeds, the others
    /// fail with [`Error::Guard`](crate::Error::Guard).
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) where the record has no JSON form.
    pub fn rotate(&self, tenant: &str, rotation: &Rotation<'_>) -> Result<Batch> {
        let spent = Batch::default().guard(
            "UPDATE refresh_tokens SET rotated_at = $1, last_exchanged_at = $1, next_id = $2 \
             WHERE tenant = $3 AND id = $4 AND rotated_at IS NULL",
            params![rotation.now, rotation.handle.id.as_str(), tenant, rotation.old_id],
        );
        insert(spent, tenant, rotation.handle, rotation.record)
    }

    /// A second successor within the leeway: fails with [`Error::Guard`](crate::Error::Guard) unless the token's successor
    /// is still `expected_next` and that one was neither exchanged nor revoked. `rotated_at` stays, so the leeway does not
    /// grow; the first successor stays good, since either answer may be the one that arrived.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) where the record has no JSON form.
    pub fn rotate_again(&self, tenant: &str, expected_next: &str, rotation: &Rotation<'_>) -> Result<Batch> {
        let spent = Batch::default().guard(
            "UPDATE refresh_tokens SET last_exchanged_at = $1, next_id = $2 \
             WHERE tenant = $3 AND id = $4 AND rotated_at IS NOT NULL AND next_id = $5 \
             AND EXISTS (SELECT 1 FROM refresh_tokens n WHERE n.tenant = $3 AND n.id = $5 AND n.rotated_at IS NULL)",
            params![rotation.now, rotation.handle.id.as_str(), tenant, rotation.old_id, expected_next],
        );
        insert(spent, tenant, rotation.handle, rotation.record)
    }

    /// Notes the exchange of a token that does not rotate and sets its ends (seconds; `None` never ends). Fails with
    /// [`Error::Guard`](crate::Error::Guard) where the token is gone.
    pub fn touch_refresh_token(
        &self,
        tenant: &str,
        id: &str,
        now: i64,
        expires_at: Option<i64>,
        idle_expires_at: Option<i64>,
    ) -> Batch {
        Batch::default().guard(
            "UPDATE refresh_tokens SET last_exchanged_at = $1, expires_at = $2, idle_expires_at = $3, ends_at = $4 \
             WHERE tenant = $5 AND id = $6 AND rotated_at IS NULL",
            params![now, expires_at, idle_expires_at, ends_at(expires_at, idle_expires_at), tenant, id],
        )
    }

    /// Revokes one token; its family lives on. One that is gone is no error.
    pub fn revoke_token(&self, tenant: &str, id: &str) -> Batch {
        Batch::default()
            .run("DELETE FROM refresh_tokens WHERE tenant = $1 AND id = $2", params![tenant, storable(id)])
    }

    /// Deletes the rotating (or the non-rotating) tokens an application holds for a user at one API: what happens when
    /// the application's setting was changed since (fact sheet 7). An empty audience is userinfo only.
    pub fn delete_refresh_tokens_of_type(
        &self,
        tenant: &str,
        user_id: &str,
        client_id: &str,
        audience: &str,
        rotating: bool,
    ) -> Batch {
        Batch::default().run(
            "DELETE FROM refresh_tokens WHERE tenant = $1 AND user_id = $2 AND client_id = $3 AND audience = $4 \
             AND rotating = $5",
            params![tenant, user_id, client_id, audience, rotating],
        )
    }
}

fn insert(batch: Batch, tenant: &str, handle: &Handle, record: &RefreshRecord) -> Result<Batch> {
    let authorization = &record.authorization;
    Ok(batch.run(
        "INSERT INTO refresh_tokens (tenant, id, digest, authorization_id, user_id, client_id, audience, session_id, \
         rotating, created_at, expires_at, idle_expires_at, ends_at, rotated_at, next_id, last_exchanged_at, doc) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
        params![
            tenant,
            handle.id.as_str(),
            handle.digest(),
            authorization.id.as_str(),
            authorization.user_id.as_str(),
            authorization.client_id.as_str(),
            authorization.audience.as_deref().unwrap_or(""),
            authorization.session_id.as_deref(),
            record.rotating,
            record.created_at,
            record.expires_at,
            record.idle_expires_at,
            ends_at(record.expires_at, record.idle_expires_at),
            record.rotated_at,
            record.next_id.as_deref(),
            record.last_exchanged_at,
            print("refresh token", record)?
        ],
    ))
}

fn ends_at(expires_at: Option<i64>, idle_expires_at: Option<i64>) -> i64 {
    expires_at.unwrap_or(NEVER).min(idle_expires_at.unwrap_or(NEVER))
}

struct TokenRow {
    doc: String,
    expires_at: Option<i64>,
    idle_expires_at: Option<i64>,
    rotated_at: Option<i64>,
    next_id: Option<String>,
    last_exchanged_at: Option<i64>,
}

impl FromRow for TokenRow {
    fn from_row(row: &mut Row) -> chancery_db::Result<Self> {
        Ok(Self {
            doc: row.take()?,
            expires_at: row.take()?,
            idle_expires_at: row.take()?,
            rotated_at: row.take()?,
            next_id: row.take()?,
            last_exchanged_at: row.take()?,
        })
    }
}

impl TokenRow {
    fn read(self) -> Result<RefreshRecord> {
        let record: RefreshRecord = parse("refresh token", &self.doc)?;
        Ok(RefreshRecord {
            expires_at: self.expires_at,
            idle_expires_at: self.idle_expires_at,
            rotated_at: self.rotated_at,
            next_id: self.next_id,
            last_exchanged_at: self.last_exchanged_at,
            ..record
        })
    }
}
