//! Loads what the scope decision looks at: one loader for the flows that issue tokens and for explanations of them. The
//! decision itself is in `chancery_core::scope`, and only there.

use std::sync::Arc;

use chancery_core::model::{Api, Client, ClientGrant, Role, SubjectType};
use chancery_core::scope::{GroupRole, UserPermissions};
use chancery_store::{Snapshot, UserAccess};

use crate::{Audience, Ctx};

/// Permissions and roles of a user, role ids made roles.
#[derive(Debug, Default)]
pub struct Held {
    access: UserAccess,
    roles: Vec<Arc<Role>>,
    /// Roles that groups give, in the order of what gives them.
    group_roles: Vec<Arc<Role>>,
}

impl Held {
    /// Reads it from the database, where the API looks at it at all.
    ///
    /// In an organization the roles are those held there (fact sheet 3.3).
    ///
    /// # Errors
    /// As every read of the store.
    pub async fn load(
        ctx: &Ctx,
        api: Option<&Api>,
        user_id: &str,
        organization_id: Option<&str>,
    ) -> chancery_store::Result<Self> {
        if !api.is_some_and(Api::asks_for_permissions) {
            return Ok(Self::default());
        }
        Self::of(ctx, user_id, organization_id).await
    }

    /// The same, whether an API looks at it or not.
    ///
    /// # Errors
    /// As every read of the store.
    pub async fn of(ctx: &Ctx, user_id: &str, organization_id: Option<&str>) -> chancery_store::Result<Self> {
        let tenant = &ctx.tenant.tenant;
        let mut access = ctx.app.store.access_of(tenant, user_id).await?;
        if let Some(organization_id) = organization_id {
            access.role_ids = ctx.app.store.member_roles(tenant, organization_id, user_id).await?;
            access.group_roles = ctx.app.store.group_roles_in(tenant, organization_id, user_id).await?;
        }
        let roles = access.role_ids.iter().filter_map(|id| ctx.tenant.role(id).cloned()).collect();
        // What is deleted by now gives nothing: one list goes with the other.
        access.group_roles.retain(|given| ctx.tenant.role(&given.role_id).is_some());
        let group_roles =
            access.group_roles.iter().filter_map(|given| ctx.tenant.role(&given.role_id).cloned()).collect();
        Ok(Self { access, roles, group_roles })
    }

    /// With roles that are given in the moment of the answer.
    #[must_use]
    pub fn with_roles(mut self, ctx: &Ctx, role_ids: &[String]) -> Self {
        for id in role_ids {
            if let Some(role) =
                ctx.tenant.role(id).filter(|role| !self.roles.iter().any(|own| own.id == role.id))
            {
                self.roles.push(role.clone());
            }
        }
        self
    }

    /// As the decision sees it.
    pub fn permissions(&self) -> UserPermissions<'_> {
        UserPermissions {
            direct: &self.access.permissions,
            roles: self.roles.iter().map(|role| role.as_ref()).collect(),
            group_roles: (self.group_roles.iter().zip(&self.access.group_roles))
                .map(|(role, given)| GroupRole {
                    role,
                    group_id: &given.group_id,
                    group_name: &given.group_name,
                })
                .collect(),
        }
    }
}

/// The client grant that counts: the application's own, else the one for all third-party applications.
pub fn client_grant<'a>(
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
pub fn admits(tenant: &Snapshot, client: &Client, connection: &str) -> bool {
    tenant.connection_by_name(connection).is_some_and(|connection| connection.admits(client))
}
