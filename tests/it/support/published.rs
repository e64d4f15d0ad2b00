//! A server of somebody else's, over TLS, that publishes documents.

use std::collections::HashMap;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chancery::certificates;
use chancery_web::{Authorities, Limits, Listener, ServerConfig, Tls, serve};
use http::header::{CONTENT_TYPE, LOCATION};
use http::{StatusCode, Uri};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;
use tokio_util::sync::{CancellationToken, DropGuard};

type Documents = Arc<Mutex<HashMap<String, Document>>>;

#[derive(Clone)]
enum Document {
    Json(Value),
    /// Of this kind.
    Text(&'static str, String),
    /// That it is somewhere else.
    Moved(String),
}

pub(crate) struct Publisher {
    /// `https://localhost:PORT`.
    pub(crate) origin: String,
    /// Settings of a server that may fetch from it.
    pub(crate) config: ServerConfig,
    documents: Documents,
    asked: Arc<AtomicUsize>,
    _running: DropGuard,
}

impl Publisher {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
        let files = certificates::ensure(folder.path(), "localhost", now).unwrap();
        let read = |path: &std::path::Path| std::fs::read(path).unwrap();
        let tls = Tls::from_pem(&read(&files.certificate), &read(&files.key)).unwrap();
        let authorities = CertificateDer::pem_file_iter(&files.ca).unwrap().map(Result::unwrap).collect();
        let authorities = Authorities::new(authorities).unwrap();
        let socket = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let origin = format!("https://localhost:{}", socket.local_addr().unwrap().port());
        let documents = Documents::default();
        let asked = Arc::<AtomicUsize>::default();
        let state = (Arc::clone(&documents), Arc::clone(&asked));
        let routes = Router::new().fallback(document).with_state(state);
        let stop = CancellationToken::new();
        let listeners = vec![Listener::Tls(socket, Arc::new(tls))];
        tokio::spawn(serve(routes, listeners, Limits::default(), stop.clone()));
        let fetch_networks = chancery_web::Networks(vec!["127.0.0.1".parse().unwrap()]);
        let config =
            ServerConfig { fetch_networks, fetch_authorities: Some(authorities), ..ServerConfig::default() };
        Self { origin, config, documents, asked, _running: stop.drop_guard() }
    }

    /// From now on this stands at a path.
    pub(crate) fn publish(&self, path: &str, document: Value) {
        self.documents.lock().unwrap().insert(path.to_owned(), Document::Json(document));
    }

    /// The same, for what is no JSON.
    pub(crate) fn publish_as(&self, kind: &'static str, path: &str, document: String) {
        self.documents.lock().unwrap().insert(path.to_owned(), Document::Text(kind, document));
    }

    /// From now on a path leads somewhere else.
    pub(crate) fn publish_redirect(&self, path: &str, to: &str) {
        self.documents.lock().unwrap().insert(path.to_owned(), Document::Moved(to.to_owned()));
    }

    /// How often it was asked for anything.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(std::sync::atomic::Ordering::Relaxed)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }
}

async fn document(State((documents, asked)): State<(Documents, Arc<AtomicUsize>)>, uri: Uri) -> Response {
    asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    match documents.lock().unwrap().get(uri.path()) {
        Some(Document::Json(document)) => axum::Json(document.clone()).into_response(),
        Some(Document::Text(kind, text)) => ([(CONTENT_TYPE, *kind)], text.clone()).into_response(),
        Some(Document::Moved(to)) => (StatusCode::FOUND, [(LOCATION, to.clone())]).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
