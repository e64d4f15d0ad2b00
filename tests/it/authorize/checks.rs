//! What is wrong with a request, and whether the page or the application is told.

use serde_json::json;

use crate::support::{Answer, Ask, Browser, CALLBACK, Call, JANE, Landing, TestApp, unescape};

/// Status and text of the error page.
fn page(answer: &Answer) -> String {
    assert_eq!(answer.location(), None, "{answer:?}");
    let body = unescape(&answer.body);
    let text = body.split_once("<main").map_or(body.as_str(), |(_, main)| main);
    let mut shown = String::new();
    let mut inside = true;
    for c in text.chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            c if !inside => shown.push(c),
            _ => {}
        }
    }
    let words: Vec<&str> = shown.split_whitespace().collect();
    format!("{} {}", answer.status.as_u16(), words.join(" "))
}

#[tokio::test]
async fn before_the_callback_is_proven_the_page_says_it() {
    let app = TestApp::new().await;
    let ask = app.ask("openid");
    for (wrong, status, text) in [
        (ask.clone().without("client_id"), 400, "Missing required parameter: client_id"),
        (ask.clone().with("client_id", "nobody"), 400, "Unknown client: nobody"),
        (ask.clone().with("client_id", ""), 400, "Missing required parameter: client_id"),
        (
            ask.clone().with("redirect_uri", "https://evil.example"),
            403,
            "Callback URL mismatch. https://evil.example is not in the list of allowed callback URLs",
        ),
        (ask.clone().and("redirect_uri", CALLBACK), 400, "Parameter sent more than once: redirect_uri"),
        (ask.clone().without("response_type"), 400, "Missing required parameter: response_type"),
    ] {
        let shown = page(&app.get(&wrong.path()).await);
        assert!(shown.starts_with(&status.to_string()) && shown.contains(text), "{shown}");
    }
}

#[tokio::test]
async fn after_that_the_application_is_told() {
    let app = TestApp::new().await;
    let ask = app.ask("openid");
    for (name, value, error, text) in [
        ("response_type", "magic", "unsupported_response_type", "Unsupported response type: magic"),
        ("response_type", "code code", "unsupported_response_type", "Unsupported response type: code code"),
        ("response_type", "id_token", "invalid_request", "Missing required parameter: nonce"),
        ("response_mode", "carrier_pigeon", "invalid_request", "Unsupported response mode: carrier_pigeon"),
        (
            "audience",
            "https://nothing.example",
            "access_denied",
            "Service not found: https://nothing.example",
        ),
        (
            "audience",
            "https://contacts.example/api/",
            "access_denied",
            "Service not found: https://contacts.example/api/",
        ),
        ("audience", "auth.example/userinfo", "access_denied", "Service not found: auth.example/userinfo"),
        ("max_age", "soon", "invalid_request", "max_age must be a whole number of seconds"),
        ("max_age", "-1", "invalid_request", "max_age must be a whole number of seconds"),
        ("request", "x.y.z", "request_not_supported", "Parameter not supported: request"),
        ("request_uri", "urn:x", "request_uri_not_supported", "Parameter not supported: request_uri"),
        ("organization", "org_1", "invalid_request", "parameter organization is not allowed for this client"),
        (
            "code_challenge",
            "short",
            "invalid_request",
            "code_challenge must be 43 to 128 unreserved characters",
        ),
        ("id_token_hint", "x", "invalid_request", "id_token_hint is not an ID token of this application"),
        (
            "scope",
            "online_access offline_access",
            "invalid_request",
            "Cannot request both online_access and offline_access scopes",
        ),
    ] {
        let landing = Landing::of(&app.get(&ask.clone().with(name, value).path()).await);
        landing.is_error(error, text);
        assert_eq!(landing.url, CALLBACK);
        assert_eq!(landing.by, if value == "id_token" { '#' } else { '?' }, "{name}={value}");
    }
    Landing::of(&app.get(&ask.and("nonce", "1").and("nonce", "2").path()).await)
        .is_error("invalid_request", "Parameter sent more than once: nonce");
}

#[tokio::test]
async fn unknown_parameters_are_ignored() {
    let app = TestApp::new().await;
    let ask = app
        .ask("openid")
        .with("made_up", "x")
        .with("ext-mine", "y")
        .with("auth0Client", "eyJ")
        .with("display", "popup");
    Browser::new(&app).authorize(&ask, &JANE).await.get("code");
}

