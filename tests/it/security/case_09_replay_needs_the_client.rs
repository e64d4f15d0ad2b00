//! Who replays without being the application ends nobody's session: the revocation that answers a replay comes after
//! client authentication.

use crate::support::{CALLBACK, TestApp, engines};

#[tokio::test]
async fn case_09_a_leaked_code_in_strange_hands_revokes_nothing() {
    for app in engines().await {
        let code = app.code("openid offline_access read:contacts").await;
        let tokens = app.redeem(&code).await.expect(200);
        let grant =
            [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", CALLBACK)];
        strange_hands(&app, &grant).await;
        let refresh_token = tokens.text("refresh_token");
        app.refresh(&refresh_token, &[]).await.expect(200);
        // The application itself: now it counts.
        app.redeem(&code).await.is_error(403, "invalid_grant", "Invalid authorization code");
        let refused = app.refresh(&refresh_token, &[]).await;
        refused.is_error(403, "invalid_grant", "Unknown or invalid refresh token.");
    }
}

#[tokio::test]
async fn case_09_a_spent_refresh_token_in_strange_hands_revokes_nothing() {
    for app in engines().await {
        app.rotate_refresh_tokens(0).await;
        let first = app.sign_in("openid offline_access read:contacts").await;
        let first = first["refresh_token"].as_str().unwrap();
        let second = app.refresh(first, &[]).await.expect(200).text("refresh_token");
        strange_hands(&app, &[("grant_type", "refresh_token"), ("refresh_token", first)]).await;
        let third = app.refresh(&second, &[]).await.expect(200).text("refresh_token");
        let reused = app.refresh(first, &[]).await;
        reused.is_error(403, "invalid_grant", "Unknown or invalid refresh token.");
        let family = app.refresh(&third, &[]).await;
        family.is_error(403, "invalid_grant", "Unknown or invalid refresh token.");
    }
}

#[tokio::test]
async fn case_09_strangers_revoke_nothing() {
    for app in engines().await {
        let tokens = app.sign_in("openid offline_access read:contacts").await;
        let token = tokens["refresh_token"].as_str().unwrap();
        for (client, secret, status) in [
            (app.clients.web.client_id.as_str(), Some("wrong"), 401),
            (&app.clients.web.client_id, None, 401),
            ("nobody", None, 401),
            (&app.clients.spa.client_id, None, 400),
        ] {
            let mut pairs = vec![("client_id", client), ("token", token)];
            pairs.extend(secret.map(|secret| ("client_secret", secret)));
            let answer = app.send(crate::support::Call::post("/oauth/revoke").form(&pairs)).await;
            assert_eq!(answer.status.as_u16(), status, "{client}: {answer:?}");
        }
        app.refresh(token, &[]).await.expect(200);
    }
}

/// Without credentials, with wrong ones, as another application, as nobody.
async fn strange_hands(app: &TestApp, grant: &[(&str, &str)]) {
    let web = app.clients.web.client_id.as_str();
    let spa = app.clients.spa.client_id.as_str();
    for (credentials, status) in [
        (vec![("client_id", web)], 401),
        (vec![("client_id", web), ("client_secret", "wrong")], 401),
        (vec![("client_id", "nobody")], 401),
        (vec![], 400),
        (vec![("client_id", spa)], 403),
    ] {
        let answer = app.token(&[grant, &credentials].concat()).await;
        assert_eq!(answer.status.as_u16(), status, "{credentials:?}: {answer:?}");
    }
}
