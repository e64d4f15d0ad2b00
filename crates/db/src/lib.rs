//! One SQL text, two engines: SQLite inside the process, PostgreSQL beside it. Everything above this crate is
//! engine-blind; everything below knows no table.
//!
//! PostgreSQL is reached without TLS unless the address has `sslmode=require`, `verify-ca` or `verify-full`; all three
//! check the certificate and its name, against the system's roots or the file named by `sslrootcert`.
//!
//! SQL is written with PostgreSQL's `$1`, `$2`. Reads are [`Db::query`]; writes are [`Batch`]es given to
//! [`Db::commit`]. Nobody holds a transaction across an await.

mod batch;
mod error;
mod migrate;
mod postgres;
mod sqlite;
mod value;

use std::{borrow::Cow, num::NonZeroUsize, path::Path, time::Duration};

pub use batch::Batch;
pub use error::{Error, Result};
pub use migrate::{Migrated, Migration};
pub use value::{FromRow, FromValue, Row, Value};

/// How to open a database. The defaults suit a server on a small machine.
#[derive(Clone, Debug)]
pub struct Options {
    /// PostgreSQL: the most connections held, besides one for pings. Default 16.
    pub pool_size: NonZeroUsize,
    /// PostgreSQL: how long to wait for a connection while all are in use. Default 2 s.
    pub pool_wait: Duration,
    /// PostgreSQL: how long a new connection may take, and the answer to a [`Db::ping`]. Default 3 s.
    pub connect_timeout: Duration,
    /// PostgreSQL: how long one statement may run. Default 10 s.
    pub statement_timeout: Duration,
    /// PostgreSQL: how long a statement may wait for a row or table that somebody else holds. Default 5 s.
    pub lock_timeout: Duration,
    /// PostgreSQL: how long the server keeps a transaction whose client says nothing more. Default 10 s.
    pub idle_transaction_timeout: Duration,
    /// SQLite: how long to wait for another process that holds the write lock. Default 5 s.
    pub busy_timeout: Duration,
    /// SQLite: the most idle reading connections kept. Default 4.
    pub readers: NonZeroUsize,
    /// SQLite: batches that may wait for the writer before callers are told [`Error::Busy`]. Default 4096.
    pub write_queue: NonZeroUsize,
}

impl Default for Options {
    fn default() -> Self {
        const fn count(n: usize) -> NonZeroUsize {
            match NonZeroUsize::new(n) {
                Some(n) => n,
                None => NonZeroUsize::MIN,
            }
        }
        Self {
            pool_size: count(16),
            pool_wait: Duration::from_secs(2),
            connect_timeout: Duration::from_secs(3),
            statement_timeout: Duration::from_secs(10),
            lock_timeout: Duration::from_secs(5),
            idle_transaction_timeout: Duration::from_secs(10),
            busy_timeout: Duration::from_secs(5),
            readers: count(4),
            write_queue: count(4096),
        }
    }
}

/// Which database is behind a [`Db`]. For messages and logs only: code that branches on it belongs in this crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// SQLite, in a file.
    Sqlite,
    /// PostgreSQL, or what speaks its protocol.
    Postgres,
}

impl std::fmt::Display for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

/// A database. Cheap to clone; all clones share the writer and the pool.
#[derive(Clone)]
pub struct Db(Inner);

#[derive(Clone)]
enum Inner {
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
}

