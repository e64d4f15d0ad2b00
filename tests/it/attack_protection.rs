//! Attack protection that acts: blocks of names and addresses that hold on every node, links that lift them, and passwords
//! that the world knows.

use std::io::Write as _;

use chancery_core::ids::Handle;
use chancery_web::ServerConfig;
use serde_json::{Value, json};

use crate::support::{Answer, Browser, CONNECTION, Call, JANE, TestApp, engines, segment};

const FORCE: &str = "/attack-protection/brute-force-protection";
const THROTTLING: &str = "/attack-protection/suspicious-ip-throttling";
const BREACHES: &str = "/attack-protection/breached-password-detection";
const HERE: [u8; 4] = [192, 0, 2, 1];
const ELSEWHERE: [u8; 4] = [198, 51, 100, 1];

async fn typed(app: &TestApp, from: [u8; 4], name: &str, password: &str) -> Answer {
    let secret = app.web_secret();
    let pairs = [
        ("client_id", app.clients.web.client_id.as_str()),
        ("client_secret", &secret),
        ("grant_type", "password"),
        ("username", name),
        ("password", password),
        ("scope", "openid"),
    ];
    app.send(Call::post("/oauth/token").form(&pairs).sent_from(from)).await
}

async fn events(app: &TestApp, kind: &str) -> Vec<Value> {
    app.app.logs.flush().await.unwrap();
    let found = app.manage("GET", &format!("/logs?q=type%3A{kind}&per_page=100"), Value::Null).await;
    found.as_array().unwrap().clone()
}

async fn blocked_for(app: &TestApp, name: &str) -> Value {
    let path = format!("/user-blocks?identifier={}", name.replace('@', "%40"));
    app.manage("GET", &path, Value::Null).await["blocked_for"].clone()
}

/// Each wrong password at another node; the block is known to all of them, shown by all, and lifted for all.
#[tokio::test]
async fn blocks_hold_on_every_node() {
    for first in engines().await {
        let second = first.neighbour(1).await;
        let nodes = [&first, &second];
        for n in 0..10 {
            typed(nodes[n % 2], HERE, JANE.email, "wrong").await.expect(403);
        }
        for node in nodes {
            let answer = typed(node, HERE, JANE.email, JANE.password).await.expect(429);
            assert_eq!(answer.text("error"), "too_many_attempts", "{}", first.engine);
            let blocked = blocked_for(node, "JANE@example.com").await;
            assert_eq!(blocked, json!([{"identifier": "JANE@example.com", "ip": "192.0.2.1"}]));
        }
        typed(&second, ELSEWHERE, JANE.email, JANE.password).await.expect(200);
        let path = format!("/user-blocks/{}", segment(&first.jane().await));
        let shown = second.manage("GET", &path, Value::Null).await;
        assert_eq!(shown["blocked_for"][0]["ip"], "192.0.2.1");
        second.manage("DELETE", &path, Value::Null).await;
        typed(&first, HERE, JANE.email, JANE.password).await.expect(200);
        assert_eq!(blocked_for(&first, JANE.email).await, json!([]));
        let told = events(&second, "limit_wc").await;
        assert_eq!(
            told.len() + events(&first, "limit_wc").await.len(),
            2,
            "one event, seen by both: {told:?}"
        );
    }
}

/// Many at once are no more tries than one after another, whichever node they reach.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_at_once_are_counted_one_by_one() {
    for first in engines().await {
        let second = first.neighbour(1).await;
        let guess = |n: usize| typed([&first, &second][n % 2], HERE, JANE.email, "wrong");
        let mut statuses = Vec::new();
        for round in 0..4 {
            let (a, b, c, d) =
                tokio::join!(guess(round), guess(round + 1), guess(round + 2), guess(round + 3));
            statuses.extend([a, b, c, d].map(|answer| answer.status.as_u16()));
        }
        assert_eq!(statuses.iter().filter(|status| **status == 403).count(), 10, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 6);
    }
}

#[tokio::test]
async fn a_good_sign_in_forgets_and_writes_nothing_else() {
    let app = TestApp::new().await;
    for _ in 0..3 {
        for _ in 0..9 {
            typed(&app, HERE, JANE.email, "wrong").await.expect(403);
        }
        typed(&app, HERE, JANE.email, JANE.password).await.expect(200);
    }
    let rows = app.app.store.db().query::<i64>("SELECT COUNT(*) FROM tries", Vec::new()).await.unwrap();
    assert_eq!(rows, [1], "the address alone");
}

