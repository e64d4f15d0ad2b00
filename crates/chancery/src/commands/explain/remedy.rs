//! What would have to change, as commands to run.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::table::printable;
use crate::management::{Management, path};

/// Advice for a whole explanation.
#[derive(Debug, Default)]
pub(super) struct Remedies {
    pub(super) of_refusal: Vec<Remedy>,
    pub(super) by_scope: HashMap<String, Vec<Remedy>>,
}

/// One piece of advice.
#[derive(Debug)]
pub(super) struct Remedy {
    pub(super) text: String,
    pub(super) command: Option<String>,
}

/// Advice for what was asked for and refused.
pub(super) async fn of(management: &Management, told: &Value) -> Remedies {
    let mut remedies = Remedies::default();
    if let Some(fix) = told["denied"].get("fix") {
        remedies.of_refusal.push(one(management, fix).await);
    }
    for scope in told["scopes"].as_array().into_iter().flatten() {
        if scope["asked"] != true || scope["granted"] == true {
            continue;
        }
        for reason in scope["reasons"].as_array().into_iter().flatten() {
            if let Some(fix) = reason.get("fix").filter(|_| reason["passes"] != true) {
                let name = printable(scope["scope"].as_str().unwrap_or_default());
                remedies.by_scope.entry(name).or_default().push(one(management, fix).await);
            }
        }
    }
    remedies
}

/// Advice for a token of earlier, by what the same request would come to now.
pub(super) async fn since(management: &Management, past: &Value, now: &Value) -> Remedies {
    let mut remedies = of(management, now).await;
    let scopes = |told: &'_ Value| told["scopes"].as_array().cloned().unwrap_or_default();
    let today = scopes(now);
    let is_had = |name: &Value| today.iter().any(|scope| scope["scope"] == *name && scope["granted"] == true);
    for scope in scopes(past) {
        let name = printable(scope["scope"].as_str().unwrap_or_default());
        if scope["granted"] == true {
            // It has nothing to do with this token, whatever became of it.
            remedies.by_scope.remove(&name);
        } else if scope["asked"] == true && is_had(&scope["scope"]) {
            remedies.by_scope.insert(name, vec![Remedy::none_needed()]);
        }
    }
    if past["decision"] != "issued" && now["decision"] == "issued" {
        remedies.of_refusal = vec![Remedy::none_needed()];
    }
    remedies
}

impl Remedy {
    fn none_needed() -> Self {
        Self { text: "Something was changed since: it would be granted now.".to_owned(), command: None }
    }
}

async fn one(management: &Management, fix: &Value) -> Remedy {
    // A grant's scopes are written all at once, so those it has are read first.
    let grant = match (fix["kind"].as_str(), fix["client_grant_id"].as_str()) {
        (Some("extend_client_grant"), Some(id)) => management.get(&path("client-grants", id)).await.ok(),
        _ => None,
    };
    Remedy {
        text: printable(fix["text"].as_str().unwrap_or_default()),
        command: command(fix, grant.as_ref()).filter(|command| *command == printable(command)),
    }
}

fn command(fix: &Value, grant: Option<&Value>) -> Option<String> {
    let text = |name: &str| fix[name].as_str();
    let id = |name: &str, resource: &str| text(name).map(|id| path(resource, id));
    let scopes = || text("scope").unwrap_or_default().split(' ').filter(|s| !s.is_empty());
    Some(match text("kind")? {
        "add_scope_to_api" => {
            format!("chancery scope add {} {}", quoted(text("audience")?), quoted(text("scope")?))
        }
        "extend_client_grant" => {
            let mut all: Vec<&str> = grant?["scope"].as_array()?.iter().filter_map(Value::as_str).collect();
            all.extend(scopes());
            call("PATCH", &id("client_grant_id", "client-grants")?, &json!({"scope": all}))
        }
        "create_client_grant" => {
            let body = json!({
                "client_id": text("client_id")?,
                "audience": text("audience")?,
                "subject_type": text("subject_type")?,
                "scope": scopes().collect::<Vec<_>>(),
            });
            call("POST", "/client-grants", &body)
        }
        "permit_user" => permit(fix)?,
        "unblock_user" => format!("chancery user unblock {}", quoted(text("user_id")?)),
        "allow_offline_access" => {
            call("PATCH", &id("api_id", "resource-servers")?, &json!({"allow_offline_access": true}))
        }
        "allow_online_access" => {
            call("PATCH", &id("api_id", "resource-servers")?, &json!({"allow_online_access": true}))
        }
        "add_member" => {
            let organization = id("organization_id", "organizations")?;
            call("POST", &format!("{organization}/members"), &json!({"members": [text("user_id")?]}))
        }
        "create_api" => format!("chancery api create {}", quoted(text("audience")?)),
        _ => return None,
    })
}

/// By a role that there is, or directly.
fn permit(fix: &Value) -> Option<String> {
    let user = fix["user_id"].as_str()?;
    let role = fix["roles"].get(0).and_then(|role| role["id"].as_str());
    Some(match (role, fix["organization_id"].as_str()) {
        (Some(role), None) => format!("chancery role give {} {}", quoted(role), quoted(user)),
        (Some(role), Some(organization)) => {
            let member = format!("{}{}", path("organizations", organization), path("members", user));
            call("POST", &format!("{member}/roles"), &json!({"roles": [role]}))
        }
        (None, _) => {
            let permission = json!({
                "resource_server_identifier": fix["audience"].as_str()?,
                "permission_name": fix["scope"].as_str()?,
            });
            call(
                "POST",
                &format!("{}/permissions", path("users", user)),
                &json!({"permissions": [permission]}),
            )
        }
    })
}

fn call(method: &str, path: &str, body: &Value) -> String {
    format!("chancery api call {method} {} --body {}", quoted(path), quoted(&body.to_string()))
}

/// One word for a shell, whatever stands in it.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:%@".contains(c);
    match !text.is_empty() && !text.starts_with('-') && text.chars().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_one_command_whatever_the_names() {
        let fix = json!({"kind": "add_scope_to_api", "audience": "https://api.x", "scope": "a'; rm -rf ~ #"});
        assert_eq!(command(&fix, None).unwrap(), r"chancery scope add https://api.x 'a'\''; rm -rf ~ #'");
        let fix = json!({"kind": "permit_user", "user_id": "auth0|1", "scope": "a", "audience": "x",
            "roles": [{"id": "rol_1", "name": "R"}]});
        assert_eq!(command(&fix, None).unwrap(), "chancery role give rol_1 'auth0|1'");
        let fix = json!({"kind": "permit_user", "user_id": "auth0|1", "organization_id": "org_1", "roles": [{"id": "rol_1"}]});
        let expected = r#"chancery api call POST /organizations/org_1/members/auth0%7C1/roles --body '{"roles":["rol_1"]}'"#;
        assert_eq!(command(&fix, None).unwrap(), expected);
        let fix = json!({"kind": "extend_client_grant", "client_grant_id": "cgr1", "scope": "b"});
        let grant = json!({"scope": ["a"]});
        let expected = r#"chancery api call PATCH /client-grants/cgr1 --body '{"scope":["a","b"]}'"#;
        assert_eq!(command(&fix, Some(&grant)).unwrap(), expected);
        assert_eq!(command(&fix, None), None, "what cannot be read is not guessed");
        assert_eq!(quoted("--json"), "'--json'");
    }
}
