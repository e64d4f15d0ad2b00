//! A folder of JSON files, one for each thing.

use anyhow::{Result, bail};
use serde_json::{Map, Value, json};

use super::text;
use super::yaml_file::move_out;
use crate::deploy::assets::{Assets, Unknown, attack_protection_path};
use crate::deploy::files::{Folder, Place, Written, sanitized};
use crate::deploy::names;
use crate::deploy::unit::Type;

/// Folders that hold one JSON file for each item of a part.
const SIMPLE: [(&str, &str); 6] = [
    ("resource-servers", "resourceServers"),
    ("clients", "clients"),
    ("grants", "clientGrants"),
    ("roles", "roles"),
    ("connections", "connections"),
    ("organizations", "organizations"),
];

/// The same with the plain lists.
fn simple() -> impl Iterator<Item = (&'static str, &'static str)> {
    SIMPLE.into_iter().chain(Type::plains().map(|(_, plain)| (plain.folder, plain.part)))
}

/// Folders of parts that are not read here, and the files that are one part each.
const OTHERS: [(&str, &str); 17] = [
    ("action-modules", "actionModules"),
    ("actions", "actions"),
    ("event-streams", "eventStreams"),
    ("flow-vault-connections", "flowVaultConnections"),
    ("flows", "flows"),
    ("forms", "forms"),
    ("hooks", "hooks"),
    ("network-acls", "networkACLs"),
    ("phone-providers", "phoneProviders"),
    ("phone-templates", "phoneTemplates"),
    ("rate-limit-policies", "rateLimitPolicies"),
    ("rules", "rules"),
    ("rules-configs", "rulesConfigs"),
    ("self-service-profiles", "selfServiceProfiles"),
    ("triggers", "triggers"),
    ("vault-connections", "flowVaultConnections"),
    ("client-auth-credentials", "clientAuthCredentials"),
];

pub(super) fn read(folder: &Folder) -> Result<Assets> {
    let assets = Assets { keywords: folder.keywords().clone(), ..Assets::default() };
    let mut reader = Reader { folder, assets };
    for name in folder.names(".")? {
        reader.entry(&name)?;
    }
    Ok(reader.assets)
}

struct Reader<'a> {
    folder: &'a Folder,
    assets: Assets,
}

