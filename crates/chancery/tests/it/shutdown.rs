//! The end of a server: whoever asks whether it is ready is told no at once, and what was begun is finished.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use chancery::dev::ReadyFile;

use crate::process::{Running, ask, chancery, start, wait_for};

#[test]
fn told_to_stop_it_is_not_ready_and_finishes() {
    let folder = tempfile::tempdir().unwrap();
    let sockets = ["dev", "--http", "127.0.0.1:0", "--https", "127.0.0.1:0", "--ready-file", "r"];
    let mut server = start(folder.path(), &[&sockets[..], &["--metrics", "127.0.0.1:0"]].concat());
    wait_for(&folder.path().join("r"));
    let ready = ReadyFile::read(&folder.path().join("r")).unwrap();
    let metrics = ready.metrics.expect("the port is named");
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

/// A unit of systemd may send it to any server: without a certificate there is nothing to read again, and nothing ends.
#[test]
fn a_hangup_ends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (mut server, address) = serve(folder.path(), &[]);
    signal(&server, "HUP");
    wait_for_line(&folder.path().join("log"), "nothing to read again");
    assert!(ask(&address, "/healthz").starts_with("HTTP/1.1 200"));
    signal(&server, "TERM");
    assert!(server.0.wait().unwrap().success());
}

/// Anybody can open a connection and ask for nothing: neither is it waited for as requests are, nor is it one that was lost.
#[test]
fn a_connection_without_a_request_holds_nothing_up() {
    let folder = tempfile::tempdir().unwrap();
    let (mut server, address) = serve(folder.path(), &["--shutdown-seconds", "600"]);
    let mut stranger = TcpStream::connect(&address).unwrap();
    stranger.write_all(b"GET / HTT").unwrap();
    signal(&server, "TERM");
    assert!(server.0.wait().unwrap().success());
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(log.contains("stopped") && !log.contains("unfinished"), "{log}");
}

#[test]
fn a_request_that_is_cut_is_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let (mut server, address) = serve(folder.path(), &["--shutdown-seconds", "1"]);
    let mut slow = TcpStream::connect(&address).unwrap();
    let head = "POST /oauth/token HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 9\r\n";
    let form = "content-type: application/x-www-form-urlencoded\r\n";
    // The server asks for the body: it has the request.
    slow.write_all(format!("{head}{form}expect: 100-continue\r\n\r\n").as_bytes()).unwrap();
    let mut asked = [0; 12];
    slow.read_exact(&mut asked).unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100");
    signal(&server, "TERM");
    assert_eq!(server.0.wait().unwrap().code(), Some(1));
    let line = wait_for_line(&folder.path().join("log"), "stopped with requests unfinished");
    assert!(line.contains("WARN"), "{line}");
}

/// A server for production on an HTTP port of the system's choice, which its log names. It writes to the file `log`.
fn serve(folder: &Path, arguments: &[&str]) -> (Running, String) {
    let key = chancery(folder, &["keys", "generate-master"]).output().unwrap().stdout;
    let key = String::from_utf8(key).unwrap();
    let with_key = |arguments: &[&str]| {
        let mut command = chancery(folder, arguments);
        command.env("CHANCERY_MASTER_KEY", key.trim());
        command
    };
    let init = ["init", "--tenant", "acme", "--origin", "http://127.0.0.1", "--database", "sqlite:x.db"];
    assert!(with_key(&init).output().unwrap().status.success());
    let log = std::fs::File::create(folder.join("log")).unwrap();
    let common = ["serve", "--database", "sqlite:x.db", "--http", "127.0.0.1:0"];
    let mut command = with_key(&[&common[..], arguments].concat());
    let server = Running(command.stdout(Stdio::null()).stderr(log).spawn().unwrap());
    let line = wait_for_line(&folder.join("log"), "http listens on ");
    let address = line.split("listens on ").nth(1).unwrap().split('"').next().unwrap();
    (server, address.to_owned())
}

fn signal(server: &Running, name: &str) {
    let id = server.0.id().to_string();
    assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
}

/// The line of a log that has these words, once it is there.
fn wait_for_line(path: &Path, words: &str) -> String {
    let begin = Instant::now();
    loop {
        let text = std::fs::read_to_string(path).unwrap();
        let mut whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        if let Some(line) = whole.find(|line| line.contains(words)) {
            return line.to_owned();
        }
        assert!(begin.elapsed() < Duration::from_secs(60), "no {words:?} in {text}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// What one read brings: the answer is small. Empty where the connection is closed.
fn probe(stream: &mut TcpStream, authority: &str) -> String {
    let sent = stream.write_all(format!("GET /readyz HTTP/1.1\r\nhost: {authority}\r\n\r\n").as_bytes());
    let mut buffer = [0; 4096];
    let read = sent.and_then(|()| stream.read(&mut buffer)).unwrap_or_default();
    String::from_utf8_lossy(&buffer[..read]).into_owned()
}
