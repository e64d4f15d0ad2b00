//! What every operation has in common: fact sheet 11.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::*;

#[tokio::test]
async fn who_calls() {
    let app = TestApp::new().await;
    let roles = || Call::get("/api/v2/roles");
    app.send(roles()).await.is_problem(401, None, "Missing authentication");
    for header in ["Basic YTpi", "Bearer", "token"] {
        let answer = app.send(roles().header("authorization", header)).await;
        answer.is_problem(400, None, "Bad HTTP authentication header format");
    }
    for token in ["x", "e30.e30.e30"] {
        app.send(roles().bearer(token)).await.is_problem(401, Some("invalid_token"), "Invalid token");
    }
    let token = app.management_token().await;
    app.send(roles().bearer(&token)).await.expect(200);
    // Another origin of the same tenant is another issuer.
    let elsewhere = app.send(roles().bearer(&token).host("second.example")).await;
    elsewhere.is_problem(401, Some("invalid_token"), "Invalid token");
    app.clock.advance(86_401);
    let late = app.send(roles().bearer(&token)).await;
    late.is_problem(401, Some("invalid_token"), "Expired token received for JSON Web Token validation");
}

#[tokio::test]
async fn tokens_for_other_apis_are_none() {
    let app = TestApp::new().await;
    let issued = app.sign_in("openid read:contacts").await;
    for name in ["access_token", "id_token"] {
        let answer = app.api_as(issued[name].as_str().unwrap(), "GET", "/roles", Value::Null).await;
        answer.is_problem(401, Some("invalid_token"), "Invalid token");
    }
}

/// What was proven of a token is remembered, and forgotten with the key it was proven with.
#[tokio::test]
async fn a_token_ends_with_its_key() {
    let app = TestApp::new().await;
    let token = app.management_token().await;
    let roles = async || app.api_as(&token, "GET", "/roles", Value::Null).await;
    roles().await.expect(200);
    let kid = decode(&token).0["kid"].as_str().unwrap().to_owned();
    app.manage("POST", "/keys/signing/rotate", Value::Null).await;
    roles().await.expect(200);
    roles().await.expect(200);
    app.api("PUT", &format!("/keys/signing/{kid}/revoke"), Value::Null).await.expect(200);
    roles().await.is_problem(401, Some("invalid_token"), "Invalid token");
    // One letter more or less is another token.
    let token = app.management_token().await;
    app.api_as(&token, "GET", "/roles", Value::Null).await.expect(200);
    app.api_as(&token[..token.len() - 1], "GET", "/roles", Value::Null).await.expect(401);
}

#[tokio::test]
async fn a_deleted_application_has_no_voice() {
    let app = TestApp::new().await;
    let client = app.manage("POST", "/clients", json!({"name": "Machine"})).await;
    let audience = format!("{ISSUER}api/v2/");
    let grant = json!({"client_id": client["client_id"], "audience": audience, "scope": ["read:roles"]});
    app.manage("POST", "/client-grants", grant).await;
    let token = app.token_of(&client).await;
    app.api_as(&token, "GET", "/roles", Value::Null).await.expect(200);
    let path = format!("/clients/{}", client["client_id"].as_str().unwrap());
    app.manage("DELETE", &path, Value::Null).await;
    app.api_as(&token, "GET", "/roles", Value::Null).await.expect(401);
    let grants = app.manage("GET", &format!("/client-grants?client_id={}", &path[9..]), Value::Null).await;
    assert_eq!(grants, json!([]), "its client grants are gone too");
}

