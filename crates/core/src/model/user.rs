//! A person who signs in: fact sheet 11.2.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A user. Passwords are no part of it: they live with the connection's credentials.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct User {
    /// ISO 8601 in UTC with milliseconds.
    pub created_at: String,
    /// As typed; compared in lower case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether the address was proven.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
    /// Only where the connection asks for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// E.164.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// Whether the number was proven.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_verified: Option<bool>,
    /// The accounts this user signs in with; the first one is the primary.
    pub identities: Vec<Identity>,
    /// Display name; the email address unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Local part of the email address unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    /// First name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// Last name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    /// URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    /// ISO 8601 in UTC with milliseconds.
    pub updated_at: String,
    /// `auth0|` + 24 hexadecimal digits, or what was supplied.
    pub user_id: String,
    /// The application's data about the user, which the user may edit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_metadata: Option<Map<String, Value>>,
    /// The application's data about the user, which the user may not edit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_metadata: Option<Map<String, Value>>,
    /// May not sign in or use tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked: Option<bool>,
    /// Address of the last sign-in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_ip: Option<String>,
    /// Time of the last sign-in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_login: Option<String>,
    /// Time of the last password change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_password_reset: Option<String>,
    /// How often they signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logins_count: Option<i64>,
    /// Further standard claims, such as `locale` or `address`, when the record has them.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub claims: Map<String, Value>,
}

impl User {
    /// Whether an administrator shut the account.
    pub fn is_blocked(&self) -> bool {
        self.blocked.unwrap_or(false)
    }
}

/// One account of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Identity {
    /// Name of the connection.
    pub connection: String,
    /// Id at the provider: the part of `user_id` behind the bar.
    pub user_id: String,
    /// `auth0` for databases.
    pub provider: String,
    /// Camel case on the wire.
    #[serde(rename = "isSocial")]
    pub is_social: bool,
    /// What the account said of its owner when it was linked; the primary has none.
    #[serde(default, rename = "profileData", skip_serializing_if = "Option::is_none")]
    pub profile_data: Option<Map<String, Value>>,
}

impl Identity {
    /// The user id that the account was made with: `auth0|...`.
    pub fn account(&self) -> String {
        format!("{}|{}", self.provider, self.user_id)
    }
}
