//! RFC 7636. The downgrades are security case 6.

use crate::support::{Ask, CALLBACK, Landing, TestApp};

/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

#[tokio::test]
async fn the_example_of_the_rfc() {
    let app = TestApp::new().await;
    let ask = Ask::code(&app.clients.spa.client_id, "openid offline_access");
    let ask = ask.with("code_challenge", CHALLENGE).with("code_challenge_method", "S256");
    let code = app.code_for(&ask).await;
    let grant = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let tokens = app.spa_token(&grant).await.expect(200);
    assert!(tokens.text("refresh_token").starts_with("v1.M"), "the demo SPA rotates");
}

#[tokio::test]
async fn malformed_challenges() {
    let app = TestApp::new().await;
    let ask = Ask::code(&app.clients.spa.client_id, "openid");
    let form = "code_challenge must be 43 to 128 unreserved characters";
    for (challenge, method, text) in [
        ("short", "S256", form),
        (&"x".repeat(129), "S256", form),
        (&format!("{CHALLENGE}="), "S256", form),
        (&CHALLENGE.replace('-', "+"), "S256", form),
        (CHALLENGE, "S512", "code_challenge_method must be S256 or plain"),
        (CHALLENGE, "s256", "code_challenge_method must be S256 or plain"),
    ] {
        let ask = ask.clone().with("code_challenge", challenge).with("code_challenge_method", method);
        Landing::of(&app.get(&ask.path()).await).is_error("invalid_request", text);
    }
}
