//! `/roles` and who holds them.

use serde_json::{Value, json};

use crate::support::*;

#[tokio::test]
async fn life_of_a_role() {
    let app = TestApp::new().await;
    let role = app.api("POST", "/roles", json!({"name": "Clerk"})).await.expect(200).json();
    let id = role["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("rol_") && id.len() == 20);
    assert_eq!(role, json!({"id": id, "name": "Clerk", "type": "tenant", "description": null}));
    let path = format!("/roles/{id}");
    assert_eq!(app.manage("GET", &path, Value::Null).await["description"], "");
    let after = app.manage("PATCH", &path, json!({"description": "Does things"})).await;
    assert_eq!((&after["name"], &after["description"]), (&json!("Clerk"), &json!("Does things")));
    let taken = app.api("POST", "/roles", json!({"name": "Clerk"})).await;
    taken.is_problem(409, Some("conflict"), "A role with the same name already exists.");
    let found = app.manage("GET", "/roles?name_filter=cler", Value::Null).await;
    assert_eq!(found.as_array().unwrap().len(), 1);
    let deleted = app.api("DELETE", &path, Value::Null).await.expect(200);
    assert_eq!(deleted.body, "{}");
    app.api("DELETE", &path, Value::Null).await.is_problem(404, None, "The role does not exist.");
    app.api("POST", "/roles", json!({"name": "X", "type": "organization"})).await.expect(400);
}

fn permission(name: &str) -> Value {
    json!({"permissions": [{"resource_server_identifier": API, "permission_name": name}]})
}

#[tokio::test]
async fn permissions() {
    let app = TestApp::new().await;
    let role = app.manage("POST", "/roles", json!({"name": "Clerk"})).await;
    let path = format!("/roles/{}/permissions", role["id"].as_str().unwrap());
    let both = json!({"permissions": [
        {"resource_server_identifier": API, "permission_name": "read:contacts"},
        {"resource_server_identifier": API, "permission_name": "delete:contacts"},
    ]});
    assert_eq!(app.api("POST", &path, both.clone()).await.expect(201).body, "{}");
    app.api("POST", &path, permission("read:contacts")).await.expect(201);
    let held = app.manage("GET", &format!("{path}?include_totals=true"), Value::Null).await;
    assert_eq!(held["total"], 2);
    assert_eq!(held["permissions"][0]["permission_name"], "delete:contacts", "in the order of their names");
    assert_eq!(held["permissions"][0]["resource_server_name"], "Contacts API");
    app.api("DELETE", &path, permission("read:contacts")).await.expect(204);
    assert_eq!(app.manage("GET", &path, Value::Null).await.as_array().unwrap().len(), 1);

    app.api("POST", &path, permission("no:such")).await.expect(400);
    let nowhere =
        json!({"permissions": [{"resource_server_identifier": "https://x", "permission_name": "a"}]});
    app.api("POST", &path, nowhere).await.expect(404);
    app.api("POST", &path, json!({"permissions": []})).await.expect(400);
}

#[tokio::test]
async fn holders() {
    let app = TestApp::new().await;
    let role = app.manage("POST", "/roles", json!({"name": "Clerk"})).await;
    let id = role["id"].as_str().unwrap();
    let jane = app.jane().await;
    let users = format!("/roles/{id}/users");
    app.api("POST", &users, json!({"users": [jane]})).await.expect(200);
    let listed = app.manage("GET", &format!("{users}?take=10"), Value::Null).await;
    assert_eq!(listed["users"][0]["user_id"], jane.as_str());
    assert_eq!(listed["users"][0]["email"], "jane@example.com");
    app.api("POST", &users, json!({"users": [jane, "auth0|nobody"]})).await.expect(404);

    let own = format!("/users/{}/roles", segment(&jane));
    let has = async || {
        let held = app.manage("GET", &own, Value::Null).await;
        held.as_array().unwrap().iter().any(|held| held["id"] == id)
    };
    assert!(has().await);
    app.api("DELETE", &own, json!({"roles": [id]})).await.expect(204);
    assert!(!has().await);
    app.api("POST", &own, json!({"roles": [id]})).await.expect(204);
    assert!(has().await);
    app.api("POST", &own, json!({"roles": ["rol_nobody"]})).await.expect(404);
    app.manage("DELETE", &format!("/roles/{id}"), Value::Null).await;
    assert!(!has().await, "it goes with the role");
}

#[tokio::test]
async fn where_a_users_permissions_come_from() {
    let app = TestApp::new().await;
    let path = format!("/users/{}/permissions", segment(&app.jane().await));
    app.api("POST", &path, permission("read:contacts")).await.expect(201);
    let held = app.manage("GET", &path, Value::Null).await;
    let sources = held[0]["sources"].as_array().unwrap();
    assert_eq!(sources[0], json!({"source_id": "", "source_name": "", "source_type": "DIRECT"}));
    assert_eq!(
        (&sources[1]["source_name"], &sources[1]["source_type"]),
        (&json!("Contacts Reader"), &json!("ROLE"))
    );
    app.api("DELETE", &path, permission("read:contacts")).await.expect(204);
    let held = app.manage("GET", &path, Value::Null).await;
    assert_eq!(held[0]["sources"].as_array().unwrap().len(), 1);
}

/// Whoever is told 201 has their permission in the role, however many write at once.
#[tokio::test]
async fn nothing_acknowledged_is_lost() {
    for app in engines().await {
        let scopes: Vec<_> = (0..12).map(|n| json!({"value": format!("do:{n}")})).collect();
        app.set_api(json!({"scopes": scopes})).await;
        let role = app.manage("POST", "/roles", json!({"name": "Clerk"})).await;
        let path = format!("/roles/{}/permissions", role["id"].as_str().unwrap());
        let token = app.management_token().await;
        let app = std::sync::Arc::new(app);
        let tasks: Vec<_> = (0..12)
            .map(|n| {
                let (app, path, token) = (std::sync::Arc::clone(&app), path.clone(), token.clone());
                tokio::spawn(async move {
                    let answer = app.api_as(&token, "POST", &path, permission(&format!("do:{n}"))).await;
                    (format!("do:{n}"), answer.status.as_u16())
                })
            })
            .collect();
        let mut told = Vec::new();
        for task in tasks {
            let (scope, status) = task.await.unwrap();
            assert!(matches!(status, 201 | 409), "{}: {status}", app.engine);
            told.extend((status == 201).then_some(scope));
        }
        let held = app.manage("GET", &path, Value::Null).await;
        let held: Vec<_> = held.as_array().unwrap().iter().map(|p| p["permission_name"].clone()).collect();
        assert!(!told.is_empty());
        for scope in told {
            assert!(held.iter().any(|held| *held == scope), "{}: {scope}", app.engine);
        }
    }
}
