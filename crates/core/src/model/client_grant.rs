//! A client grant: what one application may ask of one API. Fact sheet 1.5.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The ceiling of an application on an API, for machine or user flows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClientGrant {
    /// `cgr_` + 16.
    pub id: String,
    /// The application; absent with `default_for`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// `third_party_clients`: applies to every third-party application without a grant of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_for: Option<String>,
    /// Identifier of the API.
    pub audience: String,
    /// Scopes allowed; not shown when `allow_all_scopes` is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Vec<String>>,
    /// Whose access this limits.
    #[serde(default)]
    pub subject_type: SubjectType,
    /// Types of `authorization_details` allowed (RFC 9396), for user flows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_details_types: Option<Vec<String>>,
    /// Every scope of the API, those added later too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_all_scopes: Option<bool>,
    /// Whether machine tokens may or must name an organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_usage: Option<GrantOrganizationUsage>,
    /// Any organization without an organization client grant of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_any_organization: Option<bool>,
    /// Made by the server, immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_system: Option<bool>,
}

impl ClientGrant {
    /// What no two grants of a tenant share: one application has one grant at one API for one kind of subject.
    pub fn unique_name(&self) -> String {
        let whose = self.client_id.as_deref().or(self.default_for.as_deref()).unwrap_or_default();
        format!("{whose} {} {}", self.subject_type.as_str(), self.audience)
    }
}

/// Machine (`client`) or user flows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SubjectType {
    /// client_credentials.
    #[default]
    Client,
    /// Every flow with a user.
    User,
}

impl SubjectType {
    /// As on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::User => "user",
        }
    }
}

/// Organizations in machine flows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantOrganizationUsage {
    /// `organization` is refused.
    #[default]
    Deny,
    /// It may be sent.
    Allow,
    /// It must be sent.
    Require,
}
