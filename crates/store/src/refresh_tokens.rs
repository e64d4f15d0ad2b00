//! Refresh tokens. Columns hold what changes during the life of a token; the document holds what was issued.
//!
//! A rotating token is one row, rewritten at each exchange: what grows with use is nothing. Old secrets prove themselves
//! (see [`ChainKey`](chancery_core::chain::ChainKey)), so that the row needs the digests of the newest two generations
//! alone.

use chancery_core::{ids::Handle, model::User, records::RefreshRecord};
use chancery_db::{Batch, FromRow, Row, params};

use crate::{
    Result, Store,
    error::{read, write},
    rows::{NEVER, same, storable},
    users::UserRow,
};

/// A token somebody came with.
#[derive(Clone, Debug)]
pub struct PresentedToken {
    /// What it stands for.
    pub record: RefreshRecord,
    /// The user, read in the same moment; `None` where there is none any more.
    pub user: Option<User>,
    /// How the secret stands.
    pub standing: Standing,
    digests: Digests,
    /// What stands in the column `ends_at`.
    swept_at: i64,
}

/// How a secret stands in its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Good: never exchanged.
    Current,
    /// Exchanged for the one that is good now, at [`RefreshRecord::rotated_at`].
    Previous,
    /// Good once, before that.
    Spent,
}

/// The exchange of a rotating token for its successor, or of one kind of token for the other.
#[derive(Clone, Copy, Debug)]
pub struct Rotation<'a> {
    /// The successor's handle, with the id of the chain.
    pub handle: &'a Handle,
    /// Seconds.
    pub now: i64,
    /// Whether the successor rotates.
    pub rotating: bool,
    /// The new absolute end, seconds; `None` never ends.
    pub expires_at: Option<i64>,
    /// The new end of idleness, seconds; `None` never ends.
    pub idle_expires_at: Option<i64>,
}

/// Live tokens a user may hold per application; the oldest makes room (fact sheet 7).
const LIMIT: i64 = 200;
/// Secrets of one chain that may be good at a time beside the newest: successors handed out within one leeway.
const SIBLINGS: usize = 15;
/// Bytes of a digest.
const DIGEST: usize = 32;
/// Seconds. When a token is swept is its end rounded up to the next multiple: the end moves with each exchange, and what it is
/// rounded to seldom does, so that an exchange writes a row and no index. (PostgreSQL calls it a heap-only update.)
const SWEPT_EVERY: i64 = 86_400;

const COLUMNS: &str = "t.doc, t.rotating, t.expires_at, t.idle_expires_at, t.rotated_at, t.last_exchanged_at";
/// Written out: every exchange asks it.
const PRESENTED: &str = "SELECT t.doc, t.rotating, t.expires_at, t.idle_expires_at, t.rotated_at, t.last_exchanged_at, \
                         t.digest, t.siblings, t.previous, t.ends_at, u.doc, u.updated_ms, u.last_login_ms, u.last_ip, \
                         u.logins_count, u.password_reset_ms \
                         FROM refresh_tokens t LEFT JOIN users u ON u.tenant = t.tenant AND u.id = t.user_id \
                         WHERE t.tenant = $1 AND t.id = $2 AND NOT EXISTS (SELECT 1 FROM revoked r \
                         WHERE r.tenant = t.tenant AND r.authorization_id = t.authorization_id)";
const NOT_REVOKED: &str = "NOT EXISTS (SELECT 1 FROM revoked r \
                           WHERE r.tenant = t.tenant AND r.authorization_id = t.authorization_id)";

const ROTATE: &str = "UPDATE refresh_tokens SET digest = $1, siblings = $2, previous = $3, rotated_at = $4, \
                      last_exchanged_at = $5, rotating = $6, expires_at = $7, idle_expires_at = $8 \
                      WHERE tenant = $9 AND id = $10 AND digest = $11";
