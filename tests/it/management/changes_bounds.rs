//! Sets of changes that want more than one may have.

use serde_json::{Value, json};

use crate::support::*;

fn connection(number: usize, options: &Value) -> Value {
    json!({"operation": "post_connections", "body": {
        "name": format!("c{number}"), "strategy": "auth0", "options": options}})
}

fn nested(levels: usize, inner: Value) -> Value {
    (0..levels).fold(inner, |inner, _| json!({"n": inner}))
}

#[tokio::test]
async fn what_is_taken_over_does_not_grow() {
    let app = TestApp::new().await;
    let revision = app.revision().await;
    let deeper = (1..40).map(|n| connection(n, &nested(50, json!({"$result": [n - 1, "options"]}))));
    let wider = (1..8).map(|n| {
        let tenfold = (0..10).map(|member| (format!("m{member}"), json!({"$result": [n - 1, "options"]})));
        connection(n, &Value::Object(tenfold.collect()))
    });
    let first = || std::iter::once(connection(0, &json!({"a": 1})));
    for operations in [first().chain(deeper).collect::<Vec<_>>(), first().chain(wider).collect()] {
        for which in ["plan", "apply"] {
            let answer = app.set(which, &json!({"revision": revision, "operations": operations})).await;
            answer.is_problem(
                400,
                Some("invalid_body"),
                "Payload validation error: '$result [0, \"options\"] is no text, number or boolean' on property body.",
            );
            assert_eq!(answer.json()["operation"], 1);
        }
    }
    assert_eq!(app.revision().await, revision, "nothing was done");

    // Nor by a path.
    let by_path = json!([connection(0, &json!({})), {"operation": "get_connections_by_id",
        "path": {"id": {"$result": [0, "options"]}}}]);
    app.set("plan", &json!({"operations": by_path})).await.expect(400);
}

#[tokio::test]
async fn what_was_applied_is_read_and_removed() {
    let app = TestApp::new().await;
    let revision = app.revision().await;
    let deep = |levels: usize| json!([connection(0, &nested(levels, json!(1)))]);
    for which in ["plan", "apply"] {
        let answer = app.set(which, &json!({"revision": revision, "operations": deep(64)})).await;
        answer.is_problem(
            400,
            Some("invalid_body"),
            "Payload validation error: 'Nested deeper than 64 levels' on property body.",
        );
    }
    // The deepest there may be.
    let applied = app.set("apply", &json!({"revision": revision, "operations": deep(63)})).await;
    let id = applied.expect(200).json()["operations"][0]["body"]["id"].as_str().unwrap().to_owned();
    let path = format!("/connections/{id}");
    assert_eq!(app.manage("GET", &path, Value::Null).await["options"]["n"], nested(62, json!(1)));
    assert!(app.names("/connections").await.contains(&"c0".to_owned()));
    let planned = app.plan(json!([{"operation": "delete_connections_by_id", "path": {"id": id}}])).await;
    assert_eq!(planned["effects"][0]["effect"], "connection_deleted");
    app.api("DELETE", &path, Value::Null).await.expect(202);
}

#[tokio::test]
async fn who_may_only_write_learns_nothing_by_a_plan() {
    let app = TestApp::new().await;
    let find = async |path: &str, name: &str| {
        let all = app.manage("GET", path, Value::Null).await;
        let found = all.as_array().unwrap().iter().find(|each| each["name"] == name).cloned();
        found.unwrap()["id"].as_str().unwrap().to_owned()
    };
    let role = find("/roles", "Contacts Reader").await;
    let connections = app.manage("GET", "/connections", Value::Null).await;
    let connection = connections[0]["id"].as_str().unwrap();
    let grants = app.manage("GET", "/client-grants", Value::Null).await;
    let grants = grants.as_array().unwrap();
    let grant = grants.iter().find(|grant| grant["audience"] == API).unwrap()["id"].as_str().unwrap();
    let client = app.clients.m2m.client_id.as_str();
    let organization = app.manage("POST", "/organizations", json!({"name": "secret-org"})).await;
    let organization = organization["id"].as_str().unwrap();
    let token = app
        .token_with(&[
            "delete:roles",
            "delete:connections",
            "delete:client_grants",
            "delete:clients",
            "delete:organizations",
            "update:resource_servers",
        ])
        .await;
    let operations = json!([
        {"operation": "patch_resource-servers_by_id", "path": {"id": API}, "body": {"scopes": []}},
        {"operation": "delete_client-grants_by_id", "path": {"id": grant}},
        {"operation": "delete_clients_by_id", "path": {"id": client}},
        {"operation": "delete_roles_by_id", "path": {"id": role}},
        {"operation": "delete_connections_by_id", "path": {"id": connection}},
        {"operation": "delete_organizations_by_id", "path": {"id": organization}},
    ]);
    // Each alone, since one tells what another would.
    for (operation, effect, id, scope) in [
        (0, "scope_removed", API, "read:resource_servers"),
        (1, "client_grant_deleted", grant, "read:client_grants"),
        (2, "application_deleted", client, "read:clients"),
        (3, "role_deleted", role.as_str(), "read:roles"),
        (4, "connection_deleted", connection, "read:connections"),
        (5, "organization_deleted", organization, "read:organizations"),
    ] {
        let body = json!({"operations": [operations[operation]]});
        let planned = app.send(Call::post("/api/chancery/v1/plan").bearer(&token).json(&body)).await;
        let planned = planned.expect(200).json();
        let effects = planned["effects"].as_array().unwrap();
        assert!(effects.contains(&json!({"effect": effect, "id": id})), "{planned}");
        let hidden = planned["hidden_effects"].as_array().unwrap();
        assert!(hidden.contains(&json!(scope)), "{planned}");
        let told = planned.to_string();
        for secret in ["Demo M2M", "read:contacts", "Contacts", "secret-org", "jane"] {
            assert!(!told.contains(secret), "{secret}: {planned}");
        }
    }
}

