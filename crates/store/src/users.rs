//! Users and their passwords. The columns that signing in changes stand beside the document, so that a sign-in and an edit
//! never overwrite each other.

use chancery_core::{
    iso::{format_ms, parse_ms},
    model::User,
    search,
};
use chancery_db::{Batch, FromRow, Row, params};
use serde_json::{Map, Value};

use crate::{
    Result, Store,
    error::{parse, print, read},
    password_history,
    rows::{folded, is_text},
    user_terms,
};

/// A user to be made.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// With `user_id` and times filled in.
    pub user: User,
    /// Name of the connection that holds the password.
    pub connection: String,
    /// PHC string; `None` where the user has none yet.
    pub password_hash: Option<String>,
}

/// What signing in with a password needs.
#[derive(Clone)]
pub struct Credential {
    /// Who it is.
    pub user: User,
    /// PHC string.
    pub password_hash: Option<String>,
}

/// A user as somebody saw them before an edit. What others wrote since is not overwritten: the edit fails, so that a block
/// cannot be lost to an edit that began before it.
#[derive(Clone, Debug)]
pub struct SeenUser {
    /// The user.
    pub user: User,
    doc: String,
}

impl SeenUser {
    /// The document as it was read.
    pub(crate) fn document(&self) -> &str {
        &self.doc
    }
}

/// Shows whose it is and no hash.
impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential").field("user_id", &self.user.user_id).finish_non_exhaustive()
    }
}

/// The order of a list of users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserOrder {
    /// Oldest first.
    CreatedAscending,
    /// Newest first.
    CreatedDescending,
}

/// Who signs in to a connection. One user's name may be another's address: the address wins.
pub(crate) const CREDENTIAL: &str = "SELECT c.password_hash, u.doc, u.updated_ms, u.last_login_ms, u.last_ip, \
     u.logins_count, u.password_reset_ms \
     FROM credentials c JOIN users u ON u.tenant = c.tenant AND u.id = c.user_id \
     WHERE c.tenant = $1 AND c.connection = $2 AND (c.email = $3 OR c.username = $3) \
     ORDER BY CASE WHEN c.email = $3 THEN 0 ELSE 1 END LIMIT 1";

/// Whose address it is, oldest first.
pub(crate) const BY_EMAIL: &str = "SELECT doc, updated_ms, last_login_ms, last_ip, logins_count, password_reset_ms \
     FROM users WHERE tenant = $1 AND email = $2 ORDER BY created_ms, id";

impl Store {
    /// One user.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) where the document cannot be read; [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database), as every read here.
    pub async fn user(&self, tenant: &str, id: &str) -> Result<Option<User>> {
        if !is_text(id) {
            return Ok(None);
        }
        let sql = "SELECT doc, updated_ms, last_login_ms, last_ip, logins_count, password_reset_ms \
                   FROM users WHERE tenant = $1 AND id = $2";
        let row: Option<UserRow> = self.db.query_one(sql, params![tenant, id]).await?;
        row.map(UserRow::read).transpose()
    }

    /// One user, to be edited and written back with [`Store::edit_user_batch`].
    ///
    /// # Errors
    /// As [`Store::user`].
    pub async fn user_to_edit(&self, tenant: &str, id: &str) -> Result<Option<SeenUser>> {
        if !is_text(id) {
            return Ok(None);
        }
        let sql = "SELECT doc, doc, updated_ms, last_login_ms, last_ip, logins_count, password_reset_ms \
                   FROM users WHERE tenant = $1 AND id = $2";
        let row: Option<(String, UserRow)> = self.db.query_one(sql, params![tenant, id]).await?;
        row.map(|(doc, row)| Ok(SeenUser { user: row.read()?, doc })).transpose()
    }

