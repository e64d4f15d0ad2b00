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

/// Two applications of two sectors, with the same browser: nothing that either is told is told to the other too.
#[tokio::test]
async fn nothing_that_is_told_is_the_same_in_two_sectors() {
    let app = Registered::app(false).await;
    let jane = app.jane().await;
    let service = Service::start(|_| (200, json!({}))).await;
    let mut all = Vec::new();
    for callback in [ONE, OTHER] {
        let made = pairwise(&app, json!({ "redirect_uris": [callback] })).await;
        let listens = json!({
            "backchannel_logout_urls": [format!("{}/{}", service.origin, made.client_id)],
            "frontchannel_logout_uri": format!("https://frame.example/{}", made.client_id),
            "frontchannel_logout_session_required": true,
        });
        crate::backchannel_logout::listen(&app, &made.client_id, listens).await;
        all.push((made, callback));
    }
    let mut browser = Browser::new(&app);
    let mut told = Vec::new();
    for (made, callback) in &all {
        let ask = made.code("openid").with("redirect_uri", callback);
        let code = browser.authorize(&ask, &JANE).await.get("code");
        let grant =
            [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", *callback)];
        let id_token = made.token(&app, &grant).await.expect(200).text("id_token");
        told.push((id_token.clone(), decode(&id_token).1));
    }
    let [(id_token, first), (_, second)] = &told[..] else { panic!("two") };
    for name in ["sub", "sid"] {
        assert!(first[name].is_string() && first[name] != second[name], "{name}: {first} {second}");
    }
    assert!(!told.iter().any(|(_, claims)| claims.to_string().contains(&jane)));
    // The first one's own words for the session end it, and each is told in its own.
    let sid = first["sid"].as_str().unwrap();
    let out = browser.get(&format!("/oidc/logout?id_token_hint={id_token}&logout_hint={sid}")).await;
    let page = crate::support::unescape(&out.expect(200).body);
    assert!(browser.session_cookie().is_none());
    chancery_oauth::tell_due(&app.app).await.unwrap();
    let heard = service.heard();
    assert_eq!(heard.len(), 2);
    for ((made, _), (_, claims)) in all.iter().zip(&told) {
        let own = claims["sid"].as_str().unwrap();
        let frame =
            format!("https://frame.example/{}?iss=https%3A%2F%2Fauth.example%2F&sid={own}", made.client_id);
        assert!(page.contains(&frame), "{page}");
        let to_it = heard.iter().find(|heard| heard.path.ends_with(&made.client_id)).unwrap();
        let logout = decode(&to_it.field("logout_token").unwrap()).1;
        assert_eq!((&logout["sub"], &logout["sid"]), (&claims["sub"], &claims["sid"]));
        assert_eq!(logout.get("trace_id"), None, "the same to all who hear of this logout");
        assert!(!logout.to_string().contains(&jane), "{logout}");
    }
}

/// Errors are told to the application, too.
#[tokio::test]
async fn refusals_do_not_name_the_user() {
    let app = Registered::app(false).await;
    let jane = app.jane().await;
    let web = app.clients.web.client_id.clone();
    app.set_web(json!({ "callbacks": [CALLBACK], "organization_usage": "allow" })).await;
    let path = format!("/clients/{web}/openid");
    app.manage_own("PATCH", &path, json!({ "subject_type": "pairwise" })).await;
    let connections = app.manage("GET", "/connections", Value::Null).await;
    let enabled = json!([{ "connection_id": connections[0]["id"], "assign_membership_on_login": false }]);
    let organization =
        app.manage("POST", "/organizations", json!({ "name": "acme", "enabled_connections": enabled })).await;
    let id = organization["id"].as_str().unwrap();
    let ask = app.ask("openid").without("audience").with("organization", id);
    let landing = Browser::new(&app).authorize(&ask, &JANE).await;
    let said = landing.get("error_description");
    assert!(said.contains("is not part of the"), "{said}");
    assert!(!said.contains(&jane), "{said}");
}

/// Nobody is at home on loopback alone, and a device shows nothing of whose callbacks it names.
#[tokio::test]
async fn whose_sector_it_is_has_to_be_shown() {
    let app = Registered::app(false).await;
    let device = "urn:ietf:params:oauth:grant-type:device_code";
    for refused in [
        json!({ "redirect_uris": ["http://localhost:3000/cb"] }),
        json!({ "redirect_uris": ["http://127.0.0.1/cb"], "application_type": "native" }),
        json!({ "redirect_uris": ["http://[::1]/cb"], "application_type": "native" }),
        json!({ "redirect_uris": [ONE], "grant_types": ["authorization_code", device] }),
        json!({ "redirect_uris": [ONE], "grant_types": [device] }),
    ] {
        let mut metadata = refused.clone();
        metadata["subject_type"] = json!("pairwise");
        let answer = Registered::ask(&app, &metadata).await.expect(400);
        assert_eq!(answer.text("error"), "invalid_client_metadata", "{refused}");
        metadata["subject_type"] = json!("public");
        Registered::ask(&app, &metadata).await.expect(201);
    }
}

/// What an application holds of a user already must not tell it who they are in another sector, or here.
#[tokio::test]
async fn a_sector_is_chosen_once() {
    let app = Registered::app(false).await;
    let made = pairwise(
        &app,
        json!({ "redirect_uris": [ONE], "grant_types": ["authorization_code", "refresh_token"] }),
    )
    .await;
    let got = tokens(&app, &made, ONE, "openid offline_access").await;
    let before = subject(&got);
    let token = made.text("registration_access_token");
    let put = |change: Value| {
        let mut all = json!({
            "client_id": made.client_id, "redirect_uris": [ONE], "subject_type": "pairwise", "client_name": "Renamed",
            "grant_types": ["authorization_code", "refresh_token"],
        });
        all.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        made.manage("PUT", token).json(&all)
    };
    for change in [
        json!({ "redirect_uris": [OTHER] }),
        json!({ "subject_type": "public" }),
        json!({ "subject_type": null }),
    ] {
        let answer = app.send(put(change.clone())).await.expect(400);
        assert_eq!(answer.text("error"), "invalid_client_metadata", "{change}");
    }
    let elsewhere = json!({ "redirect_uris": ["https://one.example/other"] });
    assert_eq!(app.send(put(elsewhere)).await.expect(200).json()["client_name"], "Renamed");
    let refresh = got["refresh_token"].as_str().unwrap();
    let again =
        made.token(&app, &[("grant_type", "refresh_token"), ("refresh_token", refresh)]).await.expect(200);
    assert_eq!(subject(&again.json()), before);
    // Whom an administrator made pairwise does not make itself anything else.
    let public = Registered::new(&app, json!({ "redirect_uris": [ONE] })).await;
    let path = format!("/clients/{}/openid", public.client_id);
    app.manage_own("PATCH", &path, json!({ "subject_type": "pairwise" })).await;
    let all = json!({ "client_id": public.client_id, "redirect_uris": [ONE] });
    let token = public.text("registration_access_token");
    app.send(public.manage("PUT", token).json(&all)).await.expect(400);
}
