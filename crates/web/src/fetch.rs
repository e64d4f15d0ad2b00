//! The only way out besides mail: documents that others publish, fetched because somebody named their address (metadata of
//! applications and of identity providers, key sets), and services that do something for a tenant. Whoever names an address
//! is not the administrator of the machine, so that the address is judged, not the name, and what comes is bounded in every
//! direction (security case 7).

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderValue,
    USER_AGENT,
};
use http::uri::{Scheme, Uri};
use http::{Method, Request};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use rustls_platform_verifier::BuilderVerifierExt as _;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_rustls::TlsConnector;

use crate::Networks;
use crate::authorities::Authorities;
use crate::outside::is_outside;

/// Fetches documents. There is one for the whole server.
pub struct Fetcher {
    inner_networks: Networks,
    /// Trusted instead of the system's.
    authorities: Option<Authorities>,
    /// Reading the system's roots takes time and memory: most servers never fetch anything.
    tls: OnceLock<Result<TlsConnector, String>>,
    slots: Semaphore,
    patience: Duration,
}

/// One request for somebody else's server.
#[derive(Debug)]
pub struct Ask<'a> {
    /// Where.
    pub url: &'a str,
    /// What is sent as `Authorization`.
    pub authorization: Option<SecretString>,
    /// What is posted; without it the document is asked for (GET).
    pub post: Option<Post>,
    /// The kind of document that is wanted.
    pub accept: &'static str,
    /// Bytes of the longest answer that is read.
    pub most: usize,
}

/// What is posted.
#[derive(Debug)]
pub enum Post {
    /// A form.
    Form(SecretString),
    /// JSON.
    Json(SecretString),
}

impl<'a> Ask<'a> {
    /// For a JSON document that anybody may have.
    pub fn json(url: &'a str, most: usize) -> Self {
        Self { url, authorization: None, post: None, accept: "application/json", most }
    }
}

/// What came.
#[derive(Debug)]
pub struct Reply {
    /// Not one of a redirect.
    pub status: u16,
    /// The whole of it.
    pub body: Bytes,
    /// Seconds for which whoever published it says that it may be kept (`Cache-Control`, RFC 9111); none where they say nothing.
    pub max_age: Option<i64>,
}

impl Reply {
    /// The body of an answer that has status 200.
    ///
    /// # Errors
    /// [`FetchError::Status`].
    pub fn document(self) -> Result<Bytes, FetchError> {
        if self.status == 200 { Ok(self.body) } else { Err(FetchError::Status(self.status)) }
    }
}

/// Why there is no document. Says nothing about what stands at addresses within: open ports, closed ones and names of the
/// inner network look alike.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FetchError {
    /// Not an `https` URL, or one with user information or a fragment.
    #[error("it is not an https URL without user information and fragment")]
    Url,
    /// The name means nothing, or an address that is not one of the internet.
    #[error("its host is not one of the internet")]
    Host,
    /// No connection, no trusted certificate, or no HTTP.
    #[error("there is no trusted connection to its host")]
    Unreachable,
    /// It points somewhere else.
    #[error("it is a redirect, which is not followed")]
    Redirect,
    /// Another status than 200.
    #[error("the answer has status {0}, not 200")]
    Status(u16),
    /// More bytes than a document may have.
    #[error("it has more than {0} bytes")]
    TooLarge(usize),
    /// Slower than [`Fetcher::PATIENCE`].
    #[error("it takes longer than {} seconds", Fetcher::PATIENCE.as_secs())]
    TooSlow,
    /// A secret that no header can hold.
    #[error("its secret has characters that no request can carry")]
    Authorization,
    /// Not JSON.
    #[error("it is not JSON")]
    NotJson,
    /// Others are being fetched.
    #[error("too many documents are being fetched: try again")]
    Busy,
}

impl Fetcher {
    /// For a name, a connection and a whole document.
    pub const PATIENCE: Duration = Duration::from_secs(5);

