//! `/users/{id}/identities`: several accounts of one person. The linked user ends; their account goes on as one of the
//! other's, and whoever signs in with it is that other one.

use axum::http::StatusCode;
use chancery_core::iso::format_ms;
use chancery_core::logout::Initiator;
use chancery_core::model::{Identity, User};
use chancery_core::problem::Problem;
use chancery_store::{Error, SeenUser};
use chancery_web::verify_id_token;
use serde_json::{Map, Value};

use super::users::{MISSING, must_be_oneself};
use crate::call::{Answer, Call, internal, print, read, stored};
use crate::ops::Table;

pub(super) fn bind(table: &mut Table) {
    table.bind("POST /users/{id}/identities", link);
    table.bind("DELETE /users/{id}/identities/{provider}/{user_id}", unlink);
}

/// Two edits of one person at the same moment are few.
const TRIES: usize = 5;
/// More accounts than anybody has; they are read at each sign-in.
const MOST: usize = 50;

async fn seen(call: &Call, id: &str) -> Result<SeenUser, Problem> {
    let found = call.store().user_to_edit(call.tenant(), id).await.map_err(stored)?;
    found.ok_or(Problem::NotFound(MISSING))
}

async fn link(call: Call) -> Result<Answer, Problem> {
    let other = whom(&call).await?;
    if other == call.at("id") {
        return Err(Problem::refused("The user cannot be linked with themselves."));
    }
    for _ in 0..TRIES {
        let (user, linked) = (seen(&call, call.at("id")).await?, seen(&call, &other).await?);
        let after = joined(&user.user, &linked.user, call.ctx.now_ms)?;
        let batch = call.store().link_batch(call.tenant(), &user, &after, &linked).map_err(internal)?;
        // The other is a user no more.
        let told = call.ctx.tell_sessions_of(&linked.user.user_id, Initiator::AccountDeleted);
        match call.store().commit(told.and(batch)).await {
            Ok(()) => return Ok(Answer::created(listed(&after, true)?)),
            Err(Error::Guard) => {}
            Err(failure) => return Err(stored(failure)),
        }
    }
    Err(Problem::conflict("The users were changed by somebody else at the same time."))
}

/// The user to be linked. Users who link for themselves prove with an ID token that the other account is theirs too: an id
/// alone would be a way to take over anybody's.
async fn whom(call: &Call) -> Result<String, Problem> {
    let text = |name: &str| call.body.get(name).and_then(Value::as_str);
    let is_administrator = call.caller.has("update:users");
    if !is_administrator {
        must_be_oneself(call).await?;
    }
    if let Some(token) = text("link_with") {
        let claims = verify_id_token(&call.ctx, token)
            .filter(|claims| claims.expires_at > call.ctx.now())
            .filter(|claims| is_administrator || call.caller.client_id.as_ref() == Some(&claims.client_id));
        return claims
            .map(|claims| claims.subject)
            .ok_or_else(|| Problem::refused("link_with is no valid ID token for this application."));
    }
    if !is_administrator {
        return Err(Problem::payload("Missing required property: link_with", ""));
    }
    let provider =
        text("provider").ok_or_else(|| Problem::payload("Missing required property: provider", ""))?;
    let id = match call.body.get("user_id") {
        Some(Value::String(id)) => id.clone(),
        Some(Value::Number(id)) => id.to_string(),
        _ => return Err(Problem::payload("Missing required property: user_id", "")),
    };
    Ok(if id.starts_with(&format!("{provider}|")) { id } else { format!("{provider}|{id}") })
}

/// The user with the other's accounts behind their own.
fn joined(user: &User, other: &User, now_ms: i64) -> Result<User, Problem> {
    // Behind an open account the block would be gone.
    if other.is_blocked() {
        return Err(Problem::refused("The user to be linked is blocked."));
    }
    if user.identities.len() + other.identities.len() > MOST {
        return Err(Problem::refused(format!("A user has at most {MOST} accounts.")));
    }
    let mut after = user.clone();
    for (position, identity) in other.identities.iter().enumerate() {
        let mut identity = identity.clone();
        if position == 0 {
            identity.profile_data = Some(profile(other)?);
        }
        after.identities.push(identity);
    }
    after.updated_at = format_ms(now_ms);
    Ok(after)
}

