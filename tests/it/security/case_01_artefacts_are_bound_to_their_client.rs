//! A code or a refresh token is good for the application it was issued to, whole and unaltered.

use serde_json::json;

use crate::support::{Answer, CALLBACK, TestApp, engines};

#[tokio::test]
async fn case_01_nobody_else_redeems_a_code() {
    for app in engines().await {
        let other = other_client(&app).await;
        let code = app.code("openid offline_access read:contacts").await;
        for stranger in strangers(&app, &other) {
            let grant = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK)];
            let answer = app.token(&[stranger.as_slice(), &grant].concat()).await;
            answer.is_error(403, "invalid_grant", "Invalid authorization code");
        }
        app.redeem(&code).await.expect(200);
    }
}

#[tokio::test]
async fn case_01_nobody_else_exchanges_a_refresh_token() {
    for app in engines().await {
        let other = other_client(&app).await;
        let token = app.sign_in("openid offline_access read:contacts").await["refresh_token"].clone();
        let token = token.as_str().unwrap();
        for stranger in strangers(&app, &other) {
            let grant = [("grant_type", "refresh_token"), ("refresh_token", token)];
            let answer = app.token(&[stranger.as_slice(), &grant].concat()).await;
            answer.is_error(403, "invalid_grant", "Unknown or invalid refresh token.");
        }
        app.refresh(token, &[]).await.expect(200);
    }
}

#[tokio::test]
async fn case_01_every_byte_of_a_code_counts() {
    for app in engines().await {
        let code = app.code("openid read:contacts").await;
        for altered in alterations(&code) {
            app.redeem(&altered).await.is_error(403, "invalid_grant", "Invalid authorization code");
        }
        app.redeem(&code).await.expect(200);
    }
}

#[tokio::test]
async fn case_01_every_byte_of_a_refresh_token_counts() {
    for app in engines().await {
        app.rotate_refresh_tokens(0).await;
        let token = app.sign_in("offline_access read:contacts").await["refresh_token"].clone();
        let token = token.as_str().unwrap();
        for altered in alterations(token) {
            let answer = app.refresh(&altered, &[]).await;
            answer.is_error(403, "invalid_grant", "Unknown or invalid refresh token.");
        }
        app.refresh(token, &[]).await.expect(200);
    }
}

#[tokio::test]
async fn case_01_kinds_are_not_exchanged_for_each_other() {
    let app = TestApp::new().await;
    let code = app.code("openid read:contacts").await;
    let tokens = app.sign_in("openid offline_access read:contacts").await;
    let refresh_token = tokens["refresh_token"].as_str().unwrap();
    refused(&app.refresh(&code, &[]).await);
    refused(&app.redeem(refresh_token).await);
    refused(&app.redeem(tokens["access_token"].as_str().unwrap()).await);
    assert_eq!(app.userinfo(&code).await.status, 401);
    assert_eq!(app.userinfo(refresh_token).await.status, 401);
}

#[track_caller]
fn refused(answer: &Answer) {
    assert_eq!((answer.status.as_u16(), answer.text("error").as_str()), (403, "invalid_grant"));
}

/// A second confidential application that may do all that Demo Web may.
async fn other_client(app: &TestApp) -> Vec<(String, String)> {
    let wish = json!({
        "name": "Other", "app_type": "regular_web", "callbacks": [CALLBACK], "oidc_conformant": true,
        "grant_types": ["authorization_code", "refresh_token"], "token_endpoint_auth_method": "client_secret_post",
    });
    let made = app.manage("POST", "/clients", wish).await;
    ["client_id", "client_secret"]
        .map(|name| (name.to_owned(), made[name].as_str().unwrap().to_owned()))
        .to_vec()
}

fn strangers<'a>(app: &'a TestApp, other: &'a [(String, String)]) -> [Vec<(&'a str, &'a str)>; 2] {
    let other = other.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    [other, vec![("client_id", app.clients.spa.client_id.as_str())]]
}

/// Each character turned into another one of the alphabet, one missing, one too many.
fn alterations(text: &str) -> Vec<String> {
    let mut all: Vec<String> = (0..text.len())
        .map(|at| {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            String::from_utf8(bytes).unwrap()
        })
        .collect();
    all.extend([
        text[1..].to_owned(),
        text[..text.len() - 1].to_owned(),
        format!("{text}A"),
        format!("{text}="),
    ]);
    all
}
