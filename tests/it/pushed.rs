//! `POST /oauth/par` (RFC 9126): requests that the application's server sends ahead.

use std::sync::Arc;

use serde_json::json;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::support::{Answer, Ask, Browser, Call, ISSUER, JANE, Landing, TestApp, engines};

/// With pushed requests enabled.
async fn enabled() -> TestApp {
    let app = TestApp::new().await;
    enable(&app).await;
    app
}

async fn enable(app: &TestApp) {
    let on = json!({ "pushed_authorization_requests_supported": true });
    app.manage("PATCH", "/tenants/settings", on).await;
}

async fn push(app: &TestApp, ask: &Ask) -> Answer {
    let ask = ask.clone().with("client_secret", &app.web_secret());
    app.send(Call::post("/oauth/par").body("application/x-www-form-urlencoded", ask.encoded())).await
}

/// What the browser carries.
fn named(app: &TestApp, request_uri: &str) -> Ask {
    Ask::empty().with("client_id", &app.clients.web.client_id).with("request_uri", request_uri)
}

#[tokio::test]
async fn the_browser_carries_a_name() {
    let app = enabled().await;
    let answer = push(&app, &app.ask("openid read:contacts").with("state", "ahead")).await.expect(201);
    assert_eq!(answer.json()["expires_in"], 30);
    assert!(answer.header("cache-control").is_some_and(|value| value.contains("no-store")));
    let request_uri = answer.text("request_uri");
    assert!(request_uri.starts_with("urn:ietf:params:oauth:request_uri:") && request_uri.len() > 70);
    let mut browser = Browser::new(&app);
    // What the browser says beside it counts for nothing.
    let ask = named(&app, &request_uri).with("scope", "openid delete:contacts").with("state", "forged");
    let landing = browser.authorize(&ask, &JANE).await;
    assert_eq!(landing.get("state"), "ahead");
    let tokens = app.redeem(&landing.get("code")).await.expect(200);
    assert_eq!(tokens.text("scope"), "openid read:contacts");
    // Once.
    let again = app.get(&named(&app, &request_uri).path()).await.expect(400);
    assert!(again.body.contains("was used"), "{}", again.body);
}

#[tokio::test]
async fn it_waits_half_a_minute_for_its_application() {
    let app = enabled().await;
    let request_uri = push(&app, &app.ask("openid")).await.expect(201).text("request_uri");
    // Neither another application nor nobody uses it up.
    let spa = named(&app, &request_uri).with("client_id", &app.clients.spa.client_id);
    app.get(&spa.path()).await.expect(400);
    app.get(&named(&app, &request_uri).without("client_id").path()).await.expect(400);
    // Nor is it a login under way.
    let id = request_uri.rsplit(':').next().unwrap();
    app.get(&format!("/u/login?state={id}")).await.expect(400);
    app.clock.advance(29);
    app.get(&named(&app, &request_uri).path()).await.expect(302);
    let late = push(&app, &app.ask("openid")).await.expect(201).text("request_uri");
    app.clock.advance(30);
    app.get(&named(&app, &late).path()).await.expect(400);
    app.get(&named(&app, "urn:ietf:params:oauth:request_uri:made-up").path()).await.expect(400);
}

#[tokio::test]
async fn what_is_refused() {
    let app = TestApp::new().await;
    let ask = app.ask("openid");
    let off = "Pushed authorization requests are not enabled for this tenant";
    push(&app, &ask).await.is_error(403, "unauthorized_client", off);
    enable(&app).await;
    let wrong = ask.clone().with("client_secret", "wrong");
    let body = Call::post("/oauth/par").body("application/x-www-form-urlencoded", wrong.encoded());
    app.send(body).await.is_error(401, "access_denied", "Unauthorized");
    let public = Ask::code(&app.clients.spa.client_id, "openid");
    let text = "Only applications that authenticate may push authorization requests";
    push(&app, &public).await.is_error(403, "unauthorized_client", text);
    let uri = ask.clone().with("request_uri", "urn:ietf:params:oauth:request_uri:x");
    push(&app, &uri).await.is_error(400, "invalid_request", "request_uri must not be sent here");
    let twice = ask.clone().and("scope", "openid");
    push(&app, &twice).await.is_error(400, "invalid_request", "Parameter sent more than once: scope");
    // As `/authorize` would say it.
    let text = "Callback URL mismatch. https://evil.example is not in the list of allowed callback URLs";
    let evil = ask.clone().with("redirect_uri", "https://evil.example");
    push(&app, &evil).await.is_error(403, "unauthorized_client", text);
    // `fapi2-security-profile-final-plain-fapi-tolerate-unregistered-redirect-uri`.
    app.manage_own("PATCH", "/openid", json!({ "oidc_strict": true })).await;
    push(&app, &evil).await.is_error(400, "invalid_request", text);
    app.manage_own("PATCH", "/openid", json!({ "oidc_strict": false })).await;
    let magic = ask.clone().with("response_type", "magic");
    push(&app, &magic).await.is_error(400, "unsupported_response_type", "Unsupported response type: magic");
    let large = push(&app, &ask.with("login_hint", &"x".repeat(11_000))).await;
    assert_eq!(large.status, 413, "{large:?}");
}

