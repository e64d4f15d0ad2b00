//! `/dbconnections/*` (fact sheet 9.4 and 9.5), whose error envelope is their own.

use chancery_core::Clock;
use serde_json::{Value, json};

use crate::support::{Answer, Browser, CONNECTION, Call, TestApp};

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
async fn a_profile_comes_along() {
    let app = TestApp::new().await;
    let profile = json!({
        "given_name": "Jane", "family_name": "Doe", "name": "Jane Doe", "nickname": "janey",
        "picture": "https://pictures.example/jane.png", "user_metadata": { "plan": "gold" },
    });
    let answer = signup(&app, profile.clone()).await.expect(200).json();
    let user = app.manage("GET", "/users-by-email?email=new%40example.com", Value::Null).await[0].clone();
    for (name, value) in profile.as_object().unwrap() {
        assert_eq!((&answer[name], &user[name]), (value, value), "{name}");
    }
    let refused = signup(&app, json!({ "user_metadata": { "plan": 1 }, "email": "x@example.com" })).await;
    assert_eq!(refused.expect(400).text("code"), "invalid_request");
    let found = app.manage("GET", "/users-by-email?email=x%40example.com", Value::Null).await;
    assert_eq!(found, json!([]));
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

/// Per address; the wire's 429 says when to come again.
#[tokio::test]
async fn sign_ups_from_one_address_are_limited() {
    let app = TestApp::new().await;
    let from = async |n: usize, address: u8| {
        let body = json!({ "email": format!("n{n}@example.com"), "password": "Some-4-Password", "connection": CONNECTION });
        app.send(Call::post("/dbconnections/signup").json(&body).sent_from([192, 0, 2, address])).await
    };
    // Some are new, some exist: both count, since both tell something.
    for n in 0..50 {
        let expected = if n < 10 { 200 } else { 400 };
        from(n % 10, 1).await.expect(expected);
    }
    let answer = from(50, 1).await.expect(429);
    insta::assert_snapshot!(answer.body, @r#"{"error":"too_many_requests","error_description":"Too many requests. Check the X-RateLimit-Limit, X-RateLimit-Remaining and X-RateLimit-Reset headers."}"#);
    let reset = (app.clock.now() + 2).to_string();
    for (name, value) in [
        ("retry-after", "2"),
        ("x-ratelimit-limit", "50"),
        ("x-ratelimit-remaining", "0"),
        ("x-ratelimit-reset", reset.as_str()),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    let found = app.manage("GET", "/users-by-email?email=n50%40example.com", Value::Null).await;
    assert_eq!(found, json!([]));
    from(51, 2).await.expect(200);
    app.clock.advance(2);
    from(50, 1).await.expect(200);
    from(52, 1).await.expect(429);
    // The page makes accounts too: it shares the bucket.
    let mut browser = Browser::new(&app);
    let page = browser.open(&app.ask("openid").with("screen_hint", "signup")).await;
    let state = page.form().value("state");
    let typed = [("state", state.as_str()), ("email", "page@example.com"), ("password", "Some-4-Password")];
    let submit = || Call::post("/u/signup").form(&typed).sent_from([192, 0, 2, 1]);
    browser.send(submit()).await.expect(429);
    app.clock.advance(2);
    assert!(browser.send(submit()).await.status.is_redirection());
}

/// Per address and name, whether there is such an account or not.
#[tokio::test]
async fn reset_links_for_one_name_from_one_address_are_limited() {
    let app = TestApp::new().await;
    let ask = async |email: &str, address: u8| {
        let body = json!({ "email": email, "connection": CONNECTION });
        let call = Call::post("/dbconnections/change_password").json(&body);
        app.send(call.sent_from([192, 0, 2, address])).await
    };
    for email in ["jane@example.com", "nobody@example.com"] {
        for _ in 0..10 {
            ask(email, 1).await.expect(200);
        }
        let answer = ask(&email.to_uppercase(), 1).await.expect(429);
        assert_eq!(answer.text("error"), "too_many_requests");
        assert_eq!(answer.header("retry-after"), Some("60"));
        ask(email, 2).await.expect(200);
    }
    ask("sam@example.com", 1).await.expect(200);
    app.clock.advance(60);
    for email in ["jane@example.com", "nobody@example.com"] {
        ask(email, 1).await.expect(200);
        ask(email, 1).await.expect(429);
    }
}
