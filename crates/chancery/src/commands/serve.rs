//! `chancery serve`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use chancery_core::{Clock, Rng};
use chancery_web::{
    App, Background, ClientCertificates, Limits, Listener, Outbox, ServerConfig, SmtpOutbox, SmtpSettings,
    Tls,
};
use secrecy::ExposeSecret;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Environment, InVain, storage};
use crate::assemble::Parts;
use crate::cli::ServeArgs;
use crate::clock::SystemClock;
use crate::config::{Settings, seconds};
use crate::listen;
use crate::ops::{self, logging, signals};
use crate::output::Output;
use crate::rng::SystemRng;
use crate::seed::demo_clients;

pub(super) async fn run(args: ServeArgs, environment: &Environment, out: &mut Output) -> Result<ExitCode> {
    let settings = storage::layered(args.settings, args.config.as_deref(), environment)?;
    let filter = settings.log.as_deref().unwrap_or("info");
    logging::start(settings.log_format.unwrap_or_default(), filter, out.colour)?;
    let rng: Arc<dyn Rng> = Arc::new(SystemRng::prepared()?);
    let master_key = settings.master_key()?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let listeners = listeners(&settings, &clock)?;
    let shutdown = signals::shutdown_token()?;
    let store =
        crate::assemble::open_with(settings.database()?, &master_key, settings.database_options()).await?;
    let tenants = store.tenants().await?;
    if tenants.is_empty() {
        bail!(InVain("the database has no tenant yet: make one with `chancery init`"));
    }
    storage::require_master_key(&store, &tenants).await?;
    let config = ServerConfig {
        trusted_proxies: settings.networks()?,
        management_rate: settings.management_rate.unwrap_or(50_000).max(1),
        rate_limits: settings.rate_limits.clone().unwrap_or_default().limits(),
        fetch_networks: settings.fetch_networks()?,
        fetch_authorities: settings.fetch_authorities()?,
        breached_passwords: settings.breached_passwords()?,
        services: settings.services(),
        certificate_proxies: settings.mtls_proxies()?,
        certificate_header: settings.mtls_header(),
        certificate_origin: settings.mtls_origin()?,
        outage: settings.outage_seconds.map_or(ServerConfig::default().outage, seconds),
        log_retention: i64::from(settings.log_retention_days.unwrap_or(30)) * 86_400,
        ..ServerConfig::default()
    };
    let outbox = Some(outbox(&settings, &rng)?);
    let parts = Parts { store, clock, rng, config, outbox, stopping: shutdown.clone() };
    let metrics = Metrics::start(settings.metrics.as_deref())?;
    let assembled = parts.assemble(demo_clients(&master_key)).await?;
    for tenant in &tenants {
        let loaded = assembled.app.catalog.snapshot(&tenant.id).await;
        loaded.with_context(|| format!("tenant {} cannot be served; is this its master key?", tenant.id))?;
    }
    let background = Background::start(&assembled.app);
    tokio::spawn(shutdown.clone().run_until_cancelled_owned(name_kept(
        Arc::clone(&assembled.app),
        tenants.iter().map(|tenant| tenant.id.clone()).collect(),
    )));
    let directories = chancery_management::keep_directories(Arc::clone(&assembled.app));
    tokio::spawn(shutdown.clone().run_until_cancelled_owned(directories));
    let logouts = chancery_oauth::tell_of_logouts(Arc::clone(&assembled.app));
    tokio::spawn(shutdown.clone().run_until_cancelled_owned(logouts));
    let metrics = metrics.serve(&assembled.app);
    let origins: Vec<_> = tenants.iter().flat_map(|tenant| &tenant.origins).map(String::as_str).collect();
    tracing::info!(tenants = tenants.len(), "serving {}", origins.join(", "));

    let defaults = Limits::default();
    let limits = Limits {
        connections: settings.max_connections.unwrap_or(defaults.connections),
        grace: settings.shutdown_seconds.map_or(defaults.grace, Duration::from_secs),
        ..defaults
    };
    let finished = chancery_web::serve(assembled.front, listeners, limits, shutdown).await;
    background.stop().await;
    assembled.app.store.close().await;
    metrics.stop().await;
    if finished {
        tracing::info!("stopped");
    }
    Ok(exit_code(finished))
}

