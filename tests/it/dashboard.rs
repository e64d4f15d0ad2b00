//! Administrators: users who sign in to the dashboard's application as to any other, and do what their roles say.

use axum::http::StatusCode;
use chancery::seed::{ADMIN, Person};
use chancery_core::dashboard::{CLIENT_ID, ROLE};
use serde_json::{Value, json};

use crate::support::{
    Answer, Ask, Browser, Call, ISSUER, JANE, Landing, SAM, TestApp, decode, engines, segment,
};

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const HOME: &str = "https://auth.example/dashboard/";

/// As @auth0/auth0-react asks.
fn ask(scope: &str) -> Ask {
    Ask::code(CLIENT_ID, scope)
        .with("redirect_uri", HOME)
        .with("audience", &format!("{ISSUER}api/v2/"))
        .challenged(VERIFIER)
}

async fn redeem(app: &TestApp, client_id: &str, code: &str) -> Answer {
    app.send(Call::post("/oauth/token").form(&[
        ("grant_type", "authorization_code"),
        ("client_id", client_id),
        ("code", code),
        ("code_verifier", VERIFIER),
        ("redirect_uri", HOME),
    ]))
    .await
}

async fn tokens(app: &TestApp, person: &Person, scope: &str) -> Value {
    let landing = Browser::new(app).authorize(&ask(scope), person).await;
    redeem(app, CLIENT_ID, &landing.get("code")).await.expect(200).json()
}

async fn token(app: &TestApp, person: &Person, scope: &str) -> String {
    tokens(app, person, scope).await["access_token"].as_str().unwrap().to_owned()
}

