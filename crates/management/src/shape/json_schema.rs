//! Shapes as JSON Schema, for the OpenAPI document.

use serde_json::{Map, Value, json};

use super::{Object, Range, Shape};

/// The JSON Schema (2020-12) of a shape.
pub fn json_schema(shape: &Shape) -> Value {
    match shape {
        Shape::Any => json!({}),
        Shape::Bool => json!({"type": "boolean"}),
        Shape::Literal(only) => json!({"const": only}),
        Shape::Int(range) => limited("integer", range, ("minimum", "maximum")),
        Shape::Number(range) => limited("number", range, ("minimum", "maximum")),
        Shape::Text(range, format) => {
            let mut schema = limited("string", range, ("minLength", "maxLength"));
            if let Some(format) = format {
                schema["format"] = format.name().into();
            }
            schema
        }
        Shape::Choice(words) => json!({"type": "string", "enum": words}),
        Shape::List(item, range) => {
            let mut schema = limited("array", range, ("minItems", "maxItems"));
            schema["items"] = json_schema(item);
            schema
        }
        Shape::Object(object) => object_schema(object),
        Shape::OneOf(shapes) => json!({"anyOf": shapes.iter().map(json_schema).collect::<Vec<_>>()}),
        Shape::Nullable(inner) => json!({"anyOf": [json_schema(inner), {"type": "null"}]}),
    }
}

fn object_schema(object: &Object) -> Value {
    let members: Map<String, Value> =
        object.members.iter().map(|m| (m.name.clone(), json_schema(&m.shape))).collect();
    let needed: Vec<&str> = object.members.iter().filter(|m| m.needed).map(|m| m.name.as_str()).collect();
    let mut schema = limited("object", &object.count, ("minProperties", "maxProperties"));
    schema["properties"] = Value::Object(members);
    if !needed.is_empty() {
        schema["required"] = json!(needed);
    }
    schema["additionalProperties"] = object.others.as_ref().map_or(Value::Bool(false), json_schema);
    schema
}

fn limited(kind: &str, range: &Range, (min, max): (&str, &str)) -> Value {
    let mut schema = json!({"type": kind});
    if let Some(limit) = range.min {
        schema[min] = limit.into();
    }
    if let Some(limit) = range.max {
        schema[max] = limit.into();
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::parse;

    #[test]
    fn an_object() {
        let shapes = parse("POST /x {a!: string(1..), b: [int]?}").unwrap();
        assert_eq!(
            json_schema(&shapes[0].1),
            json!({
                "type": "object",
                "properties": {
                    "a": {"type": "string", "minLength": 1},
                    "b": {"anyOf": [{"type": "array", "items": {"type": "integer"}}, {"type": "null"}]}
                },
                "required": ["a"],
                "additionalProperties": false
            })
        );
    }
}
