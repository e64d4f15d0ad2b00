//! What OpenID Connect and dynamic registration know of an application beside the members of the Management API.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Client;

/// Metadata of an application (OpenID Connect Dynamic Client Registration 1.0, section 2; RFC 7591, section 2) that has no
/// member of its own. The published Management API shows none of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct OpenId {
    /// When the application registered itself, seconds; `None` where an administrator made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registered_at: Option<i64>,
    /// SHA-256 of the token that its registration is read and changed with (RFC 7592), base64url.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration_token_sha256: Option<String>,
    /// `web` or `native`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_type: Option<String>,
    /// What it may ask of `/authorize`, as it was registered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub response_types: Vec<String>,
    /// Mail addresses of people.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<String>,
    /// Its page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    /// What it does with people's data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<String>,
    /// Its terms of service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<String>,
    /// Where its keys are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// Its keys: a JWK set of public ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Value>,
    /// Its users have another `sub` than elsewhere: [`OpenId::sector`] says whose.
    #[serde(skip_serializing_if = "is_false")]
    pub pairwise: bool,
    /// Names the applications that are one sector.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sector_identifier_uri: Option<String>,
    /// The host of that, or of its callbacks (OpenID Connect Core 8.1). It stays what it was when callbacks change later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sector: Option<String>,
    /// Answers of `/userinfo` are signed so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_signed_response_alg: Option<String>,
    /// Its ID tokens are encrypted so (`alg`), with a key of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token_encrypted_response_alg: Option<String>,
    /// The same: `enc`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token_encrypted_response_enc: Option<String>,
    /// Answers of `/userinfo` are encrypted so (`alg`), with a key of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_encrypted_response_alg: Option<String>,
    /// The same: `enc`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_encrypted_response_enc: Option<String>,
    /// Its requests of `/authorize` may be encrypted (`alg`), with a key of the tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_object_encryption_alg: Option<String>,
    /// The same: `enc`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_object_encryption_enc: Option<String>,
    /// Its requests of `/authorize` are signed so and not otherwise; `none` are those that are not signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_object_signing_alg: Option<String>,
    /// Its assertions are signed so and not otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_signing_alg: Option<String>,
    /// How it learns that a user answered who is elsewhere (OpenID CIBA Core 1.0, section 4): `poll`, the default, or `ping`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel_token_delivery_mode: Option<String>,
    /// Where it is told, with `ping`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel_client_notification_endpoint: Option<String>,
    /// Where its requests lie that `request_uri` names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub request_uris: Vec<String>,
    /// `max_age` of requests that have none, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_max_age: Option<i64>,
    /// ID tokens say when the user proved who they are.
    #[serde(skip_serializing_if = "is_false")]
    pub require_auth_time: bool,
    /// `acr_values` of requests that have none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub default_acr_values: Vec<String>,
    /// Names the software among those of one kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_id: Option<String>,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_version: Option<String>,
}

/// The way of delivery by which applications are told that their user answered.
pub const PING: &str = "ping";

impl Client {
    /// The sector whose `sub` the application's users have; `None` where theirs is everybody's.
    pub fn pairwise_sector(&self) -> Option<&str> {
        let openid = self.openid.as_deref()?;
        openid.sector.as_deref().filter(|_| openid.pairwise)
    }

    /// Whether the application registered itself.
    pub fn registered_itself(&self) -> bool {
        self.openid.as_ref().is_some_and(|openid| openid.registered_at.is_some())
    }
}

fn is_false(value: &bool) -> bool {
    !value
}
