//! Everything that a user or an application can obtain.
//!
//! Both lists go through the APIs in the order of their identifiers, from the one that the checkpoint names to where the page
//! is full: a tenant may have thousands of them with a hundred scopes each, and a page costs what is on it.

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;

use chancery_core::model::Role;
use chancery_core::problem::Problem;
use chancery_jose::{base64url, base64url_decode};
use chancery_store::{PreparedApi, UserAccess};
use chancery_web::Audience;
use serde_json::{Value, json};

use super::csv::Table;
use super::reach::{Subject, reach};
use super::{CLIENT, USER, answer, page};
use crate::call::{Answer, Call, stored};

/// `GET /explain/users/{id}`: through an application that may ask for it.
pub(super) async fn of_user(call: Call) -> Result<Answer, Problem> {
    let (tenant, store) = (call.tenant(), call.store());
    let user = store.user(tenant, call.at("id")).await.map_err(stored)?;
    let user = user.ok_or(Problem::NotFound(USER))?;
    let access = store.access_of(tenant, &user.user_id).await.map_err(stored)?;
    let inside = match call.caller.has("read:organizations") {
        true => store.roles_in_organizations(tenant, &user.user_id).await.map_err(stored)?,
        false => Vec::new(),
    };
    let mut part = Part::of(&call)?;
    let places = places(&access, &inside);
    let held = held(&call, &access, &places, &part);
    for api in apis_from(&call, &part) {
        if part.add_user(&call, api, held.get(api.identifier.as_str()), &places).is_break() {
            break;
        }
    }
    let (shown, next) = part.done()?;
    let mut table =
        Table::new(&["user_id", "audience", "scope", "through", "role_id", "role_name", "organization_id"]);
    let user_id = Value::from(user.user_id);
    for row in &shown {
        let role = &row["role"];
        let cells = [&user_id, &row["audience"], &row["scope"], &row["through"], &role["id"], &role["name"]];
        table.add(&[&cells[..], &[&row["organization_id"]]].concat());
    }
    Ok(answer(&call, json!({"user_id": user_id, "access": shown}), table, next))
}

/// `GET /explain/applications/{id}`: for itself, and for users who hold every permission.
pub(super) async fn of_application(call: Call) -> Result<Answer, Problem> {
    let client = call.snapshot().client(call.at("id")).ok_or(Problem::NotFound(CLIENT))?;
    let mut part = Part::of(&call)?;
    'page: for api in apis_from(&call, &part) {
        let audience = Audience::Api(Arc::clone(api));
        for subject in Subject::BOTH {
            let mut reached = reach(&call, client, &audience, subject, None);
            reached.sort_by(|(one, _), (other, _)| one.cmp(other));
            for (scope, way) in reached {
                let added = part.add([&api.identifier, subject.as_str(), &scope], || {
                    let mut row = way.shown(subject);
                    row["audience"] = call.origin().absolute(&api.identifier).into();
                    row["api_id"] = api.id.as_str().into();
                    row["scope"] = scope.as_str().into();
                    row
                });
                if added.is_break() {
                    break 'page;
                }
            }
        }
    }
    let (shown, next) = part.done()?;
    let client_id = Value::from(client.client_id.as_str());
    let mut table =
        Table::new(&["client_id", "audience", "scope", "subject_type", "through", "client_grant_id"]);
    for row in &shown {
        let cells = [&client_id, &row["audience"], &row["scope"], &row["subject_type"], &row["through"]];
        table.add(&[&cells[..], &[&row["client_grant_id"]]].concat());
    }
    Ok(answer(&call, json!({"client_id": client_id, "access": shown}), table, next))
}

/// The APIs that may be on the page, in the order of their identifiers.
fn apis_from<'a>(call: &'a Call, part: &Part) -> Vec<&'a Arc<PreparedApi>> {
    let mut apis: Vec<_> = call.snapshot().apis().filter(|api| part.may_show(&api.identifier)).collect();
    apis.sort_unstable_by(|one, other| one.identifier.cmp(&other.identifier));
    apis
}

/// Where the user has each role: in the tenant (empty), in organizations.
fn places<'a>(access: &'a UserAccess, inside: &'a [(String, String)]) -> HashMap<&'a str, BTreeSet<&'a str>> {
    let grouped = access.group_roles.iter().map(|given| &given.role_id);
    let own = access.role_ids.iter().chain(grouped).map(|id| (id.as_str(), ""));
    let inside = inside.iter().map(|(place, id)| (id.as_str(), place.as_str()));
    let mut places: HashMap<&str, BTreeSet<&str>> = HashMap::new();
    for (role_id, place) in own.chain(inside) {
        places.entry(role_id).or_default().insert(place);
    }
    places
}

