//! The users of a connection, when it goes.

use chancery_db::{Batch, Value, params};

use crate::{
    Ending, Result, Store, logout_notices,
    revocation::{self, TABLES},
    rows::places,
    slices::{Rows, with_ids},
};

/// What hangs on users by their id, beside tokens and codes.
pub(crate) const OWNED: [&str; 14] = [
    "user_terms",
    "credentials",
    "user_roles",
    "user_permissions",
    "organization_members",
    "organization_member_roles",
    "group_members",
    "sessions",
    "consents",
    "tickets",
    "remembered_browsers",
    "authentication_methods",
    "device_keys",
    "password_history",
];

/// Users that go at once: each is some twenty rows.
const SLICE: usize = 100;

const OF_CONNECTION: &str = "tenant = $1 AND connection = $2";

impl Store {
    /// Removes every user of a connection and everything that is theirs: all but the last in slices, before this returns; what it
    /// answers goes with the connection's document. That is [`Error::Guard`](crate::Error::Guard) where there are users again.
    /// Whom their sessions tell of their end is noted with it, where an ending is given.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database). Users who went stay gone.
    pub async fn delete_users_of_connection(
        &self,
        tenant: &str,
        connection: &str,
        ending: Option<Ending<'_>>,
    ) -> Result<Batch> {
        let of_connection = || params![tenant, connection];
        let forgotten =
            Batch::default().run(format!("DELETE FROM credentials WHERE {OF_CONNECTION}"), of_connection());
        if self.stage.is_some() {
            // A set of changes goes as a whole.
            let all = format!("SELECT id FROM users WHERE {OF_CONNECTION}");
            return Ok(gone(&all, &of_connection(), ending).and(forgotten));
        }
        let some = |ids: &[String]| gone(&places(2, ids.len()), &with_ids(params![tenant], ids), ending);
        let users = Rows { table: "users", key: "id", condition: OF_CONNECTION, params: of_connection() };
        self.in_slices(&users, SLICE, some).await?;
        let sql = format!("SELECT id FROM users WHERE {OF_CONNECTION} LIMIT {SLICE}");
        let last: Vec<String> = self.db.query_scan(sql, of_connection()).await?;
        // Accounts that were linked to users of other connections are what is left then.
        let accounts = Rows { table: "credentials", key: "connection, account", ..users };
        self.delete_in_slices(&accounts).await?;
        let last = if last.is_empty() { Batch::default() } else { some(&last) };
        Ok(last.guard(NOBODY_LEFT, of_connection()).and(forgotten))
    }
}

/// By the index of accounts: none leads from a connection to its users.
const NOBODY_LEFT: &str = "UPDATE tenants SET id = id WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM credentials c \
                           JOIN users u ON u.tenant = c.tenant AND u.id = c.account AND u.connection = c.connection \
                           WHERE c.tenant = $1 AND c.connection = $2)";

/// Removes the users of a list of ids, which is SQL whose first parameter is the tenant, the users themselves last. Families of
/// tokens are marked first, so that a successor being inserted at this moment is worthless.
fn gone(ids: &str, values: &[Value], ending: Option<Ending<'_>>) -> Batch {
    let whose = format!("user_id IN ({ids})");
    let theirs = format!("tenant = $1 AND {whose}");
    let run = |batch: Batch, sql: String| batch.run(sql, values.to_vec());
    let told =
        ending.map_or_else(Batch::default, |ending| logout_notices::tell_sessions(&whose, values, ending));
    let marked = TABLES.iter().fold(told, |batch, table| run(batch, revocation::mark(table, &theirs)));
    let emptied = TABLES
        .iter()
        .chain(&OWNED)
        .fold(marked, |batch, table| run(batch, format!("DELETE FROM {table} WHERE {theirs}")));
    run(emptied, format!("DELETE FROM users WHERE tenant = $1 AND id IN ({ids})"))
}
