//! `chancery dev`.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use chancery_core::{Clock, Rng, ids};
use chancery_store::{KeyState, NextKeys, Store};
use chancery_web::{Background, ClientCertificates, Limits, Listener, Networks, ServerConfig, Tls};
use tokio::sync::oneshot;

use super::{Environment, serve, storage};
use crate::assemble::{DEMO_TENANT, Parts};
use crate::authorities;
use crate::certificates::{self, CertificateFiles};
use crate::cli::DevArgs;
use crate::clock::SystemClock;
use crate::config::LogFormat;
use crate::dev::{ReadyFile, Whereabouts, adopt, keep_adopted, welcome};
use crate::keys::{FirstKeys, KeysInTheMaking};
use crate::listen;
use crate::master_key::{self, MasterKey};
use crate::ops::{logging, signals};
use crate::output::Output;
use crate::rng::SystemRng;
use crate::seed::{self, DemoClients, Seed, Seeding, demo_clients, management_scopes};
use crate::threads;

pub(super) async fn run(args: DevArgs, environment: &Environment, out: &mut Output) -> Result<ExitCode> {
    logging::start(LogFormat::Auto, &args.log, out.colour)?;
    // A new database needs keys, and finding primes takes longer than everything else.
    let rng: Arc<dyn Rng> = Arc::new(SystemRng::prepared()?);
    let database = database(&args);
    let is_new = database.strip_prefix("sqlite:").is_some_and(|path| !Path::new(path).exists());
    let keys = is_new.then(|| FirstKeys::begin_beside(&rng)).transpose()?;
    // Sockets first: clients that come early wait in the system's queue instead of being refused, and ports chosen by the
    // system are known before anything is made for them.
    let (http, https) = (listen::bind(&args.http, "--http")?, listen::bind(&args.https, "--https")?);
    // One of an earlier run would send clients to a server that is gone. Where a socket is taken that server lives.
    if let Some(path) = &args.ready_file {
        drop(fs::remove_file(path));
    }
    let mtls =
        args.mtls.as_deref().map(|address| listen::bind(address, "--mtls")).transpose()?.unwrap_or_default();
    let origins = [
        listen::origin("http", &args.host, listen::port(&http).context("--http names no address")?),
        listen::origin("https", &args.host, listen::port(&https).context("--https names no address")?),
    ];
    let is_exposed = http.iter().chain(&https).chain(&mtls).any(|socket| !is_loopback(socket));
    let shutdown = signals::shutdown_token()?;
    make_folder(&args.data)?;
    let data = fs::canonicalize(&args.data)?;
    let certificates = certificates_in_the_making(&data, &args.host)?;
    let master_key = master_key(&data, environment, &*rng)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let clients = demo_clients(&master_key);
    let store = crate::assemble::open(&database, &master_key).await?;
    let own = storage::require_master_key(&store, &store.tenants().await?).await;
    own.context("this database belongs to another data folder: use the --data folder it was made with")?;
    prepare(&store, (&origins, &clients), &rng, keys).await?;

    let certificates = certificates.await.context("no certificate was made")??;
    let tls = Tls::from_pem(&fs::read(&certificates.certificate)?, &fs::read(&certificates.key)?)?;
    let authorities = args.mtls_ca_file.as_deref().map(authorities::from_file).transpose()?;
    let asking = Tls::that_asks(
        &fs::read(&certificates.certificate)?,
        &fs::read(&certificates.key)?,
        ClientCertificates::new(authorities, Arc::clone(&clock))?,
    )?;

    let parts = Parts {
        store,
        clock,
        rng: Arc::clone(&rng),
        config: ServerConfig {
            dev: true,
            management_rate: args.management_rate.max(1),
            fetch_networks: Networks(args.fetch_networks.clone()),
            fetch_authorities: args.fetch_ca_file.as_deref().map(authorities::of_servers).transpose()?,
            certificate_origin: match listen::port(&mtls) {
                Some(port) => format!("https://{{host}}:{port}"),
                None => ServerConfig::default().certificate_origin,
            },
            ..ServerConfig::default()
        },
        outbox: None,
        stopping: shutdown.clone(),
    };
    let metrics = serve::Metrics::start(args.metrics.as_deref())?;
    let assembled = parts.assemble(clients).await?;
    assembled.app.catalog.snapshot(DEMO_TENANT).await.context("the demo tenant cannot be served")?;
    let background = Background::start(&assembled.app);
    let metrics_address = metrics.address();
    let metrics = metrics.serve(&assembled.app);
    let named = serve::name_kept(Arc::clone(&assembled.app), vec![DEMO_TENANT.to_owned()]);
    tokio::spawn(shutdown.clone().run_until_cancelled_owned(named));
    let directories = chancery_management::keep_directories(Arc::clone(&assembled.app));
    tokio::spawn(shutdown.clone().run_until_cancelled_owned(directories));
    let logouts = chancery_oauth::tell_of_logouts(Arc::clone(&assembled.app));
    tokio::spawn(shutdown.clone().run_until_cancelled_owned(logouts));
    let kept = keep_adopted(Arc::clone(&assembled.app), origins.to_vec(), assembled.clients.clone());
    tokio::spawn(shutdown.clone().run_until_cancelled_owned(kept));
    let listeners = listeners(http, [(https, tls), (mtls, asking)])?;

    // The sockets listen since they were bound: whoever reads the file can call at once.
    if let Some(path) = &args.ready_file {
        let file = ReadyFile::new(&origins[0], &origins[1], &certificates.ca, &assembled.clients);
        ReadyFile { metrics: metrics_address.clone(), ..file }.write(path)?;
    }
    let random = (ids::url_safe(&*rng, 22), ids::url_safe(&*rng, 22));
    let at = Whereabouts {
        http: &origins[0],
        https: &origins[1],
        ca: &certificates.ca,
        ready_file: args.ready_file.as_deref(),
        metrics: metrics_address.as_deref(),
        has_dashboard: crate::dashboard::is_built(),
        random: (&random.0, &random.1),
    };
    welcome(out, at, &assembled.clients);
    if is_exposed {
        out.say("  WARNING: other machines can reach this server, read its passwords and reset it.\n");
    }
    let limits = Limits { grace: DEV_GRACE, ..Limits::default() };
    let finished = chancery_web::serve(assembled.front, listeners, limits, shutdown).await;
    if let Some(path) = &args.ready_file {
        // Another server may have been started with the same file since.
        if ReadyFile::read(path).is_ok_and(|file| file.issuer == origins[0].clone() + "/") {
            drop(fs::remove_file(path));
        }
    }
    background.stop().await;
    assembled.app.store.close().await;
    metrics.stop().await;
    Ok(serve::exit_code(finished))
}

