//! Passkeys: offered after a login with the password, then a login without one.

use chancery_core::second_factor::MULTI_FACTOR;
use serde_json::{Value, json};

use crate::security_keys::{is_page, send, turn_on};
use crate::support::{
    Answer, Authenticator, Browser, CONNECTION, Call, JANE, Landing, SAM, TestApp, engines, options, segment,
};

const OFFER: &str = "/u/passkey-enrollment";
pub(crate) const LOG_IN: &str = "/u/login/passkey";
const REFUSED: &str = "This passkey was not accepted";

async fn set(app: &TestApp, enabled: bool, passkey_options: Value) {
    let found = app.manage("GET", &format!("/connections?name={CONNECTION}"), Value::Null).await;
    let mut options = found[0]["options"].clone();
    options["authentication_methods"]["passkey"] = json!({"enabled": enabled});
    options["passkey_options"] = passkey_options;
    let path = format!("/connections/{}", found[0]["id"].as_str().unwrap());
    app.manage("PATCH", &path, json!({"options": options})).await;
}

pub(crate) async fn turn_on_passkeys(app: &TestApp) {
    set(app, true, json!({"challenge_ui": "both", "progressive_enrollment_enabled": true, "local_enrollment_enabled": true}))
        .await;
}

/// Jane logs in with her password and makes the passkey that she is offered.
pub(crate) async fn make(app: &TestApp, key: &mut Authenticator) -> Landing {
    let mut browser = Browser::new(app);
    let login = browser.open(&app.ask("openid")).await;
    let page = browser.log_in(&login, &JANE).await;
    is_page(&page, 200, OFFER);
    let response = key.create(&page);
    let next = send(&mut browser, &page, &response).await;
    Landing::of(&browser.go_through(next, &JANE).await)
}

/// Posts what an authenticator answered to a login page.
pub(crate) async fn show(browser: &mut Browser<'_>, login: &Answer, response: &str) -> Answer {
    let state = login.form().value("state");
    let answer = browser.post(LOG_IN, &[("state", &state), ("response", response)]).await;
    browser.follow(answer).await
}

#[tokio::test]
async fn made_after_a_login_and_enough_for_the_next() {
    for app in engines().await {
        let login = Browser::new(&app).open(&app.ask("openid")).await;
        assert!(!login.body.contains("data-webauthn") && !login.body.contains("webauthn\""), "off is off");
        turn_on_passkeys(&app).await;
        let mut key = Authenticator::new();
        let landing = make(&app, &mut key).await;
        let tokens = app.redeem(&landing.get("code")).await.expect(200);
        assert_eq!(app.verified(&tokens.text("id_token")).await.get("amr"), None, "a password alone");

        let mut browser = Browser::new(&app);
        let login = browser.open(&app.ask("openid")).await;
        assert!(login.body.contains("autocomplete=\"username webauthn\""));
        assert!(login.body.contains("Continue with a passkey"));
        let asked = options(&login);
        assert_eq!(
            (&asked["rpId"], &asked["userVerification"]),
            (&json!("auth.example"), &json!("required"))
        );
        assert_eq!(asked.get("allowCredentials"), None, "it names nobody");
        let next = show(&mut browser, &login, &key.get(&login)).await;
        let landing = Landing::of(&browser.go_through(next, &JANE).await);
        let tokens = app.redeem(&landing.get("code")).await.expect(200);
        let claims = app.verified(&tokens.text("id_token")).await;
        assert_eq!(claims["sub"], app.jane().await);
        // Two factors at once: enough for whoever asks for two.
        assert_eq!((&claims["amr"], &claims["acr"]), (&json!(["mfa"]), &json!(MULTI_FACTOR)));
        let stepped = app.ask("openid").and("acr_values", MULTI_FACTOR);
        assert!(!Landing::of(&browser.open(&stepped).await).get("code").is_empty());

        let user = segment(&app.jane().await);
        let methods = app.manage("GET", &format!("/users/{user}/authentication-methods"), Value::Null).await;
        let passkey = &methods[0];
        assert_eq!(
            (&passkey["type"], &passkey["credential_device_type"]),
            (&json!("passkey"), &json!("single_device"))
        );
        assert!(passkey["user_handle"].is_string() && passkey["aaguid"].is_string(), "{passkey}");
        assert_eq!(passkey.get("sign_count"), None);
        // It is gone when it is taken away.
        let one =
            format!("/users/{user}/authentication-methods/{}", segment(passkey["id"].as_str().unwrap()));
        app.api("DELETE", &one, Value::Null).await.expect(204);
        let mut browser = Browser::new(&app);
        let login = browser.open(&app.ask("openid")).await;
        let refused = show(&mut browser, &login, &key.get(&login)).await;
        is_page(&refused, 400, "/u/login");
        assert!(refused.body.contains(REFUSED));
    }
}

