//! The rules, one scope at a time. Issuing and explaining both ask here.

use std::collections::HashMap;

use super::asked::unique;
use super::grants::is_for;
use super::names::{CURRENT_USER, Kind, Names, OFFLINE_ACCESS, ONLINE_ACCESS, OPENID, STANDARD};
use super::{
    Denied, ExchangeKind, Flow, Grounds, Original, Party, PermissionSource, Reason, Request, Target,
};
use crate::model::{Client, ClientGrant, GrantOrganizationUsage, Policy, SubjectType};

/// A request that may be answered, with everything prepared to judge scopes.
#[derive(Debug)]
pub(super) struct Judge<'a> {
    request: Request<'a>,
    strict_third_party: bool,
    /// The Management API in a user flow: beside what its ceiling lets through, every user's own account.
    is_own_account: bool,
    /// What the API defines.
    live: Names<'a>,
    ceiling: Ceiling<'a>,
    /// What the user holds; `Some` where it matters.
    held: Option<HashMap<&'a str, PermissionSource<'a>>>,
    original: Option<Allowance<'a>>,
    consented: Option<Names<'a>>,
}

/// What the application may ask for (fact sheet 3.2).
#[derive(Debug)]
enum Ceiling<'a> {
    /// Anything the API defines.
    Open,
    /// None of what the API defines.
    Closed,
    /// Anything the API defines, by a grant.
    Whole(&'a ClientGrant),
    /// What the grant lists.
    Within(&'a ClientGrant, Names<'a>),
}

/// What a code, a refresh token or the token of a user may still give (fact sheet 3.6).
#[derive(Debug)]
struct Allowance<'a> {
    granted: &'a [String],
    granted_names: Names<'a>,
    policy: &'a [String],
    policy_names: Names<'a>,
    same_audience: bool,
    /// It is for another API, which has its own scopes: the client grant says which of them.
    is_elsewhere: bool,
}

impl<'a> Judge<'a> {
    /// Checks what concerns the request as a whole, and prepares to judge about so many scopes.
    pub(super) fn new(request: &Request<'a>, lookups: usize) -> Result<Self, Denied> {
        let mut original = None;
        match request.flow {
            Flow::ClientCredentials => check_machine(request)?,
            Flow::CodeExchange(code) => original = Some(Allowance::new(code, None, true, lookups)),
            Flow::Refresh(token) => original = Some(refresh_allowance(request, token, lookups)?),
            Flow::OnBehalfOf(token) => original = Some(on_behalf_allowance(request, token, lookups)?),
            _ => check_lifetimes(request)?,
        }
        let ceiling = ceiling(request, lookups)?;
        check_organization(request)?;
        Ok(Self {
            request: *request,
            strict_third_party: request.client.is_strict_third_party(),
            is_own_account: is_own_account(request),
            live: live(request).ready_for(lookups),
            held: held(request, &ceiling),
            ceiling,
            original,
            consented: request.consented.map(|list| Names::Strings(list).ready_for(lookups)),
        })
    }

