//! What goes with users.

use chancery_db::{Batch, Value};

use crate::{
    Ending, Store, logout_notices,
    revocation::{self, TABLES},
};

/// What hangs on users by their id, beside tokens and codes.
pub(crate) const OWNED: [&str; 14] = [
    "authentication_methods",
    "consents",
    "credentials",
    "device_keys",
    "group_members",
    "organization_member_roles",
    "organization_members",
    "password_history",
    "remembered_browsers",
    "sessions",
    "tickets",
    "user_permissions",
    "user_roles",
    "user_terms",
];

impl Store {
    /// Removes a user and everything that is theirs, to be committed with other things. Log events stay: they say what happened.
    pub fn delete_user_batch(&self, tenant: &str, user_id: &str) -> Batch {
        users("$2", &[tenant.into(), user_id.into()], None)
    }
}

/// Removes the users of a list of ids: parameters, of which the first is the tenant. The users go first, so that whoever writes
/// something of theirs at this moment, and holds them for it, was first or finds none.
pub(crate) fn users(ids: &str, values: &[Value], ending: Option<Ending<'_>>) -> Batch {
    Batch::default()
        .run(format!("DELETE FROM users WHERE tenant = $1 AND id IN ({ids})"), values.to_vec())
        .and(what_is_theirs(ids, values, ending))
}

/// Removes what is theirs, of the users of a list of ids, which may be a query. Families of tokens are marked first, so that a
/// successor being inserted at this moment is worthless.
pub(crate) fn what_is_theirs(ids: &str, values: &[Value], ending: Option<Ending<'_>>) -> Batch {
    let whose = format!("user_id IN ({ids})");
    let theirs = format!("tenant = $1 AND {whose}");
    let run = |batch: Batch, sql: String| batch.run(sql, values.to_vec());
    let told =
        ending.map_or_else(Batch::default, |ending| logout_notices::tell_sessions(&whose, values, ending));
    let marked = TABLES.iter().fold(told, |batch, table| run(batch, revocation::mark(table, &theirs)));
    let all = TABLES.iter().chain(&OWNED);
    all.fold(marked, |batch, table| run(batch, format!("DELETE FROM {table} WHERE {theirs}")))
}
