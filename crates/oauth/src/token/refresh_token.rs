//! A refresh token becomes an access token (RFC 6749 section 6, RFC 9700 section 4.14, fact sheet 3.6 and 7).

use chancery_core::claims::GrantKind;
use chancery_core::ids::Handle;
use chancery_core::model::{RotationType, SubjectType, User};
use chancery_core::oauth::OAuthError;
use chancery_core::records::RefreshRecord;
use chancery_core::scope::{AskedScopes, Flow, Original, Request, decide};
use chancery_db::Batch;
use chancery_store::{PreparedClient, Rotation};
use chancery_web::{Ctx, Failure};
use secrecy::{ExposeSecret, SecretString};

use super::user_tokens::{self, UserTokensFor};
use crate::audience::Audience;
use crate::decision::{Held, client_grant, refused};
use crate::events;
use crate::issue::{self, TokenAnswer, absolute_end, idle_end};

/// What was asked for.
pub(super) struct Asked {
    pub(super) audience: Option<String>,
    pub(super) scope: Option<String>,
}

/// How the token presented stands.
enum Standing {
    /// Never exchanged, or not rotating.
    Fresh,
    /// Exchanged a moment ago; its successor was not used yet. Holds the successor's id.
    InLeeway(String),
}

/// Checks, signs, then rotates in one guarded write.
pub(super) async fn exchange(
    ctx: &Ctx,
    client: &PreparedClient,
    token: &SecretString,
    asked: &Asked,
) -> Result<TokenAnswer, Failure> {
    let (record, standing) = good_token(ctx, client, token).await?;
    let authorization = &record.authorization;
    let user = live_user(ctx, &authorization.user_id).await?;
    let audience = audience(ctx, asked.audience.as_deref(), &record)?;
    let held = Held::load(ctx, &audience, &user.user_id).await?;
    let scopes = AskedScopes::parse_optional(asked.scope.as_deref());
    let request = Request {
        flow: Flow::Refresh(Original {
            granted: &authorization.scope,
            audience: authorization.audience.as_deref(),
        }),
        client,
        target: audience.target(),
        asked: &scopes,
        grant: client_grant(&ctx.tenant, client, &audience, SubjectType::User),
        permissions: &held.permissions(),
        consented: None,
        organization: None,
    };
    let decision = decide(&request).map_err(|denied| refused(&denied, ctx, request.target, client))?;
    let kind = match authorization.gty.as_deref() {
        Some("password") => GrantKind::RefreshedPassword,
        _ => GrantKind::RefreshToken,
    };
    let tokens = user_tokens::issue(
        ctx,
        &UserTokensFor {
            client,
            user: &user,
            audience: &audience,
            decision: &decision,
            authorization,
            kind: Some(kind),
            nonce: None,
            session_id: authorization.session_id.as_deref(),
            auth_time: None,
        },
    )
    .await?;
    let successor = successor(ctx, client, &record, &standing)?;
    let write = tokens.write.into_iter().fold(successor.write, Batch::and);
    if let Err(error) = ctx.app.store.commit(write).await {
        return Err(match error {
            // Two exchanges at once: this one lost. Within the leeway the client may simply come again.
            chancery_store::Error::Guard => lost_race(ctx, client, &record).await?,
            other => other.into(),
        });
    }
    let mut event = events::with_user(events::of_client("sertft", client), &user);
    event.audience = audience.identifier().map(|a| ctx.origin.absolute(a).into_owned());
    event.scope.clone_from(&tokens.answer.scope);
    events::record(ctx, event);
    Ok(TokenAnswer { refresh_token: successor.token, ..tokens.answer })
}

/// The user, alive and not blocked.
pub(super) async fn live_user(ctx: &Ctx, user_id: &str) -> Result<User, Failure> {
    let user = ctx.app.store.user(&ctx.tenant.tenant, user_id).await?.ok_or(OAuthError::UserGone)?;
    if user.is_blocked() {
        return Err(OAuthError::UserBlocked.into());
    }
    Ok(user)
}

