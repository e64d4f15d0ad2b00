//! An API calls another one for the user whose token it was sent (RFC 8693, fact sheet 6.3). What comes of it is never more
//! than what the token, the user and the API's own client grant have in common, and never lives longer (security case 2).

use std::sync::Arc;

use chancery_core::claims::machine_subject;
use chancery_core::explanation::Record;
use chancery_core::model::{SubjectType, User};
use chancery_core::oauth::{ACCESS_TOKEN, OAuthError, delegated};
use chancery_core::records::Authorization;
use chancery_core::scope::{AskedScopes, Flow, Original, Request, decide_with_reasons};
use chancery_store::{PreparedApi, PreparedClient};
use chancery_web::{AccessTokenClaims, Audience, Ctx, Failure, Held, client_grant, verify_any_access_token};
use secrecy::{ExposeSecret, SecretString};

use crate::decision::{organization_of, refused};
use crate::events;
use crate::issue::{self, AccessTokenFor, TokenAnswer};

/// What was asked for.
pub(super) struct Asked {
    pub(super) subject_token: SecretString,
    pub(super) audience: String,
    pub(super) scope: Option<String>,
}

const FLOW: &str = "on_behalf_of";

/// Checks the token that was sent, decides, signs. There is neither a refresh token nor an ID token.
pub(super) async fn exchange(
    ctx: &Ctx,
    client: &PreparedClient,
    asked: &Asked,
    jkt: Option<&str>,
) -> Result<TokenAnswer, Failure> {
    let (sent, own_api) = sent(ctx, client, asked.subject_token.expose_secret())?;
    let act = delegated(sent.act.as_ref(), &sent.client_id, &client.client_id)?;
    let user = user(ctx, &sent.sub).await?;
    let audience = Audience::resolve(&ctx.tenant, &ctx.origin, Some(&asked.audience))?;
    if audience.api().is_none() {
        return Err(OAuthError::NoSuchApi(asked.audience.chars().take(200).collect()).into());
    }
    let membership = Authorization {
        user_id: user.user_id.clone(),
        organization_id: sent.organization_id.clone(),
        ..Authorization::default()
    };
    let organization = organization_of(ctx, &membership, BAD_TOKEN).await?;
    let org_id = organization.as_ref().map(|o| o.id.as_str());
    // What the user holds matters here whatever the API says.
    let held = Held::of(ctx, &user.user_id, org_id).await?;
    let granted: Vec<String> = sent.scope.iter().cloned().collect();
    let scopes = AskedScopes::parse_optional(asked.scope.as_deref());
    let request = Request {
        flow: Flow::OnBehalfOf(Original { granted: &granted, audience: Some(&own_api.identifier) }),
        client,
        target: audience.target(),
        asked: &scopes,
        grant: client_grant(&ctx.tenant, client, &audience, SubjectType::User),
        permissions: &held.permissions(),
        consented: None,
        organization: None,
    };
    let reasoned = decide_with_reasons(&request);
    let record = Record::of(&request, &reasoned, FLOW);
    let decision = reasoned.decision.map_err(|denied| refused(&denied, ctx, &request, FLOW))?;
    let issued = issue::access_token(
        ctx,
        &AccessTokenFor {
            client,
            subject: &user.user_id,
            audience: &audience,
            decision: &decision,
            kind: None,
            front_channel: false,
            organization: organization.as_ref(),
            authorization: None,
            jkt,
            act: Some(&act),
            ends_at: Some(sent.exp),
            second_factor: false,
            password_set_at: None,
        },
    )
    .await?;
    let mut event =
        events::with_user(events::of_client("success_on_behalf_of_token_exchange", client), &user);
    event.audience = audience.identifier().map(|a| ctx.origin.absolute(a).into_owned());
    event.scope = decision.scope();
    if let Some(organization) = &organization {
        events::in_organization(&mut event, organization);
    }
    events::decided(&mut event, &record);
    events::about_token(ctx, &mut event);
    events::record(ctx, event);
    Ok(TokenAnswer {
        access_token: issued.token,
        scope: decision.scope(),
        expires_in: issued.expires_in,
        token_type: issue::token_type(jkt),
        issued_token_type: Some(ACCESS_TOKEN),
        ..TokenAnswer::default()
    })
}

/// The token, if it is that of a user and was issued for the API that the application stands for: whoever else holds it has
/// no business with it.
fn sent(
    ctx: &Ctx,
    client: &PreparedClient,
    token: &str,
) -> Result<(AccessTokenClaims, Arc<PreparedApi>), OAuthError> {
    let claims =
        verify_any_access_token(&ctx.tenant, &ctx.origin, token, ctx.now()).map_err(|_| BAD_TOKEN)?;
    let mut apis = claims.audiences.iter().filter_map(|named| ctx.tenant.resolve_api(&ctx.origin, named));
    let own = apis.find(|api| client.stands_for(api)).cloned().ok_or(BAD_TOKEN)?;
    let is_machine = claims.sub == machine_subject(&claims.client_id);
    if is_machine || !ctx.tenant.knows_client(&claims.client_id) {
        return Err(BAD_TOKEN);
    }
    Ok((claims, own))
}

/// The user, alive and not blocked.
async fn user(ctx: &Ctx, user_id: &str) -> Result<User, Failure> {
    let user = ctx.app.store.user(&ctx.tenant.tenant, user_id).await?;
    Ok(user.filter(|user| !user.is_blocked()).ok_or(BAD_TOKEN)?)
}

/// Whatever is wrong with it, in the code of RFC 8693, section 2.2.2.
const BAD_TOKEN: OAuthError = OAuthError::SubjectToken;
