//! The JSON of the documents that nearly every request reads or writes. It is read and written here, not where it is stored: storage is
//! compiled for size, and a refresh token, its user and a log event are a tenth of an exchange's instructions.

use crate::model::User;
use crate::records::{CodeRecord, LogEvent, RefreshRecord};

/// A document with a JSON form.
pub trait Json: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// What the parser says, which quotes the document.
    fn from_json(text: &str) -> serde_json::Result<Self>;

    /// Writes it.
    ///
    /// # Errors
    /// None of these documents has none.
    fn to_json(&self) -> serde_json::Result<String>;
}

macro_rules! json {
    ($($document:ty),+) => {$(
        impl Json for $document {
            fn from_json(text: &str) -> serde_json::Result<Self> {
                serde_json::from_str(text)
            }

            fn to_json(&self) -> serde_json::Result<String> {
                // Most documents fit without growing on the way.
                let mut json = Vec::with_capacity(512);
                serde_json::to_writer(&mut json, self)?;
                // It writes nothing but UTF-8.
                String::from_utf8(json).map_err(serde::ser::Error::custom)
            }
        }
    )+};
}

json!(CodeRecord, LogEvent, RefreshRecord, User);
