//! `chancery scope`. The wire replaces all scopes of an API at once, so adding one reads the others first.

use std::process::ExitCode;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::api::{found, scope};
use crate::cli::ScopeCommand;
use crate::management::{Management, path};
use crate::output::Output;
use crate::terminal;

pub(super) async fn run(command: ScopeCommand, out: &mut Output) -> Result<ExitCode> {
    let (scopes, _) = match command {
        ScopeCommand::List { api, server } => {
            let management = Management::connect(server).await?;
            (read(&management, &api).await?, management)
        }
        ScopeCommand::Add { api, scopes, server } => {
            let added: Vec<Value> = scopes.iter().map(|text| scope(text)).collect::<Result<_>>()?;
            let management = Management::connect(server).await?;
            let all = with(read(&management, &api).await?, added);
            (write(&management, &api, &all).await?, management)
        }
        ScopeCommand::Remove { api, scopes, yes, server } => {
            let management = Management::connect(server).await?;
            let left = without(read(&management, &api).await?, &scopes)?;
            let question = format!(
                "Take {} from the API {api}, and from every client grant, role and user that holds it?",
                scopes.join(", ")
            );
            if !yes && !terminal::is_agreed(&question, out)? {
                return Ok(ExitCode::FAILURE);
            }
            (write(&management, &api, &left).await?, management)
        }
    };
    let text = |scope: &Value, name: &str| scope[name].as_str().unwrap_or_default().to_owned();
    let rows: Vec<_> =
        scopes.iter().map(|scope| vec![text(scope, "value"), text(scope, "description")]).collect();
    out.table(&scopes, &["SCOPE", "DESCRIPTION"], &rows)?;
    Ok(ExitCode::SUCCESS)
}

async fn read(management: &Management, api: &str) -> Result<Vec<Value>> {
    Ok(list(found(management, api).await?))
}

async fn write(management: &Management, api: &str, scopes: &[Value]) -> Result<Vec<Value>> {
    let body = json!({ "scopes": scopes });
    Ok(list(management.patch(&path("resource-servers", api), &body).await?))
}

fn list(mut api: Value) -> Vec<Value> {
    match api["scopes"].take() {
        Value::Array(scopes) => scopes,
        _ => Vec::new(),
    }
}

/// One that is there already gets the new description, if there is one, and keeps its place and whatever else it says.
fn with(mut scopes: Vec<Value>, added: Vec<Value>) -> Vec<Value> {
    for mut scope in added {
        match (scopes.iter_mut().find(|known| known["value"] == scope["value"]), scope.get_mut("description"))
        {
            (Some(known), Some(description)) => known["description"] = description.take(),
            (Some(_), None) => {}
            (None, _) => scopes.push(scope),
        }
    }
    scopes
}

/// Nothing is removed where a name is mistyped.
fn without(mut scopes: Vec<Value>, removed: &[String]) -> Result<Vec<Value>> {
    for value in removed {
        let before = scopes.len();
        scopes.retain(|scope| scope["value"] != **value);
        if scopes.len() == before {
            bail!("the API has no scope {value}; nothing was changed");
        }
    }
    Ok(scopes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adding_and_removing() {
        let some = vec![json!({ "value": "a" }), json!({ "value": "b", "description": "B" })];
        let more = with(some.clone(), vec![json!({ "value": "b" }), json!({ "value": "c" })]);
        assert_eq!(more, [some[0].clone(), some[1].clone(), json!({ "value": "c" })]);
        let marked = vec![json!({ "value": "a", "consent": "optional" })];
        let changed = with(marked, vec![json!({ "value": "a", "description": "A" })]);
        assert_eq!(changed, [json!({ "value": "a", "consent": "optional", "description": "A" })]);
        assert_eq!(without(some.clone(), &["a".to_owned()]).unwrap(), some[1..]);
        assert!(without(some, &["a".to_owned(), "x".to_owned()]).unwrap_err().to_string().contains('x'));
    }
}