impl Reader<'_> {
    fn entry(&mut self, name: &str) -> Result<()> {
        match name {
            "tenant.json" => self.one("tenant", name),
            "database-connections" => self.databases(name),
            "emails" => self.emails(name),
            "branding" => self.branding(name),
            "prompts" => self.prompts(name),
            "attack-protection" => self.attack_protection(name),
            "pages" => self.pages(name),
            "themes" => self.items(name, "themes"),
            "custom-domains" => self.custom_domains(name),
            "guardian" => self.guardian(name),
            "risk-assessment" => self.one("riskAssessment", "risk-assessment/settings.json"),
            "supplemental-signals.json" => self.one("supplementalSignals", name),
            _ => match simple().find(|(folder, _)| *folder == name) {
                Some((_, part)) => self.items(name, part),
                None => self.other(name),
            },
        }
    }

    /// A part that is one object in one file.
    fn one(&mut self, part: &str, file: &str) -> Result<()> {
        if self.folder.has(file) {
            let value = Value::Object(self.folder.json(file)?);
            self.put(part, value, file);
        }
        Ok(())
    }

    fn put(&mut self, part: &str, value: Value, file: &str) {
        self.assets.parts.insert(part.to_owned(), value);
        self.assets.places.insert(format!("/{part}"), Place::file(file));
    }

    fn put_list(&mut self, part: &str, folder: &str, items: Vec<(String, Map<String, Value>)>) {
        let mut list = Vec::new();
        for (file, members) in items {
            self.assets.places.insert(format!("/{part}/{}", list.len()), Place::file(&file));
            list.push(Value::Object(members));
        }
        self.put(part, Value::Array(list), folder);
    }

    fn items(&mut self, folder: &str, part: &str) -> Result<()> {
        let mut items = Vec::new();
        for file in self.folder.json_files(folder)? {
            let mut members = self.folder.json(&file)?;
            match part {
                "clients" => self.file_beside(folder, &file, &mut members, "custom_login_page", true)?,
                "connections" if text(&members, "strategy") == Some("email") => {
                    let mail = members.get_mut("options").and_then(|options| options.get_mut("email"));
                    if let Some(mail) = mail.and_then(Value::as_object_mut) {
                        self.file_beside(folder, &file, mail, "body", false)?;
                    }
                }
                _ => {}
            }
            items.push((file, members));
        }
        self.put_list(part, folder, items);
        Ok(())
    }

    /// The file that a member names, in its place. `may_be_text` where it may be the text itself.
    fn file_beside(
        &self,
        folder: &str,
        at: &str,
        members: &mut Map<String, Value>,
        member: &str,
        may_be_text: bool,
    ) -> Result<()> {
        let Some(Value::String(named)) = members.get_mut(member).filter(|named| *named != "") else {
            return Ok(());
        };
        if may_be_text
            && (named.len() > 300 || named.contains('\n') || !self.folder.has(&format!("{folder}/{named}")))
        {
            return Ok(());
        }
        *named = self.folder.named(&format!("{folder}/{named}"), &Place::file(at))?;
        Ok(())
    }

    fn databases(&mut self, folder: &str) -> Result<()> {
        let mut items = Vec::new();
        for name in self.folder.names(folder)? {
            let file = format!("{folder}/{name}/database.json");
            if !self.folder.has(&file) {
                self.assets.strange.push(format!("{folder}/{name}"));
                continue;
            }
            let mut members = self.folder.json(&file)?;
            let scripts = members.get_mut("options").and_then(|options| options.get_mut("customScripts"));
            if let Some(scripts) = scripts.and_then(Value::as_object_mut) {
                for script in scripts.keys().cloned().collect::<Vec<_>>() {
                    self.file_beside(&format!("{folder}/{name}"), &file, scripts, &script, false)?;
                }
            }
            items.push((file, members));
        }
        self.put_list("databases", folder, items);
        Ok(())
    }

    fn emails(&mut self, folder: &str) -> Result<()> {
        let provider = format!("{folder}/provider.json");
        self.one("emailProvider", &provider)?;
        let mut items = Vec::new();
        for file in self.folder.json_files(folder)?.into_iter().filter(|file| *file != provider) {
            let mut members = self.folder.json(&file)?;
            let beside = file.trim_start_matches("emails/").replace(".json", ".html");
            members.entry("body").or_insert_with(|| beside.into());
            self.file_beside(folder, &file, &mut members, "body", false)?;
            items.push((file, members));
        }
        self.put_list("emailTemplates", folder, items);
        Ok(())
    }

    fn branding(&mut self, folder: &str) -> Result<()> {
        let file = format!("{folder}/branding.json");
        let mut branding = if self.folder.has(&file) { self.folder.json(&file)? } else { Map::new() };
        let templates = format!("{folder}/templates");
        if self.folder.has(&templates) {
            let mut all = Vec::new();
            for file in self.folder.json_files(&templates)? {
                let mut members = self.folder.json(&file)?;
                self.file_beside(&templates, &file, &mut members, "body", false)?;
                all.push(Value::Object(members));
            }
            branding.insert("templates".to_owned(), Value::Array(all));
        }
        self.put("branding", Value::Object(branding), &file);
        Ok(())
    }

    fn prompts(&mut self, folder: &str) -> Result<()> {
        let file = |name: &str| format!("{folder}/{name}");
        let read = |name: &str| match self.folder.has(&file(name)) {
            true => self.folder.json(&file(name)),
            false => Ok(Map::new()),
        };
        let mut prompts = read("prompts.json")?;
        prompts.insert("customText".to_owned(), Value::Object(read("custom-text.json")?));
        let mut partials = Map::new();
        for (prompt, screens) in read("partials.json")? {
            partials.insert(prompt, self.partials(folder, &screens)?);
        }
        prompts.insert("partials".to_owned(), Value::Object(partials));
        let screens = file("screenRenderSettings");
        if self.folder.has(&screens) {
            let files = self.folder.json_files(&screens)?;
            let all: Result<Vec<Value>> =
                files.iter().map(|file| Ok(Value::Object(self.folder.json(file)?))).collect();
            prompts.insert("screenRenderers".to_owned(), Value::Array(all?));
        }
        self.put("prompts", Value::Object(prompts), folder);
        Ok(())
    }

    /// `[{screen: [{name, template: file}]}]` as `{screen: {name: text}}`.
    fn partials(&self, folder: &str, screens: &Value) -> Result<Value> {
        let file = format!("{folder}/partials.json");
        let mut out = json!({});
        for (screen, entries) in screens.get(0).and_then(Value::as_object).into_iter().flatten() {
            for entry in entries.as_array().into_iter().flatten() {
                let (Some(name), Some(template)) = (entry["name"].as_str(), entry["template"].as_str())
                else {
                    bail!("{file}: a partial has a name and a template");
                };
                let text = self.folder.named(&format!("{folder}/{template}"), &Place::file(&file))?;
                out[screen][name] = text.trim().into();
            }
        }
        Ok(out)
    }

    fn attack_protection(&mut self, folder: &str) -> Result<()> {
        let mut all = Map::new();
        for file in self.folder.json_files(folder)? {
            let name = file.trim_start_matches("attack-protection/").trim_end_matches(".json");
            let Some(member) =
                ATTACK_PROTECTION.iter().find(|member| attack_protection_path(member) == Some(name))
            else {
                self.assets.strange.push(file);
                continue;
            };
            self.assets.places.insert(format!("/attackProtection/{member}"), Place::file(&file));
            all.insert((*member).to_owned(), Value::Object(self.folder.json(&file)?));
        }
        self.put("attackProtection", Value::Object(all), folder);
        Ok(())
    }

    fn pages(&mut self, folder: &str) -> Result<()> {
        let mut items = Vec::new();
        for file in self.folder.json_files(folder)? {
            let mut members = self.folder.json(&file)?;
            let html = file.replace(".json", ".html");
            if self.folder.has(&html) {
                members.insert("html".to_owned(), self.folder.text(&html)?.into());
            }
            items.push((file, members));
        }
        self.put_list("pages", folder, items);
        Ok(())
    }

    /// The one part of this layout whose file is a list.
    fn custom_domains(&mut self, folder: &str) -> Result<()> {
        let file = format!("{folder}/{folder}.json");
        if self.folder.has(&file) {
            let list = self.folder.json_list(&file)?;
            self.put("customDomains", Value::Array(list), &file);
        }
        Ok(())
    }

    /// Second factors: read to be compared, since nothing of them can be switched on here.
    fn guardian(&mut self, folder: &str) -> Result<()> {
        for (file, part) in [
            ("policies.json", "guardianPolicies"),
            ("phoneFactorMessageTypes.json", "guardianPhoneFactorMessageTypes"),
            ("phoneFactorSelectedProvider.json", "guardianPhoneFactorSelectedProvider"),
        ] {
            self.one(part, &format!("{folder}/{file}"))?;
        }
        for (below, part) in [
            ("factors", "guardianFactors"),
            ("providers", "guardianFactorProviders"),
            ("templates", "guardianFactorTemplates"),
        ] {
            let below = format!("{folder}/{below}");
            if self.folder.has(&below) {
                self.items(&below, part)?;
            }
        }
        Ok(())
    }

    /// Parts that are not read here keep their place, so that they can be named.
    fn other(&mut self, name: &str) -> Result<()> {
        let Some((_, part)) = OTHERS.iter().find(|(folder, _)| *folder == name) else {
            if self.folder.is_folder(name) || name.ends_with(".json") {
                let meant = names::nearest(name, &known());
                self.assets.unknown.push(Unknown { name: name.to_owned(), meant });
            } else {
                self.assets.strange.push(name.to_owned());
            }
            return Ok(());
        };
        let mut all = Vec::new();
        for entry in self.folder.names(name)? {
            let file = format!("{name}/{entry}");
            // Some of these files are lists.
            let is_nothing = entry.ends_with(".json")
                && self.folder.text(&file).is_ok_and(|text| matches!(text.trim(), "[]" | "{}"));
            if !is_nothing {
                all.push(Value::from(entry));
            }
        }
        self.put(part, Value::Array(all), name);
        Ok(())
    }
}

