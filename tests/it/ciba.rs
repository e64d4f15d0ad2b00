//! Backchannel authentication (OpenID CIBA Core 1.0): `/bc-authorize`, the page of the mailed link, and the polls.

use serde_json::{Value, json};

use crate::support::{
    API, Answer, Browser, Call, ISSUER, JANE, Pairs, SAM, TestApp, decode, engines, segment,
};

pub(crate) const GRANT: &str = "urn:openid:params:grant-type:ciba";
const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const PENDING: &str = "The end-user authorization is pending";
const DENIED: &str = "The end-user denied the authorization request or it has been expired";
const INVALID: &str = "Invalid or expired auth_req_id";

pub(crate) async fn turn_on(app: &TestApp) {
    let grants = json!([GRANT, DEVICE, "authorization_code", "refresh_token", "password"]);
    app.set_web(json!({"grant_types": grants, "async_approval_notification_channels": ["email"]})).await;
}

fn hint(sub: &str) -> String {
    json!({"format": "iss_sub", "iss": ISSUER, "sub": sub}).to_string()
}

/// Demo Web asks for Jane, with changes: an empty value leaves a parameter out.
pub(crate) async fn ask(app: &TestApp, changes: Pairs<'_>) -> Answer {
    let (secret, hint) = (app.web_secret(), hint(&app.jane().await));
    let mut pairs = vec![
        ("client_id", app.clients.web.client_id.as_str()),
        ("client_secret", secret.as_str()),
        ("login_hint", hint.as_str()),
        ("binding_message", "Order 4711"),
        ("scope", "openid offline_access read:contacts"),
        ("audience", API),
    ];
    pairs.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    pairs.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
    app.send(Call::post("/bc-authorize").form(&pairs)).await
}

async fn begun(app: &TestApp) -> String {
    ask(app, &[]).await.expect(200).text("auth_req_id")
}

pub(crate) async fn poll(app: &TestApp, auth_req_id: &str) -> Answer {
    app.web_token(&[("grant_type", GRANT), ("auth_req_id", auth_req_id)]).await
}

/// Where the link of the newest mail leads.
#[track_caller]
pub(crate) fn link(app: &TestApp) -> String {
    let kept = app.app.outbox.kept();
    let mail = kept.iter().find(|mail| mail.to == JANE.email).expect("a mail to Jane");
    let word =
        mail.text.split_whitespace().find(|word| word.starts_with("https://auth.example/u/approve?code="));
    word.unwrap_or_else(|| panic!("no link: {}", mail.text)).replace("https://auth.example", "")
}

