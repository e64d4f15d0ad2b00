//! `/connections`: databases of users.

use serde_json::{Value, json};

use crate::support::*;

#[tokio::test]
async fn a_new_database() {
    let app = TestApp::new().await;
    let body = json!({"name": "Staff", "strategy": "auth0", "options": {"disable_signup": true}});
    let connection = app.api("POST", "/connections", body.clone()).await.expect(201).json();
    assert!(connection["id"].as_str().unwrap().starts_with("con_"));
    assert_eq!(connection["options"]["disable_signup"], true);
    assert_eq!(connection["options"]["passwordPolicy"], "good");
    assert_eq!(connection["realms"], json!(["Staff"]));
    assert_eq!(connection["enabled_clients"], json!([]));
    app.api("POST", "/connections", body).await.expect(409);
    let found = app.manage("GET", "/connections?name=Staff&strategy=auth0", Value::Null).await;
    assert_eq!(found.as_array().unwrap().len(), 1);
    for bad in [
        json!({"name": "no spaces", "strategy": "auth0"}),
        json!({"name": "Staff2", "strategy": "nonsense"}),
        json!({"name": "Staff2", "strategy": "auth0", "options": {"passwordPolicy": "strongest"}}),
        json!({"name": "Staff2", "strategy": "auth0", "options": {"disable_signup": "true"}}),
    ] {
        app.api("POST", "/connections", bad).await.expect(400);
    }
}

/// A setting that cannot be read must never turn into the laxer default.
#[tokio::test]
async fn null_settings_do_not_open_sign_up() {
    let app = TestApp::new().await;
    let body = json!({"name": "Staff", "strategy": "auth0", "options": {"disable_signup": true, "passwordPolicy": null}});
    let connection = app.manage("POST", "/connections", body).await;
    let stored = app.app.catalog.snapshot(TENANT).await.unwrap();
    let stored = stored.connection(connection["id"].as_str().unwrap()).unwrap().settings();
    assert!(stored.disable_signup);
}

#[tokio::test]
async fn who_may_use_it() {
    let app = TestApp::new().await;
    let body = json!({"name": "Staff", "strategy": "auth0"});
    let connection = app.manage("POST", "/connections", body).await;
    let path = format!("/connections/{}/clients", connection["id"].as_str().unwrap());
    let web = app.clients.web.client_id.clone();
    app.api("PATCH", &path, json!([{"client_id": web, "status": true}])).await.expect(204);
    assert_eq!(app.manage("GET", &path, Value::Null).await, json!({"clients": [{"client_id": web}]}));
    app.api("PATCH", &path, json!([{"client_id": web, "status": false}])).await.expect(204);
    assert_eq!(app.manage("GET", &path, Value::Null).await, json!({"clients": []}));
    app.api("PATCH", &path, json!([{"client_id": "nobody", "status": true}])).await.expect(404);
}

#[tokio::test]
async fn its_users_go_with_it() {
    for app in engines().await {
        let token = app.management_token().await;
        let staff = app.manage("POST", "/connections", json!({"name": "Staff", "strategy": "auth0"})).await;
        let body =
            json!({"connection": "Staff", "email": "clerk@example.com", "password": "Correct-Horse-7"});
        let clerk = app.manage("POST", "/users", body).await;
        let path = format!("/connections/{}", staff["id"].as_str().unwrap());
        let gone = app.api_as(&token, "DELETE", &path, Value::Null).await.expect(202).json();
        assert!(gone["deleted_at"].is_string());
        let clerk = segment(clerk["user_id"].as_str().unwrap());
        app.api_as(&token, "GET", &format!("/users/{clerk}"), Value::Null).await.expect(404);
        app.jane().await;
        app.api_as(&token, "DELETE", &path, Value::Null).await.expect(204);
    }
}

#[tokio::test]
async fn a_user_by_address() {
    let app = TestApp::new().await;
    let all = app.manage("GET", &format!("/connections?name={CONNECTION}"), Value::Null).await;
    let path = format!("/connections/{}/users", all[0]["id"].as_str().unwrap());
    app.api("DELETE", &path, Value::Null).await.expect(400);
    app.api("DELETE", &format!("{path}?email=nobody@example.com"), Value::Null).await.expect(204);
    app.jane().await;
    app.api("DELETE", &format!("{path}?email=Jane@example.com"), Value::Null).await.expect(204);
    let found = app.manage("GET", "/users-by-email?email=jane@example.com", Value::Null).await;
    assert_eq!(found, json!([]));
}
