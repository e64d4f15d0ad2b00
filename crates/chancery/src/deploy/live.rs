//! What a server has, in the form of units. Everything is read in a few requests, and belongs to one revision.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};

use super::assets::{grant_name, tidy};
use super::set::{Refused, Sets};
use super::unit::{Type, Unit};

/// A tenant at one revision.
#[derive(Debug, Default)]
pub(crate) struct Live {
    pub(crate) revision: i64,
    pub(crate) units: Vec<Unit>,
    /// Applications by id.
    pub(super) client_names: HashMap<String, String>,
    /// The placeholder for all applications.
    pub(super) global_client: Option<String>,
    /// The application that asks; it and its grants are left alone.
    pub(super) own_client: String,
    /// Parts that are only compared, by their name in files.
    pub(super) fixed: Map<String, Value>,
}

/// Tries, where somebody changes the configuration while it is read.
const TRIES: usize = 5;

/// Prompts with texts, and those that take partials.
const PROMPTS: [&str; 35] = [
    "login",
    "login-id",
    "login-password",
    "login-passwordless",
    "login-email-verification",
    "signup",
    "signup-id",
    "signup-password",
    "phone-identifier-enrollment",
    "phone-identifier-challenge",
    "email-identifier-challenge",
    "reset-password",
    "custom-form",
    "consent",
    "customized-consent",
    "logout",
    "mfa-push",
    "mfa-otp",
    "mfa-voice",
    "mfa-phone",
    "mfa-webauthn",
    "mfa-sms",
    "mfa-email",
    "mfa-recovery-code",
    "mfa",
    "status",
    "device-flow",
    "email-verification",
    "email-otp-challenge",
    "organizations",
    "invitation",
    "common",
    "captcha",
    "passkeys",
    "brute-force-protection",
];
const PARTIALS: [&str; 8] = [
    "login",
    "login-id",
    "login-password",
    "login-passwordless",
    "signup",
    "signup-id",
    "signup-password",
    "passkeys",
];
const TEMPLATES: [&str; 13] = [
    "verify_email",
    "verify_email_by_code",
    "reset_email",
    "reset_email_by_code",
    "welcome_email",
    "blocked_account",
    "stolen_credentials",
    "enrollment_email",
    "mfa_oob_code",
    "change_password",
    "password_reset",
    "user_invitation",
    "async_approval",
];
const ATTACK_PROTECTION: [(&str, &str); 5] = [
    ("botDetection", "bot-detection"),
    ("breachedPasswordDetection", "breached-password-detection"),
    ("bruteForceProtection", "brute-force-protection"),
    ("captcha", "captcha"),
    ("suspiciousIpThrottling", "suspicious-ip-throttling"),
];
/// Parts whose only form here is what the server answers: one thing, several under their names, or (in brackets) a list of
/// things that have names.
const FIXED: [(&str, &[(&str, &str)]); 7] = [
    ("guardianFactors", &[("", "/guardian/factors")]),
    ("guardianPolicies", &[("policies", "/guardian/policies")]),
    (
        "guardianFactorTemplates",
        &[("[phone]", "/guardian/factors/phone/templates"), ("[sms]", "/guardian/factors/sms/templates")],
    ),
    ("guardianPhoneFactorSelectedProvider", &[("", "/guardian/factors/phone/selected-provider")]),
    ("guardianPhoneFactorMessageTypes", &[("", "/guardian/factors/phone/message-types")]),
    (
        "riskAssessment",
        &[
            ("settings", "/risk-assessments/settings"),
            ("new_device", "/risk-assessments/settings/new-device"),
        ],
    ),
    ("supplementalSignals", &[("", "/supplemental-signals")]),
];

impl Live {
    /// Reads these parts, and what they speak of.
    pub(crate) async fn read(sets: &Sets, parts: &BTreeSet<String>) -> Result<Self> {
        for _ in 0..TRIES {
            match Self::try_read(sets, parts).await {
                Err(error) if error.downcast_ref::<Refused>().is_some_and(Refused::is_change) => {}
                other => return other,
            }
        }
        bail!("the configuration is changed by somebody else all the time; try again later")
    }

