//! A step of a login is done by doing it. Empty, doubled, out of order, or with the body of another step, a form leads
//! nowhere.

use serde_json::{Value, json};

use crate::support::{Answer, Ask, Browser, CONNECTION, Call, JANE, Pairs, SAM, TestApp, segment};

/// Bodies without the `state` that each needs; it is added.
fn bodies() -> Vec<Vec<(&'static str, &'static str)>> {
    vec![
        vec![],
        vec![("action", "")],
        vec![("action", "default")],
        vec![("action", "accept")],
        vec![("action", "ACCEPT")],
        vec![("action", "accept"), ("action", "decline")],
        vec![("action", "decline"), ("action", "accept")],
        vec![("action", "accept"), ("action", "accept")],
        vec![("username", "jane@example.com")],
        vec![("password", "Read-4-Jane")],
        vec![("username", ""), ("password", "")],
        vec![("username", "jane@example.com"), ("password", "")],
        vec![("username", "jane@example.com"), ("password", "wrong")],
        vec![("username", "jane@example.com"), ("password", "Read-4-Jane"), ("password", "Read-4-Jane")],
        vec![("username", "jane@example.com"), ("username", "sam@example.com"), ("password", "Delete-4-Sam")],
        vec![("username[]", "jane@example.com"), ("password[]", "Read-4-Jane")],
        vec![("username", "jane@example.com\u{0}"), ("password", "Read-4-Jane")],
        vec![("email", "jane@example.com"), ("password", "Read-4-Jane")],
        vec![("email", "jane@example.com")],
        vec![("password", "New-4-Jane-Doe"), ("password-repeat", "New-4-Jane-Doe")],
        vec![("response", "{}")],
        vec![("action", "skip")],
        vec![("session_id", "x"), ("consented", "true"), ("confirmed", "true"), ("progress", "{}")],
        vec![("ticket", "x"), ("password", "New-4-Jane-Doe"), ("password-repeat", "New-4-Jane-Doe")],
    ]
}

const STEPS: [&str; 14] = [
    "/u/login",
    "/u/login/passkey",
    "/u/passkey-enrollment",
    "/u/mfa-webauthn-challenge",
    "/u/mfa-webauthn-roaming-enrollment",
    "/u/signup",
    "/u/organization",
    "/u/organization-picker",
    "/u/consent",
    "/u/confirm",
    "/u/device",
    "/u/reset-password",
    "/u/reset-verify",
    "/u/logout",
];

#[tokio::test]
async fn case_13_sign_in_is_done_by_the_password_alone() {
    let app = TestApp::new().await;
    for step in STEPS {
        let mut browser = Browser::new(&app);
        let login = browser.open(&app.ask("openid read:contacts")).await.expect(200);
        let state = login.form().value("state");
        for (n, body) in bodies().iter().enumerate() {
            // From ever new addresses: guessing is slowed down, which is not what is tested here.
            let address = [198, 51, 100, u8::try_from(n).unwrap()];
            let posted = post(&mut browser, step, &state, body, address).await;
            stays(&mut browser, &state, "/u/login", (step, body, &posted)).await;
            assert_eq!(browser.session_cookie(), None, "{step} {body:?}");
        }
    }
}

#[tokio::test]
async fn case_13_consent_is_given_by_accepting_what_was_shown_alone() {
    let app = TestApp::new().await;
    for step in STEPS {
        let mut browser = Browser::new(&app);
        let login = browser.open(&app.ask("openid read:contacts")).await.expect(200);
        let consent = browser.log_in(&login, &JANE).await.expect(200);
        let state = consent.form().value("state");
        for (n, body) in bodies().iter().enumerate() {
            // Signing in once more is allowed, and ends on the same page.
            let posted =
                post(&mut browser, step, &state, body, [198, 51, 100, u8::try_from(n).unwrap()]).await;
            stays(&mut browser, &state, "/u/consent", (step, body, &posted)).await;
        }
    }
}