#[tokio::test]
async fn a_request_may_be_posted() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    let call =
        Call::post("/authorize").body("application/x-www-form-urlencoded", app.ask("openid").encoded());
    let answer = browser.send(call).await.expect(302);
    let login = browser.follow(answer).await;
    let landing = Landing::of(&browser.go_through(login, &JANE).await);
    app.redeem(&landing.get("code")).await.expect(200);
}

/// Without `redirect_uri` the first registered callback is meant, and the token request need not repeat it.
#[tokio::test]
async fn the_first_callback_is_the_default() {
    let app = TestApp::new().await;
    let landing = Browser::new(&app).authorize(&app.ask("openid").without("redirect_uri"), &JANE).await;
    assert_eq!(landing.url, CALLBACK);
    let grant = [("grant_type", "authorization_code"), ("code", &landing.get("code"))];
    app.web_token(&grant).await.expect(200);
    let code = app.code("openid").await;
    let grant = [("grant_type", "authorization_code"), ("code", code.as_str())];
    app.web_token(&grant).await.is_error(400, "invalid_request", "Missing required parameter: redirect_uri");
}

#[tokio::test]
async fn the_client_must_be_allowed_the_grant() {
    let app = TestApp::new().await;
    app.set_web(json!({ "grant_types": ["authorization_code"] })).await;
    for (kind, grant) in [("token", "implicit"), ("code token", "implicit")] {
        let ask = app.ask("openid").with("response_type", kind);
        Landing::of(&app.get(&ask.path()).await)
            .is_error("unauthorized_client", &format!("Grant type '{grant}' not allowed for the client."));
    }
    app.set_web(json!({ "grant_types": ["implicit"] })).await;
    Landing::of(&app.get(&app.ask("openid").path()).await)
        .is_error("unauthorized_client", "Grant type 'authorization_code' not allowed for the client.");
}

/// The placeholder for all applications is none.
#[tokio::test]
async fn the_global_client_signs_nobody_in() {
    let app = TestApp::new().await;
    let all = app.manage("GET", "/clients?is_global=true", serde_json::Value::Null).await;
    let id = all[0]["client_id"].as_str().unwrap();
    let shown = page(&app.get(&Ask::code(id, "openid").path()).await);
    assert!(shown.contains("Unknown client"), "{shown}");
}

/// Third-party applications in strict mode (fact sheet 1.11).
#[tokio::test]
async fn strict_third_parties_are_held_short() {
    let app = TestApp::new().await;
    let made = app
        .manage("POST", "/clients", json!({
            "name": "Stranger", "is_first_party": false, "third_party_security_mode": "strict", "app_type": "regular_web",
            "callbacks": ["https://stranger.example/cb"], "grant_types": ["authorization_code"],
        }))
        .await;
    let id = made["client_id"].as_str().unwrap();
    assert!(id.starts_with("tpc_"), "{id}");
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let ask = Ask::code(id, "read:contacts").with("redirect_uri", "https://stranger.example/cb");
    let ask = ask.with("audience", crate::support::API);
    let challenged = ask.clone().with("code_challenge", challenge).with("code_challenge_method", "S256");
    for (wrong, text) in [
        (ask, "Missing required parameter: code_challenge"),
        (challenged.clone().with("code_challenge_method", "plain"), "code_challenge_method must be S256"),
        (challenged.clone().with("made_up", "x"), "Parameter not allowed: made_up"),
        (
            challenged.clone().with("response_type", "id_token").with("nonce", "n"),
            "Unsupported response type: id_token",
        ),
        (challenged.clone(), "is not authorized to access resource server"),
    ] {
        let shown = page(&app.get(&wrong.path()).await);
        assert!(shown.starts_with("400") && shown.contains(text), "{shown}");
    }
    let grant = json!({ "client_id": id, "audience": crate::support::API, "scope": ["read:contacts"], "subject_type": "user" });
    app.manage("POST", "/client-grants", grant).await;
    let mut browser = Browser::new(&app);
    let login = browser.open(&challenged).await.expect(200);
    let consent = browser.log_in(&login, &JANE).await.expect(200);
    assert_eq!(consent.form().action, "/u/consent", "always asked");
}
