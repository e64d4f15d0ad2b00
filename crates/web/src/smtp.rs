//! Mail by SMTP: queued, sent in the background, tried again when the server is away. A tenant may have a mail server of its
//! own, which must be one of the internet: who administers a tenant does not thereby reach into the network of this machine.

use std::collections::HashMap;
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
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::outside::is_outside;
use crate::{Letter, Mail, Networks, Outbox, Route};

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

/// Hands mail to an SMTP server. Cheap to clone. What leaves by the server's own way and what leaves by tenants' servers
/// never wait for each other.
#[derive(Clone, Debug)]
pub struct SmtpOutbox {
    own: mpsc::Sender<Letter>,
    tenants: mpsc::Sender<Letter>,
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
        let ways = Arc::new(Ways { server, inner_networks: settings.inner_networks.clone() });
        let (own, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(send_own(Arc::clone(&ways), Arc::clone(&rng), waiting));
        let (tenants, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(send_tenants(ways, rng, waiting));
        Ok(Self { own, tenants })
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
    fn send(&self, letter: Letter) {
        let queue = if letter.tenant().is_some() { &self.tenants } else { &self.own };
        if queue.try_send(letter).is_err() {
            tracing::error!("a mail was dropped: {QUEUE} are waiting for the SMTP server");
        }
    }
}

const QUEUE: usize = 1000;
const TIMEOUT: Duration = Duration::from_secs(20);
/// Before each further try.
const PAUSES: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(30), Duration::from_secs(120)];
/// Messages on their way at a time by the server's own way, by all the ways of tenants, and by that of one tenant: one whose
/// server does not answer leaves room for others. A message that waits for another try holds up nobody.
const AT_ONCE: usize = 8;
const AT_ONCE_OF_ONE: usize = 2;
/// Messages by one tenant's own server that are on their way or wait for another try.
const HELD_OF_ONE: usize = 50;

/// The server's own way: who comes when it is full waits in the queue.
async fn send_own(ways: Arc<Ways>, rng: Arc<dyn Rng>, mut waiting: mpsc::Receiver<Letter>) {
    let held = Arc::new(Semaphore::new(QUEUE));
    let slots = Slots { all: Arc::new(Semaphore::new(AT_ONCE)), of_one: None };
    while let Some(letter) = waiting.recv().await {
        let Ok(place) = Arc::clone(&held).acquire_owned().await else { return };
        let Some(mail) = written(letter).await else { continue };
        let (ways, rng, slots) = (Arc::clone(&ways), Arc::clone(&rng), slots.clone());
        tokio::spawn(async move {
            deliver(&ways, &mail, &*rng, &slots).await;
            drop(place);
        });
    }
}

/// Tenants' servers: nobody waits for a place, since that would let one tenant hold up the others.
async fn send_tenants(ways: Arc<Ways>, rng: Arc<dyn Rng>, mut waiting: mpsc::Receiver<Letter>) {
    let mut places = Places::default();
    while let Some(letter) = waiting.recv().await {
        let tenant = letter.tenant().unwrap_or_default();
        let Some((place, slots)) = places.take(tenant) else {
            tracing::error!(tenant, "a mail was dropped: too many wait for the tenant's mail server");
            continue;
        };
        let Some(mail) = written(letter).await else { continue };
        let (ways, rng) = (Arc::clone(&ways), Arc::clone(&rng));
        tokio::spawn(async move {
            deliver(&ways, &mail, &*rng, &slots).await;
            drop(place);
        });
    }
}

/// One after another, so that templates take one thread at most for each of the two ways.
async fn written(letter: Letter) -> Option<Mail> {
    let written = tokio::task::spawn_blocking(move || letter.write()).await;
    written.inspect_err(|error| tracing::error!("a mail could not be written: {error}")).ok()
}

/// Room for the mail of tenants with a server of their own.
struct Places {
    held: Arc<Semaphore>,
    all: Arc<Semaphore>,
    /// Of tenants that have mail on its way: what is held, what is sent at this moment.
    tenants: HashMap<String, (Arc<Semaphore>, Arc<Semaphore>)>,
}

impl Default for Places {
    fn default() -> Self {
        let (held, all) = (Semaphore::new(QUEUE), Semaphore::new(AT_ONCE));
        Self { held: Arc::new(held), all: Arc::new(all), tenants: HashMap::new() }
    }
}

impl Places {
    /// A place, given back when it is dropped, if there is one.
    fn take(&mut self, tenant: &str) -> Option<([OwnedSemaphorePermit; 2], Slots)> {
        self.tenants.retain(|_, (held, _)| held.available_permits() < HELD_OF_ONE);
        let any = Arc::clone(&self.held).try_acquire_owned().ok()?;
        let new = || (Arc::new(Semaphore::new(HELD_OF_ONE)), Arc::new(Semaphore::new(AT_ONCE_OF_ONE)));
        let (held, slots) = self.tenants.entry(tenant.to_owned()).or_insert_with(new);
        let own = Arc::clone(held).try_acquire_owned().ok()?;
        Some(([any, own], Slots { all: Arc::clone(&self.all), of_one: Some(Arc::clone(slots)) }))
    }
}

/// What a message needs to be sent at this moment.
#[derive(Clone)]
struct Slots {
    all: Arc<Semaphore>,
    of_one: Option<Arc<Semaphore>>,
}

/// What the server refuses for good is not tried again. Texts, pages and subjects of mails may hold links that are secrets, so
/// only the kind of mail is logged.
async fn deliver(ways: &Ways, mail: &Mail, rng: &dyn Rng, slots: &Slots) {
    let template = mail.template;
    for pause in PAUSES.into_iter().map(Some).chain([None]) {
        // The tenant's first: who waits for it keeps none of the others' places.
        let of_one = match &slots.of_one {
            Some(slots) => Some(slots.acquire().await),
            None => None,
        };
        let all = slots.all.acquire().await;
        let (transport, from) = match ways.of(mail).await {
            Ok(way) => way,
            Err(why) => {
                tracing::error!(template, "a mail ({template}) was not sent, because {why}");
                return;
            }
        };
        let Some(message) = compose(mail, &from, rng) else {
            tracing::warn!(
                template,
                "a mail ({template}) was dropped: its address cannot be written as a header"
            );
            return;
        };
        let Err(e) = transport.send(message).await else { return };
        drop((all, of_one));
        match pause {
            Some(pause) if !e.is_permanent() => tokio::time::sleep(pause).await,
            _ => {
                tracing::error!(
                    template,
                    "a mail ({template}) could not be delivered to the SMTP server: {e}"
                );
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
            template: "reset_email",
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
        outbox.send(mail("jane@example.com").into());
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
        let route =
            Route { tenant: "acme".to_owned(), host: host.to_owned(), port, user: String::new(), password };
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
        outbox.send(own("127.0.0.1", port).into());
        let (stream, _) = listener.accept().await.unwrap();
        let received = converse(stream).await;
        assert!(
            received.contains("EHLO acme.example") && received.contains("From: Acme <hello@acme.example>"),
            "{received}"
        );
    }

    /// A server that takes connections and says nothing: its tenant's mail fills that tenant's places and nobody else's.
    #[tokio::test]
    async fn a_dead_server_of_a_tenant_holds_up_nobody_else() {
        let bind = || TcpListener::bind("127.0.0.1:0");
        let (dead, living, servers) = (bind().await.unwrap(), bind().await.unwrap(), bind().await.unwrap());
        let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
        let server =
            Some((format!("smtp://127.0.0.1:{}", port(&servers)), "no-reply@acme.example".to_owned()));
        let inner_networks = Networks(vec!["127.0.0.0/8".parse().unwrap()]);
        let outbox =
            SmtpOutbox::start(&SmtpSettings { server, inner_networks }, Arc::new(TestRng::default()))
                .unwrap();
        let soon = Duration::from_secs(10);
        for _ in 0..4 {
            for _ in 0..QUEUE / 2 {
                outbox.send(own("127.0.0.1", port(&dead)).into());
            }
            let drained = async {
                while outbox.tenants.capacity() < QUEUE {
                    tokio::task::yield_now().await;
                }
            };
            tokio::time::timeout(soon, drained).await.unwrap();
        }
        outbox.send(mail("jane@example.com").into());
        let mut other = own("127.0.0.1", port(&living));
        other.route.as_mut().unwrap().tenant = "other".to_owned();
        outbox.send(other.into());
        for listener in [servers, living] {
            let (stream, _) = tokio::time::timeout(soon, listener.accept()).await.unwrap().unwrap();
            assert!(converse(stream).await.contains("RCPT TO:<jane@example.com>"));
        }
    }

    #[test]
    fn one_tenant_has_so_many_places() {
        let mut places = Places::default();
        let mut taken: Vec<_> = (0..HELD_OF_ONE).map(|_| places.take("acme").unwrap()).collect();
        assert!(places.take("acme").is_none());
        assert!(places.take("other").is_some());
        taken.pop();
        assert!(places.take("acme").is_some());
        taken.clear();
        drop(places.take("other"));
        assert_eq!(places.tenants.len(), 1, "who has nothing on its way is forgotten");
        assert_eq!(places.held.available_permits(), QUEUE);
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