#[tokio::test]
async fn case_13_confirmation_is_given_by_confirming_alone() {
    let app = TestApp::new().await;
    let settings = json!({ "skip_non_verifiable_callback_uri_confirmation_prompt": false });
    app.manage("PATCH", "/tenants/settings", settings).await;
    let loopback = Ask::code(&app.clients.web.client_id, "openid")
        .with("redirect_uri", "http://localhost:3000/callback");
    for step in [
        "/u/signup",
        "/u/organization",
        "/u/organization-picker",
        "/u/consent",
        "/u/confirm",
        "/u/device",
        "/u/reset-password",
        "/u/reset-verify",
        "/u/logout",
    ] {
        let mut browser = Browser::new(&app);
        browser.authorize(&Ask::code(&app.clients.web.client_id, "openid"), &JANE).await.get("code");
        let confirm = browser.open(&loopback).await.expect(200);
        let state = confirm.form().value("state");
        for (n, body) in bodies().iter().enumerate() {
            if step == "/u/confirm" && *body == [("action", "accept")] {
                continue;
            }
            let posted =
                post(&mut browser, step, &state, body, [198, 51, 100, u8::try_from(n).unwrap()]).await;
            stays(&mut browser, &state, "/u/confirm", (step, body, &posted)).await;
        }
    }
}

/// Nobody's device is let in by anything but the answer to whose it is, whoever is signed in.
#[tokio::test]
async fn case_13_a_device_is_confirmed_by_confirming_alone() {
    let app = TestApp::new().await;
    let grant = "urn:ietf:params:oauth:grant-type:device_code";
    app.set_web(json!({ "grant_types": [grant, "authorization_code"] })).await;
    let secret = app.web_secret();
    for step in STEPS {
        let mut browser = Browser::new(&app);
        browser.authorize(&Ask::code(&app.clients.web.client_id, "openid"), &JANE).await.get("code");
        let own = [("client_id", app.clients.web.client_id.as_str()), ("client_secret", &secret)];
        let codes = app.send(Call::post("/oauth/device/code").form(&own)).await.expect(200);
        let opened = browser.get(&format!("/activate?user_code={}", codes.text("user_code"))).await;
        let question = browser.follow(opened).await.expect(200);
        let state = question.form().value("state");
        for (n, body) in bodies().iter().enumerate() {
            let answers = *body == [("action", "accept")] || *body == [("action", "decline")];
            if step == "/u/device" && answers {
                continue;
            }
            let address = [198, 51, 100, u8::try_from(n).unwrap()];
            let posted = post(&mut browser, step, &state, body, address).await;
            stays(&mut browser, &state, "/u/device", (step, body, &posted)).await;
        }
        app.clock.advance(1);
    }
}

/// Steps that are not due yet cannot be done ahead.
#[tokio::test]
async fn case_13_steps_cannot_be_done_ahead() {
    let app = TestApp::new().await;
    // What the page will ask is no secret: it is read in another browser.
    let mut elsewhere = Browser::new(&app);
    let login = elsewhere.open(&app.ask("openid read:contacts")).await.expect(200);
    let asked = elsewhere.log_in(&login, &JANE).await.expect(200).form().value("asked");
    assert!(!asked.is_empty());
    let mut browser = Browser::new(&app);
    let login = browser.open(&app.ask("openid read:contacts")).await.expect(200);
    let state = login.form().value("state");
    for step in ["/u/consent", "/u/confirm"] {
        browser.post(step, &[("state", &state), ("asked", &asked), ("action", "accept")]).await.expect(400);
    }
    let after = browser.log_in(&login, &JANE).await.expect(200);
    assert_eq!(after.form().action, "/u/consent", "consent before the sign-in counts for nothing");
    // Nor does the consent of one person stand for another who signs in on the same page.
    let done = browser.submit(&after, &[("action", "accept")]).await;
    assert_eq!(done.status, 303);
    let page = browser.get(&format!("/u/login?state={state}")).await;
    let page = match page.status.as_u16() {
        200 => browser.log_in(&page, &SAM).await,
        _ => page,
    };
    assert!(page.location().is_none_or(|l| !l.contains("code=")), "{page:?}");
}

