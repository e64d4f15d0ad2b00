//! `chancery client`.

mod one;

use std::process::ExitCode;

use anyhow::{Context, Error, Result};
use serde_json::{Value, json};

use crate::cli::{ClientCommand, ClientCreate, ClientKind};
use crate::management::{Management, path};
use crate::output::Output;

pub(super) async fn run(command: ClientCommand, out: &mut Output) -> Result<ExitCode> {
    match command {
        ClientCommand::List(server) => {
            let clients = Management::connect(server).await?.list("/clients").await?;
            let clients: Vec<_> = clients.into_iter().map(without_secret).collect();
            let rows: Vec<_> = clients.iter().map(row).collect();
            out.table(&clients, &["CLIENT ID", "NAME", "TYPE"], &rows)?;
        }
        ClientCommand::Create(args) => {
            let (body, grants) = (body(&args), grants(&args.grant)?);
            let management = Management::connect(args.server).await?;
            let client = management.post("/clients", &body).await?;
            for (audience, scope) in &grants {
                let grant = json!({ "client_id": client["client_id"], "audience": audience, "scope": scope });
                if let Err(error) = management.post("/client-grants", &grant).await {
                    return Err(undone(
                        &management,
                        &client,
                        error.context(format!("the grant for {audience}")),
                    )
                    .await);
                }
            }
            out.one(&client, &summary(&client, &grants))?;
            if client["token_endpoint_auth_method"] != "none" {
                out.say("Keep the secret: lists do not show it.");
            }
        }
        ClientCommand::Show(args) => return one::show(args, out).await,
        ClientCommand::RotateSecret(args) => return one::rotate_secret(args, out).await,
        ClientCommand::Delete(args) => return one::delete(args, out).await,
    }
    Ok(ExitCode::SUCCESS)
}

/// Nobody would ever see the secret of an application whose grants fail: it goes again, and its other grants with it.
async fn undone(management: &Management, client: &Value, why: Error) -> Error {
    let id = client["client_id"].as_str().unwrap_or_default();
    match management.delete(&path("clients", id)).await {
        Ok(_) => why.context("no application was made"),
        Err(error) => {
            why.context(format!("the application {id} was made, and cannot be deleted again ({error:#})"))
        }
    }
}

/// What one needs to use it.
fn summary(client: &Value, grants: &[(String, Vec<String>)]) -> Vec<(&'static str, String)> {
    let text = |name: &str| client[name].as_str().map(str::to_owned);
    let known = [
        ("Name", text("name")),
        ("Client ID", text("client_id")),
        // Public applications have one on the wire, and no use for it.
        ("Client secret", text("client_secret").filter(|_| client["token_endpoint_auth_method"] != "none")),
    ];
    let lists =
        [("callbacks", "Callback"), ("allowed_logout_urls", "Logout URL"), ("web_origins", "Web origin")];
    let listed = lists.into_iter().flat_map(|(name, label)| {
        let urls = client[name].as_array().into_iter().flatten();
        urls.filter_map(Value::as_str).map(move |url| (label, url.to_owned()))
    });
    let granted =
        grants.iter().map(|(audience, scope)| ("May ask", format!("{audience}  {}", scope.join(" "))));
    let known = known.into_iter().filter_map(|(label, text)| Some((label, text?)));
    known.chain(listed).chain(granted).collect()
}

/// A list is for looking, and secrets are not to be looked at.
fn without_secret(mut client: Value) -> Value {
    if let Some(members) = client.as_object_mut() {
        members.remove("client_secret");
        members.remove("signing_keys");
    }
    client
}

fn row(client: &Value) -> Vec<String> {
    let text = |name: &str| client[name].as_str().unwrap_or_default().to_owned();
    vec![text("client_id"), text("name"), text("app_type")]
}

/// The settings that fit the kind, which are stricter than the defaults of the wire: OpenID Connect conformant, no implicit
/// grant, rotating refresh tokens for public applications.
fn body(args: &ClientCreate) -> Value {
    let (app_type, method, grant_types) = match args.kind {
        ClientKind::Spa => ("spa", "none", &["authorization_code", "refresh_token"][..]),
        ClientKind::Native => ("native", "none", &["authorization_code", "refresh_token"][..]),
        ClientKind::Web => {
            ("regular_web", "client_secret_post", &["authorization_code", "refresh_token"][..])
        }
        ClientKind::M2m => ("non_interactive", "client_secret_post", &["client_credentials"][..]),
    };
    let mut body = json!({
        "name": args.name,
        "app_type": app_type,
        "token_endpoint_auth_method": method,
        "grant_types": grant_types,
        "oidc_conformant": true,
        "jwt_configuration": { "alg": "RS256", "lifetime_in_seconds": 36_000 },
    });
    for (name, list) in [
        ("callbacks", &args.callback),
        ("allowed_logout_urls", &args.logout_url),
        ("web_origins", &args.web_origin),
    ] {
        if !list.is_empty() {
            body[name] = json!(list);
        }
    }
    if method == "none" {
        body["refresh_token"] = json!({ "rotation_type": "rotating", "expiration_type": "expiring" });
    }
    body
}

/// `https://a/=read:x,read:y`. The audience may hold `=` itself, scopes rarely do.
pub(super) fn grants(texts: &[String]) -> Result<Vec<(String, Vec<String>)>> {
    let read = |text: &String| {
        let (audience, scopes) =
            text.rsplit_once('=').with_context(|| format!("{text} is no AUDIENCE=SCOPE,SCOPE"))?;
        let scopes = scopes.split([',', ' ']).filter(|scope| !scope.is_empty()).map(str::to_owned);
        Ok((audience.to_owned(), scopes.collect()))
    };
    texts.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_are_read() {
        let read = grants(&["https://a/?x=1=read:x,read:y".to_owned()]).unwrap();
        assert_eq!(read, [("https://a/?x=1".to_owned(), vec!["read:x".to_owned(), "read:y".to_owned()])]);
        assert!(grants(&["https://a/".to_owned()]).is_err());
    }

    #[test]
    fn a_summary_is_short_and_complete() {
        let client = json!({
            "name": "Job", "client_id": "a", "client_secret": "s", "signing_keys": [],
            "token_endpoint_auth_method": "client_secret_post", "callbacks": ["https://app.example/cb"],
        });
        let lines = summary(&client, &[("https://a/".to_owned(), vec!["x".to_owned(), "y".to_owned()])]);
        let names: Vec<_> = lines.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["Name", "Client ID", "Client secret", "Callback", "May ask"]);
        assert_eq!(lines[4].1, "https://a/  x y");
        let public = json!({ "client_id": "a", "client_secret": "s", "token_endpoint_auth_method": "none" });
        assert!(summary(&public, &[]).iter().all(|(_, text)| text != "s"));
    }

    #[test]
    fn lists_show_no_secrets() {
        let client = without_secret(json!({ "client_id": "a", "client_secret": "s", "signing_keys": [] }));
        assert_eq!(client, json!({ "client_id": "a" }));
    }
}
