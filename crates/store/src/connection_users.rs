//! The users of a connection, when it goes.

use chancery_db::{Batch, params};

use crate::{
    Ending, Going, Kind, Result, Store,
    docs::still_there,
    rows::places,
    slices::{Rows, filled, with_ids},
    user_deletion::{users, what_is_theirs},
};

/// Users that go at once: each is some twenty rows.
const SLICE: usize = 100;

const OF_CONNECTION: &str = "tenant = $1 AND connection = $2";

impl Store {
    /// Removes every user of a connection and everything that is theirs, with its groups and what is known of its directory: nearly
    /// all in slices, before this returns; what it answers goes with the connection's document, before it. That is
    /// [`Error::Guard`](crate::Error::Guard) where there are users again. Whom their sessions tell of their end is noted with it,
    /// where an ending is given.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database), and [`Error::Guard`](crate::Error::Guard)
    /// where somebody else was done with the connection. Users who went stay gone.
    pub async fn delete_all_of_connection(
        &self,
        tenant: &str,
        (id, name): (&str, &str),
        ending: Option<Ending<'_>>,
    ) -> Result<Batch> {
        let named = || params![tenant, name];
        let rest = self
            .delete_groups_of_connection(tenant, id)
            .and(self.forget_directory(tenant, id))
            .run(format!("DELETE FROM credentials WHERE {OF_CONNECTION}"), named());
        if self.stage.is_some() {
            // A set of changes goes as a whole. The users go last, since it is they who are asked for.
            let all = format!("SELECT id FROM users WHERE {OF_CONNECTION}");
            let gone = format!("DELETE FROM users WHERE {OF_CONNECTION}");
            return Ok(what_is_theirs(&all, &named(), ending).run(gone, named()).and(rest));
        }
        // A run that reads the directory now would make them anew.
        self.commit(self.forget_directory_runs(tenant, id)).await?;
        let held = still_there(tenant, Kind::Connection, id);
        let some = |ids: &[String]| users(&places(2, ids.len()), &with_ids(params![tenant], ids), ending);
        let all =
            Rows { table: "users", key: "id", condition: OF_CONNECTION, params: named(), held: held.clone() };
        let mut last = self.in_slices(&all, SLICE, some).await?;
        self.clear(tenant, Going::Directory(id)).await?;
        let linked = Rows {
            table: "credentials",
            key: "connection, account",
            condition: "tenant = $1 AND connection = $2 AND user_id <> account",
            ..all
        };
        self.delete_in_slices(&linked).await?;
        // Whoever signed up meanwhile has an account. So near to the commit that few more do.
        last.extend(self.db.query_scan::<String>(NEW, named()).await?);
        let last = if last.is_empty() { Batch::default() } else { some(&filled(&last)) };
        Ok(held.and(last).guard(NOBODY_LEFT, named()).and(rest))
    }
}

/// By the index of accounts: none leads from a connection to its users.
const NEW: &str =
    "SELECT account FROM credentials WHERE tenant = $1 AND connection = $2 AND user_id = account LIMIT 100";
const NOBODY_LEFT: &str = "UPDATE tenants SET id = id WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM credentials c \
                           JOIN users u ON u.tenant = c.tenant AND u.id = c.account AND u.connection = c.connection \
                           WHERE c.tenant = $1 AND c.connection = $2)";
