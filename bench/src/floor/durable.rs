//! The two guarded durable writes of a spent code or a rotated refresh token: one row is marked as spent, only if
//! it was not, and one row is added; both are on disk before the answer.

use std::{
    collections::VecDeque,
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    thread,
};

use anyhow::{Context as _, Result, anyhow, bail};
use crossbeam_channel::{Receiver, Sender, bounded};
use rusqlite::{Connection, params};
use tokio::sync::{mpsc, oneshot};

/// Rows that are there to be spent first; more than any number of requests in flight.
const ROWS: i64 = 4096;
/// The most requests one commit carries.
const GROUP: usize = 256;
/// Connections to PostgreSQL.
const POSTGRES_CONNECTIONS: usize = 16;

const UPDATE: &str = "UPDATE floor_tokens SET spent = $1 WHERE id = $2 AND spent IS NULL";
const INSERT: &str =
    "INSERT INTO floor_tokens (id, hash, owner, scope, issued, expires) VALUES ($1, $2, $3, $4, $5, $6)";
const HASH: [u8; 32] = [7; 32];
const OWNER: &str = "auth0|0123456789abcdef01234567 client 0123456789abcdef0123456789abcdef";
const SCOPE: &str = "openid profile email offline_access read:bench";
const NOW: i64 = 1_800_000_000;

/// Ids of one request: the row to spend and the row to add. Ids grow with time, as the server's do.
#[derive(Clone, Copy, Debug)]
struct Ids {
    spend: i64,
    add: i64,
}

type Reply = oneshot::Sender<Result<()>>;

enum Engine {
    Sqlite(Sender<(Ids, Reply)>),
    Postgres(Vec<mpsc::Sender<(Ids, Reply)>>),
}

/// The table and its writer.
pub(crate) struct Writes {
    engine: Engine,
    unspent: Mutex<VecDeque<i64>>,
    next: AtomicI64,
}

impl Writes {
    /// Makes the table in a new file in `folder`, or in the PostgreSQL database of that URL.
    pub(crate) async fn open(database: &str, folder: &Path) -> Result<Self> {
        let engine = if database == "sqlite" {
            let connection = sqlite(&folder.join("floor.db"))?;
            let (jobs, queue) = bounded(4096);
            thread::Builder::new()
                .name("floor-writer".to_owned())
                .spawn(move || write(&connection, &queue))?;
            Engine::Sqlite(jobs)
        } else {
            let mut writers = Vec::new();
            for index in 0..POSTGRES_CONNECTIONS {
                writers.push(postgres(database, index == 0).await?);
            }
            Engine::Postgres(writers)
        };
        Ok(Self { engine, unspent: Mutex::new((0..ROWS).collect()), next: AtomicI64::new(ROWS) })
    }

    /// One request's writes; returns when they are durable.
    pub(crate) async fn spend_and_insert(&self) -> Result<()> {
        let add = self.next.fetch_add(1, Ordering::Relaxed);
        let spend = self.unspent().pop_front().context("no row left to spend")?;
        let (reply, done) = oneshot::channel();
        let job = (Ids { spend, add }, reply);
        match &self.engine {
            Engine::Sqlite(jobs) => jobs.try_send(job).map_err(|_| anyhow!("the writer's queue is full"))?,
            Engine::Postgres(writers) => {
                let writer = &writers[add as usize % writers.len()];
                writer.send(job).await.map_err(|_| anyhow!("the connection is gone"))?;
            }
        }
        done.await.context("the writer is gone")??;
        self.unspent().push_back(add);
        Ok(())
    }

    fn unspent(&self) -> std::sync::MutexGuard<'_, VecDeque<i64>> {
        // Nothing under this lock can leave the queue half changed.
        self.unspent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn sqlite(file: &Path) -> Result<Connection> {
    let connection = Connection::open(file)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 8000;
         PRAGMA cache_size = -16000; PRAGMA foreign_keys = OFF;
         CREATE TABLE floor_tokens (id INTEGER PRIMARY KEY, hash BLOB NOT NULL, owner TEXT NOT NULL,
           scope TEXT NOT NULL, issued INTEGER NOT NULL, expires INTEGER NOT NULL, spent INTEGER) STRICT;
         BEGIN;",
    )?;
    for id in 0..ROWS {
        connection.prepare_cached(INSERT)?.execute(params![id, HASH, OWNER, SCOPE, NOW, NOW])?;
    }
    connection.execute_batch("COMMIT; PRAGMA wal_checkpoint(TRUNCATE);")?;
    Ok(connection)
}

