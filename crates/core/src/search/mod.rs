//! Searching for users, log events and documents: a subset of Lucene's query language (fact sheet 11.2 and 12, D70), and SCIM's
//! notation for the same queries (D83).
//!
//! Text becomes a [`Query`] that is bounded in length, depth and clauses; a query tells which documents it [fits], and for
//! users which [`Cover`] of the index holds all that it could fit. The index only proposes: the document decides.
//!
//! [fits]: Query::fits

mod bind;
mod cover;
mod fields;
mod moments;
mod pattern;
mod postings;
mod query;
mod refused;
mod scim;
mod syntax;

pub use cover::{Cover, Reach, Span};
pub use fields::{Dialect, Folding, is_shown_of_members};
pub use pattern::Pattern;
pub use postings::{LOGIN_FIELDS, MOST_TEXT, Posting, REST, is_sortable, number, order_of, postings, text};
pub use query::{Query, Range, Term, Test};
pub use refused::Refused;

/// Bytes of a query.
pub const MOST_BYTES: usize = 8 << 10;
/// Parentheses and signs inside each other.
pub const MOST_DEPTH: usize = 16;
/// Comparisons; a word without a field is one with each of several fields.
pub const MOST_TERMS: usize = 256;

/// Reads a query. An empty one, and `*`, fit everything.
///
/// # Errors
/// [`Refused`], which says what to change.
pub fn parse(text: &str, dialect: Dialect) -> Result<Query, Refused> {
    bind::bind(syntax::read(text)?, dialect)
}

/// Reads a filter in SCIM's notation. An empty one, and `*`, fit everything.
///
/// # Errors
/// As [`parse`].
pub fn parse_scim(text: &str, dialect: Dialect) -> Result<Query, Refused> {
    bind::bind(scim::read(text)?, dialect)
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
