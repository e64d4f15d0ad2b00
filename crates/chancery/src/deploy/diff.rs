//! What files want against what a server has. What the files do not speak about is no difference.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use serde_json::{Map, Value};

use super::live::Live;
use super::unit::{Type, Unit, entry_key, list_keys};

/// What is to be done with a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Create,
    Update,
    Delete,
}

/// A unit that is not as the files want it.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) action: Action,
    /// As wanted; as it is, for a deletion.
    pub(crate) unit: Unit,
    /// As it is.
    pub(crate) live: Option<Unit>,
    pub(crate) lines: Vec<Line>,
}

/// One member that differs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    pub(crate) path: String,
    pub(crate) before: Option<Value>,
    pub(crate) after: Option<Value>,
}

/// Everything that differs.
#[derive(Debug, Default)]
pub(crate) struct Diff {
    pub(crate) changes: Vec<Change>,
    /// What the server has beyond the files, and keeps.
    pub(crate) kept: Vec<Unit>,
    /// What is left as it is although files speak of it, and why.
    pub(crate) notes: Vec<String>,
}

/// `spoken` are the parts that the files have.
pub(crate) fn diff(
    wanted: &[Unit],
    live: &Live,
    spoken: &BTreeSet<String>,
    may_delete: bool,
) -> Result<Diff> {
    let mut out = Diff::default();
    let mut met = BTreeSet::new();
    for unit in wanted {
        let unit = &live.by_names(unit);
        if live.is_of_dashboard(unit) {
            out.notes
                .push(format!("{unit} is left as it is: the dashboard belongs to the server it runs on"));
            continue;
        }
        let found = find(unit, live)?;
        if let Some((index, _)) = found
            && !met.insert(index)
        {
            bail!("{}: {unit} is there twice", place(unit));
        }
        if let Some((_, found)) = found
            && is_own(found, live)
        {
            let lines = lines(unit, found);
            if !lines.is_empty() {
                out.notes.push(format!("{unit} is left as it is: it is the application that asks"));
            }
            continue;
        }
        match found {
            None if unit.of == Type::ClientGrant && live.is_own_name(unit.text("client_id")) => {
                out.notes.push(format!("{unit} is left as it is: it is of the application that asks"));
            }
            None => out.changes.push(created(unit)),
            Some((_, found)) => {
                let unit = if may_delete { emptied(unit, found) } else { unit.clone() };
                let mut lines = lines(&unit, found);
                let before = lines.len();
                lines.retain(|line| may_delete || !is_removal_below(&unit, line));
                if lines.len() != before {
                    out.notes.push(format!("{unit} keeps what the files do not name in it: see --delete"));
                }
                if !lines.is_empty() {
                    check_fixed(&unit, &lines)?;
                    let live = Some(found.clone());
                    out.changes.push(Change { action: Action::Update, unit, live, lines });
                }
            }
        }
    }
    for (index, unit) in live.units.iter().enumerate() {
        let is_beyond = spoken.contains(unit.of.part()) && unit.of.is_deletable() && !met.contains(&index);
        if !is_beyond || is_own(unit, live) || unit.raw.get("is_system") == Some(&Value::Bool(true)) {
            continue;
        }
        if may_delete {
            let (unit, live) = (unit.clone(), Some(unit.clone()));
            out.changes.push(Change { action: Action::Delete, unit, live, lines: Vec::new() });
        } else {
            out.kept.push(unit.clone());
        }
    }
    Ok(out)
}

/// Where things may be deleted, metadata that the files do not name goes too.
fn emptied(unit: &Unit, live: &Unit) -> Unit {
    let mut unit = unit.clone();
    for name in ["client_metadata", "metadata"] {
        let (Some(Value::Object(wanted)), Some(Value::Object(before))) =
            (unit.value.get_mut(name), live.value.get(name))
        else {
            continue;
        };
        for key in before.keys() {
            wanted.entry(key).or_insert(Value::Null);
        }
    }
    unit
}

/// Applications and domains of an organization go only where things may be deleted.
fn is_removal_below(unit: &Unit, line: &Line) -> bool {
    unit.of == Type::Organization
        && line.after.is_none()
        && (line.path.starts_with("clients[") || line.path.starts_with("discovery_domains["))
        && line.path.ends_with(']')
}

fn place(unit: &Unit) -> String {
    unit.place.as_ref().map(ToString::to_string).unwrap_or_default()
}

/// The application that asks would saw off the branch that it sits on.
fn is_own(unit: &Unit, live: &Live) -> bool {
    unit.of == Type::Client && unit.id.as_deref() == Some(&live.own_client)
}

