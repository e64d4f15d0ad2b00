//! Clients that send too much, too slowly, for ever or rubbish, over plain HTTP and TLS, against the binary itself: a clear
//! error in the envelope of the place or a closed connection, within a bounded time, and the server serves on.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use chancery::dev::ReadyFile;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;

use crate::process::dev;

/// Bodies have ten seconds and headers sixty; the rest is for busy machines.
const BOUND: Duration = Duration::from_secs(90);
const MEGABYTE: usize = 1 << 20;

#[test]
fn too_much() {
    let (_server, places, _folder) = served();
    for place in &places {
        for header in ["x: y\r\n".repeat(MEGABYTE / 6), format!("x: {}\r\n", "y".repeat(MEGABYTE))] {
            let answer = place.talk(format!("GET /authorize HTTP/1.1\r\n{}{header}\r\n", place.host()));
            answer.is_oauth_error(431);
        }
        let answer = place.talk(format!("GET /{} HTTP/1.1\r\n{}\r\n", "a".repeat(MEGABYTE), place.host()));
        assert!(matches!(answer.status, 414 | 431), "{place:?}: {answer:?}");
        answer.is_oauth_error(answer.status);

        // A body that is said to be large, and ones that never end.
        let announced = format!("{}content-length: 10000000000\r\n\r\n", place.post("/oauth/token", FORM));
        place.talk(announced).is_oauth_error(413);
        let mut endless = format!("{}transfer-encoding: chunked\r\n\r\n", place.post("/oauth/token", FORM));
        endless.extend((0..64).map(|_| format!("10000\r\n{}\r\n", "a".repeat(1 << 16))));
        place.talk(endless).is_oauth_error(413);
        place.is_cut_off_while_sending();
        place.serves();
    }
}

#[test]
fn too_slow() {
    let (_server, places, _folder) = served();
    let begin = Instant::now();
    let mut clients = Vec::new();
    for place in &places {
        let management = Arc::new(place.management_token());
        let client = |name: &'static str, work: fn(&Place, &str) -> Answer, judge: fn(Answer)| {
            let (place, token) = (place.clone(), Arc::clone(&management));
            (name, thread::spawn(move || judge(work(&place, &token))))
        };
        let headers: fn(&Place, &str) -> Answer =
            |place, _| place.drip(&format!("GET /authorize HTTP/1.1\r\n{}x: ", place.host()));
        let stuck: fn(&Place, &str) -> Answer = |place, _| place.talk("GET /authorize HTTP/1.1\r\nhos");
        let body: fn(&Place, &str) -> Answer = |place, _| {
            place.drip(&format!("{}content-length: 9999\r\n\r\n", place.post("/oauth/token", FORM)))
        };
        let chunks: fn(&Place, &str) -> Answer = |place, _| {
            let head = place.post("/dbconnections/signup", JSON);
            place.talk(format!("{head}transfer-encoding: chunked\r\n\r\n1\r\n{{\r\n"))
        };
        let administrator: fn(&Place, &str) -> Answer = |place, token| {
            let head = place.post("/api/v2/clients", JSON);
            place.talk(format!("{head}authorization: Bearer {token}\r\ncontent-length: 99\r\n\r\n{{"))
        };
        let person: fn(&Place, &str) -> Answer = |place, _| {
            let head = place.post("/u/login?state=x", FORM);
            place.talk(format!("{head}accept: text/html\r\ncontent-length: 99\r\n\r\na="))
        };
        let idle: fn(&Place, &str) -> Answer = |place, _| place.talk(String::new());
        clients.extend([
            client("slow headers", headers, |answer| answer.is_oauth_error(408)),
            client("headers that stop", stuck, |answer| answer.is_oauth_error(408)),
            client("a slow body", body, |answer| answer.is_oauth_error(408)),
            client("a body that stops", chunks, |answer| answer.is_oauth_error(408)),
            client("a body for the Management API", administrator, |answer| {
                assert_eq!((answer.status, &answer.json()["statusCode"]), (408, &408.into()), "{answer:?}");
            }),
            client("a form for a page", person, |answer| {
                assert_eq!(answer.status, 408, "{answer:?}");
                assert!(answer.text.contains("<!DOCTYPE html>"), "{answer:?}");
            }),
            client("nothing at all", idle, |answer| assert!(answer.text.is_empty(), "{answer:?}")),
        ]);
    }
    for (name, client) in clients {
        assert!(client.join().is_ok(), "{name}");
    }
    assert!(begin.elapsed() < BOUND, "{:?}", begin.elapsed());
    places.iter().for_each(Place::serves);
}

