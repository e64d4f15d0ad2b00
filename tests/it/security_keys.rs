//! Security keys as second factors: made at the first sign-in, asked for at the next, and what is refused.

use chancery_core::second_factor::MULTI_FACTOR;
use serde_json::{Value, json};

use crate::support::{Answer, Authenticator, Browser, JANE, Landing, TestApp, engines, options, segment};

pub(crate) const SHOW: &str = "/u/mfa-webauthn-challenge";
pub(crate) const MAKE: &str = "/u/mfa-webauthn-roaming-enrollment";
const MAKE_PLATFORM: &str = "/u/mfa-webauthn-platform-enrollment";
const MAKE_OTP: &str = "/u/mfa-otp-enrollment-qr";
const KEEP: &str = "/u/mfa-recovery-code-enrollment";

pub(crate) async fn turn_on(app: &TestApp, factors: &[&str], always: bool) {
    for factor in factors {
        app.manage("PUT", &format!("/guardian/factors/{factor}"), json!({"enabled": true})).await;
    }
    let policies = if always { json!(["all-applications"]) } else { json!([]) };
    app.manage("PUT", "/guardian/policies", policies).await;
}

#[track_caller]
pub(crate) fn is_page(answer: &Answer, status: u16, path: &str) {
    assert_eq!((answer.status.as_u16(), answer.form().action.as_str()), (status, path), "{answer:?}");
}

/// Sends on what an authenticator answered to a page.
pub(crate) async fn send(browser: &mut Browser<'_>, page: &Answer, response: &str) -> Answer {
    let form = page.form();
    let answer = browser.post(&form.action, &[("state", &form.value("state")), ("response", response)]).await;
    browser.follow(answer).await
}

/// Jane makes a key at her sign-in.
pub(crate) async fn enrol(app: &TestApp, key: &mut Authenticator) -> Answer {
    let mut browser = Browser::new(app);
    let login = browser.open(&app.ask("openid")).await;
    let page = browser.log_in(&login, &JANE).await;
    is_page(&page, 200, MAKE);
    let response = key.create(&page);
    send(&mut browser, &page, &response).await
}

/// A browser with Jane's password, and the page that asks for her key.
pub(crate) async fn asked(app: &TestApp) -> (Browser<'_>, Answer) {
    let mut browser = Browser::new(app);
    let login = browser.open(&app.ask("openid")).await;
    let page = browser.log_in(&login, &JANE).await;
    is_page(&page, 200, SHOW);
    (browser, page)
}

#[tokio::test]
async fn made_at_the_first_sign_in_and_asked_for_at_the_next() {
    for app in engines().await {
        turn_on(&app, &["webauthn-roaming", "recovery-code"], true).await;
        let mut key = Authenticator::new();
        let mut browser = Browser::new(&app);
        let login = browser.open(&app.ask("openid")).await;
        let page = browser.log_in(&login, &JANE).await;
        is_page(&page, 200, MAKE);
        let asked_for = options(&page);
        assert_eq!(asked_for["rp"]["id"], "auth.example");
        assert_eq!(asked_for["attestation"], "none");
        assert_eq!(asked_for["authenticatorSelection"]["authenticatorAttachment"], "cross-platform");
        assert!(!asked_for["user"]["id"].as_str().unwrap().contains(&app.jane().await));
        let again = browser.get(&format!("{MAKE}?state={}", page.form().value("state"))).await;
        assert_eq!(options(&again)["challenge"], asked_for["challenge"], "a page that is loaded again");
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
        let response = key.create(&page);
        let page = send(&mut browser, &page, &response).await;
        is_page(&page, 200, KEEP);
        let kept = browser.submit(&page, &[("saved", "yes"), ("action", "default")]).await;
        let next = browser.follow(kept).await;
        let landing = Landing::of(&browser.go_through(next, &JANE).await);
        let tokens = app.redeem(&landing.get("code")).await.expect(200);
        let claims = app.verified(&tokens.text("id_token")).await;
        assert_eq!((&claims["amr"], &claims["acr"]), (&json!(["mfa"]), &json!(MULTI_FACTOR)));

        let (mut other, page) = asked(&app).await;
        let shown = options(&page);
        assert_eq!(shown["allowCredentials"].as_array().unwrap().len(), 1);
        assert_eq!(
            (&shown["rpId"], &shown["userVerification"]),
            (&json!("auth.example"), &json!("preferred"))
        );
        let next = send(&mut other, &page, &key.get(&page)).await;
        assert!(!Landing::of(&other.go_through(next, &JANE).await).get("code").is_empty());

        let user = segment(&app.jane().await);
        let methods = app.manage("GET", &format!("/users/{user}/authentication-methods"), Value::Null).await;
        let of_key = methods.as_array().unwrap().iter().find(|m| m["type"] == "webauthn-roaming").unwrap();
        assert_eq!((&of_key["confirmed"], of_key.get("sign_count")), (&json!(true), None), "{of_key}");
        assert!(of_key["last_auth_at"].is_string() && of_key["key_id"].is_string(), "{of_key}");
        let enrolments = app.manage("GET", &format!("/users/{user}/enrollments"), Value::Null).await;
        assert_eq!(enrolments[0]["auth_method"], "webauthn-roaming");
        let one = format!("/users/{user}/authentication-methods/{}", segment(of_key["id"].as_str().unwrap()));
        app.api("DELETE", &one, Value::Null).await.expect(204);
        let mut browser = Browser::new(&app);
        let login = browser.open(&app.ask("openid")).await;
        is_page(&browser.log_in(&login, &JANE).await, 200, MAKE);
    }
}

