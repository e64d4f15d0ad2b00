//! HTTP/1.1 over one connection, honest about what was sent and what was answered: a client library that tries again by
//! itself would hide what these tests are after.

use std::{net::SocketAddr, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::{Instant, timeout},
};

/// A request to be sent.
pub(super) struct Call {
    head: String,
    body: String,
}

impl Call {
    pub(super) fn get(target: &str) -> Self {
        Self { head: format!("GET {target} HTTP/1.1\r\n"), body: String::new() }
    }

    pub(super) fn form(target: &str, fields: &[(&str, &str)]) -> Self {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        Self { head: format!("POST {target} HTTP/1.1\r\n"), body }
            .header("content-type", "application/x-www-form-urlencoded")
    }

    pub(super) fn json(method: &str, target: &str, body: &Value) -> Self {
        Self { head: format!("{method} {target} HTTP/1.1\r\n"), body: body.to_string() }
            .header("content-type", "application/json")
    }

    pub(super) fn delete(target: &str) -> Self {
        Self { head: format!("DELETE {target} HTTP/1.1\r\n"), body: String::new() }
    }

    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        self.head.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    pub(super) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }
}

/// An answer that arrived whole: what the server acknowledged.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers.iter().filter(move |header| header.0 == name).map(|header| header.1.as_str())
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers(name).next().unwrap_or_default()
    }

    #[track_caller]
    pub(super) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    #[track_caller]
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// A member of its JSON.
    #[track_caller]
    pub(super) fn text(&self, member: &str) -> String {
        let json = self.json();
        json[member].as_str().unwrap_or_else(|| panic!("no {member}: {self:?}")).to_owned()
    }
}

/// No answer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Lost {
    /// Nothing was sent: nobody listens, or the server said goodbye before.
    Unsent,
    /// Sent, as a whole or in part, at this time. Whether it was done nobody can tell.
    Unanswered {
        at: Instant,
        /// On a connection that had answered before.
        reused: bool,
    },
}

/// A way to the server.
pub(super) struct Wire {
    address: SocketAddr,
    host: String,
    /// One connection for all requests, or one for each.
    keeps: bool,
    stream: Option<BufReader<TcpStream>>,
    goodbye: bool,
}

impl Wire {
    pub(super) fn new(address: SocketAddr, host: &str, keeps: bool) -> Self {
        Self { address, host: host.to_owned(), keeps, stream: None, goodbye: false }
    }

    /// One request, one answer.
    pub(super) async fn send(&mut self, call: &Call) -> Result<Answer, Lost> {
        let answer = timeout(PATIENCE, self.exchange(call)).await;
        answer.unwrap_or_else(|_| panic!("hangs: {}", call.head))
    }

    async fn exchange(&mut self, call: &Call) -> Result<Answer, Lost> {
        if self.goodbye {
            return Err(Lost::Unsent);
        }
        let (mut stream, reused) = match self.stream.take() {
            Some(stream) => (stream, true),
            None => {
                let stream = TcpStream::connect(self.address).await.map_err(|_| Lost::Unsent)?;
                stream.set_nodelay(true).unwrap();
                (BufReader::new(stream), false)
            }
        };
        let keep = if self.keeps { "keep-alive" } else { "close" };
        let length = call.body.len();
        let (head, host) = (&call.head, &self.host);
        let text = format!(
            "{head}host: {host}\r\nconnection: {keep}\r\ncontent-length: {length}\r\n\r\n{}",
            call.body
        );
        let sent = stream.write_all(text.as_bytes()).await;
        let at = Instant::now();
        let lost = |_| Lost::Unanswered { at, reused };
        sent.map_err(lost)?;
        let answer = read(&mut stream).await.map_err(lost)?;
        let closes = answer.header("connection").eq_ignore_ascii_case("close");
        if self.keeps && !closes {
            self.stream = Some(stream);
        }
        self.goodbye = self.keeps && closes;
        Ok(answer)
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> std::io::Result<Answer> {
    let status = line(stream).await?;
    let status = status.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap();
    let mut headers = Vec::new();
    loop {
        let line = line(stream).await?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut answer = Answer { status, headers, body: String::new() };
    let length = match answer.header("content-length") {
        "" => {
            assert!(answer.header("transfer-encoding").is_empty(), "in chunks: {answer:?}");
            0
        }
        length => length.parse().unwrap(),
    };
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    answer.body = String::from_utf8(body).unwrap();
    Ok(answer)
}

/// Without its end; half a line is the end of the connection.
async fn line(stream: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    match line.strip_suffix("\r\n") {
        Some(whole) => Ok(whole.to_owned()),
        None => Err(std::io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Much more than anything takes, on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(30);
