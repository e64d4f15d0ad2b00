//! PATCH of a SCIM resource (RFC 7644, section 3.5.2).

use serde_json::{Map, Value};

use super::error::ScimError;
use super::mapping::{Path, member};

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Add,
    Remove,
    Replace,
}

/// One operation.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) verb: Verb,
    /// `None` where the value names its attributes itself.
    pub(super) path: Option<Path>,
    pub(super) value: Value,
}

/// The operations of a body.
pub(super) fn operations(body: &Map<String, Value>) -> Result<Vec<Operation>, ScimError> {
    let all = member(body, "Operations").and_then(Value::as_array);
    let all = all.ok_or_else(|| invalid("invalidSyntax", "Operations are missing"))?;
    if all.len() > MOST {
        return Err(invalid("tooMany", "Too many operations in one request"));
    }
    all.iter().map(operation).collect()
}

const MOST: usize = 1000;

fn operation(value: &Value) -> Result<Operation, ScimError> {
    let members = value.as_object().ok_or_else(|| invalid("invalidSyntax", "An operation is an object"))?;
    let text = |name: &str| member(members, name).and_then(Value::as_str);
    let verb = match text("op").unwrap_or_default().to_ascii_lowercase().as_str() {
        "add" => Verb::Add,
        "remove" => Verb::Remove,
        "replace" => Verb::Replace,
        _ => return Err(invalid("invalidSyntax", "op must be add, remove or replace")),
    };
    let path = match text("path") {
        Some(text) => {
            Some(Path::parse(text).ok_or_else(|| invalid("invalidPath", "The path is not understood"))?)
        }
        None => None,
    };
    if path.is_none() && verb == Verb::Remove {
        return Err(invalid("noTarget", "remove needs a path"));
    }
    Ok(Operation { verb, path, value: member(members, "value").cloned().unwrap_or_default() })
}

/// Does it to a resource.
pub(super) fn apply(resource: &mut Map<String, Value>, operation: Operation) -> Result<(), ScimError> {
    match operation.path {
        Some(path) => {
            let new = Some(operation.value).filter(|_| operation.verb != Verb::Remove);
            path.put(resource, new);
        }
        None => {
            let Value::Object(members) = operation.value else {
                return Err(invalid("invalidValue", "Without a path, the value is an object"));
            };
            for (name, value) in members {
                // Names may be paths here too, as some directories write them.
                let path =
                    Path::parse(&name).ok_or_else(|| invalid("invalidPath", "The path is not understood"))?;
                merge(resource, &path, value);
            }
        }
    }
    Ok(())
}

/// Members of an object are put one by one: those that are not named stay.
fn merge(resource: &mut Map<String, Value>, path: &Path, value: Value) {
    match value {
        Value::Object(members) if path.item.is_none() && path.rest.is_none() => {
            for (name, value) in members {
                Path { rest: Some(name), ..path.clone() }.put(resource, Some(value));
            }
        }
        value => path.put(resource, Some(value)),
    }
}

pub(super) fn invalid(kind: &'static str, detail: &str) -> ScimError {
    ScimError::Invalid(kind, detail.to_owned())
}