    /// What is up for judgement: the scopes asked for, or those implied where the flow implies any.
    pub(super) fn candidates(&self) -> Vec<&'a str> {
        let asked = self.request.asked;
        match self.request.flow {
            Flow::ClientCredentials if asked.is_empty() => match &self.ceiling {
                Ceiling::Within(grant, _) => unique(grant.scope.iter().flatten().map(String::as_str)),
                _ => unique(self.live_in_order()),
            },
            Flow::CodeExchange(_) => self.implied_by_original(),
            Flow::Refresh(_) if asked.is_empty() => self.implied_by_original(),
            flow if flow.is_password() => self.implied_by_password(),
            Flow::TokenExchange { kind: ExchangeKind::NativeSocial, .. } => {
                let api = self.implied_by_api().filter(|_| self.implies_api_scopes());
                unique(asked.iter().chain(api))
            }
            Flow::OnBehalfOf(_) => {
                let api = self.live_in_order().filter(|_| means_all_held(&self.request));
                unique(asked.iter().chain(api))
            }
            _ => asked.iter().collect(),
        }
    }

    /// The judgement on one scope, taken as asked for.
    pub(super) fn verdict(&self, scope: &str) -> Reason<'a> {
        let reason = self.before_consent(scope);
        let refused_by_user = self.consented.as_ref().is_some_and(|c| !c.contains(scope));
        if reason.is_granted() && refused_by_user { Reason::NotConsented } else { reason }
    }

    /// The same, whatever the user consented to.
    pub(super) fn before_consent(&self, scope: &str) -> Reason<'a> {
        match Kind::of(scope) {
            _ if self.request.flow.is_machine() => self.machine(scope),
            Kind::Standard => self.standard(scope),
            Kind::Legacy => self.legacy(scope),
            Kind::Offline => self.offline(),
            Kind::Online => self.online(),
            Kind::Api => self.api(scope),
        }
    }

    /// What the user said, where it counts.
    pub(super) fn consent(&self, scope: &str) -> Option<Reason<'a>> {
        let granted = Reason::Granted { by: Grounds::Consented };
        self.consented.as_ref().map(|c| if c.contains(scope) { granted } else { Reason::NotConsented })
    }

    /// What the sign-in says about a scope of the API, where there was one before.
    pub(super) fn sign_in(&self, scope: &str) -> Option<Reason<'a>> {
        let granted = Reason::Granted { by: Grounds::SignIn };
        self.original
            .as_ref()
            .filter(|o| !o.is_elsewhere)
            .map(|o| if o.allows_api_scope(scope) { granted } else { Reason::NotInOriginalGrant })
    }

    /// Why the application may ask for a scope of the API, if it may.
    pub(super) fn application(&self, scope: &str) -> Option<Grounds<'a>> {
        match self.is_about_own_account(scope) {
            true => Some(Grounds::OwnAccount),
            false => self.ceiling.grounds(scope),
        }
    }

    /// Whether the user needs the permission for a scope of the API.
    pub(super) fn asks_for_permission(&self, scope: &str) -> bool {
        self.held.is_some() && !self.is_about_own_account(scope)
    }

    /// Every permission of the user on the API, in the API's order, whatever was asked for. Third-party applications
    /// see no further than their client grant, and a token that was made of another no further than that one. Tokens for the Management API have none: scopes alone count there.
    pub(super) fn permissions(&self) -> Option<Vec<&'a str>> {
        let api = self.request.target.api().filter(|_| !self.is_own_account)?;
        let held =
            self.held.as_ref().filter(|_| api.enforces_policies() && api.dialect().shows_permissions())?;
        let sent = self.original.as_ref().filter(|_| matches!(self.request.flow, Flow::OnBehalfOf(_)));
        let cut = !self.request.client.is_first_party || sent.is_some();
        let seen = |scope: &&str| {
            held.contains_key(scope)
                && (!cut || self.ceiling.grounds(scope).is_some())
                && sent.is_none_or(|sent| sent.allows_api_scope(scope))
        };
        Some(unique(api.live_scopes().filter(seen)))
    }

    /// Scopes the API has in this flow, in its order.
    pub(super) fn live_in_order(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let is_own_account = self.is_own_account;
        let own = CURRENT_USER.into_iter().filter(move |_| is_own_account);
        let api = self.request.target.api().filter(|_| !matches!(self.ceiling, Ceiling::Closed));
        own.chain(api.into_iter().flat_map(|a| a.live_scopes()))
    }

    /// What flows mean that name no scope of the API: never that of an administrator.
    fn implied_by_api(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let most = if self.is_own_account { CURRENT_USER.len() } else { usize::MAX };
        self.live_in_order().take(most)
    }

    /// Whether the API has the scope in this flow.
    pub(super) fn has(&self, scope: &str) -> bool {
        let is_open = !matches!(self.ceiling, Ceiling::Closed);
        self.is_about_own_account(scope) || (is_open && self.live.contains(scope))
    }

    /// Whether whoever names the scope means the API, though it may be out of reach: losing a grant must not add what is
    /// implied where nothing is named.
    fn names_api(&self, scope: &str) -> bool {
        Kind::of(scope) == Kind::Api && (self.is_about_own_account(scope) || self.live.contains(scope))
    }

    fn is_about_own_account(&self, scope: &str) -> bool {
        self.is_own_account && CURRENT_USER.contains(&scope)
    }

    fn machine(&self, scope: &str) -> Reason<'a> {
        match Kind::of(scope) {
            Kind::Api => self.api(scope),
            Kind::Offline | Kind::Online => Reason::FlowGivesNoRefreshToken,
            Kind::Standard | Kind::Legacy => Reason::NoUserInFlow,
        }
    }

    fn standard(&self, scope: &str) -> Reason<'a> {
        if self.strict_third_party {
            return Reason::OidcNotForThirdParty;
        }
        if self.original.as_ref().is_some_and(|o| !o.granted_names.contains(scope)) {
            return Reason::NotInOriginalGrant;
        }
        Reason::Granted { by: Grounds::Standard }
    }

    /// Claim names as scopes belong to the old pipeline, which naming an API leaves.
    fn legacy(&self, scope: &str) -> Reason<'a> {
        match self.request.target {
            Target::Userinfo if !self.request.client.oidc_conformant => self.standard(scope),
            Target::Userinfo => Reason::NoApiChosen,
            Target::Api(_) | Target::Management(_) => Reason::NotOnApi,
        }
    }

    fn offline(&self) -> Reason<'a> {
        let allowed = self.request.target.api().is_none_or(|api| api.allow_offline_access);
        self.lifetime_scope(OFFLINE_ACCESS, allowed, Reason::OfflineNotAllowedByApi)
    }

    fn online(&self) -> Reason<'a> {
        if !matches!(self.request.flow, Flow::Code | Flow::CodeExchange(_) | Flow::Refresh(_)) {
            return Reason::FlowGivesNoRefreshToken;
        }
        let allowed = self.request.target.api().is_some_and(|api| api.allow_online_access == Some(true));
        self.lifetime_scope(ONLINE_ACCESS, allowed, Reason::OnlineNotAllowedByApi)
    }

    /// The two scopes that ask for a refresh token. Refreshing keeps them as they were: the token is there already.
    fn lifetime_scope(&self, scope: &str, allowed_by_api: bool, refusal: Reason<'a>) -> Reason<'a> {
        let granted = Reason::Granted { by: Grounds::RefreshAllowed };
        if self.original.as_ref().is_some_and(|o| !o.keeps(scope)) {
            Reason::NotInOriginalGrant
        } else if matches!(self.request.flow, Flow::Refresh(_)) {
            granted
        } else if !self.request.flow.gives_refresh_token() {
            Reason::FlowGivesNoRefreshToken
        } else if !allowed_by_api {
            refusal
        } else if !self.request.client.may_use("refresh_token") {
            Reason::ClientLacksRefreshGrant
        } else {
            granted
        }
    }

    fn api(&self, scope: &str) -> Reason<'a> {
        if self.request.target.api().is_none() {
            return Reason::NoApiChosen;
        }
        if !self.has(scope) {
            return if self.live.contains(scope) { Reason::ReservedForMachines } else { Reason::NotOnApi };
        }
        if self.original.as_ref().is_some_and(|o| !o.allows_api_scope(scope)) {
            return Reason::NotInOriginalGrant;
        }
        if self.is_about_own_account(scope) {
            return Reason::Granted { by: Grounds::OwnAccount };
        }
        let Some(grounds) = self.ceiling.grounds(scope) else { return Reason::OutsideClientGrant };
        let by = match &self.held {
            Some(held) => match held.get(scope) {
                Some(source) => Grounds::Permission(*source),
                None => return Reason::NotPermittedToUser,
            },
            None => grounds,
        };
        Reason::Granted { by }
    }

    /// Everything granted at sign-in, then what the policy adds. For another API, the policy alone.
    fn implied_by_original(&self) -> Vec<&'a str> {
        let Some(original) = &self.original else { return Vec::new() };
        let granted = original.granted.iter().filter(|_| original.same_audience);
        unique(granted.chain(original.policy).map(String::as_str))
    }

    /// Who types a password into an application trusts it with everything: without API scopes in the request all of
    /// them are meant, and without standard scopes, or `openid` alone, all standard ones (fact sheet 3.4).
    fn implied_by_password(&self) -> Vec<&'a str> {
        let asked = self.request.asked;
        let names_api_scope = asked.iter().any(|s| self.names_api(s));
        let more_than_openid = asked.iter().any(|s| Kind::of(s) == Kind::Standard && s != OPENID);
        let all_standard = !names_api_scope && !more_than_openid && !self.strict_third_party;
        let standard = STANDARD.into_iter().filter(|_| all_standard);
        let api = self.implied_by_api().filter(|_| !names_api_scope && self.implies_api_scopes());
        unique(standard.chain(asked.iter()).chain(api))
    }

    /// Where a client grant is needed, scopes must be named (fact sheet 1.4).
    fn implies_api_scopes(&self) -> bool {
        let explicit =
            !self.is_own_account && matches!(self.ceiling, Ceiling::Whole(_) | Ceiling::Within(..));
        let named = || self.request.asked.iter().any(|s| self.names_api(s));
        !explicit && !named()
    }
}

