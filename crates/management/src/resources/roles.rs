//! `/roles`: named sets of permissions, and who holds them (fact sheet 10).

use axum::http::StatusCode;
use chancery_core::ids;
use chancery_core::model::{Permission, Role};
use chancery_core::problem::{Missing, Problem};
use chancery_store::{Change, Error, Going, Kind, Snapshot};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::permissions;
use crate::call::{Answer, Call, print, read, stored};
use crate::ops::Table;
use crate::page::{Page, Slice};
use crate::resource::{Crud, Held, Lost, Resource, load, put, refused};

pub(super) fn bind(table: &mut Table) {
    Crud::<Roles>::bind(table);
    table.bind("GET /roles/{id}/permissions", list_permissions);
    table.bind("POST /roles/{id}/permissions", add_permissions);
    table.bind("DELETE /roles/{id}/permissions", remove_permissions);
    table.bind("GET /roles/{id}/users", list_users);
    table.bind("POST /roles/{id}/users", add_users);
}

/// There is no such role.
pub(super) const MISSING: Missing = Missing { message: "The role does not exist.", code: None };

/// The role of the path.
pub(super) async fn here(call: &Call) -> Result<Role, Problem> {
    Ok(load::<Roles>(call).await?.0)
}

struct Roles;

impl Resource for Roles {
    type Model = Role;
    const KIND: Kind = Kind::Role;
    const PATH: &'static str = "/roles";
    const MEMBER: &'static str = "roles";
    const MISSING: Missing = MISSING;
    const TAKEN: &'static str = "A role with the same name already exists.";
    const FILTERS: &'static [&'static str] = &["name_filter", "type", "owner_id"];
    const DELETED: (StatusCode, Option<&'static str>) = (StatusCode::OK, Some("{}"));
    const CREATED: StatusCode = StatusCode::OK;

    fn id(role: &Role) -> &str {
        &role.id
    }

    fn held<'a>(snapshot: &'a Snapshot, id: &str) -> Option<&'a Role> {
        snapshot.role(id).map(|role| &**role)
    }

    fn all_held<'a>(snapshot: &'a Snapshot, after: &'a str) -> Option<Held<'a, Role>> {
        Some(Box::new(snapshot.roles_after(after).map(|role| &**role)))
    }

    /// Names are taken within an organization, or within the tenant.
    fn unique(role: &Role) -> Option<String> {
        Some(match &role.owner_id {
            Some(owner) => format!("{owner} {}", role.name),
            None => role.name.clone(),
        })
    }

    fn is_asked_for(call: &Call, role: &Role) -> bool {
        let same =
            |name, value: Option<&str>| call.query.text(name).is_none_or(|wanted| Some(wanted) == value);
        let named = |part: &str| role.name.to_lowercase().contains(&part.to_lowercase());
        call.query.text("name_filter").is_none_or(named)
            && same("type", Some(role.kind.as_deref().unwrap_or("tenant")))
            && same("owner_id", role.owner_id.as_deref())
    }

    fn sort(roles: &mut [&Role]) {
        roles.sort_by(|a, b| a.name.cmp(&b.name));
    }

    fn show(_: &Call, role: &Role) -> Result<Value, Problem> {
        let mut value = print(role)?;
        if let Some(members) = value.as_object_mut() {
            members.shift_remove("permissions");
            members.entry("description").or_insert_with(|| "".into());
        }
        Ok(value)
    }

    fn show_created(call: &Call, role: &Role) -> Result<Value, Problem> {
        let mut value = Self::show(call, role)?;
        if role.description.is_none() {
            value["description"] = Value::Null;
        }
        Ok(value)
    }

    async fn create(
        call: &Call,
        mut body: Map<String, Value>,
        change: Change,
    ) -> Result<(Role, Change), Problem> {
        body.insert("id".to_owned(), ids::prefixed(&*call.ctx.app.rng, "rol_").into());
        body.entry("type").or_insert_with(|| "tenant".into());
        let role: Role = read(Value::Object(body))?;
        match (role.kind.as_deref(), &role.owner_id) {
            (Some("organization"), None) => {
                return Err(Problem::payload("Missing required property: owner_id", ""));
            }
            (Some("tenant"), Some(_)) => {
                return Err(Problem::refused("owner_id is only for roles of type organization."));
            }
            _ => {}
        }
        Ok((role, change))
    }

    async fn update(_: &Call, _: &Role, _: &mut Role, change: Change) -> Result<Change, Problem> {
        Ok(change)
    }

    async fn delete(call: &Call, role: &Role, change: Change) -> Result<Change, Problem> {
        let (tenant, store) = (call.tenant(), call.store());
        store.clear(tenant, Going::Role(&role.id)).await.map_err(stored)?;
        Ok(change.also(store.remove_role_everywhere(tenant, &role.id)))
    }
}