    /// Hosts in `inner_networks` may be reached although they are not of the internet, and by plain `http` too: whoever
    /// let the network in answers for it. `authorities` are trusted instead of the
    /// system's.
    pub fn new(inner_networks: Networks, authorities: Option<Authorities>) -> Self {
        Self {
            inner_networks,
            authorities,
            tls: OnceLock::new(),
            slots: Semaphore::new(AT_ONCE),
            patience: Self::PATIENCE,
        }
    }

    /// The JSON document at a URL, of at most so many bytes. Redirects are not followed, proxies not used.
    ///
    /// # Errors
    /// See [`FetchError`].
    pub async fn json(&self, url: &str, most: usize) -> Result<serde_json::Value, FetchError> {
        let bytes = self.ask(Ask::json(url, most)).await?.document()?;
        serde_json::from_slice(&bytes).map_err(|_| FetchError::NotJson)
    }

    /// What a server answers, whatever its status but a redirect.
    ///
    /// # Errors
    /// See [`FetchError`].
    pub async fn ask(&self, ask: Ask<'_>) -> Result<Reply, FetchError> {
        let _slot = self.slots.try_acquire().map_err(|_| FetchError::Busy)?;
        let answered = tokio::time::timeout(self.patience, self.fetch(&ask)).await;
        answered.map_err(|_| FetchError::TooSlow)?
    }

    async fn fetch(&self, ask: &Ask<'_>) -> Result<Reply, FetchError> {
        let target = Target::parse(ask.url)?;
        let address = self.address(&target).await?;
        if !target.tls && !self.inner_networks.contains(address.ip()) {
            return Err(FetchError::Url);
        }
        // By the address that was looked at: a name that means another one a moment later changes nothing.
        let stream = TcpStream::connect(address).await.map_err(|_| FetchError::Unreachable)?;
        if !target.tls {
            return converse(stream, &target, ask).await;
        }
        let name = ServerName::try_from(target.host.to_owned()).map_err(|_| FetchError::Url)?;
        let tls = self.tls.get_or_init(|| self.connector()).as_ref().map_err(|error| {
            tracing::error!("no roots of trust to fetch documents with: {error}");
            FetchError::Unreachable
        })?;
        let stream = tls.connect(name, stream).await.map_err(|_| FetchError::Unreachable)?;
        converse(stream, &target, ask).await
    }

    async fn address(&self, target: &Target<'_>) -> Result<SocketAddr, FetchError> {
        let found = tokio::net::lookup_host((target.host, target.port)).await;
        let may = |ip: IpAddr| is_outside(ip) || self.inner_networks.contains(ip);
        found.map_err(|_| FetchError::Host)?.find(|address| may(address.ip())).ok_or(FetchError::Host)
    }

    fn connector(&self) -> Result<TlsConnector, String> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
        let builder = match &self.authorities {
            Some(own) => builder.dangerous().with_custom_certificate_verifier(own.verifier(provider)?),
            None => builder.with_platform_verifier().map_err(|error| error.to_string())?,
        };
        Ok(TlsConnector::from(Arc::new(builder.with_no_client_auth())))
    }
}

/// Shows that it is one.
impl std::fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fetcher").field("inner_networks", &self.inner_networks).finish_non_exhaustive()
    }
}

/// Documents fetched at a time, of all tenants.
const AT_ONCE: usize = 32;

/// The parts of a URL.
struct Target<'a> {
    tls: bool,
    /// Without the brackets of an IPv6 address.
    host: &'a str,
    port: u16,
    authority: &'a str,
    path: &'a str,
}

