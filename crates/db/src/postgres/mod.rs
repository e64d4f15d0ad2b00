//! The PostgreSQL engine: a pool, and batches whose statements leave together.

mod address;
mod error;
mod hosts;
mod reach;
mod value;

use std::{pin::Pin, sync::Arc, time::Duration};

use deadpool_postgres::{
    Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, TimeoutType,
};
use tokio_postgres::{
    NoTls, Statement,
    types::{ToSql, Type},
};

use self::{
    error::Lost,
    hosts::Hosts,
    reach::{Asking, Reach},
};
use crate::{Batch, Error, FromRow, Options, Result, Row, Types, Value};

/// Text compares by bytes, as SQLite's does: the order of time-ordered keys must not depend on a locale.
pub(crate) const TYPES: Types = ["JSONB", "BYTEA", "BIGINT", "BOOLEAN", "", "TEXT COLLATE \"C\"", ""];

/// Counts 1 when the table is there.
pub(crate) const HAS_TABLE: &str = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = $1";

/// How often work is tried when races or connections are lost, with pauses of 1, 2, 4 ... milliseconds between.
const ATTEMPTS: u32 = 8;

const GAVE_UP: Error = Error::Busy("too many lost races or connections");
const SILENT: Error = Error::Busy("PostgreSQL does not answer");

#[derive(Clone)]
pub(crate) struct Postgres {
    pool: Pool,
    /// One connection that no work ever holds: a full pool must not keep anybody from noticing that it leads nowhere.
    pings: Pool,
    reach: Arc<Reach>,
    /// How long a server that is there may take to say so.
    soon: Duration,
}

impl Postgres {
    pub(crate) async fn open(url: &str, options: &Options) -> Result<Self> {
        let address::Address { configs, tls } = address::parse(url, options)?;
        let pool = |size| {
            let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
            let first = configs.first().cloned().unwrap_or_default();
            let manager = match tls.clone() {
                None => Manager::from_connect(first, Hosts::new(configs.clone(), NoTls), recycling),
                Some(tls) => Manager::from_connect(first, Hosts::new(configs.clone(), tls), recycling),
            };
            Pool::builder(manager)
                .max_size(size)
                .runtime(Runtime::Tokio1)
                .wait_timeout(Some(options.pool_wait))
                .create_timeout(Some(options.connect_timeout))
                .build()
                .map_err(Error::engine)
        };
        let engine = Self {
            pool: pool(options.pool_size.get())?,
            pings: pool(1)?,
            reach: Arc::new(Reach::default()),
            soon: options.connect_timeout,
        };
        drop(engine.connection(Asking::Work).await?);
        Ok(engine)
    }

    /// At most `most` rows.
    pub(crate) async fn query<T: FromRow>(&self, sql: &str, params: &[Value], most: usize) -> Result<Vec<T>> {
        let mut columns = Vec::new();
        self.rows(sql, params)
            .await?
            .iter()
            .take(most)
            .map(|row| {
                columns.clear();
                for index in 0..row.len() {
                    columns.push(row.try_get(index).map_err(|cause| error::translate(&cause))?);
                }
                T::from_row(&mut Row::new(&mut columns))
            })
            .collect()
    }

    /// A read does no harm twice, so it is tried again on another connection when one turns out to be lost.
    async fn rows(&self, sql: &str, params: &[Value]) -> Result<Vec<tokio_postgres::Row>> {
        for _ in 0..ATTEMPTS {
            let connection = self.connection(Asking::Work).await?;
            let Some(answer) = self.reach.unless_silent(read(&connection, sql, params)).await else {
                drop(Object::take(connection));
                return Err(SILENT);
            };
            match answer {
                Err(cause) if error::stale_plan(&cause) => connection.statement_cache.clear(),
                Err(cause) if error::lost(&cause) == Lost::Nothing => return Err(error::translate(&cause)),
                Err(_) => {}
                Ok(rows) => {
                    self.reach.found();
                    return Ok(rows);
                }
            }
        }
        Err(GAVE_UP)
    }

    /// A lost race (40001, 40P01) or a connection lost before COMMIT is simply run again: nothing has happened.
    pub(crate) async fn commit(&self, batch: &Batch) -> Result<()> {
        let mut pause = Duration::from_millis(1);
        for _ in 0..ATTEMPTS {
            match self.attempt(batch).await {
                Err(Attempt::Raced | Attempt::Disconnected) => tokio::time::sleep(pause).await,
                Err(Attempt::Silent) => return Err(SILENT),
                Err(Attempt::Failed(cause)) => return Err(cause),
                Ok(()) => return Ok(()),
            }
            pause *= 2;
        }
        Err(GAVE_UP)
    }