#[tokio::test]
async fn from_the_question_to_the_tokens() {
    for app in engines().await {
        turn_on(&app).await;
        let answer = ask(&app, &[]).await.expect(200).json();
        assert_eq!((&answer["expires_in"], &answer["interval"]), (&json!(300), &json!(5)));
        let id = answer["auth_req_id"].as_str().unwrap().to_owned();
        poll(&app, &id).await.is_error(400, "authorization_pending", PENDING);
        assert!(app.app.outbox.kept()[0].text.contains("Order 4711"));
        let path = link(&app);
        // A scanner that opens the link answers nothing.
        Browser::new(&app).get(&path).await;
        let mut browser = Browser::new(&app);
        let page = browser.get(&path).await;
        let page = browser.follow(page).await.expect(200);
        assert!(page.body.contains("Order 4711") && page.body.contains("Demo Web"), "{page:?}");
        let done = browser.finish(page, &JANE).await;
        assert!(done.body.contains("You confirmed"), "{done:?}");
        app.clock.advance(5);
        let tokens = poll(&app, &id).await.expect(200).json();
        assert_eq!(tokens["scope"], "openid offline_access read:contacts");
        let id_token = app.verified(tokens["id_token"].as_str().unwrap()).await;
        assert_eq!(id_token["sub"], app.jane().await, "{}", app.engine);
        app.refresh(tokens["refresh_token"].as_str().unwrap(), &[]).await.expect(200);
        poll(&app, &id).await.is_error(400, "invalid_grant", INVALID);
        Browser::new(&app).get(&path).await.expect(400);
        for kind in ["ciba_start_succeeded", "ciba_exchange_succeeded"] {
            app.app.logs.flush().await.unwrap();
            let found = app.manage("GET", &format!("/logs?q=type%3A{kind}"), Value::Null).await;
            assert_eq!(found.as_array().unwrap().len(), 1, "{kind}");
        }
    }
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let app = TestApp::new().await;
    ask(&app, &[]).await.is_error(
        403,
        "unauthorized_client",
        &format!("Grant type '{GRANT}' not allowed for the client."),
    );
    turn_on(&app).await;
    let long = "x".repeat(65);
    let (other, unknown) =
        (hint("auth0|nobody").replace("auth.example", "evil.example"), hint("auth0|nobody"));
    for (changes, error) in [
        (vec![("scope", "read:contacts")], "invalid_request"),
        (vec![("scope", "")], "invalid_request"),
        (vec![("binding_message", "")], "invalid_request"),
        (vec![("binding_message", "<b>pay</b>")], "invalid_binding_message"),
        (vec![("binding_message", long.as_str())], "invalid_binding_message"),
        (vec![("login_hint", "")], "invalid_request"),
        (vec![("login_hint", "jane@example.com")], "invalid_request"),
        (vec![("login_hint", other.as_str())], "unknown_user_id"),
        (vec![("login_hint", unknown.as_str())], "unknown_user_id"),
        (vec![("requested_expiry", "0")], "invalid_request"),
        (vec![("requested_expiry", "301")], "invalid_request"),
        (vec![("requested_expiry", "x")], "invalid_request"),
    ] {
        let answer = ask(&app, &changes).await.expect(400);
        assert_eq!(answer.text("error"), error, "{changes:?}");
    }
    assert_eq!(ask(&app, &[("client_secret", "wrong")]).await.expect(401).text("error"), "access_denied");
    assert!(app.app.outbox.kept().is_empty());
    app.set_web(json!({"async_approval_notification_channels": ["guardian-push"]})).await;
    assert_eq!(ask(&app, &[]).await.expect(403).text("error"), "unauthorized_client");
    assert_eq!(poll(&app, "x").await.expect(400).text("error"), "invalid_grant");
}

#[tokio::test]
async fn polls_are_slowed_down_and_end() {
    for app in engines().await {
        turn_on(&app).await;
        let id = ask(&app, &[("requested_expiry", "60")]).await.expect(200).text("auth_req_id");
        poll(&app, &id).await.is_error(400, "authorization_pending", PENDING);
        let early = poll(&app, &id).await.expect(400);
        assert_eq!((early.text("error").as_str(), early.header("retry-after")), ("slow_down", Some("10")));
        app.clock.advance(10);
        poll(&app, &id).await.is_error(400, "authorization_pending", PENDING);
        app.clock.advance(50);
        assert_eq!(poll(&app, &id).await.expect(400).text("error"), "expired_token");
        poll(&app, &id).await.is_error(400, "invalid_grant", INVALID);
        Browser::new(&app).get(&link(&app)).await.expect(400);
    }
}

/// The plans ask one user in every other of their tests: whoever gets no mail cannot answer. Nobody is asked without end.
#[tokio::test]
async fn a_user_is_asked_often_but_not_without_end() {
    let app = TestApp::new().await;
    turn_on(&app).await;
    for _ in 0..60 {
        begun(&app).await;
    }
    assert_eq!(app.app.outbox.kept().len(), 60);
    begun(&app).await;
    assert_eq!(app.app.outbox.kept().len(), 60, "nobody is told");
    app.clock.advance(15);
    begun(&app).await;
    assert_eq!(app.app.outbox.kept().len(), 61);
}

#[tokio::test]
async fn a_user_says_no() {
    for app in engines().await {
        turn_on(&app).await;
        let id = begun(&app).await;
        let mut browser = Browser::new(&app);
        let page = browser.get(&link(&app)).await;
        let page = browser.follow(page).await.expect(200);
        let done = browser.submit(&page, &[("action", "decline")]).await;
        let done = browser.follow(done).await;
        assert!(done.body.contains("You declined"), "{done:?}");
        poll(&app, &id).await.is_error(400, "access_denied", DENIED);
    }
}

