//! From differences to the operations that make them so: deletions first, so that names are free, then everything else
//! in the order in which one thing may speak of another.

use std::collections::HashMap;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};

use super::assets::attack_protection_path;
use super::diff::{Action, Change, merged};
use super::live::{Live, PAGES};
use super::set::Sets;
use super::unit::{Plain, Type, Unit, entry_key};

/// Operations, each with the change that it is part of.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) operations: Vec<Value>,
    /// For each operation the index of its change.
    pub(crate) of: Vec<usize>,
}

/// The operations of all changes. `may_delete` lets entries go that only a permission to delete takes away.
pub(crate) fn operations(changes: &[Change], live: &Live, sets: &Sets, may_delete: bool) -> Result<Planned> {
    let mut maker = Maker {
        live,
        sets,
        may_delete,
        planned: Planned { operations: Vec::new(), of: Vec::new() },
        created: HashMap::new(),
        change: 0,
    };
    let of_kind = |is_deletion: bool| {
        let mut indexes: Vec<usize> = (0..changes.len())
            .filter(|index| (changes[*index].action == Action::Delete) == is_deletion)
            .collect();
        indexes.sort_by_key(|index| changes[*index].unit.of);
        indexes
    };
    let mut deletions = of_kind(true);
    deletions.reverse();
    for index in deletions.into_iter().chain(of_kind(false)) {
        maker.change = index;
        let change = &changes[index];
        let place =
            || change.unit.place.as_ref().map_or_else(|| change.unit.to_string(), ToString::to_string);
        maker.make(change).with_context(place)?;
    }
    Ok(maker.planned)
}

struct Maker<'a> {
    live: &'a Live,
    sets: &'a Sets,
    may_delete: bool,
    planned: Planned,
    /// By type and name, the operation that makes it.
    created: HashMap<(Type, String), usize>,
    change: usize,
}

