//! `/Users`: accounts of the connection. One that is linked to another account has its profile beside that one's, and is
//! written there: a directory neither reads nor blocks who somebody else is.

use axum::http::{Method, StatusCode};
use chancery_connect::users as database;
use chancery_core::iso::format_ms;
use chancery_core::logout::Initiator;
use chancery_core::model::{Identity, User};
use chancery_store::{AccountName, Error, NewUser};
use serde_json::{Map, Value, json};

use super::error::ScimError;
use super::mapping::{Path, member};
use super::patch::{apply, invalid, operations};
use super::{Answer, Scim};
use crate::accounts::{Found, Unwritten, unprove};

pub(super) async fn serve(scim: &Scim, method: &Method, one: Option<&str>) -> Answer {
    match (method, one) {
        (&Method::GET, None) => list(scim).await,
        (&Method::POST, None) => create(scim).await,
        (&Method::GET, Some(id)) => {
            let found = find(scim, id).await?;
            Ok((StatusCode::OK, Some(shown(scim, &found))))
        }
        (&Method::PUT, Some(id)) => edit(scim, id, |_| Ok(scim.body.clone())).await,
        (&Method::PATCH, Some(id)) => {
            edit(scim, id, |mut resource| {
                for operation in operations(&scim.body)? {
                    apply(&mut resource, operation)?;
                }
                Ok(resource)
            })
            .await
        }
        (&Method::DELETE, Some(id)) => delete(scim, id).await,
        _ => Err(ScimError::NoEndpoint),
    }
}

const MISSING: ScimError = ScimError::Missing("There is no such user in this connection");

async fn find(scim: &Scim, account: &str) -> Result<Found, ScimError> {
    scim.accounts().find(account).await?.ok_or(MISSING)
}

/// Whether an account that is linked to another user is shut out by its directory.
pub(super) async fn is_shut(scim: &Scim, account: &str) -> Result<bool, ScimError> {
    let found = find(scim, account).await?;
    Ok(found.is_linked() && found.document().get("blocked") == Some(&Value::Bool(true)))
}

/// The attribute that makes ids, which an administrator writes.
fn id_path(scim: &Scim) -> Result<Path, ScimError> {
    Path::parse(&scim.id_attribute)
        .ok_or_else(|| invalid("invalidValue", "user_id_attribute of the connection names no attribute"))
}

/// The id that an account of the connection is made with begins so.
fn prefix(scim: &Scim) -> String {
    format!("{}|{}|", scim.connection.strategy, scim.connection.name)
}

fn shown(scim: &Scim, found: &Found) -> Value {
    let document = found.document();
    let text = |name: &str| document.get(name).cloned().unwrap_or_default();
    let mut resource = Map::new();
    resource.insert("schemas".to_owned(), json!(["urn:ietf:params:scim:schemas:core:2.0:User"]));
    resource.insert("id".to_owned(), found.account.as_str().into());
    let mapped = scim.mapping.resource(&Value::Object(document.clone()));
    let extensions: Vec<String> = mapped.keys().filter(|name| name.starts_with("urn:")).cloned().collect();
    resource.extend(mapped);
    if let Some(schemas) = resource.get_mut("schemas").and_then(Value::as_array_mut) {
        schemas.extend(extensions.into_iter().map(Value::from));
    }
    if !resource.contains_key("userName") {
        resource.insert("userName".to_owned(), text("username"));
    }
    if let Some(path) = Path::parse(&scim.id_attribute)
        && path.find(&resource).is_none()
    {
        let id = found.account.strip_prefix(&prefix(scim)).unwrap_or(&found.account);
        path.put(&mut resource, Some(id.into()));
    }
    resource.insert(
        "meta".to_owned(),
        json!({
            "resourceType": "User",
            "created": found.owner.user.created_at,
            "lastModified": found.owner.user.updated_at,
            "location": scim.location("Users", &found.account),
        }),
    );
    Value::Object(resource)
}

async fn list(scim: &Scim) -> Answer {
    let (tenant, connection) = (scim.tenant(), scim.connection.name.as_str());
    let (before, limit) = scim.page();
    let own_id = scim.id_attribute.to_lowercase();
    let Some((name, value)) = scim.filter()? else {
        let total = scim.store().accounts_count(tenant, connection).await?;
        let mut resources = Vec::new();
        for (account, _) in scim.store().accounts(tenant, connection, (before, limit)).await? {
            match find(scim, &account).await {
                Ok(found) => resources.push(shown(scim, &found)),
                // Gone since.
                Err(ScimError::Missing(_)) => {}
                Err(other) => return Err(other),
            }
        }
        return scim.listed(total, before, &resources);
    };
    let account = format!("{}{value}", prefix(scim));
    let wanted = match name.as_str() {
        "id" => AccountName::Account(&value),
        name if name == own_id => AccountName::Account(&account),
        "username" => AccountName::Username(&value),
        "emails" | "emails.value" => AccountName::Email(&value),
        _ => {
            let text = "Users are found by id, userName, emails.value and the attribute that makes their ids";
            return Err(invalid("invalidFilter", text));
        }
    };
    let found = scim.store().account(tenant, connection, wanted).await?;
    let resources = match found {
        Some((account, _)) => vec![shown(scim, &find(scim, &account).await?)],
        None => Vec::new(),
    };
    scim.listed(i64::try_from(resources.len()).unwrap_or(0), 0, &resources)
}