/// The login is for one account: its name stands there, and another one is not offered.
#[tokio::test]
async fn the_login_is_that_of_the_user_who_is_asked() {
    let app = TestApp::new().await;
    turn_on(&app).await;
    begun(&app).await;
    let mut browser = Browser::new(&app);
    let page = browser.get(&link(&app)).await;
    let page = browser.follow(page).await.expect(200);
    let next = browser.submit(&page, &[("action", "accept")]).await;
    let login = browser.follow(next).await.expect(200);
    assert_eq!(login.form().action, "/u/login");
    assert!(login.body.contains(&format!("value=\"{}\"", JANE.email)), "{}", login.body);
    assert!(!login.body.contains("/u/signup"), "{}", login.body);
    let state = login.form().value("state");
    let page = browser.get(&format!("/u/signup?state={state}")).await;
    assert!(!page.body.contains("action=\"/u/signup\""), "{page:?}");
    let fields = [("state", state.as_str()), ("email", "new@example.com"), ("password", "A-new-1-password")];
    browser.post("/u/signup", &fields).await;
    let made = app.manage("GET", "/users-by-email?email=new%40example.com", Value::Null).await;
    assert_eq!(made, json!([]), "nobody is made on this way");
}

/// Nobody but the user who was asked for can answer, though they have the link.
#[tokio::test]
async fn case_13_nobody_else_answers() {
    let app = TestApp::new().await;
    turn_on(&app).await;
    let id = begun(&app).await;
    let mut browser = Browser::new(&app);
    let page = browser.get(&link(&app)).await;
    let page = browser.follow(page).await.expect(200);
    // Each other step's body, and none, goes nowhere.
    let state = page.form().value("state");
    for path in ["/u/consent", "/u/login", "/u/device"] {
        for body in [vec![("state", state.as_str())], vec![("state", state.as_str()), ("choices", "")]] {
            let answer = browser.post(path, &body).await;
            browser.follow(answer).await;
            assert_eq!(poll_after(&app, &id).await, "authorization_pending");
        }
    }
    let next = browser.submit(&page, &[("action", "accept")]).await;
    let login = browser.follow(next).await.expect(200);
    let again = browser.log_in(&login, &SAM).await;
    assert_eq!(again.form().action, "/u/login", "{again:?}");
    assert_eq!(poll_after(&app, &id).await, "authorization_pending");
}

async fn poll_after(app: &TestApp, id: &str) -> String {
    app.clock.advance(6);
    poll(app, id).await.text("error")
}

/// Of A, redeemed by B or as something else: as unknown as one made up, and still there for A (security case 1).
#[tokio::test]
async fn case_01_requests_are_bound_to_their_client() {
    let app = TestApp::new().await;
    turn_on(&app).await;
    let id = begun(&app).await;
    let body = json!({"name": "Other", "app_type": "regular_web", "grant_types": [GRANT, DEVICE]});
    let other = app.manage("POST", "/clients", body).await;
    let own = [
        ("client_id", other["client_id"].as_str().unwrap()),
        ("client_secret", other["client_secret"].as_str().unwrap()),
    ];
    let stolen = app.token(&[&own[..], &[("grant_type", GRANT), ("auth_req_id", &id)]].concat()).await;
    stolen.is_error(400, "invalid_grant", INVALID);
    assert_eq!(
        app.web_token(&[("grant_type", DEVICE), ("device_code", &id)]).await.expect(403).text("error"),
        "invalid_grant"
    );
    assert_eq!(
        app.web_token(&[("grant_type", "authorization_code"), ("code", &id)]).await.expect(403).text("error"),
        "invalid_grant"
    );
    let web = [("client_id", app.clients.web.client_id.as_str())];
    let secret = app.web_secret();
    let begun = app
        .send(Call::post("/oauth/device/code").form(&[
            web[0],
            ("client_secret", &secret),
            ("scope", "openid"),
        ]))
        .await;
    let device = begun.expect(200);
    poll(&app, &device.text("device_code")).await.is_error(400, "invalid_grant", INVALID);
    // Neither page takes the other's code.
    let code = link(&app).split('=').next_back().unwrap().to_owned();
    app.send(Call::post("/activate").form(&[("user_code", &code)])).await.expect(400);
    app.get(&format!("/u/approve?code={}", device.text("user_code"))).await.expect(400);
    for flip in [0, id.len() / 2, id.len() - 1] {
        let mut bytes = id.clone().into_bytes();
        bytes[flip] = if bytes[flip] == b'A' { b'B' } else { b'A' };
        poll(&app, &String::from_utf8(bytes).unwrap()).await.is_error(400, "invalid_grant", INVALID);
    }
    poll(&app, &id).await.is_error(400, "authorization_pending", PENDING);
}

