//! `chancery role`: what roles give, and who holds them.

mod place;
mod scopes;

use std::process::ExitCode;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use self::place::Place;
use super::client::grants;
use super::user::{called, found as user_found, name, text, user_id};
use crate::cli::{RoleCommand, RoleCreate, RoleUsers};
use crate::management::{Management, path};
use crate::output::{Output, printable};
use crate::terminal;

pub(super) async fn run(command: RoleCommand, out: &mut Output) -> Result<ExitCode> {
    match command {
        RoleCommand::List(server) => {
            let roles = Management::connect(server).await?.list("/roles").await?;
            let row = |role: &Value| ["name", "description", "id"].map(|name| text(role, name)).to_vec();
            let rows: Vec<_> = roles.iter().map(row).collect();
            out.table(&roles, &["NAME", "DESCRIPTION", "ID"], &rows)?;
        }
        RoleCommand::Show(args) => {
            let management = Management::connect(args.server).await?;
            let role = found(&management, &args.role).await?;
            show(&management, role, out).await?;
        }
        RoleCommand::Create(args) => create(args, out).await?,
        RoleCommand::Delete { role, yes, server } => {
            let management = Management::connect(server).await?;
            let role = found(&management, &role).await?;
            let holders = holders(&management, &role).await?;
            let name = printable(&text(&role, "name"));
            let question = format!("Delete the role {name}? {} it.", held_by(holders));
            if !yes && !terminal::is_agreed(&question, out)? {
                return Ok(ExitCode::FAILURE);
            }
            management.delete(&at(&role)).await?;
            out.say(&format!("The role {name} is deleted. Whoever held it lost what it gave."));
        }
        RoleCommand::AddScope(args) => scopes::add(args, out).await?,
        RoleCommand::RemoveScope(args) => scopes::remove(args, out).await?,
        RoleCommand::Give(args) => give(args, out).await?,
        RoleCommand::Take(args) => take(args, out).await?,
        RoleCommand::Users(args) => {
            let management = Management::connect(args.server).await?;
            let role = found(&management, &args.role).await?;
            let users = management.list_on(&format!("{}/users", at(&role)), "users").await?;
            let row = |user: &Value| vec![text(user, "email"), name(user), text(user, "user_id")];
            let rows: Vec<_> = users.iter().map(row).collect();
            out.table(&users, &["USER", "NAME", "ID"], &rows)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The role of this id or name.
async fn found(management: &Management, named: &str) -> Result<Value> {
    pick(&management.list("/roles").await?, named)
}

/// The ids of several.
pub(super) async fn ids(management: &Management, named: &[String]) -> Result<Vec<String>> {
    if named.is_empty() {
        return Ok(Vec::new());
    }
    let all = management.list("/roles").await?;
    named.iter().map(|named| Ok(text(&pick(&all, named)?, "id"))).collect()
}

/// By id, then by name, then by name in other letters. Two organizations may each have a role of one name.
fn pick(all: &[Value], named: &str) -> Result<Value> {
    let lower = named.to_lowercase();
    let ways: [&dyn Fn(&Value) -> bool; 3] =
        [&|role| role["id"] == *named, &|role| role["name"] == *named, &|role| {
            text(role, "name").to_lowercase() == lower
        }];
    for way in ways {
        let mut found: Vec<&Value> = all.iter().filter(|role| way(role)).collect();
        match found.len() {
            0 => {}
            1 => return Ok(found.swap_remove(0).clone()),
            _ => {
                let ids: Vec<_> = found.iter().map(|role| text(role, "id")).collect();
                bail!("several roles have the name {named}; say which: {}", ids.join(", "));
            }
        }
    }
    bail!("there is no role {named}: `chancery role list` lists them")
}

fn at(role: &Value) -> String {
    path("roles", &text(role, "id"))
}

async fn holders(management: &Management, role: &Value) -> Result<u64> {
    let users = management.get(&format!("{}/users?per_page=1&include_totals=true", at(role))).await?;
    Ok(users["total"].as_u64().unwrap_or_default())
}

async fn show(management: &Management, mut role: Value, out: &mut Output) -> Result<()> {
    let permissions = scopes::of(management, &role).await?;
    let holders = holders(management, &role).await?;
    let mut lines = vec![
        ("Name", text(&role, "name")),
        ("Description", text(&role, "description")),
        ("ID", text(&role, "id")),
        ("Users", holders.to_string()),
    ];
    lines.extend(scopes::by_api(&permissions).into_iter().map(|line| ("Gives", line)));
    lines.retain(|(_, text)| !text.is_empty());
    role["permissions"] = permissions.into();
    role["users"] = holders.into();
    out.one(&role, &lines)
}

async fn create(args: RoleCreate, out: &mut Output) -> Result<()> {
    let grants = grants(&args.grant)?;
    let management = Management::connect(args.server).await?;
    let mut body = json!({ "name": args.name });
    if let Some(description) = &args.description {
        body["description"] = json!(description);
    }
    let role = management.post("/roles", &body).await?;
    for (api, values) in &grants {
        if let Err(error) = scopes::give(&management, &role, api, values).await {
            // One that gives less than it should would be found out by whoever holds it.
            return Err(match management.delete(&at(&role)).await {
                Ok(_) => error.context("no role was made"),
                Err(_) => error.context("the role was made, and cannot be deleted again"),
            });
        }
    }
    show(&management, role, out).await
}

async fn give(args: RoleUsers, out: &mut Output) -> Result<()> {
    let management = Management::connect(args.server).await?;
    let role = found(&management, &args.role).await?;
    let name = printable(&text(&role, "name"));
    // One who is not there keeps the others from it, too.
    if args.organization.is_none() {
        let mut ids = Vec::new();
        for user in &args.users {
            ids.push(user_id(&management, user).await?);
        }
        management.post(&format!("{}/users", at(&role)), &json!({ "users": ids })).await?;
        let hold = if args.users.len() == 1 { "holds" } else { "hold" };
        out.say(&format!("{} {hold} the role {name}.", args.users.join(", ")));
        return Ok(());
    }
    let place = Place::of(&management, args.organization.as_deref()).await?;
    let mut users = Vec::new();
    for named in &args.users {
        let user = user_found(&management, named).await?;
        place.admits(&management, &user).await?;
        users.push(user);
    }
    for user in users {
        management.post(&place.roles(&user), &json!({ "roles": [role["id"]] })).await?;
        out.say(&format!("{} holds the role {name}{}.", called(&user), place.words()));
    }
    Ok(())
}

async fn take(args: RoleUsers, out: &mut Output) -> Result<()> {
    let management = Management::connect(args.server).await?;
    let role = found(&management, &args.role).await?;
    let place = Place::of(&management, args.organization.as_deref()).await?;
    let (name, words) = (printable(&text(&role, "name")), place.words());
    let mut users = Vec::new();
    for named in &args.users {
        let user = user_found(&management, named).await?;
        let held = management.list(&place.roles(&user)).await?;
        // Nothing is taken where a name is mistyped.
        if !held.iter().any(|held| held["id"] == role["id"]) {
            bail!("{} was not given the role {name}{words}; nothing was changed", called(&user));
        }
        users.push(user);
    }
    for user in users {
        management.delete_of(&place.roles(&user), &json!({ "roles": [role["id"]] })).await?;
        out.say(&format!("{} holds the role {name}{words} no more.", called(&user)));
    }
    Ok(())
}

fn held_by(users: u64) -> String {
    match users {
        0 => "Nobody holds".to_owned(),
        1 => "1 user holds".to_owned(),
        _ => format!("{users} users hold"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_picked_by_id_or_name() {
        let all = || {
            vec![
                json!({"id": "rol_1", "name": "Clerk"}),
                json!({"id": "rol_2", "name": "clerk"}),
                json!({"id": "rol_3", "name": "Reader"}),
                json!({"id": "rol_4", "name": "Reader"}),
            ]
        };
        let id = |named: &str| pick(&all(), named).map(|role| text(&role, "id"));
        assert_eq!(id("rol_2").unwrap(), "rol_2");
        assert_eq!(id("Clerk").unwrap(), "rol_1");
        assert!(id("CLERK").unwrap_err().to_string().contains("rol_1, rol_2"));
        assert!(id("Reader").unwrap_err().to_string().contains("rol_3, rol_4"));
        assert!(id("None").unwrap_err().to_string().contains("chancery role list"));
    }
}