/// Names the settings in use that nothing acts on, so that nobody relies on them unawares.
pub(super) async fn name_kept(app: Arc<chancery_web::App>, tenants: Vec<String>) {
    for id in tenants {
        let Ok(tenant) = app.catalog.snapshot(&id).await else { continue };
        let kept = match chancery_management::kept_only(&app.store, &tenant).await {
            Ok(kept) => kept,
            Err(error) => {
                tracing::warn!(tenant = id, "settings that are only kept could not be looked for: {error}");
                continue;
            }
        };
        for kept in kept {
            tracing::warn!(tenant = id, "kept, but nothing acts on it yet: {kept}");
        }
    }
}

/// A request that was cut off is a failure that whoever watches should hear of.
pub(super) fn exit_code(finished: bool) -> ExitCode {
    if finished {
        return ExitCode::SUCCESS;
    }
    tracing::warn!("stopped with requests unfinished");
    ExitCode::FAILURE
}

fn listeners(settings: &Settings, clock: &Arc<dyn Clock>) -> Result<Vec<Listener>> {
    let default = ["127.0.0.1:4000".to_owned()];
    let (http, https) = (settings.http.as_deref(), settings.https.as_deref());
    let mtls = settings.mtls.as_deref();
    let http = http.unwrap_or(if https.is_some() { &[] } else { &default });
    let mut served = Vec::new();
    if let Some(https) = https {
        let (chain, key) = certificate_files(settings)?;
        let tls = Tls::from_pem(&read(&chain)?, &read(&key)?);
        served.push(("https", https, Arc::new(tls.with_context(|| unusable(&chain, &key))?)));
    }
    if let Some(mtls) = mtls {
        let (chain, key) = certificate_files(settings)?;
        let asks = ClientCertificates::new(settings.mtls_authorities()?, Arc::clone(clock))?;
        let tls = Tls::that_asks(&read(&chain)?, &read(&key)?, asks);
        served.push(("mtls", mtls, Arc::new(tls.with_context(|| unusable(&chain, &key))?)));
    }
    // Before the first socket: who finds one may send a signal already.
    read_again_at_hangup(settings, served.iter().map(|(name, _, tls)| (*name, Arc::clone(tls))).collect())?;
    let mut listeners = Vec::new();
    for address in http {
        listeners.extend(bound(address, "http")?.into_iter().map(Listener::Plain));
    }
    for (name, addresses, tls) in served {
        for address in addresses {
            let sockets = bound(address, name)?.into_iter();
            listeners.extend(sockets.map(|socket| Listener::Tls(socket, Arc::clone(&tls))));
        }
    }
    if listeners.is_empty() {
        bail!(InVain("nothing to listen on: give --http or --https"));
    }
    Ok(listeners)
}

/// Says where it is bound, since the system may have chosen the port.
fn bound(address: &str, name: &str) -> Result<Vec<tokio::net::TcpListener>> {
    let mut sockets = Vec::new();
    for socket in listen::bind(address, name)? {
        tracing::info!("{name} listens on {}", socket.local_addr()?);
        sockets.push(tokio::net::TcpListener::from_std(socket)?);
    }
    Ok(sockets)
}

