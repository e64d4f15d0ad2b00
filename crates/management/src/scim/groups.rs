//! `/Groups`: groups of the connection, with accounts of the same connection in them.

use axum::http::{Method, StatusCode};
use chancery_core::ids;
use chancery_core::iso::format_ms;
use chancery_store::{AccountName, Batch, Error, Going, Group, GroupFilter};
use serde_json::{Value, json};

use super::error::ScimError;
use super::mapping::member;
use super::patch::{Operation, Verb, invalid, operations};
use super::users::is_shut;
use super::{Answer, Scim};

pub(super) async fn serve(scim: &Scim, method: &Method, one: Option<&str>) -> Answer {
    match (method, one) {
        (&Method::GET, None) => list(scim).await,
        (&Method::POST, None) => create(scim).await,
        (&Method::GET, Some(id)) => {
            let group = find(scim, id).await?;
            Ok((StatusCode::OK, Some(shown(scim, &group).await?)))
        }
        (&Method::PUT, Some(id)) => replace(scim, id).await,
        (&Method::PATCH, Some(id)) => patch(scim, id).await,
        (&Method::DELETE, Some(id)) => {
            let group = find(scim, id).await?;
            let (tenant, store) = (scim.tenant(), scim.store());
            store.clear(tenant, Going::Group(&group.id)).await?;
            store.commit(store.delete_group(tenant, &group.id)).await?;
            Ok((StatusCode::NO_CONTENT, None))
        }
        _ => Err(ScimError::NoEndpoint),
    }
}

const MISSING: ScimError = ScimError::Missing("There is no such group in this connection");

async fn find(scim: &Scim, id: &str) -> Result<Group, ScimError> {
    let found = scim.store().group(scim.tenant(), id).await?;
    found.filter(|group| group.connection_id == scim.connection.id).ok_or(MISSING)
}

/// Whether members are wanted (RFC 7644, section 3.9).
fn wants_members(scim: &Scim) -> bool {
    let excluded = scim.query.text("excludedAttributes").unwrap_or_default();
    !excluded.split(',').any(|name| name.trim().eq_ignore_ascii_case("members"))
}

/// With its members, unless they are not wanted.
async fn shown(scim: &Scim, group: &Group) -> Result<Value, ScimError> {
    let mut value = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "id": group.id,
        "displayName": group.name,
        "meta": {
            "resourceType": "Group",
            "created": format_ms(group.created_at),
            "lastModified": format_ms(group.updated_at),
            "location": scim.location("Groups", &group.id),
        },
    });
    if let Some(external_id) = &group.external_id {
        value["externalId"] = external_id.as_str().into();
    }
    if !wants_members(scim) {
        return Ok(value);
    }
    let mut members: Vec<Value> = Vec::new();
    let mut after = String::new();
    loop {
        let part = scim.store().group_members(scim.tenant(), &group.id, &after, PART).await?;
        let is_last = i64::try_from(part.len()).is_ok_and(|found| found < PART);
        if let Some(last) = part.last() {
            after.clone_from(&last.account);
        }
        members.extend(part.into_iter().map(|found| json!({"value": found.account, "type": "User"})));
        if is_last {
            break;
        }
    }
    value["members"] = members.into();
    Ok(value)
}

const PART: i64 = 1000;

async fn list(scim: &Scim) -> Answer {
    let (before, limit) = scim.page();
    let filter = scim.filter()?;
    let mut wanted = GroupFilter { connection_id: Some(&scim.connection.id), ..GroupFilter::default() };
    match &filter {
        None => {}
        Some((name, value)) if name == "displayname" => wanted.name = Some(value),
        Some((name, value)) if name == "externalid" => wanted.external_id = Some(value),
        Some((name, value)) if name == "id" => {
            let found = find(scim, value).await.ok();
            let resources = match &found {
                Some(group) => vec![shown(scim, group).await?],
                None => Vec::new(),
            };
            return scim.listed(i64::from(found.is_some()), 0, &resources);
        }
        Some(_) => {
            return Err(invalid("invalidFilter", "Groups are found by id, displayName and externalId"));
        }
    }
    let total = scim.store().groups_count(scim.tenant(), &wanted).await?;
    let (mut resources, mut members) = (Vec::new(), 0);
    for group in scim.store().groups(scim.tenant(), &wanted, "", (before, limit)).await? {
        let resource = shown(scim, &group).await?;
        members += resource.get("members").and_then(Value::as_array).map_or(0, Vec::len);
        resources.push(resource);
        if members >= MOST_MEMBERS {
            break;
        }
    }
    scim.listed(total, before, &resources)
}

async fn create(scim: &Scim) -> Answer {
    let now = scim.ctx.now_ms;
    let mut group = Group {
        id: format!("grp_{}", ids::alphanumeric(&*scim.ctx.app.rng, 22)),
        connection_id: scim.connection.id.clone(),
        created_at: now,
        updated_at: now,
        ..Group::default()
    };
    name(scim, &mut group)?;
    let members = members_of(scim, member(&scim.body, "members")).await?;
    let batch = scim.store().insert_group(scim.tenant(), &group).and(put(scim, &group, &members));
    commit(scim, batch).await?;
    Ok((StatusCode::CREATED, Some(shown(scim, &group).await?)))
}

async fn commit(scim: &Scim, batch: Batch) -> Result<(), ScimError> {
    match scim.store().commit(batch).await {
        Ok(()) => Ok(()),
        Err(Error::Conflict) => Err(ScimError::Taken("The connection has a group of this name already")),
        Err(Error::Guard) => Err(MISSING),
        Err(other) => Err(other.into()),
    }
}

/// What the body calls the group.
fn name(scim: &Scim, group: &mut Group) -> Result<(), ScimError> {
    group.name = display_name(scim.text("displayName").unwrap_or_default())?;
    group.external_id = external_id(scim.text("externalId"))?;
    Ok(())
}

