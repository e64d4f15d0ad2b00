//! What a review by attack found: races that gave more tries, lost an edit or ended in a server error; members that are
//! not for callers to set; bounds that were missing.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{Ask, Browser, CONNECTION, Call, ISSUER, JANE, SAM, TestApp, segment};

/// Many wrong passwords at once are no more tries than one after another, and the right one among them is not heard.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_burst_of_passwords_is_ten_tries() {
    let app = Arc::new(TestApp::new().await);
    app.set_web(json!({ "grant_types": ["password"] })).await;
    let mut tries = JoinSet::new();
    for n in 0..40 {
        let app = Arc::clone(&app);
        tries.spawn(async move { password(&app, &format!("wrong {n}")).await });
    }
    let tries = tries.join_all().await;
    let judged = tries.iter().filter(|error| *error == "invalid_grant").count();
    assert!((1..=10).contains(&judged), "{judged} passwords were judged: {tries:?}");
    // Those turned away because too many waited were no tries.
    for _ in judged..10 {
        assert_eq!(password(&app, "wrong").await, "invalid_grant");
    }
    assert_eq!(password(&app, JANE.password).await, "too_many_attempts");
}

async fn password(app: &TestApp, password: &str) -> Value {
    let typed =
        [("grant_type", "password"), ("username", JANE.email), ("password", password), ("scope", "openid")];
    app.web_token(&typed).await.json()["error"].clone()
}

/// Coming back many times at once: one answer, and for the others it is over. Nobody sees a server error.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_login_answers_once() {
    let app = Arc::new(TestApp::new().await);
    let mut browser = Browser::new(&app);
    let page = browser.open(&app.ask("openid").without("audience")).await;
    let typed = [("username", JANE.email), ("password", JANE.password), ("action", "default")];
    let back = browser.submit(&page, &typed).await.location().unwrap().to_owned();
    let cookies: Vec<String> =
        browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let cookies = cookies.join("; ");
    let mut answers = JoinSet::new();
    for _ in 0..20 {
        let (app, back, cookies) = (Arc::clone(&app), back.clone(), cookies.clone());
        answers.spawn(async move { app.send(Call::get(&back).header("cookie", &cookies)).await });
    }
    let statuses: Vec<u16> = answers.join_all().await.iter().map(|answer| answer.status.as_u16()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 302).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [302, 400].contains(status)), "{statuses:?}");
}

/// Whose record it is and what the server counts is not for callers to write, neither under one's own id nor another's.
#[tokio::test]
async fn a_user_is_edited_only_by_the_members_for_it() {
    let app = TestApp::new().await;
    let token = app.management_token().await;
    let jane = app.jane().await;
    let path = format!("/api/v2/users/{}", segment(&jane));
    let before = app.manage("GET", &format!("/users/{}", segment(&jane)), Value::Null).await;
    let sam = app.manage("GET", &format!("/users-by-email?email={}", SAM.email), Value::Null).await;
    for change in [
        json!({ "user_id": sam[0]["user_id"], "email": "eve@example.com" }),
        json!({ "user_id": null }),
        json!({ "identities": [] }),
        json!({ "identities": null }),
        json!({ "claims": { "sub": "auth0|eve" } }),
        json!({ "created_at": "2000-01-01T00:00:00.000Z" }),
        json!({ "logins_count": 9 }),
        json!({ "last_ip": "192.0.2.9" }),
        json!({ "password_hash": "x" }),
    ] {
        let answer = app.send(Call::new("PATCH", &path).bearer(&token).json(&change)).await;
        assert_eq!(answer.status, 400, "{change}: {answer:?}");
    }
    assert_eq!(app.manage("GET", &format!("/users/{}", segment(&jane)), Value::Null).await, before);
    assert_eq!(app.manage("GET", &format!("/users-by-email?email={}", SAM.email), Value::Null).await, sam);
}

/// A user whose token outlives the block: nothing of theirs is shown or changed with it.
#[tokio::test]
async fn blocked_users_do_not_act_for_themselves() {
    let app = TestApp::new().await;
    let ask = Ask::code(&app.clients.spa.client_id, "read:current_user update:current_user_metadata")
        .with("audience", &format!("{ISSUER}api/v2/"))
        .with("response_type", "token");
    let token = Browser::new(&app).authorize(&ask, &JANE).await.get("access_token");
    let jane = segment(&app.jane().await);
    let path = format!("/api/v2/users/{jane}");
    let edit = || Call::new("PATCH", &path).bearer(&token).json(&json!({ "user_metadata": { "a": 1 } }));
    assert_eq!(app.send(edit()).await.status, 200);
    app.manage("PATCH", &format!("/users/{jane}"), json!({ "blocked": true })).await;
    assert_eq!(app.send(edit()).await.status, 401);
    assert_eq!(app.send(Call::get(&path).bearer(&token)).await.status, 401);
}

/// The server's own identifiers are reserved at every origin of the tenant, not only at the one called.
#[tokio::test]
async fn identifiers_of_other_origins_are_reserved() {
    let app = TestApp::new().await;
    let token = app.management_token().await;
    for identifier in [
        "https://auth.example/api/v2/",
        "https://second.example/api/v2/",
        "https://second.example/userinfo",
        "http://localhost:4000/api/v2",
        "HTTPS://AUTH.example/userinfo",
    ] {
        let call = Call::post("/api/v2/resource-servers").bearer(&token);
        let answer = app.send(call.json(&json!({ "identifier": identifier }))).await;
        assert_eq!(answer.status, 400, "{identifier}: {answer:?}");
    }
    app.manage("POST", "/resource-servers", json!({ "identifier": "https://other.example/api/v2/" })).await;
}

/// A login under way is kept for anybody who asks, so what they may leave is bounded.
#[tokio::test]
async fn a_request_of_a_megabyte_is_not_kept() {
    let app = TestApp::new().await;
    let with = |state: &str| app.ask("openid").with("state", state).encoded();
    let send = async |body: String| {
        let call = Call::post("/authorize").body("application/x-www-form-urlencoded", body);
        app.send(call).await.status.as_u16()
    };
    assert_eq!(send(with(&"s".repeat(16_000))).await, 302);
    assert_eq!(send(with(&"s".repeat(70_000))).await, 413);
    let scopes: Vec<String> = (0..20_000).map(|n| format!("s{n}")).collect();
    assert_eq!(send(app.ask(&scopes.join(" ")).encoded()).await, 413);
}

/// Nobody's mailbox is filled by asking for links to choose a new password; the answer stays the same.
#[tokio::test]
async fn links_to_one_address_are_few() {
    let app = TestApp::new().await;
    let form = [("connection", CONNECTION), ("email", JANE.email)];
    for n in 0..30 {
        // From anywhere: the brake is on the address.
        let call = Call::post("/dbconnections/change_password").form(&form).sent_from([192, 0, 2, n]);
        assert_eq!(app.send(call).await.status, 200);
    }
    assert_eq!(app.app.outbox.kept().len(), 10);
    app.clock.advance(901);
    app.send(Call::post("/dbconnections/change_password").form(&form)).await.expect(200);
    assert_eq!(app.app.outbox.kept().len(), 11);
}
