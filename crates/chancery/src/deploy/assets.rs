//! Between the parts of files and the units they are made of.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::{Result, bail};
use serde_json::{Map, Value, json};

use super::files::{Lines, Place};
use super::keywords::{Keywords, is_marker};
use super::unit::{Type, Unit, ordered};
use super::{names, secrets};

/// What files say: each part with its value, and where everything stands.
#[derive(Debug, Default)]
pub(crate) struct Assets {
    pub(super) parts: Map<String, Value>,
    /// By JSON pointer.
    pub(super) places: HashMap<String, Place>,
    /// Where there is but one file: its name, and where everything stands in it.
    pub(super) lines: Option<(String, Lines)>,
    /// What stands for what in them.
    pub(super) keywords: Keywords,
    /// Files beside the configuration, such as a README.
    pub(crate) strange: Vec<String>,
    /// Folders and JSON files that are no part of the layout.
    pub(super) unknown: Vec<Unknown>,
}

/// A name that says nothing here, with the known one that is most like it.
#[derive(Debug)]
pub(super) struct Unknown {
    pub(super) name: String,
    pub(super) meant: Option<&'static str>,
}

impl Assets {
    pub(super) fn place(&self, pointer: &str) -> Place {
        if let Some((file, lines)) = &self.lines {
            return Place { file: file.clone(), line: lines.of(pointer) };
        }
        let mut pointer = pointer;
        loop {
            if let Some(place) = self.places.get(pointer) {
                return place.clone();
            }
            match pointer.rfind('/') {
                Some(end) => pointer = &pointer[..end],
                None => return Place::file("the configuration"),
            }
        }
    }

    /// The parts that the files have.
    pub(crate) fn spoken(&self) -> BTreeSet<String> {
        self.parts.iter().filter(|(_, value)| !value.is_null()).map(|(part, _)| part.clone()).collect()
    }

    /// Names that are most likely slips stop everything, unless they are left out by name.
    pub(crate) fn check_names(&self, exclude: &[String]) -> Result<()> {
        let is_meant = |name: &str| !exclude.iter().any(|excluded| excluded == name);
        let known = super::known_parts();
        if let Some(part) = self.parts.keys().find(|part| is_meant(part) && !known.contains(&part.as_str())) {
            let place = self.place(&format!("/{part}"));
            let meant = names::nearest(part, &known);
            bail!("{place}: {part} is no part of files{}", suggestion(part, meant));
        }
        match self.unknown.iter().find(|unknown| is_meant(&unknown.name)) {
            Some(Unknown { name, meant }) => {
                bail!("{name} is no part of the layout{}", suggestion(name, *meant))
            }
            None => Ok(()),
        }
    }

    /// Whether `--exclude` may name it.
    pub(crate) fn has_name(&self, name: &str) -> bool {
        self.parts.contains_key(name) || self.unknown.iter().any(|unknown| unknown.name == name)
    }

    /// Markers that nothing is given for would go to the server as they stand. Those of secrets are left out instead.
    pub(crate) fn check_markers(&self, chosen: &BTreeSet<String>) -> Result<()> {
        let parts = self.parts.iter().filter(|(part, _)| chosen.contains(*part));
        for (part, value) in parts {
            if let Some((pointer, marker)) = self.unfilled(&format!("/{part}"), part, value) {
                let name = marker.trim_matches(['#', '@']);
                bail!(
                    "{}: nothing is given for {marker}; --var {name}=VALUE or the environment gives it a value",
                    self.place(&pointer)
                );
            }
        }
        Ok(())
    }

    /// The first of them below a value, and where.
    fn unfilled(&self, pointer: &str, member: &str, value: &Value) -> Option<(String, String)> {
        match value {
            Value::String(text) if is_marker(text) && secrets::may_be_missing(member) => None,
            Value::String(text) => {
                let marker = self.keywords.unfilled(text)?;
                Some((pointer.to_owned(), marker.to_owned()))
            }
            Value::Array(items) => items
                .iter()
                .enumerate()
                .find_map(|(index, item)| self.unfilled(&format!("{pointer}/{index}"), member, item)),
            Value::Object(members) => members.iter().find_map(|(name, value)| {
                let escaped = name.replace('~', "~0").replace('/', "~1");
                self.unfilled(&format!("{pointer}/{escaped}"), name, value)
            }),
            _ => None,
        }
    }

