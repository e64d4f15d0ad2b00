//! Where members may sign in. The wire has two names for it: `enabled_connections`, which knows the enabled ones alone,
//! and the newer `connections`.

use chancery_core::model::{Organization, OrganizationConnection};
use chancery_core::problem::{Missing, Problem};
use serde_json::{Map, Value, json};

use super::{here, rewrite};
use crate::call::{Answer, Call, print, read};
use crate::ops::Table;
use crate::page::Page;
use crate::resource::merged;

pub(super) fn bind(table: &mut Table) {
    for member in ["enabled_connections", "connections"] {
        let (all, newer) = (format!("/organizations/{{id}}/{member}"), member == "connections");
        let one = if newer { format!("{all}/{{connection_id}}") } else { format!("{all}/{{connectionId}}") };
        table.bind(&format!("GET {all}"), move |call| list(call, member));
        table.bind(&format!("POST {all}"), move |call| create(call, newer));
        table.bind(&format!("GET {one}"), move |call| show_one(call, newer));
        table.bind(&format!("PATCH {one}"), move |call| update(call, newer));
        table.bind(&format!("DELETE {one}"), delete);
    }
}

const MISSING: Missing = Missing { message: "No connection found by that id", code: None };
const DATABASE: &str = "auth0";

/// As the wire shows it; nothing where the connection itself is gone.
fn shown(call: &Call, entry: &OrganizationConnection, newer: bool) -> Option<Value> {
    let connection = call.snapshot().connection(&entry.connection_id)?;
    let mut value = print(entry).ok()?;
    let members = value.as_object_mut()?;
    if connection.strategy != DATABASE {
        members.shift_remove("is_signup_enabled");
    }
    if !newer {
        for name in ["is_enabled", "organization_access_level", "organization_connection_name"] {
            members.shift_remove(name);
        }
    }
    members
        .insert("connection".to_owned(), json!({"name": connection.name, "strategy": connection.strategy}));
    Some(value)
}

/// The id in the path, by either of its names.
fn wanted(call: &Call) -> &str {
    match call.at("connection_id") {
        "" => call.at("connectionId"),
        id => id,
    }
}

/// By name, as recorded.
async fn list(call: Call, member: &'static str) -> Result<Answer, Problem> {
    let organization = here(&call).await?;
    let newer = member == "connections";
    let enabled = if newer { call.query.flag("is_enabled") } else { Some(true) };
    let chosen =
        organization.connections.iter().filter(|entry| enabled.is_none_or(|on| on == entry.is_enabled));
    let mut all: Vec<Value> = chosen.filter_map(|entry| shown(&call, entry, newer)).collect();
    let name = |value: &Value| value.pointer("/connection/name").and_then(Value::as_str).map(str::to_owned);
    all.sort_by_cached_key(name);
    let page = Page::offset(&call.query)?;
    Ok(Answer::ok(page.body(member, page.cut(all, |_| String::new(), |value| value))))
}

/// Adds a connection as a body describes it.
pub(super) fn add(call: &Call, organization: &mut Organization, entry: Value) -> Result<(), Problem> {
    let entry: OrganizationConnection = read(entry)?;
    if organization.connections.iter().any(|known| known.connection_id == entry.connection_id) {
        return Err(Problem::conflict("This connection is already enabled for the organization."));
    }
    check(call, &entry)?;
    organization.connections.push(entry);
    Ok(())
}

fn check(call: &Call, entry: &OrganizationConnection) -> Result<(), Problem> {
    let connection = call.snapshot().connection(&entry.connection_id).ok_or(Problem::NotFound(MISSING))?;
    if entry.is_signup_enabled && (connection.strategy != DATABASE || !entry.assign_membership_on_login) {
        return Err(Problem::RefusedAs(
            "invalid_body",
            "Only database connections with assign_membership_on_login = true support is_signup_enabled = true."
                .into(),
        ));
    }
    Ok(())
}

async fn create(call: Call, newer: bool) -> Result<Answer, Problem> {
    let body: Map<String, Value> = call.members();
    let (value, rev) = rewrite(&call, |organization| {
        add(&call, organization, Value::Object(body.clone()))?;
        Ok(organization.connections.last().and_then(|entry| shown(&call, entry, newer)))
    })
    .await?;
    Ok(Answer::created(value.unwrap_or_default()).at(rev))
}

async fn show_one(call: Call, newer: bool) -> Result<Answer, Problem> {
    let organization = here(&call).await?;
    let found = organization
        .connections
        .iter()
        .find(|entry| entry.connection_id == wanted(&call) && (newer || entry.is_enabled));
    let value = found.and_then(|entry| shown(&call, entry, newer)).ok_or(Problem::NotFound(MISSING))?;
    Ok(Answer::ok(value))
}

async fn update(call: Call, newer: bool) -> Result<Answer, Problem> {
    let (value, rev) = rewrite(&call, |organization| {
        let entry = organization.connections.iter_mut().find(|entry| entry.connection_id == wanted(&call));
        let entry = entry.ok_or(Problem::NotFound(MISSING))?;
        *entry = read(merged(print(entry)?, call.members()))?;
        check(&call, entry)?;
        Ok(shown(&call, entry, newer))
    })
    .await?;
    Ok(Answer::ok(value.unwrap_or_default()).at(rev))
}

/// What is gone is gone.
async fn delete(call: Call) -> Result<Answer, Problem> {
    let ((), rev) = rewrite(&call, |organization| {
        organization.connections.retain(|entry| entry.connection_id != wanted(&call));
        Ok(())
    })
    .await?;
    Ok(Answer::no_content().at(rev))
}
