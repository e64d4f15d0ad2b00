//! `/tenants/settings`, `/keys/signing` and `/logs`.

use serde_json::{Value, json};

use crate::support::*;

#[tokio::test]
async fn settings() {
    let app = TestApp::new().await;
    let path = "/tenants/settings";
    let before = app.manage("GET", path, Value::Null).await;
    assert_eq!((&before["session_lifetime"], &before["idle_session_lifetime"]), (&json!(168), &json!(72)));
    let body = json!({
        "friendly_name": "Acme",
        "flags": {"use_scope_descriptions_for_consent": true},
        "session_lifetime_in_minutes": 90,
        "idle_session_lifetime_in_minutes": 60,
    });
    let after = app.manage("PATCH", path, body).await;
    assert_eq!(after["friendly_name"], "Acme");
    assert_eq!(after["session_lifetime"], 1.5);
    assert_eq!(after["flags"]["use_scope_descriptions_for_consent"], true);
    assert_eq!(after["flags"]["enable_sso"], before["flags"]["enable_sso"], "flags merge one by one");
    assert_eq!(app.manage("GET", path, Value::Null).await, after);
    let after = app.manage("PATCH", path, json!({"friendly_name": null})).await;
    assert_eq!(after["friendly_name"], "");
    for bad in [
        json!({"nonsense": 1}),
        json!({"flags": {"nonsense": true}}),
        json!({"default_directory": "nowhere"}),
        json!({"session_lifetime": 0}),
        json!({"enabled_locales": []}),
        json!({"idle_session_lifetime": 100}),
    ] {
        app.api("PATCH", path, bad).await.expect(400);
    }
}

/// A part that is not sent stays, and what was set elsewhere is told with a change alone.
#[tokio::test]
async fn pages_merge_and_a_change_tells_of_looks() {
    let app = TestApp::new().await;
    let path = "/tenants/settings";
    let page = json!({"change_password": {"enabled": true, "html": "<html>Mine</html>"}});
    app.manage("PATCH", path, page).await;
    let after = app.manage("PATCH", path, json!({"change_password": {"enabled": false}})).await;
    assert_eq!(after["change_password"], json!({"enabled": false, "html": "<html>Mine</html>"}));
    assert_eq!(after["universal_login"].get("identifier_first"), None);
    let cleared = app.manage("PATCH", path, json!({"change_password": null})).await;
    assert_eq!(cleared["change_password"], json!({"enabled": false}));

    app.manage("PATCH", "/prompts", json!({"identifier_first": true})).await;
    let token = app.management_token().await;
    let template = "<html>{%- auth0:head -%}{%- auth0:widget -%}</html>";
    let put = Call::new("PUT", "/api/v2/branding/templates/universal-login").bearer(&token);
    app.send(put.json(&json!({"template": template}))).await.expect(201);
    let after = app.manage("PATCH", path, json!({"friendly_name": "Acme"})).await;
    let told = &after["universal_login"];
    assert_eq!((&told["identifier_first"], &told["is_custom_template_set"]), (&json!(true), &json!(true)));
    assert_eq!(told.get("is_custom_theme_set"), None);
    let read = app.manage("GET", path, Value::Null).await;
    assert_eq!(read["universal_login"].get("identifier_first"), None);
}

#[tokio::test]
async fn signing_keys() {
    let app = TestApp::new().await;
    let keys = app.manage("GET", "/keys/signing", Value::Null).await;
    let of = |keys: &Value, state: &str| {
        let found = keys.as_array().unwrap().iter().find(|key| key[state] == true);
        found.map(|key| key["kid"].as_str().unwrap().to_owned())
    };
    let (current, next) = (of(&keys, "current").unwrap(), of(&keys, "next").unwrap());
    let issued = app.sign_in("openid").await;
    let token = issued["id_token"].as_str().unwrap();
    assert_eq!(decode(token).0["kid"], current.as_str());

    app.api("POST", "/keys/signing/rotate", Value::Null).await.expect(201);
    let keys = app.manage("GET", "/keys/signing", Value::Null).await;
    assert_eq!(of(&keys, "current").as_deref(), Some(next.as_str()));
    assert_eq!(of(&keys, "previous").as_deref(), Some(current.as_str()));
    app.verified(token).await;

    let revoked = app.manage("PUT", &format!("/keys/signing/{current}/revoke"), Value::Null).await;
    assert_eq!((&revoked["revoked"], &revoked["kid"]), (&json!(true), &json!(current)));
    let published = app.get("/.well-known/jwks.json").await;
    assert!(!published.body.contains(&current) && published.body.contains(&next));
    app.api("PUT", &format!("/keys/signing/{current}/revoke"), Value::Null).await.expect(404);
    app.api("GET", "/keys/signing/nobody", Value::Null).await.expect(404);
}

#[tokio::test]
async fn logs() {
    let app = TestApp::new().await;
    app.manage("POST", "/roles", json!({"name": "Clerk"})).await;
    app.clock.advance(1);
    app.manage("POST", "/roles", json!({"name": "Boss"})).await;
    let found = app.manage("GET", "/logs?q=type:%22sapi%22&include_totals=true", Value::Null).await;
    assert_eq!(found["total"], 2);
    let event = &found["logs"][0];
    assert_eq!((&event["type"], &event["description"]), (&json!("sapi"), &json!("POST /roles")));
    assert_eq!(event["client_id"], app.clients.management.client_id.as_str());
    assert!(!event.to_string().contains("Boss"), "bodies may hold secrets, so none is logged");
    // Readers find these whether or not there is anything to say.
    for member in ["audience", "scope", "strategy", "location_info", "connection_id", "user_id"] {
        assert!(event.get(member).is_some(), "{member}");
    }
    let one = app.manage("GET", &format!("/logs/{}", event["_id"].as_str().unwrap()), Value::Null).await;
    assert_eq!(one["log_id"], event["log_id"]);

    let answer = app.api("GET", "/logs?take=2", Value::Null).await.expect(200);
    let first = answer.json();
    let link = answer.header("link").expect("a link to the next page").to_owned();
    let path =
        link.split(['<', '>']).nth(1).unwrap().strip_prefix(&format!("{ISSUER}api/v2")).unwrap().to_owned();
    let second = app.manage("GET", &path, Value::Null).await;
    assert_eq!(first.as_array().unwrap().len(), 2);
    assert!(second.as_array().unwrap().iter().all(|event| !first.as_array().unwrap().contains(event)));
    app.api("GET", "/logs/nobody", Value::Null).await.expect(404);
}
