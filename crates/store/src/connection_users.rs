//! The users of a connection, when it goes.

use chancery_db::{Batch, params};

use crate::{
    Ending, Result, Store,
    rows::places,
    slices::{Rows, with_ids},
    user_deletion::{users, what_is_theirs},
};

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
            // A set of changes goes as a whole. The users go last, since it is they who are asked for.
            let all = format!("SELECT id FROM users WHERE {OF_CONNECTION}");
            let gone = format!("DELETE FROM users WHERE {OF_CONNECTION}");
            return Ok(what_is_theirs(&all, &of_connection(), ending)
                .run(gone, of_connection())
                .and(forgotten));
        }
        let some = |ids: &[String]| users(&places(2, ids.len()), &with_ids(params![tenant], ids), ending);
        let all = Rows { table: "users", key: "id", condition: OF_CONNECTION, params: of_connection() };
        self.in_slices(&all, SLICE, some).await?;
        let sql = format!("SELECT id FROM users WHERE {OF_CONNECTION} LIMIT {SLICE}");
        let last: Vec<String> = self.db.query_scan(sql, of_connection()).await?;
        // Accounts that were linked to users of other connections are what is left then.
        let accounts = Rows { table: "credentials", key: "connection, account", ..all };
        self.delete_in_slices(&accounts).await?;
        let last = if last.is_empty() { Batch::default() } else { some(&last) };
        Ok(last.guard(NOBODY_LEFT, of_connection()).and(forgotten))
    }
}

/// By the index of accounts: none leads from a connection to its users.
const NOBODY_LEFT: &str = "UPDATE tenants SET id = id WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM credentials c \
                           JOIN users u ON u.tenant = c.tenant AND u.id = c.account AND u.connection = c.connection \
                           WHERE c.tenant = $1 AND c.connection = $2)";
