//! What ties a login under way to the browser that began it: the device cookie. Its digest is stored with the transaction;
//! a transaction opened in another browser is not found (security case 12).

use axum::response::Response;
use chancery_core::ids;
use chancery_store::StoredTransaction;
use http::HeaderMap;

use crate::{Ctx, Failure, Rate, cookies};

/// The browser, as its device cookie names it.
#[derive(Clone)]
pub struct Binding {
    device: String,
}

/// Seconds a user may take on our pages.
const PATIENCE: i64 = 3600;

/// Per address: 3,000 logins begun at once, one a second.
const BEGUN: Rate = Rate { name: "begun", burst: 3000, every: 1 };

impl Binding {
    /// The browser's, or a new one.
    pub fn of(ctx: &Ctx, headers: &HeaderMap) -> Self {
        let device = match cookies::device(headers) {
            Some(device) if (22..=128).contains(&device.len()) => device.to_owned(),
            _ => ids::url_safe(&*ctx.app.rng, 32),
        };
        Self { device }
    }

    /// Stores what is under way and returns its id, the `state` of our pages.
    ///
    /// # Errors
    /// When the database is away, or this address has begun too much: nobody has to prove anything to have something
    /// stored here.
    pub async fn begin(&self, ctx: &Ctx, doc: String) -> Result<String, Failure> {
        ctx.app.rates.take(BEGUN, ctx.ip, &ctx.tenant.tenant, ctx.now())?;
        let stored = StoredTransaction {
            id: ids::time_ordered(&*ctx.app.rng, ctx.now_ms),
            digest: self.digest(),
            doc,
            expires_at: ctx.now() + PATIENCE,
            rev: 1,
        };
        ctx.app.store.insert_transaction(&ctx.tenant.tenant, &stored).await?;
        Ok(stored.id)
    }

    /// The answer, with the cookie that will open the transaction again.
    pub fn bind(&self, ctx: &Ctx, mut response: Response) -> Response {
        cookies::set_device(response.headers_mut(), &self.device, ctx.origin.secure);
        response
    }

    /// What is under way by this id, if this browser began it. Unknown and foreign ones look alike.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn transaction(
        ctx: &Ctx,
        headers: &HeaderMap,
        id: Option<&str>,
    ) -> Result<Option<StoredTransaction>, Failure> {
        let (Some(id), Some(device)) = (id, cookies::device(headers)) else { return Ok(None) };
        let stored = ctx.app.store.transaction(&ctx.tenant.tenant, id, ctx.now()).await?;
        let digest = Self { device: device.to_owned() }.digest();
        Ok(stored.filter(|t| t.belongs_to(&digest)))
    }

    fn digest(&self) -> Vec<u8> {
        chancery_jose::sha256(self.device.as_bytes()).to_vec()
    }
}

/// Shows nothing: the cookie is a secret.
impl std::fmt::Debug for Binding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Binding(..)")
    }
}