impl Maker<'_> {
    fn make(&mut self, change: &Change) -> Result<()> {
        let unit = &change.unit;
        match change.action {
            Action::Delete => self.delete(unit),
            Action::Create => match unit.of {
                Type::Api => self.create(unit, "/resource-servers", unit.value.clone()),
                Type::Client => self.create(unit, "/clients", without(&unit.value, &["client_id"])),
                Type::ClientGrant => self.create_grant(unit),
                Type::Role => {
                    self.create(unit, "/roles", without(&unit.value, &["permissions"]))?;
                    self.permissions(unit, None)
                }
                Type::Database | Type::Connection => {
                    self.create(unit, "/connections", without(&unit.value, &["enabled_clients"]))?;
                    self.enabled_clients(unit, None)
                }
                Type::Organization => {
                    self.create(unit, "/organizations", without(&unit.value, &BELOW_ORGANIZATIONS))?;
                    self.below_organization(unit, None)
                }
                Type::EmailProvider => self.create(unit, "/emails/provider", unit.value.clone()),
                Type::EmailTemplate => self.create(unit, "/email-templates", unit.value.clone()),
                Type::Theme => self.create(unit, "/branding/themes", unit.value.clone()),
                _ => match unit.of.plain() {
                    Some(plain) => self.create_plain(unit, plain),
                    None => self.write(unit, None, change),
                },
            },
            Action::Update => self.write(unit, change.live.as_ref(), change),
        }
    }

    /// Adds an operation. Answers its number in the set.
    fn add(
        &mut self,
        method: &str,
        path: &str,
        parameters: Vec<Value>,
        body: Option<Value>,
    ) -> Result<usize> {
        let operation = self.sets.operation(method, path)?;
        let path: Map<String, Value> =
            operation.parameters().zip(parameters).map(|(name, value)| (name.to_owned(), value)).collect();
        let mut asked = json!({"operation": operation.id, "path": path});
        if let Some(body) = body {
            asked["body"] = body;
        }
        self.planned.operations.push(asked);
        self.planned.of.push(self.change);
        Ok(self.planned.operations.len() - 1)
    }

    fn create(&mut self, unit: &Unit, path: &str, body: Map<String, Value>) -> Result<()> {
        let body: Map<String, Value> = body.into_iter().filter(|(_, value)| !value.is_null()).collect();
        let number = self.add("POST", path, Vec::new(), Some(body.into()))?;
        let name = if unit.of == Type::Client { unit.text("name").unwrap_or(&unit.name) } else { &unit.name };
        self.created.insert((unit.of, name.to_owned()), number);
        Ok(())
    }

    /// What a creation does not take is put right behind it.
    fn create_plain(&mut self, unit: &Unit, plain: &Plain) -> Result<()> {
        self.create(unit, plain.all, without(&unit.value, plain.later))?;
        let later = unit.value.iter().filter(|(name, _)| plain.later.contains(&name.as_str()));
        let later: Map<String, Value> = later.map(|(name, value)| (name.clone(), value.clone())).collect();
        let id = self.made(unit.of, &unit.name, plain.id).context("it was not made")?;
        self.patch(plain.one, vec![id], later)
    }

    /// The id of a unit: on the server, or what its creation will answer.
    fn id(&self, unit: &Unit, live: Option<&Unit>) -> Result<Value> {
        match live.and_then(|live| live.id.as_deref()) {
            Some(id) => Ok(id.into()),
            None => self.made(unit.of, &unit.name, "id").with_context(|| format!("{unit} has no id")),
        }
    }

    fn made(&self, of: Type, name: &str, member: &str) -> Option<Value> {
        let number = self.created.get(&(of, name.to_owned()))?;
        Some(json!({"$result": [number, member]}))
    }

    fn delete(&mut self, unit: &Unit) -> Result<()> {
        let path = match unit.of {
            Type::Api => "/resource-servers/{id}",
            Type::Client => "/clients/{id}",
            Type::ClientGrant => "/client-grants/{id}",
            Type::Role => "/roles/{id}",
            Type::Database | Type::Connection => "/connections/{id}",
            Type::Organization => "/organizations/{id}",
            Type::Theme => "/branding/themes/{themeId}",
            Type::EmailProvider => return self.add("DELETE", "/emails/provider", Vec::new(), None).map(drop),
            _ => match unit.of.plain() {
                Some(plain) => plain.one,
                None => bail!("{unit} cannot be deleted"),
            },
        };
        let id = unit.id.as_deref().context("it has no id")?;
        self.add("DELETE", path, vec![id.into()], None).map(drop)
    }

    /// An update, or the making of what is there by itself.
    fn write(&mut self, unit: &Unit, live: Option<&Unit>, change: &Change) -> Result<()> {
        let body = body(change, live);
        let id = |maker: &Self| maker.id(unit, live);
        match unit.of {
            Type::Api => {
                self.patch("/resource-servers/{id}", vec![id(self)?], without(&body, &["identifier"]))
            }
            Type::Client => self.patch("/clients/{id}", vec![id(self)?], client_body(body, live)),
            Type::ClientGrant => {
                let fixed = ["client_id", "audience", "subject_type", "default_for"];
                self.patch("/client-grants/{id}", vec![id(self)?], without(&body, &fixed))
            }
            Type::Role => {
                self.patch("/roles/{id}", vec![id(self)?], without(&body, &["permissions"]))?;
                self.permissions(unit, live)
            }
            Type::Database | Type::Connection => {
                let own = without(&body, &["name", "strategy", "enabled_clients"]);
                self.patch("/connections/{id}", vec![id(self)?], own)?;
                self.enabled_clients(unit, live)
            }
            Type::Organization => {
                self.patch("/organizations/{id}", vec![id(self)?], without(&body, &BELOW_ORGANIZATIONS))?;
                self.below_organization(unit, live)
            }
            Type::Tenant => self.patch("/tenants/settings", Vec::new(), body),
            Type::Page => self.page(unit),
            Type::EmailProvider => self.patch("/emails/provider", Vec::new(), body),
            Type::EmailTemplate => {
                self.patch("/email-templates/{templateName}", vec![unit.name.as_str().into()], body)
            }
            Type::Branding => self.patch("/branding", Vec::new(), body),
            Type::BrandingTemplate => {
                let body = json!({"template": unit.value.get("body")});
                self.add("PUT", "/branding/templates/universal-login", Vec::new(), Some(body)).map(drop)
            }
            Type::Theme => {
                let whole = merged(
                    &Value::Object(unit.value.clone()),
                    live.map(|live| live.value.clone()).map(Value::Object).as_ref(),
                );
                let id = self.live.theme_id()?.into();
                self.add("PATCH", "/branding/themes/{themeId}", vec![id], Some(whole)).map(drop)
            }
            Type::Prompts => self.patch("/prompts", Vec::new(), body),
            Type::PromptText => {
                let (prompt, language) = unit.name.split_once(' ').unwrap_or_default();
                let parameters = vec![prompt.into(), language.into()];
                self.put_whole("/prompts/{prompt}/custom-text/{language}", parameters, unit, live)
            }
            Type::PromptPartials => {
                let parameters = vec![unit.name.as_str().into()];
                self.put_whole("/prompts/{prompt}/partials", parameters, unit, live)
            }
            Type::ScreenRenderer => {
                let (prompt, screen) = unit.name.split_once('/').unwrap_or_default();
                let path = "/prompts/{prompt}/screen/{screen}/rendering";
                self.patch(path, vec![prompt.into(), screen.into()], without(&body, &["prompt", "screen"]))
            }
            Type::CustomDomain
            | Type::TokenExchangeProfile
            | Type::LogStream
            | Type::UserAttributeProfile
            | Type::ConnectionProfile => {
                let plain = unit.of.plain().context("no plain list")?;
                self.patch(plain.one, vec![id(self)?], without(&body, plain.fixed))
            }
            Type::AttackProtection => {
                let name = attack_protection_path(&unit.name).context("no such part")?;
                self.patch(&format!("/attack-protection/{name}"), Vec::new(), body)
            }
        }
    }

    fn patch(&mut self, path: &str, parameters: Vec<Value>, body: Map<String, Value>) -> Result<()> {
        if body.is_empty() {
            return Ok(());
        }
        self.add("PATCH", path, parameters, Some(body.into())).map(drop)
    }

    /// What the API only takes whole.
    fn put_whole(
        &mut self,
        path: &str,
        parameters: Vec<Value>,
        unit: &Unit,
        live: Option<&Unit>,
    ) -> Result<()> {
        let before = live.map(|live| Value::Object(live.raw.clone()));
        let whole = merged(&Value::Object(unit.value.clone()), before.as_ref());
        self.add("PUT", path, parameters, Some(whole)).map(drop)
    }

    /// The id of an application that files name.
    fn client(&self, named: &str) -> Result<Value> {
        if let Some(made) = self.made(Type::Client, named, "client_id") {
            return Ok(made);
        }
        let id = self.live.client_id(named)?;
        Ok(id.with_context(|| format!("there is no application {named}"))?.into())
    }

    fn create_grant(&mut self, unit: &Unit) -> Result<()> {
        let mut body = unit.value.clone();
        if let Some(named) = unit.text("client_id") {
            body.insert("client_id".to_owned(), self.client(named)?);
        }
        self.create(unit, "/client-grants", body)
    }

    fn permissions(&mut self, unit: &Unit, live: Option<&Unit>) -> Result<()> {
        let id = self.id(unit, live)?;
        let (added, removed) =
            entries(unit, live, "permissions", &["permission_name", "resource_server_identifier"]);
        for (method, permissions) in [("DELETE", removed), ("POST", added)] {
            if !permissions.is_empty() {
                let body = json!({"permissions": permissions});
                self.add(method, "/roles/{id}/permissions", vec![id.clone()], Some(body))?;
            }
        }
        Ok(())
    }

    fn enabled_clients(&mut self, unit: &Unit, live: Option<&Unit>) -> Result<()> {
        let Some(Value::Array(wanted)) = unit.value.get("enabled_clients") else { return Ok(()) };
        let wanted: Vec<&str> = wanted.iter().filter_map(Value::as_str).collect();
        let before = live.and_then(|live| live.value.get("enabled_clients")).and_then(Value::as_array);
        let before: Vec<&str> = before.into_iter().flatten().filter_map(Value::as_str).collect();
        let mut switches = Vec::new();
        for name in wanted.iter().filter(|name| !before.contains(name)) {
            switches.push(json!({"client_id": self.client(name)?, "status": true}));
        }
        for name in before.iter().filter(|name| !wanted.contains(name)) {
            // One that is deleted in the same set is gone by then.
            if let Some(id) = self.live.client_id(name)? {
                switches.push(json!({"client_id": id, "status": false}));
            }
        }
        let id = self.id(unit, live)?;
        for part in switches.chunks(50) {
            self.add("PATCH", "/connections/{id}/clients", vec![id.clone()], Some(part.into()))?;
        }
        Ok(())
    }

    fn below_organization(&mut self, unit: &Unit, live: Option<&Unit>) -> Result<()> {
        let id = self.id(unit, live)?;
        self.organization_connections(unit, live, &id)?;
        let (added, removed) = entries(unit, live, "client_grants", &["client_id"]);
        for entry in removed {
            let grant = below(live, "client_grants", "client_id", &self.client(named(&entry, "client_id"))?);
            let grant =
                grant.and_then(|grant| grant["id"].as_str().map(Value::from)).context("no such grant")?;
            self.add(
                "DELETE",
                "/organizations/{id}/client-grants/{grant_id}",
                vec![id.clone(), grant],
                None,
            )?;
        }
        for entry in added {
            let grant = self.grant_of(named(&entry, "client_id"))?;
            let body = json!({"grant_id": grant});
            self.add("POST", "/organizations/{id}/client-grants", vec![id.clone()], Some(body))?;
        }
        self.organization_clients(unit, live, &id)?;
        self.domains(unit, live, &id)
    }

    fn organization_connections(&mut self, unit: &Unit, live: Option<&Unit>, id: &Value) -> Result<()> {
        let (added, removed) = entries(unit, live, "connections", &["name"]);
        for entry in removed {
            let connection = self.connection(named(&entry, "name"))?;
            let parameters = vec![id.clone(), connection];
            self.add("DELETE", "/organizations/{id}/connections/{connection_id}", parameters, None)?;
        }
        for entry in added {
            let mut body = entry.as_object().cloned().unwrap_or_default();
            body.shift_remove("name");
            body.insert("connection_id".to_owned(), self.connection(named(&entry, "name"))?);
            self.add("POST", "/organizations/{id}/connections", vec![id.clone()], Some(body.into()))?;
        }
        for (entry, _) in changed(unit, live, "connections", &["name"]) {
            let connection = self.connection(named(&entry, "name"))?;
            let body = without(entry.as_object().unwrap_or(&Map::new()), &["name"]);
            let parameters = vec![id.clone(), connection];
            self.patch("/organizations/{id}/connections/{connection_id}", parameters, body)?;
        }
        Ok(())
    }

    fn organization_clients(&mut self, unit: &Unit, live: Option<&Unit>, id: &Value) -> Result<()> {
        let (added, removed) = entries(unit, live, "clients", &["client_id"]);
        let path = "/organizations/{id}/clients";
        if self.may_delete && !removed.is_empty() {
            let gone: Result<Vec<Value>> =
                removed.iter().map(|entry| self.client(named(entry, "client_id"))).collect();
            self.add("DELETE", path, vec![id.clone()], Some(json!({"clients": gone?})))?;
        }
        if !added.is_empty() {
            let new = |entry: &Value| -> Result<Value> {
                let use_for = entry["use_for_member_access"].as_bool().unwrap_or(false);
                Ok(
                    json!({"client_id": self.client(named(entry, "client_id"))?, "use_for_member_access": use_for}),
                )
            };
            let new: Result<Vec<Value>> = added.iter().map(new).collect();
            self.add("POST", path, vec![id.clone()], Some(json!({"clients": new?})))?;
        }
        for (entry, _) in changed(unit, live, "clients", &["client_id"]) {
            let client = self.client(named(&entry, "client_id"))?;
            let body = json!({"use_for_member_access": entry["use_for_member_access"]});
            self.add(
                "PATCH",
                "/organizations/{id}/clients/{client_id}",
                vec![id.clone(), client],
                Some(body),
            )?;
        }
        Ok(())
    }

    fn domains(&mut self, unit: &Unit, live: Option<&Unit>, id: &Value) -> Result<()> {
        let (added, removed) = entries(unit, live, "discovery_domains", &["domain"]);
        let one = "/organizations/{id}/discovery-domains/{discovery_domain_id}";
        let known = |entry: &Value| -> Result<Value> {
            let found = below(live, "discovery_domains", "domain", &entry["domain"]);
            found.and_then(|found| found["id"].as_str().map(Value::from)).context("no such domain")
        };
        for entry in removed.iter().filter(|_| self.may_delete).cloned().collect::<Vec<_>>() {
            self.add("DELETE", one, vec![id.clone(), known(&entry)?], None)?;
        }
        for entry in added {
            self.add("POST", "/organizations/{id}/discovery-domains", vec![id.clone()], Some(entry))?;
        }
        for (entry, _) in changed(unit, live, "discovery_domains", &["domain"]) {
            let body = without(entry.as_object().unwrap_or(&Map::new()), &["domain"]);
            self.patch(one, vec![id.clone(), known(&entry)?], body)?;
        }
        Ok(())
    }

    fn connection(&self, name: &str) -> Result<Value> {
        for of in [Type::Database, Type::Connection] {
            if let Some(made) = self.made(of, name, "id") {
                return Ok(made);
            }
            if let Some(id) = self.live.find(of, name).and_then(|unit| unit.id.as_deref()) {
                return Ok(id.into());
            }
        }
        bail!("there is no connection {name}")
    }

    /// A grant of an application, for organizations: they name the application alone.
    fn grant_of(&self, client: &str) -> Result<Value> {
        let prefix = format!("{client} at ");
        let made =
            self.created.iter().find(|((of, name), _)| *of == Type::ClientGrant && name.starts_with(&prefix));
        if let Some((_, number)) = made {
            return Ok(json!({"$result": [number, "id"]}));
        }
        let known = self
            .live
            .units
            .iter()
            .find(|unit| unit.of == Type::ClientGrant && unit.name.starts_with(&prefix));
        let id = known.and_then(|unit| unit.id.as_deref());
        Ok(id.with_context(|| format!("the application {client} has no client grant"))?.into())
    }

    fn page(&mut self, unit: &Unit) -> Result<()> {
        if unit.name == "login" {
            let global =
                self.live.global_client.clone().context("there is no placeholder for all applications")?;
            let mut body = Map::new();
            for (name, member) in [("html", "custom_login_page"), ("enabled", "custom_login_page_on")] {
                if let Some(value) = unit.value.get(name) {
                    body.insert(member.to_owned(), value.clone());
                }
            }
            return self.patch("/clients/{id}", vec![global.into()], body);
        }
        let member = PAGES.iter().find(|(name, _)| *name == unit.name).map(|(_, member)| *member);
        let member = member.with_context(|| format!("there is no page {}", unit.name))?;
        let mut body = Map::new();
        body.insert(member.to_owned(), without(&unit.value, &["name"]).into());
        self.patch("/tenants/settings", Vec::new(), body)
    }
}

