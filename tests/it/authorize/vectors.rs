//! The worked examples of the scope decision (fact sheet 3.8), from the request to the token: the same numbers as the table
//! in the core crate.

use serde_json::{Value, json};

use crate::support::{API, Ask, Browser, CONNECTION, ISSUER, JANE, TestApp, decode, segment};

/// The demo API with three scopes; Jane holds `read:a` herself and `write:a` through a role.
async fn fixture(changes: Value) -> TestApp {
    let app = TestApp::new().await;
    let scopes = json!([{ "value": "read:a" }, { "value": "write:a" }, { "value": "del:a" }]);
    let mut body = json!({ "scopes": scopes, "enforce_policies": false });
    body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    app.set_api(body).await;
    let jane = segment(&app.jane().await);
    let permission = |name: &str| json!({ "permissions": [{ "resource_server_identifier": API, "permission_name": name }] });
    app.manage("POST", &format!("/users/{jane}/permissions"), permission("read:a")).await;
    let role = app.manage("POST", "/roles", json!({ "name": "Writer" })).await["id"].clone();
    app.manage("POST", &format!("/roles/{}/permissions", role.as_str().unwrap()), permission("write:a"))
        .await;
    app.manage("POST", &format!("/users/{jane}/roles"), json!({ "roles": [role] })).await;
    app
}

/// Scope and claims of the access token, and the whole token response.
async fn by_code(app: &TestApp, ask: &Ask) -> (Value, Value) {
    let tokens = app.redeem(&app.code_for(ask).await).await.expect(200).json();
    let token = tokens["access_token"].as_str().unwrap();
    let claims = if token.contains('.') { app.verified(token).await } else { Value::Null };
    if claims.is_object() {
        assert_eq!(tokens.get("scope"), claims.get("scope"), "response and token agree");
    }
    (tokens, claims)
}

fn both() -> Value {
    json!([API, format!("{ISSUER}userinfo")])
}

#[tokio::test]
async fn vectors_1_and_2_without_rbac() {
    let app = fixture(json!({})).await;
    let (tokens, claims) = by_code(&app, &app.ask("openid profile read:a del:a")).await;
    assert_eq!((&claims["scope"], &claims["aud"]), (&json!("openid profile read:a del:a"), &both()));
    assert!(tokens["id_token"].is_string());
    let (tokens, claims) = by_code(&app, &app.ask("read:a nope:x")).await;
    assert_eq!((&claims["scope"], &claims["aud"]), (&json!("read:a"), &json!(API)));
    assert!(tokens.get("id_token").is_none());
}

