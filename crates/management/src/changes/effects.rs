//! What a set of changes does to what it does not speak about: who loses a scope, a role, a connection, and which consents
//! and refresh tokens go. Counted from what would really be written, so nothing is guessed.

use std::collections::BTreeSet;

use chancery_core::model::{Api, Client, ClientGrant, Connection, Organization, Role};
use chancery_core::problem::Problem;
use chancery_store::{Difference, Kind, MOST_ROLES, Snapshot, Touched};
use chancery_web::Ctx;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Counts;
use crate::call::{Caller, read_stored, stored};

/// Every effect, and the scopes without which some were not shown.
pub(super) async fn of(
    ctx: &Ctx,
    caller: &Caller,
    base: &Snapshot,
    differences: &[Difference],
    sent: &BTreeSet<String>,
) -> Result<(Vec<Value>, Vec<&'static str>), Problem> {
    let gone = Gone::of(differences)?;
    let mut effects = Effects { ctx, caller, base, sent, gone, all: Vec::new(), hidden: Vec::new() };
    for difference in differences {
        match difference.kind {
            Kind::Api => effects.api(difference).await?,
            Kind::Client => effects.client(difference).await?,
            Kind::ClientGrant => effects.grant(difference)?,
            Kind::Role => effects.role(difference).await?,
            Kind::Connection => effects.connection(difference).await?,
            Kind::Organization => effects.organization(difference).await?,
            _ => {}
        }
    }
    Ok((effects.all, effects.hidden))
}

struct Effects<'a> {
    ctx: &'a Ctx,
    caller: &'a Caller,
    base: &'a Snapshot,
    /// What the caller called things by.
    sent: &'a BTreeSet<String>,
    gone: Gone,
    all: Vec<Value>,
    hidden: Vec<&'static str>,
}

/// What goes with something else, and is said there.
#[derive(Default)]
struct Gone {
    /// API and scope.
    scopes: BTreeSet<(String, String)>,
    clients: BTreeSet<String>,
}

impl Gone {
    fn of(differences: &[Difference]) -> Result<Self, Problem> {
        let mut gone = Self::default();
        for difference in differences {
            let (before, after) = (difference.before.as_deref(), difference.after.as_deref());
            match difference.kind {
                Kind::Api => {
                    let Some(before) = model::<Api>(before)? else { continue };
                    for scope in lost_scopes(&before, model::<Api>(after)?.as_ref()) {
                        gone.scopes.insert((before.identifier.clone(), scope));
                    }
                }
                Kind::Client if after.is_none() => drop(gone.clients.insert(difference.id.clone())),
                _ => {}
            }
        }
        Ok(gone)
    }

    fn has(&self, api: &str, scope: &str) -> bool {
        self.scopes.contains(&(api.to_owned(), scope.to_owned()))
    }
}

fn lost_scopes(before: &Api, after: Option<&Api>) -> Vec<String> {
    let lost = before.live_scopes().filter(|scope| after.is_none_or(|after| !after.defines(scope)));
    lost.map(str::to_owned).collect()
}

/// Names shown of many.
const FEW: usize = 5;

