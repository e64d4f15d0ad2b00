//! Mail by SMTP: queued, sent in the background, tried again when the server is away.

use std::sync::Arc;
use std::time::Duration;

use chancery_core::{Rng, ids};
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::AsyncSmtpTransport;
use lettre::{AsyncTransport, Message, Tokio1Executor};
use tokio::sync::mpsc;

use crate::{Mail, Outbox};

/// Why no mail can be sent with these settings.
#[derive(Debug, thiserror::Error)]
pub enum SmtpError {
    /// Not `smtp://` or `smtps://` with a host.
    #[error("the SMTP address is not usable: {0}")]
    Url(lettre::transport::smtp::Error),
    /// Not an address to send from.
    #[error("the sender is not a mail address: {0}")]
    Sender(lettre::address::AddressError),
}

/// Hands mail to an SMTP server. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SmtpOutbox {
    queue: mpsc::Sender<Mail>,
}

impl SmtpOutbox {
    /// Sends through `url` (`smtps://user:password@host`, `smtp://host:587?tls=required`, ...) as `from`
    /// (`Name <address>`), with identifiers from `rng`. Must be called within the runtime; the task ends with the last clone.
    ///
    /// # Errors
    /// See [`SmtpError`]. Nothing is connected yet.
    pub fn new(url: &str, from: &str, rng: Arc<dyn Rng>) -> Result<Self, SmtpError> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            .map_err(SmtpError::Url)?
            .timeout(Some(Duration::from_secs(20)))
            .build();
        let from: Mailbox = from.parse().map_err(SmtpError::Sender)?;
        let (queue, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(work(transport, from, rng, waiting));
        Ok(Self { queue })
    }
}

impl Outbox for SmtpOutbox {
    fn send(&self, mail: Mail) {
        if self.queue.try_send(mail).is_err() {
            tracing::error!("a mail was dropped: {QUEUE} are waiting for the SMTP server");
        }
    }
}

const QUEUE: usize = 1000;
/// Before each further try.
const PAUSES: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(30), Duration::from_secs(120)];
/// Messages on their way at a time: one that waits for another try holds up few others.
const AT_ONCE: usize = 8;

async fn work(
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    rng: Arc<dyn Rng>,
    mut waiting: mpsc::Receiver<Mail>,
) {
    let slots = Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
    while let Some(mail) = waiting.recv().await {
        let Some(message) = compose(&mail, &from, &*rng) else {
            tracing::warn!("a mail was dropped: its address cannot be written as a header");
            continue;
        };
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        let transport = transport.clone();
        tokio::spawn(async move {
            deliver(&transport, message).await;
            drop(slot);
        });
    }
}

/// What the server refuses for good is not tried again.
async fn deliver(transport: &AsyncSmtpTransport<Tokio1Executor>, message: Message) {
    for pause in PAUSES.into_iter().map(Some).chain([None]) {
        let Err(e) = transport.send(message.clone()).await else { return };
        match pause {
            Some(pause) if !e.is_permanent() => tokio::time::sleep(pause).await,
            _ => {
                tracing::error!("a mail could not be delivered to the SMTP server: {e}");
                return;
            }
        }
    }
}

fn compose(mail: &Mail, from: &Mailbox, rng: &dyn Rng) -> Option<Message> {
    // Parsed as an address alone: nothing typed by a user becomes another header or another recipient.
    let to = Mailbox::new(None, mail.to.parse().ok()?);
    let body = MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone());
    let message = Message::builder().from(from.clone()).to(to).subject(&*mail.subject);
    let message = message.message_id(Some(message_id(from, rng))).header(AutoSubmitted);
    message.multipart(body).ok()
}

/// Of RFC 5322, section 3.6.4. Named after the sender's domain: the name of this machine is nobody's business.
fn message_id(from: &Mailbox, rng: &dyn Rng) -> String {
    format!("<{}@{}>", ids::url_safe(rng, 32), from.email.domain())
}

/// `Auto-Submitted: auto-generated` (RFC 3834, section 5): nobody's holiday notice answers.
#[derive(Clone, Copy)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::TcpListener;

    use super::*;
    use crate::testing::TestRng;

    fn mail(to: &str) -> Mail {
        Mail {
            to: to.to_owned(),
            subject: "Grüße\r\nBcc: x@y.example".to_owned(),
            text: "plain".to_owned(),
            html: "<p>page</p>".to_owned(),
        }
    }

    #[test]
    fn headers_cannot_be_smuggled() {
        let from: Mailbox = "Chancery <no-reply@acme.example>".parse().unwrap();
        for to in ["a@b.example\r\nBcc: c@d.example", "a@b.example, c@d.example", "", "x"] {
            assert!(compose(&mail(to), &from, &TestRng::default()).is_none(), "{to}");
        }
        let message = compose(&mail("jane@example.com"), &from, &TestRng::default()).unwrap();
        let text = String::from_utf8(message.formatted()).unwrap();
        assert!(text.contains("To: jane@example.com\r\n"));
        assert!(
            text.contains("@acme.example>\r\n") && text.contains("Auto-Submitted: auto-generated\r\n"),
            "{text}"
        );
        assert!(!text.lines().any(|line| line.starts_with("Bcc")), "{text}");
    }

    /// Fails the first connection, takes the second.
    #[tokio::test]
    async fn tries_again() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = format!("smtp://127.0.0.1:{port}");
        let outbox = SmtpOutbox::new(&url, "no-reply@acme.example", Arc::new(TestRng::default())).unwrap();
        outbox.send(mail("jane@example.com"));
        let tries = Arc::new(AtomicUsize::new(0));
        let received = loop {
            let (stream, _) = listener.accept().await.unwrap();
            if tries.fetch_add(1, Ordering::Relaxed) > 0 {
                break converse(stream).await;
            }
        };
        assert!(
            received.contains("RCPT TO:<jane@example.com>") && received.contains("<p>page</p>"),
            "{received}"
        );
    }

    async fn converse(stream: tokio::net::TcpStream) -> String {
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        let mut seen = String::new();
        write.write_all(b"220 hello\r\n").await.unwrap();
        let mut data = false;
        while let Some(line) = lines.next_line().await.unwrap() {
            seen.push_str(&line);
            seen.push('\n');
            let answer = match line.as_str() {
                "." => {
                    write.write_all(b"250 taken\r\n").await.unwrap();
                    break;
                }
                "DATA" => "354 go on\r\n",
                _ if data => continue,
                _ => "250 ok\r\n",
            };
            data = line == "DATA";
            write.write_all(answer.as_bytes()).await.unwrap();
        }
        seen
    }
}
