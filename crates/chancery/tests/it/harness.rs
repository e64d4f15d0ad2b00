//! A server in process, with keys made once.

use std::sync::{Arc, LazyLock};

use axum::body::Body;
use chancery::clock::SystemClock;
use chancery::master_key::MasterKey;
use chancery::rng::SystemRng;
use chancery::seed::Seed;
use chancery::{Assembled, FirstKeys, Setup, TenantSetup, assemble};
use chancery_core::Rng;
use chancery_store::KeyMaterial;
use chancery_web::{Answers, Caller, ServerConfig};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const ORIGIN: &str = "http://localhost:4000";

static KEYS: LazyLock<Arc<FirstKeys>> = LazyLock::new(|| {
    let rng = SystemRng::default();
    let made = || KeyMaterial::generate(&rng).unwrap();
    Arc::new(FirstKeys { current: made(), next: made() })
});

pub(crate) fn keys() -> Arc<FirstKeys> {
    Arc::clone(&KEYS)
}

/// An empty database of each engine there is, with what keeps it.
pub(crate) async fn databases() -> Vec<(String, Option<TempDir>)> {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = format!("sqlite:{}", folder.path().join("x.db").display());
    let postgres = chancery_pgtest::database_or_skip().await;
    std::iter::once((sqlite, Some(folder))).chain(postgres.map(|url| (url, None))).collect()
}

pub(crate) fn setup(database: &str, dev: bool, seed: Seed) -> Setup {
    let rng: Arc<dyn Rng> = Arc::new(SystemRng::default());
    Setup {
        database: database.to_owned(),
        master_key: MasterKey::new([7; 32]),
        clock: Arc::new(SystemClock),
        rng,
        config: ServerConfig { dev, ..ServerConfig::default() },
        tenant: Some(TenantSetup {
            seed,
            origins: vec![ORIGIN.to_owned(), "https://localhost:4443".to_owned()],
            keys: keys(),
        }),
    }
}

/// In dev mode on SQLite.
pub(crate) async fn dev() -> (Assembled, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("x.db").display());
    (assemble(setup(&database, true, Seed::Demo)).await.unwrap(), folder)
}

/// An answer, read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) head: http::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }
}

pub(crate) async fn call(server: &Assembled, request: Request<Body>) -> Answer {
    let caller = Caller::of(request.extensions());
    let response = server.front.answer(request, &caller).await;
    let (head, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Answer { status: head.status, head: head.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
}

pub(crate) fn get(path: &str) -> Request<Body> {
    Request::get(path).header("host", "localhost:4000").body(Body::empty()).unwrap()
}

pub(crate) fn post(path: &str, json: &str) -> Request<Body> {
    let request =
        Request::post(path).header("host", "localhost:4000").header("content-type", "application/json");
    request.body(Body::from(json.to_owned())).unwrap()
}

pub(crate) fn bearing(mut request: Request<Body>, token: &str) -> Request<Body> {
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    request
}

/// With the client credentials grant.
pub(crate) async fn token(
    server: &Assembled,
    client: &chancery::seed::Credentials,
    audience: &str,
) -> Answer {
    use secrecy::ExposeSecret;
    let secret = client.client_secret.as_ref().unwrap().expose_secret();
    let body = serde_json::json!({
        "grant_type": "client_credentials",
        "client_id": client.client_id,
        "client_secret": secret,
        "audience": audience,
    });
    call(server, post("/oauth/token", &body.to_string())).await
}
