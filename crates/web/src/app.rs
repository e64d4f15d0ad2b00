//! What every handler shares.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use chancery_connect::PasswordHasher;
use chancery_core::iso::format_ms;
use chancery_core::rate_limit::Limits;
use chancery_core::records::LogEvent;
use chancery_core::{Clock, Rng, Telephone};
use chancery_login::TextCatalog;
use chancery_store::{Catalog, Origin, Store};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::authorities::Authorities;
use crate::cors::AllowedOrigins;
use crate::middleware::RouteMetrics;
use crate::overall::Overall;
use crate::overload::Overload;
use crate::shares::Shares;
use crate::{
    Attempts, CertificateHeader, DescribedApplications, Fetcher, KeySets, LogQueue, MemoryOutbox, Networks,
    Outbox, PublishedKeys, Quota, Rates, Signer, Twilio, VerifiedTokens,
};

/// Everything a handler can reach besides its request. There is one, behind an `Arc`; it is the state of the router.
pub struct App {
    /// The database.
    pub store: Store,
    /// The configuration of every tenant, in memory.
    pub catalog: Catalog,
    /// Signatures.
    pub signer: Signer,
    /// Passwords.
    pub hasher: PasswordHasher,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub rng: Arc<dyn Rng>,
    /// Mail.
    pub outbox: Arc<dyn Outbox>,
    /// Text messages and calls.
    pub telephone: Arc<dyn Telephone>,
    /// Documents that others publish.
    pub fetcher: Arc<Fetcher>,
    /// Applications that describe themselves.
    pub described: DescribedApplications,
    /// Keys of servers whose tokens are trusted.
    pub published_keys: PublishedKeys,
    /// Tenant log events on their way to the database.
    pub logs: LogQueue,
    /// How often one address may ask for what costs or tells something.
    pub rates: Rates,
    /// Calls of the Management API, by application.
    pub management_calls: Quota,
    /// Tokens for the Management API that were proven good.
    pub verified_tokens: VerifiedTokens,
    /// Keys of applications that lie elsewhere.
    pub key_sets: KeySets,
    /// Mails, counted by address they go to.
    pub mails: Attempts,
    /// The sentences of the hosted pages.
    pub texts: TextCatalog,
    /// Settings of the server itself.
    pub config: ServerConfig,
    /// Cancelled when the server is told to stop: requests in flight finish, and whoever asks whether it is ready is told no.
    pub stopping: CancellationToken,
    pub(crate) shares: Shares,
    /// Comparisons of new passwords with earlier ones at a time.
    pub(crate) history_checks: Semaphore,
    pub(crate) allowed_origins: AllowedOrigins,
    pub(crate) log_ids: chancery_core::ids::Sequence,
    pub(crate) metrics: RouteMetrics,
    pub(crate) overall: Option<Overall>,
    pub(crate) overload: Overload,
}

/// Settings of the server, as opposed to those of a tenant.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Proxies whose `X-Forwarded-*` is believed. Default none.
    pub trusted_proxies: Networks,
    /// Dev mode: no HSTS, which would make browsers refuse plain HTTP to `localhost`. Default off.
    pub dev: bool,
    /// Seconds an authorization code lives. Default 60.
    pub code_lifetime: i64,
    /// The largest body of a request, in bytes. Default 1 MiB.
    pub max_body: usize,
    /// How long a body may take to arrive. Default 10 s.
    pub body_timeout: Duration,
    /// How long a request may take altogether. Default 30 s.
    pub request_timeout: Duration,
    /// How long the configuration in memory serves while the database cannot be asked whether it changed. Default 300 s.
    pub outage: Duration,
    /// Seconds tenant log events are kept. Default 30 days.
    pub log_retention: i64,
    /// Calls of the Management API that one application may make in a second. Default 50,000.
    pub management_rate: u32,
    /// What a tenant, a user or an address may ask altogether. Default: no such limits.
    pub rate_limits: Limits,
    /// Where documents are fetched from beside the internet. Default nowhere.
    pub fetch_networks: Networks,
    /// Who is trusted when documents are fetched. Default: whom the system trusts.
    pub fetch_authorities: Option<Authorities>,
    /// A list of passwords that are known to the world, beside the one in the program (`chancery_connect::is_breached_in`).
    /// Default none.
    pub breached_passwords: Option<PathBuf>,
    /// Proxies that hand client certificates on, and let nobody else do so. Default none.
    pub certificate_proxies: Networks,
    /// In which header they do. Default `client-certificate`.
    pub certificate_header: CertificateHeader,
    /// Where applications with client certificates call: see [`chancery_store::Origin::with_certificates`]. Default
    /// `https://mtls.{host}`.
    pub certificate_origin: String,
    /// Where services are that tenants have accounts at. Default: where their makers have them.
    pub services: Services,
}

/// Addresses of services, without a slash at the end. They are the operator's to set, never a tenant's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Services {
    /// Twilio's API.
    pub twilio: String,
    /// Where Google gives tokens.
    pub google_token: String,
    /// The Directory API of Google's Admin SDK.
    pub google_directory: String,
}

