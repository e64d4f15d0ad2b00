//! Token exchange on behalf of a user (RFC 8693, fact sheet 6.3).

use chancery_core::Clock;
use serde_json::{Value, json};

use crate::support::{
    ACCESS_TOKEN, API, EXCHANGE, INVOICES, ISSUER, Middle, Prover, TestApp, decode, engines, segment,
};

async fn users_token(app: &TestApp) -> String {
    app.sign_in("openid read:contacts").await["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_api_calls_another_one() {
    for app in engines().await {
        let middle = Middle::new(&app).await;
        let token = users_token(&app).await;
        let answer =
            middle.exchange(&app, &token, INVOICES, "read:invoices write:invoices").await.expect(200);
        let said = answer.json();
        let members: Vec<&str> = said.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, ["access_token", "scope", "expires_in", "token_type", "issued_token_type"]);
        assert_eq!(said["issued_token_type"], ACCESS_TOKEN);
        assert_eq!((&said["token_type"], &said["scope"]), (&json!("Bearer"), &json!("read:invoices")));
        let claims = app.verified(&answer.text("access_token")).await;
        let now = app.clock.now();
        let expected = json!({
            "iss": ISSUER, "sub": app.jane().await, "aud": INVOICES, "iat": now, "exp": now + 86_400,
            "scope": "read:invoices", "azp": middle.client_id,
            "act": { "sub": middle.client_id, "act": { "sub": app.clients.web.client_id } },
        });
        assert_eq!(claims, expected);
    }
}

#[tokio::test]
async fn who_may_and_with_what() {
    let app = TestApp::new().await;
    let middle = Middle::new(&app).await;
    let token = users_token(&app).await;
    let not_allowed = format!("Grant type '{EXCHANGE}' not allowed for the client.");
    let secret = app.web_secret();
    let web = [
        ("grant_type", EXCHANGE),
        ("client_id", app.clients.web.client_id.as_str()),
        ("client_secret", &secret),
        ("subject_token", &token),
        ("subject_token_type", ACCESS_TOKEN),
        ("audience", INVOICES),
    ];
    app.token(&web).await.is_error(403, "unauthorized_client", &not_allowed);
    app.token(&middle.form(&token, &[])).await.is_error(
        400,
        "invalid_request",
        "Missing required parameter: audience",
    );
    for (name, value) in [("requested_token_type", "urn:x"), ("actor_token", "x"), ("actor_token_type", "x")]
    {
        let answer = app.token(&middle.form(&token, &[("audience", INVOICES), (name, value)])).await;
        assert_eq!(
            (answer.status.as_u16(), answer.text("error").as_str()),
            (400, "invalid_request"),
            "{name}"
        );
    }
    let text = "Service not found: urn:nothing";
    middle.exchange(&app, &token, "urn:nothing", "").await.is_error(403, "access_denied", text);
    let text = format!("Service not found: {ISSUER}userinfo");
    middle.exchange(&app, &token, &format!("{ISSUER}userinfo"), "").await.is_error(
        403,
        "access_denied",
        &text,
    );
    let custom = [
        ("grant_type", EXCHANGE),
        ("client_id", middle.client_id.as_str()),
        ("client_secret", &middle.client_secret),
        ("subject_token", "x"),
        ("subject_token_type", "urn:acme:legacy-token"),
    ];
    let text = "Unsupported subject_token_type: urn:acme:legacy-token";
    app.token(&custom).await.is_error(400, "invalid_request", text);
    // An administrator takes it back.
    app.set_client(
        &middle.client_id,
        json!({ "token_exchange": { "allow_any_profile_of_type": ["custom_authentication"] } }),
    )
    .await;
    middle.exchange(&app, &token, INVOICES, "").await.is_error(403, "unauthorized_client", &not_allowed);
    app.set_client(&middle.client_id, json!({ "token_exchange": null })).await;
    middle.exchange(&app, &token, INVOICES, "").await.is_error(403, "unauthorized_client", &not_allowed);
}

#[tokio::test]
async fn without_scopes_it_is_what_the_user_holds() {
    let app = TestApp::new().await;
    let middle = Middle::of(&app, API).await;
    let scopes = json!([{ "value": "read:invoices" }, { "value": "write:invoices" }]);
    app.manage(
        "POST",
        "/resource-servers",
        json!({ "identifier": INVOICES, "name": "Invoices", "scopes": scopes }),
    )
    .await;
    middle.grant(&app, json!(["read:invoices", "write:invoices"])).await;
    let token = users_token(&app).await;
    let answer = middle.exchange(&app, &token, INVOICES, "").await.expect(200);
    assert_eq!(answer.json().get("scope"), None, "nothing yet");
    let held = json!({ "permissions": [{ "resource_server_identifier": INVOICES, "permission_name": "write:invoices" }] });
    app.manage("POST", &format!("/users/{}/permissions", segment(&app.jane().await)), held).await;
    let answer = middle.exchange(&app, &token, INVOICES, "").await.expect(200);
    assert_eq!(answer.text("scope"), "write:invoices");
}

