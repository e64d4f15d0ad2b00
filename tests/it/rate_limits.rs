//! What a tenant, a user or an address may ask altogether, where the operator says so (fact sheet 13.2).

use chancery_core::rate_limit::{Limit, Limited, Limits, Profile};
use chancery_web::ServerConfig;
use serde_json::Value;

use crate::scim::Directory;
use crate::support::{
    Answer, Browser, Call, INVOICES, ISSUER, JANE, Middle, Pairs, SAM, TestApp, decode, segment,
};

const KEY_SET: &str = "/.well-known/jwks.json";
const SAID: &str =
    "Too many requests. Check the X-RateLimit-Limit, X-RateLimit-Remaining and X-RateLimit-Reset headers.";

async fn limited(rate_limits: impl Into<Limits>) -> TestApp {
    TestApp::configured(ServerConfig { rate_limits: rate_limits.into(), ..ServerConfig::default() }).await
}

/// Limit, what remains, and how long to wait.
fn figures(answer: &Answer) -> [Option<&str>; 3] {
    ["x-ratelimit-limit", "x-ratelimit-remaining", "retry-after"].map(|name| answer.header(name))
}

async fn last_of(app: &TestApp, count: usize, path: &str) -> Answer {
    for _ in 1..count {
        app.get(path).await;
    }
    app.get(path).await
}

#[tokio::test]
async fn by_default_there_are_none() {
    let app = TestApp::new().await;
    for path in [KEY_SET, "/.well-known/openid-configuration"] {
        let answer = last_of(&app, 400, path).await.expect(200);
        assert_eq!(figures(&answer), [None; 3], "{path}");
    }
    let token = app.sign_in("openid").await["access_token"].as_str().unwrap().to_owned();
    for _ in 0..30 {
        assert_eq!(figures(&app.userinfo(&token).await.expect(200)), [None; 3]);
    }
}

#[tokio::test]
async fn what_is_left_is_said_and_it_comes_back() {
    let app = limited(Profile::Free).await;
    let first = app.get(KEY_SET).await.expect(200);
    assert_eq!(figures(&first), [Some("20"), Some("19"), None]);
    let now = chancery_core::Clock::now(&*app.clock);
    assert_eq!(first.header("x-ratelimit-reset"), Some((now + 1).to_string().as_str()));
    let last = last_of(&app, 19, KEY_SET).await.expect(200);
    assert_eq!(figures(&last), [Some("20"), Some("0"), None]);
    let call = Call::get(KEY_SET).header("origin", "https://page.example");
    let refused = app.send(call).await;
    refused.is_error(429, "too_many_requests", SAID);
    assert_eq!(figures(&refused), [Some("20"), Some("0"), Some("1")]);
    let exposed = refused.header("access-control-expose-headers").unwrap();
    assert!(exposed.contains("X-RateLimit-Reset") && exposed.contains("Retry-After"), "{exposed}");
    app.clock.advance(1);
    app.get(KEY_SET).await.expect(200);
    app.get("/healthz").await.expect(200);
}

#[tokio::test]
async fn tokens_of_a_tenant() {
    let app = limited(Profile::Free).await;
    let ask: Pairs<'_> = &[("grant_type", "client_credentials"), ("client_id", "nobody")];
    for left in (0..30).rev() {
        let answer = app.token(ask).await;
        assert_eq!(figures(&answer)[..2], [Some("30"), Some(left.to_string().as_str())]);
    }
    app.token(ask).await.is_error(429, "too_many_requests", SAID);
    // Another tenant's tokens, or anything else of this one, are no matter of this row.
    app.get(KEY_SET).await.expect(200);
}

#[tokio::test]
async fn registrations_of_a_tenant() {
    let app = limited(Profile::Enterprise).await;
    let register = || Call::post("/oidc/register").json(&serde_json::json!({}));
    for _ in 0..5 {
        assert_ne!(app.send(register()).await.status, 429);
    }
    let refused = app.send(register()).await;
    refused.is_error(429, "too_many_requests", SAID);
    assert_eq!(figures(&refused), [Some("5"), Some("0"), Some("1")]);
}