/// Takes whatever waits, commits it at once, then answers all of it.
fn write(connection: &Connection, queue: &Receiver<(Ids, Reply)>) {
    let mut group = Vec::with_capacity(GROUP);
    while let Ok(first) = queue.recv() {
        group.push(first);
        group.extend(queue.try_iter().take(GROUP - 1));
        let outcome = commit(connection, &group);
        if outcome.is_err() {
            // Nothing to roll back is fine too.
            let _ = connection.execute_batch("ROLLBACK");
        }
        for (_, reply) in group.drain(..) {
            let told = match &outcome {
                Ok(()) => Ok(()),
                Err(error) => Err(anyhow!("{error:#}")),
            };
            // The client may have gone away; its rows are written all the same.
            let _ = reply.send(told);
        }
    }
}

fn commit(connection: &Connection, group: &[(Ids, Reply)]) -> Result<()> {
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    for (ids, _) in group {
        let changed = connection.prepare_cached(UPDATE)?.execute(params![NOW, ids.spend])?;
        if changed != 1 {
            bail!("row {} was spent before", ids.spend);
        }
        connection.prepare_cached(INSERT)?.execute(params![ids.add, HASH, OWNER, SCOPE, NOW, NOW])?;
    }
    connection.prepare_cached("COMMIT")?.execute([])?;
    Ok(())
}

/// One connection that runs one transaction after another.
async fn postgres(database: &str, create: bool) -> Result<mpsc::Sender<(Ids, Reply)>> {
    let (mut client, connection) = tokio_postgres::connect(database, tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    if create {
        client
            .batch_execute(
                "DROP TABLE IF EXISTS floor_tokens;
                 CREATE TABLE floor_tokens (id BIGINT PRIMARY KEY, hash BYTEA NOT NULL, owner TEXT NOT NULL,
                   scope TEXT NOT NULL, issued BIGINT NOT NULL, expires BIGINT NOT NULL, spent BIGINT)",
            )
            .await?;
        let rows =
            "INSERT INTO floor_tokens SELECT n, $1, $2, $3, 0, 0 FROM generate_series(0, $4::bigint - 1) n";
        client.execute(rows, &[&HASH.as_slice(), &OWNER, &SCOPE, &ROWS]).await?;
    }
    let update = client.prepare(UPDATE).await?;
    let insert = client.prepare(INSERT).await?;
    let (jobs, mut queue) = mpsc::channel::<(Ids, Reply)>(1024);
    tokio::spawn(async move {
        while let Some((ids, reply)) = queue.recv().await {
            let done = async {
                let transaction = client.transaction().await?;
                let changed = transaction.execute(&update, &[&NOW, &ids.spend]).await?;
                if changed != 1 {
                    bail!("row {} was spent before", ids.spend);
                }
                let hash = HASH.as_slice();
                transaction.execute(&insert, &[&ids.add, &hash, &OWNER, &SCOPE, &NOW, &NOW]).await?;
                Ok(transaction.commit().await?)
            };
            // The client may have gone away; its rows are written all the same.
            let _ = reply.send(done.await);
        }
    });
    Ok(jobs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_request_spends_one_row_and_adds_one() {
        let folder = std::env::temp_dir().join(format!("chancery-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let writes = Writes::open("sqlite", &folder).await.unwrap();
        for _ in 0..20 {
            writes.spend_and_insert().await.unwrap();
        }
        let connection = Connection::open(folder.join("floor.db")).unwrap();
        let counts = "SELECT count(*), count(spent) FROM floor_tokens";
        let (all, spent): (i64, i64) =
            connection.query_row(counts, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        assert_eq!((all, spent), (ROWS + 20, 20));
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_row_is_not_spent_twice() {
        let connection = sqlite(Path::new(":memory:")).unwrap();
        let ids = |spend, add| (Ids { spend, add }, oneshot::channel().0);
        commit(&connection, &[ids(0, ROWS)]).unwrap();
        assert!(commit(&connection, &[ids(0, ROWS + 1)]).is_err());
    }
}
