//! What users hold: roles and permissions (fact sheet 10), and lists that are empty for want of what would fill them.

use std::collections::{BTreeMap, BTreeSet};

use chancery_core::model::{Permission, Role};
use chancery_core::problem::{Missing, Problem};
use chancery_store::GroupRole;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{permissions, users};
use crate::call::{Answer, Call, stored};
use crate::ops::Table;
use crate::page::{Page, Slice, by_checkpoint};

pub(super) fn bind(table: &mut Table) {
    table.bind("GET /users/{id}/roles", roles);
    table.bind("POST /users/{id}/roles", add_roles);
    table.bind("DELETE /users/{id}/roles", remove_roles);
    table.bind("GET /users/{id}/permissions", list_permissions);
    table.bind("POST /users/{id}/permissions", add_permissions);
    table.bind("DELETE /users/{id}/permissions", remove_permissions);
    table.bind("GET /users/{id}/effective-roles", effective_roles);
    table.bind("GET /users/{id}/effective-permissions", effective_permissions);
    table.bind("GET /users/{id}/effective-permissions/sources/effective-roles", roles_behind_permission);
    table.bind("GET /users/{id}/organizations", super::organizations::of_user);
    // No user has a connected account before those exist.
    table.bind("GET /users/{id}/connected-accounts", nothing_listed);
    // The name that connected accounts had before.
    table.bind("GET /users/{id}/federated-connections-tokensets", |call| none(call, "tokensets"));
    table.bind("DELETE /users/{id}/federated-connections-tokensets/{tokenset_id}", nothing_connected);
}

/// The roles of a user, by name.
async fn held_roles(call: &Call) -> Result<Vec<Role>, Problem> {
    let user = users::load(call, "id").await?;
    let access = call.store().access_of(call.tenant(), &user.user_id).await.map_err(stored)?;
    let mut roles: Vec<Role> = access
        .role_ids
        .iter()
        .filter_map(|id| call.snapshot().role(id).map(|role| Role::clone(role)))
        .collect();
    roles.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(roles)
}

fn shown(role: &Role) -> Value {
    json!({"id": role.id, "name": role.name, "description": role.description.as_deref().unwrap_or_default()})
}

async fn roles(call: Call) -> Result<Answer, Problem> {
    let roles = held_roles(&call).await?;
    let page = Page::offset(&call.query)?;
    Ok(Answer::ok(page.body("roles", page.cut(roles, |role| role.id.clone(), |role| shown(&role)))))
}

#[derive(Deserialize)]
struct Roles {
    roles: Vec<String>,
}

async fn add_roles(call: Call) -> Result<Answer, Problem> {
    let user = users::load(&call, "id").await?;
    let body: Roles = call.body_as()?;
    if body.roles.iter().any(|id| call.snapshot().role(id).is_none()) {
        return Err(Problem::NotFound(Missing { message: "The role does not exist.", code: None }));
    }
    call.store().assign_roles(call.tenant(), &user.user_id, &body.roles).await.map_err(stored)?;
    Ok(Answer::no_content())
}

async fn remove_roles(call: Call) -> Result<Answer, Problem> {
    let user = users::load(&call, "id").await?;
    let body: Roles = call.body_as()?;
    call.store().remove_roles(call.tenant(), &user.user_id, &body.roles).await.map_err(stored)?;
    Ok(Answer::no_content())
}

/// Each permission with where it comes from; through roles that groups give only where they are asked for.
async fn held_permissions(
    call: &Call,
    with_groups: bool,
) -> Result<BTreeMap<(String, String), Vec<Value>>, Problem> {
    let user = users::load(call, "id").await?;
    let access = call.store().access_of(call.tenant(), &user.user_id).await.map_err(stored)?;
    let mut held = BTreeMap::<(String, String), Vec<Value>>::new();
    let mut add = |permission: &Permission, source: Value| {
        let key = (permission.permission_name.clone(), permission.resource_server_identifier.clone());
        held.entry(key).or_default().push(source);
    };
    for permission in &access.permissions {
        add(permission, json!({"source_id": "", "source_name": "", "source_type": "DIRECT"}));
    }
    let grouped = access.group_roles.iter().map(|given| &given.role_id).filter(|_| with_groups);
    let role_ids: BTreeSet<&String> = access.role_ids.iter().chain(grouped).collect();
    for role in role_ids.into_iter().filter_map(|id| call.snapshot().role(id)) {
        for permission in &role.permissions {
            add(permission, json!({"source_id": role.id, "source_name": role.name, "source_type": "ROLE"}));
        }
    }
    Ok(held)
}

fn with_sources(call: &Call, ((name, api), sources): ((String, String), Vec<Value>)) -> Option<Value> {
    let permission = Permission { resource_server_identifier: api, permission_name: name };
    let mut value = permissions::shown(call, &permission)?;
    value["sources"] = Value::Array(sources);
    Some(value)
}

