//! `/groups`: sets of users that directories keep here by SCIM (`crate::scim`), and the roles that they give to whoever is
//! in them, in the tenant or in an organization.

use std::collections::BTreeSet;

use chancery_core::iso::format_ms;
use chancery_core::model::Role;
use chancery_core::problem::{Missing, Problem};
use chancery_store::{Error, Going, Group, GroupFilter};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{roles, users};
use crate::call::{Answer, Call, missing, stored};
use crate::ops::Table;
use crate::page::{Page, Slice, by_checkpoint, chosen};

pub(super) fn bind(table: &mut Table) {
    table.bind("GET /groups", list);
    table.bind("GET /groups/{id}", show);
    table.bind("DELETE /groups/{id}", delete);
    table.bind("GET /groups/{id}/members", members);
    table.bind("GET /groups/{id}/roles", |call| async move {
        let group = here(&call, "id").await?;
        list_roles(&call, &group, "").await
    });
    table.bind("POST /groups/{id}/roles", |call| async move {
        let group = here(&call, "id").await?;
        give_roles(&call, &group, "").await
    });
    table.bind("DELETE /groups/{id}/roles", |call| async move {
        let group = here(&call, "id").await?;
        take_roles(&call, &group, "").await
    });
    table.bind("GET /roles/{id}/groups", with_role);
    table.bind("POST /roles/{id}/groups", add_to_role);
    table.bind("DELETE /roles/{id}/groups", remove_from_role);
    table.bind("GET /users/{id}/groups", of_user);
    table.bind("GET /users/{id}/effective-roles/sources/groups", behind_role);
}

const MISSING: Missing = missing("Group not found.", "inexistent_group");

/// The group that a part of the path names.
pub(super) async fn here(call: &Call, part: &str) -> Result<Group, Problem> {
    find(call, call.at(part)).await
}

async fn find(call: &Call, id: &str) -> Result<Group, Problem> {
    let found = call.store().group(call.tenant(), id).await.map_err(stored)?;
    found.ok_or(Problem::NotFound(MISSING))
}

fn shown(call: &Call, group: &Group) -> Value {
    let mut value = json!({"id": group.id, "name": group.name});
    if let Some(external_id) = &group.external_id {
        value["external_id"] = external_id.as_str().into();
    }
    value["connection_id"] = group.connection_id.as_str().into();
    value["tenant_name"] = call.tenant().into();
    value["created_at"] = format_ms(group.created_at).into();
    value["updated_at"] = format_ms(group.updated_at).into();
    value
}

async fn list(call: Call) -> Result<Answer, Problem> {
    let text = |name: &str| call.query.text(name);
    let filter = GroupFilter {
        connection_id: text("connection_id"),
        name: text("name"),
        external_id: text("external_id"),
        search: text("search"),
        ..GroupFilter::default()
    };
    page_of(&call, Page::of(&call.query)?, &filter).await
}

async fn show(call: Call) -> Result<Answer, Problem> {
    let group = here(&call, "id").await?;
    Ok(Answer::ok(shown(&call, &group)))
}

async fn delete(call: Call) -> Result<Answer, Problem> {
    let group = here(&call, "id").await?;
    let (tenant, store) = (call.tenant(), call.store());
    store.clear(tenant, Going::Group(&group.id)).await.map_err(stored)?;
    store.commit(store.delete_group(tenant, &group.id)).await.map_err(stored)?;
    Ok(Answer::no_content())
}

/// The user an account belongs to now is the member: the account may have been linked to another one since.
async fn members(call: Call) -> Result<Answer, Problem> {
    let group = here(&call, "id").await?;
    let page = by_checkpoint(&call.query)?;
    let Page::After { key, take } = &page else { return Err(Problem::Internal) };
    let found = call.store().group_members(call.tenant(), &group.id, key, take + 1).await.map_err(stored)?;
    let slice = Slice::first(
        found.into_iter(),
        *take,
        |member| &member.account,
        |member| {
            Ok(json!({
                "id": member.user_id,
                "member_type": "user",
                "type": "connection",
                "connection_id": group.connection_id,
                "created_at": format_ms(member.since),
            }))
        },
    )?;
    let mut body = page.body("members", slice);
    if let Some(items) = body.get_mut("members") {
        *items = chosen(items.take(), &call.query, &[]);
    }
    Ok(Answer::ok(body))
}

/// A page of the groups that fit.
pub(super) async fn page_of(call: &Call, page: Page, filter: &GroupFilter<'_>) -> Result<Answer, Problem> {
    let (tenant, store) = (call.tenant(), call.store());
    let slice = match &page {
        Page::Offset { start, limit, totals } => {
            let total = match totals {
                true => store.groups_count(tenant, filter).await.map_err(stored)?,
                false => 0,
            };
            let found = store.groups(tenant, filter, "", (*start, *limit)).await.map_err(stored)?;
            Slice { items: found.iter().map(|group| shown(call, group)).collect(), total, next: None }
        }
        Page::After { key, take } => {
            let found = store.groups(tenant, filter, key, (0, take + 1)).await.map_err(stored)?;
            Slice::first(found.into_iter(), *take, |group| &group.id, |group| Ok(shown(call, &group)))?
        }
    };
    let mut body = page.body("groups", slice);
    match body.get_mut("groups") {
        Some(items) => *items = chosen(items.take(), &call.query, &[]),
        None => body = chosen(body, &call.query, &[]),
    }
    Ok(Answer::ok(body))
}

