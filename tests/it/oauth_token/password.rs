//! grant_type=password and password-realm (fact sheet 6.3). Scopes are in `authorize/vectors.rs`.

use serde_json::json;

use crate::support::{API, CONNECTION, JANE, Pairs, TestApp, decode};

const TYPED: Pairs<'_> = &[("username", "jane@example.com"), ("password", "Read-4-Jane")];
const REALM: &str = "http://auth0.com/oauth/grant-type/password-realm";

#[tokio::test]
async fn by_password() {
    let app = TestApp::new().await;
    let answer = app
        .web_token(
            &[
                TYPED,
                &[
                    ("grant_type", "password"),
                    ("audience", API),
                    ("scope", "openid read:contacts offline_access"),
                ],
            ]
            .concat(),
        )
        .await;
    let answer = answer.expect(200);
    assert_eq!(answer.text("scope"), "openid read:contacts offline_access");
    assert_eq!(decode(&answer.text("access_token")).1["gty"], "password");
    let id = app.verified(&answer.text("id_token")).await;
    assert_eq!(id.get("sid"), None, "no browser, no session");
    let again = app.refresh(&answer.text("refresh_token"), &[]).await.expect(200);
    assert_eq!(decode(&again.text("access_token")).1["gty"], json!(["refresh_token", "password"]));
}

#[tokio::test]
async fn by_realm() {
    let app = TestApp::new().await;
    app.web_token(&[TYPED, &[("grant_type", REALM), ("realm", CONNECTION)]].concat()).await.expect(200);
    app.web_token(&[TYPED, &[("grant_type", REALM), ("realm", "nowhere")]].concat()).await.is_error(
        400,
        "invalid_request",
        "Unknown realm nowhere.",
    );
    app.web_token(&[TYPED, &[("grant_type", REALM)]].concat()).await.is_error(
        400,
        "invalid_request",
        "Missing required parameter: realm",
    );
}

#[tokio::test]
async fn names_are_trimmed_and_case_does_not_matter() {
    let app = TestApp::new().await;
    for name in ["jane@example.com", "JANE@Example.com", "  jane@example.com "] {
        let pairs = [("grant_type", "password"), ("username", name), ("password", JANE.password)];
        assert_eq!(app.web_token(&pairs).await.status, 200, "{name:?}");
    }
    for password in ["read-4-jane", "Read-4-Jane ", "Read-4-Jan"] {
        let pairs = [("grant_type", "password"), ("username", JANE.email), ("password", password)];
        app.web_token(&pairs).await.is_error(403, "invalid_grant", "Wrong email or password.");
    }
}

#[tokio::test]
async fn a_directory_is_needed() {
    let app = TestApp::new().await;
    app.manage("PATCH", "/tenants/settings", json!({ "default_directory": "" })).await;
    let answer = app.web_token(&[TYPED, &[("grant_type", "password")]].concat()).await;
    assert_eq!(
        answer.text("error_description"),
        "Authorization server not configured with default connection."
    );
    assert!(answer.status.as_u16() >= 400);
}

#[tokio::test]
async fn the_grant_must_be_allowed() {
    let app = TestApp::new().await;
    let answer = app.spa_token(&[TYPED, &[("grant_type", "password")]].concat()).await;
    answer.is_error(403, "unauthorized_client", "Grant type 'password' not allowed for the client.");
}

#[tokio::test]
async fn ten_wrong_ones_and_then_blocked() {
    let app = TestApp::new().await;
    let typed = |password: &'static str| {
        [("grant_type", "password"), ("username", JANE.email), ("password", password)]
    };
    for _ in 0..10 {
        app.web_token(&typed("wrong")).await.expect(403);
    }
    let answer = app.web_token(&typed(JANE.password)).await.expect(429);
    assert_eq!(answer.text("error"), "too_many_attempts");
    assert!(answer.header("retry-after").is_some());
    app.clock.advance(30 * 86_400 - 1);
    app.web_token(&typed(JANE.password)).await.expect(429);
    app.clock.advance(1);
    app.web_token(&typed(JANE.password)).await.expect(200);
}
