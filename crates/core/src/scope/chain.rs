//! The whole chain behind a judgement: every question put about a scope, with its answer. The judgement stops at the first
//! refusal; whoever wants to know what would have to change needs all of them.

use std::collections::HashMap;

use super::judge::Judge;
use super::names::Kind;
use super::{Grounds, PermissionSource, Reason, Request};

/// Everything that a user holds on an API, each with every source of it: direct ones first, roles by id.
pub(super) type Sources<'a> = HashMap<&'a str, Vec<PermissionSource<'a>>>;

pub(super) fn sources<'a>(request: &Request<'a>) -> Sources<'a> {
    let mut sources = Sources::new();
    let Some(audience) = request.target.audience() else { return sources };
    for (permission, source) in request.permissions.all() {
        if permission.resource_server_identifier == audience {
            sources.entry(permission.permission_name.as_str()).or_default().push(source);
        }
    }
    for held in sources.values_mut() {
        held.sort_unstable();
        held.dedup();
    }
    sources
}

impl<'a> Judge<'a> {
    /// Every answer about one scope, taken as asked for. The first refusal among them is the verdict; without one, the
    /// verdict is among them.
    pub(super) fn chain(&self, scope: &str, sources: &Sources<'a>) -> Vec<Reason<'a>> {
        let mut chain = match Kind::of(scope) {
            Kind::Api => self.api_chain(scope, sources),
            _ => vec![self.before_consent(scope)],
        };
        chain.extend(self.consent(scope));
        chain
    }

    fn api_chain(&self, scope: &str, sources: &Sources<'a>) -> Vec<Reason<'a>> {
        let granted = |by| Reason::Granted { by };
        if !self.has(scope) {
            // What is not there is not looked at any further.
            return vec![self.before_consent(scope)];
        }
        let mut chain = vec![granted(Grounds::OnApi)];
        chain.extend(self.sign_in(scope));
        match self.application(scope) {
            Some(by) => chain.push(granted(by)),
            None => chain.push(Reason::OutsideClientGrant),
        }
        if self.asks_for_permission(scope) {
            match sources.get(scope) {
                Some(held) => chain.extend(held.iter().map(|source| granted(Grounds::Permission(*source)))),
                None => chain.push(Reason::NotPermittedToUser),
            }
        }
        chain
    }
}
