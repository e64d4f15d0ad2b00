//! One statement on one connection: values in, rows out, errors translated.

use rusqlite::{
    Connection, ErrorCode, Statement, ffi,
    types::{ToSqlOutput, ValueRef},
};

use crate::{Error, FromRow, Result, Row, Value, error::redact};

/// At most `most` rows.
pub(super) fn query<T: FromRow>(
    connection: &Connection,
    sql: &str,
    params: &[Value],
    most: usize,
) -> Result<Vec<T>> {
    let mut statement = connection.prepare_cached(sql)?;
    bind(&mut statement, params)?;
    let mut rows = statement.raw_query();
    let mut found = Vec::new();
    let mut columns = Vec::new();
    while found.len() < most
        && let Some(row) = rows.next().map_err(|cause| redact(cause.into(), params))?
    {
        columns.clear();
        // Asked of the row: the first step may have prepared the statement again, for a table's new shape.
        for index in 0..row.as_ref().column_count() {
            columns.push(column(row.get_ref(index)?)?);
        }
        found.push(T::from_row(&mut Row::new(&mut columns))?);
    }
    Ok(found)
}

/// Says how many rows changed.
pub(super) fn execute(connection: &Connection, sql: &str, params: &[Value]) -> Result<u64> {
    let mut statement = connection.prepare_cached(sql)?;
    bind(&mut statement, params)?;
    let changed = statement.raw_execute().map_err(|cause| redact(cause.into(), params))?;
    Ok(changed as u64)
}

/// To SQLite `$2` is a *named* parameter, numbered by first use: so the number is read back from the name,
/// and the text needs no rewriting. A cast as in `$2::BIGINT` belongs to the name and is ignored, which suits
/// an engine that needs none (<https://sqlite.org/lang_expr.html#varparam>).
fn bind(statement: &mut Statement<'_>, params: &[Value]) -> Result<()> {
    let mut highest = 0;
    for index in 1..=statement.parameter_count() {
        let number = statement.parameter_name(index).and_then(number).unwrap_or(0);
        let value =
            number.checked_sub(1).and_then(|place| params.get(place)).ok_or_else(|| arity(params.len()))?;
        statement.raw_bind_parameter(index, value)?;
        highest = highest.max(number);
    }
    if highest == params.len() { Ok(()) } else { Err(arity(params.len())) }
}

fn number(name: &str) -> Option<usize> {
    let rest = name.strip_prefix('$')?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest.get(..end)?.parse().ok()
}

fn arity(given: usize) -> Error {
    Error::Engine(format!("a statement was given {given} values, which is not the number of its parameters"))
}

fn column(value: ValueRef<'_>) -> Result<Value> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(int) => Value::Int(int),
        ValueRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => Value::Text(text.to_owned()),
            Err(_) => return Err(Error::engine("a text column holds bytes that are not UTF-8")),
        },
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
        ValueRef::Real(_) => return Err(Error::engine("a column holds a fraction: the schema has none")),
    })
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Bool(truth) => ValueRef::Integer(i64::from(*truth)),
            Self::Int(int) => ValueRef::Integer(*int),
            Self::Text(text) | Self::Json(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl From<rusqlite::Error> for Error {
    fn from(cause: rusqlite::Error) -> Self {
        let Some(code) = cause.sqlite_error() else { return Self::engine(cause) };
        match (code.code, code.extended_code) {
            // Other constraints (foreign keys, NOT NULL, CHECK) are mistakes in the program.
            (
                _,
                ffi::SQLITE_CONSTRAINT_UNIQUE
                | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
                | ffi::SQLITE_CONSTRAINT_ROWID,
            ) => Self::Conflict,
            (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _) => {
                Self::Busy("another process is writing")
            }
            _ => Self::engine(cause),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params;

    #[test]
    fn numbers_mean_what_postgresql_means() {
        let memory = Connection::open_in_memory().unwrap();
        let rows: Vec<(String, i64, String)> =
            query(&memory, "SELECT $2, $1::BIGINT, $2 || '$9'", &[Value::Int(7), "b".into()], 9).unwrap();
        assert_eq!(rows, [("b".to_owned(), 7, "b$9".to_owned())]);
    }

    #[test]
    fn the_number_of_values_must_fit() {
        let memory = Connection::open_in_memory().unwrap();
        for values in [params![], params![1_i64], params![1_i64, 2_i64, 3_i64]] {
            assert!(query::<(i64, i64)>(&memory, "SELECT $1, $2", &values, 1).is_err(), "{values:?}");
        }
        assert!(query::<i64>(&memory, "SELECT ?", &[Value::Int(1)], 1).is_err());
    }

    #[test]
    fn messages_repeat_no_value() {
        let memory = Connection::open_in_memory().unwrap();
        let error = query::<i64>(&memory, "SELECT '{}' ->> $1", &["$.hunter2[".into()], 1).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
