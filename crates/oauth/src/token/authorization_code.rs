//! A code becomes tokens, once (RFC 6749 section 4.1.3, RFC 7636, fact sheet 6.3).

use chancery_core::explanation::Record;
use chancery_core::ids::Handle;
use chancery_core::model::SubjectType;
use chancery_core::oauth::{Challenge, ChallengeMethod, OAuthError};
use chancery_core::records::CodeRecord;
use chancery_core::scope::{AskedScopes, Flow, Original, Request, decide, explain};
use chancery_db::Batch;
use chancery_store::PreparedClient;
use chancery_web::{Audience, Ctx, Failure, Held, admits, client_grant};
use secrecy::{ExposeSecret, SecretString};

use super::refresh_token::live_user;
use super::user_tokens::{self, UserTokensFor};
use crate::decision::{organization_of, refused};
use crate::events;
use crate::issue::{self, TokenAnswer};

/// What the client sent.
pub(super) struct Presented {
    pub(super) code: SecretString,
    pub(super) redirect_uri: Option<String>,
    pub(super) code_verifier: Option<SecretString>,
}

/// Checks, signs, then spends the code in one write with the tokens that hang on it.
pub(super) async fn exchange(
    ctx: &Ctx,
    client: &PreparedClient,
    presented: Presented,
) -> Result<TokenAnswer, Failure> {
    let (handle, record) = good_code(ctx, client, &presented).await?;
    let authorization = &record.authorization;
    let user = live_user(ctx, &authorization.user_id).await?;
    // The API may be gone since.
    let audience =
        Audience::stored(&ctx.tenant, authorization.audience.as_deref()).ok_or(OAuthError::InvalidCode)?;
    let organization = organization_of(ctx, authorization, OAuthError::InvalidCode).await?;
    let org_id = organization.as_ref().map(|o| o.id.as_str());
    let held = Held::load(ctx, audience.plain_api(), &user.user_id, org_id).await?;
    // Decided again over what was granted: a permission taken away in the meantime is not handed out.
    let request = Request {
        flow: Flow::CodeExchange(Original {
            granted: &authorization.scope,
            audience: authorization.audience.as_deref(),
        }),
        client,
        target: audience.target(),
        asked: &AskedScopes::NONE,
        grant: client_grant(&ctx.tenant, client, &audience, SubjectType::User),
        permissions: &held.permissions(),
        consented: None,
        organization: None,
    };
    let decision = decide(&request).map_err(|denied| refused(&denied, ctx, &request, "code_exchange"))?;
    let logged = Record::of(&request, &explain(&request), "code_exchange");
    let tokens = user_tokens::issue(
        ctx,
        &UserTokensFor {
            client,
            user: &user,
            organization: organization.as_ref(),
            audience: &audience,
            decision: &decision,
            authorization,
            kind: None,
            nonce: record.nonce.as_deref(),
            session_id: authorization.session_id.as_deref(),
            auth_time: record.with_auth_time.then_some(authorization.auth_time),
        },
    )
    .await?;
    let refresh = match decision.offline {
        true => Some(issue::first_refresh_token(ctx, client, authorization)?),
        false => None,
    };
    let (refresh_token, refresh_write) = refresh.unzip();
    let tenant = &ctx.tenant.tenant;
    let write = [refresh_write, tokens.write]
        .into_iter()
        .flatten()
        .fold(ctx.app.store.spend_code(tenant, &handle.id), Batch::and);
    if let Err(error) = ctx.app.store.commit(write).await {
        return Err(match error {
            // Somebody else was faster: this is a replay.
            chancery_store::Error::Guard => replayed(ctx, client, &record).await?,
            other => other.into(),
        });
    }
    let mut event = events::with_user(events::of_client("seacft", client), &user);
    event.audience = audience.identifier().map(|a| ctx.origin.absolute(a).into_owned());
    event.scope.clone_from(&tokens.answer.scope);
    if let Some(organization) = &organization {
        events::in_organization(&mut event, organization);
    }
    events::decided(&mut event, &logged);
    events::about_token(ctx, &mut event);
    events::record(ctx, event);
    Ok(TokenAnswer { refresh_token, ..tokens.answer })
}

/// The code, if this client may redeem it with what it presents. Whose it is comes first, so that a stranger who replays a
/// code revokes nothing (security case 9).
async fn good_code(
    ctx: &Ctx,
    client: &PreparedClient,
    presented: &Presented,
) -> Result<(Handle, CodeRecord), Failure> {
    let handle = Handle::parse(presented.code.expose_secret()).ok_or(OAuthError::InvalidCode)?;
    let found = ctx.app.store.code(&ctx.tenant.tenant, &handle).await?;
    let (record, spent) = found.ok_or(OAuthError::InvalidCode)?;
    if record.authorization.client_id != client.client_id {
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
    Ok((handle, record))
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
