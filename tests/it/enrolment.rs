//! Factors that are made outside of a sign-in: by a ticket of an administrator's, and on the user's own page.

use chancery_core::Clock;
use chancery_core::second_factor::{PERIOD, secret_bytes};
use chancery_jose::hotp;
use serde_json::{Value, json};

use crate::passkeys::{make, turn_on_passkeys};
use crate::security_keys::{self, is_page, turn_on};
use crate::support::{
    Answer, Authenticator, Browser, CONNECTION, Call, ISSUER, JANE, Landing, TestApp, engines, options,
    segment,
};

const MAKE_OTP: &str = "/u/mfa-otp-enrollment-qr";
const MAKE_KEY: &str = "/u/mfa-webauthn-roaming-enrollment";
const SHOW_KEY: &str = "/u/mfa-webauthn-challenge";
const SHOW_OTP: &str = "/u/mfa-otp-challenge";
const KEEP: &str = "/u/mfa-recovery-code-enrollment";
const ADD_PASSKEY: &str = "/u/passkey-creation";
const KEYS: &str = "/u/account/keys";
const DONE: &str = "Your account is secured";

/// A ticket for Jane: its link, without the host.
async fn ticket(app: &TestApp, changes: Value) -> String {
    let mut body = json!({"user_id": app.jane().await});
    body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    let made = app.manage("POST", "/guardian/enrollments/ticket", body).await;
    let url = made["ticket_url"].as_str().unwrap();
    let (_, secret) = url.split_once("/mfa/enrollment?ticket=").unwrap();
    assert_eq!(made["ticket_id"], secret);
    format!("/mfa/enrollment?ticket={secret}")
}

/// Goes on to a page of ours that is named in full, as an application's would be.
async fn land(browser: &mut Browser<'_>, answer: Answer) -> Answer {
    let answer = browser.follow(answer).await;
    let path = answer.location().and_then(|at| at.strip_prefix(ISSUER)).map(|path| format!("/{path}"));
    match path {
        Some(path) => browser.get(&path).await,
        None => answer,
    }
}

async fn follow(browser: &mut Browser<'_>, link: &str) -> Answer {
    let answer = browser.get(link).await;
    land(browser, answer).await
}

async fn send(browser: &mut Browser<'_>, page: &Answer, response: &str) -> Answer {
    let answer = security_keys::send(browser, page, response).await;
    land(browser, answer).await
}

fn text(page: &Answer, id: &str) -> String {
    let rest =
        page.body.split(&format!("id=\"{id}\">")).nth(1).unwrap_or_else(|| panic!("no {id}: {page:?}"));
    rest.split('<').next().unwrap().replace(' ', "")
}

/// What the telephone shows that has this secret.
fn shown(app: &TestApp, secret: &str) -> String {
    let period = app.clock.now() / PERIOD;
    format!("{:06}", hotp(&secret_bytes(secret).unwrap(), period.try_into().unwrap()))
}

async fn enter(browser: &mut Browser<'_>, page: &Answer, code: &str) -> Answer {
    let answer = browser.submit(page, &[("code", code), ("action", "default")]).await;
    land(browser, answer).await
}

