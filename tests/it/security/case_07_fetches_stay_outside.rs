//! Logout tokens go to addresses that administrators of tenants name: never within the network of the machine, nowhere by a
//! redirect, and no longer than five seconds. So are keys, requests and lists of callbacks that applications and trusted servers
//! name. What else is fetched is tested where it is (`client_documents`, `fetch`).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chancery_core::Clock;
use chancery_jose::{Algorithm, SigningKey, Typ, generate_es256};
use chancery_store::{Change, Kind};
use serde_json::{Value, json};

use crate::support::{API, Ask, Browser, Call, ISSUER, JANE, Registered, Service, TENANT, TestApp};
use crate::trusted_issuers::Foreign;

async fn log_out_with(app: &TestApp, url: &str) -> Vec<Value> {
    let client_id = app.clients.web.client_id.as_str();
    let stored = app.app.store.doc(TENANT, Kind::Client, client_id).await.unwrap().unwrap();
    let mut document: Value = serde_json::from_str(&stored.json).unwrap();
    document["oidc_logout"] = json!({"backchannel_logout_urls": [url]});
    let change = Change::new(TENANT).update(Kind::Client, client_id, None, document.to_string(), stored.rev);
    app.app.catalog.apply(change).await.unwrap();
    let mut browser = Browser::new(app);
    browser.authorize(&Ask::code(client_id, "openid"), &JANE).await.get("code");
    browser.get("/v2/logout").await.expect(200);
    for pause in [0, 10, 60, 300, 1800] {
        app.clock.advance(pause);
        chancery_oauth::tell_due(&app.app).await.unwrap();
    }
    app.app.logs.flush().await.unwrap();
    let path = "/logs?q=type%3Aoidc_backchannel_logout_failed";
    app.manage("GET", path, Value::Null).await.as_array().unwrap().clone()
}

#[tokio::test]
async fn case_07_logout_tokens_stay_outside() {
    let app = TestApp::new().await;
    let service = Service::start(|_| (200, json!({}))).await;
    let port = service.origin.rsplit_once(':').unwrap().1.to_owned();
    let urls = [
        format!("https://127.0.0.1:{port}/"),
        format!("https://localhost:{port}/"),
        format!("https://[::ffff:127.0.0.1]:{port}/"),
        "https://169.254.169.254/latest/meta-data/".to_owned(),
        "https://100.64.0.1/".to_owned(),
        service.origin.clone(),
        format!("https://user@127.0.0.1:{port}/"),
    ];
    for (count, url) in urls.iter().enumerate() {
        let failed = log_out_with(&app, url).await;
        assert_eq!(failed.len(), count + 1, "{url}");
        let why = failed[0]["description"].as_str().unwrap();
        assert!(
            why.contains("is not one of the internet") || why.contains("is not an https URL"),
            "{url}: {why}"
        );
    }
    assert!(service.heard().is_empty());
}

#[tokio::test]
async fn case_07_no_redirect_is_followed() {
    let app = TestApp::configured(Service::config()).await;
    let service = Service::start(|_| (307, json!({}))).await;
    let failed = log_out_with(&app, &format!("{}/out", service.origin)).await;
    assert_eq!(failed.len(), 1);
    assert!(failed[0]["description"].as_str().unwrap().contains("redirect"), "{failed:?}");
    assert_eq!(service.heard().len(), 1);
}

#[tokio::test]
async fn case_07_the_contract_takes_https_alone() {
    let app = TestApp::new().await;
    let token = app.management_token().await;
    let path = format!("/api/v2/clients/{}", app.clients.web.client_id);
    for bad in ["http://app.example/out", "ftp://app.example/", "javascript:alert(1)", "/out"] {
        let body = json!({"oidc_logout": {"backchannel_logout_urls": [bad]}});
        let answer = app.send(crate::support::Call::new("PATCH", &path).bearer(&token).json(&body)).await;
        assert_eq!(answer.status, 400, "{bad}");
    }
}

/// A door within the network of the machine: its port, and how often somebody knocked.
async fn door() -> (u16, Arc<AtomicUsize>) {
    let socket = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let (port, knocks) = (socket.local_addr().unwrap().port(), Arc::<AtomicUsize>::default());
    let counted = Arc::clone(&knocks);
    tokio::spawn(async move {
        while socket.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    (port, knocks)
}

/// Every other document that somebody names who is not the administrator of the machine: nothing within is so much as connected to,
/// and where the operator lets inner networks in each of them is.
#[tokio::test]
async fn case_07_nobody_within_is_called() {
    let (port, knocks) = door().await;
    let within = |path: &str| format!("https://127.0.0.1:{port}/{path}");
    let key = SigningKey::from_pkcs8(Algorithm::ES256, "one", &generate_es256().unwrap()).unwrap();
    for is_open in [false, true] {
        let app = if is_open { TestApp::configured(Service::config()).await } else { TestApp::new().await };
        let settings = json!({
            "flags": { "enable_dynamic_client_registration": true }, "dynamic_client_registration_security_mode": "permissive",
        });
        app.manage("PATCH", "/tenants/settings", settings).await;
        let heard = |what: &str| {
            assert_eq!(knocks.swap(0, Ordering::SeqCst) > 0, is_open, "{what}, open: {is_open}");
        };
        let sector = json!({
            "redirect_uris": ["https://one.example/cb"], "sector_identifier_uri": within("sector"),
        });
        Registered::ask(&app, &sector).await.expect(400);
        heard("sector_identifier_uri");
        let keyed = json!({
            "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": within("keys"), "request_uris": [within("request")],
        });
        let made = Registered::new(&app, keyed).await;
        let now = app.clock.now();
        let claims = json!({
            "iss": made.client_id, "sub": made.client_id, "aud": ISSUER, "iat": now, "exp": now + 60, "jti": "1",
        });
        let assertion = key.sign(Typ::Jwt, claims.to_string().as_bytes()).unwrap();
        let call = Call::post("/oauth/revoke").form(&[
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", &assertion),
            ("token", "x"),
        ]);
        app.send(call).await.expect(401);
        heard("jwks_uri");
        let ask = made.code("openid").with("request_uri", &within("request"));
        Browser::new(&app).open(&ask).await.expect(400);
        heard("request_uri");
        let own = SigningKey::from_pkcs8(Algorithm::ES256, "one", &generate_es256().unwrap()).unwrap();
        let foreign = Foreign::with_keys(&app, own, json!({ "jwks_uri": within("issuer") })).await;
        let token = foreign.signed(&app, json!({ "jti": "1" }));
        foreign.assert(&app, &token, &[("audience", API)]).await.expect(400);
        heard("jwks_uri of a trusted server");
    }
}
