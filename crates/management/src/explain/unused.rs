//! `GET /explain/unused`: scopes that client grants and roles give for some days and that were not issued through them in these,
//! with the configuration without them, as `chancery plan` reads it.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};

use chancery_core::dashboard;
use chancery_core::iso::format_ms;
use chancery_core::model::{ClientGrant, Permission, Role};
use chancery_core::problem::Problem;
use serde_json::{Map, Value, json};

use crate::call::{Answer, Call, stored};

pub(super) async fn unused(call: Call) -> Result<Answer, Problem> {
    // What was issued just now counts.
    call.ctx.app.logs.flush().await.map_err(stored)?;
    let days = call.query.int("days").unwrap_or(90);
    let noted = call.store().scope_uses(call.tenant()).await.map_err(stored)?;
    let mut last = HashMap::new();
    for used in noted.uses {
        let day =
            last.entry((used.holder, stored_audience(&call, &used.audience), used.scope)).or_insert(used.day);
        *day = used.day.max(*day);
    }
    let before = call.ctx.today() - days;
    let young = noted.given.into_iter().filter(|given| given.day > before);
    let young = young.map(|given| (given.holder, given.audience, given.scope)).collect();
    let since = noted.since;
    let notes = Notes { last, young, before, left_out: Cell::new(0) };
    let (mut grants, mut roles) = (Vec::new(), Vec::new());
    let mut patch = Map::new();
    for grant in call.snapshot().client_grants() {
        let Some(found) = of_grant(&call, grant, &notes) else { continue };
        grants.push(found.shown);
        // Nobody takes away what they ask with.
        if grant.client_id != call.caller.client_id {
            push(&mut patch, "clientGrants", found.patch);
        }
    }
    for role in call.snapshot().roles() {
        let Some(found) = of_role(&call, role, &notes) else { continue };
        roles.push(found.shown);
        // Files speak of the tenant's roles alone.
        if role.kind.as_deref() != Some("organization") {
            push(&mut patch, "roles", found.patch);
        }
    }
    let mut body = json!({
        "days": days,
        "is_complete": since.is_some_and(|since| since <= notes.before),
        "recently_given": notes.left_out.get(),
        "client_grants": grants,
        "roles": roles,
        "patch": patch,
    });
    if let Some(since) = since {
        body["since"] = date(since).into();
    }
    Ok(Answer::ok(body))
}

/// Holder, API as it is stored, and scope.
type Held = (String, String, String);

/// What is known of scopes that somebody holds.
struct Notes {
    /// The day on which each was last issued.
    last: HashMap<Held, i64>,
    /// What was given so lately that nobody can say yet whether it is needed.
    young: HashSet<Held>,
    /// Days after this one count as recent.
    before: i64,
    /// How many were not told because they are young.
    left_out: Cell<i64>,
}

impl Notes {
    fn day(&self, holder: &str, audience: &str, scope: &str) -> Option<i64> {
        self.last.get(&(holder.to_owned(), audience.to_owned(), scope.to_owned())).copied()
    }

    /// Whether it is used, or too young to tell.
    fn stays(&self, holder: &str, audience: &str, scope: &str) -> bool {
        if self.day(holder, audience, scope).is_some_and(|day| day > self.before) {
            return true;
        }
        let is_young = self.young.contains(&(holder.to_owned(), audience.to_owned(), scope.to_owned()));
        if is_young {
            self.left_out.set(self.left_out.get() + 1);
        }
        is_young
    }

    fn shown(&self, call: &Call, holder: &str, audience: &str, scope: &str) -> Value {
        let mut shown = json!({"audience": call.origin().absolute(audience), "scope": scope});
        if let Some(day) = self.day(holder, audience, scope) {
            shown["last_used"] = date(day).into();
        }
        shown
    }
}

struct Found {
    shown: Value,
    patch: Value,
}

/// A grant of an application of its own that lists its scopes: one for all scopes says that it wants all, and those that
/// the server itself made are its own business.
fn of_grant(call: &Call, grant: &ClientGrant, notes: &Notes) -> Option<Found> {
    let client_id = grant.client_id.as_deref()?;
    let is_own = grant.is_system == Some(true) || client_id == dashboard::CLIENT_ID;
    if grant.allow_all_scopes == Some(true) || is_own {
        return None;
    }
    let holder = format!("{}:{client_id}", grant.subject_type.as_str());
    let scopes = grant.scope.iter().flatten().map(String::as_str);
    let (kept, unused): (Vec<&str>, Vec<&str>) =
        scopes.partition(|scope| notes.stays(&holder, &grant.audience, scope));
    if unused.is_empty() {
        return None;
    }
    let unused: Vec<Value> =
        unused.into_iter().map(|scope| notes.shown(call, &holder, &grant.audience, scope)).collect();
    let subject = grant.subject_type.as_str();
    let name = call.snapshot().client(client_id).map(|client| client.name.as_str());
    Some(Found {
        patch: json!({
            "client_id": name.unwrap_or(client_id), "audience": call.origin().absolute(&grant.audience),
            "subject_type": subject, "scope": kept,
        }),
        shown: json!({
            "id": grant.id, "client_id": client_id, "client_name": name.unwrap_or_default(), "subject_type": subject,
            "unused": unused,
        }),
    })
}

/// Those of administrators are the server's own business too.
fn of_role(call: &Call, role: &Role, notes: &Notes) -> Option<Found> {
    if role.name == dashboard::ROLE {
        return None;
    }
    let holder = format!("role:{}", role.id);
    let stays =
        |held: &&Permission| notes.stays(&holder, &held.resource_server_identifier, &held.permission_name);
    let (kept, unused): (Vec<&Permission>, Vec<&Permission>) = role.permissions.iter().partition(stays);
    if unused.is_empty() {
        return None;
    }
    let unused: Vec<Value> = unused
        .into_iter()
        .map(|held| notes.shown(call, &holder, &held.resource_server_identifier, &held.permission_name))
        .collect();
    let kept: Vec<Value> = kept
        .into_iter()
        .map(|held| {
            json!({
                "permission_name": held.permission_name,
                "resource_server_identifier": call.origin().absolute(&held.resource_server_identifier),
            })
        })
        .collect();
    Some(Found {
        patch: json!({"name": role.name, "permissions": kept}),
        shown: json!({"id": role.id, "name": role.name, "unused": unused}),
    })
}

/// Events name the server's own API by the origin that was called, of which a tenant may have several.
fn stored_audience(call: &Call, audience: &str) -> String {
    let system = call.snapshot().apis().filter(|api| api.is_system());
    let own = system.map(|api| api.identifier.as_str()).find(|path| {
        let origin = audience.strip_suffix(path).unwrap_or_default();
        path.starts_with('/')
            && origin.contains("://")
            && !origin.trim_start_matches("https://").contains('/')
    });
    own.unwrap_or(audience).to_owned()
}

fn push(patch: &mut Map<String, Value>, part: &str, item: Value) {
    if let Value::Array(items) = patch.entry(part).or_insert_with(|| json!([])) {
        items.push(item);
    }
}

fn date(day: i64) -> String {
    format_ms(day.saturating_mul(DAY_MS)).chars().take(10).collect()
}

const DAY_MS: i64 = 86_400_000;
