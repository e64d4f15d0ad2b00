//! A code becomes tokens, once (RFC 6749 section 4.1.3, RFC 7636, fact sheet 6.3).

use chancery_core::ids::Handle;
use chancery_core::oauth::{Challenge, ChallengeMethod, OAuthError};
use chancery_core::records::CodeRecord;
use chancery_store::PreparedClient;
use chancery_web::{Ctx, Failure, admits};
use secrecy::{ExposeSecret, SecretString};

use super::redeem::{self, Redeemed};
use crate::events;
use crate::issue::TokenAnswer;

/// What the client sent.
pub(super) struct Presented {
    pub(super) code: SecretString,
    pub(super) redirect_uri: Option<String>,
    pub(super) code_verifier: Option<SecretString>,
    pub(super) resource: Vec<String>,
    pub(super) authorization_details: Option<String>,
}

/// Checks, signs, then spends the code in one write with the tokens that hang on it.
pub(super) async fn exchange(
    ctx: &Ctx,
    client: &PreparedClient,
    presented: Presented,
    jkt: Option<&str>,
) -> Result<TokenAnswer, Failure> {
    let (handle, record, resource) = good_code(ctx, client, &presented, jkt).await?;
    let what = Redeemed {
        id: &handle.id,
        record: &record,
        flow: "code_exchange",
        event: "seacft",
        resource: resource.as_deref(),
        details: presented.authorization_details.as_deref(),
        jkt,
        gone: OAuthError::InvalidCode,
    };
    match redeem::tokens(ctx, client, what).await? {
        Some(answer) => Ok(answer),
        // Somebody else was faster: this is a replay.
        None => Err(replayed(ctx, client, &record).await?),
    }
}

/// The code, if this client may redeem it with what it presents, and the API that it wants a token for where that is not the first. Whose it is comes first, so that a stranger who replays a
/// code revokes nothing (security case 9).
async fn good_code(
    ctx: &Ctx,
    client: &PreparedClient,
    presented: &Presented,
    jkt: Option<&str>,
) -> Result<(Handle, CodeRecord, Option<String>), Failure> {
    let handle = Handle::parse(presented.code.expose_secret()).ok_or(OAuthError::InvalidCode)?;
    let found = ctx.app.store.code(&ctx.tenant.tenant, &handle).await?;
    let (record, spent) = found.ok_or(OAuthError::InvalidCode)?;
    // A device's is redeemed where its user's answer is looked at, and nowhere else.
    if record.authorization.client_id != client.client_id || record.for_device {
        return Err(OAuthError::InvalidCode.into());
    }
    if spent {
        return Err(replayed(ctx, client, &record).await?);
    }
    let connection = record.authorization.connection.as_deref();
    if record.expires_at <= ctx.now() || connection.is_some_and(|name| !admits(&ctx.tenant, client, name)) {
        return Err(OAuthError::InvalidCode.into());
    }
    redirect_uri_fits(&record, presented.redirect_uri.as_deref())?;
    verifier_fits(&record, presented.code_verifier.as_ref())?;
    let resource = redeem::resource_fits(ctx, &record, &presented.resource)?;
    if record.dpop_jkt.is_some() && record.dpop_jkt.as_deref() != jkt {
        return Err(OAuthError::Proof("The code was asked for with another key").into());
    }
    Ok((handle, record, resource))
}

/// RFC 6749 section 4.1.2: a code used twice takes everything with it that came from its first use.
async fn replayed(ctx: &Ctx, client: &PreparedClient, record: &CodeRecord) -> Result<Failure, Failure> {
    let family = ctx.app.store.revoke_family(&ctx.tenant.tenant, &record.authorization.id);
    ctx.app.store.commit(family).await?;
    let mut event = events::of_client("feacft", client);
    event.description = Some("The code was used before; the tokens issued for it are revoked".to_owned());
    event.user_id = Some(record.authorization.user_id.clone());
    events::record(ctx, event);
    Ok(OAuthError::InvalidCode.into())
}

/// Must be repeated when it was sent (RFC 6749 section 4.1.3); one sent needlessly has nothing to be compared with.
fn redirect_uri_fits(record: &CodeRecord, sent: Option<&str>) -> Result<(), OAuthError> {
    match (&record.redirect_uri, sent) {
        (Some(_), None) => Err(OAuthError::Missing("redirect_uri")),
        (Some(expected), Some(sent)) if expected != sent => {
            Err(OAuthError::WrongRedirectUri { sent: sent.to_owned(), expected: expected.clone() })
        }
        _ => Ok(()),
    }
}

/// Both or neither (security case 6): a verifier for a code without challenge means that the challenge was stripped.
fn verifier_fits(record: &CodeRecord, verifier: Option<&SecretString>) -> Result<(), OAuthError> {
    let challenge = record.code_challenge.as_ref().map(|value| Challenge {
        value: value.clone(),
        method: match record.code_challenge_method.as_deref() {
            Some("plain") => ChallengeMethod::Plain,
            _ => ChallengeMethod::S256,
        },
    });
    match (challenge, verifier) {
        (None, None) => Ok(()),
        (Some(challenge), Some(verifier)) if challenge.is_met_by(verifier.expose_secret()) => Ok(()),
        _ => Err(OAuthError::WrongVerifier),
    }
}
