//! `/connections/{id}/directory-provisioning`: how users and groups of a company's directory are brought here. Kept only:
//! no directory is read yet.

use chancery_core::iso::format_ms;
use chancery_core::model::Connection;
use chancery_core::problem::{Missing, Problem};
use chancery_store::Kind;
use serde_json::{Map, Value, json};

use super::Connections;
use crate::call::{Answer, Call, stored};
use crate::document::{find, rewrite};
use crate::ops::Table;
use crate::page::{Page, by_checkpoint};
use crate::resource::load;

pub(super) fn bind(table: &mut Table) {
    table.bind("GET /connections-directory-provisionings", list);
    table.bind("GET /connections/{id}/directory-provisioning", show);
    table.bind("POST /connections/{id}/directory-provisioning", create);
    table.bind("PATCH /connections/{id}/directory-provisioning", update);
    table.bind("DELETE /connections/{id}/directory-provisioning", delete);
    table.bind("GET /connections/{id}/directory-provisioning/default-mapping", default_mapping);
    table.bind("POST /connections/{id}/directory-provisioning/synchronizations", synchronize);
    table.bind("GET /connections/{id}/directory-provisioning/synchronized-groups", groups);
    table.bind("POST /connections/{id}/directory-provisioning/synchronized-groups", add_groups);
    table.bind("PUT /connections/{id}/directory-provisioning/synchronized-groups", set_groups);
    table.bind("DELETE /connections/{id}/directory-provisioning/synchronized-groups", remove_groups);
}

const KIND: Kind = Kind::DirectoryProvisioning;
const MISSING: Missing = Missing { message: "Not Found", code: None };
const UNSUPPORTED: Missing =
    Missing { message: "This connection type does not support directory provisioning.", code: None };
/// Where the chosen groups lie in the stored document; never shown with it.
const GROUPS: &str = "synchronized_groups";

/// The connection, where its strategy has a directory.
async fn connection(call: &Call) -> Result<Connection, Problem> {
    let (connection, _) = load::<Connections>(call).await?;
    match connection.strategy.as_str() {
        "google-apps" => Ok(connection),
        _ => Err(Problem::NotFound(UNSUPPORTED)),
    }
}

fn shown(mut value: Value) -> Value {
    if let Some(members) = value.as_object_mut() {
        members.shift_remove(GROUPS);
    }
    value
}

async fn list(call: Call) -> Result<Answer, Problem> {
    let page = by_checkpoint(&call.query)?;
    let all = call.store().docs_all(call.tenant(), KIND).await.map_err(stored)?;
    let show = |doc: chancery_store::Stored| shown(serde_json::from_str(&doc.json).unwrap_or_default());
    let slice = page.cut(all, |doc| doc.id.clone(), show);
    Ok(Answer::ok(page.body("directory_provisionings", slice)))
}

async fn show(call: Call) -> Result<Answer, Problem> {
    let connection = connection(&call).await?;
    let found = find(&call, KIND, &connection.id).await?.ok_or(Problem::NotFound(MISSING))?;
    Ok(Answer::ok(shown(found)))
}

async fn create(call: Call) -> Result<Answer, Problem> {
    let connection = connection(&call).await?;
    let now = format_ms(call.ctx.now_ms);
    let mut value = json!({
        "connection_id": connection.id,
        "connection_name": connection.name,
        "strategy": connection.strategy,
        "mapping": mapping(),
        "synchronize_automatically": false,
        "created_at": now,
        "updated_at": now,
        "synchronize_groups": "off",
    });
    put(&mut value, call.members());
    let (value, rev) = rewrite(&call, KIND, &connection.id, |found| match found {
        Some(_) => {
            Err(Problem::conflict("Directory provisioning is already configured for this connection."))
        }
        None => Ok(Some(value.clone())),
    })
    .await?;
    Ok(Answer::created(shown(value.unwrap_or_default())).at(rev))
}

fn put(value: &mut Value, members: Map<String, Value>) {
    for (name, member) in members.into_iter().filter(|(_, member)| !member.is_null()) {
        value[name] = member;
    }
}

async fn update(call: Call) -> Result<Answer, Problem> {
    let connection = connection(&call).await?;
    let (value, rev) = rewrite(&call, KIND, &connection.id, |found| {
        let mut value = found.ok_or(Problem::NotFound(MISSING))?;
        put(&mut value, call.members());
        value["updated_at"] = format_ms(call.ctx.now_ms).into();
        Ok(Some(value))
    })
    .await?;
    Ok(Answer::ok(shown(value.unwrap_or_default())).at(rev))
}

async fn delete(call: Call) -> Result<Answer, Problem> {
    let connection = connection(&call).await?;
    let (_, rev) = rewrite(&call, KIND, &connection.id, |_| Ok(None)).await?;
    Ok(Answer::no_content().at(rev))
}

/// Saying that one had begun would be untrue.
async fn synchronize(call: Call) -> Result<Answer, Problem> {
    let connection = connection(&call).await?;
    find(&call, KIND, &connection.id).await?.ok_or(Problem::NotFound(MISSING))?;
    Err(Problem::RefusedAs(
        "operation_not_supported",
        "This server keeps how a directory is to be read, but reads none.".into(),
    ))
}

