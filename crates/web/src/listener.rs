//! Connections: accepted, limited in every direction, and let go without losing a request.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::header::{CONNECTION, HeaderValue};
use http::{Request, Version};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::seldom::Seldom;
use crate::sockets::{accept_now, cut_unless_read, is_connection_error, lengthen_queue};
use crate::under_way::{Tracked, UnderWay};
use crate::worded::{Worded, too_slow};
use crate::{Answers, Caller, Peer, Tls};

/// A bound socket, with or without TLS.
#[derive(Debug)]
pub enum Listener {
    /// HTTP/1.1.
    Plain(TcpListener),
    /// HTTP/1.1 and HTTP/2.
    Tls(TcpListener, Arc<Tls>),
}

/// How much a client may take. The defaults suit the internet.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at a time; further ones wait in the system's queue. Default 10,000.
    pub connections: usize,
    /// Bytes of request line and headers; more is answered with 431. Default 64 KiB.
    pub headers: usize,
    /// How long headers may take, and how long a connection may be idle. Default 60 s: clients that reuse connections and do
    /// not look after them while they work, such as tools in Node, find one that was just closed when it is shorter.
    pub header_timeout: Duration,
    /// How long what was answered may lie unread before the connection is cut. Default 30 s; on Linux only.
    pub write_timeout: Duration,
    /// At shutdown, how long idle connections are kept open, so that a request on its way to us is still answered (with
    /// `Connection: close`). Ends at once when the last connection does. Default 1 s.
    pub linger: Duration,
    /// At shutdown, after that, how long a connection is kept that has no request: one that is half sent has this long to come
    /// to the end of its headers. Default 3 s.
    pub quiet: Duration,
    /// At shutdown, how long requests may take to finish. Default 30 s.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            headers: 64 * 1024,
            header_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(30),
            linger: Duration::from_secs(1),
            quiet: Duration::from_secs(3),
            grace: Duration::from_secs(30),
        }
    }
}

/// Serves until `shutdown`, then finishes what has begun: connections already in the system's queue are taken, requests
/// on their way are answered, and only then are connections closed. Returns whether every request was answered within the
/// grace. A connection without a request is not waited for as long: anybody can open one.
pub async fn serve<A: Answers>(
    front: A,
    listeners: Vec<Listener>,
    limits: Limits,
    shutdown: CancellationToken,
) -> bool {
    let server = Arc::new(Server {
        front,
        slots: Arc::new(Semaphore::new(limits.connections)),
        limits,
        connections: TaskTracker::new(),
        draining: AtomicBool::new(false),
        close_idle: CancellationToken::new(),
        abort: CancellationToken::new(),
        has_cut: AtomicBool::new(false),
    });
    let accepting = TaskTracker::new();
    for listener in listeners {
        accepting.spawn(Arc::clone(&server).accept_all(listener, shutdown.clone()));
    }
    accepting.close();
    accepting.wait().await;
    server.connections.close();
    let finished = server.connections.wait();
    if timeout(server.limits.linger, finished).await.is_ok() {
        return true;
    }
    server.close_idle.cancel();
    if timeout(server.limits.grace, server.connections.wait()).await.is_ok() {
        return true;
    }
    server.abort.cancel();
    server.connections.wait().await;
    !server.has_cut.load(Ordering::Acquire)
}

struct Server<A> {
    front: A,
    limits: Limits,
    slots: Arc<Semaphore>,
    connections: TaskTracker,
    /// Answers close their connections.
    draining: AtomicBool,
    /// Idle connections are closed.
    close_idle: CancellationToken,
    /// All are.
    abort: CancellationToken,
    /// One of them had a request.
    has_cut: AtomicBool,
}

