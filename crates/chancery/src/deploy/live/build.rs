//! From what a server answered to units. The dashboard with its grant and its role is the server's own: `chancery admin`
//! makes it, so files neither hold nor remove it.

use std::collections::{BTreeMap, BTreeSet};

use chancery_core::dashboard;
use serde_json::{Map, Value, json};

use super::reads::Reads;
use super::{ATTACK_PROTECTION, FIXED, Live, PAGES, PARTIALS, TEMPLATES};
use crate::deploy::assets::{grant_name, tidy};
use crate::deploy::set::Sets;
use crate::deploy::unit::{Type, Unit};

/// From answers to units.
pub(super) struct Builder<'a, W> {
    reads: &'a Reads,
    live: Live,
    issuer: &'a str,
    wants: W,
}

impl<'a, W: Fn(&str) -> bool> Builder<'a, W> {
    pub(super) fn of(reads: &'a Reads, sets: &'a Sets, wants: W) -> Self {
        let live = Live {
            revision: reads.revision.unwrap_or_default(),
            own_client: sets.client_id().to_owned(),
            ..Live::default()
        };
        Self { reads, live, issuer: sets.issuer(), wants }
    }

    pub(super) fn build(mut self) -> Live {
        for client in self.reads.items("/clients", &[]) {
            let text = |name: &str| client[name].as_str().unwrap_or_default().to_owned();
            if client["global"] == true {
                self.live.global_client = Some(text("client_id"));
            } else {
                self.live.client_names.insert(text("client_id"), text("name"));
            }
        }
        self.apis();
        self.clients();
        self.grants();
        self.roles();
        self.connections();
        self.organizations();
        self.settings();
        self.prompts();
        self.plain_lists();
        self.fixed();
        self.live.units.sort_by(|a, b| (a.of, &a.name).cmp(&(b.of, &b.name)));
        self.live
    }

    fn add(&mut self, of: Type, name: &str, id: Option<&str>, raw: &Value, value: Map<String, Value>) {
        let mut unit = Unit::new(of, name, value);
        unit.id = id.map(str::to_owned);
        unit.raw = raw.as_object().cloned().unwrap_or_default();
        tidy(&mut unit);
        if (self.wants)(of.part())
            || matches!(of, Type::Client | Type::ClientGrant | Type::Database | Type::Connection)
        {
            self.live.units.push(unit);
        }
    }

    fn apis(&mut self) {
        let management = format!("{}/api/v2/", self.issuer);
        for api in self.reads.items("/resource-servers", &[]) {
            let mut value = members(api);
            let identifier = text(api, "identifier");
            if identifier == management {
                continue;
            }
            value.shift_remove("signing_secret");
            if api["is_system"] == true {
                const SETTABLE: [&str; 6] = [
                    "name",
                    "identifier",
                    "token_lifetime",
                    "proof_of_possession",
                    "skip_consent_for_verifiable_first_party_clients",
                    "authorization_policy",
                ];
                value.retain(|name, _| SETTABLE.contains(&name.as_str()));
            }
            self.add(Type::Api, identifier, api["id"].as_str(), api, value);
        }
    }

    fn clients(&mut self) {
        for client in self.reads.items("/clients", &[]) {
            if client["global"] == true || client["client_id"] == dashboard::CLIENT_ID {
                continue;
            }
            let mut value = members(client);
            value.shift_remove("client_secret");
            let (id, mut name) = (text(client, "client_id"), text(client, "name").to_owned());
            if self.is_shared(&name) {
                name = format!("{name} {id}");
            } else {
                value.shift_remove("client_id");
            }
            self.name_keys(id, &mut value);
            self.add(Type::Client, &name, Some(id), client, value);
        }
    }

    /// Keys of an application go by their names, those without one are nobody's.
    fn name_keys(&self, id: &str, value: &mut Map<String, Value>) {
        let Some(methods) = value.get_mut("client_authentication_methods").and_then(Value::as_object_mut)
        else {
            return;
        };
        let known = self.reads.items("/clients/{client_id}/credentials", &[id]);
        let mut any = false;
        for keys in methods.values_mut().filter_map(|method| method.get_mut("credentials")?.as_array_mut()) {
            let named = |key: &Value| {
                let found = known.iter().find(|known| known["id"] == key["id"])?;
                let name = found["name"].as_str()?;
                Some(json!({"name": name, "credential_type": found["credential_type"]}))
            };
            *keys = keys.iter().filter_map(named).collect();
            any |= !keys.is_empty();
        }
        if !any {
            value.shift_remove("client_authentication_methods");
        }
    }