async fn default_mapping(call: Call) -> Result<Answer, Problem> {
    connection(&call).await?;
    Ok(Answer::ok(json!({"mapping": mapping()})))
}

/// Members of a Google Workspace user and what they become here.
fn mapping() -> Vec<Value> {
    let pair = |idp: &str, auth0: &str| json!({"idp": idp, "auth0": auth0});
    let mut all: Vec<Value> = MAPPING.iter().map(|(idp, auth0)| pair(idp, auth0)).collect();
    all.extend(SAME.iter().map(|name| pair(name, name)));
    all
}

const MAPPING: &[(&str, &str)] = &[
    ("id", "app_metadata.external_id"),
    ("primaryEmail", "email"),
    ("primaryEmail", "primaryEmail"),
    ("name.fullName", "name"),
    ("name.givenName", "given_name"),
    ("name.familyName", "family_name"),
    ("isAdmin", "isAdmin"),
    ("isAdmin", "is_admin"),
    ("isDelegatedAdmin", "isDelegatedAdmin"),
    ("agreedToTerms", "agreedToTerms"),
    ("agreedToTerms", "tou_accepted"),
    ("suspended", "suspended"),
    ("suspended", "is_suspended"),
    ("suspended", "blocked"),
    ("suspensionReason", "suspensionReason"),
    ("archived", "archived"),
    ("ipWhitelisted", "ipWhitelisted"),
    ("ipWhitelisted", "is_ipWhitelisted"),
];

/// Those that keep their names.
const SAME: &[&str] = &[
    "kind",
    "etag",
    "customerId",
    "orgUnitPath",
    "emails",
    "phones",
    "externalIds",
    "aliases",
    "addresses",
    "organizations",
    "nonEditableAliases",
    "relations",
    "languages",
    "posixAccounts",
    "notes",
    "websites",
    "locations",
    "keywords",
    "gender",
    "ims",
    "creationTime",
    "lastLoginTime",
    "changePasswordAtNextLogin",
    "isMailboxSetup",
    "includeInGlobalAddressList",
    "thumbnailPhotoUrl",
    "thumbnailPhotoEtag",
    "isEnrolledIn2Sv",
    "isEnforcedIn2Sv",
    "recoveryEmail",
    "recoveryPhone",
    "sshPublicKeys",
    "customSchemas",
];

fn groups_of(value: &Value) -> Vec<Value> {
    value.get(GROUPS).and_then(Value::as_array).cloned().unwrap_or_default()
}

fn id(group: &Value) -> &str {
    group.get("id").and_then(Value::as_str).unwrap_or_default()
}

async fn groups(call: Call) -> Result<Answer, Problem> {
    let connection = connection(&call).await?;
    let found = find(&call, KIND, &connection.id).await?.ok_or(Problem::NotFound(MISSING))?;
    let mut groups = groups_of(&found);
    if let Some(wanted) = call.query.text("q").map(str::to_lowercase) {
        let has = |group: &Value, name: &str| {
            group.get(name).and_then(Value::as_str).is_some_and(|text| text.to_lowercase().contains(&wanted))
        };
        groups.retain(|group| has(group, "name") || has(group, "email") || has(group, "id"));
    }
    let page: Page = by_checkpoint(&call.query)?;
    let slice = page.cut(groups, |group| id(group).to_owned(), |group| group);
    Ok(Answer::ok(page.body("groups", slice)))
}

/// Writes what becomes of the chosen groups.
async fn rewrite_groups(
    call: &Call,
    change: impl Fn(&mut Vec<Value>, Vec<Value>) + Send + Sync,
) -> Result<Answer, Problem> {
    let connection = connection(call).await?;
    let given = call.body.get("groups").and_then(Value::as_array).cloned().unwrap_or_default();
    let (_, rev) = rewrite(call, KIND, &connection.id, |found| {
        let mut value = found.ok_or(Problem::NotFound(MISSING))?;
        let mut groups = groups_of(&value);
        change(&mut groups, given.clone());
        groups.sort_by(|a, b| id(a).cmp(id(b)));
        value[GROUPS] = groups.into();
        Ok(Some(value))
    })
    .await?;
    Ok(Answer::no_content().at(rev))
}

fn merge(groups: &mut Vec<Value>, given: Vec<Value>) {
    for group in given {
        groups.retain(|known| id(known) != id(&group));
        groups.push(group);
    }
}

async fn add_groups(call: Call) -> Result<Answer, Problem> {
    rewrite_groups(&call, merge).await
}

async fn set_groups(call: Call) -> Result<Answer, Problem> {
    let replace = |groups: &mut Vec<Value>, given| {
        groups.clear();
        merge(groups, given);
    };
    rewrite_groups(&call, replace).await
}

async fn remove_groups(call: Call) -> Result<Answer, Problem> {
    let remove = |groups: &mut Vec<Value>, given: Vec<Value>| {
        groups.retain(|known| !given.iter().any(|gone| id(gone) == id(known)));
    };
    rewrite_groups(&call, remove).await
}
