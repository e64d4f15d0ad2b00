//! `chancery explain`: why a token has a scope or not, as a running server says it.

mod lists;
mod remedy;
mod table;
mod unused;

use std::process::ExitCode;

use anyhow::Result;
use serde_json::{Map, Value};

use self::remedy::Remedies;
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
        Some(ExplainCommand::Token { id }) => {
            let mut past = management.own_get(&path("explain/tokens", &id)).await?;
            let now = again(&management, &past).await;
            let remedies = match &now {
                Some(now) if !out.json => remedy::since(&management, &past, now).await,
                _ => Remedies::default(),
            };
            if let Some(now) = now.filter(|_| out.json) {
                past["now"] = now;
            }
            show(&past, &remedies, out)?;
            return Ok(verdict(&past));
        }
    };
    let remedies = match out.json {
        true => Remedies::default(),
        false => remedy::of(&management, &told).await,
    };
    show(&told, &remedies, out)?;
    Ok(verdict(&told))
}

/// What the request for a token of earlier would come to by the configuration of today; nothing where such a request cannot be
/// explained: its application is gone, or its flow starts from another token.
async fn again(management: &Management, past: &Value) -> Option<Value> {
    management.own_post("/explain", &as_request(past)?).await.ok()
}

fn as_request(past: &Value) -> Option<Value> {
    let flow = match past["flow"].as_str()? {
        "code_exchange" => "authorization_code",
        flow @ ("authorization_code" | "implicit" | "hybrid" | "device_code" | "password"
        | "password_realm" | "client_credentials" | "refresh_token") => flow,
        _ => return None,
    };
    let scopes = past["scopes"].as_array().into_iter().flatten();
    let asked: Vec<&str> =
        scopes.filter(|scope| scope["asked"] == true).filter_map(|scope| scope["scope"].as_str()).collect();
    let mut body = Map::new();
    body.insert("flow".to_owned(), flow.into());
    body.insert("scope".to_owned(), asked.join(" ").into());
    for (name, member) in [
        ("client_id", "client_id"),
        ("audience", "audience"),
        ("user_id", "user_id"),
        ("organization", "organization_id"),
    ] {
        if let Some(value) = past[member].as_str().filter(|value| !value.is_empty()) {
            body.insert(name.to_owned(), value.into());
        }
    }
    Some(body.into())
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

fn show(told: &Value, remedies: &Remedies, out: &mut Output) -> Result<()> {
    match out.json {
        true => out.value(told),
        false => table::print(told, remedies, out),
    }
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
    fn a_token_of_earlier_is_asked_for_again() {
        let past = json!({"client_id": "app", "audience": "https://a/", "flow": "code_exchange", "user_id": "auth0|1",
            "scopes": [{"scope": "x", "asked": true}, {"scope": "y", "asked": false}, {"scope": "z", "asked": true}]});
        let request = json!({"client_id": "app", "audience": "https://a/", "flow": "authorization_code",
            "user_id": "auth0|1", "scope": "x z"});
        assert_eq!(as_request(&past), Some(request));
        assert_eq!(as_request(&json!({"flow": "token_exchange", "client_id": "app"})), None);
    }

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
