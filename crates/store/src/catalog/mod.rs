//! The configuration as this node knows it: an immutable snapshot per tenant behind one atomic pointer. Readers never
//! lock, never wait and never see half a change.

mod collections;
pub(crate) mod load;
mod ordered;
mod origin;
mod prepared;
mod snapshot;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use chancery_db::params;

pub use origin::{Origin, TenantHandle};
pub use prepared::{AssertionKey, KnownCertificate, PreparedApi, PreparedClient, encryption};
pub use snapshot::Snapshot;

use crate::{Change, Error, Result, Store};

/// Every tenant this node serves, with the configuration of those that were asked for.
pub struct Catalog {
    store: Store,
    /// Where applications with certificates call, in the words of [`Origin::with_certificates`].
    certificate_origin: String,
    directory: ArcSwap<Directory>,
    loaded: ArcSwap<HashMap<String, Arc<Snapshot>>>,
    /// One load or sync at a time, or an older snapshot could land on a newer one.
    writing: tokio::sync::Mutex<()>,
    /// How often [`Catalog::sync`] was called, and how many of these calls have what they asked for: those who wait for
    /// their turn are served together, as their commits were.
    asked: AtomicU64,
    served: AtomicU64,
    /// When it was made, and how many milliseconds later the last sync that succeeded began.
    made: Instant,
    current_at: AtomicU64,
}

#[derive(Default)]
struct Directory {
    by_authority: HashMap<String, Arc<TenantHandle>>,
    /// Each tenant with the revision of its origins: whatever differs makes a new directory.
    revisions: Vec<(String, i64)>,
}

