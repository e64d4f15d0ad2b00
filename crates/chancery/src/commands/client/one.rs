//! `chancery client show`, `rotate-secret` and `delete`.

use std::process::ExitCode;

use anyhow::{Result, bail};
use form_urlencoded::Serializer;
use serde_json::Value;

use super::{summary, without_secret};
use crate::cli::{ClientNamed, ClientSure};
use crate::commands::user::text;
use crate::management::{Management, path};
use crate::output::{Output, printable};
use crate::terminal;

pub(super) async fn show(args: ClientNamed, out: &mut Output) -> Result<ExitCode> {
    let management = Management::connect(args.server).await?;
    let mut client = without_secret(found(&management, &args.client).await?);
    let grants = grants(&management, &client).await?;
    let lines: Vec<_> = grants.iter().map(|grant| (text(grant, "audience"), scopes(grant))).collect();
    let mut lines = summary(&client, &lines);
    lines.insert(2.min(lines.len()), ("Type", text(&client, "app_type")));
    lines.retain(|(_, text)| !text.is_empty());
    client["client_grants"] = grants.into();
    out.one(&client, &lines)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn rotate_secret(args: ClientSure, out: &mut Output) -> Result<ExitCode> {
    let management = Management::connect(args.server).await?;
    let client = found(&management, &args.client).await?;
    let named = called(&client);
    if client["token_endpoint_auth_method"] == "none" {
        bail!("{named} is a public application, which has no use for a secret; nothing was changed");
    }
    let question = format!("Make a new secret for {named}? The one that it has is refused from then on.");
    if !args.yes && !terminal::is_agreed(&question, out)? {
        return Ok(ExitCode::FAILURE);
    }
    let address = format!("{}/rotate-secret", path("clients", &text(&client, "client_id")));
    let client = management.post(&address, &Value::Object(Default::default())).await?;
    out.one(&client, &summary(&client, &[]))?;
    out.say("Keep the secret: lists do not show it.");
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn delete(args: ClientSure, out: &mut Output) -> Result<ExitCode> {
    let management = Management::connect(args.server).await?;
    let client = found(&management, &args.client).await?;
    let (id, named) = (text(&client, "client_id"), called(&client));
    let own = match id == management.client_id() {
        true => " This command signs in with it, and the next one cannot.",
        false => "",
    };
    let question =
        format!("Delete {named} for good, with its client grants and its users' refresh tokens?{own}");
    if !args.yes && !terminal::is_agreed(&question, out)? {
        return Ok(ExitCode::FAILURE);
    }
    management.delete(&path("clients", &id)).await?;
    out.say(&format!("{named} is deleted."));
    Ok(ExitCode::SUCCESS)
}

/// The application of this client ID or name.
async fn found(management: &Management, named: &str) -> Result<Value> {
    pick(&management.list("/clients").await?, named)
}

/// By client ID, then by name, which several may have.
fn pick(all: &[Value], named: &str) -> Result<Value> {
    if let Some(client) = all.iter().find(|client| client["client_id"] == *named) {
        return Ok(client.clone());
    }
    let found: Vec<&Value> = all.iter().filter(|client| client["name"] == *named).collect();
    match found.as_slice() {
        [only] => Ok((*only).clone()),
        [] => bail!("there is no application {named}: `chancery client list` lists them"),
        several => {
            let ids: Vec<_> = several.iter().map(|client| text(client, "client_id")).collect();
            bail!("several applications have the name {named}; say which: {}", ids.join(", "))
        }
    }
}

/// An application that registered itself chose its name: nothing in it rewrites the question on the terminal.
fn called(client: &Value) -> String {
    format!("the application {} ({})", printable(&text(client, "name")), text(client, "client_id"))
}

/// What it may ask for in its own name.
async fn grants(management: &Management, client: &Value) -> Result<Vec<Value>> {
    let id = text(client, "client_id");
    let query = Serializer::new(String::new()).append_pair("client_id", &id).finish();
    management.list(&format!("/client-grants?{query}")).await
}

fn scopes(grant: &Value) -> Vec<String> {
    let values = grant["scope"].as_array().into_iter().flatten();
    values.filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_application_is_picked_by_id_or_name() {
        let all = [
            json!({"client_id": "a", "name": "Job"}),
            json!({"client_id": "b", "name": "Site"}),
            json!({"client_id": "c", "name": "Site"}),
            json!({"client_id": "d", "name": "a"}),
        ];
        let id = |named: &str| pick(&all, named).map(|client| text(&client, "client_id"));
        assert_eq!(id("a").unwrap(), "a");
        assert_eq!(id("Job").unwrap(), "a");
        assert!(id("Site").unwrap_err().to_string().contains("b, c"));
        let tricky = called(&json!({"client_id": "a", "name": "Job\u{1b}[2K\r"}));
        assert!(!tricky.contains(char::is_control), "{tricky}");
        assert!(id("None").unwrap_err().to_string().contains("chancery client list"));
    }
}
