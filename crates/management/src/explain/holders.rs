//! Who and what can obtain a scope of an API: users through what they hold, applications through what they are granted.

use std::collections::HashMap;
use std::sync::Arc;

use chancery_core::model::Role;
use chancery_core::problem::Problem;
use chancery_store::{Held, Holder, PreparedApi, PreparedClient, Way};
use chancery_web::Audience;
use serde_json::{Value, json};

use super::csv::Table;
use super::reach::{Subject, reach};
use super::{answer, api_named, page};
use crate::call::{Answer, Call, stored};

/// `GET /explain/users`.
pub(super) async fn users(call: Call) -> Result<Answer, Problem> {
    let (api, scope) = wanted(&call)?;
    let (after, take) = page(&call)?;
    let defined = api.defines(scope);
    // Without RBAC nobody needs the permission.
    let everybody = defined && !api.asks_for_permissions();
    let roles = giving(&call, &api, scope);
    let role_ids: Vec<&str> = roles.keys().copied().collect();
    let held = Held {
        api: &api.identifier,
        scope,
        role_ids: &role_ids,
        in_organizations: call.caller.has("read:organizations"),
    };
    let mut found = match defined && !everybody {
        true => call.store().holders(call.tenant(), &held, &after, take + 1).await.map_err(stored)?,
        false => Vec::new(),
    };
    let next = cut(&mut found, take, |holder| holder.user_id.clone());
    let groups = groups_of(&call, &found).await?;
    let shown: Vec<Value> = found.iter().map(|holder| shown(holder, &roles, &groups)).collect();
    let body = json!({
        "audience": call.origin().absolute(&api.identifier), "scope": scope, "defined": defined, "everybody": everybody,
        "users": shown,
    });
    let mut table = Table::new(&[
        "user_id",
        "email",
        "through",
        "role_id",
        "role_name",
        "organization_id",
        "organizations",
    ]);
    for user in &shown {
        for way in user["through"].as_array().into_iter().flatten() {
            let (role, place) = (&way["role"], &way["organization_id"]);
            let cells =
                [&user["user_id"], &user["email"], &way["through"], &role["id"], &role["name"], place];
            table.add(&[&cells[..], &[&way["organizations"]]].concat());
        }
    }
    Ok(answer(&call, body, table, next))
}

/// `GET /explain/applications`.
pub(super) async fn applications(call: Call) -> Result<Answer, Problem> {
    let (api, scope) = wanted(&call)?;
    let (after, take) = page(&call)?;
    let audience = Audience::Api(Arc::clone(&api));
    let mut found: Vec<(&Arc<PreparedClient>, Vec<Value>)> = Vec::new();
    let limit = usize::try_from(take).unwrap_or(0) + 1;
    for client in call.snapshot().clients_after(&after) {
        if found.len() == limit {
            break;
        }
        let ways: Vec<Value> = Subject::BOTH
            .into_iter()
            .filter_map(|subject| {
                let reached = reach(&call, client, &audience, subject, Some(scope));
                reached.into_iter().next().map(|(_, way)| way.shown(subject))
            })
            .collect();
        if !ways.is_empty() {
            found.push((client, ways));
        }
    }
    let next = cut(&mut found, take, |(client, _)| client.client_id.clone());
    let shown: Vec<Value> = found
        .iter()
        .map(|(client, ways)| {
            json!({
                "client_id": client.client_id, "name": client.name, "is_first_party": client.is_first_party,
                "through": ways,
            })
        })
        .collect();
    let mut table = Table::new(&["client_id", "name", "subject_type", "through", "client_grant_id"]);
    for client in &shown {
        for way in client["through"].as_array().into_iter().flatten() {
            let cells = [&client["client_id"], &client["name"], &way["subject_type"], &way["through"]];
            table.add(&[&cells[..], &[&way["client_grant_id"]]].concat());
        }
    }
    let body = json!({
        "audience": call.origin().absolute(&api.identifier), "scope": scope, "defined": api.defines(scope),
        "applications": shown,
    });
    Ok(answer(&call, body, table, next))
}

fn wanted(call: &Call) -> Result<(Arc<PreparedApi>, &str), Problem> {
    let api = api_named(call, call.query.text("audience").unwrap_or_default())?;
    Ok((api, call.query.text("scope").unwrap_or_default()))
}

/// The roles that give the scope, by id.
fn giving<'a>(call: &'a Call, api: &PreparedApi, scope: &str) -> HashMap<&'a str, &'a Role> {
    let gives = |role: &&Arc<Role>| {
        let mut all = role.permissions.iter();
        all.any(|p| p.permission_name == scope && p.resource_server_identifier == api.identifier)
    };
    call.snapshot().roles().filter(gives).map(|role| (role.id.as_str(), role.as_ref())).collect()
}

/// The names of the groups through which somebody holds it, by id.
async fn groups_of(call: &Call, holders: &[Holder]) -> Result<HashMap<String, String>, Problem> {
    let mut names = HashMap::new();
    for way in holders.iter().flat_map(|holder| &holder.ways) {
        let Way::Group { group_id, .. } = way else { continue };
        if !names.contains_key(group_id) {
            let group = call.store().group(call.tenant(), group_id).await.map_err(stored)?;
            names.insert(group_id.clone(), group.map(|group| group.name).unwrap_or_default());
        }
    }
    Ok(names)
}

fn shown(holder: &Holder, roles: &HashMap<&str, &Role>, groups: &HashMap<String, String>) -> Value {
    let named = |id: &String| json!({"id": id, "name": roles.get(id.as_str()).map(|role| &role.name)});
    let ways: Vec<Value> = holder
        .ways
        .iter()
        .map(|way| match way {
            Way::Direct => json!({"through": "direct"}),
            Way::Role(id) => json!({"through": "role", "role": named(id)}),
            Way::Group { role_id, organization_id, group_id } => {
                let group = json!({"id": group_id, "name": groups.get(group_id)});
                let mut way = json!({"through": "role", "role": named(role_id), "group": group});
                if !organization_id.is_empty() {
                    way["organization_id"] = organization_id.as_str().into();
                }
                way
            }
            Way::Member { role_id, organization_id, organizations } => json!({
                "through": "role", "role": named(role_id), "organization_id": organization_id,
                "organizations": organizations,
            }),
        })
        .collect();
    let mut shown = json!({"user_id": holder.user_id, "through": ways});
    if let Some(email) = &holder.email {
        shown["email"] = email.as_str().into();
    }
    shown
}

/// Leaves a page, and says where the next one begins.
fn cut<T>(found: &mut Vec<T>, take: i64, key: impl Fn(&T) -> String) -> Option<String> {
    let take = usize::try_from(take).unwrap_or(0);
    let is_more = found.len() > take;
    found.truncate(take);
    found.last().filter(|_| is_more).map(key)
}