/// Security cases 13 and 22, and section 7.2 of WebAuthn step by step.
#[tokio::test]
async fn what_does_not_hold_is_refused() {
    let app = TestApp::new().await;
    turn_on(&app, &["webauthn-roaming"], true).await;
    let mut key = Authenticator::new();
    enrol(&app, &mut key).await;
    type Bend = fn(&mut Authenticator);
    let bends: [(&str, Bend); 5] = [
        ("a suffix", |key| key.origin = "https://badauth.example".into()),
        ("a prefix", |key| key.origin = "https://auth.example.evil.test".into()),
        ("another port", |key| key.origin = "https://auth.example:8443".into()),
        ("a counter that stands", |key| key.count -= 1),
        ("a counter that goes back", |key| key.count = 1),
    ];
    for (n, (what, bend)) in bends.into_iter().enumerate() {
        // Tries that fail are few: see below.
        app.clock.advance(6000);
        let (mut browser, page) = asked(&app).await;
        key.count = 10 * u32::try_from(n + 1).unwrap();
        let good = key.get(&page);
        send(&mut browser, &page, &good).await;
        let (mut browser, page) = asked(&app).await;
        let (origin, count) = (key.origin.clone(), key.count);
        bend(&mut key);
        let bent = key.get(&page);
        (key.origin, key.count) = (origin, count);
        let refused = send(&mut browser, &page, &bent).await;
        is_page(&refused, 400, SHOW);
        assert!(refused.body.contains("This key was not accepted"), "{what}");
        assert_ne!(options(&refused)["challenge"], options(&page)["challenge"], "{what}: it was answered");
        // What was answered already, of another login, and garbage.
        for response in [good.as_str(), bent.as_str(), "", "{}", "\u{0}"] {
            is_page(&send(&mut browser, &refused, response).await, 400, SHOW);
        }
    }
    // Ten minutes, and not one second more.
    app.clock.advance(6000);
    let (mut browser, page) = asked(&app).await;
    app.clock.advance(600);
    let late = send(&mut browser, &page, &key.get(&page)).await;
    is_page(&late, 400, SHOW);
    send(&mut browser, &late, &key.get(&late)).await;
    app.app.logs.flush().await.unwrap();
    let failed =
        app.manage("GET", "/logs?q=type:gd_webauthn_challenge_failed&per_page=100", Value::Null).await;
    let copied = "Security key refused: the counter went back: the key may have been copied";
    assert!(failed.as_array().unwrap().iter().any(|event| event["description"] == copied), "{failed}");
}

#[tokio::test]
async fn tries_are_few() {
    let app = TestApp::new().await;
    turn_on(&app, &["webauthn-roaming"], true).await;
    let mut key = Authenticator::new();
    enrol(&app, &mut key).await;
    let (mut browser, mut page) = asked(&app).await;
    for _ in 0..8 {
        page = send(&mut browser, &page, "{}").await;
        is_page(&page, 400, SHOW);
    }
    let response = key.get(&page);
    is_page(&send(&mut browser, &page, &response).await, 429, SHOW);
}

