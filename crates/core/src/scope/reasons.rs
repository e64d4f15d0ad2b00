//! The decision with the reasons for what it was about: what the log keeps of every token.

use std::collections::HashSet;

use super::asked::{FEW, unique};
use super::decide::{decide_with, lookups};
use super::judge::Judge;
use super::{Decision, Denied, Reason, Request};

/// A decision and the reason for every scope asked for or granted.
#[derive(Clone, Debug)]
pub struct Reasoned<'a> {
    /// Exactly what [`super::decide`] answers.
    pub decision: Result<Decision<'a>, Denied>,
    /// Scopes asked for in their order, then what was granted beside them. Each once, with the reason that an
    /// [`super::Explanation`] has.
    pub reasons: Vec<(&'a str, Reason<'a>)>,
}

/// Decides a request and says why. What it costs does not grow with what else the API defines.
pub fn decide_with_reasons<'a>(request: &Request<'a>) -> Reasoned<'a> {
    let judge = match Judge::new(request, lookups(request)) {
        Ok(judge) => judge,
        Err(denied) => {
            let reasons = request.asked.iter().map(|scope| (scope, Reason::RequestRefused)).collect();
            return Reasoned { decision: Err(denied), reasons };
        }
    };
    let decision = decide_with(request, &judge);
    let granted = decision.as_ref().map(|decision| decision.granted.as_slice()).unwrap_or_default();
    let many: Option<HashSet<&str>> = (granted.len() > FEW).then(|| granted.iter().copied().collect());
    let is_granted =
        |scope: &str| many.as_ref().map_or_else(|| granted.contains(&scope), |many| many.contains(scope));
    let scopes = unique(request.asked.iter().chain(granted.iter().copied()));
    let reason = |scope| (scope, judge.reason(scope, is_granted(scope), decision.is_err()));
    let reasons = scopes.into_iter().map(reason).collect();
    Reasoned { decision, reasons }
}

impl<'a> Judge<'a> {
    /// Why a scope is in the token or not: what would be good counts for nothing where the request was refused, or where the flow
    /// does not look at what was asked for.
    pub(super) fn reason(&self, scope: &str, is_granted: bool, is_refused: bool) -> Reason<'a> {
        match self.verdict(scope) {
            Reason::Granted { .. } if !is_granted && is_refused => Reason::RequestRefused,
            Reason::Granted { .. } if !is_granted => Reason::NotAsked,
            reason => reason,
        }
    }
}
