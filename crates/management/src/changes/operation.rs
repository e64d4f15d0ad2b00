//! The operations of a set: which one, with what, and what they take over from those before them.

use chancery_core::problem::Problem;
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::call::Answer;
use crate::ops::Operation;

/// A set of operations.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// Of the configuration that the caller saw.
    pub(super) revision: Option<i64>,
    pub(super) operations: Vec<Asked>,
}

/// One operation. A value `{"$result": [2, "client_id"]}` in path or body is that member of the answer to the third one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// Its id.
    operation: String,
    #[serde(default)]
    pub(super) path: Map<String, Value>,
    /// As behind `?`.
    #[serde(default)]
    pub(super) query: Option<String>,
    #[serde(default)]
    pub(super) body: Value,
}

impl Wanted {
    pub(super) fn read(body: Value, most: usize) -> Result<Self, Problem> {
        let wanted: Self =
            serde_json::from_value(body).map_err(|error| Problem::payload(&error.to_string(), ""))?;
        if wanted.operations.len() > most {
            let reason = format!("Array is too long ({}), maximum {most}", wanted.operations.len());
            return Err(Problem::payload(&reason, "operations"));
        }
        Ok(wanted)
    }
}

impl Asked {
    pub(super) fn find<'a>(&self, operations: &'a [Operation]) -> Result<&'a Operation, Problem> {
        let found = operations.iter().find(|operation| operation.id == self.operation);
        found.ok_or_else(|| {
            Problem::payload(&format!("No operation has the id {}", self.operation), "operation")
        })
    }
}

/// Whether an operation does nothing but read, or write to the store it is given.
pub(super) fn may_be_staged(operation: &Operation) -> bool {
    operation.method == Method::GET || CONFIGURATION.contains(&operation.path)
}

/// The parameters of the path, in its order.
pub(super) fn path(
    operation: &Operation,
    mut given: Map<String, Value>,
    before: &[Answer],
) -> Result<Vec<(&'static str, String)>, Problem> {
    let mut path = Vec::new();
    for name in operation.parameters() {
        let value = resolved(given.shift_remove(name).unwrap_or_default(), before)?;
        let Value::String(value) = value else {
            return Err(Problem::Path(format!("'Missing required property: {name}'.")));
        };
        path.push((name, value));
    }
    match given.keys().next() {
        Some(name) => Err(Problem::Path(format!("'Additional properties not allowed: {name}'."))),
        None => Ok(path),
    }
}

/// A value with the answers that it speaks of.
pub(super) fn resolved(value: Value, before: &[Answer]) -> Result<Value, Problem> {
    Ok(match value {
        Value::Array(items) => {
            Value::Array(items.into_iter().map(|item| resolved(item, before)).collect::<Result<_, _>>()?)
        }
        Value::Object(members) if members.contains_key(RESULT) => result(&members, before)?,
        Value::Object(members) => {
            let each = members.into_iter().map(|(name, value)| Ok((name, resolved(value, before)?)));
            Value::Object(each.collect::<Result<_, Problem>>()?)
        }
        other => other,
    })
}

const RESULT: &str = "$result";

fn result(members: &Map<String, Value>, before: &[Answer]) -> Result<Value, Problem> {
    let wrong =
        || Problem::payload("$result is an earlier operation's number and a member of its answer", "body");
    let Some(Value::Array(parts)) = members.get(RESULT).filter(|_| members.len() == 1) else {
        return Err(wrong());
    };
    let [index, name] = parts.as_slice() else { return Err(wrong()) };
    let index = index.as_u64().and_then(|index| usize::try_from(index).ok()).ok_or_else(wrong)?;
    let name = name.as_str().ok_or_else(wrong)?;
    let answer = before.get(index).and_then(|answer| answer.body.as_ref());
    answer.and_then(|body| body.get(name)).cloned().ok_or_else(wrong)
}

/// Operations that write configuration and nothing else: no users, no keys, no mail, no question to anybody outside.
const CONFIGURATION: &[&str] = &[
    "/attack-protection/bot-detection",
    "/attack-protection/breached-password-detection",
    "/attack-protection/brute-force-protection",
    "/attack-protection/captcha",
    "/attack-protection/suspicious-ip-throttling",
    "/branding",
    "/branding/phone/providers",
    "/branding/phone/providers/{id}",
    "/branding/phone/templates",
    "/branding/phone/templates/{id}",
    "/branding/templates/universal-login",
    "/branding/themes",
    "/branding/themes/{themeId}",
    "/client-grants",
    "/client-grants/{id}",
    "/clients",
    "/clients/{id}",
    "/connections",
    "/connections/{id}",
    "/connections/{id}/clients",
    "/custom-domains",
    "/custom-domains/{id}",
    "/email-templates",
    "/email-templates/{templateName}",
    "/emails/provider",
    "/organizations",
    "/organizations/{id}",
    "/organizations/{id}/client-grants",
    "/organizations/{id}/client-grants/{grant_id}",
    "/organizations/{id}/clients",
    "/organizations/{id}/clients/{client_id}",
    "/organizations/{id}/connections",
    "/organizations/{id}/connections/{connection_id}",
    "/organizations/{id}/discovery-domains",
    "/organizations/{id}/discovery-domains/{discovery_domain_id}",
    "/organizations/{id}/enabled_connections",
    "/organizations/{id}/enabled_connections/{connectionId}",
    "/prompts",
    "/prompts/rendering",
    "/prompts/{prompt}/custom-text/{language}",
    "/prompts/{prompt}/partials",
    "/prompts/{prompt}/screen/{screen}/rendering",
    "/resource-servers",
    "/resource-servers/{id}",
    "/roles",
    "/roles/{id}",
    "/roles/{id}/permissions",
    "/tenants/settings",
    "/token-exchange-profiles",
    "/token-exchange-profiles/{id}",
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ops::operations;

    #[test]
    fn every_path_is_one() {
        let all = operations();
        for path in CONFIGURATION {
            assert!(all.iter().any(|operation| operation.path == *path), "{path}");
        }
        assert!(CONFIGURATION.is_sorted(), "in order, so that nothing stands there twice");
    }

    #[test]
    fn users_keys_and_mail_stay_outside() {
        for id in ["post_users", "post_signing_keys", "post_roles_users", "post_rotate-secret", "post_verify"]
        {
            let all = operations();
            if let Some(operation) = all.iter().find(|operation| operation.id == id) {
                assert!(!may_be_staged(operation), "{id}");
            }
        }
        let get = operations().into_iter().find(|operation| operation.id == "get_users").unwrap();
        assert!(may_be_staged(&get));
    }

    #[test]
    fn answers_are_taken_over() {
        let before = [Answer::ok(json!({"client_id": "abc"}))];
        let body = json!({"grants": [{"client_id": {"$result": [0, "client_id"]}}]});
        assert_eq!(resolved(body, &before).unwrap(), json!({"grants": [{"client_id": "abc"}]}));
        for wrong in [
            json!({"$result": [1, "client_id"]}),
            json!({"$result": [0, "none"]}),
            json!({"$result": [-1, "client_id"]}),
            json!({"$result": "client_id"}),
            json!({"$result": [0, "client_id"], "more": 1}),
        ] {
            assert!(resolved(wrong.clone(), &before).is_err(), "{wrong}");
        }
    }
}
