//! Users from a file, with the hashes of their passwords as other systems made them.

use std::sync::Arc;

use chancery_connect::imported::ImportedHash;
use chancery_connect::users::{self as database, NewUser as Newcomer};
use chancery_core::iso::format_ms;
use chancery_core::model::{Connection, User};
use chancery_core::nesting;
use chancery_core::problem::Problem;
use chancery_store::{Error, NewUser};
use serde_json::{Map, Value, json};

use crate::call::{Call, print, read};
use crate::resource::merged;

/// Users to be taken in.
pub(super) struct Import {
    pub(super) connection: Arc<Connection>,
    users: Vec<Value>,
    upsert: bool,
}

/// What became of one of them.
enum Outcome {
    Inserted,
    Updated,
    Failed(&'static str, String),
}

/// Members of a user that a file may hold beside the password.
const MEMBERS: [&str; 13] = [
    "email",
    "email_verified",
    "user_id",
    "username",
    "given_name",
    "family_name",
    "name",
    "nickname",
    "picture",
    "blocked",
    "user_metadata",
    "app_metadata",
    "phone_number",
];
/// Of those, the ones that an upsert changes.
const CHANGED: [&str; 8] = [
    "email_verified",
    "given_name",
    "family_name",
    "name",
    "nickname",
    "picture",
    "user_metadata",
    "app_metadata",
];

impl Import {
    /// Reads the body of a request.
    pub(super) fn of(call: &Call) -> Result<Self, Problem> {
        let text = |name: &str| call.body.get(name).and_then(Value::as_str).unwrap_or_default();
        let connection = call.snapshot().connection(text("connection_id"));
        let connection = connection
            .filter(|connection| connection.strategy == database::PROVIDER)
            .ok_or_else(|| Problem::refused("Connection does not exist or is not a database."))?;
        let users: Vec<Value> = serde_json::from_str(text("users"))
            .map_err(|error| Problem::payload(&format!("users must be a JSON array: {error}"), "users"))?;
        if users.iter().any(nesting::is_too_deep_within) {
            let text = format!("users must not be nested deeper than {} levels", nesting::DEEPEST);
            return Err(Problem::payload(&text, "users"));
        }
        Ok(Self {
            connection: Arc::clone(connection),
            users,
            upsert: call.body.get("upsert") == Some(&Value::Bool(true)),
        })
    }

    /// Takes them in, one after the other. Answers a summary and what went wrong with whom; secrets are left out of that.
    pub(super) async fn run(&self, call: &Call) -> (Value, Vec<Value>) {
        let (mut inserted, mut updated, mut errors) = (0, 0, Vec::new());
        for user in &self.users {
            match self.take_in(call, user).await {
                Outcome::Inserted => inserted += 1,
                Outcome::Updated => updated += 1,
                Outcome::Failed(code, message) => {
                    let error = json!({"code": code, "message": message});
                    errors.push(json!({"user": without_hashes(user), "errors": [error]}));
                }
            }
        }
        let (total, failed) = (self.users.len(), errors.len());
        (json!({"failed": failed, "updated": updated, "inserted": inserted, "total": total}), errors)
    }

    async fn take_in(&self, call: &Call, source: &Value) -> Outcome {
        let new = match self.new_user(call, source) {
            Ok(new) => new,
            Err(message) => return Outcome::Failed("INVALID_FORMAT", message),
        };
        match call.store().create_user(call.tenant(), &new).await {
            Ok(()) => Outcome::Inserted,
            Err(Error::Conflict) if self.upsert => self.update(call, &new.user, source).await,
            Err(Error::Conflict) => Outcome::Failed(
                "DUPLICATED_USER",
                "The user already exist and upsert parameter is false".to_owned(),
            ),
            Err(error) => {
                tracing::error!("a user could not be imported: {error}");
                Outcome::Failed("INTERNAL_ERROR", "The user could not be written".to_owned())
            }
        }
    }