    async fn try_read(sets: &Sets, parts: &BTreeSet<String>) -> Result<Self> {
        let wants = |part: &str| parts.contains(part);
        let clients = ["clients", "clientGrants", "databases", "connections", "organizations", "pages"];
        let grants = wants("clientGrants") || wants("organizations");
        let connections = wants("databases") || wants("connections") || wants("organizations");
        let mut asked = Reads::default();
        asked.list_if(wants("resourceServers"), "/resource-servers");
        asked.list_if(clients.into_iter().any(wants), "/clients");
        asked.list_if(grants, "/client-grants");
        asked.list_if(wants("roles"), "/roles");
        asked.list_if(connections, "/connections");
        asked.list_if(wants("organizations"), "/organizations");
        asked.one_if(wants("tenant") || wants("pages") || wants("prompts"), "/tenants/settings", &[]);
        asked.one_if(wants("emailProvider"), "/emails/provider", &[]);
        for template in TEMPLATES {
            asked.one_if(wants("emailTemplates"), "/email-templates/{templateName}", &[template]);
        }
        asked.one_if(wants("branding"), "/branding", &[]);
        asked.one_if(wants("branding"), "/branding/templates/universal-login", &[]);
        asked.one_if(wants("themes"), "/branding/themes/default", &[]);
        asked.one_if(wants("prompts"), "/prompts", &[]);
        asked.list_if(wants("prompts"), "/prompts/rendering");
        for prompt in PARTIALS {
            asked.one_if(wants("prompts"), "/prompts/{prompt}/partials", &[prompt]);
        }
        for (_, path) in ATTACK_PROTECTION {
            asked.one_if(wants("attackProtection"), &format!("/attack-protection/{path}"), &[]);
        }
        for (part, paths) in FIXED {
            paths.iter().for_each(|(_, path)| asked.one_if(wants(part), path, &[]));
        }
        asked.run(sets).await?;

        let ids = |found: &[Value]| -> Vec<String> {
            found.iter().filter_map(|each| each["id"].as_str().map(str::to_owned)).collect()
        };
        for id in ids(asked.items("/roles", &[])) {
            asked.list_of(wants("roles"), "/roles/{id}/permissions", &[&id]);
        }
        for id in ids(asked.items("/organizations", &[])) {
            for below in ["connections", "client-grants", "clients", "discovery-domains"] {
                asked.list_of(true, &format!("/organizations/{{id}}/{below}"), &[&id]);
            }
        }
        let locales =
            asked.one("/tenants/settings", &[]).and_then(|settings| settings.get("enabled_locales")).cloned();
        for locale in
            locales.as_ref().and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
        {
            for prompt in PROMPTS {
                asked.one_if(wants("prompts"), "/prompts/{prompt}/custom-text/{language}", &[prompt, locale]);
            }
        }
        for client in asked.items("/clients", &[]).to_vec() {
            let has_keys =
                client.get("client_authentication_methods").is_some_and(|methods| !methods.is_null());
            let id = client["client_id"].as_str().unwrap_or_default();
            asked.list_of(has_keys && wants("clients"), "/clients/{client_id}/credentials", &[id]);
        }
        asked.run(sets).await?;
        Ok(Builder::of(&asked, sets, wants).build())
    }

    /// A unit of files with applications by their names, where it names them by their ids; without the placeholder.
    pub(super) fn by_names(&self, unit: &Unit) -> Unit {
        let mut unit = unit.clone();
        let known = |value: &mut Value| {
            if let Some(name) = value.as_str().and_then(|id| self.shown_name(id)) {
                *value = name.into();
            }
        };
        match unit.of {
            Type::Database | Type::Connection => {
                if let Some(Value::Array(names)) = unit.value.get_mut("enabled_clients") {
                    names.retain(|name| name.as_str() != self.global_client.as_deref());
                    names.iter_mut().for_each(known);
                }
            }
            Type::ClientGrant => {
                if let Some(client) = unit.value.get_mut("client_id") {
                    known(client);
                }
                let text = |name: &str| unit.value.get(name).and_then(Value::as_str);
                if let (Some(who), Some(audience)) =
                    (text("client_id").or(text("default_for")), text("audience"))
                {
                    unit.name = grant_name(who, audience, text("subject_type").unwrap_or("client"));
                }
            }
            Type::Organization => {
                for list in ["clients", "client_grants"] {
                    let entries = unit.value.get_mut(list).and_then(Value::as_array_mut);
                    for entry in entries.into_iter().flatten().filter_map(|entry| entry.get_mut("client_id"))
                    {
                        known(entry);
                    }
                }
            }
            _ => {}
        }
        unit
    }

