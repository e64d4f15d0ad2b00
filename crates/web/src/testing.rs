//! An app over a throw-away database, for the tests of this crate.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use axum::body::Body;
use chancery_core::model::Client;
use chancery_core::{Clock, Rng};
use chancery_store::{Catalog, Change, KeyMaterial, Kind, NextKeys, Options, Store, Tenant};
use http::Request;
use http_body_util::BodyExt;

use crate::{App, ServerConfig};

pub(crate) struct TestClock(pub(crate) AtomicI64);

impl Clock for TestClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Different each time, the same in each run.
#[derive(Default)]
pub(crate) struct TestRng(AtomicU64);

impl Rng for TestRng {
    fn fill(&self, out: &mut [u8]) {
        for chunk in out.chunks_mut(32) {
            let n = self.0.fetch_add(1, Ordering::Relaxed);
            let digest = chancery_jose::sha256(&n.to_le_bytes());
            chunk.copy_from_slice(&digest[..chunk.len()]);
        }
    }
}

pub(crate) const NOW_MS: i64 = 1_800_000_000_000;

pub(crate) struct TestApp {
    pub(crate) app: Arc<App>,
    _folder: tempfile::TempDir,
}

/// Tenant `acme` at `https://acme.example` and `http://localhost:4000` with keys, and one application whose pages are
/// at `https://app.example`.
pub(crate) async fn app(config: ServerConfig) -> TestApp {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("test.db").display());
    let store = Store::open(&url, Options::new([7; 32])).await.unwrap();
    store.migrate().await.unwrap();
    let origins = vec!["https://acme.example".to_owned(), "http://localhost:4000".to_owned()];
    store.create_tenant(&Tenant { id: "acme".to_owned(), origins }).await.unwrap();
    let rng = Arc::new(TestRng::default());
    let (current, next) = (KeyMaterial::generate(&*rng).unwrap(), KeyMaterial::generate(&*rng).unwrap());
    let next = NextKeys { common_name: "acme.example", now: NOW_MS / 1000, material: &next };
    store.create_initial_keys("acme", &current, next).await.unwrap();
    let client = Client {
        client_id: "app".to_owned(),
        web_origins: Some(vec!["https://app.example".to_owned()]),
        ..Client::default()
    };
    let json = serde_json::to_string(&client).unwrap();
    store.apply(Change::new("acme").insert(Kind::Client, "app", None, json)).await.unwrap();
    let catalog = Catalog::new(store.clone());
    catalog.sync().await.unwrap();
    let clock = Arc::new(TestClock(AtomicI64::new(NOW_MS)));
    let app = App::builder(store, catalog, clock, rng).config(config).build().unwrap();
    TestApp { app, _folder: folder }
}

/// A GET with these headers.
pub(crate) fn get(path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let request =
        headers.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
    request.body(Body::empty()).unwrap()
}

/// The body as text.
pub(crate) async fn text(response: axum::response::Response) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}
