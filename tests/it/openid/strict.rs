//! `oidc_strict` (D191): where the wire we are compatible with and the specifications disagree.

use serde_json::{Value, json};

use crate::support::{API, Ask, Browser, CALLBACK, Call, JANE, Registered, TestApp, decode};

async fn strictly(strict: bool) -> TestApp {
    let app = TestApp::new().await;
    if strict {
        assert_eq!(
            app.manage_own("PATCH", "/openid", json!({ "oidc_strict": true })).await,
            json!({ "oidc_strict": true })
        );
    }
    app
}

/// `oidcc-codereuse`, `oidcc-refresh-token`: 400 where the wire has 403.
#[tokio::test]
async fn codes_and_statuses() {
    for strict in [false, true] {
        let app = strictly(strict).await;
        let expected = |by_wire: (u16, &'static str), by_specification: (u16, &'static str)| {
            if strict { by_specification } else { by_wire }
        };
        let code = app.code_for(&Ask::code(&app.clients.web.client_id, "openid")).await;
        let tokens = app.redeem(&code).await.expect(200);
        let again = app.redeem(&code).await;
        let other = app.refresh("nonsense", &[]).await;
        for answer in [&again, &other] {
            let told = (answer.status.as_u16(), answer.text("error"));
            let (status, error) = expected((403, "invalid_grant"), (400, "invalid_grant"));
            assert_eq!(told, (status, error.to_owned()), "{answer:?}");
        }
        // `oidcc-codereuse-30seconds`: what came of the first use is revoked.
        assert_eq!(app.userinfo(&tokens.text("access_token")).await.status, 401);
        let wrong = [
            ("grant_type", "authorization_code"),
            ("code", "x"),
            ("client_id", &app.clients.web.client_id),
            ("client_secret", "wrong"),
        ];
        let answer = app.token(&wrong).await;
        let (status, error) = expected((401, "access_denied"), (401, "invalid_client"));
        assert_eq!((answer.status.as_u16(), answer.text("error")), (status, error.to_owned()));
        let unknown = [("grant_type", "urn:unknown")];
        let answer = app.web_token(&unknown).await;
        let (status, error) = expected((403, "unsupported_grant_type"), (400, "unsupported_grant_type"));
        assert_eq!((answer.status.as_u16(), answer.text("error")), (status, error.to_owned()));
    }
}

/// `oidcc-scope-*`: claims of scopes come from `/userinfo`, and moments are numbers there.
#[tokio::test]
async fn where_claims_are_told() {
    for strict in [false, true] {
        let app = strictly(strict).await;
        app.set_web(json!({ "grant_types": ["authorization_code", "implicit"] })).await;
        let ask = Ask::code(&app.clients.web.client_id, "openid profile email").with("nonce", "n");
        let tokens = app.redeem(&app.code_for(&ask).await).await.expect(200);
        let by_code = decode(&tokens.text("id_token")).1;
        assert_eq!(by_code.get("email").is_none(), strict, "{by_code}");
        let said = app.userinfo(&tokens.text("access_token")).await.expect(200).json();
        assert_eq!(said["email"], JANE.email);
        assert_eq!(said["updated_at"].is_i64(), strict, "{said}");
        for (response_type, has_email) in
            [("id_token", true), ("id_token token", !strict), ("code id_token", !strict)]
        {
            let landing =
                Browser::new(&app).authorize(&ask.clone().with("response_type", response_type), &JANE).await;
            let id_token = decode(&landing.get("id_token")).1;
            assert_eq!(id_token.get("email").is_some(), has_email, "{response_type}: {id_token}");
        }
        let named = ask.with("claims", &json!({ "id_token": { "email": null } }).to_string());
        let tokens = app.redeem(&app.code_for(&named).await).await.expect(200);
        assert_eq!(decode(&tokens.text("id_token")).1["email"], JANE.email, "asked for by name");
    }
}

