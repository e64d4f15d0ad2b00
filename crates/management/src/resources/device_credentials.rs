//! `/device-credentials`: the refresh tokens of a user under the name they had before `/refresh-tokens`, and public keys of
//! devices, which are kept only: nothing accepts them.

use axum::http::StatusCode;
use chancery_core::ids;
use chancery_core::iso::format_ms;
use chancery_core::problem::Problem;
use chancery_core::records::RefreshRecord;
use chancery_store::{DeviceKey, Error};
use serde_json::{Value, json};

use super::sessions::ended;
use crate::call::{Answer, Call, read_stored, stored};
use crate::ops::Table;
use crate::page::{Page, chosen};

pub(super) fn bind(table: &mut Table) {
    table.bind("GET /device-credentials", list);
    table.bind("POST /device-credentials", create);
    table.bind("DELETE /device-credentials/{id}", delete);
}

fn kind(token: &RefreshRecord) -> &'static str {
    if token.rotating { "rotating_refresh_token" } else { "refresh_token" }
}

fn shown(token: &RefreshRecord) -> Value {
    let at = |seconds: i64| format_ms(seconds.saturating_mul(1000));
    json!({
        "id": token.id,
        "device_name": token.initial_user_agent.clone().unwrap_or_default(),
        "type": kind(token),
        "user_id": token.authorization.user_id,
        "client_id": token.authorization.client_id,
        "last_used": token.last_exchanged_at.map(at),
    })
}

/// Refresh tokens only where a user is named: those of all would be without end.
async fn list(call: Call) -> Result<Answer, Problem> {
    let (tenant, store) = (call.tenant(), call.store());
    let (user_id, client_id) = (call.query.text("user_id"), call.query.text("client_id"));
    let tokens = match user_id {
        None => Vec::new(),
        Some(user_id) => {
            store.refresh_tokens_of(tenant, user_id, client_id, call.ctx.now()).await.map_err(stored)?
        }
    };
    let mut found: Vec<Value> = tokens.iter().map(shown).collect();
    for key in store.device_keys(tenant, user_id, client_id).await.map_err(stored)? {
        let mut key: Value = read_stored(&key)?;
        if let Some(members) = key.as_object_mut() {
            members.shift_remove("value");
        }
        found.push(key);
    }
    let wanted = call.query.text("type");
    found.retain(|one| wanted.is_none_or(|wanted| one.get("type").is_some_and(|kind| kind == wanted)));
    let page = Page::offset(&call.query)?;
    let slice = page.cut(found, |_| String::new(), |value| value);
    let mut body = page.body("device_credentials", slice);
    match body.get_mut("device_credentials") {
        Some(items) => *items = chosen(items.take(), &call.query, &[]),
        None => body = chosen(body, &call.query, &[]),
    }
    Ok(Answer::ok(body))
}

/// For whoever the token speaks for, on the application it was issued to unless the body names another. The key itself is
/// not shown again.
async fn create(call: Call) -> Result<Answer, Problem> {
    let text = |name: &str| call.body.get(name).and_then(Value::as_str);
    let own = call.caller.client_id.as_deref().unwrap_or_default();
    let (client_id, device_id) = (text("client_id").unwrap_or(own), text("device_id").unwrap_or_default());
    if let Some(user_id) = &call.caller.user_id {
        // Somebody who is no more, or no longer welcome, brings no device along.
        let user = call.store().user(call.tenant(), user_id).await.map_err(stored)?;
        if user.is_none_or(|user| user.is_blocked()) {
            return Err(Problem::InvalidToken);
        }
    }
    let user_id = call.caller.user_id.as_deref().unwrap_or_default();
    // Users may do this themselves, so there is an end to it.
    let held = call.store().device_keys(call.tenant(), Some(user_id), None).await.map_err(stored)?;
    if held.len() >= MOST {
        return Err(Problem::Forbidden(
            "too_many_entities",
            "You reached the limit of entities of this type for this user.".into(),
        ));
    }
    let id = ids::prefixed(&*call.ctx.app.rng, "dcr_");
    let mut key = json!({
        "id": id,
        "device_name": text("device_name"),
        "device_id": device_id,
        "type": "public_key",
        "client_id": client_id,
    });
    if !user_id.is_empty() {
        key["user_id"] = user_id.into();
    }
    let mut kept = key.clone();
    kept["value"] = text("value").into();
    let place = DeviceKey { id: &id, user_id, client_id, device_id };
    call.store().insert_device_key(call.tenant(), &place, &kept.to_string()).await.map_err(|error| {
        match error {
            Error::Conflict => Problem::conflict("A public key already exists for the device."),
            other => stored(other),
        }
    })?;
    Ok(Answer::new(StatusCode::CREATED, Some(json!({"id": id}))))
}

/// The most keys of one user, and of all machines together.
const MOST: usize = 100;

async fn delete(call: Call) -> Result<Answer, Problem> {
    let (tenant, store, id) = (call.tenant(), call.store(), call.at("id"));
    let token = store.refresh_token_by_id(tenant, id).await.map_err(stored)?;
    let (owner, batch) = match token {
        Some(token) => (token.authorization.user_id.clone(), ended(&call, &token)),
        None => match store.device_key_owner(tenant, id).await.map_err(stored)? {
            Some(owner) => (owner, store.delete_device_key(tenant, id)),
            None => return Ok(Answer::no_content()),
        },
    };
    if !call.caller.has("delete:device_credentials") && call.caller.user_id.as_ref() != Some(&owner) {
        return Err(Problem::InsufficientScope(vec!["delete:device_credentials"]));
    }
    store.commit(batch).await.map_err(stored)?;
    Ok(Answer::no_content())
}
