//! What is secret in a document of settings: written, never shown, and sealed where it is stored.

use chancery_core::problem::Problem;
use chancery_store::Kind;
use serde_json::{Map, Value};

use crate::call::{Call, internal, stored};

/// Where the sealed part of a stored document lies.
const SEALED: &str = "sealed";

/// Seals these members into the document.
pub(crate) fn seal(
    call: &Call,
    kind: Kind,
    id: &str,
    document: &mut Value,
    secrets: Map<String, Value>,
) -> Result<(), Problem> {
    if !secrets.is_empty() {
        let text = Value::Object(secrets).to_string();
        document[SEALED] = call.store().seal_setting(call.tenant(), kind, id, &text).map_err(stored)?.into();
    }
    Ok(())
}

/// What is sealed in a document.
pub(crate) fn opened(
    call: &Call,
    kind: Kind,
    id: &str,
    document: Option<&Value>,
) -> Result<Map<String, Value>, Problem> {
    let Some(sealed) = document.and_then(|document| document.get(SEALED)).and_then(Value::as_str) else {
        return Ok(Map::new());
    };
    let text = call.store().open_setting(call.tenant(), kind, id, sealed).map_err(stored)?;
    serde_json::from_str(&text).map_err(internal)
}

/// The document as the wire shows it.
pub(crate) fn without_secrets(mut document: Value) -> Value {
    if let Some(members) = document.as_object_mut() {
        members.shift_remove(SEALED);
    }
    document
}

/// Takes members out of an object, those that `is_secret` names.
pub(crate) fn split(object: &mut Value, is_secret: impl Fn(&str) -> bool) -> Map<String, Value> {
    let mut secrets = Map::new();
    if let Some(members) = object.as_object_mut() {
        members.retain(|name, value| {
            let hidden = is_secret(name);
            if hidden {
                secrets.insert(name.clone(), value.take());
            }
            !hidden
        });
    }
    secrets
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_taken_out() {
        let mut credentials = json!({"api_key": "k", "region": "eu"});
        let secrets = split(&mut credentials, |name| name == "api_key");
        assert_eq!(credentials, json!({"region": "eu"}));
        assert_eq!(Value::Object(secrets), json!({"api_key": "k"}));
        assert_eq!(without_secrets(json!({"name": "ses", "sealed": "x"})), json!({"name": "ses"}));
    }
}
