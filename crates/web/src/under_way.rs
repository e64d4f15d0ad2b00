//! The requests of one connection that are under way. At shutdown they are waited for, and a connection without any is not:
//! anybody can open one.

use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::sleep;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// Counted by connection: one count for all would be fought for by all cores.
#[derive(Clone, Debug)]
pub(crate) struct UnderWay {
    now: TaskTracker,
    /// Of all times, so that one that came and went is noticed.
    begun: Arc<AtomicU32>,
    closes_itself: Arc<AtomicBool>,
}

impl UnderWay {
    pub(crate) fn new() -> Self {
        Self { now: TaskTracker::new(), begun: Arc::default(), closes_itself: Arc::default() }
    }

    /// A request is there; it is under way until its answer is, too.
    pub(crate) fn begin(&self) -> TaskTrackerToken {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.now.token()
    }

    /// The connection ends by itself at shutdown once its last answer is out. While it does not, that answer is still being read.
    pub(crate) fn closes_itself(&self) {
        self.closes_itself.store(true, Ordering::Release);
    }

    fn is_empty(&self) -> bool {
        self.now.is_empty()
    }

    /// Whether an answer is still to be made, or to be read.
    pub(crate) fn is_unfinished(&self) -> bool {
        let is_being_read =
            self.closes_itself.load(Ordering::Acquire) && self.begun.load(Ordering::Relaxed) > 0;
        is_being_read || !self.is_empty()
    }

    /// Waits until there was no request for that long.
    pub(crate) async fn none_for(&self, quiet: Duration) {
        // Only so that there is an end to wait for: requests may begin all the same. Not sooner, since from now on the last request
        // of each moment looks for whoever waits.
        self.now.close();
        loop {
            self.now.wait().await;
            let begun = self.begun.load(Ordering::Relaxed);
            sleep(quiet).await;
            if begun > 0 && self.closes_itself.load(Ordering::Acquire) {
                return pending().await;
            }
            if self.is_empty() && self.begun.load(Ordering::Relaxed) == begun {
                return;
            }
        }
    }
}

/// The body of an answer, whose request is under way until the connection has taken all of it.
#[derive(Debug)]
pub(crate) struct Tracked {
    body: Body,
    _request: TaskTrackerToken,
}

impl Tracked {
    pub(crate) const fn new(body: Body, request: TaskTrackerToken) -> Self {
        Self { body, _request: request }
    }
}

impl http_body::Body for Tracked {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::Arc;

    use axum::Router;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::Semaphore;
    use tokio::task::JoinHandle;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::{Limits, Listener, Tls, serve};

    /// A grace that no test waits for: what ends before it was not waited for.
    fn limits() -> Limits {
        Limits {
            linger: Duration::from_millis(20),
            quiet: Duration::from_millis(300),
            grace: Duration::from_secs(60),
            ..Limits::default()
        }
    }

    struct Server {
        addr: SocketAddr,
        shutdown: CancellationToken,
        running: JoinHandle<bool>,
        /// What `/held` waits for, and what says that it does.
        release: Arc<Semaphore>,
        held: Arc<Semaphore>,
    }

    async fn start(limits: Limits, tls: Option<Arc<Tls>>) -> Server {
        let (release, held) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let (releasing, holding) = (Arc::clone(&release), Arc::clone(&held));
        let wait = move || {
            let (release, held) = (Arc::clone(&releasing), Arc::clone(&holding));
            async move {
                held.add_permits(1);
                release.acquire().await.unwrap().forget();
                "done"
            }
        };
        let routes = Router::new()
            .route("/", get(|| async { "here" }))
            .route("/held", get(wait))
            .route("/long", get(long));
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = socket.local_addr().unwrap();
        let listener = match tls {
            Some(tls) => Listener::Tls(socket, tls),
            None => Listener::Plain(socket),
        };
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(serve(routes, vec![listener], limits, shutdown.clone()));
        Server { addr, shutdown, running, release, held }
    }

    /// More than the sockets of both sides hold.
    async fn long() -> String {
        "x".repeat(16 << 20) + "end"
    }

    async fn sent(addr: SocketAddr, bytes: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream
    }

    async fn rest(mut stream: TcpStream) -> String {
        let mut answer = String::new();
        // What is cut may be reset.
        let _ = stream.read_to_string(&mut answer).await;
        answer
    }

