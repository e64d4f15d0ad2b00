//! What a user may do, and through what: direct permissions and roles (RBAC, fact sheet 3.3 and 10).

use std::collections::HashMap;

use crate::model::{Permission, Role};

/// Everything that speaks for a user: permissions given directly and the roles they hold. In an organization, the roles
/// are those held *there*. Permissions only add up; nothing takes one away.
#[derive(Clone, Debug, Default)]
pub struct UserPermissions<'a> {
    /// Given directly.
    pub direct: &'a [Permission],
    /// Roles held, in any order.
    pub roles: Vec<&'a Role>,
}

/// Through what a permission is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PermissionSource<'a> {
    /// Given to the user directly.
    Direct,
    /// Through a role.
    Role {
        /// `rol_...`
        id: &'a str,
        /// For people.
        name: &'a str,
    },
}

impl<'a> UserPermissions<'a> {
    /// Nothing held: machine flows, and APIs without RBAC.
    pub const NONE: UserPermissions<'static> = UserPermissions { direct: &[], roles: Vec::new() };

    /// Every (permission, source) pair, direct ones first: a permission held through two roles appears twice.
    pub fn all(&self) -> impl Iterator<Item = (&'a Permission, PermissionSource<'a>)> {
        let direct = self.direct.iter().map(|p| (p, PermissionSource::Direct));
        let inherited = self.roles.iter().flat_map(|role| {
            let source = PermissionSource::Role { id: &role.id, name: &role.name };
            role.permissions.iter().map(move |p| (p, source))
        });
        direct.chain(inherited)
    }

    /// The user's permissions on one API, each with the source that is named in explanations: direct before roles,
    /// roles by id, so that the order of roles never shows.
    pub(super) fn on(&self, audience: &str) -> HashMap<&'a str, PermissionSource<'a>> {
        let mut held = HashMap::new();
        for (permission, source) in self.all() {
            if permission.resource_server_identifier == audience {
                let first = held.entry(permission.permission_name.as_str()).or_insert(source);
                *first = (*first).min(source);
            }
        }
        held
    }
}