#[tokio::test]
async fn how_it_is_asked_for() {
    let app = TestApp::new().await;
    for (ui, fills_in, has_button) in
        [("both", true, true), ("autofill", true, false), ("button", false, true)]
    {
        set(&app, true, json!({"challenge_ui": ui, "progressive_enrollment_enabled": false})).await;
        let login = Browser::new(&app).open(&app.ask("openid")).await;
        let found = (login.body.contains(" data-fills-in"), login.body.contains("data-start"));
        assert_eq!(found, (fills_in, has_button), "{ui}");
        assert_eq!(login.body.contains("username webauthn"), fills_in, "{ui}");
    }
    // Nobody is offered one where that is off.
    let mut browser = Browser::new(&app);
    let login = browser.open(&app.ask("openid")).await;
    let next = browser.log_in(&login, &JANE).await;
    assert!(!Landing::of(&browser.go_through(next, &JANE).await).get("code").is_empty());
}

#[tokio::test]
async fn whoever_says_no_is_not_asked_for_a_while() {
    let app = TestApp::new().await;
    turn_on_passkeys(&app).await;
    let mut browser = Browser::new(&app);
    let login = browser.open(&app.ask("openid")).await;
    let page = browser.log_in(&login, &JANE).await;
    is_page(&page, 200, OFFER);
    assert!(!page.form().inputs.contains(&"code".to_owned()));
    let said = browser.submit(&page, &[("action", "skip")]).await;
    assert!(said.header("set-cookie").unwrap().starts_with("passkey_later=1; Path=/u/; Max-Age=2592000"));
    let next = browser.follow(said).await;
    assert!(!Landing::of(&browser.go_through(next, &JANE).await).get("code").is_empty());
    let login = browser.open(&app.ask("openid").and("prompt", "login")).await;
    let next = browser.log_in(&login, &JANE).await;
    assert!(!Landing::of(&browser.go_through(next, &JANE).await).get("code").is_empty());
}

#[tokio::test]
async fn whoever_came_with_another_machine_is_offered_one_of_this() {
    let app = TestApp::new().await;
    turn_on_passkeys(&app).await;
    let mut phone = Authenticator { is_roaming: true, ..Authenticator::new() };
    make(&app, &mut phone).await;
    app.clock.advance(60);
    let mut browser = Browser::new(&app);
    let login = browser.open(&app.ask("openid")).await;
    let page = show(&mut browser, &login, &phone.get(&login)).await;
    is_page(&page, 200, OFFER);
    let asked = options(&page);
    assert_eq!(asked["authenticatorSelection"]["authenticatorAttachment"], "platform");
    assert_eq!(asked["excludeCredentials"].as_array().unwrap().len(), 1);
    let mut laptop = Authenticator::new();
    let response = laptop.create(&page);
    send(&mut browser, &page, &response).await;
    assert_eq!(laptop.held[0].handle, phone.held[0].handle, "one account, one handle");
    let mut other = Browser::new(&app);
    let login = other.open(&app.ask("openid")).await;
    let next = show(&mut other, &login, &laptop.get(&login)).await;
    assert!(!Landing::of(&other.go_through(next, &JANE).await).get("code").is_empty());
}

/// Security cases 12, 13 and 22.
#[tokio::test]
async fn what_does_not_hold_is_refused() {
    let app = TestApp::new().await;
    turn_on_passkeys(&app).await;
    let mut key = Authenticator::new();
    make(&app, &mut key).await;
    type Bend = fn(&mut Authenticator);
    let bends: [(&str, Bend); 6] = [
        ("a suffix", |key| key.origin = "https://badauth.example".into()),
        ("without TLS", |key| key.origin = "http://auth.example".into()),
        ("not verified", |key| key.verifies = false),
        ("a counter that goes back", |key| key.count = 1),
        ("of another account", |key| key.held[0].handle = b"sam".to_vec()),
        ("of no account", |key| key.held[0].handle.clear()),
    ];
    for (what, bend) in bends {
        // Tries from one address are few.
        app.clock.advance(300);
        let mut browser = Browser::new(&app);
        let login = browser.open(&app.ask("openid")).await;
        let before = (key.origin.clone(), key.count, key.held[0].handle.clone());
        bend(&mut key);
        let response = key.get(&login);
        (key.origin, key.count, key.held[0].handle) = before;
        key.verifies = true;
        let refused = show(&mut browser, &login, &response).await;
        is_page(&refused, 400, "/u/login");
        assert!(refused.body.contains(REFUSED), "{what}");
        assert!(browser.session_cookie().is_none(), "{what}");
        assert_ne!(options(&refused)["challenge"], options(&login)["challenge"], "{what}");
        for response in [response.as_str(), "", "{}", "[]", "\u{0}"] {
            is_page(&show(&mut browser, &refused, response).await, 400, "/u/login");
        }
    }
    // What was signed for one browser is nothing in another, and nothing the second time.
    let mut browser = Browser::new(&app);
    let login = browser.open(&app.ask("openid")).await;
    let signed = key.get(&login);
    let mut thief = Browser::new(&app);
    let his = thief.open(&app.ask("openid")).await;
    is_page(&show(&mut thief, &his, &signed).await, 400, "/u/login");
    let state = login.form().value("state");
    thief.post(LOG_IN, &[("state", &state), ("response", &signed)]).await.expect(400);
    show(&mut browser, &login, &signed).await;
    assert!(browser.session_cookie().is_some());
    let mut again = Browser::new(&app);
    let login = again.open(&app.ask("openid")).await;
    is_page(&show(&mut again, &login, &signed).await, 400, "/u/login");
    assert!(again.session_cookie().is_none());
    // Off is off.
    set(&app, false, json!(null)).await;
    let mut browser = Browser::new(&app);
    let login = browser.open(&app.ask("openid")).await;
    let posted = show(&mut browser, &login, &signed).await;
    is_page(&posted, 200, "/u/login");
    assert!(browser.session_cookie().is_none());
}

