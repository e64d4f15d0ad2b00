//! `/clients/cimd/*`: applications that describe themselves at a URL.

use serde_json::{Value, json};

use crate::support::*;

const PATH: &str = "/oauth/client.json";

fn description(publisher: &Publisher) -> Value {
    json!({
        "client_id": publisher.url(PATH),
        "client_name": "Agent",
        "redirect_uris": ["http://127.0.0.1/callback"],
        "logo_uri": "https://agent.example/logo.png",
        "grant_types": ["authorization_code", "refresh_token"],
    })
}

#[tokio::test]
async fn registered_and_renewed() {
    let publisher = Publisher::start().await;
    publisher.publish(PATH, description(&publisher));
    let app = TestApp::configured(publisher.config.clone()).await;
    let body = json!({"external_client_id": publisher.url(PATH)});

    let seen = app.api("POST", "/clients/cimd/preview", body.clone()).await.expect(200).json();
    assert_eq!(seen["validation"], json!({"valid": true, "violations": [], "warnings": []}));
    assert_eq!(seen["mapped_fields"]["name"], "Agent");
    assert_eq!(seen.get("client_id"), None);
    assert_eq!(
        app.manage("GET", "/clients?is_first_party=false", Value::Null).await,
        json!([]),
        "only looked at"
    );

    let made = app.api("POST", "/clients/cimd/register", body.clone()).await.expect(201).json();
    let id = made["client_id"].as_str().unwrap();
    let client = app.manage("GET", &format!("/clients/{id}"), Value::Null).await;
    assert!(id.starts_with("tpc_"), "a third party: {id}");
    for (name, value) in [
        ("name", json!("Agent")),
        ("is_first_party", json!(false)),
        ("app_type", json!("native")),
        ("callbacks", json!(["http://127.0.0.1/callback"])),
        ("grant_types", json!(["authorization_code", "refresh_token"])),
        ("token_endpoint_auth_method", json!("none")),
        ("external_client_id", json!(publisher.url(PATH))),
        ("external_metadata_type", json!("cimd")),
        ("external_metadata_created_by", json!("admin")),
    ] {
        assert_eq!(client[name], value, "{name}");
    }
    assert_eq!(client["refresh_token"]["rotation_type"], "rotating");

    let mut changed = description(&publisher);
    changed["client_name"] = "Renamed".into();
    changed.as_object_mut().unwrap().remove("logo_uri");
    publisher.publish(PATH, changed);
    let again = app.api("POST", "/clients/cimd/register", body.clone()).await.expect(200).json();
    assert_eq!(again["client_id"], id);
    let client = app.manage("GET", &format!("/clients/{id}"), Value::Null).await;
    assert_eq!((&client["name"], client.get("logo_uri")), (&json!("Renamed"), None));
    let found = format!("/clients?external_client_id={}", publisher.url(PATH));
    assert_eq!(app.manage("GET", &found, Value::Null).await[0]["client_id"], id);
    let seen = app.api("POST", "/clients/cimd/preview", body).await.expect(200).json();
    assert_eq!((&seen["client_id"], &seen["external_metadata_created_by"]), (&json!(id), &json!("admin")));

    for grown in [json!({"third_party_security_mode": "permissive"}), json!({"is_first_party": true})] {
        app.api("PATCH", &format!("/clients/{id}"), grown).await.expect(400);
    }
    let patch = json!({"name": "Kept apart"});
    app.api("PATCH", &format!("/clients/{id}"), patch).await.expect(200);
    app.api("DELETE", &format!("/clients/{id}"), Value::Null).await.expect(204);
}

