//! Applications are told that a session ended (OpenID Connect Back-Channel Logout 1.0, fact sheet 8.5).

use std::time::Duration;

use chancery_core::Clock;
use chancery_jose::{Algorithm, JwkSet, Unverified, VerifyingKey};
use chancery_store::{Change, Kind};
use serde_json::{Value, json};

use crate::support::{
    Ask, Browser, CONNECTION, Heard, JANE, SAM, Service, TENANT, TestApp, decode, encode, segment, until,
};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Has an application listen. The Management API takes https alone; tests listen on loopback.
pub(crate) async fn listen(app: &TestApp, client_id: &str, settings: Value) {
    let stored = app.app.store.doc(TENANT, Kind::Client, client_id).await.unwrap().unwrap();
    let mut document: Value = serde_json::from_str(&stored.json).unwrap();
    document["oidc_logout"] = settings;
    let change = Change::new(TENANT).update(Kind::Client, client_id, None, document.to_string(), stored.rev);
    app.app.catalog.apply(change).await.unwrap();
}

async fn listening(app: &TestApp, service: &Service, initiators: Value) {
    let url = format!("{}/backchannel", service.origin);
    let settings = json!({"backchannel_logout_urls": [url], "backchannel_logout_initiators": initiators});
    listen(app, &app.clients.web.client_id, settings).await;
}

/// What an application was told, verified as it would: with the published keys and the claims of section 2.6.
async fn told(app: &TestApp, heard: &[Heard]) -> Vec<Value> {
    let published: JwkSet = serde_json::from_str(&app.get("/.well-known/jwks.json").await.body).unwrap();
    heard
        .iter()
        .map(|heard| {
            assert_eq!((heard.method.as_str(), heard.path.as_str()), ("POST", "/backchannel"));
            let token = heard.field("logout_token").unwrap();
            let unverified = Unverified::parse(&token).unwrap();
            assert!(unverified.header().is_typ("logout+jwt"));
            let key = published.find(unverified.header().kid.as_deref().unwrap()).unwrap();
            let payload =
                unverified.verify(&VerifyingKey::from_jwk(key).unwrap(), &[Algorithm::RS256]).unwrap();
            let claims: Value = serde_json::from_slice(&payload).unwrap();
            assert_eq!(claims["events"], json!({ EVENT: {} }));
            assert_eq!(claims["nonce"], Value::Null);
            assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 120);
            claims
        })
        .collect()
}

async fn deliver(app: &TestApp) {
    chancery_oauth::tell_due(&app.app).await.unwrap();
}

async fn signed_in(app: &TestApp) -> (Browser<'_>, String) {
    let mut browser = Browser::new(app);
    let ask = Ask::code(&app.clients.web.client_id, "openid");
    let code = browser.authorize(&ask, &JANE).await.get("code");
    let id_token = app.redeem(&code).await.expect(200).text("id_token");
    (browser, id_token)
}

async fn events(app: &TestApp, kind: &str) -> Vec<Value> {
    app.app.logs.flush().await.unwrap();
    let path = format!("/logs?q=type%3A{kind}");
    app.manage("GET", &path, Value::Null).await.as_array().unwrap().clone()
}

#[tokio::test]
async fn a_logout_is_told_to_who_took_part() {
    let service = Service::start(|_| (200, json!({}))).await;
    let app = TestApp::configured(Service::config()).await;
    listening(&app, &service, Value::Null).await;
    let (mut browser, id_token) = signed_in(&app).await;
    browser.get(&format!("/oidc/logout?{}", encode(&[("id_token_hint", &id_token)]))).await.expect(200);
    assert!(service.heard().is_empty(), "the user does not wait for it");
    deliver(&app).await;
    let claims = told(&app, &service.heard()).await.remove(0);
    let (_, id_claims) = decode(&id_token);
    for name in ["iss", "sub", "aud", "sid"] {
        assert_eq!(claims[name], id_claims[name], "{name}");
    }
    assert!(claims["jti"].is_string() && claims["trace_id"].is_string());
    deliver(&app).await;
    assert!(service.heard().is_empty(), "once");
    let noted = events(&app, "oidc_backchannel_logout_succeeded").await;
    assert_eq!((noted.len(), &noted[0]["client_id"]), (1, &id_claims["aud"]));
}