impl<A: Answers> Server<A> {
    async fn accept_all(self: Arc<Self>, listener: Listener, shutdown: CancellationToken) {
        let (socket, tls) = match listener {
            Listener::Plain(socket) => (socket, None),
            Listener::Tls(socket, tls) => (socket, Some(tls)),
        };
        lengthen_queue(&socket);
        loop {
            let slot = tokio::select! {
                slot = Arc::clone(&self.slots).acquire_owned() => slot,
                () = shutdown.cancelled() => break,
            };
            let Ok(slot) = slot else { break };
            let accepted = tokio::select! {
                accepted = socket.accept() => accepted,
                () = shutdown.cancelled() => break,
            };
            match accepted {
                Ok((stream, addr)) => self.begin(stream, addr, (tls.clone(), Some(slot))),
                Err(e) if is_connection_error(&e) => {}
                Err(e) => {
                    // Out of file descriptors: nothing helps but waiting for others to finish.
                    tracing::error!("a connection could not be accepted: {e}");
                    sleep(Duration::from_millis(100)).await;
                }
            }
        }
        self.draining.store(true, Ordering::Release);
        // Clients in the queue believe that they are connected: closing the socket now would reset them.
        while let Some(Ok((stream, addr))) = accept_now(&socket).await {
            self.begin(stream, addr, (tls.clone(), None));
        }
    }

    fn begin(self: &Arc<Self>, stream: TcpStream, addr: SocketAddr, (tls, slot): (Option<Arc<Tls>>, Slot)) {
        let server = Arc::clone(self);
        self.connections.spawn(async move {
            let requests = UnderWay::new();
            let connection = pin!(Arc::clone(&server).connection(stream, (addr, tls), &requests));
            let end = pin!(server.end(&requests));
            // Its end drops the connection, which closes it. What is done wins: only what is not was cut.
            tokio::select! {
                biased;
                () = connection => {}
                is_cut = Seldom::new(end) => {
                    if is_cut {
                        server.has_cut.store(true, Ordering::Release);
                    }
                }
            }
            drop(slot);
        });
    }

    /// At shutdown, when a connection must go: it had no request for a while, or the time is over. Says whether a request was cut.
    async fn end(&self, requests: &UnderWay) -> bool {
        self.close_idle.cancelled().await;
        tokio::select! {
            () = requests.none_for(self.limits.quiet) => false,
            () = self.abort.cancelled() => requests.is_unfinished(),
        }
    }

    async fn connection(
        self: Arc<Self>,
        stream: TcpStream,
        (addr, tls): (SocketAddr, Option<Arc<Tls>>),
        requests: &UnderWay,
    ) {
        // Small answers leave at once.
        if let Err(e) = stream.set_nodelay(true) {
            tracing::debug!("TCP_NODELAY: {e}");
        }
        if let Err(e) = cut_unless_read(&stream, self.limits.write_timeout) {
            tracing::debug!("TCP_USER_TIMEOUT: {e}");
        }
        let Some(tls) = tls else {
            let caller = Caller { peer: Peer { addr, tls: false }, certificate: None };
            return self.http1(stream, caller, requests).await;
        };
        match timeout(self.limits.header_timeout.min(HANDSHAKE), tls.acceptor().accept(stream)).await {
            Ok(Ok(stream)) => {
                let connection = stream.get_ref().1;
                let caller = Caller { peer: Peer { addr, tls: true }, certificate: tls.shown(connection) };
                match connection.alpn_protocol() {
                    Some(b"h2") => self.http2(stream, caller, requests.clone()).await,
                    _ => self.http1(stream, caller, requests).await,
                }
            }
            Ok(Err(e)) => tracing::debug!("TLS handshake: {e}"),
            Err(_) => tracing::debug!("TLS handshake: too slow"),
        }
    }