/// By id where the files name it, then by name.
fn find<'a>(unit: &Unit, live: &'a Live) -> Result<Option<(usize, &'a Unit)>> {
    let all = || live.units.iter().enumerate().filter(|(_, other)| other.of == unit.of);
    let member = if unit.of == Type::Client { "client_id" } else { "id" };
    if let Some(id) = unit.text(member).filter(|_| unit.of != Type::ClientGrant)
        && let Some(found) = all().find(|(_, other)| other.id.as_deref() == Some(id))
    {
        return Ok(Some(found));
    }
    let name = if unit.of == Type::Client { unit.text("name").unwrap_or(&unit.name) } else { &unit.name };
    let mut named = all().filter(|(_, other)| match unit.of {
        Type::Client => other.text("name") == Some(name),
        _ => other.name == name,
    });
    let first = named.next();
    if named.next().is_some() {
        bail!("{}: the server has several of {unit}: name one by its {member}", place(unit));
    }
    Ok(first)
}

fn created(unit: &Unit) -> Change {
    let mut lines = Vec::new();
    for (name, value) in &unit.value {
        compare(name, value, None, &mut lines);
    }
    Change { action: Action::Create, unit: unit.clone(), live: None, lines }
}

/// Every member of the wanted one that the other has otherwise.
pub(super) fn lines(wanted: &Unit, live: &Unit) -> Vec<Line> {
    let mut out = Vec::new();
    for (name, value) in &wanted.value {
        let is_id =
            name == "client_id" && wanted.of == Type::Client || name == "id" && wanted.of != Type::Page;
        // A system API has a name of its own.
        let is_given = name == "name" && live.raw.get("is_system") == Some(&Value::Bool(true));
        // What is not shown cannot be compared.
        let is_secret = matches!(name.as_str(), "client_secret");
        let is_hidden = is_secret && !live.raw.contains_key(name);
        if is_id || is_given || is_hidden {
            continue;
        }
        let raw = if is_secret { live.raw.get(name) } else { live.value.get(name) };
        compare(name, value, raw, &mut out);
    }
    out
}

/// Whether a value says no more than that there is none.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.values().all(is_nothing),
        _ => false,
    }
}

pub(super) fn compare(path: &str, wanted: &Value, live: Option<&Value>, out: &mut Vec<Line>) {
    let live = live.filter(|live| !live.is_null());
    let name = path.rsplit('.').next().unwrap_or(path);
    match (wanted, live) {
        (wanted, None) if is_nothing(wanted) => {}
        (wanted, Some(live)) if is_nothing(wanted) && is_nothing(live) => {}
        (Value::Object(members), live) if live.is_none_or(Value::is_object) => {
            for (name, value) in members {
                compare(&format!("{path}.{name}"), value, live.and_then(|live| live.get(name)), out);
            }
        }
        (Value::Array(items), live) if live.is_none_or(Value::is_array) => {
            let before = live.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            match list_keys(name) {
                Some(keys) => entries(path, keys, items, before, out),
                None if !same_list(name, items, before) => out.push(line(path, live, Some(wanted))),
                None => {}
            }
        }
        (wanted, Some(live)) if same(wanted, live) => {}
        (wanted, live) => out.push(line(path, live, Some(wanted).filter(|wanted| !wanted.is_null()))),
    }
}

fn line(path: &str, before: Option<&Value>, after: Option<&Value>) -> Line {
    Line { path: path.to_owned(), before: before.cloned(), after: after.cloned() }
}

/// Entries that are known by members.
fn entries(path: &str, keys: &[&str], wanted: &[Value], live: &[Value], out: &mut Vec<Line>) {
    for entry in wanted {
        let key = entry_key(keys, entry);
        let path = format!("{path}[{key}]");
        match live.iter().find(|other| entry_key(keys, other) == key) {
            Some(other) => compare(&path, entry, Some(other), out),
            None => out.push(line(&path, None, Some(entry))),
        }
    }
    for other in live {
        let key = entry_key(keys, other);
        if !wanted.iter().any(|entry| entry_key(keys, entry) == key) {
            out.push(line(&format!("{path}[{key}]"), Some(other), None));
        }
    }
}