impl Db {
    /// Opens `sqlite:PATH`, `postgres://...` or `postgresql://...`. A missing SQLite file is created, with its
    /// folder, readable by its owner only.
    ///
    /// # Errors
    /// [`Error::Engine`] for an unknown scheme, an unusable file or address, or refused credentials;
    /// [`Error::Busy`] when the server is away (the log says why).
    pub async fn open(url: &str, options: Options) -> Result<Self> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            return sqlite::Sqlite::open(path, &options).map(|engine| Self(Inner::Sqlite(engine)));
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return postgres::Postgres::open(url, &options).await.map(|engine| Self(Inner::Postgres(engine)));
        }
        Err(Error::engine("a database address begins with `sqlite:`, `postgres://` or `postgresql://`"))
    }

    /// Every row the statement returns. On SQLite this reads on the calling thread: for reads by key and other
    /// short ones. See [`Db::query_scan`].
    ///
    /// # Errors
    /// [`Error::Busy`], or [`Error::Engine`] when the statement is wrong or a column is of another type.
    pub async fn query<T: FromRow>(
        &self,
        sql: impl Into<Cow<'static, str>>,
        params: Vec<Value>,
    ) -> Result<Vec<T>> {
        self.read(&sql.into(), &params, usize::MAX).await
    }

    /// The first row the statement returns, if any.
    ///
    /// # Errors
    /// As [`Db::query`].
    pub async fn query_one<T: FromRow>(
        &self,
        sql: impl Into<Cow<'static, str>>,
        params: Vec<Value>,
    ) -> Result<Option<T>> {
        Ok(self.read(&sql.into(), &params, 1).await?.into_iter().next())
    }

    /// As [`Db::query`], for searches and exports: a long read never holds up the thread that asked.
    ///
    /// # Errors
    /// As [`Db::query`].
    pub async fn query_scan<T: FromRow + Send + 'static>(
        &self,
        sql: impl Into<Cow<'static, str>>,
        params: Vec<Value>,
    ) -> Result<Vec<T>> {
        let sql = sql.into();
        match &self.0 {
            Inner::Sqlite(engine) => engine.query_scan(sql, params).await,
            Inner::Postgres(engine) => engine.query(&sql, &params, usize::MAX).await,
        }
    }

    /// Does the whole batch durably, or nothing of it.
    ///
    /// # Errors
    /// [`Error::Guard`], [`Error::Conflict`], [`Error::Busy`] or [`Error::Engine`]; after any of them nothing
    /// happened. One exception: when the connection to PostgreSQL is lost while committing, which is
    /// [`Error::Busy`] too, nobody can know.
    pub async fn commit(&self, batch: Batch) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        match &self.0 {
            Inner::Sqlite(engine) => engine.commit(batch).await,
            Inner::Postgres(engine) => engine.commit(&batch).await,
        }
    }

    /// Runs several statements without parameters in one transaction. The one place where types are spelt per
    /// engine: `{text}` (ordered by bytes), `{json}`, `{bytes}`, `{int}`, `{bool}`, and after a table's
    /// closing parenthesis `{strict}`, or `{clustered}` where rows should lie in the order of the primary key.
    ///
    /// # Errors
    /// [`Error::Engine`]; nothing happened then.
    pub async fn script(&self, ddl: &str) -> Result<()> {
        match &self.0 {
            Inner::Sqlite(engine) => engine.script(spell(ddl, &sqlite::TYPES)).await,
            Inner::Postgres(engine) => engine.step(None, &spell(ddl, &postgres::TYPES)).await.map(drop),
        }
    }

    /// Brings the schema forward to the last of `migrations`, which are numbered 1, 2, 3 and so on, and tells SQLite's
    /// planner of its tables. Safe to run from several processes at once.
    ///
    /// # Errors
    /// [`Error::Newer`] when the database is ahead of this program; [`Error::Engine`] when a step fails, after
    /// which the schema is at the step before.
    pub async fn migrate(&self, migrations: &[Migration]) -> Result<Migrated> {
        let migrated = migrate::run(self, migrations).await?;
        if let Inner::Sqlite(engine) = &self.0 {
            engine.describe_tables().await?;
        }
        Ok(migrated)
    }

    /// Whether a program that knows these migrations may use the database as far as newer releases go. Changes nothing.
    ///
    /// # Errors
    /// [`Error::Newer`] when a newer release took something away; otherwise as [`Db::query`].
    pub async fn check_newer(&self, migrations: &[Migration]) -> Result<()> {
        migrate::check(self, migrations).await
    }

    /// The number of the last migration applied; 0 for an empty database.
    ///
    /// # Errors
    /// As [`Db::query`].
    pub async fn schema_version(&self) -> Result<i64> {
        migrate::version(self).await
    }

    /// Copies a live SQLite database to a new file.
    ///
    /// # Errors
    /// [`Error::Engine`] when the file exists or cannot be written, and always on PostgreSQL.
    pub async fn backup(&self, path: &Path) -> Result<()> {
        match &self.0 {
            Inner::Sqlite(engine) => engine.backup(path).await,
            Inner::Postgres(_) => {
                Err(Error::engine("PostgreSQL is backed up with its own tools: use pg_dump"))
            }
        }
    }

    /// Overwrites what was deleted or replaced and still lies in the file. Rewrites the whole SQLite file: for rare
    /// occasions. PostgreSQL reuses the room of dead rows in its own time.
    ///
    /// # Errors
    /// [`Error::Busy`] or [`Error::Engine`]; nothing happened then.
    pub async fn forget_deleted(&self) -> Result<()> {
        match &self.0 {
            Inner::Sqlite(engine) => engine.forget_deleted().await,
            Inner::Postgres(_) => Ok(()),
        }
    }

    /// Gives back memory that only what was done so far needed, as a migration does. What comes next reads from the file again.
    ///
    /// # Errors
    /// [`Error::Busy`] or [`Error::Engine`].
    pub async fn release_memory(&self) -> Result<()> {
        match &self.0 {
            Inner::Sqlite(engine) => engine.script("PRAGMA shrink_memory".to_owned()).await,
            Inner::Postgres(_) => Ok(()),
        }
    }

    /// Whether the database answers, soon. Where PostgreSQL does not, work that waits for it ends with [`Error::Busy`], and
    /// until it can be reached again further work does so at once: to be called every now and then.
    ///
    /// # Errors
    /// [`Error::Busy`] when it does not.
    pub async fn ping(&self) -> Result<()> {
        match &self.0 {
            Inner::Sqlite(engine) => engine.query::<i64>("SELECT 1", &[], 1).map(drop),
            Inner::Postgres(engine) => engine.ping().await,
        }
    }

    /// Which engine this is, for messages and logs only.
    #[must_use]
    pub const fn engine(&self) -> Engine {
        match self.0 {
            Inner::Sqlite(_) => Engine::Sqlite,
            Inner::Postgres(_) => Engine::Postgres,
        }
    }

    /// Finishes the writes already accepted, then lets go of the database. Later calls, from any clone, answer
    /// [`Error::Busy`].
    pub async fn close(&self) {
        match &self.0 {
            Inner::Sqlite(engine) => engine.close().await,
            Inner::Postgres(engine) => engine.close(),
        }
    }
}

