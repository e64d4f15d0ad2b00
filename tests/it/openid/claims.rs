//! The parameter `claims` (OpenID Connect Core 5.5), and what applications register about sign-ins.

use serde_json::{Value, json};

use crate::support::{API, Ask, Browser, JANE, Landing, Registered, SAM, TestApp, decode};

fn with_claims(app: &TestApp, claims: &Value) -> Ask {
    Ask::code(&app.clients.web.client_id, "openid").with("claims", &claims.to_string())
}

#[tokio::test]
async fn where_they_were_asked_for() {
    let app = TestApp::new().await;
    let claims = json!({
        "userinfo": { "name": { "essential": true }, "identities": null }, "id_token": { "email": null, "auth_time": null },
    });
    let code = app.code_for(&with_claims(&app, &claims)).await;
    let tokens = app.redeem(&code).await.expect(200);
    assert_eq!(tokens.text("scope"), "openid", "no scope came of it");
    let id_token = app.verified(&tokens.text("id_token")).await;
    assert_eq!((&id_token["email"], id_token.get("name")), (&json!(JANE.email), None));
    assert!(id_token["auth_time"].is_i64());
    let said = app.userinfo(&tokens.text("access_token")).await.expect(200).json();
    assert_eq!((&said["name"], said.get("email"), said.get("identities")), (&json!("Jane Doe"), None, None));
    // A token for an API says its scopes alone.
    let code = app.code_for(&with_claims(&app, &claims).with("audience", API)).await;
    let token = app.redeem(&code).await.expect(200).text("access_token");
    assert_eq!(app.userinfo(&token).await.expect(200).json().get("name"), None);
    let discovery = app.get("/.well-known/openid-configuration").await.json();
    assert_eq!(discovery["claims_parameter_supported"], true);
}

#[tokio::test]
async fn they_come_again_with_a_refresh() {
    let app = TestApp::new().await;
    let ask = with_claims(&app, &json!({ "id_token": { "nickname": null } }))
        .with("scope", "openid offline_access");
    let tokens = app.redeem(&app.code_for(&ask).await).await.expect(200);
    let again = app.refresh(&tokens.text("refresh_token"), &[]).await.expect(200);
    assert_eq!(decode(&again.text("id_token")).1["nickname"], "jane");
}

/// Security case 3: an application of somebody else's gets a claim when its user allows the scope that would give it.
#[tokio::test]
async fn case_03_claims_need_the_consent_of_their_scope() {
    let app = Registered::app(false).await;
    let made = Registered::new(&app, json!({})).await;
    let ask = made.code("openid").with("claims", &json!({ "userinfo": { "email": null } }).to_string());
    let mut browser = Browser::new(&app);
    let plain = browser.authorize(&made.code("openid"), &JANE).await;
    made.redeem(&app, &plain.get("code")).await.expect(200);
    let silent = browser.get(&ask.clone().with("prompt", "none").path()).await;
    Landing::of(&silent).is_error("consent_required", "Consent required");
    let consent = browser.open(&ask).await;
    assert_eq!(consent.form().action, "/u/consent", "{consent:?}");
    let declined = browser.submit(&consent, &[("action", "decline")]).await;
    Landing::of(&browser.follow(declined).await)
        .is_error("access_denied", "User did not authorize the request");
    let code = browser.authorize(&ask, &JANE).await.get("code");
    let token = made.redeem(&app, &code).await.expect(200).text("access_token");
    assert_eq!(app.userinfo(&token).await.expect(200).text("email"), JANE.email);
}

#[tokio::test]
async fn the_user_who_is_meant() {
    let app = TestApp::new().await;
    let jane = app.jane().await;
    let mut browser = Browser::new(&app);
    browser.authorize(&Ask::code(&app.clients.web.client_id, "openid"), &JANE).await.get("code");
    let hers = with_claims(&app, &json!({ "id_token": { "sub": { "value": jane } } }));
    browser.authorize(&hers.clone().with("prompt", "none"), &JANE).await.get("code");
    let others = with_claims(&app, &json!({ "id_token": { "sub": { "value": "auth0|other" } } }))
        .with("prompt", "none");
    browser.authorize(&others, &JANE).await.is_error("login_required", "Login required");
    // Whoever signs in instead is not answered for.
    let page = Browser::new(&app).open(&hers).await;
    let mut sams = Browser::new(&app);
    let login = sams.open(&hers).await;
    let after = sams.log_in(&login, &SAM).await;
    assert_eq!((page.status.as_u16(), after.form().action.as_str()), (200, "/u/login"), "asked again");
}

