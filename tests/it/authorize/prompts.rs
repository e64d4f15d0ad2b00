//! `prompt`, `max_age`, `login_hint`, `screen_hint`, `id_token_hint` and silent authentication.

use serde_json::{Value, json};

use crate::support::{Ask, Browser, JANE, SAM, TestApp};

fn ask(app: &TestApp) -> Ask {
    Ask::code(&app.clients.web.client_id, "openid")
}

async fn claims(app: &TestApp, code: &str) -> Value {
    app.verified(&app.redeem(code).await.expect(200).text("id_token")).await
}

#[tokio::test]
async fn none_needs_a_session() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    let silent = ask(&app).with("prompt", "none");
    browser.authorize(&silent, &JANE).await.is_error("login_required", "Login required");
    browser.authorize(&ask(&app), &JANE).await.get("code");
    browser.authorize(&silent, &JANE).await.get("code");
    let both = ask(&app).with("prompt", "none login");
    assert_eq!(browser.authorize(&both, &JANE).await.get("error"), "invalid_request");
}

#[tokio::test]
async fn none_needs_consent() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    browser.authorize(&app.ask("openid"), &JANE).await.get("code");
    let silent = app.ask("openid read:contacts").with("prompt", "none");
    browser.authorize(&silent, &JANE).await.is_error("consent_required", "Consent required");
    browser.authorize(&app.ask("openid read:contacts"), &JANE).await.get("code");
    browser.authorize(&silent, &JANE).await.get("code");
    let forced = silent.with("prompt", "none consent");
    assert_ne!(browser.authorize(&forced, &JANE).await.find("error"), None);
}

#[tokio::test]
async fn login_asks_for_the_password_again() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    let code = browser.authorize(&ask(&app), &JANE).await.get("code");
    assert!(claims(&app, &code).await.get("auth_time").is_none(), "only when the request looked at it");
    app.clock.advance(60);
    let page = browser.open(&ask(&app).with("prompt", "login")).await.expect(200);
    assert_eq!(page.form().action, "/u/login");
    let landing = browser.go_through(page, &JANE).await;
    let code = crate::support::Landing::of(&landing).get("code");
    let claims = claims(&app, &code).await;
    assert_eq!(claims["auth_time"], claims["iat"]);
}

#[tokio::test]
async fn max_age_bounds_the_age_of_the_session() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    browser.authorize(&ask(&app), &JANE).await.get("code");
    app.clock.advance(100);
    let code =
        browser.authorize(&ask(&app).with("max_age", "100").with("prompt", "none"), &JANE).await.get("code");
    let claims = claims(&app, &code).await;
    assert_eq!(claims["auth_time"].as_i64().unwrap() + 100, claims["iat"].as_i64().unwrap());
    let young = ask(&app).with("max_age", "99");
    browser
        .authorize(&young.clone().with("prompt", "none"), &JANE)
        .await
        .is_error("login_required", "Login required");
    assert_eq!(browser.open(&young).await.form().action, "/u/login");
    assert_eq!(browser.open(&ask(&app).with("max_age", "0")).await.form().action, "/u/login");
}

#[tokio::test]
async fn select_account_shows_the_login_page() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    browser.authorize(&ask(&app), &JANE).await.get("code");
    let page = browser.open(&ask(&app).with("prompt", "select_account")).await.expect(200);
    let landing = browser.go_through(page, &SAM).await;
    let code = crate::support::Landing::of(&landing).get("code");
    assert_ne!(claims(&app, &code).await["sub"], json!(app.jane().await));
}

#[tokio::test]
async fn hints_fill_in_and_lead() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    let page = browser.open(&ask(&app).with("login_hint", "jane@example.com")).await;
    assert!(
        page.body.contains("value=\"jane@example.com\"")
            || page.body.contains("value=\"jane&#64;example.com\"")
    );
    assert_eq!(browser.open(&ask(&app).with("screen_hint", "signup")).await.form().action, "/u/signup");
    let reset = browser.open(&ask(&app).with("screen_hint", "reset-password")).await;
    assert_eq!(reset.form().action, "/u/reset-password");
    browser.authorize(&ask(&app), &JANE).await.get("code");
    // With a session, sign-up leads straight back.
    browser.authorize(&ask(&app).with("screen_hint", "signup"), &JANE).await.get("code");
    let anew = ask(&app).with("screen_hint", "signup").with("prompt", "login");
    assert_eq!(browser.open(&anew).await.form().action, "/u/signup");
}

