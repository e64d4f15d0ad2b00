//! The PostgreSQL engine.

use bytes::{BufMut, BytesMut};
use deadpool_postgres::{Manager, Pool};
use tokio_postgres::{
    NoTls,
    error::SqlState,
    types::{FromSql, IsNull, ToSql, Type, to_sql_checked},
};

use crate::{Batch, Error, Options, Result, Types, Value};

/// Text compares by bytes, as SQLite's does: the order of time-ordered keys must not depend on a locale.
pub(crate) const TYPES: Types = ["JSONB", "BYTEA", "BIGINT", "BOOLEAN", "", "TEXT COLLATE \"C\""];

#[derive(Clone)]
pub(crate) struct Postgres(Pool);

type BoxError = Box<dyn std::error::Error + Sync + Send>;

impl Postgres {
    pub(crate) async fn open(url: &str, options: &Options) -> Result<Self> {
        let config = url.parse().map_err(Error::engine)?;
        let pool = Pool::builder(Manager::new(config, NoTls)).max_size(options.pool_size.get()).build();
        pool.map(Self).map_err(Error::engine)
    }

    pub(crate) async fn query(&self, sql: &str, params: &[Value]) -> Result<Vec<Vec<Value>>> {
        let conn = self.connection().await?;
        let statement = conn.prepare_cached(sql).await?;
        let rows = conn.query(&statement, &references(params)).await?;
        rows.iter().map(|row| (0..row.len()).map(|i| row.try_get(i).map_err(Error::from)).collect()).collect()
    }

    pub(crate) async fn commit(&self, batch: &Batch) -> Result<()> {
        let mut conn = self.connection().await?;
        let tx = conn.transaction().await?;
        for s in &batch.0 {
            let statement = tx.prepare_cached(&s.sql).await?;
            let changed = tx.execute(&statement, &references(&s.params)).await?;
            if s.expect.is_some_and(|n| n != changed) {
                return Err(Error::Guard);
            }
        }
        Ok(tx.commit().await?)
    }

    pub(crate) async fn script(&self, script: &str) -> Result<()> {
        Ok(self.connection().await?.batch_execute(script).await?)
    }

    pub(crate) fn close(&self) {
        self.0.close();
    }

    async fn connection(&self) -> Result<deadpool_postgres::Object> {
        self.0.get().await.map_err(|_| Error::Busy("no connection"))
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(e: tokio_postgres::Error) -> Self {
        if e.code() == Some(&SqlState::UNIQUE_VIOLATION) { Self::Conflict } else { Self::engine(e) }
    }
}

fn references(params: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    params.iter().map(|p| p as _).collect()
}

impl ToSql for Value {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        match self {
            Self::Null => return Ok(IsNull::Yes),
            Self::Bool(v) => return v.to_sql(ty, out),
            Self::Int(v) => return v.to_sql(ty, out),
            Self::Bytes(v) => out.extend_from_slice(v),
            Self::Text(v) | Self::Json(v) => {
                if *ty == Type::JSONB {
                    out.put_u8(1);
                }
                out.extend_from_slice(v.as_bytes());
            }
        }
        Ok(IsNull::No)
    }
    fn accepts(_: &Type) -> bool {
        true
    }
    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        Ok(match *ty {
            Type::BOOL => Self::Bool(bool::from_sql(ty, raw)?),
            Type::INT8 => Self::Int(i64::from_sql(ty, raw)?),
            Type::BYTEA => Self::Bytes(raw.to_vec()),
            Type::JSONB => Self::Json(String::from_utf8(raw.get(1..).unwrap_or_default().to_vec())?),
            _ => Self::Text(String::from_utf8(raw.to_vec())?),
        })
    }
    fn from_sql_null(_: &Type) -> Result<Self, BoxError> {
        Ok(Self::Null)
    }
    fn accepts(_: &Type) -> bool {
        true
    }
}
