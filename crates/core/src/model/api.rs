//! An API (resource server): fact sheet 1.1.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An API whose access tokens this server issues. Members in the order the wire shows them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Api {
    /// 24 hexadecimal digits.
    pub id: String,
    /// For people; `<` and `>` are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The `audience` of requests and the `aud` of tokens; compared byte for byte, never changed.
    pub identifier: String,
    /// True for the APIs of this server itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_system: Option<bool>,
    /// Whether `offline_access` can be granted.
    #[serde(default)]
    pub allow_offline_access: bool,
    /// Whether `online_access` can be granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_online_access: Option<bool>,
    /// Stored only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_online_access_with_ephemeral_sessions: Option<bool>,
    /// First-party applications with a verifiable callback are not asked for consent.
    #[serde(default)]
    pub skip_consent_for_verifiable_first_party_clients: bool,
    /// Which applications may ask at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_type_authorization: Option<SubjectTypeAuthorization>,
    /// Seconds an access token lives, 1..=2592000.
    #[serde(default = "day")]
    pub token_lifetime: i64,
    /// Seconds an access token from the front channel lives.
    #[serde(default = "two_hours")]
    pub token_lifetime_for_web: i64,
    /// Stored only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_lifetime_for_anonymous_access_tokens: Option<i64>,
    /// The algorithm of access tokens.
    #[serde(default)]
    pub signing_alg: SigningAlg,
    /// The key of HS256 tokens, at least 16 characters, encrypted with the server's master key. Never on the wire as such:
    /// the Management API opens it as `signing_secret`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed_signing_secret: Option<String>,
    /// The scopes the API defines, absent until first set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<ScopeDefinition>>,
    /// RBAC: tokens carry only what the user is permitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enforce_policies: Option<bool>,
    /// The shape of access tokens; absent is `access_token`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_dialect: Option<Dialect>,
    /// Access tokens are encrypted for the API (fact sheet 1.6): `format`, and `encryption_key` with `alg`, `pem` and `kid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_encryption: Option<Value>,
    /// Stored only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent_policy: Option<String>,
    /// Stored only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub require_consent_non_repudiation: Option<bool>,
    /// The types of `authorization_details` that it knows (RFC 9396), each an object with `type`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_details: Option<Vec<Value>>,
    /// Whether tokens are bound to a key of the application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof_of_possession: Option<ProofOfPossession>,
    /// Stored only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_policy: Option<Value>,
    /// Stored only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token: Option<Value>,
    /// The application that stands for this API, if one was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
}

impl Api {
    /// One of which nothing is said (fact sheet 1.1), with the access policy that newly made ones have.
    pub fn unnamed() -> Self {
        Self {
            id: String::new(),
            name: None,
            identifier: String::new(),
            is_system: None,
            allow_offline_access: false,
            allow_online_access: None,
            allow_online_access_with_ephemeral_sessions: None,
            skip_consent_for_verifiable_first_party_clients: false,
            subject_type_authorization: Some(SubjectTypeAuthorization {
                client: Some(ClientPolicy { policy: Policy::RequireClientGrant }),
                user: Some(UserPolicy { policy: Policy::AllowAll }),
                anonymous_user: None,
            }),
            token_lifetime: 86_400,
            token_lifetime_for_web: 7_200,
            token_lifetime_for_anonymous_access_tokens: None,
            signing_alg: SigningAlg::RS256,
            sealed_signing_secret: None,
            scopes: None,
            enforce_policies: None,
            token_dialect: None,
            token_encryption: None,
            consent_policy: None,
            require_consent_non_repudiation: None,
            authorization_details: None,
            proof_of_possession: None,
            authorization_policy: None,
            access_token: None,
            client_id: None,
        }
    }

    /// The scopes defined now, in their order.
    pub fn live_scopes(&self) -> impl Iterator<Item = &str> {
        self.scopes.iter().flatten().map(|s| s.value.as_str())
    }

    /// Whether the API defines this scope; exact and case-sensitive.
    pub fn defines(&self, scope: &str) -> bool {
        self.live_scopes().any(|s| s == scope)
    }

    /// The types of `authorization_details` that it knows.
    pub fn details_types(&self) -> impl Iterator<Item = &str> {
        self.authorization_details.iter().flatten().filter_map(|known| known.get("type")?.as_str())
    }

    /// What users can say to this scope on the consent page. What the API does not define goes with everything else.
    pub fn consent_to(&self, scope: &str) -> ScopeConsent {
        let defined = self.scopes.iter().flatten().find(|defined| defined.value == scope);
        defined.and_then(|defined| defined.consent).unwrap_or_default()
    }