#[tokio::test]
async fn settings_act() {
    let app = TestApp::new().await;
    let set = |body: Value| app.manage("PATCH", FORCE, body);
    set(json!({"max_attempts": 2, "mode": "count_per_identifier"})).await;
    typed(&app, HERE, JANE.email, "wrong").await.expect(403);
    typed(&app, ELSEWHERE, JANE.email, "wrong").await.expect(403);
    typed(&app, [203, 0, 113, 1], JANE.email, JANE.password).await.expect(429);
    assert_eq!(blocked_for(&app, JANE.email).await, json!([{"identifier": JANE.email}]));
    set(json!({"allowlist": ["203.0.113.0/24"]})).await;
    typed(&app, [203, 0, 113, 1], JANE.email, JANE.password).await.expect(200);
    typed(&app, HERE, JANE.email, JANE.password).await.expect(429);
    // A higher limit lifts the block, and so do other shields and none at all.
    for (change, back) in [
        (json!({"max_attempts": 3}), json!({"max_attempts": 2})),
        (json!({"shields": []}), json!({"shields": ["block"]})),
        (json!({"enabled": false}), json!({"enabled": true})),
    ] {
        set(change).await;
        // A wrong password instead of a right one, which would forget what was counted.
        typed(&app, HERE, JANE.email, "wrong").await.expect(403);
        set(back).await;
    }
    let path = "/user-blocks?identifier=jane%40example.com&consider_brute_force_enablement=true";
    set(json!({"enabled": false})).await;
    assert_eq!(app.manage("GET", path, Value::Null).await["blocked_for"], json!([]));
}

#[tokio::test]
async fn a_new_password_lifts_the_block() {
    let app = TestApp::new().await;
    for _ in 0..10 {
        typed(&app, HERE, JANE.email, "wrong").await.expect(403);
    }
    let path = format!("/users/{}", segment(&app.jane().await));
    app.manage("PATCH", &path, json!({"password": "Another-4-Jane", "connection": CONNECTION})).await;
    typed(&app, HERE, JANE.email, "Another-4-Jane").await.expect(200);
}

/// The link of the mail: opening it lifts nothing, its button does, once.
#[tokio::test]
async fn the_user_is_told_and_lifts_the_block() {
    for app in engines().await {
        for _ in 0..12 {
            typed(&app, HERE, JANE.email, "wrong").await;
            typed(&app, HERE, "nobody@example.com", "wrong").await;
        }
        let mails = app.app.outbox.kept();
        let blocked: Vec<_> = mails.iter().filter(|mail| mail.template == "blocked_account").collect();
        assert_eq!(blocked.len(), 1, "told once, and strangers never: {}", app.engine);
        assert_eq!(blocked[0].to, JANE.email);
        let ticket = app.mailed_ticket(JANE.email);
        let mut browser = Browser::new(&app);
        let page = browser.get(&format!("/u/unblock?ticket={ticket}")).await.expect(200);
        assert!(page.body.contains(JANE.email));
        typed(&app, HERE, JANE.email, JANE.password).await.expect(429);
        // Another site's form and a form that names something twice lift nothing.
        let form = [("state", ticket.as_str())];
        let foreign = Call::post("/u/unblock").form(&form).header("origin", "https://evil.example");
        app.send(foreign).await.expect(403);
        app.send(Call::post("/u/unblock").form(&[form[0], form[0]])).await.expect(400);
        browser.submit(&page, &[]).await.expect(200);
        typed(&app, HERE, JANE.email, JANE.password).await.expect(200);
        browser.submit(&page, &[]).await.expect(400);
        browser.get(&format!("/u/unblock?ticket={ticket}")).await.expect(400);
        assert_eq!(events(&app, "ublkdu").await.len(), 1);
        // A link for something else is none.
        let form = [("connection", CONNECTION), ("email", JANE.email)];
        app.send(Call::post("/dbconnections/change_password").form(&form)).await.expect(200);
        let reset = app.mailed_ticket(JANE.email);
        app.get(&format!("/u/unblock?ticket={reset}")).await.expect(400);
        app.get(&format!("/u/reset-verify?ticket={reset}")).await.expect(200);
    }
}

