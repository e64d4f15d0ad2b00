//! The end of a server: whoever asks whether it is ready is told no at once, and what was begun is finished.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use chancery::dev::ReadyFile;

use crate::process::{Running, ask, chancery, start, wait_for};

#[test]
fn told_to_stop_it_is_not_ready_and_finishes() {
    let folder = tempfile::tempdir().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let metrics = format!("127.0.0.1:{port}");
    let sockets = ["dev", "--http", "127.0.0.1:0", "--https", "127.0.0.1:0", "--ready-file", "r"];
    let mut server = start(folder.path(), &[&sockets[..], &["--metrics", &metrics]].concat());
    wait_for(&folder.path().join("r"));
    let ready = ReadyFile::read(&folder.path().join("r")).unwrap();
    let authority = ready.issuer.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let address = authority.replace("localhost", "127.0.0.1");
    assert!(ask(&metrics, "/readyz").starts_with("HTTP/1.1 200"));

    // A request whose body is still on its way, and a connection that a proxy keeps.
    let mut slow = TcpStream::connect(&address).unwrap();
    let body = "grant_type=nonsense";
    let head = format!(
        "POST /oauth/token HTTP/1.1\r\nhost: {authority}\r\ncontent-length: {}\r\n\
         content-type: application/x-www-form-urlencoded\r\n\r\n",
        body.len()
    );
    slow.write_all(format!("{head}{}", &body[..5]).as_bytes()).unwrap();
    let mut kept = TcpStream::connect(&address).unwrap();
    assert!(probe(&mut kept, &authority).starts_with("HTTP/1.1 200"));

    let told = Instant::now();
    assert!(Command::new("kill").arg(server.0.id().to_string()).status().unwrap().success());
    let mut answer = ask(&metrics, "/readyz");
    while answer.starts_with("HTTP/1.1 200") && told.elapsed() < Duration::from_secs(2) {
        answer = ask(&metrics, "/readyz");
    }
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("the server is stopping"), "{answer}");
    // Closed, where this machine was so busy that the time for last words is over.
    let answer = probe(&mut kept, &authority);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(ask(&metrics, "/healthz").starts_with("HTTP/1.1 200"), "it lives");

    slow.write_all(&body.as_bytes()[5..]).unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("unsupported_grant_type") && answer.contains("connection: close"), "{answer}");
    assert!(server.0.wait().unwrap().success());
    assert!(TcpStream::connect(&metrics).is_err());
}

/// Whoever read its log is gone: requests are answered all the same, and it ends well.
#[test]
fn a_log_that_nobody_reads_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let sockets = ["dev", "--http", "127.0.0.1:0", "--https", "127.0.0.1:0", "--ready-file", "r"];
    let mut command = chancery(folder.path(), &[&sockets[..], &["--log", "trace"]].concat());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stderr.take());
    let mut server = Running(child);
    wait_for(&folder.path().join("r"));
    let ready = ReadyFile::read(&folder.path().join("r")).unwrap();
    let authority = ready.issuer.trim_start_matches("http://").trim_end_matches('/').to_owned();
    for _ in 0..3 {
        let answer = ask(&authority, "/.well-known/openid-configuration");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    assert!(Command::new("kill").arg(server.0.id().to_string()).status().unwrap().success());
    let status = server.0.wait().unwrap();
    assert!(status.success(), "{status}");
}

/// What one read brings: the answer is small. Empty where the connection is closed.
fn probe(stream: &mut TcpStream, authority: &str) -> String {
    let sent = stream.write_all(format!("GET /readyz HTTP/1.1\r\nhost: {authority}\r\n\r\n").as_bytes());
    let mut buffer = [0; 4096];
    let read = sent.and_then(|()| stream.read(&mut buffer)).unwrap_or_default();
    String::from_utf8_lossy(&buffer[..read]).into_owned()
}
