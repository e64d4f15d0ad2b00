//! A plan as people read it, and as programs do.

use serde_json::{Value, json};

use super::diff::{Action, Change, Diff, Line};
use super::secrets::concealed;
use super::unit::Unit;
use crate::output::{Output, printable};

/// Everything there is to say before anything is changed.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) revision: i64,
    pub(crate) diff: Diff,
    pub(crate) effects: Vec<Value>,
    pub(crate) hidden_effects: Vec<String>,
    /// Parts of the files that are not handled.
    pub(crate) unhandled: Vec<String>,
}

impl Plan {
    fn count(&self, action: Action) -> usize {
        self.diff.changes.iter().filter(|change| change.action == action).count()
    }

    /// `2 to create, 1 to change, 0 to delete`.
    pub(crate) fn summary(&self) -> String {
        if self.diff.changes.is_empty() {
            return "No changes.".to_owned();
        }
        format!(
            "{} to create, {} to change, {} to delete.",
            self.count(Action::Create),
            self.count(Action::Update),
            self.count(Action::Delete)
        )
    }
}

/// The plan as data.
pub(crate) fn as_json(plan: &Plan) -> Value {
    let kept: Vec<String> = plan.diff.kept.iter().map(Unit::as_named).collect();
    json!({
        "revision": plan.revision,
        "changes": plan.diff.changes.iter().map(change_json).collect::<Vec<_>>(),
        "effects": plan.effects,
        "hidden_effects": plan.hidden_effects,
        "kept": kept,
        "notes": plan.diff.notes,
        "unhandled": plan.unhandled,
    })
}

fn change_json(change: &Change) -> Value {
    let lines = change.lines.iter().map(|line| {
        json!({
            "path": line.path,
            "before": line.before.as_ref().map(|value| concealed(&line.path, value)),
            "after": line.after.as_ref().map(|value| concealed(&line.path, value)),
        })
    });
    json!({
        "action": word(change.action),
        "type": change.unit.of.part(),
        "name": change.unit.name,
        "place": change.unit.place.as_ref().map(ToString::to_string),
        "members": lines.collect::<Vec<_>>(),
    })
}

const fn word(action: Action) -> &'static str {
    match action {
        Action::Create => "create",
        Action::Update => "update",
        Action::Delete => "delete",
    }
}

/// The plan as lines.
pub(crate) fn show(plan: &Plan, out: &Output) -> Vec<String> {
    let mut lines = Vec::new();
    for change in &plan.diff.changes {
        let (sign, paint): (&str, fn(&Output, &str) -> String) = match change.action {
            Action::Create => ("+", Output::added),
            Action::Update => ("~", Output::changed),
            Action::Delete => ("-", Output::removed),
        };
        let place = change
            .unit
            .place
            .as_ref()
            .map(|place| out.faint_data(&format!("  ({place})")))
            .unwrap_or_default();
        lines.push(format!("{}{place}", paint(out, &format!("{sign} {}", change.unit))));
        for line in &change.lines {
            lines.extend(member(line, change.action, out));
        }
    }
    if !plan.effects.is_empty() {
        lines.push(String::new());
        lines.push(out.strong_data("Effects"));
        lines.extend(plan.effects.iter().map(|effect| format!("  {}", printable(&effect_text(effect)))));
    }
    if !lines.is_empty() {
        lines.push(String::new());
    }
    // Where something is not handled, nobody knows that there are no changes.
    if !plan.diff.changes.is_empty() || plan.unhandled.is_empty() {
        lines.push(out.strong_data(&plan.summary()));
    }
    lines
}

fn member(line: &Line, action: Action, out: &Output) -> Vec<String> {
    let shown = |value: &Value| short(&concealed(&line.path, value));
    let path = printable(&line.path);
    match (&line.before, &line.after) {
        (Some(Value::Array(before)), Some(Value::Array(after))) if plain(before) && plain(after) => {
            let mut lines = vec![format!("    {path}:")];
            let gone = before.iter().filter(|value| !after.contains(value));
            lines.extend(gone.map(|value| out.removed(&format!("      - {}", short(value)))));
            let new = after.iter().filter(|value| !before.contains(value));
            lines.extend(new.map(|value| out.added(&format!("      + {}", short(value)))));
            if lines.len() == 1 {
                lines[0] = format!("    {path}: another order");
            }
            lines
        }
        (Some(before), Some(after)) => {
            vec![format!("    {path}: {} -> {}", out.removed(&shown(before)), out.added(&shown(after)))]
        }
        (None, Some(after)) if action == Action::Create => {
            vec![format!("    {path}: {}", shown(after))]
        }
        (None, Some(after)) => vec![out.added(&format!("    + {path}: {}", shown(after)))],
        (Some(before), None) => vec![out.removed(&format!("    - {path}: {}", shown(before)))],
        (None, None) => Vec::new(),
    }
}

fn plain(values: &[Value]) -> bool {
    values.iter().all(|value| !value.is_object() && !value.is_array())
}

/// A value on one line.
fn short(value: &Value) -> String {
    const LONGEST: usize = 100;
    let text = printable(&value.to_string());
    if text.chars().count() <= LONGEST {
        return text;
    }
    let start: String = text.chars().take(LONGEST).collect();
    format!("{start}... ({} characters)", text.chars().count())
}