#[tokio::test]
async fn switched_off_mails_are_not_sent() {
    let app = TestApp::new().await;
    app.manage("PATCH", FORCE, json!({"shields": ["block"]})).await;
    for _ in 0..10 {
        typed(&app, HERE, JANE.email, "wrong").await.expect(403);
    }
    typed(&app, HERE, JANE.email, JANE.password).await.expect(429);
    assert!(app.app.outbox.kept().is_empty());
}

#[tokio::test]
async fn addresses_are_throttled_on_every_node() {
    for first in engines().await {
        let second = first.neighbour(1).await;
        let stage = json!({"pre-login": {"max_attempts": 3, "rate": 40_000}, "pre-user-registration": {"max_attempts": 2, "rate": 1200}});
        first.manage("PATCH", THROTTLING, json!({"stage": stage})).await;
        second.app.catalog.sync().await.unwrap();
        for n in 0..3 {
            typed([&first, &second][n % 2], HERE, &format!("name{n}@example.com"), "wrong").await.expect(403);
        }
        typed(&second, HERE, JANE.email, JANE.password).await.expect(429);
        typed(&second, ELSEWHERE, JANE.email, JANE.password).await.expect(200);
        second.manage("GET", "/anomaly/blocks/ips/192.0.2.1", Value::Null).await;
        first.manage("DELETE", "/anomaly/blocks/ips/192.0.2.1", Value::Null).await;
        second.api("GET", "/anomaly/blocks/ips/192.0.2.1", Value::Null).await.expect(404);
        typed(&second, HERE, JANE.email, JANE.password).await.expect(200);

        let sign_up = async |node: &TestApp, n: usize| {
            let body = json!({"email": format!("new{n}@example.com"), "password": "Some-4-Password", "connection": CONNECTION});
            node.send(Call::post("/dbconnections/signup").json(&body).sent_from(HERE)).await
        };
        sign_up(&first, 1).await.expect(200);
        sign_up(&second, 2).await.expect(200);
        let refused = sign_up(&first, 3).await.expect(429);
        assert_eq!(refused.header("x-ratelimit-limit"), Some("2"));
        assert_eq!(refused.header("x-ratelimit-remaining"), Some("0"));
        assert!(refused.header("x-ratelimit-reset").is_some() && refused.header("retry-after").is_some());
        first.manage("PATCH", THROTTLING, json!({"allowlist": ["192.0.2.0/24"]})).await;
        sign_up(&first, 3).await.expect(200);
        let flows: Vec<Value> =
            events(&first, "limit_mu").await.iter().map(|event| event["details"]["flow"].clone()).collect();
        assert!(flows.contains(&json!("login")) || flows.contains(&json!("signup")), "{flows:?}");
    }
}

/// What was begun with a right password ends with the block: the second factor is not a way around it.
#[tokio::test]
async fn a_block_is_looked_at_again_at_the_second_step() {
    let app = TestApp::new().await;
    app.manage("PUT", "/guardian/factors/otp", json!({"enabled": true})).await;
    app.manage("PUT", "/guardian/policies", json!(["all-applications"])).await;
    let grants = json!(["password", "http://auth0.com/oauth/grant-type/mfa-otp"]);
    app.set_web(json!({"grant_types": grants})).await;
    let begun = typed(&app, HERE, JANE.email, JANE.password).await.expect(403);
    let token = begun.text("mfa_token");
    let ask = || app.send(Call::get("/mfa/authenticators").bearer(&token).sent_from(HERE));
    ask().await.expect(200);
    for _ in 0..10 {
        typed(&app, HERE, JANE.email, "wrong").await.expect(403);
    }
    assert_eq!(ask().await.expect(429).text("error"), "too_many_attempts");
}

