//! An application admits the people of its own connections, not whoever has signed in to another one of the tenant.

use serde_json::{Value, json};

use crate::support::{Ask, Browser, CONNECTION, JANE, TestApp};

/// Takes Demo Web out of the demo connection, or puts it back.
async fn serves_web(app: &TestApp, serves: bool) {
    let found = app.manage("GET", &format!("/connections?name={CONNECTION}"), Value::Null).await;
    let id = found[0]["id"].as_str().unwrap().to_owned();
    let web = app.clients.web.client_id.clone();
    let mut clients: Vec<String> = serde_json::from_value(found[0]["enabled_clients"].clone()).unwrap();
    clients.retain(|client| *client != web);
    if serves {
        clients.push(web);
    }
    app.manage("PATCH", &format!("/connections/{id}"), json!({ "enabled_clients": clients })).await;
}

/// A connection of its own for Demo Web.
async fn employees(app: &TestApp) {
    let body = json!({
        "name": "Employees", "strategy": "auth0", "enabled_clients": [app.clients.web.client_id],
        "options": { "disable_signup": true },
    });
    app.manage("POST", "/connections", body).await;
}

#[tokio::test]
async fn a_session_of_another_connection_opens_nothing() {
    let app = TestApp::new().await;
    employees(&app).await;
    serves_web(&app, false).await;
    let mut browser = Browser::new(&app);
    let spa = Ask::code(&app.clients.spa.client_id, "openid");
    browser.authorize(&spa, &JANE).await.get("code");
    let silent = |ask: Ask| ask.with("prompt", "none").path();
    let web = || Ask::code(&app.clients.web.client_id, "openid");
    for ask in [web(), web().with("connection", "Employees"), web().with("connection", CONNECTION)] {
        let answer = browser.get(&silent(ask)).await;
        let location = answer.location().unwrap_or_default();
        assert!(location.contains("error=login_required"), "{answer:?}");
    }
    let page = browser.open(&web()).await;
    assert!(page.body.contains("id=\"password\""), "the login page: {}", page.body);
    // Where it is admitted the session is as good as before.
    let answer = browser.get(&silent(spa)).await;
    assert!(answer.location().unwrap_or_default().contains("code="), "{answer:?}");
}

#[tokio::test]
async fn a_connection_that_is_asked_for_is_the_one_that_counts() {
    let app = TestApp::new().await;
    employees(&app).await;
    let mut browser = Browser::new(&app);
    let web = || Ask::code(&app.clients.web.client_id, "openid").with("prompt", "none");
    browser
        .authorize(&Ask::code(&app.clients.web.client_id, "openid").with("connection", CONNECTION), &JANE)
        .await
        .get("code");
    for (connection, expected) in
        [("Employees", "error=login_required"), (CONNECTION, "code="), ("nothing-of-that-name", "code=")]
    {
        let answer = browser.get(&web().with("connection", connection).path()).await;
        assert!(answer.location().unwrap_or_default().contains(expected), "{connection}: {answer:?}");
    }
}

#[tokio::test]
async fn a_connection_taken_away_ends_what_came_from_it() {
    let app = TestApp::new().await;
    let tokens = app.sign_in("openid offline_access read:contacts").await;
    let token = tokens["refresh_token"].as_str().unwrap();
    let code = app.code("openid").await;
    serves_web(&app, false).await;
    let refused = "Unknown or invalid refresh token.";
    app.refresh(token, &[]).await.is_error(403, "invalid_grant", refused);
    app.redeem(&code).await.is_error(403, "invalid_grant", "Invalid authorization code");
    let realm = [
        ("grant_type", "http://auth0.com/oauth/grant-type/password-realm"),
        ("realm", CONNECTION),
        ("username", JANE.email),
        ("password", JANE.password),
    ];
    assert_ne!(app.web_token(&realm).await.status, 200);
    serves_web(&app, true).await;
    app.refresh(token, &[]).await.expect(200);
}
