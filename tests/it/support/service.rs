//! A service of somebody else's, over plain HTTP on loopback, that remembers what it was asked.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chancery_web::{Limits, Listener, ServerConfig, serve};
use http::header::AUTHORIZATION;
use http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::Value;
use tokio_util::sync::{CancellationToken, DropGuard};

/// One request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) authorization: String,
    pub(crate) body: String,
}

impl Heard {
    /// A member of the form that was posted.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        let mut pairs = form_urlencoded::parse(self.body.as_bytes());
        pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }

    /// A parameter of the query.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let mut pairs = form_urlencoded::parse(self.query.as_bytes());
        pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }
}

type Answering = Arc<dyn Fn(&Heard) -> (u16, Value) + Send + Sync>;

#[derive(Clone)]
struct Shared {
    answer: Arc<Mutex<Answering>>,
    heard: Arc<Mutex<Vec<Heard>>>,
}

pub(crate) struct Service {
    /// `http://127.0.0.1:PORT`.
    pub(crate) origin: String,
    shared: Shared,
    _running: DropGuard,
}

impl Service {
    /// One that answers so.
    pub(crate) async fn start(answer: impl Fn(&Heard) -> (u16, Value) + Send + Sync + 'static) -> Self {
        let shared = Shared { answer: Arc::new(Mutex::new(Arc::new(answer))), heard: Arc::default() };
        let socket = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let origin = format!("http://127.0.0.1:{}", socket.local_addr().unwrap().port());
        let routes = Router::new().fallback(hear).with_state(shared.clone());
        let stop = CancellationToken::new();
        tokio::spawn(serve(routes, vec![Listener::Plain(socket)], Limits::default(), stop.clone()));
        Self { origin, shared, _running: stop.drop_guard() }
    }

    /// From now on it answers so.
    pub(crate) fn answers(&self, answer: impl Fn(&Heard) -> (u16, Value) + Send + Sync + 'static) {
        *self.shared.answer.lock().unwrap() = Arc::new(answer);
    }

    /// What it was asked, in order; forgotten with this.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        std::mem::take(&mut *self.shared.heard.lock().unwrap())
    }

    /// Settings of a server that may reach it.
    pub(crate) fn config() -> ServerConfig {
        let fetch_networks = chancery_web::Networks(vec!["127.0.0.1".parse().unwrap()]);
        ServerConfig { fetch_networks, ..ServerConfig::default() }
    }
}

async fn hear(
    State(shared): State<Shared>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let authorization = headers.get(AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
    let heard = Heard {
        method: method.to_string(),
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        authorization: authorization.unwrap_or_default(),
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    shared.heard.lock().unwrap().push(heard.clone());
    let answer = Arc::clone(&*shared.answer.lock().unwrap());
    let (status, body) = answer(&heard);
    let status = StatusCode::from_u16(status).unwrap();
    match body {
        // A document that is no JSON.
        Value::String(text) => (status, text).into_response(),
        json => (status, axum::Json(json)).into_response(),
    }
}
