//! An application acting for itself (RFC 6749 section 4.4, fact sheet 3.5). No SQL on this path, but to
//! read the organization where one takes part.

use chancery_core::claims::{GrantKind, machine_subject};
use chancery_core::model::SubjectType;
use chancery_core::oauth::OAuthError;
use chancery_core::scope::{
    AskedScopes, Flow, MachineOrganization, Request, UserPermissions, decide, machine_organization,
};
use chancery_store::PreparedClient;
use chancery_web::{Audience, Ctx, Failure, client_grant};

use crate::decision::refused;
use crate::events;
use crate::issue::{self, AccessTokenFor, TokenAnswer};

/// What was asked for.
pub(super) struct Asked {
    pub(super) audience: Option<String>,
    pub(super) scope: Option<String>,
    pub(super) organization: Option<String>,
}

/// Decides and signs.
pub(super) async fn issue(
    ctx: &Ctx,
    client: &PreparedClient,
    asked: &Asked,
    jkt: Option<&str>,
) -> Result<TokenAnswer, Failure> {
    let audience = audience(ctx, asked.audience.as_deref())?;
    let grant = client_grant(&ctx.tenant, client, &audience, SubjectType::Client);
    let scopes = AskedScopes::parse_optional(asked.scope.as_deref());
    let named = machine_organization(client, grant, asked.organization.as_deref());
    let organization = match named {
        Some(named) => ctx.organization(named).await?,
        None => None,
    };
    let has_grant = organization
        .as_ref()
        .zip(grant)
        .is_some_and(|(organization, grant)| organization.client_grants.contains(&grant.id));
    let request = Request {
        flow: Flow::ClientCredentials,
        client,
        target: audience.target(),
        asked: &scopes,
        grant,
        permissions: &UserPermissions::NONE,
        consented: None,
        organization: named.map(|_| MachineOrganization { has_grant }),
    };
    let decision =
        decide(&request).map_err(|denied| refused(&denied, ctx, &request, "client_credentials"))?;
    if let (Some(named), None) = (named, &organization) {
        let named: String = named.chars().take(200).collect();
        return Err(OAuthError::Denied {
            code: "invalid_request",
            status: 400,
            text: format!("parameter organization is invalid: {named}"),
        }
        .into());
    }
    let issued = issue::access_token(
        ctx,
        &AccessTokenFor {
            client,
            subject: &machine_subject(&client.client_id),
            audience: &audience,
            decision: &decision,
            kind: Some(GrantKind::ClientCredentials),
            front_channel: false,
            organization: organization.as_ref(),
            authorization: None,
            jkt,
            act: None,
            ends_at: None,
            second_factor: false,
            password_set_at: None,
        },
    )
    .await?;
    let scope = decision.scope();
    let mut event = events::of_client("seccft", client);
    event.audience = audience.identifier().map(|a| ctx.origin.absolute(a).into_owned());
    event.scope.clone_from(&scope);
    // What was asked for is what was granted, by the grant: there is nothing more to keep.
    events::about_token(ctx, &mut event);
    events::record(ctx, event);
    Ok(TokenAnswer {
        access_token: issued.token,
        scope,
        expires_in: issued.expires_in,
        token_type: issue::token_type(jkt),
        ..TokenAnswer::default()
    })
}

/// Texts of fact sheet 3.1 and 3.5.
fn audience(ctx: &Ctx, asked: Option<&str>) -> Result<Audience, OAuthError> {
    let denied = |text: String| OAuthError::Denied { code: "access_denied", status: 403, text };
    match Audience::resolve(&ctx.tenant, &ctx.origin, asked) {
        Ok(Audience::Userinfo) if asked.is_none() => {
            Err(denied("Non-global clients are not allowed access to APIv1".to_owned()))
        }
        Ok(Audience::Userinfo) => {
            Err(denied(format!("Service not enabled within domain: {}", ctx.origin.userinfo_audience)))
        }
        Err(OAuthError::NoSuchApi(named)) => Err(OAuthError::NoSuchService(named)),
        other => other,
    }
}