#[tokio::test]
async fn known_passwords_are_refused_where_the_tenant_says_so() {
    let mut list = tempfile::NamedTempFile::new().unwrap();
    let hash: String =
        chancery_jose::sha1(JANE.password.as_bytes()).iter().map(|b| format!("{b:02X}")).collect();
    let mut lines = [format!("{}:1", "0".repeat(40)), format!("{hash}:42"), format!("{}:1", "F".repeat(40))];
    lines.sort();
    write!(list, "{}\r\n", lines.join("\r\n")).unwrap();
    let config = ServerConfig { breached_passwords: Some(list.path().to_owned()), ..ServerConfig::default() };
    let app = TestApp::configured(config).await;
    typed(&app, HERE, JANE.email, JANE.password).await.expect(200);
    let set = |body: Value| app.manage("PATCH", BREACHES, body);
    set(json!({"enabled": true, "shields": ["user_notification"]})).await;
    typed(&app, HERE, JANE.email, JANE.password).await.expect(200);
    assert_eq!(app.app.outbox.kept()[0].template, "stolen_credentials");
    set(json!({"shields": ["block", "user_notification"]})).await;
    // Only who knows the password learns that the world does.
    let wrong = typed(&app, HERE, JANE.email, "wrong").await;
    wrong.is_error(403, "invalid_grant", "Wrong email or password.");
    assert_eq!(
        typed(&app, HERE, JANE.email, JANE.password).await.expect(401).text("error"),
        "password_leaked"
    );
    let mut browser = Browser::new(&app);
    let login = browser.open(&app.ask("openid")).await;
    let again = browser.log_in(&login, &JANE).await.expect(400);
    assert!(again.body.contains("breached") && browser.session_cookie().is_none());
    assert_eq!(events(&app, "pwd_leak").await.len(), 3);

    // The link of the mail leads to another password; a known one is refused there where the tenant says so.
    let stages = json!({"pre-user-registration": {"shields": ["block"]}, "pre-change-password": {"shields": ["block"]}});
    set(json!({"stage": stages})).await;
    let ticket = app.mailed_ticket(JANE.email);
    let page = browser.get(&format!("/u/reset-verify?ticket={ticket}")).await;
    let choose = |password: &'static str| [("password", password), ("password-repeat", password)];
    let known = browser.submit(&page, &choose("Password1")).await.expect(400);
    assert!(known.body.contains("breached"), "{known:?}");
    browser.submit(&page, &choose("Quite-another-4-Word")).await.expect(200);
    typed(&app, HERE, JANE.email, "Quite-another-4-Word").await.expect(200);
    assert_eq!(events(&app, "reset_pwd_leak").await.len(), 1);
    let body = json!({"email": "new@example.com", "password": JANE.password, "connection": CONNECTION});
    let refused = app.send(Call::post("/dbconnections/signup").json(&body)).await.expect(400);
    assert_eq!(refused.text("code"), "password_leaked");
    assert_eq!(events(&app, "signup_pwd_leak").await.len(), 1);
}

/// Handles that are none, and parameters that are not there.
#[tokio::test]
async fn links_that_are_none() {
    let app = TestApp::new().await;
    let made_up = Handle::generate(&*app.app.rng, 0).expose();
    for query in ["", "?ticket=", "?ticket=x", &format!("?ticket={made_up}")] {
        app.get(&format!("/u/unblock{query}")).await.expect(400);
    }
    app.send(Call::post("/u/unblock").form(&[("state", &made_up)])).await.expect(400);
    app.send(Call::post("/u/unblock").form(&[])).await.expect(400);
}

/// Whoever makes an account of another connection under the name that they guess at, and signs in to it now and then, gets no tries
/// back.
#[tokio::test]
async fn case_14_a_namesake_gives_no_tries_back() {
    for app in engines().await {
        let wish = json!({
            "name": "Guests", "strategy": "auth0", "enabled_clients": [app.clients.web.client_id],
        });
        app.manage("POST", "/connections", wish).await;
        let password = "Guessers-own-1";
        let body = json!({
            "client_id": app.clients.web.client_id, "connection": "Guests", "email": JANE.email, "password": password,
        });
        app.send(Call::post("/dbconnections/signup").json(&body)).await.expect(200);
        let secret = app.web_secret();
        let in_realm = async |realm: &str, password: &str| {
            let pairs = [
                ("client_id", app.clients.web.client_id.as_str()),
                ("client_secret", &secret),
                ("grant_type", "http://auth0.com/oauth/grant-type/password-realm"),
                ("realm", realm),
                ("username", JANE.email),
                ("password", password),
                ("scope", "openid"),
            ];
            app.send(Call::post("/oauth/token").form(&pairs).sent_from(HERE)).await
        };
        app.set_web(
            json!({ "grant_types": ["password", "http://auth0.com/oauth/grant-type/password-realm"] }),
        )
        .await;
        for _ in 0..9 {
            in_realm(CONNECTION, "wrong").await.expect(403);
        }
        in_realm("Guests", password).await.expect(200);
        in_realm(CONNECTION, "wrong").await.expect(403);
        in_realm(CONNECTION, JANE.password).await.expect(429);
        assert_eq!(blocked_for(&app, JANE.email).await.as_array().unwrap().len(), 1, "{}", app.engine);
    }
}
