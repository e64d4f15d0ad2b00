//! What can go wrong in the store. No variant carries a stored value.

use chancery_core::json::Json;

/// Shorthand for everything this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failed read or write.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Something with this key exists already. Nothing of the batch happened.
    #[error("it exists already")]
    Conflict,
    /// Somebody else was first: the row changed, is spent, or is gone. Nothing of the batch happened.
    #[error("the row has changed or is gone")]
    Guard,
    /// The database cannot take work right now. Answer 503.
    #[error("the database is busy or away: {0}")]
    Busy(&'static str),
    /// A search would have to look at more than it may. Whoever asked has to ask for less.
    #[error("the search would look at too much")]
    TooBroad,
    /// A stored document or seal cannot be read. Says which, never what it holds.
    #[error("stored data cannot be read: {0}")]
    Corrupt(String),
    /// Anything else the database said.
    #[error(transparent)]
    Database(chancery_db::Error),
}

impl From<chancery_db::Error> for Error {
    fn from(error: chancery_db::Error) -> Self {
        match error {
            chancery_db::Error::Conflict => Self::Conflict,
            chancery_db::Error::Guard => Self::Guard,
            chancery_db::Error::Busy(why) => Self::Busy(why),
            other => Self::Database(other),
        }
    }
}

impl Error {
    pub(crate) fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt(what.into())
    }
}

/// Reads a stored document. The parser's message would quote the document, so it is left out.
pub(crate) fn parse<T: serde::de::DeserializeOwned>(what: &str, json: &str) -> Result<T> {
    serde_json::from_str(json).map_err(|error| unreadable(what, &error))
}

/// The same of a document that nearly every request reads.
pub(crate) fn read<T: Json>(what: &str, json: &str) -> Result<T> {
    T::from_json(json).map_err(|error| unreadable(what, &error))
}

fn unreadable(what: &str, error: &serde_json::Error) -> Error {
    Error::Corrupt(format!("{what}, line {} column {}", error.line(), error.column()))
}

/// Writes a document.
pub(crate) fn print<T: serde::Serialize>(what: &str, value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|_| unprintable(what))
}

/// The same of a document that nearly every request writes.
pub(crate) fn write<T: Json>(what: &str, value: &T) -> Result<String> {
    value.to_json().map_err(|_| unprintable(what))
}

fn unprintable(what: &str) -> Error {
    Error::Corrupt(format!("{what} has no JSON form"))
}