/// Lists of an organization that have operations of their own.
const BELOW_ORGANIZATIONS: [&str; 4] = ["connections", "client_grants", "clients", "discovery_domains"];

fn without(members: &Map<String, Value>, names: &[&str]) -> Map<String, Value> {
    members
        .iter()
        .filter(|(name, _)| !names.contains(&name.as_str()))
        .map(|(n, v)| (n.clone(), v.clone()))
        .collect()
}

/// The members that differ, each whole.
fn body(change: &Change, live: Option<&Unit>) -> Map<String, Value> {
    let mut body = Map::new();
    for line in &change.lines {
        let name = line.path.split(['.', '[']).next().unwrap_or_default();
        if let Some(wanted) = change.unit.value.get(name).filter(|_| !body.contains_key(name)) {
            // The server merges flags itself, and shows more of them than it takes.
            let is_merged_there = change.unit.of == Type::Tenant && name == "flags";
            let before = live.and_then(|live| live.raw.get(name)).filter(|_| !is_merged_there);
            body.insert(name.to_owned(), merged(wanted, before));
        }
    }
    body
}

/// Without what only a creation takes. Metadata is merged by the server: what goes is null.
fn client_body(mut body: Map<String, Value>, live: Option<&Unit>) -> Map<String, Value> {
    let before = live.and_then(|live| live.raw.get("client_metadata")).and_then(Value::as_object);
    if let (Some(Value::Object(metadata)), Some(before)) = (body.get_mut("client_metadata"), before) {
        for name in before.keys() {
            metadata.entry(name).or_insert(Value::Null);
        }
    }
    if let Some(settings) = body.get_mut("jwt_configuration").and_then(Value::as_object_mut) {
        settings.shift_remove("secret_encoded");
    }
    body
}