#[tokio::test]
async fn the_whole_authentication_api_of_a_tenant() {
    let app = limited(Profile::Essentials).await;
    let last = last_of(&app, 25, "/.well-known/openid-configuration").await.expect(200);
    assert_eq!(figures(&last), [Some("25"), Some("0"), None]);
    app.get(KEY_SET).await.is_error(429, "too_many_requests", SAID);
    let page = app.send(Call::get("/authorize?client_id=x").header("accept", "text/html")).await.expect(429);
    assert!(page.header("content-type").unwrap().starts_with("text/html"), "people are shown a page");
    assert_eq!(figures(&page), [Some("25"), Some("0"), Some("1")]);
    // Pages have a row of their own.
    assert_ne!(app.get("/u/login").await.status, 429);
}

#[tokio::test]
async fn pages_by_address() {
    let app = limited(Profile::Enterprise).await;
    let page = |ip| Call::get("/u/login").sent_from(ip);
    for _ in 0..500 {
        assert_ne!(app.send(page([192, 0, 2, 1])).await.status, 429);
    }
    app.send(page([192, 0, 2, 1])).await.expect(429);
    assert_ne!(app.send(page([192, 0, 2, 2])).await.status, 429, "another address");
}

#[tokio::test]
async fn userinfo_of_a_user() {
    let app = limited(Profile::Enterprise).await;
    let tokens = app.sign_in("openid").await;
    let token = tokens["access_token"].as_str().unwrap();
    for _ in 0..20 {
        assert_eq!(app.userinfo("nonsense").await.status, 401, "takes nothing from anybody");
    }
    for left in (0..10).rev() {
        let answer = app.userinfo(token).await.expect(200);
        assert_eq!(figures(&answer)[..2], [Some("10"), Some(left.to_string().as_str())]);
    }
    let refused = app.userinfo(token).await;
    refused.is_error(429, "too_many_requests", SAID);
    assert_eq!(figures(&refused), [Some("10"), Some("0"), Some("12")]);
    app.clock.advance(12);
    app.userinfo(token).await.expect(200);
}

#[tokio::test]
async fn the_management_api_of_a_tenant() {
    let app = limited(Profile::Free).await;
    let token = app.management_token().await;
    let roles = || Call::get("/api/v2/roles").bearer(&token);
    for _ in 0..5 {
        assert_eq!(app.get("/api/v2/roles").await.status, 401, "whoever has no token takes nothing");
    }
    assert_eq!(figures(&app.send(roles()).await.expect(200)), [Some("2"), Some("1"), None]);
    app.send(roles()).await.expect(200);
    let refused = app.send(roles()).await;
    assert_eq!(figures(&refused), [Some("2"), Some("0"), Some("1")]);
    refused.is_problem(429, Some("too_many_requests"), "Global limit has been reached");
    app.clock.advance(1);
    app.send(roles()).await.expect(200);
}

/// Whoever has an account has a token for it, and must not shut out those who administer all of them.
#[tokio::test]
async fn the_management_api_of_a_user_for_themselves() {
    let config =
        ServerConfig { rate_limits: Profile::Free.into(), management_rate: 4, ..ServerConfig::default() };
    let app = TestApp::configured(config).await;
    let audience = format!("{ISSUER}api/v2/");
    let mut of_users = Vec::new();
    for user in [JANE, SAM] {
        let ask = app.ask("openid read:current_user").with("audience", &audience);
        let code = Browser::new(&app).authorize(&ask, &user).await.get("code");
        let token = app.redeem(&code).await.expect(200).text("access_token");
        let own = format!("/api/v2/users/{}", segment(decode(&token).1["sub"].as_str().unwrap()));
        of_users.push((token, own));
    }
    let machine = app.management_token().await;
    for (token, own) in &of_users {
        for left in ["1", "0"] {
            let answer = app.send(Call::get(own).bearer(token)).await.expect(200);
            assert_eq!(figures(&answer), [Some("2"), Some(left), None]);
        }
        for _ in 0..5 {
            app.send(Call::get(own).bearer(token)).await.expect(429);
        }
    }
    for _ in 0..2 {
        app.send(Call::get("/api/v2/roles").bearer(&machine)).await.expect(200);
    }
    app.send(Call::get("/api/v2/roles").bearer(&machine)).await.expect(429);
}

