//! When the user is asked, what for, and what becomes of the answer (fact sheet 4).

use serde_json::{Value, json};

use crate::support::{API, Ask, Browser, JANE, TestApp, segment};

#[tokio::test]
async fn asked_once_and_again_for_more() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    browser.authorize(&app.ask("openid"), &JANE).await.get("code");
    let stored = grants(&app).await;
    assert_eq!(stored[0]["scope"], json!(["openid"]));
    let silent = |scope: &str| app.ask(scope).with("prompt", "none");
    browser.authorize(&silent("openid"), &JANE).await.get("code");
    let consent = browser.open(&app.ask("openid read:contacts")).await.expect(200);
    assert_eq!(consent.form().action, "/u/consent");
    let accepted = browser.submit(&consent, &[("action", "accept")]).await;
    assert!(browser.follow(accepted).await.location().unwrap().contains("code="));
    browser.authorize(&silent("openid read:contacts"), &JANE).await.get("code");
    browser.authorize(&silent("openid"), &JANE).await.get("code");
    let stored = grants(&app).await;
    assert_eq!((stored.len(), &stored[0]["scope"]), (1, &json!(["openid", "read:contacts"])));
    assert_eq!(stored[0]["clientID"], json!(app.clients.web.client_id));
    assert_eq!(stored[0]["audience"], json!(API));
}

#[tokio::test]
async fn declined() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    let landing = browser.decline(&app.ask("openid read:contacts")).await;
    landing.is_error("access_denied", "User did not authorize the request");
    assert_eq!(grants(&app).await, Vec::<Value>::new());
    let silent = app.ask("openid read:contacts").with("prompt", "none");
    browser.authorize(&silent, &JANE).await.is_error("consent_required", "Consent required");
}

#[tokio::test]
async fn forced() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    browser.authorize(&app.ask("openid"), &JANE).await.get("code");
    let page = browser.open(&app.ask("openid").with("prompt", "consent")).await.expect(200);
    assert_eq!(page.form().action, "/u/consent");
}

/// Signing in to a first-party application is no access to anything.
#[tokio::test]
async fn not_asked_without_an_api() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    let login = browser.open(&Ask::code(&app.clients.web.client_id, "openid profile")).await;
    assert!(browser.log_in(&login, &JANE).await.location().is_some());
}

#[tokio::test]
async fn skipped_where_the_api_says_so_but_not_on_loopback() {
    let app = TestApp::new().await;
    app.set_api(json!({ "skip_consent_for_verifiable_first_party_clients": true })).await;
    let mut browser = Browser::new(&app);
    let ask = app.ask("openid read:contacts offline_access");
    let login = browser.open(&ask).await;
    assert!(browser.log_in(&login, &JANE).await.location().is_some());
    let loopback = ask.with("redirect_uri", "http://localhost:3000/callback");
    let page = browser.open(&loopback).await.expect(200);
    assert_eq!(page.form().action, "/u/consent");
}

/// What is shown is what will be granted: what the user lacks or the API does not have is not asked for.
#[tokio::test]
async fn only_what_will_be_granted_is_shown() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    let login = browser.open(&app.ask("openid read:contacts delete:contacts read:nothing")).await;
    let consent = browser.log_in(&login, &JANE).await.expect(200);
    let text = consent.body.to_lowercase();
    assert!(text.contains("contacts") && text.contains("read"), "{}", consent.body);
    assert!(!text.contains("delete") && !text.contains("nothing"), "{}", consent.body);
    app.manage(
        "PATCH",
        "/tenants/settings",
        json!({ "flags": { "use_scope_descriptions_for_consent": true } }),
    )
    .await;
    let consent = browser.open(&app.ask("openid read:contacts")).await.expect(200);
    assert!(consent.body.contains("Read your contacts"), "{}", consent.body);
}

/// The form cannot ask for more than the page showed.
#[tokio::test]
async fn a_form_cannot_add_scopes() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    let login = browser.open(&app.ask("openid")).await;
    let consent = browser.log_in(&login, &JANE).await.expect(200);
    let typed = [("action", "accept"), ("scope", "openid read:contacts"), ("wanted", "read:contacts")];
    let done = browser.submit(&consent, &typed).await;
    browser.follow(done).await;
    assert_eq!(grants(&app).await[0]["scope"], json!(["openid"]));
}

async fn grants(app: &TestApp) -> Vec<Value> {
    let path = format!("/grants?user_id={}", segment(&app.jane().await));
    app.manage("GET", &path, Value::Null).await.as_array().unwrap().clone()
}
