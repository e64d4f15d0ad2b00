//! `/sessions` and `/refresh-tokens`: who is signed in where, and what lives on after them.

use std::collections::HashMap;

use chancery_core::iso::format_ms;
use chancery_core::logout::Initiator;
use chancery_core::problem::{Missing, Problem};
use chancery_core::records::{RefreshRecord, Session};
use chancery_store::{Batch, Error, Going, Noted};
use serde_json::{Value, json};

use super::users;
use crate::call::{Answer, Call, missing, stored};
use crate::ops::Table;
use crate::page::Page;

pub(super) fn bind(table: &mut Table) {
    table.bind("GET /sessions/{id}", show);
    table.bind("PATCH /sessions/{id}", note_session);
    table.bind("DELETE /sessions/{id}", end);
    table.bind("POST /sessions/{id}/revoke", revoke);
    table.bind("GET /users/{user_id}/sessions", list_of_user);
    table.bind("DELETE /users/{user_id}/sessions", end_of_user);
    table.bind("POST /users/{id}/revoke-access", revoke_access);
    table.bind("GET /refresh-tokens", list_tokens);
    table.bind("GET /refresh-tokens/{id}", show_token);
    table.bind("PATCH /refresh-tokens/{id}", note_token);
    table.bind("DELETE /refresh-tokens/{id}", revoke_token);
    table.bind("POST /refresh-tokens/revoke", revoke_tokens);
    table.bind("GET /users/{user_id}/refresh-tokens", list_tokens_of_user);
    table.bind("DELETE /users/{user_id}/refresh-tokens", revoke_tokens_of_user);
}

const NO_SESSION: Missing = missing("The session does not exist.", "inexistent_session");
const NO_TOKEN: Missing = missing("The refresh token does not exist.", "inexistent_refresh_token");

fn at(seconds: i64) -> String {
    format_ms(seconds.saturating_mul(1000))
}

fn shown(session: &Session) -> Value {
    let clients: Vec<Value> = session.clients.iter().map(|id| json!({"client_id": id})).collect();
    json!({
        "id": session.id,
        "user_id": session.user_id,
        "created_at": at(session.created_at),
        "updated_at": at(session.last_active_at),
        "authenticated_at": at(session.authenticated_at),
        "idle_expires_at": at(session.idle_expires_at),
        "expires_at": at(session.expires_at),
        "last_interacted_at": at(session.last_active_at),
        "device": {
            "initial_user_agent": session.initial_user_agent,
            "initial_ip": session.initial_ip,
            "last_user_agent": session.initial_user_agent,
            "last_ip": session.initial_ip,
        },
        "clients": clients,
        "authentication": {
            "methods": [{"name": "pwd", "type": "pwd", "timestamp": at(session.authenticated_at)}],
        },
    })
}

async fn load(call: &Call) -> Result<Session, Problem> {
    let found =
        call.store().session_by_id(call.tenant(), call.at("id"), call.ctx.now()).await.map_err(stored)?;
    found.ok_or(Problem::NotFound(NO_SESSION))
}

async fn show(call: Call) -> Result<Answer, Problem> {
    let session = load(&call).await?;
    let notes = Notes::of(&call, Noted::Session, &session.user_id).await?;
    Ok(Answer::ok(notes.on(&session.id, shown(&session))))
}

async fn note_session(call: Call) -> Result<Answer, Problem> {
    let session = load(&call).await?;
    note(&call, Noted::Session, NO_SESSION).await?;
    let notes = Notes::of(&call, Noted::Session, &session.user_id).await?;
    Ok(Answer::ok(notes.on(&session.id, shown(&session))))
}

/// What administrators noted on the sessions or the refresh tokens of a user, by id.
struct Notes {
    name: &'static str,
    notes: HashMap<String, String>,
}

impl Notes {
    async fn of(call: &Call, on: Noted, user_id: &str) -> Result<Self, Problem> {
        let notes = call.store().notes(call.tenant(), on, user_id).await.map_err(stored)?;
        Ok(Self { name: noted_as(on), notes: notes.into_iter().collect() })
    }

    fn on(&self, id: &str, mut value: Value) -> Value {
        if let Some(note) = self.notes.get(id).and_then(|note| serde_json::from_str(note).ok()) {
            value[self.name] = note;
        }
        value
    }
}

const fn noted_as(on: Noted) -> &'static str {
    match on {
        Noted::Session => "session_metadata",
        Noted::RefreshToken => "refresh_token_metadata",
    }
}

/// Keeps what the body says in the place of what was there; nothing and an empty object take it away.
async fn note(call: &Call, on: Noted, missing: Missing) -> Result<(), Problem> {
    let new =
        call.body.get(noted_as(on)).filter(|note| note.as_object().is_some_and(|note| !note.is_empty()));
    let text = new.map(Value::to_string);
    if text.as_ref().is_some_and(|text| text.len() > MOST_NOTED) {
        let reason = format!("Object is too large, maximum {MOST_NOTED} bytes");
        return Err(Problem::payload(&reason, noted_as(on)));
    }
    call.store().note(call.tenant(), on, call.at("id"), text.as_deref()).await.map_err(|error| match error {
        Error::Guard => Problem::NotFound(missing),
        other => stored(other),
    })
}

