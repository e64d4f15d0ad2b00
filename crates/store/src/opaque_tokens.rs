//! Opaque access tokens, good at `/userinfo`.

use chancery_core::{ids::Handle, records::OpaqueRecord};
use chancery_db::{Batch, params};

use crate::{
    Result, Store,
    error::{parse, print},
    rows::same,
};

impl Store {
    /// Remembers a token: to be committed with what it is issued with.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) where the record has no JSON form.
    pub fn insert_opaque_token(&self, tenant: &str, handle: &Handle, record: &OpaqueRecord) -> Result<Batch> {
        let authorization = &record.authorization;
        Ok(Batch::default().run(
            "INSERT INTO opaque_tokens (tenant, id, digest, authorization_id, user_id, client_id, audience, session_id, \
             ends_at, doc) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            params![
                tenant,
                handle.id.as_str(),
                handle.digest(),
                authorization.id.as_str(),
                authorization.user_id.as_str(),
                authorization.client_id.as_str(),
                authorization.audience.as_deref().unwrap_or(""),
                authorization.session_id.as_deref(),
                record.expires_at,
                print("opaque token", record)?
            ],
        ))
    }

    /// The live token with this secret. `now` is in seconds.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database).
    pub async fn opaque_token(
        &self,
        tenant: &str,
        handle: &Handle,
        now: i64,
    ) -> Result<Option<OpaqueRecord>> {
        let row: Option<(Vec<u8>, String)> = self
            .db
            .query_one(
                "SELECT o.digest, o.doc FROM opaque_tokens o WHERE o.tenant = $1 AND o.id = $2 AND o.ends_at > $3 \
                 AND NOT EXISTS (SELECT 1 FROM revoked r \
                 WHERE r.tenant = o.tenant AND r.authorization_id = o.authorization_id)",
                params![tenant, handle.id.as_str(), now],
            )
            .await?;
        match row {
            Some((digest, doc)) if same(&digest, &handle.digest()) => Ok(Some(parse("opaque token", &doc)?)),
            _ => Ok(None),
        }
    }

    /// Revokes one token; one that is gone is no error.
    pub fn revoke_opaque_token(&self, tenant: &str, id: &str) -> Batch {
        Batch::default().run("DELETE FROM opaque_tokens WHERE tenant = $1 AND id = $2", params![tenant, id])
    }
}
