//! Codes and links by mail: `/passwordless/start`, the grant, the hosted pages (fact sheet 6.3 and 9.6).

use serde_json::{Value, json};

use crate::support::{
    API, Answer, Ask, Browser, CALLBACK, Call, JANE, Landing, TestApp, decode, engines, segment,
};

pub(crate) const OTP: &str = "http://auth0.com/oauth/grant-type/passwordless/otp";
const NEW: &str = "new@example.com";

/// Demo Web signs people in with mailed codes too.
pub(crate) async fn turn_on(app: &TestApp, options: Value) -> String {
    let body = json!({
        "name": "email", "strategy": "email", "options": options,
        "enabled_clients": [app.clients.web.client_id, app.clients.spa.client_id],
    });
    let made = app.manage("POST", "/connections", body).await;
    let grants = json!(["authorization_code", "refresh_token", "password", OTP]);
    app.set_web(json!({ "grant_types": grants })).await;
    made["id"].as_str().unwrap().to_owned()
}

fn start_call(app: &TestApp, changes: Value) -> Call {
    let mut body = json!({
        "client_id": app.clients.web.client_id, "client_secret": app.web_secret(),
        "connection": "email", "email": NEW, "send": "code",
    });
    let Value::Object(changes) = changes else { panic!("an object: {changes}") };
    body.as_object_mut().unwrap().extend(changes);
    Call::post("/passwordless/start").json(&body)
}

pub(crate) async fn start(app: &TestApp, changes: Value) -> Answer {
    app.send(start_call(app, changes)).await
}

/// The code in the newest mail to this address.
#[track_caller]
pub(crate) fn mailed(app: &TestApp, to: &str) -> String {
    let kept = app.app.outbox.kept();
    let mail = kept.iter().find(|mail| mail.to == to).unwrap_or_else(|| panic!("no mail to {to}"));
    let (_, after) = mail.text.split_once("code is ").unwrap_or_else(|| panic!("no code: {}", mail.text));
    after.chars().take_while(char::is_ascii_digit).collect()
}

fn other(code: &str) -> &'static str {
    if code == "000000" { "111111" } else { "000000" }
}

async fn exchange(app: &TestApp, email: &str, code: &str) -> Answer {
    let pairs = [
        ("grant_type", OTP),
        ("realm", "email"),
        ("username", email),
        ("otp", code),
        ("audience", API),
        ("scope", "openid email read:contacts offline_access"),
    ];
    app.web_token(&pairs).await
}

#[track_caller]
fn is_wrong(answer: &Answer) {
    answer.is_error(403, "invalid_grant", "Wrong email or verification code.");
}

#[tokio::test]
async fn a_code_makes_an_account_and_tokens_once() {
    for app in engines().await {
        turn_on(&app, json!({})).await;
        let answer = start(&app, json!({"email": " New@Example.com "})).await.expect(200).json();
        assert_eq!((&answer["email"], &answer["email_verified"]), (&json!(NEW), &json!(false)));
        assert_eq!(answer["_id"].as_str().unwrap().len(), 24);
        let code = mailed(&app, NEW);
        assert_eq!(code.len(), 6);
        let tokens = exchange(&app, NEW, &code).await.expect(200).json();
        let id_token = app.verified(tokens["id_token"].as_str().unwrap()).await;
        assert_eq!((&id_token["email"], &id_token["email_verified"]), (&json!(NEW), &json!(true)));
        assert!(id_token["sub"].as_str().unwrap().starts_with("email|"));
        let access = decode(tokens["access_token"].as_str().unwrap()).1;
        assert_eq!(access.get("gty"), None);
        assert!(app.refresh(tokens["refresh_token"].as_str().unwrap(), &[]).await.status.is_success());
        is_wrong(&exchange(&app, NEW, &code).await);
        // The same person the next time.
        start(&app, json!({})).await.expect(200);
        let again = exchange(&app, NEW, &mailed(&app, NEW)).await.expect(200).json();
        assert_eq!(app.verified(again["id_token"].as_str().unwrap()).await["sub"], id_token["sub"]);
        let found = app.manage("GET", "/users-by-email?email=new%40example.com", Value::Null).await;
        assert_eq!(found.as_array().unwrap().len(), 1, "{}", app.engine);
        assert_eq!(found[0]["identities"][0]["provider"], "email");
    }
}

