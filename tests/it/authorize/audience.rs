//! For which API a token is (fact sheet 2.4).

use serde_json::{Value, json};

use crate::support::{API, Ask, Browser, ISSUER, JANE, Landing, TestApp};

#[tokio::test]
async fn without_one_the_token_is_opaque() {
    let app = TestApp::new().await;
    for ask in [
        Ask::code(&app.clients.web.client_id, "openid email read:contacts"),
        Ask::code(&app.clients.web.client_id, "openid email read:contacts")
            .with("audience", &format!("{ISSUER}userinfo")),
    ] {
        let code = app.code_for(&ask).await;
        let tokens = app.redeem(&code).await.expect(200);
        assert!(!tokens.text("access_token").contains('.'));
        assert_eq!(
            (tokens.text("scope").as_str(), &tokens.json()["expires_in"]),
            ("openid email", &json!(86_400))
        );
        app.userinfo(&tokens.text("access_token")).await.expect(200);
    }
}

#[tokio::test]
async fn the_tenant_may_have_a_default() {
    let app = TestApp::new().await;
    app.manage("PATCH", "/tenants/settings", json!({ "default_audience": API })).await;
    let code = app.code_for(&Ask::code(&app.clients.web.client_id, "openid read:contacts")).await;
    let tokens = app.redeem(&code).await.expect(200);
    assert_eq!(
        app.verified(&tokens.text("access_token")).await["aud"],
        json!([API, format!("{ISSUER}userinfo")])
    );
    let ask = Ask::code(&app.clients.web.client_id, "openid").with("audience", &format!("{ISSUER}userinfo"));
    let tokens = app.redeem(&app.code_for(&ask).await).await;
    assert!(!tokens.text("access_token").contains('.'), "named explicitly");
}

/// One that no API has is refused where it is set. The API may go later: whoever named none learns then where the name is from.
#[tokio::test]
async fn a_default_that_is_no_api() {
    let app = TestApp::new().await;
    let set =
        async |name: &str| app.api("PATCH", "/tenants/settings", json!({"default_audience": name})).await;
    let text = "The API of default_audience does not exist.";
    set("urn:nothing").await.is_problem(400, Some("invalid_body"), text);
    for fine in ["", &format!("{ISSUER}userinfo"), &format!("{ISSUER}api/v2/"), API] {
        set(fine).await.expect(200);
    }
    let path = format!("/resource-servers/{}", API.replace(':', "%3A").replace('/', "%2F"));
    app.manage("DELETE", &path, Value::Null).await;
    let text = format!("Service not found: {API} (the default_audience of the tenant)");
    let landing = Landing::of(&app.get(&Ask::code(&app.clients.web.client_id, "openid").path()).await);
    landing.is_error("access_denied", &text);
    let machine = [("grant_type", "password"), ("username", JANE.email), ("password", JANE.password)];
    app.web_token(&machine).await.is_error(403, "access_denied", &text);
    // Tools that send back what they read are let be.
    set(API).await.expect(200);
    set("").await.expect(200);
    app.code_for(&Ask::code(&app.clients.web.client_id, "openid")).await;
}

#[tokio::test]
async fn one_api_with_userinfo_beside_it() {
    let app = TestApp::new().await;
    let ask = app.ask("openid").with("audience", &format!("{API} {ISSUER}userinfo"));
    app.code_for(&ask).await;
    let two = app.ask("openid").and("audience", &format!("{ISSUER}api/v2/"));
    Landing::of(&app.get(&two.path()).await)
        .is_error("invalid_request", "An access token is for one API: name one audience");
}

#[tokio::test]
async fn resource_is_another_word_where_the_profile_says_so() {
    let app = TestApp::new().await;
    let ask = app.ask("openid read:contacts").without("audience").with("resource", API);
    let tokens = app.redeem(&app.code_for(&ask).await).await.expect(200);
    assert_eq!(
        app.verified(&tokens.text("access_token")).await["aud"],
        json!([API, format!("{ISSUER}userinfo")])
    );
    let both = app.ask("openid").with("resource", "https://nothing.example");
    app.code_for(&both).await;
    app.manage("PATCH", "/tenants/settings", json!({ "resource_parameter_profile": "audience" })).await;
    let tokens = app.redeem(&app.code_for(&ask).await).await.expect(200);
    assert!(!tokens.text("access_token").contains('.'), "not heard");
}

/// Users reach the Management API with the scopes about themselves alone (fact sheet 1.3).
#[tokio::test]
async fn the_management_api_for_users() {
    let app = TestApp::new().await;
    let ask = app
        .ask("openid read:users read:current_user delete:clients")
        .with("audience", &format!("{ISSUER}api/v2/"));
    let landing = Browser::new(&app).authorize(&ask, &JANE).await;
    let tokens = app.redeem(&landing.get("code")).await.expect(200);
    assert_eq!(tokens.text("scope"), "openid read:current_user");
}
