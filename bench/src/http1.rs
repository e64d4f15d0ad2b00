//! The least HTTP/1.1 client that measures fairly: kept-alive connections, prepared bytes, little parsing.
//!
//! The load generator shares the machine with the server, so each microsecond it saves goes to the server.

use std::{net::SocketAddr, ops::Range};

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Room for any answer we expect, so that reading does not grow the buffer piecemeal.
const BUFFER: usize = 16 * 1024;

/// A request before it becomes bytes.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// `GET`, `POST`, `PATCH`, ...
    pub(crate) method: &'static str,
    /// Path and query.
    pub(crate) target: String,
    /// Value of `Host`.
    pub(crate) host: String,
    /// Further header lines.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// Content type and text of the body.
    pub(crate) body: Option<(&'static str, String)>,
}

impl Request {
    /// A request without a body.
    pub(crate) fn bare(method: &'static str, host: &str, target: &str) -> Self {
        Self { method, target: target.to_owned(), host: host.to_owned(), headers: Vec::new(), body: None }
    }

    /// A POST of form fields.
    pub(crate) fn form(host: &str, target: &str, fields: &[(&str, &str)]) -> Self {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        Self::of_form(host, target, body)
    }

    /// A POST of form fields that are encoded already.
    pub(crate) fn of_form(host: &str, target: &str, body: String) -> Self {
        Self { body: Some(("application/x-www-form-urlencoded", body)), ..Self::bare("POST", host, target) }
    }

    /// The same with one more header line.
    pub(crate) fn header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The same request to another place: what the floor is asked.
    pub(crate) fn retargeted(&self, target: &str) -> Self {
        Self { target: target.to_owned(), ..self.clone() }
    }

    /// The bytes on the wire.
    pub(crate) fn bytes(&self) -> Bytes {
        let Self { method, target, host, headers, body } = self;
        let mut text = format!("{method} {target} HTTP/1.1\r\nhost: {host}\r\naccept: */*\r\n");
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        match body {
            Some((content_type, body)) => text.push_str(&format!(
                "content-type: {content_type}\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            )),
            None => text.push_str("\r\n"),
        }
        Bytes::from(text)
    }
}

/// One kept-alive connection.
#[derive(Debug)]
pub(crate) struct Connection {
    address: SocketAddr,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

impl Connection {
    /// A connection that opens at its first exchange.
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, stream: None, buffer: Vec::with_capacity(BUFFER) }
    }

    /// Opens it now, so that a first exchange does not pay for it.
    pub(crate) async fn open(&mut self) -> Result<()> {
        let stream = TcpStream::connect(self.address)
            .await
            .with_context(|| format!("cannot connect to {}", self.address))?;
        stream.set_nodelay(true)?;
        self.stream = Some(stream);
        Ok(())
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// When the connection breaks or the answer is not HTTP/1.1 with a length or chunks.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        if self.stream.is_none() {
            self.open().await?;
        }
        let mut stream = self.stream.take().context("the connection was just opened")?;
        self.buffer.clear();
        stream.write_all(request).await?;
        let head = loop {
            more(&mut stream, &mut self.buffer).await?;
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break Head::parse(&self.buffer[..end + 2])?;
            }
        };
        let body = match head.length {
            Length::Known(length) => {
                while self.buffer.len() < head.end + length {
                    more(&mut stream, &mut self.buffer).await?;
                }
                head.end..head.end + length
            }
            Length::Chunks => loop {
                if let Some(body) = unchunk(&self.buffer[head.end..])? {
                    let start = self.buffer.len();
                    self.buffer.extend_from_slice(&body);
                    break start..self.buffer.len();
                }
                more(&mut stream, &mut self.buffer).await?;
            },
        };
        if !head.closes {
            self.stream = Some(stream);
        }
        Ok(Answer { status: head.status, bytes: &self.buffer, head: 0..head.end, body })
    }
}

/// A complete answer, borrowed from its connection.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    /// The status code.
    pub(crate) status: u16,
    bytes: &'a [u8],
    head: Range<usize>,
    body: Range<usize>,
}

impl<'a> Answer<'a> {
    /// The body, without chunk marks.
    pub(crate) fn body(&self) -> &'a [u8] {
        &self.bytes[self.body.clone()]
    }

    /// The body as text, for messages and pages.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(self.body()).into_owned()
    }

    /// All values of a header, in order.
    pub(crate) fn headers<'n>(&self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        let head = &self.bytes[self.head.clone()];
        lines(head).filter(move |(given, _)| given.eq_ignore_ascii_case(name.as_bytes())).filter_map(
            |(_, value)| {
                // A value that is not text matches nothing we look for.
                std::str::from_utf8(value).ok()
            },
        )
    }
}

