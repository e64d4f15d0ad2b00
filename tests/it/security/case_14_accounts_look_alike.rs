//! Nobody learns from us who has an account: known, unknown, blocked and slowed-down names are answered alike, in status,
//! headers, body, and in time.
//!
//! Time is judged by medians of interleaved samples with a wide margin. What is at stake is whether a password is hashed
//! for names that do not exist: that is 16 ms against less than one, so a factor of two tells them apart on any machine,
//! and noise moves both medians alike.

use std::time::{Duration, Instant};

use http::HeaderMap;
use serde_json::{Value, json};

use crate::support::{Answer, Browser, CONNECTION, Call, JANE, TestApp, segment};

const UNKNOWN: &str = "nano@example.com";
const BLOCKED: &str = "sam@example.com";

#[tokio::test]
async fn case_14_wrong_passwords_look_alike_at_the_token_endpoint() {
    let app = app().await;
    let mut answers = Vec::new();
    for name in [JANE.email, UNKNOWN, BLOCKED, "no address", ""] {
        answers.push((name, comparable(&password_grant(&app, name, "wrong", 1).await, name)));
    }
    let expected = answers[0].1.clone();
    assert_eq!(
        (expected.0, expected.2.as_str()),
        (403, r#"{"error":"invalid_grant","error_description":"Wrong email or password."}"#)
    );
    for (name, answer) in &answers[..4] {
        assert_eq!(*answer, expected, "{name}");
    }
}

#[tokio::test]
async fn case_14_wrong_passwords_look_alike_on_the_page() {
    let app = app().await;
    let mut answers = Vec::new();
    for name in [JANE.email, UNKNOWN, BLOCKED] {
        let mut browser = Browser::new(&app);
        let login = browser.open(&app.ask("openid")).await;
        let again = browser.submit(&login, &[("username", name), ("password", "wrong")]).await;
        let state = login.form().value("state");
        assert_eq!(browser.session_cookie(), None);
        let (status, headers, body) = comparable(&again, name);
        answers.push((status, headers, body.replace(&state, "STATE")));
    }
    assert_eq!(answers[0].0, 400);
    assert_eq!(answers[1], answers[0], "unknown");
    assert_eq!(answers[2], answers[0], "blocked");
}

#[tokio::test]
async fn case_14_slowed_down_names_look_alike() {
    let app = app().await;
    let mut answers = Vec::new();
    for name in [JANE.email, UNKNOWN, BLOCKED] {
        for _ in 0..10 {
            password_grant(&app, name, "wrong", 9).await.expect(403);
        }
        answers.push(comparable(&password_grant(&app, name, "wrong", 9).await.expect(429), name));
    }
    assert_eq!(answers[1], answers[0], "unknown");
    assert_eq!(answers[2], answers[0], "blocked");
    // The right password does not shine through the brake.
    let right = password_grant(&app, JANE.email, JANE.password, 9).await;
    assert_eq!(comparable(&right, JANE.email), answers[0]);
}

#[tokio::test]
async fn case_14_password_resets_look_alike() {
    let app = app().await;
    let mut by_api = Vec::new();
    let mut by_page = Vec::new();
    for name in [JANE.email, UNKNOWN, BLOCKED] {
        let body = json!({ "email": name, "connection": CONNECTION, "client_id": app.clients.web.client_id });
        let answer = app.send(Call::post("/dbconnections/change_password").json(&body)).await;
        by_api.push(comparable(&answer, name));
        let mut browser = Browser::new(&app);
        let login = browser.open(&app.ask("openid")).await;
        let state = login.form().value("state");
        let page = browser.get(&format!("/u/reset-password?state={state}")).await;
        let answer = browser.submit(&page, &[("email", name)]).await;
        let (status, headers, body) = comparable(&answer, name);
        by_page.push((status, headers, body.replace(&state, "STATE")));
    }
    for (what, answers, status) in [("api", by_api, 200), ("page", by_page, 200)] {
        assert_eq!(answers[0].0, status, "{what}");
        assert_eq!(answers[1], answers[0], "{what}: unknown");
        assert_eq!(answers[2], answers[0], "{what}: blocked");
    }
    let kept = app.app.outbox.kept();
    assert!(kept.iter().all(|mail| mail.to != UNKNOWN) && kept.iter().any(|mail| mail.to == JANE.email));
}

/// Where the tenant does not want it told, signing up does not tell either.
#[tokio::test]
async fn case_14_sign_up_does_not_tell_where_it_should_not() {
    let app = app().await;
    app.manage(
        "PATCH",
        "/tenants/settings",
        json!({ "flags": { "enable_public_signup_user_exists_error": false } }),
    )
    .await;
    let body = json!({ "email": JANE.email, "password": "Some-4-Password", "connection": CONNECTION });
    let answer = app.send(Call::post("/dbconnections/signup").json(&body)).await.expect(400);
    insta::assert_snapshot!(answer.body, @r#"{"name":"BadRequestError","code":"invalid_signup","description":"Invalid sign up","statusCode":400}"#);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_14_sign_in_takes_as_long_for_nobody() {
    let app = app().await;
    let mut known = Vec::new();
    let mut unknown = Vec::new();
    let mut overlong = Vec::new();
    let long = "x".repeat(2000);
    for n in 0..25 {
        for (samples, name, password) in [
            (&mut known, JANE.email, "wrong"),
            (&mut unknown, UNKNOWN, "wrong"),
            (&mut overlong, JANE.email, long.as_str()),
        ] {
            let start = Instant::now();
            password_grant(&app, name, password, 10 + n).await.expect(403);
            samples.push(start.elapsed());
        }
    }
    alike("unknown name", median(&mut unknown), median(&mut known));
    alike("overlong password", median(&mut overlong), median(&mut known));
}

/// Reset links: what takes time is the write, and there is one either way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_14_resets_take_as_long_for_nobody() {
    let app = app().await;
    let mut known = Vec::new();
    let mut unknown = Vec::new();
    for _ in 0..40 {
        for (samples, name) in [(&mut known, JANE.email), (&mut unknown, UNKNOWN)] {
            let body = json!({ "email": name, "connection": CONNECTION });
            let start = Instant::now();
            app.send(Call::post("/dbconnections/change_password").json(&body)).await.expect(200);
            samples.push(start.elapsed());
        }
    }
    // Both are a few milliseconds or less: below that the margin is absolute.
    let (known, unknown) = (median(&mut known), median(&mut unknown));
    if known.max(unknown) > Duration::from_millis(5) {
        alike("reset", unknown, known);
    }
}

/// An account that was blocked while a code was under way is blocked at redemption too.
#[tokio::test]
async fn case_14_blocks_are_looked_at_again_at_redemption() {
    let app = TestApp::new().await;
    let code = app.code("openid offline_access").await;
    let tokens = app.sign_in("openid offline_access").await;
    let path = format!("/users/{}", segment(&app.jane().await));
    app.manage("PATCH", &path, json!({ "blocked": true })).await;
    assert!(!app.redeem(&code).await.status.is_success());
    assert!(!app.refresh(tokens["refresh_token"].as_str().unwrap(), &[]).await.status.is_success());
    // Who knows the password is told why; who does not is not.
    password_grant(&app, JANE.email, JANE.password, 1).await.is_error(401, "unauthorized", "user is blocked");
    password_grant(&app, JANE.email, "wrong", 1).await.is_error(
        403,
        "invalid_grant",
        "Wrong email or password.",
    );
}

/// Jane may sign in, Sam is blocked.
async fn app() -> TestApp {
    let app = TestApp::new().await;
    let found = app.manage("GET", "/users-by-email?email=sam%40example.com", Value::Null).await;
    let path = format!("/users/{}", segment(found[0]["user_id"].as_str().unwrap()));
    app.manage("PATCH", &path, json!({ "blocked": true })).await;
    app
}

async fn password_grant(app: &TestApp, name: &str, password: &str, address: u8) -> Answer {
    let secret = app.web_secret();
    let pairs = [
        ("client_id", app.clients.web.client_id.as_str()),
        ("client_secret", &secret),
        ("grant_type", "password"),
        ("username", name),
        ("password", password),
        ("scope", "openid"),
    ];
    app.send(Call::post("/oauth/token").form(&pairs).sent_from([198, 51, 100, address])).await
}

/// Without what differs from one request to the next anyway, and without the name that was sent.
fn comparable(answer: &Answer, name: &str) -> (u16, HeaderMap, String) {
    let mut headers = answer.headers.clone();
    headers.remove("x-request-id");
    headers.remove("content-length");
    let escaped = name.replace('@', "&#64;");
    (answer.status.as_u16(), headers, answer.body.replace(name, "NAME").replace(&escaped, "NAME"))
}

fn median(samples: &mut [Duration]) -> Duration {
    samples.sort_unstable();
    samples[samples.len() / 2]
}

#[track_caller]
fn alike(what: &str, one: Duration, other: Duration) {
    let ratio = one.as_secs_f64() / other.as_secs_f64();
    assert!((0.5..2.0).contains(&ratio), "{what}: {one:?} against {other:?}");
}
