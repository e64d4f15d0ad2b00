//! `/dbconnections/*` (fact sheet 9.4 and 9.5), whose error envelope is their own.

use serde_json::{Value, json};

use crate::support::{Answer, CONNECTION, Call, TestApp};

async fn signup(app: &TestApp, changes: Value) -> Answer {
    let mut body =
        json!({ "email": "new@example.com", "password": "Some-4-Password", "connection": CONNECTION });
    body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    app.send(Call::post("/dbconnections/signup").json(&body)).await
}

#[tokio::test]
async fn signed_up() {
    let app = TestApp::new().await;
    let answer = signup(&app, json!({ "client_id": app.clients.web.client_id })).await.expect(200);
    let body = answer.json();
    assert_eq!(body["_id"].as_str().unwrap().len(), 24);
    assert_eq!((&body["email"], &body["email_verified"]), (&json!("new@example.com"), &json!(false)));
    let pairs =
        [("grant_type", "password"), ("username", "new@example.com"), ("password", "Some-4-Password")];
    app.web_token(&pairs).await.expect(200);
    let ticket = app.mailed_ticket("new@example.com");
    app.get(&format!("/u/email-verification?ticket={ticket}")).await.expect(200);
    let user = app.manage("GET", "/users-by-email?email=new%40example.com", Value::Null).await;
    assert_eq!(user[0]["email_verified"], true);
}

#[tokio::test]
async fn refused() {
    let app = TestApp::new().await;
    let twice = signup(&app, json!({ "email": "jane@example.com" })).await;
    insta::assert_snapshot!(twice.shown(), @r#"
    400
    {
      "name": "BadRequestError",
      "code": "user_exists",
      "description": "The user already exists.",
      "statusCode": 400
    }
    "#);
    let weak = signup(&app, json!({ "password": "weak" })).await.expect(400).json();
    assert_eq!(
        (&weak["name"], &weak["code"], &weak["statusCode"]),
        (&json!("PasswordStrengthError"), &json!("invalid_password"), &json!(400))
    );
    assert_eq!(weak["description"]["rules"][0]["code"], "lengthAtLeast");
    assert!(weak["policy"].as_str().unwrap().starts_with("* At least 8 characters in length"));
    for changes in [
        json!({ "connection": "nowhere" }),
        json!({ "connection": null }),
        json!({ "email": null }),
        json!({ "email": "no address" }),
        json!({ "password": null }),
        json!({ "client_id": "nobody" }),
    ] {
        assert_eq!(signup(&app, changes.clone()).await.status, 400, "{changes}");
    }
    let found = app.manage("GET", "/users-by-email?email=new%40example.com", Value::Null).await;
    assert_eq!(found, json!([]));
}

#[tokio::test]
async fn a_forgotten_password() {
    let app = TestApp::new().await;
    let body = json!({ "email": "jane@example.com", "connection": CONNECTION });
    let answer = app.send(Call::post("/dbconnections/change_password").json(&body)).await.expect(200);
    insta::assert_snapshot!(answer.body, @"We've just sent you an email to reset your password.");
    assert!(answer.header("content-type").unwrap().starts_with("text/html"));
    let ticket = app.mailed_ticket("jane@example.com");
    let page = app.get(&format!("/u/reset-verify?ticket={ticket}")).await.expect(200);
    assert_eq!(page.form().action, "/u/reset-verify");
    app.clock.advance(3600);
    app.get(&format!("/u/reset-verify?ticket={ticket}")).await.expect(400);
}
