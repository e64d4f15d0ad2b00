//! The database is away: machines go on for a while, whatever needs the database is refused quickly and in the words of its API,
//! nothing is lost and nothing pretended, and service returns by itself.

use std::time::Duration;

use chancery_core::rate_limit::Profile;
use chancery_web::{Background, ServerConfig};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{API, Answer, Ask, Browser, CONNECTION, Call, Gate, JANE, TENANT, TestApp, until};

/// What an answer may take while the database is away: seconds of a machine that does much else, none of them waited for.
const QUICK: Duration = Duration::from_secs(2);
/// What noticing a silent server may take: a poll, its time for an answer, and the machine's own.
const NOTICED: Duration = Duration::from_secs(8);
const PATIENCE: Duration = Duration::from_secs(30);

/// A node that reaches its database through a gate.
struct Fenced {
    node: TestApp,
    gate: Gate,
    background: Background,
}

impl Fenced {
    /// `None`, with the reason printed, where there is no PostgreSQL.
    async fn new(config: ServerConfig) -> Option<Self> {
        let app = TestApp::postgres().await?;
        let gate = Gate::before(app.database());
        let node = app.neighbour_by(1, gate.url(), config).await;
        let background = Background::start(&node.app);
        Some(Self { node, gate, background })
    }

    async fn is_ready(&self) -> bool {
        self.node.get("/readyz").await.status == 200
    }
}

async fn machine(node: &TestApp) -> Answer {
    let secret = node.m2m_secret();
    let own = [
        ("grant_type", "client_credentials"),
        ("client_id", node.clients.m2m.client_id.as_str()),
        ("client_secret", &secret),
        ("audience", API),
    ];
    node.token(&own).await
}

/// What somebody holds who was there before.
struct Held<'a> {
    node: &'a TestApp,
    browser: Browser<'a>,
    login: Answer,
    code: String,
    refresh_token: String,
    access_token: String,
    opaque: String,
    management: String,
}

impl<'a> Held<'a> {
    async fn new(node: &'a TestApp) -> Self {
        let scope = "openid profile offline_access read:contacts";
        node.rotate_refresh_tokens(0).await;
        let mut browser = Browser::new(node).with_header("accept", "text/html");
        let plain = Ask::code(&node.clients.web.client_id, scope);
        let opaque = browser.authorize(&plain, &JANE).await.get("code");
        let opaque = node.redeem(&opaque).await.expect(200).text("access_token");
        let first = browser.authorize(&node.ask(scope), &JANE).await.get("code");
        let first = node.redeem(&first).await.expect(200);
        let code = browser.authorize(&node.ask(scope), &JANE).await.get("code");
        let login = Browser::new(node).open(&node.ask(scope)).await;
        Self {
            node,
            browser,
            login,
            code,
            refresh_token: first.text("refresh_token"),
            access_token: first.text("access_token"),
            opaque,
            management: node.management_token().await,
        }
    }