    /// Runs the claim, if any, and then the script unless the claim changed no row, in one transaction without
    /// a time limit. Says whether the script ran.
    pub(crate) async fn step(&self, claim: Option<&Batch>, script: &str) -> Result<bool> {
        let mut held = Held(Some(self.connection(Asking::Work).await?));
        let mine =
            run_step(held.connection()?, claim, script).await.map_err(|cause| error::translate(&cause));
        match mine {
            Ok(_) => held.release(),
            Err(_) => held.roll_back().await,
        }
        mine
    }

    /// Connections that turn out to be lost are as good as none; a server that says nothing is away.
    pub(crate) async fn ping(&self) -> Result<()> {
        for _ in 0..ATTEMPTS {
            let connection = self.connection(Asking::Ping).await?;
            match tokio::time::timeout(self.soon, connection.simple_query("")).await {
                Ok(Ok(_)) => {
                    self.reach.found();
                    return Ok(());
                }
                Ok(Err(cause)) if error::lost(&cause) == Lost::Nothing => {
                    return Err(error::translate(&cause));
                }
                Ok(Err(_)) => {}
                Err(_) => {
                    tracing::warn!("PostgreSQL does not answer");
                    drop(Object::take(connection));
                    self.let_go();
                    return Err(SILENT);
                }
            }
        }
        Err(GAVE_UP)
    }

    pub(crate) fn close(&self) {
        self.pool.close();
        self.pings.close();
    }

    async fn attempt(&self, batch: &Batch) -> Result<(), Attempt> {
        let mut held = Held(Some(self.connection(Asking::Work).await?));
        // Whether it still happened is not known where the server fell silent.
        let sent = self.reach.unless_silent(send(held.connection()?, batch)).await;
        match sent.unwrap_or(Err(Attempt::Silent)) {
            Ok(()) => {
                self.reach.found();
                held.release();
                Ok(())
            }
            // Dropped, which closes the connection.
            Err(failure @ (Attempt::Disconnected | Attempt::Silent)) => Err(failure),
            Err(failure) => {
                self.reach.unless_silent(held.roll_back()).await;
                Err(failure)
            }
        }
    }

    /// No connection can be made.
    fn went_away(&self, asking: Asking) {
        match asking {
            // Those that there are lead nowhere either.
            Asking::Ping => self.let_go(),
            Asking::Work => self.reach.lost(),
        }
    }

    /// Ends what waits for an answer, and closes what waits in the pool: it leads to the same silence.
    fn let_go(&self) {
        self.reach.fell_silent();
        self.pool.retain(|_, _| false);
    }

    async fn connection(&self, asking: Asking) -> Result<Object> {
        self.reach.ask(asking, self.soon)?;
        let pool = match asking {
            Asking::Ping => &self.pings,
            Asking::Work => &self.pool,
        };
        let found = pool.get().await;
        if let Ok(connection) = &found
            && Object::metrics(connection).recycle_count == 0
        {
            self.reach.found();
        }
        found.map_err(|cause| match cause {
            PoolError::Closed => Error::Busy("the database is closed"),
            PoolError::Timeout(TimeoutType::Wait) => Error::Busy("no connection became free in time"),
            PoolError::Timeout(_) => {
                tracing::warn!("PostgreSQL accepts no connection in time");
                self.went_away(asking);
                SILENT
            }
            PoolError::Backend(cause) => {
                if error::away(&cause) {
                    self.went_away(asking);
                }
                let error = error::translate(&cause);
                tracing::warn!(cause = %error::chain(&cause), "no connection to PostgreSQL");
                error
            }
            other => Error::engine(other),
        })
    }
}

/// How an attempt ended that did not succeed.
enum Attempt {
    /// Another transaction was faster.
    Raced,
    /// The connection is good for nothing more.
    Disconnected,
    /// The server said nothing more.
    Silent,
    Failed(Error),
}

impl From<Error> for Attempt {
    fn from(cause: Error) -> Self {
        Self::Failed(cause)
    }
}

/// Before COMMIT nothing has happened yet, so what was lost can be had again.
impl From<tokio_postgres::Error> for Attempt {
    fn from(cause: tokio_postgres::Error) -> Self {
        match error::lost(&cause) {
            Lost::Race => Self::Raced,
            Lost::Connection => Self::Disconnected,
            Lost::Nothing => Self::Failed(error::translate(&cause)),
        }
    }
}

