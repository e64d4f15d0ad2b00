//! Requests refused as a whole, and how the wire says so (fact sheet 2.8, 3.2, 3.5, 3.6).

/// Scopes named in an error: an answer must not grow with what was asked for.
const MOST_SHOWN: usize = 50;

/// Why no token is issued at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denied {
    /// The API wants a client grant and the application has none.
    NoClientGrant(Party),
    /// The API is closed to every application in this kind of flow.
    ApiClosed(Party),
    /// Strict third-party applications never get the server's own APIs.
    SystemApiForThirdParty(Party),
    /// An application without a secret cannot act for itself.
    PublicClient,
    /// A machine asked for no API that exists for machines.
    UserinfoForMachine,
    /// A machine asked for scopes outside its client grant: these.
    ScopesNotGranted(Vec<String>),
    /// `offline_access` and `online_access` exclude each other.
    OnlineAndOffline,
    /// The client grant demands an organization.
    OrganizationRequired,
    /// The client grant allows no organization.
    OrganizationNotAllowed,
    /// The organization has not been given this client grant.
    OrganizationNotGranted,
    /// The refresh token's application has no policy for the API.
    AudienceNotInPolicies,
}

/// Whom a refusal concerns: the wire says it in different words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// An application acting for itself.
    Machine,
    /// A user flow of a first-party (or permissive third-party) application.
    FirstParty,
    /// A user flow of a strict third-party application.
    ThirdParty,
}

impl Denied {
    /// For programs, more precise than the wire: stable, snake case.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NoClientGrant(_) => "no_client_grant",
            Self::ApiClosed(_) => "api_closed",
            Self::SystemApiForThirdParty(_) => "system_api_for_third_party",
            Self::PublicClient => "public_client",
            Self::UserinfoForMachine => "no_api_chosen",
            Self::ScopesNotGranted(_) => "scopes_not_granted",
            Self::OnlineAndOffline => "online_and_offline",
            Self::OrganizationRequired => "organization_required",
            Self::OrganizationNotAllowed => "organization_not_allowed",
            Self::OrganizationNotGranted => "organization_not_granted",
            Self::AudienceNotInPolicies => "audience_not_in_policies",
        }
    }

    /// The `error` of the wire.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoClientGrant(party) | Self::ApiClosed(party) | Self::SystemApiForThirdParty(party) => {
                match party {
                    Party::Machine => "access_denied",
                    Party::FirstParty => "invalid_request",
                    Party::ThirdParty => "unauthorized_client",
                }
            }
            Self::PublicClient => "unauthorized_client",
            Self::UserinfoForMachine
            | Self::ScopesNotGranted(_)
            | Self::OrganizationNotGranted
            | Self::AudienceNotInPolicies => "access_denied",
            Self::OnlineAndOffline | Self::OrganizationRequired | Self::OrganizationNotAllowed => {
                "invalid_request"
            }
        }
    }

    /// The HTTP status at the token endpoint.
    pub fn status(&self) -> u16 {
        if self.code() == "invalid_request" { 400 } else { 403 }
    }

    /// The `error_description` of the wire.
    pub fn description(&self, audience: &str, client_id: &str) -> String {
        match self {
            Self::NoClientGrant(Party::Machine)
            | Self::ApiClosed(Party::Machine)
            | Self::SystemApiForThirdParty(Party::Machine) => format!(
                "Client is not authorized to access \"{audience}\". You need to create a \"client-grant\" associated \
                 to this API. See: https://auth0.com/docs/api/v2#!/Client_Grants/post_client_grants"
            ),
            Self::NoClientGrant(_) | Self::ApiClosed(_) | Self::SystemApiForThirdParty(_) => {
                format!("Client \"{client_id}\" is not authorized to access resource server \"{audience}\".")
            }
            Self::PublicClient => "Grant type 'client_credentials' not allowed for the client.".to_owned(),
            Self::UserinfoForMachine => format!("Service not enabled within domain: {audience}"),
            Self::ScopesNotGranted(scopes) => {
                let shown = scopes.iter().take(MOST_SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
                format!("Client has not been granted scopes: {shown}")
            }
            Self::OnlineAndOffline => {
                "Cannot request both online_access and offline_access scopes".to_owned()
            }
            Self::OrganizationRequired => "parameter organization is required".to_owned(),
            Self::OrganizationNotAllowed => {
                "parameter organization is not allowed for this client".to_owned()
            }
            Self::OrganizationNotGranted => {
                format!("The organization does not give this client access to \"{audience}\".")
            }
            Self::AudienceNotInPolicies => {
                format!("The refresh token cannot be used for resource server \"{audience}\".")
            }
        }
    }
}
