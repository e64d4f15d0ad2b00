//! The server in process.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chancery::seed::{DemoClients, Seed};
use chancery::{Assembled, FirstKeys, Setup, TenantSetup, assemble, master_key};
use chancery_core::Rng;
use chancery_jose::{Algorithm, JwkSet, Unverified, VerifyingKey};
use chancery_web::{Answers, App, Caller, Front, ServerConfig};
use http_body_util::BodyExt;
use secrecy::ExposeSecret;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::OnceCell;

use super::described::is_as_described;
use super::{Answer, Call, TestClock, TestRng, decode};

/// Where tests call, unless they say otherwise.
const HOST: &str = "auth.example";
pub(crate) const ISSUER: &str = "https://auth.example/";
/// A callback of the demo applications that is not on loopback.
pub(crate) const CALLBACK: &str = "https://auth.example/dev/callback";
const ORIGINS: [&str; 3] = ["https://auth.example", "https://second.example", "http://localhost:4000"];

/// A server with the demo tenant over a database of its own.
pub(crate) struct TestApp {
    pub(crate) engine: &'static str,
    pub(crate) app: Arc<App>,
    pub(crate) clients: DemoClients,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) front: Front,
    database: String,
    folder: Option<Arc<TempDir>>,
}

impl TestApp {
    /// On SQLite, in a folder that goes with it.
    pub(crate) async fn new() -> Self {
        Self::configured(ServerConfig::default()).await
    }

    /// On SQLite, with settings of the server.
    pub(crate) async fn configured(config: ServerConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = format!("sqlite:{}", folder.path().join("chancery.db").display());
        Self::over(Wish { engine: "SQLite", database, folder: Some(Arc::new(folder)), seed: 1, config }).await
    }

    /// On PostgreSQL; `None`, with the reason printed, where there is none.
    pub(crate) async fn postgres() -> Option<Self> {
        let database = chancery_pgtest::fresh_database_from("server", prepare).await;
        let database = chancery_pgtest::skip(database)?;
        Some(
            Self::over(Wish {
                engine: "PostgreSQL",
                database,
                folder: None,
                seed: 1,
                config: ServerConfig::default(),
            })
            .await,
        )
    }

    /// On a PostgreSQL server of the test's own, or by a way of its own.
    pub(crate) async fn at(database: String, config: ServerConfig) -> Self {
        Self::over(Wish { engine: "PostgreSQL", database, folder: None, seed: 1, config }).await
    }

    /// Another node on the same database, at the same time of day.
    pub(crate) async fn neighbour(&self, number: u64) -> Self {
        self.neighbour_by(number, self.database.clone(), ServerConfig::default()).await
    }

    /// The same, which reaches the database by another address.
    pub(crate) async fn neighbour_by(&self, number: u64, database: String, config: ServerConfig) -> Self {
        let folder = self.folder.clone();
        let wish = Wish { engine: self.engine, database, folder, seed: 1 + number, config };
        let node = Self::over(wish).await;
        let ahead = chancery_core::Clock::now(&*self.clock) - chancery_core::Clock::now(&*node.clock);
        node.clock.advance(ahead);
        node
    }

    async fn over(wish: Wish) -> Self {
        let clock = Arc::new(TestClock::default());
        let setup = Setup {
            database: wish.database.clone(),
            master_key: master_key::generate(&TestRng::default()),
            clock: Arc::<TestClock>::clone(&clock),
            rng: Arc::new(TestRng::seeded(wish.seed)),
            config: wish.config,
            tenant: Some(TenantSetup {
                seed: Seed::Demo,
                origins: ORIGINS.map(str::to_owned).to_vec(),
                keys: keys().await,
            }),
        };
        let Assembled { app, front, clients } = assemble(setup).await.unwrap();
        Self { engine: wish.engine, app, clients, clock, front, database: wish.database, folder: wish.folder }
    }

    pub(crate) async fn send(&self, call: Call) -> Answer {
        let request = call.into_request(HOST);
        let caller = Caller::of(request.extensions());
        let (method, target) = (request.method().clone(), request.uri().to_string());
        let response = self.front.answer(request, &caller).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        let answer = Answer { status: parts.status, headers: parts.headers, body };
        keeps_secrets_from_caches(&answer);
        is_as_described(method.as_str(), &target, &answer);
        answer
    }

