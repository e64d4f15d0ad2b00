//! From settings to a server that can be called: the same way in the binary and in tests.

use std::sync::Arc;

use anyhow::{Context, Result};
use chancery_core::{Clock, Rng};
use chancery_store::{Catalog, Options, Store};
use chancery_web::{App, Front, Outbox, ServerConfig};
use tokio_util::sync::CancellationToken;

use crate::clock::OffsetClock;
use crate::dev::Dev;
use crate::keys::FirstKeys;
use crate::master_key::MasterKey;
use crate::routes::routes;
use crate::seed::{self, DemoClients, Seed, Seeding, demo_clients, management_scopes};

/// Id of the tenant of dev mode.
pub const DEMO_TENANT: &str = "demo";

/// What a server is made of.
pub struct Setup {
    /// `sqlite:PATH` or `postgres://...`.
    pub database: String,
    /// Seals what is secret in the database.
    pub master_key: MasterKey,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub rng: Arc<dyn Rng>,
    /// Settings of the server. In dev mode there are its routes, and a clock that can be moved.
    pub config: ServerConfig,
    /// A tenant to be made where it is missing; `None` serves what is in the database.
    pub tenant: Option<TenantSetup>,
}

/// The tenant of dev mode and of tests.
pub struct TenantSetup {
    /// Its contents.
    pub seed: Seed,
    /// `http://localhost:4000`, ... without a slash at the end; the first is canonical.
    pub origins: Vec<String>,
    /// Its first keys. Making them takes up to a second, so tests make them once.
    pub keys: Arc<FirstKeys>,
}

/// A server, ready to be listened for.
pub struct Assembled {
    /// What handlers share.
    pub app: Arc<App>,
    /// What answers requests.
    pub front: Front,
    /// Applications of the seed, with their secrets.
    pub clients: DemoClients,
}

/// Opens and migrates the database, makes the tenant where it is missing, and puts everything together. Background tasks
/// are not started: see [`chancery_web::Background`].
///
/// # Errors
/// In a sentence for the operator.
pub async fn assemble(setup: Setup) -> Result<Assembled> {
    let clients = demo_clients(&setup.master_key);
    let store = open(&setup.database, &setup.master_key).await?;
    if let Some(tenant) = &setup.tenant {
        let seeding = Seeding {
            store: &store,
            rng: &*setup.rng,
            now_ms: setup.clock.now_ms(),
            tenant: DEMO_TENANT,
            origins: &tenant.origins,
            clients: &clients,
            scopes: &management_scopes(),
        };
        if !seeding.is_done().await? {
            seeding.first(tenant.seed, seed::FirstKeys::from(&*tenant.keys)).await?;
        }
    }
    let (clock, rng, config) = (setup.clock, setup.rng, setup.config);
    let parts = Parts { store, clock, rng, config, outbox: None, stopping: CancellationToken::new() };
    parts.assemble(clients).await
}

/// Opens a database and brings it to this release.
///
/// # Errors
/// In a sentence for the operator.
pub async fn open(database: &str, master_key: &MasterKey) -> Result<Store> {
    open_with(database, master_key, chancery_store::DbOptions::default()).await
}

/// As [`open`], within these bounds.
///
/// # Errors
/// In a sentence for the operator.
pub(crate) async fn open_with(
    database: &str,
    master_key: &MasterKey,
    bounds: chancery_store::DbOptions,
) -> Result<Store> {
    let options = Options { db: bounds, ..Options::new(**master_key) };
    let store = opened(database, options).await?;
    store.migrate().await?;
    Ok(store)
}

/// Opens a database as it is.
///
/// # Errors
/// In a sentence for the operator.
pub async fn connect(database: &str, master_key: &MasterKey) -> Result<Store> {
    opened(database, Options::new(**master_key)).await
}

async fn opened(database: &str, options: Options) -> Result<Store> {
    let opened = Store::open(database, options).await;
    opened.with_context(|| format!("the database {} cannot be opened", without_password(database)))
}

/// An open, migrated database and what else a server needs.
pub(crate) struct Parts {
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
    pub(crate) config: ServerConfig,
    pub(crate) outbox: Option<Arc<dyn Outbox>>,
    /// Cancelled when the process is told to stop.
    pub(crate) stopping: CancellationToken,
}

impl Parts {
    pub(crate) async fn assemble(self, clients: DemoClients) -> Result<Assembled> {
        let moved = self.config.dev.then(|| Arc::new(OffsetClock::over(Arc::clone(&self.clock))));
        let clock: Arc<dyn Clock> = match &moved {
            Some(moved) => Arc::<OffsetClock>::clone(moved),
            None => self.clock,
        };
        self.store.seal_plain_secrets().await?;
        self.store.index_users().await?;
        let certificate_origin = self.config.certificate_origin.clone();
        let catalog = Catalog::new(self.store.clone()).with_certificates_at(certificate_origin);
        catalog.sync().await?;
        // Of migrations and of the first filling.
        self.store.release_memory().await?;
        let builder = App::builder(self.store, catalog, clock, self.rng);
        let builder = builder.config(self.config).stopping(self.stopping);
        let builder = match self.outbox {
            Some(outbox) => builder.outbox(outbox),
            None => builder,
        };
        let app = builder.build()?;
        let dev = moved.map(|clock| Arc::new(Dev::new(clock, clients.clone())));
        let front = routes(&app, dev.as_ref());
        Ok(Assembled { front, app, clients })
    }
}

impl<'a> From<&'a FirstKeys> for seed::FirstKeys<'a> {
    fn from(keys: &'a FirstKeys) -> Self {
        Self { current: &keys.current, next: Some(&keys.next) }
    }
}

/// For messages.
fn without_password(database: &str) -> String {
    match url::Url::parse(database) {
        Ok(mut url) if url.password().is_some() => {
            // Only fails for addresses that cannot have one.
            let _ = url.set_password(Some("..."));
            url.to_string()
        }
        _ => database.split('?').next().unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_repeated() {
        assert_eq!(without_password("postgres://u:s3cret@h/d?x=1"), "postgres://u:...@h/d?x=1");
        assert_eq!(without_password("sqlite:/tmp/x.db"), "sqlite:/tmp/x.db");
    }
}
