//! Codes by mail as a second factor, beside another one: on the pages and by `/mfa/*`.

use chancery_core::second_factor::MULTI_FACTOR;
use serde_json::{Value, json};

use crate::security_keys::{SHOW, asked, enrol, is_page, turn_on};
use crate::support::{Answer, Authenticator, Browser, Call, JANE, Landing, Pairs, TestApp, engines, segment};

const MAILED: &str = "/u/mfa-email-challenge";
pub(crate) const OOB: &str = "http://auth0.com/oauth/grant-type/mfa-oob";
const TYPED: Pairs<'_> =
    &[("grant_type", "password"), ("username", "jane@example.com"), ("password", "Read-4-Jane")];

async fn ready(app: &TestApp) -> Authenticator {
    turn_on(app, &["webauthn-roaming", "email"], true).await;
    app.set_web(json!({"grant_types": ["authorization_code", "refresh_token", "password", OOB]})).await;
    let mut key = Authenticator::new();
    enrol(app, &mut key).await;
    key
}

pub(crate) fn mails(app: &TestApp) -> Vec<String> {
    let kept = app.app.outbox.kept();
    kept.iter()
        .filter(|mail| mail.to == JANE.email && mail.template == "mfa_oob_code")
        .map(|mail| {
            let (_, after) = mail.text.split_once("code is ").unwrap();
            after.chars().take_while(char::is_ascii_digit).collect()
        })
        .collect()
}

fn other(code: &str) -> &'static str {
    if code == "000000" { "111111" } else { "000000" }
}

/// The page that asks for a mailed code, from the one that asks for the key.
async fn turn_to_mail(browser: &mut Browser<'_>, page: &Answer) -> Answer {
    assert!(page.body.contains(MAILED), "{page:?}");
    browser.get(&format!("{MAILED}?state={}", page.form().value("state"))).await
}

async fn enter(browser: &mut Browser<'_>, page: &Answer, code: &str) -> Answer {
    let answer = browser.submit(page, &[("code", code), ("action", "default")]).await;
    browser.follow(answer).await
}

#[tokio::test]
async fn instead_of_the_key_on_the_pages() {
    for app in engines().await {
        ready(&app).await;
        let (mut browser, page) = asked(&app).await;
        let page = turn_to_mail(&mut browser, &page).await;
        is_page(&page, 200, MAILED);
        assert!(
            page.body.contains("j***@e***.com") && !page.body.contains("to jane@example.com"),
            "{page:?}"
        );
        let sent = mails(&app);
        assert_eq!((sent.len(), sent[0].len()), (1, 6));
        // Loaded again: the same code.
        let state = page.form().value("state");
        browser.get(&format!("{MAILED}?state={state}")).await.expect(200);
        assert_eq!(mails(&app).len(), 1);
        is_page(&enter(&mut browser, &page, other(&sent[0])).await, 400, MAILED);
        is_page(&enter(&mut browser, &page, "").await, 400, MAILED);
        // Sent again: another one, and the first is nothing any more.
        let answer = browser.post(MAILED, &[("state", &state), ("action", "resend")]).await.expect(200);
        let all = mails(&app);
        assert_eq!(all.len(), 2);
        let (first, last) = match all[0] == sent[0] {
            true => (&all[0], &all[1]),
            false => (&all[1], &all[0]),
        };
        if first != last {
            is_page(&enter(&mut browser, &answer, first).await, 400, MAILED);
        }
        let next = enter(&mut browser, &answer, last).await;
        let landing = Landing::of(&browser.go_through(next, &JANE).await);
        let tokens = app.redeem(&landing.get("code")).await.expect(200);
        let claims = app.verified(&tokens.text("id_token")).await;
        assert_eq!((&claims["amr"], &claims["acr"]), (&json!(["mfa"]), &json!(MULTI_FACTOR)));
        // Once, and in this login alone.
        let (mut again, page) = asked(&app).await;
        let page = turn_to_mail(&mut again, &page).await;
        is_page(&enter(&mut again, &page, last).await, 400, MAILED);
        let late = mails(&app);
        assert_eq!(late.len(), 3);
        app.clock.advance(301);
        for code in late {
            is_page(&enter(&mut again, &page, &code).await, 400, MAILED);
        }
    }
}

/// It is a way for whoever has a factor and a proven address, while it is on.
#[tokio::test]
async fn who_gets_a_code() {
    let app = TestApp::new().await;
    turn_on(&app, &["email"], true).await;
    // Alone it asks nobody.
    let mut browser = Browser::new(&app);
    let login = browser.open(&app.ask("openid")).await;
    let next = browser.log_in(&login, &JANE).await;
    assert!(!Landing::of(&browser.go_through(next, &JANE).await).get("code").is_empty());
    ready(&app).await;
    let jane = segment(&app.jane().await);
    let refused = async || {
        let (mut browser, page) = asked(&app).await;
        assert!(!page.body.contains(MAILED), "{page:?}");
        let state = page.form().value("state");
        let answer = browser.get(&format!("{MAILED}?state={state}")).await;
        is_page(&browser.follow(answer).await, 200, SHOW);
        let answer = browser.post(MAILED, &[("state", &state), ("code", "000000")]).await;
        is_page(&browser.follow(answer).await, 200, SHOW);
    };
    app.manage("PATCH", &format!("/users/{jane}"), json!({"email_verified": false})).await;
    refused().await;
    app.manage("PATCH", &format!("/users/{jane}"), json!({"email_verified": true})).await;
    app.manage("PUT", "/guardian/factors/email", json!({"enabled": false})).await;
    refused().await;
    assert!(mails(&app).is_empty());
}