/// Entries of a list that come, and that go.
fn entries(unit: &Unit, live: Option<&Unit>, member: &str, keys: &[&str]) -> (Vec<Value>, Vec<Value>) {
    let Some(Value::Array(wanted)) = unit.value.get(member) else { return (Vec::new(), Vec::new()) };
    let empty = Vec::new();
    let before = live.and_then(|live| live.value.get(member)).and_then(Value::as_array).unwrap_or(&empty);
    let lacks =
        |list: &[Value], entry: &Value| !list.iter().any(|e| entry_key(keys, e) == entry_key(keys, entry));
    let added = wanted.iter().filter(|entry| lacks(before, entry)).cloned().collect();
    let removed = before.iter().filter(|entry| lacks(wanted, entry)).cloned().collect();
    (added, removed)
}

/// Entries that are there and otherwise, each with how it is.
fn changed(unit: &Unit, live: Option<&Unit>, member: &str, keys: &[&str]) -> Vec<(Value, Value)> {
    let wanted = unit.value.get(member).and_then(Value::as_array).into_iter().flatten();
    let before = live.and_then(|live| live.value.get(member)).and_then(Value::as_array);
    let pairs = wanted.filter_map(|entry| {
        let other = before?.iter().find(|other| entry_key(keys, other) == entry_key(keys, entry))?;
        let mut lines = Vec::new();
        super::diff::compare(member, entry, Some(other), &mut lines);
        (!lines.is_empty()).then(|| (entry.clone(), other.clone()))
    });
    pairs.collect()
}

/// An entry below an organization, as the server shows it.
fn below(live: Option<&Unit>, list: &str, member: &str, value: &Value) -> Option<Value> {
    let all = live?.raw.get(list)?.as_array()?;
    all.iter().find(|entry| entry.get(member) == Some(value)).cloned()
}

fn named<'a>(entry: &'a Value, member: &str) -> &'a str {
    entry[member].as_str().unwrap_or_default()
}
