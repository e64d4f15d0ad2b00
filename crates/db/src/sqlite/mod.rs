//! The SQLite engine.

use std::{
    borrow::Cow,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use crossbeam_channel::{Receiver, Sender};
use rusqlite::{
    Connection, ErrorCode, OpenFlags, params_from_iter,
    types::{ToSqlOutput, ValueRef},
};
use tokio::sync::oneshot;

use crate::{Batch, Error, Options, Result, Types, Value};

pub(crate) const TYPES: Types = ["TEXT", "BLOB", "INTEGER", "INTEGER", "STRICT", "TEXT"];

#[derive(Clone)]
pub(crate) struct Sqlite {
    path: Arc<str>,
    writer: Sender<Write>,
    readers: Arc<Mutex<Vec<Connection>>>,
}

enum Write {
    Batch(Batch, oneshot::Sender<Result<()>>),
    Script(String, oneshot::Sender<Result<()>>),
}

impl Sqlite {
    pub(crate) fn open(path: &str, options: &Options) -> Result<Self> {
        let conn = Connection::open(path)?;
        conn.execute_batch("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;")?;
        let (writer, queue) = crossbeam_channel::bounded(options.write_queue.get());
        std::thread::Builder::new()
            .name("sqlite-writer".into())
            .spawn(move || write_loop(&conn, &queue))
            .map_err(Error::engine)?;
        Ok(Self { path: path.into(), writer, readers: Arc::default() })
    }

    pub(crate) fn query(&self, sql: &str, params: &[Value]) -> Result<Vec<Vec<Value>>> {
        let idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let conn = match idle {
            Some(c) => c,
            None => Connection::open_with_flags(
                &*self.path,
                OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
            )?,
        };
        let rows = read(&conn, sql, params);
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
        rows
    }

    pub(crate) async fn query_scan(
        &self,
        sql: Cow<'static, str>,
        params: Vec<Value>,
    ) -> Result<Vec<Vec<Value>>> {
        let engine = self.clone();
        tokio::task::spawn_blocking(move || engine.query(&sql, &params)).await.map_err(Error::engine)?
    }

    pub(crate) async fn commit(&self, batch: Batch) -> Result<()> {
        self.send(|ack| Write::Batch(batch, ack)).await
    }
    pub(crate) async fn script(&self, script: String) -> Result<()> {
        self.send(|ack| Write::Script(script, ack)).await
    }
    pub(crate) async fn backup(&self, path: &Path) -> Result<()> {
        let target = path.to_str().ok_or_else(|| Error::engine("a backup path must be UTF-8"))?;
        self.query("VACUUM INTO $1", &[Value::from(target)]).map(drop)
    }
    pub(crate) async fn close(&self) {}

    async fn send(&self, job: impl FnOnce(oneshot::Sender<Result<()>>) -> Write) -> Result<()> {
        let (ack, done) = oneshot::channel();
        self.writer.try_send(job(ack)).map_err(|_| Error::Busy("the write queue is full"))?;
        done.await.map_err(|_| Error::Busy("the writer is gone"))?
    }
}

fn read(conn: &Connection, sql: &str, params: &[Value]) -> Result<Vec<Vec<Value>>> {
    let mut stmt = conn.prepare_cached(&numbered(sql))?;
    let width = stmt.column_count();
    let mut rows = stmt.query(params_from_iter(params))?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        out.push(
            (0..width)
                .map(|i| {
                    Ok(match row.get_ref(i)? {
                        ValueRef::Null => Value::Null,
                        ValueRef::Integer(v) => Value::Int(v),
                        ValueRef::Text(t) => Value::Text(String::from_utf8_lossy(t).into_owned()),
                        ValueRef::Blob(b) => Value::Bytes(b.to_vec()),
                        ValueRef::Real(_) => {
                            return Err(Error::engine("floats are not part of the schema"));
                        }
                    })
                })
                .collect::<Result<_>>()?,
        );
    }
    Ok(out)
}

fn write_loop(conn: &Connection, queue: &Receiver<Write>) {
    while let Ok(first) = queue.recv() {
        let mut acks = Vec::new();
        let mut next = Some(first);
        if conn.execute_batch("BEGIN IMMEDIATE").is_err() {
            continue;
        }
        while let Some(job) = next {
            match job {
                Write::Script(script, ack) => {
                    acks.push((ack, conn.execute_batch(&script).map_err(Error::from)));
                }
                Write::Batch(batch, ack) => acks.push((ack, apply(conn, batch))),
            }
            next = if acks.len() < 512 { queue.try_recv().ok() } else { None };
        }
        let committed = conn.execute_batch("COMMIT").map_err(Error::from);
        for (ack, outcome) in acks {
            let _ = ack.send(match &committed {
                Ok(()) => outcome,
                Err(e) => Err(Error::engine(e)),
            });
        }
    }
}

fn apply(conn: &Connection, batch: Batch) -> Result<()> {
    conn.prepare_cached("SAVEPOINT b")?.execute([])?;
    let outcome = batch.0.into_iter().try_for_each(|s| {
        let changed = conn.prepare_cached(&numbered(&s.sql))?.execute(params_from_iter(s.params))? as u64;
        match s.expect {
            Some(n) if n != changed => Err(Error::Guard),
            _ => Ok(()),
        }
    });
    if outcome.is_err() {
        conn.prepare_cached("ROLLBACK TO b")?.execute([])?;
    }
    conn.prepare_cached("RELEASE b")?.execute([])?;
    outcome
}

/// `$1` is a *named* parameter to SQLite, numbered by first use; `?1` is what PostgreSQL means by `$1`.
fn numbered(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len());
    let mut chars = sql.chars().peekable();
    while let Some(c) = chars.next() {
        out.push(if c == '$' && chars.peek().is_some_and(char::is_ascii_digit) { '?' } else { c });
    }
    out
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Bool(b) => ValueRef::Integer(i64::from(*b)),
            Self::Int(i) => ValueRef::Integer(*i),
            Self::Text(s) | Self::Json(s) => ValueRef::Text(s.as_bytes()),
            Self::Bytes(b) => ValueRef::Blob(b),
        }))
    }
}

impl From<rusqlite::Error> for Error {
    fn from(e: rusqlite::Error) -> Self {
        match e.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation) => Self::Conflict,
            _ => Self::engine(e),
        }
    }
}