/// What an account says of its owner.
const PROFILE: [&str; 10] = [
    "email",
    "email_verified",
    "name",
    "given_name",
    "family_name",
    "username",
    "nickname",
    "picture",
    "phone_number",
    "phone_verified",
];

fn profile(user: &User) -> Result<Map<String, Value>, Problem> {
    let mut members = print(user)?.as_object().cloned().unwrap_or_default();
    members.retain(|name, value| PROFILE.contains(&name.as_str()) && !value.is_null());
    Ok(members)
}

/// The accounts of a user; `full` is with the profile of the first one.
fn listed(user: &User, full: bool) -> Result<Value, Problem> {
    let mut identities = user.identities.clone();
    if let Some(first) = identities.first_mut().filter(|_| full) {
        first.profile_data = Some(profile(user)?);
    }
    print(&identities)
}

async fn unlink(call: Call) -> Result<Answer, Problem> {
    if !call.caller.has("update:users") {
        must_be_oneself(&call).await?;
    }
    let (provider, id) = (call.at("provider"), call.at("user_id"));
    for _ in 0..TRIES {
        let user = seen(&call, call.at("id")).await?;
        let is_it = |identity: &Identity| {
            identity.provider == provider && (identity.user_id == id || identity.account() == id)
        };
        let position = user.user.identities.iter().position(is_it);
        let position = position.ok_or_else(|| Problem::refused("The specified identity was not found."))?;
        if position == 0 {
            return Err(Problem::refused("The main identity cannot be unlinked."));
        }
        let mut after = user.user.clone();
        let identity = after.identities.remove(position);
        after.updated_at = format_ms(call.ctx.now_ms);
        let connection = identity.connection.clone();
        let other = alone(identity, call.ctx.now_ms)?;
        let batch =
            call.store().unlink_batch(call.tenant(), &user, &after, &other, &connection).map_err(internal)?;
        // Whoever signed in with it is signed out.
        let told = call.ctx.tell_sessions_of(&user.user.user_id, Initiator::SessionRevoked);
        match call.store().commit(told.and(batch)).await {
            Ok(()) => return Ok(Answer::new(StatusCode::OK, Some(listed(&after, false)?))),
            Err(Error::Guard) => {}
            Err(failure) => return Err(stored(failure)),
        }
    }
    Err(Problem::conflict("The user was changed by somebody else at the same time."))
}

/// The user that an account makes by itself.
fn alone(mut identity: Identity, now_ms: i64) -> Result<User, Problem> {
    let now = format_ms(now_ms);
    let mut members = identity.profile_data.take().unwrap_or_default();
    members.insert("user_id".to_owned(), identity.account().into());
    members.insert("created_at".to_owned(), now.clone().into());
    members.insert("updated_at".to_owned(), now.into());
    members.insert("identities".to_owned(), print(&[identity])?);
    read(Value::Object(members))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn linked_and_alone_again() {
        let user = |id: &str| -> User {
            let identity = json!({"connection": "db", "user_id": id, "provider": "auth0", "isSocial": false});
            let user = json!({"user_id": format!("auth0|{id}"), "email": format!("{id}@example.com"), "identities": [identity]});
            serde_json::from_value(user).unwrap()
        };
        let after = joined(&user("a"), &user("b"), 0).unwrap();
        assert_eq!(after.identities.len(), 2);
        assert_eq!(after.identities[0].profile_data, None);
        let again = alone(after.identities[1].clone(), 0).unwrap();
        assert_eq!((again.user_id.as_str(), again.email.as_deref()), ("auth0|b", Some("b@example.com")));
        assert_eq!(again.identities[0].profile_data, None);
        let blocked = User { blocked: Some(true), ..user("b") };
        assert!(joined(&user("a"), &blocked, 0).is_err());
    }
}