impl Default for Services {
    fn default() -> Self {
        Self {
            twilio: "https://api.twilio.com".to_owned(),
            google_token: "https://oauth2.googleapis.com/token".to_owned(),
            google_directory: "https://admin.googleapis.com/admin/directory/v1".to_owned(),
        }
    }
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            trusted_proxies: Networks::default(),
            dev: false,
            code_lifetime: 60,
            max_body: 1 << 20,
            body_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
            outage: Duration::from_secs(300),
            log_retention: 30 * 24 * 3600,
            management_rate: 50_000,
            rate_limits: Limits::default(),
            fetch_networks: Networks::default(),
            fetch_authorities: None,
            breached_passwords: None,
            certificate_proxies: Networks::default(),
            certificate_header: CertificateHeader::default(),
            certificate_origin: Origin::WITH_CERTIFICATES.to_owned(),
            services: Services::default(),
        }
    }
}

impl App {
    /// Begins with what has no sensible default.
    pub fn builder(store: Store, catalog: Catalog, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> AppBuilder {
        AppBuilder {
            store,
            catalog,
            clock,
            rng,
            signer: None,
            hasher: None,
            outbox: None,
            config: ServerConfig::default(),
            stopping: CancellationToken::new(),
        }
    }
}

impl App {
    /// Sends a tenant log event of no request on its way.
    pub fn log(&self, tenant: &str, mut event: LogEvent) {
        let now_ms = self.clock.now_ms();
        event.log_id = self.log_ids.next(now_ms);
        event.date = format_ms(now_ms);
        // Nobody called.
        event.ip.get_or_insert_default();
        event.hostname.get_or_insert_default();
        self.logs.send(tenant, event, now_ms);
    }
}

/// Shows that it is one.
impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("config", &self.config).finish_non_exhaustive()
    }
}

/// Makes an [`App`].
#[must_use]
pub struct AppBuilder {
    store: Store,
    catalog: Catalog,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    signer: Option<Signer>,
    hasher: Option<PasswordHasher>,
    outbox: Option<Arc<dyn Outbox>>,
    config: ServerConfig,
    stopping: CancellationToken,
}

impl AppBuilder {
    /// Default: a thread for each core and a queue of 256 for each of them, which is a wait of about 65 ms.
    pub fn signer(self, signer: Signer) -> Self {
        Self { signer: Some(signer), ..self }
    }

    /// Default: [`PasswordHasher::for_cores`].
    pub fn hasher(self, hasher: PasswordHasher) -> Self {
        Self { hasher: Some(hasher), ..self }
    }

    /// Default: a [`MemoryOutbox`].
    pub fn outbox(self, outbox: Arc<dyn Outbox>) -> Self {
        Self { outbox: Some(outbox), ..self }
    }

    /// Default: [`ServerConfig::default`].
    pub fn config(self, config: ServerConfig) -> Self {
        Self { config, ..self }
    }

    /// Default: a token that nobody cancels.
    pub fn stopping(self, stopping: CancellationToken) -> Self {
        Self { stopping, ..self }
    }

    /// The finished app. Nothing runs yet but the signing and hashing threads: see [`Background`](crate::Background).
    ///
    /// # Errors
    /// What the system says when it gives no thread.
    pub fn build(self) -> std::io::Result<Arc<App>> {
        let cores = available_parallelism().map_or(1, usize::from);
        let signer = self.signer.unwrap_or_else(|| Signer::new(cores, cores * 256));
        let hasher =
            self.hasher.map_or_else(|| PasswordHasher::for_cores(Arc::clone(&self.rng), cores), Ok)?;
        let config = self.config;
        let fetcher = Arc::new(Fetcher::new(config.fetch_networks.clone(), config.fetch_authorities.clone()));
        Ok(Arc::new(App {
            signer,
            hasher,
            outbox: self.outbox.unwrap_or_else(|| Arc::new(MemoryOutbox::default())),
            telephone: Arc::new(Twilio::new(Arc::clone(&fetcher), config.services.twilio.clone())),
            fetcher,
            logs: LogQueue::new(self.store.clone()),
            described: DescribedApplications::default(),
            published_keys: PublishedKeys::default(),
            management_calls: Quota::default(),
            verified_tokens: VerifiedTokens::default(),
            mails: Attempts::default(),
            rates: Rates::default(),
            key_sets: KeySets::default(),
            shares: Shares::default(),
            history_checks: Semaphore::new(1),
            texts: TextCatalog::built_in().map_err(std::io::Error::other)?,
            allowed_origins: AllowedOrigins::default(),
            log_ids: chancery_core::ids::Sequence::new(&*self.rng),
            metrics: RouteMetrics::default(),
            overall: Overall::new(&config.rate_limits),
            overload: Overload::default(),
            config,
            stopping: self.stopping,
            store: self.store,
            catalog: self.catalog,
            clock: self.clock,
            rng: self.rng,
        }))
    }
}
