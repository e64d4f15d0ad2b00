//! The OpenAPI document of the operations that are built.

use serde_json::{Map, Value, json};

use crate::ops::{Operation, operations};
use crate::shape::{Shape, json_schema};

/// The document. It names the server by a path, so it is the same for every tenant and origin.
pub fn document() -> Value {
    let mut paths = Map::new();
    for operation in operations().iter().filter(|operation| operation.is_built()) {
        let path = paths.entry(operation.path.to_owned()).or_insert_with(|| json!({}));
        path[operation.method.as_str().to_lowercase()] = described(operation);
    }
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Chancery Management API", "version": "2.0"},
        "servers": [{"url": "/api/v2"}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}},
    })
}

fn described(operation: &Operation) -> Value {
    let in_path = operation
        .parameters()
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}));
    let in_query = operation.query.iter().flat_map(Shape::members).map(|member| {
        json!({
            "name": member.name,
            "in": "query",
            "required": member.needed,
            "schema": json_schema(&member.shape),
        })
    });
    let mut described = json!({
        "operationId": operation.id,
        "tags": [operation.resource()],
        "parameters": in_path.chain(in_query).collect::<Vec<_>>(),
        "responses": {operation.status.to_string(): {"description": "Done."}},
        "x-scopes": operation.scopes,
    });
    if let Some(body) = &operation.body {
        described["requestBody"] = json!({
            "required": !matches!(body, Shape::Nullable(_)),
            "content": {"application/json": {"schema": json_schema(body)}},
        });
    }
    described
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_of_what_is_built() {
        let document = document();
        let create = &document["paths"]["/roles"]["post"];
        assert_eq!(create["operationId"], "post_roles");
        assert_eq!(create["x-scopes"], json!(["create:roles"]));
        let schema = &create["requestBody"]["content"]["application/json"]["schema"];
        assert_eq!(schema["required"], json!(["name"]));
        assert_eq!(document["servers"][0]["url"], "/api/v2");
    }
}
