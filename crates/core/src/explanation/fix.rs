//! What would have to change for a scope to be granted: a kind and the ids of what it concerns, so that a page can link to
//! it and a command line can print the command.

use serde::Serialize;

use super::{Around, Refusal};
use crate::model::Api;
use crate::scope::{Denied, Party, Reason, Request};

/// A role or a group as lists name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NamedRole {
    /// `rol_...` or `grp_...`
    pub id: String,
    /// For people.
    pub name: String,
}

/// As an explanation names it.
pub(super) fn named((id, name): (&str, &str)) -> NamedRole {
    NamedRole { id: id.to_owned(), name: name.to_owned() }
}

/// One change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Fix {
    /// What is to be done: stable, snake case.
    pub kind: &'static str,
    /// The same for people: one sentence.
    pub text: String,
    /// The application it concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The client grant to change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_grant_id: Option<String>,
    /// `user` or `client`: the kind of client grant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject_type: Option<&'static str>,
    /// The API's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_id: Option<String>,
    /// The API as the wire names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// The scope that is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// The grant type that is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant_type: Option<&'static str>,
    /// The user it concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The organization it concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<String>,
    /// The connection it concerns, by its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// Roles that give the permission: one of them would do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<NamedRole>,
}

/// What would turn a reason against a scope.
pub(super) fn of(
    scope: &str,
    reason: &Reason<'_>,
    request: &Request<'_>,
    around: &Around<'_>,
) -> Option<Fix> {
    let with_scope = |kind, text: String| Fix { scope: Some(scope.to_owned()), ..fix(kind, text) };
    let at_api = |found: Fix| Fix { api_id: api_id(request), audience: audience(around), ..found };
    let at_client = |found: Fix| Fix { client_id: Some(request.client.client_id.clone()), ..found };
    Some(match reason {
        Reason::Granted { .. } | Reason::RequestRefused | Reason::ReservedForMachines => return None,
        Reason::NoUserInFlow => with_scope("choose_user_flow", "Let a user sign in.".to_owned()),
        Reason::NotAsked => with_scope("ask_for_scope", format!("Add {scope} to the scope of the request.")),
        Reason::NotOnApi => at_api(with_scope("add_scope_to_api", format!("Add {scope} to the API."))),
        Reason::NoApiChosen => {
            with_scope("name_api", "Name the API in the audience of the request.".to_owned())
        }
        Reason::OutsideClientGrant => {
            let grant = request.grant?;
            let text = format!("Add {scope} to the client grant {}.", grant.id);
            let found = with_scope("extend_client_grant", text);
            at_api(at_client(Fix {
                client_grant_id: Some(grant.id.clone()),
                subject_type: Some(grant.subject_type.as_str()),
                ..found
            }))
        }
        Reason::NotPermittedToUser => permission(scope, request, around),
        Reason::NotConsented => Fix {
            user_id: around.user_id.map(str::to_owned),
            ..with_scope("ask_for_consent", "Ask the user again, with prompt=consent.".to_owned())
        },
        Reason::NotInOriginalGrant => {
            with_scope("sign_in_again", format!("Let the user sign in again and ask for {scope}."))
        }
        Reason::OidcNotForThirdParty => at_client(with_scope(
            "leave_strict_mode",
            "Set third_party_security_mode of the application to permissive.".to_owned(),
        )),
        Reason::OfflineNotAllowedByApi => {
            at_api(with_scope("allow_offline_access", "Set allow_offline_access of the API.".to_owned()))
        }
        Reason::OnlineNotAllowedByApi => {
            at_api(with_scope("allow_online_access", "Set allow_online_access of the API.".to_owned()))
        }
        Reason::ClientLacksRefreshGrant => Fix {
            grant_type: Some("refresh_token"),
            ..at_client(with_scope(
                "allow_grant_type",
                "Add refresh_token to the grant_types of the application.".to_owned(),
            ))
        },
        Reason::FlowGivesNoRefreshToken => {
            with_scope("choose_code_flow", "Use the authorization code flow.".to_owned())
        }
    })
}

/// A permission for a user: by a role that gives it, or directly. In an organization roles alone count.
pub(super) fn permission(scope: &str, request: &Request<'_>, around: &Around<'_>) -> Fix {
    let roles = around.roles.get(scope).into_iter().flatten();
    let roles: Vec<NamedRole> =
        roles.map(|role| NamedRole { id: role.id.clone(), name: role.name.clone() }).collect();
    let directly = format!("give them the permission {scope} directly");
    let text = match (roles.as_slice(), around.organization_id) {
        ([], None) => format!("Put {scope} into a role and give it to the user, or {directly}."),
        ([], Some(_)) => {
            format!("Put {scope} into a role and give it to the member in the organization, or {directly}.")
        }
        ([first, ..], None) => {
            format!("Give the user a role that holds it, such as {}, or {directly}.", first.name)
        }
        ([first, ..], Some(_)) => {
            format!(
                "Give the member a role that holds it in the organization, such as {}, or {directly}.",
                first.name
            )
        }
    };
    Fix {
        scope: Some(scope.to_owned()),
        api_id: api_id(request),
        audience: audience(around),
        user_id: around.user_id.map(str::to_owned),
        organization_id: around.organization_id.map(str::to_owned),
        roles,
        ..fix("permit_user", text)
    }
}