/// The tenant's and the application's: there, the one of which there is less is told.
#[tokio::test]
async fn the_scarcer_limit_of_the_management_api_is_told() {
    let limit = Limit { burst: 100, interval: 60_000_000 };
    let config = ServerConfig {
        rate_limits: Limits::default().with(Limited::Management, Some(limit)),
        management_rate: 3,
        ..ServerConfig::default()
    };
    let app = TestApp::configured(config).await;
    let token = app.management_token().await;
    for left in ["2", "1", "0"] {
        let answer = app.send(Call::get("/api/v2/roles").bearer(&token)).await.expect(200);
        assert_eq!(figures(&answer), [Some("3"), Some(left), None]);
    }
    let refused = app.send(Call::get("/api/v2/roles").bearer(&token)).await.expect(429);
    assert_eq!(figures(&refused), [Some("3"), Some("0"), Some("1")]);
}

/// One event a minute, however many are refused.
#[tokio::test]
async fn the_log_says_it_once_a_minute() {
    let app = limited(Profile::Free).await;
    let events = async || {
        app.app.logs.flush().await.unwrap();
        let found = app.manage("GET", "/logs?q=type%3Aapi_limit", Value::Null).await;
        found.as_array().unwrap().len()
    };
    last_of(&app, 40, KEY_SET).await.expect(429);
    assert_eq!(events().await, 1);
    app.clock.advance(61);
    last_of(&app, 40, KEY_SET).await.expect(429);
    assert_eq!(events().await, 2);
}

/// Before it is refused, the log has it that this will soon be so.
#[tokio::test]
async fn the_log_warns_before() {
    let app =
        limited(Limits::default().with(Limited::KeySet, Some(Limit { burst: 10, interval: 60_000_000 })))
            .await;
    let events = async || {
        app.app.logs.flush().await.unwrap();
        let found = app.manage("GET", "/logs?q=type%3Aapi_limit*", Value::Null).await;
        let kinds = found.as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap().to_owned());
        kinds.collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>()
    };
    last_of(&app, 7, KEY_SET).await.expect(200);
    assert!(events().await.is_empty());
    last_of(&app, 3, KEY_SET).await.expect(200);
    assert_eq!(events().await, ["api_limit_warning"]);
    app.get(KEY_SET).await.expect(429);
    assert_eq!(events().await, ["api_limit", "api_limit_warning"]);
}

/// What is in no row of the operator's has no limit, and costs no header.
#[tokio::test]
async fn a_single_limit() {
    let app =
        limited(Limits::default().with(Limited::KeySet, Some(Limit { burst: 2, interval: 1_000_000 }))).await;
    assert_eq!(figures(&app.get(KEY_SET).await.expect(200)), [Some("2"), Some("1"), None]);
    app.get(KEY_SET).await.expect(200);
    app.get(KEY_SET).await.is_error(429, "too_many_requests", SAID);
    let other = last_of(&app, 50, "/.well-known/openid-configuration").await.expect(200);
    assert_eq!(figures(&other), [None; 3]);
}

/// Directories write users by it.
#[tokio::test]
async fn scim_counts_as_the_management_api() {
    let limit = Limit { burst: 100, interval: 60_000_000 };
    let app = limited(Limits::default().with(Limited::Management, Some(limit))).await;
    let directory = Directory::new(&app, "staff").await;
    let token = app.management_token().await;
    let left = async || {
        let answer = app.send(Call::get("/api/v2/roles").bearer(&token)).await.expect(200);
        answer.header("x-ratelimit-remaining").unwrap().parse::<u32>().unwrap()
    };
    let before = left().await;
    for _ in 0..3 {
        directory.ask(&app, "GET", "/Users", &Value::Null).await.expect(200);
    }
    assert_eq!(left().await, before - 4);
    for _ in 0..before {
        directory.ask(&app, "GET", "/Users", &Value::Null).await;
    }
    directory.ask(&app, "GET", "/Users", &Value::Null).await.expect(429);
    let stranger = Call::get(&format!("/scim/v2/connections/{}/Users", directory.connection)).bearer("x");
    app.send(stranger).await.expect(401);
}

