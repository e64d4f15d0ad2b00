//! `/users/{id}/authentication-methods` and what stands beside it.

use serde_json::{Value, json};

use crate::support::*;

#[tokio::test]
async fn made_shown_changed_and_removed() {
    let app = TestApp::new().await;
    let user = format!("/users/{}", segment(&app.jane().await));
    let all = format!("{user}/authentication-methods");
    assert_eq!(app.manage("GET", &all, Value::Null).await, json!([]));
    let phone = app.manage("POST", &all, json!({"type": "phone", "phone_number": "+4915112345678"})).await;
    assert!(phone["id"].as_str().unwrap().starts_with("phone|dev_"), "{phone}");
    assert_eq!(phone["authentication_methods"][0]["type"], "sms");
    let one = format!("{all}/{}", segment(phone["id"].as_str().unwrap()));
    let shown = app.manage("GET", &one, Value::Null).await;
    assert_eq!((&shown["confirmed"], &shown["created_at"]), (&json!(true), &phone["created_at"]));
    let changed =
        app.manage("PATCH", &one, json!({"name": "Mine", "preferred_authentication_method": "voice"})).await;
    assert_eq!(
        (&changed["name"], &changed["preferred_authentication_method"]),
        (&json!("Mine"), &json!("voice"))
    );

    let again = json!({"type": "phone", "phone_number": "+4915112345678"});
    app.api("POST", &all, again).await.is_problem(
        409,
        Some("conflict"),
        "Authentication method already exists.",
    );
    for bad in [
        json!({"type": "phone"}),
        json!({"type": "phone", "phone_number": "0151"}),
        json!({"type": "totp", "totp_secret": "not base32!"}),
        json!({"type": "passkey", "key_id": "k", "public_key": "p", "aaguid": "x"}),
        json!({"type": "push"}),
    ] {
        app.api("POST", &all, bad).await.expect(400);
    }
    let page = app.manage("GET", &format!("{all}?include_totals=true&per_page=1"), Value::Null).await;
    assert_eq!((&page["total"], page["authenticators"].as_array().unwrap().len()), (&json!(1), 1));
    app.api("DELETE", &one, Value::Null).await.expect(204);
    app.api("GET", &one, Value::Null).await.expect(404);
    app.api("GET", "/users/auth0%7Cnobody/authentication-methods", Value::Null).await.expect(404);
}

/// Whoever has the database, or may read methods, does not have the codes.
#[tokio::test]
async fn secrets_are_sealed_and_not_shown_again() {
    const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    for app in engines().await {
        let user = format!("/users/{}", segment(&app.jane().await));
        let all = format!("{user}/authentication-methods");
        let made = app.manage("POST", &all, json!({"type": "totp", "totp_secret": SECRET})).await;
        assert_eq!(made["totp_secret"], SECRET);
        let code = app.manage("POST", &format!("{user}/recovery-code-regeneration"), Value::Null).await;
        let code = code["recovery_code"].as_str().unwrap().to_owned();
        assert_eq!(code.len(), 24);
        let shown = app.manage("GET", &all, Value::Null).await;
        let kinds: Vec<_> =
            shown.as_array().unwrap().iter().map(|method| method["type"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["recovery-code", "totp"]);
        let at_rest = app.at_rest().await;
        for text in [shown.to_string(), at_rest] {
            assert!(!text.contains(SECRET) && !text.contains(&code), "{}", app.engine);
        }
        // Another code takes the place of the first.
        app.manage("POST", &format!("{user}/recovery-code-regeneration"), Value::Null).await;
        assert_eq!(app.manage("GET", &all, Value::Null).await.as_array().unwrap().len(), 2);
        app.api("DELETE", &format!("{user}/multifactor/google-authenticator"), Value::Null).await.expect(204);
        app.api("DELETE", &format!("{user}/multifactor/other"), Value::Null).await.expect(400);
        assert_eq!(app.manage("GET", &all, Value::Null).await.as_array().unwrap().len(), 1);
        app.api("DELETE", &format!("{user}/authenticators"), Value::Null).await.expect(204);
        assert_eq!(app.manage("GET", &all, Value::Null).await, json!([]));
    }
}

#[tokio::test]
async fn replaced_whole_or_not_at_all() {
    let app = TestApp::new().await;
    let all = format!("/users/{}/authentication-methods", segment(&app.jane().await));
    app.manage("POST", &all, json!({"type": "email", "email": "old@example.com"})).await;
    let twice =
        json!([{"type": "email", "email": "a@example.com"}, {"type": "email", "email": "a@example.com"}]);
    app.api("PUT", &all, twice).await.expect(409);
    app.api("PUT", &all, json!([{"type": "email"}])).await.expect(400);
    assert_eq!(app.manage("GET", &all, Value::Null).await[0]["email"], "old@example.com");
    let new =
        json!([{"type": "email", "email": "a@example.com"}, {"type": "phone", "phone_number": "+1555"}]);
    assert_eq!(app.manage("PUT", &all, new).await.as_array().unwrap().len(), 2);
    let left = app.manage("GET", &all, Value::Null).await;
    assert_eq!(left[0]["email"], "a@example.com");
    app.manage("PUT", &all, json!([])).await;
    assert_eq!(app.manage("GET", &all, Value::Null).await, json!([]));
}

#[tokio::test]
async fn they_go_with_their_user() {
    let app = TestApp::new().await;
    let body = json!({"connection": CONNECTION, "email": "new@example.com", "password": "Correct-Horse-7", "user_id": "gone"});
    let user = format!(
        "/users/{}",
        segment(app.manage("POST", "/users", body.clone()).await["user_id"].as_str().unwrap())
    );
    let all = format!("{user}/authentication-methods");
    app.manage("POST", &all, json!({"type": "email", "email": "a@example.com"})).await;
    app.api("DELETE", &user, Value::Null).await.expect(204);
    app.manage("POST", "/users", body).await;
    assert_eq!(app.manage("GET", &all, Value::Null).await, json!([]));
}