const ROTATE_AND_MOVE: &str = "UPDATE refresh_tokens SET digest = $1, siblings = $2, previous = $3, rotated_at = $4, \
                               last_exchanged_at = $5, rotating = $6, expires_at = $7, idle_expires_at = $8, \
                               ends_at = $12 WHERE tenant = $9 AND id = $10 AND digest = $11";

/// The condition of rows that have not ended; `now` is the parameter with the seconds.
pub(crate) fn live_at(now: &str) -> String {
    format!(
        "(expires_at IS NULL OR expires_at > {now}) AND (idle_expires_at IS NULL OR idle_expires_at > {now})"
    )
}

impl Store {
    /// Remembers a new token and makes room for it: to be committed with what it is exchanged for.
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
            format!(
                "DELETE FROM refresh_tokens WHERE tenant = $1 AND id IN (SELECT id FROM refresh_tokens \
                 WHERE tenant = $1 AND user_id = $2 AND client_id = $3 AND {} \
                 ORDER BY COALESCE(last_exchanged_at, created_at) DESC, id DESC LIMIT 1000000 OFFSET $5)",
                live_at("$4")
            ),
            params![
                tenant,
                authorization.user_id.as_str(),
                authorization.client_id.as_str(),
                record.created_at,
                LIMIT - 1
            ],
        );
        Ok(room.run(
            "INSERT INTO refresh_tokens (tenant, id, digest, authorization_id, user_id, client_id, audience, session_id, \
             rotating, created_at, expires_at, idle_expires_at, ends_at, rotated_at, last_exchanged_at, doc) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
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
                swept_at(record.expires_at, record.idle_expires_at),
                record.rotated_at,
                record.last_exchanged_at,
                write("refresh token", record)?
            ],
        ))
    }

    /// The token with this secret, good or not, expired or not; the caller judges. Tokens of revoked families and secrets
    /// that never were good are not found.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database), as every read here.
    pub async fn refresh_token(&self, tenant: &str, handle: &Handle) -> Result<Option<PresentedToken>> {
        let row: Option<PresentedRow> =
            self.db.query_one(PRESENTED, params![tenant, handle.id.as_str()]).await?;
        row.map(|row| row.read(handle)).transpose().map(Option::flatten)
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
             AND {} AND {NOT_REVOKED} ORDER BY t.created_at, t.id",
            live_at("$3")
        );
        let rows: Vec<TokenRow> = self.db.query(sql, params).await?;
        rows.into_iter().map(TokenRow::read).collect()
    }

    /// Puts a successor in the place of a token that is [`Standing::Current`], or beside the successors of one that is
    /// [`Standing::Previous`], whose leeway does not grow by that: either answer may be the one that arrived. Fails with
    /// [`Error::Guard`](crate::Error::Guard) where the chain went on, or ended, since the token was read: of many commits
    /// one succeeds.
    pub fn rotate(&self, tenant: &str, token: &PresentedToken, rotation: &Rotation<'_>) -> Batch {
        let before = &token.digests;
        let (siblings, previous, rotated_at) = match token.standing {
            Standing::Current => (Vec::new(), before.good(), Some(rotation.now)),
            Standing::Previous | Standing::Spent => {
                let mut siblings = before.good();
                siblings.truncate(SIBLINGS * DIGEST);
                (siblings, before.previous.clone(), token.record.rotated_at)
            }
        };
        let Rotation { handle, now, rotating, expires_at, idle_expires_at } = *rotation;
        let mut params = params![
            handle.digest(),
            siblings,
            previous,
            rotated_at,
            now,
            rotating,
            expires_at,
            idle_expires_at,
            tenant,
            handle.id.as_str(),
            before.newest.clone()
        ];
        let swept_at = swept_at(expires_at, idle_expires_at);
        if swept_at == token.swept_at {
            return Batch::default().guard(ROTATE, params);
        }
        params.push(swept_at.into());
        Batch::default().guard(ROTATE_AND_MOVE, params)
    }

    /// Notes the exchange of a token that does not rotate and sets its ends (seconds; `None` never ends). Fails with
    /// [`Error::Guard`](crate::Error::Guard) where the token is gone, or rotates by now.
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
             WHERE tenant = $5 AND id = $6 AND rotating = $7",
            params![now, expires_at, idle_expires_at, swept_at(expires_at, idle_expires_at), tenant, id, false],
        )
    }

    /// Revokes one token; what else came from the same authorization lives on. One that is gone is no error.
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

