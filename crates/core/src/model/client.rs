//! An application: fact sheet 1.10 and 1.11.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::OpenId;
use crate::oauth::{ComplianceLevel, Fapi};

/// An application that asks for tokens. Members that are only kept are in `rest`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Client {
    /// For people.
    pub name: String,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// 32 alphanumerics, or `tpc_` + 22 for strict third-party applications.
    pub client_id: String,
    /// The secret, as its digest and sealed; never on the wire as such. The Management API opens it for callers that may
    /// see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<StoredSecret>,
    /// What kind of application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_type: Option<AppType>,
    /// URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<String>,
    /// Ours or somebody else's.
    #[serde(default = "yes")]
    pub is_first_party: bool,
    /// Whether tokens follow OpenID Connect strictly.
    pub oidc_conformant: bool,
    /// Allowed redirect URIs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callbacks: Option<Vec<String>>,
    /// Allowed `returnTo` and `post_logout_redirect_uri` values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_logout_urls: Option<Vec<String>>,
    /// Origins allowed for `web_message` and CORS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web_origins: Option<Vec<String>>,
    /// Origins allowed for CORS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_origins: Option<Vec<String>>,
    /// ID tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwt_configuration: Option<JwtConfiguration>,
    /// Grant types the application may use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant_types: Option<Vec<String>>,
    /// How the application proves itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_method: Option<TokenEndpointAuthMethod>,
    /// Key based authentication.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_authentication_methods: Option<ClientAuthenticationMethods>,
    /// Refresh token settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<RefreshTokenSettings>,
    /// Organizations in user flows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization_usage: Option<ClientOrganizationUsage>,
    /// Whether users are asked for their organization where a request names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization_require_behavior: Option<OrganizationPrompt>,
    /// By which ways users are told that they are asked for (CIBA); `email` acts, and is meant where none is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub async_approval_notification_channels: Option<Vec<String>>,
    /// How strictly a third-party application is held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub third_party_security_mode: Option<SecurityMode>,
    /// `open_redirect_protection` or `allow_always`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirection_policy: Option<String>,
    /// Where a login begins that was not begun by the application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initiate_login_uri: Option<String>,
    /// Off-switch of the confirmation screen; wins over the tenant's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skip_non_verifiable_callback_uri_confirmation_prompt: Option<bool>,
    /// Requests of `/authorize` must have been sent to `/oauth/par` (RFC 9126).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_pushed_authorization_requests: Option<bool>,
    /// Requests of `/authorize` that the application signs (RFC 9101).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_request_object: Option<SignedRequestObject>,
    /// Gets tokens that are bound to a key, and no others (RFC 9449, section 5.2: `dpop_bound_access_tokens`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_proof_of_possession: Option<bool>,
    /// The financial-grade profile that it is held to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compliance_level: Option<ComplianceLevel>,
    /// PKCE with S256 is needed; an extension of ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_pkce: Option<bool>,
    /// The API that the application stands for, where it is one (`app_type` `resource_server`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_server_identifier: Option<String>,
    /// Which tokens the application may exchange (RFC 8693).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_exchange: Option<TokenExchange>,
    /// How the application hears of ends of sessions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oidc_logout: Option<super::OidcLogout>,
    /// Every key and certificate of the application, those in use and the others; shown by `/credentials` alone. Where
    /// `client_authentication_methods` names one, it holds a copy.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub credentials: Vec<CredentialRef>,
    /// Further settings of OpenID Connect and of dynamic registration; never on the wire of the Management API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub openid: Option<Box<OpenId>>,
    /// The "All Applications" placeholder; takes part in nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub global: Option<bool>,
    /// Further members, kept and shown.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// Whether the id of an application is the URL at which it describes itself. Ids of those that are registered are of the server's
/// making.
pub fn is_self_described(client_id: &str) -> bool {
    client_id.starts_with("https://")
}

impl Client {
    /// No secret and no key: a browser or native application.
    pub fn is_public(&self) -> bool {
        self.token_endpoint_auth_method == Some(TokenEndpointAuthMethod::None)
    }

    /// Whether its id is the URL at which it describes itself: nobody registered it.
    pub fn describes_itself(&self) -> bool {
        is_self_described(&self.client_id)
    }

    /// Whether the application may use this grant type.
    pub fn may_use(&self, grant_type: &str) -> bool {
        self.grant_types.iter().flatten().any(|g| g == grant_type)
    }

    /// Whether the application is the API itself, which asks about tokens that it was sent and calls other APIs for its
    /// users (fact sheet 6.3).
    pub fn stands_for(&self, api: &super::Api) -> bool {
        self.app_type == Some(AppType::ResourceServer)
            && self.is_first_party
            && self.resource_server_identifier.as_deref() == Some(api.identifier.as_str())
    }

