//! What must not grow, last or come back without end.

use serde_json::{Value, json};

use crate::support::{API, Ask, Browser, Call, JANE, TestApp, segment};

/// Whether the link in the newest mail to Jane still opens the form for a new password.
async fn link_opens(app: &TestApp, ticket: &str) -> bool {
    app.send(Call::get(&format!("/u/reset-verify?ticket={ticket}"))).await.body.contains("password-repeat")
}

async fn reset_link(app: &TestApp) -> String {
    let body = json!({
        "client_id": app.clients.web.client_id, "connection": crate::support::CONNECTION, "email": JANE.email,
    });
    app.send(Call::post("/dbconnections/change_password").json(&body)).await.expect(200);
    app.mailed_ticket(JANE.email)
}

#[tokio::test]
async fn a_mailed_link_does_not_outlive_what_an_administrator_changes() {
    let app = TestApp::new().await;
    let path = format!("/users/{}", segment(&app.jane().await));
    for change in [
        json!({ "password": "Other-4-Somebody" }),
        json!({ "blocked": true }),
        json!({ "email": "jane@elsewhere.example" }),
    ] {
        let ticket = reset_link(&app).await;
        assert!(link_opens(&app, &ticket).await, "the test looks at the right page");
        app.manage("PATCH", &path, change.clone()).await;
        if change.get("blocked").is_some() {
            app.manage("PATCH", &path, json!({ "blocked": false })).await;
        }
        assert!(!link_opens(&app, &ticket).await, "{change}");
    }
}

#[tokio::test]
async fn metadata_ends_somewhere() {
    let app = TestApp::new().await;
    let path = format!("/api/v2/users/{}", segment(&app.jane().await));
    let ask = Ask::code(&app.clients.web.client_id, "openid update:current_user_metadata")
        .with("audience", &format!("{}api/v2/", crate::support::ISSUER));
    let code = Browser::new(&app).authorize(&ask, &JANE).await.get("code");
    let own = app.redeem(&code).await.expect(200).text("access_token");
    let administrator = app.management_token().await;
    let patch = |token: &str, key: &str, length: usize| {
        let body = json!({ "user_metadata": { key: "x".repeat(length) } });
        app.send(Call::new("PATCH", &path).bearer(token).json(&body))
    };
    patch(&own, "a", 10_000).await.expect(200);
    let refused = patch(&own, "b", 10_000).await.expect(400);
    assert!(refused.text("message").contains("maximum 16384"), "{refused:?}");
    let user = app.manage("GET", path.trim_start_matches("/api/v2"), Value::Null).await;
    assert!(user["user_metadata"].get("b").is_none(), "nothing half-written");
    patch(&administrator, "b", 900_000).await.expect(200);
    assert_eq!(patch(&administrator, "c", 900_000).await.status, 400);
    assert_eq!(patch(&own, "c", 1).await.status, 400, "one more is too much");
    patch(&own, "a", 9_000).await.expect(200);
}

#[tokio::test]
async fn an_api_defined_again_is_another_one() {
    let app = TestApp::new().await;
    let tokens = app.sign_in("openid offline_access read:contacts").await;
    let token = tokens["refresh_token"].as_str().unwrap();
    let api = app.manage("GET", &format!("/resource-servers/{}", segment_of(API)), Value::Null).await;
    app.manage("DELETE", &format!("/resource-servers/{}", segment_of(API)), Value::Null).await;
    let again = json!({ "identifier": API, "name": "Again", "scopes": api["scopes"] });
    app.manage("POST", "/resource-servers", again).await;
    app.refresh(token, &[]).await.is_error(403, "invalid_grant", "Unknown or invalid refresh token.");
}

