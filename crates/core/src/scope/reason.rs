//! Why a scope was granted or not.

use super::PermissionSource;

/// The judgement on one scope. Borrows everything: making one allocates nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason<'a> {
    /// The token carries it.
    Granted {
        /// Because of what.
        by: Grounds<'a>,
    },
    /// It would have been granted, but the request did not name it.
    NotAsked,
    /// The API defines no such scope.
    NotOnApi,
    /// The request named no API, so only standard scopes have a meaning.
    NoApiChosen,
    /// The application's client grant does not hold it.
    OutsideClientGrant,
    /// RBAC is on, as it always is on the Management API, and neither a role nor a direct permission gives it to the user.
    NotPermittedToUser,
    /// The user did not consent to it.
    NotConsented,
    /// A refresh token never gives more than was granted when the user signed in, beside the application's policies.
    NotInOriginalGrant,
    /// A user's token for the Management API carries scopes about the user alone, where the application has no client
    /// grant that lets it administer for users.
    ReservedForMachines,
    /// Strict third-party applications take no part in OpenID Connect.
    OidcNotForThirdParty,
    /// Standard scopes are about a user, and machines have none.
    NoUserInFlow,
    /// The API allows no `offline_access`.
    OfflineNotAllowedByApi,
    /// The API allows no `online_access`.
    OnlineNotAllowedByApi,
    /// The application may not use refresh tokens.
    ClientLacksRefreshGrant,
    /// This flow ends without a refresh token.
    FlowGivesNoRefreshToken,
    /// Nothing stands against the scope itself, but the request as a whole was refused.
    RequestRefused,
}

/// On what a grant rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grounds<'a> {
    /// A standard scope: the application asked and nothing forbids it.
    Standard,
    /// The API is open to any application and enforces no permissions.
    OpenApi,
    /// The application's client grant.
    ClientGrant {
        /// `cgr_...`
        id: &'a str,
    },
    /// The user's permission (RBAC).
    Permission(PermissionSource<'a>),
    /// The API and the application both allow refresh tokens.
    RefreshAllowed,
    /// Every user may manage their own account.
    OwnAccount,
    /// A link of the chain: the API defines the scope.
    OnApi,
    /// A link of the chain: it was granted at sign-in, or the application's refresh policy adds it.
    SignIn,
    /// A link of the chain: the user consented to it.
    Consented,
}

/// Who or what a reason speaks of: the links of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The API and what it defines.
    Api,
    /// The sign-in that a code or refresh token stands for.
    SignIn,
    /// What the application may ask for.
    Application,
    /// What the user holds.
    User,
    /// What the user said.
    Consent,
    /// What flow and protocol provide for.
    Flow,
    /// The request itself.
    Request,
}

impl Step {
    /// For programs: stable, snake case.
    pub fn code(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::SignIn => "sign_in",
            Self::Application => "application",
            Self::User => "user",
            Self::Consent => "consent",
            Self::Flow => "flow",
            Self::Request => "request",
        }
    }
}

