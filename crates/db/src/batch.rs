//! Writes as values.

use std::borrow::Cow;

use crate::Value;

/// One statement of a batch.
#[derive(Clone)]
pub(crate) struct Statement {
    pub(crate) sql: Cow<'static, str>,
    pub(crate) params: Vec<Value>,
    /// How many rows it must change, if that matters.
    pub(crate) expect: Option<u64>,
}

/// Statements of which all happen, or none. Being a value, a batch can be grouped with others into one fsync
/// (SQLite), sent in one go (PostgreSQL) and run again after a lost race (distributed SQL).
///
/// Statements run in the order given. Batches touching the same rows should touch them in the same order,
/// or PostgreSQL has to break deadlocks (it does, and the batch is run again).
#[derive(Clone, Default)]
#[must_use = "a batch does nothing until it is committed"]
pub struct Batch(pub(crate) Vec<Statement>);

impl Batch {
    /// Adds a statement; how many rows it changes does not matter.
    pub fn run(self, sql: impl Into<Cow<'static, str>>, params: Vec<Value>) -> Self {
        self.push(sql.into(), params, None)
    }

    /// As [`Batch::run`], and the whole batch fails with [`crate::Error::Guard`] unless exactly one row changed.
    pub fn guard(self, sql: impl Into<Cow<'static, str>>, params: Vec<Value>) -> Self {
        self.push(sql.into(), params, Some(1))
    }

    /// Appends the statements of another batch.
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn push(mut self, sql: Cow<'static, str>, params: Vec<Value>, expect: Option<u64>) -> Self {
        self.0.push(Statement { sql, params, expect });
        self
    }
}

/// Counts only: SQL is code, but values are secrets.
impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Batch({} statements)", self.0.len())
    }
}