/// What would let a request through that is refused as a whole.
pub(super) fn of_refusal(refusal: &Refusal<'_>, request: &Request<'_>, around: &Around<'_>) -> Option<Fix> {
    let client_id = Some(request.client.client_id.clone());
    let organization_id = around.organization_id.map(str::to_owned);
    let user_id = around.user_id.map(str::to_owned);
    let at_api = |found: Fix| Fix {
        api_id: api_id(request),
        audience: audience(around),
        client_id: client_id.clone(),
        ..found
    };
    Some(match refusal {
        Refusal::Scopes(denied) => of_denied(denied, request, around).map(at_api)?,
        Refusal::GrantType(needed) => Fix {
            client_id,
            grant_type: Some(needed),
            ..fix("allow_grant_type", format!("Add {needed} to the grant_types of the application."))
        },
        Refusal::FlowOfFirstParties => fix("choose_code_flow", "Use the authorization code flow.".to_owned()),
        Refusal::NoSuchApi => Fix {
            audience: audience(around),
            ..fix("create_api", "Create an API with this identifier, or correct the audience.".to_owned())
        },
        Refusal::UserBlocked => Fix { user_id, ..fix("unblock_user", "Unblock the user.".to_owned()) },
        Refusal::ConnectionNotEnabled(connection) => Fix {
            client_id,
            user_id,
            connection: connection.map(str::to_owned),
            ..fix("enable_connection", "Enable the user's connection for the application.".to_owned())
        },
        Refusal::OrganizationConnection => Fix {
            organization_id,
            user_id,
            ..fix(
                "enable_organization_connection",
                "Enable the user's connection for the organization.".to_owned(),
            )
        },
        Refusal::NoMember => Fix {
            organization_id,
            user_id,
            ..fix("add_member", "Make the user a member of the organization.".to_owned())
        },
        Refusal::OrganizationForFirstParties => Fix {
            organization_id,
            ..fix(
                "allow_third_parties",
                "Set third_party_client_access of the organization to allow.".to_owned(),
            )
        },
        Refusal::OrganizationNotForApplication => Fix {
            client_id,
            ..fix("allow_organizations", "Set organization_usage of the application to allow.".to_owned())
        },
        Refusal::NoOrganizationNamed => {
            Fix { client_id, ..fix("name_organization", "Name the organization in the request.".to_owned()) }
        }
    })
}

fn of_denied(denied: &Denied, request: &Request<'_>, around: &Around<'_>) -> Option<Fix> {
    let grant = request.grant.map(|grant| grant.id.clone());
    let with_grant = |found: Fix| Fix { client_grant_id: grant.clone(), ..found };
    let organization_id = around.organization_id.map(str::to_owned);
    Some(match denied {
        Denied::NoClientGrant(party) => {
            let subject = if *party == Party::Machine { "client" } else { "user" };
            let asked: Vec<&str> = request.asked.iter().filter(|s| !crate::scope::is_reserved(s)).collect();
            let text =
                format!("Create a client grant of the application for the API with subject_type {subject}.");
            Fix {
                subject_type: Some(subject),
                scope: Some(asked.join(" ")).filter(|asked| !asked.is_empty()),
                ..fix("create_client_grant", text)
            }
        }
        // Nobody opens it.
        Denied::ApiClosed(_) if request.target.api().is_some_and(Api::is_about_factors) => return None,
        Denied::ApiClosed(party) => {
            let subject = if *party == Party::Machine { "client" } else { "user" };
            let text = format!(
                "Set subject_type_authorization.{subject}.policy of the API to require_client_grant."
            );
            Fix { subject_type: Some(subject), ..fix("open_api", text) }
        }
        Denied::ScopesNotGranted(scopes) => with_grant(Fix {
            subject_type: Some("client"),
            scope: Some(scopes.join(" ")),
            ..fix(
                "extend_client_grant",
                "Add what is missing to the client grant, or ask for less.".to_owned(),
            )
        }),
        Denied::PublicClient => fix(
            "make_confidential",
            "Give the application a token_endpoint_auth_method other than none.".to_owned(),
        ),
        Denied::UserinfoForMachine => {
            fix("name_api", "Name the API in the audience of the request.".to_owned())
        }
        Denied::OnlineAndOffline => {
            fix("ask_for_less", "Ask for one of offline_access and online_access.".to_owned())
        }
        Denied::OrganizationRequired => {
            with_grant(fix("name_organization", "Name the organization in the request.".to_owned()))
        }
        Denied::OrganizationNotAllowed => with_grant(fix(
            "allow_organization",
            "Set organization_usage of the client grant to allow, or name no organization.".to_owned(),
        )),
        Denied::OrganizationNotGranted => with_grant(Fix {
            organization_id,
            ..fix("associate_client_grant", "Associate the client grant with the organization.".to_owned())
        }),
        Denied::AudienceNotInPolicies => fix(
            "extend_refresh_policies",
            "Add the API to refresh_token.policies of the application, or let the user sign in for it."
                .to_owned(),
        ),
        Denied::SystemApiForThirdParty(_) => return None,
    })
}

fn fix(kind: &'static str, text: String) -> Fix {
    Fix { kind, text, ..Fix::default() }
}

fn api_id(request: &Request<'_>) -> Option<String> {
    request.target.api().map(|api| api.id.clone())
}

fn audience(around: &Around<'_>) -> Option<String> {
    around.audience.map(str::to_owned)
}