/// Every name that is part of the layout.
fn known() -> Vec<&'static str> {
    const REST: [&str; 11] = [
        "tenant.json",
        "database-connections",
        "emails",
        "branding",
        "prompts",
        "attack-protection",
        "pages",
        "themes",
        "guardian",
        "risk-assessment",
        "supplemental-signals.json",
    ];
    simple().chain(OTHERS).map(|(folder, _)| folder).chain(REST).collect()
}

/// Parts that are not handled here, but are no slips.
pub(super) fn other_parts() -> impl Iterator<Item = &'static str> {
    OTHERS.iter().map(|(_, part)| *part).chain(["guardianFactorProviders", "migrations"])
}

const ATTACK_PROTECTION: [&str; 5] = [
    "botDetection",
    "breachedPasswordDetection",
    "bruteForceProtection",
    "captcha",
    "suspiciousIpThrottling",
];

pub(super) fn written(parts: Map<String, Value>) -> Written {
    let mut out = Written::default();
    for (part, value) in parts {
        write_part(&part, value, &mut out);
    }
    out
}

fn write_part(part: &str, value: Value, out: &mut Written) {
    match (part, value) {
        ("tenant", value) => out.put_json("tenant.json", &value),
        ("emailProvider", value) => out.put_json("emails/provider.json", &value),
        ("customDomains", value) => out.put_json("custom-domains/custom-domains.json", &value),
        ("attackProtection", Value::Object(members)) => {
            for (name, value) in members {
                let file = attack_protection_path(&name).unwrap_or("other");
                out.put_json(format!("attack-protection/{file}.json"), &value);
            }
        }
        ("branding", Value::Object(mut members)) => {
            for template in
                members.shift_remove("templates").as_mut().and_then(Value::as_array_mut).into_iter().flatten()
            {
                let name = "branding/templates/universal_login";
                if let Some(template) = template.as_object_mut() {
                    move_out(template, "body", &format!("{name}.html"), "./universal_login.html", out);
                }
                out.put_json(format!("{name}.json"), template);
            }
            out.put_json("branding/branding.json", &Value::Object(members));
        }
        ("prompts", Value::Object(members)) => write_prompts(members, out),
        (_, Value::Array(items)) => {
            for item in items {
                if let Value::Object(members) = item {
                    write_item(part, members, out);
                }
            }
        }
        _ => {}
    }
}

