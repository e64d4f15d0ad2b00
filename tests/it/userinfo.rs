//! `/userinfo` (fact sheet 5.5).

use serde_json::json;

use crate::support::{Ask, Call, TestApp, segment};

#[tokio::test]
async fn claims_of_now() {
    let app = TestApp::new().await;
    let code = app.code_for(&Ask::code(&app.clients.web.client_id, "openid profile email")).await;
    let token = app.redeem(&code).await.expect(200).text("access_token");
    let answer = app.userinfo(&token).await.expect(200);
    insta::assert_json_snapshot!(answer.json(), @r#"
    {
      "sub": "auth0|6a00000000000000000000a1",
      "name": "Jane Doe",
      "family_name": "Doe",
      "given_name": "Jane",
      "nickname": "jane",
      "picture": "https://s.gravatar.com/avatar/9e26471d35a78862c17e467d87cddedf?s=480&r=pg&d=https%3A%2F%2Fcdn.auth0.com%2Favatars%2Fja.png",
      "updated_at": "2026-08-01T12:00:00.000Z",
      "email": "jane@example.com",
      "email_verified": true
    }
    "#);
    let path = format!("/users/{}", segment(&app.jane().await));
    app.manage("PATCH", &path, json!({ "nickname": "jd" })).await;
    assert_eq!(app.userinfo(&token).await.text("nickname"), "jd");
    let posted = app.send(Call::post("/userinfo").bearer(&token)).await.expect(200);
    assert_eq!(posted.text("nickname"), "jd");
    app.clock.advance(86_400);
    assert_eq!(app.userinfo(&token).await.status, 401);
}

#[tokio::test]
async fn jwts_whose_audience_it_is() {
    let app = TestApp::new().await;
    let with = app.sign_in("openid read:contacts").await;
    app.userinfo(with["access_token"].as_str().unwrap()).await.expect(200);
    let without = app.sign_in("read:contacts").await;
    assert_eq!(app.userinfo(without["access_token"].as_str().unwrap()).await.status, 401);
}

#[tokio::test]
async fn without_a_good_token() {
    let app = TestApp::new().await;
    let answer = app.get("/userinfo").await;
    let described =
        "resource_metadata=\"https://auth.example/.well-known/oauth-protected-resource/userinfo\"";
    assert_eq!(
        (answer.status.as_u16(), answer.header("www-authenticate")),
        (401, Some(format!("Bearer realm=\"Users\", {described}").as_str()))
    );
    for token in ["nonsense", "a.b.c", "--OyxBVN-kK7Gh-8GpTc7iSWqSpvfg-V-TZOZ77ho4ZLL9GF7F_QxRFNqYigvdHp0"] {
        let answer = app.userinfo(token).await.expect(401);
        assert!(answer.header("www-authenticate").unwrap().contains("error=\"invalid_token\""), "{answer:?}");
    }
    let wrong_scheme = app.send(Call::get("/userinfo").header("authorization", "Basic YTpi")).await;
    assert_eq!(wrong_scheme.status, 401);
}

/// Where `passport-auth0` and `django-allauth` put it (RFC 6750, section 2.3).
#[tokio::test]
async fn a_token_in_the_query() {
    let app = TestApp::new().await;
    let tokens = app.sign_in("openid email read:contacts").await;
    let token = tokens["access_token"].as_str().unwrap();
    let path = format!("/userinfo?access_token={token}&x=%FF");
    let answer = app.get(&path).await;
    assert_eq!(answer.status, 401, "no query at all where a part cannot be read: {answer:?}");
    let path = format!("/userinfo?x=1&access_token={token}");
    let answer = app.get(&path).await.expect(200);
    assert_eq!(
        (answer.text("email").as_str(), answer.header("cache-control")),
        ("jane@example.com", Some("no-store"))
    );
    app.get(&format!("{path}&access_token={token}")).await.is_error(
        400,
        "invalid_request",
        "Parameter sent more than once: access_token",
    );
    let twice = app.send(Call::get(&path).bearer(token)).await;
    twice.is_error(400, "invalid_request", "The access token was sent in more than one way");
    assert_eq!(app.get("/userinfo?access_token=nonsense").await.status, 401);
    assert_eq!(app.send(Call::post(&path)).await.status, 401, "a form has it in the form");
}