fn display_name(text: &str) -> Result<String, ScimError> {
    if (1..=128).contains(&text.chars().count()) && !text.chars().any(char::is_control) {
        return Ok(text.to_owned());
    }
    Err(invalid("invalidValue", "displayName must have 1 to 128 characters"))
}

fn external_id(text: Option<&str>) -> Result<Option<String>, ScimError> {
    match text {
        Some(text) if text.chars().count() > 256 => {
            Err(invalid("invalidValue", "externalId has at most 256 characters"))
        }
        other => Ok(other.map(str::to_owned)),
    }
}

/// The ids that a list of members names.
fn named(value: Option<&Value>) -> Result<Vec<String>, ScimError> {
    let items = match value {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(items)) => items.as_slice(),
        Some(one) => std::slice::from_ref(one),
    };
    if items.len() > MOST_MEMBERS {
        return Err(invalid("tooMany", "Too many members in one request"));
    }
    items
        .iter()
        .map(|item| {
            let id = item.as_object().and_then(|members| member(members, "value")).and_then(Value::as_str);
            id.map(str::to_owned).ok_or_else(|| invalid("invalidValue", "A member is an object with a value"))
        })
        .collect()
}

/// Members that one request writes. A page ends with the group that fills this: the next one begins behind it.
const MOST_MEMBERS: usize = 5000;

/// The accounts of a list of members. One that the directory itself shut out of another user is left out: it is in no
/// group until it is let in again.
async fn members_of(scim: &Scim, value: Option<&Value>) -> Result<Vec<String>, ScimError> {
    let mut accounts = named(value)?;
    accounts.sort_unstable();
    accounts.dedup();
    let mut open = Vec::new();
    for id in accounts {
        let name = AccountName::Account(&id);
        let Some((account, owner)) = scim.store().account(scim.tenant(), &scim.connection.name, name).await?
        else {
            return Err(invalid("invalidValue", "A member is no user of this connection"));
        };
        if account == owner || !is_shut(scim, &account).await? {
            open.push(account);
        }
    }
    Ok(open)
}

/// Puts them into a group.
fn put(scim: &Scim, group: &Group, accounts: &[String]) -> Batch {
    let accounts = (scim.connection.name.as_str(), accounts);
    scim.store().add_group_members(scim.tenant(), &group.id, accounts, scim.ctx.now_ms)
}

async fn replace(scim: &Scim, id: &str) -> Answer {
    let (tenant, store) = (scim.tenant(), scim.store());
    let mut group = find(scim, id).await?;
    name(scim, &mut group)?;
    group.updated_at = scim.ctx.now_ms;
    let members = members_of(scim, member(&scim.body, "members")).await?;
    let batch = store
        .update_group(tenant, &group)
        .and(store.empty_group(tenant, &group.id))
        .and(put(scim, &group, &members));
    commit(scim, batch).await?;
    Ok((StatusCode::OK, Some(shown(scim, &group).await?)))
}

async fn patch(scim: &Scim, id: &str) -> Answer {
    let mut group = find(scim, id).await?;
    let mut members = Batch::default();
    let mut named_so_far = 0;
    for Operation { verb, path, value } in operations(&scim.body)? {
        // Without a path, each member of the value is one.
        let parts: Vec<(String, Option<String>, Value)> = match path {
            Some(path) => {
                let item = path.item.and_then(|(_, value)| value.as_str().map(str::to_owned));
                vec![(path.first, item, value)]
            }
            None => {
                let Value::Object(all) = value else {
                    return Err(invalid("invalidValue", "Without a path, the value is an object"));
                };
                all.into_iter().map(|(name, value)| (name, None, value)).collect()
            }
        };
        for (name, item, value) in parts {
            match name.to_lowercase().as_str() {
                "members" => {
                    named_so_far += value.as_array().map_or(1, Vec::len);
                    if named_so_far > MOST_MEMBERS {
                        return Err(invalid("tooMany", "Too many members in one request"));
                    }
                    members = members.and(moved(scim, &group, verb, item, &value).await?);
                }
                "displayname" if verb != Verb::Remove => {
                    group.name = display_name(value.as_str().unwrap_or_default())?;
                }
                "externalid" => {
                    group.external_id = external_id(value.as_str().filter(|_| verb != Verb::Remove))?;
                }
                // Directories write these along.
                "id" | "schemas" => {}
                _ => return Err(invalid("invalidPath", "A group has displayName, externalId and members")),
            }
        }
    }
    group.updated_at = scim.ctx.now_ms;
    commit(scim, scim.store().update_group(scim.tenant(), &group).and(members)).await?;
    Ok((StatusCode::OK, Some(shown(scim, &group).await?)))
}

/// What one operation does to the members.
async fn moved(
    scim: &Scim,
    group: &Group,
    verb: Verb,
    item: Option<String>,
    value: &Value,
) -> Result<Batch, ScimError> {
    let (tenant, store) = (scim.tenant(), scim.store());
    Ok(match (verb, item) {
        (Verb::Remove, Some(account)) => store.remove_group_members(tenant, &group.id, &[account]),
        (Verb::Remove, None) if value.is_null() => store.empty_group(tenant, &group.id),
        (Verb::Remove, None) => store.remove_group_members(tenant, &group.id, &named(Some(value))?),
        (Verb::Add, None) => put(scim, group, &members_of(scim, Some(value)).await?),
        (Verb::Replace, None) => {
            let members = members_of(scim, Some(value)).await?;
            store.empty_group(tenant, &group.id).and(put(scim, group, &members))
        }
        (_, Some(_)) => return Err(invalid("invalidPath", "Members are added and taken away whole")),
    })
}
