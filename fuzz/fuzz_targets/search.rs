//! Searches: any text is a query or is refused; a query is bounded; who fits is in the part of the index that covers it, and
//! where that says it is exact nobody else is.
//!
//! Input: the query on the first line, a user as JSON behind it.
#![no_main]

use std::ops::RangeBounds;

use chancery_core::iso::parse_ms;
use chancery_core::model::User;
use chancery_core::search::{
    Cover, Dialect, MOST_BYTES, MOST_TERMS, Query, REST, Reach, order_of, parse, parse_scim, postings, text,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &str| {
    let (q, user) = input.split_once('\n').unwrap_or((input, "{}"));
    let user: User = serde_json::from_str(user).unwrap_or_default();
    let document = serde_json::to_value(&user).expect("a user has a JSON form");
    for dialect in [Dialect::Users, Dialect::Logs, Dialect::Documents] {
        if let Ok(filter) = parse_scim(q, dialect) {
            assert!(q.len() <= MOST_BYTES && terms(&filter) <= MOST_TERMS);
            let _ = filter.fits(&document);
        }
        match parse(q, dialect) {
            Err(refused) => assert!(refused.to_string().len() < 400),
            Ok(query) => {
                assert!(q.len() <= MOST_BYTES && terms(&query) <= MOST_TERMS);
                let _ = query.fits(&document);
                if dialect == Dialect::Users {
                    is_covered(&query, &user, &document);
                }
            }
        }
    }
    let mut rows = postings(&user);
    let length = rows.len();
    rows.dedup();
    assert!(rows.len() == length && length < 200 + 4 * user.identities.len(), "few rows, each once");
    for field in ["email", "name", "last_login", "logins_count"] {
        let _ = order_of(&document, field);
    }
});

fn terms(query: &Query) -> usize {
    match query {
        Query::Term(_) => 1,
        Query::All(inner) | Query::Any(inner) => inner.iter().map(terms).sum(),
        Query::Not(inner) => terms(inner),
    }
}

fn is_covered(query: &Query, user: &User, document: &serde_json::Value) {
    // Members of organizations are not in the document, further claims stand elsewhere than the wire shows them.
    if query.names(&|field| ["organization_id", "created_at"].contains(&field)) || !user.claims.is_empty() {
        return;
    }
    // The store has these from columns of times.
    let times = [Some(&user.updated_at), user.last_login.as_ref()];
    if times.into_iter().flatten().any(|time| parse_ms(time).is_none()) {
        return;
    }
    let all_metadata = postings(user).iter().all(|row| row.field != REST);
    for all_metadata in [false, all_metadata] {
        let (cover, is_exact) = Cover::of(query, all_metadata);
        let (fits, is_in) = (query.fits(document), holds(&cover, user));
        assert!(is_in || !fits, "{query:?} fits {user:?}, {cover:?} does not hold them");
        assert!(!is_exact || fits == is_in, "{query:?} does not fit {user:?}, {cover:?} is not exact");
    }
}

fn holds(cover: &Cover, user: &User) -> bool {
    match cover {
        Cover::Everything => true,
        Cover::All(all) => all.iter().all(|cover| holds(cover, user)),
        Cover::Any(any) => any.iter().any(|cover| holds(cover, user)),
        Cover::Span(span) => {
            let rows = postings(user).into_iter();
            let mut values: Vec<String> =
                rows.filter(|row| row.field == span.field).map(|row| row.value).collect();
            if span.field == "user_id" {
                values.push(text(&user.user_id).0);
            }
            values.iter().any(|value| match &span.reach {
                Reach::Value(wanted) => value == wanted,
                Reach::Values(range) => range.contains(value),
                Reach::Numbers(_) => true,
                Reach::Holding(part) => Reach::may_hold(value, part),
            })
        }
    }
}
