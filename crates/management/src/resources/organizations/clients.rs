//! Applications named for an organization.

use chancery_core::model::{Client, OrganizationClient};
use chancery_core::problem::Problem;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::clients::MISSING;
use super::{here, rewrite};
use crate::call::{Answer, Call, print};
use crate::ops::Table;
use crate::page::{Page, by_checkpoint};

pub(super) fn bind(table: &mut Table) {
    table.bind("GET /organizations/{id}/clients", list);
    table.bind("POST /organizations/{id}/clients", add);
    table.bind("DELETE /organizations/{id}/clients", remove);
    table.bind("GET /organizations/{id}/clients/{client_id}", show_one);
    table.bind("PATCH /organizations/{id}/clients/{client_id}", update);
}

/// As the wire shows it; nothing where the application itself is gone.
fn shown(call: &Call, entry: &OrganizationClient) -> Option<Value> {
    let client: &Client = call.snapshot().client(&entry.client_id)?;
    let all = print(client).ok()?;
    let mut about = json!({});
    for name in ["name", "is_first_party", "grant_types", "organization_usage"] {
        if let Some(value) = all.get(name).filter(|value| !value.is_null()) {
            about[name] = value.clone();
        }
    }
    let use_for = entry.use_for_member_access;
    Some(json!({"client_id": entry.client_id, "use_for_member_access": use_for, "client": about}))
}

async fn list(call: Call) -> Result<Answer, Problem> {
    let mut clients = here(&call).await?.clients;
    clients.retain(|entry| call.snapshot().client(&entry.client_id).is_some());
    let page: Page = by_checkpoint(&call.query)?;
    let key = |entry: &OrganizationClient| entry.client_id.clone();
    let slice = page.cut(clients, key, |entry| shown(&call, &entry).unwrap_or_default());
    Ok(Answer::ok(page.body("clients", slice)))
}

#[derive(Deserialize)]
struct Added {
    clients: Vec<OrganizationClient>,
}

/// One that is there already is set as the body says.
async fn add(call: Call) -> Result<Answer, Problem> {
    let body: Added = call.body_as()?;
    if body.clients.iter().any(|entry| call.snapshot().client(&entry.client_id).is_none()) {
        return Err(Problem::NotFound(MISSING));
    }
    let ((), rev) = rewrite(&call, |organization| {
        for entry in &body.clients {
            organization.clients.retain(|known| known.client_id != entry.client_id);
            organization.clients.push(entry.clone());
        }
        Ok(())
    })
    .await?;
    let added = body.clients.iter().filter_map(|entry| shown(&call, entry)).collect();
    Ok(Answer::created(Value::Array(added)).at(rev))
}

#[derive(Deserialize)]
struct Removed {
    clients: Vec<String>,
}

async fn remove(call: Call) -> Result<Answer, Problem> {
    let body: Removed = call.body_as()?;
    let ((), rev) = rewrite(&call, |organization| {
        organization.clients.retain(|entry| !body.clients.contains(&entry.client_id));
        Ok(())
    })
    .await?;
    Ok(Answer::no_content().at(rev))
}

async fn show_one(call: Call) -> Result<Answer, Problem> {
    let organization = here(&call).await?;
    let found = organization.clients.iter().find(|entry| entry.client_id == call.at("client_id"));
    let value = found.and_then(|entry| shown(&call, entry)).ok_or(Problem::NotFound(MISSING))?;
    Ok(Answer::ok(value))
}

async fn update(call: Call) -> Result<Answer, Problem> {
    let (value, rev) = rewrite(&call, |organization| {
        let entry = organization.clients.iter_mut().find(|entry| entry.client_id == call.at("client_id"));
        let entry = entry.ok_or(Problem::NotFound(MISSING))?;
        if let Some(on) = call.body.get("use_for_member_access").and_then(Value::as_bool) {
            entry.use_for_member_access = on;
        }
        shown(&call, entry).ok_or(Problem::NotFound(MISSING))
    })
    .await?;
    Ok(Answer::ok(value).at(rev))
}