    /// Whether it is the name of the application that asks.
    pub(super) fn is_own_name(&self, name: Option<&str>) -> bool {
        name.is_some() && (name == Some(&self.own_client) || name == self.shown_name(&self.own_client))
    }

    /// The name of an application, unless several share it.
    fn shown_name(&self, id: &str) -> Option<&str> {
        let name = self.client_names.get(id)?;
        let is_shared = self.client_names.values().filter(|other| *other == name).nth(1).is_some();
        (!is_shared).then_some(name.as_str())
    }

    pub(super) fn find(&self, of: Type, name: &str) -> Option<&Unit> {
        self.units.iter().find(|unit| unit.of == of && unit.name == name)
    }
}

/// Parts that are only compared, never changed.
pub(super) fn is_fixed(part: &str) -> bool {
    FIXED.iter().any(|(fixed, _)| *fixed == part)
}

pub(super) fn fixed_parts() -> impl Iterator<Item = &'static str> {
    FIXED.iter().map(|(part, _)| *part)
}

/// What is asked for, and what came.
#[derive(Default)]
struct Reads {
    revision: Option<i64>,
    waiting: Vec<Read>,
    lists: HashMap<Key, Vec<Value>>,
    ones: HashMap<Key, Value>,
}

type Key = (String, Vec<String>);

#[derive(Clone)]
struct Read {
    path: String,
    parameters: Vec<String>,
    /// `None` for one thing, the query for the next page of a list.
    page: Option<String>,
    number: usize,
}

const PAGE: usize = 100;

impl Reads {
    fn one_if(&mut self, is_wanted: bool, path: &str, parameters: &[&str]) {
        self.ask(is_wanted, path, parameters, None);
    }

    fn list_if(&mut self, is_wanted: bool, path: &str) {
        self.list_of(is_wanted, path, &[]);
    }

    fn list_of(&mut self, is_wanted: bool, path: &str, parameters: &[&str]) {
        let by_checkpoint =
            path.ends_with("/clients") && path != "/clients" || path.ends_with("/discovery-domains");
        let first = match (path, by_checkpoint) {
            // The one list that is not cut.
            ("/clients/{client_id}/credentials", _) => String::new(),
            (_, true) => format!("take={PAGE}"),
            _ => format!("per_page={PAGE}&page=0"),
        };
        self.ask(is_wanted, path, parameters, Some(first));
    }

    fn ask(&mut self, is_wanted: bool, path: &str, parameters: &[&str], page: Option<String>) {
        if is_wanted {
            let parameters = parameters.iter().map(|text| (*text).to_owned()).collect();
            self.waiting.push(Read { path: path.to_owned(), parameters, page, number: 0 });
        }
    }

    fn items(&self, path: &str, parameters: &[&str]) -> &[Value] {
        let key = (path.to_owned(), parameters.iter().map(|text| (*text).to_owned()).collect());
        self.lists.get(&key).map_or(&[], Vec::as_slice)
    }

    fn one(&self, path: &str, parameters: &[&str]) -> Option<&Value> {
        let key = (path.to_owned(), parameters.iter().map(|text| (*text).to_owned()).collect());
        self.ones.get(&key)
    }

