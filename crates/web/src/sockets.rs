//! What the system is asked for about sockets, beside bytes.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

/// Connections that the system holds until they are taken. With the 128 of the standard library a rush is not told anything:
/// the system drops the surplus, and clients ask again after a second.
const BACKLOG: i32 = 4096;

/// Listening once more sets the length anew. Systems that know no such thing keep what there is.
pub(crate) fn lengthen_queue(socket: &TcpListener) {
    if let Err(e) = socket2::SockRef::from(socket).listen(BACKLOG) {
        tracing::debug!("the queue of connections keeps its length: {e}");
    }
}

/// The system ends a connection whose peer takes nothing for that long (RFC 5482).
#[cfg(target_os = "linux")]
pub(crate) fn cut_unless_read(stream: &TcpStream, after: Duration) -> io::Result<()> {
    socket2::SockRef::from(stream).set_tcp_user_timeout(Some(after))
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn cut_unless_read(_: &TcpStream, _: Duration) -> io::Result<()> {
    Ok(())
}

/// A connection that waits already, or nothing.
pub(crate) async fn accept_now(socket: &TcpListener) -> Option<io::Result<(TcpStream, SocketAddr)>> {
    let accepted = pin!(socket.accept());
    tokio::select! {
        biased;
        accepted = accepted => Some(accepted),
        () = std::future::ready(()) => None,
    }
}

/// The client went away while it waited in the queue.
pub(crate) fn is_connection_error(e: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(e.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