/// Whoever knows the password alone makes no factor beside one that is there.
#[tokio::test]
async fn the_password_alone_makes_no_second_key() {
    let app = TestApp::new().await;
    turn_on(&app, &["webauthn-roaming", "webauthn-platform", "otp"], true).await;
    let mut browser = Browser::new(&app);
    let login = browser.open(&app.ask("openid")).await;
    let page = browser.log_in(&login, &JANE).await;
    is_page(&page, 200, MAKE_OTP);
    let state = page.form().value("state");
    assert!(page.body.contains(&format!("{MAKE}?state={state}")), "the other factors are one link away");
    assert!(page.body.contains(&format!("{MAKE_PLATFORM}?state={state}")));
    let page = browser.get(&format!("{MAKE}?state={state}")).await;
    let mut key = Authenticator::new();
    let response = key.create(&page);
    send(&mut browser, &page, &response).await;
    for path in [MAKE, MAKE_PLATFORM, MAKE_OTP] {
        let (mut thief, asked) = asked(&app).await;
        let state = asked.form().value("state");
        let shown = thief.get(&format!("{path}?state={state}")).await;
        is_page(&thief.follow(shown).await, 200, SHOW);
        let mut own = Authenticator::new();
        let made = own.create_as(&json!({"challenge": options(&asked)["challenge"], "rp": {"id": "auth.example"}, "user": {"id": ""}}), &[9; 16]);
        let posted = thief.post(path, &[("state", &state), ("response", &made), ("code", "123456")]).await;
        is_page(&thief.follow(posted).await, 200, SHOW);
    }
    let user = segment(&app.jane().await);
    let methods = app.manage("GET", &format!("/users/{user}/authentication-methods"), Value::Null).await;
    assert_eq!(methods.as_array().unwrap().len(), 1, "{methods}");
}

#[tokio::test]
async fn what_an_administrator_sets_holds() {
    let app = TestApp::new().await;
    turn_on(&app, &["webauthn-roaming"], true).await;
    let settings = "/guardian/factors/webauthn-roaming/settings";
    app.manage(
        "PUT",
        settings,
        json!({"userVerification": "required", "overrideRelyingParty": true, "relyingPartyIdentifier": "example"}),
    )
    .await;
    let mut browser = Browser::new(&app);
    let login = browser.open(&app.ask("openid")).await;
    let page = browser.log_in(&login, &JANE).await;
    let asked_for = options(&page);
    // No browser lets a page of a host be a whole top-level domain; nor do we.
    assert_eq!(asked_for["rp"]["id"], "auth.example");
    assert_eq!(asked_for["authenticatorSelection"]["userVerification"], "required");
    let mut key = Authenticator { verifies: false, ..Authenticator::new() };
    let response = key.create(&page);
    let page = send(&mut browser, &page, &response).await;
    is_page(&page, 400, MAKE);
    key.verifies = true;
    key.held.clear();
    let response = key.create(&page);
    send(&mut browser, &page, &response).await;
    let (mut browser, page) = asked(&app).await;
    key.verifies = false;
    let response = key.get(&page);
    is_page(&send(&mut browser, &page, &response).await, 400, SHOW);
    assert_eq!(app.manage("GET", settings, Value::Null).await["userVerification"], "required");
}

/// `/mfa/*` knows codes alone, and says what there is.
#[tokio::test]
async fn applications_with_their_own_login_are_told_of_keys() {
    let app = TestApp::new().await;
    turn_on(&app, &["webauthn-roaming"], true).await;
    app.set_web(json!({"grant_types": ["authorization_code", "password"]})).await;
    let typed = [("grant_type", "password"), ("username", JANE.email), ("password", JANE.password)];
    let told = app.web_token(&typed).await;
    assert_eq!(told.text("error"), "mfa_required");
    assert_eq!(told.json()["mfa_requirements"], json!({"enroll": []}));
    enrol(&app, &mut Authenticator::new()).await;
    let told = app.web_token(&typed).await;
    assert_eq!(told.json()["mfa_requirements"], json!({"challenge": [{"type": "webauthn-roaming"}]}));
}