    /// The user who signs in to a connection with this address or user name, whatever its case.
    ///
    /// # Errors
    /// As [`Store::user`].
    pub async fn credential(
        &self,
        tenant: &str,
        connection: &str,
        identifier: &str,
    ) -> Result<Option<Credential>> {
        if !is_text(identifier) || !is_text(connection) {
            return Ok(None);
        }
        let row: Option<(Option<String>, UserRow)> =
            self.db.query_one(CREDENTIAL, params![tenant, connection, identifier.to_lowercase()]).await?;
        row.map(|(password_hash, user)| Ok(Credential { user: user.read()?, password_hash })).transpose()
    }

    /// Whether the name or address is that of another user than `user_id` in any of these connections.
    ///
    /// # Errors
    /// As [`Store::user`].
    pub async fn is_name_of_others(
        &self,
        tenant: &str,
        connections: &[&str],
        name: &str,
        user_id: &str,
    ) -> Result<bool> {
        let connections: Vec<&&str> = connections.iter().filter(|connection| is_text(connection)).collect();
        if connections.is_empty() || !is_text(name) {
            return Ok(false);
        }
        let mut values = params![tenant, name.to_lowercase(), user_id];
        values.extend(connections.iter().map(|connection| (**connection).into()));
        let places: Vec<String> = (4..=values.len()).map(|n| format!("${n}")).collect();
        let sql = format!(
            "SELECT user_id FROM credentials WHERE tenant = $1 AND (email = $2 OR username = $2) AND user_id <> $3 \
             AND connection IN ({}) LIMIT 1",
            places.join(", ")
        );
        Ok(self.db.query_one::<String>(sql, values).await?.is_some())
    }

    /// Every user with this address, whatever its case, oldest first.
    ///
    /// # Errors
    /// As [`Store::user`].
    pub async fn users_by_email(&self, tenant: &str, email: &str) -> Result<Vec<User>> {
        if !is_text(email) {
            return Ok(Vec::new());
        }
        let rows: Vec<UserRow> = self.db.query(BY_EMAIL, params![tenant, email.to_lowercase()]).await?;
        rows.into_iter().map(UserRow::read).collect()
    }

    /// `limit` users after the first `offset`.
    ///
    /// # Errors
    /// As [`Store::user`].
    pub async fn users_page(
        &self,
        tenant: &str,
        order: UserOrder,
        offset: i64,
        limit: i64,
    ) -> Result<Vec<User>> {
        let sql = match order {
            UserOrder::CreatedAscending => {
                "SELECT doc, updated_ms, last_login_ms, last_ip, logins_count, password_reset_ms \
                 FROM users WHERE tenant = $1 ORDER BY created_ms, id LIMIT $2 OFFSET $3"
            }
            UserOrder::CreatedDescending => {
                "SELECT doc, updated_ms, last_login_ms, last_ip, logins_count, password_reset_ms \
                 FROM users WHERE tenant = $1 ORDER BY created_ms DESC, id DESC LIMIT $2 OFFSET $3"
            }
        };
        let rows: Vec<UserRow> = self.db.query_scan(sql, params![tenant, limit, offset]).await?;
        rows.into_iter().map(UserRow::read).collect()
    }

    /// `limit` users behind an id, in the order of ids, of one connection or of all.
    ///
    /// # Errors
    /// As [`Store::user`].
    pub async fn users_after(
        &self,
        tenant: &str,
        connection: Option<&str>,
        after: &str,
        limit: i64,
    ) -> Result<Vec<User>> {
        let columns = "doc, updated_ms, last_login_ms, last_ip, logins_count, password_reset_ms";
        let rows: Vec<UserRow> = match connection {
            None => {
                let sql =
                    format!("SELECT {columns} FROM users WHERE tenant = $1 AND id > $2 ORDER BY id LIMIT $3");
                self.db.query_scan(sql, params![tenant, after, limit]).await?
            }
            Some(connection) => {
                let sql = format!(
                    "SELECT {columns} FROM users WHERE tenant = $1 AND id > $2 AND connection = $4 \
                     ORDER BY id LIMIT $3"
                );
                self.db.query_scan(sql, params![tenant, after, limit, connection]).await?
            }
        };
        rows.into_iter().map(UserRow::read).collect()
    }