    /// The units of the chosen parts that are read here, with what was left out of them.
    pub(crate) fn units(&self, chosen: &BTreeSet<String>) -> Result<(Vec<Unit>, Vec<String>)> {
        let mut units = Vec::new();
        for (part, value) in self.parts.iter().filter(|(part, _)| chosen.contains(*part)) {
            if !value.is_null() {
                self.part(part, value, &mut units)?;
            }
        }
        let mut left_out = Vec::new();
        for unit in &mut units {
            let about = unit.to_string();
            let mut found = Vec::new();
            drop_idle_captchas(&mut unit.value);
            strip_markers(&mut unit.value, "", &mut found);
            if !found.is_empty() {
                left_out.push(format!(
                    "{about}: nothing is given for {}, so these are left as they are",
                    found.join(", ")
                ));
            }
            tidy(unit);
        }
        let mut seen: BTreeMap<(Type, String), String> = BTreeMap::new();
        for unit in &units {
            let place = unit.place.as_ref().map(ToString::to_string).unwrap_or_default();
            if let Some(first) = seen.insert((unit.of, unit.name.clone()), place.clone()) {
                bail!("{place}: {unit} is there twice, first at {first}");
            }
        }
        Ok((units, left_out))
    }

    fn part(&self, part: &str, value: &Value, units: &mut Vec<Unit>) -> Result<()> {
        let simple = |of| self.list(part, value, of);
        match part {
            "resourceServers" => units.extend(simple(Type::Api)?),
            "clients" => units.extend(simple(Type::Client)?),
            "clientGrants" => units.extend(simple(Type::ClientGrant)?),
            "roles" => units.extend(simple(Type::Role)?),
            "databases" => units.extend(simple(Type::Database)?),
            "connections" => units.extend(simple(Type::Connection)?),
            "organizations" => units.extend(simple(Type::Organization)?),
            "emailTemplates" => units.extend(simple(Type::EmailTemplate)?),
            "pages" => units.extend(simple(Type::Page)?),
            "themes" => {
                let themes = simple(Type::Theme)?;
                if themes.len() > 1 {
                    bail!("{}: a tenant has one theme", self.place("/themes/1"));
                }
                units.extend(themes);
            }
            "tenant" => units.push(self.single(Type::Tenant, "/tenant", value)?),
            "emailProvider" => {
                let provider = self.single(Type::EmailProvider, "/emailProvider", value)?;
                // No provider at all is written so.
                units.extend(Some(provider).filter(|provider| !provider.value.is_empty()));
            }
            "branding" => self.branding(value, units)?,
            "prompts" => self.prompts(value, units)?,
            "attackProtection" => {
                for (name, settings) in self.object("/attackProtection", value)? {
                    let pointer = format!("/attackProtection/{name}");
                    if attack_protection_path(name).is_none() {
                        bail!("{}: {name} is no part of attackProtection", self.place(&pointer));
                    }
                    let mut unit = self.single(Type::AttackProtection, &pointer, settings)?;
                    unit.name.clone_from(name);
                    units.push(unit);
                }
            }
            _ => {
                if let Some((of, _)) = Type::plains().find(|(_, plain)| plain.part == part) {
                    units.extend(simple(of)?);
                }
            }
        }
        Ok(())
    }

