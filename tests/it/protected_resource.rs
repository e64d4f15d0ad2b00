//! Descriptions of APIs (RFC 9728), the way to them from a refusal, and `resource` (RFC 8707).

use serde_json::{Value, json};

use crate::support::*;

fn described(resource: &str) -> String {
    format!("/.well-known/oauth-protected-resource?{}", encode(&[("resource", resource)]))
}

#[tokio::test]
async fn an_api_is_described() {
    let app = TestApp::new().await;
    let answer = app.get(&described(API)).await.expect(200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.header("cache-control"), Some("public, max-age=60"));
    let document = answer.json();
    assert_eq!(document["resource"], API);
    assert_eq!(document["authorization_servers"], json!([ISSUER]));
    assert_eq!(document["bearer_methods_supported"], json!(["header"]));
    assert_eq!(document["scopes_supported"], json!(["read:contacts", "delete:contacts"]));
    assert_eq!(document.get("dpop_bound_access_tokens_required"), None);

    let tag = answer.header("etag").unwrap().to_owned();
    let again = app.send(Call::get(&described(API)).header("if-none-match", &tag)).await.expect(304);
    assert_eq!((again.body.as_str(), again.header("etag")), ("", Some(tag.as_str())));
    app.set_api(json!({ "proof_of_possession": { "mechanism": "dpop", "required": true } })).await;
    let changed = app.send(Call::get(&described(API)).header("if-none-match", &tag)).await.expect(200).json();
    assert_eq!(changed["dpop_bound_access_tokens_required"], true);
    for elsewhere in ["read:users", "client_id", "signing_secret"] {
        assert!(!changed.to_string().contains(elsewhere), "{changed}");
    }
}

#[tokio::test]
async fn what_stands_at_the_server_itself() {
    let app = TestApp::new().await;
    for path in ["/api/v2", "/api/v2/"] {
        let found = app.get(&format!("/.well-known/oauth-protected-resource{path}")).await.expect(200).json();
        assert_eq!(found["resource"], format!("{ISSUER}api/v2/"));
    }
    let found = app.get("/.well-known/oauth-protected-resource/userinfo").await.expect(200).json();
    assert_eq!(found["resource"], format!("{ISSUER}userinfo"));
    for nothing in ["/nothing", "/api/v3", "/https://api.contacts.example"] {
        app.get(&format!("/.well-known/oauth-protected-resource{nothing}")).await.expect(404);
    }
    app.get("/.well-known/oauth-protected-resource").await.expect(400);
    app.get(&format!("{}&resource=x", described(API))).await.expect(400);
}

/// Not by another tenant's name, and not in another spelling.
#[tokio::test]
async fn hidden_ones_look_like_none() {
    let app = TestApp::new().await;
    let none = app.get(&described("https://nothing.example")).await.expect(404);
    app.set_agents(json!({ "protected_resource_metadata": { "hidden": [API] } })).await.expect(200);
    let hidden = app.get(&described(API)).await.expect(404);
    assert_eq!(hidden.body, none.body);
    let unknown = json!({ "protected_resource_metadata": { "hidden": ["https://nothing.example"] } });
    app.set_agents(unknown).await.expect(400);
    app.set_agents(json!({})).await.expect(200);
    app.get(&described(API)).await.expect(200);
}

/// RFC 6750, section 3, and RFC 9728, section 5.1.
#[tokio::test]
async fn refusals_lead_there() {
    let app = TestApp::new().await;
    let pointer =
        |path: &str| format!("resource_metadata=\"{ISSUER}.well-known/oauth-protected-resource/{path}\"");
    let told = |answer: &Answer| answer.header("www-authenticate").unwrap_or_default().to_owned();
    let nobody = app.get("/userinfo").await.expect(401);
    assert_eq!(told(&nobody), format!("Bearer realm=\"Users\", {}", pointer("userinfo")));
    let token = app.sign_in("read:contacts").await["access_token"].as_str().unwrap().to_owned();
    let refused = app.userinfo(&token).await;
    assert!(told(&refused).ends_with(&pointer("userinfo")), "{refused:?}");

    let nobody = app.get("/api/v2/clients").await.expect(401);
    assert_eq!(told(&nobody), format!("Bearer realm=\"Management\", {}", pointer("api/v2/")));
    let weak = app.token_with(&["read:roles"]).await;
    let refused = app.send(Call::get("/api/v2/stats/daily").bearer(&weak)).await.expect(403);
    assert_eq!(
        told(&refused),
        format!(
            "Bearer realm=\"Management\", error=\"insufficient_scope\", scope=\"read:stats\", {}",
            pointer("api/v2/")
        )
    );
    let refused =
        app.send(Call::get("/api/chancery/v1/roles/x/users/search?q=a").bearer(&weak)).await.expect(403);
    assert!(told(&refused).contains("scope=\"read:users\""), "{refused:?}");
    let bad = app.send(Call::get("/api/v2/clients").bearer("x.y.z")).await.expect(401);
    assert!(told(&bad).contains("error=\"invalid_token\""), "{bad:?}");
}