/// No more than the user allowed, though more was asked for (security case 3).
#[tokio::test]
async fn case_03_no_more_than_was_allowed() {
    let app = TestApp::new().await;
    turn_on(&app).await;
    let id =
        ask(&app, &[("scope", "openid read:contacts nonsense:scope")]).await.expect(200).text("auth_req_id");
    let mut browser = Browser::new(&app);
    let page = browser.get(&link(&app)).await;
    let page = browser.follow(page).await;
    browser.finish(page, &JANE).await;
    let tokens = poll(&app, &id).await.expect(200).json();
    assert_eq!(tokens["scope"], "openid read:contacts");
    assert_eq!(decode(tokens["access_token"].as_str().unwrap()).1["scope"], "openid read:contacts");
}

/// Of many polls at once one gets the tokens (security case 8).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_08_a_request_is_redeemed_once() {
    for first in engines().await {
        let second = first.neighbour(1).await;
        turn_on(&first).await;
        second.app.catalog.sync().await.unwrap();
        let id = begun(&first).await;
        let mut browser = Browser::new(&first);
        let page = browser.get(&link(&first)).await;
        let page = browser.follow(page).await;
        browser.finish(page, &JANE).await;
        let (a, b, c, d) =
            tokio::join!(poll(&first, &id), poll(&second, &id), poll(&first, &id), poll(&second, &id));
        let good = [a, b, c, d].iter().filter(|answer| answer.status == 200).count();
        assert_eq!(good, 1, "{}", first.engine);
    }
}

/// A blocked user is answered like any other and asked nothing; a lock or block that came since holds at redemption
/// (security case 14, what CIBA shipped without elsewhere).
#[tokio::test]
async fn case_14_locks_hold_at_redemption() {
    let app = TestApp::new().await;
    turn_on(&app).await;
    app.manage("PATCH", "/attack-protection/brute-force-protection", json!({"mode": "count_per_identifier"}))
        .await;
    let approved = async || {
        let id = begun(&app).await;
        let mut browser = Browser::new(&app);
        let page = browser.get(&link(&app)).await;
        let page = browser.follow(page).await;
        browser.finish(page, &JANE).await;
        id
    };
    let id = approved().await;
    for _ in 0..10 {
        let pairs = [("grant_type", "password"), ("username", JANE.email), ("password", "wrong")];
        app.web_token(&pairs).await.expect(403);
    }
    assert_eq!(poll(&app, &id).await.expect(429).text("error"), "too_many_attempts");
    app.manage("DELETE", &format!("/user-blocks/{}", segment(&app.jane().await)), Value::Null).await;
    let tokens = poll(&app, &id).await.expect(200);
    assert!(tokens.body.contains("access_token"));

    let id = approved().await;
    let path = format!("/users/{}", segment(&app.jane().await));
    app.manage("PATCH", &path, json!({"blocked": true})).await;
    assert!(!poll(&app, &id).await.status.is_success());
    let before = app.app.outbox.kept().len();
    let asked = ask(&app, &[]).await.expect(200).text("auth_req_id");
    poll(&app, &asked).await.is_error(400, "authorization_pending", PENDING);
    assert_eq!(app.app.outbox.kept().len(), before, "a blocked user is asked nothing");
}

