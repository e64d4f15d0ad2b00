//! Passkeys that an application asks for itself: `/passkey/register`, `/passkey/challenge` and their grant (fact sheet 9.10).

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use chancery_core::second_factor::MULTI_FACTOR;
use chancery_jose::base64url;
use serde_json::{Value, json};

use crate::passkeys::{LOG_IN, make, show, turn_on_passkeys};
use crate::security_keys::turn_on;
use crate::support::{
    API, Answer, Authenticator, Browser, CONNECTION, Call, JANE, Landing, TestApp, decode, engines, segment,
};

pub(crate) const GRANT: &str = "urn:okta:params:oauth:grant-type:webauthn";
const NEW: &str = "native@example.com";

async fn ready() -> TestApp {
    let app = TestApp::new().await;
    let_in(&app).await;
    app
}

async fn let_in(app: &TestApp) {
    turn_on_passkeys(app).await;
    app.set_web(json!({"grant_types": ["authorization_code", "refresh_token", "password", GRANT]})).await;
}

async fn ask(app: &TestApp, path: &str, changes: Value) -> Answer {
    let mut body = json!({"client_id": app.clients.web.client_id, "realm": CONNECTION});
    body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    app.send(Call::post(path).json(&body)).await
}

async fn register(app: &TestApp, profile: Value) -> Answer {
    ask(app, "/passkey/register", json!({ "user_profile": profile })).await
}

pub(crate) async fn challenge(app: &TestApp) -> Value {
    ask(app, "/passkey/challenge", json!({})).await.expect(200).json()
}

async fn redeem(app: &TestApp, begun: &Value, response: &str) -> Answer {
    let pairs = [
        ("grant_type", GRANT),
        ("auth_session", begun["auth_session"].as_str().unwrap()),
        ("authn_response", response),
        ("audience", API),
        ("scope", "openid email read:contacts offline_access"),
    ];
    app.web_token(&pairs).await
}

pub(crate) fn options(begun: &Value) -> &Value {
    &begun["authn_params_public_key"]
}

/// Signs up, and gives the answer of the token endpoint.
async fn sign_up(app: &TestApp, key: &mut Authenticator, email: &str) -> Answer {
    let begun = register(app, json!({"email": email, "name": "Nat"})).await.expect(200).json();
    let response = key.create_as(options(&begun), email.as_bytes());
    redeem(app, &begun, &response).await
}

#[tokio::test]
async fn signed_up_and_in_again() {
    for app in engines().await {
        let_in(&app).await;
        let mut key = Authenticator::new();
        let profile =
            json!({"email": "Native@Example.com", "given_name": "Nat", "user_metadata": {"plan": "free"}});
        let begun = register(&app, profile).await.expect(200).json();
        let asked = options(&begun);
        assert_eq!((&asked["rp"]["id"], &asked["user"]["name"]), (&json!("auth.example"), &json!(NEW)));
        let selection = &asked["authenticatorSelection"];
        assert_eq!(
            (&selection["residentKey"], &selection["userVerification"]),
            (&json!("required"), &json!("required"))
        );
        let response = key.create_as(asked, b"first");
        let tokens = redeem(&app, &begun, &response).await.expect(200);
        let claims = app.verified(&tokens.text("id_token")).await;
        assert_eq!((&claims["email"], &claims["email_verified"]), (&json!(NEW), &json!(false)));
        assert_eq!((&claims["amr"], &claims["acr"]), (&json!(["mfa"]), &json!(MULTI_FACTOR)));
        let (_, access) = decode(&tokens.text("access_token"));
        assert_eq!((&access["sub"], access.get("gty")), (&claims["sub"], None));
        assert!(!tokens.text("refresh_token").is_empty());
        let found = app.manage("GET", &format!("/users-by-email?email={NEW}"), Value::Null).await;
        let user = &found[0];
        assert_eq!(
            (&user["user_id"], &user["given_name"], &user["user_metadata"]["plan"]),
            (&claims["sub"], &json!("Nat"), &json!("free"))
        );
        // The address is still to be proven.
        assert!(app.app.outbox.kept().iter().any(|mail| mail.to == NEW && mail.template == "verify_email"));
        // What was used is used.
        redeem(&app, &begun, &response).await.is_error(
            403,
            "invalid_grant",
            "The auth_session is not valid or has expired",
        );

        // The next time, with nothing but the passkey.
        let begun = challenge(&app).await;
        let asked = options(&begun);
        assert_eq!(
            (&asked["rpId"], asked.get("allowCredentials")),
            (&json!("auth.example"), None),
            "it names nobody"
        );
        let signed = key.get_as(asked);
        let tokens = redeem(&app, &begun, &signed).await.expect(200);
        assert_eq!(app.verified(&tokens.text("id_token")).await["sub"], claims["sub"]);
        redeem(&app, &begun, &signed).await.expect(403);
        // And on the hosted page.
        let mut browser = Browser::new(&app);
        let login = browser.open(&app.ask("openid")).await;
        let next = show(&mut browser, &login, &key.get(&login)).await;
        assert!(!Landing::of(&browser.go_through(next, &JANE).await).get("code").is_empty());
    }
}

