//! The users of a connection, when it goes.

use chancery_db::{Batch, params};

use crate::{Store, revocation};

/// What hangs on users by their id, in an order in which the users themselves are the last to go.
const OWNED: [&str; 15] = [
    "user_terms",
    "user_roles",
    "user_permissions",
    "organization_members",
    "organization_member_roles",
    "group_members",
    "sessions",
    "consents",
    "tickets",
    "authentication_methods",
    "device_keys",
    "password_history",
    "codes",
    "refresh_tokens",
    "opaque_tokens",
];

impl Store {
    /// Removes every user of a connection and everything that is theirs: goes with the connection's document. Families of
    /// tokens are marked first, so that a successor being inserted at this moment is worthless.
    pub fn delete_users_of_connection(&self, tenant: &str, connection: &str) -> Batch {
        let theirs =
            "tenant = $1 AND user_id IN (SELECT id FROM users WHERE tenant = $1 AND connection = $2)";
        let marked =
            ["codes", "refresh_tokens", "opaque_tokens"].iter().fold(Batch::default(), |batch, table| {
                batch.run(revocation::mark(table, theirs), params![tenant, connection])
            });
        let emptied = OWNED.iter().fold(marked, |batch, table| {
            batch.run(format!("DELETE FROM {table} WHERE {theirs}"), params![tenant, connection])
        });
        emptied
            .run(format!("DELETE FROM credentials WHERE {theirs}"), params![tenant, connection])
            .run("DELETE FROM credentials WHERE tenant = $1 AND connection = $2", params![tenant, connection])
            .run("DELETE FROM users WHERE tenant = $1 AND connection = $2", params![tenant, connection])
    }
}