/// A foreign Host writes no link (security case 16), and discovery says what there is.
#[tokio::test]
async fn case_16_links_lead_here() {
    let app = TestApp::new().await;
    turn_on(&app).await;
    let secret = app.web_secret();
    let hint = hint(&app.jane().await);
    let form = [
        ("client_id", app.clients.web.client_id.as_str()),
        ("client_secret", &secret),
        ("login_hint", &hint),
        ("binding_message", "x"),
        ("scope", "openid"),
    ];
    let call = Call::post("/bc-authorize").form(&form).header("x-forwarded-host", "evil.example");
    app.send(call).await.expect(200);
    assert!(link(&app).starts_with("/u/approve?code="));
    let discovery = app.get("/.well-known/openid-configuration").await.json();
    assert_eq!(discovery["backchannel_authentication_endpoint"], format!("{ISSUER}bc-authorize"));
    assert_eq!(discovery["backchannel_token_delivery_modes_supported"], json!(["poll", "ping"]));
}

const PAYMENT: &str = r#"[{"type":"payment","amount":{"value":"12.50","currency":"EUR"},"to":"Sam"}]"#;

/// RFC 9396 with CIBA: what exactly is asked for stands on the page, and in the token when the user agrees to it.
#[tokio::test]
async fn details_are_shown_and_granted() {
    for app in engines().await {
        turn_on(&app).await;
        let bad = ask(&app, &[("authorization_details", PAYMENT)]).await.expect(400);
        assert_eq!(bad.text("error"), "invalid_authorization_details", "the API knows no such type");
        let bad = ask(&app, &[("authorization_details", "[{}]")]).await.expect(400);
        assert_eq!(bad.text("error"), "invalid_authorization_details");
        app.set_api(json!({"authorization_details": [{"type": "payment"}]})).await;
        let nowhere = ask(&app, &[("authorization_details", PAYMENT), ("audience", "")]).await.expect(400);
        assert_eq!(nowhere.text("error"), "invalid_authorization_details", "there is no API to ask for it");
        for agrees in [true, false] {
            let id = ask(&app, &[("authorization_details", PAYMENT)]).await.expect(200).text("auth_req_id");
            let mut browser = Browser::new(&app);
            let page = browser.get(&link(&app)).await;
            let page = browser.follow(page).await;
            let login = browser.submit(&page, &[("action", "accept")]).await;
            let login = browser.follow(login).await;
            let page = browser.log_in(&login, &JANE).await;
            assert_eq!(page.form().action, "/u/consent", "{}", app.engine);
            let text = crate::support::unescape(&page.body);
            for shown in ["payment", "value: 12.50, currency: EUR", "Sam"] {
                assert!(text.contains(shown), "{shown}: {text}");
            }
            if !agrees {
                let no = browser.submit(&page, &[("action", "decline")]).await;
                browser.follow(no).await;
                poll(&app, &id).await.is_error(400, "access_denied", DENIED);
                continue;
            }
            browser.finish(page, &JANE).await;
            let tokens = poll(&app, &id).await.expect(200).json();
            let wanted: Value = serde_json::from_str(PAYMENT).unwrap();
            assert_eq!(tokens["authorization_details"], wanted);
            let claims = app.verified(tokens["access_token"].as_str().unwrap()).await;
            assert_eq!(claims["authorization_details"], wanted);
            let refreshed =
                app.refresh(tokens["refresh_token"].as_str().unwrap(), &[]).await.expect(200).json();
            assert_eq!(refreshed["authorization_details"], wanted);
        }
    }
}

/// What was asked for and is allowed no more when the tokens are fetched is not in them.
#[tokio::test]
async fn details_are_decided_again() {
    let app = TestApp::new().await;
    turn_on(&app).await;
    app.set_api(json!({"authorization_details": [{"type": "payment"}]})).await;
    let id = ask(&app, &[("authorization_details", PAYMENT)]).await.expect(200).text("auth_req_id");
    let mut browser = Browser::new(&app);
    let page = browser.get(&link(&app)).await;
    let page = browser.follow(page).await;
    browser.finish(page, &JANE).await;
    app.set_api(json!({"authorization_details": null})).await;
    let tokens = poll(&app, &id).await.expect(200).json();
    assert_eq!(tokens.get("authorization_details"), None);
}

mod pings {
    use super::*;
    use crate::support::{Heard, Service};

