//! `chancery role add-scope` and `remove-scope`: permissions, as the wire calls them.

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::{at, found, show};
use crate::cli::RoleScopes;
use crate::commands::api;
use crate::commands::user::text;
use crate::management::Management;
use crate::output::Output;

pub(super) async fn add(args: RoleScopes, out: &mut Output) -> Result<()> {
    let management = Management::connect(args.server).await?;
    let role = found(&management, &args.role).await?;
    give(&management, &role, &args.api, &args.scopes).await?;
    show(&management, role, out).await
}

pub(super) async fn remove(args: RoleScopes, out: &mut Output) -> Result<()> {
    let management = Management::connect(args.server).await?;
    let role = found(&management, &args.role).await?;
    let api = text(&api::found(&management, &args.api).await?, "identifier");
    let held = of(&management, &role).await?;
    // Nothing is removed where a name is mistyped.
    for scope in &args.scopes {
        let is_held = |permission: &Value| {
            permission["resource_server_identifier"] == *api && permission["permission_name"] == **scope
        };
        if !held.iter().any(is_held) {
            bail!("the role does not give {scope} of {api}; nothing was changed");
        }
    }
    management.delete_of(&format!("{}/permissions", at(&role)), &body(&api, &args.scopes)).await?;
    show(&management, role, out).await
}

/// Lets the role give scopes of an API, named by identifier or id.
pub(super) async fn give(management: &Management, role: &Value, api: &str, scopes: &[String]) -> Result<()> {
    let api = text(&api::found(management, api).await?, "identifier");
    management.post(&format!("{}/permissions", at(role)), &body(&api, scopes)).await?;
    Ok(())
}

/// All that a role gives.
pub(super) async fn of(management: &Management, role: &Value) -> Result<Vec<Value>> {
    management.list(&format!("{}/permissions", at(role))).await
}

/// A line for each API: its identifier, then the scopes.
pub(super) fn by_api(permissions: &[Value]) -> Vec<String> {
    let mut lines: Vec<(String, Vec<String>)> = Vec::new();
    for permission in permissions {
        let api = text(permission, "resource_server_identifier");
        let scope = text(permission, "permission_name");
        match lines.iter_mut().find(|(known, _)| *known == api) {
            Some((_, scopes)) => scopes.push(scope),
            None => lines.push((api, vec![scope])),
        }
    }
    lines.into_iter().map(|(api, scopes)| format!("{api}  {}", scopes.join(" "))).collect()
}

fn body(api: &str, scopes: &[String]) -> Value {
    let permission = |scope: &String| json!({ "resource_server_identifier": api, "permission_name": scope });
    json!({ "permissions": scopes.iter().map(permission).collect::<Vec<_>>() })
}
