//! One YAML file. Pages, mails and scripts lie beside it, and are named in it.

use anyhow::{Result, anyhow, bail};
use serde_json::{Map, Value};

use super::text;
use crate::deploy::assets::Assets;
use crate::deploy::files::{Folder, Lines, Place, Written, sanitized};
use crate::deploy::yaml;

pub(super) fn read(folder: &Folder, name: &str) -> Result<Assets> {
    let source = folder.text(name)?;
    let (value, lines) = yaml::read(&source).map_err(|fault| anyhow!("{name}, {fault}"))?;
    let mut parts = match value {
        Value::Null => Map::new(),
        Value::Object(parts) => parts,
        _ => bail!("{name}: an object of parts is expected, such as clients and roles"),
    };
    let reader = Reader { folder, file: name, lines: &lines };
    for (part, value) in &mut parts {
        reader.fill(part, value)?;
    }
    let lines = Some((name.to_owned(), lines));
    Ok(Assets { parts, lines, keywords: folder.keywords().clone(), ..Assets::default() })
}

struct Reader<'a> {
    folder: &'a Folder,
    file: &'a str,
    lines: &'a Lines,
}

impl Reader<'_> {
    fn place(&self, pointer: &str) -> Place {
        Place { file: self.file.to_owned(), line: self.lines.of(pointer) }
    }

    /// Puts in the files that a part names.
    fn fill(&self, part: &str, value: &mut Value) -> Result<()> {
        match (part, &mut *value) {
            ("branding", Value::Object(members)) => match members.get_mut("templates") {
                Some(templates) => {
                    self.each("/branding/templates", templates, |at, item| self.put(at, item, "body", ""))
                }
                None => Ok(()),
            },
            ("pages", _) => self.each("/pages", value, |at, item| self.put(at, item, "html", "")),
            ("emailTemplates", _) => {
                self.each("/emailTemplates", value, |at, item| self.put(at, item, "body", ""))
            }
            ("clients", _) => self.each("/clients", value, |at, item| {
                self.put_if_file(at, item, "custom_login_page", "clients")
            }),
            ("databases", _) => self.each("/databases", value, |at, item| self.scripts(at, item)),
            ("connections", _) => self.each("/connections", value, |at, item| {
                let is_mail = text(item, "strategy") == Some("email");
                let mail = item.get_mut("options").and_then(|options| options.get_mut("email"));
                match mail.and_then(Value::as_object_mut).filter(|_| is_mail) {
                    Some(mail) => self.put(at, mail, "body", "connections"),
                    None => Ok(()),
                }
            }),
            ("prompts", Value::Object(members)) => match members.get_mut("screenRenderers") {
                Some(screens) => self.screens(screens),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn each(
        &self,
        pointer: &str,
        value: &mut Value,
        fill: impl Fn(&Place, &mut Map<String, Value>) -> Result<()>,
    ) -> Result<()> {
        for (index, item) in value.as_array_mut().into_iter().flatten().enumerate() {
            if let Value::Object(members) = item {
                fill(&self.place(&format!("{pointer}/{index}")), members)?;
            }
        }
        Ok(())
    }

    /// The file that a member names, in its place.
    fn put(&self, at: &Place, members: &mut Map<String, Value>, member: &str, below: &str) -> Result<()> {
        if let Some(Value::String(named)) = members.get_mut(member).filter(|named| *named != "") {
            let path = if below.is_empty() { named.clone() } else { format!("{below}/{named}") };
            *named = self.folder.named(&path, at)?;
        }
        Ok(())
    }

    /// The same, where the member may be the text itself.
    fn put_if_file(
        &self,
        at: &Place,
        members: &mut Map<String, Value>,
        member: &str,
        below: &str,
    ) -> Result<()> {
        let is_file = text(members, member).is_some_and(|named| {
            named.len() < 300 && !named.contains('\n') && self.folder.has(&format!("{below}/{named}"))
        });
        if is_file { self.put(at, members, member, below) } else { Ok(()) }
    }

    fn scripts(&self, at: &Place, members: &mut Map<String, Value>) -> Result<()> {
        let scripts = members.get_mut("options").and_then(|options| options.get_mut("customScripts"));
        let Some(scripts) = scripts.and_then(Value::as_object_mut) else { return Ok(()) };
        let names: Vec<String> = scripts.keys().cloned().collect();
        names.iter().try_for_each(|name| self.put(at, scripts, name, ""))
    }

    /// `[{prompt: {screen: file}}]` as the settings themselves.
    fn screens(&self, screens: &mut Value) -> Result<()> {
        let mut all = Vec::new();
        for entry in screens.as_array().into_iter().flatten() {
            let Value::Object(prompts) = entry else { continue };
            if prompts.contains_key("prompt") {
                all.push(entry.clone());
                continue;
            }
            for file in prompts.values().filter_map(Value::as_object).flat_map(Map::values) {
                let Some(file) = file.as_str() else {
                    bail!("{}: a file is expected", self.place("/prompts"))
                };
                all.push(Value::Object(self.folder.json(file)?));
            }
        }
        *screens = Value::Array(all);
        Ok(())
    }
}

pub(super) fn written(name: &str, mut parts: Map<String, Value>) -> Written {
    let mut out = Written::default();
    for (part, value) in &mut parts {
        take_out(part, value, &mut out);
    }
    out.put(name, yaml::print(&parts));
    out
}

/// Pages and the like go into files of their own.
fn take_out(part: &str, value: &mut Value, out: &mut Written) {
    let mut each = |list: &mut Value, take: &mut dyn FnMut(&mut Map<String, Value>, &mut Written)| {
        for item in list.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
            take(item, out);
        }
    };
    match part {
        "pages" => each(value, &mut |page, out| {
            let name = format!("pages/{}.html", sanitized(text(page, "name").unwrap_or_default()));
            move_out(page, "html", &name, &format!("./{name}"), out);
        }),
        "emailTemplates" => each(value, &mut |mail, out| {
            let name =
                format!("emailTemplates/{}.html", sanitized(text(mail, "template").unwrap_or_default()));
            move_out(mail, "body", &name, &format!("./{name}"), out);
        }),
        "clients" => each(value, &mut |client, out| {
            let file =
                format!("{}_custom_login_page.html", sanitized(text(client, "name").unwrap_or_default()));
            move_out(client, "custom_login_page", &format!("clients/{file}"), &format!("./{file}"), out);
        }),
        "branding" => {
            if let Some(templates) = value.get_mut("templates") {
                each(templates, &mut |template, out| {
                    let name = "branding_templates/universal_login.html";
                    move_out(template, "body", name, &format!("./{name}"), out);
                });
            }
        }
        "connections" => each(value, &mut |connection, out| {
            let file = format!("{}.html", sanitized(text(connection, "name").unwrap_or_default()));
            let is_mail = text(connection, "strategy") == Some("email");
            let mail = connection.get_mut("options").and_then(|options| options.get_mut("email"));
            if let Some(mail) = mail.and_then(Value::as_object_mut).filter(|_| is_mail) {
                move_out(mail, "body", &format!("connections/{file}"), &format!("./{file}"), out);
            }
        }),
        "databases" => each(value, &mut |database, out| {
            let folder = format!("databases/{}", sanitized(text(database, "name").unwrap_or_default()));
            let scripts = database.get_mut("options").and_then(|options| options.get_mut("customScripts"));
            let Some(scripts) = scripts.and_then(Value::as_object_mut) else { return };
            for name in scripts.keys().cloned().collect::<Vec<_>>() {
                let file = format!("{folder}/{}.js", sanitized(&name));
                move_out(scripts, &name, &file, &format!("./{file}"), out);
            }
        }),
        "prompts" => {
            let mut prompts: Vec<Value> = Vec::new();
            for screen in value.get("screenRenderers").and_then(Value::as_array).into_iter().flatten() {
                let (prompt, of_prompt) = (screen["prompt"].as_str(), screen["screen"].as_str());
                let (prompt, of_prompt) = (prompt.unwrap_or_default(), of_prompt.unwrap_or_default());
                let file = format!(
                    "prompts/screenRenderSettings/{}_{}.json",
                    sanitized(prompt),
                    sanitized(of_prompt)
                );
                out.put_json(&file, screen);
                let known = prompts.iter().position(|entry| entry.get(prompt).is_some());
                let index = known.unwrap_or_else(|| {
                    prompts.push(Value::Object(Map::new()));
                    prompts.len() - 1
                });
                prompts[index][prompt][of_prompt] = format!("./{file}").into();
            }
            if !prompts.is_empty() {
                value["screenRenderers"] = Value::Array(prompts);
            }
        }
        _ => {}
    }
}

/// A text becomes a file, and its name takes its place.
pub(super) fn move_out(
    members: &mut Map<String, Value>,
    member: &str,
    name: &str,
    shown: &str,
    out: &mut Written,
) {
    if let Some(Value::String(text)) = members.get_mut(member) {
        out.put(name, std::mem::replace(text, shown.to_owned()));
    }
}
