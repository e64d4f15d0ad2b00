//! `chancery user`: people, through the Management API.

mod create;
mod found;
mod list;
mod password;

use std::process::ExitCode;

use anyhow::Result;
use serde_json::{Value, json};

pub(super) use self::found::{found, user_id};
use crate::cli::UserCommand;
use crate::management::{Management, path};
use crate::output::Output;
use crate::terminal;

pub(super) async fn run(command: UserCommand, out: &mut Output) -> Result<ExitCode> {
    match command {
        UserCommand::List(args) => list::run(args, out).await?,
        UserCommand::Show(args) => show(&Management::connect(args.server).await?, &args.user, out).await?,
        UserCommand::Create(args) => create::run(args, out).await?,
        UserCommand::Password(args) => password::run(args, out).await?,
        UserCommand::Roles(args) => {
            let management = Management::connect(args.server).await?;
            let roles = roles(&management, &user_id(&management, &args.user).await?).await?;
            let rows: Vec<_> =
                roles.iter().map(|role| vec![text(role, "name"), through(role), text(role, "id")]).collect();
            out.table(&roles, &["ROLE", "THROUGH", "ID"], &rows)?;
        }
        UserCommand::Block(args) => {
            let management = Management::connect(args.server).await?;
            let user = set_blocked(&management, &args.user, true).await?;
            out.say(&format!(
                "{} is blocked and signed out everywhere. An access token that they have counts until it expires.",
                called(&user)
            ));
        }
        UserCommand::Unblock(args) => {
            let management = Management::connect(args.server).await?;
            let user = set_blocked(&management, &args.user, false).await?;
            // Who is told to let somebody in means wrong passwords too.
            management.delete(&path("user-blocks", &text(&user, "user_id"))).await?;
            out.say(&format!("{} may sign in again.", called(&user)));
        }
        UserCommand::Delete { user, yes, server } => {
            let management = Management::connect(server).await?;
            let user = found(&management, &user).await?;
            let question =
                format!("Delete {} for good, with their roles, sessions and consents?", called(&user));
            if !yes && !terminal::is_agreed(&question, out)? {
                return Ok(ExitCode::FAILURE);
            }
            management.delete(&path("users", &text(&user, "user_id"))).await?;
            out.say(&format!("{} is deleted.", called(&user)));
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn show(management: &Management, named: &str, out: &mut Output) -> Result<()> {
    let mut user = found(management, named).await?;
    let id = text(&user, "user_id");
    let roles = roles(management, &id).await?;
    let blocks = management.get(&path("user-blocks", &id)).await?;
    let connections = user["identities"].as_array().into_iter().flatten();
    let connections: Vec<_> = connections.map(|identity| text(identity, "connection")).collect();
    let held: Vec<_> = roles.iter().map(|role| text(role, "name")).collect();
    let verified = match user["email_verified"] == true {
        true => "",
        false => "  (not confirmed)",
    };
    let email = user["email"].as_str().map(|email| format!("{email}{verified}")).unwrap_or_default();
    let mut lines = vec![
        ("Address", email),
        ("User name", text(&user, "username")),
        ("Name", name(&user)),
        ("ID", id),
        ("Connection", connections.join(", ")),
        ("Created", text(&user, "created_at")),
        ("Last login", text(&user, "last_login")),
        ("Roles", held.join(", ")),
    ];
    if user["blocked"] == true {
        lines.push(("Blocked", "by an administrator".to_owned()));
    }
    for block in blocks["blocked_for"].as_array().into_iter().flatten() {
        let from = block["ip"].as_str().map(|ip| format!(", from {ip}")).unwrap_or_default();
        lines.push(("Blocked", format!("after wrong passwords{from}")));
    }
    lines.retain(|(_, text)| !text.is_empty());
    user["roles"] = roles.into();
    user["blocked_for"] = blocks["blocked_for"].clone();
    out.one(&user, &lines)
}

/// Those of groups too.
async fn roles(management: &Management, id: &str) -> Result<Vec<Value>> {
    management.list_on(&format!("{}/effective-roles", path("users", id)), "roles").await
}

/// How a role is held.
fn through(role: &Value) -> String {
    let is = |source: &str| role["sources"].as_array().is_some_and(|all| all.iter().any(|one| one == source));
    match (is("direct"), is("groups")) {
        (true, true) => "given, and a group",
        (false, true) => "a group",
        _ => "given",
    }
    .to_owned()
}

async fn set_blocked(management: &Management, named: &str, blocked: bool) -> Result<Value> {
    let user = found(management, named).await?;
    let at = path("users", &text(&user, "user_id"));
    management.patch(&at, &json!({ "blocked": blocked })).await
}

/// A user as a sentence names them.
pub(super) fn called(user: &Value) -> String {
    let id = text(user, "user_id");
    match user["email"].as_str().or(user["username"].as_str()) {
        Some(name) => format!("{} ({})", crate::output::printable(name), crate::output::printable(&id)),
        None => crate::output::printable(&id),
    }
}

/// What they are called, where that says more than their address.
pub(super) fn name(user: &Value) -> String {
    let is_address = user["name"] == user["email"] || user["name"] == user["username"];
    if is_address { String::new() } else { text(user, "name") }
}

pub(super) fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}