/// What one person was shown, another one who signs in meanwhile in the same browser has not agreed to.
#[tokio::test]
async fn case_13_consent_is_asked_of_the_person_who_gives_it() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    let sign_in = Ask::code(&app.clients.web.client_id, "openid");
    browser.authorize(&sign_in, &JANE).await.get("code");
    let shown_to_jane = browser.open(&app.ask("openid read:contacts")).await.expect(200);
    assert_eq!(shown_to_jane.form().action, "/u/consent");
    browser.authorize(&sign_in.with("prompt", "login"), &SAM).await.get("code");
    let posted = browser.submit(&shown_to_jane, &[("action", "accept")]).await;
    let next = browser.follow(posted).await;
    assert!(next.location().is_none_or(|location| !location.contains("code=")), "{next:?}");
    let silent = app.ask("openid read:contacts").with("prompt", "none");
    browser.authorize(&silent, &SAM).await.is_error("consent_required", "Consent required");
    // Asked anew, Sam may say yes.
    let state = shown_to_jane.form().value("state");
    let resumed = browser.get(&format!("/authorize/resume?state={state}")).await;
    let shown_to_sam = browser.follow(resumed).await.expect(200);
    assert!(
        shown_to_sam.body.contains("sam@example.com") || shown_to_sam.body.contains("sam&#64;example.com")
    );
    // That it is Sam's turn does not make Jane's page Sam's.
    browser.submit(&shown_to_jane, &[("action", "accept")]).await.expect(400);
    let done = browser.submit(&shown_to_sam, &[("action", "accept")]).await;
    assert!(browser.follow(done).await.location().unwrap().contains("code="));
}

/// An answered transaction is over.
#[tokio::test]
async fn case_13_a_transaction_answers_once() {
    let app = TestApp::new().await;
    let mut browser = Browser::new(&app);
    let login = browser.open(&app.ask("openid read:contacts")).await;
    let consent = browser.log_in(&login, &JANE).await;
    let state = consent.form().value("state");
    let done = browser.submit(&consent, &[("action", "accept")]).await;
    assert!(browser.follow(done).await.location().unwrap().contains("code="));
    for step in ["/u/login", "/u/consent", "/authorize/resume"] {
        assert_eq!(browser.get(&format!("{step}?state={state}")).await.status, 400, "{step}");
    }
}

/// Closed means closed, not hidden.
#[tokio::test]
async fn case_13_closed_sign_up_is_closed() {
    let app = TestApp::new().await;
    let connections = app.manage("GET", "/connections", Value::Null).await;
    let path = format!("/connections/{}", connections[0]["id"].as_str().unwrap());
    let mut options = connections[0]["options"].clone();
    options["disable_signup"] = json!(true);
    app.manage("PATCH", &path, json!({ "options": options })).await;
    let mut browser = Browser::new(&app);
    let login = browser.open(&app.ask("openid")).await;
    assert!(!login.body.contains("/u/signup"));
    let state = login.form().value("state");
    let page = browser.get(&format!("/u/signup?state={state}")).await;
    assert_eq!(page.location(), Some(format!("/u/login?state={state}").as_str()), "{page:?}");
    let typed = [("state", state.as_str()), ("email", "new@example.com"), ("password", "Some-4-Password")];
    let posted = browser.post("/u/signup", &typed).await;
    assert_eq!((posted.status.as_u16(), browser.session_cookie()), (400, None));
    let body = json!({ "email": "new@example.com", "password": "Some-4-Password", "connection": CONNECTION });
    let answer = app.send(Call::post("/dbconnections/signup").json(&body)).await.expect(400);
    assert_eq!(answer.text("code"), "public_signup_disabled");
    let found = app.manage("GET", "/users-by-email?email=new%40example.com", Value::Null).await;
    assert_eq!(found, json!([]));
}