async fn waiting(app: &TestApp) -> String {
    let answer = app.web_token(TYPED).await.expect(403);
    assert_eq!(
        answer.json()["mfa_requirements"]["challenge"],
        json!([{"type": "email"}, {"type": "webauthn-roaming"}])
    );
    answer.text("mfa_token")
}

pub(crate) async fn challenge(app: &TestApp, mfa_token: &str, more: Value) -> Answer {
    let mut body = json!({
        "client_id": app.clients.web.client_id, "client_secret": app.web_secret(), "mfa_token": mfa_token,
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    app.send(Call::post("/mfa/challenge").json(&body)).await
}

async fn exchange(app: &TestApp, mfa_token: &str, oob_code: &str, code: &str) -> Answer {
    let pairs =
        [("grant_type", OOB), ("mfa_token", mfa_token), ("oob_code", oob_code), ("binding_code", code)];
    app.web_token(&pairs).await
}

#[tokio::test]
async fn by_the_api() {
    for app in engines().await {
        ready(&app).await;
        let token = waiting(&app).await;
        let all = app.send(Call::get("/mfa/authenticators").bearer(&token)).await.expect(200).json();
        let mailed =
            all.as_array().unwrap().iter().find(|one| one["oob_channel"] == "email").unwrap().clone();
        assert_eq!(
            (&mailed["authenticator_type"], &mailed["name"], &mailed["active"]),
            (&json!("oob"), &json!("j***@e***.com"), &json!(true))
        );
        assert!(mailed["id"].as_str().unwrap().starts_with("email|dev_"));
        challenge(&app, &token, json!({"challenge_type": "otp"})).await.expect(400);
        challenge(&app, &token, json!({"authenticator_id": "email|dev_other"})).await.expect(400);
        let more = json!({"challenge_type": "otp oob", "authenticator_id": mailed["id"]});
        let begun = challenge(&app, &token, more).await.expect(200).json();
        assert_eq!((&begun["challenge_type"], &begun["binding_method"]), (&json!("oob"), &json!("prompt")));
        let oob = begun["oob_code"].as_str().unwrap();
        let code = mails(&app)[0].clone();
        exchange(&app, &token, oob, other(&code)).await.is_error(
            403,
            "invalid_grant",
            "Invalid binding_code",
        );
        let pairs = [("grant_type", OOB), ("mfa_token", token.as_str()), ("oob_code", oob)];
        app.web_token(&pairs).await.is_error(
            400,
            "invalid_request",
            "Missing required parameter: binding_code",
        );
        // Of another sign-in.
        let second = waiting(&app).await;
        let other_sign_in = exchange(&app, &second, oob, &code).await;
        other_sign_in.is_error(400, "invalid_request", "The oob_code doesn't match the mfa_token");
        for bad in ["x", token.as_str(), &second] {
            exchange(&app, &token, bad, &code).await.is_error(
                400,
                "invalid_request",
                "The oob_code doesn't match the mfa_token",
            );
        }
        let tokens = exchange(&app, &token, oob, &code).await.expect(200);
        assert!(!tokens.text("access_token").is_empty());
        // Applications that would enrol it get the same code.
        for channel in ["sms", "voice", "auth0"] {
            let more = json!({"challenge_type": "oob", "oob_channel": channel});
            challenge(&app, &second, more).await.expect(400);
        }
        let wanted = json!({"authenticator_types": ["oob"], "oob_channels": ["email"], "email": JANE.email});
        let made =
            app.send(Call::post("/mfa/associate").bearer(&second).json(&wanted)).await.expect(200).json();
        assert_eq!((&made["authenticator_type"], &made["oob_channel"]), (&json!("oob"), &json!("email")));
        let code = mails(&app)[0].clone();
        exchange(&app, &second, made["oob_code"].as_str().unwrap(), &code).await.expect(200);
        let third = waiting(&app).await;
        let elsewhere =
            json!({"authenticator_types": ["oob"], "oob_channels": ["email"], "email": "x@y.example"});
        let refused = app.send(Call::post("/mfa/associate").bearer(&third).json(&elsewhere)).await;
        refused.is_error(400, "invalid_request", "Codes go to the address of the account alone");
        exchange(&app, &token, oob, &code).await.expect(403);
    }
}

/// Guesses are few, wherever they go.
#[tokio::test]
async fn guesses_are_counted() {
    let app = TestApp::new().await;
    ready(&app).await;
    let token = waiting(&app).await;
    let begun = challenge(&app, &token, json!({"challenge_type": "oob"})).await.expect(200).json();
    let oob = begun["oob_code"].as_str().unwrap();
    let code = mails(&app)[0].clone();
    for _ in 0..8 {
        exchange(&app, &token, oob, other(&code)).await.expect(403);
    }
    exchange(&app, &token, oob, &code).await.expect(429);
    let (mut browser, page) = asked(&app).await;
    let page = turn_to_mail(&mut browser, &page).await;
    is_page(&enter(&mut browser, &page, "000000").await, 429, MAILED);
    // Nor are mails without end.
    for _ in 0..12 {
        challenge(&app, &token, json!({"challenge_type": "oob"})).await;
    }
    assert!(mails(&app).len() <= 10, "{}", mails(&app).len());
    challenge(&app, &token, json!({"challenge_type": "oob"})).await.expect(429);
}
