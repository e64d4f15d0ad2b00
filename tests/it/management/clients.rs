//! `/clients`: applications, their secrets and their keys.

use serde_json::{Value, json};

use crate::support::*;

#[tokio::test]
async fn a_new_one() {
    let app = TestApp::new().await;
    let client = app.api("POST", "/clients", json!({"name": "Shop"})).await.expect(201).json();
    assert_eq!(client["client_id"].as_str().unwrap().len(), 32);
    assert_eq!(client["client_secret"].as_str().unwrap().len(), 64);
    assert_eq!(client["oidc_conformant"], false);
    assert_eq!(client["is_first_party"], true);
    assert_eq!(client["jwt_configuration"], json!({"lifetime_in_seconds": 36000, "secret_encoded": false}));
    let grants = json!(["authorization_code", "implicit", "refresh_token", "client_credentials"]);
    assert_eq!(client["grant_types"], grants);
    assert!(client.get("secret").is_none() && client.get("credentials").is_none());
    let cert = client["signing_keys"][0]["cert"].as_str().unwrap();
    assert!(cert.starts_with("-----BEGIN CERTIFICATE-----\n"));
    let nobody = app.api("GET", "/clients/nobody", Value::Null).await;
    nobody.is_problem(404, Some("inexistent_client"), "The client does not exist");
}

/// What a kind of application gets by itself, and what a new tenant has for an application.
#[tokio::test]
async fn what_is_there_without_being_sent() {
    let app = TestApp::new().await;
    let body = json!({"name": "Express", "app_type": "express_configuration"});
    let client = app.api("POST", "/clients", body).await.expect(201).json();
    assert_eq!(client["organization_require_behavior"], "pre_login_prompt");
    assert_eq!(client["client_authentication_methods"], json!({"private_key_jwt": {"credentials": []}}));
    assert_eq!(client["callbacks"].as_array().unwrap().len(), 1);
    let wrong = json!({"name": "x", "my_organization_configuration": {"connection_profile_id": "cop_WRONG",
        "allowed_strategies": ["okta"], "connection_deletion_behavior": "allow"}});
    app.api("POST", "/clients", wrong).await.expect(400);

    let spa = json!({"name": "Spa", "app_type": "spa", "token_endpoint_auth_method": "none"});
    let spa = app.api("POST", "/clients", spa).await.expect(201).json();
    assert_eq!(spa["grant_types"], json!(["authorization_code", "implicit", "refresh_token"]));
    let tokens = &spa["refresh_token"];
    assert_eq!(
        (&tokens["rotation_type"], &tokens["token_lifetime"]),
        (&json!("rotating"), &json!(2_592_000))
    );
    let all = app.manage("GET", "/clients?is_global=false", Value::Null).await;
    let first = all.as_array().unwrap().iter().find(|client| client["name"] == "Default App").unwrap();
    assert_eq!((&first["callbacks"], &first["oidc_conformant"]), (&json!([]), &json!(true)));
    let path = format!("/clients/{}/connections", first["client_id"].as_str().unwrap());
    let connections = app.manage("GET", &path, Value::Null).await;
    assert_eq!(connections["connections"][0]["name"], CONNECTION);
    assert_eq!(connections["connections"][0].get("enabled_clients"), None);
}

#[tokio::test]
async fn strict_third_parties() {
    let app = TestApp::new().await;
    let client = app.manage("POST", "/clients", json!({"name": "Partner", "is_first_party": false})).await;
    let id = client["client_id"].as_str().unwrap();
    assert!(id.starts_with("tpc_") && id.len() == 26, "{id}");
    assert_eq!(client["third_party_security_mode"], "strict");
    assert_eq!(client["grant_types"], json!(["authorization_code"]));
    app.api("PATCH", &format!("/clients/{id}"), json!({"is_first_party": true})).await.expect(400);
}