    /// How many users there are.
    ///
    /// # Errors
    /// As [`Store::user`].
    pub async fn users_count(&self, tenant: &str) -> Result<i64> {
        let sql = "SELECT COUNT(*) FROM users WHERE tenant = $1";
        Ok(self.db.query_scan(sql, params![tenant]).await?.pop().unwrap_or(0))
    }

    /// How many users signed in since a moment, in milliseconds, as far as they are in the index of searches.
    ///
    /// # Errors
    /// As [`Store::user`].
    pub async fn users_active_since(&self, tenant: &str, since_ms: i64) -> Result<i64> {
        let sql =
            "SELECT COUNT(*) FROM user_terms WHERE tenant = $1 AND field = 'last_login' AND value >= $2";
        Ok(self.db.query_scan(sql, params![tenant, search::number(since_ms)]).await?.pop().unwrap_or(0))
    }

    /// Adds a user with their password.
    ///
    /// # Errors
    /// [`Error::Conflict`](crate::Error::Conflict) where the user id is taken, or the address or user name is in that connection.
    pub async fn create_user(&self, tenant: &str, new: &NewUser) -> Result<()> {
        self.commit(self.create_user_batch(tenant, new)?).await
    }

    /// As [`Store::create_user`], to be committed with other things.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) where the user has no JSON form.
    pub fn create_user_batch(&self, tenant: &str, new: &NewUser) -> Result<Batch> {
        let NewUser { user, connection, password_hash } = new;
        let (email, username) = (folded(user.email.as_deref()), folded(user.username.as_deref()));
        Ok(self.insert_user_batch(tenant, user, connection)?.run(
            "INSERT INTO credentials (tenant, connection, account, user_id, email, username, password_hash) \
             VALUES ($1, $2, $3, $3, $4, $5, $6)",
            params![
                tenant,
                connection.as_str(),
                user.user_id.as_str(),
                email,
                username,
                password_hash.as_deref()
            ],
        ))
    }

    /// A user without an account to sign in with.
    pub(crate) fn insert_user_batch(&self, tenant: &str, user: &User, connection: &str) -> Result<Batch> {
        let (email, username) = (folded(user.email.as_deref()), folded(user.username.as_deref()));
        let created = parse_ms(&user.created_at).unwrap_or(0);
        let batch = Batch::default()
            .run(
                "INSERT INTO users (tenant, id, connection, email, username, created_ms, updated_ms, last_login_ms, \
                 last_ip, logins_count, password_reset_ms, doc) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
                params![
                    tenant,
                    user.user_id.as_str(),
                    connection,
                    email,
                    username,
                    created,
                    parse_ms(&user.updated_at).unwrap_or(created),
                    user.last_login.as_deref().and_then(parse_ms),
                    user.last_ip.as_deref(),
                    user.logins_count.unwrap_or(0),
                    user.last_password_reset.as_deref().and_then(parse_ms),
                    print("user", user)?
                ],
            );
        Ok(user_terms::insert(batch, tenant, user))
    }

    /// Replaces a user. Sign-in times and counts are not taken from `user`: see [`Store::record_login`].
    ///
    /// # Errors
    /// [`Error::Guard`](crate::Error::Guard) where the user is gone, [`Error::Conflict`](crate::Error::Conflict) where the new address or user name is taken.
    pub async fn update_user(&self, tenant: &str, user: &User) -> Result<()> {
        self.commit(self.update_user_batch(tenant, user)?).await
    }

    /// As [`Store::update_user`], to be committed with other things.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) where the user has no JSON form.
    pub fn update_user_batch(&self, tenant: &str, user: &User) -> Result<Batch> {
        write_user(tenant, None, user)
    }

