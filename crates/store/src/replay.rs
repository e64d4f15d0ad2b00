//! Client assertions (security case 11) and proofs of possession (security case 10) that were used.

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
        self.remember_digest(tenant, digest, expires_at).await
    }

    /// Remembers that the holder of a key (its thumbprint) used the `jti` of a proof, until nobody accepts the proof any
    /// more (seconds; add what clocks may differ by).
    ///
    /// # Errors
    /// [`Error::Conflict`](crate::Error::Conflict) where it was used before, on any node.
    pub async fn remember_proof(&self, tenant: &str, jkt: &str, jti: &str, expires_at: i64) -> Result<()> {
        // No client id begins like this: what an application uses up is never what a key does.
        let digest = chancery_jose::sha256(format!("\0dpop\0{jkt}\0{jti}").as_bytes());
        self.remember_digest(tenant, digest, expires_at).await
    }

    async fn remember_digest(&self, tenant: &str, digest: [u8; 32], expires_at: i64) -> Result<()> {
        self.commit(Batch::default().run(
            "INSERT INTO assertions (tenant, digest, ends_at) VALUES ($1, $2, $3)",
            params![tenant, digest, expires_at],
        ))
        .await
    }
}
