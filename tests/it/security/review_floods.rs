//! What one address may do in a row, whatever names it uses. Right passwords and requests that keep nothing are free.

use std::sync::Arc;

use serde_json::json;
use tokio::task::{JoinSet, yield_now};

use crate::support::{Answer, Ask, Browser, CALLBACK, CONNECTION, Call, JANE, TestApp};

const HERE: [u8; 4] = [192, 0, 2, 1];
const ELSEWHERE: [u8; 4] = [192, 0, 2, 2];

async fn try_password(app: &TestApp, from: [u8; 4], username: &str, password: &str) -> Answer {
    let own = &app.clients.web;
    let secret = secrecy::ExposeSecret::expose_secret(own.client_secret.as_ref().unwrap());
    let form = [
        ("grant_type", "http://auth0.com/oauth/grant-type/password-realm"),
        ("realm", CONNECTION),
        ("client_id", own.client_id.as_str()),
        ("client_secret", secret),
        ("username", username),
        ("password", password),
    ];
    app.send(Call::post("/oauth/token").form(&form).sent_from(from)).await
}

#[tokio::test]
async fn a_hundred_wrong_passwords_whatever_the_names() {
    let app = TestApp::new().await;
    for n in 0..100 {
        let answer = try_password(&app, HERE, &format!("name{n}@example.com"), "wrong").await;
        assert_eq!(answer.status, 403, "{n}: {answer:?}");
        if n % 10 == 0 {
            try_password(&app, HERE, JANE.email, JANE.password).await.expect(200);
        }
    }
    for (username, password) in [("one-more@example.com", "wrong"), (JANE.email, JANE.password)] {
        let answer = try_password(&app, HERE, username, password).await;
        assert_eq!(answer.status, 429, "{username}: {answer:?}");
        assert!(answer.header("retry-after").is_some());
    }
    try_password(&app, ELSEWHERE, JANE.email, JANE.password).await.expect(200);
    app.clock.advance(864);
    try_password(&app, HERE, JANE.email, JANE.password).await.expect(200);
}

/// What an address that guesses sends at once is turned away before it fills the queue of hashes, known names or not.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn guesses_at_once_do_not_turn_others_away() {
    let app = Arc::new(TestApp::new().await);
    for n in 0..10 {
        try_password(&app, HERE, &format!("name{n}@example.com"), "wrong").await.expect(403);
    }
    let room = app.app.hasher.room();
    let mut guesses = JoinSet::new();
    for n in 0..room * 3 {
        let app = Arc::clone(&app);
        let (name, password) = match n % 2 {
            0 => (JANE.email.to_owned(), JANE.password),
            _ => (format!("unknown{n}@example.com"), "wrong"),
        };
        guesses.spawn(async move { try_password(&app, HERE, &name, password).await.status.as_u16() });
    }
    while app.app.hasher.waiting() < 4 {
        yield_now().await;
    }
    try_password(&app, ELSEWHERE, JANE.email, JANE.password).await.expect(200);
    let statuses = guesses.join_all().await;
    assert!(statuses.iter().all(|status| [200, 403, 429].contains(status)), "{statuses:?}");
    assert!(statuses.contains(&429), "{statuses:?}");
}

/// As many people of one office as sign in at the same moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn right_passwords_may_use_the_whole_queue() {
    let app = Arc::new(TestApp::new().await);
    let mut logins = JoinSet::new();
    for _ in 0..app.app.hasher.room() * 3 / 4 {
        let app = Arc::clone(&app);
        logins.spawn(async move { try_password(&app, HERE, JANE.email, JANE.password).await });
    }
    for answer in logins.join_all().await {
        answer.expect(200);
    }
}

#[tokio::test]
async fn fifty_reset_links_whatever_the_names() {
    let app = TestApp::new().await;
    let ask = |from: [u8; 4], n: usize| {
        let body = json!({
            "client_id": app.clients.web.client_id, "connection": CONNECTION,
            "email": format!("name{n}@example.com"),
        });
        app.send(Call::post("/dbconnections/change_password").json(&body).sent_from(from))
    };
    for n in 0..50 {
        ask(HERE, n).await.expect(200);
    }
    ask(HERE, 50).await.expect(429);
    ask(ELSEWHERE, 51).await.expect(200);
    // Mails have counts of their own: none of this was a wrong password.
    try_password(&app, HERE, JANE.email, JANE.password).await.expect(200);
}

#[tokio::test]
async fn logins_that_nobody_goes_on_with_end_somewhere() {
    let app = TestApp::new().await;
    let path = Ask::code(&app.clients.web.client_id, "openid").path();
    let begin = |from: [u8; 4]| app.send(Call::get(&path).sent_from(from));
    for _ in 0..3000 {
        assert_eq!(begin(HERE).await.status, 302);
    }
    let refused = begin(HERE).await.expect(429);
    assert!(refused.body.contains("<html") && refused.header("retry-after") == Some("1"), "{refused:?}");
    begin(ELSEWHERE).await.expect(302);
    app.clock.advance(1);
    begin(HERE).await.expect(302);
    let long = Ask::code(&app.clients.web.client_id, "openid").with("state", &"x".repeat(20_000));
    let refused = app.send(Call::get(&long.path()).sent_from(ELSEWHERE)).await;
    assert!(matches!(refused.status.as_u16(), 413 | 414 | 431), "{refused:?}");
    // A form has no limit but this one.
    for (bytes, status) in [(60_000, 413), (8_000, 302)] {
        let state = "x".repeat(bytes);
        let form = [
            ("client_id", app.clients.web.client_id.as_str()),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("state", state.as_str()),
        ];
        let answer = app.send(Call::post("/authorize").form(&form).sent_from(ELSEWHERE)).await;
        assert_eq!(answer.status, status, "{answer:?}");
    }
    let answer = Browser::new(&app).authorize(&Ask::code(&app.clients.web.client_id, "openid"), &JANE).await;
    answer.get("code");
}
