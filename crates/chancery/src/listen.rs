//! Sockets, and the origins that follow from them.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};

use anyhow::{Context, Result, bail};

/// Sockets bound to every address that a name stands for: `localhost:4000` is 127.0.0.1 and ::1. With port 0 the
/// system chooses one, the same for all.
///
/// # Errors
/// In one sentence: the name is unknown, the port is taken, or not for us.
pub fn bind(address: &str, flag: &str) -> Result<Vec<TcpListener>> {
    let with_port = if address.rsplit(']').next().is_some_and(|tail| tail.contains(':')) {
        address.to_owned()
    } else {
        bail!("{flag} {address}: an address has a port, as in localhost:4000")
    };
    let mut addresses: Vec<SocketAddr> = with_port
        .to_socket_addrs()
        .with_context(|| format!("{flag} {address}: there is no such address"))?
        .collect();
    // IPv4 first: it is there on every machine, so its port is the one to agree on.
    addresses.sort_by_key(SocketAddr::is_ipv6);
    addresses.dedup();
    let wants_any_port = addresses.iter().any(|found| found.port() == 0);
    for _ in 0..ATTEMPTS {
        match bind_all(&addresses) {
            Ok(sockets) => return Ok(sockets),
            // Another program has the port that the system chose, on the other address family.
            Err(error) if wants_any_port && error.kind() == ErrorKind::AddrInUse => {}
            Err(error) => bail!("{}", explain(flag, address, &error)),
        }
    }
    bail!("{flag} {address}: no port is free on every address")
}

const ATTEMPTS: usize = 20;

fn bind_all(addresses: &[SocketAddr]) -> std::io::Result<Vec<TcpListener>> {
    let mut sockets = Vec::<TcpListener>::new();
    for address in addresses {
        let mut address = *address;
        if address.port() == 0
            && let Some(first) = sockets.first()
        {
            address.set_port(first.local_addr()?.port());
        }
        match TcpListener::bind(address) {
            Ok(socket) => {
                socket.set_nonblocking(true)?;
                sockets.push(socket);
            }
            // Containers often know ::1 by name and have no IPv6.
            Err(error)
                if address.is_ipv6()
                    && !sockets.is_empty()
                    && error.kind() == ErrorKind::AddrNotAvailable => {}
            Err(error) => return Err(error),
        }
    }
    if sockets.is_empty() { Err(ErrorKind::AddrNotAvailable.into()) } else { Ok(sockets) }
}

fn explain(flag: &str, address: &str, error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::AddrInUse => {
            format!("{flag} {address}: another program listens there already; choose another port")
        }
        ErrorKind::PermissionDenied => {
            format!("{flag} {address}: this user may not listen there; choose a port above 1023")
        }
        _ => format!("{flag} {address}: {error}"),
    }
}

/// The port of bound sockets; `None` where there are none.
pub fn port(sockets: &[TcpListener]) -> Option<u16> {
    sockets.first()?.local_addr().ok().map(|address| address.port())
}

/// An address of [`bind`] with the port that it came to.
pub fn with_port(address: &str, port: u16) -> String {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    format!("{host}:{port}")
}

/// `http://localhost:4000`; the default port of the scheme is left out, as browsers do.
pub fn origin(scheme: &str, host: &str, port: u16) -> String {
    let host =
        if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() };
    match (scheme, port) {
        ("http", 80) | ("https", 443) => format!("{scheme}://{host}"),
        _ => format!("{scheme}://{host}:{port}"),
    }
    .to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins() {
        assert_eq!(origin("http", "localhost", 4000), "http://localhost:4000");
        assert_eq!(origin("http", "Auth.Example", 80), "http://auth.example");
        assert_eq!(origin("https", "auth.example", 443), "https://auth.example");
        assert_eq!(origin("https", "::1", 443), "https://[::1]");
        assert_eq!(origin("https", "auth.example", 80), "https://auth.example:80");
    }

    #[test]
    fn ports_that_the_system_chose() {
        assert_eq!(with_port("localhost:0", 4000), "localhost:4000");
        assert_eq!(with_port("[::1]:0", 9464), "[::1]:9464");
        assert_eq!(with_port("127.0.0.1:9464", 9464), "127.0.0.1:9464");
    }

    #[test]
    fn one_port_for_every_address() {
        let sockets = bind("localhost:0", "--http").unwrap();
        let port = port(&sockets).unwrap();
        assert!(sockets.iter().all(|socket| socket.local_addr().unwrap().port() == port));
        let error = bind(&format!("localhost:{port}"), "--http").unwrap_err().to_string();
        assert!(error.contains("another program listens there"), "{error}");
    }

    #[test]
    fn what_cannot_be_bound_is_explained() {
        for address in ["localhost", "nowhere.invalid:1", "[::1]"] {
            let error = bind(address, "--https").unwrap_err().to_string();
            assert!(error.contains("--https") && error.contains(address), "{error}");
        }
    }
}
