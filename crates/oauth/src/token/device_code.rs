//! A device asks whether its user has answered, and gets its tokens, once (RFC 8628 section 3.4, fact sheet 6.3).

use chancery_core::ids::Handle;
use chancery_core::oauth::{OAuthError, POLL_INTERVAL, Poll, Told, poll};
use chancery_store::{Error, PreparedClient, StoredDeviceCode};
use chancery_web::{Ctx, Failure, admits};
use secrecy::{ExposeSecret, SecretString};

use super::redeem::{self, Redeemed};
use crate::issue::TokenAnswer;

/// What the device sent.
pub(super) struct Presented {
    pub(super) device_code: SecretString,
    pub(super) resource: Vec<String>,
}

/// Finds the code, decides what the device is told, and writes down that it was.
pub(super) async fn exchange(
    ctx: &Ctx,
    client: &PreparedClient,
    presented: &Presented,
    jkt: Option<&str>,
) -> Result<TokenAnswer, Failure> {
    let (handle, code) = own_code(ctx, client, &presented.device_code).await?;
    let (tenant, store) = (&ctx.tenant.tenant, &ctx.app.store);
    let told = poll(&Poll {
        state: code.state,
        expires_at: code.record.expires_at,
        polled_ms: code.polled_ms,
        interval: code.wait,
        now_ms: ctx.now_ms,
    });
    match told {
        Told::Redeem => redeem(ctx, client, (&handle, &presented.resource), jkt).await,
        Told::Invalid => Err(OAuthError::InvalidDeviceCode.into()),
        Told::Denied => Err(OAuthError::DeviceDenied(code.reason).into()),
        Told::Expired => match store.commit(store.end_device(tenant, &handle.id)).await {
            Ok(()) => Err(OAuthError::DeviceCodeExpired.into()),
            Err(Error::Guard) => Err(OAuthError::InvalidDeviceCode.into()),
            Err(other) => Err(other.into()),
        },
        Told::Pending => {
            store.note_poll(tenant, &handle.id, ctx.now_ms, code.wait).await?;
            Err(OAuthError::DevicePending.into())
        }
        Told::SlowDown => {
            let longer = code.wait.saturating_add(POLL_INTERVAL);
            store.note_poll(tenant, &handle.id, ctx.now_ms, longer).await?;
            Err(OAuthError::SlowDown(code.wait).into())
        }
    }
}

/// The code, if it is this application's. Somebody else's is as unknown as one made up, and stays as it is.
async fn own_code(
    ctx: &Ctx,
    client: &PreparedClient,
    device_code: &SecretString,
) -> Result<(Handle, StoredDeviceCode), Failure> {
    let handle = Handle::parse(device_code.expose_secret()).ok_or(OAuthError::InvalidDeviceCode)?;
    let found = ctx.app.store.device_code(&ctx.tenant.tenant, &handle).await?;
    let own =
        found.filter(|code| code.record.client_id == client.client_id && code.record.backchannel.is_none());
    Ok((handle, own.ok_or(OAuthError::InvalidDeviceCode)?))
}

async fn redeem(
    ctx: &Ctx,
    client: &PreparedClient,
    (handle, resource): (&Handle, &[String]),
    jkt: Option<&str>,
) -> Result<TokenAnswer, Failure> {
    // Not there: what the user allowed was taken back since.
    let found = ctx.app.store.code(&ctx.tenant.tenant, handle).await?;
    let (record, spent) = found.ok_or(OAuthError::InvalidDeviceCode)?;
    let connection = record.authorization.connection.as_deref();
    if spent || !record.for_device || connection.is_some_and(|name| !admits(&ctx.tenant, client, name)) {
        return Err(OAuthError::InvalidDeviceCode.into());
    }
    redeem::resource_fits(ctx, &record, resource)?;
    let what = Redeemed {
        id: &handle.id,
        record: &record,
        flow: "device_code",
        event: "sede",
        resource: None,
        details: None,
        jkt,
        gone: OAuthError::InvalidDeviceCode,
    };
    match redeem::tokens(ctx, client, what).await? {
        Some(answer) => Ok(answer),
        // A device that asks twice at once, as after an answer that was lost, is no thief: its tokens stay good.
        None => Err(OAuthError::InvalidDeviceCode.into()),
    }
}
