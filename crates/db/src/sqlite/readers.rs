//! Reading connections.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{CLOSED, statement};
use crate::{Error, FromRow, Options, Result, Value};

/// Long reads running at once. Short reads need no bound: each runs on the thread that asked, so there are
/// never more of them than threads.
const SCANS: usize = 2;

/// Prepared statements kept by each reader.
const STATEMENTS: usize = 64;

pub(super) struct Readers {
    path: PathBuf,
    busy_timeout: Duration,
    keep: usize,
    /// `None` once closed.
    idle: Mutex<Option<Vec<Connection>>>,
    scans: Semaphore,
}

impl Readers {
    pub(super) fn new(path: &Path, options: &Options) -> Self {
        Self {
            path: path.to_owned(),
            busy_timeout: options.busy_timeout,
            keep: options.readers.get(),
            idle: Mutex::new(Some(Vec::new())),
            scans: Semaphore::new(SCANS),
        }
    }

    /// Reads on the calling thread, at most `most` rows.
    pub(super) fn query<T: FromRow>(&self, sql: &str, params: &[Value], most: usize) -> Result<Vec<T>> {
        let idle = self.with_idle(Vec::pop).ok_or(CLOSED)?;
        let connection = idle.map_or_else(|| self.connect(), Ok)?;
        let rows = statement::query(&connection, sql, params, most);
        // More readers than we keep are closed, outside the lock.
        let _surplus = self.with_idle(|idle| {
            if idle.len() < self.keep {
                idle.push(connection);
                None
            } else {
                Some(connection)
            }
        });
        rows
    }

    /// A place among the long reads.
    pub(super) async fn scan_permit(&self) -> Result<SemaphorePermit<'_>> {
        match tokio::time::timeout(self.busy_timeout, self.scans.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) => Err(CLOSED),
            Err(_) => Err(Error::Busy("too many long reads at once")),
        }
    }

    pub(super) fn connect(&self) -> Result<Connection> {
        self.open(OpenFlags::SQLITE_OPEN_READ_ONLY)
    }

    /// For upkeep, which the writing thread cannot do inside its transactions.
    pub(super) fn connect_to_write(&self) -> Result<Connection> {
        self.open(OpenFlags::SQLITE_OPEN_READ_WRITE)
    }

    fn open(&self, rights: OpenFlags) -> Result<Connection> {
        let flags = rights | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(self.busy_timeout)?;
        super::plan_once(&connection)?;
        connection.execute_batch("PRAGMA cache_size = -2000;")?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        Ok(connection)
    }

    pub(super) fn close(&self) {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(idle);
    }

    /// A list of idle connections is whole at any moment, so a poisoned lock is as good as another.
    fn with_idle<T>(&self, work: impl FnOnce(&mut Vec<Connection>) -> T) -> Option<T> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).as_mut().map(work)
    }
}