#[tokio::test]
async fn a_scope_defined_again_is_agreed_to_again() {
    let app = TestApp::new().await;
    app.sign_in("openid read:contacts delete:contacts").await;
    let scopes =
        app.manage("GET", &format!("/resource-servers/{}", segment_of(API)), Value::Null).await["scopes"]
            .clone();
    let held = async || {
        let grants = app.manage("GET", "/grants", Value::Null).await;
        let all =
            grants.as_array().unwrap().iter().flat_map(|grant| grant["scope"].as_array().unwrap().clone());
        all.filter_map(|scope| scope.as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    assert!(held().await.iter().any(|scope| scope == "read:contacts"), "{:?}", held().await);
    app.set_api(json!({ "scopes": [{ "value": "delete:contacts" }] })).await;
    app.set_api(json!({ "scopes": scopes })).await;
    assert!(!held().await.iter().any(|scope| scope == "read:contacts"), "{:?}", held().await);
}

/// Nor do refresh tokens and codes from before give it back.
#[tokio::test]
async fn a_scope_defined_again_is_not_in_old_tokens() {
    let app = TestApp::new().await;
    // Otherwise the permission that went with the scope would hide it.
    app.set_api(json!({ "enforce_policies": false })).await;
    let tokens = app.sign_in("openid offline_access read:contacts delete:contacts").await;
    let token = tokens["refresh_token"].as_str().unwrap();
    let code = app.code("openid offline_access read:contacts delete:contacts").await;
    let given = async || app.refresh(token, &[]).await.expect(200).text("scope");
    assert!(given().await.contains("read:contacts"), "{}", given().await);
    let scopes = app.manage("GET", &format!("/resource-servers/{}", segment_of(API)), Value::Null).await;
    app.set_api(json!({ "scopes": [{ "value": "delete:contacts" }] })).await;
    app.set_api(json!({ "scopes": scopes["scopes"] })).await;
    let after = given().await;
    assert!(after.contains("delete:contacts") && !after.contains("read:contacts"), "{after}");
    assert_eq!(app.redeem(&code).await.status, 403);
}

#[tokio::test]
async fn lifetimes_have_bounds() {
    let app = TestApp::new().await;
    let token = app.management_token().await;
    let client = format!("/api/v2/clients/{}", app.clients.web.client_id);
    let refresh = |name: &str, value: Value| {
        let mut settings = json!({ "rotation_type": "rotating", "expiration_type": "expiring" });
        settings[name] = value;
        (client.clone(), json!({ "refresh_token": settings }))
    };
    let tenant = |name: &str, value: Value| ("/api/v2/tenants/settings".to_owned(), json!({ name: value }));
    let id_token =
        |value: Value| (client.clone(), json!({ "jwt_configuration": { "lifetime_in_seconds": value } }));
    let mut bad = Vec::new();
    for value in [json!(-10), json!(i64::MAX), json!(1e300), json!("1")] {
        for name in ["leeway", "token_lifetime", "idle_token_lifetime"] {
            bad.push(refresh(name, value.clone()));
        }
        for name in [
            "session_lifetime",
            "idle_session_lifetime",
            "ephemeral_session_lifetime",
            "idle_ephemeral_session_lifetime",
        ] {
            bad.push(tenant(name, value.clone()));
            bad.push(tenant(&format!("{name}_in_minutes"), value.clone()));
        }
        for name in ["token_lifetime", "token_lifetime_for_web", "token_lifetime_for_anonymous_access_tokens"]
        {
            bad.push((format!("/api/v2/resource-servers/{}", segment_of(API)), json!({ name: value })));
        }
        bad.push(id_token(value));
    }
    bad.push(tenant("session_lifetime", json!(0)));
    bad.push(tenant("session_lifetime", json!(8761)));
    bad.push(tenant("session_lifetime", json!(1.5)));
    bad.push(refresh("token_lifetime", json!(0)));
    bad.push(refresh("leeway", json!(157_788_001)));
    for (path, body) in bad {
        let answer = app.send(Call::new("PATCH", &path).bearer(&token).json(&body)).await;
        assert_eq!(answer.status, 400, "{body}: {answer:?}");
    }
    for (path, body) in [
        id_token(json!(600)),
        tenant("session_lifetime", json!(8760)),
        tenant("idle_session_lifetime", json!(1)),
    ] {
        app.send(Call::new("PATCH", &path).bearer(&token).json(&body)).await.expect(200);
    }
    app.sign_in("openid").await;
}

fn segment_of(identifier: &str) -> String {
    identifier.replace(':', "%3A").replace('/', "%2F")
}