    /// Replaces a user, if nobody else did since they were `seen`; sign-ins in between do not matter. Fails with
    /// [`Error::Guard`](crate::Error::Guard) where somebody did, or the user is gone, and as [`Store::update_user`].
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) where the user has no JSON form.
    pub fn edit_user_batch(&self, tenant: &str, seen: &SeenUser, user: &User) -> Result<Batch> {
        write_user(tenant, Some(seen), user)
    }

    /// Sets a password. `now` is in seconds and shows as `last_password_reset`. No earlier one is remembered.
    ///
    /// # Errors
    /// [`Error::Guard`](crate::Error::Guard) where the user has no account in that connection.
    pub async fn set_password(
        &self,
        tenant: &str,
        user_id: &str,
        connection: &str,
        hash: &str,
        now: i64,
    ) -> Result<()> {
        self.commit(self.set_password_batch(tenant, user_id, connection, (hash, 0), now)).await
    }

    /// As [`Store::set_password`], to be committed with the ticket that allowed it. The hash comes with how many passwords
    /// are remembered, itself among them; those before are forgotten. No two changes leave the same `last_password_reset`,
    /// not even those of one second: what a password began is known by it.
    pub fn set_password_batch(
        &self,
        tenant: &str,
        user_id: &str,
        connection: &str,
        (hash, remembered): (&str, usize),
        now: i64,
    ) -> Batch {
        let batch = password_history::moved_on(tenant, user_id, connection, remembered, now)
            .guard(
                // Of several accounts in one connection, the one that the user began with.
                "UPDATE credentials SET password_hash = $1 \
                 WHERE tenant = $2 AND user_id = $3 AND connection = $4 AND account = ( \
                     SELECT account FROM credentials WHERE tenant = $2 AND user_id = $3 AND connection = $4 \
                     ORDER BY CASE WHEN account = user_id THEN 0 ELSE 1 END, account LIMIT 1)",
                params![hash, tenant, user_id, connection],
            )
            .run(
                "UPDATE users SET \
                 password_reset_ms = CASE WHEN password_reset_ms >= $1 THEN password_reset_ms + 1 ELSE $1 END, \
                 updated_ms = CASE WHEN updated_ms < $1 THEN $1 ELSE updated_ms END WHERE tenant = $2 AND id = $3",
                params![now.saturating_mul(1000), tenant, user_id],
            );
        user_terms::updated(batch, tenant, user_id)
    }

    /// Puts `new` in the place of `old`, a hash of the same password with older parameters. Does nothing where the
    /// password was changed meanwhile.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database).
    pub async fn replace_hash_if(
        &self,
        tenant: &str,
        user_id: &str,
        connection: &str,
        old: &str,
        new: &str,
    ) -> Result<()> {
        self.commit(Batch::default().run(
            "UPDATE credentials SET password_hash = $1 \
             WHERE tenant = $2 AND user_id = $3 AND connection = $4 AND password_hash = $5",
            params![new, tenant, user_id, connection, old],
        ))
        .await
    }

    /// Counts a sign-in. `now` is in seconds.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database). A user who is gone is no error.
    pub async fn record_login(&self, tenant: &str, user_id: &str, ip: &str, now: i64) -> Result<()> {
        self.commit(self.record_login_batch(tenant, user_id, ip, now)).await
    }

    /// As [`Store::record_login`], to be committed with the session.
    pub fn record_login_batch(&self, tenant: &str, user_id: &str, ip: &str, now: i64) -> Batch {
        let batch = Batch::default().run(
            "UPDATE users SET logins_count = logins_count + 1, last_login_ms = $1, last_ip = $2, \
             updated_ms = CASE WHEN updated_ms < $1 THEN $1 ELSE updated_ms END WHERE tenant = $3 AND id = $4",
            params![now.saturating_mul(1000), ip, tenant, user_id],
        );
        user_terms::signed_in(batch, tenant, user_id)
    }

    /// Removes a user and everything that is theirs. Log events stay: they say what happened.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database). A user who is gone is no error.
    pub async fn delete_user(&self, tenant: &str, user_id: &str) -> Result<()> {
        self.commit(self.delete_user_batch(tenant, user_id)).await
    }
}