    fn new_user(&self, call: &Call, source: &Value) -> Result<NewUser, String> {
        let source = source.as_object().ok_or("A user must be an object")?;
        let is_known = |name: &str| MEMBERS.contains(&name) || PASSWORDS.contains(&name);
        if let Some(name) = source.keys().find(|name| !is_known(name)) {
            return Err(format!("Additional properties not allowed: {name}"));
        }
        let text = |name: &str| source.get(name).and_then(Value::as_str);
        let email = text("email")
            .map(database::email)
            .transpose()
            .map_err(|_| "Object didn't pass validation for format email".to_owned())?;
        let username =
            text("username").map(database::username).transpose().map_err(|refused| refused.to_string())?;
        if email.is_none() && username.is_none() {
            return Err("Missing required property: email".to_owned());
        }
        let newcomer = Newcomer {
            email: email.as_deref(),
            username: username.as_deref(),
            connection: &self.connection.name,
        };
        let mut user = database::new_user(newcomer, &*call.ctx.app.rng, call.ctx.now_ms);
        if let Some(id) = text("user_id").filter(|id| !id.is_empty()) {
            user.user_id = format!("{}|{id}", database::PROVIDER);
            user.identities.iter_mut().for_each(|identity| identity.user_id = id.to_owned());
        }
        let mut rest: Map<String, Value> = source.clone();
        rest.retain(|name, value| {
            MEMBERS.contains(&name.as_str())
                && !matches!(name.as_str(), "email" | "username" | "user_id")
                && !value.is_null()
        });
        let user = edited(&user, rest)?;
        if user.user_id.contains('\0') || print(&user).is_ok_and(|user| user.to_string().contains("\\u0000"))
        {
            return Err("Text must not hold U+0000".to_owned());
        }
        Ok(NewUser { user, connection: self.connection.name.clone(), password_hash: password(source)? })
    }

    /// An upsert changes profile and metadata, never address, name to sign in with, block or password.
    async fn update(&self, call: &Call, new: &User, source: &Value) -> Outcome {
        let (tenant, store) = (call.tenant(), call.store());
        let name = new.email.as_deref().or(new.username.as_deref()).unwrap_or_default();
        let gone = || Outcome::Failed("DUPLICATED_USER", "The user id belongs to somebody else".to_owned());
        let known = match store.credential(tenant, &self.connection.name, name).await {
            Ok(Some(known)) => known.user,
            _ => return gone(),
        };
        let Ok(Some(seen)) = store.user_to_edit(tenant, &known.user_id).await else { return gone() };
        let mut body = source.as_object().cloned().unwrap_or_default();
        body.retain(|name, value| CHANGED.contains(&name.as_str()) && !value.is_null());
        let after = edited(&seen.user, body).map(|mut after| {
            after.updated_at = format_ms(call.ctx.now_ms);
            after
        });
        let written = match after {
            Ok(after) => store.edit_user_batch(tenant, &seen, &after),
            Err(message) => return Outcome::Failed("INVALID_FORMAT", message),
        };
        let written = match written {
            Ok(batch) => store.commit(batch).await,
            Err(error) => Err(error),
        };
        match written {
            Ok(()) => Outcome::Updated,
            Err(_) => Outcome::Failed("INTERNAL_ERROR", "The user was changed by somebody else".to_owned()),
        }
    }
}

const PASSWORDS: [&str; 2] = ["password_hash", "custom_password_hash"];

/// The hash to store, if the file has one.
fn password(source: &Map<String, Value>) -> Result<Option<String>, String> {
    let hash = match (source.get("password_hash"), source.get("custom_password_hash")) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            return Err("password_hash and custom_password_hash cannot both be there".to_owned());
        }
        (Some(Value::String(bcrypt)), None) => ImportedHash::bcrypt(bcrypt),
        (Some(_), None) => return Err("password_hash must be a bcrypt hash".to_owned()),
        (None, Some(custom)) => serde_json::from_value(custom.clone())
            .map_err(|error| format!("custom_password_hash: {error}"))?,
    };
    hash.stored().map(Some).map_err(|refused| refused.to_string())
}

fn edited(user: &User, body: Map<String, Value>) -> Result<User, String> {
    let document = print(user).map_err(|_| "The user has no JSON form".to_owned())?;
    read(merged(document, body)).map_err(|problem| problem.body().message)
}

fn without_hashes(user: &Value) -> Value {
    let mut user = user.clone();
    if let Some(members) = user.as_object_mut() {
        members.retain(|name, _| !PASSWORDS.contains(&name.as_str()));
    }
    user
}
