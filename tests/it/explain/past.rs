//! `GET /explain/tokens/{id}`: the decision as it was then.

use serde_json::{Value, json};

use super::{chain, scope};
use crate::support::*;

impl TestApp {
    async fn past(&self, id: &str) -> Value {
        self.own("GET", &format!("/explain/tokens/{id}"), &Value::Null).await.expect(200).json()
    }
}

fn request_id(answer: &Answer) -> String {
    answer.header("x-request-id").unwrap().to_owned()
}

#[tokio::test]
async fn whatever_was_changed_since() {
    for app in engines().await {
        app.set_api(json!({"token_dialect": "rfc9068_profile"})).await;
        let code = app.code("openid read:contacts delete:contacts nonsense").await;
        let answer = app.redeem(&code).await.expect(200);
        let (_, claims) = decode(&answer.text("access_token"));
        let jti = claims["jti"].as_str().unwrap();
        assert_eq!(jti, request_id(&answer), "one id for token, request and event");
        // The role goes, the scope goes, the user goes.
        let roles =
            app.manage("GET", &format!("/users/{}/roles", segment(&app.jane().await)), Value::Null).await;
        app.manage("DELETE", &format!("/roles/{}", roles[0]["id"].as_str().unwrap()), Value::Null).await;
        app.set_api(json!({"scopes": []})).await;
        let told = app.past(jti).await;
        assert_eq!((&told["decision"], &told["scope"]), (&json!("issued"), &json!("openid read:contacts")));
        assert_eq!((&told["flow"], &told["audience"]), (&json!("code_exchange"), &json!(API)));
        assert_eq!((&told["log_id"], &told["type"]), (&json!(jti), &json!("seacft")));
        assert_eq!(chain(&told, "read:contacts"), ["user:role"]);
        assert_eq!(scope(&told, "read:contacts")["reasons"][0]["role"]["name"], "Contacts Reader");

        // What was refused at /authorize, its event says.
        let logs = app.manage("GET", "/logs?per_page=50", Value::Null).await;
        let event = logs.as_array().unwrap().iter().find(|event| event["type"] == "s").unwrap();
        let told = app.past(event["log_id"].as_str().unwrap()).await;
        assert_eq!((&told["flow"], &told["consent"]), (&json!("authorization_code"), &json!("recorded")));
        assert_eq!(chain(&told, "delete:contacts"), ["!user:not_permitted_to_user"]);
        assert_eq!(chain(&told, "nonsense"), ["!api:not_on_api"]);
        let order: Vec<_> = told["scopes"].as_array().unwrap().iter().map(|s| s["scope"].clone()).collect();
        assert_eq!(order, ["openid", "read:contacts", "delete:contacts", "nonsense"]);
    }
}

#[tokio::test]
async fn machines_cost_nothing_more() {
    let app = TestApp::new().await;
    let id = app.clients.m2m.client_id.clone();
    let secret = app.m2m_secret();
    let ask = async |scope: &str| {
        app.token(&[
            ("grant_type", "client_credentials"),
            ("client_id", &id),
            ("client_secret", &secret),
            ("audience", API),
            ("scope", scope),
        ])
        .await
    };
    let granted = ask("read:contacts").await.expect(200);
    app.app.logs.flush().await.unwrap();
    let event = app.manage("GET", &format!("/logs/{}", request_id(&granted)), Value::Null).await;
    assert_eq!(event["details"], Value::Null, "all of it was granted by the grant");
    let told = app.past(&request_id(&granted)).await;
    assert_eq!(chain(&told, "read:contacts"), ["application:client_grant"]);

    let refused = ask("read:contacts delete:contacts").await.expect(403);
    let told = app.past(&request_id(&refused)).await;
    assert_eq!(
        (&told["decision"], &told["denied"]["code"]),
        (&json!("denied"), &json!("scopes_not_granted"))
    );
    assert_eq!((&told["scope"], &told["audience"]), (&json!(""), &json!(API)));
    assert_eq!(chain(&told, "delete:contacts"), ["!application:outside_client_grant"]);
    assert_eq!(chain(&told, "read:contacts"), ["!request:request_refused"]);
}

