//! Servers of others whose signed tokens stand for users here (RFC 8693 with a profile, RFC 7523, and identity assertions).

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One such server, and what its tokens are good for. A document of our own: the published profiles of token exchange name an
/// action, which is code; what is here acts without any.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrustedIssuer {
    /// `tis_` + 16.
    pub id: String,
    /// For people.
    pub name: String,
    /// `iss` of its tokens, letter for letter.
    pub issuer: String,
    /// Where its keys lie.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// Its keys, where they lie nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Value>,
    /// What `aud` of subject tokens may be, beside this server's issuer and token endpoint. Assertions are always for this server.
    pub audiences: Vec<String>,
    /// Ids of the applications that may bring its tokens, and no others.
    pub clients: Vec<String>,
    /// Name of the connection that the users belong to.
    pub connection: String,
    /// How a token names its user.
    pub user: NamedUser,
    /// Ids of the token exchange profiles whose subject tokens it signs.
    pub token_exchange_profiles: Vec<String>,
    /// Whether its tokens are assertions of the JWT bearer grant (RFC 7523).
    pub jwt_bearer: bool,
    /// Whether its identity assertions are (draft-ietf-oauth-identity-assertion-authz-grant).
    pub identity_assertions: bool,
    /// ISO 8601.
    pub created_at: String,
    /// ISO 8601.
    pub updated_at: String,
}

/// How a token names its user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NamedUser {
    /// The claim.
    pub claim: String,
    /// What it holds.
    #[serde(rename = "is")]
    pub kind: UserName,
}

impl Default for NamedUser {
    fn default() -> Self {
        Self { claim: "sub".to_owned(), kind: UserName::default() }
    }
}

/// What names a user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserName {
    /// The id here: `auth0|...`.
    UserId,
    /// The id in the connection: the part behind the bar.
    #[default]
    Identity,
    /// The address, which both sides have to have proven.
    Email,
}

/// What somebody wants of a token of such a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForeignUse<'a> {
    /// To exchange it by the profile with this id.
    Profile(&'a str),
    /// To show it as an assertion.
    Assertion,
    /// The same with one that its server made for this application.
    IdentityAssertion,
}

impl TrustedIssuer {
    /// Whether its tokens are good for this where this application brings them.
    pub fn lets(&self, wanted: ForeignUse<'_>, client_id: &str) -> bool {
        let is_for_it = match wanted {
            ForeignUse::Profile(id) => self.token_exchange_profiles.iter().any(|own| own == id),
            ForeignUse::Assertion => self.jwt_bearer,
            ForeignUse::IdentityAssertion => self.identity_assertions,
        };
        is_for_it && self.clients.iter().any(|own| own == client_id)
    }
}
