//! `/users` and `/users-by-email`.

use serde_json::{Value, json};

use crate::support::*;

const PASSWORD: &str = "Correct-Horse-7";

async fn made(app: &TestApp, more: Value) -> Value {
    let mut body = json!({"connection": CONNECTION, "email": "New@Example.com", "password": PASSWORD});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    app.manage("POST", "/users", body).await
}

fn path(user: &Value) -> String {
    format!("/users/{}", segment(user["user_id"].as_str().unwrap()))
}

#[tokio::test]
async fn a_new_one() {
    let app = TestApp::new().await;
    let user = made(&app, json!({"user_metadata": {"theme": "dark"}, "given_name": "New"})).await;
    assert_eq!(user["email"], "new@example.com");
    assert_eq!((&user["name"], &user["nickname"]), (&json!("new@example.com"), &json!("new")));
    assert_eq!(user["email_verified"], false);
    assert_eq!(user["identities"][0]["provider"], "auth0");
    assert_eq!(user["identities"][0]["isSocial"], false);
    assert_eq!(user["user_metadata"], json!({"theme": "dark"}));
    assert!(!user.to_string().contains("password"));
    assert_eq!(app.manage("GET", &path(&user), Value::Null).await, user);
    let found = app.manage("GET", "/users-by-email?email=NEW@example.com", Value::Null).await;
    assert_eq!(found, json!([user]));
    let body = json!({"connection": CONNECTION, "email": "new@example.com", "password": PASSWORD});
    let again = app.api("POST", "/users", body).await;
    again.is_problem(409, Some("auth0_idp_error"), "The user already exists.");
}

/// Somebody whose address is not known to be theirs is asked to confirm it, unless whoever makes them says otherwise.
#[tokio::test]
async fn the_address_of_a_new_one_is_confirmed() {
    for (more, mails) in [
        (json!({}), 1),
        (json!({"email_verified": false}), 1),
        (json!({"email_verified": true}), 0),
        (json!({"verify_email": false}), 0),
        (json!({"email_verified": true, "verify_email": true}), 1),
    ] {
        let app = TestApp::new().await;
        made(&app, more.clone()).await;
        let kept = app.app.outbox.kept();
        assert!(kept.iter().all(|mail| mail.to == "new@example.com" && mail.template == "verify_email"));
        assert_eq!(kept.len(), mails, "{more}");
    }
    let app = TestApp::new().await;
    app.api("PATCH", "/email-templates/verify_email", json!({"enabled": false})).await.expect(200);
    made(&app, json!({})).await;
    assert_eq!(app.app.outbox.kept().len(), 0, "the tenant wants no such mail");
}

/// Users that come and go under one address fill no mailbox, and an address that was written to a lot can still have a user.
#[tokio::test]
async fn one_address_gets_ten_mails() {
    let app = TestApp::new().await;
    for _ in 0..10 {
        let user = made(&app, json!({})).await;
        app.api("DELETE", &path(&user), Value::Null).await.expect(204);
    }
    let body = json!({
        "connection": CONNECTION, "email": "new@example.com", "password": PASSWORD, "verify_email": true,
    });
    let text = "Too many mails went to this address. Try again in a quarter of an hour.";
    let refused = app.api("POST", "/users", body).await;
    refused.is_problem(429, Some("too_many_requests"), text);
    assert_eq!(app.manage("GET", "/users-by-email?email=new@example.com", Value::Null).await, json!([]));
    made(&app, json!({})).await;
    assert_eq!(app.app.outbox.kept().len(), 10);
}