    /// Its name, or its id where several share the name.
    fn client_name(&self, id: &str) -> String {
        self.live.shown_name(id).unwrap_or(id).to_owned()
    }

    fn is_shared(&self, name: &str) -> bool {
        self.live.client_names.values().filter(|other| *other == name).nth(1).is_some()
    }

    fn grants(&mut self) {
        for grant in self.reads.items("/client-grants", &[]) {
            let mut value = members(grant);
            let client_id = grant["client_id"].as_str();
            let is_own = client_id == Some(&self.live.own_client) || client_id == Some(dashboard::CLIENT_ID);
            if is_own || grant["is_system"] == true {
                continue;
            }
            let who = client_id.map(|id| self.client_name(id));
            if let Some(who) = &who {
                value.insert("client_id".to_owned(), who.as_str().into());
            }
            let who = who.unwrap_or_else(|| text(grant, "default_for").to_owned());
            let name =
                grant_name(&who, text(grant, "audience"), grant["subject_type"].as_str().unwrap_or("client"));
            self.add(Type::ClientGrant, &name, grant["id"].as_str(), grant, value);
        }
    }

    fn roles(&mut self) {
        for role in self.reads.items("/roles", &[]) {
            if role["type"] == "organization" || role["name"] == dashboard::ROLE {
                continue;
            }
            let id = text(role, "id");
            let mut permissions: Vec<Value> = self
                .reads
                .items("/roles/{id}/permissions", &[id])
                .iter()
                .map(|held| {
                    json!({
                        "permission_name": held["permission_name"],
                        "resource_server_identifier": held["resource_server_identifier"],
                    })
                })
                .collect();
            permissions.sort_by_key(ToString::to_string);
            let mut value = members(role);
            value.insert("permissions".to_owned(), permissions.into());
            self.add(Type::Role, text(role, "name"), Some(id), role, value);
        }
    }