    fn certificate() -> (rcgen::CertifiedKey<rcgen::KeyPair>, Arc<Tls>) {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let (cert, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let tls = Arc::new(Tls::from_pem(cert.as_bytes(), key.as_bytes()).unwrap());
        (made, tls)
    }

    #[tokio::test]
    async fn half_a_header_holds_nothing_up() {
        let server = start(limits(), None).await;
        let stream = sent(server.addr, b"GET / HTT").await;
        server.shutdown.cancel();
        assert!(server.running.await.unwrap(), "no request was cut");
        assert_eq!(rest(stream).await, "");
    }

    #[tokio::test]
    async fn a_header_that_comes_to_its_end_is_answered() {
        let patient = Limits { quiet: Duration::from_secs(30), ..limits() };
        let server = start(patient, None).await;
        let mut stream = sent(server.addr, b"GET / HTT").await;
        server.shutdown.cancel();
        stream.write_all(b"P/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let answer = rest(stream).await;
        assert!(answer.ends_with("here") && answer.contains("connection: close"), "{answer}");
        assert!(server.running.await.unwrap());
    }

    /// One request before it makes no difference: anybody can ask for something first.
    #[tokio::test]
    async fn half_a_second_header_holds_nothing_up() {
        let server = start(limits(), None).await;
        let mut stream = sent(server.addr, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
        let mut answer = Vec::new();
        while !answer.ends_with(b"here") {
            answer.push(stream.read_u8().await.unwrap());
        }
        stream.write_all(b"GET / HTT").await.unwrap();
        server.shutdown.cancel();
        let ended = tokio::time::timeout(Duration::from_secs(20), server.running).await;
        assert!(ended.expect("it ends long before the grace").unwrap(), "no request was cut");
        assert_eq!(rest(stream).await, "");
    }

    /// A client that begins a handshake and says no more.
    #[tokio::test]
    async fn half_a_handshake_holds_nothing_up() {
        let server = start(limits(), Some(certificate().1)).await;
        let stream = sent(server.addr, b"\x16\x03\x01\x02\x00\x01").await;
        server.shutdown.cancel();
        assert!(server.running.await.unwrap());
        assert_eq!(rest(stream).await, "");
    }

    /// Such a client answers no PING either, by which the library finds out that it may close.
    #[tokio::test]
    async fn a_silent_client_of_http2_holds_nothing_up() {
        let (made, tls) = certificate();
        let server = start(limits(), Some(tls)).await;
        let mut roots = rustls::RootCertStore::empty();
        roots.add(made.cert.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap();
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let stream = TcpStream::connect(server.addr).await.unwrap();
        let mut stream = connector.connect("localhost".try_into().unwrap(), stream).await.unwrap();
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
        let mut frame = [0; 9];
        stream.read_exact(&mut frame).await.unwrap();
        server.shutdown.cancel();
        assert!(server.running.await.unwrap());
    }

    /// However long a request takes, it is no connection without one.
    #[tokio::test]
    async fn a_request_is_waited_for() {
        let brief = Limits { quiet: Duration::from_millis(1), ..limits() };
        let server = start(brief, None).await;
        let stream = sent(server.addr, b"GET /held HTTP/1.1\r\nhost: x\r\n\r\n").await;
        server.held.acquire().await.unwrap().forget();
        let idle = sent(server.addr, b"GET / HTT").await;
        server.shutdown.cancel();
        assert_eq!(rest(idle).await, "", "this one is cut meanwhile");
        server.release.add_permits(1);
        assert!(rest(stream).await.ends_with("done"));
        assert!(server.running.await.unwrap());
    }

    /// The library has taken all of an answer long before a client that reads slowly has.
    #[tokio::test]
    async fn an_answer_is_waited_for_until_it_is_read() {
        let brief = Limits { quiet: Duration::from_millis(1), ..limits() };
        let server = start(brief, None).await;
        let stream = sent(server.addr, b"GET /long HTTP/1.1\r\nhost: x\r\n\r\n").await;
        stream.readable().await.unwrap();
        server.shutdown.cancel();
        let mut running = server.running;
        let early = tokio::time::timeout(Duration::from_millis(300), &mut running).await;
        assert!(early.is_err(), "it is being read");
        assert!(rest(stream).await.ends_with("xxxend"));
        assert!(running.await.unwrap());
    }

    #[tokio::test]
    async fn a_request_that_is_cut_is_told_of() {
        let hasty = Limits { grace: Duration::from_millis(1), ..limits() };
        let server = start(hasty, None).await;
        let stream = sent(server.addr, b"GET /held HTTP/1.1\r\nhost: x\r\n\r\n").await;
        server.held.acquire().await.unwrap().forget();
        server.shutdown.cancel();
        assert!(!server.running.await.unwrap());
        assert_eq!(rest(stream).await, "");
    }
}
