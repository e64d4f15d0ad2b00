//! A fresh store of each engine with one tenant, and records to put into it.

use std::sync::{
    LazyLock,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use chancery_core::{
    Rng,
    chain::ChainKey,
    ids::Handle,
    model::{Identity, User},
    records::{Authorization, CodeRecord, LogEvent, OpaqueRecord, RefreshRecord, Session, Ticket},
};
use chancery_store::{
    Batch, Change, Error, KeyMaterial, Kind, LogLine, NewUser, Options, Snapshot, Store, Tenant,
};

/// The tenant every store begins with.
pub(crate) const TENANT: &str = "t1";
/// The time of every test, seconds.
pub(crate) const NOW: i64 = 1_800_000_000;
pub(crate) const MASTER_KEY: [u8; 32] = [42; 32];

/// A store on one engine. SQLite's folder goes when this does.
pub(crate) struct Fixture {
    pub(crate) engine: &'static str,
    pub(crate) url: String,
    pub(crate) store: Store,
    _folder: tempfile::TempDir,
}

/// One store of each engine, migrated, with [`TENANT`].
pub(crate) async fn engines() -> Vec<Fixture> {
    let mut all = empty_engines().await;
    for fixture in &mut all {
        fixture.store.migrate().await.unwrap();
        let origins = vec!["https://one.example".to_owned()];
        fixture.store.create_tenant(&Tenant { id: TENANT.to_owned(), origins }).await.unwrap();
    }
    all
}

/// One store of each engine without a schema.
pub(crate) async fn empty_engines() -> Vec<Fixture> {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = format!("sqlite:{}", folder.path().join("store.db").display());
    let postgres = chancery_pgtest::fresh_database().await.expect("a PostgreSQL server of our own");
    vec![
        open("SQLite", sqlite, folder).await,
        open("PostgreSQL", postgres, tempfile::tempdir().unwrap()).await,
    ]
}

async fn open(engine: &'static str, url: String, folder: tempfile::TempDir) -> Fixture {
    let store = Store::open(&url, Options::new(MASTER_KEY)).await.unwrap();
    Fixture { engine, url, store, _folder: folder }
}

/// Another process on the same database.
pub(crate) async fn second(fixture: &Fixture) -> Store {
    Store::open(&fixture.url, Options::new(MASTER_KEY)).await.unwrap()
}

/// Random enough for tests and the same in every run: a counter through SHA-256.
pub(crate) struct Counter(AtomicU64);

pub(crate) static RNG: Counter = Counter(AtomicU64::new(1));

impl From<u64> for Counter {
    fn from(seed: u64) -> Self {
        Self(AtomicU64::new(seed << 32))
    }
}

impl Rng for Counter {
    fn fill(&self, out: &mut [u8]) {
        for chunk in out.chunks_mut(32) {
            let n = self.0.fetch_add(1, Ordering::Relaxed);
            chunk.copy_from_slice(&chancery_jose::sha256(&n.to_be_bytes())[..chunk.len()]);
        }
    }
}

/// Each a little later than the one before.
pub(crate) fn handle() -> Handle {
    static TICK: AtomicI64 = AtomicI64::new(0);
    Handle::generate(&RNG, NOW * 1000 + TICK.fetch_add(1, Ordering::Relaxed))
}

/// The key of every chain of these tests.
pub(crate) fn chain() -> ChainKey {
    static CHAIN: LazyLock<ChainKey> = LazyLock::new(|| ChainKey::generate(&RNG));
    CHAIN.clone()
}

/// The same id with another secret: what a guesser has.
pub(crate) fn guessed(handle: &Handle) -> Handle {
    let other = super::fixture::handle().expose();
    Handle::parse(&format!("{}{}", handle.id, &other[22..])).unwrap()
}

pub(crate) fn material() -> KeyMaterial {
    KeyMaterial::generate(&RNG).unwrap()
}

pub(crate) fn new_user(id: &str, email: &str) -> NewUser {
    NewUser {
        user: User {
            user_id: id.to_owned(),
            email: Some(email.to_owned()),
            created_at: "2024-10-14T13:27:44.558Z".to_owned(),
            updated_at: "2024-10-14T13:27:44.558Z".to_owned(),
            identities: vec![Identity {
                connection: "db".to_owned(),
                user_id: id.to_owned(),
                provider: "auth0".to_owned(),
                is_social: false,
                profile_data: None,
            }],
            ..User::default()
        },
        connection: "db".to_owned(),
        password_hash: Some("$argon2id$hash".to_owned()),
    }
}

pub(crate) fn authorization(id: &str, user_id: &str) -> Authorization {
    Authorization {
        id: id.to_owned(),
        client_id: "app".to_owned(),
        user_id: user_id.to_owned(),
        audience: Some("https://api.example/".to_owned()),
        scope: vec!["openid".to_owned(), "read:contacts".to_owned()],
        session_id: Some("s1".to_owned()),
        auth_time: NOW,
        ..Authorization::default()
    }
}

pub(crate) fn code(authorization: Authorization) -> CodeRecord {
    CodeRecord { authorization, expires_at: NOW + 60, ..CodeRecord::default() }
}

pub(crate) fn opaque(authorization: Authorization) -> OpaqueRecord {
    OpaqueRecord { authorization, expires_at: NOW + 3600, ..OpaqueRecord::default() }
}

pub(crate) fn refresh(handle: &Handle, authorization: Authorization) -> RefreshRecord {
    RefreshRecord {
        id: handle.id.clone(),
        authorization,
        rotating: true,
        chain: chain(),
        created_at: NOW,
        expires_at: Some(NOW + 86_400),
        idle_expires_at: Some(NOW + 3600),
        ..RefreshRecord::default()
    }
}

pub(crate) fn session(handle: &Handle, user_id: &str) -> Session {
    Session {
        id: handle.id.clone(),
        user_id: user_id.to_owned(),
        created_at: NOW,
        authenticated_at: NOW,
        last_active_at: NOW,
        expires_at: NOW + 1000,
        idle_expires_at: NOW + 100,
        connection: "db".to_owned(),
        clients: vec!["app".to_owned()],
        initial_ip: Some("192.0.2.1".to_owned()),
        initial_user_agent: Some("test".to_owned()),
        second_factor_at: None,
        is_remembered: false,
        issuer: Some("https://t.example/".to_owned()),
    }
}

pub(crate) fn ticket(user_id: &str) -> Ticket {
    Ticket {
        purpose: "reset-password".to_owned(),
        user_id: user_id.to_owned(),
        connection: "db".to_owned(),
        email: "jane@example.com".to_owned(),
        client_id: None,
        expires_at: NOW + 600,
        ..Ticket::default()
    }
}

/// Commits one batch per call of `batch` at the same moment from many tasks; answers how many succeeded. All others must
/// have lost by the guard.
pub(crate) async fn race(store: &Store, count: usize, batch: impl Fn() -> Batch) -> usize {
    let tasks: Vec<_> = (0..count)
        .map(|_| {
            let (store, batch) = (store.clone(), batch());
            tokio::spawn(async move { store.commit(batch).await })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(()) => won += 1,
            Err(Error::Guard) => {}
            Err(other) => panic!("{other}"),
        }
    }
    won
}

/// Makes a connection.
pub(crate) async fn connection(store: &Store, id: &str, name: &str) {
    let change = Change::new(TENANT).insert(Kind::Connection, id, Some(name), "{}".to_owned());
    store.apply(change).await.unwrap();
}

/// How many rows a table holds for a tenant.
pub(crate) async fn rows(store: &Store, table: &str, tenant: &str) -> i64 {
    let sql = format!("SELECT COUNT(*) FROM {table} WHERE tenant = $1");
    store.db().query_one(sql, vec![tenant.into()]).await.unwrap().unwrap()
}

/// Commits what a flow issues.
pub(crate) async fn issue_all<const N: usize>(store: &Store, batches: [chancery_store::Result<Batch>; N]) {
    for batch in batches {
        store.commit(batch.unwrap()).await.unwrap();
    }
}

/// Events as they are handed to the store.
pub(crate) fn lines(events: &[LogEvent]) -> Vec<LogLine> {
    let at_ms = |event: &LogEvent| chancery_core::iso::parse_ms(&event.date).unwrap_or_default();
    events.iter().map(|event| LogLine::of(event.clone(), at_ms(event)).unwrap()).collect()
}

/// The key set, as text.
pub(crate) fn shown(snapshot: &Snapshot) -> &str {
    std::str::from_utf8(snapshot.jwks()).unwrap()
}
