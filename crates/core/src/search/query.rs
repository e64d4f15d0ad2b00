//! Queries, and which documents they fit.

use std::{cmp::Ordering, ops::Bound};

use serde_json::Value;

use super::{Pattern, fields::Folding};
use crate::iso::parse_ms;

/// What is searched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// One comparison.
    Term(Term),
    /// All of these; of none, everything fits.
    All(Vec<Query>),
    /// One of these at least.
    Any(Vec<Query>),
    /// Not this.
    Not(Box<Query>),
}

/// A comparison with a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// Members of the document, with dots; lists on the way are entered.
    pub field: String,
    /// How its texts are compared.
    pub folding: Folding,
    /// What it must be.
    pub test: Test,
}

/// A range of something.
pub type Range<T> = (Bound<T>, Bound<T>);

/// What a value of a field must be. Lists need one such member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// There, whatever it is.
    Exists,
    /// This text; numbers and truth values as JSON has them.
    Is(String),
    /// A word with asterisks.
    Like(Pattern),
    /// A text in this range, by bytes.
    Texts(Range<String>),
    /// A whole number in this range.
    Numbers(Range<i64>),
    /// A time in this range, in milliseconds.
    Times(Range<i64>),
    /// Numbers as numbers where both are, else texts.
    Mixed(Range<String>),
}

impl Query {
    /// What everything fits.
    pub const fn everything() -> Self {
        Self::All(Vec::new())
    }

    /// A field that is this text.
    pub fn is(field: &str, text: &str) -> Self {
        let (field, folding) = (field.to_owned(), Folding::Exact);
        Self::Term(Term { field, folding, test: Test::Is(text.to_owned()) })
    }

    /// This query, where another one fits too.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match self {
            Self::All(mut all) => {
                all.push(other);
                Self::All(all)
            }
            query => Self::All(vec![query, other]),
        }
    }

    /// What a document must be at least, as far as one comparison says: those that no `OR` and no `NOT` is around.
    pub fn needed(&self) -> Vec<&Term> {
        match self {
            Self::Term(term) => vec![term],
            Self::All(all) => all.iter().flat_map(Self::needed).collect(),
            Self::Any(_) | Self::Not(_) => Vec::new(),
        }
    }

    /// Whether everything fits without looking.
    pub fn is_everything(&self) -> bool {
        matches!(self, Self::All(all) if all.is_empty())
    }

    /// Whether a document fits.
    pub fn fits(&self, document: &Value) -> bool {
        match self {
            Self::Term(term) => term.fits(document),
            Self::All(all) => all.iter().all(|query| query.fits(document)),
            Self::Any(any) => any.iter().any(|query| query.fits(document)),
            Self::Not(query) => !query.fits(document),
        }
    }

    /// Whether a field like this is compared.
    pub fn names(&self, field: &dyn Fn(&str) -> bool) -> bool {
        match self {
            Self::Term(term) => field(&term.field),
            Self::All(inner) | Self::Any(inner) => inner.iter().any(|query| query.names(field)),
            Self::Not(query) => query.names(field),
        }
    }
}

impl Term {
    /// Whether a document fits.
    pub fn fits(&self, document: &Value) -> bool {
        if self.field == DOMAIN {
            let email = document.get("email").and_then(Value::as_str);
            return email.and_then(domain).is_some_and(|domain| self.test.fits_text(domain, self.folding));
        }
        self.fits_at(document, &self.field)
    }

    /// Names of members may hold dots themselves.
    fn fits_at(&self, value: &Value, path: &str) -> bool {
        match value {
            Value::Array(items) => items.iter().any(|item| self.fits_at(item, path)),
            Value::Object(members) if path.is_empty() => {
                self.test == Test::Exists && members.values().any(|value| self.fits_at(value, path))
            }
            Value::Object(members) => members.iter().any(|(name, value)| {
                path.strip_prefix(name.as_str()).is_some_and(|rest| match rest.strip_prefix('.') {
                    Some(rest) => !rest.is_empty() && self.fits_at(value, rest),
                    None => rest.is_empty() && self.fits_at(value, rest),
                })
            }),
            _ if !path.is_empty() => false,
            Value::Null => false,
            Value::String(text) => self.test.fits_text(text, self.folding),
            Value::Bool(_) | Value::Number(_) => self.test.fits_text(&value.to_string(), self.folding),
        }
    }
}

/// The part of an address that has a field of its own.
pub(super) const DOMAIN: &str = "email.domain";

pub(super) fn domain(email: &str) -> Option<&str> {
    email.rsplit_once('@').map(|(_, domain)| domain)
}

impl Test {
    fn fits_text(&self, text: &str, folding: Folding) -> bool {
        match self {
            Self::Exists => true,
            Self::Is(wanted) => folding.of(text) == wanted.as_str(),
            Self::Like(pattern) => pattern.fits(&folding.of(text)),
            Self::Texts(range) => within(range, folding.of(text).as_ref()),
            Self::Numbers(range) => text.parse().is_ok_and(|number: i64| contains(range, &number)),
            Self::Times(range) => parse_ms(text).is_some_and(|ms| contains(range, &ms)),
            Self::Mixed(range) => mixed(range, text),
        }
    }
}

fn contains<T: PartialOrd>(range: &Range<T>, value: &T) -> bool {
    std::ops::RangeBounds::contains(range, value)
}

fn within((from, to): &Range<String>, text: &str) -> bool {
    contains(&(from.as_ref().map(String::as_str), to.as_ref().map(String::as_str)), &text)
}

fn mixed((from, to): &Range<String>, text: &str) -> bool {
    let order = |limit: &str| match (text.parse::<f64>(), limit.parse::<f64>()) {
        (Ok(value), Ok(limit)) => value.partial_cmp(&limit),
        _ => Some(text.cmp(limit)),
    };
    let is_behind = match from {
        Bound::Unbounded => true,
        Bound::Included(from) => order(from).is_some_and(Ordering::is_ge),
        Bound::Excluded(from) => order(from).is_some_and(Ordering::is_gt),
    };
    let is_before = match to {
        Bound::Unbounded => true,
        Bound::Included(to) => order(to).is_some_and(Ordering::is_le),
        Bound::Excluded(to) => order(to).is_some_and(Ordering::is_lt),
    };
    is_behind && is_before
}