#[tokio::test]
async fn blocked_users_stay_out() {
    let app = TestApp::new().await;
    turn_on_passkeys(&app).await;
    let mut key = Authenticator::new();
    make(&app, &mut key).await;
    app.manage("PATCH", &format!("/users/{}", segment(&app.jane().await)), json!({"blocked": true})).await;
    let mut browser = Browser::new(&app);
    let login = browser.open(&app.ask("openid")).await;
    let response = key.get(&login);
    let refused = show(&mut browser, &login, &response).await;
    is_page(&refused, 400, "/u/login");
    assert!(refused.body.contains("This account is blocked") && browser.session_cookie().is_none());
}

/// Whoever knows the password alone adds no passkey beside a factor that is there, whether or not it was asked for.
#[tokio::test]
async fn the_password_alone_makes_none_beside_a_factor() {
    let app = TestApp::new().await;
    turn_on_passkeys(&app).await;
    let user = segment(&app.jane().await);
    let secret = json!({"type": "totp", "totp_secret": "GEZDGNBVGY3TQOJQ"});
    app.manage("POST", &format!("/users/{user}/authentication-methods"), secret).await;
    let mut thief = Browser::new(&app);
    let login = thief.open(&app.ask("openid")).await;
    let next = thief.log_in(&login, &JANE).await;
    let landing = Landing::of(&thief.go_through(next, &JANE).await);
    assert!(!landing.get("code").is_empty(), "she is offered none");
    let methods = app.manage("GET", &format!("/users/{user}/authentication-methods"), Value::Null).await;
    assert_eq!(methods.as_array().unwrap().len(), 1);
    // And one who has a passkey is asked for it where a second factor is due.
    let mut key = Authenticator::new();
    let mut sam = Browser::new(&app);
    let login = sam.open(&app.ask("openid")).await;
    let page = sam.log_in(&login, &SAM).await;
    let response = key.create(&page);
    send(&mut sam, &page, &response).await;
    turn_on(&app, &["otp"], true).await;
    let mut thief = Browser::new(&app);
    let login = thief.open(&app.ask("openid")).await;
    let page = thief.log_in(&login, &SAM).await;
    is_page(&page, 200, crate::security_keys::SHOW);
    let response = key.get(&page);
    let next = send(&mut thief, &page, &response).await;
    assert!(!Landing::of(&thief.go_through(next, &SAM).await).get("code").is_empty());
}

/// Passkeys of elsewhere are taken along: `POST /users/{id}/authentication-methods` with what another server kept of them.
#[tokio::test]
async fn imported_ones_let_in() {
    let app = TestApp::new().await;
    turn_on_passkeys(&app).await;
    let mut key = Authenticator::new();
    make(&app, &mut key).await;
    let user = segment(&app.jane().await);
    let all = format!("/users/{user}/authentication-methods");
    let mut passkey = app.manage("GET", &all, Value::Null).await[0].clone();
    let sent = passkey.as_object_mut().unwrap();
    for name in ["id", "created_at", "confirmed", "last_auth_at"] {
        sent.remove(name);
    }
    sent.retain(|_, value| !value.is_null());
    app.api("POST", &all, passkey.clone()).await.expect(409);
    app.clock.advance(60);
    app.api("DELETE", &all, Value::Null).await.expect(204);
    let mut bad = passkey.clone();
    bad["public_key"] = "bm8ga2V5".into();
    app.api("POST", &all, bad).await.expect(400);
    app.manage("POST", &all, passkey.clone()).await;
    let sam = app.manage("GET", "/users-by-email?email=sam%40example.com", Value::Null).await;
    let of_sam = format!("/users/{}/authentication-methods", segment(sam[0]["user_id"].as_str().unwrap()));
    app.api("POST", &of_sam, passkey).await.expect(409);
    let mut browser = Browser::new(&app);
    let login = browser.open(&app.ask("openid")).await;
    let response = key.get(&login);
    let next = show(&mut browser, &login, &response).await;
    assert!(!Landing::of(&browser.go_through(next, &JANE).await).get("code").is_empty());
}

