//! grant_type=client_credentials. Scopes are in `authorize/vectors.rs` and security case 3.

use serde_json::json;

use crate::support::{API, ISSUER, TestApp};

#[tokio::test]
async fn the_whole_answer() {
    let app = TestApp::new().await;
    let answer = m2m(&app, &[("audience", API)]).await.expect(200);
    let names: Vec<String> = answer.json().as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, ["access_token", "scope", "expires_in", "token_type"]);
    insta::assert_json_snapshot!(app.verified(&answer.text("access_token")).await, @r#"
    {
      "iss": "https://auth.example/",
      "sub": "DemoM2mB8pLs4dQw6FgJk3NzXv7RyTiC@clients",
      "aud": "https://contacts.example/api",
      "iat": 1785585600,
      "exp": 1785672000,
      "scope": "read:contacts",
      "gty": "client-credentials",
      "azp": "DemoM2mB8pLs4dQw6FgJk3NzXv7RyTiC"
    }
    "#);
}

#[tokio::test]
async fn an_api_must_be_named() {
    let app = TestApp::new().await;
    m2m(&app, &[]).await.is_error(403, "access_denied", "Non-global clients are not allowed access to APIv1");
    for audience in ["https://nothing.example", "https://contacts.example/api/", &format!("{ISSUER}userinfo")]
    {
        let text = format!("Service not enabled within domain: {audience}");
        m2m(&app, &[("audience", audience)]).await.is_error(403, "access_denied", &text);
    }
    app.manage("PATCH", "/tenants/settings", json!({ "default_audience": API })).await;
    m2m(&app, &[]).await.expect(200);
}

/// `allow_all` is a word for users; machines need a grant, or are denied whatever they have.
#[tokio::test]
async fn machines_need_a_grant() {
    let app = TestApp::new().await;
    let answer = app.web_token(&[("grant_type", "client_credentials"), ("audience", API)]).await.expect(403);
    insta::assert_snapshot!(answer.text("error_description"), @r#"Client is not authorized to access "https://contacts.example/api". You need to create a "client-grant" associated to this API. See: https://auth0.com/docs/api/v2#!/Client_Grants/post_client_grants"#);
    let policies = json!({ "user": { "policy": "allow_all" }, "client": { "policy": "deny_all" } });
    app.set_api(json!({ "subject_type_authorization": policies })).await;
    assert_eq!(m2m(&app, &[("audience", API)]).await.status, 403);
}

#[tokio::test]
async fn organizations_are_not_overlooked() {
    let app = TestApp::new().await;
    let answer = m2m(&app, &[("audience", API), ("organization", "org_1")]).await;
    assert!(matches!(answer.status.as_u16(), 400 | 403), "{answer:?}");
}

async fn m2m(app: &TestApp, more: crate::support::Pairs<'_>) -> crate::support::Answer {
    let secret = app.m2m_secret();
    let own = [
        ("grant_type", "client_credentials"),
        ("client_id", app.clients.m2m.client_id.as_str()),
        ("client_secret", &secret),
    ];
    app.token(&[&own[..], more].concat()).await
}
