//! `/connections/{id}/directory-provisioning`: how users and groups of a company's directory are brought here. What brings them is
//! in `directory`.

use std::sync::Arc;

use chancery_core::iso::format_ms;
use chancery_core::model::Connection;
use chancery_core::problem::{Missing, Problem};
use chancery_store::{DirectoryRun, Kind};
use serde_json::{Map, Value, json};

use super::Connections;
use crate::call::{Answer, Call, stored};
use crate::directory::{self, GROUPS, Job};
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

/// With the word of how the last run went.
async fn with_last_run(call: &Call, value: Value) -> Result<Value, Problem> {
    let mut value = shown(value);
    let id = value.get("connection_id").and_then(Value::as_str).unwrap_or_default().to_owned();
    directory::with_last_run(&call.ctx.app, (call.tenant(), &id), &mut value).await.map_err(stored)?;
    Ok(value)
}

async fn list(call: Call) -> Result<Answer, Problem> {
    let page = by_checkpoint(&call.query)?;
    let all = call.store().docs_all(call.tenant(), KIND).await.map_err(stored)?;
    let show = |doc: chancery_store::Stored| serde_json::from_str(&doc.json).unwrap_or_default();
    let mut slice = page.cut(all, |doc| doc.id.clone(), show);
    for value in &mut slice.items {
        *value = with_last_run(&call, value.take()).await?;
    }
    Ok(Answer::ok(page.body("directory_provisionings", slice)))
}

async fn show(call: Call) -> Result<Answer, Problem> {
    let connection = connection(&call).await?;
    let found = find(&call, KIND, &connection.id).await?.ok_or(Problem::NotFound(MISSING))?;
    Ok(Answer::ok(with_last_run(&call, found).await?))
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
    Ok(Answer::ok(with_last_run(&call, value.unwrap_or_default()).await?).at(rev))
}

async fn delete(call: Call) -> Result<Answer, Problem> {
    let connection = connection(&call).await?;
    let (_, rev) = rewrite(&call, KIND, &connection.id, |_| Ok(None)).await?;
    // A run that goes on ends with its next write.
    let forgotten = call.store().forget_directory_runs(call.tenant(), &connection.id);
    call.store().commit(forgotten).await.map_err(stored)?;
    Ok(Answer::no_content().at(rev))
}

/// The answer says that it has begun; whoever wants to know how it ended asks for the configuration again.
async fn synchronize(call: Call) -> Result<Answer, Problem> {
    let connection = connection(&call).await?;
    let settings = find(&call, KIND, &connection.id).await?.ok_or(Problem::NotFound(MISSING))?;
    if let Some(why) = directory::unready(&connection, &settings, call.ctx.now_ms) {
        return Err(Problem::refused(why));
    }
    let last = call.store().directory_run(call.tenant(), &connection.id).await.map_err(stored)?;
    let is_fresh = |run: &DirectoryRun| {
        let ended = run.ended_ms.unwrap_or(i64::MIN);
        run.status == directory::COMPLETED && ended > call.ctx.now_ms.saturating_sub(directory::REST)
    };
    if last.as_ref().is_some_and(is_fresh) {
        return Err(Problem::refused(
            "Connection has been synchronized in the last 30 minutes. Please wait before synchronizing it again.",
        ));
    }
    let begun = directory::begin(&call.ctx.app, call.tenant(), &connection.id, i64::MAX).await;
    let Some(run_id) = begun.map_err(stored)? else {
        return Err(Problem::conflict(
            "A synchronization has already been requested or is in progress for the connection",
        ));
    };
    let body = json!({
        "connection_id": connection.id,
        "synchronization_id": run_id,
        "status": DirectoryRun::GOES_ON,
    });
    let app = Arc::clone(&call.ctx.app);
    let job = Job { tenant: call.tenant().to_owned(), connection, settings, run_id };
    tokio::spawn(async move { directory::carry_out(&app, &job).await });
    Ok(Answer::created(body))
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
