//! What can go wrong between a caller and its rows. No variant carries a parameter value.

/// Shorthand for everything this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failed read, write or start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A unique constraint said no: the row is there already.
    #[error("a row with this key exists already")]
    Conflict,
    /// A guarded statement changed another number of rows than one; nothing of its batch happened.
    #[error("the row has changed or is gone")]
    Guard,
    /// The database cannot take work right now: queue full, pool exhausted, connection lost. Answer 503.
    #[error("the database is busy or away: {0}")]
    Busy(&'static str),
    /// Anything else the engine said, without parameter values.
    #[error("database error: {0}")]
    Engine(String),
    /// The database was written by a newer release.
    #[error(
        "the database has schema version {found} but this program knows only up to {known}: run a newer release"
    )]
    Newer {
        /// The version found in the database.
        found: i64,
        /// The newest version this program knows.
        known: i64,
    },
}

impl Error {
    /// An engine's message, from anything printable.
    pub(crate) fn engine(cause: impl std::fmt::Display) -> Self {
        Self::Engine(cause.to_string())
    }
}

/// Hides every text parameter an engine repeated in its message.
pub(crate) fn redact(error: Error, params: &[crate::Value]) -> Error {
    let Error::Engine(message) = error else { return error };
    Error::Engine(params.iter().fold(message, |message, param| match param {
        crate::Value::Text(text) | crate::Value::Json(text) if text.len() > 2 => {
            message.replace(text, "[value]")
        }
        _ => message,
    }))
}
