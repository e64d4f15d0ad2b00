//! Challenge and verifier: both or neither, in both directions (RFC 9700 section 2.1.1).

use serde_json::json;

use crate::support::{Ask, Browser, CALLBACK, JANE, TestApp};

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

#[tokio::test]
async fn case_06_challenge_and_verifier_come_together() {
    for required in [false, true] {
        let app = TestApp::new().await;
        app.manage(
            "PATCH",
            "/tenants/settings",
            json!({ "flags": { "require_pkce_for_public_clients": required } }),
        )
        .await;
        for challenged in [false, true] {
            let ask = Ask::code(&app.clients.spa.client_id, "openid");
            let ask = if challenged { ask.challenged(VERIFIER) } else { ask };
            let mut browser = Browser::new(&app);
            if required && !challenged {
                let landing = browser.authorize(&ask, &JANE).await;
                landing.is_error("invalid_request", "Missing required parameter: code_challenge");
                continue;
            }
            for verified in [false, true] {
                let code = browser.authorize(&ask, &JANE).await.get("code");
                let grant = [
                    ("grant_type", "authorization_code"),
                    ("code", code.as_str()),
                    ("redirect_uri", CALLBACK),
                ];
                let verifier: &[(&str, &str)] = if verified { &[("code_verifier", VERIFIER)] } else { &[] };
                let answer = app.spa_token(&[&grant, verifier].concat()).await;
                match challenged == verified {
                    true => drop(answer.expect(200)),
                    false => answer.is_error(403, "invalid_grant", "Failed to verify code verifier"),
                }
            }
        }
    }
}

#[tokio::test]
async fn case_06_only_the_right_verifier_fits() {
    let app = TestApp::new().await;
    let ask = Ask::code(&app.clients.spa.client_id, "openid").challenged(VERIFIER);
    let code = app.code_for(&ask).await;
    let flipped = VERIFIER.replace('d', "e");
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    for wrong in [flipped.as_str(), challenge, "", &VERIFIER[1..], &VERIFIER.to_lowercase()] {
        let grant =
            [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", CALLBACK)];
        let answer = app.spa_token(&[&grant[..], &[("code_verifier", wrong)]].concat()).await;
        answer.is_error(403, "invalid_grant", "Failed to verify code verifier");
    }
    let grant = [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", CALLBACK)];
    app.spa_token(&[&grant[..], &[("code_verifier", VERIFIER)]].concat()).await.expect(200);
}

/// A method without a challenge means that somebody took the challenge away.
#[tokio::test]
async fn case_06_a_stripped_challenge_is_noticed() {
    let app = TestApp::new().await;
    let ask = Ask::code(&app.clients.spa.client_id, "openid").challenged(VERIFIER).without("code_challenge");
    let landing = Browser::new(&app).authorize(&ask, &JANE).await;
    landing.is_error("invalid_request", "code_challenge_method without code_challenge");
    let ask = Ask::code(&app.clients.spa.client_id, "openid").challenged(VERIFIER);
    let twice = ask.clone().and("code_challenge", VERIFIER);
    let landing = Browser::new(&app).authorize(&twice, &JANE).await;
    landing.is_error("invalid_request", "Parameter sent more than once: code_challenge");
    // `plain` is what a challenge without a method means (RFC 7636 section 4.3), and stays so at the token endpoint.
    let plain = ask.without("code_challenge_method").with("code_challenge", VERIFIER);
    let code = app.code_for(&plain).await;
    let grant = [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", CALLBACK)];
    app.spa_token(&[&grant[..], &[("code_verifier", VERIFIER)]].concat()).await.expect(200);
}