    fn object<'a>(&self, pointer: &str, value: &'a Value) -> Result<&'a Map<String, Value>> {
        match value {
            Value::Object(members) => Ok(members),
            _ => bail!("{}: {} must be an object", self.place(pointer), in_words(pointer)),
        }
    }

    fn single(&self, of: Type, pointer: &str, value: &Value) -> Result<Unit> {
        let members = self.object(pointer, value)?.clone();
        Ok(Unit::new(of, "settings", members).at(self.place(pointer)))
    }

    fn list(&self, part: &str, value: &Value, of: Type) -> Result<Vec<Unit>> {
        let Value::Array(items) = value else {
            bail!("{}: {part} must be a list", self.place(&format!("/{part}")))
        };
        let mut units = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let pointer = format!("/{part}/{index}");
            let members = self.object(&pointer, item)?.clone();
            // A file with nothing in it.
            if members.is_empty() {
                continue;
            }
            let place = self.place(&pointer);
            let name = name_of(of, &members);
            let Some(name) = name else {
                bail!("{place}: {} needs {}", in_words(&pointer), known_by(of));
            };
            units.push(Unit::new(of, name, members).at(place));
        }
        Ok(units)
    }

    fn branding(&self, value: &Value, units: &mut Vec<Unit>) -> Result<()> {
        let mut settings = self.single(Type::Branding, "/branding", value)?;
        let templates = settings.value.shift_remove("templates").unwrap_or_default();
        for template in templates.as_array().into_iter().flatten() {
            let place = self.place("/branding/templates");
            match (template["template"].as_str(), template["body"].as_str()) {
                (Some("universal_login"), Some(body)) => {
                    let value = json!({"body": body}).as_object().cloned().unwrap_or_default();
                    units.push(Unit::new(Type::BrandingTemplate, "universal_login", value).at(place));
                }
                _ => bail!("{place}: a template of branding is universal_login, with a body"),
            }
        }
        // Written so where there is none, and not taken by the API.
        settings.value.retain(|name, value| !(name == "logo_url" && value == ""));
        if !settings.value.is_empty() {
            units.push(settings);
        }
        Ok(())
    }

    fn prompts(&self, value: &Value, units: &mut Vec<Unit>) -> Result<()> {
        let mut settings = self.single(Type::Prompts, "/prompts", value)?;
        let place = self.place("/prompts");
        let mut take = |name: &str| settings.value.shift_remove(name).unwrap_or_else(|| json!({}));
        let (texts, partials, screens) = (take("customText"), take("partials"), take("screenRenderers"));
        for (language, prompts) in self.object("/prompts/customText", &texts)? {
            for (prompt, value) in self.object("/prompts/customText", prompts)? {
                let value = self.object("/prompts/customText", value)?.clone();
                units.push(
                    Unit::new(Type::PromptText, format!("{prompt} {language}"), value).at(place.clone()),
                );
            }
        }
        for (prompt, value) in self.object("/prompts/partials", &partials)? {
            let value = self.object("/prompts/partials", value)?.clone();
            units.push(Unit::new(Type::PromptPartials, prompt, value).at(place.clone()));
        }
        for screen in screens.as_array().into_iter().flatten() {
            let members = self.object("/prompts/screenRenderers", screen)?.clone();
            let name = |member: &str| members.get(member).and_then(Value::as_str);
            let (Some(prompt), Some(of_prompt)) = (name("prompt"), name("screen")) else {
                bail!("{place}: a screen renderer names its prompt and its screen");
            };
            let name = format!("{prompt}/{of_prompt}");
            units.push(Unit::new(Type::ScreenRenderer, name, members).at(place.clone()));
        }
        if !settings.value.is_empty() {
            units.push(settings);
        }
        Ok(())
    }
}

/// What a unit of a list is matched by.
fn name_of(of: Type, members: &Map<String, Value>) -> Option<String> {
    let text = |name: &str| members.get(name).and_then(Value::as_str);
    match of {
        Type::Api => text("identifier").map(str::to_owned),
        Type::EmailTemplate => text("template").map(str::to_owned),
        Type::Theme => Some("settings".to_owned()),
        Type::ClientGrant => {
            let who = text("client_id").or(text("default_for"))?;
            Some(grant_name(who, text("audience")?, text("subject_type").unwrap_or("client")))
        }
        // Several may share a name; then files name the id too.
        Type::Client => match (text("name")?, text("client_id")) {
            (name, Some(id)) => Some(format!("{name} {id}")),
            (name, None) => Some(name.to_owned()),
        },
        _ => text(of.plain().map_or("name", |plain| plain.known_by)).map(str::to_owned),
    }
}

fn known_by(of: Type) -> &'static str {
    match of {
        Type::Api => "an identifier",
        Type::EmailTemplate => "a template",
        Type::ClientGrant => "a client_id (or default_for) and an audience",
        Type::CustomDomain => "a domain",
        Type::TokenExchangeProfile => "a subject_token_type",
        _ => "a name",
    }
}

