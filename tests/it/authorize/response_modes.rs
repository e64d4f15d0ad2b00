//! Seven response types, four ways to deliver them (fact sheet 2.2).

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::json;

use crate::support::{API, Browser, CALLBACK, JANE, Landing, TestApp, unescape};

#[tokio::test]
async fn what_each_response_type_brings() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    let ask = app.ask("openid read:contacts offline_access").with("nonce", "n-1");
    for (kind, by, names) in [
        ("code", '?', "code state iss"),
        ("token", '#', "access_token expires_in token_type scope state iss"),
        ("id_token", '#', "id_token state iss"),
        ("id_token token", '#', "access_token expires_in token_type scope id_token state iss"),
        ("token id_token", '#', "access_token expires_in token_type scope id_token state iss"),
        ("code id_token", '#', "id_token code state iss"),
        ("code token", '#', "access_token expires_in token_type scope code state iss"),
        ("code id_token token", '#', "access_token expires_in token_type scope id_token code state iss"),
    ] {
        let landing = browser.authorize(&ask.clone().with("response_type", kind), &JANE).await;
        assert_eq!((landing.url.as_str(), landing.by), (CALLBACK, by), "{kind}");
        assert_eq!(landing.names().join(" "), names, "{kind}");
        assert_eq!(landing.get("state"), "xyz");
        let code = landing.find("code");
        if let Some(token) = landing.find("access_token") {
            let claims = app.verified(token).await;
            let offline = if code.is_some() { " offline_access" } else { "" };
            assert_eq!(claims["scope"], json!(format!("openid read:contacts{offline}")), "{kind}");
            assert_eq!(landing.get("expires_in"), "7200", "token_lifetime_for_web");
            assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 7200);
            assert!(claims.get("gty").is_none(), "{claims}");
        }
        if let Some(token) = landing.find("id_token") {
            let claims = app.verified(token).await;
            assert_eq!(claims["nonce"], "n-1");
            let half = |text: &str| {
                json!(BASE64_URL_SAFE_NO_PAD.encode(&chancery_jose::sha256(text.as_bytes())[..16]))
            };
            assert_eq!(claims.get("at_hash").cloned(), landing.find("access_token").map(half), "{kind}");
            assert_eq!(claims.get("c_hash").cloned(), code.map(half), "{kind}");
        }
        if let Some(code) = code {
            let tokens = app.redeem(code).await.expect(200).json();
            assert_eq!(tokens["expires_in"], 86_400, "{kind}");
            assert!(tokens["refresh_token"].is_string() && tokens["id_token"].is_string(), "{kind}");
        }
    }
}

#[tokio::test]
async fn tokens_never_travel_in_a_query() {
    let app = TestApp::new().await;
    for kind in ["token", "id_token", "code token", "code id_token"] {
        let ask =
            app.ask("openid").with("nonce", "n").with("response_type", kind).with("response_mode", "query");
        let landing = Landing::of(&app.get(&ask.path()).await);
        landing.is_error("invalid_request", "response_mode=query cannot carry tokens");
        assert_eq!(landing.by, '#');
    }
}

#[tokio::test]
async fn a_code_may_travel_in_a_fragment() {
    let app = TestApp::new().await;
    let landing =
        Browser::new(&app).authorize(&app.ask("openid").with("response_mode", "fragment"), &JANE).await;
    assert_eq!(landing.by, '#');
    app.redeem(&landing.get("code")).await.expect(200);
}

#[tokio::test]
async fn form_post() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    let ask = app.ask("openid").with("response_mode", "form_post").with("nonce", "n");
    let page = browser.open(&ask.clone().with("response_type", "code id_token")).await;
    let page = browser.go_through(page, &JANE).await.expect(200);
    let form = page.form();
    assert_eq!(form.action, CALLBACK);
    let names: Vec<&str> = form.hidden.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["id_token", "code", "state", "iss"]);
    app.redeem(&form.value("code")).await.expect(200);
    let error = browser
        .get(&ask.with("prompt", "none").with("audience", "https://nothing.example").path())
        .await
        .expect(200);
    assert_eq!(error.form().value("error"), "access_denied");
}

#[tokio::test]
async fn web_message() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    let ask =
        crate::support::Ask::code(&app.clients.spa.client_id, "openid read:contacts").with("audience", API);
    browser.authorize(&ask, &JANE).await.get("code");
    let silent = ask
        .with("prompt", "none")
        .with("response_mode", "web_message")
        .with("redirect_uri", "http://localhost:3000");
    let page = browser.get(&silent.path()).await.expect(200);
    let body = unescape(&page.body);
    assert!(body.contains("data-target-origin=\"http://localhost:3000\""), "{body}");
    assert!(body.contains("\"code\":") && body.contains("\"state\":\"xyz\""), "{body}");
    assert!(page.header("x-frame-options").is_none(), "applications frame it");
    let error = Browser::new(&app).get(&silent.path()).await.expect(200);
    assert!(unescape(&error.body).contains("\"error\":\"login_required\""), "{}", error.body);
}

/// A custom scheme has no window to post to. Client and redirect URI hold, so the error goes to the application, in the
/// mode that the response type has by itself (fact sheet 2.8).
#[tokio::test]
async fn web_message_to_a_custom_scheme_is_refused_at_the_application() {
    let app = TestApp::new().await;
    app.set_web(json!({ "callbacks": ["com.example.app://callback"] })).await;
    let ask = app
        .ask("openid")
        .with("redirect_uri", "com.example.app://callback")
        .with("response_mode", "web_message")
        .with("prompt", "none")
        .with("nonce", "n");
    let text = "response_mode=web_message needs an http or https redirect_uri";
    for (kind, by) in [("code", '?'), ("id_token", '#'), ("code id_token token", '#')] {
        let landing = Landing::of(&app.get(&ask.clone().with("response_type", kind).path()).await);
        assert_eq!((landing.url.as_str(), landing.by), ("com.example.app://callback", by), "{kind}");
        landing.is_error("invalid_request", text);
        assert_eq!(landing.get("state"), "xyz", "{kind}");
    }
}

/// What is in a callback's query stays there.
#[tokio::test]
async fn a_callback_with_a_query() {
    let app = TestApp::new().await;
    app.set_web(json!({ "callbacks": ["https://app.example/cb?tenant=1"] })).await;
    let ask =
        app.ask("openid").with("redirect_uri", "https://app.example/cb?tenant=1").with("prompt", "none");
    let answer = app.get(&ask.path()).await;
    assert!(answer.location().unwrap().starts_with("https://app.example/cb?tenant=1&error=login_required&"));
}

#[tokio::test]
async fn state_is_echoed_byte_for_byte_or_not_at_all() {
    let app = TestApp::new().await;
    for state in ["a b+c&d=e#f/?%20", "\u{fc}\u{1f600}", "<script>"] {
        let ask = app.ask("openid").with("state", state).with("prompt", "none");
        assert_eq!(Landing::of(&app.get(&ask.path()).await).get("state"), state);
    }
    let ask = app.ask("openid").without("state").with("prompt", "none");
    assert_eq!(Landing::of(&app.get(&ask.path()).await).find("state"), None);
}
