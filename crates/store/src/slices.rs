//! What a change of the configuration takes along, where that is too much for one transaction: PostgreSQL ends statements that take
//! long, and on SQLite everybody who writes would wait. All of it but a slice goes before the change, in slices between which others
//! get their turn; the change takes the rest, and what came meanwhile. Where it breaks off, a part is gone, and whoever asks again
//! has the others go.

use std::iter::repeat;

use chancery_db::{Batch, Value, params};

use crate::{
    Kind, Result, Store,
    docs::still_there,
    revocation::{self, Under},
    rows::{places, words},
};

/// What goes with all that hangs on it, for [`Store::clear`].
#[derive(Clone, Copy, Debug)]
pub enum Going<'a> {
    /// An application: consents to it, keys of devices, codes and tokens.
    Client(&'a str),
    /// The codes and tokens of an application.
    TokensOf(&'a str),
    /// An API: permissions, consents, codes and tokens.
    Api {
        /// Its document.
        id: &'a str,
        /// What tokens are for.
        identifier: &'a str,
    },
    /// Scopes of an API.
    Scopes {
        /// Its document.
        id: &'a str,
        /// What tokens are for.
        identifier: &'a str,
        /// The scopes.
        scopes: &'a [&'a str],
    },
    /// A role.
    Role(&'a str),
    /// An organization: its members and what they are there.
    Organization(&'a str),
    /// A group: its members.
    Group(&'a str),
    /// The groups and accounts of a connection, by its id.
    Directory(&'a str),
}

/// Rows that go at once.
pub(crate) const SLICE: usize = 1000;
/// Keys read at once: what has no index is read from the beginning each time.
const KEYS: usize = 50_000;

/// The key of permissions, in such words that SQLite goes by the user and not by the API, under which all of them are.
const HELD: &str = "user_id, api || '', scope || ''";

/// Rows of a table under a condition, whose first parameter is the tenant.
pub(crate) struct Rows {
    pub(crate) table: &'static str,
    /// The primary key without the tenant.
    pub(crate) key: &'static str,
    pub(crate) condition: &'static str,
    pub(crate) params: Vec<Value>,
    /// Goes before each slice. Names and identifiers may be taken again by something else, whose rows these are then.
    pub(crate) held: Batch,
}

impl Store {
    /// Takes away what hangs on something that goes, but for less than a slice, which goes with the document: does nothing where that
    /// is all there is. A set of changes goes as a whole, so nothing goes before it.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database), and [`Error::Guard`](crate::Error::Guard)
    /// where somebody else was done with the API. What went before stays gone.
    pub async fn clear(&self, tenant: &str, going: Going<'_>) -> Result<()> {
        if self.stage.is_some() {
            return Ok(());
        }
        for rows in plain(tenant, going) {
            self.delete_in_slices(&rows).await?;
        }
        match going {
            Going::Client(id) | Going::TokensOf(id) => {
                self.revoke_in_slices(tenant, &Under::Client(id), &Batch::default()).await
            }
            Going::Api { id, identifier } => {
                let held = still_there(tenant, Kind::Api, id);
                self.revoke_in_slices(tenant, &Under::Audience(identifier), &held).await
            }
            Going::Scopes { id, identifier, scopes } => {
                let held = still_there(tenant, Kind::Api, id);
                self.withdraw_in_slices(tenant, identifier, scopes, &held).await
            }
            Going::Role(_) | Going::Organization(_) | Going::Group(_) | Going::Directory(_) => Ok(()),
        }
    }

    pub(crate) async fn delete_in_slices(&self, rows: &Rows) -> Result<()> {
        while self.has_slice(rows).await? {
            self.delete_slice(rows).await?;
        }
        Ok(())
    }

    async fn has_slice(&self, rows: &Rows) -> Result<bool> {
        let Rows { table, condition, .. } = rows;
        let sql =
            format!("SELECT COUNT(*) FROM (SELECT 1 FROM {table} WHERE {condition} LIMIT {SLICE}) slice");
        let found: Option<i64> = self.db.query_scan(sql, rows.params.clone()).await?.pop();
        Ok(found.is_some_and(|found| usize::try_from(found) == Ok(SLICE)))
    }

    /// One slice, one batch. By the primary key: the planner takes any other index of the condition to lead to a few.
    async fn delete_slice(&self, rows: &Rows) -> Result<()> {
        self.commit(rows.held.clone().run(deletion(rows), rows.params.clone())).await
    }

    /// Does something to rows, so many at a time by their ids, until there are not as many: those it answers. What is done takes them
    /// from under the condition.
    pub(crate) async fn in_slices(
        &self,
        rows: &Rows,
        size: usize,
        does: impl Fn(&[String]) -> Batch,
    ) -> Result<Vec<String>> {
        let Rows { table, key, condition, params, held } = rows;
        loop {
            let sql = format!("SELECT {key} FROM {table} WHERE {condition} LIMIT {KEYS}");
            let keys: Vec<String> = self.db.query_scan(sql, params.clone()).await?;
            if keys.len() < size {
                return Ok(keys);
            }
            // All of one length are the same statement.
            for slice in keys.chunks_exact(size) {
                self.commit(held.clone().and(does(slice))).await?;
            }
        }
    }

    async fn revoke_in_slices(&self, tenant: &str, under: &Under<'_>, held: &Batch) -> Result<()> {
        let (condition, params) = revocation::condition(tenant, under);
        for table in revocation::TABLES {
            let rows = Rows { table, key: "id", condition, params: params.clone(), held: held.clone() };
            self.in_slices(&rows, SLICE, |ids| {
                let some = among(1, ids.len());
                let params = with_ids(params![tenant], ids);
                Batch::default()
                    .run(revocation::mark(table, &some), params.clone())
                    .run(format!("DELETE FROM {table} WHERE {some}"), params)
            })
            .await?;
        }
        Ok(())
    }

    async fn withdraw_in_slices(&self, tenant: &str, api: &str, scopes: &[&str], held: &Batch) -> Result<()> {
        for scope in scopes {
            let word = words::one(scope);
            let rows = Rows {
                table: "consents",
                key: "id",
                condition: NAMING,
                params: params![tenant, word.as_str(), api],
                held: held.clone(),
            };
            self.in_slices(&rows, SLICE, |ids| {
                let params = with_ids(params![tenant, word.as_str()], ids);
                Batch::default().run(format!("{WITHDRAW} WHERE {}", among(2, ids.len())), params)
            })
            .await?;
        }
        Ok(())
    }
}

/// Ids filled up with the last of them to one of a few lengths: each length is a statement that stays prepared.
pub(crate) fn filled(ids: &[String]) -> Vec<String> {
    let length = [1, 10, 100].into_iter().find(|length| ids.len() <= *length).unwrap_or(SLICE);
    ids.iter().chain(ids.last().into_iter().flat_map(repeat)).take(length).cloned().collect()
}

pub(crate) fn deletion(Rows { table, key, condition, .. }: &Rows) -> String {
    format!(
        "DELETE FROM {table} WHERE (tenant, {key}) IN \
         (SELECT tenant, {key} FROM {table} WHERE {condition} LIMIT {SLICE})"
    )
}

/// Rows by their ids, which come behind so many parameters, of which the first is the tenant.
fn among(behind: usize, count: usize) -> String {
    format!("tenant = $1 AND id IN ({})", places(behind + 1, count))
}

/// The parameters of a list of ids behind others.
pub(crate) fn with_ids(mut params: Vec<Value>, ids: &[String]) -> Vec<Value> {
    params.extend(ids.iter().map(|id| Value::from(id.as_str())));
    params
}

/// Consents that name a scope ($2) of an API ($3).
pub(crate) const NAMING: &str = "tenant = $1 AND audience = $3 AND (replace(scope, CAST($2 AS TEXT), '') <> scope \
                                 OR replace(declined, CAST($2 AS TEXT), '') <> declined)";
/// Takes it out of them.
pub(crate) const WITHDRAW: &str = "UPDATE consents SET scope = replace(scope, CAST($2 AS TEXT), ''), \
                                   declined = replace(declined, CAST($2 AS TEXT), '')";

/// Rows that only have to go.
pub(crate) fn plain(tenant: &str, going: Going<'_>) -> Vec<Rows> {
    let rows = |(table, key): (&'static str, &'static str), condition: &'static str, value: &str| Rows {
        table,
        key,
        condition,
        params: params![tenant, value],
        held: Batch::default(),
    };
    match going {
        Going::Client(id) => [("consents", "id"), ("device_keys", "id")]
            .map(|table| rows(table, "tenant = $1 AND client_id = $2", id))
            .into(),
        Going::TokensOf(_) => Vec::new(),
        Going::Api { id, identifier } => {
            let held = || still_there(tenant, Kind::Api, id);
            let permissions = rows(("user_permissions", HELD), "tenant = $1 AND api = $2", identifier);
            let consents = rows(("consents", "id"), "tenant = $1 AND audience = $2", identifier);
            vec![Rows { held: held(), ..permissions }, Rows { held: held(), ..consents }]
        }
        Going::Scopes { id, identifier, scopes } => {
            let of_api = |(table, key), condition, value: Value| Rows {
                table,
                key,
                condition,
                params: params![tenant, identifier, value],
                held: still_there(tenant, Kind::Api, id),
            };
            let held = |scope: &&str| {
                let condition = "tenant = $1 AND api = $2 AND scope = $3";
                of_api(("user_permissions", HELD), condition, (*scope).into())
            };
            let waiting = "tenant = $1 AND audience = $2 AND spent = $3";
            scopes.iter().map(held).chain([of_api(("codes", "id"), waiting, false.into())]).collect()
        }
        Going::Role(id) => [
            ("user_roles", "user_id, role_id"),
            ("organization_member_roles", "organization_id, user_id, role_id"),
        ]
        .map(|table| rows(table, "tenant = $1 AND role_id = $2", id))
        .into(),
        Going::Organization(id) => [
            ("organization_members", "organization_id, user_id"),
            ("organization_member_roles", "organization_id, user_id, role_id"),
            ("invitations", "id"),
        ]
        .map(|table| rows(table, "tenant = $1 AND organization_id = $2", id))
        .into(),
        Going::Group(id) => {
            vec![rows(("group_members", "group_id, account"), "tenant = $1 AND group_id = $2", id)]
        }
        Going::Directory(id) => {
            let members = "tenant = $1 AND group_id IN \
                           (SELECT id FROM user_groups WHERE tenant = $1 AND connection_id = $2)";
            let accounts = ("directory_accounts", "connection_id, account");
            vec![
                rows(("group_members", "group_id, account"), members, id),
                rows(accounts, "tenant = $1 AND connection_id = $2", id),
            ]
        }
    }
}
