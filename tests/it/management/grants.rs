//! `/grants`: consents, and what hangs on them.

use serde_json::{Value, json};

use crate::support::*;

#[tokio::test]
async fn withdrawing_a_consent_ends_its_tokens() {
    let app = TestApp::new().await;
    app.set_api(json!({"allow_offline_access": true})).await;
    let issued = app.sign_in("openid offline_access read:contacts").await;
    let token = issued["refresh_token"].as_str().expect("a refresh token").to_owned();
    let jane = app.jane().await;
    let listed = app
        .manage("GET", &format!("/grants?user_id={}&include_totals=true", segment(&jane)), Value::Null)
        .await;
    let grant = listed["grants"].as_array().unwrap().iter().find(|grant| grant["audience"] == API).unwrap();
    assert_eq!(grant["clientID"], app.clients.web.client_id.as_str());
    assert_eq!(grant["user_id"], jane.as_str());
    assert!(grant["scope"].as_array().unwrap().contains(&json!("read:contacts")));
    app.refresh(&token, &[]).await.expect(200);
    app.api("DELETE", &format!("/grants/{}", grant["id"].as_str().unwrap()), Value::Null).await.expect(204);
    app.refresh(&token, &[]).await.expect(403);
    let left = app.manage("GET", &format!("/grants?audience={API}"), Value::Null).await;
    assert_eq!(left, json!([]));
}

#[tokio::test]
async fn all_of_a_user_at_once() {
    let app = TestApp::new().await;
    app.sign_in("openid read:contacts").await;
    let jane = segment(&app.jane().await);
    app.api("DELETE", "/grants", Value::Null).await.expect(400);
    app.api("DELETE", &format!("/grants?user_id={jane}"), Value::Null).await.expect(204);
    assert_eq!(app.manage("GET", "/grants", Value::Null).await, json!([]));
}
