//! The index of users, kept in step by the batches that write users.
//!
//! Rows of a user are found by their id, so that an edit or a deletion finds all of them. What signing in changes is copied
//! from the columns of `users`, behind the statement that sets them, since the new values are known there alone.

use std::collections::BTreeSet;

use chancery_core::{
    iso::parse_ms,
    model::User,
    search::{LOGIN_FIELDS, Posting, postings},
};
use chancery_db::{Batch, Value, params};

use crate::{Result, Store, users::UserRow};

/// Rows of one statement. Each number of rows is a statement of its own to prepare.
const ROWS: usize = 16;

/// Users put into the index at once, when a database is brought to this release.
const FILLED: i64 = 500;

/// The rows of a new user.
pub(crate) fn insert(batch: Batch, tenant: &str, user: &User) -> Batch {
    insert_rows(batch, tenant, user, &postings(user))
}

/// From the rows of a user as they were `before` to those of now. Unknown is how they were: all are written anew.
pub(crate) fn replace(batch: Batch, tenant: &str, before: Option<&User>, user: &User) -> Batch {
    let id = user.user_id.as_str();
    let now = own_rows(user);
    let batch = match before.map(own_rows) {
        None => {
            let batch = batch.run(
                "DELETE FROM user_terms WHERE tenant = $1 AND user_id = $2 \
                 AND field NOT IN ('last_ip', 'last_login', 'logins_count', 'updated_at')",
                params![tenant, id],
            );
            insert_rows(batch, tenant, user, &now.into_iter().collect::<Vec<_>>())
        }
        Some(before) => {
            let batch = before.difference(&now).fold(batch, |batch, row| {
                batch.run(
                    "DELETE FROM user_terms WHERE tenant = $1 AND user_id = $2 AND field = $3 AND value = $4",
                    params![tenant, id, row.field.as_str(), row.value.as_str()],
                )
            });
            let added: Vec<_> = now.difference(&before).cloned().collect();
            insert_rows(batch, tenant, user, &added)
        }
    };
    updated(batch, tenant, id)
}

/// After a sign-in.
pub(crate) fn signed_in(batch: Batch, tenant: &str, user_id: &str) -> Batch {
    batch
        .run(
            "DELETE FROM user_terms WHERE tenant = $1 AND user_id = $2 \
             AND field IN ('last_ip', 'last_login', 'logins_count', 'updated_at')",
            params![tenant, user_id],
        )
        .run(
            "INSERT INTO user_terms (tenant, user_id, field, value, at) \
             SELECT tenant, id, 'last_ip', last_ip, created_ms FROM users WHERE tenant = $1 AND id = $2 \
             UNION ALL SELECT tenant, id, 'last_login', CAST(1000000000000000 + last_login_ms AS TEXT), created_ms \
             FROM users WHERE tenant = $1 AND id = $2 \
             UNION ALL SELECT tenant, id, 'logins_count', CAST(1000000000000000 + logins_count AS TEXT), created_ms \
             FROM users WHERE tenant = $1 AND id = $2 \
             UNION ALL SELECT tenant, id, 'updated_at', CAST(1000000000000000 + updated_ms AS TEXT), created_ms \
             FROM users WHERE tenant = $1 AND id = $2 ON CONFLICT DO NOTHING",
            params![tenant, user_id],
        )
}

/// After anything else that sets `updated_ms`.
pub(crate) fn updated(batch: Batch, tenant: &str, user_id: &str) -> Batch {
    batch
        .run(
            "DELETE FROM user_terms WHERE tenant = $1 AND user_id = $2 AND field = 'updated_at'",
            params![tenant, user_id],
        )
        .run(
            "INSERT INTO user_terms (tenant, user_id, field, value, at) \
             SELECT tenant, id, 'updated_at', CAST(1000000000000000 + updated_ms AS TEXT), created_ms \
             FROM users WHERE tenant = $1 AND id = $2 ON CONFLICT DO NOTHING",
            params![tenant, user_id],
        )
}

/// What an edit decides: the rest comes from columns.
fn own_rows(user: &User) -> BTreeSet<Posting> {
    postings(user).into_iter().filter(|row| !LOGIN_FIELDS.contains(&row.field.as_str())).collect()
}

fn insert_rows(batch: Batch, tenant: &str, user: &User, rows: &[Posting]) -> Batch {
    let at = parse_ms(&user.created_at).unwrap_or(0);
    rows.chunks(ROWS).fold(batch, |batch, rows| {
        let mut params: Vec<Value> = params![tenant, user.user_id.as_str(), at];
        let mut sql = String::from("INSERT INTO user_terms (tenant, user_id, at, field, value) VALUES ");
        for (n, row) in rows.iter().enumerate() {
            let (field, comma) = (params.len() + 1, if n == 0 { "" } else { ", " });
            sql.push_str(&format!("{comma}($1, $2, $3, ${field}, ${})", field + 1));
            params.extend([row.field.as_str().into(), row.value.as_str().into()]);
        }
        sql.push_str(" ON CONFLICT DO NOTHING");
        batch.run(sql, params)
    })
}

/// Users of releases before schema 10.
pub(crate) const UNINDEXED: &str = "SELECT n.tenant, n.id, u.doc, u.updated_ms, u.last_login_ms, u.last_ip, \
     u.logins_count, u.password_reset_ms FROM unindexed_users n \
     JOIN users u ON u.tenant = n.tenant AND u.id = n.id ORDER BY n.tenant, n.id LIMIT $1";

impl Store {
    /// Puts users of releases before schema 10 into the index of searches. Says how many there were. Before serving: it is
    /// the step of the migration that reads documents.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) where a document cannot be read.
    pub async fn index_users(&self) -> Result<usize> {
        let mut indexed = 0;
        loop {
            let rows: Vec<(String, String, UserRow)> = self.db.query_scan(UNINDEXED, params![FILLED]).await?;
            if rows.is_empty() {
                break;
            }
            indexed += rows.len();
            let mut batch = Batch::default();
            for (tenant, id, row) in rows {
                batch = insert(batch, &tenant, &row.read()?)
                    .run("DELETE FROM unindexed_users WHERE tenant = $1 AND id = $2", params![tenant, id]);
            }
            self.commit(batch).await?;
        }
        if indexed > 0 {
            tracing::info!(indexed, "users are in the index of searches now");
        }
        Ok(indexed)
    }
}