/// The same where the address changes, if whoever changes it says so.
#[tokio::test]
async fn the_address_of_one_who_moved_is_confirmed() {
    let app = TestApp::new().await;
    let user = made(&app, json!({"verify_email": false})).await;
    let moved = async |more: Value| {
        app.manage("PATCH", &path(&user), more).await;
        app.app.outbox.kept().iter().map(|mail| mail.to.clone()).collect::<Vec<_>>()
    };
    assert_eq!(moved(json!({"email": "second@example.com"})).await, [""; 0]);
    let known = json!({"email": "third@example.com", "email_verified": true, "verify_email": true});
    assert_eq!(moved(known).await, [""; 0], "nothing is left to prove");
    let mails = moved(json!({"email": "fourth@example.com", "verify_email": true})).await;
    assert_eq!(mails, ["fourth@example.com"]);
    app.api("PATCH", "/email-templates/verify_email", json!({"enabled": false})).await.expect(200);
    assert_eq!(moved(json!({"email": "fifth@example.com", "verify_email": true})).await.len(), 1);
}

#[tokio::test]
async fn an_id_may_be_given() {
    let app = TestApp::new().await;
    let user = made(&app, json!({"user_id": "mine"})).await;
    assert_eq!(user["user_id"], "auth0|mine");
    assert_eq!(user["identities"][0]["user_id"], "mine");
}

#[tokio::test]
async fn what_is_refused() {
    let app = TestApp::new().await;
    for (more, message) in [
        (json!({"connection": "nowhere"}), "Connection does not exist."),
        (json!({"password": "weak"}), "PasswordStrengthError: Password is too weak"),
        (
            json!({"email": "nobody"}),
            "Payload validation error: 'Object didn't pass validation for format email: nobody' on property email.",
        ),
        (json!({"nonsense": 1}), "Payload validation error: 'Additional properties not allowed: nonsense'."),
    ] {
        let mut body = json!({"connection": CONNECTION, "email": "new@example.com", "password": PASSWORD});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = app.api("POST", "/users", body).await.expect(400);
        assert_eq!(answer.json()["message"], message);
    }
    let body = json!({"connection": CONNECTION, "email": "new@example.com"});
    app.api("POST", "/users", body).await.expect(400);
}

#[tokio::test]
async fn patching() {
    let app = TestApp::new().await;
    let user =
        made(&app, json!({"email_verified": true, "app_metadata": {"plan": "free", "seats": 1}})).await;
    let path = path(&user);
    let after = app.manage("PATCH", &path, json!({"app_metadata": {"plan": "pro", "seats": null}})).await;
    assert_eq!(after["app_metadata"], json!({"plan": "pro"}));
    assert_eq!(after["email_verified"], true);
    let after = app.manage("PATCH", &path, json!({"email": "other@example.com", "name": "Other"})).await;
    assert_eq!(after["email_verified"], false, "the proof was of the old address");
    assert_eq!(after["name"], "Other");
    let after = app.manage("PATCH", &path, json!({"name": null})).await;
    assert!(after.get("name").is_none());
    let taken = app.api("PATCH", &path, json!({"email": "jane@example.com"})).await;
    taken.is_problem(409, Some("auth0_idp_error"), "The user already exists.");
    let nobody = app.api("PATCH", "/users/auth0%7Cnobody", json!({"name": "x"})).await;
    nobody.is_problem(404, Some("inexistent_user"), "The user does not exist.");
}

#[tokio::test]
async fn searching() {
    let app = TestApp::new().await;
    made(&app, json!({"family_name": "Newman"})).await;
    let found = async |q: &str| {
        let found = app.manage("GET", &format!("/users?include_totals=true&q={q}"), Value::Null).await;
        found["total"].as_i64().unwrap()
    };
    assert_eq!(found("").await, 4);
    assert_eq!(found("email:%22jane@example.com%22").await, 1);
    assert_eq!(found("family_name:new*").await, 1);
    assert_eq!(found("family_name:new*%20AND%20email:jane@example.com").await, 0);
    assert_eq!(found("identities.connection:%22nowhere%22").await, 0);
    app.api("GET", "/users?q=(((", Value::Null).await.expect(400);
    app.api("GET", "/users?page=20&per_page=100", Value::Null).await.expect(400);
}