impl Db {
    async fn read<T: FromRow>(&self, sql: &str, params: &[Value], most: usize) -> Result<Vec<T>> {
        match &self.0 {
            Inner::Sqlite(engine) => engine.query(sql, params, most),
            Inner::Postgres(engine) => engine.query(sql, params, most).await,
        }
    }

    /// Runs `claim` and, if it changed one row, the script, in one transaction. Says whether it did.
    async fn step(&self, claim: Batch, ddl: &str) -> Result<bool> {
        match &self.0 {
            Inner::Sqlite(engine) => engine.step(claim, spell(ddl, &sqlite::TYPES)).await,
            Inner::Postgres(engine) => engine.step(Some(&claim), &spell(ddl, &postgres::TYPES)).await,
        }
    }

    async fn has_table(&self, name: &str) -> Result<bool> {
        let sql = match &self.0 {
            Inner::Sqlite(_) => sqlite::HAS_TABLE,
            Inner::Postgres(_) => postgres::HAS_TABLE,
        };
        Ok(self.query_one::<i64>(sql, params![name]).await?.is_some_and(|count| count > 0))
    }
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Db({})", self.engine())
    }
}

/// How an engine spells the type words, in the order of [`spell`].
type Types = [&'static str; 7];

fn spell(ddl: &str, types: &Types) -> String {
    ["{json}", "{bytes}", "{int}", "{bool}", "{strict}", "{text}", "{clustered}"]
        .iter()
        .zip(types)
        .fold(ddl.to_owned(), |ddl, (word, spelling)| ddl.replace(word, spelling))
}
