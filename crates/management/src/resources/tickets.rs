//! `/tickets`: links with which a user proves an address or chooses a new password, for whoever sends mail of their own.

use chancery_connect::users as database;
use chancery_core::ids::Handle;
use chancery_core::model::{Connection, User};
use chancery_core::problem::Problem;
use chancery_core::records::Ticket;
use chancery_web::{RESET_PASSWORD, VERIFY_EMAIL};
use serde_json::{Value, json};

use super::users::MISSING;
use crate::call::{Answer, Call, stored};
use crate::ops::Table;

pub(super) fn bind(table: &mut Table) {
    table.bind("POST /tickets/email-verification", verification);
    table.bind("POST /tickets/password-change", password_change);
}

/// Five days, in seconds: where `ttl_sec` is absent or 0.
const LIFETIME: i64 = 432_000;

fn text<'a>(call: &'a Call, name: &str) -> Option<&'a str> {
    call.body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

async fn verification(call: Call) -> Result<Answer, Problem> {
    let user = by_id(&call, text(&call, "user_id").unwrap_or_default()).await?;
    let email = user.email.clone().ok_or_else(|| Problem::refused("The user has no email address."))?;
    let connection = user.identities.first().map(|identity| identity.connection.clone()).unwrap_or_default();
    let ticket = ticket(&call, VERIFY_EMAIL, &user, connection, email)?;
    issued(&call, "/u/email-verification", &ticket).await
}

async fn password_change(call: Call) -> Result<Answer, Problem> {
    let (user, connection) = whose_password(&call).await?;
    let email = user.email.clone().unwrap_or_default();
    let mut ticket = ticket(&call, RESET_PASSWORD, &user, connection, email)?;
    // Who gives the link to the user may do so in other ways than by mail.
    ticket.proves_nothing = call.body.get("mark_email_as_verified") != Some(&Value::Bool(true));
    issued(&call, "/u/reset-verify", &ticket).await
}

async fn by_id(call: &Call, id: &str) -> Result<User, Problem> {
    let user = call.store().user(call.tenant(), id).await.map_err(stored)?;
    user.ok_or(Problem::NotFound(MISSING))
}

/// The user with the name of the database that holds the password.
async fn whose_password(call: &Call) -> Result<(User, String), Problem> {
    let asked = match text(call, "connection_id") {
        None => None,
        Some(id) => Some(database_by_id(call, id)?),
    };
    match (text(call, "user_id"), text(call, "email")) {
        (Some(id), _) => {
            let user = by_id(call, id).await?;
            let own = |identity: &&chancery_core::model::Identity| {
                identity.provider == database::PROVIDER
                    && asked.is_none_or(|connection| connection.name == identity.connection)
            };
            let identity = user.identities.iter().find(own);
            let connection = identity.map(|identity| identity.connection.clone());
            let connection =
                connection.ok_or_else(|| Problem::refused("The user has no account with a password."))?;
            Ok((user, connection))
        }
        (None, Some(email)) => {
            let connection =
                asked.ok_or_else(|| Problem::payload("Missing required property: connection_id", ""))?;
            let found =
                call.store().credential(call.tenant(), &connection.name, email).await.map_err(stored)?;
            let user = found.map(|found| found.user).ok_or(Problem::NotFound(MISSING))?;
            Ok((user, connection.name.clone()))
        }
        (None, None) => Err(Problem::payload("Missing required property: user_id", "")),
    }
}

fn database_by_id<'a>(call: &'a Call, id: &str) -> Result<&'a Connection, Problem> {
    let found = call.snapshot().connection(id);
    found
        .filter(|connection| connection.strategy == database::PROVIDER)
        .map(AsRef::as_ref)
        .ok_or_else(|| Problem::refused("Connection does not exist."))
}

fn ticket(
    call: &Call,
    purpose: &str,
    user: &User,
    connection: String,
    email: String,
) -> Result<Ticket, Problem> {
    let client_id = text(call, "client_id");
    if client_id.is_some_and(|id| call.snapshot().client(id).is_none()) {
        return Err(Problem::NotFound(super::clients::MISSING));
    }
    let lifetime = call.body.get("ttl_sec").and_then(Value::as_i64).filter(|seconds| *seconds > 0);
    Ok(Ticket {
        purpose: purpose.to_owned(),
        user_id: user.user_id.clone(),
        connection,
        email,
        client_id: client_id.map(str::to_owned),
        result_url: text(call, "result_url").map(str::to_owned),
        shows_email: call.body.get("includeEmailInRedirect") != Some(&Value::Bool(false)),
        proves_nothing: false,
        factor: None,
        makes_another: false,
        expires_at: call.ctx.now().saturating_add(lifetime.unwrap_or(LIFETIME)),
    })
}

async fn issued(call: &Call, path: &str, ticket: &Ticket) -> Result<Answer, Problem> {
    let handle = Handle::generate(&*call.ctx.app.rng, call.ctx.now_ms);
    call.store().insert_ticket(call.tenant(), &handle, ticket).await.map_err(stored)?;
    let link = format!("{}{path}?ticket={}", call.origin().base, handle.expose());
    Ok(Answer::created(json!({"ticket": link})))
}
