//! `POST /oauth/revoke` (RFC 7009). What dies with a token is security case 19.

use serde_json::json;

use crate::support::{Call, TestApp};

#[tokio::test]
async fn unknown_tokens_are_revoked_already() {
    let app = TestApp::new().await;
    let secret = app.web_secret();
    for token in
        ["nonsense", "v1.Mnonsense", "--OyxBVN-kK7Gh-8GpTc7iSWqSpvfg-V-TZOZ77ho4ZLL9GF7F_QxRFNqYigvdHp0"]
    {
        let body = json!({ "client_id": app.clients.web.client_id, "client_secret": secret, "token": token });
        let answer = app.send(Call::post("/oauth/revoke").json(&body)).await.expect(200);
        assert_eq!(answer.body, "");
    }
}

#[tokio::test]
async fn errors() {
    let app = TestApp::new().await;
    let secret = app.web_secret();
    let own = [("client_id", app.clients.web.client_id.as_str()), ("client_secret", &secret)];
    let revoke = async |pairs: &[(&str, &str)]| app.send(Call::post("/oauth/revoke").form(pairs)).await;
    revoke(&own).await.is_error(400, "invalid_request", "Missing required parameter: token");
    revoke(&[("token", "x")]).await.is_error(400, "invalid_request", "Missing required parameter: client_id");
    revoke(&[&own[..1], &[("token", "x")]].concat()).await.is_error(401, "access_denied", "Unauthorized");
    let twice = [&own[..], &[("token", "x"), ("token", "y")]].concat();
    revoke(&twice).await.is_error(400, "invalid_request", "Parameter sent more than once: token");
}

/// A public client names itself; that is all it can do.
#[tokio::test]
async fn public_clients_revoke_their_own() {
    let app = TestApp::new().await;
    let ask = crate::support::Ask::code(&app.clients.spa.client_id, "openid offline_access");
    let code = app.code_for(&ask).await;
    let grant = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", crate::support::CALLBACK),
    ];
    let token = app.spa_token(&grant).await.expect(200).text("refresh_token");
    let pairs = [("client_id", app.clients.spa.client_id.as_str()), ("token", &token)];
    app.send(Call::post("/oauth/revoke").form(&pairs)).await.expect(200);
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
    app.spa_token(&refresh).await.is_error(403, "invalid_grant", "Unknown or invalid refresh token.");
}
