//! Whether a value has a shape, and what is said where it has not. The wording is that of the JSON Schema validator
//! behind the service whose clients we serve: some of them show or match it.

use serde_json::Value;

use super::{Object, Range, Shape};

/// The first thing wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong.
    pub reason: String,
    /// `scopes[0].value`; empty for the value as a whole.
    pub path: String,
}

/// Checks a value against a shape.
///
/// # Errors
/// The first [`Fault`] found, outer before inner, in the order of the value's members.
pub fn check(shape: &Shape, value: &Value) -> Result<(), Fault> {
    walk(shape, value, &mut String::new())
}

fn walk(shape: &Shape, value: &Value, path: &mut String) -> Result<(), Fault> {
    match (shape, value) {
        (Shape::Any, _) | (Shape::Bool, Value::Bool(_)) => Ok(()),
        (Shape::Literal(wanted), Value::Bool(b)) if b == wanted => Ok(()),
        (Shape::Int(range), Value::Number(number)) if is_whole(number) => {
            limits(number.as_f64().unwrap_or_default(), range, path)
        }
        (Shape::Number(range), Value::Number(number)) => {
            limits(number.as_f64().unwrap_or_default(), range, path)
        }
        (Shape::Text(range, format), Value::String(text)) => {
            length("String is too", "chars", text.chars().count(), range, path)?;
            match format {
                Some(format) if !format.fits(text) => {
                    fault(path, format!("Object didn't pass validation for format {}: {text}", format.name()))
                }
                _ => Ok(()),
            }
        }
        (Shape::Choice(words), value) if value.as_str().is_some_and(|t| words.iter().any(|w| w == t)) => {
            Ok(())
        }
        (Shape::Choice(_), Value::String(text)) => fault(path, format!("No enum match for: {text}")),
        (Shape::List(item, range), Value::Array(items)) => {
            length("Array is too", "", items.len(), range, path)?;
            for (index, value) in items.iter().enumerate() {
                inside(path, &format!("[{index}]"), |path| walk(item, value, path))?;
            }
            Ok(())
        }
        (Shape::Object(object), Value::Object(members)) => members_of(object, members, path),
        (Shape::OneOf(shapes), value) => {
            if shapes.iter().any(|shape| walk(shape, value, &mut String::new()).is_ok()) {
                Ok(())
            } else {
                fault(path, "Data does not match any schemas from 'anyOf'".to_owned())
            }
        }
        (Shape::Nullable(_), Value::Null) => Ok(()),
        (Shape::Nullable(inner), value) => walk(inner, value, path),
        (shape, value) => {
            fault(path, format!("Expected type {} but found type {}", expected(shape), kind(value)))
        }
    }
}

fn members_of(
    object: &Object,
    members: &serde_json::Map<String, Value>,
    path: &mut String,
) -> Result<(), Fault> {
    let count = i64::try_from(members.len()).unwrap_or(i64::MAX);
    if object.others.is_none()
        && let Some(name) = members.keys().find(|name| !object.members.iter().any(|m| m.name == **name))
    {
        return fault(path, format!("Additional properties not allowed: {name}"));
    }
    if let Some(absent) = object.members.iter().find(|m| m.needed && !members.contains_key(&m.name)) {
        return fault(path, format!("Missing required property: {}", absent.name));
    }
    if let Some(min) = object.count.min.filter(|min| count < *min) {
        return fault(path, format!("Too few properties defined ({count}), minimum {min}"));
    }
    if let Some(max) = object.count.max.filter(|max| count > *max) {
        return fault(path, format!("Too many properties defined ({count}), maximum {max}"));
    }
    for (name, value) in members {
        let named = object.members.iter().find(|m| m.name == *name).map(|m| &m.shape);
        let Some(shape) = named.or(object.others.as_ref()) else { continue };
        let step = if path.is_empty() { name.clone() } else { format!(".{name}") };
        inside(path, &step, |path| walk(shape, value, path))?;
    }
    Ok(())
}

