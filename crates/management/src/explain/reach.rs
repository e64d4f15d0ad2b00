//! What an application can obtain of an API, as the scope decision says it.

use chancery_core::model::{ClientGrant, GrantOrganizationUsage, Permission, SubjectType};
use chancery_core::scope::{
    AskedScopes, Flow, Grounds, MachineOrganization, Reason, Request, UserPermissions, decide, explain,
    explain_asked, is_reserved,
};
use chancery_store::{PreparedApi, PreparedClient};
use chancery_web::{Audience, client_grant};
use serde_json::{Value, json};

use super::flow::FlowName;
use crate::call::Call;

/// For whom an application asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// For a user who holds every permission.
    User,
    /// For itself.
    Machine,
}

impl Subject {
    /// In the order of their names.
    pub(super) const BOTH: [Self; 2] = [Self::Machine, Self::User];

    pub(super) fn as_str(self) -> &'static str {
        self.kind().as_str()
    }

    fn kind(self) -> SubjectType {
        if self == Self::User { SubjectType::User } else { SubjectType::Client }
    }

    /// The ways to ask; one that the application may use is enough.
    fn flows(self) -> &'static [FlowName] {
        match self {
            Self::User => &[
                FlowName::AuthorizationCode,
                FlowName::Implicit,
                FlowName::DeviceCode,
                FlowName::Password,
                FlowName::PasswordRealm,
            ],
            Self::Machine => &[FlowName::ClientCredentials],
        }
    }
}

/// Why an application may ask for a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Through {
    ClientGrant(String),
    OpenApi,
    OwnAccount,
}

impl Through {
    pub(super) fn shown(&self, subject: Subject) -> Value {
        let subject = subject.kind().as_str();
        match self {
            Self::ClientGrant(id) => {
                json!({"through": "client_grant", "subject_type": subject, "client_grant_id": id})
            }
            Self::OpenApi => json!({"through": "open_api", "subject_type": subject}),
            Self::OwnAccount => json!({"through": "own_account", "subject_type": subject}),
        }
    }
}

/// The scopes of an API that an application can obtain, or whether it can this one.
pub(super) fn reach(
    call: &Call,
    client: &PreparedClient,
    audience: &Audience,
    subject: Subject,
    only: Option<&str>,
) -> Vec<(String, Through)> {
    let Some(api) = audience.api() else { return Vec::new() };
    if subject.flows().iter().all(|flow| flow.refusal(client).is_some()) {
        return Vec::new();
    }
    let grant = client_grant(call.snapshot(), client, audience, subject.kind());
    let asked = only.map(AskedScopes::parse).unwrap_or_default();
    let is_machine = subject == Subject::Machine;
    let mut request = Request {
        flow: if is_machine { Flow::ClientCredentials } else { Flow::Code },
        client,
        target: audience.target(),
        asked: &asked,
        grant,
        permissions: &UserPermissions::NONE,
        consented: None,
        // Where a grant demands an organization, one that has it is meant.
        organization: grant
            .filter(|_| is_machine)
            .filter(demands)
            .map(|_| MachineOrganization { has_grant: true }),
    };
    // Most applications have no word at most APIs: they cost neither an explanation nor a list of all that might be held.
    if only.is_none() && decide(&request).is_err() {
        return Vec::new();
    }
    let everything = only.map_or_else(|| everything(api), |scope| vec![permission(api, scope)]);
    let permissions = UserPermissions { direct: &everything, ..UserPermissions::NONE };
    if !is_machine {
        request.permissions = &permissions;
    }
    let granted = match decide(&request) {
        Ok(decision) => decision,
        Err(_) => return Vec::new(),
    };
    if only.is_some_and(|scope| is_reserved(scope) || !granted.has(scope)) {
        return Vec::new();
    }
    let explanation = if only.is_some() { explain_asked(&request) } else { explain(&request) };
    let outcomes = explanation.scopes.iter().filter(|outcome| {
        let wanted = only.map_or_else(|| !is_reserved(outcome.scope), |scope| scope == outcome.scope);
        wanted && (outcome.granted || (!is_machine && outcome.reason == Reason::NotAsked))
    });
    outcomes.filter_map(|outcome| Some((outcome.scope.to_owned(), through(&outcome.chain)?))).collect()
}

fn demands(grant: &&ClientGrant) -> bool {
    grant.organization_usage == Some(GrantOrganizationUsage::Require)
}

/// What the application's link of the chain says.
fn through(chain: &[Reason<'_>]) -> Option<Through> {
    chain.iter().find_map(|link| match link {
        Reason::Granted { by: Grounds::ClientGrant { id } } => Some(Through::ClientGrant((*id).to_owned())),
        Reason::Granted { by: Grounds::OpenApi } => Some(Through::OpenApi),
        Reason::Granted { by: Grounds::OwnAccount } => Some(Through::OwnAccount),
        _ => None,
    })
}

/// What somebody holds who holds everything.
pub(super) fn everything(api: &PreparedApi) -> Vec<Permission> {
    api.live_scopes().map(|scope| permission(api, scope)).collect()
}

fn permission(api: &PreparedApi, scope: &str) -> Permission {
    Permission { resource_server_identifier: api.identifier.clone(), permission_name: scope.to_owned() }
}
