//! What a decision is made of.

use super::{AskedScopes, UserPermissions};
use crate::model::{Api, Client, ClientGrant};

/// Everything the decision depends on. It only borrows, and copying it is cheap.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// How the token is asked for.
    pub flow: Flow<'a>,
    /// Who asks.
    pub client: &'a Client,
    /// For which API.
    pub target: Target<'a>,
    /// The `scope` parameter.
    pub asked: &'a AskedScopes<'a>,
    /// What [`super::client_grant`] found for the flow's kind of subject.
    pub grant: Option<&'a ClientGrant>,
    /// What the user holds; [`UserPermissions::NONE`] for machines. Only read where RBAC is on, which it always is on
    /// the Management API.
    pub permissions: &'a UserPermissions<'a>,
    /// Scopes the user consented to. `None` where consent is not needed or not asked yet: the decision then says what
    /// there is to consent to.
    pub consented: Option<&'a [String]>,
    /// The organization of a machine request (see [`super::machine_organization`]). Organizations of user flows act
    /// through `permissions`.
    pub organization: Option<MachineOrganization>,
}

/// How a token is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow<'a> {
    /// `response_type=code`.
    Code,
    /// `token`, `id_token`, `id_token token`: no code.
    Implicit,
    /// `code` beside others.
    Hybrid,
    /// Resource owner password.
    Password,
    /// The same with a realm.
    PasswordRealm,
    /// One-time codes by mail or SMS.
    Passwordless,
    /// A passkey that an application asked for itself.
    Passkey,
    /// RFC 8628.
    DeviceCode,
    /// Client-initiated backchannel authentication.
    Backchannel,
    /// RFC 8693.
    TokenExchange {
        /// Which of its uses.
        kind: ExchangeKind,
        /// Whether somebody acts for the user.
        has_actor: bool,
    },
    /// RFC 8693: an API calls another one for the user whose token it was sent, or keeps less of that token for itself. No
    /// more comes of it than the token, the user and the API's own client grant have in common.
    OnBehalfOf(Original<'a>),
    /// A code is exchanged: what was granted at `/authorize` is judged again, so that what was taken away in between
    /// does not come back. `asked` is not read.
    CodeExchange(Original<'a>),
    /// A refresh token is exchanged.
    Refresh(Original<'a>),
    /// The application acts for itself.
    ClientCredentials,
}

/// What a code, a refresh token or the token of a user stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Original<'a> {
    /// Scopes granted at sign-in.
    pub granted: &'a [String],
    /// Identifier of the API of the sign-in; `None` is userinfo only.
    pub audience: Option<&'a str>,
}

/// Uses of token exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExchangeKind {
    /// A profile of the administrator's.
    Custom,
    /// A token of a social provider from its native SDK.
    NativeSocial,
}

/// For which API.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// None: the token is good at `/userinfo` only.
    Userinfo,
    /// An API.
    Api(&'a Api),
    /// The Management API: in user flows the scopes of [`super::CURRENT_USER`], and those that both a client grant of a
    /// first-party application lists and the user holds; in machine flows it is an API as any other.
    Management(&'a Api),
}

/// The organization of a machine request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MachineOrganization {
    /// Whether the organization has the client grant associated. Not read where the grant allows any organization.
    pub has_grant: bool,
}

impl Flow<'_> {
    /// Whether no user takes part.
    pub fn is_machine(&self) -> bool {
        matches!(self, Self::ClientCredentials)
    }

    /// Whether typing the password at the application stands for trusting it with everything.
    pub fn is_password(&self) -> bool {
        matches!(self, Self::Password | Self::PasswordRealm)
    }

    /// Whether the flow can end in a refresh token. Hybrid flows can: their code is exchanged.
    pub(super) fn gives_refresh_token(&self) -> bool {
        match self {
            Self::Implicit | Self::ClientCredentials | Self::OnBehalfOf(_) => false,
            Self::TokenExchange { has_actor, .. } => !has_actor,
            Self::Code
            | Self::Hybrid
            | Self::Password
            | Self::PasswordRealm
            | Self::Passwordless
            | Self::Passkey
            | Self::DeviceCode
            | Self::Backchannel
            | Self::CodeExchange(_)
            | Self::Refresh(_) => true,
        }
    }
}

impl<'a> Target<'a> {
    /// The API, if there is one.
    pub fn api(&self) -> Option<&'a Api> {
        match self {
            Self::Userinfo => None,
            Self::Api(api) | Self::Management(api) => Some(api),
        }
    }

    /// Its identifier.
    pub fn audience(&self) -> Option<&'a str> {
        self.api().map(|api| api.identifier.as_str())
    }
}
