//! What the server remembers between requests: sessions, authorizations and the artefacts that hang on them.
//!
//! An [`Authorization`] is one "yes": the code, the refresh tokens and the opaque access tokens that come from one
//! sign-in and consent all carry its id, so that one revocation reaches all of them (security case 19).

use serde::{Deserialize, Serialize};

use crate::chain::ChainKey;
use crate::claims::RequestedClaims;
use crate::oauth::AuthorizationDetail;
use crate::params::Params;
use crate::second_factor::NewFactor;

/// What was allowed to whom, decided once and carried by code, refresh token and opaque access token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Authorization {
    /// Time-ordered; the family of everything issued under it.
    pub id: String,
    /// The application it was given to.
    pub client_id: String,
    /// The user who gave it.
    pub user_id: String,
    /// Identifier of the API; `None` is userinfo only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// Granted scopes, in order.
    pub scope: Vec<String>,
    /// The browser session (`sid`), for flows that have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// When the user proved who they are, seconds.
    pub auth_time: i64,
    /// `org_...`, when signed in to an organization.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<String>,
    /// `gty` of the first token: `password`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gty: Option<String>,
    /// Connection the user signed in with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// Claims beside those of the scopes, as far as the user allowed them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claims: Option<RequestedClaims>,
    /// What exactly was allowed (RFC 9396).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authorization_details: Vec<AuthorizationDetail>,
    /// What was allowed at other APIs (RFC 8707): each token is for one of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub further: Vec<ResourceGrant>,
}

/// What was allowed at one more API.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ResourceGrant {
    /// Identifier of the API.
    pub audience: String,
    /// Granted scopes, in order.
    pub scope: Vec<String>,
}

impl Authorization {
    /// The same at one of the other APIs: what was allowed there, and nothing of what was allowed at the first.
    pub fn at(&self, audience: &str) -> Option<Self> {
        let there = self.further.iter().find(|there| there.audience == audience)?;
        Some(Self {
            audience: Some(there.audience.clone()),
            scope: there.scope.clone(),
            authorization_details: Vec::new(),
            further: Vec::new(),
            ..self.clone()
        })
    }
}

/// An authorization code as stored; the code itself is a handle.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CodeRecord {
    /// What the code stands for.
    pub authorization: Authorization,
    /// The redirect URI of the request, when it was sent: the exchange must repeat it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<String>,
    /// RFC 7636.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_challenge: Option<String>,
    /// `S256` or `plain`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_challenge_method: Option<String>,
    /// Copied to the ID token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// Whether the ID token carries `auth_time` (`max_age` or `prompt=login` was sent).
    pub with_auth_time: bool,
    /// Whether the ID token says that a second factor was shown.
    #[serde(skip_serializing_if = "is_false")]
    pub with_second_factor: bool,
    /// A device redeems it, and nothing else (RFC 8628).
    #[serde(skip_serializing_if = "is_false")]
    pub for_device: bool,
    /// Thumbprint of the key that its sender must hold (RFC 9449, section 10).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dpop_jkt: Option<String>,
    /// Seconds.
    pub expires_at: i64,
}

/// What a device asks for, while it waits for its user (RFC 8628).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeviceRecord {
    /// The application.
    pub client_id: String,
    /// As asked for.
    pub scope: String,
    /// Identifier of the API; `None` is userinfo only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// The organization to sign in to, as named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// What exactly the application wants to do (RFC 9396).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authorization_details: Vec<AuthorizationDetail>,
    /// As the device shows it; where no device asks, what the link of the mail holds.
    pub user_code: String,
    /// Seconds.
    pub expires_at: i64,
    /// No device: an application asks for a user who is elsewhere (CIBA).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel: Option<Backchannel>,
}

/// Whom an application asks for, and what with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Backchannel {
    /// The user; nobody else can answer.
    pub user_id: String,
    /// What both the application and the page show.
    pub message: String,
}

/// A refresh token as stored. A rotating one keeps its record through all its exchanges; what changes with each is the
/// secret that is good now, which the store keeps beside the record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RefreshRecord {
    /// Id part of the handle, the same in every successor.
    pub id: String,
    /// Tells secrets that were good once from made-up ones.
    pub chain: ChainKey,
    /// What it stands for. `authorization.id` is the family.
    pub authorization: Authorization,
    /// Whether each exchange replaces the secret.
    pub rotating: bool,
    /// Seconds, when the first secret was handed out: rotation does not extend the absolute end.
    #[serde(rename = "family_created_at")]
    pub created_at: i64,
    /// Absolute end in seconds; `None` never ends.
    pub expires_at: Option<i64>,
    /// End of idleness in seconds; `None` never ends.
    pub idle_expires_at: Option<i64>,
    /// When the secret before the one that is good now was exchanged, seconds: the leeway begins here.
    pub rotated_at: Option<i64>,
    /// Last exchange, seconds.
    pub last_exchanged_at: Option<i64>,
    /// Address that obtained it first.
    pub initial_ip: Option<String>,
    /// User agent that obtained it first.
    pub initial_user_agent: Option<String>,
    /// Thumbprint of the key that a public application must hold to exchange it (RFC 9449, section 5).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jkt: Option<String>,
    /// SHA-256 of the certificate that a public application must show to exchange it (RFC 8705, section 4).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x5t: Option<String>,
}

/// An opaque access token as stored: good at `/userinfo` only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OpaqueRecord {
    /// What it stands for.
    pub authorization: Authorization,
    /// Seconds.
    pub expires_at: i64,
    /// Thumbprint of the key that its sender must hold (RFC 9449).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jkt: Option<String>,
    /// SHA-256 of the certificate that its sender must show (RFC 8705, section 3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x5t: Option<String>,
}