#[tokio::test]
async fn keys_come_with_it() {
    let publisher = Publisher::start().await;
    let mut document = description(&publisher);
    document["token_endpoint_auth_method"] = "private_key_jwt".into();
    document["jwks_uri"] = publisher.url("/keys").into();
    publisher.publish(PATH, document);
    let app = TestApp::configured(publisher.config.clone()).await;
    let body = json!({"external_client_id": publisher.url(PATH)});
    let refused = app.api("POST", "/clients/cimd/register", body.clone()).await.expect(400).json();
    assert!(refused["message"].as_str().unwrap().contains("jwks_uri"), "{refused}");

    let keys = app.get("/.well-known/jwks.json").await.json();
    let mut keys = keys["keys"].as_array().unwrap().clone();
    let first = keys[0]["kid"].clone();
    keys.truncate(1);
    keys.push(json!({"kty": "oct", "k": "c2VjcmV0"}));
    publisher.publish("/keys", json!({"keys": keys}));
    let made = app.api("POST", "/clients/cimd/register", body.clone()).await.expect(201).json();
    assert_eq!(
        made["mapped_fields"]["client_authentication_methods"],
        json!({"private_key_jwt": {"credentials": [{"credential_type": "public_key", "kid": first, "alg": "RS256"}]}})
    );
    assert_eq!(made["validation"]["warnings"].as_array().unwrap().len(), 1, "{made}");
    let id = made["client_id"].as_str().unwrap();
    let listed = app.manage("GET", &format!("/clients/{id}/credentials"), Value::Null).await;
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["kid"]), (1, &first));

    publisher.publish(PATH, description(&publisher));
    app.api("POST", "/clients/cimd/register", body).await.expect(200);
    assert_eq!(app.manage("GET", &format!("/clients/{id}/credentials"), Value::Null).await, json!([]));
    let client = app.manage("GET", &format!("/clients/{id}"), Value::Null).await;
    assert_eq!(
        (&client["token_endpoint_auth_method"], client.get("client_authentication_methods")),
        (&json!("none"), None)
    );
}

#[tokio::test]
async fn what_cannot_be_applied() {
    let publisher = Publisher::start().await;
    let app = TestApp::configured(publisher.config.clone()).await;
    let url = publisher.url(PATH);
    let body = json!({"external_client_id": url});
    let register = |body: Value| app.api("POST", "/clients/cimd/register", body);
    let refused = register(body.clone()).await.expect(400).json();
    let begin = format!("The Client Metadata at {url} could not be retrieved");
    assert!(refused["message"].as_str().unwrap().starts_with(&begin), "{refused}");
    let seen = app.api("POST", "/clients/cimd/preview", body.clone()).await.expect(200).json();
    assert_eq!(seen, json!({"errors": ["the answer has status 404, not 200"]}));

    let mut foreign = description(&publisher);
    foreign["client_id"] = "https://agent.example/client.json".into();
    publisher.publish(PATH, foreign);
    let refused = register(body.clone()).await.expect(400).json();
    let begin = format!("The Client Metadata document at {url} cannot be applied: client_id");
    assert!(refused["message"].as_str().unwrap().starts_with(&begin), "{refused}");
    let seen = app.api("POST", "/clients/cimd/preview", body).await.expect(200).json();
    assert_eq!(seen["validation"]["valid"], false);

    for url in [
        "http://agent.example/a",
        "https://agent.example/",
        "https://AGENT.example/a",
        "https://u@agent.example/a",
    ] {
        register(json!({"external_client_id": url})).await.expect(400);
    }
    assert_eq!(app.manage("GET", "/clients?is_first_party=false", Value::Null).await, json!([]));
}

#[tokio::test]
async fn one_application_for_a_url() {
    let publisher = Publisher::start().await;
    publisher.publish(PATH, description(&publisher));
    let app = TestApp::configured(publisher.config.clone()).await;
    let token = app.management_token().await;
    let register = || {
        app.send(
            Call::post("/api/v2/clients/cimd/register")
                .bearer(&token)
                .json(&json!({"external_client_id": publisher.url(PATH)})),
        )
    };
    let (a, b, c, d) = tokio::join!(register(), register(), register(), register());
    let ids: Vec<Value> = [a, b, c, d].into_iter().map(|answer| answer.json()["client_id"].clone()).collect();
    assert!(ids.iter().all(|id| id.is_string() && *id == ids[0]), "{ids:?}");
    let all = app.manage("GET", "/clients?is_first_party=false", Value::Null).await;
    assert_eq!(all.as_array().unwrap().len(), 1);
}

/// Security case 7: whoever may write applications does not learn what stands in the server's own network.
#[tokio::test]
async fn inner_addresses_are_not_fetched() {
    let publisher = Publisher::start().await;
    publisher.publish(PATH, description(&publisher));
    let app = TestApp::new().await;
    for url in
        [publisher.url(PATH), "https://169.254.169.254/latest/meta-data".into(), "https://[::1]/a".into()]
    {
        let body = json!({"external_client_id": url});
        let seen = app.api("POST", "/clients/cimd/preview", body.clone()).await.expect(200).json();
        assert_eq!(seen, json!({"errors": ["its host is not one of the internet"]}), "{url}");
        app.api("POST", "/clients/cimd/register", body).await.expect(400);
    }
}
