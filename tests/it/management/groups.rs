//! `/groups` before a directory has made any: every one that is named is missing, and whatever has groups has none. What
//! directories make is in `scim.rs`.

use serde_json::{Value, json};

use super::escaped;
use crate::support::*;

#[tokio::test]
async fn there_are_none() {
    let app = TestApp::new().await;
    let (group, role) =
        ("grp_1cu7hYRotxr9BYXXwLH14g", app.manage("POST", "/roles", json!({"name": "r"})).await);
    let role = role["id"].as_str().unwrap().to_owned();
    let organization = app.manage("POST", "/organizations", json!({"name": "acme"})).await;
    let organization = organization["id"].as_str().unwrap().to_owned();
    let jane = segment(&app.jane().await);
    assert_eq!(app.manage("GET", "/groups", Value::Null).await, json!([]));
    let roles = json!({"roles": [role]});
    for (method, path, body) in [
        ("GET", format!("/groups/{group}"), Value::Null),
        ("DELETE", format!("/groups/{group}"), Value::Null),
        ("GET", format!("/groups/{group}/members"), Value::Null),
        ("GET", format!("/groups/{group}/roles"), Value::Null),
        ("POST", format!("/groups/{group}/roles"), roles.clone()),
        ("DELETE", format!("/groups/{group}/roles"), roles.clone()),
        ("POST", format!("/roles/{role}/groups"), json!({"groups": [group]})),
        ("GET", format!("/organizations/{organization}/groups/{group}/roles"), Value::Null),
        ("POST", format!("/organizations/{organization}/groups/{group}/roles"), roles.clone()),
    ] {
        app.api(method, &path, body).await.is_problem(404, Some("inexistent_group"), "Group not found.");
    }
    app.api("POST", &format!("/groups/{group}/roles"), json!({})).await.expect(400);
    for path in [
        format!("/roles/{role}/groups"),
        format!("/users/{jane}/effective-roles/sources/groups?role_id={role}"),
        format!("/organizations/{organization}/groups"),
    ] {
        assert_eq!(app.manage("GET", &path, Value::Null).await, json!({"groups": []}));
    }
    for path in [
        "/roles/rol_none/groups".to_owned(),
        format!("/users/{jane}/effective-roles/sources/groups?role_id=rol_none"),
        format!("/organizations/org_none/groups/{group}/roles"),
    ] {
        app.api("GET", &path, Value::Null).await.expect(404);
    }
}

/// Which role gives a user a permission.
#[tokio::test]
async fn permissions_know_their_roles() {
    let app = TestApp::new().await;
    let role = app.manage("POST", "/roles", json!({"name": "Reader"})).await;
    let id = role["id"].as_str().unwrap();
    let jane = segment(&app.jane().await);
    let one =
        json!({"permissions": [{"resource_server_identifier": API, "permission_name": "read:contacts"}]});
    app.manage("POST", &format!("/roles/{id}/permissions"), one).await;
    let before = format!(
        "/users/{jane}/effective-permissions/sources/effective-roles?resource_server_identifier={}",
        escaped(API)
    );
    let ask = async |scope: &str| {
        app.manage("GET", &format!("{before}&permission_name={scope}"), Value::Null).await["roles"].clone()
    };
    let held_before = ask("read:contacts").await.as_array().unwrap().len();
    app.manage("POST", &format!("/users/{jane}/roles"), json!({"roles": [id]})).await;
    let roles = ask("read:contacts").await;
    assert_eq!(roles.as_array().unwrap().len(), held_before + 1);
    let found = roles.as_array().unwrap().iter().find(|role| role["id"] == id).unwrap();
    assert_eq!(found["sources"], json!(["direct"]));
    assert_eq!(ask("no:such").await, json!([]));
    let new =
        json!({"permissions": [{"resource_server_identifier": API, "permission_name": "delete:contacts"}]});
    app.manage("POST", &format!("/users/{jane}/permissions"), new).await;
    let path = format!("/users/{jane}/effective-permissions?resource_server_identifier={}", escaped(API));
    let held = app.manage("GET", &path, Value::Null).await;
    let sources = |scope: &str| {
        let all = held["permissions"].as_array().unwrap();
        all.iter().find(|one| one["permission_name"] == scope).map(|one| one["sources"].clone())
    };
    assert_eq!(sources("read:contacts").unwrap(), json!(["roles"]));
    assert!(sources("delete:contacts").unwrap().as_array().unwrap().contains(&json!("direct")));
}