    /// What it is held to by a financial-grade profile, if by any.
    pub fn fapi(&self) -> Option<Fapi> {
        self.compliance_level.and_then(ComplianceLevel::rules)
    }

    /// Whether the application proves itself with a client certificate (RFC 8705, section 2), and with nothing else.
    pub fn shows_certificate(&self) -> bool {
        self.client_authentication_methods.as_ref().is_some_and(|methods| {
            methods.tls_client_auth.is_some() || methods.self_signed_tls_client_auth.is_some()
        })
    }

    /// Whether a request of `/authorize` without a signature is none of the application's.
    pub fn signs_its_requests(&self) -> bool {
        self.signed_request_object.as_ref().is_some_and(|settings| settings.required == Some(true))
    }

    /// Whether the application may exchange the tokens of users that it was sent.
    pub fn exchanges_on_behalf(&self) -> bool {
        let kinds = self.token_exchange.iter().flat_map(|settings| &settings.allow_any_profile_of_type);
        !self.is_public() && kinds.into_iter().any(|kind| kind == "on_behalf_of_token_exchange")
    }

    /// Whether the application may exchange tokens of others by a profile.
    pub fn exchanges_by_profile(&self) -> bool {
        let kinds = self.token_exchange.iter().flat_map(|settings| &settings.allow_any_profile_of_type);
        self.is_first_party
            && !self.is_public()
            && kinds.into_iter().any(|kind| kind == "custom_authentication")
    }

    /// A third-party application under the strict rules of fact sheet 1.11.
    pub fn is_strict_third_party(&self) -> bool {
        !self.is_first_party && self.third_party_security_mode != Some(SecurityMode::Permissive)
    }

    /// Strict third-party applications with `open_redirect_protection` (fact sheet 1.11): nobody is led there by an error.
    pub fn shows_errors_on_page(&self) -> bool {
        self.is_strict_third_party() && self.redirection_policy.as_deref() != Some("allow_always")
    }

    /// When users are asked for their organization where a request names none: a page of our own asks, so only applications
    /// that may have organizations at all, and strangers never (fact sheet 1.11).
    pub fn organization_prompt(&self) -> OrganizationPrompt {
        match self.organization_usage {
            Some(ClientOrganizationUsage::Allow | ClientOrganizationUsage::Require)
                if self.is_first_party =>
            {
                self.organization_require_behavior.unwrap_or_default()
            }
            _ => OrganizationPrompt::NoPrompt,
        }
    }

    /// Whether the application may, or must, say which organization its users sign in to (fact sheet 11.4). A strict
    /// third-party application has no word in it: the organization itself says whether it is let in.
    pub fn organization_usage_of_users(&self) -> ClientOrganizationUsage {
        match self.is_first_party {
            true => self.organization_usage.unwrap_or(ClientOrganizationUsage::Deny),
            false if self.is_strict_third_party() => ClientOrganizationUsage::Allow,
            false => ClientOrganizationUsage::Deny,
        }
    }

    /// Whether users may go on without an organization.
    pub fn serves_individuals(&self) -> bool {
        self.organization_usage != Some(ClientOrganizationUsage::Require)
    }

    /// The algorithm of ID tokens: HS256 needs a secret, so public applications get RS256 (fact sheet 1.6).
    pub fn id_token_alg(&self) -> &str {
        let alg = self.jwt_configuration.as_ref().and_then(|j| j.alg.as_deref());
        match alg {
            Some("HS256" | "RS256") | None if self.fapi().is_some() => "PS256",
            Some("HS256") | None if self.is_public() || self.is_strict_third_party() => "RS256",
            None if self.oidc_conformant => "RS256",
            None => "HS256",
            Some(alg) => alg,
        }
    }

    /// Seconds an ID token lives.
    pub fn id_token_lifetime(&self) -> i64 {
        self.jwt_configuration.as_ref().and_then(|j| j.lifetime_in_seconds).unwrap_or(36_000)
    }

    /// Refresh token settings, defaults filled in.
    pub fn refresh_token_settings(&self) -> RefreshTokenSettings {
        self.refresh_token.clone().unwrap_or_default()
    }
}

/// A secret of which only the SHA-256 is kept for comparison. Secrets are 384 random bits, so a slow hash adds nothing.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StoredSecret {
    /// SHA-256 of the secret, base64url.
    pub sha256: String,
    /// The secret encrypted with the server's master key: what HS256 ID tokens and `read:client_keys` need.
    pub sealed: String,
}

/// Shows nothing.
impl std::fmt::Debug for StoredSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoredSecret(..)")
    }
}

/// Kinds of application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AppType {
    /// Mobile, desktop, command line.
    Native,
    /// In the browser.
    Spa,
    /// Server-side.
    RegularWeb,
    /// Machine to machine.
    NonInteractive,
    /// Stands for an API.
    ResourceServer,
    /// Any other value the wire allows.
    #[serde(untagged)]
    Other(String),
}

