//! What a token may hold does not depend on the way it was asked for.

use std::collections::BTreeSet;

use chancery_core::oauth::Grant;
use serde_json::{Value, json};

use super::every_grant::{ASKED, DEVICE_CODE, USER_GRANTS, Way, every_way, is_of_users};
use crate::support::{API, Browser, Call, JANE, TestApp, decode};

#[tokio::test]
async fn case_03_no_grant_gives_more_than_the_role() {
    let app = TestApp::new().await;
    let allowed = ["openid", "profile", "email", "address", "phone", "read:contacts", "offline_access"];
    for Way { how: way, token, .. } in every_way(&app).await {
        let scopes = scopes(&token);
        assert!(scopes.contains("read:contacts"), "{way}: {scopes:?}");
        assert!(scopes.iter().all(|scope| allowed.contains(&scope.as_str())), "{way}: {scopes:?}");
    }
}

#[tokio::test]
async fn case_03_no_grant_gives_more_than_the_client_grant() {
    let app = TestApp::new().await;
    let policies = json!({ "user": { "policy": "require_client_grant" }, "client": { "policy": "require_client_grant" } });
    app.set_api(json!({ "subject_type_authorization": policies, "enforce_policies": false })).await;
    for client in [&app.clients.web, &app.clients.spa] {
        let grant = json!({
            "client_id": client.client_id, "audience": API, "scope": ["read:contacts"], "subject_type": "user",
        });
        app.manage("POST", "/client-grants", grant).await;
    }
    for Way { how: way, token, .. } in every_way(&app).await {
        let scopes = scopes(&token);
        assert!(scopes.contains("read:contacts") && !scopes.contains("delete:contacts"), "{way}: {scopes:?}");
    }
}

/// What the token endpoint reads is what the tests above try, but for machines, which have no user whose data it could be.
#[tokio::test]
async fn case_03_no_grant_is_left_out() {
    let app = TestApp::new().await;
    let tried: BTreeSet<&str> = every_way(&app).await.iter().map(|way| way.grant).collect();
    assert_eq!(tried, USER_GRANTS.into_iter().collect());
    let grant = Grant::RefreshToken {
        refresh_token: "x".into(),
        audience: None,
        scope: None,
        authorization_details: None,
    };
    assert!(is_of_users(&grant));
}

#[tokio::test]
async fn case_03_machines_are_told() {
    let app = TestApp::new().await;
    let (id, secret) = (&app.clients.m2m.client_id, app.m2m_secret());
    let own = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
        ("client_secret", &secret),
        ("audience", API),
    ];
    let answer = app.token(&[&own[..], &[("scope", "read:contacts delete:contacts")]].concat()).await;
    answer.is_error(403, "access_denied", "Client has not been granted scopes: delete:contacts");
    let answer = app.token(&[&own[..], &[("scope", "openid read:contacts")]].concat()).await;
    answer.is_error(403, "access_denied", "Client has not been granted scopes: openid");
}

/// What was approved is what is redeemed, whatever the token request says besides.
#[tokio::test]
async fn case_03_a_code_exchange_does_not_widen() {
    let app = TestApp::new().await;
    let code = app.code("openid").await;
    let grant = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", crate::support::CALLBACK),
        ("scope", "openid read:contacts"),
        ("audience", "https://auth.example/api/v2/"),
    ];
    let answer = app.web_token(&grant).await.expect(200);
    let claims = decode(&answer.text("access_token")).1;
    assert_eq!((answer.text("scope").as_str(), &claims["scope"]), ("openid", &json!("openid")));
    assert_eq!(claims["aud"], json!([API, "https://auth.example/userinfo"]));
}

/// A permission taken away while the code was under way is not handed out.
#[tokio::test]
async fn case_03_lost_permissions_are_not_redeemed() {
    let app = TestApp::new().await;
    let code = app.code("openid offline_access read:contacts").await;
    let before = app.sign_in("openid offline_access read:contacts").await;
    let roles = app.manage("GET", "/roles", Value::Null).await;
    let roles: Vec<&Value> = roles.as_array().unwrap().iter().map(|role| &role["id"]).collect();
    let path = format!("/users/{}/roles", crate::support::segment(&app.jane().await));
    app.manage("DELETE", &path, json!({ "roles": roles })).await;
    assert_eq!(app.redeem(&code).await.expect(200).text("scope"), "openid offline_access");
    let refreshed = app.refresh(before["refresh_token"].as_str().unwrap(), &[]).await.expect(200);
    assert_eq!(refreshed.text("scope"), "openid offline_access");
}

/// The same of what a device asked for.
#[tokio::test]
async fn case_03_lost_permissions_are_not_redeemed_by_devices() {
    let app = TestApp::new().await;
    app.set_web(json!({ "grant_types": [DEVICE_CODE, "refresh_token"] })).await;
    let (id, secret) = (app.clients.web.client_id.as_str(), app.web_secret());
    let asked = [("client_id", id), ("client_secret", &secret), ("audience", API), ("scope", ASKED)];
    let codes = app.send(Call::post("/oauth/device/code").form(&asked)).await.expect(200);
    Browser::new(&app).activate(&codes.text("user_code"), &JANE).await.expect(200);
    let roles = app.manage("GET", "/roles", Value::Null).await;
    let roles: Vec<&Value> = roles.as_array().unwrap().iter().map(|role| &role["id"]).collect();
    let path = format!("/users/{}/roles", crate::support::segment(&app.jane().await));
    app.manage("DELETE", &path, json!({ "roles": roles })).await;
    let device_code = codes.text("device_code");
    // What the device says besides adds nothing.
    let grant = [
        ("grant_type", DEVICE_CODE),
        ("device_code", device_code.as_str()),
        ("scope", "openid read:contacts"),
        ("audience", "https://auth.example/api/v2/"),
    ];
    let answer = app.web_token(&grant).await.expect(200);
    assert_eq!(answer.text("scope"), "openid offline_access");
    let claims = decode(&answer.text("access_token")).1;
    assert_eq!(claims["aud"], json!([API, "https://auth.example/userinfo"]));
}

fn scopes(token: &str) -> BTreeSet<String> {
    let claims = decode(token).1;
    claims["scope"].as_str().unwrap_or_default().split(' ').map(str::to_owned).collect()
}