/// Bytes of JSON: it is read with every list of sessions.
const MOST_NOTED: usize = 16 << 10;

/// What applications hear of it.
const REVOKED: Initiator = Initiator::SessionRevoked;

/// Refresh tokens outlive a session that is ended.
async fn end(call: Call) -> Result<Answer, Problem> {
    let told = call.ctx.tell_session(call.at("id"), REVOKED);
    let ended = call.store().delete_session_batch(call.tenant(), call.at("id"));
    call.store().commit(told.and(ended)).await.map_err(stored)?;
    Ok(Answer::accepted())
}

/// And go with one that is revoked.
async fn revoke(call: Call) -> Result<Answer, Problem> {
    let session = load(&call).await?;
    let (tenant, store) = (call.tenant(), call.store());
    let batch = call
        .ctx
        .tell_session(&session.id, REVOKED)
        .and(store.delete_session_batch(tenant, &session.id))
        .and(store.revoke_by_session(tenant, &session.user_id, &session.id));
    store.commit(batch).await.map_err(stored)?;
    Ok(Answer::accepted())
}

async fn list_of_user(call: Call) -> Result<Answer, Problem> {
    let user = users::load(&call, "user_id").await?;
    let sessions =
        call.store().sessions_of(call.tenant(), &user.user_id, call.ctx.now()).await.map_err(stored)?;
    let notes = Notes::of(&call, Noted::Session, &user.user_id).await?;
    Ok(Answer::ok(listed(
        &call,
        "sessions",
        sessions,
        |session| session.id.clone(),
        |session| notes.on(&session.id, shown(&session)),
    )?))
}

async fn end_of_user(call: Call) -> Result<Answer, Problem> {
    let user = users::load(&call, "user_id").await?;
    let told = call.ctx.tell_sessions_of(&user.user_id, REVOKED);
    let ended = call.store().delete_sessions_of_batch(call.tenant(), &user.user_id);
    call.store().commit(told.and(ended)).await.map_err(stored)?;
    Ok(Answer::accepted())
}

/// One session or all of them, with the refresh tokens under them unless those are to stay.
async fn revoke_access(call: Call) -> Result<Answer, Problem> {
    let user = users::load(&call, "id").await?;
    let (tenant, store, user_id) = (call.tenant(), call.store(), user.user_id.as_str());
    let keep_tokens = call.body.get("preserve_refresh_tokens") == Some(&Value::Bool(true));
    let batch = match call.body.get("session_id").and_then(Value::as_str) {
        Some(id) => {
            let session = store.session_by_id(tenant, id, call.ctx.now()).await.map_err(stored)?;
            let session = session.filter(|session| session.user_id == user_id);
            let session = session.ok_or(Problem::NotFound(NO_SESSION))?;
            let tokens = store.revoke_by_session(tenant, user_id, &session.id);
            let told = call.ctx.tell_session(&session.id, REVOKED);
            told.and(store.delete_session_batch(tenant, &session.id)).and(if keep_tokens {
                Batch::default()
            } else {
                tokens
            })
        }
        None => {
            let tokens = store.revoke_by_user(tenant, user_id);
            let told = call.ctx.tell_sessions_of(user_id, REVOKED);
            told.and(store.delete_sessions_of_batch(tenant, user_id)).and(if keep_tokens {
                Batch::default()
            } else {
                tokens
            })
        }
    };
    store.commit(batch).await.map_err(stored)?;
    Ok(Answer::accepted())
}

fn token(call: &Call, record: &RefreshRecord) -> Value {
    let authorization = &record.authorization;
    let first = authorization.audience.as_deref().map(|audience| (audience, &authorization.scope));
    let further = authorization.further.iter().map(|there| (there.audience.as_str(), &there.scope));
    let resource_servers: Vec<Value> = first
        .into_iter()
        .chain(further)
        .map(|(audience, scope)| json!({"audience": call.origin().absolute(audience), "scopes": scope.join(" ")}))
        .collect();
    json!({
        "id": record.id,
        "user_id": record.authorization.user_id,
        "created_at": at(record.created_at),
        "idle_expires_at": record.idle_expires_at.map(at),
        "expires_at": record.expires_at.map(at),
        "device": {"initial_ip": record.initial_ip, "initial_user_agent": record.initial_user_agent},
        "client_id": record.authorization.client_id,
        "session_id": record.authorization.session_id,
        "rotating": record.rotating,
        "resource_servers": resource_servers,
        "last_exchanged_at": record.last_exchanged_at.map(at),
    })
}

