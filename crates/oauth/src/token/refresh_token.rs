//! A refresh token becomes an access token (RFC 6749 section 6, RFC 9700 section 4.14, fact sheet 3.6 and 7).

use chancery_core::claims::GrantKind;
use chancery_core::consent::unless_declined;
use chancery_core::explanation::Record;
use chancery_core::ids::Handle;
use chancery_core::model::{RotationType, SubjectType, User};
use chancery_core::oauth::OAuthError;
use chancery_core::records::{Authorization, RefreshRecord};
use chancery_core::scope::{AskedScopes, Flow, OFFLINE_ACCESS, Original, Request, decide_with_reasons};
use chancery_db::Batch;
use chancery_store::{PreparedClient, PresentedToken, Rotation, Standing};
use chancery_web::{Audience, Ctx, Failure, Held, admits, client_grant};
use secrecy::{ExposeSecret, SecretString};

use super::redeem;
use super::user_tokens::{self, UserTokensFor};
use crate::decision::{organization_of, refused};
use crate::details;
use crate::events;
use crate::issue::{self, TokenAnswer, absolute_end, idle_end};

/// What was asked for.
pub(super) struct Asked {
    pub(super) audience: Option<String>,
    pub(super) scope: Option<String>,
    pub(super) authorization_details: Option<String>,
}

/// Checks, signs, then rotates in one guarded write.
pub(super) async fn exchange(
    ctx: &Ctx,
    client: &PreparedClient,
    token: &SecretString,
    asked: &Asked,
    jkt: Option<&str>,
) -> Result<TokenAnswer, Failure> {
    let handle = issue::refresh_token_handle(token.expose_secret()).ok_or(OAuthError::InvalidRefreshToken)?;
    let mut presented = good_token(ctx, client, &handle, jkt).await?;
    let user = alive(presented.user.take())?;
    let whole = &presented.record.authorization;
    let audience = audience(ctx, asked.audience.as_deref(), &presented.record)?;
    let there = elsewhere(ctx, whole, &audience).await?;
    let authorization = there.as_ref().map_or(whole, |(there, _)| there);
    let organization = organization_of(ctx, authorization, OAuthError::InvalidRefreshToken).await?;
    let org_id = organization.as_ref().map(|o| o.id.as_str());
    let held = Held::load(ctx, audience.plain_api(), &user.user_id, org_id).await?;
    let scopes = AskedScopes::parse_optional(asked.scope.as_deref());
    let consented = match &there {
        Some((_, allowed)) => Some(allowed.clone()),
        None => left_after_a_no(ctx, client, &audience, authorization).await?,
    };
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
        consented: consented.as_deref(),
        organization: None,
    };
    let reasoned = decide_with_reasons(&request);
    let record = Record::of(&request, &reasoned, "refresh_token");
    let decision = reasoned.decision.map_err(|denied| refused(&denied, ctx, &request, "refresh_token"))?;
    let narrowed = asked.authorization_details.as_deref();
    let allowed = details::narrowed((client, &audience, request.grant), authorization, narrowed)?;
    let kind = match authorization.gty.as_deref() {
        Some("password") => GrantKind::RefreshedPassword,
        _ => GrantKind::RefreshToken,
    };
    let tokens = user_tokens::issue(
        ctx,
        &UserTokensFor {
            client,
            user: &user,
            organization: organization.as_ref(),
            audience: &audience,
            decision: &decision,
            authorization: &allowed,
            kind: Some(kind),
            nonce: None,
            session_id: authorization.session_id.as_deref(),
            // OpenID Connect Core 12.2: that of the sign-in, to whoever relies on it.
            auth_time: client
                .openid
                .as_ref()
                .is_some_and(|own| own.require_auth_time)
                .then_some(authorization.auth_time),
            second_factor: false,
            jkt,
            ends_at: None,
        },
    )
    .await?;
    let mut tries = 0;
    let refresh_token = loop {
        let successor = successor(ctx, client, &presented);
        let write = tokens.write.iter().cloned().fold(successor.write, Batch::and);
        match ctx.app.store.commit(write).await {
            Ok(()) => break successor.token,
            // Of several exchanges at once this one was slower: it stands in the leeway now, or is a reuse.
            Err(chancery_store::Error::Guard) if tries < TRIES => {
                tries += 1;
                presented = good_token(ctx, client, &handle, jkt).await?;
            }
            Err(chancery_store::Error::Guard) => return Err(OAuthError::InvalidRefreshToken.into()),
            Err(other) => return Err(other.into()),
        }
    };
    let mut event = events::with_user(events::of_client("sertft", client), &user);
    event.audience = audience.identifier().map(|a| ctx.origin.absolute(a).into_owned());
    event.scope.clone_from(&tokens.answer.scope);
    if let Some(organization) = &organization {
        events::in_organization(&mut event, organization);
    }
    events::decided(&mut event, &record);
    events::about_token(ctx, &mut event);
    events::record(ctx, event);
    Ok(TokenAnswer { refresh_token, ..tokens.answer })
}

/// What was allowed at another API that the sign-in was for (RFC 8707), and what the user lets the application have there now. `None`
/// where it was not for that API, or not for use without the user: then only a policy of the application leads there.
async fn elsewhere(
    ctx: &Ctx,
    whole: &Authorization,
    audience: &Audience,
) -> Result<Option<(Authorization, Vec<String>)>, Failure> {
    let named = audience.identifier().filter(|named| whole.audience.as_deref() != Some(*named));
    let Some(there) = named.and_then(|named| whole.at(named)) else { return Ok(None) };
    if !there.scope.iter().any(|scope| scope == OFFLINE_ACCESS) {
        return Ok(None);
    }
    Ok(redeem::allowed_there(ctx, &there).await?.map(|allowed| (there, allowed)))
}

