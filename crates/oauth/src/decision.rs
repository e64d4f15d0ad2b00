//! Brings together what the scope decision looks at. The decision itself is in `chancery_core::scope`, and only there.

use chancery_core::model::{Client, ClientGrant, Organization, SubjectType};
use chancery_core::oauth::{AuthorizeError, OAuthError};
use chancery_core::records::Authorization;
use chancery_core::scope::{Denied, Target};
use chancery_store::Snapshot;
use chancery_web::{Ctx, Failure};

use crate::audience::Audience;

/// The client grant that counts: the application's own, else the one for all third-party applications.
pub(crate) fn client_grant<'a>(
    tenant: &'a Snapshot,
    client: &Client,
    audience: &Audience,
    subject: SubjectType,
) -> Option<&'a ClientGrant> {
    let identifier = audience.identifier()?;
    let own = tenant.client_grant(&client.client_id, identifier, subject);
    let shared = || tenant.default_client_grant(identifier, subject).filter(|_| !client.is_first_party);
    own.or_else(shared).map(AsRef::as_ref)
}

/// Whether the application takes users of this connection, by its name, today: an application admits the people of its
/// own connections, not whoever has signed in to another one (D57).
pub(crate) fn admits(tenant: &Snapshot, client: &Client, connection: &str) -> bool {
    tenant.connection_by_name(connection).is_some_and(|connection| connection.serves(&client.client_id))
}

/// The organization of an authorization, where its user is a member today and its connection is one of the
/// organization's; `gone` where they are not.
pub(crate) async fn organization_of(
    ctx: &Ctx,
    authorization: &Authorization,
    gone: OAuthError,
) -> Result<Option<Organization>, Failure> {
    let Some(id) = &authorization.organization_id else { return Ok(None) };
    let found = ctx.organization(id).await?.filter(|found| found.id == *id);
    let admitted = found.filter(|organization| {
        authorization.connection.as_deref().is_none_or(|name| ctx.organization_admits(organization, name))
    });
    let is_member = ctx.app.store.is_member(&ctx.tenant.tenant, id, &authorization.user_id).await?;
    match admitted.filter(|_| is_member) {
        Some(organization) => Ok(Some(organization)),
        None => Err(gone.into()),
    }
}

/// A refusal as an error of the token endpoint.
pub(crate) fn refused(denied: &Denied, ctx: &Ctx, target: Target<'_>, client: &Client) -> OAuthError {
    let audience = ctx.origin.absolute(target.audience().unwrap_or(&ctx.origin.userinfo_audience));
    OAuthError::Denied {
        code: denied.code(),
        status: denied.status(),
        text: denied.description(&audience, &client.client_id),
    }
}

/// A refusal as an error of `/authorize`.
pub(crate) fn refused_front(
    denied: &Denied,
    ctx: &Ctx,
    target: Target<'_>,
    client: &Client,
) -> AuthorizeError {
    let audience = ctx.origin.absolute(target.audience().unwrap_or(&ctx.origin.userinfo_audience));
    AuthorizeError::new(denied.code(), denied.description(&audience, &client.client_id))
}
