//! `/oidc/initiate`: a login that a third party begins (OpenID Connect Core 4).

use serde_json::json;

use crate::support::{Registered, TestApp};

#[tokio::test]
async fn to_where_the_application_begins() {
    let app = Registered::app(false).await;
    let made = Registered::new(&app, json!({ "initiate_login_uri": "https://app.example/start?a=b" })).await;
    let answer =
        app.get(&format!("/oidc/initiate?client_id={}&login_hint=j%20d", made.client_id)).await.expect(302);
    assert_eq!(
        answer.location(),
        Some("https://app.example/start?a=b&iss=https%3A%2F%2Fauth.example%2F&login_hint=j+d")
    );
    // Nobody else says where (security case 4).
    let elsewhere =
        format!("/oidc/initiate?client_id={}&target_link_uri=https://evil.example/", made.client_id);
    assert!(!app.get(&elsewhere).await.location().unwrap().contains("evil"));
}

#[tokio::test]
async fn nowhere_else() {
    let app = TestApp::new().await;
    for query in ["", "?client_id=nobody", &format!("?client_id={}", app.clients.spa.client_id)] {
        let answer = app.get(&format!("/oidc/initiate{query}")).await;
        assert_eq!((answer.status.as_u16(), answer.location()), (400, None), "{query}");
    }
}

/// Security case 16: strangers register the places that they want others to be led to.
#[tokio::test]
async fn case_16_nobody_is_led_to_strict_strangers() {
    let app = Registered::app(true).await;
    let made = Registered::new(&app, json!({ "initiate_login_uri": "https://evil.example/" })).await;
    let path = format!("/oidc/initiate?client_id={}", made.client_id);
    let page = app.get(&path).await.expect(400);
    assert_eq!(page.location(), None);
    app.set_client(&made.client_id, json!({ "redirection_policy": "allow_always" })).await;
    let answer = app.get(&path).await.expect(302);
    assert!(answer.location().unwrap().starts_with("https://evil.example/?iss="));
}
