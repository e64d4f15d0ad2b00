//! Collections of configuration that are kept: written, read, changed and gone; what is secret in them lies sealed.

use serde_json::{Value, json};

use crate::support::*;

/// Made, read, changed, listed, gone.
async fn lives(app: &TestApp, path: &str, status: u16, body: Value, change: Value) -> Value {
    let made = app.api("POST", path, body).await.expect(status).json();
    let one = format!("{path}/{}", made["id"].as_str().unwrap());
    assert_eq!(app.manage("GET", &one, Value::Null).await["id"], made["id"]);
    let after = app.manage("PATCH", &one, change.clone()).await;
    for (name, value) in change.as_object().unwrap() {
        assert_eq!(&after[name], value, "{path} {name}");
    }
    let list = app.manage("GET", path, Value::Null).await;
    let items = list.as_array().or_else(|| list.as_object()?.values().find_map(Value::as_array)).unwrap();
    assert_eq!(items.len(), 1, "{path}: {list}");
    app.api("DELETE", &one, Value::Null).await.expect(204);
    app.api("GET", &one, Value::Null).await.expect(404);
    made
}

#[tokio::test]
async fn each_is_made_read_changed_listed_and_gone() {
    let app = TestApp::new().await;
    let name = || json!({"name": "Newer"});
    let profile = json!({"name": "p", "user_attributes": {"email": {"description": "d", "label": "l", "profile_required": true, "auth0_mapping": "email"}}});
    let made = lives(&app, "/user-attribute-profiles", 201, profile, name()).await;
    assert_eq!(made["user_id"]["scim_mapping"], "externalId");
    let made = lives(&app, "/connection-profiles", 201, json!({"name": "c"}), name()).await;
    assert_eq!((&made["connection_config"], &made["strategy_overrides"]), (&json!({}), &Value::Null));
    lives(&app, "/flows", 201, json!({"name": "f"}), name()).await;
    let made = lives(&app, "/forms", 201, json!({"name": "f", "nodes": [], "messages": {}}), name()).await;
    assert_eq!((made.get("nodes"), &made["ending"]), (None, &json!({"resume_flow": true})));
    let made = lives(&app, "/self-service-profiles", 201, json!({"name": "s"}), name()).await;
    assert_eq!(made["user_attributes"], json!([]));
    let service = json!({"app_id": "HTTP", "name": "h", "setup": {"type": "BEARER", "token": "S3CRET"}});
    let made = lives(&app, "/flows/vault/connections", 201, service, name()).await;
    assert_eq!((&made["ready"], made.get("setup")), (&json!(true), None));
    let policy = json!({"name": "p", "priority": 1, "match": {"geo_country_codes": ["US"]}, "action": {"active_provider_id": "hcaptcha", "hcaptcha": {"site_key": "k", "secret": "S3CRET"}}});
    let made = lives(&app, "/attack-protection/captcha/policies", 201, policy, name()).await;
    assert_eq!(made["action"]["hcaptcha"], json!({"site_key": "k"}));
}

#[tokio::test]
async fn streams() {
    let app = TestApp::new().await;
    let datadog = json!({"name": "d", "type": "datadog", "sink": {"datadogApiKey": "S3CRET-1", "datadogRegion": "us"}, "pii_config": {"log_fields": ["email"]}});
    let made = app.api("POST", "/log-streams", datadog.clone()).await.expect(200).json();
    assert_eq!((&made["status"], &made["pii_config"]["method"]), (&json!("active"), &json!("hash")));
    assert_eq!(made["sink"]["datadogApiKey"], "S3CRET-1", "shown, as the wire does");
    let one = format!("/log-streams/{}", made["id"].as_str().unwrap());
    // What is sealed stays when something else changes, and goes with another sink.
    let after = app.manage("PATCH", &one, json!({"status": "paused", "isPriority": true})).await;
    assert_eq!(after["sink"], datadog["sink"]);
    assert_eq!(after["filters"], json!([{"type": "category", "name": "security"}]));
    app.api("PATCH", &one, json!({"sink": {"segmentWriteKey": "S3CRET-2"}})).await.expect(400);
    let mut foreign = datadog;
    foreign["type"] = "splunk".into();
    app.api("POST", "/log-streams", foreign).await.expect(400);

    let events = json!({"subscriptions": [{"event_type": "user.created"}], "destination": {"type": "webhook", "configuration": {"webhook_endpoint": "https://example.com/hook", "webhook_authorization": {"method": "bearer", "token": "S3CRET-3"}}}});
    let made = app.api("POST", "/event-streams", events).await.expect(201).json();
    let authorization = &made["destination"]["configuration"]["webhook_authorization"];
    assert_eq!((authorization, &made["status"]), (&json!({"method": "bearer"}), &json!("enabled")));
    let one = format!("/event-streams/{}", made["id"].as_str().unwrap());
    let none = app.manage("GET", &format!("{one}/deliveries"), Value::Null).await;
    assert_eq!(none, json!({"deliveries": []}));
    app.api("GET", "/event-streams/est_short", Value::Null).await.expect(400);

    app.manage("PUT", "/rules-configs/KEY", json!({"value": "S3CRET-4"})).await;
    assert_eq!(app.manage("GET", "/rules-configs", Value::Null).await, json!([{"key": "KEY"}]));
    app.api("PUT", "/rules-configs/no%20key", json!({"value": "v"})).await.expect(400);
    app.api("DELETE", "/rules-configs/KEY", Value::Null).await.expect(204);

    let duo = json!({"host": "h", "ikey": "i", "skey": "S3CRET-5"});
    app.manage("PUT", "/guardian/factors/duo/settings", duo.clone()).await;
    assert_eq!(app.manage("GET", "/guardian/factors/duo/settings", Value::Null).await, duo);
    app.manage("PATCH", "/guardian/factors/duo/settings", json!({"host": "other"})).await;
    let after = app.manage("GET", "/guardian/factors/duo/settings", Value::Null).await;
    assert_eq!((&after["skey"], &after["host"]), (&json!("S3CRET-5"), &json!("other")));

    for kind in chancery_store::Kind::ALL {
        for doc in app.app.store.docs_all(TENANT, kind).await.unwrap() {
            assert!(!doc.json.contains("S3CRET"), "{kind:?} lies open");
        }
    }
}