#[tokio::test]
async fn as_json_and_by_whoever_made_one_on_our_page() {
    let app = ready().await;
    let mut key = Authenticator::new();
    make(&app, &mut key).await;
    // Two factors at once, also where the password grant would ask for a second one.
    turn_on(&app, &["webauthn-roaming"], true).await;
    let begun = challenge(&app).await;
    let signed: Value = serde_json::from_str(&key.get_as(options(&begun))).unwrap();
    let body = json!({
        "grant_type": GRANT, "client_id": app.clients.web.client_id, "client_secret": app.web_secret(),
        "auth_session": begun["auth_session"], "authn_response": signed, "realm": CONNECTION, "scope": "openid",
    });
    let tokens = app.send(Call::post("/oauth/token").json(&body)).await.expect(200);
    assert_eq!(app.verified(&tokens.text("id_token")).await["sub"], app.jane().await);
}

#[tokio::test]
async fn who_may_begin() {
    let app = ready().await;
    let refused = async |changes: Value, status: u16, error: &str| {
        let answer = ask(&app, "/passkey/challenge", changes.clone()).await.expect(status);
        assert_eq!(answer.text("error"), error, "{changes}");
    };
    refused(json!({"client_id": "nobody"}), 401, "access_denied").await;
    refused(json!({"client_id": app.clients.spa.client_id}), 403, "unauthorized_client").await;
    // What is shown has to be right.
    refused(json!({"client_secret": "wrong"}), 401, "access_denied").await;
    ask(&app, "/passkey/challenge", json!({"client_secret": app.web_secret()})).await.expect(200);
    refused(json!({"realm": "elsewhere"}), 400, "invalid_request").await;
    refused(json!({"organization": "org_1"}), 400, "invalid_request").await;
    app.set_web(json!({"grant_types": ["authorization_code"]})).await;
    refused(json!({}), 403, "unauthorized_client").await;
    app.set_web(json!({"grant_types": ["authorization_code", GRANT]})).await;
    let found = app.manage("GET", &format!("/connections?name={CONNECTION}"), Value::Null).await;
    let mut options = found[0]["options"].clone();
    options["authentication_methods"]["passkey"] = json!({"enabled": false});
    let path = format!("/connections/{}", found[0]["id"].as_str().unwrap());
    app.manage("PATCH", &path, json!({ "options": options })).await;
    refused(json!({}), 404, "not_found").await;
    // Somebody else's application, whatever its grants.
    app.set_web(json!({"is_first_party": false})).await;
    refused(json!({}), 403, "unauthorized_client").await;
}

#[tokio::test]
async fn what_people_may_say_of_themselves() {
    let app = ready().await;
    for profile in [
        json!({}),
        json!({"email": "no address"}),
        json!({"email": NEW, "phone_number": "+15551234567"}),
        json!({"email": NEW, "email_verified": true}),
        json!({"email": NEW, "app_metadata": {"admin": true}}),
        json!({"email": NEW, "user_metadata": {"x": "y".repeat(600)}}),
        json!({"email": JANE.email}),
        json!([NEW]),
    ] {
        let answer = register(&app, profile.clone()).await.expect(400);
        assert_eq!(answer.text("error"), "invalid_request", "{profile}");
    }
    // Somebody took the name in the meantime.
    let mut key = Authenticator::new();
    let begun = register(&app, json!({ "email": NEW })).await.expect(200).json();
    sign_up(&app, &mut key, NEW).await.expect(200);
    let late = key.create_as(options(&begun), b"late");
    redeem(&app, &begun, &late).await.is_error(
        403,
        "invalid_grant",
        "The passkey or its auth_session was used already",
    );
    let found = app.manage("GET", &format!("/users-by-email?email={NEW}"), Value::Null).await;
    assert_eq!(found.as_array().unwrap().len(), 1);
    // Closed to newcomers is closed, also for whoever began before.
    let begun = register(&app, json!({"email": "x@example.com"})).await.expect(200).json();
    let found = app.manage("GET", &format!("/connections?name={CONNECTION}"), Value::Null).await;
    let mut all = found[0]["options"].clone();
    all["disable_signup"] = json!(true);
    let path = format!("/connections/{}", found[0]["id"].as_str().unwrap());
    app.manage("PATCH", &path, json!({ "options": all })).await;
    register(&app, json!({"email": "y@example.com"})).await.expect(400);
    redeem(&app, &begun, &key.create_as(options(&begun), b"x")).await.expect(400);
}