#[tokio::test]
async fn the_secret_needs_a_scope_of_its_own() {
    let app = TestApp::new().await;
    let path = format!("/clients/{}", app.clients.web.client_id);
    let shown = app.manage("GET", &path, Value::Null).await;
    assert_eq!(shown["client_secret"], app.web_secret());
    let reader = app.token_with(&["read:clients"]).await;
    let shown = app.api_as(&reader, "GET", &path, Value::Null).await.expect(200).json();
    assert!(shown.get("client_secret").is_none() && shown["callbacks"].is_array());
    let summary = app.token_with(&["read:client_summary"]).await;
    let shown = app.api_as(&summary, "GET", &path, Value::Null).await.expect(200).json();
    assert!(shown.get("callbacks").is_none() && shown["name"].is_string());
    let list = app.api_as(&reader, "GET", "/clients", Value::Null).await.expect(200);
    assert!(!list.body.contains(&app.web_secret()));

    let writer = app.token_with(&["update:clients"]).await;
    let answer = app.api_as(&writer, "PATCH", &path, json!({"client_secret": "x".repeat(48)})).await;
    answer.expect(403);
    let keys = app.token_with(&["update:client_keys"]).await;
    app.api_as(&keys, "PATCH", &path, json!({"callbacks": []})).await.expect(403);
    app.api_as(&keys, "PATCH", &path, json!({"client_secret": "x".repeat(48)})).await.expect(200);
    let credentials = app.token_with(&["update:client_credentials"]).await;
    app.api_as(&credentials, "PATCH", &path, json!({"callbacks": []})).await.expect(403);
}

#[tokio::test]
async fn rotating_the_secret_stops_the_old_one_at_once() {
    let app = TestApp::new().await;
    let client = app.management_client();
    let id = client["client_id"].as_str().unwrap();
    let rotated = app.manage("POST", &format!("/clients/{id}/rotate-secret"), Value::Null).await;
    assert_ne!(rotated["client_secret"], client["client_secret"]);
    app.token_of(&rotated).await;
    let audience = format!("{ISSUER}api/v2/");
    let grant = [
        ("grant_type", "client_credentials"),
        ("client_id", id),
        ("client_secret", client["client_secret"].as_str().unwrap()),
        ("audience", audience.as_str()),
    ];
    app.token(&grant).await.expect(401);
}

#[tokio::test]
async fn patching() {
    let app = TestApp::new().await;
    let client = app
        .manage("POST", "/clients", json!({"name": "Shop", "client_metadata": {"a": "1", "b": "2"}}))
        .await;
    let path = format!("/clients/{}", client["client_id"].as_str().unwrap());
    let body = json!({
        "client_metadata": {"a": null, "c": "3"},
        "jwt_configuration": {"alg": "RS256"},
        "callbacks": ["https://shop.example/cb"],
        "initiate_login_uri": "https://shop.example/login",
    });
    let after = app.manage("PATCH", &path, body).await;
    assert_eq!(after["client_metadata"], json!({"b": "2", "c": "3"}));
    let jwt = json!({"lifetime_in_seconds": 36000, "secret_encoded": false, "alg": "RS256"});
    assert_eq!(after["jwt_configuration"], jwt);
    let after = app.manage("PATCH", &path, json!({"initiate_login_uri": null})).await;
    assert!(after.get("initiate_login_uri").is_none());
    assert_eq!(after["callbacks"], json!(["https://shop.example/cb"]));
    for body in [
        json!({}),
        json!({"name": ""}),
        json!({"name": "<b>"}),
        json!({"callbacks": ["javascript:alert(1)"]}),
        json!({"client_id": "x"}),
        json!({"secret": {"sha256": "", "sealed": ""}}),
        json!({"credentials": []}),
        json!({"nonsense": 1}),
        json!({"global": true}),
    ] {
        app.api("PATCH", &path, body).await.expect(400);
    }
}