/// A scope that is held, directly or by a role.
type HeldScope<'a> = (&'a str, Option<&'a Role>);

/// What the user holds at each API that may be on the page. Every role is looked through once.
fn held<'a>(
    call: &'a Call,
    access: &'a UserAccess,
    places: &HashMap<&'a str, BTreeSet<&'a str>>,
    part: &Part,
) -> HashMap<&'a str, Vec<HeldScope<'a>>> {
    let direct = access.permissions.iter().map(|permission| (permission, None));
    let roles = places.keys().filter_map(|id| call.snapshot().role(id)).map(AsRef::as_ref);
    let by_role = roles.flat_map(|role: &Role| role.permissions.iter().map(move |held| (held, Some(role))));
    let mut all: HashMap<&str, Vec<HeldScope<'_>>> = HashMap::new();
    for (permission, role) in direct.chain(by_role) {
        let api = permission.resource_server_identifier.as_str();
        if part.may_show(api) {
            all.entry(api).or_default().push((&permission.permission_name, role));
        }
    }
    all
}

/// A page in the making: the rows behind a key, as many as are asked for. Rows come in the order of their keys, which begin
/// with the identifier of the API.
struct Part {
    after: Vec<String>,
    take: usize,
    rows: Vec<Value>,
    last: Vec<String>,
    is_more: bool,
}

impl Part {
    fn of(call: &Call) -> Result<Self, Problem> {
        let (from, take) = page(call)?;
        let none_of_ours = || Problem::query("The checkpoint is none of this list", "from");
        let after = match from.as_str() {
            "" => Vec::new(),
            from => base64url_decode(from)
                .ok()
                .and_then(|key| serde_json::from_slice(&key).ok())
                .ok_or_else(none_of_ours)?,
        };
        let take = usize::try_from(take).unwrap_or(0);
        Ok(Self { after, take, rows: Vec::new(), last: Vec::new(), is_more: false })
    }

    fn may_show(&self, identifier: &str) -> bool {
        self.after.first().is_none_or(|first| identifier >= first.as_str())
    }

    /// Adds a row, if it is behind the key and there is room for it.
    fn add<const N: usize>(&mut self, key: [&str; N], row: impl FnOnce() -> Value) -> ControlFlow<()> {
        if !self.after.is_empty() && key.iter().copied().le(self.after.iter().map(String::as_str)) {
            return ControlFlow::Continue(());
        }
        if self.rows.len() == self.take {
            self.is_more = true;
            return ControlFlow::Break(());
        }
        self.last = key.map(str::to_owned).to_vec();
        self.rows.push(row());
        ControlFlow::Continue(())
    }

    /// Adds what a user can obtain of an API: anything where it asks for no permissions, else what is held.
    fn add_user(
        &mut self,
        call: &Call,
        api: &PreparedApi,
        held: Option<&Vec<HeldScope<'_>>>,
        places: &HashMap<&str, BTreeSet<&str>>,
    ) -> ControlFlow<()> {
        let audience = call.origin().absolute(&api.identifier);
        let row = |scope: &str, through: &str| json!({"audience": audience, "api_id": api.id, "scope": scope, "through": through});
        if !api.asks_for_permissions() {
            let scopes: BTreeSet<&str> = api.live_scopes().collect();
            return scopes.into_iter().try_for_each(|scope| {
                self.add([&api.identifier, scope, "open_api", "", ""], || row(scope, "open_api"))
            });
        }
        let Some(held) = held else { return ControlFlow::Continue(()) };
        let defined: BTreeSet<&str> = api.live_scopes().collect();
        let mut held: Vec<_> = held.iter().filter(|(scope, _)| defined.contains(scope)).collect();
        held.sort_unstable_by_key(|(scope, role)| (*scope, role.map(|role| role.id.as_str())));
        held.dedup_by_key(|(scope, role)| (*scope, role.map(|role| role.id.as_str())));
        for (scope, role) in held {
            let Some(role) = role else {
                self.add([&api.identifier, scope, "direct", "", ""], || row(scope, "direct"))?;
                continue;
            };
            for place in places.get(role.id.as_str()).into_iter().flatten() {
                self.add([&api.identifier, scope, "role", &role.id, place], || {
                    let mut row = row(scope, "role");
                    row["role"] = json!({"id": role.id, "name": role.name});
                    if !place.is_empty() {
                        row["organization_id"] = (*place).into();
                    }
                    row
                })?;
            }
        }
        ControlFlow::Continue(())
    }

    /// The rows, and where the next page begins.
    fn done(self) -> Result<(Vec<Value>, Option<String>), Problem> {
        let key = serde_json::to_vec(&self.last).map_err(|_| Problem::Internal)?;
        Ok((self.rows, self.is_more.then(|| base64url(&key))))
    }
}