/// The digests of the secrets of a chain that may still be of use.
#[derive(Clone, Debug)]
struct Digests {
    newest: Vec<u8>,
    /// One after the other.
    siblings: Vec<u8>,
    /// As the siblings.
    previous: Vec<u8>,
}

impl Digests {
    /// Those of all secrets that are good, the newest first.
    fn good(&self) -> Vec<u8> {
        [self.newest.as_slice(), self.siblings.as_slice()].concat()
    }

    /// How a secret with this digest stands; looks at all of them, whatever it finds.
    fn standing(&self, digest: &[u8]) -> Option<Standing> {
        let among =
            |digests: &[u8]| digests.chunks(DIGEST).fold(false, |found, one| found | same(one, digest));
        match (among(&self.good()), among(&self.previous)) {
            (true, _) => Some(Standing::Current),
            (false, true) => Some(Standing::Previous),
            (false, false) => None,
        }
    }
}

/// What stands in the column `ends_at`: no earlier than the end.
fn swept_at(expires_at: Option<i64>, idle_expires_at: Option<i64>) -> i64 {
    let end = expires_at.unwrap_or(NEVER).min(idle_expires_at.unwrap_or(NEVER));
    let past = end.rem_euclid(SWEPT_EVERY);
    if past == 0 { end } else { end.saturating_add(SWEPT_EVERY - past) }
}

struct PresentedRow {
    token: TokenRow,
    digests: Digests,
    swept_at: i64,
    user: Option<UserRow>,
}

impl FromRow for PresentedRow {
    fn from_row(row: &mut Row) -> chancery_db::Result<Self> {
        Ok(Self {
            token: TokenRow::from_row(row)?,
            digests: Digests {
                newest: row.take()?,
                siblings: row.take::<Option<Vec<u8>>>()?.unwrap_or_default(),
                previous: row.take::<Option<Vec<u8>>>()?.unwrap_or_default(),
            },
            swept_at: row.take()?,
            user: match row.take::<Option<String>>()? {
                Some(doc) => Some(UserRow::behind(doc, row)?),
                None => None,
            },
        })
    }
}

impl PresentedRow {
    fn read(self, handle: &Handle) -> Result<Option<PresentedToken>> {
        let record = self.token.read()?;
        let spent = || record.chain.made(handle).then_some(Standing::Spent);
        let Some(standing) = self.digests.standing(&handle.digest()).or_else(spent) else { return Ok(None) };
        let user = self.user.map(UserRow::read).transpose()?;
        let (digests, swept_at) = (self.digests, self.swept_at);
        Ok(Some(PresentedToken { record, user, standing, digests, swept_at }))
    }
}

struct TokenRow {
    doc: String,
    rotating: bool,
    expires_at: Option<i64>,
    idle_expires_at: Option<i64>,
    rotated_at: Option<i64>,
    last_exchanged_at: Option<i64>,
}

impl FromRow for TokenRow {
    fn from_row(row: &mut Row) -> chancery_db::Result<Self> {
        Ok(Self {
            doc: row.take()?,
            rotating: row.take()?,
            expires_at: row.take()?,
            idle_expires_at: row.take()?,
            rotated_at: row.take()?,
            last_exchanged_at: row.take()?,
        })
    }
}

impl TokenRow {
    fn read(self) -> Result<RefreshRecord> {
        let record: RefreshRecord = read("refresh token", &self.doc)?;
        Ok(RefreshRecord {
            rotating: self.rotating,
            expires_at: self.expires_at,
            idle_expires_at: self.idle_expires_at,
            rotated_at: self.rotated_at,
            last_exchanged_at: self.last_exchanged_at,
            ..record
        })
    }
}