#[tokio::test]
async fn demands_that_cannot_be_met() {
    let app = TestApp::new().await;
    let acr = |essential: bool| {
        with_claims(
            &app,
            &json!({ "id_token": { "acr": { "essential": essential, "values": ["urn:gold"] } } }),
        )
    };
    let mut browser = Browser::new(&app);
    let text = "claims demands an acr that this server does not prove";
    browser.authorize(&acr(true), &JANE).await.is_error("unmet_authentication_requirements", text);
    browser.authorize(&acr(false), &JANE).await.get("code");
    for bad in ["x", "[]", r#"{"id_token":{"name":1}}"#] {
        let ask = Ask::code(&app.clients.web.client_id, "openid").with("claims", bad);
        assert_eq!(browser.authorize(&ask, &JANE).await.find("error"), Some("invalid_request"), "{bad}");
    }
}

#[tokio::test]
async fn acr_values_that_the_tenant_knows() {
    let app = TestApp::new().await;
    app.manage("PATCH", "/tenants/settings", json!({ "acr_values_supported": ["urn:a", "urn:{issuer}"] }))
        .await;
    let discovery = app.get("/.well-known/openid-configuration").await.json();
    assert_eq!(discovery["acr_values_supported"], json!(["urn:a", "urn:{issuer}"]));
    let ask = |values: &str| Ask::code(&app.clients.web.client_id, "openid").with("acr_values", values);
    let mut browser = Browser::new(&app);
    browser.authorize(&ask("urn:a"), &JANE).await.get("code");
    let text = "acr_values names a value that is not supported: urn:b";
    browser.authorize(&ask("urn:a urn:b"), &JANE).await.is_error("invalid_request", text);
    app.manage_own("PATCH", "/openid", json!({ "oidc_strict": true })).await;
    browser.authorize(&ask("urn:a urn:b"), &JANE).await.get("code");
}

/// `default_max_age` and `require_auth_time` (OpenID Connect Dynamic Client Registration, section 2).
#[tokio::test]
async fn how_old_a_sign_in_may_be() {
    let app = Registered::app(false).await;
    let made = Registered::new(&app, json!({ "default_max_age": 60 })).await;
    let mut browser = Browser::new(&app);
    let code = browser.authorize(&made.code("openid"), &JANE).await.get("code");
    let claims = decode(&made.redeem(&app, &code).await.expect(200).text("id_token")).1;
    assert!(claims["auth_time"].is_i64(), "max_age shows it: {claims}");
    app.clock.advance(61);
    let silent = browser.authorize(&made.code("openid").with("prompt", "none"), &JANE).await;
    silent.is_error("login_required", "Login required");
    let patient = made.code("openid").with("prompt", "none").with("max_age", "1000");
    browser.authorize(&patient, &JANE).await.get("code");

    let curious = Registered::new(&app, json!({ "require_auth_time": true })).await;
    let code = Browser::new(&app).authorize(&curious.code("openid"), &JANE).await.get("code");
    assert!(decode(&curious.redeem(&app, &code).await.expect(200).text("id_token")).1["auth_time"].is_i64());
}

/// OpenID Connect Core 5.5.1.1: where nobody can show a second factor, an application that cannot do without hears so instead of
/// being given an ID token that says nothing.
#[tokio::test]
async fn case_13_an_essential_class_is_not_left_out() {
    let app = TestApp::new().await;
    let class = "http://schemas.openid.net/pape/policies/2007/06/multi-factor";
    let demand =
        |essential: bool| json!({ "id_token": { "acr": { "essential": essential, "value": class } } });
    let ask = |essential: bool| app.ask("openid").with("claims", &demand(essential).to_string());
    let refused = Browser::new(&app).authorize(&ask(true), &JANE).await;
    assert_eq!(refused.get("error"), "unmet_authentication_requirements");
    Browser::new(&app).authorize(&ask(false), &JANE).await.get("code");
    app.manage("PUT", "/guardian/factors/otp", json!({ "enabled": true })).await;
    let page = Browser::new(&app).open(&ask(true)).await;
    assert_eq!(page.form().action, "/u/login", "it can be shown now: {page:?}");
}