/// `/clients/0` as `the first of clients`.
fn in_words(pointer: &str) -> String {
    const FIRST: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];
    let pointer = &pointer[1..];
    let item = pointer.rsplit_once('/').and_then(|(list, index)| Some((list, index.parse::<usize>().ok()?)));
    match item {
        Some((list, index)) => match FIRST.get(index) {
            Some(word) => format!("the {word} of {list}"),
            None => format!("number {} of {list}", index + 1),
        },
        None => pointer.replace('/', "."),
    }
}

pub(super) fn grant_name(who: &str, audience: &str, subject: &str) -> String {
    match subject {
        "client" => format!("{who} at {audience}"),
        other => format!("{who} at {audience} ({other})"),
    }
}

/// The document of attack protection that a member of `attackProtection` is.
pub(super) fn attack_protection_path(name: &str) -> Option<&'static str> {
    Some(match name {
        "botDetection" => "bot-detection",
        "breachedPasswordDetection" => "breached-password-detection",
        "bruteForceProtection" => "brute-force-protection",
        "captcha" => "captcha",
        "suspiciousIpThrottling" => "suspicious-ip-throttling",
        _ => return None,
    })
}

/// Members that the server keeps for itself, or that say nothing.
fn read_only(of: Type) -> &'static [&'static str] {
    match of {
        Type::Api => &["id", "client_id", "is_system"],
        Type::Client => &[
            "callback_url_template",
            "signing_keys",
            "global",
            "tenant",
            "cross_origin_auth",
            "custom_login_page_preview",
            "config_route",
            "owners",
            "external_metadata_type",
            "external_metadata_created_by",
            "jwks_uri",
        ],
        Type::ClientGrant => &["id", "is_system"],
        Type::Role => &["id", "type", "owner_id"],
        Type::Database | Type::Connection => &["id", "provisioning_ticket_url"],
        Type::Organization => &["id"],
        Type::Tenant => &["sandbox_versions_available", "change_password", "guardian_mfa_page", "error_page"],
        Type::Theme => &["themeId"],
        Type::ScreenRenderer => &["tenant"],
        _ => match of.plain() {
            Some(plain) => plain.read_only,
            None => &[],
        },
    }
}

/// Flags that the wire shows and does not take.
const OLD_FLAGS: [&str; 5] = [
    "allow_changing_enable_sso",
    "cannot_change_enforce_client_authentication_on_passwordless_start",
    "enable_sso",
    "disable_impersonation",
    "remove_stale_idp_attributes",
];

/// The one form of a unit.
pub(super) fn tidy(unit: &mut Unit) {
    let value = &mut unit.value;
    for name in read_only(unit.of) {
        value.shift_remove(*name);
    }
    match unit.of {
        Type::Client => {
            for name in ["allowed_clients", "allowed_logout_urls", "allowed_origins", "callbacks"] {
                if let Some(list) = value.get_mut(name).filter(|list| list.is_null()) {
                    *list = json!([]);
                }
            }
        }
        Type::Tenant => {
            for (minutes, hours) in [
                ("session_lifetime_in_minutes", "session_lifetime"),
                ("idle_session_lifetime_in_minutes", "idle_session_lifetime"),
                ("ephemeral_session_lifetime_in_minutes", "ephemeral_session_lifetime"),
                ("idle_ephemeral_session_lifetime_in_minutes", "idle_ephemeral_session_lifetime"),
            ] {
                if let Some(minutes) = value.shift_remove(minutes).and_then(|minutes| minutes.as_f64()) {
                    value.insert(hours.to_owned(), (minutes / 60.0).into());
                }
            }
            if let Some(flags) = value.get_mut("flags").and_then(Value::as_object_mut) {
                flags.retain(|name, _| !OLD_FLAGS.contains(&name.as_str()));
            }
        }
        Type::Organization => {
            let domains = value.get_mut("discovery_domains").and_then(Value::as_array_mut);
            for domain in domains.into_iter().flatten().filter_map(Value::as_object_mut) {
                for name in ["id", "verification_host", "verification_txt"] {
                    domain.shift_remove(name);
                }
            }
        }
        Type::Database | Type::Connection => {
            if let Some(options) = value.get_mut("options").and_then(Value::as_object_mut) {
                options.shift_remove("configuration");
            }
        }
        _ => {}
    }
}

