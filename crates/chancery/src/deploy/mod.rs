//! Configuration as code: files in the layouts of auth0-deploy-cli against a running server. [`layout`] reads and writes
//! files, [`live`] reads a server, [`diff`] says what differs, [`operations`] what to do about it, and [`set`] has the server
//! plan it or do it, in one go.

mod assets;
mod diff;
mod files;
mod keywords;
mod layout;
mod live;
mod names;
mod operations;
mod secrets;
mod set;
mod show;
mod unit;
mod yaml;

pub(crate) use self::assets::{Assets, assets};
pub(crate) use self::diff::{Action, Change, diff};
pub(crate) use self::keywords::Keywords;
pub(crate) use self::layout::{read, written, yaml_name};
pub(crate) use self::live::Live;
pub(crate) use self::operations::{Planned, operations};
pub(crate) use self::set::{Refused, Sets};
pub(crate) use self::show::{Plan, as_json, kept_line, show};
pub(crate) use self::unit::{Unit, parts};
pub(crate) use self::yaml::print as yaml_text;

use std::collections::BTreeSet;

use serde_json::Value;

/// Every part that files may have, whether it is handled here or not.
fn known_parts() -> Vec<&'static str> {
    parts().into_iter().chain(live::fixed_parts()).chain(layout::other_parts()).collect()
}

/// Parts of the files that nothing here changes, in words; nothing where they say no more than the server does.
pub(crate) fn unhandled(files: &Assets, live: &Live, wanted: &BTreeSet<String>) -> Vec<String> {
    let known = parts();
    let mut out = Vec::new();
    for (part, value) in
        files.parts.iter().filter(|(part, _)| wanted.contains(*part) && !known.contains(&part.as_str()))
    {
        let place = files.place(&format!("/{part}"));
        if live::is_fixed(part) {
            let mut lines = Vec::new();
            fixed_lines(part, value, live.fixed.get(part), &mut lines);
            if !lines.is_empty() {
                let what: Vec<String> = lines.into_iter().map(|line| line.path).collect();
                out.push(format!(
                    "{place}: {part} cannot be changed here, and differs in {}",
                    what.join(", ")
                ));
            }
        } else if !is_empty(value) {
            out.push(format!("{place}: {part} is not handled here"));
        }
    }
    out
}

/// Factors are a list by name.
fn fixed_lines(part: &str, value: &Value, live: Option<&Value>, lines: &mut Vec<diff::Line>) {
    let (Value::Array(items), Some(Value::Array(before))) = (value, live) else {
        return diff::compare(part, value, live, lines);
    };
    for item in items {
        let found = before.iter().find(|other| other["name"] == item["name"]);
        diff::compare(&format!("{part}.{}", item["name"].as_str().unwrap_or("?")), item, found, lines);
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.values().all(is_empty),
        _ => false,
    }
}
