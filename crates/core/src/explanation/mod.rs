//! A scope decision with its reasons, as people and programs are told it: the one value that the API, the command line and
//! pages render. Made from what [`crate::scope::explain`] says, which is what tokens are issued by.

mod fix;
mod past;
mod record;
mod refusal;

use std::collections::HashMap;

use serde::Serialize;

pub use self::fix::{Fix, NamedRole};
pub use self::past::{DECISION, tell_past};
pub use self::record::Record;
pub use self::refusal::{Refusal, Refused};
use crate::consent::Need;
use crate::model::Role;
use crate::scope::{Explanation, Reason, Request, ScopeOutcome, Step};

/// The explanation of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Told {
    /// Who asks.
    pub client_id: String,
    /// For which API; left out where none was chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// How the token is asked for.
    pub flow: &'static str,
    /// For whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<String>,
    /// `issued` or `denied`.
    pub decision: &'static str,
    /// Why no token would be issued at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub denied: Option<Refused>,
    /// The `scope` of the token; empty where it has none.
    pub scope: String,
    /// The `permissions` of the token, where it has the claim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Vec<String>>,
    /// Whether the user is asked, and why: `recorded`, `first`, `more_wanted`, `skipped_by_api`, `first_party_sign_in`,
    /// `nothing_of_api`, `not_in_flow`.
    pub consent: &'static str,
    /// Scopes asked for or possible, each with its reasons.
    pub scopes: Vec<ToldScope>,
    /// Scopes that were not asked for and could have been had.
    pub available: Vec<String>,
}

/// What became of one scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ToldScope {
    /// The scope.
    pub scope: String,
    /// Whether the request named it.
    pub asked: bool,
    /// Whether the token carries it.
    pub granted: bool,
    /// What decided: the code of the first reason against it, or `granted`.
    pub code: &'static str,
    /// The chain: every question put about it with its answer.
    pub reasons: Vec<ToldReason>,
}

/// A link of the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ToldReason {
    /// What it speaks of: `api`, `sign_in`, `application`, `user`, `consent`, `flow` or `request`.
    pub step: &'static str,
    /// Whether it speaks for the scope.
    pub passes: bool,
    /// For programs.
    pub code: &'static str,
    /// For people.
    pub text: String,
    /// The client grant it rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_grant_id: Option<String>,
    /// The role it rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<NamedRole>,
    /// The group that gives this role, where one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<NamedRole>,
    /// What would have to change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
}

/// What surrounds the decision.
#[derive(Clone, Copy, Debug)]
pub struct Around<'a> {
    /// The flow's name.
    pub flow: &'static str,
    /// The API as the wire names it.
    pub audience: Option<&'a str>,
    /// The user the decision is about. A user flow without one is told for anybody who holds every permission.
    pub user_id: Option<&'a str>,
    /// The organization it takes place in.
    pub organization_id: Option<&'a str>,
    /// What is known of consent.
    pub need: Need,
    /// The tenant's roles by the scopes of the API that they give.
    pub roles: &'a HashMap<&'a str, Vec<&'a Role>>,
    /// Why the request would be refused before or beside the scope decision.
    pub refusal: Option<&'a Refusal<'a>>,
}

/// The roles that give each scope of an API, the first by id; more than a few of them help nobody to choose.
pub fn roles_by_scope<'a>(
    roles: impl Iterator<Item = &'a Role>,
    audience: &str,
) -> HashMap<&'a str, Vec<&'a Role>> {
    let mut by_scope: HashMap<&str, Vec<&Role>> = HashMap::new();
    for role in roles {
        for permission in role.permissions.iter().filter(|p| p.resource_server_identifier == audience) {
            let giving = by_scope.entry(permission.permission_name.as_str()).or_default();
            if giving.len() < MOST_ROLES && giving.last().is_none_or(|last| last.id != role.id) {
                giving.push(role);
            }
        }
    }
    by_scope
}

const MOST_ROLES: usize = 10;