/// Security cases 12, 13 and 22.
#[tokio::test]
async fn what_does_not_hold_is_refused_once_and_for_all() {
    let app = ready().await;
    let mut key = Authenticator::new();
    sign_up(&app, &mut key, NEW).await.expect(200);
    type Bend = fn(&mut Authenticator);
    let bends: [(&str, Bend); 6] = [
        ("a suffix", |key| key.origin = "https://badauth.example".into()),
        ("another page", |key| key.origin = "https://evil.example".into()),
        ("an application of a telephone", |key| key.origin = "android:apk-key-hash:AAAA".into()),
        ("not verified", |key| key.verifies = false),
        ("of another account", |key| key.held[0].handle = b"sam".to_vec()),
        ("of no account", |key| key.held[0].handle.clear()),
    ];
    for (what, bend) in bends {
        app.clock.advance(300);
        let before = (key.origin.clone(), key.held[0].handle.clone());
        let begun = challenge(&app).await;
        bend(&mut key);
        let bent = key.get_as(options(&begun));
        (key.origin, key.held[0].handle) = before;
        key.verifies = true;
        redeem(&app, &begun, &bent).await.is_error(403, "invalid_grant", "The passkey was not accepted");
        // A challenge is answered once, rightly or wrongly.
        let right = key.get_as(options(&begun));
        redeem(&app, &begun, &right).await.is_error(
            403,
            "invalid_grant",
            "The auth_session is not valid or has expired",
        );
        assert!(!what.is_empty());
    }
    for (session, response) in [("x", "{}"), ("", "{}"), (&"a".repeat(4000), "{}")] {
        let pairs = [("grant_type", GRANT), ("auth_session", session), ("authn_response", response)];
        let status = app.web_token(&pairs).await.status;
        assert!(status == 403 || status == 400, "{status}");
    }
    // Of another application, for another purpose, and too late.
    let begun = challenge(&app).await;
    app.set_client(&app.clients.spa.client_id, json!({"grant_types": ["authorization_code", GRANT]})).await;
    let pairs = [
        ("grant_type", GRANT),
        ("auth_session", begun["auth_session"].as_str().unwrap()),
        ("authn_response", &key.get_as(options(&begun))),
    ];
    app.spa_token(&pairs).await.expect(403);
    let making = register(&app, json!({"email": "x@example.com"})).await.expect(200).json();
    let asked = json!({"challenge": options(&making)["challenge"], "rpId": "auth.example"});
    redeem(&app, &making, &key.get_as(&asked)).await.expect(403);
    let begun = challenge(&app).await;
    let signed = key.get_as(options(&begun));
    app.clock.advance(601);
    redeem(&app, &begun, &signed).await.expect(403);
    // A session of ours is no `auth_session`, nor the other way round.
    let mut browser = Browser::new(&app);
    let login = browser.open(&app.ask("openid")).await;
    let begun = challenge(&app).await;
    let signed = key.get_as(options(&begun));
    let state = begun["auth_session"].as_str().unwrap();
    browser.post(LOG_IN, &[("state", state), ("response", &signed)]).await.expect(400);
    assert!(browser.session_cookie().is_none());
    let pairs =
        [("grant_type", GRANT), ("auth_session", &login.form().value("state")), ("authn_response", &signed)];
    app.web_token(&pairs).await.expect(403);
    // Blocked users stay out.
    let found = app.manage("GET", &format!("/users-by-email?email={NEW}"), Value::Null).await;
    let user = segment(found[0]["user_id"].as_str().unwrap());
    app.manage("PATCH", &format!("/users/{user}"), json!({"blocked": true})).await;
    let begun = challenge(&app).await;
    let signed = key.get_as(options(&begun));
    redeem(&app, &begun, &signed).await.is_error(401, "unauthorized", "user is blocked");
}