#[tokio::test]
async fn an_application_may_push_all_of_them() {
    let app = enabled().await;
    app.set_web(json!({ "require_pushed_authorization_requests": true })).await;
    let landing = Landing::of(&app.get(&app.ask("openid").path()).await);
    assert_eq!(landing.get("error"), "invalid_request");
    assert_eq!(landing.get("error_description"), "The client must push its authorization requests");
    let request_uri = push(&app, &app.ask("openid")).await.expect(201).text("request_uri");
    let mut browser = Browser::new(&app);
    browser.authorize(&named(&app, &request_uri), &JANE).await.get("code");
}

#[tokio::test]
async fn discovery_says_so_where_it_is_so() {
    let app = TestApp::new().await;
    let endpoint = "pushed_authorization_request_endpoint";
    let document = app.get("/.well-known/openid-configuration").await.json();
    assert_eq!(document.get(endpoint), None);
    enable(&app).await;
    let document = app.get("/.well-known/openid-configuration").await.json();
    assert_eq!(document[endpoint], format!("{ISSUER}oauth/par"));
}

#[tokio::test]
async fn one_address_pushes_a_hundred_a_second() {
    let app = enabled().await;
    let body = Call::post("/oauth/par").form(&[("client_id", "nobody")]);
    for _ in 0..100 {
        app.send(body.clone()).await.expect(401);
    }
    app.send(body.clone()).await.expect(429);
    app.send(body.clone().sent_from([192, 0, 2, 77])).await.expect(401);
    app.clock.advance(1);
    app.send(body).await.expect(401);
}

/// On each engine, over several nodes (security case 8).
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn case_08_a_pushed_request_begins_once() {
    for app in engines().await {
        enable(&app).await;
        let request_uri = push(&app, &app.ask("openid")).await.expect(201).text("request_uri");
        let path = named(&app, &request_uri).path();
        let (second, first) = (Arc::new(app.neighbour(1).await), Arc::new(app));
        let (barrier, mut hands) = (Arc::new(Barrier::new(40)), JoinSet::new());
        for n in 0..40 {
            let app = Arc::clone(if n % 2 == 0 { &first } else { &second });
            let (barrier, path) = (Arc::clone(&barrier), path.clone());
            hands.spawn(async move {
                barrier.wait().await;
                app.get(&path).await.status.as_u16()
            });
        }
        let all = hands.join_all().await;
        assert_eq!(all.iter().filter(|status| **status == 302).count(), 1, "{all:?}");
        assert!(all.iter().all(|status| [302, 400].contains(status)), "{all:?}");
    }
}

/// What one application pushed another one neither begins nor uses up; and every character of its name counts.
#[tokio::test]
async fn case_01_a_pushed_request_is_its_applications() {
    for app in engines().await {
        enable(&app).await;
        let request_uri = push(&app, &app.ask("openid")).await.expect(201).text("request_uri");
        for stranger in [&app.clients.spa.client_id, &app.clients.m2m.client_id, &"nobody".to_owned()] {
            app.get(&named(&app, &request_uri).with("client_id", stranger).path()).await.expect(400);
        }
        let (prefix, name) = request_uri.rsplit_once(':').unwrap();
        for at in 0..name.len() {
            let mut bytes = name.as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let altered = format!("{prefix}:{}", String::from_utf8(bytes).unwrap());
            app.get(&named(&app, &altered).path()).await.expect(400);
        }
        app.get(&named(&app, &request_uri).path()).await.expect(302);
    }
}