    /// An answer, with how long the server took for it: nothing here looks at it in that time.
    pub(crate) async fn timed(&self, call: Call) -> (Duration, Answer) {
        let request = call.into_request(HOST);
        let caller = Caller::of(request.extensions());
        let start = Instant::now();
        let response = self.front.answer(request, &caller).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let taken = start.elapsed();
        let body = String::from_utf8(body.to_vec()).unwrap();
        (taken, Answer { status: parts.status, headers: parts.headers, body })
    }

    /// The address of its database.
    pub(crate) fn database(&self) -> &str {
        &self.database
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Call::get(path)).await
    }

    /// What a thief of the database has: the files of SQLite, documents and logs of PostgreSQL.
    pub(crate) async fn at_rest(&self) -> String {
        self.app.logs.flush().await.unwrap();
        let Some(path) = self.database.strip_prefix("sqlite:") else {
            let sql = "SELECT doc FROM docs UNION ALL SELECT doc FROM logs";
            return self.app.store.db().query::<String>(sql, Vec::new()).await.unwrap().concat();
        };
        let read = |end| std::fs::read(format!("{path}{end}")).unwrap_or_default();
        String::from_utf8_lossy(&[read(""), read("-wal")].concat()).into_owned()
    }

    pub(crate) fn web_secret(&self) -> String {
        self.clients.web.client_secret.as_ref().unwrap().expose_secret().to_owned()
    }

    pub(crate) fn m2m_secret(&self) -> String {
        self.clients.m2m.client_secret.as_ref().unwrap().expose_secret().to_owned()
    }

    /// Claims of a token that one of the published keys signed with RS256 and that is good now.
    #[track_caller]
    pub(crate) fn verified(&self, token: &str) -> impl Future<Output = Value> {
        let caller = std::panic::Location::caller();
        async move {
            let published: JwkSet =
                serde_json::from_str(&self.get("/.well-known/jwks.json").await.body).unwrap();
            let unverified = Unverified::parse(token).unwrap();
            let kid = unverified.header().kid.clone().unwrap();
            let key = VerifyingKey::from_jwk(published.find(&kid).unwrap()).unwrap();
            let payload = unverified.verify(&key, &[Algorithm::RS256]);
            let payload = payload.unwrap_or_else(|e| panic!("{e} at {caller}: {:?}", decode(token)));
            let claims: Value = serde_json::from_slice(&payload).unwrap();
            let now = chancery_core::Clock::now(&*self.clock);
            assert!(
                claims["iat"].as_i64().unwrap() <= now && now < claims["exp"].as_i64().unwrap(),
                "{claims}"
            );
            claims
        }
    }
}

/// Security case 21, held against every answer of every test.
fn keeps_secrets_from_caches(answer: &Answer) {
    let holds_secrets = answer.headers.contains_key("set-cookie")
        || ["access_token", "refresh_token", "client_secret"].iter().any(|name| {
            answer.body.contains(&format!("\"{name}\":")) || answer.body.contains(&format!("name=\"{name}\""))
        })
        || answer.location().is_some();
    let kept_out = answer.header("cache-control").is_some_and(|value| value.contains("no-store"));
    assert!(kept_out || !holds_secrets, "a cache may keep {answer:?}");
}

/// Both engines, or the first where PostgreSQL is absent.
pub(crate) async fn engines() -> Vec<TestApp> {
    let mut all = vec![TestApp::new().await];
    all.extend(TestApp::postgres().await);
    all
}

struct Wish {
    engine: &'static str,
    database: String,
    folder: Option<Arc<TempDir>>,
    seed: u64,
    config: ServerConfig,
}

async fn prepare(database: String) -> Result<(), String> {
    let key = master_key::generate(&TestRng::default());
    let store = chancery::open(&database, &key).await.map_err(|e| format!("{e:#}"))?;
    store.close().await;
    Ok(())
}

/// Made once: finding the primes takes up to a second.
async fn keys() -> Arc<FirstKeys> {
    static KEYS: OnceCell<Arc<FirstKeys>> = OnceCell::const_new();
    let make = async || {
        let rng: Arc<dyn Rng> = Arc::new(TestRng::seeded(1 << 20));
        Arc::new(FirstKeys::make(&rng).await.unwrap())
    };
    Arc::clone(KEYS.get_or_init(make).await)
}
