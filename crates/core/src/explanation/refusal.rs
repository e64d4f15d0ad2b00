//! Requests that get no token at all, and what would have to change.

use serde::Serialize;

use super::Around;
use super::fix::{self, Fix};
use crate::scope::{Denied, Flow, Request};

/// Why a request is refused as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal<'a> {
    /// By the scope decision.
    Scopes(&'a Denied),
    /// The application may not use what the flow needs: this grant type.
    GrantType(&'static str),
    /// Third-party applications may not use the flow.
    FlowOfFirstParties,
    /// No API is called so.
    NoSuchApi,
    /// The user is blocked.
    UserBlocked,
    /// None of the user's connections is the application's; this is one of them.
    ConnectionNotEnabled(Option<&'a str>),
    /// The organization has none of the user's connections.
    OrganizationConnection,
    /// The user is no member of the organization.
    NoMember,
    /// The organization lets in no third-party applications.
    OrganizationForFirstParties,
    /// The application may not name an organization in user flows.
    OrganizationNotForApplication,
    /// The application's users must come by an organization, and the request names none.
    NoOrganizationNamed,
}

/// The same in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// For programs, more precise than the wire.
    pub code: &'static str,
    /// The `error` of the wire.
    pub error: &'static str,
    /// For people.
    pub text: String,
    /// What would have to change, where one thing would do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
}

impl Refusal<'_> {
    pub(super) fn told(&self, request: &Request<'_>, around: &Around<'_>) -> Refused {
        let client_id = request.client.client_id.as_str();
        let audience = around.audience.unwrap_or("userinfo");
        let text = match self {
            Self::Scopes(denied) => denied.description(audience, client_id),
            Self::GrantType(needed) => {
                format!("The application may not use this flow: it lacks the grant type {needed}.")
            }
            Self::FlowOfFirstParties => "Third-party applications may not use this flow.".to_owned(),
            Self::NoSuchApi => {
                format!("No API has the identifier {audience}. Identifiers are compared letter by letter.")
            }
            Self::UserBlocked => "The user is blocked.".to_owned(),
            Self::ConnectionNotEnabled(_) => {
                "None of the connections that the user can sign in with is enabled for the application."
                    .to_owned()
            }
            Self::OrganizationConnection => {
                "None of the connections that the user can sign in with is enabled for the organization."
                    .to_owned()
            }
            Self::NoMember => "The user is not a member of the organization.".to_owned(),
            Self::OrganizationForFirstParties => {
                "The organization lets in no third-party applications.".to_owned()
            }
            Self::OrganizationNotForApplication => {
                "Users of this application sign in to no organization.".to_owned()
            }
            Self::NoOrganizationNamed => {
                "Users of this application sign in to an organization, and the request names none.".to_owned()
            }
        };
        Refused {
            code: self.code(),
            error: self.error(&request.flow),
            text,
            fix: fix::of_refusal(self, request, around),
        }
    }

    /// For programs: stable, snake case.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Scopes(denied) => denied.reason(),
            Self::GrantType(_) => "grant_type_not_allowed",
            Self::FlowOfFirstParties => "flow_for_first_parties",
            Self::NoSuchApi => "no_such_api",
            Self::UserBlocked => "user_blocked",
            Self::ConnectionNotEnabled(_) => "connection_not_enabled",
            Self::OrganizationConnection => "organization_connection_not_enabled",
            Self::NoMember => "not_a_member",
            Self::OrganizationForFirstParties => "organization_for_first_parties",
            Self::OrganizationNotForApplication => "organization_not_for_application",
            Self::NoOrganizationNamed => "no_organization_named",
        }
    }

    fn error(&self, flow: &Flow<'_>) -> &'static str {
        match self {
            // Whoever holds a refresh token is not told why it is good no more.
            Self::NoMember | Self::OrganizationConnection | Self::ConnectionNotEnabled(_)
                if matches!(flow, Flow::Refresh(_)) =>
            {
                "invalid_grant"
            }
            Self::Scopes(denied) => denied.code(),
            Self::GrantType(_) | Self::FlowOfFirstParties => "unauthorized_client",
            Self::UserBlocked => "unauthorized",
            Self::NoSuchApi | Self::NoMember | Self::OrganizationConnection => "access_denied",
            Self::ConnectionNotEnabled(_)
            | Self::OrganizationForFirstParties
            | Self::OrganizationNotForApplication
            | Self::NoOrganizationNamed => "invalid_request",
        }
    }
}