/// It is a setting of ours: the published operation neither shows nor forgets it.
#[tokio::test]
async fn where_it_is_set() {
    let app = strictly(true).await;
    assert_eq!(app.manage("GET", "/tenants/settings", Value::Null).await.get("openid"), None);
    let after = app.manage("PATCH", "/tenants/settings", json!({ "friendly_name": "Acme" })).await;
    assert_eq!(after.get("openid"), None);
    assert_eq!(app.manage_own("GET", "/openid", Value::Null).await, json!({ "oidc_strict": true }));
    assert_eq!(
        app.manage_own("PATCH", "/openid", json!({ "oidc_strict": false })).await,
        json!({ "oidc_strict": false })
    );
    let token = app.management_token().await;
    let bad =
        Call::new("PATCH", "/api/chancery/v1/openid").bearer(&token).json(&json!({ "oidc_strict": "yes" }));
    app.send(bad).await.expect(400);
}

/// `oidcc-userinfo-post-body` (RFC 6750, section 2.2).
#[tokio::test]
async fn the_token_in_a_form() {
    let app = TestApp::new().await;
    let code = app.code_for(&Ask::code(&app.clients.web.client_id, "openid")).await;
    let token = app.redeem(&code).await.expect(200).text("access_token");
    let posted = app.send(Call::post("/userinfo").form(&[("access_token", &token)])).await.expect(200);
    assert!(posted.json()["sub"].is_string());
    let twice = Call::post("/userinfo").form(&[("access_token", &token)]).bearer(&token);
    app.send(twice).await.expect(400);
    app.send(Call::post("/userinfo").form(&[("access_token", "x")])).await.expect(401);
    app.send(Call::post("/userinfo").form(&[("a", "b")])).await.expect(401);
    app.send(Call::post("/userinfo").json(&json!({ "access_token": token }))).await.expect(401);
}

/// What the basic, implicit, hybrid and form post plans look at and that holds either way.
#[tokio::test]
async fn modules_that_hold_on_both_wires() {
    for strict in [false, true] {
        let app = strictly(strict).await;
        app.set_web(json!({ "grant_types": ["authorization_code", "implicit"] })).await;
        let mut browser = Browser::new(&app);
        let ask = Ask::code(&app.clients.web.client_id, "openid");
        // oidcc-prompt-none-not-logged-in
        browser
            .authorize(&ask.clone().with("prompt", "none"), &JANE)
            .await
            .is_error("login_required", "Login required");
        // oidcc-ensure-request-without-nonce-fails, and without for `code token`
        let front = |kind: &str| ask.clone().with("response_type", kind);
        for kind in ["id_token", "id_token token", "code id_token", "code id_token token"] {
            assert_eq!(
                browser.authorize(&front(kind), &JANE).await.find("error"),
                Some("invalid_request"),
                "{kind}"
            );
        }
        browser.authorize(&front("code token"), &JANE).await.get("code");
        // oidcc-prompt-none-logged-in, oidcc-display-*, oidcc-ui-locales, oidcc-claims-locales, unknown parameters
        let silent = ask.clone().with("prompt", "none").with("display", "popup").with("ui_locales", "se");
        let silent = silent.with("claims_locales", "se").with("extra", "foobar").with("login_hint", "x");
        browser.authorize(&silent, &JANE).await.get("code");
        // oidcc-max-age-10000
        let code = browser
            .authorize(&ask.clone().with("max_age", "10000").with("prompt", "none"), &JANE)
            .await
            .get("code");
        let first = decode(&app.redeem(&code).await.expect(200).text("id_token")).1;
        // oidcc-max-age-1
        app.clock.advance(2);
        let old = browser.authorize(&ask.clone().with("max_age", "1").with("prompt", "none"), &JANE).await;
        old.is_error("login_required", "Login required");
        let code = browser.authorize(&ask.clone().with("max_age", "1"), &JANE).await.get("code");
        let second = decode(&app.redeem(&code).await.expect(200).text("id_token")).1;
        assert!(second["auth_time"].as_i64() > first["auth_time"].as_i64(), "{first} {second}");
        // oidcc-ensure-post-request-succeeds
        let form = Call::post("/authorize").body("application/x-www-form-urlencoded", ask.encoded());
        assert!(browser.send(form).await.location().is_some_and(|to| to.starts_with(CALLBACK)));
        // oidcc-server with at_hash and c_hash
        let all = browser.authorize(&front("code id_token token").with("nonce", "n"), &JANE).await;
        let id_token = app.verified(&all.get("id_token")).await;
        assert!(
            id_token["at_hash"].is_string() && id_token["c_hash"].is_string() && id_token["nonce"] == "n"
        );
        // oidcc-response-type-missing
        assert_eq!(browser.open(&ask.without("response_type")).await.status, 400);
    }
}