impl<'a> Ceiling<'a> {
    /// Why the application may ask for this scope, if it may.
    fn grounds(&self, scope: &str) -> Option<Grounds<'a>> {
        match self {
            Self::Open => Some(Grounds::OpenApi),
            Self::Closed => None,
            Self::Whole(grant) => Some(Grounds::ClientGrant { id: &grant.id }),
            Self::Within(grant, names) => {
                names.contains(scope).then_some(Grounds::ClientGrant { id: &grant.id })
            }
        }
    }
}

impl<'a> Allowance<'a> {
    fn new(
        original: Original<'a>,
        policy: Option<&'a [String]>,
        same_audience: bool,
        lookups: usize,
    ) -> Self {
        let policy = policy.unwrap_or_default();
        Self {
            granted: original.granted,
            granted_names: Names::Strings(original.granted).ready_for(lookups.max(original.granted.len())),
            policy,
            policy_names: Names::Strings(policy).ready_for(lookups.max(original.granted.len())),
            same_audience,
            is_elsewhere: false,
        }
    }

    fn keeps(&self, scope: &str) -> bool {
        self.same_audience && self.granted_names.contains(scope)
    }

    fn allows_api_scope(&self, scope: &str) -> bool {
        self.is_elsewhere || self.keeps(scope) || self.policy_names.contains(scope)
    }
}