/// Runs `then` one step further in.
fn inside(
    path: &mut String,
    step: &str,
    then: impl FnOnce(&mut String) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let before = path.len();
    path.push_str(step);
    then(path)?;
    path.truncate(before);
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "limits are far below 2^53")]
fn limits(number: f64, range: &Range, path: &str) -> Result<(), Fault> {
    if let Some(min) = range.min.filter(|min| number < *min as f64) {
        return fault(path, format!("Value {number} is less than minimum {min}"));
    }
    if let Some(max) = range.max.filter(|max| number > *max as f64) {
        return fault(path, format!("Value {number} is greater than maximum {max}"));
    }
    Ok(())
}

fn length(what: &str, unit: &str, found: usize, range: &Range, path: &str) -> Result<(), Fault> {
    let found = i64::try_from(found).unwrap_or(i64::MAX);
    let shown = if unit.is_empty() { found.to_string() } else { format!("{found} {unit}") };
    if let Some(min) = range.min.filter(|min| found < *min) {
        return fault(path, format!("{what} short ({shown}), minimum {min}"));
    }
    if let Some(max) = range.max.filter(|max| found > *max) {
        return fault(path, format!("{what} long ({shown}), maximum {max}"));
    }
    Ok(())
}

fn fault(path: &str, reason: String) -> Result<(), Fault> {
    Err(Fault { reason, path: path.to_owned() })
}

/// JSON knows no whole numbers, but JSON Schema does: `1.0` is one.
fn is_whole(number: &serde_json::Number) -> bool {
    number.is_i64() || number.is_u64() || number.as_f64().is_some_and(|n| n.fract() == 0.0)
}

fn expected(shape: &Shape) -> &'static str {
    match shape {
        Shape::Any | Shape::OneOf(_) => "any",
        Shape::Bool | Shape::Literal(_) => "boolean",
        Shape::Int(_) => "integer",
        Shape::Number(_) => "number",
        Shape::Text(..) | Shape::Choice(_) => "string",
        Shape::List(..) => "array",
        Shape::Object(_) => "object",
        Shape::Nullable(inner) => expected(inner),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if is_whole(number) => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::shape::parse;

    #[test]
    fn wording() {
        let shapes = parse(
            "POST /x { name!: string(1..5), n: int(0..9), scopes: [{value!: string, kind: \"a\" | \"b\"}](..2), \
             mail: string:email, either: [string] | string, gone: string?, few: {...}(1..1) }",
        )
        .unwrap();
        let said =
            |value: Value| check(&shapes[0].1, &value).err().map(|f| format!("{} @{}", f.reason, f.path));
        for (value, wanted) in [
            (json!({"name": "x", "foo": 1}), "Additional properties not allowed: foo @"),
            (json!({}), "Missing required property: name @"),
            (json!({"name": 3}), "Expected type string but found type integer @name"),
            (json!({"name": null}), "Expected type string but found type null @name"),
            (json!([]), "Expected type object but found type array @"),
            (json!({"name": ""}), "String is too short (0 chars), minimum 1 @name"),
            (json!({"name": "abcdef"}), "String is too long (6 chars), maximum 5 @name"),
            (json!({"name": "x", "n": -1}), "Value -1 is less than minimum 0 @n"),
            (json!({"name": "x", "n": 10}), "Value 10 is greater than maximum 9 @n"),
            (json!({"name": "x", "n": 1.5}), "Expected type integer but found type number @n"),
            (json!({"name": "x", "scopes": [{}]}), "Missing required property: value @scopes[0]"),
            (
                json!({"name": "x", "scopes": [{"value": "a"}, {"value": "b", "kind": "c"}]}),
                "No enum match for: c @scopes[1].kind",
            ),
            (
                json!({"name": "x", "scopes": [{"value": "a"}, {"value": "b"}, {"value": "c"}]}),
                "Array is too long (3), maximum 2 @scopes",
            ),
            (json!({"name": "x", "mail": ""}), "Object didn't pass validation for format email:  @mail"),
            (json!({"name": "x", "either": 1}), "Data does not match any schemas from 'anyOf' @either"),
            (json!({"name": "x", "few": {}}), "Too few properties defined (0), minimum 1 @few"),
            (
                json!({"name": "x", "few": {"a": 1, "b": 1}}),
                "Too many properties defined (2), maximum 1 @few",
            ),
        ] {
            assert_eq!(said(value).as_deref(), Some(wanted));
        }
        let good = json!({"name": "x", "n": 1.0, "either": ["a"], "gone": null, "scopes": [{"value": "a"}]});
        assert_eq!(said(good), None);
    }
}