/// One that takes every question and answers none has its share of the places, and no more.
#[tokio::test]
async fn a_slow_application_holds_up_itself() {
    let service = Service::start(|_| (200, json!({}))).await;
    let deaf = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let app = TestApp::configured(Service::config()).await;
    let url = format!("http://{}/backchannel", deaf.local_addr().unwrap());
    listen(&app, &app.clients.web.client_id, json!({ "backchannel_logout_urls": [url] })).await;
    for _ in 0..17 {
        let (mut browser, _) = signed_in(&app).await;
        browser.get("/v2/logout").await.expect(200);
    }
    let spa = app.clients.spa.client_id.clone();
    let url = format!("{}/backchannel", service.origin);
    listen(&app, &spa, json!({ "backchannel_logout_urls": [url] })).await;
    let mut browser = Browser::new(&app);
    browser.authorize(&Ask::code(&spa, "openid").challenged(&"v".repeat(43)), &SAM).await;
    browser.get("/v2/logout").await.expect(200);
    let heard = until(Duration::from_secs(4), async || !service.heard().is_empty());
    tokio::select! {
        biased;
        _ = heard => {}
        () = deliver(&app) => panic!("the deaf one answered, or the other waited for it"),
    }
}

/// Whoever did not take part hears nothing; nor does somebody who listens for other things.
#[tokio::test]
async fn who_hears_what() {
    let service = Service::start(|_| (200, json!({}))).await;
    let app = TestApp::configured(Service::config()).await;
    let jane = segment(&app.jane().await);
    for (initiators, by_logout, by_revocation) in [
        (Value::Null, 1, 0),
        (json!({"mode": "all"}), 1, 1),
        (json!({"mode": "custom", "selected_initiators": ["session-revoked"]}), 0, 1),
    ] {
        listening(&app, &service, initiators.clone()).await;
        let (mut browser, _) = signed_in(&app).await;
        browser.get("/v2/logout").await.expect(200);
        deliver(&app).await;
        assert_eq!(service.heard().len(), by_logout, "{initiators}");
        let (_browser, _) = signed_in(&app).await;
        app.manage("DELETE", &format!("/users/{jane}/sessions"), Value::Null).await;
        deliver(&app).await;
        assert_eq!(service.heard().len(), by_revocation, "{initiators}");
    }
    listening(&app, &service, json!({"mode": "all"})).await;
    let mut browser = Browser::new(&app);
    browser
        .authorize(&Ask::code(&app.clients.spa.client_id, "openid").challenged(&"v".repeat(43)), &SAM)
        .await;
    browser.get("/v2/logout").await.expect(200);
    deliver(&app).await;
    assert!(service.heard().is_empty(), "it took no part");
}

/// Security case 19: every end of a session is told.
#[tokio::test]
async fn every_end_has_its_name() {
    let service = Service::start(|_| (200, json!({}))).await;
    let app = TestApp::configured(Service::config()).await;
    listening(&app, &service, json!({"mode": "all"})).await;
    let jane = segment(&app.jane().await);
    let path = format!("/users/{jane}");
    let last = async |by: &str| {
        deliver(&app).await;
        let heard = told(&app, &service.heard()).await;
        assert_eq!(heard.len(), 1, "{by}");
        let noted = events(&app, "oidc_backchannel_logout_succeeded").await;
        assert!(noted.iter().any(|event| event["details"]["initiator"] == by), "{by}: {noted:?}");
    };
    let (_browser, id_token) = signed_in(&app).await;
    let (_, claims) = decode(&id_token);
    let session = format!("/sessions/{}", claims["sid"].as_str().unwrap());
    app.manage("PATCH", &session, json!({"session_metadata": {"device": "x"}})).await;
    app.manage("POST", &format!("{session}/revoke"), Value::Null).await;
    last("session-revoked").await;
    signed_in(&app).await;
    app.manage("PATCH", &path, json!({"email": "jane2@example.com"})).await;
    last("email-identifier-changed").await;
    app.manage("PATCH", &path, json!({"email": "jane@example.com", "email_verified": true})).await;
    last("email-identifier-changed").await;
    app.manage("PATCH", &path, json!({"password": JANE.password, "connection": CONNECTION})).await;
    last("password-changed").await;
    signed_in(&app).await;
    app.manage("PATCH", &path, json!({"blocked": true})).await;
    last("account-deactivated").await;
    app.manage("PATCH", &path, json!({"blocked": false})).await;
    signed_in(&app).await;
    app.clock.advance(400 * 86_400);
    let now = app.clock.now();
    app.app.tell_expired(now).await.unwrap();
    app.app.store.sweep(now, 0).await.unwrap();
    last("session-expired").await;
    signed_in(&app).await;
    app.manage("DELETE", &path, Value::Null).await;
    last("account-deleted").await;
}