async fn register(app: &TestApp) -> Answer {
    let metadata = serde_json::json!({"redirect_uris": ["https://a.example/cb"]});
    app.send(Call::post("/oidc/register").json(&metadata)).await
}

/// Limits that are always there say what is left, too; of two limits the scarcer one.
#[tokio::test]
async fn what_is_left_of_limits_by_address() {
    let app = TestApp::new().await;
    app.manage(
        "PATCH",
        "/tenants/settings",
        serde_json::json!({"flags": {"enable_dynamic_client_registration": true}}),
    )
    .await;
    for left in ["99", "98"] {
        assert_eq!(figures(&register(&app).await.expect(201)), [Some("100"), Some(left), None]);
    }
    let app = limited(Profile::Enterprise).await;
    app.manage(
        "PATCH",
        "/tenants/settings",
        serde_json::json!({"flags": {"enable_dynamic_client_registration": true}}),
    )
    .await;
    assert_eq!(figures(&register(&app).await.expect(201)), [Some("5"), Some("4"), None]);
}

/// Limits that are always there say the same.
#[tokio::test]
async fn devices_and_pushed_requests_say_how_long() {
    let app = TestApp::new().await;
    for (path, most) in [("/oauth/device/code", 5), ("/oauth/par", 100)] {
        let ask = || Call::post(path).body("application/x-www-form-urlencoded", "client_id=x".to_owned());
        for _ in 0..most {
            assert_ne!(app.send(ask()).await.status, 429);
        }
        let refused = app.send(ask()).await;
        refused.is_error(429, "too_many_requests", SAID);
        assert_eq!(figures(&refused), [Some(most.to_string().as_str()), Some("0"), Some("1")], "{path}");
        assert!(refused.header("x-ratelimit-reset").is_some());
    }
}

/// Right or wrong, and whoever it is.
#[tokio::test]
async fn sign_ins_of_a_name_from_an_address() {
    let app = limited(Profile::Enterprise).await;
    let sign_in = async |name: &str, password: &str| {
        app.web_token(&[("grant_type", "password"), ("username", name), ("password", password)]).await
    };
    for _ in 0..20 {
        sign_in(JANE.email, JANE.password).await.expect(200);
    }
    let refused = sign_in(JANE.email, JANE.password).await.expect(429);
    assert_eq!(refused.text("error"), "too_many_attempts");
    sign_in("nobody@example.com", "x").await.is_error(403, "invalid_grant", "Wrong email or password.");
    app.clock.advance(6);
    sign_in(JANE.email, JANE.password).await.expect(200);
    sign_in(JANE.email, JANE.password).await.expect(429);
}

#[tokio::test]
async fn exchanges_of_a_tenant() {
    let app = limited(Profile::Enterprise).await;
    let middle = Middle::new(&app).await;
    app.clock.advance(60);
    for _ in 0..30 {
        assert_eq!(middle.exchange(&app, "nonsense", INVOICES, "").await.status, 400);
    }
    let refused = middle.exchange(&app, "nonsense", INVOICES, "").await;
    refused.is_error(429, "too_many_requests", SAID);
    assert_eq!(figures(&refused), [Some("30"), Some("0"), Some("1")]);
}

/// Of a sign-in, so that nobody tries code after code.
#[tokio::test]
async fn mailed_codes_of_a_sign_in() {
    let app = limited(Profile::Enterprise).await;
    let secret = app.web_secret();
    let grants = serde_json::json!({ "grant_types": ["http://auth0.com/oauth/grant-type/mfa-oob"] });
    app.manage("PATCH", &format!("/clients/{}", app.clients.web.client_id), grants).await;
    let show = async |mfa_token: &str| {
        let grant = [
            ("grant_type", "http://auth0.com/oauth/grant-type/mfa-oob"),
            ("client_id", app.clients.web.client_id.as_str()),
            ("client_secret", &secret),
            ("mfa_token", mfa_token),
            ("oob_code", "x"),
            ("binding_code", "000000"),
        ];
        app.token(&grant).await
    };
    for _ in 0..12 {
        assert_ne!(show("one").await.status, 429);
    }
    show("one").await.is_error(429, "too_many_requests", SAID);
    assert_ne!(show("another").await.status, 429);
}
