//! Mail by SMTP: queued, sent in the background, tried again when the server is away. A tenant may have a mail server of its
//! own, which must be one of the internet: who administers a tenant does not thereby reach into the network of this machine.

use std::sync::Arc;
use std::time::Duration;

use chancery_core::{Rng, ids};
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::AsyncSmtpTransport;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncTransport, Message, Tokio1Executor};
use tokio::sync::{Semaphore, mpsc};

use crate::outside::is_outside;
use crate::{Mail, Networks, Outbox, Route};

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

/// How mail leaves.
#[derive(Clone, Default)]
pub struct SmtpSettings {
    /// The server's own way: its address (`smtps://user:password@host`, `smtp://host:587?tls=required`, ...) and sender
    /// (`Name <address>`). Without one, only tenants with a mail server of their own send mail.
    pub server: Option<(String, String)>,
    /// Networks in which a tenant's mail server may stand though they are not of the internet.
    pub inner_networks: Networks,
}

/// Shows no address: it may hold a password.
impl std::fmt::Debug for SmtpSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SmtpSettings").field("inner_networks", &self.inner_networks).finish_non_exhaustive()
    }
}

type Transport = AsyncSmtpTransport<Tokio1Executor>;

impl SmtpOutbox {
    /// Sends as the settings say, with identifiers from `rng`. Must be called within the runtime; the task ends with the
    /// last clone.
    ///
    /// # Errors
    /// See [`SmtpError`]. Nothing is connected yet.
    pub fn start(settings: &SmtpSettings, rng: Arc<dyn Rng>) -> Result<Self, SmtpError> {
        let server = settings.server.as_ref().map(|(url, from)| {
            let transport = Transport::from_url(url).map_err(SmtpError::Url)?.timeout(Some(TIMEOUT)).build();
            Ok((transport, from.parse().map_err(SmtpError::Sender)?))
        });
        let server = server.transpose()?;
        let (queue, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(work(Ways { server, inner_networks: settings.inner_networks.clone() }, rng, waiting));
        Ok(Self { queue })
    }
}

/// By which ways mail may leave.
struct Ways {
    server: Option<(Transport, Mailbox)>,
    inner_networks: Networks,
}

impl Ways {
    /// The way and the sender of one mail; the error says why there is none.
    async fn of(&self, mail: &Mail) -> Result<(Transport, Mailbox), String> {
        let own = mail.from.as_deref().and_then(|from| from.parse::<Mailbox>().ok());
        let Some(route) = &mail.route else {
            let (transport, from) =
                self.server.clone().ok_or_else(|| "smtp_url and mail_from are not set".to_owned())?;
            return Ok((transport, own.unwrap_or(from)));
        };
        let from = own.or_else(|| self.server.as_ref().map(|(_, from)| from.clone()));
        let from = from.ok_or_else(|| "the tenant's provider has no default_from_address".to_owned())?;
        Ok((self.own_server(route, &from).await?, from))
    }