    async fn http1<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S, caller: Caller, requests: &UnderWay) {
        requests.closes_itself();
        // In a box, because only what can be moved gives its socket back below.
        let service = service_fn(|request| Box::pin(self.call(request, &caller, requests.begin())));
        let mut connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.header_timeout)
            .max_header_size(self.limits.headers)
            .max_headers(MOST_HEADERS)
            .serve_connection(TokioIo::new(Worded::new(stream)), service);
        let mut told = false;
        let end = pin!(self.close_idle.cancelled());
        let mut end = Seldom::new(end);
        let outcome = loop {
            tokio::select! {
                outcome = poll_fn(|cx| connection.poll_without_shutdown(cx)) => break outcome,
                () = &mut end, if !told => {
                    told = true;
                    Pin::new(&mut connection).graceful_shutdown();
                }
            }
        };
        let parts = connection.into_parts();
        let mut stream = parts.io.into_inner();
        if let Err(e) = &outcome {
            tracing::debug!("connection: {e}");
            // The library says nothing to a client whose headers never end; an idle one needs no words.
            if e.is_timeout() && !parts.read_buf.is_empty() && stream.write_all(&too_slow()).await.is_err() {
                return;
            }
        }
        close(stream).await;
    }

    async fn http2<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        self: &Arc<Self>,
        stream: S,
        caller: Caller,
        requests: UnderWay,
    ) {
        let server = Arc::clone(self);
        let service = service_fn(move |request| {
            let (server, caller, under_way) = (Arc::clone(&server), caller.clone(), requests.begin());
            async move { server.call(request, &caller, under_way).await }
        });
        let mut connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_header_list_size(u32::try_from(self.limits.headers).unwrap_or(u32::MAX))
            .max_concurrent_streams(MOST_STREAMS)
            .keep_alive_interval(KEEP_ALIVE)
            .keep_alive_timeout(self.limits.header_timeout)
            .serve_connection(TokioIo::new(stream), service);
        let mut told = false;
        let end = pin!(self.close_idle.cancelled());
        let mut end = Seldom::new(end);
        let outcome = loop {
            tokio::select! {
                outcome = &mut connection => break outcome,
                () = &mut end, if !told => {
                    told = true;
                    Pin::new(&mut connection).graceful_shutdown();
                }
            }
        };
        if let Err(e) = outcome {
            tracing::debug!("connection: {e}");
        }
    }

    async fn call(
        &self,
        request: Request<Incoming>,
        caller: &Caller,
        under_way: TaskTrackerToken,
    ) -> Result<Response<Tracked>, Infallible> {
        let http1 = request.version() < Version::HTTP_2;
        let mut response = self.front.answer(request.map(Body::new), caller).await;
        if http1 && self.draining.load(Ordering::Acquire) {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response.map(|body| Tracked::new(body, under_way)))
    }
}

type Slot = Option<tokio::sync::OwnedSemaphorePermit>;

/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
const MOST_HEADERS: usize = 100;
const MOST_STREAMS: u32 = 200;
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// Says goodbye, then reads on for a moment: closing a socket with unread bytes resets it, and the client would lose the
/// answer (the 431 to a megabyte of headers) that is still on its way.
async fn close<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) {
    if stream.shutdown().await.is_err() {
        return;
    }
    let drain = async {
        let mut scratch = vec![0; 16 * 1024];
        let mut left = DRAIN_MOST;
        while let Ok(n @ 1..) = stream.read(&mut scratch).await {
            left = left.saturating_sub(n);
            if left == 0 {
                break;
            }
        }
    };
    // Whoever keeps sending is cut off.
    let _ = timeout(DRAIN_TIME, drain).await;
}