/// What may be had of what a policy adds to the sign-in, where the user said no to some of it. Without policies nothing is
/// added, and nothing is looked up.
async fn left_after_a_no(
    ctx: &Ctx,
    client: &PreparedClient,
    audience: &Audience,
    authorization: &Authorization,
) -> Result<Option<Vec<String>>, Failure> {
    let policies = client.refresh_token.as_ref().and_then(|settings| settings.policies.as_deref());
    let (Some(api), Some(policies)) = (audience.plain_api(), policies.filter(|all| !all.is_empty())) else {
        return Ok(None);
    };
    let organization = authorization.organization_id.as_deref().unwrap_or_default();
    let (tenant, store) = (&ctx.tenant.tenant, &ctx.app.store);
    let consent = store
        .consent(tenant, &authorization.user_id, &client.client_id, &api.identifier, organization)
        .await?;
    let Some(consent) = consent.filter(|consent| !consent.declined.is_empty()) else { return Ok(None) };
    let added = policies.iter().filter(|policy| policy.audience == api.identifier).flat_map(|p| &p.scope);
    let want: Vec<String> = authorization.scope.iter().chain(added).cloned().collect();
    Ok(Some(unless_declined(&want, Some(api), Some(&consent))))
}

/// The user, alive and not blocked.
pub(super) async fn live_user(ctx: &Ctx, user_id: &str) -> Result<User, Failure> {
    Ok(alive(ctx.app.store.user(&ctx.tenant.tenant, user_id).await?)?)
}

fn alive(user: Option<User>) -> Result<User, OAuthError> {
    let user = user.ok_or(OAuthError::UserGone)?;
    if user.is_blocked() { Err(OAuthError::UserBlocked) } else { Ok(user) }
}

/// The token, if this client may exchange it. Whose it is comes before whether it was used (security case 9).
async fn good_token(
    ctx: &Ctx,
    client: &PreparedClient,
    handle: &Handle,
    jkt: Option<&str>,
) -> Result<PresentedToken, Failure> {
    let invalid = || Failure::from(OAuthError::InvalidRefreshToken);
    let presented = ctx.app.store.refresh_token(&ctx.tenant.tenant, handle).await?.ok_or_else(invalid)?;
    let record = &presented.record;
    if record.authorization.client_id != client.client_id {
        return Err(invalid());
    }
    // The key is what a public application proves itself with.
    if record.jkt.is_some() && record.jkt.as_deref() != jkt {
        return Err(OAuthError::Proof("The refresh token is bound to another key").into());
    }
    if record.x5t.is_some() && record.x5t.as_deref() != issue::certificate_of_public(ctx, client) {
        return Err(OAuthError::ClientCertificate("The refresh token is bound to another certificate").into());
    }
    if !is_unspent(ctx, client, &presented) {
        return Err(reused(ctx, client, record).await?);
    }
    if end(client, record).is_some_and(|end| end <= ctx.now()) {
        return Err(invalid());
    }
    // It works again where the connection is given back.
    if record.authorization.connection.as_deref().is_some_and(|name| !admits(&ctx.tenant, client, name)) {
        return Err(invalid());
    }
    Ok(presented)
}

/// Whether nothing took its place yet, or so shortly ago that it does not count.
pub(crate) fn is_unspent(ctx: &Ctx, client: &PreparedClient, presented: &PresentedToken) -> bool {
    let leeway = client.refresh_token_settings().leeway;
    match presented.standing {
        Standing::Current => true,
        // Only the token immediately before the one that is good has a leeway.
        Standing::Previous => {
            leeway > 0 && presented.record.rotated_at.is_some_and(|at| ctx.now() - at <= leeway)
        }
        Standing::Spent => false,
    }
}

/// When it ends, seconds: of age or of idleness.
pub(crate) fn end(client: &PreparedClient, record: &RefreshRecord) -> Option<i64> {
    let absolute = absolute_end(&client.refresh_token_settings(), record.created_at, record.expires_at);
    absolute.into_iter().chain(record.idle_expires_at).min()
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
/// whose setting was changed since moves to the new kind with this exchange, and what it holds of the old kind for this
/// user and API ends (fact sheet 7).
fn successor(ctx: &Ctx, client: &PreparedClient, presented: &PresentedToken) -> Successor {
    let settings = client.refresh_token_settings();
    let (tenant, store, now) = (&ctx.tenant.tenant, &ctx.app.store, ctx.now());
    let record = &presented.record;
    let rotating = settings.rotation_type == RotationType::Rotating;
    let expires_at = absolute_end(&settings, record.created_at, record.expires_at);
    let idle_expires_at = idle_end(&settings, now);
    if !rotating && !record.rotating && presented.standing == Standing::Current {
        let write = store.touch_refresh_token(tenant, &record.id, now, expires_at, idle_expires_at);
        return Successor { token: None, write };
    }
    let handle = record.chain.next(&*ctx.app.rng, &record.id);
    let rotation = Rotation { handle: &handle, now, rotating, expires_at, idle_expires_at };
    let mut write = store.rotate(tenant, presented, &rotation);
    if rotating != record.rotating {
        let Authorization { user_id, audience, .. } = &record.authorization;
        let audience = audience.as_deref().unwrap_or_default();
        write = write.and(store.delete_refresh_tokens_of_type(
            tenant,
            user_id,
            &client.client_id,
            audience,
            record.rotating,
        ));
    }
    Successor { token: Some(issue::refresh_token_text(&handle, rotating)), write }
}

/// How often an exchange that was overtaken looks again.
const TRIES: u32 = 8;