#[tokio::test]
async fn three_tries_and_three_minutes() {
    for app in engines().await {
        turn_on(&app, json!({})).await;
        start(&app, json!({})).await.expect(200);
        let code = mailed(&app, NEW);
        for _ in 0..3 {
            is_wrong(&exchange(&app, NEW, other(&code)).await);
        }
        is_wrong(&exchange(&app, NEW, &code).await);
        start(&app, json!({})).await.expect(200);
        let code = mailed(&app, NEW);
        is_wrong(&exchange(&app, NEW, other(&code)).await);
        app.clock.advance(179);
        exchange(&app, NEW, &code).await.expect(200);
        start(&app, json!({})).await.expect(200);
        app.clock.advance(180);
        is_wrong(&exchange(&app, NEW, &mailed(&app, NEW)).await);
        // A new code ends the one before.
        start(&app, json!({})).await.expect(200);
        let before = mailed(&app, NEW);
        start(&app, json!({})).await.expect(200);
        if mailed(&app, NEW) != before {
            is_wrong(&exchange(&app, NEW, &before).await);
        }
        exchange(&app, NEW, &mailed(&app, NEW)).await.expect(200);
    }
}

#[tokio::test]
async fn the_connection_says_how() {
    let app = TestApp::new().await;
    let email = json!({"subject": "Hi {{ application.name }}", "body": "<p>code is {{ code }} ({{ send }})</p>", "syntax": "liquid"});
    let options = json!({"totp": {"length": 8, "time_step": 600}, "disable_signup": true, "email": email});
    turn_on(&app, options).await;
    // Who has no account and may make none is answered alike, and gets nothing.
    let stranger = start(&app, json!({})).await.expect(200).json();
    assert!(app.app.outbox.kept().is_empty());
    for code in ["00000000", "000000"] {
        is_wrong(&exchange(&app, NEW, code).await);
    }
    let connection = app.manage("GET", "/connections?name=email", Value::Null).await[0].clone();
    let path = format!("/connections/{}", connection["id"].as_str().unwrap());
    let mut options = connection["options"].clone();
    options["disable_signup"] = false.into();
    app.manage("PATCH", &path, json!({"options": options})).await;
    start(&app, json!({})).await.expect(200);
    let code = mailed(&app, NEW);
    assert_eq!((code.len(), app.app.outbox.kept()[0].subject.as_str()), (8, "Hi Demo Web"));
    assert!(app.app.outbox.kept()[0].html.contains("(code)"));
    app.clock.advance(599);
    exchange(&app, NEW, &code).await.expect(200);
    options["disable_signup"] = true.into();
    app.manage("PATCH", &path, json!({"options": options})).await;
    let known = start(&app, json!({})).await.expect(200).json();
    assert_eq!(app.app.outbox.kept().len(), 2, "who has an account gets on");
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&known), names(&stranger));
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let app = TestApp::new().await;
    turn_on(&app, json!({})).await;
    for (changes, status, error) in [
        (json!({"connection": "nowhere"}), 400, "bad.connection"),
        (json!({"connection": "Username-Password-Authentication"}), 400, "bad.connection"),
        (json!({"connection": null}), 400, "bad.connection"),
        (json!({"email": "no address"}), 400, "bad.email"),
        (json!({"email": null}), 400, "bad.email"),
        (json!({"send": "pigeon"}), 400, "invalid_request"),
        (json!({"send": "link", "authParams": [1]}), 400, "invalid_request"),
        (json!({"client_secret": "wrong"}), 401, "access_denied"),
        (json!({"client_secret": null}), 401, "access_denied"),
    ] {
        let answer = start(&app, changes.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.text("error").as_str()), (status, error), "{changes}");
    }
    assert!(app.app.outbox.kept().is_empty());
    // An application of a browser has no secret to show; who has one needs none where the tenant says so.
    start(&app, json!({"client_id": app.clients.spa.client_id, "client_secret": null})).await.expect(200);
    let flags = json!({"flags": {"enforce_client_authentication_on_passwordless_start": false}});
    app.manage("PATCH", "/tenants/settings", flags).await;
    start(&app, json!({"client_secret": null})).await.expect(200);
    start(&app, json!({"client_secret": "wrong"})).await.expect(401);
    let realm = [("grant_type", OTP), ("realm", "nowhere"), ("username", NEW), ("otp", "1")];
    assert_eq!(app.web_token(&realm).await.expect(400).text("error"), "invalid_request");
    app.web_token(&[("grant_type", OTP), ("realm", "email"), ("otp", "1")]).await.expect(400);
    app.spa_token(&[("grant_type", OTP), ("realm", "email"), ("otp", "1"), ("username", NEW)])
        .await
        .expect(403);
}