#[test]
fn rubbish() {
    let (_server, places, _folder) = served();
    for place in &places {
        let good = format!("GET /healthz HTTP/1.1\r\n{}\r\n", place.host());
        let last = format!("GET /healthz HTTP/1.1\r\n{}connection: close\r\n\r\n", place.host());
        let answer = place.talk(good.repeat(99) + &last);
        assert_eq!(answer.text.matches("HTTP/1.1 200").count(), 100, "a pipeline is answered");

        for rubbish in [
            "\0\u{1}\u{2}rubbish\r\n\r\n",
            "GET\r\n\r\n",
            "GET / HTTP/9.9\r\n\r\n",
            "GET / HTTP/1.1\r\nname without colon\r\n\r\n",
            "POST /oauth/token HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
            "POST /oauth/token HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        ] {
            let answer = place.talk(format!("{good}{rubbish}{good}"));
            let statuses: Vec<_> = answer.text.matches("HTTP/1.1 ").collect();
            assert_eq!(statuses.len(), 2, "{place:?} {rubbish:?}: {answer:?}");
            assert!(answer.text.contains("HTTP/1.1 400 "), "{place:?} {rubbish:?}: {answer:?}");
            let words = r#"{"error":"invalid_request","error_description":"The request is not well-formed HTTP/1.1"}"#;
            assert!(answer.text.ends_with(words), "{place:?} {rubbish:?}: {answer:?}");
        }
        // A body that is no chunk, and a second request hidden behind two lengths.
        let head = place.post("/oauth/token", FORM);
        place.talk(format!("{head}transfer-encoding: chunked\r\n\r\nzzz\r\n")).is_oauth_error(400);
        let hidden = format!("{head}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{good}");
        let answer = place.talk(hidden);
        assert!(!answer.text.contains("\"ok\""), "{place:?}: {answer:?}");
        place.serves();
    }
}

#[test]
fn rubbish_instead_of_a_handshake() {
    let (_server, places, _folder) = served();
    let tls = &places[1];
    let plain = Place { tls: None, ..tls.clone() };
    for bytes in ["GET / HTTP/1.1\r\nhost: x\r\n\r\n", "\u{16}\u{3}\u{1}rubbish\r\n\r\n", "\u{16}", ""] {
        let answer = plain.talk(bytes);
        assert!(!answer.text.contains("HTTP/1.1"), "{bytes:?}: {answer:?}");
    }
    // HTTP/2 was agreed on, and something else is spoken.
    let mut config = rustls::ClientConfig::clone(tls.tls.as_deref().unwrap());
    config.alpn_protocols = vec![b"h2".to_vec()];
    let two = Place { tls: Some(Arc::new(config)), ..tls.clone() };
    for bytes in ["rubbish\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nrubbish that is no frame at all"] {
        assert!(!two.talk(bytes).text.contains("HTTP/1.1 "), "{bytes:?}");
    }
    tls.serves();
}

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// One of the server's doors.
#[derive(Clone)]
struct Place {
    authority: String,
    tls: Option<Arc<rustls::ClientConfig>>,
    issuer: String,
    ready: ReadyFile,
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.tls.is_some() { "TLS" } else { "plain HTTP" })
    }
}

