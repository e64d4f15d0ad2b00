//! Why a query is none.

use super::{MOST_BYTES, MOST_DEPTH, MOST_TERMS};

/// A query that is not understood or asks too much. The text is for whoever wrote the query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not the language.
    #[error("the search is not understood at {}: {why}", place(.at))]
    Syntax {
        /// The beginning of what was not understood; empty where something is missing at the end.
        at: String,
        /// What would be.
        why: &'static str,
    },
    /// Too many bytes.
    #[error("the search is too long: at most {MOST_BYTES} bytes")]
    TooLong,
    /// Too many parentheses or signs inside each other.
    #[error("the search is too deep: at most {MOST_DEPTH} levels")]
    TooDeep,
    /// Too many comparisons.
    #[error("the search has too many terms: at most {MOST_TERMS}")]
    TooMany,
    /// The field cannot be searched so.
    #[error("{field} cannot be searched so: {why}")]
    Field {
        /// Which one.
        field: String,
        /// What it can.
        why: &'static str,
    },
}

impl Refused {
    pub(super) fn at(rest: &str, why: &'static str) -> Self {
        Self::Syntax { at: shortened(rest), why }
    }

    pub(super) fn field(field: &str, why: &'static str) -> Self {
        Self::Field { field: shortened(field), why }
    }
}

fn place(at: &str) -> String {
    if at.is_empty() { "the end".to_owned() } else { format!("'{at}'") }
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}