impl Effects<'_> {
    /// An API that goes, or scopes that it defines no more.
    async fn api(&mut self, difference: &Difference) -> Result<(), Problem> {
        let Some(before) = model::<Api>(difference.before.as_deref())? else { return Ok(()) };
        let after = model::<Api>(difference.after.as_deref())?;
        let identifier = before.identifier.as_str();
        let gone = lost_scopes(&before, after.as_ref());
        if after.is_some() && gone.is_empty() {
            return Ok(());
        }
        let effect = if after.is_none() { "api_deleted" } else { "scope_removed" };
        let shown = self.ctx.origin.absolute(identifier).to_string();
        if !self.may_name("read:resource_servers", effect, &[&before.id, identifier, &shown]) {
            return Ok(());
        }
        let (tenant, store, now) = (&self.base.tenant, &self.ctx.app.store, self.ctx.now());
        let tokens = match self.may("read:refresh_tokens") {
            true => Some(store.tokens_with_scopes(tenant, identifier, &gone, now).await.map_err(stored)?),
            false => None,
        };
        let about = || json!({"effect": effect, "api": shown, "name": before.name});
        if after.is_none() {
            let mut counts = self.holders(identifier, None).await?;
            if let Some((all, _, more)) = &tokens {
                counts.insert("refresh_tokens", number(*all, *more));
            }
            self.add(about(), counts);
            return Ok(());
        }
        for (index, scope) in gone.iter().enumerate() {
            let mut counts = self.holders(identifier, Some(scope)).await?;
            if let Some((_, each, more)) = &tokens {
                counts.insert("refresh_tokens", number(each[index], *more));
            }
            let mut about = about();
            about["scope"] = scope.as_str().into();
            self.add(about, counts);
        }
        Ok(())
    }

    /// Who holds a scope of an API, or any of it.
    async fn holders(&mut self, identifier: &str, scope: Option<&str>) -> Result<Counts, Problem> {
        let mut counts = Counts::new();
        let (base, tenant, store) = (self.base, &self.base.tenant, &self.ctx.app.store);
        if self.may("read:client_grants") {
            let holds = |grant: &&std::sync::Arc<ClientGrant>| {
                let mut scopes = grant.scope.iter().flatten();
                grant.audience == identifier
                    && scope.is_none_or(|scope| {
                        grant.allow_all_scopes == Some(true) || scopes.any(|held| held == scope)
                    })
            };
            let holding: Vec<_> = base.client_grants().filter(holds).collect();
            let is_named = !holding.is_empty() && self.may("read:clients");
            let mut names: Vec<String> =
                holding.into_iter().map(|grant| self.application(grant, is_named)).collect();
            names.sort();
            names.dedup();
            counts.insert("applications", few(names));
        }
        let holds = |role: &&std::sync::Arc<Role>| {
            role.permissions.iter().any(|held| {
                held.resource_server_identifier == identifier
                    && scope.is_none_or(|scope| held.permission_name == scope)
            })
        };
        let roles: Vec<_> = base.roles().filter(holds).collect();
        if self.may("read:roles") {
            let mut names: Vec<String> = roles.iter().map(|role| role.name.clone()).collect();
            names.sort();
            counts.insert("roles", few(names));
        }
        if self.may("read:users") {
            let ids: Vec<&str> = roles.iter().map(|role| role.id.as_str()).collect();
            let touched = store.users_permitted(tenant, identifier, scope, &ids).await.map_err(stored)?;
            let mut users = self.people(touched).await?;
            if ids.len() > MOST_ROLES {
                users["at_least"] = true.into();
            }
            counts.insert("users", users);
        }
        if self.may("read:grants") {
            let touched = store.consents_to(tenant, identifier, scope).await.map_err(stored)?;
            counts.insert("consents", self.people(touched).await?);
        }
        Ok(counts)
    }

    /// An application that goes.
    async fn client(&mut self, difference: &Difference) -> Result<(), Problem> {
        let Some(before) = model::<Client>(difference.before.as_deref())? else { return Ok(()) };
        if difference.after.is_some() {
            return Ok(());
        }
        if !self.may_name("read:clients", "application_deleted", &[&before.client_id]) {
            return Ok(());
        }
        let mut counts = Counts::new();
        let (base, store, id) = (self.base, &self.ctx.app.store, before.client_id.as_str());
        if self.may("read:client_grants") {
            let own = base.client_grants().filter(|grant| grant.client_id.as_deref() == Some(id));
            let audiences = own.map(|grant| self.ctx.origin.absolute(&grant.audience).to_string());
            counts.insert("client_grants", few(audiences.collect()));
        }
        if self.may("read:connections") {
            let named = base.connections().filter(|c| c.enabled_clients.iter().any(|client| client == id));
            counts.insert("connections", few(named.map(|connection| connection.name.clone()).collect()));
        }
        if self.may("read:grants") {
            let touched = store.consents_to_client(&base.tenant, id).await.map_err(stored)?;
            counts.insert("consents", self.people(touched).await?);
        }
        if self.may("read:refresh_tokens") {
            let live = store.tokens_of_client(&base.tenant, id, self.ctx.now()).await.map_err(stored)?;
            counts.insert("refresh_tokens", number(live, false));
        }
        self.add(json!({"effect": "application_deleted", "name": before.name, "client_id": id}), counts);
        Ok(())
    }

    /// An application that may ask for less.
    fn grant(&mut self, difference: &Difference) -> Result<(), Problem> {
        let Some(before) = model::<ClientGrant>(difference.before.as_deref())? else { return Ok(()) };
        let after = model::<ClientGrant>(difference.after.as_deref())?;
        let kept = |scope: &&String| {
            after.as_ref().is_some_and(|after| {
                after.allow_all_scopes == Some(true)
                    || after.scope.iter().flatten().any(|kept| kept == *scope)
            })
        };
        let is_told = |scope: &str| self.gone.has(&before.audience, scope);
        let lost: Vec<&String> =
            before.scope.iter().flatten().filter(|scope| !kept(scope) && !is_told(scope)).collect();
        let with_client = before.client_id.as_ref().is_some_and(|id| self.gone.clients.contains(id));
        let all_told = lost.is_empty() && before.scope.iter().flatten().any(|scope| is_told(scope));
        if with_client || all_told || (lost.is_empty() && after.is_some()) {
            return Ok(());
        }
        let effect = if after.is_some() { "client_grant_narrowed" } else { "client_grant_deleted" };
        let lost: Vec<String> = lost.into_iter().cloned().collect();
        if !self.may_name("read:client_grants", effect, &[&before.id]) {
            return Ok(());
        }
        let audience = self.ctx.origin.absolute(&before.audience).to_string();
        let is_named = before.client_id.is_none() || self.may("read:clients");
        let application = self.application(&before, is_named);
        self.all.push(json!({"effect": effect, "name": application, "api": audience, "scopes": lost}));
        Ok(())
    }

    /// A role that goes, or gives less.
    async fn role(&mut self, difference: &Difference) -> Result<(), Problem> {
        let Some(before) = model::<Role>(difference.before.as_deref())? else { return Ok(()) };
        let after = model::<Role>(difference.after.as_deref())?;
        let lost: Vec<&str> = before
            .permissions
            .iter()
            .filter(|held| after.as_ref().is_none_or(|after| !after.permissions.contains(held)))
            .filter(|held| !self.gone.has(&held.resource_server_identifier, &held.permission_name))
            .map(|held| held.permission_name.as_str())
            .collect();
        if after.is_some() && lost.is_empty() {
            return Ok(());
        }
        let effect = if after.is_some() { "role_narrowed" } else { "role_deleted" };
        if !self.may_name("read:roles", effect, &[&before.id]) {
            return Ok(());
        }
        let mut counts = Counts::new();
        if self.may("read:users") {
            let store = &self.ctx.app.store;
            let touched = store.users_with_role(&self.base.tenant, &before.id).await.map_err(stored)?;
            counts.insert("users", self.people(touched).await?);
        }
        self.add(json!({"effect": effect, "name": before.name, "scopes": lost}), counts);
        Ok(())
    }

    /// A connection that goes with its users, or that applications leave.
    async fn connection(&mut self, difference: &Difference) -> Result<(), Problem> {
        let Some(before) = model::<Connection>(difference.before.as_deref())? else { return Ok(()) };
        let after = model::<Connection>(difference.after.as_deref())?;
        let left = self.base.clients().filter(|client| {
            client.global != Some(true)
                && before.admits(client)
                && after.as_ref().is_none_or(|after| !after.admits(client))
        });
        let mut left: Vec<String> = left.map(|client| client.name.clone()).collect();
        left.sort();
        if after.is_some() && left.is_empty() {
            return Ok(());
        }
        let effect = if after.is_some() { "connection_left" } else { "connection_deleted" };
        if !self.may_name("read:connections", effect, &[&before.id]) {
            return Ok(());
        }
        let mut counts = Counts::new();
        if self.may("read:clients") {
            counts.insert("applications", few(left));
        }
        if after.is_none() && self.may("read:users") {
            let store = &self.ctx.app.store;
            let touched = store.users_of_connection(&self.base.tenant, &before.name).await.map_err(stored)?;
            counts.insert("users", self.people(touched).await?);
        }
        self.add(json!({"effect": effect, "name": before.name}), counts);
        Ok(())
    }

    /// An organization that goes.
    async fn organization(&mut self, difference: &Difference) -> Result<(), Problem> {
        let Some(before) = model::<Organization>(difference.before.as_deref())? else { return Ok(()) };
        if difference.after.is_some() {
            return Ok(());
        }
        if !self.may_name("read:organizations", "organization_deleted", &[&before.id]) {
            return Ok(());
        }
        let mut counts = Counts::new();
        if self.may("read:organization_members") {
            let store = &self.ctx.app.store;
            let touched = store.members_touched(&self.base.tenant, &before.id).await.map_err(stored)?;
            counts.insert("users", self.people(touched).await?);
        }
        self.add(json!({"effect": "organization_deleted", "name": before.name}), counts);
        Ok(())
    }

    /// Whose grant it is: by id where applications cannot be read.
    fn application(&self, grant: &ClientGrant, is_named: bool) -> String {
        let Some(id) = &grant.client_id else { return "every third-party application".to_owned() };
        self.base.client(id).filter(|_| is_named).map_or_else(|| id.clone(), |client| client.name.clone())
    }

    /// Users by their address where they have one.
    async fn people(&self, touched: Touched) -> Result<Value, Problem> {
        let mut first = Vec::new();
        for id in touched.first.iter().take(FEW) {
            let user = match self.caller.has("read:users") {
                true => self.ctx.app.store.user(&self.base.tenant, id).await.map_err(stored)?,
                false => None,
            };
            first.push(user.and_then(|user| user.email).unwrap_or_else(|| id.clone()));
        }
        Ok(json!({"count": touched.count, "first": first}))
    }

    /// Reading somebody's numbers takes the scope that reads them.
    fn may(&mut self, scope: &'static str) -> bool {
        let may = self.caller.has(scope);
        if !may && !self.hidden.contains(&scope) {
            self.hidden.push(scope);
        }
        may
    }

    /// As [`Self::may`]. Who may not read things of the kind is told that something happens to the one they spoke of, by the
    /// name they gave it, and nothing that they did not know.
    fn may_name(&mut self, scope: &'static str, effect: &str, ids: &[&str]) -> bool {
        let may = self.may(scope);
        if !may && let Some(id) = ids.iter().find(|id| self.sent.contains(**id)) {
            self.all.push(json!({"effect": effect, "id": id}));
        }
        may
    }

    fn add(&mut self, mut about: Value, counts: Counts) {
        for (name, value) in counts {
            about[name] = value;
        }
        self.all.push(about);
    }
}

fn model<T: DeserializeOwned>(json: Option<&str>) -> Result<Option<T>, Problem> {
    json.map(read_stored).transpose()
}

fn few(names: Vec<String>) -> Value {
    let count = names.len();
    json!({"count": count, "first": names.into_iter().take(FEW).collect::<Vec<_>>()})
}

/// `at_least` where there are more than were counted.
fn number(count: i64, more: bool) -> Value {
    if more { json!({"count": count, "at_least": true}) } else { json!({"count": count}) }
}