    /// A tenant's own server, by the address that was looked at: a name that means another one a moment later changes
    /// nothing.
    async fn own_server(&self, route: &Route, from: &Mailbox) -> Result<Transport, String> {
        let found = tokio::net::lookup_host((route.host.as_str(), route.port)).await;
        let found = found
            .map_err(|_| format!("the name of the tenant's mail server, {}, means nothing", route.host))?;
        let may = |ip: &std::net::IpAddr| is_outside(*ip) || self.inner_networks.contains(*ip);
        let ip = found.map(|address| address.ip()).find(may).ok_or_else(|| {
            format!("the tenant's mail server, {}, is not one of the internet (mail_networks)", route.host)
        })?;
        let names = TlsParameters::new(route.host.clone()).map_err(|error| error.to_string())?;
        let tls = match route.port {
            465 => Tls::Wrapper(names),
            // Whoever let this network in answers for it.
            _ if self.inner_networks.contains(ip) => Tls::Opportunistic(names),
            _ => Tls::Required(names),
        };
        let transport = Transport::builder_dangerous(ip.to_string())
            .port(route.port)
            .tls(tls)
            // The name of this machine is nobody's business.
            .hello_name(ClientId::Domain(from.email.domain().to_owned()))
            .timeout(Some(TIMEOUT));
        let signs_in = !route.user.is_empty();
        let password = || Credentials::new(route.user.clone(), route.password.to_string());
        Ok(if signs_in { transport.credentials(password()) } else { transport }.build())
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
const TIMEOUT: Duration = Duration::from_secs(20);
/// Before each further try.
const PAUSES: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(30), Duration::from_secs(120)];
/// Messages on their way at a time by the server's own way, and by all the ways of tenants: a tenant whose server does not
/// answer holds up none but tenants. One that waits for another try holds up nobody.
const AT_ONCE: usize = 8;

async fn work(ways: Ways, rng: Arc<dyn Rng>, mut waiting: mpsc::Receiver<Mail>) {
    let ways = Arc::new(ways);
    let held = Arc::new(Semaphore::new(QUEUE));
    let (own, tenants) = (Arc::new(Semaphore::new(AT_ONCE)), Arc::new(Semaphore::new(AT_ONCE)));
    while let Some(mail) = waiting.recv().await {
        let Ok(place) = Arc::clone(&held).acquire_owned().await else { return };
        let slots = Arc::clone(if mail.route.is_some() { &tenants } else { &own });
        let (ways, rng) = (Arc::clone(&ways), Arc::clone(&rng));
        tokio::spawn(async move {
            deliver(&ways, &mail, &*rng, &slots).await;
            drop(place);
        });
    }
}

/// What the server refuses for good is not tried again. Links in mails are secrets, so only the subject is logged.
async fn deliver(ways: &Ways, mail: &Mail, rng: &dyn Rng, slots: &Semaphore) {
    for pause in PAUSES.into_iter().map(Some).chain([None]) {
        let Ok(slot) = slots.acquire().await else { return };
        let (transport, from) = match ways.of(mail).await {
            Ok(way) => way,
            Err(why) => {
                tracing::error!("a mail was not sent, because {why}: {}", mail.subject);
                return;
            }
        };
        let Some(message) = compose(mail, &from, rng) else {
            tracing::warn!("a mail was dropped: its address cannot be written as a header");
            return;
        };
        let Err(e) = transport.send(message).await else { return };
        drop(slot);
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
            from: None,
            route: None,
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
        let server = Some((url, "no-reply@acme.example".to_owned()));
        let settings = SmtpSettings { server, ..SmtpSettings::default() };
        let outbox = SmtpOutbox::start(&settings, Arc::new(TestRng::default())).unwrap();
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

    fn own(host: &str, port: u16) -> Mail {
        let password = zeroize::Zeroizing::new("secret".to_owned());
        let route = Route { host: host.to_owned(), port, user: String::new(), password };
        Mail {
            from: Some("Acme <hello@acme.example>".to_owned()),
            route: Some(route),
            ..mail("jane@example.com")
        }
    }

    #[tokio::test]
    async fn a_tenants_own_server_where_that_is_allowed() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let inner_networks = Networks(vec!["127.0.0.0/8".parse().unwrap()]);
        let settings = SmtpSettings { server: None, inner_networks };
        let outbox = SmtpOutbox::start(&settings, Arc::new(TestRng::default())).unwrap();
        outbox.send(own("127.0.0.1", port));
        let (stream, _) = listener.accept().await.unwrap();
        let received = converse(stream).await;
        assert!(
            received.contains("EHLO acme.example") && received.contains("From: Acme <hello@acme.example>"),
            "{received}"
        );
    }

    /// Security case 7: a tenant's setting does not reach into the network of the machine.
    #[tokio::test]
    async fn inner_addresses_are_out_of_reach() {
        let ways = Ways { server: None, inner_networks: Networks::default() };
        for host in ["127.0.0.1", "localhost", "10.0.0.1", "169.254.169.254", "::1", "0.0.0.0"] {
            let said = ways.of(&own(host, 25)).await.err().unwrap();
            assert!(said.contains("not one of the internet"), "{host}: {said}");
        }
        let said = ways.of(&mail("jane@example.com")).await.err().unwrap();
        assert_eq!(said, "smtp_url and mail_from are not set");
        assert!(!format!("{:?}", own("mail.example", 25).route).contains("secret"));
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
