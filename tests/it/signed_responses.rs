//! Answers of `/authorize` as one signed parameter (JARM).

use chancery_core::Clock;
use chancery_jose::{Algorithm, JwkSet, Unverified, VerifyingKey};
use serde_json::{Value, json};

use crate::support::{API, Ask, Browser, ISSUER, JANE, Landing, TestApp};

/// The claims of an answer, proven with the published keys.
async fn claims(app: &TestApp, landing: &Landing) -> Value {
    assert_eq!(landing.names(), ["response"], "everything is inside");
    let response = landing.get("response");
    let token = Unverified::parse(&response).unwrap();
    let published: JwkSet = serde_json::from_str(&app.get("/.well-known/jwks.json").await.body).unwrap();
    let key =
        VerifyingKey::from_jwk(published.find(token.header().kid.as_deref().unwrap()).unwrap()).unwrap();
    serde_json::from_slice(&token.verify(&key, &[Algorithm::RS256]).unwrap()).unwrap()
}

#[tokio::test]
async fn codes() {
    let app = TestApp::new().await;
    for (mode, by) in [("jwt", '?'), ("query.jwt", '?'), ("fragment.jwt", '#')] {
        let ask = app.ask("openid read:contacts").with("response_mode", mode).with("state", "s");
        let landing = Browser::new(&app).authorize(&ask, &JANE).await;
        assert_eq!(landing.by, by, "{mode}");
        let said = claims(&app, &landing).await;
        let code = said["code"].as_str().unwrap();
        let expected = json!({
            "code": code, "state": "s", "iss": ISSUER, "aud": app.clients.web.client_id, "exp": app.clock.now() + 60,
        });
        assert_eq!(said, expected, "{mode}");
        app.redeem(code).await.expect(200);
    }
    let ask = app.ask("openid").with("response_mode", "form_post.jwt");
    let mut browser = Browser::new(&app);
    let login = browser.open(&ask).await;
    let answer = browser.go_through(login, &JANE).await;
    assert!(
        answer.body.contains("name=\"response\"") && !answer.body.contains("name=\"code\""),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn tokens_and_errors() {
    let app = TestApp::new().await;
    let spa = Ask::code(&app.clients.spa.client_id, "openid read:contacts")
        .with("audience", API)
        .with("nonce", "n");
    let ask = spa.clone().with("response_type", "id_token token").with("response_mode", "jwt");
    let landing = Browser::new(&app).authorize(&ask, &JANE).await;
    assert_eq!(landing.by, '#');
    let said = claims(&app, &landing).await;
    app.userinfo(said["access_token"].as_str().unwrap()).await.expect(200);
    assert!(said["id_token"].is_string());
    // No token travels in a query, signed or not; what is wrong is told signed too.
    let ask = spa.with("response_type", "id_token token").with("response_mode", "query.jwt");
    let landing = Browser::new(&app).authorize(&ask, &JANE).await;
    assert_eq!(landing.by, '#');
    let said = claims(&app, &landing).await;
    assert_eq!(said["error"], "invalid_request");
    assert_eq!(said["error_description"], "response_mode=query.jwt cannot carry tokens");
    let ask = app.ask("openid").with("response_mode", "jwt").with("prompt", "none");
    let said = claims(&app, &Browser::new(&app).authorize(&ask, &JANE).await).await;
    assert_eq!((&said["error"], &said["aud"]), (&json!("login_required"), &json!(app.clients.web.client_id)));
}

/// An answer is no token of another kind, though the same key signed it (security case 15).
#[tokio::test]
async fn it_is_no_other_token() {
    let app = TestApp::new().await;
    let ask = app.ask("openid read:contacts").with("response_mode", "jwt");
    let response = Browser::new(&app).authorize(&ask, &JANE).await.get("response");
    app.userinfo(&response).await.expect(401);
    let hint = app.ask("openid").with("prompt", "none").with("id_token_hint", &response);
    let landing = Browser::new(&app).authorize(&hint, &JANE).await;
    landing.is_error("invalid_request", "id_token_hint is not an ID token of this application");
}