    /// Asks until nothing is left to ask; at least for the revision.
    async fn run(&mut self, sets: &Sets) -> Result<()> {
        while self.revision.is_none() || !self.waiting.is_empty() {
            let reads: Vec<Read> = self.waiting.drain(..self.waiting.len().min(1000)).collect();
            let operations: Result<Vec<Value>> = reads.iter().map(|read| read.operation(sets)).collect();
            let answer = sets.plan(self.revision, operations?).await?;
            self.revision = Some(answer.revision);
            for (read, answer) in reads.into_iter().zip(answer.operations) {
                self.take(read, &answer);
            }
        }
        Ok(())
    }

    fn take(&mut self, read: Read, answer: &Value) {
        let body = answer.get("body").cloned().unwrap_or_default();
        let key = (read.path.clone(), read.parameters.clone());
        let Some(page) = &read.page else {
            if !body.is_null() {
                self.ones.insert(key, body);
            }
            return;
        };
        let (items, next) = match body {
            Value::Array(items) => (items, None),
            Value::Object(mut members) => {
                let next = members.get("next").and_then(Value::as_str).map(str::to_owned);
                let list = members.values_mut().find_map(Value::as_array_mut);
                (list.map(std::mem::take).unwrap_or_default(), next)
            }
            _ => (Vec::new(), None),
        };
        let is_full = items.len() == PAGE;
        let number = read.number + 1;
        let next = match next {
            Some(next) => Some(format!("take={PAGE}&from={next}")),
            None if is_full && page.starts_with("per_page") => Some(format!("per_page={PAGE}&page={number}")),
            None => None,
        };
        self.lists.entry(key).or_default().extend(items);
        if next.is_some() {
            self.waiting.push(Read { page: next, number, ..read });
        }
    }
}

impl Read {
    fn operation(&self, sets: &Sets) -> Result<Value> {
        let operation = sets.operation("GET", &self.path)?;
        let names = operation.parameters();
        let path: Map<String, Value> = names
            .zip(&self.parameters)
            .map(|(name, value)| (name.to_owned(), value.as_str().into()))
            .collect();
        let mut asked = json!({"operation": operation.id, "path": path});
        if let Some(page) = self.page.as_ref().filter(|page| !page.is_empty()) {
            asked["query"] = page.as_str().into();
        }
        Ok(asked)
    }
}

/// From answers to units.
struct Builder<'a, W> {
    reads: &'a Reads,
    live: Live,
    issuer: &'a str,
    wants: W,
}

impl<'a, W: Fn(&str) -> bool> Builder<'a, W> {
    fn of(reads: &'a Reads, sets: &'a Sets, wants: W) -> Self {
        let live = Live {
            revision: reads.revision.unwrap_or_default(),
            own_client: sets.client_id().to_owned(),
            ..Live::default()
        };
        Self { reads, live, issuer: sets.issuer(), wants }
    }

    fn build(mut self) -> Live {
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
        for client in self.reads.items("/clients", &[]).iter().filter(|client| client["global"] != true) {
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
            if client_id == Some(&self.live.own_client) || grant["is_system"] == true {
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
        for role in self.reads.items("/roles", &[]).iter().filter(|role| role["type"] != "organization") {
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

/// Pages by their names in files, and the members of the tenant's settings that they are.
pub(super) const PAGES: [(&str, &str); 3] = [
    ("password_reset", "change_password"),
    ("guardian_multifactor", "guardian_mfa_page"),
    ("error_page", "error_page"),
];

fn members(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

impl Live {
    /// The id of an application by its name or id.
    pub(super) fn client_id(&self, named: &str) -> Result<Option<String>> {
        if self.client_names.contains_key(named) {
            return Ok(Some(named.to_owned()));
        }
        let mut ids = self.client_names.iter().filter(|(_, name)| *name == named).map(|(id, _)| id);
        let first = ids.next().cloned();
        if ids.next().is_some() {
            bail!("several applications are called {named}: name it by its client_id");
        }
        Ok(first)
    }

    /// The id of the one theme.
    pub(super) fn theme_id(&self) -> Result<&str> {
        let theme = self.units.iter().find(|unit| unit.of == Type::Theme);
        theme.and_then(|theme| theme.id.as_deref()).context("the theme has no id")
    }
}