#[tokio::test]
async fn who_does_not_answer_is_told_again_with_the_same_id() {
    let service = Service::start(|_| (503, json!({}))).await;
    let app = TestApp::configured(Service::config()).await;
    listening(&app, &service, Value::Null).await;
    let (mut browser, _) = signed_in(&app).await;
    browser.get("/v2/logout").await.expect(200);
    deliver(&app).await;
    deliver(&app).await;
    let first = told(&app, &service.heard()).await;
    assert_eq!(first.len(), 1, "not at once");
    for pause in [10, 60, 300] {
        app.clock.advance(pause);
        deliver(&app).await;
        let again = told(&app, &service.heard()).await;
        assert_eq!((again.len(), &again[0]["jti"]), (1, &first[0]["jti"]), "after {pause} s");
    }
    assert!(events(&app, "oidc_backchannel_logout_failed").await.is_empty());
    app.clock.advance(1800);
    deliver(&app).await;
    assert_eq!(service.heard().len(), 1);
    let failed = events(&app, "oidc_backchannel_logout_failed").await;
    assert_eq!(failed[0]["description"], "The application answered with status 503.");
    app.clock.advance(80_000);
    deliver(&app).await;
    assert!(service.heard().is_empty(), "five times are enough");
    // Whoever understood and refused is not asked again.
    service.answers(|_| (400, json!({"error": "invalid_request"})));
    let (mut browser, _) = signed_in(&app).await;
    browser.get("/v2/logout").await.expect(200);
    deliver(&app).await;
    assert_eq!(service.heard().len(), 1);
    app.clock.advance(10);
    deliver(&app).await;
    assert!(service.heard().is_empty());
    assert_eq!(events(&app, "oidc_backchannel_logout_failed").await.len(), 2);
}

/// What waits lies in the database: another node takes it up, and one of them.
#[tokio::test]
async fn another_node_tells_what_this_one_did_not() {
    let service = Service::start(|_| (200, json!({}))).await;
    let app = TestApp::configured(Service::config()).await;
    listening(&app, &service, Value::Null).await;
    let (mut browser, _) = signed_in(&app).await;
    browser.get("/v2/logout").await.expect(200);
    let other = app.neighbour_by(1, app.database().to_owned(), Service::config()).await;
    let (one, two) = tokio::join!(chancery_oauth::tell_due(&app.app), chancery_oauth::tell_due(&other.app));
    // One notice says who took part, and one each application.
    assert_eq!(one.unwrap() + two.unwrap(), 2);
    assert_eq!(told(&app, &service.heard()).await.len(), 1);
}

/// Signing in again makes another session; the one before is told of when that ends.
#[tokio::test]
async fn the_sessions_before_end_with_it() {
    let service = Service::start(|_| (200, json!({}))).await;
    let app = TestApp::configured(Service::config()).await;
    listening(&app, &service, Value::Null).await;
    let (mut browser, first) = signed_in(&app).await;
    let ask = Ask::code(&app.clients.web.client_id, "openid").with("prompt", "login");
    let code = browser.authorize(&ask, &JANE).await.get("code");
    let second = app.redeem(&code).await.expect(200).text("id_token");
    let sids = [first, second].map(|token| decode(&token).1["sid"].clone());
    assert_ne!(sids[0], sids[1]);
    deliver(&app).await;
    assert!(service.heard().is_empty());
    browser.get("/v2/logout").await.expect(200);
    deliver(&app).await;
    let told = told(&app, &service.heard()).await;
    assert_eq!(told.len(), 2);
    assert!(sids.iter().all(|sid| told.iter().any(|claims| claims["sid"] == *sid)));
}

#[tokio::test]
async fn notes_of_administrators_go_along_where_wanted() {
    let service = Service::start(|_| (200, json!({}))).await;
    let app = TestApp::configured(Service::config()).await;
    for (include, expected) in [(true, json!({"device": "x"})), (false, Value::Null)] {
        let url = format!("{}/backchannel", service.origin);
        let settings = json!({
            "backchannel_logout_urls": [url], "backchannel_logout_session_metadata": {"include": include}
        });
        listen(&app, &app.clients.web.client_id, settings).await;
        let (mut browser, id_token) = signed_in(&app).await;
        let sid = decode(&id_token).1["sid"].as_str().unwrap().to_owned();
        app.manage("PATCH", &format!("/sessions/{sid}"), json!({"session_metadata": {"device": "x"}})).await;
        browser.get("/v2/logout").await.expect(200);
        deliver(&app).await;
        assert_eq!(told(&app, &service.heard()).await[0]["session_metadata"], expected);
    }
}

#[tokio::test]
async fn what_the_contract_says_of_the_settings() {
    let app = TestApp::new().await;
    let settings = json!({
        "backchannel_logout_urls": ["https://app.example/out"],
        "backchannel_logout_initiators": {"mode": "custom", "selected_initiators": ["rp-logout", "session-expired"]},
        "backchannel_logout_session_metadata": {"include": true},
    });
    app.set_web(json!({"oidc_logout": settings})).await;
    let path = format!("/clients/{}", app.clients.web.client_id);
    assert_eq!(app.manage("GET", &path, Value::Null).await["oidc_logout"], settings);
    app.set_web(json!({"oidc_logout": null})).await;
    assert_eq!(app.manage("GET", &path, Value::Null).await["oidc_logout"], Value::Null);
}