impl Catalog {
    /// Knows nothing until [`Catalog::sync`].
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self {
            store,
            certificate_origin: Origin::WITH_CERTIFICATES.to_owned(),
            directory: ArcSwap::default(),
            loaded: ArcSwap::default(),
            writing: tokio::sync::Mutex::default(),
            asked: AtomicU64::new(0),
            served: AtomicU64::new(0),
            made: Instant::now(),
            current_at: AtomicU64::new(0),
        }
    }

    /// Says where applications with certificates call: see [`Origin::with_certificates`].
    #[must_use]
    pub fn with_certificates_at(self, certificate_origin: String) -> Self {
        Self { certificate_origin, ..self }
    }

    /// The tenant that a `Host` (lower case, `host[:port]`) leads to.
    #[must_use]
    pub fn tenant_by_host(&self, authority: &str) -> Option<Arc<TenantHandle>> {
        self.directory.load().by_authority.get(authority).cloned()
    }

    /// The snapshot of a tenant that was loaded before: the hot path.
    #[must_use]
    pub fn cached(&self, tenant: &str) -> Option<Arc<Snapshot>> {
        self.loaded.load().get(tenant).cloned()
    }

    /// Every snapshot that was loaded before, in no order.
    #[must_use]
    pub fn all_cached(&self) -> Vec<Arc<Snapshot>> {
        self.loaded.load().values().cloned().collect()
    }

    /// The snapshot of a tenant, read from the database the first time, once however many ask.
    ///
    /// # Errors
    /// [`Error::Guard`] where there is no such tenant, [`Error::Corrupt`] where its keys or settings cannot be read.
    pub async fn snapshot(&self, tenant: &str) -> Result<Arc<Snapshot>> {
        if let Some(snapshot) = self.cached(tenant) {
            return Ok(snapshot);
        }
        let _turn = self.writing.lock().await;
        if let Some(snapshot) = self.cached(tenant) {
            return Ok(snapshot);
        }
        let snapshot = load::everything(&self.store, tenant).await?.ok_or(Error::Guard)?;
        let snapshot = Arc::new(snapshot);
        let mut loaded = HashMap::clone(&self.loaded.load());
        loaded.insert(tenant.to_owned(), Arc::clone(&snapshot));
        self.loaded.store(Arc::new(loaded));
        Ok(snapshot)
    }

    /// Applies a change and waits until this node sees it. Answers the revision of the configuration that this node then
    /// has.
    ///
    /// # Errors
    /// As [`Store::apply`], where nothing happened, and as [`Catalog::sync`], where the change was made.
    pub async fn apply(&self, change: Change) -> Result<i64> {
        let tenant = change.tenant().to_owned();
        self.store.commit(change.into_batch()).await?;
        self.sync().await?;
        match self.cached(&tenant) {
            Some(snapshot) => Ok(snapshot.rev),
            None => self.store.config_rev(&tenant).await,
        }
    }

    /// How old what is known may be: the time since the database was last asked with success. Nothing that was changed before
    /// then is missing.
    #[must_use]
    pub fn age(&self) -> Duration {
        let current_at = Duration::from_millis(self.current_at.load(Ordering::Relaxed));
        self.made.elapsed().saturating_sub(current_at)
    }

    /// Catches up with the database: called after each local write and twice a second. When it returns, every write that
    /// was acknowledged before the call is seen.
    ///
    /// # Errors
    /// [`Error::Busy`] or [`Error::Database`]; what was known stays. A tenant whose keys or settings cannot be read stays as
    /// it was too, and the log says so.
    pub async fn sync(&self) -> Result<()> {
        let mine = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let _turn = self.writing.lock().await;
        // Somebody looked after we had asked.
        if self.served.load(Ordering::SeqCst) >= mine {
            return Ok(());
        }
        let serves = self.asked.load(Ordering::SeqCst);
        let began = u64::try_from(self.made.elapsed().as_millis()).unwrap_or(u64::MAX);
        let tenants: Vec<(String, i64, i64)> = self
            .store
            .db
            .query("SELECT id, config_rev, origins_rev FROM tenants ORDER BY id", params![])
            .await?;
        self.sync_directory(&tenants).await?;
        self.sync_snapshots(&tenants).await?;
        self.served.store(serves, Ordering::SeqCst);
        self.current_at.store(began, Ordering::Relaxed);
        Ok(())
    }

    async fn sync_directory(&self, tenants: &[(String, i64, i64)]) -> Result<()> {
        let known = self.directory.load();
        let same = known.revisions.iter().map(|(id, rev)| (id, *rev));
        if same.eq(tenants.iter().map(|(id, _, rev)| (id, *rev))) {
            return Ok(());
        }
        let mut by_authority = HashMap::new();
        let mut beside = Vec::new();
        for tenant in self.store.tenants().await? {
            for text in &tenant.origins {
                let Some(origin) = Origin::parse(text) else {
                    tracing::error!(tenant = tenant.id, "origin {text} of tenant {} is no origin", tenant.id);
                    continue;
                };
                let origin = Arc::new(origin.with_certificates(&self.certificate_origin));
                let handle = Arc::new(TenantHandle { id: tenant.id.clone(), origin: Arc::clone(&origin) });
                for authority in origin.authorities() {
                    by_authority.entry(authority).or_insert_with(|| Arc::clone(&handle));
                }
                beside.push(handle);
            }
        }
        // After all others: what a tenant calls its own is never another's.
        for handle in beside {
            for authority in handle.origin.certificate_authorities() {
                by_authority.entry(authority).or_insert_with(|| Arc::clone(&handle));
            }
        }
        // The revisions read first: an origin added since is found again by the next sync.
        let revisions = tenants.iter().map(|(id, _, rev)| (id.clone(), *rev)).collect();
        self.directory.store(Arc::new(Directory { by_authority, revisions }));
        Ok(())
    }

    async fn sync_snapshots(&self, tenants: &[(String, i64, i64)]) -> Result<()> {
        let loaded = self.loaded.load_full();
        let mut next = HashMap::with_capacity(loaded.len());
        let mut changed = false;
        for (id, rev, _) in tenants {
            let Some(old) = loaded.get(id) else { continue };
            let snapshot = match load::news(&self.store, old, *rev).await {
                Ok(Some(new)) => {
                    changed = true;
                    Arc::new(new)
                }
                Ok(None) => Arc::clone(old),
                // One tenant's bad key must not keep the others from following.
                Err(Error::Corrupt(what)) => {
                    tracing::error!(tenant = id, "tenant {id} stays at revision {}: {what}", old.rev);
                    Arc::clone(old)
                }
                Err(error) => return Err(error),
            };
            next.insert(id.clone(), snapshot);
        }
        if changed || next.len() != loaded.len() {
            self.loaded.store(Arc::new(next));
        }
        Ok(())
    }
}

/// Shows how much it knows.
impl std::fmt::Debug for Catalog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Catalog").field("loaded", &self.loaded.load().len()).finish_non_exhaustive()
    }
}
