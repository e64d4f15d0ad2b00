//! `chancery role give` and `take` with `--organization`: what a member holds within it alone.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::cli::RoleUsers;
use crate::commands::user::{called, found as user_found, text};
use crate::management::{Management, path};
use crate::output::{Output, printable};

pub(super) async fn give(
    management: &Management,
    role: &Value,
    args: &RoleUsers,
    organization: &str,
    out: &mut Output,
) -> Result<()> {
    let organization = found(management, organization).await?;
    let (name, place) = (printable(&text(role, "name")), printable(&text(&organization, "name")));
    let mut users = Vec::new();
    for named in &args.users {
        let user = user_found(management, named).await?;
        let theirs =
            management.list(&format!("{}/organizations", path("users", &text(&user, "user_id")))).await?;
        // One who is not a member keeps the others from it, too.
        if !theirs.iter().any(|theirs| theirs["id"] == organization["id"]) {
            bail!("{} is no member of {place}; nothing was changed", called(&user));
        }
        users.push(user);
    }
    for user in users {
        management.post(&roles(&organization, &user), &json!({ "roles": [role["id"]] })).await?;
        out.say(&format!("{} holds the role {name} in {place}.", called(&user)));
    }
    Ok(())
}

pub(super) async fn take(
    management: &Management,
    role: &Value,
    args: &RoleUsers,
    organization: &str,
    out: &mut Output,
) -> Result<()> {
    let organization = found(management, organization).await?;
    let (name, place) = (printable(&text(role, "name")), printable(&text(&organization, "name")));
    let mut users = Vec::new();
    for named in &args.users {
        let user = user_found(management, named).await?;
        let held = management.list(&roles(&organization, &user)).await?;
        // Nothing is taken where a name is mistyped.
        if !held.iter().any(|held| held["id"] == role["id"]) {
            bail!("{} was not given the role {name} in {place}; nothing was changed", called(&user));
        }
        users.push(user);
    }
    for user in users {
        management.delete_of(&roles(&organization, &user), &json!({ "roles": [role["id"]] })).await?;
        out.say(&format!("{} holds the role {name} in {place} no more.", called(&user)));
    }
    Ok(())
}

/// The organization of this id or name.
async fn found(management: &Management, named: &str) -> Result<Value> {
    let address = match named.starts_with("org_") {
        true => path("organizations", named),
        false => path("organizations/name", named),
    };
    management.get(&address).await.with_context(|| format!("the organization {named}"))
}

fn roles(organization: &Value, user: &Value) -> String {
    let members = format!("organizations/{}/members", text(organization, "id"));
    format!("{}/roles", path(&members, &text(user, "user_id")))
}
