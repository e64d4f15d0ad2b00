//! `/sessions` and `/refresh-tokens`: what administrators note on them.

use serde_json::{Value, json};

use crate::support::*;

#[tokio::test]
async fn notes_are_kept_and_taken_away() {
    for app in engines().await {
        app.set_api(json!({"allow_offline_access": true})).await;
        app.sign_in("openid offline_access read:contacts").await;
        let user = format!("/users/{}", segment(&app.jane().await));
        for (list, member, path, name) in [
            ("sessions", "sessions", "sessions", "session_metadata"),
            ("refresh-tokens", "tokens", "refresh-tokens", "refresh_token_metadata"),
        ] {
            let all = app.manage("GET", &format!("{user}/{list}"), Value::Null).await;
            let one = format!("/{path}/{}", all[member][0]["id"].as_str().unwrap());
            let noted = app.manage("PATCH", &one, json!({name: {"desk": "4"}})).await;
            assert_eq!(noted[name], json!({"desk": "4"}), "{}", app.engine);
            assert_eq!(app.manage("GET", &one, Value::Null).await, noted);
            let all = app.manage("GET", &format!("{user}/{list}"), Value::Null).await;
            assert_eq!(all[member][0][name], json!({"desk": "4"}));
            app.api("PATCH", &one, json!({})).await.expect(400);
            app.api("PATCH", &one, json!({"other": 1})).await.expect(400);
            app.api("PATCH", &one, json!({name: {"a": "x".repeat(20_000)}})).await.expect(400);
            let cleared = app.manage("PATCH", &one, json!({name: null})).await;
            assert_eq!(cleared.get(name), None);
            app.api("PATCH", &format!("/{path}/nothing"), json!({name: {"a": 1}})).await.expect(404);
        }
    }
}