    /// Everything that needs the database, in the words of its API.
    async fn is_refused(&self) {
        let node = self.node;
        let web = json!({"client_id": node.clients.web.client_id, "client_secret": node.web_secret()});
        let mut revoke = web.clone();
        revoke["token"] = self.refresh_token.as_str().into();
        let account =
            json!({"email": "new@example.com", "password": "Some-4-Password", "connection": CONNECTION});
        let password = [("grant_type", "password"), ("username", JANE.email), ("password", JANE.password)];
        for (what, answer) in [
            ("code", timed(node.redeem(&self.code)).await),
            ("refresh", timed(node.refresh(&self.refresh_token, &[])).await),
            ("password", timed(node.web_token(&password)).await),
            ("userinfo", timed(node.userinfo(&self.access_token)).await),
            ("userinfo, opaque", timed(node.userinfo(&self.opaque)).await),
            ("revoke", timed(node.send(Call::post("/oauth/revoke").json(&revoke))).await),
            ("signup", timed(node.send(Call::post("/dbconnections/signup").json(&account))).await),
            (
                "new password",
                timed(node.send(Call::post("/dbconnections/change_password").json(&account))).await,
            ),
        ] {
            assert_eq!(answer.status, 503, "{what}: {answer:?}");
            assert_eq!(answer.text("error"), "temporarily_unavailable", "{what}");
            has_a_time(&answer);
        }
        for (method, path, body) in [
            ("GET", "/users", Value::Null),
            ("GET", "/logs", Value::Null),
            ("POST", "/clients", json!({"name": "Never there"})),
            ("PATCH", "/tenants/settings", json!({"friendly_name": "Never so"})),
            ("POST", "/roles", json!({"name": "Never there"})),
            ("POST", "/keys/signing/rotate", json!({})),
        ] {
            let call = Call::new(method, &format!("/api/v2{path}")).bearer(&self.management);
            let call = if body.is_null() { call } else { call.json(&body) };
            let answer = timed(node.send(call)).await;
            assert_eq!(answer.status, 503, "{method} {path}: {answer:?}");
            assert_eq!(answer.json()["statusCode"], 503, "{method} {path}: {answer:?}");
            has_a_time(&answer);
        }
        let mut browser = self.browser.clone();
        let ask = node.ask("openid");
        for (what, answer) in [
            ("authorize", timed(browser.get(&ask.path())).await),
            ("silent", timed(browser.get(&ask.with("prompt", "none").path())).await),
            ("login", {
                let typed = [("username", JANE.email), ("password", JANE.password), ("action", "default")];
                timed(browser.submit(&self.login, &typed)).await
            }),
            ("logout", timed(browser.get("/v2/logout")).await),
            ("logout of OpenID Connect", timed(browser.get("/oidc/logout")).await),
        ] {
            assert_eq!(answer.status, 503, "{what}: {answer:?}");
            assert!(answer.body.contains("<html"), "{what}: {answer:?}");
            has_a_time(&answer);
        }
        assert_eq!(browser.session_cookie(), self.browser.session_cookie(), "no logout is pretended");
    }

    /// Nothing that was refused happened.
    async fn works_again(mut self) {
        let node = self.node;
        node.userinfo(&self.access_token).await.expect(200);
        node.userinfo(&self.opaque).await.expect(200);
        node.redeem(&self.code).await.expect(200);
        node.refresh(&self.refresh_token, &[]).await.expect(200);
        let silent = node.ask("openid profile offline_access read:contacts").with("prompt", "none");
        self.browser.authorize(&silent, &JANE).await.get("code");
        let page = node.manage("GET", "/tenants/settings", Value::Null).await;
        assert_ne!(page["friendly_name"], "Never so");
        for list in ["/clients", "/roles"] {
            let all = node.manage("GET", list, Value::Null).await;
            assert!(!all.to_string().contains("Never there"), "{all}");
        }
        let found = node.manage("GET", "/users-by-email?email=new%40example.com", Value::Null).await;
        assert_eq!(found, json!([]));
    }
}

async fn timed(answer: impl Future<Output = Answer>) -> Answer {
    let began = Instant::now();
    let answer = answer.await;
    let took = began.elapsed();
    assert!(took < QUICK, "{took:?}: {answer:?}");
    answer
}

#[track_caller]
fn has_a_time(answer: &Answer) {
    let seconds = answer.header("retry-after").and_then(|value| value.parse::<u64>().ok());
    assert!(seconds.is_some_and(|seconds| (1..=10).contains(&seconds)), "{answer:?}");
}

/// Machines, and those who verify their tokens.
async fn machines_are_served(node: &TestApp) {
    for _ in 0..20 {
        let token = timed(machine(node)).await.expect(200).text("access_token");
        node.verified(&token).await;
    }
    node.get("/.well-known/openid-configuration").await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_are_refused_for_a_while() {
    let Some(fenced) = Fenced::new(ServerConfig::default()).await else { return };
    let held = Held::new(&fenced.node).await;
    assert!(fenced.is_ready().await);
    fenced.gate.shut();
    until(QUICK, || async { !fenced.is_ready().await }).await;
    machines_are_served(&fenced.node).await;
    held.is_refused().await;
    fenced.gate.open();
    until(PATIENCE, || fenced.is_ready()).await;
    held.works_again().await;
    let lost = fenced.node.app.logs.lost();
    fenced.background.stop().await;
    assert_eq!((lost, fenced.node.app.logs.lost()), (0, 0));
    // Those of the tokens that were issued meanwhile.
    let events = fenced.node.app.store.logs_after(TENANT, "", 1000).await.unwrap();
    assert!(events.iter().filter(|event| event.kind == "seccft").count() >= 20);
}

/// A cable pulled out: connections stay, and nothing comes through them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_says_nothing_for_a_while() {
    let Some(fenced) = Fenced::new(ServerConfig::default()).await else { return };
    let held = Held::new(&fenced.node).await;
    fenced.gate.silence();
    let began = Instant::now();
    // Asked before anybody knows: it is let go when somebody does.
    let first = fenced.node.userinfo(&held.access_token).await;
    assert_eq!(first.status, 503, "{first:?}");
    has_a_time(&first);
    assert!(began.elapsed() < NOTICED, "{:?}", began.elapsed());
    machines_are_served(&fenced.node).await;
    held.is_refused().await;
    assert!(!fenced.is_ready().await);
    fenced.gate.open();
    until(PATIENCE, || fenced.is_ready()).await;
    held.works_again().await;
    fenced.background.stop().await;
    assert_eq!(fenced.node.app.logs.lost(), 0);
}

