//! Values on PostgreSQL's wire, in its binary form.

use bytes::{BufMut as _, BytesMut};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use super::is_text;
use crate::Value;

type BoxError = Box<dyn std::error::Error + Sync + Send>;

/// The version byte before a JSONB document.
const JSONB_VERSION: u8 = 1;

impl ToSql for Value {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        match (self, kind) {
            (Self::Null, _) => return Ok(IsNull::Yes),
            (Self::Bool(truth), &Type::BOOL) => out.put_u8(u8::from(*truth)),
            (Self::Int(int), &Type::INT8) => out.put_i64(*int),
            (Self::Int(int), &Type::INT4) => out.put_i32(i32::try_from(*int)?),
            (Self::Int(int), &Type::INT2) => out.put_i16(i16::try_from(*int)?),
            (Self::Bytes(bytes), &Type::BYTEA) => out.put_slice(bytes),
            (Self::Text(text) | Self::Json(text), &Type::JSONB) => {
                out.put_u8(JSONB_VERSION);
                out.put_slice(text.as_bytes());
            }
            (Self::Text(text) | Self::Json(text), kind) if is_text(kind) || *kind == Type::JSON => {
                out.put_slice(text.as_bytes());
            }
            (other, kind) => return Err(format!("{other:?} does not fit the SQL type {kind}").into()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        Ok(match *kind {
            Type::BOOL => Self::Bool(bool::from_sql(kind, raw)?),
            Type::INT8 => Self::Int(i64::from_sql(kind, raw)?),
            Type::INT4 => Self::Int(i32::from_sql(kind, raw)?.into()),
            Type::INT2 => Self::Int(i16::from_sql(kind, raw)?.into()),
            Type::BYTEA => Self::Bytes(raw.to_vec()),
            Type::JSONB => match raw.split_first() {
                Some((&JSONB_VERSION, document)) => Self::Json(std::str::from_utf8(document)?.to_owned()),
                _ => return Err("a JSONB document of an unknown version".into()),
            },
            Type::JSON => Self::Json(std::str::from_utf8(raw)?.to_owned()),
            _ if is_text(kind) => Self::Text(std::str::from_utf8(raw)?.to_owned()),
            _ => return Err(format!("the SQL type {kind} is not used here: cast it").into()),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, BoxError> {
        Ok(Self::Null)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}