#[tokio::test]
async fn bodies() {
    let app = TestApp::new().await;
    let token = app.management_token().await;
    let post = || Call::post("/api/v2/roles").bearer(&token);
    let said = async |call: Call| app.send(call).await;
    said(post().body("application/json", "{")).await.is_problem(
        400,
        None,
        "Invalid request payload JSON format",
    );
    said(post().body("text/plain", "{}")).await.is_problem(415, None, "Unsupported Media Type");
    let large = json!({"name": "x".repeat(1 << 20)});
    said(post().json(&large)).await.expect(413);
    let payload = |reason: &str| format!("Payload validation error: {reason}");
    for (body, reason) in [
        (json!({}), "'Missing required property: name'."),
        (json!([]), "'Expected type object but found type array'."),
        (json!({"name": 1}), "'Expected type string but found type integer' on property name."),
        (json!({"name": "x", "foo": 1}), "'Additional properties not allowed: foo'."),
        (json!({"name": "x", "type": "other"}), "'No enum match for: other' on property type."),
    ] {
        said(post().json(&body)).await.is_problem(400, Some("invalid_body"), &payload(reason));
    }
    said(post()).await.is_problem(
        400,
        Some("invalid_body"),
        &payload("'Expected type object but found type null'."),
    );
}

#[tokio::test]
async fn queries() {
    let app = TestApp::new().await;
    let answer = app.api("GET", "/roles?per_page=101", Value::Null).await;
    answer.is_problem(
        400,
        Some("invalid_query_string"),
        "Query validation error: 'Value 101 is greater than maximum 100' on property per_page.",
    );
    app.api("GET", "/roles?page=-1", Value::Null).await.expect(400);
    app.api("GET", "/roles?something=else", Value::Null).await.expect(200);
}

/// PostgreSQL stores no U+0000: the answer is the same on every engine.
#[tokio::test]
async fn text_that_cannot_be_stored() {
    for app in engines().await {
        let token = app.management_token().await;
        let role = json!({"name": "a\u{0}b"});
        for (method, path, body, code) in [
            ("DELETE", "/users/%00", Value::Null, "invalid_uri"),
            ("GET", "/grants?user_id=%00", Value::Null, "invalid_query_string"),
            ("POST", "/roles", role, "invalid_body"),
        ] {
            let answer = app.api_as(&token, method, path, body).await.expect(400);
            assert_eq!(answer.text("errorCode"), code, "{}", app.engine);
        }
    }
}

