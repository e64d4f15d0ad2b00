//! An organization: a customer of the tenant, with members, connections and applications of its own. Fact sheet 11.4.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An organization as stored. Who its members are is in records: they may be many.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Organization {
    /// `org_` + 16.
    pub id: String,
    /// Unique; lower case letters, digits, `_` and `-`.
    pub name: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// `logo_url` and `colors`; stored only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branding: Option<Map<String, Value>>,
    /// Up to 25 texts of the administrator's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map<String, Value>>,
    /// Stored only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_quota: Option<Value>,
    /// Whether third-party applications may sign members in.
    #[serde(default)]
    pub third_party_client_access: ThirdPartyClientAccess,
    /// Stored only.
    #[serde(default)]
    pub is_app_entitlement_active: bool,
    /// Where members may sign in.
    #[serde(default)]
    pub connections: Vec<OrganizationConnection>,
    /// Applications that were named for it.
    #[serde(default)]
    pub clients: Vec<OrganizationClient>,
    /// Ids of client grants that machines may use for it.
    #[serde(default)]
    pub client_grants: Vec<String>,
    /// Mail domains by which it is found.
    #[serde(default)]
    pub discovery_domains: Vec<DiscoveryDomain>,
}

impl Organization {
    /// Its settings of a connection, if that is one of its own.
    pub fn connection(&self, connection_id: &str) -> Option<&OrganizationConnection> {
        self.connections.iter().find(|own| own.connection_id == connection_id)
    }

    /// Its name for people.
    pub fn title(&self) -> &str {
        self.display_name.as_deref().filter(|name| !name.is_empty()).unwrap_or(&self.name)
    }
}

/// Whether third-party applications are let in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ThirdPartyClientAccess {
    /// They are not.
    #[default]
    Block,
    /// They are.
    Allow,
}

/// A connection of an organization. Absent members have the defaults of the wire.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrganizationConnection {
    /// The connection.
    pub connection_id: String,
    /// What the organization calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_connection_name: Option<String>,
    /// Whoever signs in here becomes a member.
    #[serde(default)]
    pub assign_membership_on_login: bool,
    /// Whether the login page shows it.
    #[serde(default = "yes")]
    pub show_as_button: bool,
    /// Whether people may sign up here; databases only.
    #[serde(default)]
    pub is_signup_enabled: bool,
    /// Whether it may be used.
    #[serde(default = "yes")]
    pub is_enabled: bool,
    /// What the organization's administrators may do with it: `none` to `full`; stored only.
    #[serde(default = "none")]
    pub organization_access_level: String,
    /// The same for members; stored only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_member_access_level: Option<String>,
}

fn yes() -> bool {
    true
}

fn none() -> String {
    "none".to_owned()
}

/// An application of an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrganizationClient {
    /// The application.
    pub client_id: String,
    /// Whether members reach the organization through it.
    #[serde(default)]
    pub use_for_member_access: bool,
}

/// A mail domain of an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiscoveryDomain {
    /// `ord_` + 22.
    pub id: String,
    /// In lower case.
    pub domain: String,
    /// `pending` or `verified`, as an administrator says.
    pub status: String,
    /// Where a record in the domain name system would prove whose it is.
    pub verification_host: String,
    /// What that record would say.
    pub verification_txt: String,
    /// Whether people are led to the organization by it.
    pub use_for_organization_discovery: bool,
}
