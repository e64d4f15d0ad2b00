//! Revocation: one statement of *whose* artefacts die, applied to codes, refresh tokens and opaque access tokens alike
//! (security case 19).

use chancery_db::{Batch, Value, params};

use crate::Store;

/// Whose codes and tokens are meant.
pub(crate) enum Under<'a> {
    /// Everything that came from one authorization.
    Authorization(&'a str),
    /// Everything of a user.
    User(&'a str),
    /// Everything an application holds, of any user.
    Client(&'a str),
    /// Everything an application holds for a user at one API; empty is userinfo only.
    Consent { user_id: &'a str, client_id: &'a str, audience: &'a str },
    /// Everything for one API. No index leads there: an API is rarely deleted.
    Audience(&'a str),
    /// Everything that began in one browser session.
    Session { user_id: &'a str, session_id: &'a str },
}

pub(crate) const TABLES: [&str; 3] = ["codes", "refresh_tokens", "opaque_tokens"];

pub(crate) const OF_USER: &str = "tenant = $1 AND user_id = $2";

/// Marks the families of what is under a condition in a table.
pub(crate) fn mark(table: &str, condition: &str) -> String {
    format!(
        "INSERT INTO revoked (tenant, authorization_id, noticed_at) \
         SELECT DISTINCT tenant, authorization_id, 0 FROM {table} WHERE {condition} ON CONFLICT DO NOTHING"
    )
}

/// Deletes what is there and marks the families, so that a successor being inserted at this moment by another node is
/// worthless when it appears.
pub(crate) fn revoke(tenant: &str, under: &Under<'_>) -> Batch {
    let (condition, params) = condition(tenant, under);
    let marked = TABLES
        .iter()
        .fold(Batch::default(), |batch, table| batch.run(mark(table, condition), params.clone()));
    TABLES.iter().fold(marked, |batch, table| {
        batch.run(format!("DELETE FROM {table} WHERE {condition}"), params.clone())
    })
}

pub(crate) fn condition(tenant: &str, under: &Under<'_>) -> (&'static str, Vec<Value>) {
    match under {
        Under::Authorization(id) => ("tenant = $1 AND authorization_id = $2", params![tenant, *id]),
        Under::User(id) => (OF_USER, params![tenant, *id]),
        Under::Client(id) => ("tenant = $1 AND client_id = $2", params![tenant, *id]),
        Under::Consent { user_id, client_id, audience } => (
            "tenant = $1 AND user_id = $2 AND client_id = $3 AND audience = $4",
            params![tenant, *user_id, *client_id, *audience],
        ),
        Under::Audience(audience) => ("tenant = $1 AND audience = $2", params![tenant, *audience]),
        Under::Session { user_id, session_id } => {
            ("tenant = $1 AND user_id = $2 AND session_id = $3", params![tenant, *user_id, *session_id])
        }
    }
}

impl Store {
    /// Everything that came from one authorization: refresh tokens, opaque access tokens, codes. Also kills what another
    /// node is inserting under it at this moment.
    pub fn revoke_family(&self, tenant: &str, authorization_id: &str) -> Batch {
        revoke(tenant, &Under::Authorization(authorization_id)).run(
            "INSERT INTO revoked (tenant, authorization_id, noticed_at) VALUES ($1, $2, 0) ON CONFLICT DO NOTHING",
            params![tenant, authorization_id],
        )
    }

    /// Every code and token of a user.
    pub fn revoke_by_user(&self, tenant: &str, user_id: &str) -> Batch {
        revoke(tenant, &Under::User(user_id))
    }

    /// Every code and token an application holds.
    pub fn revoke_by_client(&self, tenant: &str, client_id: &str) -> Batch {
        revoke(tenant, &Under::Client(client_id))
    }

    /// Every code and token an application holds for a user at one API; an empty audience is userinfo only.
    pub fn revoke_by_consent(&self, tenant: &str, user_id: &str, client_id: &str, audience: &str) -> Batch {
        revoke(tenant, &Under::Consent { user_id, client_id, audience })
    }

    /// Every code and token that began in one browser session of a user.
    pub fn revoke_by_session(&self, tenant: &str, user_id: &str, session_id: &str) -> Batch {
        revoke(tenant, &Under::Session { user_id, session_id })
    }
}
