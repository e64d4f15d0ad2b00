//! The decision that tokens are issued by.

use super::judge::Judge;
use super::names::{OFFLINE_ACCESS, ONLINE_ACCESS, OPENID};
use super::{Denied, Flow, Request};
use crate::model::SigningAlg;

/// What a token may carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision<'a> {
    /// Granted scopes: in the order asked, implied ones in the API's order after standard ones.
    pub granted: Vec<&'a str>,
    /// The `permissions` claim: everything the user holds on the API. `None` leaves the claim out.
    pub permissions: Option<Vec<&'a str>>,
    /// `offline_access` was granted: a refresh token is due. False when refreshing, where one exists.
    pub offline: bool,
    /// `online_access` was granted. False when refreshing.
    pub online: bool,
    /// `aud` also names `/userinfo`: `openid` was granted on an API whose tokens this server can verify by public key.
    pub with_userinfo: bool,
}

/// Decides a request. Pure; linear in the scopes that take part.
///
/// # Errors
///
/// The request is refused as a whole: see [`Denied`]. In user flows a scope that cannot be granted is no error, it is
/// left out.
pub fn decide<'a>(request: &Request<'a>) -> Result<Decision<'a>, Denied> {
    decide_with(request, &Judge::new(request, lookups(request))?)
}

pub(super) fn decide_with<'a>(request: &Request<'a>, judge: &Judge<'a>) -> Result<Decision<'a>, Denied> {
    let machine = request.flow.is_machine();
    let mut granted = judge.candidates();
    if machine && !request.asked.is_empty() {
        let missing: Vec<_> = granted.iter().filter(|s| !judge.verdict(s).is_granted()).collect();
        if !missing.is_empty() {
            return Err(Denied::ScopesNotGranted(missing.into_iter().map(|s| (*s).to_owned()).collect()));
        }
    } else {
        granted.retain(|scope| judge.verdict(scope).is_granted());
    }
    let api = request.target.api();
    let signs_in = !matches!(request.flow, Flow::Refresh(_)) && !machine;
    let public_key = api.is_some_and(|api| api.signing_alg != SigningAlg::HS256);
    let shows_permissions = api.is_some_and(|a| a.enforces_policies() && a.dialect().shows_permissions());
    Ok(Decision {
        permissions: if machine { shows_permissions.then(|| granted.clone()) } else { judge.permissions() },
        offline: signs_in && granted.contains(&OFFLINE_ACCESS),
        online: signs_in && granted.contains(&ONLINE_ACCESS),
        with_userinfo: public_key && !machine && granted.contains(&OPENID),
        granted,
    })
}

/// How many scopes will be judged: those asked for, and where the flow implies scopes or the token lists permissions,
/// those of the API too.
pub(super) fn lookups(request: &Request<'_>) -> usize {
    let named = request.asked.len();
    let api = request.target.api();
    let lists_all = api.is_some_and(|api| api.dialect().shows_permissions());
    let implies = match request.flow {
        Flow::Password
        | Flow::PasswordRealm
        | Flow::TokenExchange { .. }
        | Flow::OnBehalfOf(_)
        | Flow::CodeExchange(_) => true,
        Flow::ClientCredentials | Flow::Refresh(_) => named == 0,
        Flow::Code
        | Flow::Implicit
        | Flow::Hybrid
        | Flow::Passwordless
        | Flow::Passkey
        | Flow::DeviceCode
        | Flow::Backchannel => false,
    };
    if lists_all || implies {
        named + api.and_then(|api| api.scopes.as_ref()).map_or(0, Vec::len)
    } else {
        named
    }
}

impl Decision<'_> {
    /// Whether the scope was granted. Linear.
    pub fn has(&self, scope: &str) -> bool {
        self.granted.contains(&scope)
    }

    /// Whether an ID token is due.
    pub fn has_openid(&self) -> bool {
        self.has(OPENID)
    }

    /// The granted scopes as the wire writes them; `None` when there is none and the member is left out.
    pub fn scope(&self) -> Option<String> {
        (!self.granted.is_empty()).then(|| self.granted.join(" "))
    }

    /// The granted scopes to keep.
    pub fn to_owned_scopes(&self) -> Vec<String> {
        self.granted.iter().map(|s| (*s).to_owned()).collect()
    }
}