fn check_machine(request: &Request<'_>) -> Result<(), Denied> {
    if request.client.is_public() {
        return Err(Denied::PublicClient);
    }
    if request.target.api().is_none() {
        return Err(Denied::UserinfoForMachine);
    }
    Ok(())
}

fn ceiling<'a>(request: &Request<'a>, lookups: usize) -> Result<Ceiling<'a>, Denied> {
    let Some(api) = request.target.api() else { return Ok(Ceiling::Open) };
    let machine = request.flow.is_machine();
    let strict = request.client.is_strict_third_party();
    let party = match (machine, strict) {
        (true, _) => Party::Machine,
        (false, true) => Party::ThirdParty,
        (false, false) => Party::FirstParty,
    };
    let own_account = is_own_account(request);
    let policy = if machine { api.client_policy() } else { api.user_policy() };
    if policy == Policy::DenyAll || (api.is_about_factors() && asks_elsewhere(request)) {
        return Err(Denied::ApiClosed(party));
    }
    if strict && (own_account || api.is_system()) {
        return Err(Denied::SystemApiForThirdParty(party));
    }
    // `allow_all` never applies to machines, and never opens the Management API. Nor does it let an API pass a user on to
    // another one: the user signed in to neither the one nor the other for that, so an administrator has to say so.
    if policy == Policy::AllowAll && !strict && !machine && !own_account && !is_elsewhere(request) {
        return Ok(Ceiling::Open);
    }
    let grant = request.grant.filter(|grant| fits(grant, request));
    match grant {
        Some(_) if own_account && !request.client.is_first_party => Ok(Ceiling::Closed),
        Some(grant) if grant.allow_all_scopes == Some(true) => Ok(Ceiling::Whole(grant)),
        Some(grant) => {
            let names = Names::Strings(grant.scope.as_deref().unwrap_or_default());
            Ok(Ceiling::Within(grant, names.ready_for(lookups)))
        }
        None if own_account => Ok(Ceiling::Closed),
        None => Err(Denied::NoClientGrant(party)),
    }
}

/// Whether it is a user who asks for the Management API. Their own account is theirs through any application; what is
/// beyond it takes a first-party application with a grant *and* a user with the permission.
fn is_own_account(request: &Request<'_>) -> bool {
    !request.flow.is_machine() && matches!(request.target, Target::Management(_))
}

/// Whether somebody else may have begun what the user allows: a code or a link of theirs is passed on like a word. What takes away
/// the user's second factors is not to be had like that.
fn asks_elsewhere(request: &Request<'_>) -> bool {
    matches!(request.flow, Flow::DeviceCode | Flow::Backchannel)
}

/// A grant looked up for somebody else, another API or another kind of subject is none.
fn fits(grant: &ClientGrant, request: &Request<'_>) -> bool {
    let subject_type = if request.flow.is_machine() { SubjectType::Client } else { SubjectType::User };
    grant.subject_type == subject_type
        && request.target.audience() == Some(grant.audience.as_str())
        && is_for(grant, request.client)
}