fn served() -> (crate::process::Running, [Place; 2], tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let (server, ready) = dev(&folder, "ready.json");
    let mut roots = rustls::RootCertStore::empty();
    let authority = folder.path().join(&ready.ca_file);
    roots.add(CertificateDer::from_pem_file(authority).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.unwrap().with_root_certificates(roots).with_no_client_auth();
    let place = |issuer: &str, tls| Place {
        authority: issuer.split("//").nth(1).unwrap().trim_end_matches('/').to_owned(),
        tls,
        issuer: issuer.to_owned(),
        ready: ready.clone(),
    };
    let places = [place(&ready.issuer, None), place(&ready.https_issuer, Some(Arc::new(config)))];
    (server, places, folder)
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

impl Place {
    fn host(&self) -> String {
        format!("host: {}\r\n", self.authority)
    }

    /// The head of a POST, to which more headers can be added.
    fn post(&self, path: &str, kind: &str) -> String {
        format!("POST {path} HTTP/1.1\r\n{}content-type: {kind}\r\n", self.host())
    }

    fn connect(&self) -> Box<dyn Stream> {
        let stream = TcpStream::connect(&self.authority).unwrap();
        stream.set_read_timeout(Some(BOUND)).unwrap();
        stream.set_write_timeout(Some(BOUND)).unwrap();
        let Some(config) = &self.tls else { return Box::new(stream) };
        let name = "localhost".try_into().unwrap();
        let connection = rustls::ClientConnection::new(Arc::clone(config), name).unwrap();
        Box::new(rustls::StreamOwned::new(connection, stream))
    }

    /// Sends, then reads until the server closes the connection, which it must within the bound.
    fn talk(&self, bytes: impl AsRef<[u8]>) -> Answer {
        let mut stream = self.connect();
        // The server may have heard enough before all is said.
        let _ = stream.write_all(bytes.as_ref()).and_then(|()| stream.flush());
        Answer::read(&mut *stream)
    }

    /// Sends a start, then a byte now and then, until it is told something.
    fn drip(&self, start: &str) -> Answer {
        let mut stream = self.connect();
        stream.write_all(start.as_bytes()).unwrap();
        let begin = Instant::now();
        while begin.elapsed() < BOUND && stream.write_all(b"a").and_then(|()| stream.flush()).is_ok() {
            thread::sleep(Duration::from_millis(250));
            // Ten seconds are allowed; later bytes would only turn the answer into a reset.
            if begin.elapsed() > Duration::from_millis(9_500) {
                break;
            }
        }
        Answer::read(&mut *stream)
    }

    /// Whoever never stops sending is not listened to for ever.
    fn is_cut_off_while_sending(&self) {
        let mut stream = self.connect();
        let head = format!("{}transfer-encoding: chunked\r\n\r\n", self.post("/oauth/token", FORM));
        stream.write_all(head.as_bytes()).unwrap();
        let chunk = format!("10000\r\n{}\r\n", "a".repeat(1 << 16));
        let begin = Instant::now();
        while stream.write_all(chunk.as_bytes()).and_then(|()| stream.flush()).is_ok() {
            assert!(begin.elapsed() < BOUND, "{self:?}: it listens for ever");
        }
    }

    fn serves(&self) {
        let answer = self.talk(format!("GET /healthz HTTP/1.1\r\n{}connection: close\r\n\r\n", self.host()));
        assert_eq!(answer.status, 200, "{self:?}: {answer:?}");
    }

    fn management_token(&self) -> String {
        let client = &self.ready.clients.management;
        let body = serde_json::json!({
            "grant_type": "client_credentials",
            "client_id": client.client_id,
            "client_secret": client.client_secret,
            "audience": format!("{}api/v2/", self.issuer),
        })
        .to_string();
        let head = format!(
            "{}connection: close\r\ncontent-length: {}\r\n\r\n",
            self.post("/oauth/token", JSON),
            body.len()
        );
        let answer = self.talk(head + &body);
        answer.json()["access_token"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
    }
}

/// Everything until the end of the connection.
#[derive(Debug)]
struct Answer {
    /// Of the first answer; 0 where there was none.
    status: u16,
    text: String,
}

impl Answer {
    fn read(stream: &mut dyn Stream) -> Self {
        let mut bytes = Vec::new();
        if let Err(error) = stream.read_to_end(&mut bytes) {
            let hangs = matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
            assert!(!hangs, "it hangs after {:?}", String::from_utf8_lossy(&bytes));
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        assert!(status < 500, "{text}");
        Self { status, text }
    }

    fn json(&self) -> Value {
        let body = self.text.split("\r\n\r\n").nth(1).unwrap_or_default();
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    #[track_caller]
    fn is_oauth_error(&self, status: u16) {
        assert_eq!(self.status, status, "{self:?}");
        let json = self.json();
        assert!(json["error"].is_string() && json["error_description"].is_string(), "{self:?}");
    }
}
