//! Which rows of the index hold every user that a query could fit.

use std::ops::Bound;

use super::{
    Pattern, Query, Range, Term, Test,
    postings::{self, APP, MOST_NUMBER, REST, USER, is_common, number},
};

/// Users who may fit a query: the others do not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cover {
    /// All there are: the index does not help.
    Everything,
    /// Those in a part of it.
    Span(Span),
    /// Those in all of these.
    All(Vec<Cover>),
    /// Those in any of these.
    Any(Vec<Cover>),
}

/// A part of the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// `user_id` and `created_at` are columns of users, `organization_id` is one of members; the others have rows.
    pub field: String,
    /// Which values.
    pub reach: Reach,
}

/// Values of a field, as they lie in the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// This one.
    Value(String),
    /// These.
    Values(Range<String>),
    /// These numbers: of a column.
    Numbers(Range<i64>),
    /// All that have this text somewhere, or may have it behind what was cut off ([`Reach::may_hold`]): every value has to be looked at.
    Holding(String),
}

impl Reach {
    /// Whether a value has this text in it, or was cut off where it may have had it.
    #[must_use]
    pub fn may_hold(value: &str, text: &str) -> bool {
        value.contains(text) || value.chars().count() >= postings::MOST_TEXT
    }
}

impl Cover {
    /// The cover of a query, and whether it is exact: whether everybody in it fits. `all_metadata` says that the index holds the
    /// metadata of everybody, so that none is named by [`REST`].
    pub fn of(query: &Query, all_metadata: bool) -> (Self, bool) {
        match query {
            Query::Term(term) => of_term(term, all_metadata),
            Query::Not(_) => (Self::Everything, false),
            Query::All(all) => {
                let (covers, is_exact) = of_each(all, all_metadata);
                let mut covers: Vec<_> =
                    covers.into_iter().filter(|cover| *cover != Self::Everything).collect();
                let cover = match covers.len() {
                    0 => Self::Everything,
                    1 => covers.remove(0),
                    _ => Self::All(covers),
                };
                (cover, is_exact)
            }
            Query::Any(any) => {
                let (mut covers, is_exact) = of_each(any, all_metadata);
                let cover = match covers.len() {
                    _ if covers.contains(&Self::Everything) => return (Self::Everything, false),
                    1 => covers.remove(0),
                    _ => Self::Any(covers),
                };
                (cover, is_exact)
            }
        }
    }
}

fn of_each(queries: &[Query], all_metadata: bool) -> (Vec<Cover>, bool) {
    let mut is_exact = true;
    let covers = queries.iter().map(|query| {
        let (cover, exact) = Cover::of(query, all_metadata);
        is_exact &= exact;
        cover
    });
    (covers.collect(), is_exact)
}

fn of_term(term: &Term, all_metadata: bool) -> (Cover, bool) {
    let field = term.field.as_str();
    let found = match field {
        "created_at" => match &term.test {
            Test::Times(range) => Some((Reach::Numbers(*range), true)),
            _ => None,
        },
        "user_id"
        | "email"
        | "email.domain"
        | "name"
        | "nickname"
        | "given_name"
        | "family_name"
        | "username"
        | "phone_number"
        | "last_ip"
        | "identities.connection"
        | "identities.user_id" => texts(&term.test),
        "email_verified" | "phone_verified" | "blocked" | "identities.provider" | "identities.isSocial" => {
            match &term.test {
                Test::Is(value) if !is_common(field, value) => Some(value_of(value)),
                _ => None,
            }
        }
        "organization_id" => match &term.test {
            Test::Is(value) => Some((Reach::Value(value.clone()), true)),
            _ => None,
        },
        "updated_at" | "last_login" | "logins_count" => numbers(&term.test),
        _ => return of_metadata(term, all_metadata).unwrap_or((Cover::Everything, false)),
    };
    found.map_or((Cover::Everything, false), |(reach, is_exact)| {
        (Cover::Span(Span { field: field.to_owned(), reach }), is_exact)
    })
}

