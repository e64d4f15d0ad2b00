//! The OpenAPI document of the operations that are built.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::ops::{Operation, WIRE, operations, own_operations, scopes};
use crate::shape::{Shape, json_schema, parse};

/// The document. It names the server by a path, so it is the same for every tenant and origin.
pub fn document() -> Value {
    let answers: HashMap<(String, String), Shape> =
        answer_shapes().into_iter().map(|(method, path, shape)| ((method, path), shape)).collect();
    let mut paths = Map::new();
    let (mut tags, mut problems) = (Vec::new(), Map::new());
    let all = operations().into_iter().chain(own_operations());
    for operation in &all.filter(Operation::is_built).collect::<Vec<_>>() {
        let path = paths.entry(operation.path.to_owned()).or_insert_with(|| json!({}));
        let answer = answers.get(&(operation.method.as_str().to_owned(), operation.path.to_owned()));
        path[operation.method.as_str().to_lowercase()] = described(operation, answer);
        if operation.base != WIRE {
            path["servers"] = json!([{"url": operation.base}]);
        }
        let tag = json!({"name": operation.resource()});
        if tags.last() != Some(&tag) && !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    for (_, name, description) in PROBLEMS {
        let schema = json!({"$ref": "#/components/schemas/Problem"});
        let content = json!({"application/json": {"schema": schema}});
        problems.insert(name.to_owned(), json!({"description": description, "content": content}));
    }
    let scopes: Map<String, Value> =
        scopes().into_iter().map(|scope| (scope.to_owned(), scope_text(scope).into())).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Chancery Management API",
            "version": "2.0",
            "description": "Configures a tenant: APIs with their scopes, applications, who may do what, people.",
            "license": {"name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT"},
        },
        "servers": [{"url": "/api/v2"}],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": {"Problem": problem()},
            "responses": problems,
            "securitySchemes": {"oauth2": {
                "type": "oauth2",
                "description": "A token for the audience ORIGIN/api/v2/.",
                "flows": {"clientCredentials": {"tokenUrl": "/oauth/token", "scopes": scopes}},
            }},
        },
    })
}

/// What is said when an operation refuses: status, name, text.
const PROBLEMS: [(&str, &str, &str); 5] = [
    ("401", "Unauthorized", "There is no token, or it is not good here."),
    ("403", "Forbidden", "The token lacks the scope, or the operation is not for its bearer."),
    ("429", "TooManyRequests", "The application calls too often."),
    ("4XX", "Refused", "The request is not understood, is refused, or names what is not there."),
    ("5XX", "Failed", "The server could not do it; nothing was changed."),
];

/// The envelope of every refusal.
fn problem() -> Value {
    json!({
        "type": "object",
        "properties": {
            "statusCode": {"type": "integer"},
            "error": {"type": "string"},
            "message": {"type": "string"},
            "errorCode": {"type": "string"},
        },
        "required": ["statusCode", "error", "message"],
    })
}

/// What operations answer, where `shapes/answers.shape` says so: method, path and shape.
pub fn answer_shapes() -> Vec<(String, String, Shape)> {
    // That the file can be read is proven by a test.
    let all = parse(include_str!("../shapes/answers.shape")).unwrap_or_default();
    all.into_iter().map(|(header, shape)| (header.method, header.path, shape)).collect()
}

fn described(operation: &Operation, answer: Option<&Shape>) -> Value {
    let in_path = operation
        .parameters()
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}));
    let in_query = operation.query().into_iter().flat_map(Shape::members).map(|member| {
        json!({
            "name": member.name,
            "in": "query",
            "required": member.needed,
            "schema": json_schema(&member.shape),
        })
    });
    let mut done = json!({"description": "Done."});
    if operation.status != 204 {
        let schema = answer.map_or_else(|| json!({}), json_schema);
        done["content"] = json!({"application/json": {"schema": schema}});
    }
    let mut responses = json!({operation.status.to_string(): done});
    for (status, name, _) in PROBLEMS {
        responses[status] = json!({"$ref": format!("#/components/responses/{name}")});
    }
    // Of published operations one of the scopes is enough.
    let security: Vec<Value> = match operation.scopes.as_slice() {
        all if all.is_empty() || operation.needs_all => vec![json!({"oauth2": all})],
        scopes => scopes.iter().map(|scope| json!({"oauth2": [scope]})).collect(),
    };
    let mut described = json!({
        "operationId": operation.id,
        "summary": summary(operation.id),
        "tags": [operation.resource()],
        "security": security,
        "parameters": in_path.chain(in_query).collect::<Vec<_>>(),
        "responses": responses,
        "x-scopes": operation.scopes,
    });
    if let Some(body) = operation.body() {
        described["requestBody"] = json!({
            "required": !matches!(body, Shape::Nullable(_)),
            "content": {"application/json": {"schema": json_schema(body)}},
        });
    }
    described
}

/// `post_resource_servers` as words.
fn summary(id: &str) -> String {
    let words = id.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// `read:client_grants` as words.
fn scope_text(scope: &str) -> String {
    summary(&scope.replace(':', "_"))
}

#[cfg(test)]
mod tests {
    use chancery_core::problem::Problem;

    use super::*;

    #[test]
    fn tells_of_what_is_built() {
        let document = document();
        let create = &document["paths"]["/roles"]["post"];
        assert_eq!(create["operationId"], "post_roles");
        assert_eq!(create["x-scopes"], json!(["create:roles"]));
        assert_eq!(create["security"], json!([{"oauth2": ["create:roles"]}]));
        let schema = &create["requestBody"]["content"]["application/json"]["schema"];
        assert_eq!(schema["required"], json!(["name"]));
        assert_eq!(document["servers"][0]["url"], "/api/v2");
        let answer = &document["paths"]["/roles/{id}"]["get"]["responses"]["200"]["content"];
        assert_eq!(answer["application/json"]["schema"]["required"], json!(["id", "name"]));
    }

    #[test]
    fn every_answer_is_of_an_operation() {
        let described = answer_shapes();
        assert!(described.len() > 30, "the file cannot be read");
        for (method, path, _) in described {
            let known = |op: &Operation| op.is_built() && op.method.as_str() == method && op.path == path;
            assert!(operations().iter().chain(&own_operations()).any(known), "{method} {path}");
        }
    }

    #[test]
    fn every_scope_asked_for_is_explained() {
        let document = document();
        let scopes =
            &document["components"]["securitySchemes"]["oauth2"]["flows"]["clientCredentials"]["scopes"];
        for operation in operations().iter().filter(|operation| operation.is_built()) {
            assert!(operation.scopes.iter().all(|scope| scopes[*scope].is_string()), "{operation:?}");
        }
        let refused = serde_json::to_value(Problem::MissingToken.body()).unwrap();
        let named = document["components"]["schemas"]["Problem"]["properties"].as_object().unwrap();
        assert!(refused.as_object().unwrap().keys().all(|name| named.contains_key(name)), "{refused}");
    }
}
