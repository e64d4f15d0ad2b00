//! An authorize request that passed its checks: what the transaction remembers and the answer needs.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::claims::RequestedClaims;
use crate::scope::OPENID;

use super::{AuthorizationDetail, Challenge, Device, RedirectUri, ResponseMode, ResponseType};

/// A checked request of `/authorize` (OpenID Connect Core 3.1.2.1, fact sheet 2.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizeRequest {
    /// The application.
    pub client_id: String,
    /// Where the answer goes.
    pub redirect_uri: RedirectUri,
    /// Whether it was sent: then the code exchange must repeat it.
    pub redirect_uri_sent: bool,
    /// What the front channel returns.
    pub response_type: ResponseType,
    /// How.
    pub response_mode: ResponseMode,
    /// Echoed byte for byte.
    pub state: Option<String>,
    /// Copied to the ID token.
    pub nonce: Option<String>,
    /// As asked for.
    pub scope: String,
    /// Identifier of the API; `None` is userinfo only.
    pub audience: Option<String>,
    /// APIs that are decided about after that one, the last first (RFC 8707); what it is for in the end is the first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further: Vec<String>,
    /// PKCE.
    pub challenge: Option<Challenge>,
    /// `prompt`.
    pub prompts: Prompts,
    /// Seconds since the user last proved who they are.
    pub max_age: Option<i64>,
    /// `acr_values` asks for a second factor.
    #[serde(default)]
    pub wants_second_factor: bool,
    /// The ID token says when the user proved who they are, though the request has no `max_age`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub wants_auth_time: bool,
    /// Claims asked for by name (`claims`, OpenID Connect Core 5.5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims: Option<RequestedClaims>,
    /// Prefills the login page.
    pub login_hint: Option<String>,
    /// The page to begin with.
    pub screen_hint: Option<ScreenHint>,
    /// Languages wanted, best first, space separated.
    pub ui_locales: Option<String>,
    /// The connection to sign in with.
    pub connection: Option<String>,
    /// The organization to sign in to, as named: by id, or by name.
    #[serde(default)]
    pub organization: Option<String>,
    /// The ticket of an invitation to it.
    #[serde(default)]
    pub invitation: Option<String>,
    /// Thumbprint of the key that whoever redeems the code must hold (RFC 9449, section 10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpop_jkt: Option<String>,
    /// What exactly the application wants to do (RFC 9396).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorization_details: Vec<AuthorizationDetail>,
    /// `sub` of a verified `id_token_hint`, or that `claims` demands: as the application knows the user.
    pub hinted_user: Option<String>,
    /// The device that waits for the answer (RFC 8628): nothing goes to `redirect_uri` then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Device>,
}

fn is_false(value: &bool) -> bool {
    !value
}

impl AuthorizeRequest {
    /// The scopes that have to be allowed before everything is told that is asked for: those of `scope`, and those that would
    /// give the claims that are asked for by name. Without `openid` claims mean nothing.
    pub fn scope_with_claims(&self) -> Cow<'_, str> {
        let names: Vec<&str> = self.scope.split(' ').collect();
        let Some(claims) = self.claims.as_ref().filter(|_| names.contains(&OPENID)) else {
            return Cow::Borrowed(&self.scope);
        };
        let more: Vec<&str> = claims.scopes().into_iter().filter(|scope| !names.contains(scope)).collect();
        if more.is_empty() {
            Cow::Borrowed(&self.scope)
        } else {
            format!("{} {}", self.scope, more.join(" ")).into()
        }
    }
}

/// `prompt`: a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompts {
    /// Never show a page.
    pub none: bool,
    /// Ask for credentials even with a session.
    pub login: bool,
    /// Ask for consent even when given.
    pub consent: bool,
    /// Let the user choose an account.
    pub select_account: bool,
}

impl Prompts {
    /// Reads the space separated set. Unknown values are left out (fact sheet 2.1: unknown parameters are ignored);
    /// `none` beside others is refused (OpenID Connect Core 3.1.2.1).
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let mut out = Self::default();
        let words = || text.split(' ').filter(|w| !w.is_empty());
        for word in words() {
            match word {
                "none" => out.none = true,
                "login" => out.login = true,
                "consent" => out.consent = true,
                "select_account" => out.select_account = true,
                _ => {}
            }
        }
        if out.none && words().count() > 1 {
            return Err("prompt=none cannot be combined with other values");
        }
        Ok(out)
    }
}

/// `screen_hint`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScreenHint {
    /// Begin with sign-up.
    Signup,
    /// Begin with "forgot password".
    ResetPassword,
}

impl ScreenHint {
    /// Reads the wire's name; others are ignored.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "signup" => Some(Self::Signup),
            "reset-password" | "reset_password" => Some(Self::ResetPassword),
            _ => None,
        }
    }
}
