//! Links for whoever mails them, and people who have to wait after wrong passwords.

use serde_json::{Value, json};

use crate::support::*;

/// The path of a link of ours.
fn path(answer: &Value) -> String {
    answer["ticket"].as_str().unwrap().strip_prefix(ISSUER.trim_end_matches('/')).unwrap().to_owned()
}

#[tokio::test]
async fn a_link_proves_an_address_and_leads_on() {
    let app = TestApp::new().await;
    let body = json!({"connection": CONNECTION, "email": "new@example.com", "password": "Correct-Horse-7"});
    let user = app.manage("POST", "/users", body).await["user_id"].clone();
    let ask = json!({"user_id": user, "result_url": "https://example.com/done?a=1#top", "ttl_sec": 60});
    let link = path(&app.manage("POST", "/tickets/email-verification", ask.clone()).await);
    let landed = app.get(&link).await;
    let text = "https://example.com/done?a=1&email=new%40example.com&success=true&message=Your+email+was+verified.\
                +You+can+continue+using+the+application.#top";
    assert_eq!(landed.location(), Some(text));
    app.get(&link).await.expect(400);
    let one = format!("/users/{}", segment(user.as_str().unwrap()));
    assert_eq!(app.manage("GET", &one, Value::Null).await["email_verified"], true);

    let late = path(&app.manage("POST", "/tickets/email-verification", ask).await);
    app.clock.advance(61);
    app.get(&late).await.expect(400);
    for (body, status) in [
        (json!({"user_id": "auth0|nobody"}), 404),
        (json!({"user_id": user, "result_url": "javascript:alert(1)"}), 400),
        (json!({"user_id": user, "ttl_sec": -1}), 400),
        (json!({"user_id": user, "client_id": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}), 404),
        (json!({}), 400),
    ] {
        app.api("POST", "/tickets/email-verification", body).await.expect(status);
    }
}

#[tokio::test]
async fn a_link_to_choose_a_password_proves_no_address_unless_told() {
    let app = TestApp::new().await;
    let all = app.manage("GET", &format!("/connections?name={CONNECTION}"), Value::Null).await;
    let connection = all[0]["id"].clone();
    for (marks, verified) in [(false, false), (true, true)] {
        let email = format!("new-{marks}@example.com");
        let body = json!({"connection": CONNECTION, "email": email, "password": "Correct-Horse-7"});
        let user = app.manage("POST", "/users", body).await["user_id"].as_str().unwrap().to_owned();
        let ask = json!({"email": email, "connection_id": connection, "mark_email_as_verified": marks,
            "result_url": "https://example.com/", "includeEmailInRedirect": false});
        let link = path(&app.manage("POST", "/tickets/password-change", ask).await);
        let mut browser = Browser::new(&app);
        let page = browser.get(&link).await.expect(200);
        let typed = [("password", "Another-Horse-8"), ("password-repeat", "Another-Horse-8")];
        let done = browser.submit(&page, &typed).await;
        assert!(
            done.location().unwrap().starts_with("https://example.com/?success=true&message="),
            "{done:?}"
        );
        let user = app.manage("GET", &format!("/users/{}", segment(&user)), Value::Null).await;
        assert_eq!(user["email_verified"], verified);
    }
    app.api("POST", "/tickets/password-change", json!({"email": "a@example.com"})).await.expect(400);
    app.api("POST", "/tickets/password-change", json!({})).await.expect(400);
}

#[tokio::test]
async fn blocks_are_shown_and_lifted() {
    let app = TestApp::new().await;
    let jane = format!("/user-blocks/{}", segment(&app.jane().await));
    assert_eq!(app.manage("GET", &jane, Value::Null).await, json!({"blocked_for": []}));
    let wrong = [
        ("grant_type", "password"),
        ("username", "jane@example.com"),
        ("password", "wrong"),
        ("scope", "openid"),
    ];
    for _ in 0..10 {
        app.web_token(&wrong).await;
    }
    let blocked = app.manage("GET", &jane, Value::Null).await;
    assert_eq!(blocked["blocked_for"][0]["identifier"], "jane@example.com", "{blocked}");
    let by_name = app.manage("GET", "/user-blocks?identifier=JANE%40example.com", Value::Null).await;
    assert_eq!(by_name["blocked_for"][0]["ip"], blocked["blocked_for"][0]["ip"]);
    app.api("DELETE", &jane, Value::Null).await.expect(204);
    assert_eq!(app.manage("GET", &jane, Value::Null).await, json!({"blocked_for": []}));
    app.api("GET", "/user-blocks/auth0%7Cnobody", Value::Null).await.expect(404);
    app.api("GET", "/anomaly/blocks/ips/192.0.2.7", Value::Null).await.expect(404);
    app.api("DELETE", "/anomaly/blocks/ips/192.0.2.7", Value::Null).await.expect(204);
    app.api("GET", "/anomaly/blocks/ips/nowhere", Value::Null).await.expect(400);
}

#[tokio::test]
async fn who_was_here_and_what_they_hold() {
    let app = TestApp::new().await;
    let before = app.manage("GET", "/stats/active-users", Value::Null).await.as_i64().unwrap();
    let held = app.sign_in("openid offline_access read:contacts").await;
    let jane = app.jane().await;
    assert_eq!(app.manage("GET", "/stats/active-users", Value::Null).await, before + 1);
    let path = format!("/device-credentials?user_id={}", segment(&jane));
    let all = app.manage("GET", &path, Value::Null).await;
    assert_eq!((all[0]["type"].as_str(), all.as_array().unwrap().len()), (Some("refresh_token"), 1));
    let one = format!("/device-credentials/{}", all[0]["id"].as_str().unwrap());
    app.api("DELETE", &one, Value::Null).await.expect(204);
    assert_eq!(app.refresh(held["refresh_token"].as_str().unwrap(), &[]).await.status, 403);
    assert_eq!(app.manage("GET", &path, Value::Null).await, json!([]));
}
