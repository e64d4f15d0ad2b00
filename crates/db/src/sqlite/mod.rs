//! The SQLite engine: one writing thread, readers that run where they are called.
//!
//! Several processes may share the file. Memory: about 2 MB of page cache per connection. The file is not
//! memory-mapped: each connection's mapping counts as resident memory, and a disk error would be a fatal signal.

mod file;
mod readers;
mod statement;
mod statistics;
mod writer;

use std::{borrow::Cow, path::Path, sync::Arc};

use rusqlite::{Connection, OpenFlags, config::DbConfig};
use tokio::sync::{mpsc, oneshot};

use self::{
    readers::Readers,
    writer::{Message, Work},
};
use crate::{Batch, Error, FromRow, Options, Result, Types, Value};

pub(crate) const TYPES: Types =
    ["TEXT", "BLOB", "INTEGER", "INTEGER", "STRICT", "TEXT", "STRICT, WITHOUT ROWID"];

/// Counts 1 when the table is there.
pub(crate) const HAS_TABLE: &str = "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = $1";

/// Prepared statements kept by the writer; SQLite needs a few kilobytes for each.
const STATEMENTS: usize = 128;

/// How often a start tries again when another process is switching the same new file to WAL.
const OPEN_ATTEMPTS: u32 = 50;

#[derive(Clone)]
pub(crate) struct Sqlite {
    writer: mpsc::Sender<Message>,
    readers: Arc<Readers>,
}

impl Sqlite {
    pub(crate) fn open(path: &str, options: &Options) -> Result<Self> {
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() || path.contains(":memory:") {
            return Err(Error::engine("an SQLite address names a file, as in `sqlite:data/chancery.db`"));
        }
        let path = Path::new(path);
        file::create_private(path)?;
        let connection = open_writer(path, options)?;
        let (writer, queue) = mpsc::channel(options.write_queue.get());
        std::thread::Builder::new()
            .name("sqlite-writer".into())
            .spawn(move || writer::run(connection, queue))
            .map_err(Error::engine)?;
        Ok(Self { writer, readers: Arc::new(Readers::new(path, options)) })
    }

    pub(crate) fn query<T: FromRow>(&self, sql: &str, params: &[Value], most: usize) -> Result<Vec<T>> {
        self.readers.query(sql, params, most)
    }

    pub(crate) async fn query_scan<T>(&self, sql: Cow<'static, str>, params: Vec<Value>) -> Result<Vec<T>>
    where
        T: FromRow + Send + 'static,
    {
        let _permit = self.readers.scan_permit().await?;
        let readers = Arc::clone(&self.readers);
        blocking(move || readers.query(&sql, &params, usize::MAX)).await
    }

    pub(crate) async fn commit(&self, batch: Batch) -> Result<()> {
        self.write(Work::Batch(batch)).await.map(drop)
    }

    pub(crate) async fn script(&self, script: String) -> Result<()> {
        self.write(Work::Script(script)).await.map(drop)
    }

    /// Does `claim` and, if its one statement changed a row, `script`, in one transaction. Says whether it did.
    pub(crate) async fn step(&self, claim: Batch, script: String) -> Result<bool> {
        self.write(Work::Step { claim, script }).await
    }

    pub(crate) async fn backup(&self, target: &Path) -> Result<()> {
        let readers = Arc::clone(&self.readers);
        let target = target.to_owned();
        blocking(move || file::backup(&readers.connect()?, &target)).await
    }

    pub(crate) async fn forget_deleted(&self) -> Result<()> {
        let readers = Arc::clone(&self.readers);
        blocking(move || file::forget_deleted(&readers.connect_to_write()?)).await
    }

    /// Tells the planner of tables that migrations made.
    pub(crate) async fn describe_tables(&self) -> Result<()> {
        let readers = Arc::clone(&self.readers);
        blocking(move || statistics::describe(&readers.connect_to_write()?)).await
    }

    pub(crate) async fn close(&self) {
        self.readers.close();
        let (done, closed) = oneshot::channel();
        // Waits for room in a full queue. Fails when it is closed already, and then there is nothing to wait for.
        if self.writer.send(Message::Close(done)).await.is_ok() {
            let _ = closed.await;
        }
    }

    async fn write(&self, work: Work) -> Result<bool> {
        let (done, outcome) = oneshot::channel();
        self.writer.try_send(Message::Write(work, done)).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => Error::Busy("the write queue is full"),
            mpsc::error::TrySendError::Closed(_) => CLOSED,
        })?;
        outcome.await.map_err(|_| CLOSED)?
    }
}

const CLOSED: Error = Error::Busy("the database is closed");

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::engine("a read was abandoned"))?
}

fn open_writer(path: &Path, options: &Options) -> Result<Connection> {
    // Without SQLITE_OPEN_URI: a path is a path, whatever characters it has.
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(options.busy_timeout)?;
    plan_once(&connection)?;
    switch_to_wal(&connection)?;
    // A checkpoint every 16 MB instead of every 4 MB takes most of the latency spikes; the log file is cut
    // back to 64 MB after a burst.
    connection.execute_batch(
        "PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA cache_size = -2000;
         PRAGMA wal_autocheckpoint = 4000;
         PRAGMA journal_size_limit = 67108864;",
    )?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// Without the stability guarantee SQLite plans some prepared statements anew for each value bound to them, which costs
/// several times what running them does (<https://sqlite.org/queryplanner-ng.html#qpstab>).
fn plan_once(connection: &Connection) -> Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// The switch needs the file to itself and does not always wait for the busy timeout, so two processes
/// starting on one new file would clash.
fn switch_to_wal(connection: &Connection) -> Result<()> {
    for _ in 0..OPEN_ATTEMPTS {
        match connection
            .query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0))
            .map_err(Error::from)
        {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(_) => {
                return Err(Error::engine(
                    "the database file is on a file system without shared memory (a network share?)",
                ));
            }
            Err(Error::Busy(_)) => std::thread::sleep(std::time::Duration::from_millis(20)),
            Err(error) => return Err(error),
        }
    }
    Err(Error::Busy("another process holds the database file"))
}