/// A code is good at the application that asked for it alone (security case 1).
#[tokio::test]
async fn case_01_a_code_is_bound_to_its_application() {
    let app = TestApp::new().await;
    turn_on(&app, json!({})).await;
    app.set_client(&app.clients.spa.client_id, json!({"grant_types": ["authorization_code", OTP]})).await;
    start(&app, json!({})).await.expect(200);
    let code = mailed(&app, NEW);
    let pairs = [("grant_type", OTP), ("realm", "email"), ("username", NEW), ("otp", code.as_str())];
    is_wrong(&app.spa_token(&pairs).await);
    exchange(&app, NEW, &code).await.expect(200);
}

/// Of many who enter a code at once one gets in, on every node (security case 8).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_08_a_code_is_good_once() {
    for first in engines().await {
        let second = first.neighbour(1).await;
        turn_on(&first, json!({})).await;
        second.app.catalog.sync().await.unwrap();
        start(&first, json!({})).await.expect(200);
        let code = mailed(&first, NEW);
        let tried = futures_of(&[&first, &second, &first, &second], &code).await;
        assert!(tried.iter().filter(|status| **status == 200).count() <= 1, "{}: {tried:?}", first.engine);
        assert!(tried.iter().all(|status| [200, 403].contains(status)), "{tried:?}");
    }
}

async fn futures_of(nodes: &[&TestApp; 4], code: &str) -> Vec<u16> {
    let [a, b, c, d] = nodes.map(|node| exchange(node, NEW, code));
    let (a, b, c, d) = tokio::join!(a, b, c, d);
    [a, b, c, d].map(|answer| answer.status.as_u16()).to_vec()
}

/// Wrong codes count as wrong passwords do, and a locked name gets in by no code (security case 14).
#[tokio::test]
async fn case_14_a_locked_name_gets_in_by_no_code() {
    let app = TestApp::new().await;
    turn_on(&app, json!({})).await;
    start(&app, json!({})).await.expect(200);
    exchange(&app, NEW, &mailed(&app, NEW)).await.expect(200);
    for name in [NEW, "nobody@example.com"] {
        for _ in 0..4 {
            start(&app, json!({"email": name})).await.expect(200);
            let code = mailed(&app, name);
            for _ in 0..2 {
                is_wrong(&exchange(&app, name, other(&code)).await);
            }
        }
        start(&app, json!({"email": name})).await.expect(200);
        let code = mailed(&app, name);
        for _ in 0..2 {
            is_wrong(&exchange(&app, name, other(&code)).await);
        }
        assert_eq!(exchange(&app, name, &code).await.expect(429).text("error"), "too_many_attempts");
    }
}