#[tokio::test]
async fn texts_of_self_service_go_with_their_profile() {
    let app = TestApp::new().await;
    let made = app.manage("POST", "/self-service-profiles", json!({"name": "s"})).await;
    let one = format!("/self-service-profiles/{}", made["id"].as_str().unwrap());
    let texts = format!("{one}/custom-text/en/get-started");
    assert_eq!(app.manage("GET", &texts, Value::Null).await, json!({}));
    let body = json!({"introduction": "Welcome"});
    assert_eq!(app.manage("PUT", &texts, body.clone()).await, body);
    assert_eq!(app.manage("GET", &texts, Value::Null).await, body);
    app.api("GET", &format!("{one}/custom-text/en/other"), Value::Null).await.expect(400);
    app.api("DELETE", &one, Value::Null).await.expect(204);
    app.api("GET", &texts, Value::Null).await.expect(404);
    let left = app.app.store.docs_all(TENANT, chancery_store::Kind::SelfServiceText).await.unwrap();
    assert!(left.is_empty());
}

/// D61: what seems to guard and does not is not kept.
#[tokio::test]
async fn access_lists_that_guard_nothing_are_not_active() {
    let app = TestApp::new().await;
    let list = |active: bool, managed: &str| json!({"description": "d", "active": active, "rule": {"action": {"block": true}, "scope": "tenant", "match": {"auth0_managed": [managed]}}});
    app.api("POST", "/network-acls", list(true, "auth0.low_reputation")).await.expect(400);
    app.api("POST", "/network-acls", list(false, "auth0.made_up")).await.expect(400);
    let made = app.api("POST", "/network-acls", list(false, "auth0.low_reputation")).await.expect(201).json();
    let one = format!("/network-acls/{}", made["id"].as_str().unwrap());
    app.api("PATCH", &one, json!({"active": true})).await.expect(400);
    app.api("PUT", &one, list(true, "auth0.low_reputation")).await.expect(400);
    assert_eq!(app.manage("PUT", &one, list(false, "auth0.icloud_relay_proxy")).await["id"], made["id"]);
    app.api("GET", "/network-acls/acl_short", Value::Null).await.expect(400);
    app.api("DELETE", &one, Value::Null).await.expect(200);
    app.api("DELETE", &one, Value::Null).await.expect(404);
}

#[tokio::test]
async fn keys_of_the_tenant() {
    let app = TestApp::new().await;
    app.api("GET", "/keys/custom-signing", Value::Null).await.expect(404);
    let key = json!({"kty": "EC", "crv": "P-256", "use": "sig", "kid": "k", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"});
    let keys = json!({"keys": [key]});
    assert_eq!(app.manage("PUT", "/keys/custom-signing", keys.clone()).await, keys);
    assert_eq!(app.manage("GET", "/keys/custom-signing", Value::Null).await, keys);
    let broken = json!({"keys": [{"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"}]});
    app.api("PUT", "/keys/custom-signing", broken).await.expect(400);
    app.api("DELETE", "/keys/custom-signing", Value::Null).await.expect(204);

    let root = json!({"type": "customer-provided-root-key"});
    let made = app.api("POST", "/keys/encryption", root).await.expect(201).json();
    assert_eq!((&made["state"], &made["parent_kid"]), (&json!("pre-activation"), &Value::Null));
    let one = format!("/keys/encryption/{}", made["kid"].as_str().unwrap());
    // Nothing would be sealed with it.
    app.api("POST", &one, json!({"wrapped_key": "x"})).await.expect(400);
    app.api("POST", "/keys/encryption/rekey", Value::Null).await.expect(400);
    app.api("DELETE", &one, Value::Null).await.expect(204);
    assert_eq!(app.manage("GET", &one, Value::Null).await["state"], "destroyed");

    let signed = json!({"name": "n", "alg": "hmac-sha256", "value": "S3CRET"});
    let made = app.api("POST", "/keys/network-acls", signed.clone()).await.expect(201).json();
    assert_eq!(made.get("value"), None);
    app.api("POST", "/keys/network-acls", signed).await.expect(409);
}