fn check_organization(request: &Request<'_>) -> Result<(), Denied> {
    let Some(grant) = request.grant.filter(|_| request.flow.is_machine()) else { return Ok(()) };
    match (grant.organization_usage.unwrap_or_default(), request.organization) {
        (GrantOrganizationUsage::Deny, Some(_)) => Err(Denied::OrganizationNotAllowed),
        (GrantOrganizationUsage::Require, None) => Err(Denied::OrganizationRequired),
        (_, Some(organization)) => {
            // Third-party applications are never let into any organization.
            let any = request.client.is_first_party && grant.allow_any_organization == Some(true);
            if any || organization.has_grant { Ok(()) } else { Err(Denied::OrganizationNotGranted) }
        }
        (_, None) => Ok(()),
    }
}

fn live<'a>(request: &Request<'a>) -> Names<'a> {
    let scopes = request.target.api().and_then(|api| api.scopes.as_deref());
    scopes.map_or(Names::EMPTY, Names::Definitions)
}

/// RBAC, and the exchange on behalf of a user that names no scope: it means what the user holds. The Management API looks
/// at what its users hold whatever its settings say.
fn held<'a>(request: &Request<'a>, ceiling: &Ceiling<'a>) -> Option<HashMap<&'a str, PermissionSource<'a>>> {
    let api = request.target.api().filter(|_| !matches!(ceiling, Ceiling::Closed))?;
    let matters = is_own_account(request) || api.enforces_policies() || means_all_held(request);
    (matters && !request.flow.is_machine()).then(|| request.permissions.on(&api.identifier))
}

/// Whether it is an exchange on behalf of a user that names no scope of the API: it means what the user holds.
fn means_all_held(request: &Request<'_>) -> bool {
    let names_one = || request.asked.iter().any(|scope| Kind::of(scope) == Kind::Api);
    matches!(request.flow, Flow::OnBehalfOf(_)) && !names_one()
}

/// Whether a user's token is exchanged for one of another API.
fn is_elsewhere(request: &Request<'_>) -> bool {
    matches!(request.flow, Flow::OnBehalfOf(token) if token.audience != request.target.audience())
}

/// For the API that the token was sent to there is what the token has; for another one, what the client grant lists. The
/// server's own APIs are nobody's to call with a token that was made of another.
fn on_behalf_allowance<'a>(
    request: &Request<'a>,
    token: Original<'a>,
    lookups: usize,
) -> Result<Allowance<'a>, Denied> {
    check_lifetimes(request)?;
    let is_system = request.target.api().is_some_and(crate::model::Api::is_system);
    if is_system || matches!(request.target, Target::Management(_)) {
        return Err(Denied::ApiClosed(Party::FirstParty));
    }
    let is_elsewhere = is_elsewhere(request);
    Ok(Allowance { is_elsewhere, ..Allowance::new(token, None, !is_elsewhere, lookups) })
}

fn check_lifetimes(request: &Request<'_>) -> Result<(), Denied> {
    let both = request.asked.contains(OFFLINE_ACCESS) && request.asked.contains(ONLINE_ACCESS);
    if both { Err(Denied::OnlineAndOffline) } else { Ok(()) }
}

fn refresh_allowance<'a>(
    request: &Request<'a>,
    token: Original<'a>,
    lookups: usize,
) -> Result<Allowance<'a>, Denied> {
    let same_audience = request.target.audience() == token.audience;
    let policy = policy(request.client, request.target);
    if policy.is_none() && !same_audience {
        return Err(Denied::AudienceNotInPolicies);
    }
    Ok(Allowance::new(token, policy, same_audience, lookups))
}

/// Scopes the application's refresh tokens give on this API beyond the sign-in. Only first-party applications have
/// policies, only for APIs that let them skip consent, and never for those of the server itself.
fn policy<'a>(client: &'a Client, target: Target<'a>) -> Option<&'a [String]> {
    let Target::Api(api) = target else { return None };
    if !client.is_first_party || !api.skip_consent_for_verifiable_first_party_clients || api.is_system() {
        return None;
    }
    let policies = client.refresh_token.as_ref()?.policies.as_deref()?;
    policies.iter().find(|p| p.audience == api.identifier).map(|p| p.scope.as_slice())
}
