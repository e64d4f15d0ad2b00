//! Who belongs to an organization, and the roles held there (fact sheet 10).

use chancery_core::model::{Organization, Role, User};
use chancery_core::problem::{Missing, Problem};
use chancery_store::{Error, Group, GroupFilter, Kind};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{groups, user_access, users};
use super::{here, shown as shown_organization};
use crate::call::{Answer, Call, missing, read_stored, stored};
use crate::ops::Table;
use crate::page::{Page, Slice, by_checkpoint, chosen};

pub(super) fn bind(table: &mut Table) {
    table.bind("GET /organizations/{id}/members", list);
    table.bind("POST /organizations/{id}/members", add);
    table.bind("DELETE /organizations/{id}/members", remove);
    table.bind("GET /organizations/{id}/members/{user_id}/roles", roles);
    table.bind("POST /organizations/{id}/members/{user_id}/roles", add_roles);
    table.bind("DELETE /organizations/{id}/members/{user_id}/roles", remove_roles);
    table.bind("GET /organizations/{id}/members/{user_id}/effective-roles", effective_roles);
    table.bind("GET /organizations/{id}/roles/{role_id}/members", with_role);
    table.bind("GET /organizations/{organization_id}/groups", groups_here);
    table.bind("GET /organizations/{organization_id}/roles/{role_id}/groups", groups_with_role);
    table
        .bind("GET /organizations/{id}/members/{user_id}/effective-roles/sources/groups", groups_behind_role);
    table.bind("GET /organizations/{organization_id}/groups/{group_id}/roles", |call| async move {
        let (organization, group) = group(&call).await?;
        groups::list_roles(&call, &group, &organization.id).await
    });
    table.bind("POST /organizations/{organization_id}/groups/{group_id}/roles", |call| async move {
        let (organization, group) = group(&call).await?;
        groups::give_roles(&call, &group, &organization.id).await
    });
    table.bind("DELETE /organizations/{organization_id}/groups/{group_id}/roles", |call| async move {
        let (organization, group) = group(&call).await?;
        groups::take_roles(&call, &group, &organization.id).await
    });
}

const NO_MEMBER: Missing = missing("The user is not a member of the organization.", "inexistent_member");
const NO_ROLE: Missing = Missing { message: "The role does not exist.", code: None };

async fn list(call: Call) -> Result<Answer, Problem> {
    let organization = here(&call).await?;
    let (tenant, store) = (call.tenant(), call.store());
    let page = Page::of(&call.query)?;
    let mut slice = Slice::default();
    let ids = match &page {
        Page::Offset { start, limit, totals } => {
            if *totals {
                slice.total = store.members_count(tenant, &organization.id).await.map_err(stored)?;
            }
            store.members(tenant, &organization.id, "", *start, *limit).await
        }
        Page::After { key, take } => store.members(tenant, &organization.id, key, 0, *take).await,
    };
    let ids = ids.map_err(stored)?;
    // A page with members always says how to go on, as recorded; the one behind the last is empty.
    slice.next = ids.last().cloned();
    let asked = call.query.text("fields").unwrap_or_default();
    let with_roles = asked.split(',').any(|field| field.trim() == "roles");
    for id in ids {
        let Some(user) = store.user(tenant, &id).await.map_err(stored)? else { continue };
        let mut value = shown(&user);
        if with_roles {
            let held = held(&call, &organization, &id).await?;
            value["roles"] = held.iter().map(named).collect();
        }
        slice.items.push(value);
    }
    answer(&call, &page, slice)
}

/// The list, with the members that `fields` asks for.
fn answer(call: &Call, page: &Page, slice: Slice) -> Result<Answer, Problem> {
    let mut body = page.body("members", slice);
    match body.get_mut("members") {
        Some(items) => *items = chosen(items.take(), &call.query, &[]),
        None => body = chosen(body, &call.query, &[]),
    }
    Ok(Answer::ok(body))
}

/// A member, as lists show them.
pub(in super::super) fn shown(user: &User) -> Value {
    json!({"user_id": user.user_id, "email": user.email, "picture": user.picture, "name": user.name})
}

#[derive(Deserialize)]
struct Members {
    members: Vec<String>,
}

async fn add(call: Call) -> Result<Answer, Problem> {
    let organization = here(&call).await?;
    let body: Members = call.body_as()?;
    for user_id in &body.members {
        if call.store().user(call.tenant(), user_id).await.map_err(stored)?.is_none() {
            return Err(Problem::NotFound(missing(
                "One or more of the users do not exist.",
                "inexistent_user",
            )));
        }
    }
    let batch = call.store().add_members(call.tenant(), &organization.id, &body.members);
    call.store().commit(batch).await.map_err(stored)?;
    Ok(Answer::no_content())
}

async fn remove(call: Call) -> Result<Answer, Problem> {
    let organization = here(&call).await?;
    let body: Members = call.body_as()?;
    let batch = call.store().remove_members(call.tenant(), &organization.id, &body.members);
    call.store().commit(batch).await.map_err(stored)?;
    Ok(Answer::no_content())
}

/// The organization and the member of the path.
async fn member(call: &Call) -> Result<(Organization, String), Problem> {
    let organization = here(call).await?;
    let user = users::load(call, "user_id").await?;
    let is_member = call.store().is_member(call.tenant(), &organization.id, &user.user_id).await;
    if is_member.map_err(stored)? {
        Ok((organization, user.user_id))
    } else {
        Err(Problem::NotFound(NO_MEMBER))
    }
}

