//! Words for requests that cannot be read as HTTP: the library answers them itself, with a status and nothing else.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection on which such answers carry the usual object of an error (RFC 6749 section 5.2).
pub(crate) struct Worded<S> {
    stream: S,
    /// Bytes of the answer that are sent.
    sent: usize,
}

impl<S> Worded<S> {
    pub(crate) const fn new(stream: S) -> Self {
        Self { stream, sent: 0 }
    }
}

/// To a client whose request does not come to its end.
pub(crate) fn too_slow() -> Vec<u8> {
    answer("408 Request Timeout", "The request did not arrive in time")
}

fn answer(status: &str, description: &str) -> Vec<u8> {
    let body = json!({ "error": "invalid_request", "error_description": description }).to_string();
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-type: application/json\r\ncache-control: no-store\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// What to say in the place of an answer that nobody gave a body. Answers of our own have headers of their own.
fn words_for(bare: &[u8]) -> Option<Vec<u8>> {
    // The three headers take less, and most answers more.
    if bare.len() > 200 || !bare.starts_with(b"HTTP/1.1 4") {
        return None;
    }
    let mut lines = std::str::from_utf8(bare).ok()?.strip_suffix("\r\n\r\n")?.split("\r\n");
    let status = lines.next()?.get(9..)?;
    let description = match status.get(..3)? {
        "400" => "The request is not well-formed HTTP/1.1",
        "414" => "The address of the request is too long",
        "431" => "The headers of the request are too large, or too many",
        _ => return None,
    };
    let is_bare =
        |line: &str| matches!(line, "connection: close" | "content-length: 0") || line.starts_with("date: ");
    lines.all(is_bare).then(|| answer(status, description))
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Worded<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let Some(words) = words_for(buf) else { return Pin::new(&mut self.stream).poll_write(cx, buf) };
        // Whoever waits comes again with the same bytes.
        while let Some(rest) = words.get(self.sent..).filter(|rest| !rest.is_empty()) {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.sent += written,
            }
        }
        self.sent = 0;
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match bufs {
            [one] => self.poll_write(cx, one),
            more => Pin::new(&mut self.stream).poll_write_vectored(cx, more),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Worded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// Bodies are as long as their headers say, and are what other errors of the protocol are.
    #[test]
    fn answers_are_whole() {
        for status in ["400 Bad Request", "414 URI Too Long", "431 Request Header Fields Too Large"] {
            let bare = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
            let answer = String::from_utf8(words_for(bare.as_bytes()).unwrap()).unwrap();
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            assert!(head.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{head}");
            assert!(head.ends_with(&format!("\r\ncontent-length: {}", body.len())), "{head} {body}");
            let error: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(error["error"], "invalid_request");
        }
    }

    /// However few bytes the other side takes at a time.
    #[tokio::test]
    async fn a_bare_answer_gets_words_and_others_pass() {
        let bare = "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\
                    date: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n";
        let own = "HTTP/1.1 400 Bad Request\r\ncache-control: no-store\r\ncontent-length: 0\r\n\r\n";
        let with_a_body = "HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}";
        let words = words_for(bare.as_bytes()).unwrap();
        for (written, expected) in [
            (bare.as_bytes(), words.as_slice()),
            (own.as_bytes(), own.as_bytes()),
            (with_a_body.as_bytes(), with_a_body.as_bytes()),
        ] {
            let (near, mut far) = tokio::io::duplex(7);
            let mut worded = Worded::new(near);
            let writing = async move {
                worded.write_all(written).await.unwrap();
                worded.shutdown().await.unwrap();
            };
            let mut read = Vec::new();
            let (read_all, ()) = tokio::join!(far.read_to_end(&mut read), writing);
            read_all.unwrap();
            assert_eq!(String::from_utf8_lossy(&read), String::from_utf8_lossy(expected));
        }
    }
}
