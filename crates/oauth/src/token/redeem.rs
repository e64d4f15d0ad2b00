//! What was granted at sign-in becomes tokens, once: for authorization codes and for device codes.

use chancery_core::explanation::Record;
use chancery_core::model::SubjectType;
use chancery_core::oauth::OAuthError;
use chancery_core::records::{Authorization, CodeRecord};
use chancery_core::scope::{AskedScopes, Flow, OFFLINE_ACCESS, Original, Request, decide_with_reasons};
use chancery_db::Batch;
use chancery_store::PreparedClient;
use chancery_web::{Audience, Ctx, Failure, Held, client_grant};

use super::refresh_token::live_user;
use super::user_tokens::{self, UserTokensFor};
use crate::decision::{organization_of, refused};
use crate::details;
use crate::events;
use crate::issue::{self, TokenAnswer};

/// A code that the client may redeem.
pub(super) struct Redeemed<'a> {
    /// Finds the code.
    pub(super) id: &'a str,
    pub(super) record: &'a CodeRecord,
    /// The flow, as explanations name it.
    pub(super) flow: &'static str,
    /// The log event of success.
    pub(super) event: &'static str,
    /// The API that the token is for, where that is another one than the first.
    pub(super) resource: Option<&'a str>,
    /// Less than was allowed, where the application asks for less.
    pub(super) details: Option<&'a str>,
    /// The key that whoever redeems it showed to hold.
    pub(super) jkt: Option<&'a str>,
    /// What is said where something is gone that the code needs.
    pub(super) gone: OAuthError,
}

/// The API that the token is for, where that is another one than the first: `None` is the first. What was allowed for one API is not
/// exchanged for a token of another one, and a token is for one of them (RFC 8707, section 2.2).
pub(super) fn resource_fits(
    ctx: &Ctx,
    record: &CodeRecord,
    named: &[String],
) -> Result<Option<String>, OAuthError> {
    let own = record.authorization.audience.as_deref().map(|audience| ctx.origin.absolute(audience));
    let own = own.as_deref().unwrap_or(&ctx.origin.userinfo_audience);
    let Some(first) = named.first() else { return Ok(None) };
    let refuse = |other: &str, text: &str| {
        let shown: String = other.chars().take(200).collect();
        Err(OAuthError::InvalidTarget(format!("{text} {shown}")))
    };
    let mut further = record.authorization.further.iter().map(|there| there.audience.as_str());
    let found = match first {
        first if first == own => None,
        first => match further.find(|audience| ctx.origin.absolute(audience) == **first) {
            Some(audience) => Some(audience.to_owned()),
            None => return refuse(first, "The code was not asked for with the resource"),
        },
    };
    match named.iter().find(|other| *other != first) {
        Some(other) if found.is_none() && record.authorization.further.is_empty() => {
            refuse(other, "The code was not asked for with the resource")
        }
        Some(other) => refuse(other, "A token is for one resource, and the request names another one:"),
        None => Ok(found),
    }
}

/// What the user lets the application have at another API than the first, as it is kept: `None` where they took it back. Codes and
/// refresh tokens hang on the consent to the first API; the others are looked at each time.
pub(super) async fn allowed_there(
    ctx: &Ctx,
    authorization: &Authorization,
) -> Result<Option<Vec<String>>, Failure> {
    let consent = ctx
        .app
        .store
        .consent(
            &ctx.tenant.tenant,
            &authorization.user_id,
            &authorization.client_id,
            authorization.audience.as_deref().unwrap_or_default(),
            authorization.organization_id.as_deref().unwrap_or_default(),
        )
        .await?;
    Ok(consent.map(|consent| consent.scope))
}

/// Decides again, signs, then spends the code in one write with the tokens that hang on it; `None` where somebody else was
/// faster.
pub(super) async fn tokens(
    ctx: &Ctx,
    client: &PreparedClient,
    what: Redeemed<'_>,
) -> Result<Option<TokenAnswer>, Failure> {
    let record = what.record;
    let whole = &record.authorization;
    let there = match what.resource {
        None => None,
        Some(audience) => Some(whole.at(audience).ok_or_else(|| what.gone.clone())?),
    };
    let authorization = there.as_ref().unwrap_or(whole);
    let consented = match &there {
        None => None,
        Some(there) => Some(allowed_there(ctx, there).await?.ok_or_else(|| what.gone.clone())?),
    };
    let user = live_user(ctx, &authorization.user_id).await?;
    // The API may be gone since.
    let audience =
        Audience::stored(&ctx.tenant, authorization.audience.as_deref()).ok_or_else(|| what.gone.clone())?;
    let organization = organization_of(ctx, authorization, what.gone).await?;
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
        consented: consented.as_deref(),
        organization: None,
    };
    let reasoned = decide_with_reasons(&request);
    let logged = Record::of(&request, &reasoned, what.flow);
    let decision = reasoned.decision.map_err(|denied| refused(&denied, ctx, &request, what.flow))?;
    let allowed = details::narrowed((client, &audience, request.grant), authorization, what.details)?;
    let authorization = &*allowed;
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
            second_factor: record.with_second_factor,
            jkt: what.jkt,
            ends_at: None,
        },
    )
    .await?;
    // It is for all of what was allowed, and begins with the first API.
    let kept = if there.is_some() { whole } else { authorization };
    let refresh = match decision.offline && kept.scope.iter().any(|scope| scope == OFFLINE_ACCESS) {
        true => Some(issue::first_refresh_token(ctx, client, kept, what.jkt)?),
        false => None,
    };
    let (refresh_token, refresh_write) = refresh.unzip();
    let write = [refresh_write, tokens.write]
        .into_iter()
        .flatten()
        .fold(ctx.app.store.spend_code(&ctx.tenant.tenant, what.id), Batch::and);
    match ctx.app.store.commit(write).await {
        Ok(()) => {}
        Err(chancery_store::Error::Guard) => return Ok(None),
        Err(other) => return Err(other.into()),
    }
    let mut event = events::with_user(events::of_client(what.event, client), &user);
    event.audience = audience.identifier().map(|a| ctx.origin.absolute(a).into_owned());
    event.scope.clone_from(&tokens.answer.scope);
    if let Some(organization) = &organization {
        events::in_organization(&mut event, organization);
    }
    events::decided(&mut event, &logged);
    events::about_token(ctx, &mut event);
    events::record(ctx, event);
    Ok(Some(TokenAnswer { refresh_token, ..tokens.answer }))
}
