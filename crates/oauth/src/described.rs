//! Applications that describe themselves at the URL which is their `client_id`: loaded where a request names one.

use chancery_core::oauth::{AuthorizeError, ClientProof, OAuthError};
use chancery_jose::Unverified;
use chancery_web::{Ctx, Failure, Undescribed};
use secrecy::ExposeSecret;
use serde::Deserialize;

/// For `/authorize`: an error is for the page, with its status, since nothing vouches for a callback.
pub(crate) async fn load(ctx: &Ctx, client_id: Option<&str>) -> Result<Option<Ctx>, (u16, AuthorizeError)> {
    ctx.with_described(client_id).await.map_err(|error| match error {
        Undescribed::Unusable(text) => (400, AuthorizeError::new("invalid_client", text)),
        Undescribed::Rate(_) => {
            let error = OAuthError::RateLimited;
            (429, AuthorizeError::new(error.code(), error.description()))
        }
    })
}

/// For endpoints that an application calls itself, by whatever it says of who it is. That is not proven yet.
pub(crate) async fn calling(ctx: Ctx, proof: &ClientProof) -> Result<Ctx, Failure> {
    let asserted = || proof.assertion.as_ref().and_then(|assertion| asserted(assertion.expose_secret()));
    // Machines come by here by the thousand: whoever has an id that is no URL is let through at once.
    let loaded = match &proof.client_id {
        Some(id) => ctx.with_described(Some(id)).await,
        None => ctx.with_described(asserted().as_deref()).await,
    };
    match loaded {
        Ok(described) => Ok(described.unwrap_or(ctx)),
        Err(Undescribed::Unusable(text)) => {
            Err(OAuthError::Denied { code: "invalid_client", status: 401, text }.into())
        }
        Err(Undescribed::Rate(rate)) => Err(rate.into()),
    }
}

/// Whom a client assertion says that it is of (RFC 7523, section 3). Long ones are refused later.
fn asserted(token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Says {
        sub: String,
    }
    let token = Some(token).filter(|token| token.len() <= 2048)?;
    let payload = Unverified::parse(token).ok()?.payload_unverified().ok()?;
    chancery_jose::read_object(&payload).ok().map(|says: Says| says.sub)
}