/// A connection that may be inside a transaction. Dropped in the middle, as when the caller is cancelled, it is
/// closed and never returns to the pool: the server rolls back.
struct Held(Option<Object>);

impl Held {
    fn connection(&self) -> Result<&Object> {
        self.0.as_ref().ok_or(Error::Busy("no connection"))
    }

    /// Back to the pool.
    fn release(&mut self) {
        drop(self.0.take());
    }

    async fn roll_back(&mut self) {
        if let Ok(connection) = self.connection()
            && connection.batch_execute("ROLLBACK").await.is_ok()
        {
            self.release();
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(Object::take(connection));
        }
    }
}

async fn read(
    connection: &Object,
    sql: &str,
    params: &[Value],
) -> Result<Vec<tokio_postgres::Row>, tokio_postgres::Error> {
    let statement = connection.prepare_cached(sql).await?;
    let params: Vec<_> = params.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
    connection.query(&statement, &params).await
}

type Sent<'a> = Pin<Box<dyn Future<Output = Result<u64, tokio_postgres::Error>> + Send + 'a>>;

/// Two round trips: BEGIN and all statements, then COMMIT. A lone statement without a guard needs only one.
async fn send(connection: &Object, batch: &Batch) -> Result<(), Attempt> {
    let mut statements: Vec<Statement> = Vec::with_capacity(batch.0.len());
    for statement in &batch.0 {
        statements.push(connection.prepare_cached(&statement.sql).await?);
    }
    if let ([prepared], [only]) = (statements.as_slice(), batch.0.as_slice())
        && only.expect.is_none()
    {
        // Its own transaction: if the connection is lost now, whether it happened is not known.
        return connection.execute_raw(prepared, only.params.iter()).await.map(drop).map_err(uncertain);
    }
    let mut sent: Vec<Sent<'_>> =
        vec![Box::pin(async { connection.batch_execute("BEGIN").await.map(|()| 0) })];
    for (prepared, statement) in statements.iter().zip(&batch.0) {
        sent.push(Box::pin(connection.execute_raw(prepared, statement.params.iter())));
    }
    let mut answers = in_order(sent).await.into_iter();
    // After the first failure the others only say that the transaction is broken, so the first one counts.
    if let Some(begun) = answers.next() {
        begun?;
    }
    for (answer, statement) in answers.zip(&batch.0) {
        let changed = answer?;
        if statement.expect.is_some_and(|expected| expected != changed) {
            return Err(Attempt::Failed(Error::Guard));
        }
    }
    connection.batch_execute("COMMIT").await.map_err(uncertain)
}

/// A connection lost while committing leaves the outcome unknown: that must not be run again.
fn uncertain(cause: tokio_postgres::Error) -> Attempt {
    match error::lost(&cause) {
        Lost::Connection if !error::replica(&cause) => {
            Attempt::Failed(Error::Busy("the connection was lost while committing"))
        }
        Lost::Race | Lost::Connection | Lost::Nothing => cause.into(),
    }
}

/// Waits for all, polling them in their order: the first poll is what puts a statement on the wire.
async fn in_order<T>(futures: Vec<Pin<Box<dyn Future<Output = T> + Send + '_>>>) -> Vec<T> {
    let mut waiting: Vec<_> = futures.into_iter().map(|future| (future, None)).collect();
    std::future::poll_fn(|context| {
        let mut all = true;
        for (future, answer) in waiting.iter_mut().filter(|(_, answer)| answer.is_none()) {
            match future.as_mut().poll(context) {
                std::task::Poll::Ready(value) => *answer = Some(value),
                std::task::Poll::Pending => all = false,
            }
        }
        if all { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    waiting.into_iter().filter_map(|(_, answer)| answer).collect()
}

async fn run_step(
    connection: &Object,
    claim: Option<&Batch>,
    script: &str,
) -> Result<bool, tokio_postgres::Error> {
    // An index on a large table takes its time, and so does waiting for another process's step.
    connection.batch_execute("BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0").await?;
    let mut mine = true;
    for statement in claim.iter().flat_map(|claim| &claim.0) {
        let prepared = connection.prepare_cached(&statement.sql).await?;
        mine &= connection.execute_raw(&prepared, statement.params.iter()).await? == 1;
    }
    if mine {
        connection.batch_execute(script).await?;
    }
    connection.batch_execute("COMMIT").await?;
    Ok(mine)
}

/// The types a schema may use; what others become is a mistake to be told, not guessed.
const fn is_text(kind: &Type) -> bool {
    matches!(*kind, Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN)
}