#[tokio::test]
async fn a_code_is_for_the_resource_it_was_asked_for_with() {
    let app = TestApp::new().await;
    let ask = Ask::code(&app.clients.web.client_id, "openid read:contacts").with("resource", API);
    let code = app.code_for(&ask).await;
    let redeem = async |resource: &str| {
        let grant =
            [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", CALLBACK)];
        app.web_token(&[&grant[..], &[("resource", resource)]].concat()).await
    };
    let other = redeem("https://invoices.example/api").await;
    assert_eq!((other.status.as_u16(), other.text("error").as_str()), (400, "invalid_target"));
    let claims = app.verified(&redeem(API).await.expect(200).text("access_token")).await;
    assert_eq!(claims["aud"][0], API);
}

#[tokio::test]
async fn resources_that_are_none() {
    let app = TestApp::new().await;
    let ask = || Ask::code(&app.clients.web.client_id, "openid read:contacts").with("resource", API);
    let mut browser = Browser::new(&app);
    let unknown = browser.authorize(&ask().with("resource", "https://nothing.example"), &JANE).await;
    unknown.is_error("invalid_target", "There is no API for the resource https://nothing.example");
    let several = browser.authorize(&ask().and("resource", "https://nothing.example"), &JANE).await;
    several.is_error("invalid_target", "There is no API for the resource https://nothing.example");
    // Named by Auth0's parameter they are what they always were.
    let audience = ask().without("resource").with("audience", "https://nothing.example");
    browser
        .authorize(&audience, &JANE)
        .await
        .is_error("access_denied", "Service not found: https://nothing.example");
    let secret = app.m2m_secret();
    let machine = [
        ("grant_type", "client_credentials"),
        ("client_id", app.clients.m2m.client_id.as_str()),
        ("client_secret", &secret),
    ];
    let answer = app.token(&[&machine[..], &[("resource", API), ("resource", "x")]].concat()).await;
    assert_eq!(answer.text("error"), "invalid_target");
    let answer = app.token(&[&machine[..], &[("resource", "https://nothing.example")]].concat()).await;
    answer.is_error(400, "invalid_target", "There is no API for the resource https://nothing.example");
    let answer = app.token(&[&machine[..], &[("audience", "https://nothing.example")]].concat()).await;
    answer.is_error(403, "access_denied", "Service not enabled within domain: https://nothing.example");
    let tokens = app.sign_in("openid offline_access read:contacts").await;
    let refreshed = app
        .refresh(tokens["refresh_token"].as_str().unwrap(), &[("resource", "https://nothing.example")])
        .await;
    refreshed.is_error(400, "invalid_target", "There is no API for the resource https://nothing.example");
    app.manage(
        "POST",
        "/resource-servers",
        json!({ "identifier": "https://other.example", "name": "Other" }),
    )
    .await;
    let text = "The refresh token cannot be used for resource server \"https://other.example\".";
    for (name, status, code) in [("resource", 400, "invalid_target"), ("audience", 403, "access_denied")] {
        let refreshed =
            app.refresh(tokens["refresh_token"].as_str().unwrap(), &[(name, "https://other.example")]).await;
        refreshed.is_error(status, code, text);
    }
    let audience = Value::from(API);
    let refreshed =
        app.refresh(tokens["refresh_token"].as_str().unwrap(), &[("resource", API)]).await.expect(200);
    assert_eq!(app.verified(&refreshed.text("access_token")).await["aud"][0], audience);
}