/// A hint that nothing here can serve leads to where people sign in, not to an error that speaks of something else.
#[tokio::test]
async fn hints_that_lead_nowhere_lead_to_the_login_page() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    let connection = app.manage("GET", "/connections?strategy=auth0", Value::Null).await[0].clone();
    let path = format!("/connections/{}", connection["id"].as_str().unwrap());
    app.manage("PATCH", &path, json!({ "options": { "disable_signup": true } })).await;
    let page = browser.open(&ask(&app).with("screen_hint", "signup")).await.expect(200);
    assert_eq!(page.form().action, "/u/login");
    browser.post("/u/signup", &[("state", page.form().value("state").as_str())]).await.expect(400);

    // Where codes are mailed nobody has a password, to choose or to forget.
    let mailed =
        json!({ "name": "mail", "strategy": "email", "enabled_clients": [app.clients.web.client_id] });
    app.manage("POST", "/connections", mailed).await;
    app.manage("PATCH", &path, json!({ "is_domain_connection": false, "enabled_clients": [] })).await;
    let login = browser.open(&ask(&app)).await.expect(200).form().action;
    for hint in ["signup", "reset-password"] {
        let page = browser.open(&ask(&app).with("screen_hint", hint)).await.expect(200);
        assert_eq!(page.form().action, login, "{hint}");
    }
}

#[tokio::test]
async fn an_id_token_hint_names_the_user() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    let code = browser.authorize(&ask(&app), &JANE).await.get("code");
    let jane = app.redeem(&code).await.expect(200).text("id_token");
    let hinted = ask(&app).with("id_token_hint", &jane).with("prompt", "none");
    browser.authorize(&hinted, &JANE).await.get("code");
    // Expired is good enough: it names somebody, it proves nothing.
    app.clock.advance(36_001);
    browser.authorize(&hinted, &JANE).await.get("code");
    browser.authorize(&ask(&app).with("prompt", "login"), &SAM).await.get("code");
    browser.authorize(&hinted, &JANE).await.is_error("login_required", "Login required");
}

/// Somebody else could listen at a loopback callback: the user is asked, once in a transaction (fact sheet 2.9).
#[tokio::test]
async fn unverifiable_callbacks_are_confirmed() {
    let app = TestApp::new().await;
    let settings = json!({ "skip_non_verifiable_callback_uri_confirmation_prompt": false });
    app.manage("PATCH", "/tenants/settings", settings).await;
    let loopback = ask(&app).with("redirect_uri", "http://localhost:3000/callback");
    let mut browser = Browser::new(&app);
    let login = browser.open(&loopback).await;
    assert_eq!(login.form().action, "/u/login");
    let done = browser.log_in(&login, &JANE).await;
    assert!(
        done.location().unwrap().starts_with("http://localhost:3000/callback?code="),
        "a page was shown already"
    );
    let silent = browser.authorize(&loopback.clone().with("prompt", "none"), &JANE).await;
    silent.is_error("interaction_required", "Confirmation required");
    let confirm = browser.open(&loopback).await.expect(200);
    assert_eq!(confirm.form().action, "/u/confirm");
    let no = browser.submit(&confirm, &[("action", "decline")]).await;
    let no = crate::support::Landing::of(&browser.follow(no).await);
    no.is_error("access_denied", "User did not authorize the request");
    browser.authorize(&loopback, &JANE).await.get("code");
    app.set_web(json!({ "skip_non_verifiable_callback_uri_confirmation_prompt": true })).await;
    browser.authorize(&loopback.with("prompt", "none"), &JANE).await.get("code");
}

/// One browser, two applications: signed in once.
#[tokio::test]
async fn single_sign_on() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    browser.authorize(&ask(&app), &JANE).await.get("code");
    let spa = Ask::code(&app.clients.spa.client_id, "openid").with("prompt", "none");
    browser.authorize(&spa, &JANE).await.get("code");
}

#[tokio::test]
async fn blocked_users_are_sent_back_with_the_reason() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    browser.authorize(&ask(&app), &JANE).await.get("code");
    let login = Browser::new(&app).open(&ask(&app)).await;
    let path = format!("/users/{}", crate::support::segment(&app.jane().await));
    app.manage("PATCH", &path, json!({ "blocked": true })).await;
    let landing = browser.authorize(&ask(&app).with("prompt", "none"), &JANE).await;
    assert!(matches!(landing.get("error").as_str(), "unauthorized" | "login_required"), "{landing:?}");
    let mut other = Browser::new(&app);
    let page = other.open(&ask(&app)).await;
    let again = other.submit(&page, &[("username", JANE.email), ("password", JANE.password)]).await;
    assert_eq!((again.status.as_u16(), other.session_cookie()), (400, None));
    drop(login);
}
