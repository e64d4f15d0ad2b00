//! `/resource-servers`: defining an API and its scopes.

use serde_json::{Value, json};

use super::{api_path, escaped};
use crate::support::*;

const IDENTIFIER: &str = "https://orders.example/";

async fn made(app: &TestApp, more: Value) -> Value {
    let mut body = json!({"identifier": IDENTIFIER});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    app.manage("POST", "/resource-servers", body).await
}

#[tokio::test]
async fn a_new_one_has_these_defaults() {
    let app = TestApp::new().await;
    let answer = app.api("POST", "/resource-servers", json!({"identifier": IDENTIFIER})).await.expect(201);
    let mut body = answer.json();
    assert_eq!(body["id"].as_str().unwrap().len(), 24);
    body["id"] = "ID".into();
    insta::assert_snapshot!(body.to_string(), @r#"{"id":"ID","identifier":"https://orders.example/","allow_offline_access":false,"skip_consent_for_verifiable_first_party_clients":false,"subject_type_authorization":{"client":{"policy":"require_client_grant"},"user":{"policy":"allow_all"}},"token_lifetime":86400,"token_lifetime_for_web":7200,"signing_alg":"RS256"}"#);
    let again = app.api("POST", "/resource-servers", json!({"identifier": IDENTIFIER})).await;
    again.is_problem(409, Some("conflict"), "A resource server with the same identifier already exists.");
    // The slash at the end makes another API.
    app.api("POST", "/resource-servers", json!({"identifier": "https://orders.example"})).await.expect(201);
}

#[tokio::test]
async fn found_by_id_and_by_identifier_in_any_writing() {
    let app = TestApp::new().await;
    let api = made(&app, json!({})).await;
    for name in [
        api["id"].as_str().unwrap().to_owned(),
        escaped(IDENTIFIER),
        escaped(IDENTIFIER).replace('%', "%25"),
        IDENTIFIER.to_owned(),
    ] {
        let found = app.manage("GET", &format!("/resource-servers/{name}"), Value::Null).await;
        assert_eq!(found, api, "{name}");
    }
    for nobody in ["nope", "0123456789abcdef01234567"] {
        let answer = app.api("GET", &format!("/resource-servers/{nobody}"), Value::Null).await;
        answer.is_problem(404, Some("inexistent_resource_server"), "The resource server does not exist");
    }
}

#[tokio::test]
async fn null_clears_and_the_unsaid_stays() {
    let app = TestApp::new().await;
    let policy = json!({"user": {"policy": "deny_all"}, "client": {"policy": "deny_all"}});
    made(
        &app,
        json!({
            "consent_policy": "transactional-authorization-with-mfa",
            "enforce_policies": true,
            "subject_type_authorization": policy,
            "scopes": [{"value": "read:orders", "description": ""}, {"value": "write:orders"}],
        }),
    )
    .await;
    let path = format!("/resource-servers/{}", escaped(IDENTIFIER));
    let after = app.manage("PATCH", &path, json!({"consent_policy": null, "name": "Orders"})).await;
    assert!(after.get("consent_policy").is_none());
    assert_eq!(after["name"], "Orders");
    assert_eq!(after["enforce_policies"], true);
    assert_eq!(after["subject_type_authorization"], policy);
    assert_eq!(
        after["scopes"],
        json!([{"value": "read:orders", "description": ""}, {"value": "write:orders"}])
    );
    let emptied = app.manage("PATCH", &path, json!({"scopes": []})).await;
    assert_eq!(emptied["scopes"], json!([]));
    let answer = app.api("PATCH", &path, json!({"identifier": "https://other.example/"})).await;
    let message = "Payload validation error: 'Additional properties not allowed: identifier'.";
    answer.is_problem(400, Some("invalid_body"), message);
}

#[tokio::test]
async fn scopes_that_are_refused() {
    let app = TestApp::new().await;
    for scopes in [
        json!([{"value": "openid"}]),
        json!([{"value": "offline_access"}]),
        json!([{"value": "read orders"}]),
        json!([{"value": ""}]),
        json!([{"value": "a"}, {"value": "a"}]),
        json!([{"description": "no value"}]),
        json!([{"value": "x".repeat(281)}]),
        json!([{"value": "a", "kind": "b"}]),
    ] {
        let body = json!({"identifier": IDENTIFIER, "scopes": scopes});
        app.api("POST", "/resource-servers", body).await.expect(400);
    }
}

#[tokio::test]
async fn the_servers_own_names_are_reserved() {
    let app = TestApp::new().await;
    for identifier in
        [format!("{ISSUER}api/v2/"), format!("{ISSUER}userinfo"), "/api/v2/".to_owned(), "/x".to_owned()]
    {
        let answer = app.api("POST", "/resource-servers", json!({"identifier": identifier})).await;
        answer.is_problem(400, Some("invalid_body"), "The selected identifier is reserved.");
    }
}

#[tokio::test]
async fn the_management_api_shows_the_origin_called() {
    let app = TestApp::new().await;
    let identifier = format!("{ISSUER}api/v2/");
    let path = format!("/resource-servers/{}", escaped(&identifier));
    let api = app.manage("GET", &path, Value::Null).await;
    assert_eq!((&api["identifier"], &api["is_system"]), (&json!(identifier), &json!(true)));
    app.manage("PATCH", &path, json!({"token_lifetime": 3600})).await;
    for (method, body) in
        [("PATCH", json!({"scopes": []})), ("PATCH", json!({"name": "Mine"})), ("DELETE", Value::Null)]
    {
        app.api(method, &path, body).await.expect(400);
    }
}

/// What a removed scope leaves behind: nothing.
#[tokio::test]
async fn a_removed_scope_goes_from_everyone_who_held_it() {
    let app = TestApp::new().await;
    let jane = segment(&app.jane().await);
    let held =
        json!({"permissions": [{"resource_server_identifier": API, "permission_name": "delete:contacts"}]});
    app.manage("POST", &format!("/users/{jane}/permissions"), held).await;
    let grant = json!({
        "client_id": app.clients.web.client_id,
        "audience": API,
        "scope": ["read:contacts", "delete:contacts"],
    });
    let grant = app.manage("POST", "/client-grants", grant).await;
    let named = async |scope: &str| {
        let permissions = app.manage("GET", &format!("/users/{jane}/permissions"), Value::Null).await;
        permissions.as_array().unwrap().iter().any(|p| p["permission_name"] == scope)
    };
    assert!(named("delete:contacts").await && named("read:contacts").await);

    app.manage("PATCH", &api_path(), json!({"scopes": [{"value": "read:contacts"}]})).await;
    let after =
        app.manage("GET", &format!("/client-grants/{}", grant["id"].as_str().unwrap()), Value::Null).await;
    assert_eq!(after["scope"], json!(["read:contacts"]));
    // Back again, it is nobody's.
    let both = json!({"scopes": [{"value": "read:contacts"}, {"value": "delete:contacts"}]});
    app.manage("PATCH", &api_path(), both).await;
    assert!(named("read:contacts").await && !named("delete:contacts").await);
    for role in app.manage("GET", "/roles", Value::Null).await.as_array().unwrap() {
        let path = format!("/roles/{}/permissions", role["id"].as_str().unwrap());
        let permissions = app.manage("GET", &path, Value::Null).await;
        assert!(permissions.as_array().unwrap().iter().all(|p| p["permission_name"] != "delete:contacts"));
    }
}

#[tokio::test]
async fn a_deleted_api_takes_everything_with_it() {
    let app = TestApp::new().await;
    app.set_api(json!({"allow_offline_access": true})).await;
    let issued = app.sign_in("openid offline_access read:contacts").await;
    app.manage("DELETE", &api_path(), Value::Null).await;
    app.api("GET", &api_path(), Value::Null).await.expect(404);
    assert_eq!(app.manage("GET", &format!("/client-grants?audience={API}"), Value::Null).await, json!([]));
    assert_eq!(app.manage("GET", &format!("/grants?audience={API}"), Value::Null).await, json!([]));
    let jane = segment(&app.jane().await);
    assert_eq!(app.manage("GET", &format!("/users/{jane}/permissions"), Value::Null).await, json!([]));
    let token = issued["refresh_token"].as_str().expect("a refresh token");
    assert!(app.refresh(token, &[]).await.status.is_client_error());
}

#[tokio::test]
async fn the_secret_of_symmetric_apis() {
    let app = TestApp::new().await;
    let api = made(&app, json!({"signing_alg": "HS256"})).await;
    assert!(api["signing_secret"].as_str().unwrap().len() >= 16);
    let path = format!("/resource-servers/{}", api["id"].as_str().unwrap());
    app.api("PATCH", &path, json!({"signing_secret": "short"})).await.expect(400);
}

/// As private keys and the secrets of applications: the database does not have it, the wire does.
#[tokio::test]
async fn a_signing_secret_is_kept_sealed() {
    for app in engines().await {
        let given = "given-by-the-person-who-made-the-api";
        let api = made(&app, json!({"signing_alg": "HS256", "signing_secret": given})).await;
        assert_eq!(api["signing_secret"], given);
        assert!(api.get("sealed_signing_secret").is_none());
        let path = format!("/resource-servers/{}", api["id"].as_str().unwrap());
        assert_eq!(app.manage("GET", &path, Value::Null).await, api);
        let grant = json!({"client_id": app.clients.m2m.client_id, "audience": IDENTIFIER, "scope": []});
        app.manage("POST", "/client-grants", grant).await;
        signs_with(&app, given).await;
        let changed = "and-changed-by-somebody-else-later";
        let after = app.manage("PATCH", &path, json!({"signing_secret": changed})).await;
        assert_eq!(after["signing_secret"], changed);
        signs_with(&app, changed).await;
        let list = app.manage("GET", "/resource-servers", Value::Null).await;
        assert!(list.as_array().unwrap().contains(&after), "{list}");
        // Cleared it is made anew, since HS256 needs one.
        let made = app.manage("PATCH", &path, json!({"signing_secret": null})).await;
        let made = made["signing_secret"].as_str().unwrap();
        assert_eq!(made.len(), 32);
        signs_with(&app, made).await;
        let kept = app.at_rest().await;
        assert!(kept.contains(IDENTIFIER), "{}: the test looks in the right place", app.engine);
        for secret in [given, changed, made] {
            assert!(!kept.contains(secret), "{}: {secret} can be read in the database", app.engine);
        }
    }
}

async fn signs_with(app: &TestApp, secret: &str) {
    let own = [("client_id", app.clients.m2m.client_id.as_str()), ("client_secret", &app.m2m_secret())];
    let asked = [("grant_type", "client_credentials"), ("audience", IDENTIFIER)];
    let token = app.token(&[own, asked].concat()).await.expect(200).text("access_token");
    let key = chancery_jose::VerifyingKey::from_secret(secret.as_bytes()).unwrap();
    let unverified = chancery_jose::Unverified::parse(&token).unwrap();
    unverified.verify(&key, &[chancery_jose::Algorithm::HS256]).unwrap();
}