/// The token, if this client may exchange it. Whose it is comes before whether it was used (security case 9).
async fn good_token(
    ctx: &Ctx,
    client: &PreparedClient,
    token: &SecretString,
) -> Result<(RefreshRecord, Standing), Failure> {
    let invalid = || Failure::from(OAuthError::InvalidRefreshToken);
    let handle = issue::refresh_token_handle(token.expose_secret()).ok_or_else(invalid)?;
    let record = ctx.app.store.refresh_token(&ctx.tenant.tenant, &handle).await?.ok_or_else(invalid)?;
    if record.authorization.client_id != client.client_id {
        return Err(invalid());
    }
    let now = ctx.now();
    if let Some(rotated_at) = record.rotated_at {
        let leeway = client.refresh_token_settings().leeway;
        let successor = record.next_id.clone().filter(|_| leeway > 0 && now - rotated_at <= leeway);
        let Some(successor) = successor else { return Err(reused(ctx, client, &record).await?) };
        // Only the token immediately before the newest one has a leeway.
        let next = ctx.app.store.refresh_token_by_id(&ctx.tenant.tenant, &successor).await?;
        return match next {
            Some(next) if next.rotated_at.is_none() => Ok((record, Standing::InLeeway(successor))),
            _ => Err(reused(ctx, client, &record).await?),
        };
    }
    let ended = |end: Option<i64>| end.is_some_and(|end| end <= now);
    let settings = client.refresh_token_settings();
    let absolute = absolute_end(&settings, record.family_created_at, record.expires_at);
    if ended(absolute) || ended(record.idle_expires_at) {
        return Err(invalid());
    }
    Ok((record, Standing::Fresh))
}

/// A spent token came back: somebody has a copy. The family and the consent end (fact sheet 7).
async fn reused(ctx: &Ctx, client: &PreparedClient, record: &RefreshRecord) -> Result<Failure, Failure> {
    let tenant = &ctx.tenant.tenant;
    let store = &ctx.app.store;
    let authorization = &record.authorization;
    let consent = store
        .consent(
            tenant,
            &authorization.user_id,
            &authorization.client_id,
            authorization.audience.as_deref().unwrap_or_default(),
            authorization.organization_id.as_deref().unwrap_or_default(),
        )
        .await?;
    let family = store.revoke_family(tenant, &authorization.id);
    let write = match consent {
        Some(consent) => family.and(store.delete_consent_batch(tenant, &consent)),
        None => family,
    };
    store.commit(write).await?;
    let mut event = events::of_client("ferrt", client);
    event.description = Some("A refresh token was used again; its family is revoked".to_owned());
    event.user_id = Some(authorization.user_id.clone());
    events::record(ctx, event);
    Ok(OAuthError::InvalidRefreshToken.into())
}

/// Of many exchanges at one moment one wins. Without a leeway the others are reuse; with one they are refused and may come
/// again.
async fn lost_race(ctx: &Ctx, client: &PreparedClient, record: &RefreshRecord) -> Result<Failure, Failure> {
    let settings = client.refresh_token_settings();
    if settings.leeway > 0 || !record.rotating {
        return Ok(OAuthError::InvalidRefreshToken.into());
    }
    reused(ctx, client, record).await
}

/// `audience` may name another API, if a policy lets it (multi-resource refresh tokens): the decision says whether.
fn audience(ctx: &Ctx, asked: Option<&str>, record: &RefreshRecord) -> Result<Audience, OAuthError> {
    match asked {
        Some(named) => Audience::resolve(&ctx.tenant, &ctx.origin, Some(named)),
        None => Audience::stored(&ctx.tenant, record.authorization.audience.as_deref())
            .ok_or(OAuthError::InvalidRefreshToken),
    }
}

struct Successor {
    /// Handed out; `None` while the same token goes on.
    token: Option<String>,
    write: Batch,
}

/// Rotating: a new token in the place of the old one. Otherwise the token goes on, with its idle end moved. A client
/// whose setting was changed since moves to the new kind with this exchange.
fn successor(
    ctx: &Ctx,
    client: &PreparedClient,
    record: &RefreshRecord,
    standing: &Standing,
) -> Result<Successor, Failure> {
    let settings = client.refresh_token_settings();
    let tenant = &ctx.tenant.tenant;
    let store = &ctx.app.store;
    let now = ctx.now();
    let rotates = settings.rotation_type == RotationType::Rotating;
    let expires_at = absolute_end(&settings, record.family_created_at, record.expires_at);
    let idle_expires_at = idle_end(&settings, now);
    if !rotates && !record.rotating {
        let write = store.touch_refresh_token(tenant, &record.id, now, expires_at, idle_expires_at);
        return Ok(Successor { token: None, write });
    }
    let handle = Handle::generate(&*ctx.app.rng, ctx.now_ms);
    let next = RefreshRecord {
        id: handle.id.clone(),
        authorization: record.authorization.clone(),
        rotating: rotates,
        family_created_at: record.family_created_at,
        created_at: now,
        expires_at,
        idle_expires_at,
        rotated_at: None,
        next_id: None,
        last_exchanged_at: Some(now),
        initial_ip: record.initial_ip.clone(),
        initial_user_agent: record.initial_user_agent.clone(),
    };
    let rotation = Rotation { old_id: &record.id, now, handle: &handle, record: &next };
    let write = match standing {
        Standing::Fresh => store.rotate(tenant, &rotation)?,
        Standing::InLeeway(expected) => store.rotate_again(tenant, expected, &rotation)?,
    };
    Ok(Successor { token: Some(issue::refresh_token_text(&handle, rotates)), write })
}
