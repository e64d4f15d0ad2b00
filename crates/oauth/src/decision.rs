//! Brings together what the scope decision looks at. The decision itself is in `chancery_core::scope`, and only there.

use std::sync::Arc;

use chancery_core::model::{Client, ClientGrant, Role, SubjectType};
use chancery_core::oauth::{AuthorizeError, OAuthError};
use chancery_core::scope::{Denied, Target, UserPermissions};
use chancery_store::{Snapshot, UserAccess};
use chancery_web::{Ctx, Failure};

use crate::audience::Audience;

/// What a user holds, loaded: role ids made roles.
#[derive(Default)]
pub(crate) struct Held {
    access: UserAccess,
    roles: Vec<Arc<Role>>,
}

impl Held {
    /// Reads it from the database, where the API looks at it at all.
    pub(crate) async fn load(ctx: &Ctx, audience: &Audience, user_id: &str) -> Result<Self, Failure> {
        if !audience.api().is_some_and(|api| api.enforces_policies()) {
            return Ok(Self::default());
        }
        let access = ctx.app.store.access_of(&ctx.tenant.tenant, user_id).await?;
        let roles = access.role_ids.iter().filter_map(|id| ctx.tenant.role(id).cloned()).collect();
        Ok(Self { access, roles })
    }

    /// As the decision sees it.
    pub(crate) fn permissions(&self) -> UserPermissions<'_> {
        UserPermissions {
            direct: &self.access.permissions,
            roles: self.roles.iter().map(|role| role.as_ref()).collect(),
        }
    }
}

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
