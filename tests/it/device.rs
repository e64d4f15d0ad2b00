//! The device authorization grant (RFC 8628): `/oauth/device/code`, `/activate`, and the polls at `/oauth/token`.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::support::{
    API, Answer, Browser, CALLBACK, Call, ISSUER, JANE, Pairs, SAM, TestApp, decode, engines,
};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
const PENDING: &str = "User has yet to authorize device code.";
const INVALID: &str = "Invalid or expired device code.";

/// A television without secret, which may be granted refresh tokens.
async fn television(app: &TestApp) -> String {
    application(app, json!({})).await
}

async fn application(app: &TestApp, more: Value) -> String {
    let mut body = json!({
        "name": "Demo TV", "app_type": "native", "token_endpoint_auth_method": "none", "oidc_conformant": true,
        "grant_types": [GRANT, "refresh_token", "authorization_code"],
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let client = app.manage("POST", "/clients", body).await;
    client["client_id"].as_str().unwrap().to_owned()
}

async fn begin(app: &TestApp, client_id: &str, more: Pairs<'_>) -> Answer {
    let body = [&[("client_id", client_id)], more].concat();
    app.send(Call::post("/oauth/device/code").form(&body)).await
}

/// Both codes of a device that asks for the demo API.
async fn codes(app: &TestApp, client_id: &str, scope: &str) -> (String, String) {
    let answer = begin(app, client_id, &[("audience", API), ("scope", scope)]).await.expect(200);
    (answer.text("device_code"), answer.text("user_code"))
}

async fn poll(app: &TestApp, client_id: &str, device_code: &str) -> Answer {
    app.token(&[("grant_type", GRANT), ("client_id", client_id), ("device_code", device_code)]).await
}

/// Types the code: what comes, redirects followed.
async fn type_code(browser: &mut Browser<'_>, user_code: &str) -> Answer {
    let answer = browser.post("/activate", &[("user_code", user_code)]).await;
    browser.follow(answer).await
}

/// Says yes to everything, as Jane.
async fn activate(app: &TestApp, user_code: &str) {
    let done = Browser::new(app).activate(user_code, &JANE).await;
    assert!(done.body.contains("Your device is connected"), "{done:?}");
}

#[tokio::test]
async fn from_the_code_to_the_tokens() {
    for app in engines().await {
        let tv = television(&app).await;
        let asked = [("audience", API), ("scope", "openid offline_access read:contacts")];
        let answer = begin(&app, &tv, &asked).await.expect(200);
        let (device_code, user_code) = (answer.text("device_code"), answer.text("user_code"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let expected = json!({
            "device_code": device_code, "user_code": user_code, "expires_in": 900, "interval": 5,
            "verification_uri": format!("{ISSUER}activate"),
            "verification_uri_complete": format!("{ISSUER}activate?user_code={user_code}"),
        });
        assert_eq!(answer.json(), expected);
        let letters =
            |part: &str| part.len() == 4 && part.bytes().all(|b| b"BCDFGHJKLMNPQRSTVWXZ".contains(&b));
        assert!(user_code.split_once('-').is_some_and(|(a, b)| letters(a) && letters(b)), "{user_code}");

        poll(&app, &tv, &device_code).await.is_error(403, "authorization_pending", PENDING);
        activate(&app, &user_code).await;
        let tokens = poll(&app, &tv, &device_code).await.expect(200).json();
        assert_eq!(tokens["scope"], "openid offline_access read:contacts");
        let claims = app.verified(tokens["access_token"].as_str().unwrap()).await;
        assert_eq!((&claims["azp"], &claims["sub"]), (&json!(tv), &json!(app.jane().await)));
        assert_eq!(claims["aud"], json!([API, format!("{ISSUER}userinfo")]));
        let id_token = app.verified(tokens["id_token"].as_str().unwrap()).await;
        assert_eq!((&id_token["aud"], id_token.get("sid")), (&json!(tv), None));
        poll(&app, &tv, &device_code).await.is_error(403, "invalid_grant", INVALID);
        // Nothing of what the first poll got is lost by the second.
        let refresh_token = tokens["refresh_token"].as_str().unwrap();
        let grant = [("grant_type", "refresh_token"), ("client_id", &tv), ("refresh_token", refresh_token)];
        app.token(&grant).await.expect(200);
    }
}

#[tokio::test]
async fn the_request_may_be_json_and_the_api_the_default() {
    let app = TestApp::new().await;
    let tv = television(&app).await;
    let body = json!({ "client_id": tv, "scope": "openid" });
    let code = app.send(Call::post("/oauth/device/code").json(&body)).await.expect(200);
    activate(&app, &code.text("user_code")).await;
    let tokens = poll(&app, &tv, &code.text("device_code")).await.expect(200).json();
    app.userinfo(tokens["access_token"].as_str().unwrap()).await.expect(200);
    app.manage("PATCH", "/tenants/settings", json!({ "default_audience": API })).await;
    let code = begin(&app, &tv, &[("scope", "read:contacts")]).await.expect(200);
    activate(&app, &code.text("user_code")).await;
    let tokens = poll(&app, &tv, &code.text("device_code")).await.expect(200).json();
    assert_eq!(decode(tokens["access_token"].as_str().unwrap()).1["aud"], API);
}

#[tokio::test]
async fn who_may_begin() {
    let app = TestApp::new().await;
    let tv = television(&app).await;
    let not_allowed = format!("Grant type '{GRANT}' not allowed for the client.");
    let spa = &app.clients.spa.client_id;
    begin(&app, spa, &[]).await.is_error(403, "unauthorized_client", &not_allowed);
    begin(&app, "nobody", &[]).await.is_error(401, "access_denied", "Unauthorized");
    app.send(Call::post("/oauth/device/code").form(&[])).await.expect(400);
    let text = "Service not found: urn:nothing";
    begin(&app, &tv, &[("audience", "urn:nothing")]).await.is_error(403, "access_denied", text);
    app.clock.advance(1);
    let text = "Parameter sent more than once: scope";
    begin(&app, &tv, &[("scope", "a"), ("scope", "b")]).await.is_error(400, "invalid_request", text);
    let text = "Scopes are separated by single spaces";
    begin(&app, &tv, &[("scope", "a\tb")]).await.is_error(400, "invalid_scope", text);
    assert_eq!(begin(&app, &tv, &[("scope", &"x".repeat(20_000))]).await.status, 413);
    // Whether the application may have the API is known before a user takes part.
    app.set_api(json!({ "subject_type_authorization": { "user": { "policy": "require_client_grant" } } }))
        .await;
    let text = format!("Client \"{tv}\" is not authorized to access resource server \"{API}\".");
    let refused = begin(&app, &tv, &[("audience", API), ("scope", "read:contacts")]).await;
    refused.is_error(400, "invalid_request", &text);
    // Whoever has a secret shows it, here and when it polls.
    let boxed = json!({ "token_endpoint_auth_method": "client_secret_post" });
    let client = app.manage("PATCH", &format!("/clients/{tv}"), boxed).await;
    app.clock.advance(1);
    begin(&app, &tv, &[]).await.is_error(401, "access_denied", "Unauthorized");
    let secret = client["client_secret"].as_str().unwrap();
    let code = begin(&app, &tv, &[("client_secret", secret)]).await.expect(200).text("device_code");
    poll(&app, &tv, &code).await.is_error(401, "access_denied", "Unauthorized");
}

#[tokio::test]
async fn strangers_under_strict_rules_may_not() {
    let app = TestApp::new().await;
    let tv = television(&app).await;
    app.set_client(&tv, json!({ "is_first_party": false })).await;
    let text = "The device authorization grant is not open to third-party applications";
    begin(&app, &tv, &[]).await.is_error(403, "unauthorized_client", text);
}

#[tokio::test]
async fn what_a_device_is_told_while_it_waits() {
    let app = TestApp::new().await;
    let tv = television(&app).await;
    let (device_code, user_code) = codes(&app, &tv, "openid").await;
    let slow =
        |seconds: u32| format!("You are polling faster than the specified interval of {seconds} seconds.");
    poll(&app, &tv, &device_code).await.is_error(403, "authorization_pending", PENDING);
    app.clock.advance(5);
    poll(&app, &tv, &device_code).await.is_error(403, "authorization_pending", PENDING);
    app.clock.advance(3);
    poll(&app, &tv, &device_code).await.is_error(429, "slow_down", &slow(5));
    // Five seconds more each time, counted from the poll that was too early.
    app.clock.advance(5);
    poll(&app, &tv, &device_code).await.is_error(429, "slow_down", &slow(10));
    app.clock.advance(15);
    poll(&app, &tv, &device_code).await.is_error(403, "authorization_pending", PENDING);
    activate(&app, &user_code).await;
    // The answer waits for nobody.
    poll(&app, &tv, &device_code).await.expect(200);
}

#[tokio::test]
async fn its_time_is_over_once() {
    for app in engines().await {
        let tv = television(&app).await;
        let (device_code, user_code) = codes(&app, &tv, "openid").await;
        let (allowed, shown) = codes(&app, &tv, "openid").await;
        let mut browser = Browser::new(&app);
        let question = type_code(&mut browser, &user_code).await.expect(200);
        app.clock.advance(898);
        poll(&app, &tv, &device_code).await.is_error(403, "authorization_pending", PENDING);
        activate(&app, &shown).await;
        app.clock.advance(2);
        for code in [&device_code, &allowed] {
            poll(&app, &tv, code).await.is_error(403, "expired_token", "The device code has expired.");
            poll(&app, &tv, code).await.is_error(403, "invalid_grant", INVALID);
        }
        type_code(&mut Browser::new(&app), &user_code).await.expect(400);
        // Nor does it help that the question was asked in time.
        let next = browser.submit(&question, &[("action", "accept")]).await;
        let next = browser.follow(next).await;
        let late = browser.finish(next, &JANE).await.expect(400);
        assert!(late.body.contains("Please start again"), "{late:?}");
        poll(&app, &tv, &device_code).await.is_error(403, "invalid_grant", INVALID);
        app.clock.advance(601);
        app.app.store.sweep(chancery_core::Clock::now(&*app.clock), 0).await.unwrap();
        poll(&app, &tv, &device_code).await.is_error(403, "invalid_grant", INVALID);
        let left: Option<i64> =
            app.app.store.db().query_one("SELECT COUNT(*) FROM device_codes", vec![]).await.unwrap();
        assert_eq!(left, Some(0), "{}", app.engine);
    }
}

#[tokio::test]
async fn the_user_says_no() {
    let app = TestApp::new().await;
    let tv = television(&app).await;
    let declined = "User cancelled the confirmation prompt.";
    // To the device, before any login.
    let (device_code, user_code) = codes(&app, &tv, "openid").await;
    let mut browser = Browser::new(&app);
    let page = type_code(&mut browser, &user_code).await.expect(200);
    let next = browser.submit(&page, &[("action", "decline")]).await;
    let end = browser.follow(next).await.expect(200);
    assert!(end.body.contains("The device was not connected"), "{end:?}");
    poll(&app, &tv, &device_code).await.is_error(403, "access_denied", declined);
    poll(&app, &tv, &device_code).await.is_error(403, "access_denied", declined);
    type_code(&mut Browser::new(&app), &user_code).await.expect(400);
    // To what it asks for.
    let (device_code, user_code) = codes(&app, &tv, "openid read:contacts").await;
    let mut browser = Browser::new(&app);
    let page = type_code(&mut browser, &user_code).await.expect(200);
    let next = browser.submit(&page, &[("action", "accept")]).await;
    let login = browser.follow(next).await;
    let consent = browser.log_in(&login, &JANE).await.expect(200);
    assert_eq!(consent.form().action, "/u/consent");
    assert!(!consent.body.contains("You will be sent to"), "{consent:?}");
    let next = browser.submit(&consent, &[("action", "decline")]).await;
    browser.follow(next).await.expect(200);
    poll(&app, &tv, &device_code).await.is_error(403, "access_denied", declined);
    app.app.logs.flush().await.unwrap();
    let logs = app.manage("GET", "/logs?q=type%3Afdecc", Value::Null).await;
    assert_eq!(logs.as_array().unwrap().len(), 2, "{logs}");
    assert_eq!(logs[0]["client_name"], "Demo TV");
}

/// RFC 8628, section 5.4: before anything else the user sees which application it is and which code, and no login that is
/// under way already takes the place of their word.
#[tokio::test]
async fn a_link_with_the_code_asks_whose_device_it_is() {
    let app = TestApp::new().await;
    let tv = television(&app).await;
    let mut browser = Browser::new(&app);
    browser.authorize(&app.ask("openid"), &JANE).await.get("code");
    let (device_code, user_code) = codes(&app, &tv, "openid").await;
    let link = browser.get(&format!("/activate?user_code={user_code}")).await;
    let page = browser.follow(link).await.expect(200);
    for text in ["Demo TV", &user_code, "in front of you", "cancel", JANE.email] {
        assert!(page.body.contains(text), "{text}: {page:?}");
    }
    poll(&app, &tv, &device_code).await.is_error(403, "authorization_pending", PENDING);
    // Going on without the answer leads back to the question, and other pages answer other questions.
    let state = page.form().value("state");
    let next = browser.get(&format!("/authorize/resume?state={state}")).await;
    assert_eq!(browser.follow(next).await.form().action, "/u/device");
    for path in ["/u/confirm", "/u/consent"] {
        browser.post(path, &[("state", &state), ("action", "accept")]).await;
        let next = browser.get(&format!("/authorize/resume?state={state}")).await;
        assert_eq!(browser.follow(next).await.form().action, "/u/device", "{path}");
    }
    let unclear = browser.post("/u/device", &[("state", &state), ("action", "maybe")]).await.expect(400);
    assert_eq!(unclear.form().action, "/u/device");
    // Not from another site, and not from another browser.
    let foreign = Call::post("/u/device").form(&[("state", &state), ("action", "accept")]);
    browser.send(foreign.header("origin", "https://evil.example")).await.expect(403);
    Browser::new(&app).post("/u/device", &[("state", &state), ("action", "accept")]).await.expect(400);
    let foreign = Call::post("/activate").form(&[("user_code", &user_code)]);
    browser.send(foreign.header("origin", "https://evil.example")).await.expect(403);
    poll(&app, &tv, &device_code).await.is_error(
        429,
        "slow_down",
        "You are polling faster than the specified interval of 5 seconds.",
    );
    // Signed in already, so there is no second login; what the device asks for is asked.
    let next = browser.submit(&page, &[("action", "accept")]).await;
    let consent = browser.follow(next).await.expect(200);
    assert_eq!(consent.form().action, "/u/consent");
    let done = browser.finish(consent, &JANE).await;
    assert!(done.body.contains("Your device is connected"), "{done:?}");
    poll(&app, &tv, &device_code).await.expect(200);
}

#[tokio::test]
async fn codes_are_typed_as_people_type() {
    let app = TestApp::new().await;
    let tv = television(&app).await;
    let (_, user_code) = codes(&app, &tv, "openid").await;
    let bare = user_code.replace('-', "");
    for typed in [user_code.to_lowercase(), bare.to_lowercase(), format!(" {} {} ", &bare[..4], &bare[4..])] {
        let page = type_code(&mut Browser::new(&app), &typed).await.expect(200);
        assert!(page.body.contains(&user_code), "{typed}");
    }
    let missing = type_code(&mut Browser::new(&app), " - ").await.expect(400);
    assert!(missing.body.contains("Enter the code that your device shows."));
    let settings = json!({ "device_flow": { "charset": "digits", "mask": "*** *** ***" } });
    app.manage("PATCH", "/tenants/settings", settings).await;
    let (_, user_code) = codes(&app, &tv, "openid").await;
    let parts: Vec<&str> = user_code.split(' ').collect();
    assert!(parts.len() == 3 && parts.iter().all(|p| p.len() == 3 && p.bytes().all(|b| b.is_ascii_digit())));
    type_code(&mut Browser::new(&app), &user_code.replace(' ', "")).await.expect(200);
    let token = app.management_token().await;
    for flow in [json!({ "charset": "digits", "mask": "****-****" }), json!({ "mask": "****_****" })] {
        let call = Call::new("PATCH", "/api/v2/tenants/settings").bearer(&token);
        app.send(call.json(&json!({ "device_flow": flow }))).await.expect(400);
    }
}

/// Unknown, used, refused and ended codes: one answer.
#[tokio::test]
async fn codes_that_are_not_good_look_alike() {
    let app = TestApp::new().await;
    let tv = television(&app).await;
    let mut bad = vec!["BBBB-BBBB".to_owned()];
    let (device_code, used) = codes(&app, &tv, "openid").await;
    activate(&app, &used).await;
    bad.push(used.clone());
    let (_, ended) = codes(&app, &tv, "openid").await;
    bad.push(ended);
    poll(&app, &tv, &device_code).await.expect(200);
    let (_, refused) = codes(&app, &tv, "openid").await;
    let mut browser = Browser::new(&app);
    let page = type_code(&mut browser, &refused).await;
    browser.submit(&page, &[("action", "decline")]).await;
    let state = page.form().value("state");
    browser.get(&format!("/authorize/resume?state={state}")).await;
    bad.push(refused);
    app.clock.advance(900);
    let mut answers = Vec::new();
    for code in &bad {
        let answer = app.send(Call::post("/activate").form(&[("user_code", code)])).await.expect(400);
        assert!(!answer.headers.contains_key("set-cookie"));
        answers.push(answer.body.replace(code.as_str(), "CODE"));
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    app.app.logs.flush().await.unwrap();
    let logs = app.manage("GET", "/logs?q=type%3Afdeac", Value::Null).await;
    assert_eq!(logs.as_array().unwrap().len(), bad.len(), "{logs}");
    assert!(bad.iter().all(|code| !logs.to_string().contains(code.as_str())));
}

/// Security case 14 in small: an address guesses fifty codes in the life of one, and a right one gets no answer then either.
#[tokio::test]
async fn guessing_is_bounded() {
    let app = TestApp::new().await;
    let tv = television(&app).await;
    let (_, user_code) = codes(&app, &tv, "openid").await;
    let mut heard = 0;
    for second in 0..900_u32 {
        let guess = format!("BBBB-{second:04}");
        let answer = app.send(Call::post("/activate").form(&[("user_code", &guess)])).await;
        assert!(matches!(answer.status.as_u16(), 400 | 429), "{answer:?}");
        heard += u32::from(answer.status == 400);
        if second == 600 {
            let right =
                app.send(Call::post("/activate").form(&[("user_code", &user_code)])).await.expect(429);
            assert!(right.body.contains("Too many failed attempts"), "{right:?}");
            let query = app.get(&format!("/activate?user_code={user_code}")).await;
            query.expect(429);
            let elsewhere = Call::post("/activate").form(&[("user_code", &user_code)]);
            app.send(elsewhere.sent_from([192, 0, 2, 77])).await.expect(303);
        }
        app.clock.advance(1);
    }
    assert!((40..=50).contains(&heard), "{heard}");
}

#[tokio::test]
async fn one_address_begins_five_a_second() {
    let app = TestApp::new().await;
    let tv = television(&app).await;
    for _ in 0..5 {
        begin(&app, &tv, &[]).await.expect(200);
    }
    begin(&app, &tv, &[]).await.expect(429);
    app.clock.advance(1);
    begin(&app, &tv, &[]).await.expect(200);
}

/// Security cases 1 and 9: a device code is its application's, and is no other kind of code.
#[tokio::test]
async fn case_01_a_device_code_is_bound_to_its_client() {
    for app in engines().await {
        let tv = television(&app).await;
        let other = application(&app, json!({ "name": "Other TV" })).await;
        let (device_code, user_code) = codes(&app, &tv, "openid").await;
        poll(&app, &other, &device_code).await.is_error(403, "invalid_grant", INVALID);
        activate(&app, &user_code).await;
        poll(&app, &other, &device_code).await.is_error(403, "invalid_grant", INVALID);
        let text = format!("Grant type '{GRANT}' not allowed for the client.");
        let spa = &app.clients.spa.client_id;
        poll(&app, spa, &device_code).await.is_error(403, "unauthorized_client", &text);
        let as_code = [("grant_type", "authorization_code"), ("client_id", &tv), ("code", &device_code)];
        app.token(&as_code).await.is_error(403, "invalid_grant", "Invalid authorization code");
        let tail = if device_code.ends_with('A') { "E" } else { "A" };
        let altered = format!("{}{tail}", &device_code[..device_code.len() - 1]);
        for wrong in [altered.as_str(), "", "x", &user_code] {
            let answer = poll(&app, &tv, wrong).await;
            assert!(matches!(answer.status.as_u16(), 400 | 403), "{wrong}: {answer:?}");
        }
        // None of it used the code up.
        poll(&app, &tv, &device_code).await.expect(200);
        // An authorization code is no device code.
        let code = app.code("openid").await;
        app.set_web(json!({ "grant_types": [GRANT, "authorization_code"] })).await;
        let as_device = [("grant_type", GRANT), ("device_code", &code)];
        app.web_token(&as_device).await.is_error(403, "invalid_grant", INVALID);
        app.web_token(&[("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK)])
            .await
            .expect(200);
    }
}

/// Security case 8.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn case_08_one_device_code_is_redeemed_once() {
    for app in engines().await {
        let tv = television(&app).await;
        let (device_code, user_code) = codes(&app, &tv, "openid offline_access read:contacts").await;
        activate(&app, &user_code).await;
        let answers = at_once(app, move |app| {
            let (tv, code) = (tv.clone(), device_code.clone());
            async move { (poll(&app, &tv, &code).await, tv) }
        })
        .await;
        let (app, answers) = answers;
        let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|(answer, _)| answer.status == 200);
        assert_eq!((won.len(), lost.len()), (1, 100));
        for (answer, _) in lost {
            answer.is_error(403, "invalid_grant", INVALID);
        }
        // What the winner has stays good: the others were the same device, asking twice.
        let (winner, tv) = won[0];
        let refresh_token = winner.text("refresh_token");
        let grant = [("grant_type", "refresh_token"), ("client_id", tv), ("refresh_token", &refresh_token)];
        app.token(&grant).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn case_08_the_end_of_a_device_code_is_told_once() {
    for app in engines().await {
        let tv = television(&app).await;
        let (device_code, _) = codes(&app, &tv, "openid").await;
        app.clock.advance(900);
        let (_, answers) = at_once(app, move |app| {
            let (tv, code) = (tv.clone(), device_code.clone());
            async move { poll(&app, &tv, &code).await }
        })
        .await;
        assert_eq!(answers.iter().filter(|answer| answer.text("error") == "expired_token").count(), 1);
        assert!(answers.iter().all(|answer| answer.status == 403), "{answers:?}");
    }
}

/// Two people with the same code: the first answer counts.
#[tokio::test]
async fn case_08_the_first_answer_counts() {
    for app in engines().await {
        let tv = television(&app).await;
        let (device_code, user_code) = codes(&app, &tv, "openid").await;
        let (mut first, mut second) = (Browser::new(&app), Browser::new(&app));
        let mut logins = Vec::new();
        for browser in [&mut first, &mut second] {
            let page = type_code(browser, &user_code).await;
            let next = browser.submit(&page, &[("action", "accept")]).await;
            logins.push(browser.follow(next).await);
        }
        first.finish(logins[0].clone(), &JANE).await.expect(200);
        let late = second.finish(logins[1].clone(), &SAM).await.expect(400);
        assert!(late.body.contains("Please start again"), "{late:?}");
        let tokens = poll(&app, &tv, &device_code).await.expect(200).json();
        let (_, claims) = decode(tokens["id_token"].as_str().unwrap());
        assert_eq!(claims["sub"], json!(app.jane().await));
    }
}

/// Security case 19.
#[tokio::test]
async fn case_19_what_was_taken_back_is_not_redeemed() {
    for app in engines().await {
        let tv = television(&app).await;
        let (device_code, user_code) = codes(&app, &tv, "openid read:contacts").await;
        activate(&app, &user_code).await;
        let grants = app.manage("GET", &format!("/grants?client_id={tv}"), Value::Null).await;
        app.manage("DELETE", &format!("/grants/{}", grants[0]["id"].as_str().unwrap()), Value::Null).await;
        poll(&app, &tv, &device_code).await.is_error(403, "invalid_grant", INVALID);
        // A blocked user gets nothing, whatever they allowed.
        let (device_code, user_code) = codes(&app, &tv, "openid").await;
        activate(&app, &user_code).await;
        let jane = crate::support::segment(&app.jane().await);
        app.manage("PATCH", &format!("/users/{jane}"), json!({ "blocked": true })).await;
        poll(&app, &tv, &device_code).await.is_error(403, "invalid_grant", INVALID);
    }
}

/// The browser that let the device in may be signed out.
#[tokio::test]
async fn a_device_outlives_the_session_of_its_browser() {
    let app = TestApp::new().await;
    let tv = television(&app).await;
    let (device_code, user_code) = codes(&app, &tv, "openid offline_access").await;
    let mut browser = Browser::new(&app);
    let page = type_code(&mut browser, &user_code).await;
    let next = browser.submit(&page, &[("action", "accept")]).await;
    let next = browser.follow(next).await;
    browser.finish(next, &JANE).await;
    let jane = crate::support::segment(&app.jane().await);
    let sessions = app.manage("GET", &format!("/users/{jane}/sessions"), Value::Null).await;
    let id = sessions["sessions"][0]["id"].as_str().unwrap();
    app.manage("DELETE", &format!("/sessions/{id}"), Value::Null).await;
    poll(&app, &tv, &device_code).await.expect(200).text("refresh_token");
}

#[tokio::test]
async fn organizations_are_named_as_at_authorize() {
    let app = TestApp::new().await;
    let tv = application(&app, json!({ "organization_usage": "require" })).await;
    let text = "parameter organization is required";
    begin(&app, &tv, &[]).await.is_error(400, "invalid_request", text);
    let acme = app.manage("POST", "/organizations", json!({ "name": "acme", "display_name": "Acme" })).await;
    let acme = acme["id"].as_str().unwrap().to_owned();
    let connections = app.manage("GET", "/connections?strategy=auth0", Value::Null).await;
    let connection = json!({ "connection_id": connections[0]["id"], "assign_membership_on_login": false });
    app.manage("POST", &format!("/organizations/{acme}/enabled_connections"), connection).await;
    let member = json!({ "members": [app.jane().await] });
    app.manage("POST", &format!("/organizations/{acme}/members"), member).await;
    let asked = [("organization", acme.as_str()), ("scope", "openid")];
    let code = begin(&app, &tv, &asked).await.expect(200);
    activate(&app, &code.text("user_code")).await;
    let tokens = poll(&app, &tv, &code.text("device_code")).await.expect(200).json();
    assert_eq!(decode(tokens["id_token"].as_str().unwrap()).1["org_id"], acme.as_str());
    // Somebody who is no member and only opens the link ends nothing; whoever is meant may take their place.
    let code = begin(&app, &tv, &asked).await.expect(200);
    let mut browser = Browser::new(&app);
    browser.authorize(&app.ask("openid"), &SAM).await.get("code");
    let link = browser.get(&format!("/activate?user_code={}", code.text("user_code"))).await;
    let page = browser.follow(link).await.expect(200);
    assert!(page.form().action == "/u/device" && page.body.contains(SAM.email), "{page:?}");
    poll(&app, &tv, &code.text("device_code")).await.is_error(403, "authorization_pending", PENDING);
    let login = browser.get(&format!("/u/login?state={}", page.form().value("state"))).await.expect(200);
    let page = browser.log_in(&login, &JANE).await.expect(200);
    assert!(page.form().action == "/u/device" && page.body.contains(JANE.email), "{page:?}");
    browser.finish(page, &JANE).await.expect(200);
    poll(&app, &tv, &code.text("device_code")).await.expect(200);
    // Somebody else is told so on the page, and their device when it comes back.
    let code = begin(&app, &tv, &asked).await.expect(200);
    let mut browser = Browser::new(&app);
    let page = type_code(&mut browser, &code.text("user_code")).await;
    let next = browser.submit(&page, &[("action", "accept")]).await;
    let login = browser.follow(next).await;
    let end = browser.log_in(&login, &SAM).await.expect(403);
    assert!(end.body.contains("is not part of the"), "{end:?}");
    let told = poll(&app, &tv, &code.text("device_code")).await.expect(403);
    assert_eq!(told.text("error"), "access_denied");
    assert!(told.text("error_description").ends_with("organization"), "{told:?}");
}

#[tokio::test]
async fn events_and_explanations_name_the_flow() {
    let app = TestApp::new().await;
    let tv = television(&app).await;
    let (device_code, user_code) = codes(&app, &tv, "openid read:contacts").await;
    poll(&app, &tv, &device_code).await.expect(403);
    activate(&app, &user_code).await;
    poll(&app, &tv, &device_code).await.expect(200);
    poll(&app, &tv, &device_code).await.expect(403);
    begin(&app, &tv, &[("audience", "urn:nothing")]).await.expect(403);
    app.app.logs.flush().await.unwrap();
    let kinds = async |kind: &str| app.manage("GET", &format!("/logs?q=type%3A{kind}"), Value::Null).await;
    for (kind, count) in [("s", 1), ("sede", 1), ("fede", 1), ("fdeaz", 1)] {
        let found = kinds(kind).await;
        assert_eq!(found.as_array().unwrap().len(), count, "{kind}: {found}");
    }
    let exchange = kinds("sede").await[0].clone();
    assert_eq!((&exchange["audience"], &exchange["client_id"]), (&json!(API), &json!(tv)));
    let token = app.management_token().await;
    for kind in ["s", "sede"] {
        let id = kinds(kind).await[0]["log_id"].as_str().unwrap().to_owned();
        let call = Call::get(&format!("/api/chancery/v1/explain/tokens/{id}")).bearer(&token);
        let told = app.send(call).await.expect(200).json();
        assert_eq!(told["flow"], "device_code", "{told}");
    }
    let what_if = json!({
        "flow": "device_code", "client_id": tv, "audience": API, "scope": "openid read:contacts",
        "user_id": app.jane().await,
    });
    let call = Call::post("/api/chancery/v1/explain").bearer(&token).json(&what_if);
    let told = app.send(call).await.expect(200).json();
    assert_eq!(
        (&told["flow"], &told["scope"]),
        (&json!("device_code"), &json!("openid read:contacts")),
        "{told}"
    );
    let refused = json!({ "flow": "device_code", "client_id": app.clients.spa.client_id, "scope": "openid" });
    let call = Call::post("/api/chancery/v1/explain").bearer(&token).json(&refused);
    let told = app.send(call).await.expect(200).json();
    assert!(told.to_string().contains(GRANT), "{told}");
}

/// A hundred and one calls at one moment, over two nodes.
async fn at_once<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    app: TestApp,
    act: impl Fn(Arc<TestApp>) -> F + Clone + Send + 'static,
) -> (Arc<TestApp>, Vec<T>) {
    const HANDS: usize = 101;
    let (second, first) = (Arc::new(app.neighbour(1).await), Arc::new(app));
    let (start, mut hands) = (Arc::new(Barrier::new(HANDS)), JoinSet::new());
    for n in 0..HANDS {
        let app = Arc::clone(if n % 2 == 0 { &first } else { &second });
        let (start, act) = (Arc::clone(&start), act.clone());
        hands.spawn(async move {
            start.wait().await;
            act(app).await
        });
    }
    (first, hands.join_all().await)
}

/// Whoever began it may be somebody else, who had the user type the code (RFC 8628, section 5.4): what takes away second factors is
/// not to be had like that.
#[tokio::test]
async fn a_device_sees_to_nobodys_second_factors() {
    let app = TestApp::new().await;
    let tv = television(&app).await;
    let audience = format!("{ISSUER}mfa/");
    let text = format!("Client \"{tv}\" is not authorized to access resource server \"{audience}\".");
    let asked = [("audience", audience.as_str()), ("scope", "remove:authenticators")];
    begin(&app, &tv, &asked).await.is_error(400, "invalid_request", &text);
}