async fn role_id(app: &TestApp) -> String {
    let roles = app.manage("GET", "/roles", Value::Null).await;
    let role = roles.as_array().unwrap().iter().find(|role| role["name"] == ROLE).unwrap();
    role["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_administrator_signs_in_and_does_what_was_granted() {
    for app in engines().await {
        let mut browser = Browser::new(&app);
        let login = browser.open(&ask("openid profile email read:clients update:clients nope:x")).await;
        let answer = browser.log_in(&login, &ADMIN).await;
        let landing = Landing::of(&answer);
        assert_eq!(landing.url, HOME, "nobody is asked for consent");
        let answer = redeem(&app, CLIENT_ID, &landing.get("code")).await.expect(200).json();
        assert_eq!(answer["scope"], "openid profile email read:clients update:clients");
        let token = answer["access_token"].as_str().unwrap();
        let claims = app.verified(token).await;
        assert_eq!(claims["aud"], json!([format!("{ISSUER}api/v2/"), format!("{ISSUER}userinfo")]));
        assert_eq!(claims.get("permissions"), None);
        app.api_as(token, "GET", "/clients", Value::Null).await.expect(200);
        let own = format!("/clients/{CLIENT_ID}");
        app.api_as(token, "PATCH", &own, json!({"description": "Ours"})).await.expect(200);
        let refused = app.api_as(token, "GET", "/users", Value::Null).await.expect(403).json();
        assert_eq!(refused["errorCode"], "insufficient_scope", "held, but not asked for");

        // And again without a page, as the SDK renews.
        let silent = ask("openid read:users").with("prompt", "none");
        let landing = Landing::of(&browser.open(&silent).await);
        let answer = redeem(&app, CLIENT_ID, &landing.get("code")).await.expect(200).json();
        assert_eq!(answer["scope"], "openid read:users");
        assert!(app.app.logs.flush().await.is_ok());
        let admin = claims["sub"].as_str().unwrap();
        let log = app.manage("GET", &format!("/users/{}/logs", segment(admin)), Value::Null).await;
        let kinds: Vec<&str> = log.as_array().unwrap().iter().map(|e| e["type"].as_str().unwrap()).collect();
        assert!(kinds.contains(&"sapi"), "the log says whose change it was: {kinds:?}");
    }
}

#[tokio::test]
async fn others_get_nothing() {
    let app = TestApp::new().await;
    let wish = "openid read:clients update:users read:current_user";
    assert_eq!(tokens(&app, &JANE, wish).await["scope"], "openid read:current_user");
    let jane = token(&app, &SAM, wish).await;
    app.api_as(&jane, "GET", "/clients", Value::Null).await.expect(403);

    // The administrator, in applications that were not given the API.
    let spa = &app.clients.spa.client_id;
    let callback = "https://auth.example/dev/callback";
    for (client_id, party) in [(spa, true), (spa, false)] {
        app.manage("PATCH", &format!("/clients/{client_id}"), json!({"is_first_party": party})).await;
        let ask = ask(wish).with("client_id", client_id).with("redirect_uri", callback);
        let mut browser = Browser::new(&app);
        let opened = browser.open(&ask).await;
        let answer = browser.go_through(opened, &ADMIN).await;
        if !party {
            assert!(answer.status == 400 && answer.body.contains("unauthorized_client"), "{answer:?}");
            continue;
        }
        let landing = Landing::of(&answer);
        let code = landing.get("code");
        let answer = app
            .send(Call::post("/oauth/token").form(&[
                ("grant_type", "authorization_code"),
                ("client_id", client_id),
                ("code", &code),
                ("code_verifier", VERIFIER),
                ("redirect_uri", callback),
            ]))
            .await;
        assert_eq!(answer.expect(200).json()["scope"], "openid read:current_user");
    }
}

#[tokio::test]
async fn a_role_taken_away_is_gone_at_once() {
    let app = TestApp::new().await;
    let wish = "openid read:clients read:current_user";
    let answer = tokens(&app, &ADMIN, wish).await;
    let token = answer["access_token"].as_str().unwrap();
    app.api_as(token, "GET", "/clients", Value::Null).await.expect(200);
    let (_, claims) = decode(token);
    let admin = format!("/users/{}", segment(claims["sub"].as_str().unwrap()));
    let role = role_id(&app).await;

    // A code that waits, too.
    let waiting = Browser::new(&app).authorize(&ask(wish), &ADMIN).await.get("code");
    let unlink = json!({"roles": [role]});
    app.api("DELETE", &format!("{admin}/roles"), unlink.clone()).await.expect(204);
    app.api_as(token, "GET", "/clients", Value::Null).await.expect(403);
    app.api_as(token, "GET", &admin, Value::Null).await.expect(200);
    let redeemed = redeem(&app, CLIENT_ID, &waiting).await.expect(200).json();
    assert_eq!(redeemed["scope"], "openid read:current_user");

    app.api("POST", &format!("{admin}/roles"), unlink).await.expect(204);
    app.api_as(token, "GET", "/clients", Value::Null).await.expect(200);
    app.manage("PATCH", &admin, json!({"blocked": true})).await;
    app.api_as(token, "GET", "/clients", Value::Null).await.expect(401);
    app.manage("PATCH", &admin, json!({"blocked": false})).await;

    // And where the application is given less.
    let grants = app.manage("GET", &format!("/client-grants?client_id={CLIENT_ID}"), Value::Null).await;
    let grant = format!("/client-grants/{}", grants[0]["id"].as_str().unwrap());
    app.manage("PATCH", &grant, json!({"allow_all_scopes": false, "scope": ["read:users"]})).await;
    app.api_as(token, "GET", "/clients", Value::Null).await.expect(403);
    assert_eq!(tokens(&app, &ADMIN, "read:clients read:users").await["scope"], "read:users");
}

/// Direct permissions administer as roles do, and roles of an organization count in the organization alone.
#[tokio::test]
async fn permissions_from_elsewhere() {
    let app = TestApp::new().await;
    let jane = app.jane().await;
    let path = format!("/users/{}/permissions", segment(&jane));
    let one = json!({"permissions": [{
        "resource_server_identifier": format!("{ISSUER}api/v2/"), "permission_name": "read:roles"
    }]});
    app.api("POST", &path, one).await.expect(201);
    let token = token(&app, &JANE, "read:roles read:users").await;
    assert_eq!(decode(&token).1["scope"], "read:roles");
    app.api_as(&token, "GET", "/roles", Value::Null).await.expect(200);

    let connections = app.manage("GET", "/connections", Value::Null).await;
    let connection = connections[0]["id"].as_str().unwrap().to_owned();
    let enabled = json!({"name": "acme", "enabled_connections": [{"connection_id": connection}]});
    let made = app.api("POST", "/organizations", enabled).await.expect(201).json();
    let org = made["id"].as_str().unwrap();
    app.manage("PATCH", &format!("/clients/{CLIENT_ID}"), json!({"organization_usage": "allow"})).await;
    app.api("POST", &format!("/organizations/{org}/members"), json!({"members": [jane]})).await.expect(204);
    let roles = json!({"roles": [role_id(&app).await]});
    let there = format!("/organizations/{org}/members/{}/roles", segment(&jane));
    app.api("POST", &there, roles.clone()).await.expect(204);
    let landing = Browser::new(&app).authorize(&ask("read:users").with("organization", org), &JANE).await;
    let answer = redeem(&app, CLIENT_ID, &landing.get("code")).await.expect(200).json();
    assert_eq!(answer["scope"], "read:users");
    let in_organization = answer["access_token"].as_str().unwrap();
    app.api_as(in_organization, "GET", "/users", Value::Null).await.expect(200);
    let outside = tokens(&app, &JANE, "openid read:users").await;
    assert_eq!(outside["scope"], "openid");
    app.api("DELETE", &there, roles).await.expect(204);
    app.api_as(in_organization, "GET", "/users", Value::Null).await.expect(403);
}

/// Consent is skipped at home alone: an address that somebody added later is asked about like any other.
#[tokio::test]
async fn elsewhere_consent_is_asked() {
    let app = TestApp::new().await;
    let elsewhere = "https://elsewhere.example/dashboard/";
    let path = format!("/clients/{CLIENT_ID}");
    app.manage("PATCH", &path, json!({"callbacks": [elsewhere, "https://second.example/dashboard/"]})).await;
    for callback in [elsewhere, "https://second.example/dashboard/"] {
        let mut browser = Browser::new(&app);
        let login = browser.open(&ask("openid read:clients").with("redirect_uri", callback)).await;
        let page = browser.log_in(&login, &ADMIN).await;
        assert_eq!((page.status, page.form().action.as_str()), (StatusCode::OK, "/u/consent"), "{callback}");
    }
}

/// A code is worthless to whoever reads it somewhere, and what skips the question skips it for one API.
#[tokio::test]
async fn only_with_a_proof_and_only_for_the_management_api() {
    let app = TestApp::new().await;
    let bare = Ask::code(CLIENT_ID, "openid read:clients")
        .with("redirect_uri", HOME)
        .with("audience", &format!("{ISSUER}api/v2/"));
    let landing = Landing::of(&Browser::new(&app).open(&bare).await);
    assert_eq!(landing.get("error"), "invalid_request");

    let other = Ask::code(CLIENT_ID, "openid offline_access read:contacts")
        .with("redirect_uri", HOME)
        .with("audience", crate::support::API)
        .challenged(VERIFIER);
    let mut browser = Browser::new(&app);
    let login = browser.open(&other).await;
    let answer = browser.log_in(&login, &JANE).await;
    assert!(answer.body.contains("value=\"accept\""), "the question: {answer:?}");
}