async fn list_permissions(call: Call) -> Result<Answer, Problem> {
    let (mut role, _) = load::<Roles>(&call).await?;
    role.permissions.sort_by(|a, b| a.permission_name.cmp(&b.permission_name).then(a.cmp(b)));
    let shown: Vec<Value> = role.permissions.iter().filter_map(|p| permissions::shown(&call, p)).collect();
    let page = Page::offset(&call.query)?;
    Ok(Answer::ok(page.body("permissions", page.cut(shown, |_| String::new(), |value| value))))
}

async fn add_permissions(call: Call) -> Result<Answer, Problem> {
    let new = permissions::live_of_body(&call)?;
    let rev = rewrite(&call, |role| {
        for permission in &new {
            if !role.permissions.contains(permission) {
                role.permissions.push(permission.clone());
            }
        }
    })
    .await?;
    Ok(Answer::created(json!({})).at(rev))
}

async fn remove_permissions(call: Call) -> Result<Answer, Problem> {
    let gone: Vec<Permission> = permissions::of_body(&call)?;
    let rev = rewrite(&call, |role| role.permissions.retain(|held| !gone.contains(held))).await?;
    Ok(Answer::no_content().at(rev))
}

/// Rewrites the role of the path, twice if somebody else does the same at the same time.
async fn rewrite(call: &Call, edit: impl Fn(&mut Role)) -> Result<i64, Problem> {
    let mut lost = Lost::Race;
    for _ in 0..2 {
        let (mut role, seen) = load::<Roles>(call).await?;
        let before = role.permissions.clone();
        edit(&mut role);
        let given = role.permissions.iter().filter(|held| !before.contains(held));
        let given = given.map(|held| (&*held.resource_server_identifier, &*held.permission_name));
        let holder = format!("role:{}", role.id);
        let note = call.store().note_given_scopes(call.tenant(), (&holder, call.ctx.today()), given);
        match call.apply(put::<Roles>(Change::new(call.tenant()), &role, seen)?.also(note)).await {
            Ok(rev) => return Ok(rev),
            Err(Error::Guard) => lost = Lost::Race,
            Err(other) => return Err(refused::<Roles>(other)),
        }
    }
    Err(lost.into())
}

async fn list_users(call: Call) -> Result<Answer, Problem> {
    let (role, _) = load::<Roles>(&call).await?;
    let (tenant, store) = (call.tenant(), call.store());
    let page = Page::of(&call.query)?;
    let mut slice = Slice::default();
    let members = match &page {
        Page::Offset { start, limit, .. } => {
            slice.total = store.role_members_count(tenant, &role.id).await.map_err(stored)?;
            store.role_members(tenant, &role.id, *start, *limit).await.map_err(stored)?
        }
        Page::After { key, take } => {
            let mut found =
                store.role_members_after(tenant, &role.id, key, take + 1).await.map_err(stored)?;
            if i64::try_from(found.len()).is_ok_and(|found| found > *take) {
                found.pop();
                slice.next = found.last().map(|last| last.user_id.clone());
            }
            found
        }
    };
    for member in members {
        let Some(user) = store.user(tenant, &member.user_id).await.map_err(stored)? else { continue };
        slice.items.push(json!({
            "user_id": user.user_id,
            "email": user.email,
            "picture": user.picture,
            "name": user.name,
        }));
    }
    Ok(Answer::ok(page.body("users", slice)))
}

#[derive(Deserialize)]
struct Users {
    users: Vec<String>,
}

async fn add_users(call: Call) -> Result<Answer, Problem> {
    let (role, _) = load::<Roles>(&call).await?;
    let body: Users = call.body_as()?;
    for user_id in &body.users {
        if call.store().user(call.tenant(), user_id).await.map_err(stored)?.is_none() {
            return Err(Problem::NotFound(Missing {
                message: "One or more of the users do not exist.",
                code: Some("inexistent_user"),
            }));
        }
    }
    let roles = [role.id];
    let batch = body.users.iter().fold(chancery_store::Batch::default(), |batch, user_id| {
        batch.and(call.store().assign_roles_batch(call.tenant(), user_id, &roles))
    });
    call.store().commit(batch).await.map_err(stored)?;
    Ok(Answer::ok(json!({})))
}