/// ID token settings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct JwtConfiguration {
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifetime_in_seconds: Option<i64>,
    /// Stored only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_encoded: Option<bool>,
    /// Stored only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Map<String, Value>>,
    /// `RS256`, `HS256`, `PS256`, and our extensions `RS512`, `ES256`, `EdDSA`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alg: Option<String>,
}

/// Signed requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SignedRequestObject {
    /// Whether there are no others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required: Option<bool>,
    /// The keys, among [`Client::credentials`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Vec<CredentialName>>,
}

/// Names one of [`Client::credentials`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CredentialName {
    /// `cred_` + 16 or more.
    pub id: String,
}

/// Token exchange settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TokenExchange {
    /// `on_behalf_of_token_exchange`, `custom_authentication`.
    pub allow_any_profile_of_type: Vec<String>,
}

/// Secret-based and public client authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenEndpointAuthMethod {
    /// Public.
    None,
    /// In the body.
    ClientSecretPost,
    /// HTTP Basic.
    ClientSecretBasic,
}

/// Key-based client authentication; when present the secret no longer works.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ClientAuthenticationMethods {
    /// RFC 7523.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_key_jwt: Option<PrivateKeyJwt>,
    /// RFC 8705, section 2.1: a certificate of an authority, with one of these subjects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth: Option<CertificateNames>,
    /// RFC 8705, section 2.2: one of these certificates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub self_signed_tls_client_auth: Option<CertificateNames>,
}

/// Names credentials that certificates are compared with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CertificateNames {
    /// Among [`Client::credentials`].
    pub credentials: Vec<CredentialName>,
}

/// Credentials an assertion may be signed with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PrivateKeyJwt {
    /// At most two.
    pub credentials: Vec<CredentialRef>,
}

/// A public key of an application. Beyond `id` the members are kept for verification and shown by `/credentials`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CredentialRef {
    /// `cred_` + 16 or more.
    pub id: String,
    /// `public_key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential_type: Option<String>,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Key id expected in the assertion's header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// The only algorithm accepted with the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alg: Option<String>,
    /// PEM of the public key or certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pem: Option<String>,
    /// ISO 8601.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
    /// ISO 8601.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<String>,
    /// ISO 8601; not accepted afterwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// Subject of a client certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject_dn: Option<String>,
    /// SHA-256 of a client certificate, base64url.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbprint_sha256: Option<String>,
}

/// Refresh token settings: fact sheet 7. Defaults are those of an application made through the API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RefreshTokenSettings {
    /// Whether each exchange gives a new token.
    pub rotation_type: RotationType,
    /// Whether tokens end.
    pub expiration_type: ExpirationType,
    /// Seconds in which the previous token still works.
    pub leeway: i64,
    /// Seconds, absolute.
    pub token_lifetime: i64,
    /// No absolute end.
    pub infinite_token_lifetime: bool,
    /// No end of idleness.
    pub infinite_idle_token_lifetime: bool,
    /// Seconds since the last exchange.
    pub idle_token_lifetime: i64,
    /// Further APIs a refresh token may be used for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policies: Option<Vec<RefreshTokenPolicy>>,
}

impl Default for RefreshTokenSettings {
    fn default() -> Self {
        Self {
            rotation_type: RotationType::NonRotating,
            expiration_type: ExpirationType::NonExpiring,
            leeway: 0,
            token_lifetime: 2_592_000,
            infinite_token_lifetime: true,
            infinite_idle_token_lifetime: true,
            idle_token_lifetime: 1_296_000,
            policies: None,
        }
    }
}

/// Multi-resource refresh tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RefreshTokenPolicy {
    /// Identifier of the API.
    pub audience: String,
    /// Scopes allowed there.
    #[serde(default)]
    pub scope: Vec<String>,
}

/// Rotation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RotationType {
    /// Each exchange gives a new token and spends the old one.
    Rotating,
    /// One token for the whole life.
    #[default]
    NonRotating,
}

/// Expiration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ExpirationType {
    /// The lifetimes hold.
    Expiring,
    /// They do not.
    #[default]
    NonExpiring,
}

/// Organizations in user flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientOrganizationUsage {
    /// Refused.
    Deny,
    /// Optional.
    Allow,
    /// Needed.
    Require,
}

/// `organization_require_behavior`: when users are asked for their organization.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrganizationPrompt {
    /// Never: the application names it.
    #[default]
    NoPrompt,
    /// By its name, before they sign in.
    PreLoginPrompt,
    /// Among their own, after they signed in.
    PostLoginPrompt,
}

/// Third-party security modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SecurityMode {
    /// The rules of fact sheet 1.11.
    Strict,
    /// As first-party, but always with consent.
    Permissive,
}

fn yes() -> bool {
    true
}
