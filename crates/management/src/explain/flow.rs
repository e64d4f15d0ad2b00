//! The ways to ask for a token, as explanations name them.

use chancery_core::explanation::Refusal;
use chancery_core::model::{Client, SubjectType};
use chancery_core::oauth::{DEVICE_CODE, PASSWORD_REALM};
use serde::Deserialize;

/// How a token is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FlowName {
    #[default]
    AuthorizationCode,
    Implicit,
    Hybrid,
    DeviceCode,
    Password,
    PasswordRealm,
    ClientCredentials,
    RefreshToken,
}

impl FlowName {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::Implicit => "implicit",
            Self::Hybrid => "hybrid",
            Self::DeviceCode => "device_code",
            Self::Password => "password",
            Self::PasswordRealm => "password_realm",
            Self::ClientCredentials => "client_credentials",
            Self::RefreshToken => "refresh_token",
        }
    }

    /// What is meant where nobody says: the code flow, but for an application that signs nobody in.
    pub(super) fn usual(client: &Client) -> Self {
        let signs_in =
            [Self::AuthorizationCode, Self::Implicit, Self::DeviceCode, Self::Password, Self::PasswordRealm];
        let is_machine = signs_in.iter().all(|flow| flow.refusal(client).is_some())
            && Self::ClientCredentials.refusal(client).is_none();
        if is_machine { Self::ClientCredentials } else { Self::AuthorizationCode }
    }

    /// For whom the token speaks.
    pub(super) fn subject(self) -> SubjectType {
        if self == Self::ClientCredentials { SubjectType::Client } else { SubjectType::User }
    }

    /// Whether the user meets our own pages: consent and organizations belong there.
    pub(super) fn is_at_authorize(self) -> bool {
        matches!(self, Self::AuthorizationCode | Self::Implicit | Self::Hybrid | Self::DeviceCode)
    }

    /// Why the application may not use it, as `/authorize` and the token endpoint check it.
    pub(super) fn refusal(self, client: &Client) -> Option<Refusal<'static>> {
        let front_channel = matches!(self, Self::Implicit | Self::Hybrid);
        let password = matches!(self, Self::Password | Self::PasswordRealm);
        let needs_trust = front_channel || self == Self::DeviceCode;
        if (needs_trust && client.is_strict_third_party()) || (password && !client.is_first_party) {
            return Some(Refusal::FlowOfFirstParties);
        }
        let missing = self.grant_types().iter().find(|needed| !client.may_use(needed));
        missing.map(|needed| Refusal::GrantType(needed))
    }

    fn grant_types(self) -> &'static [&'static str] {
        match self {
            Self::AuthorizationCode => &["authorization_code"],
            Self::Implicit => &["implicit"],
            Self::Hybrid => &["authorization_code", "implicit"],
            Self::DeviceCode => &[DEVICE_CODE],
            Self::Password => &["password"],
            Self::PasswordRealm => &[PASSWORD_REALM],
            Self::ClientCredentials => &["client_credentials"],
            Self::RefreshToken => &["refresh_token"],
        }
    }
}
