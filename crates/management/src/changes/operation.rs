//! The operations of a set: which one, with what, and what they take over from those before them.

use chancery_core::nesting;
use chancery_core::problem::Problem;
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::answers::Answers;
use crate::ops::Operation;

/// A set of operations.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// Of the configuration that the caller saw.
    pub(super) revision: Option<i64>,
    pub(super) operations: Vec<Asked>,
}

/// One operation. A value `{"$result": [2, "client_id"]}` in path or body is that member of the answer to the third one:
/// a text, a number or a boolean.
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
            let named: String = self.operation.chars().take(64).collect();
            Problem::payload(&format!("No operation has the id {named}"), "operation")
        })
    }

    /// A set is read without the bounds of a URL, and what it writes is read back by parsers that go so deep and no deeper.
    pub(super) fn check(&self) -> Result<(), Problem> {
        let length = self.query.as_deref().map_or(0, str::len);
        if length > LONGEST {
            return Err(Problem::query(&too_long(length), ""));
        }
        if nesting::is_too_deep(&self.body) {
            return Err(Problem::payload(&format!("Nested deeper than {} levels", nesting::DEEPEST), "body"));
        }
        Ok(())
    }
}

/// The longest query, and the longest part of a path.
const LONGEST: usize = 8 << 10;

fn too_long(length: usize) -> String {
    format!("String is too long ({length} bytes), maximum {LONGEST}")
}

/// Whether an operation does nothing but read, or write to the store it is given.
pub(super) fn may_be_staged(operation: &Operation) -> bool {
    operation.method == Method::GET || CONFIGURATION.contains(&operation.path)
}

/// The parameters of the path, in its order.
pub(super) fn path(
    operation: &Operation,
    mut given: Map<String, Value>,
    before: &mut Answers,
) -> Result<Vec<(&'static str, String)>, Problem> {
    let mut path = Vec::new();
    for name in operation.parameters() {
        let value = before.resolved(given.shift_remove(name).unwrap_or_default())?;
        let Value::String(value) = value else {
            return Err(Problem::Path(format!("'Missing required property: {name}'.")));
        };
        if value.len() > LONGEST {
            return Err(Problem::Path(format!("'{}' on property {name}.", too_long(value.len()))));
        }
        path.push((name, value));
    }
    match given.keys().next() {
        Some(name) => Err(Problem::Path(format!("'Additional properties not allowed: {name}'."))),
        None => Ok(path),
    }
}

/// Operations that write configuration and nothing else: no users, no keys, no mail. Connections ask their providers, for
/// few of a set (`Part::count_asked`).
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
    "/connection-profiles",
    "/connection-profiles/{id}",
    "/connections",
    "/connections/{id}",
    "/connections/{id}/clients",
    "/custom-domains",
    "/custom-domains/{id}",
    "/email-templates",
    "/email-templates/{templateName}",
    "/emails/provider",
    "/log-streams",
    "/log-streams/{id}",
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
    "/user-attribute-profiles",
    "/user-attribute-profiles/{id}",
];

#[cfg(test)]
mod tests {
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
}
