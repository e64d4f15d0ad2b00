//! Nobody learns from us who has an account: known, unknown, blocked and slowed-down names are answered alike, in status,
//! headers, body, and in time.
//!
//! Time is judged by the Kolmogorov-Smirnov test over interleaved samples, so that a difference anywhere in the
//! distribution counts and noise meets all alike. The usual number of samples finds what matters most, whether a password
//! is hashed for names that do not exist; `CHANCERY_TIMING_SAMPLES=10000` finds far less.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chancery_core::Rng;
use http::HeaderMap;
use serde_json::{Value, json};

use crate::passkeys::{LOG_IN, make, turn_on_passkeys};
use crate::support::{
    Answer, Authenticator, Browser, CONNECTION, Call, JANE, TestApp, TestRng, kolmogorov, options, segment,
};

const UNKNOWN: &str = "nano@example.com";
const BLOCKED: &str = "sam@example.com";

/// A login page asks for any passkey, whoever's name it was opened with, and an unknown passkey is answered as a bad one.
#[tokio::test]
async fn case_14_a_login_page_names_no_passkey() {
    let app = TestApp::new().await;
    turn_on_passkeys(&app).await;
    let mut key = Authenticator::new();
    make(&app, &mut key).await;
    let mut pages = Vec::new();
    let mut stranger = Authenticator::new();
    for (name, is_known) in [(JANE.email, true), (UNKNOWN, false), (BLOCKED, false)] {
        let mut browser = Browser::new(&app);
        let login = browser.open(&app.ask("openid").and("login_hint", name)).await.expect(200);
        let asked = options(&login);
        assert_eq!(asked.get("allowCredentials"), None, "{name}");
        let (state, challenge) =
            (login.form().value("state"), asked["challenge"].as_str().unwrap().to_owned());
        let masked = |answer: &Answer| {
            let fresh = options(answer)["challenge"].as_str().unwrap().to_owned();
            let body = answer.body.replace(&state, "STATE").replace(&challenge, "OLD").replace(&fresh, "NEW");
            (answer.status.as_u16(), body.replace(name, "NAME"))
        };
        let shown = masked(&login);
        let made = json!({"challenge": challenge, "rp": {"id": "auth.example"}, "user": {"id": ""}});
        stranger.create_as(&made, &[7; 16]);
        let signed = match is_known {
            true => key.get(&login).replace("\"signature\":\"M", "\"signature\":\"N"),
            false => stranger.get(&login),
        };
        let refused = browser.post(LOG_IN, &[("state", &state), ("response", &signed)]).await.expect(400);
        pages.push((shown, masked(&refused)));
    }
    assert_eq!(pages[0], pages[1]);
    assert_eq!(pages[1], pages[2]);
}

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
    let long = "x".repeat(2000);
    let ways = [
        ("known", JANE.email, "wrong"),
        ("unknown", UNKNOWN, "wrong"),
        ("blocked", BLOCKED, "wrong"),
        ("known, overlong password", JANE.email, &long),
        ("unknown, overlong password", UNKNOWN, &long),
    ];
    let (mut times, rng) = (Times::default(), TestRng::seeded(14));
    for round in 0..sample_count(100) {
        for way in in_turn(ways.len(), &rng) {
            let (_, name, password) = ways[way];
            // A new address each time, which nothing has slowed down.
            let [.., c, d] = round.to_be_bytes();
            let call = password_call(&app, name, password).sent_from([10, way as u8, c, d]);
            times.measure(way, app.send(call)).await.expect(403);
        }
    }
    times.are_alike(&ways.map(|way| way.0), &[(0, 1), (0, 2), (3, 4)]);
}

/// Reset links: there is a user to read and a mail to write, or not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_14_resets_take_as_long_for_nobody() {
    let app = app().await;
    let ways = [("known", JANE.email), ("unknown", UNKNOWN), ("blocked", BLOCKED)];
    let (mut times, rng) = (Times::default(), TestRng::seeded(14));
    for _ in 0..sample_count(250) {
        // So much later that each may be mailed to again.
        app.clock.advance(901);
        for way in in_turn(ways.len(), &rng) {
            let body = json!({ "email": ways[way].1, "connection": CONNECTION });
            let call = Call::post("/dbconnections/change_password").json(&body);
            times.measure(way, app.send(call)).await.expect(200);
        }
    }
    assert!(app.app.outbox.kept().len() >= 2, "mail was sent for those who are known");
    times.are_alike(&ways.map(|way| way.0), &[(0, 1), (0, 2)]);
}