#[tokio::test]
async fn made_by_a_ticket_once() {
    for app in engines().await {
        turn_on(&app, &["otp", "recovery-code", "webauthn-roaming"], true).await;
        let link = ticket(&app, json!({"send_mail": true, "email": "other@example.com"})).await;
        let kept = app.app.outbox.kept();
        let mail = kept.iter().find(|mail| mail.to == "other@example.com").unwrap();
        assert!(mail.text.contains(&link) && mail.template == "enrollment_email", "{}", mail.text);
        // Scanners of mail open links too: nothing is used up by it.
        is_page(&follow(&mut Browser::new(&app), &link).await, 200, MAKE_OTP);
        let mut browser = Browser::new(&app);
        let page = follow(&mut browser, &link).await;
        is_page(&page, 200, MAKE_OTP);
        assert!(page.body.contains(MAKE_KEY), "the choice is the user's");
        assert!(!page.body.contains("/u/login"), "nobody is logged in");
        let secret = text(&page, "secret");
        is_page(&enter(&mut browser, &page, "000000").await, 400, MAKE_OTP);
        let kept = enter(&mut browser, &page, &shown(&app, &secret)).await;
        is_page(&kept, 200, KEEP);
        assert!(!text(&kept, "recovery-code").is_empty());
        let answer = browser.submit(&kept, &[("saved", "yes"), ("action", "default")]).await;
        let done = land(&mut browser, answer).await;
        assert!(done.body.contains(DONE), "{done:?}");
        assert!(browser.session_cookie().is_none(), "a ticket signs nobody in");
        // It is spent, in this browser and in any other, and for whoever opened it before.
        assert!(follow(&mut browser, &link).await.status == 400);
        assert!(follow(&mut Browser::new(&app), &link).await.status == 400);

        app.clock.advance(PERIOD);
        let mut browser = Browser::new(&app);
        let login = browser.open(&app.ask("openid")).await;
        let page = browser.log_in(&login, &JANE).await;
        is_page(&page, 200, SHOW_OTP);
        let next = enter(&mut browser, &page, &shown(&app, &secret)).await;
        assert!(!Landing::of(&browser.go_through(next, &JANE).await).get("code").is_empty());
    }
}