enum Length {
    Known(usize),
    Chunks,
}

struct Head {
    status: u16,
    length: Length,
    closes: bool,
    end: usize,
}

impl Head {
    /// Parses a head that ends with its last line's CRLF.
    fn parse(head: &[u8]) -> Result<Self> {
        let status = match head {
            [
                b'H',
                b'T',
                b'T',
                b'P',
                b'/',
                b'1',
                b'.',
                _,
                b' ',
                a @ b'0'..=b'9',
                b @ b'0'..=b'9',
                c @ b'0'..=b'9',
                ..,
            ] => [a, b, c].iter().fold(0, |status, digit| status * 10 + u16::from(**digit - b'0')),
            _ => bail!("not an HTTP/1 answer: {:?}", String::from_utf8_lossy(&head[..head.len().min(80)])),
        };
        let mut parsed = Self { status, length: Length::Known(0), closes: false, end: head.len() + 2 };
        for (name, value) in lines(head) {
            if name.eq_ignore_ascii_case(b"content-length") {
                parsed.length = Length::Known(std::str::from_utf8(value)?.parse()?);
            } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
                parsed.length = Length::Chunks;
            } else if name.eq_ignore_ascii_case(b"connection") {
                parsed.closes = value.eq_ignore_ascii_case(b"close");
            }
        }
        Ok(parsed)
    }
}

/// Header lines as name and trimmed value; the status line, which has no colon before its space, is left out.
fn lines(head: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = head;
    let lines = std::iter::from_fn(move || {
        let end = memchr::memchr(b'\n', rest)?;
        let line = &rest[..end];
        rest = &rest[end + 1..];
        Some(line)
    });
    lines.skip(1).filter_map(|line| {
        let colon = memchr::memchr(b':', line)?;
        Some((&line[..colon], line[colon + 1..].trim_ascii()))
    })
}

async fn more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<()> {
    if buffer.capacity() - buffer.len() < 4096 {
        buffer.reserve(BUFFER);
    }
    if stream.read_buf(buffer).await? == 0 {
        bail!("the server closed the connection in the middle of an answer");
    }
    Ok(())
}

/// The joined chunks once the last one is there, RFC 9112 section 7.1.
fn unchunk(mut rest: &[u8]) -> Result<Option<Vec<u8>>> {
    let mut body = Vec::new();
    loop {
        let Some(line) = find(rest, b"\r\n") else { return Ok(None) };
        let size = std::str::from_utf8(&rest[..line])?;
        let size = usize::from_str_radix(size.split(';').next().unwrap_or(size).trim(), 16)?;
        rest = &rest[line + 2..];
        if rest.len() < size + 2 {
            return Ok(None);
        }
        if size == 0 {
            return Ok(Some(body));
        }
        body.extend_from_slice(&rest[..size]);
        rest = &rest[size + 2..];
    }
}

/// Where `needle` first stands in `bytes`.
pub(crate) fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_joined_and_incomplete_ones_waited_for() {
        let whole = b"4\r\nabcd\r\n3;x=y\r\nefg\r\n0\r\n\r\n";
        assert_eq!(unchunk(whole).unwrap().unwrap(), b"abcdefg");
        for cut in 0..whole.len() {
            assert!(unchunk(&whole[..cut]).unwrap().is_none(), "complete at {cut}");
        }
        assert!(unchunk(b"zz\r\n").is_err());
    }

    #[test]
    fn heads() {
        let head = Head::parse(b"HTTP/1.1 302 Found\r\nContent-Length: 12\r\nConnection: close\r\n").unwrap();
        assert_eq!(head.status, 302);
        assert!(head.closes);
        assert!(matches!(head.length, Length::Known(12)));
        assert!(Head::parse(b"SSH-2.0-x\r\n").is_err());
    }

    #[test]
    fn bytes_of_a_form() {
        let request = Request::form("h:1", "/oauth/token", &[("a", "1 2"), ("b", "&")]);
        assert_eq!(
            request.bytes(),
            "POST /oauth/token HTTP/1.1\r\nhost: h:1\r\naccept: */*\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: 11\r\n\r\na=1+2&b=%26"
        );
    }
}