impl Reason<'_> {
    /// Whether it says yes.
    pub fn is_granted(&self) -> bool {
        matches!(self, Self::Granted { .. })
    }

    /// For programs: stable, snake case.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Granted { .. } => "granted",
            Self::NotAsked => "not_asked",
            Self::NotOnApi => "not_on_api",
            Self::NoApiChosen => "no_api_chosen",
            Self::OutsideClientGrant => "outside_client_grant",
            Self::NotPermittedToUser => "not_permitted_to_user",
            Self::NotConsented => "not_consented",
            Self::NotInOriginalGrant => "not_in_original_grant",
            Self::ReservedForMachines => "reserved_for_machines",
            Self::OidcNotForThirdParty => "oidc_not_for_third_party",
            Self::NoUserInFlow => "no_user_in_flow",
            Self::OfflineNotAllowedByApi => "offline_not_allowed_by_api",
            Self::OnlineNotAllowedByApi => "online_not_allowed_by_api",
            Self::ClientLacksRefreshGrant => "client_lacks_refresh_grant",
            Self::FlowGivesNoRefreshToken => "flow_gives_no_refresh_token",
            Self::RequestRefused => "request_refused",
        }
    }

    /// For programs: the code of the grounds of a grant, that of a refusal otherwise.
    pub fn precise_code(&self) -> &'static str {
        match self {
            Self::Granted { by } => by.code(),
            other => other.code(),
        }
    }

    /// The client grant that a grant rests on.
    pub fn client_grant_id(&self) -> Option<&str> {
        match self {
            Self::Granted { by: Grounds::ClientGrant { id } } => Some(id),
            _ => None,
        }
    }

    /// Id and name of the role that a grant rests on.
    pub fn role(&self) -> Option<(&str, &str)> {
        match self {
            Self::Granted {
                by:
                    Grounds::Permission(
                        PermissionSource::Role { id, name } | PermissionSource::Group { id, name, .. },
                    ),
            } => Some((id, name)),
            _ => None,
        }
    }

    /// Id and name of the group that gives that role.
    pub fn group(&self) -> Option<(&str, &str)> {
        match self {
            Self::Granted {
                by: Grounds::Permission(PermissionSource::Group { group_id, group_name, .. }),
            } => Some((group_id, group_name)),
            _ => None,
        }
    }

    /// Which link of the chain it is.
    pub fn step(&self) -> Step {
        match self {
            Self::NotOnApi
            | Self::NoApiChosen
            | Self::ReservedForMachines
            | Self::OfflineNotAllowedByApi
            | Self::OnlineNotAllowedByApi => Step::Api,
            Self::OutsideClientGrant | Self::OidcNotForThirdParty | Self::ClientLacksRefreshGrant => {
                Step::Application
            }
            Self::NotPermittedToUser => Step::User,
            Self::NotConsented => Step::Consent,
            Self::NotInOriginalGrant => Step::SignIn,
            Self::NoUserInFlow | Self::FlowGivesNoRefreshToken => Step::Flow,
            Self::NotAsked | Self::RequestRefused => Step::Request,
            Self::Granted { by } => by.step(),
        }
    }

    /// For people: one sentence that says what would have to change.
    pub fn text(&self) -> String {
        let text = match self {
            Self::Granted { by } => return by.text(),
            Self::NotAsked => "Available, but the request did not ask for it.",
            Self::NotOnApi => "The API does not define this scope.",
            Self::NoApiChosen => "The request named no API (audience), so API scopes mean nothing.",
            Self::OutsideClientGrant => {
                "The client grant of the application for this API does not contain it."
            }
            Self::NotPermittedToUser => "Neither a role nor a direct permission gives it to the user.",
            Self::NotConsented => "The user has not consented to it.",
            Self::NotInOriginalGrant => {
                "It was not granted when the user signed in, and refreshing never adds to that."
            }
            Self::ReservedForMachines => {
                "Users' tokens for the Management API carry only current_user scopes, unless a first-party application \
                 has a client grant for user flows (subject_type user)."
            }
            Self::OidcNotForThirdParty => {
                "Third-party applications in strict mode cannot use OpenID Connect."
            }
            Self::NoUserInFlow => "It is about a user, and this flow has none.",
            Self::OfflineNotAllowedByApi => "The API does not allow offline access.",
            Self::OnlineNotAllowedByApi => "The API does not allow online access.",
            Self::ClientLacksRefreshGrant => "The application may not use the refresh_token grant.",
            Self::FlowGivesNoRefreshToken => "This flow never gives a refresh token.",
            Self::RequestRefused => "The request as a whole was refused.",
        };
        text.to_owned()
    }
}

impl Grounds<'_> {
    /// For programs: stable, snake case.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::OpenApi => "open_api",
            Self::ClientGrant { .. } => "client_grant",
            Self::Permission(PermissionSource::Direct) => "direct_permission",
            Self::Permission(PermissionSource::Role { .. }) => "role",
            Self::Permission(PermissionSource::Group { .. }) => "group_role",
            Self::RefreshAllowed => "refresh_allowed",
            Self::OwnAccount => "own_account",
            Self::OnApi => "on_api",
            Self::SignIn => "granted_at_sign_in",
            Self::Consented => "consented",
        }
    }

    /// Which link of the chain it is.
    pub fn step(&self) -> Step {
        match self {
            Self::Standard => Step::Flow,
            Self::OpenApi | Self::ClientGrant { .. } | Self::RefreshAllowed => Step::Application,
            Self::Permission(_) | Self::OwnAccount => Step::User,
            Self::OnApi => Step::Api,
            Self::SignIn => Step::SignIn,
            Self::Consented => Step::Consent,
        }
    }

    /// For people: one sentence.
    pub fn text(&self) -> String {
        match self {
            Self::Standard => "A standard scope, given to any application that asks.".to_owned(),
            Self::OpenApi => "The API is open to every application.".to_owned(),
            Self::ClientGrant { id } => format!("The client grant {id} of the application contains it."),
            Self::Permission(PermissionSource::Direct) => {
                "The permission is assigned to the user directly.".to_owned()
            }
            Self::Permission(PermissionSource::Role { id, name }) => {
                format!("The user holds it through the role {name} ({id}).")
            }
            Self::Permission(PermissionSource::Group { id, name, group_id, group_name }) => {
                format!(
                    "The user holds it through the role {name} ({id}), which the group {group_name} ({group_id}) gives."
                )
            }
            Self::RefreshAllowed => "The API and the application allow it.".to_owned(),
            Self::OwnAccount => "Every user may manage their own account.".to_owned(),
            Self::OnApi => "The API defines it.".to_owned(),
            Self::SignIn => {
                "It was granted at sign-in, or the application's refresh policy adds it.".to_owned()
            }
            Self::Consented => "The user consented to it.".to_owned(),
        }
    }
}