/// `oidcc-ensure-redirect-uri-in-authorization-request`: on the wire such a request goes to the first callback.
#[tokio::test]
async fn openid_requests_name_their_callback() {
    for strict in [false, true] {
        let app = strictly(strict).await;
        let ask = Ask::code(&app.clients.web.client_id, "openid").without("redirect_uri");
        let answer = Browser::new(&app).open(&ask).await;
        assert_eq!(answer.status, if strict { 400 } else { 200 }, "{answer:?}");
        assert_eq!(answer.body.contains("Missing required parameter: redirect_uri"), strict);
        // RFC 6749, section 3.1.2.3, lets requests of OAuth alone leave it out.
        Browser::new(&app).open(&ask.with("scope", "read:contacts").with("audience", API)).await.expect(200);
    }
}

/// `fapi-ciba-id1-discovery-end-point-verification`, and the warning of `oidcc-refresh-token`.
#[tokio::test]
async fn discovery_names_the_grants() {
    let app = strictly(true).await;
    let grants = app.get("/.well-known/openid-configuration").await.expect(200).json();
    let grants = grants["grant_types_supported"].as_array().unwrap();
    for grant in ["authorization_code", "implicit", "refresh_token", "urn:openid:params:grant-type:ciba"] {
        assert!(grants.contains(&json!(grant)), "{grant}");
    }
    // All of them are known; the implicit one has no token request.
    for grant in grants.iter().filter(|grant| *grant != "implicit") {
        let answer = app.web_token(&[("grant_type", grant.as_str().unwrap())]).await;
        assert_ne!(answer.text("error"), "unsupported_grant_type", "{grant}");
    }
}

/// `oidcc-registration-logo-uri`, `oidcc-registration-policy-uri` and `oidcc-registration-tos-uri`.
#[tokio::test]
async fn what_an_application_registered_is_shown_at_the_login() {
    let app = Registered::app(false).await;
    let own = json!({
        "logo_uri": "https://app.example/logo.png", "policy_uri": "https://app.example/policy",
        "tos_uri": "https://app.example/terms",
    });
    let made = Registered::new(&app, own).await;
    for strict in [false, true] {
        app.manage_own("PATCH", "/openid", json!({ "oidc_strict": strict })).await;
        let login = Browser::new(&app).open(&made.code("openid")).await.expect(200);
        for shown in [
            r#"src="https://app.example/logo.png""#,
            r#"href="https://app.example/policy""#,
            r#"href="https://app.example/terms""#,
        ] {
            assert_eq!(login.body.contains(shown), strict, "{shown}: {}", login.body);
        }
    }
    // What lies here is asked for with the user's cookies: nobody is logged out by a picture.
    for own in ["https://auth.example/v2/logout", "https://AUTH.example:8443/v2/logout"] {
        app.set_client(&made.client_id, json!({ "logo_uri": own })).await;
        let login = Browser::new(&app).open(&made.code("openid")).await.expect(200);
        assert!(!login.body.contains("src=\"https://auth.example"), "{}", login.body);
        assert!(!login.body.to_lowercase().contains(&own.to_lowercase()), "{}", login.body);
    }
    // Those of the tenant's own show the tenant alone.
    app.set_client(&made.client_id, json!({ "is_first_party": true })).await;
    let login = Browser::new(&app).open(&made.code("openid")).await.expect(200);
    assert!(!login.body.contains("app.example/"), "{}", login.body);
}