    const TOKEN: &str = "8d67dc78-7faa-4d41-aabd-67707b374255";

    async fn told_at(app: &TestApp, service: &Service) {
        turn_on(app).await;
        let path = format!("/clients/{}/openid", app.clients.web.client_id);
        let endpoint = format!("{}/cb", service.origin);
        let wish = json!({"backchannel_token_delivery_mode": "ping", "backchannel_client_notification_endpoint": endpoint});
        let shown = app.manage_own("PATCH", &path, wish).await;
        assert_eq!(shown["backchannel_token_delivery_mode"], "ping");
    }

    async fn asked(app: &TestApp) -> String {
        ask(app, &[("client_notification_token", TOKEN)]).await.expect(200).text("auth_req_id")
    }

    async fn answered(app: &TestApp, action: &str) {
        let mut browser = Browser::new(app);
        let page = browser.get(&link(app)).await;
        let page = browser.follow(page).await;
        let next = browser.submit(&page, &[("action", action)]).await;
        let page = browser.follow(next).await;
        browser.finish(page, &JANE).await;
    }

    async fn deliver(app: &TestApp) {
        chancery_oauth::ping_due(&app.app).await.unwrap();
    }

    #[track_caller]
    fn is_told(heard: &[Heard], id: &str) {
        assert_eq!(heard.len(), 1, "{heard:?}");
        let Heard { method, path, authorization, body, .. } = &heard[0];
        assert_eq!((method.as_str(), path.as_str()), ("POST", "/cb"));
        assert_eq!(*authorization, format!("Bearer {TOKEN}"));
        assert_eq!(serde_json::from_str::<Value>(body).unwrap(), json!({"auth_req_id": id}));
    }

    #[tokio::test]
    async fn the_application_is_told_of_an_answer_once() {
        let mut all = vec![TestApp::configured(Service::config()).await];
        if let Some(app) = TestApp::postgres().await {
            all.push(app.neighbour_by(2, app.database().to_owned(), Service::config()).await);
        }
        for app in all {
            let service = Service::start(|_| (204, json!(null))).await;
            told_at(&app, &service).await;
            for action in ["accept", "decline"] {
                let id = asked(&app).await;
                deliver(&app).await;
                assert!(service.heard().is_empty(), "nobody has answered");
                answered(&app, action).await;
                assert!(service.heard().is_empty(), "the user does not wait for it");
                deliver(&app).await;
                is_told(&service.heard(), &id);
                deliver(&app).await;
                assert!(service.heard().is_empty(), "once");
                let answer = poll(&app, &id).await;
                assert_eq!(answer.status, if action == "accept" { 200 } else { 400 }, "{answer:?}");
            }
        }
    }

    /// What it is told with lies sealed, and whoever sees the database learns neither.
    #[tokio::test]
    async fn secrets_rest_sealed() {
        let app = TestApp::configured(Service::config()).await;
        let service = Service::start(|_| (204, json!(null))).await;
        told_at(&app, &service).await;
        let id = asked(&app).await;
        let rest = app.at_rest().await;
        assert!(rest.contains(&app.clients.web.client_id), "it is there");
        assert!(!rest.contains(TOKEN) && !rest.contains(&id));
    }

    #[tokio::test]
    async fn it_is_tried_again_and_not_for_ever() {
        let app = TestApp::configured(Service::config()).await;
        let service = Service::start(|_| (503, json!({}))).await;
        told_at(&app, &service).await;
        let id = asked(&app).await;
        answered(&app, "accept").await;
        deliver(&app).await;
        is_told(&service.heard(), &id);
        for (seconds, heard) in [(4, 0), (1, 1), (20, 1), (60, 1), (200, 0)] {
            app.clock.advance(seconds);
            deliver(&app).await;
            assert_eq!(service.heard().len(), heard, "after {seconds} more seconds");
        }
    }

