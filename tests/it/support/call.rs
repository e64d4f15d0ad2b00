//! One request and its answer.

use axum::body::Body;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chancery_web::Peer;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};
use serde_json::Value;

use super::{Form, Pairs};

/// A request being written down.
#[derive(Clone)]
pub(crate) struct Call {
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Vec<u8>,
    peer: Peer,
}

impl Call {
    pub(crate) fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.parse().unwrap(),
            path: path.to_owned(),
            headers: HeaderMap::new(),
            body: Vec::new(),
            peer: Peer { addr: ([203, 0, 113, 7], 40_000).into(), tls: true },
        }
    }

    pub(crate) fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    pub(crate) fn post(path: &str) -> Self {
        Self::new("POST", path)
    }

    /// One more header line.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        self
    }

    /// In the place of every line of that name.
    pub(crate) fn only_header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(name, value.parse().unwrap());
        self
    }

    pub(crate) fn has_header(&self, name: &str) -> bool {
        self.headers.contains_key(name)
    }

    pub(crate) fn host(self, host: &str) -> Self {
        self.only_header("host", host)
    }

    pub(crate) fn sent_from(mut self, ip: [u8; 4]) -> Self {
        self.peer.addr = (ip, 40_000).into();
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header(AUTHORIZATION.as_str(), &format!("Bearer {token}"))
    }

    pub(crate) fn basic(self, user: &str, password: &str) -> Self {
        let encoded = BASE64_STANDARD.encode(format!("{user}:{password}"));
        self.header(AUTHORIZATION.as_str(), &format!("Basic {encoded}"))
    }

    pub(crate) fn form(self, pairs: Pairs<'_>) -> Self {
        let body = encode(pairs);
        self.body("application/x-www-form-urlencoded", body)
    }

    pub(crate) fn json(self, value: &Value) -> Self {
        self.body("application/json", value.to_string())
    }

    pub(crate) fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.headers.insert(CONTENT_TYPE, content_type.parse().unwrap());
        self.body = body.into();
        self
    }

    pub(crate) fn into_request(self, default_host: &str) -> Request<Body> {
        let mut request = Request::builder()
            .method(self.method)
            .uri(self.path)
            .extension(self.peer)
            .body(Body::from(self.body))
            .unwrap();
        *request.headers_mut() = self.headers;
        let headers = request.headers_mut();
        headers.entry(HOST).or_insert(HeaderValue::from_str(default_host).unwrap());
        request
    }
}

/// `a=b&c=d`, escaped.
pub(crate) fn encode(pairs: Pairs<'_>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// A member of a JSON body as text.
    #[track_caller]
    pub(crate) fn text(&self, member: &str) -> String {
        let json = self.json();
        json[member].as_str().unwrap_or_else(|| panic!("no {member}: {self:?}")).to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }

    pub(crate) fn location(&self) -> Option<&str> {
        self.header("location").filter(|_| self.status.is_redirection())
    }

    #[track_caller]
    pub(crate) fn form(&self) -> Form {
        Form::find(&self.body).unwrap_or_else(|| panic!("no form: {self:?}"))
    }

    /// Asserts the status and returns the answer.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        self
    }

    /// Asserts an error of the Authentication API, whole.
    #[track_caller]
    pub(crate) fn is_error(&self, status: u16, error: &str, description: &str) {
        let expected = serde_json::json!({ "error": error, "error_description": description });
        assert_eq!((self.status.as_u16(), self.json()), (status, expected));
        assert_eq!(self.header("cache-control"), Some("no-store"));
    }

    /// Status and body, for snapshots.
    pub(crate) fn shown(&self) -> String {
        let body = match serde_json::from_str::<Value>(&self.body) {
            Ok(json) => serde_json::to_string_pretty(&json).unwrap(),
            Err(_) => self.body.clone(),
        };
        format!("{}\n{body}", self.status.as_u16())
    }
}