/// Reads the certificate again at each SIGHUP. Without TLS there is none, and the signal is taken all the same: left alone it
/// ends the process, and a unit of systemd sends it to whatever it runs.
fn read_again_at_hangup(settings: &Settings, served: Vec<(&'static str, Arc<Tls>)>) -> Result<()> {
    let files = if served.is_empty() { None } else { Some(certificate_files(settings)?) };
    signals::on_hangup(move || match &files {
        Some(files) => served.iter().for_each(|(name, tls)| read_again(name, tls, files)),
        None => tracing::info!("SIGHUP: without TLS there is nothing to read again"),
    })?;
    Ok(())
}

fn read_again(name: &str, tls: &Tls, (certificate, key): &(PathBuf, PathBuf)) {
    match read(certificate).and_then(|chain| Ok((chain, read(key)?))) {
        Ok((chain, key)) => match tls.replace(&chain, &key) {
            Ok(()) => tracing::info!("the certificate of {name} was read again"),
            Err(error) => tracing::error!("the old certificate of {name} stays: {error}"),
        },
        Err(error) => tracing::error!("the old certificate of {name} stays: {error:#}"),
    }
}

fn unusable(certificate: &Path, key: &Path) -> String {
    format!("{} with {}", certificate.display(), key.display())
}

fn certificate_files(settings: &Settings) -> Result<(PathBuf, PathBuf)> {
    match (&settings.tls_certificate, &settings.tls_key) {
        (Some(certificate), Some(key)) => Ok((certificate.clone(), key.clone())),
        _ => bail!(InVain(
            "https and mtls need tls_certificate and tls_key; or let a proxy speak TLS and use http"
        )),
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}

fn outbox(settings: &Settings, rng: &Arc<dyn Rng>) -> Result<Arc<dyn Outbox>> {
    let server = match (&settings.smtp_url, &settings.mail_from) {
        (Some(url), Some(from)) => Some((url.expose_secret().to_owned(), from.clone())),
        (None, None) => None,
        _ => bail!(InVain("mail needs both smtp_url and mail_from")),
    };
    let inner_networks = settings.mail_networks()?;
    Ok(Arc::new(SmtpOutbox::start(&SmtpSettings { server, inner_networks }, Arc::clone(rng))?))
}

/// The port for Prometheus, where there is one. Counting begins before the first request.
pub(super) struct Metrics(Option<Figured>);

struct Figured {
    figures: ops::metrics::Figures,
    listeners: Vec<Listener>,
    address: String,
}

impl Metrics {
    pub(super) fn start(address: Option<&str>) -> Result<Self> {
        let Some(address) = address else { return Ok(Self(None)) };
        let sockets = bound(address, "metrics")?;
        let port = sockets.first().context("the port for metrics has no address")?.local_addr()?.port();
        let address = listen::with_port(address, port);
        let listeners = sockets.into_iter().map(Listener::Plain).collect();
        Ok(Self(Some(Figured { figures: ops::metrics::start()?, listeners, address })))
    }

    /// As it was asked for, with the port that it came to.
    pub(super) fn address(&self) -> Option<String> {
        self.0.as_ref().map(|figured| figured.address.clone())
    }

    /// Serves until it is stopped, which is later than the public ports: probes are told that the server is stopping.
    pub(super) fn serve(self, app: &Arc<App>) -> MetricsPort {
        let stop = CancellationToken::new();
        let running = self.0.map(|Figured { figures, listeners, .. }| {
            tokio::spawn(stop.clone().run_until_cancelled_owned(ops::metrics::upkeep(figures.clone())));
            let router = ops::metrics::routes(figures, app);
            // Who keeps a connection open here has nothing to lose.
            let limits = Limits { linger: Duration::ZERO, grace: METRICS_GRACE, ..Limits::default() };
            tokio::spawn(chancery_web::serve(router, listeners, limits, stop.clone()))
        });
        MetricsPort { stop, running }
    }
}

/// The running port, where there is one.
#[must_use]
pub(super) struct MetricsPort {
    stop: CancellationToken,
    running: Option<JoinHandle<bool>>,
}

impl MetricsPort {
    /// The last thing that a process does.
    pub(super) async fn stop(self) {
        self.stop.cancel();
        if let Some(running) = self.running
            && let Err(error) = running.await
        {
            tracing::warn!("the port for metrics did not stop cleanly: {error}");
        }
    }
}

const METRICS_GRACE: Duration = Duration::from_secs(1);
