//! `/device-credentials`.

use serde_json::{Value, json};

use crate::support::*;

#[tokio::test]
async fn keys_of_devices_are_kept_once_and_not_shown() {
    let app = TestApp::new().await;
    let key = json!({"device_name": "Phone", "type": "public_key", "value": "the-key-itself", "device_id": "a0-b1"});
    let made = app.api("POST", "/device-credentials", key.clone()).await.expect(201).json();
    app.api("POST", "/device-credentials", key).await.is_problem(
        409,
        Some("conflict"),
        "A public key already exists for the device.",
    );
    let listed = app.manage("GET", "/device-credentials?type=public_key", Value::Null).await;
    assert_eq!((&listed[0]["id"], &listed[0]["device_name"]), (&made["id"], &json!("Phone")));
    assert!(!listed.to_string().contains("the-key-itself"));
    let only = app.manage("GET", "/device-credentials?include_totals=true&fields=id", Value::Null).await;
    assert_eq!(only["device_credentials"], json!([{"id": made["id"]}]));
    app.api("POST", "/device-credentials", json!({"device_name": "Phone"})).await.expect(400);
    let large =
        json!({"device_name": "Phone", "type": "public_key", "value": "x".repeat(9000), "device_id": "b"});
    app.api("POST", "/device-credentials", large).await.expect(400);
    let one = format!("/device-credentials/{}", made["id"].as_str().unwrap());
    let stranger = app.token_with(&["delete:current_user_device_credentials"]).await;
    app.api_as(&stranger, "DELETE", &one, Value::Null).await.expect(403);
    app.api("DELETE", &one, Value::Null).await.expect(204);
    app.api("DELETE", &one, Value::Null).await.expect(204);
    assert_eq!(app.manage("GET", "/device-credentials", Value::Null).await, json!([]));

    let token = app.management_token().await;
    let mut statuses = Vec::new();
    for number in 0..=100 {
        let key = json!({"device_name": "x", "type": "public_key", "value": "k", "device_id": format!("{number:x}")});
        statuses.push(app.api_as(&token, "POST", "/device-credentials", key).await.status.as_u16());
        app.clock.advance(1);
    }
    assert_eq!((statuses[99], statuses[100]), (201, 403), "there is an end to it");
}
