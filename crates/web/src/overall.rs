//! What a tenant, a user or an address may ask altogether, where the operator set such limits (fact sheet 13.2): kept in
//! memory, one node's view only, and forgotten at restart.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use chancery_core::network::subscriber as network;
use chancery_core::rate_limit::{Left, Limited, Limits};
use chancery_core::records::LogEvent;
use http::HeaderMap;
use http::request::Parts;

use crate::rates::{MOST_BUCKETS, make_room};
use crate::{Allowance, App, Ctx, Failure, Rate, TooManyRequests};

/// The buckets. There is none of these where no limit is set.
pub(crate) struct Overall {
    limits: Limits,
    /// When each will be full again, in microseconds.
    full_at: Mutex<HashMap<u64, i64>>,
    hasher: RandomState,
}

impl Overall {
    pub(crate) fn new(limits: &Limits) -> Option<Self> {
        (!limits.are_none()).then(|| Self {
            limits: limits.clone(),
            full_at: Mutex::default(),
            hasher: RandomState::new(),
        })
    }

    /// Takes one for this row and whomever it counts, where the row has a limit. Neither names nor addresses are kept.
    fn take(&self, what: Limited, whom: impl Hash, now_ms: i64) -> Option<Taken> {
        let limit = self.limits.limit(what)?;
        let key = self.hasher.hash_one((what, whom));
        let now = now_ms.saturating_mul(1000);
        let mut buckets = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MOST_BUCKETS && !buckets.contains_key(&key) {
            make_room(&mut buckets, now);
        }
        let left = limit.take(buckets.get(&key).copied(), now);
        buckets.insert(key, left.full_at);
        let is_nearly_spent = left.is_nearly_spent(limit.burst);
        Some(Taken { allowance: allowance(limit.burst, left, now), is_nearly_spent })
    }
}

/// What came of taking one.
struct Taken {
    allowance: Allowance,
    is_nearly_spent: bool,
}

impl Ctx {
    /// Takes one from what this row allows the tenant, where the operator set limits. `whom` tells users apart.
    pub fn take_overall(&self, what: Limited, whom: impl Hash) -> Option<Allowance> {
        let overall = self.app.overall.as_ref()?;
        let taken = overall.take(what, (&self.tenant.tenant, whom), self.now_ms)?;
        if taken.allowance.is_spent {
            self.tell(TOLD, format!("A rate limit was reached: {what:?}."));
        } else if taken.is_nearly_spent {
            self.tell(WARNED, format!("Four fifths of a rate limit are used: {what:?}."));
        }
        Some(taken.allowance)
    }

    /// Once a minute for each tenant: a flood of requests is no flood of writes.
    fn tell(&self, told: Rate, description: String) {
        let nobody = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        if self.app.rates.take(told, nobody, &self.tenant.tenant, self.now()).is_ok() {
            let kind = told.name.to_owned();
            self.log(LogEvent { kind, description: Some(description), ..LogEvent::default() });
        }
    }
}

/// Takes what a request of this path counts for. The context made on the way is kept for the handler. Preflights and what
/// asks whether the server is alive count for nothing.
///
/// # Errors
/// The refusal.
pub(crate) async fn admit(app: &Arc<App>, parts: &mut Parts) -> Result<Option<Allowance>, Response> {
    if app.overall.is_none() {
        return Ok(None);
    }
    let rows = rows(parts.uri.path());
    // Where there is no context the handler says why.
    let Some(Ok(ctx)) = (match rows {
        [] => None,
        _ => Some(Ctx::from_request_parts(parts, app).await),
    }) else {
        return Ok(None);
    };
    let mut scarcest = None;
    for &row in rows {
        let whom = (row == Limited::Pages).then(|| network(ctx.ip));
        let Some(left) = ctx.take_overall(row, whom) else { continue };
        if left.is_spent {
            return Err(Failure::from(TooManyRequests::from(left)).into_response());
        }
        scarcest = scarcest.into_iter().chain([left]).min_by_key(|left: &Allowance| left.remaining);
    }
    parts.extensions.insert(ctx);
    Ok(scarcest)
}

/// Says what is left, unless the handler spoke of a limit of its own of which there is less.
pub(crate) fn say(headers: &mut HeaderMap, left: Allowance) {
    let said = headers.get("x-ratelimit-remaining").and_then(|said| said.to_str().ok()?.parse::<u32>().ok());
    if said.is_none_or(|said| said > left.remaining) {
        left.say(headers);
    }
}

/// The narrowest first, so that what it refuses is not taken from the others. `/userinfo` of a user and the Management API are
/// counted where it is known who calls: whoever has no token takes nothing from those who have.
fn rows(path: &str) -> &'static [Limited] {
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| path.starts_with(prefix));
    match path {
        "/oauth/token" => &[Limited::Token, Limited::Authentication],
        "/.well-known/jwks.json" => &[Limited::KeySet, Limited::Authentication],
        path if path.starts_with("/oidc/register") => &[Limited::Registration, Limited::Authentication],
        _ if begins(&PAGES) => &[Limited::Pages],
        _ if begins(&AUTHENTICATION) => &[Limited::Authentication],
        _ => &[],
    }
}

fn allowance(limit: u32, left: Left, now: i64) -> Allowance {
    let ceiling = |micros: i64| micros.saturating_add(999_999).div_euclid(1_000_000);
    Allowance {
        limit,
        remaining: left.remaining.unwrap_or(0),
        reset: ceiling(now.saturating_add(left.wait)),
        retry_after: ceiling(left.wait).max(1).unsigned_abs(),
        is_spent: left.remaining.is_none(),
    }
}

/// How often it is told that a limit will soon be reached.
const WARNED: Rate = Rate { name: "api_limit_warning", burst: 1, every: 60 };
/// How often it is told that one was.
const TOLD: Rate = Rate { name: "api_limit", burst: 1, every: 60 };
const PAGES: [&str; 3] = ["/u/", "/login", "/activate"];
const AUTHENTICATION: [&str; 13] = [
    "/authorize",
    "/oauth/",
    "/userinfo",
    "/dbconnections/",
    "/passwordless/",
    "/passkey/",
    "/oidc/",
    "/v2/logout",
    "/.well-known/",
    "/bc-authorize",
    "/mfa/",
    "/co/",
    "/continue",
];

#[cfg(test)]
mod tests {
    use chancery_core::rate_limit::Profile;

    use super::*;

    #[test]
    fn what_a_path_counts_for() {
        assert_eq!(rows("/oauth/token"), [Limited::Token, Limited::Authentication]);
        assert_eq!(rows("/oidc/register/abc"), [Limited::Registration, Limited::Authentication]);
        assert_eq!(rows("/u/login"), [Limited::Pages]);
        assert_eq!(rows("/userinfo"), [Limited::Authentication]);
        for path in ["/healthz", "/readyz", "/api/v2/clients", "/scim/v2/connections/c/Users", "/"] {
            assert_eq!(rows(path), [], "{path}");
        }
    }

    #[test]
    fn memory_is_bounded() {
        let overall = Overall::new(&Profile::Enterprise.into()).unwrap();
        for n in 0..MOST_BUCKETS * 2 {
            overall.take(Limited::UserInfo, n, 0);
        }
        assert!(overall.full_at.lock().unwrap().len() <= MOST_BUCKETS);
        assert!(Overall::new(&Limits::default()).is_none());
    }
}