/// Whole values, and the beginnings of those of applications. Where something was left out of the index, whose metadata that is
/// may hold them too.
fn of_metadata(term: &Term, all_metadata: bool) -> Option<(Cover, bool)> {
    let name = [APP, USER].into_iter().find(|name| {
        term.field.strip_prefix(name).is_some_and(|rest| rest.len() > 1 && rest.starts_with('.'))
    })?;
    let (reach, is_exact) = match &term.test {
        Test::Is(value) => value_of(value),
        Test::Like(pattern) if !pattern.prefix().is_empty() => texts(&term.test)?,
        _ => return None,
    };
    let span = |field: &str, reach| Cover::Span(Span { field: field.to_owned(), reach });
    let found = span(&term.field, reach);
    if all_metadata {
        return Some((found, is_exact));
    }
    Some((Cover::Any(vec![found, span(REST, Reach::Value(name.to_owned()))]), false))
}

type Found = (Reach, bool);

fn value_of(text: &str) -> Found {
    let (value, is_whole) = postings::text(text);
    (Reach::Value(value), is_whole)
}

fn texts(test: &Test) -> Option<Found> {
    Some(match test {
        Test::Exists => (Reach::Values((Bound::Unbounded, Bound::Unbounded)), true),
        Test::Is(text) => value_of(text),
        Test::Like(pattern) => like(pattern),
        Test::Texts((from, to)) => {
            // Behind what was cut off the order is not known.
            let cut = |limit: &Bound<String>| match limit {
                Bound::Unbounded => (Bound::Unbounded, true),
                Bound::Included(text) => {
                    let (value, is_whole) = postings::text(text);
                    (Bound::Included(value), is_whole)
                }
                Bound::Excluded(text) => match postings::text(text) {
                    (value, true) => (Bound::Excluded(value), true),
                    (value, false) => (Bound::Included(value), false),
                },
            };
            let ((from, first), (to, second)) = (cut(from), cut(to));
            (Reach::Values((from, to)), first && second)
        }
        Test::Numbers(_) | Test::Times(_) | Test::Mixed(_) => return None,
    })
}

fn like(pattern: &Pattern) -> Found {
    if pattern.prefix().is_empty() {
        return (Reach::Holding(postings::text(pattern.literal()).0), false);
    }
    let (prefix, is_whole) = postings::text(pattern.prefix());
    let end = following(&prefix).map_or(Bound::Unbounded, Bound::Excluded);
    (Reach::Values((Bound::Included(prefix), end)), is_whole && pattern.is_prefix())
}

/// The first text behind all that begin with this one.
fn following(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        let next = match last {
            char::MAX => continue,
            '\u{d7ff}' => '\u{e000}',
            last => char::from_u32(u32::from(last) + 1)?,
        };
        chars.push(next);
        return Some(chars.into_iter().collect());
    }
    None
}

fn numbers(test: &Test) -> Option<Found> {
    let (from, to) = match test {
        Test::Exists => (Bound::Unbounded, Bound::Unbounded),
        Test::Numbers(range) | Test::Times(range) => *range,
        Test::Is(_) | Test::Like(_) | Test::Texts(_) | Test::Mixed(_) => return None,
    };
    // At zero lies what is below it, too, and at the end what is beyond.
    let is_apart = |number: i64| (1..MOST_NUMBER).contains(&number);
    let is_clear = |limit: Bound<i64>| match limit {
        Bound::Unbounded => true,
        Bound::Included(number) | Bound::Excluded(number) => is_apart(number),
    };
    let is_exact = is_clear(from) && is_clear(to);
    let closed = |limit: Bound<i64>| match limit {
        Bound::Excluded(at) if !is_apart(at) => Bound::Included(number(at)),
        other => other.map(number),
    };
    Some((Reach::Values((closed(from), closed(to))), is_exact))
}