/// A browser session of a user (`sid` is its id).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Session {
    /// Id part of the handle in the cookie.
    pub id: String,
    /// Who is signed in.
    pub user_id: String,
    /// Seconds.
    pub created_at: i64,
    /// When they last proved who they are, seconds.
    pub authenticated_at: i64,
    /// Seconds.
    pub last_active_at: i64,
    /// Absolute end, seconds.
    pub expires_at: i64,
    /// End of idleness, seconds.
    pub idle_expires_at: i64,
    /// Connection they signed in with.
    pub connection: String,
    /// Applications that took part, oldest first.
    pub clients: Vec<String>,
    /// Address of the sign-in.
    pub initial_ip: Option<String>,
    /// User agent of the sign-in.
    pub initial_user_agent: Option<String>,
    /// When they proved it by a second factor too, seconds.
    pub second_factor_at: Option<i64>,
    /// They signed in in a browser that is remembered for having shown one.
    pub is_remembered: bool,
    /// The issuer that they signed in at, where that is known.
    pub issuer: Option<String>,
}

/// A consent of a user: fact sheet 4.3. On the wire of the Management API `client_id` is `clientID`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Consent {
    /// 24 hexadecimal digits.
    pub id: String,
    /// Who consented.
    pub user_id: String,
    /// To whose access.
    pub client_id: String,
    /// To which API; empty is userinfo only.
    pub audience: String,
    /// In which organization; empty is none.
    pub organization_id: String,
    /// To which scopes.
    pub scope: Vec<String>,
    /// To which not, although asked: nobody asks again by itself.
    pub declined: Vec<String>,
    /// Not asked for, because the application may skip consent; kept because refresh tokens hang on it.
    pub implicit: bool,
}

/// A one-time link mailed to a user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ticket {
    /// What it is good for: `reset-password`, `verify-email`, `enrol-factor`.
    pub purpose: String,
    /// For whom.
    pub user_id: String,
    /// The connection concerned.
    pub connection: String,
    /// The address it was mailed to; a later change of address makes it void.
    pub email: String,
    /// The application to return to, if any.
    pub client_id: Option<String>,
    /// Where the browser goes when it is done; an administrator's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result_url: Option<String>,
    /// Whether that address learns the user's.
    #[serde(skip_serializing_if = "is_false")]
    pub shows_email: bool,
    /// It came by a way that proves nothing about the address.
    #[serde(skip_serializing_if = "is_false")]
    pub proves_nothing: bool,
    /// The factor that is made by it, unless that is the user's to choose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub factor: Option<NewFactor>,
    /// It is good for users too who have a factor.
    #[serde(skip_serializing_if = "is_false")]
    pub makes_another: bool,
    /// Seconds.
    pub expires_at: i64,
}

fn is_false(value: &bool) -> bool {
    !value
}

impl Ticket {
    /// Where the browser goes when it is done, with the outcome in its query.
    pub fn landing(&self, message: &str) -> Option<String> {
        let url = self.result_url.as_deref()?;
        let (url, fragment) = url.split_once('#').map_or((url, None), |(url, end)| (url, Some(end)));
        let mut outcome = Params::default();
        if self.shows_email {
            outcome.push("email", self.email.clone());
        }
        outcome.push("success", "true");
        outcome.push("message", message);
        let joint = if url.contains('?') { '&' } else { '?' };
        let fragment = fragment.map(|end| format!("#{end}")).unwrap_or_default();
        Some(format!("{url}{joint}{}{fragment}", outcome.encode()))
    }
}

/// An invitation to an organization. Whoever holds its ticket and signs in with its address becomes a member.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Invitation {
    /// `uinv_` + 16.
    pub id: String,
    /// To which.
    pub organization_id: String,
    /// At which application the login begins.
    pub client_id: String,
    /// By which connection alone, if that is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_id: Option<String>,
    /// Who invites, for people.
    pub inviter: String,
    /// Who is invited: the address of the account.
    pub email: String,
    /// Where the application begins a login.
    pub login_url: String,
    /// Roles that come with the membership.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Goes into the user's `app_metadata`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_metadata: Option<serde_json::Map<String, serde_json::Value>>,
    /// Goes into the user's `user_metadata`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_metadata: Option<serde_json::Map<String, serde_json::Value>>,
    /// Milliseconds.
    pub created_ms: i64,
    /// Seconds.
    pub expires_at: i64,
    /// The ticket, sealed.
    pub sealed_ticket: String,
}

/// Shows no ticket and no address.
impl std::fmt::Debug for Invitation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Invitation").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Invitation {
    /// Whether this is the address it went to.
    pub fn is_for(&self, email: Option<&str>) -> bool {
        email.is_some_and(|email| email.to_lowercase() == self.email.to_lowercase())
    }
}

/// One tenant log event: fact sheet 12. `details` never holds a secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogEvent {
    /// Orders by insertion.
    pub log_id: String,
    /// ISO 8601 with milliseconds.
    pub date: String,
    /// `s`, `f`, `seccft`, ...
    #[serde(rename = "type")]
    pub kind: String,
    /// Failure text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Connection name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// Application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    /// Address of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// User agent of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// Host called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// User.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Their name or what they typed as name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// Audience, scope, grant type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// Granted scope.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Anything else.
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    pub details: serde_json::Map<String, serde_json::Value>,
}