/// A blocked account stays out, and is told so by the right code alone.
#[tokio::test]
async fn case_14_blocked_accounts_stay_out() {
    let app = TestApp::new().await;
    turn_on(&app, json!({})).await;
    start(&app, json!({})).await.expect(200);
    let tokens = exchange(&app, NEW, &mailed(&app, NEW)).await.expect(200).json();
    let sub = decode(tokens["id_token"].as_str().unwrap()).1["sub"].as_str().unwrap().to_owned();
    start(&app, json!({})).await.expect(200);
    let code = mailed(&app, NEW);
    app.manage("PATCH", &format!("/users/{}", segment(&sub)), json!({"blocked": true})).await;
    is_wrong(&exchange(&app, NEW, other(&code)).await);
    exchange(&app, NEW, &code).await.is_error(401, "unauthorized", "user is blocked");
}

/// What a second factor guards is guarded here too.
#[tokio::test]
async fn a_second_factor_is_asked_for() {
    let app = TestApp::new().await;
    turn_on(&app, json!({})).await;
    app.manage("PUT", "/guardian/factors/otp", json!({"enabled": true})).await;
    app.manage("PUT", "/guardian/policies", json!(["all-applications"])).await;
    start(&app, json!({})).await.expect(200);
    let code = mailed(&app, NEW);
    let answer = exchange(&app, NEW, &code).await.expect(403);
    assert_eq!(answer.text("error"), "mfa_required");
    is_wrong(&exchange(&app, NEW, &code).await);
}

/// A foreign Host writes no link (security case 16).
#[tokio::test]
async fn case_16_links_lead_here() {
    let app = TestApp::new().await;
    turn_on(&app, json!({})).await;
    let foreign = [("x-forwarded-host", "evil.example"), ("forwarded", "host=evil.example")];
    let call = start_call(&app, json!({"send": "link"}));
    let call = foreign.iter().fold(call, |call, (name, value)| call.header(name, value));
    app.send(call).await.expect(200);
    let text = app.app.outbox.kept()[0].text.clone();
    assert!(text.contains("https://auth.example/passwordless/verify_redirect?"), "{text}");
    assert!(!text.contains("evil"));
}

/// The link begins a login in the browser that opens it; only its button uses the code.
#[tokio::test]
async fn a_link_signs_in() {
    for app in engines().await {
        turn_on(&app, json!({})).await;
        let params = json!({"redirect_uri": CALLBACK, "response_type": "code", "scope": "openid email", "state": "xyz",
            "email": "evil@example.com", "client_id": "evil"});
        start(&app, json!({"send": "link", "authParams": params})).await.expect(200);
        let text = app.app.outbox.kept()[0].text.clone();
        let link = text.split_whitespace().find(|word| word.starts_with("https://")).unwrap();
        let path = link.strip_prefix("https://auth.example").unwrap();
        assert!(!path.contains("evil"), "{path}");
        for _ in 0..2 {
            let mut scanner = Browser::new(&app);
            let answer = scanner.get(path).await;
            scanner.follow(answer).await.expect(200);
            assert_eq!(scanner.session_cookie(), None);
        }
        let mut browser = Browser::new(&app);
        let answer = browser.get(path).await;
        let page = browser.follow(answer).await.expect(200);
        assert_eq!(page.form().action, "/u/passwordless-email-challenge");
        let code = path.split("verification_code=").nth(1).unwrap()[..6].to_owned();
        assert!(page.body.contains(&code) && page.body.contains(NEW), "{page:?}");
        let answer = browser.submit(&page, &[("code", &code), ("action", "default")]).await;
        let answer = browser.follow(answer).await;
        let landing = Landing::of(&browser.go_through(answer, &JANE).await);
        assert_eq!((landing.url.as_str(), landing.get("state").as_str()), (CALLBACK, "xyz"));
        let tokens = app.redeem(&landing.get("code")).await.expect(200).json();
        let claims = app.verified(tokens["id_token"].as_str().unwrap()).await;
        assert_eq!(claims["email"], NEW, "{}", app.engine);
        // A link with a callback that is not the application's leads nowhere.
        let hostile = path
            .replace("redirect_uri=https%3A%2F%2Fauth.example", "redirect_uri=https%3A%2F%2Fevil.example");
        assert_ne!(hostile, path);
        assert!(Browser::new(&app).get(&hostile).await.expect(403).location().is_none());
    }
}