#[tokio::test]
async fn credentials() {
    let app = TestApp::new().await;
    let pem = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEVs/o5+uQbTjL3chynL4wXgUg2R9\nq9UU8I5mEovUf86QZ7kOBIjJwqnzD1omageEHWwHdBO6B+dFabmdT9POxg==\n-----END PUBLIC KEY-----\n";
    let path = format!("/clients/{}", app.clients.m2m.client_id);
    let list = format!("{path}/credentials");
    let made =
        app.api("POST", &list, json!({"credential_type": "public_key", "pem": pem, "alg": "RS256"})).await;
    let credential = made.expect(201).json();
    let id = credential["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("cred_") && credential.get("pem").is_none());
    assert_eq!(credential["kid"].as_str().unwrap().len(), 43, "the RFC 7638 thumbprint");
    assert_eq!(app.manage("GET", &list, Value::Null).await, json!([credential]));

    let methods =
        json!({"client_authentication_methods": {"private_key_jwt": {"credentials": [{"id": id}]}}});
    let client = app.manage("PATCH", &path, methods.clone()).await;
    assert_eq!(client["client_authentication_methods"], methods["client_authentication_methods"]);
    assert!(client.get("token_endpoint_auth_method").is_none());
    let one = format!("{list}/{id}");
    let after = app.manage("PATCH", &one, json!({"expires_at": "2030-01-01T00:00:00.000Z"})).await;
    assert_eq!(after["expires_at"], "2030-01-01T00:00:00.000Z");
    // Saying nothing is no way to take the end away; `null` is.
    app.api("PATCH", &one, json!({})).await.expect(400);
    assert_eq!(app.manage("GET", &one, Value::Null).await["expires_at"], "2030-01-01T00:00:00.000Z");
    let endless = app.manage("PATCH", &one, json!({"expires_at": null})).await;
    assert_eq!(endless.get("expires_at"), None);

    // One way or the other: the one that was set last.
    let by_secret =
        app.manage("PATCH", &path, json!({"token_endpoint_auth_method": "client_secret_post"})).await;
    assert_eq!(by_secret["token_endpoint_auth_method"], "client_secret_post");
    assert!(by_secret.get("client_authentication_methods").is_none());
    app.manage("PATCH", &path, methods.clone()).await;

    let nobody = json!({"client_authentication_methods": {"private_key_jwt": {"credentials": [{"id": "cred_0123456789abcdef"}]}}});
    app.api("PATCH", &path, nobody).await.expect(404);
    app.api("POST", &list, json!({"credential_type": "public_key", "pem": "nonsense"})).await.expect(400);
    app.manage("DELETE", &one, Value::Null).await;
    app.api("GET", &one, Value::Null).await.expect(404);
    let client = app.manage("GET", &path, Value::Null).await;
    assert_eq!(
        client.pointer("/client_authentication_methods/private_key_jwt/credentials"),
        Some(&json!([]))
    );
}

#[tokio::test]
async fn a_deleted_application_holds_nothing() {
    let app = TestApp::new().await;
    app.set_api(json!({"allow_offline_access": true})).await;
    let issued = app.sign_in("openid offline_access read:contacts").await;
    let token = issued["refresh_token"].as_str().expect("a refresh token").to_owned();
    app.refresh(&token, &[]).await.expect(200);
    let jane = app.jane().await;
    let listed = async || {
        let path = format!("/users/{}/refresh-tokens", segment(&jane));
        app.manage("GET", &path, Value::Null).await["tokens"].as_array().unwrap().len()
    };
    assert_eq!(listed().await, 1);
    app.manage("DELETE", &format!("/clients/{}", app.clients.web.client_id), Value::Null).await;
    assert_eq!(listed().await, 0);
    assert_eq!(app.manage("GET", "/grants", Value::Null).await, json!([]));
    app.api("DELETE", &format!("/clients/{}", app.clients.web.client_id), Value::Null).await.expect(204);
}
