//! An application asks whether its user answered elsewhere, and gets its tokens, once (OpenID CIBA Core 1.0, section 10.1).

use chancery_core::ids::Handle;
use chancery_core::oauth::{OAuthError, POLL_INTERVAL, Poll, Told, poll};
use chancery_store::{Error, PreparedClient, StoredDeviceCode};
use chancery_web::{Audience, Ctx, Failure, admits};
use secrecy::{ExposeSecret, SecretString};

use super::redeem::{self, Redeemed};
use crate::issue::{Shown, TokenAnswer, binding};

/// Finds the request, decides what the application is told, and writes down that it was.
pub(super) async fn exchange(
    ctx: &Ctx,
    client: &PreparedClient,
    auth_req_id: &SecretString,
    jkt: Option<&str>,
) -> Result<TokenAnswer, Failure> {
    let (handle, request) = own_request(ctx, client, auth_req_id).await?;
    can_be_bound(ctx, client, &request, jkt)?;
    let (tenant, store) = (&ctx.tenant.tenant, &ctx.app.store);
    let told = poll(&Poll {
        state: request.state,
        expires_at: request.record.expires_at,
        polled_ms: request.polled_ms,
        interval: request.wait,
        now_ms: ctx.now_ms,
    });
    match told {
        Told::Redeem => redeem(ctx, client, &handle, jkt).await,
        Told::Invalid => Err(invalid().into()),
        Told::Denied => {
            let text = "The end-user denied the authorization request or it has been expired".to_owned();
            Err(OAuthError::Denied { code: "access_denied", status: 400, text }.into())
        }
        Told::Expired => match store.commit(store.end_device(tenant, &handle.id)).await {
            Ok(()) => {
                let text = "The auth_req_id has expired".to_owned();
                Err(OAuthError::Denied { code: "expired_token", status: 400, text }.into())
            }
            Err(Error::Guard) => Err(invalid().into()),
            Err(other) => Err(other.into()),
        },
        Told::Pending => {
            store.note_poll(tenant, &handle.id, ctx.now_ms, request.wait).await?;
            Err(OAuthError::BackchannelPending.into())
        }
        Told::SlowDown => {
            let longer = request.wait.saturating_add(POLL_INTERVAL);
            store.note_poll(tenant, &handle.id, ctx.now_ms, longer).await?;
            let failure = Failure::from(OAuthError::BackchannelSlowDown(longer));
            Err(failure.with_retry_after(longer.unsigned_abs()))
        }
    }
}

/// Where bound tokens are demanded, whoever shows nothing to bind them to hears of it at the first poll, not when the user has
/// answered (FAPI-CIBA, section 5.2.2).
fn can_be_bound(
    ctx: &Ctx,
    client: &PreparedClient,
    request: &StoredDeviceCode,
    jkt: Option<&str>,
) -> Result<(), OAuthError> {
    // An API that is gone since is for the redemption to say.
    let Some(audience) = Audience::stored(&ctx.tenant, request.record.audience.as_deref()) else {
        return Ok(());
    };
    let x5t = ctx.certificate.as_ref().map(|shown| shown.thumbprint.as_str());
    binding(client, &audience, Shown { jkt, x5t }).map(drop)
}

/// Unknown, used, ended, a device's, or somebody else's: all alike.
fn invalid() -> OAuthError {
    let text = "Invalid or expired auth_req_id".to_owned();
    OAuthError::Denied { code: "invalid_grant", status: 400, text }
}

/// The request, if it is this application's. Somebody else's is as unknown as one made up, and stays as it is (security case 1).
async fn own_request(
    ctx: &Ctx,
    client: &PreparedClient,
    auth_req_id: &SecretString,
) -> Result<(Handle, StoredDeviceCode), Failure> {
    let handle = Handle::parse(auth_req_id.expose_secret()).ok_or_else(invalid)?;
    let found = ctx.app.store.device_code(&ctx.tenant.tenant, &handle).await?;
    let own = found
        .filter(|found| found.record.client_id == client.client_id && found.record.backchannel.is_some());
    Ok((handle, own.ok_or_else(invalid)?))
}

async fn redeem(
    ctx: &Ctx,
    client: &PreparedClient,
    handle: &Handle,
    jkt: Option<&str>,
) -> Result<TokenAnswer, Failure> {
    // Not there: what the user allowed was taken back since.
    let found = ctx.app.store.code(&ctx.tenant.tenant, handle).await?;
    let (record, spent) = found.ok_or_else(invalid)?;
    let connection = record.authorization.connection.as_deref();
    if spent || !record.for_device || connection.is_some_and(|name| !admits(&ctx.tenant, client, name)) {
        return Err(invalid().into());
    }
    // A lock that came since holds here too (security case 14).
    if let Some(user) = ctx.app.store.user(&ctx.tenant.tenant, &record.authorization.user_id).await?
        && ctx.is_locked(&user).await?
    {
        return Err(OAuthError::TooManyAttempts.into());
    }
    let what = Redeemed {
        id: &handle.id,
        record: &record,
        flow: "ciba",
        event: "ciba_exchange_succeeded",
        resource: None,
        details: None,
        jkt,
        gone: invalid(),
    };
    redeem::tokens(ctx, client, what).await?.ok_or_else(|| invalid().into())
}
