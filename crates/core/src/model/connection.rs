//! A connection: where users and their passwords live.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A source of identities. Only `auth0` (a database of this server) signs people in so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Connection {
    /// `con_` + 16.
    pub id: String,
    /// Strategy specific settings; the ones acted on are in [`Connection::settings`].
    #[serde(default)]
    pub options: Map<String, Value>,
    /// `auth0` for databases.
    pub strategy: String,
    /// Unique, immutable, the `realm` of password grants.
    pub name: String,
    /// Applications that may use it; [`Connection::enabled_for_all`] overrides.
    #[serde(default)]
    pub enabled_clients: Vec<String>,
    /// Usable by every application; an extension for the first database of a tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled_for_all: Option<bool>,
    /// Usable by third-party applications.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_domain_connection: Option<bool>,
    /// Realms that lead here; the name unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub realms: Option<Vec<String>>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Members that are kept and shown.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Connection {
    /// Whether users of this application may sign in here.
    pub fn serves(&self, client_id: &str) -> bool {
        self.enabled_for_all.unwrap_or(false) || self.enabled_clients.iter().any(|c| c == client_id)
    }

    /// The settings acted on, defaults filled in.
    pub fn settings(&self) -> ConnectionOptions {
        serde_json::from_value(Value::Object(self.options.clone())).unwrap_or_default()
    }
}

/// The settings of a database connection that are acted on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ConnectionOptions {
    /// Sign-up is closed.
    pub disable_signup: bool,
    /// Users have a user name beside their address.
    pub requires_username: bool,
    /// How strong passwords must be.
    #[serde(rename = "passwordPolicy")]
    pub password_policy: PasswordPolicy,
}

/// Password strength levels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PasswordPolicy {
    /// At least one character.
    None,
    /// At least 6 characters.
    Low,
    /// At least 8 characters of lower case, upper case and digits.
    Fair,
    /// At least 8 characters of 3 of the 4 classes.
    #[default]
    Good,
    /// At least 10 characters, 3 of the 4 classes, no more than 2 alike in a row.
    Excellent,
}