#[tokio::test]
async fn a_ticket_that_was_spent_elsewhere_makes_nothing() {
    let app = TestApp::new().await;
    turn_on(&app, &["otp"], true).await;
    let link = ticket(&app, json!({})).await;
    let (mut first, mut second) = (Browser::new(&app), Browser::new(&app));
    let pages = [follow(&mut first, &link).await, follow(&mut second, &link).await];
    let secrets = pages.each_ref().map(|page| text(page, "secret"));
    assert_ne!(secrets[0], secrets[1]);
    let done = enter(&mut first, &pages[0], &shown(&app, &secrets[0])).await;
    assert!(done.body.contains(DONE), "{done:?}");
    let late = enter(&mut second, &pages[1], &shown(&app, &secrets[1])).await;
    assert_eq!(late.status, 400, "{late:?}");
    let path = format!("/users/{}/authentication-methods", segment(&app.jane().await));
    assert_eq!(app.manage("GET", &path, Value::Null).await.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_a_ticket_says() {
    let app = TestApp::new().await;
    let jane = app.jane().await;
    let path = "/guardian/enrollments/ticket";
    // Nothing that users could make.
    app.api("POST", path, json!({"user_id": jane})).await.expect(400);
    turn_on(&app, &["otp", "webauthn-roaming"], true).await;
    app.api("POST", path, json!({"user_id": "auth0|nobody"})).await.expect(404);
    app.api("POST", path, json!({})).await.expect(400);
    for factor in ["phone", "push-notification", "email", "webauthn-platform", "other"] {
        app.api("POST", path, json!({"user_id": jane, "factor": factor})).await.expect(400);
    }
    // One factor and no other.
    let link = ticket(&app, json!({"factor": "webauthn-roaming"})).await;
    let mut browser = Browser::new(&app);
    let page = follow(&mut browser, &link).await;
    is_page(&page, 200, MAKE_KEY);
    assert!(!page.body.contains(MAKE_OTP));
    let state = page.form().value("state");
    let other = browser.get(&format!("{MAKE_OTP}?state={state}")).await;
    assert_eq!(browser.follow(other).await.status, 400);
    let mut key = Authenticator::new();
    let response = key.create(&page);
    assert!(send(&mut browser, &page, &response).await.body.contains(DONE));
    // Beside it another one, where the administrator says so.
    app.api("POST", path, json!({"user_id": jane})).await.expect(400);
    let link = ticket(&app, json!({"allow_multiple_enrollments": true})).await;
    let page = follow(&mut browser, &link).await;
    is_page(&page, 200, MAKE_OTP);
    let secret = text(&page, "secret");
    assert!(enter(&mut browser, &page, &shown(&app, &secret)).await.body.contains(DONE));
    let methods =
        app.manage("GET", &format!("/users/{}/authentication-methods", segment(&jane)), Value::Null).await;
    assert_eq!(methods.as_array().unwrap().len(), 2);
    // It ends; it ends with a new password and with the user.
    let link = ticket(&app, json!({"allow_multiple_enrollments": true})).await;
    let page = follow(&mut browser, &link).await;
    app.manage("PATCH", &format!("/users/{}", segment(&jane)), json!({"password": "New-4-Janes"})).await;
    assert_eq!(follow(&mut browser, &link).await.status, 400);
    let secret = text(&page, "secret");
    assert_eq!(enter(&mut browser, &page, &shown(&app, &secret)).await.status, 400);
    let link = ticket(&app, json!({"allow_multiple_enrollments": true})).await;
    app.clock.advance(5 * 86_400 + 1);
    assert_eq!(follow(&mut browser, &link).await.status, 400);
    for bad in ["", "?ticket=", "?ticket=x", "?ticket=a&ticket=b"] {
        assert_eq!(browser.get(&format!("/mfa/enrollment{bad}")).await.status, 400, "{bad}");
    }
}

/// A ticket is good for factors, and for nothing else; nothing else is good for it.
#[tokio::test]
async fn a_ticket_opens_no_other_page() {
    let app = TestApp::new().await;
    turn_on(&app, &["otp", "recovery-code"], true).await;
    let link = ticket(&app, json!({})).await;
    let (_, secret) = link.split_once('=').unwrap();
    let mut browser = Browser::new(&app);
    for path in ["/u/reset-verify", "/u/email-verification", "/u/unblock"] {
        assert_eq!(browser.get(&format!("{path}?ticket={secret}")).await.status, 400, "{path}");
    }
    let page = follow(&mut browser, &link).await;
    let state = page.form().value("state");
    for path in
        [SHOW_OTP, SHOW_KEY, KEEP, "/u/mfa-recovery-code-challenge", "/u/consent", "/u/passkey-enrollment"]
    {
        let answer = browser.get(&format!("{path}?state={state}")).await;
        let landed = browser.follow(answer).await;
        assert!(
            landed.status == 400 || landed.form().action == MAKE_OTP || landed.form().action == "/u/login",
            "{path}: {landed:?}"
        );
        assert!(browser.session_cookie().is_none(), "{path}");
    }
    // Somebody else's browser has no part in it.
    let mut thief = Browser::new(&app);
    assert_eq!(thief.get(&format!("{MAKE_OTP}?state={state}")).await.status, 400);
    let body = json!({"email": JANE.email, "connection": CONNECTION});
    app.send(Call::post("/dbconnections/change_password").json(&body)).await.expect(200);
    let reset = app.mailed_ticket(JANE.email);
    assert_eq!(browser.get(&format!("/mfa/enrollment?ticket={reset}")).await.status, 400);
}

/// The user's own page, after a login.
async fn own_page<'a>(app: &'a TestApp) -> (Browser<'a>, Answer) {
    let mut browser = Browser::new(app);
    let login = browser.get(KEYS).await;
    let login = browser.follow(login).await;
    let page = browser.log_in(&login, &JANE).await;
    let page = land(&mut browser, page).await;
    (browser, page)
}

async fn add(browser: &mut Browser<'_>, page: &Answer, factor: &str) -> Answer {
    let csrf =
        page.body.split("name=\"_csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let pairs = [("_csrf", csrf.as_str()), ("action", "add"), ("factor", factor)];
    let answer = browser.post(KEYS, &pairs).await;
    land(browser, answer).await
}

#[tokio::test]
async fn added_on_the_own_page() {
    for app in engines().await {
        turn_on_passkeys(&app).await;
        let (mut browser, page) = own_page(&app).await;
        assert!(page.body.contains("value=\"passkey\"") && !page.body.contains("value=\"otp\""), "{page:?}");
        let making = add(&mut browser, &page, "passkey").await;
        is_page(&making, 200, ADD_PASSKEY);
        let mut key = Authenticator::new();
        let response = key.create(&making);
        let page = send(&mut browser, &making, &response).await;
        assert!(page.body.contains("id=\"key-1\""), "{page:?}");
        // One more, with what the first sign-in showed.
        let making = add(&mut browser, &page, "passkey").await;
        is_page(&making, 200, ADD_PASSKEY);
        assert_eq!(options(&making)["excludeCredentials"].as_array().unwrap().len(), 1);
        let mut second = Authenticator::new();
        let response = second.create_as(&options(&making), b"second");
        let page = send(&mut browser, &making, &response).await;
        assert!(page.body.contains("id=\"key-2\""), "{page:?}");
        // What was made lets in.
        let mut other = Browser::new(&app);
        let login = other.open(&app.ask("openid")).await;
        let next = crate::passkeys::show(&mut other, &login, &second.get(&login)).await;
        assert!(!Landing::of(&other.go_through(next, &JANE).await).get("code").is_empty());
    }
}

#[tokio::test]
async fn factors_of_the_policy_on_the_own_page() {
    let app = TestApp::new().await;
    turn_on(&app, &["otp", "webauthn-roaming", "recovery-code"], false).await;
    let (mut browser, page) = own_page(&app).await;
    let making = add(&mut browser, &page, "otp").await;
    is_page(&making, 200, MAKE_OTP);
    assert!(!making.body.contains(MAKE_KEY), "one was chosen");
    let secret = text(&making, "secret");
    let kept = enter(&mut browser, &making, &shown(&app, &secret)).await;
    is_page(&kept, 200, KEEP);
    let answer = browser.submit(&kept, &[("saved", "yes"), ("action", "default")]).await;
    let page = land(&mut browser, answer).await;
    assert!(page.body.contains("Authenticator app"), "{page:?}");
    // A key beside it, which brings no second recovery code.
    let making = add(&mut browser, &page, "webauthn-roaming").await;
    is_page(&making, 200, MAKE_KEY);
    let mut key = Authenticator::new();
    let response = key.create(&making);
    let page = send(&mut browser, &making, &response).await;
    assert!(page.body.contains("id=\"key-2\""), "{page:?}");
    // And away with the first.
    let first =
        page.body.split("name=\"key\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert!(first.starts_with("totp|"), "{first}");
    let csrf =
        page.body.split("name=\"_csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let pairs = [("_csrf", csrf.as_str()), ("key", first.as_str()), ("action", "remove")];
    let answer = browser.post(KEYS, &pairs).await;
    let page = browser.follow(answer).await;
    assert!(!page.body.contains("Authenticator app") && !page.body.contains("id=\"key-2\""), "{page:?}");
}

/// Whoever finds a browser open, or knows the password alone, adds no way in.
#[tokio::test]
async fn a_fresh_sign_in_comes_first() {
    let app = TestApp::new().await;
    turn_on_passkeys(&app).await;
    let (mut browser, page) = own_page(&app).await;
    app.clock.advance(301);
    let login = add(&mut browser, &page, "passkey").await;
    is_page(&login, 200, "/u/login");
    let making = browser.log_in(&login, &JANE).await;
    let making = match making.form().action.as_str() {
        "/u/passkey-enrollment" => panic!("offered on the way to the own page"),
        _ => making,
    };
    is_page(&making, 200, ADD_PASSKEY);
    // Somebody with a passkey and nothing but the password shown.
    let mut key = Authenticator::new();
    make(&app, &mut key).await;
    let (mut thief, page) = own_page(&app).await;
    assert!(!page.body.contains("value=\"passkey\""), "{page:?}");
    let state = making.form().value("state");
    assert_eq!(thief.get(&format!("{ADD_PASSKEY}?state={state}")).await.status, 400);
    // The page that was open before the passkey was made adds none either.
    let response = Authenticator::new().create_as(&options(&making), b"late");
    send(&mut browser, &making, &response).await;
    let path = format!("/users/{}/authentication-methods", segment(&app.jane().await));
    assert_eq!(app.manage("GET", &path, Value::Null).await.as_array().unwrap().len(), 1);
    // Nor a form without the page's own proof, nor what is not offered.
    let (mut other, _) = own_page(&app).await;
    for pairs in [
        [("_csrf", ""), ("action", "add"), ("factor", "passkey")],
        [("_csrf", "x"), ("action", "add"), ("factor", "otp")],
    ] {
        assert_eq!(other.post(KEYS, &pairs).await.status, 403);
    }
}