/// What it knows may be outdated, and nobody could tell: at some point that outweighs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn machines_are_served_for_so_long_and_no_longer() {
    let config = ServerConfig { outage: Duration::from_secs(3), ..ServerConfig::default() };
    let Some(fenced) = Fenced::new(config).await else { return };
    let node = &fenced.node;
    let management = node.management_token().await;
    fenced.gate.shut();
    until(QUICK, || async { !fenced.is_ready().await }).await;
    machine(node).await.expect(200);
    until(PATIENCE, || async { machine(node).await.status == 503 }).await;
    let refused = machine(node).await;
    assert_eq!(refused.text("error"), "temporarily_unavailable");
    has_a_time(&refused);
    // What this answers from memory at other times.
    let listed = node.send(Call::get("/api/v2/clients").bearer(&management)).await;
    assert_eq!((listed.status.as_u16(), &listed.json()["statusCode"]), (503, &json!(503)));
    let directory = node.get("/scim/v2/connections/con_x/Users").await;
    assert_eq!((directory.status.as_u16(), &directory.json()["status"]), (503, &json!("503")));
    has_a_time(&directory);
    let page = Browser::new(node).with_header("accept", "text/html").get(&node.ask("openid").path()).await;
    assert!(page.status == 503 && page.body.contains("<html"), "{page:?}");
    // Those who hold tokens of before can still verify them.
    node.get("/.well-known/jwks.json").await.expect(200);
    fenced.gate.open();
    until(PATIENCE, || async { machine(node).await.status == 200 }).await;
    fenced.background.stop().await;
}

/// The tenant of a request is loaded within the request's time too, whoever needs it first: the origin of a page, a rate limit, the
/// handler, or the page that says how slow it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_that_does_not_come_is_not_waited_for() {
    let config = ServerConfig {
        request_timeout: Duration::from_millis(200),
        rate_limits: Profile::Free.into(),
        ..ServerConfig::default()
    };
    let Some(app) = TestApp::postgres().await else { return };
    let gate = Gate::before(app.database());
    let node = app.neighbour_by(1, gate.url(), config).await;
    assert!(node.app.catalog.cached(TENANT).is_none(), "nobody asked for it");
    gate.silence();
    let page = |path: &str| Call::get(path).header("accept", "text/html");
    for call in [
        Call::get("/userinfo").header("origin", "https://app.example"),
        Call::get("/userinfo"),
        page("/u/login"),
        page("/authorize"),
    ] {
        let refused = timed(node.send(call)).await;
        assert_eq!(refused.status, 503, "{refused:?}");
    }
    gate.open();
    timed(node.get("/.well-known/openid-configuration")).await.expect(200);
}

/// A node that ends while the database is away says what went with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_log_events_are_counted() {
    let Some(fenced) = Fenced::new(ServerConfig::default()).await else { return };
    machine(&fenced.node).await.expect(200);
    fenced.node.app.logs.flush().await.unwrap();
    fenced.gate.shut();
    until(QUICK, || async { !fenced.is_ready().await }).await;
    for _ in 0..5 {
        machine(&fenced.node).await.expect(200);
    }
    fenced.background.stop().await;
    assert_eq!(fenced.node.app.logs.lost(), 5);
}
