//! `chancery explain who` and `chancery explain access`.

use std::process::ExitCode;

use anyhow::{Result, bail};
use form_urlencoded::Serializer;
use serde_json::{Value, json};

use super::table::printable;
use crate::management::{Management, path};
use crate::output::Output;

/// Users and applications with a scope.
pub(super) async fn who(
    management: &Management,
    audience: &str,
    scope: &str,
    out: &mut Output,
) -> Result<ExitCode> {
    let query = [("audience", audience), ("scope", scope)];
    let (head, users) = walk(management, "/explain/users", &query, "users").await?;
    let (_, applications) = walk(management, "/explain/applications", &query, "applications").await?;
    if head["defined"] != true {
        bail!("the API {audience} defines no scope {scope}");
    }
    let everybody = head["everybody"] == true;
    let mut rows = Vec::new();
    for (kind, holders, id, name) in
        [("user", &users, "user_id", "email"), ("application", &applications, "client_id", "name")]
    {
        for holder in holders {
            for way in holder["through"].as_array().into_iter().flatten() {
                rows.push(vec![kind.to_owned(), text(&holder[id]), text(&holder[name]), through(way)]);
            }
        }
    }
    let all = json!({"everybody": everybody, "users": users, "applications": applications});
    out.table(&all, &["KIND", "ID", "NAME", "THROUGH"], &rows)?;
    if everybody && !out.json {
        out.say(
            "The API enforces no permissions: every user gets it through an application that may ask for it.",
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// Scopes of a user or an application.
pub(super) async fn access(
    management: &Management,
    kind: &str,
    id: &str,
    out: &mut Output,
) -> Result<ExitCode> {
    let (_, access) = walk(management, &path(&format!("explain/{kind}"), id), &[], "access").await?;
    let rows: Vec<_> =
        access.iter().map(|row| vec![text(&row["audience"]), text(&row["scope"]), through(row)]).collect();
    out.table(&access, &["API", "SCOPE", "THROUGH"], &rows)?;
    Ok(ExitCode::SUCCESS)
}

/// Every page: the first one, and all items.
async fn walk(
    management: &Management,
    path: &str,
    query: &[(&str, &str)],
    member: &str,
) -> Result<(Value, Vec<Value>)> {
    let (mut head, mut all, mut from) = (Value::Null, Vec::new(), String::new());
    loop {
        let mut encoded = Serializer::new(String::new());
        encoded.extend_pairs(query).append_pair("take", "1000");
        if !from.is_empty() {
            encoded.append_pair("from", &from);
        }
        let mut part = management.own_get(&format!("{path}?{}", encoded.finish())).await?;
        let Value::Array(items) = part[member].take() else {
            bail!("the server answered {path} with no list")
        };
        all.extend(items);
        let next = part["next"].as_str().map(str::to_owned);
        if head.is_null() {
            head = part;
        }
        match next {
            Some(next) if next != from => from = next,
            _ => return Ok((head, all)),
        }
    }
}

fn through(way: &Value) -> String {
    let place = match way["organization_id"].as_str() {
        Some(id) => format!(" in {}", printable(id)),
        None => String::new(),
    };
    let for_whom = match way["subject_type"].as_str() {
        Some("user") => " for users",
        Some("client") => " for itself",
        _ => "",
    };
    let by = match way["through"].as_str().unwrap_or_default() {
        "role" => {
            let role = format!("role {} ({})", text(&way["role"]["name"]), text(&way["role"]["id"]));
            match way["group"]["id"].as_str() {
                Some(id) => format!("{role} by group {} ({})", text(&way["group"]["name"]), printable(id)),
                None => role,
            }
        }
        "direct" => "direct permission".to_owned(),
        "client_grant" => format!("client grant {}", text(&way["client_grant_id"])),
        "open_api" => "open API".to_owned(),
        other => printable(other),
    };
    format!("{by}{place}{for_whom}")
}

fn text(value: &Value) -> String {
    printable(value.as_str().unwrap_or_default())
}
