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
    /// Roles that groups give, in any order.
    pub group_roles: Vec<GroupRole<'a>>,
}

/// A role that a group gives to those who are in it.
#[derive(Clone, Copy, Debug)]
pub struct GroupRole<'a> {
    /// The role.
    pub role: &'a Role,
    /// `grp_...`
    pub group_id: &'a str,
    /// For people.
    pub group_name: &'a str,
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
    /// Through a role that a group gives.
    Group {
        /// The role: `rol_...`
        id: &'a str,
        /// Its name.
        name: &'a str,
        /// The group: `grp_...`
        group_id: &'a str,
        /// Its name.
        group_name: &'a str,
    },
}

impl<'a> UserPermissions<'a> {
    /// Nothing held: machine flows, and APIs without RBAC.
    pub const NONE: UserPermissions<'static> =
        UserPermissions { direct: &[], roles: Vec::new(), group_roles: Vec::new() };

    /// Every (permission, source) pair, direct ones first: a permission held through two roles appears twice.
    pub fn all(&self) -> impl Iterator<Item = (&'a Permission, PermissionSource<'a>)> {
        let direct = self.direct.iter().map(|p| (p, PermissionSource::Direct));
        let inherited = self.roles.iter().flat_map(|role| {
            let source = PermissionSource::Role { id: &role.id, name: &role.name };
            role.permissions.iter().map(move |p| (p, source))
        });
        let grouped = self.group_roles.iter().flat_map(|GroupRole { role, group_id, group_name }| {
            let source = PermissionSource::Group { id: &role.id, name: &role.name, group_id, group_name };
            role.permissions.iter().map(move |p| (p, source))
        });
        direct.chain(inherited).chain(grouped)
    }

    /// The user's permissions on one API, each with the source that is named in explanations: direct before roles,
    /// roles by id before those that groups give, so that the order of roles never shows.
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
