//! grant_type=client_credentials. Scopes are in `authorize/vectors.rs` and security case 3.

use std::sync::Arc;

use serde_json::json;

use crate::support::{API, ISSUER, JANE, TestApp};

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

/// However many passwords wait to be looked at, which takes a core for milliseconds each.
#[tokio::test]
async fn machines_do_not_wait_for_passwords() {
    let app = Arc::new(TestApp::new().await);
    m2m(&app, &[("audience", API)]).await.expect(200);
    let sign_in = async |app: Arc<TestApp>| {
        let typed = [("grant_type", "password"), ("username", JANE.email), ("password", JANE.password)];
        app.web_token(&typed).await.status.as_u16()
    };
    let waiting: Vec<_> = (0..30).map(|_| tokio::spawn(sign_in(Arc::clone(&app)))).collect();
    // All of them are on their way before the machine asks.
    tokio::task::yield_now().await;
    m2m(&app, &[("audience", API)]).await.expect(200);
    let done = waiting.iter().filter(|task| task.is_finished()).count();
    let mut statuses = Vec::new();
    for task in waiting {
        statuses.push(task.await.unwrap());
    }
    assert!(statuses.iter().filter(|status| **status == 200).count() > 20, "{statuses:?}");
    assert!(done < 20, "{done} of 30 sign-ins were answered first: {statuses:?}");
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
