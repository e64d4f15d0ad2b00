//! Connections: accepted, limited in every direction, and let go without losing a request.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
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
use tower::Service;

use crate::{Peer, Tls};

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
    /// How long headers may take, and how long a connection may be idle. Default 10 s.
    pub header_timeout: Duration,
    /// At shutdown, how long idle connections are kept open, so that a request on its way to us is still answered (with
    /// `Connection: close`). Ends at once when the last connection does. Default 1 s.
    pub linger: Duration,
    /// At shutdown, how long requests may take to finish. Default 30 s.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            headers: 64 * 1024,
            header_timeout: Duration::from_secs(10),
            linger: Duration::from_secs(1),
            grace: Duration::from_secs(30),
        }
    }
}

/// Serves until `shutdown`, then finishes what has begun: connections already in the system's queue are taken, requests
/// on their way are answered, and only then are connections closed. Returns whether everything finished within the grace.
pub async fn serve(
    router: Router,
    listeners: Vec<Listener>,
    limits: Limits,
    shutdown: CancellationToken,
) -> bool {
    let server = Arc::new(Server {
        router,
        slots: Arc::new(Semaphore::new(limits.connections)),
        limits,
        connections: TaskTracker::new(),
        draining: AtomicBool::new(false),
        close_idle: CancellationToken::new(),
        abort: CancellationToken::new(),
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
    let done = timeout(server.limits.grace, server.connections.wait()).await.is_ok();
    server.abort.cancel();
    done
}

struct Server {
    router: Router,
    limits: Limits,
    slots: Arc<Semaphore>,
    connections: TaskTracker,
    /// Answers close their connections.
    draining: AtomicBool,
    /// Idle connections are closed.
    close_idle: CancellationToken,
    /// All are.
    abort: CancellationToken,
}

impl Server {
    async fn accept_all(self: Arc<Self>, listener: Listener, shutdown: CancellationToken) {
        let (socket, tls) = match listener {
            Listener::Plain(socket) => (socket, None),
            Listener::Tls(socket, tls) => (socket, Some(tls)),
        };
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
            let abort = server.abort.clone();
            let connection = pin!(server.connection(stream, addr, tls));
            // Aborting drops the connection, which closes it.
            abort.run_until_cancelled(connection).await;
            drop(slot);
        });
    }

    async fn connection(self: Arc<Self>, stream: TcpStream, addr: SocketAddr, tls: Option<Arc<Tls>>) {
        // Small answers leave at once.
        if let Err(e) = stream.set_nodelay(true) {
            tracing::debug!("TCP_NODELAY: {e}");
        }
        let Some(tls) = tls else { return self.http1(stream, Peer { addr, tls: false }).await };
        let peer = Peer { addr, tls: true };
        match timeout(self.limits.header_timeout, tls.acceptor().accept(stream)).await {
            Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(b"h2") => {
                self.http2(stream, peer).await;
            }
            Ok(Ok(stream)) => self.http1(stream, peer).await,
            Ok(Err(e)) => tracing::debug!("TLS handshake: {e}"),
            Err(_) => tracing::debug!("TLS handshake: too slow"),
        }
    }

    async fn http1<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S, peer: Peer) {
        // In a box, because only what can be moved gives its socket back below.
        let service = service_fn(|request| Box::pin(self.call(request, peer)));
        let mut connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.header_timeout)
            .max_header_size(self.limits.headers)
            .max_headers(MOST_HEADERS)
            .serve_connection(TokioIo::new(stream), service);
        let mut told = false;
        let outcome = loop {
            tokio::select! {
                outcome = poll_fn(|cx| connection.poll_without_shutdown(cx)) => break outcome,
                () = self.close_idle.cancelled(), if !told => {
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
            if e.is_timeout() && !parts.read_buf.is_empty() && stream.write_all(TOO_SLOW).await.is_err() {
                return;
            }
        }
        close(stream).await;
    }

    async fn http2<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        self: &Arc<Self>,
        stream: S,
        peer: Peer,
    ) {
        let server = Arc::clone(self);
        let service = service_fn(move |request| {
            let server = Arc::clone(&server);
            async move { server.call(request, peer).await }
        });
        let mut connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_header_list_size(u32::try_from(self.limits.headers).unwrap_or(u32::MAX))
            .max_concurrent_streams(MOST_STREAMS)
            .keep_alive_interval(KEEP_ALIVE)
            .keep_alive_timeout(self.limits.header_timeout)
            .serve_connection(TokioIo::new(stream), service);
        let mut told = false;
        let outcome = loop {
            tokio::select! {
                outcome = &mut connection => break outcome,
                () = self.close_idle.cancelled(), if !told => {
                    told = true;
                    Pin::new(&mut connection).graceful_shutdown();
                }
            }
        };
        if let Err(e) = outcome {
            tracing::debug!("connection: {e}");
        }
    }

    async fn call(&self, request: Request<Incoming>, peer: Peer) -> Result<Response, Infallible> {
        let http1 = request.version() < Version::HTTP_2;
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        // A router is always ready.
        let mut response = self.router.clone().call(request).await?;
        if http1 && self.draining.load(Ordering::Acquire) {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response)
    }
}

type Slot = Option<tokio::sync::OwnedSemaphorePermit>;

const MOST_HEADERS: usize = 100;
const MOST_STREAMS: u32 = 200;
const KEEP_ALIVE: Duration = Duration::from_secs(30);
const TOO_SLOW: &[u8] = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// A connection that waits already, or nothing.
async fn accept_now(socket: &TcpListener) -> Option<io::Result<(TcpStream, SocketAddr)>> {
    let accepted = pin!(socket.accept());
    tokio::select! {
        biased;
        accepted = accepted => Some(accepted),
        () = std::future::ready(()) => None,
    }
}

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

/// The client went away while it waited in the queue.
fn is_connection_error(e: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(e.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