async fn create(scim: &Scim) -> Answer {
    let path = id_path(scim)?;
    let id = path.find(&scim.body).and_then(Value::as_str).unwrap_or_default();
    if id.is_empty() || id.len() > MOST_ID || id.chars().any(char::is_control) {
        let text = format!("{} must have 1 to {MOST_ID} characters", scim.id_attribute);
        return Err(ScimError::Invalid("invalidValue", text));
    }
    let identity = Identity {
        connection: scim.connection.name.clone(),
        user_id: format!("{}|{id}", scim.connection.name),
        provider: scim.connection.strategy.clone(),
        is_social: false,
        profile_data: None,
    };
    let account = identity.account();
    let now = format_ms(scim.ctx.now_ms);
    let user = User {
        created_at: now.clone(),
        updated_at: now,
        user_id: account.clone(),
        identities: vec![identity],
        ..User::default()
    };
    let document = serde_json::to_value(&user).unwrap_or_default();
    let mut document = document.as_object().cloned().unwrap_or_default();
    write(scim, &scim.body, &mut document)?;
    let user: User = read(document)?;
    let new = NewUser { user, connection: scim.connection.name.clone(), password_hash: None };
    match scim.store().create_user(scim.tenant(), &new).await {
        Ok(()) => {}
        Err(Error::Conflict) => return Err(TAKEN),
        Err(other) => return Err(other.into()),
    }
    Ok((StatusCode::CREATED, Some(shown(scim, &find(scim, &account).await?))))
}

const MOST_ID: usize = 256;
const TAKEN: ScimError =
    ScimError::Taken("The connection has a user with this id, userName or address already");

/// Puts a resource into a document of a user.
fn write(
    scim: &Scim,
    resource: &Map<String, Value>,
    document: &mut Map<String, Value>,
) -> Result<(), ScimError> {
    let name = member(resource, "userName").and_then(Value::as_str).unwrap_or_default();
    if name.is_empty() || name.len() > MOST_ID || name.chars().any(char::is_control) {
        return Err(ScimError::Invalid(
            "invalidValue",
            format!("userName must have 1 to {MOST_ID} characters"),
        ));
    }
    let before = document.get("email").cloned();
    scim.mapping.write(resource, document).map_err(|attribute| {
        ScimError::Invalid("invalidValue", format!("{attribute} is not what it should be"))
    })?;
    document.insert("username".to_owned(), name.into());
    if let Some(email) = document.get("email").and_then(Value::as_str) {
        let email =
            database::email(email).map_err(|_| invalid("invalidValue", "The address is not valid"))?;
        document.insert("email".to_owned(), email.into());
    }
    unprove(document, before.as_ref());
    for kind in ["app_metadata", "user_metadata"] {
        if document.get(kind).is_some_and(|value| value.to_string().len() > MOST_METADATA) {
            return Err(invalid("invalidValue", "The user has too many attributes"));
        }
    }
    Ok(())
}

const MOST_METADATA: usize = 1 << 20;

fn read(document: Map<String, Value>) -> Result<User, ScimError> {
    serde_json::from_value(Value::Object(document)).map_err(|_| unfit())
}

fn unfit() -> ScimError {
    invalid("invalidValue", "An attribute is not what it should be")
}

/// Writes what `change` makes of a resource; again where somebody else wrote in between.
async fn edit(
    scim: &Scim,
    id: &str,
    change: impl Fn(Map<String, Value>) -> Result<Map<String, Value>, ScimError>,
) -> Answer {
    let path = id_path(scim)?;
    for _ in 0..TRIES {
        let found = find(scim, id).await?;
        let before = shown(scim, &found);
        let before = before.as_object().cloned().unwrap_or_default();
        let after = change(before.clone())?;
        let changed_id = path.find(&after).filter(|new| Some(*new) != path.find(&before));
        if changed_id.is_some() {
            return Err(ScimError::Invalid(
                "mutability",
                format!("{} makes the id of the user and stays", scim.id_attribute),
            ));
        }
        let mut document = found.document();
        write(scim, &after, &mut document)?;
        let batch = scim.accounts().write(&found, document).map_err(|unwritten| match unwritten {
            Unwritten::Document => unfit(),
            Unwritten::Gone => MISSING,
            Unwritten::Store(error) => error.into(),
        })?;
        match scim.store().commit(batch).await {
            Ok(()) => return Ok((StatusCode::OK, Some(shown(scim, &find(scim, id).await?)))),
            Err(Error::Guard) => {}
            Err(Error::Conflict) => return Err(TAKEN),
            Err(other) => return Err(other.into()),
        }
    }
    Err(ScimError::Race)
}

const TRIES: usize = 5;

/// A linked account goes by itself; its user stays.
async fn delete(scim: &Scim, id: &str) -> Answer {
    let (tenant, store) = (scim.tenant(), scim.store());
    for _ in 0..TRIES {
        let found = find(scim, id).await?;
        let batch = if found.is_linked() {
            let mut after = found.owner.user.clone();
            after.identities.retain(|identity| identity.account() != found.account);
            after.updated_at = format_ms(scim.ctx.now_ms);
            store.edit_user_batch(tenant, &found.owner, &after)?.and(store.remove_account(
                tenant,
                &scim.connection.name,
                &found.account,
            ))
        } else {
            // Unless the account was linked to somebody meanwhile: then that is what it has to be taken from.
            store
                .edit_user_batch(tenant, &found.owner, &found.owner.user)?
                .and(scim.ctx.tell_sessions_of(&found.account, Initiator::AccountDeleted))
                .and(store.delete_user_batch(tenant, &found.account))
        };
        match store.commit(batch).await {
            Ok(()) => return Ok((StatusCode::NO_CONTENT, None)),
            Err(Error::Guard) => {}
            Err(other) => return Err(other.into()),
        }
    }
    Err(ScimError::Race)
}
