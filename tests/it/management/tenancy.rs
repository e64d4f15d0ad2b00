//! Another tenant's objects do not exist (security case 18).

use chancery_store::{Change, Kind, NewUser, Tenant};
use serde_json::{Value, json};

use crate::support::*;

#[tokio::test]
async fn another_tenants_objects_are_not_found() {
    let app = TestApp::new().await;
    let store = &app.app.store;
    let other = Tenant { id: "other".to_owned(), origins: vec!["https://other.example".to_owned()] };
    store.create_tenant(&other).await.unwrap();
    let documents = [
        (Kind::Role, "rol_0000000000000000", json!({"id": "rol_0000000000000000", "name": "Theirs"})),
        (
            Kind::Api,
            "0123456789abcdef01234567",
            json!({"id": "0123456789abcdef01234567", "identifier": "https://theirs"}),
        ),
        (Kind::Client, "theirs", json!({"client_id": "theirs", "name": "Theirs"})),
        (
            Kind::Connection,
            "con_0000000000000000",
            json!({"id": "con_0000000000000000", "name": "Theirs", "strategy": "auth0"}),
        ),
        (
            Kind::ClientGrant,
            "cgr_0000000000000000",
            json!({"id": "cgr_0000000000000000", "client_id": "theirs", "audience": "https://theirs", "subject_type": "client"}),
        ),
    ];
    let change = documents.iter().fold(Change::new("other"), |change, (kind, id, document)| {
        change.insert(*kind, id, None, document.to_string())
    });
    store.apply(change).await.unwrap();
    let user =
        serde_json::from_value(json!({"user_id": "auth0|theirs", "email": "them@example.com"})).unwrap();
    let new = NewUser { user, connection: "Theirs".to_owned(), password_hash: None };
    store.create_user("other", &new).await.unwrap();

    for path in [
        "/roles/rol_0000000000000000",
        "/roles/rol_0000000000000000/permissions",
        "/roles/rol_0000000000000000/users",
        "/resource-servers/0123456789abcdef01234567",
        "/resource-servers/https%3A%2F%2Ftheirs",
        "/clients/theirs",
        "/clients/theirs/credentials",
        "/connections/con_0000000000000000",
        "/client-grants/cgr_0000000000000000",
        "/users/auth0%7Ctheirs",
        "/users/auth0%7Ctheirs/roles",
        "/users/auth0%7Ctheirs/permissions",
        "/users/auth0%7Ctheirs/sessions",
    ] {
        app.api("GET", path, Value::Null).await.expect(404);
    }
    let found = app.manage("GET", "/users-by-email?email=them@example.com", Value::Null).await;
    assert_eq!(found, json!([]));
    for (path, body) in [
        ("/roles/rol_0000000000000000", json!({"name": "Ours now"})),
        ("/resource-servers/0123456789abcdef01234567", json!({"name": "Ours now"})),
        ("/clients/theirs", json!({"name": "Ours now"})),
        ("/users/auth0%7Ctheirs", json!({"name": "Ours now"})),
    ] {
        app.api("PATCH", path, body).await.expect(404);
    }
    for path in ["/clients/theirs", "/users/auth0%7Ctheirs", "/client-grants/cgr_0000000000000000"] {
        app.api("DELETE", path, Value::Null).await.expect(204);
    }
    assert!(store.user("other", "auth0|theirs").await.unwrap().is_some());
    assert!(store.doc("other", Kind::Client, "theirs").await.unwrap().is_some());
    assert!(store.doc("other", Kind::ClientGrant, "cgr_0000000000000000").await.unwrap().is_some());
}
