//! Pairwise subjects (OpenID Connect Core 8.1).

use serde_json::{Value, json};

use crate::support::{API, Browser, CALLBACK, Call, JANE, Registered, Service, TestApp, decode};

const ONE: &str = "https://one.example/cb";
const OTHER: &str = "https://other.example/cb";

async fn pairwise(app: &TestApp, more: Value) -> Registered {
    let mut all = json!({ "subject_type": "pairwise" });
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Registered::new(app, all).await
}

/// The answer of the token endpoint for Jane.
async fn tokens(app: &TestApp, made: &Registered, callback: &str, scope: &str) -> Value {
    let ask = made.code(scope).with("redirect_uri", callback);
    let code = Browser::new(app).authorize(&ask, &JANE).await.get("code");
    let grant = [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", callback)];
    made.token(app, &grant).await.expect(200).json()
}

fn subject(tokens: &Value) -> String {
    decode(tokens["id_token"].as_str().unwrap()).1["sub"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn one_user_is_another_in_each_sector() {
    let app = Registered::app(false).await;
    let jane = app.jane().await;
    let one = pairwise(&app, json!({ "redirect_uris": [ONE] })).await;
    let same = pairwise(&app, json!({ "redirect_uris": ["https://ONE.example/elsewhere"] })).await;
    let other = pairwise(&app, json!({ "redirect_uris": [OTHER] })).await;
    let public = Registered::new(&app, json!({ "redirect_uris": [ONE] })).await;
    let first = subject(&tokens(&app, &one, ONE, "openid").await);
    assert_eq!(first, subject(&tokens(&app, &one, ONE, "openid").await), "always the same");
    assert_eq!(first, subject(&tokens(&app, &same, "https://ONE.example/elsewhere", "openid").await));
    assert_ne!(first, subject(&tokens(&app, &other, OTHER, "openid").await));
    assert_eq!(jane, subject(&tokens(&app, &public, ONE, "openid").await));
    assert_ne!(first, jane);
    assert_eq!(first.len(), 43);
    let discovery = app.get("/.well-known/openid-configuration").await.json();
    assert_eq!(discovery["subject_types_supported"], json!(["public", "pairwise"]));
}

#[tokio::test]
async fn everything_the_application_hears_agrees() {
    let app = Registered::app(false).await;
    let jane = app.jane().await;
    let made = pairwise(&app, json!({ "grant_types": ["authorization_code", "refresh_token"] })).await;
    let got = tokens(&app, &made, CALLBACK, "openid offline_access").await;
    let sub = subject(&got);
    let text = |name: &str| got[name].as_str().unwrap().to_owned();
    assert_eq!(app.userinfo(&text("access_token")).await.expect(200).text("sub"), sub);
    let refresh = text("refresh_token");
    let again =
        made.token(&app, &[("grant_type", "refresh_token"), ("refresh_token", &refresh)]).await.expect(200);
    assert_eq!(subject(&again.json()), sub);
    for token in [text("access_token"), refresh] {
        let own = [
            ("client_id", made.client_id.as_str()),
            ("client_secret", made.text("client_secret")),
            ("token", &token),
        ];
        let said = app.send(Call::post("/oauth/introspect").form(&own)).await.expect(200);
        assert_eq!(said.text("sub"), sub);
        assert!(!said.body.contains(&jane));
    }
    // By an API the user is known by their id; /userinfo still speaks of the application's user.
    let ask = made.code("openid read:contacts").with("audience", API);
    let code = Browser::new(&app).authorize(&ask, &JANE).await.get("code");
    let for_api = made.redeem(&app, &code).await.expect(200);
    assert_eq!(decode(&for_api.text("access_token")).1["sub"], json!(jane));
    assert_eq!(decode(&for_api.text("id_token")).1["sub"], json!(sub));
    assert_eq!(app.userinfo(&for_api.text("access_token")).await.expect(200).text("sub"), sub);
}

#[tokio::test]
async fn hints_name_the_applications_user() {
    let app = Registered::app(false).await;
    let made = pairwise(&app, json!({})).await;
    let mut browser = Browser::new(&app);
    let code = browser.authorize(&made.code("openid"), &JANE).await.get("code");
    let id_token = made.redeem(&app, &code).await.expect(200).text("id_token");
    let silent = made.code("openid").with("prompt", "none");
    browser.authorize(&silent.clone().with("id_token_hint", &id_token), &JANE).await.get("code");
    let demand = |sub: &str| json!({ "id_token": { "sub": { "value": sub } } }).to_string();
    let sub = subject(&json!({ "id_token": id_token }));
    browser.authorize(&silent.clone().with("claims", &demand(&sub)), &JANE).await.get("code");
    let by_id = silent.with("claims", &demand(&app.jane().await));
    browser.authorize(&by_id, &JANE).await.is_error("login_required", "Login required");
    // Logging out with it asks nothing.
    let out = browser.get(&format!("/oidc/logout?id_token_hint={id_token}")).await;
    assert!(out.location().is_none_or(|to| !to.starts_with("/u/logout")), "{out:?}");
    assert!(browser.session_cookie().is_none());
}

/// OpenID Connect Dynamic Client Registration, section 5; security case 7.
#[tokio::test]
async fn case_07_the_document_of_a_sector() {
    let app = Registered::app(false).await;
    let service = Service::start(|heard| match heard.path.as_str() {
        "/good.json" => (200, json!([ONE, OTHER, CALLBACK])),
        "/partly.json" => (200, json!([ONE])),
        "/away.json" => (302, json!([])),
        "/large.json" => (200, json!(vec!["https://x.example/".repeat(50); 100])),
        _ => (404, json!({})),
    })
    .await;
    let ask = |path: &str| {
        json!({
            "redirect_uris": [ONE, OTHER], "subject_type": "pairwise", "sector_identifier_uri": format!("{}{path}", service.origin),
        })
    };
    Registered::ask(&app, &ask("/good.json")).await.expect(201);
    for path in ["/partly.json", "/away.json", "/large.json", "/nothing.json"] {
        let answer = Registered::ask(&app, &ask(path)).await.expect(400);
        assert_eq!(answer.text("error"), "invalid_client_metadata", "{path}");
    }
    // Public subjects do not excuse a document that is wrong.
    let mut public = ask("/partly.json");
    public["subject_type"] = json!("public");
    Registered::ask(&app, &public).await.expect(400);
    // Without leave nothing within is asked, whatever it is called.
    let closed = TestApp::new().await;
    closed
        .manage(
            "PATCH",
            "/tenants/settings",
            json!({ "flags": { "enable_dynamic_client_registration": true } }),
        )
        .await;
    service.heard();
    for uri in [
        "https://127.0.0.1/",
        "https://localhost/",
        "https://[::ffff:127.0.0.1]/",
        "https://169.254.169.254/latest",
        "https://100.64.0.1/",
    ] {
        let metadata = json!({ "redirect_uris": [ONE], "sector_identifier_uri": uri });
        let answer = Registered::ask(&closed, &metadata).await.expect(400);
        assert!(answer.text("error_description").contains("not one of the internet"), "{uri}: {answer:?}");
    }
    assert!(service.heard().is_empty());
}

/// By an administrator, at the place of our own.
#[tokio::test]
async fn applications_of_ones_own() {
    let app = TestApp::new().await;
    let web = app.clients.web.client_id.clone();
    let path = format!("/clients/{web}/openid");
    assert_eq!(
        app.manage_own("GET", &path, Value::Null).await,
        json!({ "subject_type": "public", "require_auth_time": false })
    );
    let jane = app.jane().await;
    app.set_web(json!({ "callbacks": [CALLBACK] })).await;
    let set =
        app.manage_own("PATCH", &path, json!({ "subject_type": "pairwise", "default_max_age": 100 })).await;
    assert_eq!(
        set,
        json!({ "subject_type": "pairwise", "require_auth_time": false, "default_max_age": 100 })
    );
    assert_ne!(subject(&app.sign_in("openid").await), jane);
    // What other tools write leaves it alone.
    app.set_web(json!({ "description": "x" })).await;
    assert_eq!(app.manage_own("GET", &path, Value::Null).await, set);
    let unset =
        app.manage_own("PATCH", &path, json!({ "subject_type": null, "default_max_age": null })).await;
    assert_eq!(unset, json!({ "subject_type": "public", "require_auth_time": false }));
    assert_eq!(subject(&app.sign_in("openid").await), jane);
}
