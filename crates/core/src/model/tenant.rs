//! Settings of a tenant that change authorization, sessions and pages: fact sheet 1.9 and 8.2.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::SecurityMode;

/// The settings document of a tenant. Members not acted on are kept in `rest`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TenantSettings {
    /// Shown to people on pages and in mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub friendly_name: Option<String>,
    /// URL of a logo.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture_url: Option<String>,
    /// Shown on error pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub support_email: Option<String>,
    /// Shown on error pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub support_url: Option<String>,
    /// Used by requests that name no `audience`; empty is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_audience: Option<String>,
    /// Connection of password grants; empty is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_directory: Option<String>,
    /// `audience` or `compatibility` (RFC 8707 `resource` is heard). Absent is `compatibility`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_parameter_profile: Option<String>,
    /// Whether `/oauth/par` is there (RFC 9126). Absent is no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pushed_authorization_requests_supported: Option<bool>,
    /// URLs `/v2/logout` and `/oidc/logout` may lead to without an application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_logout_urls: Option<Vec<String>>,
    /// Languages of pages, first is the default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled_locales: Option<Vec<String>>,
    /// Hours; absolute. Absent is 168.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_lifetime: Option<f64>,
    /// Hours since the last activity. Absent is 72.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_session_lifetime: Option<f64>,
    /// How the browser keeps the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_cookie: Option<SessionCookie>,
    /// Where bookmarked login pages lead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_redirection_uri: Option<String>,
    /// Off-switch of the confirmation screen for loopback and custom-scheme callbacks (fact sheet 2.9).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skip_non_verifiable_callback_uri_confirmation_prompt: Option<bool>,
    /// Requests may name organizations by their names, and tokens say them (`org_name`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_organization_name_in_authentication_api: Option<bool>,
    /// The codes that people type for their devices (RFC 8628).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_flow: Option<DeviceFlow>,
    /// Client certificates (RFC 8705).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtls: Option<MtlsSettings>,
    /// How strictly applications are held that register themselves. Absent is strictly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dynamic_client_registration_security_mode: Option<SecurityMode>,
    /// What `acr_values` may name; empty or absent is anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr_values_supported: Option<Vec<String>>,
    /// Further settings of OpenID Connect; never on the wire of the published Management API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub openid: Option<TenantOpenId>,
    /// Switches.
    pub flags: TenantFlags,
    /// Members that are kept and shown.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// The switches acted on; others are kept in `rest`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TenantFlags {
    /// Consent lists scope descriptions instead of grouped `action:resource` names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_scope_descriptions_for_consent: Option<bool>,
    /// Revoking a refresh token deletes the consent and every refresh token under it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoke_refresh_token_grant: Option<bool>,
    /// Sign-up says that an account exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_public_signup_user_exists_error: Option<bool>,
    /// JWKS entries carry no `alg`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remove_alg_from_jwks: Option<bool>,
    /// Applications may register themselves at `/oidc/register`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_dynamic_client_registration: Option<bool>,
    /// Public clients must use PKCE; an extension of ours, off by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_pkce_for_public_clients: Option<bool>,
    /// First-party applications with a loopback callback skip consent where the API allows; an extension of ours, off
    /// by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skip_consent_on_loopback: Option<bool>,
    /// Applications can ask a frame of ours whether the session is still there (OpenID Connect Session Management 1.0); an
    /// extension of ours, off by default, since browsers keep cookies from frames of other sites more and more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_session_management: Option<bool>,
    /// Others, kept and shown.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl TenantFlags {
    /// See [`TenantFlags::enable_session_management`].
    pub fn has_session_management(&self) -> bool {
        self.enable_session_management.unwrap_or(false)
    }
}

/// Where applications with client certificates call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct MtlsSettings {
    /// Whether discovery names the endpoints that ask for certificates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_endpoint_aliases: Option<bool>,
}

/// Settings of OpenID Connect that are ours.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TenantOpenId {
    /// Where the specifications and the wire that we are compatible with disagree, the specifications count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oidc_strict: Option<bool>,
}

/// What the codes that people type for their devices look like.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DeviceFlow {
    /// Of which characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charset: Option<UserCodeCharset>,
    /// `*` stands for one of them, `-` and space for themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mask: Option<String>,
}

/// The characters of such codes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UserCodeCharset {
    /// Twenty consonants.
    #[default]
    Base20,
    /// Digits.
    Digits,
}

/// The session cookie's mode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SessionCookie {
    /// `persistent` or `non-persistent`.
    pub mode: String,
}

impl TenantSettings {
    /// See [`TenantOpenId::oidc_strict`].
    pub fn is_oidc_strict(&self) -> bool {
        self.openid.as_ref().and_then(|openid| openid.oidc_strict).unwrap_or(false)
    }

    /// Whether applications may register themselves.
    pub fn lets_register(&self) -> bool {
        self.flags.enable_dynamic_client_registration.unwrap_or(false)
    }

    /// The values of `acr_values`, where there are only so many.
    pub fn acr_values(&self) -> Option<&[String]> {
        self.acr_values_supported.as_deref().filter(|values| !values.is_empty())
    }

    /// See [`TenantSettings::allow_organization_name_in_authentication_api`].
    pub fn shows_organization_names(&self) -> bool {
        self.allow_organization_name_in_authentication_api.unwrap_or(false)
    }

    /// Absolute session lifetime in seconds.
    pub fn session_seconds(&self) -> i64 {
        hours(self.session_lifetime.unwrap_or(168.0))
    }

    /// Idle session lifetime in seconds.
    pub fn idle_session_seconds(&self) -> i64 {
        hours(self.idle_session_lifetime.unwrap_or(72.0))
    }

    /// Whether `resource` (RFC 8707) names the API when `audience` is absent.
    pub fn hears_resource(&self) -> bool {
        self.resource_parameter_profile.as_deref() != Some("audience")
    }

    /// The API of requests that name none.
    pub fn default_audience(&self) -> Option<&str> {
        self.default_audience.as_deref().filter(|a| !a.is_empty())
    }

    /// The same in an error where no API has this name (any more), so that whoever named none learns where it is from.
    pub fn unknown_default(&self, named: &str) -> String {
        format!("{named} (the default_audience of the tenant)")
    }

    /// The connection of password grants.
    pub fn default_directory(&self) -> Option<&str> {
        self.default_directory.as_deref().filter(|d| !d.is_empty())
    }

    /// Whether the session cookie outlives the browser.
    pub fn has_persistent_cookie(&self) -> bool {
        self.session_cookie.as_ref().is_none_or(|c| c.mode != "non-persistent")
    }
}

/// At most a hundred years, whatever is stored: it is added to the present.
#[expect(
    clippy::cast_possible_truncation,
    reason = "float to integer casts saturate, and that is wanted here"
)]
fn hours(hours: f64) -> i64 {
    ((hours * 3600.0) as i64).clamp(0, 100 * 365 * 86_400)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_stored_lifetime_is_beyond_arithmetic() {
        for (hours, seconds) in [
            (1.5, 5_400),
            (-1.0, 0),
            (1e300, 100 * 365 * 86_400),
            (f64::INFINITY, 100 * 365 * 86_400),
            (f64::NAN, 0),
        ] {
            let settings = TenantSettings {
                session_lifetime: Some(hours),
                idle_session_lifetime: Some(hours),
                ..TenantSettings::default()
            };
            assert_eq!((settings.session_seconds(), settings.idle_session_seconds()), (seconds, seconds));
        }
    }
}
