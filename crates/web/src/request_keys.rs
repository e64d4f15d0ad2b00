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
        let material = self.request_key_material().await?;
        let change = self.app.store.first_request_keys(&self.tenant.tenant, &material, self.now())?;
        match self.app.catalog.apply(change).await {
            Ok(_) | Err(Error::Conflict) => Ok(()),
            Err(other) => Err(other),
        }
    }

    /// New ones, for the place of those that the tenant has; `None` where it has none.
    ///
    /// # Errors
    /// Where no key can be made.
    pub async fn next_request_keys(&self) -> Result<Option<RequestKeyMaterial>> {
        match self.tenant.request_keys.are_there() {
            true => self.request_key_material().await.map(Some),
            false => Ok(None),
        }
    }

    /// Off the threads that serve: it takes up to a second.
    async fn request_key_material(&self) -> Result<RequestKeyMaterial> {
        let app = Arc::clone(&self.app);
        let made = tokio::task::spawn_blocking(move || RequestKeyMaterial::generate(&*app.rng)).await;
        made.map_err(|_| Error::Corrupt("a key was not made".to_owned()))?
    }
}