async fn list_permissions(call: Call) -> Result<Answer, Problem> {
    let held = held_permissions(&call, false).await?;
    let shown: Vec<Value> = held.into_iter().filter_map(|entry| with_sources(&call, entry)).collect();
    let page = Page::offset(&call.query)?;
    Ok(Answer::ok(page.body("permissions", page.cut(shown, |_| String::new(), |value| value))))
}

async fn add_permissions(call: Call) -> Result<Answer, Problem> {
    let user = users::load(&call, "id").await?;
    let new = permissions::live_of_body(&call)?;
    call.store().add_permissions(call.tenant(), &user.user_id, &new).await.map_err(stored)?;
    Ok(Answer::created(json!({})))
}

async fn remove_permissions(call: Call) -> Result<Answer, Problem> {
    let user = users::load(&call, "id").await?;
    let gone = permissions::of_body(&call)?;
    call.store().remove_permissions(call.tenant(), &user.user_id, &gone).await.map_err(stored)?;
    Ok(Answer::no_content())
}

async fn effective_roles(call: Call) -> Result<Answer, Problem> {
    let roles = all_roles(&call).await?;
    listed(&call, roles)
}

/// The roles that a user holds or has through groups, by name.
async fn all_roles(call: &Call) -> Result<Vec<Effective>, Problem> {
    let user = users::load(call, "id").await?;
    let access = call.store().access_of(call.tenant(), &user.user_id).await.map_err(stored)?;
    Ok(effective(call, &access.role_ids, &access.group_roles))
}

/// A role and through what it is held.
pub(super) struct Effective {
    role: Role,
    sources: Vec<&'static str>,
}

/// Roles held directly and those that groups give, each once, by name.
pub(super) fn effective(call: &Call, direct: &[String], groups: &[GroupRole]) -> Vec<Effective> {
    let mut sources = BTreeMap::<&str, Vec<&'static str>>::new();
    for id in direct {
        sources.entry(id).or_default().push("direct");
    }
    for given in groups {
        let known = sources.entry(&given.role_id).or_default();
        if !known.contains(&"groups") {
            known.push("groups");
        }
    }
    let mut roles: Vec<Effective> = sources
        .into_iter()
        .filter_map(|(id, sources)| Some(Effective { role: Role::clone(call.snapshot().role(id)?), sources }))
        .collect();
    roles.sort_by(|a, b| a.role.name.cmp(&b.role.name));
    roles
}

/// A page of them.
pub(super) fn listed(call: &Call, roles: Vec<Effective>) -> Result<Answer, Problem> {
    let page = by_checkpoint(&call.query)?;
    let show = |held: Effective| {
        let mut value = shown(&held.role);
        value["sources"] = json!(held.sources);
        value
    };
    Ok(Answer::ok(page.body("roles", page.cut(roles, |held| held.role.id.clone(), show))))
}

async fn effective_permissions(call: Call) -> Result<Answer, Problem> {
    let wanted = call.stored_identifier(call.query.text("resource_server_identifier").unwrap_or_default());
    let held = held_permissions(&call, true).await?;
    let held: Vec<_> = held.into_iter().filter(|((_, api), _)| *api == wanted).collect();
    let page = by_checkpoint(&call.query)?;
    let show = |(key, sources): ((String, String), Vec<Value>)| {
        let ways = [("DIRECT", "direct"), ("ROLE", "roles")];
        let is_a_way =
            |kind: &str| sources.iter().any(|source| source.get("source_type").is_some_and(|t| t == kind));
        let ways = ways.into_iter().filter(|(kind, _)| is_a_way(kind)).map(|(_, way)| way.into()).collect();
        with_sources(&call, (key, ways)).unwrap_or_default()
    };
    Ok(Answer::ok(page.body("permissions", page.cut(held, |((name, _), _)| name.clone(), show))))
}

/// The roles that give a user a permission.
async fn roles_behind_permission(call: Call) -> Result<Answer, Problem> {
    let text = |name: &str| call.query.text(name).unwrap_or_default();
    let wanted = Permission {
        resource_server_identifier: call.stored_identifier(text("resource_server_identifier")),
        permission_name: text("permission_name").to_owned(),
    };
    let mut roles = all_roles(&call).await?;
    roles.retain(|held| held.role.permissions.contains(&wanted));
    listed(&call, roles)
}

/// Always by checkpoint.
async fn nothing_listed(call: Call) -> Result<Answer, Problem> {
    users::load(&call, "id").await?;
    Ok(Answer::ok(by_checkpoint(&call.query)?.body("connected_accounts", Slice::default())))
}

async fn nothing_connected(call: Call) -> Result<Answer, Problem> {
    users::load(&call, "id").await?;
    Ok(Answer::no_content())
}

async fn none(call: Call, member: &'static str) -> Result<Answer, Problem> {
    users::load(&call, "id").await?;
    let page = if call.query.has_any(&["take", "from"]) {
        Page::of(&call.query)?
    } else {
        Page::offset(&call.query)?
    };
    Ok(Answer::ok(page.body(member, Slice::default())))
}