/// Jane with a session and a refresh token.
async fn signed_in(app: &TestApp) -> (String, String) {
    app.set_api(json!({"allow_offline_access": true})).await;
    let issued = app.sign_in("openid offline_access read:contacts").await;
    let token = issued["refresh_token"].as_str().expect("a refresh token").to_owned();
    let path = format!("/users/{}", segment(&app.jane().await));
    let sessions = app.manage("GET", &format!("{path}/sessions"), Value::Null).await;
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 1);
    app.refresh(&token, &[]).await.expect(200);
    (path, token)
}

async fn is_out(app: &TestApp, path: &str, token: &str) {
    let sessions = app.manage("GET", &format!("{path}/sessions"), Value::Null).await;
    assert_eq!(sessions["sessions"], json!([]));
    app.refresh(token, &[]).await.expect(403);
}

#[tokio::test]
async fn blocking_ends_sessions_and_tokens() {
    let app = TestApp::new().await;
    let (path, token) = signed_in(&app).await;
    app.manage("PATCH", &path, json!({"blocked": true})).await;
    is_out(&app, &path, &token).await;
}

#[tokio::test]
async fn a_new_password_ends_sessions_and_tokens() {
    let app = TestApp::new().await;
    let (path, token) = signed_in(&app).await;
    let after = app.manage("PATCH", &path, json!({"password": PASSWORD})).await;
    assert!(after["last_password_reset"].is_string());
    is_out(&app, &path, &token).await;
    let credential = app.app.store.credential(TENANT, CONNECTION, "jane@example.com").await.unwrap().unwrap();
    let hash = credential.password_hash.unwrap();
    let verified = app.app.hasher.verify(&hash, PASSWORD.to_owned().into()).await.unwrap();
    assert!(format!("{verified:?}").contains("true"), "{verified:?}");
}

#[tokio::test]
async fn access_can_be_revoked() {
    let app = TestApp::new().await;
    let (path, token) = signed_in(&app).await;
    app.api("POST", &format!("{path}/revoke-access"), json!({})).await.expect(202);
    is_out(&app, &path, &token).await;
}

#[tokio::test]
async fn deleting_ends_everything() {
    let app = TestApp::new().await;
    let (path, token) = signed_in(&app).await;
    app.api("DELETE", &path, Value::Null).await.expect(204);
    app.api("GET", &path, Value::Null).await.expect(404);
    assert_eq!(app.refresh(&token, &[]).await.status, 403);
    assert_eq!(app.manage("GET", "/grants", Value::Null).await, json!([]));
    app.api("DELETE", &path, Value::Null).await.expect(204);
}

#[tokio::test]
async fn refresh_tokens_can_be_revoked_together() {
    let app = TestApp::new().await;
    for wish in ["ids", "user", "client", "both", "api"] {
        let (path, token) = signed_in(&app).await;
        let jane = app.jane().await;
        let tokens = app.manage("GET", &format!("{path}/refresh-tokens"), Value::Null).await;
        let id = &tokens["tokens"][0]["id"];
        let web = &app.clients.web.client_id;
        let body = match wish {
            "ids" => json!({"ids": [id]}),
            "user" => json!({"user_id": jane}),
            "client" => json!({"client_id": web}),
            "both" => json!({"user_id": jane, "client_id": web}),
            _ => json!({"user_id": jane, "client_id": web, "audience": API}),
        };
        app.api("POST", "/refresh-tokens/revoke", body).await.expect(202);
        app.refresh(&token, &[]).await.expect(403);
        app.manage("DELETE", &format!("{path}/sessions"), Value::Null).await;
    }
    for bad in [json!({}), json!({"audience": API}), json!({"ids": ["x"], "user_id": "auth0|x"})] {
        app.api("POST", "/refresh-tokens/revoke", bad).await.expect(400);
    }
}
