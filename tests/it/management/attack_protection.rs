//! `/attack-protection`: kept, checked, and shown again.

use serde_json::{Value, json};

use crate::support::*;

#[tokio::test]
async fn settings_are_merged_and_kept() {
    let app = TestApp::new().await;
    let throttling = "/attack-protection/suspicious-ip-throttling";
    let before = app.manage("GET", throttling, Value::Null).await;
    let body =
        json!({"allowlist": ["192.0.2.0/24", "2001:db8::1"], "stage": {"pre-login": {"max_attempts": 7}}});
    let mut wanted = before.clone();
    wanted["allowlist"] = body["allowlist"].clone();
    wanted["stage"]["pre-login"]["max_attempts"] = 7.into();
    assert_eq!(app.manage("PATCH", throttling, body).await, wanted);
    let off = app.manage("PATCH", throttling, json!({"enabled": false})).await;
    wanted["enabled"] = false.into();
    assert_eq!(off, wanted);
    assert_eq!(app.manage("GET", throttling, Value::Null).await, wanted);

    let force = "/attack-protection/brute-force-protection";
    let before = app.manage("GET", force, Value::Null).await;
    for body in [
        json!({"allowlist": ["not an address"]}),
        json!({"allowlist": ["192.0.2.0/33"]}),
        json!({"max_attempts": 0}),
        json!({"mode": "none"}),
        json!({"enable": true}),
    ] {
        app.api("PATCH", force, body).await.expect(400);
    }
    assert_eq!(app.manage("GET", force, Value::Null).await, before, "what was refused changed nothing");
}
