//! Laws that hold for every line of the table, so that no new operation can escape them (security case 18).

use chancery_management::{Operation, operations, own_operations};
use serde_json::{Value, json};

use crate::support::*;

/// The operation's path with something in every hole.
fn path(operation: &Operation) -> String {
    let parts = operation.path.split('/').map(|part| if part.starts_with('{') { "x" } else { part });
    format!("{}{}", operation.base, parts.collect::<Vec<_>>().join("/"))
}

fn call(operation: &Operation, token: &str) -> Call {
    Call::new(operation.method.as_str(), &path(operation)).bearer(token)
}

#[tokio::test]
async fn needs_its_scope() {
    let app = TestApp::new().await;
    let bare = app.token_with(&["blacklist:tokens"]).await;
    for operation in operations().iter().filter(|operation| !operation.scopes.is_empty()) {
        let answer = app.send(call(operation, &bare)).await;
        let expected = format!("Insufficient scope, expected any of: {}", operation.scopes.join(","));
        answer.is_problem(403, Some("insufficient_scope"), &expected);
    }
}

/// Ours need every one of them.
#[tokio::test]
async fn ours_need_all_their_scopes() {
    let app = TestApp::new().await;
    for operation in own_operations() {
        for left_out in &operation.scopes {
            let others: Vec<&str> = operation.scopes.iter().filter(|s| *s != left_out).copied().collect();
            let token = app.token_with(&[others, vec!["blacklist:tokens"]].concat()).await;
            let answer = app.send(call(&operation, &token)).await;
            let expected = format!("Insufficient scope, missing: {left_out}");
            answer.is_problem(403, Some("insufficient_scope"), &expected);
        }
        let token = app.token_with(&operation.scopes).await;
        let status = app.send(call(&operation, &token)).await.status.as_u16();
        assert!(![401, 403].contains(&status) && status < 500, "{operation:?}: {status}");
    }
}

#[tokio::test]
async fn any_one_of_its_scopes_will_do() {
    let app = TestApp::new().await;
    for operation in operations().iter().filter(|o| o.is_built() && o.method.as_str() == "GET") {
        for scope in &operation.scopes {
            let token = app.token_with(&[scope]).await;
            let status = app.send(call(operation, &token)).await.status.as_u16();
            // Nothing is called x, and some scopes reach oneself alone.
            let is_ones_own = scope.contains("current_user");
            assert!(status != 401 && status < 500, "{operation:?} {scope}: {status}");
            assert!(status != 403 || is_ones_own, "{operation:?} {scope}");
        }
    }
}

#[tokio::test]
async fn needs_a_good_token() {
    let app = TestApp::new().await;
    let token = app.management_token().await;
    app.clock.advance(86_401);
    for operation in operations().into_iter().chain(own_operations()) {
        app.send(call(&operation, &token)).await.expect(401);
        let nobody = Call::new(operation.method.as_str(), &path(&operation));
        app.send(nobody).await.is_problem(401, None, "Missing authentication");
    }
}

#[tokio::test]
async fn says_when_it_is_not_built() {
    let app = TestApp::new().await;
    let token = app.management_token().await;
    for operation in operations().iter().filter(|operation| !operation.is_built()) {
        let answer = app.send(call(operation, &token)).await;
        // The management application has every scope there is.
        assert_eq!(answer.json()["errorCode"], "not_implemented", "{operation:?}: {answer:?}");
    }
}

/// Bodies of every kind but the right one never end in a 500.
#[tokio::test]
async fn bears_any_body() {
    let app = TestApp::new().await;
    let token = app.management_token().await;
    let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
    let bodies =
        [Value::Null, json!({}), json!([]), json!(""), json!({"name": null}), json!({"options": deep})];
    let all = operations().into_iter().chain(own_operations());
    for operation in &all.filter(|o| o.is_built() && o.method.as_str() != "GET").collect::<Vec<_>>() {
        // That one makes RSA keys.
        if operation.path == "/keys/signing/rotate" {
            continue;
        }
        for body in &bodies {
            let status = app.send(call(operation, &token).json(body)).await.status.as_u16();
            assert!(status < 500, "{operation:?} {body}: {status}");
        }
    }
}