async fn show_token(call: Call) -> Result<Answer, Problem> {
    let found = call.store().refresh_token_by_id(call.tenant(), call.at("id")).await.map_err(stored)?;
    let found = found.ok_or(Problem::NotFound(NO_TOKEN))?;
    let notes = Notes::of(&call, Noted::RefreshToken, &found.authorization.user_id).await?;
    Ok(Answer::ok(notes.on(&found.id, token(&call, &found))))
}

async fn note_token(call: Call) -> Result<Answer, Problem> {
    note(&call, Noted::RefreshToken, NO_TOKEN).await?;
    show_token(call).await
}

async fn revoke_token(call: Call) -> Result<Answer, Problem> {
    let found = call.store().refresh_token_by_id(call.tenant(), call.at("id")).await.map_err(stored)?;
    if let Some(found) = found {
        call.store().commit(ended(&call, &found)).await.map_err(stored)?;
    }
    Ok(Answer::accepted())
}

/// Refresh tokens by id, or all those of a user, of an application, of an application for a user, or of that at one API.
async fn revoke_tokens(call: Call) -> Result<Answer, Problem> {
    let (tenant, store) = (call.tenant(), call.store());
    let text = |name: &str| call.body.get(name).and_then(Value::as_str);
    let ids = call.body.get("ids").and_then(Value::as_array);
    let batch = match (ids, text("user_id"), text("client_id"), text("audience")) {
        (Some(ids), None, None, None) => {
            let mut batch = Batch::default();
            for id in ids.iter().filter_map(Value::as_str) {
                let found = store.refresh_token_by_id(tenant, id).await.map_err(stored)?;
                batch = found.iter().fold(batch, |batch, found| batch.and(ended(&call, found)));
            }
            batch
        }
        (None, Some(user_id), Some(client_id), Some(audience)) => {
            store.revoke_by_consent(tenant, user_id, client_id, &call.stored_identifier(audience))
        }
        (None, Some(user_id), client_id, None) => {
            let now = call.ctx.now();
            let found = store.refresh_tokens_of(tenant, user_id, client_id, now).await.map_err(stored)?;
            found.iter().fold(Batch::default(), |batch, found| batch.and(ended(&call, found)))
        }
        (None, None, Some(client_id), None) => {
            store.clear(tenant, Going::TokensOf(client_id)).await.map_err(stored)?;
            store.revoke_by_client(tenant, client_id)
        }
        _ => return Err(Problem::refused("Invalid combination of parameters.")),
    };
    store.commit(batch).await.map_err(stored)?;
    Ok(Answer::accepted())
}

/// A rotating token goes with its family: its successor is the same token in other words.
pub(super) fn ended(call: &Call, token: &RefreshRecord) -> Batch {
    if token.rotating {
        call.store().revoke_family(call.tenant(), &token.authorization.id)
    } else {
        call.store().revoke_token(call.tenant(), &token.id)
    }
}

async fn tokens(call: &Call, user_id: &str, client_id: Option<&str>) -> Result<Answer, Problem> {
    let now = call.ctx.now();
    let found =
        call.store().refresh_tokens_of(call.tenant(), user_id, client_id, now).await.map_err(stored)?;
    let notes = Notes::of(call, Noted::RefreshToken, user_id).await?;
    let show = |record: RefreshRecord| notes.on(&record.id, token(call, &record));
    let body = listed(call, "tokens", found, |record| record.id.clone(), show)?;
    Ok(Answer::ok(body))
}

async fn list_tokens(call: Call) -> Result<Answer, Problem> {
    let user_id = call.query.text("user_id").unwrap_or_default();
    let mut answer = tokens(&call, user_id, call.query.text("client_id")).await?;
    // The same list under another name.
    if let Some(members) = answer.body.as_mut().and_then(Value::as_object_mut)
        && let Some(list) = members.shift_remove("tokens")
    {
        members.insert("refresh_tokens".to_owned(), list);
    }
    Ok(answer)
}

async fn list_tokens_of_user(call: Call) -> Result<Answer, Problem> {
    let user = users::load(&call, "user_id").await?;
    tokens(&call, &user.user_id, None).await
}

async fn revoke_tokens_of_user(call: Call) -> Result<Answer, Problem> {
    let user = users::load(&call, "user_id").await?;
    let batch = call.store().revoke_by_user(call.tenant(), &user.user_id);
    call.store().commit(batch).await.map_err(stored)?;
    Ok(Answer::accepted())
}

/// Always by checkpoint, with a total where it is asked for.
fn listed<T>(
    call: &Call,
    member: &str,
    all: Vec<T>,
    key: impl Fn(&T) -> String,
    show: impl Fn(T) -> Value,
) -> Result<Value, Problem> {
    let page = match Page::of(&call.query)? {
        Page::Offset { limit, .. } => Page::After { key: String::new(), take: limit },
        page => page,
    };
    let slice = page.cut(all, key, show);
    let total = slice.total;
    let mut body = page.body(member, slice);
    if call.query.flag("include_totals") == Some(true) {
        body["total"] = total.into();
    }
    Ok(body)
}