impl<'a> Target<'a> {
    fn parse(url: &'a str) -> Result<Self, FetchError> {
        let parsed: Uri = url.parse().map_err(|_| FetchError::Url)?;
        let tls = match parsed.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(FetchError::Url),
        };
        // The parser drops fragments without a word.
        if url.contains(['#', '\\']) {
            return Err(FetchError::Url);
        }
        let rest = url.split_once("://").ok_or(FetchError::Url)?.1;
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(FetchError::Url);
        }
        let (host, port) = match authority.strip_prefix('[') {
            Some(v6) => v6.split_once(']').ok_or(FetchError::Url)?,
            None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
        };
        let port = match port.strip_prefix(':') {
            Some(digits) => digits.parse().map_err(|_| FetchError::Url)?,
            None if tls => 443,
            None => 80,
        };
        if host.is_empty() {
            return Err(FetchError::Url);
        }
        Ok(Self { tls, host, port, authority, path })
    }
}

async fn converse<S>(stream: S, target: &Target<'_>, ask: &Ask<'_>) -> Result<Reply, FetchError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (gone, most) = (|_| FetchError::Unreachable, ask.most);
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(gone)?;
    let request = request(target, ask)?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(gone)?;
        let status = response.status();
        if status.is_redirection() {
            return Err(FetchError::Redirect);
        }
        let announced = response.headers().get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse().ok());
        if announced.is_some_and(|bytes: usize| bytes > most) {
            return Err(FetchError::TooLarge(most));
        }
        let max_age = response.headers().get(CACHE_CONTROL).and_then(|v| v.to_str().ok()).and_then(max_age);
        let body = Limited::new(response.into_body(), most).collect().await.map_err(|error| {
            match error.is::<http_body_util::LengthLimitError>() {
                true => FetchError::TooLarge(most),
                false => FetchError::Unreachable,
            }
        })?;
        Ok(Reply { status: status.as_u16(), body: body.to_bytes(), max_age })
    };
    // The connection moves the answer's bytes; what goes wrong with it goes wrong with the answer too.
    let mut connection = std::pin::pin!(connection);
    let mut answer = std::pin::pin!(answer);
    tokio::select! {
        answer = &mut answer => answer,
        _ = &mut connection => answer.await,
    }
}

/// What `Cache-Control` says; 0 where it is not to be kept.
fn max_age(text: &str) -> Option<i64> {
    let mut directives = text.split(',').map(|directive| directive.trim().to_ascii_lowercase());
    if directives.clone().any(|directive| directive == "no-store" || directive == "no-cache") {
        return Some(0);
    }
    directives.find_map(|directive| directive.strip_prefix("max-age=")?.trim_matches('"').parse().ok())
}