    fn connections(&mut self) {
        for connection in self.reads.items("/connections", &[]) {
            let mut value = members(connection);
            let of = if connection["strategy"] == "auth0" { Type::Database } else { Type::Connection };
            let mut enabled: Vec<String> = connection["enabled_clients"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .filter(|id| Some(*id) != self.live.global_client.as_deref())
                .map(|id| self.client_name(id))
                .collect();
            enabled.sort_by_key(|name| name.to_lowercase());
            value.insert("enabled_clients".to_owned(), enabled.into());
            if of == Type::Connection {
                value.shift_remove("realms");
            }
            self.add(of, text(connection, "name"), connection["id"].as_str(), connection, value);
        }
    }

    fn organizations(&mut self) {
        for organization in self.reads.items("/organizations", &[]) {
            let id = text(organization, "id");
            let below = |what: &str| self.reads.items(&format!("/organizations/{{id}}/{what}"), &[id]);
            let connections: Vec<Value> = below("connections")
                .iter()
                .map(|entry| {
                    let mut all = json!({"name": entry["connection"]["name"]});
                    for (name, value) in members(entry) {
                        if name != "connection_id" && name != "connection" && !value.is_null() {
                            all[name] = value;
                        }
                    }
                    all
                })
                .collect();
            let named = |entry: &Value| Value::from(self.client_name(text(entry, "client_id")));
            let grants: BTreeSet<String> = below("client-grants")
                .iter()
                .map(|grant| self.client_name(text(grant, "client_id")))
                .collect();
            let grants: Vec<Value> = grants.into_iter().map(|name| json!({"client_id": name})).collect();
            let clients: Vec<Value> = below("clients")
                .iter()
                .map(|entry| {
                    json!({"client_id": named(entry), "use_for_member_access": entry["use_for_member_access"]})
                })
                .collect();
            let domains = below("discovery-domains").to_vec();
            let mut value = members(organization);
            value.insert("connections".to_owned(), connections.into());
            value.insert("client_grants".to_owned(), grants.into());
            value.insert("clients".to_owned(), clients.into());
            value.insert("discovery_domains".to_owned(), domains.into());
            let mut raw = organization.clone();
            raw["discovery_domains"] = below("discovery-domains").into();
            raw["connections"] = below("connections").into();
            raw["client_grants"] = below("client-grants").into();
            self.add(Type::Organization, text(organization, "name"), Some(id), &raw, value);
        }
    }

    fn settings(&mut self) {
        let reads = self.reads;
        let mut one = |of: Type, name: &str, path: &str, parameters: &[&str]| {
            if let Some(found) = reads.one(path, parameters) {
                self.add(of, name, found["themeId"].as_str(), found, members(found));
            }
        };
        one(Type::Tenant, "settings", "/tenants/settings", &[]);
        one(Type::EmailProvider, "settings", "/emails/provider", &[]);
        for template in TEMPLATES {
            one(Type::EmailTemplate, template, "/email-templates/{templateName}", &[template]);
        }
        one(Type::Branding, "settings", "/branding", &[]);
        one(Type::BrandingTemplate, "universal_login", "/branding/templates/universal-login", &[]);
        one(Type::Theme, "settings", "/branding/themes/default", &[]);
        one(Type::Prompts, "settings", "/prompts", &[]);
        for (name, path) in ATTACK_PROTECTION {
            one(Type::AttackProtection, name, &format!("/attack-protection/{path}"), &[]);
        }
        self.pages();
    }

    fn pages(&mut self) {
        let reads = self.reads;
        let global = reads.items("/clients", &[]).iter().find(|client| client["global"] == true);
        if let Some(page) = global.and_then(|client| client["custom_login_page"].as_str()) {
            let is_on = global.is_some_and(|client| client["custom_login_page_on"] == true);
            let value = json!({"name": "login", "enabled": is_on, "html": page});
            self.add(Type::Page, "login", None, &value, members(&value));
        }
        let Some(settings) = reads.one("/tenants/settings", &[]) else { return };
        for (name, member) in PAGES {
            let Some(page) = settings.get(member).filter(|page| page.is_object()) else { continue };
            let mut value = members(page);
            value.insert("name".to_owned(), name.into());
            self.add(Type::Page, name, None, page, value);
        }
    }

    fn prompts(&mut self) {
        let reads = self.reads;
        let mut texts: BTreeMap<String, &Value> = BTreeMap::new();
        for ((path, parameters), value) in &reads.ones {
            if path == "/prompts/{prompt}/custom-text/{language}" && value != &json!({}) {
                texts.insert(parameters.join(" "), value);
            }
        }
        for (name, value) in texts {
            self.add(Type::PromptText, &name, None, value, members(value));
        }
        for prompt in PARTIALS {
            if let Some(value) =
                reads.one("/prompts/{prompt}/partials", &[prompt]).filter(|value| *value != &json!({}))
            {
                self.add(Type::PromptPartials, prompt, None, value, members(value));
            }
        }
        for screen in reads.items("/prompts/rendering", &[]) {
            let name = format!("{}/{}", text(screen, "prompt"), text(screen, "screen"));
            self.add(Type::ScreenRenderer, &name, None, screen, members(screen));
        }
    }

    fn plain_lists(&mut self) {
        let reads = self.reads;
        for (of, plain) in Type::plains() {
            for found in reads.items(plain.all, &[]) {
                self.add(of, text(found, plain.known_by), found[plain.id].as_str(), found, members(found));
            }
        }
    }

    fn fixed(&mut self) {
        for (part, paths) in FIXED {
            let mut whole = json!({});
            for (member, path) in paths {
                let Some(found) = self.reads.one(path, &[]) else { continue };
                match member.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
                    Some(name) => {
                        let mut named = found.clone();
                        named["name"] = name.into();
                        whole = match whole {
                            Value::Array(list) => list.into_iter().chain([named]).collect(),
                            _ => json!([named]),
                        };
                    }
                    None if member.is_empty() => whole = found.clone(),
                    None => whole[*member] = found.clone(),
                }
            }
            self.live.fixed.insert(part.to_owned(), whole);
        }
    }
}

fn members(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}