    /// Security case 7: redirects are not followed, and a refusal is one. Whoever answers at length has heard.
    #[tokio::test]
    async fn who_does_not_want_to_hear_is_left_alone() {
        for (status, length) in [(302, 0), (403, 0), (200, 5000)] {
            let app = TestApp::configured(Service::config()).await;
            let service = Service::start(move |_| (status, json!("x".repeat(length)))).await;
            told_at(&app, &service).await;
            asked(&app).await;
            answered(&app, "accept").await;
            deliver(&app).await;
            assert_eq!(service.heard().len(), 1);
            app.clock.advance(100);
            deliver(&app).await;
            assert!(service.heard().is_empty(), "{status}");
        }
    }

    #[tokio::test]
    async fn what_is_wrong_with_it() {
        let app = TestApp::configured(Service::config()).await;
        let service = Service::start(|_| (204, json!(null))).await;
        told_at(&app, &service).await;
        for bad in ["", "a b", "a\nb"] {
            let answer = ask(&app, &[("client_notification_token", bad)]).await.expect(400);
            assert_eq!(answer.text("error"), "invalid_request", "{bad}");
        }
        let at = format!("/api/chancery/v1/clients/{}/openid", app.clients.web.client_id);
        let token = app.management_token().await;
        for bad in [
            json!({"backchannel_client_notification_endpoint": null}),
            json!({"backchannel_client_notification_endpoint": "https://u:p@a.example/"}),
            json!({"backchannel_token_delivery_mode": "push"}),
        ] {
            app.send(Call::new("PATCH", &at).bearer(&token).json(&bad)).await.expect(400);
        }
        // Whoever asks by itself sends none, and is not told.
        app.manage_own(
            "PATCH",
            &at.replace("/api/chancery/v1", ""),
            json!({"backchannel_token_delivery_mode": "poll"}),
        )
        .await;
        begun(&app).await;
        answered(&app, "accept").await;
        deliver(&app).await;
        assert!(service.heard().is_empty());
        let document = app.get("/.well-known/openid-configuration").await.json();
        assert_eq!(document["backchannel_token_delivery_modes_supported"], json!(["poll", "ping"]));
    }
}

/// A stranger does not have users asked, however leniently it is held; nor does who knows them by other names than their ids.
#[tokio::test]
async fn first_parties_that_know_ids_may_ask() {
    let app = TestApp::new().await;
    turn_on(&app).await;
    let web = app.clients.web.client_id.clone();
    let path = format!("/clients/{web}/openid");
    app.set_web(json!({"callbacks": [crate::support::CALLBACK]})).await;
    app.manage_own("PATCH", &path, json!({"subject_type": "pairwise"})).await;
    let text = "Backchannel authentication names users by their id, which the application does not know";
    ask(&app, &[]).await.is_error(403, "unauthorized_client", text);
    app.manage_own("PATCH", &path, json!({"subject_type": null})).await;
    begun(&app).await;
    let wish = json!({
        "name": "Stranger", "app_type": "regular_web", "oidc_conformant": true, "is_first_party": false,
        "third_party_security_mode": "permissive", "grant_types": [GRANT], "callbacks": [crate::support::CALLBACK],
        "token_endpoint_auth_method": "client_secret_post",
    });
    let made = app.manage("POST", "/clients", wish).await;
    let own = ["client_id", "client_secret"].map(|name| (name, made[name].as_str().unwrap()));
    let text = "Backchannel authentication is for first-party applications that prove themselves";
    ask(&app, &own).await.is_error(403, "unauthorized_client", text);
}

/// Whoever is let in again has not allowed anything: what was allowed before ended with the block.
#[tokio::test]
async fn case_19_a_block_ends_what_was_allowed() {
    for app in engines().await {
        turn_on(&app).await;
        let id = begun(&app).await;
        let mut browser = Browser::new(&app);
        let page = browser.get(&link(&app)).await;
        let page = browser.follow(page).await.expect(200);
        browser.finish(page, &JANE).await;
        let path = format!("/users/{}", segment(&app.jane().await));
        app.manage("PATCH", &path, json!({"blocked": true})).await;
        app.clock.advance(5);
        assert!(!poll(&app, &id).await.status.is_success(), "{}", app.engine);
        app.manage("PATCH", &path, json!({"blocked": false})).await;
        app.clock.advance(5);
        poll(&app, &id).await.is_error(400, "invalid_grant", INVALID);
    }
}