fn request(target: &Target<'_>, ask: &Ask<'_>) -> Result<Request<Full<Bytes>>, FetchError> {
    let path =
        if target.path.starts_with('/') { target.path.to_owned() } else { format!("/{}", target.path) };
    let mut request = Request::builder()
        .uri(path)
        .header(HOST, target.authority)
        .header(ACCEPT, ask.accept)
        .header(CONNECTION, "close")
        .header(USER_AGENT, HeaderValue::from_static(concat!("chancery/", env!("CARGO_PKG_VERSION"))));
    if let Some(secret) = &ask.authorization {
        let mut value =
            HeaderValue::from_str(secret.expose_secret()).map_err(|_| FetchError::Authorization)?;
        value.set_sensitive(true);
        request = request.header(AUTHORIZATION, value);
    }
    let (kind, body) = match &ask.post {
        Some(Post::Form(form)) => ("application/x-www-form-urlencoded", form),
        Some(Post::Json(json)) => ("application/json", json),
        None => return request.body(Full::default()).map_err(|_| FetchError::Url),
    };
    request = request.method(Method::POST).header(CONTENT_TYPE, kind);
    let body = Bytes::copy_from_slice(body.expose_secret().as_bytes());
    request.body(Full::new(body)).map_err(|_| FetchError::Url)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    fn networks(ranges: &[&str]) -> Networks {
        Networks(ranges.iter().map(|range| range.parse().unwrap()).collect())
    }

    /// A server that says this to everybody, and where it stands.
    async fn server(answer: String) -> u16 {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = socket.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = socket.accept().await {
                let mut seen = [0; 1024];
                let _ = stream.read(&mut seen).await;
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        });
        port
    }

    fn with_length(body: &str) -> String {
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    }

    /// Security case 7: names and addresses of the inner network, however they are written.
    #[tokio::test]
    async fn nothing_within_is_reached() {
        let port = server(with_length("{}")).await;
        let fetcher = Fetcher::new(Networks::default(), None);
        for host in [
            "127.0.0.1",
            "localhost",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "2130706433",
            "0x7f.1",
            "0.0.0.0",
            "169.254.169.254",
            "100.64.0.1",
            "10.0.0.1",
        ] {
            for scheme in ["http", "https"] {
                let error = fetcher.json(&format!("{scheme}://{host}:{port}/"), 100).await.unwrap_err();
                assert_eq!(error, FetchError::Host, "{scheme} {host}");
            }
        }
    }

    #[tokio::test]
    async fn only_urls_of_documents() {
        let fetcher = Fetcher::new(networks(&["127.0.0.0/8"]), None);
        for url in [
            "",
            "client",
            "ftp://127.0.0.1/a",
            "file:///etc/passwd",
            "https://user@127.0.0.1/a",
            "https://127.0.0.1/a#b",
            "https://127.0.0.1\\@evil.example/",
            "https:///a",
            "https://127.0.0.1:99999/a",
        ] {
            assert_eq!(fetcher.json(url, 100).await.unwrap_err(), FetchError::Url, "{url}");
        }
    }

    #[tokio::test]
    async fn what_comes_is_bounded() {
        let fetcher = Fetcher::new(networks(&["127.0.0.1"]), None);
        let large = "1".repeat(200);
        for (answer, error) in [
            (
                "HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\n\r\n".to_owned(),
                FetchError::Redirect,
            ),
            ("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned(), FetchError::Status(404)),
            (with_length(&large), FetchError::TooLarge(100)),
            (format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{large}"), FetchError::TooLarge(100)),
            (with_length("not json"), FetchError::NotJson),
            ("SSH-2.0-OpenSSH_9.2\r\n".to_owned(), FetchError::Unreachable),
            (String::new(), FetchError::Unreachable),
            ("HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{".to_owned(), FetchError::Unreachable),
        ] {
            let port = server(answer.clone()).await;
            let fetched = fetcher.json(&format!("http://127.0.0.1:{port}/doc"), 100).await;
            assert_eq!(fetched.unwrap_err(), error, "{answer}");
        }
        let port = server(with_length("{\"a\":1}")).await;
        let fetched = fetcher.json(&format!("http://127.0.0.1:{port}/doc?b"), 100).await;
        assert_eq!(fetched.unwrap(), serde_json::json!({"a": 1}));
        let untrusted = fetcher.json(&format!("https://127.0.0.1:{port}/doc"), 100).await;
        assert_eq!(untrusted.unwrap_err(), FetchError::Unreachable, "it speaks no TLS");
    }

    #[test]
    fn how_long_a_document_may_be_kept() {
        for (text, seconds) in [
            ("max-age=60", Some(60)),
            ("public, Max-Age=\"7\", immutable", Some(7)),
            ("no-store, max-age=60", Some(0)),
            ("max-age=60, NO-CACHE", Some(0)),
            ("public", None),
            ("max-age=soon", None),
            ("", None),
        ] {
            assert_eq!(max_age(text), seconds, "{text}");
        }
    }

    #[tokio::test]
    async fn slow_ones_are_left() {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = socket.local_addr().unwrap().port();
        let patience = Duration::from_millis(20);
        let fetcher = Fetcher { patience, ..Fetcher::new(networks(&["127.0.0.1"]), None) };
        let fetched = fetcher.json(&format!("http://127.0.0.1:{port}/"), 100).await;
        assert_eq!(fetched.unwrap_err(), FetchError::TooSlow);
    }
}