/// `read:contacts of https://... goes: 1 application (Demo M2M), 2 roles (...)`.
fn effect_text(effect: &Value) -> String {
    let text = |name: &str| effect[name].as_str().unwrap_or_default();
    let scopes = || {
        let all = effect["scopes"].as_array().into_iter().flatten().filter_map(Value::as_str);
        all.collect::<Vec<_>>().join(" ")
    };
    let what = match text("effect") {
        "scope_removed" => format!("the scope {} of {} goes", text("scope"), text("api")),
        "api_deleted" => format!("the API {} goes", text("api")),
        "application_deleted" => format!("the application {} goes", text("name")),
        "client_grant_narrowed" => {
            format!("{} may ask {} no more for {}", text("name"), text("api"), scopes())
        }
        "client_grant_deleted" => format!("{} may ask {} for nothing more", text("name"), text("api")),
        "role_narrowed" => format!("the role {} gives no more {}", text("name"), scopes()),
        "role_deleted" => format!("the role {} goes", text("name")),
        "connection_left" => format!("applications leave the connection {}", text("name")),
        "connection_deleted" => format!("the connection {} goes, with its users", text("name")),
        "organization_deleted" => format!("the organization {} goes", text("name")),
        other => other.to_owned(),
    };
    let counts: Vec<String> =
        COUNTED.iter().filter_map(|(name, one, many)| counted(effect, name, one, many)).collect();
    let was_counted = COUNTED.iter().any(|(name, _, _)| effect.get(name).is_some());
    match counts.is_empty() {
        false => format!("{what}: {}", counts.join(", ")),
        true if was_counted => format!("{what}, and nobody has it"),
        true => what,
    }
}

const COUNTED: [(&str, &str, &str); 7] = [
    ("applications", "application", "applications"),
    ("client_grants", "client grant", "client grants"),
    ("connections", "connection", "connections"),
    ("roles", "role", "roles"),
    ("users", "user", "users"),
    ("consents", "consent", "consents"),
    ("refresh_tokens", "live refresh token", "live refresh tokens"),
];

fn counted(effect: &Value, name: &str, one: &str, many: &str) -> Option<String> {
    let entry = effect.get(name)?;
    let count = entry["count"].as_i64().filter(|count| *count > 0)?;
    let least = if entry["at_least"] == true { "at least " } else { "" };
    let word = if count == 1 { one } else { many };
    let first: Vec<&str> =
        entry["first"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let more = if count > i64::try_from(first.len()).unwrap_or(0) { ", ..." } else { "" };
    let names = if first.is_empty() { String::new() } else { format!(" ({}{more})", first.join(", ")) };
    Some(format!("{least}{count} {word}{names}"))
}

/// What the server has beyond the files, in one line.
pub(crate) fn kept_line(kept: &[Unit]) -> Option<String> {
    const FEW: usize = 5;
    let names: Vec<String> = kept.iter().take(FEW).map(ToString::to_string).collect();
    let more = if kept.len() > FEW { ", ..." } else { "" };
    (!kept.is_empty()).then(|| {
        format!(
            "The files do not name {}{more}: kept. --delete removes what the files do not name.",
            names.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effects_in_words() {
        let effect = json!({"effect": "scope_removed", "api": "https://a", "scope": "read:x",
            "applications": {"count": 1, "first": ["M2M"]}, "roles": {"count": 0, "first": []},
            "users": {"count": 9, "first": ["a@x", "b@x"]}, "refresh_tokens": {"count": 100000, "at_least": true}});
        assert_eq!(
            effect_text(&effect),
            "the scope read:x of https://a goes: 1 application (M2M), 9 users (a@x, b@x, ...), \
             at least 100000 live refresh tokens"
        );
    }

    /// Whoever registers an application gives it its name.
    #[test]
    fn names_of_strangers_hide_nothing() {
        let name = "x\u{1b}[2K\u{9b}2K\u{202e}";
        let effect =
            json!({"effect": "application_deleted", "name": name, "users": {"count": 1, "first": [name]}});
        let unit = Unit::new(crate::deploy::unit::Type::Client, name, serde_json::Map::new());
        let line =
            Line { path: name.to_owned(), before: Some(json!(name)), after: Some(json!({ name: name })) };
        let change = Change { action: Action::Update, unit: unit.clone(), live: None, lines: vec![line] };
        let diff = Diff { changes: vec![change], kept: vec![unit], ..Diff::default() };
        let plan = Plan {
            revision: 1,
            diff,
            effects: vec![effect],
            hidden_effects: Vec::new(),
            unhandled: Vec::new(),
        };
        let out = Output::into_buffers(std::io::sink(), std::io::sink(), false);
        let mut lines = show(&plan, &out);
        lines.extend(kept_line(&plan.diff.kept));
        let text = lines.concat();
        assert_eq!(as_json(&plan)["kept"], json!([format!("application {name}")]), "data is as it is");
        assert_eq!(printable(&text), text);
        assert!(text.matches("[2K").count() >= 6, "{text}");
    }

    #[test]
    fn long_values_are_cut() {
        assert!(short(&json!("x".repeat(500))).ends_with("(502 characters)"));
        assert_eq!(short(&json!({"a": 1})), "{\"a\":1}");
    }
}
