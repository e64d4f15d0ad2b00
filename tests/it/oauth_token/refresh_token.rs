//! grant_type=refresh_token (fact sheet 7). Races and replays are security cases 8, 9 and 19.

use serde_json::json;

use crate::support::{API, Ask, Browser, ISSUER, SAM, TestApp, engines};

const BAD: &str = "Unknown or invalid refresh token.";

async fn refresh_token(app: &TestApp) -> String {
    let tokens = app.sign_in("openid read:contacts offline_access").await;
    tokens["refresh_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn one_that_does_not_rotate_goes_on() {
    let app = TestApp::new().await;
    let token = refresh_token(&app).await;
    for _ in 0..3 {
        let answer = app.refresh(&token, &[]).await.expect(200);
        let names: Vec<String> = answer.json().as_object().unwrap().keys().cloned().collect();
        assert_eq!(names, ["access_token", "id_token", "scope", "expires_in", "token_type"]);
        assert_eq!(answer.text("scope"), "openid read:contacts offline_access");
        let claims = app.verified(&answer.text("access_token")).await;
        assert_eq!(
            (&claims["gty"], &claims["aud"]),
            (&json!("refresh_token"), &json!([API, format!("{ISSUER}userinfo")]))
        );
        app.clock.advance(86_400 * 365);
    }
}

#[tokio::test]
async fn one_that_rotates_is_replaced() {
    let app = TestApp::new().await;
    app.rotate_refresh_tokens(0).await;
    let first = refresh_token(&app).await;
    assert!(first.starts_with("v1.M"), "{first}");
    let second = app.refresh(&first, &[]).await.expect(200).text("refresh_token");
    assert_ne!(first, second);
    let third = app.refresh(&second, &[]).await.expect(200).text("refresh_token");
    app.refresh(&first, &[]).await.is_error(403, "invalid_grant", BAD);
    app.refresh(&third, &[]).await.is_error(403, "invalid_grant", BAD);
}

#[tokio::test]
async fn the_leeway_is_for_the_one_before_alone() {
    let app = TestApp::new().await;
    app.rotate_refresh_tokens(10).await;
    let first = refresh_token(&app).await;
    app.refresh(&first, &[]).await.expect(200);
    app.clock.advance(10);
    let again = app.refresh(&first, &[]).await.expect(200).text("refresh_token");
    let next = app.refresh(&again, &[]).await.expect(200).text("refresh_token");
    // Its successor has been used: whoever comes with it now holds a copy.
    app.refresh(&first, &[]).await.is_error(403, "invalid_grant", BAD);
    app.refresh(&next, &[]).await.is_error(403, "invalid_grant", BAD);
    let late = refresh_token(&app).await;
    app.refresh(&late, &[]).await.expect(200);
    app.clock.advance(11);
    app.refresh(&late, &[]).await.is_error(403, "invalid_grant", BAD);
}

#[tokio::test]
async fn successors_of_one_leeway_are_one_chain() {
    let app = TestApp::new().await;
    app.rotate_refresh_tokens(10).await;
    let first = refresh_token(&app).await;
    let one = app.refresh(&first, &[]).await.expect(200).text("refresh_token");
    let two = app.refresh(&first, &[]).await.expect(200).text("refresh_token");
    app.clock.advance(3600);
    // Nobody knows which of the two arrived, so either is good; whoever comes with the other one later has a copy.
    let next = app.refresh(&one, &[]).await.expect(200).text("refresh_token");
    app.clock.advance(10);
    let tab = app.refresh(&two, &[]).await.expect(200).text("refresh_token");
    app.clock.advance(1);
    app.refresh(&two, &[]).await.is_error(403, "invalid_grant", BAD);
    for ended in [next, tab] {
        app.refresh(&ended, &[]).await.is_error(403, "invalid_grant", BAD);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn within_the_leeway_nobody_is_refused_for_being_second() {
    for app in engines().await {
        app.rotate_refresh_tokens(10).await;
        let first = refresh_token(&app).await;
        let exchange = || app.refresh(&first, &[]);
        let answers = tokio::join!(exchange(), exchange(), exchange(), exchange());
        for answer in [answers.0, answers.1, answers.2, answers.3] {
            answer.expect(200);
        }
    }
}

/// The id of a token is no secret: the Management API shows it. Reuse is proved by a secret that was good once.
#[tokio::test]
async fn a_made_up_secret_ends_nothing() {
    let app = TestApp::new().await;
    app.rotate_refresh_tokens(0).await;
    let first = refresh_token(&app).await;
    let second = app.refresh(&first, &[]).await.expect(200).text("refresh_token");
    let (id, secret) = first.split_at("v1.M".len() + 22);
    let other = refresh_token(&app).await.split_off("v1.M".len() + 22);
    let mut tampered = secret.to_owned().into_bytes();
    tampered[0] = if tampered[0] == b'A' { b'B' } else { b'A' };
    for made_up in [other, String::from_utf8(tampered).unwrap(), "A".repeat(43)] {
        app.refresh(&format!("{id}{made_up}"), &[]).await.is_error(403, "invalid_grant", BAD);
    }
    let third = app.refresh(&second, &[]).await.expect(200).text("refresh_token");
    app.refresh(&first, &[]).await.is_error(403, "invalid_grant", BAD);
    app.refresh(&third, &[]).await.is_error(403, "invalid_grant", BAD);
}

#[tokio::test]
async fn absolute_and_idle_ends() {
    let app = TestApp::new().await;
    app.rotate_refresh_tokens(0).await;
    let mut token = refresh_token(&app).await;
    // Idle after 15 days, over after 30, however often it is used.
    for _ in 0..2 {
        app.clock.advance(1_296_000 - 1);
        token = app.refresh(&token, &[]).await.expect(200).text("refresh_token");
    }
    app.clock.advance(2);
    app.refresh(&token, &[]).await.is_error(403, "invalid_grant", BAD);
    let idle = refresh_token(&app).await;
    app.clock.advance(1_296_000);
    app.refresh(&idle, &[]).await.is_error(403, "invalid_grant", BAD);
}

#[tokio::test]
async fn a_change_of_kind_takes_effect_at_the_next_exchange() {
    let app = TestApp::new().await;
    let plain = refresh_token(&app).await;
    let another = refresh_token(&app).await;
    let ask =
        Ask::code(&app.clients.web.client_id, "openid read:contacts offline_access").with("audience", API);
    let code = Browser::new(&app).authorize(&ask, &SAM).await.get("code");
    let sams = app.redeem(&code).await.expect(200).text("refresh_token");
    app.rotate_refresh_tokens(0).await;
    let rotating = app.refresh(&plain, &[]).await.expect(200).text("refresh_token");
    assert!(rotating.starts_with("v1.M"));
    // What the application held of the old kind for this person ended with it (fact sheet 7).
    app.refresh(&another, &[]).await.is_error(403, "invalid_grant", BAD);
    app.refresh(&sams, &[]).await.expect(200);
    app.refresh(&plain, &[]).await.is_error(403, "invalid_grant", BAD);
}

#[tokio::test]
async fn one_without_openid_brings_no_id_token() {
    let app = TestApp::new().await;
    let tokens = app.sign_in("read:contacts offline_access").await;
    let answer = app.refresh(tokens["refresh_token"].as_str().unwrap(), &[]).await.expect(200);
    assert_eq!(answer.json().get("id_token"), None);
}

#[tokio::test]
async fn another_api_needs_a_policy() {
    let app = TestApp::new().await;
    let api = json!({ "name": "Second", "identifier": "https://two.example", "scopes": [{ "value": "r2" }] });
    app.manage("POST", "/resource-servers", api).await;
    let token = refresh_token(&app).await;
    let answer = app.refresh(&token, &[("audience", "https://two.example")]).await;
    assert!(matches!(answer.status.as_u16(), 400 | 403), "{answer:?}");
    app.refresh(&token, &[("audience", API)]).await.expect(200);
    let gone = app.refresh(&token, &[("audience", "https://nothing.example")]).await;
    assert_eq!(gone.text("error"), "access_denied");
}

#[tokio::test]
async fn nonsense() {
    let app = TestApp::new().await;
    for token in ["x", "v1.M", "v1.Mxxxxx", "a.b.c"] {
        app.refresh(token, &[]).await.is_error(403, "invalid_grant", BAD);
    }
    app.web_token(&[("grant_type", "refresh_token")]).await.is_error(
        400,
        "invalid_request",
        "Missing required parameter: refresh_token",
    );
}

#[tokio::test]
async fn the_user_may_be_gone() {
    let app = TestApp::new().await;
    let token = refresh_token(&app).await;
    let path = format!("/users/{}", crate::support::segment(&app.jane().await));
    app.manage("PATCH", &path, json!({ "blocked": true })).await;
    let answer = app.refresh(&token, &[]).await;
    assert!(matches!(answer.status.as_u16(), 401 | 403), "{answer:?}");
}
