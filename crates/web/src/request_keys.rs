//! Keys that applications encrypt their requests for: a tenant gets them when the first of its applications asks for that.

use std::sync::Arc;

use chancery_store::{Error, RequestKeyMaterial, Result};

use crate::Ctx;

impl Ctx {
    /// Makes them, where the tenant has none. Whoever was faster made them as well.
    ///
    /// # Errors
    /// When the database is away, or no key can be made.
    pub async fn need_request_keys(&self) -> Result<()> {
        if self.tenant.request_keys.are_there() {
            return Ok(());
        }
        let app = Arc::clone(&self.app);
        let made = tokio::task::spawn_blocking(move || RequestKeyMaterial::generate(&*app.rng)).await;
        let material = made.map_err(|_| Error::Corrupt("a key was not made".to_owned()))??;
        let change = self.app.store.first_request_keys(&self.tenant.tenant, &material, self.now())?;
        match self.app.catalog.apply(change).await {
            Ok(_) | Err(Error::Conflict) => Ok(()),
            Err(other) => Err(other),
        }
    }
}