/// Other tools for this layout want a secret for each provider of captchas. Of one that is not in use and has no key there is
/// none, and nothing to be said.
fn drop_idle_captchas(members: &mut Map<String, Value>) {
    let Some(active) = members.get("active_provider_id").cloned() else { return };
    for (_, settings) in members.iter_mut().filter(|(provider, _)| **provider != active) {
        let Some(settings) = settings.as_object_mut() else { continue };
        let has_key = settings.get("site_key").and_then(Value::as_str).is_some_and(|key| !key.is_empty());
        if !has_key {
            let is_left = |name: &str, value: &Value| {
                !(secrets::may_be_missing(name) && value.as_str().is_some_and(is_marker))
            };
            settings.retain(|name, value| is_left(name, value));
        }
    }
}

fn suggestion(name: &str, meant: Option<&str>) -> String {
    match meant {
        Some(meant) => format!(": is {meant} meant? --exclude {name} leaves it out"),
        None => format!("; --exclude {name} leaves it out"),
    }
}

/// Takes out what is still a marker: a secret that nobody gave.
fn strip_markers(members: &mut Map<String, Value>, path: &str, found: &mut Vec<String>) {
    members.retain(|name, value| match value {
        Value::String(text) if secrets::may_be_missing(name) && is_marker(text) => {
            found.push(format!("{path}{name} ({text})"));
            false
        }
        Value::Object(inner) => {
            let before = inner.len();
            strip_markers(inner, &format!("{path}{name}."), found);
            before == 0 || !inner.is_empty()
        }
        _ => true,
    });
}

/// The parts of files that units make up, in order.
pub(crate) fn assets(units: &[Unit]) -> Map<String, Value> {
    let mut parts = Map::new();
    for unit in units {
        let mut value = ordered(unit.value.clone());
        secrets::hide(unit.of, &mut value);
        without_old_rules(unit.of, &mut value);
        // A list of all of them would be an old one with the next application.
        if value.get("enabled_for_all") == Some(&Value::Bool(true)) {
            value.shift_remove("enabled_clients");
        }
        let value = Value::Object(value);
        let part = unit.of.part();
        match unit.of {
            Type::Tenant | Type::EmailProvider => drop(parts.insert(part.to_owned(), value)),
            Type::Branding | Type::Prompts => {
                let whole = parts.entry(part).or_insert_with(|| json!({}));
                if let (Some(whole), Value::Object(members)) = (whole.as_object_mut(), value) {
                    whole.extend(members);
                }
            }
            Type::BrandingTemplate => {
                let template = json!({"template": "universal_login", "body": unit.value.get("body")});
                parts.entry(part).or_insert_with(|| json!({}))["templates"] = json!([template]);
            }
            Type::PromptText => {
                let (prompt, language) = unit.name.split_once(' ').unwrap_or_default();
                parts.entry(part).or_insert_with(|| json!({}))["customText"][language][prompt] = value;
            }
            Type::PromptPartials => {
                parts.entry(part).or_insert_with(|| json!({}))["partials"][&unit.name] = value;
            }
            Type::ScreenRenderer => {
                let whole = parts.entry(part).or_insert_with(|| json!({}));
                push(&mut whole["screenRenderers"], value);
            }
            Type::AttackProtection => {
                parts.entry(part).or_insert_with(|| json!({}))[&unit.name] = value;
            }
            _ => push(parts.entry(part).or_insert_with(|| json!([])), value),
        }
    }
    parts
}

/// Answers have rules for passwords in both their forms; files for tools that take one of them have the newer one.
fn without_old_rules(of: Type, value: &mut Map<String, Value>) {
    let options = value.get_mut("options").and_then(Value::as_object_mut);
    if let Some(options) = options.filter(|o| of == Type::Database && o.contains_key("password_options")) {
        options.retain(|name, _| !OLD_RULES.contains(&name.as_str()));
    }
}

const OLD_RULES: [&str; 5] = [
    "passwordPolicy",
    "password_complexity_options",
    "password_history",
    "password_no_personal_info",
    "password_dictionary",
];

fn push(list: &mut Value, value: Value) {
    match list {
        Value::Array(items) => items.push(value),
        other => *other = Value::Array(vec![value]),
    }
}