const KEYS: &str = "/u/account/keys";

/// Jane logs in to her own page with her passkey.
async fn own_page<'a>(app: &'a TestApp, key: &mut Authenticator) -> (Browser<'a>, Answer) {
    let mut browser = Browser::new(app);
    let answer = browser.get(KEYS).await;
    let login = browser.follow(answer).await;
    is_page(&login, 200, "/u/login");
    let response = key.get(&login);
    let back = show(&mut browser, &login, &response).await;
    assert_eq!(back.location(), Some("https://auth.example/u/account/keys"), "{back:?}");
    let page = browser.get(KEYS).await.expect(200);
    (browser, page)
}

#[tokio::test]
async fn users_name_and_remove_their_own() {
    for app in engines().await {
        turn_on_passkeys(&app).await;
        let mut key = Authenticator::new();
        make(&app, &mut key).await;
        let (mut browser, page) = own_page(&app, &mut key).await;
        assert!(page.body.contains(">Passkey<") && page.body.contains("Last used"), "{page:?}");
        let form = page.form();
        let (csrf, id) = (form.value("_csrf"), form.value("key"));
        // Neither without the proof, nor by another site, nor what is not hers.
        let named = [("key", id.as_str()), ("name", "Blue <b>"), ("action", "rename")];
        browser.post(KEYS, &named).await.expect(403);
        let with_proof = [&[("_csrf", csrf.as_str())], &named[..]].concat();
        let elsewhere = Call::post(KEYS).form(&with_proof).header("origin", "https://evil.example");
        browser.send(elsewhere).await.expect(403);
        browser.post(KEYS, &[("_csrf", &csrf), ("key", &id)]).await.expect(400);
        let other = [("_csrf", csrf.as_str()), ("key", "passkey|dev_AAAAAAAAAAAAAAAA"), ("action", "remove")];
        assert_eq!(browser.post(KEYS, &other).await.location(), Some(KEYS));
        browser.post(KEYS, &with_proof).await.expect(303);
        let page = browser.get(KEYS).await.expect(200);
        assert!(page.body.contains("Blue &#60;b&#62;") || page.body.contains("Blue &lt;b&gt;"), "{page:?}");
        let remove = [("_csrf", csrf.as_str()), ("key", id.as_str()), ("action", "remove")];
        browser.post(KEYS, &remove).await.expect(303);
        let page = browser.get(KEYS).await.expect(200);
        assert!(page.body.contains("You have no security keys, no passkeys"), "{page:?}");
        let user = segment(&app.jane().await);
        let methods = app.manage("GET", &format!("/users/{user}/authentication-methods"), Value::Null).await;
        assert_eq!(methods, json!([]));
    }
}

/// Whoever knows the password alone sees what there is, and takes nothing away.
#[tokio::test]
async fn the_password_alone_removes_none() {
    let app = TestApp::new().await;
    turn_on_passkeys(&app).await;
    let mut key = Authenticator::new();
    make(&app, &mut key).await;
    let (_, hers) = own_page(&app, &mut key).await;
    let id = hers.form().value("key");
    let mut thief = Browser::new(&app);
    let answer = thief.get(KEYS).await;
    let login = thief.follow(answer).await;
    thief.log_in(&login, &JANE).await;
    let page = thief.get(KEYS).await.expect(200);
    assert!(page.body.contains("log out and log in again with one of them") && !page.body.contains("<form "));
    for csrf in [hers.form().value("_csrf"), String::new()] {
        thief.post(KEYS, &[("_csrf", &csrf), ("key", &id), ("action", "remove")]).await.expect(403);
    }
    // Where there are second factors, the page asks for one first.
    turn_on(&app, &["otp"], false).await;
    let answer = thief.get(KEYS).await;
    let asked = thief.follow(answer).await;
    is_page(&asked, 200, crate::security_keys::SHOW);
    let response = key.get(&asked);
    let back = send(&mut thief, &asked, &response).await;
    assert_eq!(back.location(), Some("https://auth.example/u/account/keys"));
    assert!(thief.get(KEYS).await.expect(200).body.contains("<form "));
}