/// Lists of plain values have no order, but for the languages, of which the first is the default.
fn same_list(name: &str, a: &[Value], b: &[Value]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let is_plain = |values: &[Value]| values.iter().all(|value| !value.is_object() && !value.is_array());
    if name != "enabled_locales" && is_plain(a) && is_plain(b) {
        let sorted = |values: &[Value]| {
            let mut texts: Vec<String> = values.iter().map(ToString::to_string).collect();
            texts.sort();
            texts
        };
        return sorted(a) == sorted(b);
    }
    a.iter().zip(b).all(|(a, b)| {
        let mut lines = Vec::new();
        compare(name, a, Some(b), &mut lines);
        lines.is_empty()
    })
}

/// 72 and 72.0 are one number.
fn same(a: &Value, b: &Value) -> bool {
    a == b || a.as_f64().zip(b.as_f64()).is_some_and(|(a, b)| (a - b).abs() < 1e-9)
}

/// Members that are chosen once.
fn check_fixed(unit: &Unit, lines: &[Line]) -> Result<()> {
    let fixed: &[&str] = match unit.of {
        Type::Client => {
            &["resource_server_identifier", "third_party_security_mode", "client_authentication_methods"]
        }
        Type::Database | Type::Connection => &["strategy"],
        _ => match unit.of.plain() {
            Some(plain) => plain.fixed,
            None => &[],
        },
    };
    for line in lines {
        let top = line.path.split(['.', '[']).next().unwrap_or_default();
        if fixed.contains(&top) {
            bail!("{}: {unit}: {top} cannot be changed here", place(unit));
        }
    }
    Ok(())
}

/// What the API is sent for a member: all of it, with what the files do not speak about as it is.
pub(super) fn merged(wanted: &Value, live: Option<&Value>) -> Value {
    match (wanted, live) {
        (Value::Object(members), Some(Value::Object(before))) => {
            let mut out: Map<String, Value> = before.clone();
            for (name, value) in members {
                if value.is_null() {
                    out.shift_remove(name);
                } else {
                    let value = merged(value, before.get(name));
                    out.insert(name.clone(), value);
                }
            }
            Value::Object(out)
        }
        _ => wanted.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(wanted: &Value, live: &Value) -> Vec<String> {
        let mut out = Vec::new();
        compare("x", wanted, Some(live), &mut out);
        out.iter()
            .map(|line| {
                let shown = |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), Value::to_string);
                format!("{}: {} -> {}", line.path, shown(&line.before), shown(&line.after))
            })
            .collect()
    }

    #[test]
    fn what_is_no_difference() {
        for (wanted, live) in [
            (json!({"a": 1}), json!({"a": 1, "b": 2})),
            (json!({"a": null, "b": "", "c": [], "d": {}}), json!({})),
            (json!({"list": ["b", "a"]}), json!({"list": ["a", "b"]})),
            (json!({"hours": 72}), json!({"hours": 72.0})),
            (
                json!({"scopes": [{"value": "b"}, {"value": "a"}]}),
                json!({"scopes": [{"value": "a"}, {"value": "b", "description": "B"}]}),
            ),
            (json!({"objects": [{"a": 1}]}), json!({"objects": [{"a": 1, "b": 2}]})),
        ] {
            assert_eq!(said(&wanted, &live), Vec::<String>::new(), "{wanted}");
        }
    }

    #[test]
    fn what_is_one() {
        let wanted = json!({"scopes": [{"value": "a", "description": "new"}, {"value": "c"}], "on": true, "gone": null,
            "enabled_locales": ["de", "en"], "urls": ["a"]});
        let live = json!({"scopes": [{"value": "a"}, {"value": "b"}], "on": false, "gone": 5,
            "enabled_locales": ["en", "de"], "urls": ["a", "b"]});
        let expected = [
            "x.scopes[a].description: - -> \"new\"",
            "x.scopes[c]: - -> {\"value\":\"c\"}",
            "x.scopes[b]: {\"value\":\"b\"} -> -",
            "x.on: false -> true",
            "x.gone: 5 -> -",
            "x.enabled_locales: [\"en\",\"de\"] -> [\"de\",\"en\"]",
            "x.urls: [\"a\",\"b\"] -> [\"a\"]",
        ];
        assert_eq!(said(&wanted, &live), expected);
    }

    #[test]
    fn what_is_sent_keeps_the_rest() {
        let wanted = json!({"a": {"b": 1, "c": null}, "list": [1]});
        let live = json!({"a": {"b": 2, "c": 3, "d": 4}, "list": [1, 2], "e": 5});
        assert_eq!(merged(&wanted, Some(&live)), json!({"a": {"b": 1, "d": 4}, "list": [1], "e": 5}));
        assert_eq!(merged(&json!({"x": {"y": 1}}), None), json!({"x": {"y": 1}}));
    }
}
