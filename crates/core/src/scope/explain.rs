//! The decision with all that can be said about it, for people.

use std::collections::HashSet;

use super::asked::unique;
use super::chain::sources;
use super::decide::decide_with;
use super::judge::Judge;
use super::names::{OFFLINE_ACCESS, STANDARD};
use super::{Decision, Denied, Reason, Request};

/// A decision and the reason for every scope asked for or possible.
#[derive(Clone, Debug)]
pub struct Explanation<'a> {
    /// Exactly what [`super::decide`] answers.
    pub decision: Result<Decision<'a>, Denied>,
    /// Scopes asked for in their order, those implied by the flow or granted at sign-in, then the others that the API
    /// and the flow have. Each once.
    pub scopes: Vec<ScopeOutcome<'a>>,
}

/// What became of one scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeOutcome<'a> {
    /// The scope.
    pub scope: &'a str,
    /// Whether the request named it.
    pub asked: bool,
    /// Whether the token carries it.
    pub granted: bool,
    /// Why. Of a scope that was not asked for: what stands against it, or [`Reason::NotAsked`] if nothing does.
    pub reason: Reason<'a>,
    /// The whole chain: every question put about it with its answer, those behind the first refusal too. The reason is
    /// among them.
    pub chain: Vec<Reason<'a>>,
}

/// Decides a request and says why. The same judge as [`super::decide`], asked about more scopes.
pub fn explain<'a>(request: &Request<'a>) -> Explanation<'a> {
    explained(request, |judge| {
        let with_user = !request.flow.is_machine();
        let standard = STANDARD.into_iter().filter(|_| with_user && !request.client.is_strict_third_party());
        let offline = [OFFLINE_ACCESS].into_iter().filter(|_| with_user);
        let considered = judge.candidates().into_iter().chain(standard);
        request.asked.iter().chain(considered).chain(judge.live_in_order()).chain(offline).collect()
    })
}

/// The same of the scopes asked for alone: an API may have a hundred others.
pub fn explain_asked<'a>(request: &Request<'a>) -> Explanation<'a> {
    explained(request, |_| request.asked.iter().collect())
}

fn explained<'a>(request: &Request<'a>, of: impl Fn(&Judge<'a>) -> Vec<&'a str>) -> Explanation<'a> {
    let defined = request.target.api().and_then(|api| api.scopes.as_ref()).map_or(0, Vec::len);
    let judge = match Judge::new(request, request.asked.len() + defined) {
        Ok(judge) => judge,
        Err(denied) => return refused(request, denied),
    };
    let decision = decide_with(request, &judge);
    let granted: HashSet<&str> = decision.iter().flat_map(|d| d.granted.iter().copied()).collect();
    let asked: HashSet<&str> = request.asked.iter().collect();
    let sources = sources(request);
    let outcome = |scope: &'a str| {
        let asked = asked.contains(scope);
        let granted = granted.contains(scope);
        let mut chain = judge.chain(scope, &sources);
        let reason = judge.reason(scope, granted, decision.is_err());
        if !chain.contains(&reason) {
            chain.push(reason);
        }
        ScopeOutcome { scope, asked, granted, reason, chain }
    };
    let scopes = unique(of(&judge).into_iter()).into_iter().map(outcome).collect();
    Explanation { decision, scopes }
}

/// No scope was judged, since the request never came that far.
fn refused<'a>(request: &Request<'a>, denied: Denied) -> Explanation<'a> {
    let asked: HashSet<&str> = request.asked.iter().collect();
    let api = request.target.api().into_iter().flat_map(|api| api.live_scopes());
    let outcome = |scope: &'a str| ScopeOutcome {
        scope,
        asked: asked.contains(scope),
        granted: false,
        reason: Reason::RequestRefused,
        chain: vec![Reason::RequestRefused],
    };
    let scopes = unique(request.asked.iter().chain(api)).into_iter().map(outcome).collect();
    Explanation { decision: Err(denied), scopes }
}