/// Gives accounts of a user to another one: that one, or (`None`) all of them.
pub(crate) fn account_moves_to(tenant: &str, account: Option<&str>, from: &str, to: &str) -> Batch {
    let credentials = "UPDATE credentials SET user_id = $1 WHERE tenant = $2 AND user_id = $3";
    let groups = "UPDATE group_members SET user_id = $1 WHERE tenant = $2 AND user_id = $3";
    match account {
        Some(account) => {
            let params = params![to, tenant, from, account];
            Batch::default()
                .guard(format!("{credentials} AND account = $4"), params.clone())
                .run(format!("{groups} AND account = $4"), params)
        }
        None => {
            let params = params![to, tenant, from];
            Batch::default().run(credentials, params.clone()).run(groups, params)
        }
    }
}

fn write_user(tenant: &str, seen: Option<&SeenUser>, user: &User) -> Result<Batch> {
    let id = seen.map_or(user.user_id.as_str(), |seen| seen.user.user_id.as_str());
    let (email, username) = (folded(user.email.as_deref()), folded(user.username.as_deref()));
    let mut params = params![
        print("user", user)?,
        email.clone(),
        username.clone(),
        parse_ms(&user.updated_at).unwrap_or(0),
        tenant,
        id
    ];
    let mut sql = "UPDATE users SET doc = $1, email = $2, username = $3, updated_ms = $4 \
                   WHERE tenant = $5 AND id = $6"
        .to_owned();
    if let Some(seen) = seen {
        sql.push_str(" AND doc = $7");
        params.push(seen.doc.as_str().into());
    }
    let batch = Batch::default().guard(sql, params).run(
        "UPDATE credentials SET email = $1, username = $2 WHERE tenant = $3 AND user_id = $4 AND account = $4 \
         AND connection = (SELECT connection FROM users WHERE tenant = $3 AND id = $4)",
        params![email, username, tenant, id],
    );
    Ok(user_terms::replace(batch, tenant, seen.map(|seen| &seen.user), user))
}

/// `doc, updated_ms, last_login_ms, last_ip, logins_count, password_reset_ms`.
pub(crate) struct UserRow {
    doc: String,
    updated: i64,
    last_login: Option<i64>,
    last_ip: Option<String>,
    logins: i64,
    password_reset: Option<i64>,
}

impl FromRow for UserRow {
    fn from_row(row: &mut Row) -> chancery_db::Result<Self> {
        let doc = row.take()?;
        Self::behind(doc, row)
    }
}

impl UserRow {
    /// The document as the wire shows it: further claims stand beside the others.
    pub(crate) fn shown(&self) -> Result<Value> {
        let mut document: Map<String, Value> = parse("user", &self.doc)?;
        let columns = [
            ("updated_at", Some(format_ms(self.updated).into())),
            ("last_login", self.last_login.map(|ms| format_ms(ms).into())),
            ("last_ip", self.last_ip.as_deref().map(Value::from)),
            ("logins_count", (self.logins > 0).then(|| self.logins.into())),
            ("last_password_reset", self.password_reset.map(|ms| format_ms(ms).into())),
        ];
        for (name, value) in columns {
            match value {
                Some(value) => document.insert(name.to_owned(), value),
                None => document.shift_remove(name),
            };
        }
        if let Some(Value::Object(claims)) = document.shift_remove("claims") {
            for (name, claim) in claims {
                document.entry(name).or_insert(claim);
            }
        }
        Ok(Value::Object(document))
    }

    /// The columns behind the document, which comes first.
    pub(crate) fn behind(doc: String, row: &mut Row) -> chancery_db::Result<Self> {
        Ok(Self {
            doc,
            updated: row.take()?,
            last_login: row.take()?,
            last_ip: row.take()?,
            logins: row.take()?,
            password_reset: row.take()?,
        })
    }

    pub(crate) fn read(self) -> Result<User> {
        let mut user: User = read("user", &self.doc)?;
        user.updated_at = format_ms(self.updated);
        user.last_login = self.last_login.map(format_ms);
        user.last_ip = self.last_ip;
        user.logins_count = (self.logins > 0).then_some(self.logins);
        user.last_password_reset = self.password_reset.map(format_ms);
        Ok(user)
    }
}
