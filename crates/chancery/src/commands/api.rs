//! `chancery api`.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::cli::{ApiCommand, ApiCreate};
use crate::management::{Management, path};
use crate::output::Output;
use crate::terminal;

pub(super) async fn run(command: ApiCommand, out: &mut Output) -> Result<ExitCode> {
    match command {
        ApiCommand::List(server) => {
            let apis = Management::connect(server).await?.list("/resource-servers").await?;
            let rows: Vec<_> = apis.iter().map(row).collect();
            out.table(&apis, &["IDENTIFIER", "NAME", "SCOPES", "ID"], &rows)?;
        }
        ApiCommand::Show { api, server } => {
            let api = found(&Management::connect(server).await?, &api).await?;
            out.value(&api)?;
        }
        ApiCommand::Create(args) => {
            let body = body(&args)?;
            let api = Management::connect(args.server).await?.post("/resource-servers", &body).await?;
            let text = |name: &str| api[name].as_str().unwrap_or_default().to_owned();
            let mut lines =
                vec![("Identifier", text("identifier")), ("Name", text("name")), ("ID", text("id"))];
            for scope in api["scopes"].as_array().into_iter().flatten() {
                lines.push(("Scope", scope["value"].as_str().unwrap_or_default().to_owned()));
            }
            out.one(&api, &lines)?;
            out.say(&format!(
                "The API is defined. Applications ask for it with audience={}\n{}",
                text("identifier"),
                chosen(&api)
            ));
        }
        ApiCommand::Delete { api, yes, server } => {
            let management = Management::connect(server).await?;
            // Deleting what is not there is no error on the wire, but a slip of whoever types.
            let known = found(&management, &api).await?;
            let scopes = known["scopes"].as_array().map_or(0, Vec::len);
            let question = format!(
                "Delete the API {api} for good, with its {scopes} scopes, its client grants and what roles give of it?"
            );
            if !yes && !terminal::is_agreed(&question, out)? {
                return Ok(ExitCode::FAILURE);
            }
            management.delete(&path("resource-servers", &api)).await?;
            out.say(&format!("The API {api} is deleted."));
        }
        ApiCommand::Call(args) => return super::operation::call(args, out).await,
        ApiCommand::Operations { word } => super::operation::list(word.as_deref(), out)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// One API, by its identifier or id.
pub(super) async fn found(management: &Management, api: &str) -> Result<Value> {
    management.get(&path("resource-servers", api)).await.with_context(|| format!("the API {api}"))
}

/// What was chosen where nothing was said, with how to have it otherwise.
fn chosen(api: &Value) -> String {
    let users = match api["enforce_policies"] == true {
        true => "RBAC is on: users are given the scopes that their roles hold (chancery role)",
        false => "RBAC is off: whoever signs in may be given every scope (--rbac asks for roles)",
    };
    let refreshing = match api["allow_offline_access"] == true {
        true => "refresh tokens may be issued",
        false => "no refresh tokens (--offline)",
    };
    format!("{users}; {refreshing}.")
}

fn row(api: &Value) -> Vec<String> {
    let text = |name: &str| api[name].as_str().unwrap_or_default().to_owned();
    let scopes = api["scopes"].as_array().map_or(0, Vec::len);
    vec![text("identifier"), text("name"), scopes.to_string(), text("id")]
}

fn body(args: &ApiCreate) -> Result<Value> {
    let scopes: Vec<Value> = args.scope.iter().map(|text| scope(text)).collect::<Result<_>>()?;
    let name = args.name.as_ref().unwrap_or(&args.identifier);
    let mut body =
        json!({ "identifier": args.identifier, "name": name, "allow_offline_access": args.offline });
    if !scopes.is_empty() {
        body["scopes"] = Value::Array(scopes);
    }
    if args.rbac || args.permissions_in_token {
        body["enforce_policies"] = json!(true);
    }
    if args.permissions_in_token {
        body["token_dialect"] = json!("access_token_authz");
    }
    if let Some(algorithm) = &args.signing_alg {
        body["signing_alg"] = json!(algorithm);
    }
    if let Some(seconds) = args.token_lifetime {
        body["token_lifetime"] = json!(seconds);
        body["token_lifetime_for_web"] = json!(seconds.min(7200));
    }
    Ok(body)
}

/// `read:contacts=Read your contacts`, or the value alone.
pub(super) fn scope(text: &str) -> Result<Value> {
    let (value, description) = match text.split_once('=') {
        Some((value, description)) => (value, Some(description)),
        None => (text, None),
    };
    if value.is_empty() || value.contains(char::is_whitespace) {
        bail!("{text:?} is no scope: it is VALUE or VALUE=DESCRIPTION, and the value has no spaces");
    }
    Ok(match description {
        Some(description) => json!({ "value": value, "description": description }),
        None => json!({ "value": value }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_read() {
        assert_eq!(scope("read:x").unwrap(), json!({ "value": "read:x" }));
        assert_eq!(
            scope("read:x=Read = all").unwrap(),
            json!({ "value": "read:x", "description": "Read = all" })
        );
        assert!(scope("read x=").is_err());
        assert!(scope("=words").is_err());
    }
}