fn is_loopback(socket: &TcpListener) -> bool {
    socket.local_addr().is_ok_and(|address| address.ip().is_loopback())
}

/// Somebody waits at the terminal.
const DEV_GRACE: std::time::Duration = std::time::Duration::from_secs(5);

fn database(args: &DevArgs) -> String {
    let file = || format!("sqlite:{}", args.data.join("chancery.db").display());
    args.database.clone().unwrap_or_else(file)
}

/// The demo tenant, made where it is missing, at these origins.
async fn prepare(
    store: &Store,
    (origins, clients): (&[String], &DemoClients),
    rng: &Arc<dyn Rng>,
    mut keys: Option<KeysInTheMaking>,
) -> Result<()> {
    let seeding = Seeding {
        store,
        rng: &**rng,
        now_ms: SystemClock.now_ms(),
        tenant: DEMO_TENANT,
        origins,
        clients,
        scopes: &management_scopes(),
    };
    if !seeding.is_done().await? {
        let making = match &mut keys {
            Some(making) => making,
            None => keys.insert(FirstKeys::begin_beside(rng)?),
        };
        seeding.make_tenant().await?;
        let current = making.one(rng).await?;
        seeding.fill(Seed::Demo, seed::FirstKeys { current: &current, next: None }).await?;
    }
    complete_keys(store, keys, rng).await?;
    adopt(store, origins, clients).await
}

/// A first certificate has an RSA key as well: it is made while the database is.
fn certificates_in_the_making(
    data: &Path,
    host: &str,
) -> std::io::Result<oneshot::Receiver<Result<CertificateFiles>>> {
    let (sender, receiver) = oneshot::channel();
    let (data, host) = (data.to_owned(), host.to_owned());
    threads::begin("certificate".to_owned(), move || {
        // Nobody listens where the start has failed meanwhile.
        drop(sender.send(certificates::ensure(&data, &host, SystemClock.now())));
    })?;
    Ok(receiver)
}

/// The keys that wait are made while the server serves: finding primes is the slowest part of a first start. A process
/// that ended too soon left them to the next one.
async fn complete_keys(store: &Store, making: Option<KeysInTheMaking>, rng: &Arc<dyn Rng>) -> Result<()> {
    let keys = store.signing_keys(DEMO_TENANT).await?;
    if keys.iter().any(|key| key.state == KeyState::Next) {
        return Ok(());
    }
    let mut making = making.map_or_else(|| FirstKeys::begin_beside(rng), Ok)?;
    let (store, rng) = (store.clone(), Arc::clone(rng));
    tokio::spawn(async move {
        let added = async {
            let material = making.one(&rng).await?;
            let next = NextKeys { common_name: "localhost", now: SystemClock.now(), material: &material };
            match store.add_next_keys(DEMO_TENANT, next).await {
                Ok(_) | Err(chancery_store::Error::Conflict) => Ok(()),
                Err(error) => Err(anyhow::Error::from(error)),
            }
        };
        if let Err(error) = added.await {
            tracing::warn!("the keys that wait could not be made: {error:#}");
        }
    });
    Ok(())
}

fn make_folder(path: &Path) -> Result<()> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.with_context(|| format!("the data folder {} cannot be made", path.display()))
}

/// From the environment where it is set there, else from the data folder.
fn master_key(data: &Path, environment: &Environment, rng: &dyn Rng) -> Result<MasterKey> {
    use secrecy::ExposeSecret;
    match &environment.master_key {
        Some(text) => master_key::parse(text.expose_secret()).context("CHANCERY_MASTER_KEY"),
        None => master_key::read_or_create_file(&data.join("master.key"), rng),
    }
}

fn listeners(http: Vec<TcpListener>, secure: [(Vec<TcpListener>, Tls); 2]) -> Result<Vec<Listener>> {
    let plain =
        http.into_iter().map(|socket| Ok(Listener::Plain(tokio::net::TcpListener::from_std(socket)?)));
    let secure = secure.into_iter().flat_map(|(sockets, tls)| {
        let tls = Arc::new(tls);
        let listen =
            move |socket| Ok(Listener::Tls(tokio::net::TcpListener::from_std(socket)?, Arc::clone(&tls)));
        sockets.into_iter().map(listen)
    });
    plain.chain(secure).collect()
}