/// A link proves what it was mailed for and nothing else.
#[tokio::test]
async fn case_13_links_are_for_one_purpose_and_once() {
    let app = TestApp::new().await;
    let body = json!({ "email": "new@example.com", "password": "Some-4-Password", "connection": CONNECTION });
    app.send(Call::post("/dbconnections/signup").json(&body)).await.expect(200);
    let verify = app.mailed_ticket("new@example.com");
    let body = json!({ "email": "new@example.com", "connection": CONNECTION });
    app.send(Call::post("/dbconnections/change_password").json(&body)).await.expect(200);
    let reset = app.mailed_ticket("new@example.com");
    assert_ne!(verify, reset);
    let new = [("password", "Other-4-Password"), ("password-repeat", "Other-4-Password")];
    let choose = |ticket: String| {
        Call::post("/u/reset-verify").form(&[&[("state", ticket.as_str())], &new[..]].concat())
    };
    app.get(&format!("/u/reset-verify?ticket={verify}")).await.expect(400);
    app.send(choose(verify.clone())).await.expect(400);
    app.get(&format!("/u/email-verification?ticket={reset}")).await.expect(400);
    for wrong in [
        &new[..1],
        &[("password", "a"), ("password-repeat", "a")],
        &[("password", "Other-4-Password"), ("password-repeat", "x")],
    ] {
        let call = Call::post("/u/reset-verify").form(&[&[("state", reset.as_str())], wrong].concat());
        app.send(call).await.expect(400);
    }
    app.send(choose(reset.clone())).await.expect(200);
    app.send(choose(reset)).await.expect(400);
    app.get(&format!("/u/email-verification?ticket={verify}")).await;
    let user = app.manage("GET", "/users-by-email?email=new%40example.com", Value::Null).await;
    assert_eq!(user[0]["email_verified"], json!(true), "whoever reads the mail owns the address");
}

/// `X-Forwarded-For` of somebody who is no proxy of ours neither skips the brake on guessing nor is written down.
#[tokio::test]
async fn case_13_proxy_headers_of_strangers_are_ignored() {
    let app = TestApp::new().await;
    for n in 0..11_u8 {
        let address = format!("192.0.2.{n}");
        let pairs = [("grant_type", "password"), ("username", JANE.email), ("password", "wrong")];
        let secret = app.web_secret();
        let own = [("client_id", app.clients.web.client_id.as_str()), ("client_secret", &secret)];
        let call = Call::post("/oauth/token").form(&[&own[..], &pairs].concat());
        let answer = app
            .send(
                call.header("x-forwarded-for", &address)
                    .header("x-real-ip", &address)
                    .header("auth0-forwarded-for", &address),
            )
            .await;
        assert_eq!(answer.status.as_u16(), if n < 10 { 403 } else { 429 }, "attempt {n}: {answer:?}");
    }
    let logged = app.manage("GET", &format!("/users/{}/logs", segment(&app.jane().await)), Value::Null).await;
    assert!(!logged.to_string().contains("192.0.2."), "{logged}");
}

async fn post(browser: &mut Browser<'_>, step: &str, state: &str, body: Pairs<'_>, from: [u8; 4]) -> Answer {
    let pairs = [&[("state", state)], body].concat();
    let answer = browser.send(Call::post(step).form(&pairs).sent_from(from)).await;
    assert!(!answer.status.is_server_error(), "{step} {body:?}: {answer:?}");
    answer
}

/// The engine still wants the same step, and nothing was issued.
async fn stays(browser: &mut Browser<'_>, state: &str, due: &str, what: (&str, Pairs<'_>, &Answer)) {
    let (step, body, posted) = what;
    let location = posted.location().unwrap_or_default();
    assert!(!location.starts_with("http"), "{step} {body:?} led to {location}");
    let next = browser.get(&format!("/authorize/resume?state={state}")).await;
    let expected = format!("{due}?state={state}");
    assert_eq!(next.location(), Some(expected.as_str()), "{step} {body:?}: {next:?}");
}