/// The roles a member holds in an organization, by name.
pub(in super::super) async fn held(
    call: &Call,
    organization: &Organization,
    user_id: &str,
) -> Result<Vec<Role>, Problem> {
    let ids = call.store().member_roles(call.tenant(), &organization.id, user_id).await.map_err(stored)?;
    let mut roles: Vec<Role> =
        ids.iter().filter_map(|id| call.snapshot().role(id).map(|role| Role::clone(role))).collect();
    roles.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(roles)
}

/// A role of a member, as lists of members show it.
pub(in super::super) fn named(role: &Role) -> Value {
    json!({"id": role.id, "name": role.name})
}

fn shown_role(role: &Role) -> Value {
    json!({"id": role.id, "name": role.name, "description": role.description.as_deref().unwrap_or_default()})
}

async fn roles(call: Call) -> Result<Answer, Problem> {
    let (organization, user_id) = member(&call).await?;
    let roles = held(&call, &organization, &user_id).await?;
    let page = Page::offset(&call.query)?;
    let slice = page.cut(roles, |role| role.id.clone(), |role| shown_role(&role));
    Ok(Answer::ok(page.body("roles", slice)))
}

async fn effective_roles(call: Call) -> Result<Answer, Problem> {
    let (organization, user_id) = member(&call).await?;
    let (tenant, store) = (call.tenant(), call.store());
    let direct = store.member_roles(tenant, &organization.id, &user_id).await.map_err(stored)?;
    let grouped = store.group_roles_in(tenant, &organization.id, &user_id).await.map_err(stored)?;
    user_access::listed(&call, user_access::effective(&call, &direct, &grouped))
}

#[derive(Deserialize)]
struct Roles {
    roles: Vec<String>,
}

/// Roles of the tenant, and those of this very organization.
async fn add_roles(call: Call) -> Result<Answer, Problem> {
    let (organization, user_id) = member(&call).await?;
    let body: Roles = call.body_as()?;
    let fits = |id: &String| {
        let role = call.snapshot().role(id);
        role.is_some_and(|role| role.owner_id.as_ref().is_none_or(|owner| *owner == organization.id))
    };
    if !body.roles.iter().all(fits) {
        return Err(Problem::NotFound(NO_ROLE));
    }
    let batch = call.store().assign_member_roles(call.tenant(), &organization.id, &user_id, &body.roles);
    match call.store().commit(batch).await {
        Ok(()) => Ok(Answer::no_content()),
        Err(Error::Guard) => Err(Problem::NotFound(NO_MEMBER)),
        Err(other) => Err(stored(other)),
    }
}

async fn remove_roles(call: Call) -> Result<Answer, Problem> {
    let (organization, user_id) = member(&call).await?;
    let body: Roles = call.body_as()?;
    let batch = call.store().remove_member_roles(call.tenant(), &organization.id, &user_id, &body.roles);
    call.store().commit(batch).await.map_err(stored)?;
    Ok(Answer::no_content())
}

async fn with_role(call: Call) -> Result<Answer, Problem> {
    let organization = here(&call).await?;
    let role_id = call.at("role_id");
    if call.snapshot().role(role_id).is_none() {
        return Err(Problem::NotFound(NO_ROLE));
    }
    let page = by_checkpoint(&call.query)?;
    let Page::After { key, take } = &page else { return Err(Problem::Internal) };
    let (tenant, store) = (call.tenant(), call.store());
    let mut ids =
        store.members_with_role(tenant, &organization.id, role_id, key, take + 1).await.map_err(stored)?;
    let mut slice = Slice::default();
    if i64::try_from(ids.len()).is_ok_and(|found| found > *take) {
        ids.pop();
        slice.next = ids.last().cloned();
    }
    for id in ids {
        if let Some(user) = store.user(tenant, &id).await.map_err(stored)? {
            slice.items.push(shown(&user));
        }
    }
    answer(&call, &page, slice)
}

/// A group is in an organization where it gives a role there.
async fn groups_here(call: Call) -> Result<Answer, Problem> {
    let organization = here(&call).await?;
    let filter = GroupFilter { organization_id: Some(&organization.id), ..GroupFilter::default() };
    groups::page_of(&call, by_checkpoint(&call.query)?, &filter).await
}

async fn groups_with_role(call: Call) -> Result<Answer, Problem> {
    let organization = here(&call).await?;
    let filter =
        GroupFilter { gives: Some((call.at("role_id"), &organization.id)), ..GroupFilter::default() };
    groups::page_of(&call, by_checkpoint(&call.query)?, &filter).await
}

async fn groups_behind_role(call: Call) -> Result<Answer, Problem> {
    let (organization, user_id) = member(&call).await?;
    groups::behind(&call, &user_id, &organization.id).await
}

/// The organization and the group of the path.
async fn group(call: &Call) -> Result<(Organization, Group), Problem> {
    let organization = here(call).await?;
    Ok((organization, groups::here(call, "group_id").await?))
}

/// `GET /users/{id}/organizations`.
pub(in super::super) async fn of_user(call: Call) -> Result<Answer, Problem> {
    let user = users::load(&call, "id").await?;
    let ids = call.store().organizations_of(call.tenant(), &user.user_id).await.map_err(stored)?;
    let mut all = Vec::new();
    for id in ids {
        let found = call.store().doc(call.tenant(), Kind::Organization, &id).await.map_err(stored)?;
        if let Some(found) = found {
            all.push(shown_organization(&read_stored(&found.json)?)?);
        }
    }
    let page = Page::offset(&call.query)?;
    Ok(Answer::ok(page.body("organizations", page.cut(all, |_| String::new(), |value| value))))
}