const DRAIN_MOST: usize = 8 << 20;
const DRAIN_TIME: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;
    use tokio::task::JoinHandle;
    use tokio::time::Instant;

    use super::*;

    fn routes() -> Router {
        Router::new()
            .route("/", get(|request: Request<Body>| async move { format!("{:?}", request.version()) }))
            .route("/large", get(|| async { vec![b'x'; 64 << 20] }))
            .route(
                "/slow",
                get(|| async {
                    sleep(Duration::from_millis(300)).await;
                    "done"
                }),
            )
    }

    fn limits() -> Limits {
        Limits {
            header_timeout: Duration::from_millis(200),
            linger: Duration::from_millis(100),
            grace: Duration::from_secs(2),
            ..Limits::default()
        }
    }

    async fn start(limits: Limits) -> (SocketAddr, CancellationToken, JoinHandle<bool>) {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (addr, shutdown) = (socket.local_addr().unwrap(), CancellationToken::new());
        let running = tokio::spawn(serve(routes(), vec![Listener::Plain(socket)], limits, shutdown.clone()));
        (addr, shutdown, running)
    }

    async fn talk(addr: SocketAddr, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    const SLOW: &[u8] = b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n";

    #[tokio::test]
    async fn a_megabyte_of_headers_is_told_so() {
        let (addr, ..) = start(limits()).await;
        for (line, most) in [("x: y\r\n", 1 << 20), ("x", 1 << 20), ("a: b\r\n", 1000)] {
            let mut request = b"GET / HTTP/1.1\r\nhost: x\r\nbig: ".to_vec();
            request.extend(line.repeat(most / line.len()).into_bytes());
            request.extend(b"\r\n\r\n");
            let answer = talk(addr, &request).await;
            assert!(answer.starts_with("HTTP/1.1 431 "), "{line:?}: {answer:?}");
            assert!(answer.ends_with("too large, or too many\"}"), "{line:?}: {answer:?}");
        }
    }

    #[tokio::test]
    async fn headers_that_never_end_are_told_so() {
        let (addr, ..) = start(limits()).await;
        let began = Instant::now();
        assert!(talk(addr, b"GET / HTTP/1.1\r\nhos").await.starts_with("HTTP/1.1 408 "));
        assert!(talk(addr, b"GET / HTTP/1.1\r\nhost: x\r\n\r\nGET").await.contains("HTTP/1.1 408 "));
        assert_eq!(talk(addr, b"").await, "", "an idle connection is closed without a word");
        assert!(talk(addr, b"\x16\x03\x01 rubbish\r\n\r\n").await.starts_with("HTTP/1.1 400 "));
        assert!(talk(addr, b"GET / HTTP/1.1\r\nhos").await.ends_with("did not arrive in time\"}"));
        assert!(began.elapsed() < Duration::from_secs(5));
    }

    #[tokio::test]
    async fn requests_on_their_way_are_answered_at_shutdown() {
        let (addr, shutdown, running) = start(limits()).await;
        let idle = TcpStream::connect(addr).await.unwrap();
        let busy: Vec<_> = (0..20).map(|_| tokio::spawn(talk(addr, SLOW))).collect();
        sleep(Duration::from_millis(100)).await;
        shutdown.cancel();
        for call in busy {
            let answer = call.await.unwrap();
            assert!(answer.ends_with("done") && answer.contains("connection: close"), "{answer}");
        }
        assert!(running.await.unwrap(), "everything finished");
        drop(idle);
        assert!(TcpStream::connect(addr).await.is_err());
    }

    #[tokio::test]
    async fn connections_in_the_queue_are_served_at_shutdown() {
        let (addr, shutdown, running) = start(Limits { connections: 1, ..limits() }).await;
        let first = tokio::spawn(talk(addr, SLOW));
        sleep(Duration::from_millis(50)).await;
        let queued: Vec<_> = (0..5).map(|_| tokio::spawn(talk(addr, SLOW))).collect();
        sleep(Duration::from_millis(50)).await;
        shutdown.cancel();
        assert!(first.await.unwrap().ends_with("done"));
        for call in queued {
            assert!(call.await.unwrap().ends_with("done"));
        }
        assert!(running.await.unwrap());
    }

    /// There is one place, which is taken, and still nobody is left waiting for the connection itself.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_rush_of_connections_finds_room_in_the_queue() {
        let most = std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap();
        assert!(most.trim().parse::<usize>().unwrap() >= 300, "this system allows no such queue");
        let (addr, ..) = start(Limits { connections: 1, ..Limits::default() }).await;
        let mut all = Vec::new();
        for _ in 0..300 {
            let connected = timeout(Duration::from_secs(30), TcpStream::connect(addr)).await;
            all.push(connected.expect("the system drops nobody").unwrap());
        }
    }

    /// One that asks, never reads and keeps its connection open must not hold its place for ever.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn one_that_never_reads_is_cut_off() {
        let limits =
            Limits { connections: 1, write_timeout: Duration::from_millis(300), ..Limits::default() };
        let (addr, ..) = start(limits).await;
        let mut deaf = TcpStream::connect(addr).await.unwrap();
        deaf.write_all(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        // There is one place: this is answered when the other's is free.
        let answer = timeout(
            Duration::from_secs(20),
            talk(addr, b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"),
        );
        assert!(answer.await.expect("the place is free again").starts_with("HTTP/1.1 200 "));
        drop(deaf);
    }

    #[tokio::test]
    async fn what_does_not_finish_is_cut_off() {
        let limits = Limits { grace: Duration::from_millis(50), ..limits() };
        let (addr, shutdown, running) = start(limits).await;
        let call = tokio::spawn(talk(addr, SLOW));
        sleep(Duration::from_millis(50)).await;
        shutdown.cancel();
        assert!(!running.await.unwrap());
        drop(call);
    }

    /// Whoever shows a certificate is known by it, of an authority or not; whoever shows none is served too.
    #[tokio::test]
    async fn certificates_are_asked_for() {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let authority = rcgen::generate_simple_self_signed(vec!["client.example".to_owned()]).unwrap();
        let stranger = rcgen::generate_simple_self_signed(vec!["client.example".to_owned()]).unwrap();
        let mut trusted = rustls::RootCertStore::empty();
        trusted.add(authority.cert.der().clone()).unwrap();
        let clock = Arc::new(crate::testing::TestClock(crate::testing::NOW_MS.into()));
        let asks = crate::ClientCertificates::new(Some(trusted), clock).unwrap();
        let (cert, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let tls = Arc::new(Tls::that_asks(cert.as_bytes(), key.as_bytes(), asks).unwrap());
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = socket.local_addr().unwrap();
        let said = get(|request: Request<Body>| async move {
            let shown = request.extensions().get::<Arc<crate::ShownCertificate>>();
            shown.map_or("none".to_owned(), |shown| format!("{} {}", shown.thumbprint, shown.is_trusted))
        });
        let routes = Router::new().route("/", said);
        tokio::spawn(serve(routes, vec![Listener::Tls(socket, tls)], limits(), CancellationToken::new()));

        let mut roots = rustls::RootCertStore::empty();
        roots.add(made.cert.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        for (own, is_trusted) in [(None, false), (Some(&authority), true), (Some(&stranger), false)] {
            let config = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(roots.clone());
            let config = match own {
                Some(own) => {
                    let key = rustls_pki_types::PrivatePkcs8KeyDer::from(own.signing_key.serialize_der());
                    config.with_client_auth_cert(vec![own.cert.der().clone()], key.into()).unwrap()
                }
                None => config.with_no_client_auth(),
            };
            let stream = TcpStream::connect(addr).await.unwrap();
            let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
            let mut stream = connector.connect("localhost".try_into().unwrap(), stream).await.unwrap();
            stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            let expected = own.map_or("none".to_owned(), |own| {
                let thumbprint = chancery_jose::base64url(&chancery_jose::sha256(own.cert.der()));
                format!("{thumbprint} {is_trusted}")
            });
            assert!(answer.ends_with(&expected), "{answer} {expected}");
        }
    }

    #[tokio::test]
    async fn tls_offers_both_versions() {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let (cert, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let tls = Arc::new(Tls::from_pem(cert.as_bytes(), key.as_bytes()).unwrap());
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (addr, shutdown) = (socket.local_addr().unwrap(), CancellationToken::new());
        let running =
            tokio::spawn(serve(routes(), vec![Listener::Tls(socket, tls)], limits(), shutdown.clone()));

        let mut roots = rustls::RootCertStore::empty();
        roots.add(made.cert.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap();
        let config = config.with_root_certificates(roots).with_no_client_auth();
        for alpn in ["h2", "http/1.1"] {
            let mut config = config.clone();
            config.alpn_protocols = vec![alpn.as_bytes().to_vec()];
            let stream = TcpStream::connect(addr).await.unwrap();
            let name = "localhost".try_into().unwrap();
            let mut stream =
                tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
            assert_eq!(stream.get_ref().1.alpn_protocol(), Some(alpn.as_bytes()));
            if alpn == "h2" {
                // The preface and empty settings, which the server answers with settings of its own.
                stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
                let mut frame = [0; 9];
                stream.read_exact(&mut frame).await.unwrap();
                assert_eq!(frame[3], 4);
            } else {
                stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
                let mut answer = String::new();
                stream.read_to_string(&mut answer).await.unwrap();
                assert!(answer.ends_with("HTTP/1.1"), "{answer}");
            }
        }
        // A client that speaks plain HTTP to TLS is sent away, not left hanging.
        assert!(!talk(addr, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.starts_with("HTTP/1.1 200"));
        shutdown.cancel();
        assert!(running.await.unwrap());
    }
}