    /// Whether RBAC is on.
    pub fn enforces_policies(&self) -> bool {
        self.enforce_policies.unwrap_or(false)
    }

    /// Whether it matters what its users hold: RBAC is on, or this is the Management API, where it cannot be off.
    pub fn asks_for_permissions(&self) -> bool {
        self.enforces_policies() || (self.is_system() && !self.is_about_factors())
    }

    /// The dialect in force.
    pub fn dialect(&self) -> Dialect {
        self.token_dialect.unwrap_or_default()
    }

    /// The access policy in force for user flows: `allow_all` unless set.
    pub fn user_policy(&self) -> Policy {
        self.subject_type_authorization
            .as_ref()
            .and_then(|s| s.user.as_ref())
            .map(|u| u.policy)
            .unwrap_or(Policy::AllowAll)
    }

    /// The access policy in force for machine flows: `require_client_grant` unless set.
    pub fn client_policy(&self) -> Policy {
        let set = self.subject_type_authorization.as_ref().and_then(|s| s.client.as_ref()).map(|c| c.policy);
        set.unwrap_or(Policy::RequireClientGrant)
    }

    /// How tokens for this application must be bound to a key of its own, if they must (fact sheet 1.1): `dpop` or `mtls`.
    pub fn demanded_binding(&self, client: &super::Client) -> Option<&str> {
        let demanded = self.proof_of_possession.as_ref().filter(|proof| proof.required)?;
        let for_all = demanded.required_for.as_deref() != Some("public_clients");
        (for_all || client.is_public()).then_some(demanded.mechanism.as_str())
    }

    /// Whether this is one of the server's own APIs.
    pub fn is_system(&self) -> bool {
        self.is_system.unwrap_or(false)
    }
}

/// One scope of an API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScopeDefinition {
    /// The scope token: no spaces, at most 280 characters.
    pub value: String,
    /// For people; echoed exactly as sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether users may leave it out on the consent page (an extension); absent is required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<ScopeConsent>,
}

/// What users can say to a scope on the consent page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScopeConsent {
    /// Yes, or no to everything.
    #[default]
    Required,
    /// Yes at first; they may untick it.
    Optional,
    /// No at first; they tick it where they mean it.
    Sensitive,
}

/// Algorithms an access token can be signed with. `ES256` and `EdDSA` are extensions of ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum SigningAlg {
    /// HMAC with the API's own secret.
    HS256,
    /// The default.
    #[default]
    RS256,
    /// RSA PKCS#1 with SHA-512.
    RS512,
    /// RSA-PSS.
    PS256,
    /// ECDSA on P-256.
    ES256,
    /// Ed25519.
    EdDSA,
}

/// The four token dialects: fact sheet 1.7.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// `typ` `JWT`, `azp`, `gty`.
    #[default]
    AccessToken,
    /// The same with `permissions`.
    AccessTokenAuthz,
    /// RFC 9068: `typ` `at+jwt`, `client_id`, `jti`.
    Rfc9068Profile,
    /// The same with `permissions`.
    Rfc9068ProfileAuthz,
}

impl Dialect {
    /// Whether tokens carry `permissions` when RBAC is on.
    pub fn shows_permissions(self) -> bool {
        matches!(self, Self::AccessTokenAuthz | Self::Rfc9068ProfileAuthz)
    }

    /// Whether tokens follow RFC 9068.
    pub fn is_rfc9068(self) -> bool {
        matches!(self, Self::Rfc9068Profile | Self::Rfc9068ProfileAuthz)
    }
}

/// Which applications may ask for the API, by kind of subject: fact sheet 1.4.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SubjectTypeAuthorization {
    /// Machine flows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientPolicy>,
    /// User flows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserPolicy>,
    /// Anonymous sessions; stored only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anonymous_user: Option<ClientPolicy>,
}

/// Policy of machine flows: never `allow_all`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientPolicy {
    /// `require_client_grant` or `deny_all`.
    pub policy: Policy,
}

/// Policy of user flows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserPolicy {
    /// Any of the three.
    pub policy: Policy,
}

/// An application access policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// Any application may ask for any scope of the API.
    AllowAll,
    /// A client grant is needed and is the ceiling.
    RequireClientGrant,
    /// Refused whatever grants exist.
    DenyAll,
}

/// Sender-constrained tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProofOfPossession {
    /// `mtls` or `dpop`.
    pub mechanism: String,
    /// Whether tokens without proof are refused.
    pub required: bool,
    /// `public_clients` or `all_clients`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required_for: Option<String>,
}

fn day() -> i64 {
    86_400
}

fn two_hours() -> i64 {
    7_200
}