/// The roles that a group gives, in the tenant (no organization) or in an organization.
pub(super) async fn list_roles(call: &Call, group: &Group, organization: &str) -> Result<Answer, Problem> {
    let ids = call.store().roles_of_group(call.tenant(), &group.id, organization).await.map_err(stored)?;
    let roles: Vec<Role> =
        ids.iter().filter_map(|id| call.snapshot().role(id).map(|role| Role::clone(role))).collect();
    let page = by_checkpoint(&call.query)?;
    let show = |role: Role| {
        let mut value = json!({
            "id": role.id, "name": role.name, "description": role.description.as_deref().unwrap_or_default(),
            "type": role.kind.as_deref().unwrap_or("tenant"),
        });
        if let Some(owner) = &role.owner_id {
            value["owner_id"] = owner.as_str().into();
        }
        value
    };
    Ok(Answer::ok(page.body("roles", page.cut(roles, |role| role.id.clone(), show))))
}

#[derive(Deserialize)]
struct Roles {
    roles: Vec<String>,
}

/// Roles of the tenant, and in an organization those of this very organization too.
pub(super) async fn give_roles(call: &Call, group: &Group, organization: &str) -> Result<Answer, Problem> {
    let body: Roles = call.body_as()?;
    let fits = |id: &String| {
        let role = call.snapshot().role(id);
        role.is_some_and(|role| role.owner_id.as_ref().is_none_or(|owner| *owner == organization))
    };
    if !body.roles.iter().all(fits) {
        return Err(Problem::NotFound(roles::MISSING));
    }
    let (tenant, store) = (call.tenant(), call.store());
    let held = store.roles_of_group(tenant, &group.id, organization).await.map_err(stored)?;
    // What it gives already is no more.
    if held.iter().chain(&body.roles).collect::<BTreeSet<_>>().len() > MOST_ROLES {
        return Err(Problem::conflict("No more roles can be assigned to this group."));
    }
    give(call, store.add_group_roles(tenant, &group.id, organization, &body.roles)).await
}

/// Everything that a group gives is read at each sign-in of those who are in it.
const MOST_ROLES: usize = 50;

async fn give(call: &Call, batch: chancery_store::Batch) -> Result<Answer, Problem> {
    match call.store().commit(batch).await {
        Ok(()) => Ok(Answer::no_content()),
        Err(Error::Guard) => Err(Problem::NotFound(MISSING)),
        Err(other) => Err(stored(other)),
    }
}

pub(super) async fn take_roles(call: &Call, group: &Group, organization: &str) -> Result<Answer, Problem> {
    let body: Roles = call.body_as()?;
    let batch = call.store().remove_group_roles(call.tenant(), &group.id, organization, &body.roles);
    call.store().commit(batch).await.map_err(stored)?;
    Ok(Answer::no_content())
}

async fn with_role(call: Call) -> Result<Answer, Problem> {
    let role = roles::here(&call).await?;
    let filter = GroupFilter { gives: Some((&role.id, "")), ..GroupFilter::default() };
    page_of(&call, by_checkpoint(&call.query)?, &filter).await
}

#[derive(Deserialize)]
struct Groups {
    groups: Vec<String>,
}

async fn add_to_role(call: Call) -> Result<Answer, Problem> {
    let role = roles::here(&call).await?;
    if role.owner_id.is_some() {
        return Err(Problem::refused("A role of an organization is given to groups in that organization."));
    }
    let body: Groups = call.body_as()?;
    let mut batch = chancery_store::Batch::default();
    for id in BTreeSet::from_iter(&body.groups) {
        let group = find(&call, id).await?;
        let held = call.store().roles_of_group(call.tenant(), &group.id, "").await.map_err(stored)?;
        if held.len() >= MOST_ROLES && !held.contains(&role.id) {
            return Err(Problem::conflict("No more roles can be assigned to this group."));
        }
        let role_ids = std::slice::from_ref(&role.id);
        batch = batch.and(call.store().add_group_roles(call.tenant(), &group.id, "", role_ids));
    }
    give(&call, batch).await
}

async fn remove_from_role(call: Call) -> Result<Answer, Problem> {
    let role = roles::here(&call).await?;
    let body: Groups = call.body_as()?;
    let mut batch = chancery_store::Batch::default();
    for id in BTreeSet::from_iter(&body.groups) {
        let group = find(&call, id).await?;
        let role_ids = std::slice::from_ref(&role.id);
        batch = batch.and(call.store().remove_group_roles(call.tenant(), &group.id, "", role_ids));
    }
    give(&call, batch).await
}

async fn of_user(call: Call) -> Result<Answer, Problem> {
    let user = users::load(&call, "id").await?;
    let filter = GroupFilter { user_id: Some(&user.user_id), ..GroupFilter::default() };
    page_of(&call, Page::of(&call.query)?, &filter).await
}

/// The groups through which a user has a role.
async fn behind_role(call: Call) -> Result<Answer, Problem> {
    let user = users::load(&call, "id").await?;
    behind(&call, &user.user_id, "").await
}

/// The groups that give a user the role that the query names, in the tenant (no organization) or in an organization.
pub(super) async fn behind(call: &Call, user_id: &str, organization: &str) -> Result<Answer, Problem> {
    let role_id = call.query.text("role_id").unwrap_or_default();
    if call.snapshot().role(role_id).is_none() {
        return Err(Problem::NotFound(roles::MISSING));
    }
    let filter = GroupFilter {
        user_id: Some(user_id),
        gives: Some((role_id, organization)),
        ..GroupFilter::default()
    };
    page_of(call, by_checkpoint(&call.query)?, &filter).await
}