#[tokio::test]
async fn the_chain_tells_who_acted_and_ends() {
    let app = TestApp::new().await;
    let middle = Middle::new(&app).await;
    let mut behind = Vec::new();
    for number in 1..=4 {
        let identifier = format!("https://api-{number}.example");
        let api = json!({ "identifier": identifier, "name": identifier, "scopes": [{ "value": "go" }] });
        app.manage("POST", "/resource-servers", api).await;
        behind.push((Middle::of(&app, &identifier).await, identifier));
    }
    let chain = [
        (&middle, &behind[0].1),
        (&behind[0].0, &behind[1].1),
        (&behind[1].0, &behind[2].1),
        (&behind[2].0, &behind[3].1),
    ];
    let mut token = users_token(&app).await;
    for (client, next) in chain {
        let grant = json!({ "client_id": client.client_id, "audience": next, "scope": ["go"], "subject_type": "user" });
        app.manage("POST", "/client-grants", grant).await;
        token = client.exchange(&app, &token, next, "go").await.expect(200).text("access_token");
        assert_eq!(decode(&token).1["act"]["sub"], json!(client.client_id));
    }
    let grant = json!({ "client_id": behind[3].0.client_id, "audience": INVOICES, "scope": [], "subject_type": "user" });
    app.manage("POST", "/client-grants", grant).await;
    let text = "Delegation chain (`act` claim) depth exceeds the maximum allowed limit of 4";
    behind[3].0.exchange(&app, &token, INVOICES, "").await.is_error(400, "invalid_request", text);
}

/// However often it is exchanged, and whatever lifetime the APIs have: it ends when the first one ends.
#[tokio::test]
async fn nobody_outlives_the_first_token() {
    let app = TestApp::new().await;
    let middle = Middle::new(&app).await;
    let token = users_token(&app).await;
    let ends = decode(&token).1["exp"].as_i64().unwrap();
    app.clock.advance(86_000);
    let answer = middle.exchange(&app, &token, INVOICES, "read:invoices").await.expect(200);
    assert_eq!(answer.json()["expires_in"], 400);
    assert_eq!(decode(&answer.text("access_token")).1["exp"], json!(ends));
    app.clock.advance(400);
    let text = "The subject_token is not valid for this client";
    middle.exchange(&app, &token, INVOICES, "read:invoices").await.is_error(400, "invalid_request", text);
}

/// The API shows that it holds a key of its own; whose token it was sent with which key is between it and the first application.
#[tokio::test]
async fn bound_to_the_key_of_the_api() {
    let app = TestApp::new().await;
    let middle = Middle::new(&app).await;
    let (own, of_user) = (Prover::new(), Prover::new());
    let secret = app.web_secret();
    let code = app.code("openid read:contacts").await;
    let form = [
        ("client_id", app.clients.web.client_id.as_str()),
        ("client_secret", &secret),
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", crate::support::CALLBACK),
    ];
    let token = of_user.token(&app, &form).await.expect(200).text("access_token");
    let more = [("audience", INVOICES), ("scope", "read:invoices")];
    let answer = own.token(&app, &middle.form(&token, &more)).await.expect(200);
    assert_eq!(answer.text("token_type"), "DPoP");
    assert_eq!(decode(&answer.text("access_token")).1["cnf"], json!({ "jkt": own.jkt() }));
}

#[tokio::test]
async fn the_log_says_why() {
    let app = TestApp::new().await;
    let middle = Middle::new(&app).await;
    let token = users_token(&app).await;
    middle.exchange(&app, &token, INVOICES, "read:invoices").await.expect(200);
    app.app.logs.flush().await.unwrap();
    let found = app.manage("GET", "/logs?q=type%3Asuccess_on_behalf_of_token_exchange", Value::Null).await;
    assert_eq!(
        (&found[0]["client_id"], &found[0]["scope"]),
        (&json!(middle.client_id), &json!("read:invoices"))
    );
    assert!(!found.to_string().contains(&token), "a token is no matter for the log");
    middle.exchange(&app, &token, INVOICES, "x").await.expect(200);
    middle.exchange(&app, "a.b.c", INVOICES, "").await.expect(400);
    app.app.logs.flush().await.unwrap();
    let found = app.manage("GET", "/logs?q=type%3Afailed_on_behalf_of_token_exchange", Value::Null).await;
    assert_eq!(found.as_array().unwrap().len(), 1);
}
