//! What PostgreSQL's errors mean to a caller, without the values it likes to repeat.

use std::error::Error as _;

use tokio_postgres::error::{DbError, SqlState};

use crate::Error;

/// What a failure took with it, if it can be had again.
#[derive(PartialEq, Eq)]
pub(super) enum Lost {
    /// Another transaction was faster (40001) or waited for this one (40P01).
    Race,
    Connection,
    Nothing,
}

pub(super) fn lost(cause: &tokio_postgres::Error) -> Lost {
    match cause.as_db_error().map(DbError::code) {
        Some(code)
            if *code == SqlState::T_R_SERIALIZATION_FAILURE || *code == SqlState::T_R_DEADLOCK_DETECTED =>
        {
            Lost::Race
        }
        Some(code) if gone(code) || *code == SqlState::READ_ONLY_SQL_TRANSACTION => Lost::Connection,
        None if cause.is_closed() || is_io(cause) => Lost::Connection,
        _ => Lost::Nothing,
    }
}

/// A cached statement whose table got another shape: prepared again it works.
pub(super) fn stale_plan(cause: &tokio_postgres::Error) -> bool {
    cause.as_db_error().is_some_and(|error| {
        *error.code() == SqlState::FEATURE_NOT_SUPPORTED && error.message().contains("cached plan")
    })
}

pub(super) fn translate(cause: &tokio_postgres::Error) -> Error {
    let Some(error) = cause.as_db_error() else {
        return if lost(cause) == Lost::Connection {
            Error::Busy("no connection to PostgreSQL")
        } else {
            Error::Engine(chain(cause))
        };
    };
    match error.code() {
        code if *code == SqlState::UNIQUE_VIOLATION => Error::Conflict,
        code if *code == SqlState::QUERY_CANCELED => Error::Busy("a statement took too long"),
        code if *code == SqlState::LOCK_NOT_AVAILABLE => Error::Busy("a row is locked"),
        code if *code == SqlState::READ_ONLY_SQL_TRANSACTION => {
            Error::Busy("this PostgreSQL server is a replica")
        }
        code if gone(code) => Error::Busy("PostgreSQL is not available"),
        _ => Error::Engine(message(error)),
    }
}

/// A server that was the primary when the connection was made may be so no more. Nothing happened then.
pub(super) fn replica(cause: &tokio_postgres::Error) -> bool {
    cause.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION)
}

/// Whether a connection that could not be made says that the server is away: not there, or starting or ending. One that is
/// there and refuses this client is not.
pub(super) fn away(cause: &tokio_postgres::Error) -> bool {
    match cause.as_db_error().map(DbError::code) {
        Some(code) => code.code().starts_with("57P"),
        None => cause.is_closed() || is_io(cause),
    }
}

/// The error with its causes, for errors of the connection and the client.
pub(super) fn chain(cause: &tokio_postgres::Error) -> String {
    let causes = std::iter::successors(cause.source(), |&cause| cause.source());
    causes.fold(cause.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// Class 22 ("data exception") quotes the data, and DETAIL quotes rows: both are left out.
fn message(error: &DbError) -> String {
    let code = error.code().code();
    let text = if code.starts_with("22") { "a value does not fit" } else { error.message() };
    format!("{text} (SQLSTATE {code})")
}

/// The server or the connection is going away, or has no room: classes 08, 53 and 57P.
fn gone(code: &SqlState) -> bool {
    ["08", "53300", "57P"].iter().any(|class| code.code().starts_with(class))
}

/// A certificate that is not trusted comes as an I/O error too, but no waiting will mend it.
fn is_io(cause: &tokio_postgres::Error) -> bool {
    let io = cause.source().and_then(|source| source.downcast_ref::<std::io::Error>());
    match io {
        Some(io) => !io.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()),
        None => cause.to_string().starts_with("timeout waiting for server"),
    }
}
