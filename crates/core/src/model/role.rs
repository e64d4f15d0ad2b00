//! Roles and permissions: fact sheet 10.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A named set of permissions. `permissions` is kept with the role but is not part of the role on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Role {
    /// `rol_` + 16.
    pub id: String,
    /// Unique in the tenant.
    pub name: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `tenant` or `organization`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The organization that owns an organization role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<String>,
    /// What holders may do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<Permission>,
}

/// A scope of an API as something a role or user holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Permission {
    /// Identifier of the API.
    pub resource_server_identifier: String,
    /// Value of the scope.
    pub permission_name: String,
}