/// Puts an explanation into words.
pub fn tell(request: &Request<'_>, explanation: &Explanation<'_>, around: &Around<'_>) -> Told {
    let teller = Teller { request, around };
    let denied = match (around.refusal, &explanation.decision) {
        (Some(refusal), _) => Some(refusal.told(request, around)),
        (None, Err(denied)) => Some(Refusal::Scopes(denied).told(request, around)),
        (None, Ok(_)) => None,
    };
    let decision = explanation.decision.as_ref().ok().filter(|_| denied.is_none());
    let is_issued = decision.is_some();
    let scopes: Vec<ToldScope> =
        explanation.scopes.iter().map(|outcome| teller.scope(outcome, is_issued)).collect();
    let possible = scopes.iter().filter(|told| is_issued && told.code == Reason::NotAsked.code());
    Told {
        client_id: request.client.client_id.clone(),
        audience: around.audience.map(str::to_owned),
        flow: around.flow,
        user_id: around.user_id.map(str::to_owned),
        organization_id: around.organization_id.map(str::to_owned),
        decision: if is_issued { "issued" } else { "denied" },
        scope: decision.and_then(|decision| decision.scope()).unwrap_or_default(),
        permissions: decision
            .filter(|_| request.flow.is_machine() || around.user_id.is_some())
            .and_then(|decision| decision.permissions.as_ref())
            .map(|held| held.iter().map(|scope| (*scope).to_owned()).collect()),
        consent: around.need.code(),
        available: possible.map(|told| told.scope.clone()).collect(),
        denied,
        scopes,
    }
}

struct Teller<'a> {
    request: &'a Request<'a>,
    around: &'a Around<'a>,
}

impl Teller<'_> {
    fn scope(&self, outcome: &ScopeOutcome<'_>, is_issued: bool) -> ToldScope {
        let granted = outcome.granted && is_issued;
        let refused = Reason::RequestRefused;
        let reason = if outcome.granted && !is_issued { &refused } else { &outcome.reason };
        let mut reasons: Vec<ToldReason> =
            outcome.chain.iter().map(|link| self.reason(outcome.scope, link)).collect();
        if granted {
            reasons.extend(self.consent());
        }
        if !outcome.chain.contains(reason) {
            reasons.push(self.reason(outcome.scope, reason));
        }
        ToldScope {
            scope: outcome.scope.to_owned(),
            asked: outcome.asked,
            granted,
            code: reason.code(),
            reasons,
        }
    }

    fn reason(&self, scope: &str, reason: &Reason<'_>) -> ToldReason {
        if self.is_about_anybody() && reason.step() == Step::User && reason.is_granted() {
            return self.permission_needed(scope);
        }
        ToldReason {
            step: reason.step().code(),
            passes: reason.is_granted(),
            code: reason.precise_code(),
            text: reason.text(),
            client_grant_id: reason.client_grant_id().map(str::to_owned),
            role: reason.role().map(fix::named),
            group: reason.group().map(fix::named),
            fix: fix::of(scope, reason, self.request, self.around),
        }
    }

    /// Without a user, whoever holds everything is meant.
    fn is_about_anybody(&self) -> bool {
        self.around.user_id.is_none() && !self.request.flow.is_machine()
    }

    fn permission_needed(&self, scope: &str) -> ToldReason {
        ToldReason {
            step: Step::User.code(),
            passes: true,
            code: "permission_needed",
            text: "Users who hold the permission get it, through a role or directly.".to_owned(),
            client_grant_id: None,
            role: None,
            group: None,
            fix: Some(fix::permission(scope, self.request, self.around)),
        }
    }

    /// The link of consent, where the user takes part and the scope decision did not look at what they said.
    fn consent(&self) -> Option<ToldReason> {
        let text = match self.around.need {
            Need::First => "The user is asked for consent first.",
            Need::MoreWanted => {
                "The user is asked for consent first: more is wanted than was consented to before."
            }
            Need::Forced => "The request asks for consent again.",
            Need::FirstPartySignIn => "Signing in to one's own applications needs no consent.",
            Need::SkippedByApi => {
                "The API lets first-party applications with a verifiable callback skip consent."
            }
            Need::Dashboard => "The dashboard needs none on its own server.",
            Need::NothingOfApi => {
                "Nothing of this API was to be had: the user is asked about the other ones."
            }
            Need::Stored if self.request.consented.is_none() => "The user consented to it before.",
            Need::NotInFlow | Need::Stored => return None,
        };
        Some(ToldReason {
            step: Step::Consent.code(),
            passes: true,
            code: self.around.need.consent_code(),
            text: text.to_owned(),
            client_grant_id: None,
            role: None,
            group: None,
            fix: None,
        })
    }
}