#[tokio::test]
async fn holders_have_names_for_who_may_read_applications() {
    let app = TestApp::new().await;
    let scopes = ["update:resource_servers", "read:resource_servers", "read:client_grants"];
    let token = app.token_with(&scopes).await;
    let body = json!({"operations": [{"operation": "patch_resource-servers_by_id", "path": {"id": API},
        "body": {"scopes": [{"value": "delete:contacts"}]}}]});
    let planned = app.send(Call::post("/api/chancery/v1/plan").bearer(&token).json(&body)).await;
    let planned = planned.expect(200).json();
    let client = app.clients.m2m.client_id.as_str();
    assert_eq!(planned["effects"][0]["applications"], json!({"count": 1, "first": [client]}));
    assert!(planned["hidden_effects"].as_array().unwrap().contains(&json!("read:clients")), "{planned}");
}

#[tokio::test]
async fn reads_are_bounded_as_alone() {
    let app = TestApp::new().await;
    let long = |length: usize| "x".repeat(length);
    for (operation, message) in [
        (
            json!({"operation": "get_roles", "query": format!("fields={}", long(8186))}),
            "Query validation error: 'String is too long (8193 bytes), maximum 8192'.",
        ),
        (
            json!({"operation": "get_roles_by_id", "path": {"id": long(8193)}}),
            "Path validation error: 'String is too long (8193 bytes), maximum 8192' on property id.",
        ),
    ] {
        let answer = app.set("plan", &json!({"operations": [{"operation": "get_roles"}, operation]})).await;
        assert_eq!((answer.status.as_u16(), answer.text("message").as_str()), (400, message));
        assert_eq!(answer.json()["operation"], 1);
    }
    let read = app
        .plan(json!([{"operation": "get_roles", "query": format!("fields=name,{}", long(8000))},
            {"operation": "get_roles_by_id", "path": {"id": long(8192)}}]))
        .await;
    assert_eq!(read["operations"][0]["body"][0], json!({"name": "Contacts Admin"}));
    assert_eq!(read["operations"][1]["status"], 404);
}

#[tokio::test]
async fn answers_that_are_kept_are_bounded() {
    let app = TestApp::new().await;
    let page = json!({"operation": "patch_settings", "body": {"error_page": {
        "html": "x".repeat(500_000), "show_log_link": false}}});
    let reads = std::iter::repeat_n(json!({"operation": "tenant_settings_route"}), 300);
    let operations: Vec<Value> = std::iter::once(page).chain(reads).collect();
    let answer = app.set("plan", &json!({"operations": operations})).await;
    assert!(answer.text("message").contains("larger than 64 MiB"), "{}", answer.status);
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn a_set_counts_as_many_calls_as_it_has_operations() {
    let app = TestApp::new().await;
    let left = async |operations: usize| {
        let operations = vec![json!({"operation": "get_roles"}); operations];
        let answer = app.set("plan", &json!({"operations": operations})).await;
        answer.header("x-ratelimit-remaining").unwrap().parse::<u32>().unwrap()
    };
    let before = left(0).await;
    assert_eq!(before - left(7).await, 7);
}

#[tokio::test]
async fn keys_of_connections_are_made_when_it_is_meant_and_so_many() {
    let app = TestApp::new().await;
    let revision = app.revision().await;
    let signing = |number: usize| {
        json!({"operation": "post_connections", "body": {
            "name": format!("signs{number}"), "strategy": "oidc", "options": {
                "client_id": "x", "issuer": "https://idp.example", "token_endpoint_auth_method": "private_key_jwt",
                "authorization_endpoint": "https://idp.example/a", "token_endpoint": "https://idp.example/t",
                "jwks_uri": "https://idp.example/k"}}})
    };
    let keys = json!({"operation": "get_keys", "path": {"id": {"$result": [0, "id"]}}});
    let one = json!([signing(0), keys]);
    let planned = app.plan(one.clone()).await;
    assert_eq!(planned["operations"][1]["body"], json!([]), "none is made for a plan");
    let applied = app.set("apply", &json!({"revision": revision, "operations": one})).await;
    let applied = applied.expect(200).json();
    assert_eq!(applied["operations"][1]["body"].as_array().unwrap().len(), 2);

    let many: Vec<Value> = (1..22).map(signing).collect();
    let answer = app.set("plan", &json!({"operations": many})).await;
    answer.is_problem(
        400,
        Some("invalid_body"),
        "A set of changes makes keys for 20 connections at most: apply the others after it.",
    );
    assert_eq!(answer.json()["operation"], 20);
}