#[tokio::test]
async fn where_answers_may_come_from() {
    let app = ready().await;
    let fingerprint = vec!["0A"; 32].join(":");
    let mobile = json!({
        "android": {"app_package_name": "com.example", "sha256_cert_fingerprints": [fingerprint]},
        "ios": {"team_id": "TEAM", "app_bundle_identifier": "com.example"},
    });
    app.set_web(json!({"web_origins": ["https://app.example"], "mobile": mobile})).await;
    let mut key = Authenticator::new();
    sign_up(&app, &mut key, NEW).await.expect(200);
    let android = format!("android:apk-key-hash:{}", base64url(&[10; 32]));
    for (origin, status) in
        [("https://app.example", 200), (android.as_str(), 200), ("https://x.app.example", 403)]
    {
        key.origin = origin.to_owned();
        let begun = challenge(&app).await;
        let signed = key.get_as(options(&begun));
        redeem(&app, &begun, &signed).await.expect(status);
    }
    // Our own pages take nothing from elsewhere.
    key.origin = "https://app.example".to_owned();
    let mut browser = Browser::new(&app);
    let login = browser.open(&app.ask("openid")).await;
    let signed = key.get(&login);
    show(&mut browser, &login, &signed).await;
    assert!(browser.session_cookie().is_none());
    let links = app.get("/.well-known/assetlinks.json").await.expect(200).json();
    assert_eq!(links[0]["target"]["package_name"], "com.example");
    let apple = app.get("/.well-known/apple-app-site-association").await.expect(200).json();
    assert_eq!(apple["webcredentials"]["apps"], json!(["TEAM.com.example"]));
    let pages = app.get("/.well-known/webauthn").await.expect(200).json();
    assert_eq!(pages, json!({"origins": ["https://app.example"]}));
}

/// Whoever signed up with somebody else's address keeps no way in once its owner chose a password; also where the link that
/// proves the address was opened before, by a scanner of mails or by the owner.
#[tokio::test]
async fn a_passkey_planted_with_a_foreign_address_goes() {
    for is_opened in [false, true] {
        let app = ready().await;
        let mut key = Authenticator::new();
        sign_up(&app, &mut key, NEW).await.expect(200);
        if is_opened {
            let ticket = app.mailed_ticket(NEW);
            app.get(&format!("/u/email-verification?ticket={ticket}")).await.expect(200);
        }
        let body = json!({"client_id": app.clients.web.client_id, "email": NEW, "connection": CONNECTION});
        app.send(Call::post("/dbconnections/change_password").json(&body)).await.expect(200);
        let ticket = app.mailed_ticket(NEW);
        let mut owner = Browser::new(&app);
        let page = owner.get(&format!("/u/reset-verify?ticket={ticket}")).await.expect(200);
        let typed = [("password", "Own-4-Password"), ("password-repeat", "Own-4-Password")];
        owner.submit(&page, &typed).await;
        let pairs = [("grant_type", "password"), ("username", NEW), ("password", "Own-4-Password")];
        app.web_token(&pairs).await.expect(200);
        let begun = challenge(&app).await;
        let signed = key.get_as(options(&begun));
        redeem(&app, &begun, &signed).await.expect(403);
    }
}

/// With an Ed25519 key of small order a signature is good for many messages: who has one proves nothing by it.
#[tokio::test]
async fn a_key_of_small_order_is_nobodys_passkey() {
    let app = ready().await;
    let shown = async |point: &[u8]| {
        let cose = [&[0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 0x20], point].concat();
        let begun = register(&app, json!({ "email": NEW })).await.expect(200).json();
        let response = Authenticator::new().attest(options(&begun), b"key", &cose);
        redeem(&app, &begun, &response).await
    };
    for point in [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    ] {
        let bytes = (0..32).map(|at| u8::from_str_radix(&point[2 * at..2 * at + 2], 16).unwrap());
        let answer = shown(&bytes.collect::<Vec<u8>>()).await;
        assert!(answer.status.is_client_error(), "{point}: {answer:?}");
        let found = app.manage("GET", &format!("/users-by-email?email={NEW}"), Value::Null).await;
        assert_eq!(found, json!([]), "{point}");
    }
    let good = Ed25519KeyPair::generate().unwrap();
    shown(good.public_key().as_ref()).await.expect(200);
}