/// On the hosted pages: beside the password, or alone where the application has no database.
#[tokio::test]
async fn the_hosted_pages_have_a_code_step() {
    let app = TestApp::new().await;
    turn_on(&app, json!({})).await;
    let ask = Ask::code(&app.clients.web.client_id, "openid email");
    let mut browser = Browser::new(&app);
    let login = browser.open(&ask).await.expect(200);
    assert!(login.body.contains("/u/login-passwordless-email?state="), "{login:?}");
    let page = browser.open(&ask.with("connection", "email")).await.expect(200);
    assert_eq!(page.form().action, "/u/login-passwordless-email");
    let again = browser.submit(&page, &[("email", "no address")]).await.expect(400);
    assert_eq!(again.form().action, "/u/login-passwordless-email");
    let answer = browser.submit(&page, &[("email", NEW)]).await;
    let page = browser.follow(answer).await.expect(200);
    assert_eq!(page.form().action, "/u/passwordless-email-challenge");
    let code = mailed(&app, NEW);
    browser.submit(&page, &[("code", "")]).await.expect(400);
    let wrong = browser.submit(&page, &[("code", other(&code))]).await.expect(400);
    assert!(browser.session_cookie().is_none());
    // Another browser cannot use what this one began.
    let mut thief = Browser::new(&app);
    let stolen = [("state", wrong.form().value("state")), ("code", code.clone())];
    let stolen: Vec<(&str, &str)> = stolen.iter().map(|(n, v)| (*n, v.as_str())).collect();
    thief.post("/u/passwordless-email-challenge", &stolen).await.expect(400);
    let answer = browser.submit(&wrong, &[("code", &code)]).await;
    let answer = browser.follow(answer).await;
    let landing = Landing::of(&browser.go_through(answer, &JANE).await);
    app.redeem(&landing.get("code")).await.expect(200);
    assert!(browser.session_cookie().is_some());
}

/// Each step with another one's body, with nothing, or out of order goes nowhere (security case 13).
#[tokio::test]
async fn case_13_no_code_step_is_skipped() {
    let app = TestApp::new().await;
    turn_on(&app, json!({})).await;
    let mut browser = Browser::new(&app);
    let ask = Ask::code(&app.clients.web.client_id, "openid").with("connection", "email");
    let page = browser.open(&ask).await.expect(200);
    let state = page.form().value("state");
    for path in ["/u/passwordless-email-challenge", "/u/login", "/u/login-passwordless-email"] {
        for body in [
            vec![("state", state.as_str())],
            vec![("state", state.as_str()), ("action", "accept")],
            vec![("state", state.as_str()), ("code", "123456")],
            vec![("state", state.as_str()), ("username", JANE.email), ("password", "x")],
        ] {
            let answer = browser.post(path, &body).await;
            let answer = browser.follow(answer).await;
            assert!(answer.location().is_none() && browser.session_cookie().is_none(), "{path} {body:?}");
        }
    }
    assert!(app.app.outbox.kept().is_empty());
}

/// However leniently it is held, somebody else's application has no codes mailed.
#[tokio::test]
async fn strangers_mail_no_codes() {
    let app = TestApp::new().await;
    let connection = turn_on(&app, json!({})).await;
    let wish = json!({
        "name": "Stranger", "app_type": "regular_web", "oidc_conformant": true, "is_first_party": false,
        "third_party_security_mode": "permissive", "grant_types": [OTP], "callbacks": [CALLBACK],
        "token_endpoint_auth_method": "client_secret_post",
    });
    let made = app.manage("POST", "/clients", wish).await;
    let enabled = json!([{ "client_id": made["client_id"], "status": true }]);
    app.manage("PATCH", &format!("/connections/{connection}/clients"), enabled).await;
    for send in ["code", "link"] {
        let own =
            json!({ "client_id": made["client_id"], "client_secret": made["client_secret"], "send": send });
        start(&app, own).await.is_error(403, "unauthorized_client", "Third-party applications get no codes");
    }
    assert!(app.app.outbox.kept().is_empty());
}