#[tokio::test]
async fn passwords_refreshing_and_refusals() {
    let app = TestApp::new().await;
    let typed = [
        ("grant_type", "password"),
        ("username", JANE.email),
        ("password", JANE.password),
        ("audience", API),
        ("scope", "openid read:contacts delete:contacts offline_access"),
    ];
    let answer = app.web_token(&typed).await.expect(200);
    let told = app.past(&request_id(&answer)).await;
    assert_eq!((&told["flow"], &told["scope"]), (&json!("password"), &answer.json()["scope"]));
    assert_eq!(chain(&told, "delete:contacts"), ["!user:not_permitted_to_user"]);
    let refreshed = app.refresh(&answer.text("refresh_token"), &[("scope", "read:contacts profile")]).await;
    let told = app.past(&request_id(&refreshed.expect(200))).await;
    assert_eq!((&told["flow"], &told["scope"]), (&json!("refresh_token"), &json!("read:contacts")));
    assert_eq!(chain(&told, "profile"), ["!sign_in:not_in_original_grant"]);
    app.set_api(json!({"subject_type_authorization": {"user": {"policy": "deny_all"}}})).await;
    let answer = app.web_token(&typed).await;
    let told = app.past(&request_id(&answer)).await;
    assert_eq!((&told["decision"], &told["denied"]["code"]), (&json!("denied"), &json!("api_closed")));
    let answer = app.get(&app.ask("read:contacts").path()).await;
    let told = app.past(&request_id(&answer)).await;
    assert_eq!(
        (&told["flow"], &told["denied"]["code"]),
        (&json!("authorization_code"), &json!("api_closed"))
    );
    assert_eq!(chain(&told, "read:contacts"), ["!request:request_refused"]);
}

/// Busy servers pack their events; they are found there too.
#[tokio::test]
async fn in_blocks_of_events() {
    let app = TestApp::new().await;
    let mut ids = Vec::new();
    for n in 0..50 {
        let scope = if n % 2 == 0 { "read:contacts" } else { "delete:contacts" };
        let grant = [("grant_type", "client_credentials"), ("audience", API), ("scope", scope)];
        ids.push(request_id(&app.web_token(&grant).await));
    }
    for id in ids {
        assert_eq!(app.past(&id).await["denied"]["code"], "no_client_grant");
    }
}

#[tokio::test]
async fn what_is_not_there() {
    let app = TestApp::new().await;
    let answer = app.sign_in("openid").await;
    assert!(answer["access_token"].is_string());
    for id in ["nothing", "x%00y", &"A".repeat(22), "zzzzzzzzzzzzzzzzzzzzzz"] {
        let answer = app.own("GET", &format!("/explain/tokens/{id}"), &Value::Null).await;
        assert!([400, 404].contains(&answer.status.as_u16()), "{answer:?}");
        assert_ne!(answer.json()["errorCode"], "log_expired");
    }
    // An event about something else.
    app.manage("POST", "/roles", json!({"name": "R"})).await;
    let logs = app.manage("GET", "/logs?per_page=50", Value::Null).await;
    let event = logs.as_array().unwrap().iter().find(|event| event["type"] == "sapi").unwrap();
    let path = format!("/explain/tokens/{}", event["log_id"].as_str().unwrap());
    let answer = app.own("GET", &path, &Value::Null).await;
    answer.is_problem(404, Some("no_token_event"), "The log event with this id is not about a token");
    // What was kept for its time.
    let grant = [("grant_type", "client_credentials"), ("audience", API)];
    let id = request_id(&app.web_token(&grant).await);
    app.app.logs.flush().await.unwrap();
    app.clock.advance(31 * 86_400);
    let now = chancery_core::Clock::now(&*app.clock);
    app.app.store.sweep(now, now - 30 * 86_400).await.unwrap();
    let answer = app.own("GET", &format!("/explain/tokens/{id}"), &Value::Null).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["errorCode"]), (404, &json!("log_expired")));
}

/// An application that asks for more than anybody keeps.
#[tokio::test]
async fn events_do_not_grow_with_what_is_asked() {
    let app = TestApp::new().await;
    let many = (0..9000).map(|n| format!("scope:{n}")).collect::<Vec<_>>().join(" ");
    let typed = [
        ("grant_type", "password"),
        ("username", JANE.email),
        ("password", JANE.password),
        ("audience", API),
        ("scope", &many),
    ];
    let answer = app.web_token(&typed).await.expect(200);
    app.app.logs.flush().await.unwrap();
    let event = app.manage("GET", &format!("/logs/{}", request_id(&answer)), Value::Null).await;
    assert!(event["details"]["decision"]["left_out"].as_u64().unwrap() > 1000);
    assert!(event.to_string().len() < 50_000);
}
