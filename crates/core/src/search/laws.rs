//! What holds for every query and every user.

use std::ops::RangeBounds;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::model::{Identity, User};

/// Any text with much of the language in it, and much of what users are called.
fn query() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("jane"),
        Just("j*"),
        Just("*"),
        Just("name:"),
        Just("email:"),
        Just("user_metadata.a:"),
        Just("app_metadata.a:"),
        Just("logins_count:"),
        Just("last_login:"),
        Just("["),
        Just("{"),
        Just("]"),
        Just("}"),
        Just(" TO "),
        Just("("),
        Just(")"),
        Just(" AND "),
        Just(" OR "),
        Just("NOT "),
        Just("-"),
        Just("+"),
        Just("!"),
        Just("\""),
        Just("\\"),
        Just("_exists_:"),
        Just("3"),
        Just("2017-12"),
        Just(">="),
        Just("<"),
        Just(" "),
        Just("\0"),
        Just("ß"),
        Just("Σ"),
        Just("a"),
        Just("b"),
        Just("~"),
        Just("&&"),
        Just("||"),
        Just(":"),
        Just("*:"),
    ];
    prop_oneof![proptest::collection::vec(word, 0..14).prop_map(|words| words.concat()), any::<String>()]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[ab]{0,3}", "[jJ]an[eE]?", "[Σσςß\u{0}\u{1}\u{d7ff}\u{e000}\u{10ffff}]{0,3}", "a{95,105}"]
}

prop_compose! {
    fn user()(
        texts in proptest::collection::vec(proptest::option::of(text()), 6),
        count in proptest::option::of(1..5_i64),
        flags in proptest::collection::vec(any::<Option<bool>>(), 2),
        metadata in proptest::collection::vec(("[ab]", prop_oneof![
            text().prop_map(Value::from), any::<bool>().prop_map(Value::from), (0..5).prop_map(Value::from), Just(Value::Null),
            text().prop_map(|text| json!([text, {"b": text}])),
        ]), 0..3),
    ) -> User {
        let metadata: serde_json::Map<_, _> = metadata.into_iter().collect();
        User {
            user_id: format!("auth0|{}", texts[0].clone().unwrap_or_default()),
            email: texts[1].clone(),
            name: texts[2].clone(),
            nickname: texts[3].clone(),
            username: texts[4].clone(),
            created_at: "2018-01-15T12:00:00.000Z".into(),
            updated_at: "2018-01-15T12:00:00.000Z".into(),
            last_login: count.map(|count| format!("2017-1{}-01T00:00:00.000Z", count % 3)),
            logins_count: count,
            blocked: flags[0],
            email_verified: flags[1],
            identities: vec![Identity {
                connection: texts[5].clone().unwrap_or_default(), provider: "auth0".into(), user_id: "1".into(),
                is_social: false, profile_data: None,
            }],
            app_metadata: Some(metadata.clone()),
            user_metadata: Some(metadata),
            ..User::default()
        }
    }
}

prop_compose! {
    fn term()(field in prop_oneof![
        Just("email"), Just("email.domain"), Just("name"), Just("nickname"), Just("username"), Just("user_id"),
        Just("identities.connection"), Just("app_metadata.a"), Just("app_metadata.a.b"), Just("blocked"),
    ], text in text(), form in 0..5) -> String {
        let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
        let is_word = !text.is_empty() && !text.contains(char::is_whitespace);
        match form {
            0 if is_word => format!("{field}:{text}*"),
            1 => format!("{field}:[\"{quoted}\" TO *]"),
            2 => format!("{field}:{{* TO \"{quoted}\"}}"),
            3 => format!("_exists_:{field}"),
            _ => format!("{field}:\"{quoted}\""),
        }
    }
}

/// What the index would say of one user.
fn is_in(cover: &Cover, user: &User) -> bool {
    let rows = postings(user);
    match cover {
        Cover::Everything => true,
        Cover::All(all) => all.iter().all(|cover| is_in(cover, user)),
        Cover::Any(any) => any.iter().any(|cover| is_in(cover, user)),
        Cover::Span(span) => {
            let mut values: Vec<String> =
                rows.into_iter().filter(|row| row.field == span.field).map(|row| row.value).collect();
            if span.field == "user_id" {
                values.push(super::text(&user.user_id).0);
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn nothing_panics_and_all_is_bounded(q in query(), user in user()) {
        for dialect in [Dialect::Users, Dialect::Logs, Dialect::Documents] {
            if let Ok(query) = parse(&q, dialect) {
                query.fits(&serde_json::to_value(&user).unwrap());
                let _ = Cover::of(&query, false);
            }
        }
    }

    /// The index proposes everybody who fits; where it says that it is exact, nobody else.
    #[test]
    fn covers_hold_all_that_fits(terms in proptest::collection::vec(term(), 1..4), signs in 0..4_usize, user in user()) {
        let q = terms.join([" AND ", " OR ", " ", " AND NOT "][signs]);
        let query = parse(&q, Dialect::Users).unwrap();
        let fits = query.fits(&serde_json::to_value(&user).unwrap());
        let all_metadata = postings(&user).iter().all(|row| row.field != REST);
        for all_metadata in [false, all_metadata] {
            let (cover, is_exact) = Cover::of(&query, all_metadata);
            let is_in = is_in(&cover, &user);
            prop_assert!(is_in || !fits, "{q}: {cover:?}");
            prop_assert!(!is_exact || is_in == fits, "{q}: {cover:?} {:?}", postings(&user));
        }
    }

    #[test]
    fn numbers_keep_their_order(a in 0..9_000_000_000_000_000_i64, b in 0..9_000_000_000_000_000_i64) {
        prop_assert_eq!(number(a.min(8_999_999_999_999_998)).cmp(&number(b)), a.min(8_999_999_999_999_998).cmp(&b.min(8_999_999_999_999_999)));
    }
}