#[tokio::test]
async fn pages() {
    let app = TestApp::new().await;
    for number in 0..5 {
        app.manage("POST", "/roles", json!({"name": format!("Role {number}")})).await;
    }
    // Three come with the demo.
    let page = app.manage("GET", "/roles?per_page=3&page=1&include_totals=true", Value::Null).await;
    assert_eq!((&page["start"], &page["limit"], &page["total"]), (&json!(3), &json!(3), &json!(8)));
    let names: Vec<_> = page["roles"].as_array().unwrap().iter().map(|role| role["name"].clone()).collect();
    assert_eq!(names, ["Role 0", "Role 1", "Role 2"]);
    assert_eq!(app.manage("GET", "/roles?per_page=3&page=2", Value::Null).await.as_array().unwrap().len(), 2);

    let (mut seen, mut from) = (Vec::new(), String::new());
    loop {
        let page = app.manage("GET", &format!("/clients?take=2{from}"), Value::Null).await;
        let ids = page["clients"].as_array().unwrap().iter().map(|client| client["client_id"].clone());
        seen.extend(ids.map(|id| id.as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        from = format!("&from={next}");
    }
    let mut once = seen.clone();
    once.sort();
    once.dedup();
    let all = app.manage("GET", "/clients", Value::Null).await;
    assert_eq!((once.len(), seen.len()), (all.as_array().unwrap().len(), once.len()));
    let answer = app.api("GET", "/clients?take=2&from=nonsense!", Value::Null).await;
    answer.expect(400);
}

#[tokio::test]
async fn fields() {
    let app = TestApp::new().await;
    let only = app.manage(
        "GET",
        "/resource-servers?fields=identifier&identifiers=https://contacts.example/api",
        Value::Null,
    );
    assert_eq!(only.await, json!([{"identifier": API}]));
    let path = format!("{}?fields=scopes,id&include_fields=false", super::api_path());
    let without = app.manage("GET", &path, Value::Null).await;
    assert!(without.get("scopes").is_none() && without.get("id").is_none());
    assert_eq!(without["identifier"], API);
}

#[tokio::test]
async fn what_is_no_operation() {
    let app = TestApp::new().await;
    app.send(Call::get("/api/v2/nonsense")).await.is_problem(404, None, "Not Found");
    app.send(Call::new("PUT", "/api/v2/roles")).await.is_problem(404, None, "Not Found");
    let answer = app.api("GET", "/actions/actions/a", Value::Null).await;
    answer.is_problem(501, Some("not_implemented"), "This operation is not available on this server yet");
}

#[tokio::test]
async fn changes_tell_the_revision() {
    let app = TestApp::new().await;
    let rev = |answer: &Answer| answer.header("x-config-rev").unwrap().parse::<i64>().unwrap();
    let before = rev(&app.api("GET", "/roles", Value::Null).await);
    let after = rev(&app.api("POST", "/roles", json!({"name": "New"})).await);
    assert_eq!(after, before + 1);
    assert_eq!(rev(&app.api("GET", "/roles", Value::Null).await), after);
}

#[tokio::test]
async fn the_description_is_open_to_all() {
    let app = TestApp::new().await;
    let document = app.get("/api/v2/openapi.json").await.expect(200).json();
    assert_eq!(document["servers"][0]["url"], "/api/v2");
    assert!(document["paths"]["/resource-servers/{id}"]["patch"].is_object());
    assert!(
        document["paths"]["/actions/actions"].get("post").is_none(),
        "what is not built is not described"
    );
}

#[tokio::test]
async fn what_is_left_is_said_and_one_too_many_waits() {
    let app = TestApp::new().await;
    let token = app.management_token().await;
    let roles = || Call::get("/api/v2/roles").bearer(&token);
    let left = |answer: &Answer| answer.header("x-ratelimit-remaining").unwrap().parse::<u32>().unwrap();
    let first = app.send(roles()).await.expect(200);
    assert_eq!(first.header("x-ratelimit-limit"), Some("50000"));
    assert_eq!(left(&app.send(roles()).await), left(&first) - 1);
    let now = chancery_core::Clock::now(&*app.clock);
    assert_eq!(first.header("x-ratelimit-reset"), Some((now + 1).to_string().as_str()));
    let whom = (&TENANT.to_owned(), &Some(app.clients.management.client_id.clone()), None::<&str>);
    while !app.app.management_calls.take(50_000, whom, now).is_spent {}
    let refused = app.send(roles()).await;
    assert_eq!((refused.header("retry-after"), left(&refused)), (Some("1"), 0));
    refused.is_problem(429, Some("too_many_requests"), "Global limit has been reached");
    app.clock.advance(1);
    app.send(roles()).await.expect(200);
    let nobody = app.get("/api/v2/roles").await;
    assert_eq!(nobody.header("x-ratelimit-limit"), None, "nobody has nothing");
}

/// A deletion may take longer than whoever asked for it waits.
#[tokio::test]
async fn what_was_begun_is_done_and_noted_when_nobody_waits_any_more() {
    for app in engines().await {
        let token = app.management_token().await;
        let post = Call::post("/api/v2/roles").json(&json!({"name": "Clerk"})).bearer(&token);
        given_up(&app, post, 1).await;
    }
    // On PostgreSQL a set has not begun when it is looked at once.
    let app = TestApp::new().await;
    let token = app.management_token().await;
    let operations = json!([{"operation": "post_roles", "body": {"name": "Clerk"}},
        {"operation": "post_roles", "body": {"name": "Clerk of the other office"}}]);
    let set = json!({"revision": app.revision().await, "operations": operations});
    given_up(&app, Call::post("/api/chancery/v1/apply").json(&set).bearer(&token), 2).await;
}

/// A call that makes so many roles is looked at once, and left.
async fn given_up(app: &TestApp, call: Call, roles: usize) {
    tokio::time::timeout(Duration::ZERO, app.send(call)).await.unwrap_err();
    until(Duration::from_secs(20), async || {
        let made = app.manage("GET", "/roles?name_filter=Clerk", Value::Null).await;
        let noted = app.manage("GET", "/logs?q=type:sapi", Value::Null).await;
        let noted = noted.as_array().unwrap().iter().filter(|event| event["description"] == "POST /roles");
        (made.as_array().unwrap().len(), noted.count()) == (roles, roles)
    })
    .await;
}
