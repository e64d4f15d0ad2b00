//! `chancery explain`: why a token has a scope or not, as a running server says it.

mod lists;
mod remedy;
mod table;
mod unused;

use std::process::ExitCode;

use anyhow::Result;
use serde_json::{Map, Value};

use super::user::user_id;
use crate::cli::{ExplainArgs, ExplainCommand, ExplainRequest};
use crate::management::{Management, path};
use crate::output::Output;

pub(super) async fn run(args: ExplainArgs, out: &mut Output) -> Result<ExitCode> {
    let management = Management::connect(args.server).await?;
    let told = match args.command {
        None => {
            let mut request = args.request;
            if let Some(user) = request.user.take() {
                request.user = Some(user_id(&management, &user).await?);
            }
            management.own_post("/explain", &body(&request)).await?
        }
        Some(ExplainCommand::Who { audience, scope }) => {
            return lists::who(&management, &audience, &scope, out).await;
        }
        Some(ExplainCommand::Access { user, app }) => {
            let (kind, id) = match user {
                Some(user) => ("users", user_id(&management, &user).await?),
                None => ("applications", app.unwrap_or_default()),
            };
            return lists::access(&management, kind, &id, out).await;
        }
        Some(ExplainCommand::Unused(args)) => return unused::run(&management, &args, out).await,
        Some(ExplainCommand::Token { id }) => management.own_get(&path("explain/tokens", &id)).await?,
    };
    show(&management, &told, out).await?;
    Ok(verdict(&told))
}

fn body(request: &ExplainRequest) -> Value {
    let mut body = Map::new();
    let scope = (!request.scope.is_empty()).then(|| request.scope.join(" "));
    for (name, value) in [
        ("client_id", &request.app),
        ("audience", &request.audience),
        ("scope", &scope),
        ("flow", &request.flow),
        ("user_id", &request.user),
        ("organization", &request.organization),
        ("redirect_uri", &request.redirect_uri),
    ] {
        if let Some(value) = value {
            body.insert(name.to_owned(), value.as_str().into());
        }
    }
    Value::Object(body)
}

async fn show(management: &Management, told: &Value, out: &mut Output) -> Result<()> {
    if out.json {
        return out.value(told);
    }
    let remedies = remedy::of(management, told).await;
    table::print(told, &remedies, out)
}

/// Success where everything asked for was granted.
fn verdict(told: &Value) -> ExitCode {
    let asked = told["scopes"].as_array().into_iter().flatten().filter(|scope| scope["asked"] == true);
    let all_granted = asked.into_iter().all(|scope| scope["granted"] == true);
    if told["decision"] == "issued" && all_granted { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn success_is_everything_asked_for() {
        let told = |decision: &str, granted: bool| {
            json!({"decision": decision, "scopes": [
                {"scope": "a", "asked": true, "granted": granted}, {"scope": "b", "asked": false, "granted": false},
            ]})
        };
        let is = |told: Value| format!("{:?}", verdict(&told));
        assert_eq!(is(told("issued", true)), format!("{:?}", ExitCode::SUCCESS));
        assert_eq!(is(told("issued", false)), format!("{:?}", ExitCode::FAILURE));
        assert_eq!(is(told("denied", true)), format!("{:?}", ExitCode::FAILURE));
    }
}
