//! Values in and out of a statement, and rows read left to right.

use crate::{Error, Result};

/// `params![kind, id]`: the values of `$1`, `$2`.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => { vec![$($crate::Value::from($value)),*] };
}

/// One value of a statement or a row: the whole type system both engines share.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// SQL `NULL`.
    Null,
    /// A truth value; an integer 0 or 1 in SQLite.
    Bool(bool),
    /// A 64-bit integer; times are epoch microseconds or seconds, as the column says.
    Int(i64),
    /// UTF-8 text.
    Text(String),
    /// Raw bytes.
    Bytes(Vec<u8>),
    /// A JSON document, as text. PostgreSQL stores `JSONB` and may return it spaced and ordered otherwise.
    Json(String),
}

/// Says the kind and the length, never the content: values are secrets as often as not.
impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Null => f.write_str("Null"),
            Self::Bool(value) => write!(f, "Bool({value})"),
            Self::Int(value) => write!(f, "Int({value})"),
            Self::Text(value) => write!(f, "Text({} bytes)", value.len()),
            Self::Bytes(value) => write!(f, "Bytes({} bytes)", value.len()),
            Self::Json(value) => write!(f, "Json({} bytes)", value.len()),
        }
    }
}

macro_rules! value_from {
    ($($type:ty => $variant:ident($value:ident) $convert:expr;)*) => {$(
        impl From<$type> for Value {
            fn from($value: $type) -> Self {
                Self::$variant($convert)
            }
        }
    )*};
}

value_from! {
    bool => Bool(value) value;
    i64 => Int(value) value;
    i32 => Int(value) i64::from(value);
    u32 => Int(value) i64::from(value);
    &str => Text(value) value.to_owned();
    &String => Text(value) value.clone();
    String => Text(value) value;
    Box<str> => Text(value) value.into_string();
    &[u8] => Bytes(value) value.to_vec();
    &Vec<u8> => Bytes(value) value.clone();
    Vec<u8> => Bytes(value) value;
}

impl<const N: usize> From<[u8; N]> for Value {
    fn from(value: [u8; N]) -> Self {
        Self::Bytes(value.to_vec())
    }
}

impl<const N: usize> From<&[u8; N]> for Value {
    fn from(value: &[u8; N]) -> Self {
        Self::Bytes(value.to_vec())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A row, read left to right.
pub struct Row<'columns>(std::slice::IterMut<'columns, Value>);

impl<'columns> Row<'columns> {
    pub(crate) fn new(columns: &'columns mut [Value]) -> Self {
        Self(columns.iter_mut())
    }

    /// The next column.
    ///
    /// # Errors
    /// [`Error::Engine`] when the row has no further column or it holds another type.
    pub fn take<T: FromValue>(&mut self) -> Result<T> {
        let column = self.0.next().ok_or_else(|| Error::engine("a row has too few columns"))?;
        T::from_value(std::mem::replace(column, Value::Null))
    }
}

/// A Rust type one column can become.
pub trait FromValue: Sized {
    /// Converts the column.
    ///
    /// # Errors
    /// [`Error::Engine`] naming both types when it holds something else.
    fn from_value(value: Value) -> Result<Self>;
}

/// A Rust type a whole row can become: one value, a tuple, or what the store defines.
pub trait FromRow: Sized {
    /// Takes its columns from the row.
    ///
    /// # Errors
    /// [`Error::Engine`] when a column is missing or of another type.
    fn from_row(row: &mut Row) -> Result<Self>;
}

impl FromValue for Value {
    fn from_value(value: Value) -> Result<Self> {
        Ok(value)
    }
}

impl FromValue for i64 {
    fn from_value(value: Value) -> Result<Self> {
        match value {
            Value::Int(int) => Ok(int),
            other => Err(mismatch("an integer", &other)),
        }
    }
}

impl FromValue for bool {
    fn from_value(value: Value) -> Result<Self> {
        match value {
            Value::Bool(truth) => Ok(truth),
            Value::Int(int) => Ok(int != 0),
            other => Err(mismatch("a truth value", &other)),
        }
    }
}

impl FromValue for String {
    fn from_value(value: Value) -> Result<Self> {
        match value {
            Value::Text(text) | Value::Json(text) => Ok(text),
            other => Err(mismatch("text", &other)),
        }
    }
}

impl FromValue for Vec<u8> {
    fn from_value(value: Value) -> Result<Self> {
        match value {
            Value::Bytes(bytes) => Ok(bytes),
            other => Err(mismatch("bytes", &other)),
        }
    }
}

impl<const N: usize> FromValue for [u8; N] {
    fn from_value(value: Value) -> Result<Self> {
        match value {
            Value::Bytes(bytes) => bytes
                .try_into()
                .map_err(|bytes: Vec<u8>| Error::Engine(format!("wanted {N} bytes, found {}", bytes.len()))),
            other => Err(mismatch("bytes", &other)),
        }
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value) -> Result<Self> {
        if value == Value::Null { Ok(None) } else { T::from_value(value).map(Some) }
    }
}

impl<T: FromValue> FromRow for T {
    fn from_row(row: &mut Row) -> Result<Self> {
        row.take()
    }
}

macro_rules! tuple_from_row {
    ($($name:ident)+) => {
        impl<$($name: FromRow),+> FromRow for ($($name,)+) {
            fn from_row(row: &mut Row) -> Result<Self> {
                Ok(($($name::from_row(row)?,)+))
            }
        }
    };
}

tuple_from_row!(A);
tuple_from_row!(A B);
tuple_from_row!(A B C);
tuple_from_row!(A B C D);
tuple_from_row!(A B C D E);
tuple_from_row!(A B C D E F);
tuple_from_row!(A B C D E F G);
tuple_from_row!(A B C D E F G H);
tuple_from_row!(A B C D E F G H I);
tuple_from_row!(A B C D E F G H I J);

fn mismatch(wanted: &str, found: &Value) -> Error {
    Error::Engine(format!("a column holds another type: wanted {wanted}, found {found:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_tells_no_content() {
        let secrets = params!["hunter2", b"hunter2".to_vec(), Value::Json("{\"p\":\"hunter2\"}".into())];
        let printed = format!("{secrets:?} {:?}", crate::Batch::default().run("SELECT $1", secrets.clone()));
        assert_eq!(printed, "[Text(7 bytes), Bytes(7 bytes), Json(15 bytes)] Batch(1 statements)");
    }

    #[test]
    fn a_row_is_read_left_to_right() {
        let mut columns = params!["a", 2_i64, None::<i64>, true];
        let (text, (int, none), truth): (String, (i64, Option<i64>), bool) =
            FromRow::from_row(&mut Row::new(&mut columns)).unwrap();
        assert_eq!((text.as_str(), int, none, truth), ("a", 2, None, true));
    }

    #[test]
    fn a_wrong_type_and_a_short_row_are_errors_without_content() {
        let wrong = <(i64,)>::from_row(&mut Row::new(&mut ["hunter2".into()])).unwrap_err().to_string();
        assert_eq!(
            wrong,
            "database error: a column holds another type: wanted an integer, found Text(7 bytes)"
        );
        assert!(<(i64, i64)>::from_row(&mut Row::new(&mut [Value::Int(1)])).is_err());
        assert!(<[u8; 3]>::from_value(Value::Bytes(vec![1, 2])).is_err());
    }
}