#[tokio::test]
async fn vectors_3_to_6_with_rbac_and_dialects() {
    let app = fixture(json!({ "enforce_policies": true })).await;
    let (_, claims) = by_code(&app, &app.ask("openid read:a write:a del:a")).await;
    assert_eq!((&claims["scope"], claims.get("permissions")), (&json!("openid read:a write:a"), None));
    app.set_api(json!({ "token_dialect": "access_token_authz" })).await;
    let (_, claims) = by_code(&app, &app.ask("openid")).await;
    let mut permissions: Vec<&str> =
        claims["permissions"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    permissions.sort_unstable();
    assert_eq!((&claims["scope"], permissions), (&json!("openid"), vec!["read:a", "write:a"]));
    let landing = Browser::new(&app).authorize(&app.ask("openid read:a"), &crate::support::SAM).await;
    let sam = app.verified(&app.redeem(&landing.get("code")).await.expect(200).text("access_token")).await;
    assert_eq!((&sam["scope"], &sam["permissions"]), (&json!("openid"), &json!([])));
    app.set_api(json!({ "enforce_policies": false })).await;
    let (_, claims) = by_code(&app, &app.ask("read:a")).await;
    assert_eq!((&claims["scope"], claims.get("permissions")), (&json!("read:a"), None));
}

#[tokio::test]
async fn vectors_7_to_11_client_grants_as_ceiling() {
    let policy = |user: &str| json!({ "subject_type_authorization": { "user": { "policy": user }, "client": { "policy": "require_client_grant" } } });
    let app = fixture(policy("require_client_grant")).await;
    let web = app.clients.web.client_id.clone();
    let refusal = format!("Client \"{web}\" is not authorized to access resource server \"{API}\".");
    let landing = Browser::new(&app).authorize(&app.ask("read:a"), &JANE).await;
    landing.is_error("invalid_request", &refusal);
    let grant = json!({ "client_id": web, "audience": API, "scope": ["read:a"], "subject_type": "user" });
    let grant = app.manage("POST", "/client-grants", grant).await["id"].as_str().unwrap().to_owned();
    assert_eq!(by_code(&app, &app.ask("read:a write:a")).await.1["scope"], "read:a");
    assert_eq!(by_code(&app, &app.ask("").without("scope")).await.1.get("scope"), None);
    app.manage("PATCH", &format!("/client-grants/{grant}"), json!({ "allow_all_scopes": true })).await;
    assert_eq!(by_code(&app, &app.ask("del:a")).await.1["scope"], "del:a");
    app.set_api(policy("deny_all")).await;
    Browser::new(&app).authorize(&app.ask("read:a"), &JANE).await.is_error("invalid_request", &refusal);
}

#[tokio::test]
async fn vectors_14_to_16_offline_access() {
    let app = fixture(json!({ "allow_offline_access": false })).await;
    let (tokens, claims) = by_code(&app, &app.ask("openid read:a offline_access")).await;
    assert_eq!((&claims["scope"], tokens.get("refresh_token")), (&json!("openid read:a"), None));
    app.set_api(json!({ "allow_offline_access": true })).await;
    let (tokens, claims) = by_code(&app, &app.ask("openid read:a offline_access")).await;
    assert_eq!(claims["scope"], "openid read:a offline_access");
    assert!(tokens["refresh_token"].is_string());
    let ask = app.ask("read:a offline_access").with("response_type", "token");
    let landing = Browser::new(&app).authorize(&ask, &JANE).await;
    assert_eq!((landing.get("scope").as_str(), landing.get("expires_in").as_str()), ("read:a", "7200"));
    assert_eq!(app.verified(&landing.get("access_token")).await["aud"], API);
}

#[tokio::test]
async fn vectors_17_to_19_passwords() {
    let app = fixture(json!({ "enforce_policies": true })).await;
    let typed = [("grant_type", "password"), ("username", JANE.email), ("password", JANE.password)];
    let none = app.web_token(&typed).await.expect(200);
    assert_eq!(none.text("scope"), "openid profile email address phone");
    assert!(!none.text("access_token").contains('.'));
    let all = app.web_token(&[&typed[..], &[("audience", API)]].concat()).await.expect(200);
    assert_eq!(all.text("scope"), "openid profile email address phone read:a write:a");
    assert_eq!(decode(&all.text("access_token")).1["gty"], "password");
    let one =
        app.web_token(&[&typed[..], &[("audience", API), ("scope", "read:a")]].concat()).await.expect(200);
    assert_eq!(one.text("scope"), "read:a");
    assert_eq!(decode(&one.text("access_token")).1["aud"], API);
    assert!(app.manage("GET", "/connections", Value::Null).await.to_string().contains(CONNECTION));
}

#[tokio::test]
async fn vectors_20_to_24_machines() {
    let app = fixture(json!({})).await;
    let (m2m, secret) = (app.clients.m2m.client_id.clone(), app.m2m_secret());
    let own = [
        ("grant_type", "client_credentials"),
        ("client_id", m2m.as_str()),
        ("client_secret", &secret),
        ("audience", API),
    ];
    let grants = app.manage("GET", &format!("/client-grants?client_id={m2m}"), Value::Null).await;
    let grant = format!("/client-grants/{}", grants[0]["id"].as_str().unwrap());
    app.manage("PATCH", &grant, json!({ "scope": ["read:a", "write:a"] })).await;
    let all = app.token(&own).await.expect(200);
    let claims = app.verified(&all.text("access_token")).await;
    assert_eq!((&claims["scope"], &claims["aud"]), (&json!("read:a write:a"), &json!(API)));
    assert_eq!(
        (&claims["sub"], &claims["gty"]),
        (&json!(format!("{m2m}@clients")), &json!("client-credentials"))
    );
    assert_eq!(all.text("scope"), "read:a write:a");
    let one = app.token(&[&own[..], &[("scope", "read:a")]].concat()).await.expect(200);
    assert_eq!(one.text("scope"), "read:a");
    for (asked, missing) in [("del:a", "del:a"), ("openid read:a", "openid"), ("read:a del:a x", "del:a, x")]
    {
        let refused = app.token(&[&own[..], &[("scope", asked)]].concat()).await;
        refused.is_error(403, "access_denied", &format!("Client has not been granted scopes: {missing}"));
    }
    app.manage("DELETE", &grant, Value::Null).await;
    let refused = app.token(&own).await.expect(403);
    assert_eq!(refused.text("error"), "access_denied");
    assert!(
        refused
            .text("error_description")
            .starts_with(&format!("Client is not authorized to access \"{API}\"."))
    );
}

#[tokio::test]
async fn vector_28_an_hs256_api_has_no_userinfo_beside_it() {
    let app =
        fixture(json!({ "signing_alg": "HS256", "signing_secret": "0123456789abcdef0123456789abcdef" }))
            .await;
    let tokens = app.redeem(&app.code("openid read:a").await).await.expect(200);
    let (header, claims) = decode(&tokens.text("access_token"));
    assert_eq!((&header["alg"], header.get("kid")), (&json!("HS256"), None));
    assert_eq!((&claims["aud"], &claims["scope"]), (&json!(API), &json!("openid read:a")));
}

#[tokio::test]
async fn vectors_29_and_30_refreshing_narrows() {
    let app = fixture(json!({})).await;
    let (tokens, _) = by_code(&app, &app.ask("openid profile read:a del:a offline_access")).await;
    let token = tokens["refresh_token"].as_str().unwrap();
    for (asked, given) in [
        ("openid read:a", "openid read:a"),
        ("openid write:a", "openid"),
        ("read:a nope:x", "read:a"),
        ("", "openid profile read:a del:a offline_access"),
    ] {
        assert_eq!(app.refresh(token, &[("scope", asked)]).await.expect(200).text("scope"), given, "{asked}");
    }
}

/// The dialects of access tokens (fact sheet 1.7).
#[tokio::test]
async fn four_dialects() {
    let app = fixture(json!({ "enforce_policies": true })).await;
    for dialect in ["access_token", "access_token_authz", "rfc9068_profile", "rfc9068_profile_authz"] {
        app.set_api(json!({ "token_dialect": dialect })).await;
        let tokens = app.redeem(&app.code("openid read:a").await).await.expect(200);
        let (header, claims) = decode(&tokens.text("access_token"));
        let rfc = dialect.starts_with("rfc9068");
        assert_eq!(header["typ"], if rfc { "at+jwt" } else { "JWT" }, "{dialect}");
        let has = |name: &str| claims.get(name).is_some();
        let found = (has("azp"), has("client_id"), has("jti"), has("permissions"), has("gty"));
        assert_eq!(found, (!rfc, rfc, rfc, dialect.ends_with("authz"), false), "{dialect}: {claims}");
        let user = app.userinfo(&tokens.text("access_token")).await;
        assert_eq!(user.status, 200, "{dialect}: {user:?}");
    }
}
