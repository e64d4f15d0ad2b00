//! A PostgreSQL server of the tests' own: one per test process, in a throw-away folder, on a Unix socket, started
//! when first asked for. It ends with the process, however the process ends. Only for tests.
//!
//! ```no_run
//! # async fn example() {
//! let Some(url) = chancery_pgtest::database_or_skip().await else { return };
//! # }
//! ```

mod server;

use std::{
    collections::HashMap,
    sync::{
        LazyLock, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use server::{Promise, Server};
use tokio::sync::Mutex;
use tokio_postgres::NoTls;

/// Set to 1 where PostgreSQL must be present, as in CI: then its absence fails the tests instead of skipping them.
pub const REQUIRED: &str = "CHANCERY_REQUIRE_POSTGRES";

static SERVER: OnceLock<Result<Server, String>> = OnceLock::new();
static TEMPLATES: LazyLock<Mutex<HashMap<&str, String>>> = LazyLock::new(Mutex::default);
static NUMBER: AtomicU32 = AtomicU32::new(1);

/// The address of a new, empty database.
///
/// # Errors
/// A sentence when PostgreSQL is absent or does not start.
pub async fn fresh_database() -> Result<String, String> {
    let server = server()?;
    let name = create(server, "template1").await?;
    Ok(server.url(&name))
}

/// The address of a new copy of a database which `prepare` has filled, once per process and `key`: a copy takes
/// milliseconds where a schema takes a second. `prepare` must have closed its connections when it returns.
///
/// # Errors
/// As [`fresh_database`], or what `prepare` says.
pub async fn fresh_database_from<F>(key: &'static str, prepare: F) -> Result<String, String>
where
    F: AsyncFnOnce(String) -> Result<(), String>,
{
    let server = server()?;
    let mut templates = TEMPLATES.lock().await;
    let template = if let Some(template) = templates.get(key) {
        template.clone()
    } else {
        let template = create(server, "template1").await?;
        prepare(server.url(&template)).await?;
        templates.insert(key, template.clone());
        template
    };
    drop(templates);
    let name = create(server, &template).await?;
    Ok(server.url(&name))
}

/// A server that belongs to one test, which may stop it: what it has acknowledged is there afterwards. It ends when it is dropped.
pub struct OwnServer(Server);

impl OwnServer {
    /// Starts one.
    ///
    /// # Errors
    /// A sentence when PostgreSQL is absent or does not start.
    pub fn start() -> Result<Self, String> {
        Server::start(Promise::Survives).map(Self)
    }

    /// The address of its database.
    #[must_use]
    pub fn url(&self) -> String {
        self.0.url("postgres")
    }

    /// Ends it at once, as a crash would.
    ///
    /// # Errors
    /// A sentence when it does not end.
    pub fn stop(&self) -> Result<(), String> {
        self.0.stop()
    }

    /// Starts it again, with what it had written.
    ///
    /// # Errors
    /// A sentence when it does not start.
    pub fn resume(&self) -> Result<(), String> {
        self.0.resume()
    }
}

/// Shows that it is one.
impl std::fmt::Debug for OwnServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OwnServer").finish_non_exhaustive()
    }
}

/// [`fresh_database`], or `None` after printing why the test is skipped.
///
/// # Panics
/// When there is no database although [`REQUIRED`] is set to 1.
pub async fn database_or_skip() -> Option<String> {
    skip(fresh_database().await)
}

/// `None` after printing why the test is skipped.
///
/// # Panics
/// When there is no database although [`REQUIRED`] is set to 1.
#[expect(
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "for tests only: this is how a test is failed or skipped, and who says which"
)]
pub fn skip<T>(database: Result<T, String>) -> Option<T> {
    match database {
        Ok(database) => Some(database),
        Err(why) if std::env::var(REQUIRED).is_ok_and(|value| value == "1") => panic!("{why}"),
        Err(why) => {
            println!("skipped: {why}");
            None
        }
    }
}

fn server() -> Result<&'static Server, String> {
    SERVER.get_or_init(|| Server::start(Promise::Nothing)).as_ref().map_err(Clone::clone)
}

async fn create(server: &Server, template: &str) -> Result<String, String> {
    let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    execute(server, &format!("CREATE DATABASE {name} TEMPLATE {template}"))
        .await
        .map_err(|cause| format!("cannot create the database {name} from {template}: {cause:?}"))?;
    Ok(name)
}

async fn execute(server: &Server, sql: &str) -> Result<(), tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(&server.url("postgres"), NoTls).await?;
    let running = tokio::spawn(connection);
    let outcome = client.batch_execute(sql).await;
    drop(client);
    let _ = running.await;
    outcome
}