/// Codes by mail: there is a user to read and a mail to write, or neither.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_14_mailed_codes_take_as_long_for_nobody() {
    let app = app().await;
    let clients = [app.clients.web.client_id.as_str()];
    let body = json!({"name": "email", "strategy": "email", "enabled_clients": clients});
    let connection = app.manage("POST", "/connections", body).await;
    let secret = app.web_secret();
    let start = |name: &str, ip: [u8; 4]| {
        let body = json!({
            "client_id": clients[0], "client_secret": secret, "connection": "email", "email": name, "send": "code",
        });
        app.send(Call::post("/passwordless/start").json(&body).sent_from(ip))
    };
    let otp = "http://auth0.com/oauth/grant-type/passwordless/otp";
    app.set_web(json!({"grant_types": ["password", otp]})).await;
    start(JANE.email, [10, 0, 0, 1]).await.expect(200);
    let text = app.app.outbox.kept()[0].text.clone();
    let code: String = text.chars().filter(char::is_ascii_digit).collect();
    let pairs = [("grant_type", otp), ("realm", "email"), ("username", JANE.email), ("otp", code.as_str())];
    app.web_token(&pairs).await.expect(200);
    let path = format!("/connections/{}", connection["id"].as_str().unwrap());
    app.manage("PATCH", &path, json!({"options": {"disable_signup": true}})).await;

    let ways = [("known", JANE.email), ("unknown", UNKNOWN)];
    let (mut times, rng) = (Times::default(), TestRng::seeded(14));
    for round in 0..sample_count(150) {
        // So much later that each may be mailed to again.
        app.clock.advance(901);
        for way in in_turn(ways.len(), &rng) {
            let [.., c, d] = round.to_be_bytes();
            let answer = times.measure(way, start(ways[way].1, [10, 1 + way as u8, c, d])).await.expect(200);
            let members: Vec<String> = answer.json().as_object().unwrap().keys().cloned().collect();
            assert_eq!(members, ["_id", "email", "email_verified"]);
        }
    }
    assert!(app.app.outbox.kept().iter().all(|mail| mail.to != UNKNOWN));
    times.are_alike(&ways.map(|way| way.0), &[(0, 1)]);
}

/// What is to be timed, and how long it took.
#[derive(Default)]
struct Times(BTreeMap<usize, Vec<Duration>>);

impl Times {
    async fn measure(&mut self, way: usize, work: impl Future<Output = Answer>) -> Answer {
        let start = Instant::now();
        let answer = work.await;
        self.0.entry(way).or_default().push(start.elapsed());
        answer
    }

    #[track_caller]
    fn are_alike(&self, names: &[&str], pairs: &[(usize, usize)]) {
        for (one, other) in pairs {
            let verdict = kolmogorov::compare(&self.0[one], &self.0[other]);
            let text = format!(
                "{} ({:?}) against {} ({:?}), {} samples each: {verdict:?}",
                names[*one],
                median(&self.0[one]),
                names[*other],
                median(&self.0[other]),
                self.0[one].len(),
            );
            println!("{text}");
            assert!(verdict.is_alike(), "{text}");
        }
    }
}

/// Each of `count` once, in an order that chance gives: what ran before a request, and whatever slows the machine down,
/// meets all of them alike.
fn in_turn(count: usize, rng: &TestRng) -> Vec<usize> {
    let mut turn: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        let mut byte = [0; 8];
        rng.fill(&mut byte);
        turn.swap(last, usize::from_be_bytes(byte) % (last + 1));
    }
    turn
}

/// More samples see smaller differences: set `CHANCERY_TIMING_SAMPLES` for a long run.
#[expect(clippy::disallowed_methods, reason = "a test has no configuration")]
fn sample_count(usual: u32) -> u32 {
    std::env::var("CHANCERY_TIMING_SAMPLES").map_or(usual, |count| count.parse().unwrap())
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
    app.send(password_call(app, name, password).sent_from([198, 51, 100, address])).await
}

fn password_call(app: &TestApp, name: &str, password: &str) -> Call {
    let secret = app.web_secret();
    let pairs = [
        ("client_id", app.clients.web.client_id.as_str()),
        ("client_secret", &secret),
        ("grant_type", "password"),
        ("username", name),
        ("password", password),
        ("scope", "openid"),
    ];
    Call::post("/oauth/token").form(&pairs)
}

/// Without what differs from one request to the next anyway, and without the name that was sent.
fn comparable(answer: &Answer, name: &str) -> (u16, HeaderMap, String) {
    let mut headers = answer.headers.clone();
    headers.remove("x-request-id");
    headers.remove("content-length");
    let escaped = name.replace('@', "&#64;");
    (answer.status.as_u16(), headers, answer.body.replace(name, "NAME").replace(&escaped, "NAME"))
}

fn median(samples: &[Duration]) -> Duration {
    let mut samples = samples.to_vec();
    samples.sort_unstable();
    samples[samples.len() / 2]
}

/// A name that is blocked everywhere is answered as one that is blocked and was never there; with any password.
#[tokio::test]
async fn case_14_locked_names_look_alike() {
    let app = app().await;
    let settings = json!({"mode": "count_per_identifier", "max_attempts": 3});
    app.manage("PATCH", "/attack-protection/brute-force-protection", settings).await;
    let mut answers = Vec::new();
    for name in [JANE.email, UNKNOWN, BLOCKED] {
        for n in 0..3 {
            password_grant(&app, name, "wrong", n).await.expect(403);
        }
        for password in ["wrong", JANE.password] {
            answers.push(comparable(&password_grant(&app, name, password, 9).await.expect(429), name));
        }
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    let to: Vec<String> = app.app.outbox.kept().iter().map(|mail| mail.to.clone()).collect();
    assert!(!to.iter().any(|to| to == UNKNOWN), "{to:?}");
}

/// No hash is made for a name that is locked, known or not: its answers are quick, and equally so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_14_locked_names_take_as_long() {
    let app = app().await;
    let ways = [("known", JANE.email), ("unknown", UNKNOWN), ("blocked", BLOCKED)];
    for (_, name) in ways {
        for _ in 0..10 {
            password_grant(&app, name, "wrong", 9).await.expect(403);
        }
    }
    let (mut times, rng) = (Times::default(), TestRng::seeded(14));
    for _ in 0..sample_count(300) {
        for way in in_turn(ways.len(), &rng) {
            times.measure(way, password_grant(&app, ways[way].1, JANE.password, 9)).await.expect(429);
        }
    }
    times.are_alike(&ways.map(|way| way.0), &[(0, 1), (0, 2)]);
}
