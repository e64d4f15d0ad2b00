//! Client assertions that were used (security case 11).

use chancery_db::{Batch, params};

use crate::{Result, Store};

impl Store {
    /// Remembers that an application used the `jti` of an assertion, until the assertion's end (seconds; add the clock
    /// skew that is allowed).
    ///
    /// # Errors
    /// [`Error::Conflict`](crate::Error::Conflict) where it was used before, on any node.
    pub async fn remember_assertion(
        &self,
        tenant: &str,
        client_id: &str,
        jti: &str,
        expires_at: i64,
    ) -> Result<()> {
        // A digest of both: of one length, and without trouble over what a jti may hold. No id of ours holds U+0000.
        let digest = chancery_jose::sha256(format!("{client_id}\0{jti}").as_bytes());
        self.commit(Batch::default().run(
            "INSERT INTO assertions (tenant, digest, ends_at) VALUES ($1, $2, $3)",
            params![tenant, digest, expires_at],
        ))
        .await
    }
}