fn write_item(part: &str, mut members: Map<String, Value>, out: &mut Written) {
    let name = sanitized(text(&members, "name").unwrap_or_default());
    match part {
        "databases" => {
            let folder = format!("database-connections/{name}");
            let scripts = members.get_mut("options").and_then(|options| options.get_mut("customScripts"));
            if let Some(scripts) = scripts.and_then(Value::as_object_mut) {
                for script in scripts.keys().cloned().collect::<Vec<_>>() {
                    let file = format!("{}.js", sanitized(&script));
                    move_out(scripts, &script, &format!("{folder}/{file}"), &format!("./{file}"), out);
                }
            }
            out.put_json(format!("{folder}/database.json"), &Value::Object(members));
        }
        "clients" => {
            let page = format!("{name}_custom_login_page.html");
            move_out(
                &mut members,
                "custom_login_page",
                &format!("clients/{page}"),
                &format!("./{page}"),
                out,
            );
            out.put_json(free("clients", &name, out), &Value::Object(members));
        }
        "clientGrants" => {
            let who = text(&members, "client_id").or(text(&members, "default_for")).unwrap_or_default();
            let name = sanitized(&format!("{who}-{}", text(&members, "audience").unwrap_or_default()));
            out.put_json(free("grants", &name, out), &Value::Object(members));
        }
        "connections" => {
            let is_mail = text(&members, "strategy") == Some("email");
            let mail = members.get_mut("options").and_then(|options| options.get_mut("email"));
            if let Some(mail) = mail.and_then(Value::as_object_mut).filter(|_| is_mail) {
                move_out(mail, "body", &format!("connections/{name}.html"), &format!("./{name}.html"), out);
            }
            out.put_json(format!("connections/{name}.json"), &Value::Object(members));
        }
        "emailTemplates" => {
            let name = sanitized(text(&members, "template").unwrap_or_default());
            move_out(&mut members, "body", &format!("emails/{name}.html"), &format!("./{name}.html"), out);
            out.put_json(format!("emails/{name}.json"), &Value::Object(members));
        }
        "pages" => {
            move_out(&mut members, "html", &format!("pages/{name}.html"), &format!("./{name}.html"), out);
            out.put_json(format!("pages/{name}.json"), &Value::Object(members));
        }
        "themes" => out.put_json("themes/theme.json", &Value::Object(members)),
        _ => {
            let folder = simple().find(|(_, of)| *of == part).map_or(part, |(folder, _)| folder);
            out.put_json(free(folder, &name, out), &Value::Object(members));
        }
    }
}

/// A name that no file has yet: names of things are not always those of files.
fn free(folder: &str, name: &str, out: &Written) -> String {
    let mut path = format!("{folder}/{name}.json");
    let mut number = 1;
    while out.0.contains_key(&path) {
        number += 1;
        path = format!("{folder}/{name} {number}.json");
    }
    path
}

fn write_prompts(mut members: Map<String, Value>, out: &mut Written) {
    let mut take = |name: &str| members.shift_remove(name).unwrap_or_else(|| json!({}));
    let (texts, partials, screens) = (take("customText"), take("partials"), take("screenRenderers"));
    out.put_json("prompts/custom-text.json", &texts);
    let mut index = Map::new();
    for (prompt, of_prompt) in partials.as_object().into_iter().flatten() {
        let mut entries = Map::new();
        for (screen, points) in of_prompt.as_object().into_iter().flatten() {
            let mut list = Vec::new();
            for (point, text) in points.as_object().into_iter().flatten() {
                let file = format!(
                    "partials/{}/{}/{}.liquid",
                    sanitized(prompt),
                    sanitized(screen),
                    sanitized(point)
                );
                out.put(format!("prompts/{file}"), text.as_str().unwrap_or_default());
                list.push(json!({"name": point, "template": file}));
            }
            entries.insert(screen.clone(), Value::Array(list));
        }
        index.insert(prompt.clone(), json!([entries]));
    }
    out.put_json("prompts/partials.json", &Value::Object(index));
    for screen in screens.as_array().into_iter().flatten() {
        let name = |member: &str| sanitized(screen[member].as_str().unwrap_or_default());
        out.put_json(
            format!("prompts/screenRenderSettings/{}_{}.json", name("prompt"), name("screen")),
            screen,
        );
    }
    out.put_json("prompts/prompts.json", &Value::Object(members));
}
