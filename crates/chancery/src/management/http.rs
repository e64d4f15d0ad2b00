//! A small HTTP/1.1 client: a handful of JSON calls to one server, one connection each. What a whole client library adds
//! (pools, redirects, cookies, proxies) would only be weight here.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use http::{Method, Request};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use rustls_platform_verifier::BuilderVerifierExt;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Url;

use crate::authorities;

/// Whose word about certificates is believed.
#[derive(Debug)]
pub(super) enum Trust {
    /// The system's.
    System,
    /// That of these authorities.
    Authorities(rustls::RootCertStore),
}

impl Trust {
    /// The authorities of a PEM file.
    pub(super) fn file(path: &Path) -> Result<Self> {
        Ok(Self::Authorities(authorities::from_file(path)?))
    }
}

/// Calls one server.
pub(super) struct Client {
    url: Url,
    tls: Option<TlsConnector>,
}

/// What a server said.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Null where there was none.
    pub(crate) body: Value,
}

impl Client {
    /// For the server at this address, of which the path is not used.
    pub(super) fn new(url: &str, trust: Trust) -> Result<Self> {
        // `localhost:4000` alone would be read as the scheme `localhost`.
        if !url.starts_with("http://") && !url.starts_with("https://") {
            bail!("{url}: the URL of a server begins with http:// or https://");
        }
        let url = Url::parse(url).with_context(|| format!("{url} is no URL"))?;
        let tls = match url.scheme() {
            "https" => Some(TlsConnector::from(Arc::new(tls_config(trust)?))),
            _ => None,
        };
        Ok(Self { url, tls })
    }

    /// One request and its answer.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        token: Option<&SecretString>,
        body: Option<&Value>,
    ) -> Result<Answer> {
        let (status, bytes) = self.ask(self.request(method, path, token, body)?).await?;
        Ok(Answer { status, body: json(status, &bytes).with_context(|| self.shown())? })
    }

    /// A call that is answered with words for a person, which nobody here reads.
    pub(super) async fn post_for_words(&self, path: &str, body: &Value) -> Result<()> {
        let (status, bytes) = self.ask(self.request(Method::POST, path, None, Some(body))?).await?;
        match status {
            200..=299 => Ok(()),
            _ => {
                let body = json(status, &bytes).with_context(|| self.shown())?;
                bail!("{} answered {status}: {}", self.shown(), super::said(&body))
            }
        }
    }

    async fn ask(&self, request: Request<Full<Bytes>>) -> Result<(u16, Bytes)> {
        let answer = tokio::time::timeout(PATIENCE, self.exchange(request)).await;
        answer
            .unwrap_or_else(|_| bail!("no answer within {} s", PATIENCE.as_secs()))
            .with_context(|| self.shown())
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        token: Option<&SecretString>,
        body: Option<&Value>,
    ) -> Result<Request<Full<Bytes>>> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.url[url::Position::BeforeHost..url::Position::AfterPort])
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, concat!("chancery/", env!("CARGO_PKG_VERSION")));
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {}", token.expose_secret()));
        }
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let bytes = body.map(serde_json::to_vec).transpose()?.unwrap_or_default();
        Ok(request.body(Full::from(bytes))?)
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<(u16, Bytes)> {
        let host = self.url.host_str().context("the URL names no host")?;
        let port = self.url.port_or_known_default().context("the URL names no port")?;
        let bare = host.trim_matches(['[', ']']);
        let stream = TcpStream::connect((bare, port)).await.context("there is no connection")?;
        match &self.tls {
            None => converse(stream, request).await,
            Some(tls) => {
                let name = ServerName::try_from(bare.to_owned())?;
                let stream = tls.connect(name, stream).await.context(
                    "its certificate is not trusted, or it speaks no TLS; --ca-file names an authority to trust",
                )?;
                converse(stream, request).await
            }
        }
    }

    fn shown(&self) -> String {
        self.url.origin().ascii_serialization()
    }
}

/// Shows whom it calls.
impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("url", &self.shown()).finish_non_exhaustive()
    }
}

const PATIENCE: Duration = Duration::from_secs(30);
const LONGEST: usize = 16 << 20;

async fn converse<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    request: Request<Full<Bytes>>,
) -> Result<(u16, Bytes)> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // What goes wrong with the connection goes wrong with the request too.
    tokio::spawn(async move { drop(connection.await) });
    let response = sender.send_request(request).await?;
    let status = response.status().as_u16();
    let read = Limited::new(response.into_body(), LONGEST).collect().await;
    let bytes = read.map_err(|error| anyhow::anyhow!("the answer breaks off: {error}"))?.to_bytes();
    Ok((status, bytes))
}

fn json(status: u16, bytes: &Bytes) -> Result<Value> {
    match bytes.is_empty() {
        true => Ok(Value::Null),
        false => serde_json::from_slice(bytes).with_context(|| format!("it answered {status} without JSON")),
    }
}

fn tls_config(trust: Trust) -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let builder = match trust {
        Trust::Authorities(roots) => builder.with_root_certificates(roots),
        Trust::System => builder.with_platform_verifier()?,
    };
    Ok(builder.with_no_client_auth())
}
