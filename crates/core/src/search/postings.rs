//! What the index of users holds of each: a row for each value of a field that can be searched for quickly.
//!
//! A row says no more than that the document may fit. Long texts are cut off, so are lists that have no end in metadata
//! (a row under [`REST`] says so), and values that most users have are left out.

use serde_json::{Map, Value};

use super::{fields::Dialect, query};
use crate::{
    iso::parse_ms,
    model::{Identity, User},
};

/// A row of the index.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Posting {
    /// As the query names it.
    pub field: String,
    /// Ordered as the values are.
    pub value: String,
}

/// The fields that signing in changes. Their rows are written from the columns, as the times and counts themselves are.
pub const LOGIN_FIELDS: [&str; 4] = ["last_ip", "last_login", "logins_count", "updated_at"];

/// Every row of a user, in order, each once.
pub fn postings(user: &User) -> Vec<Posting> {
    let mut rows = Vec::with_capacity(16);
    let texts = [
        ("email", user.email.as_deref()),
        ("email.domain", user.email.as_deref().and_then(query::domain)),
        ("name", user.name.as_deref()),
        ("nickname", user.nickname.as_deref()),
        ("given_name", user.given_name.as_deref()),
        ("family_name", user.family_name.as_deref()),
        ("username", user.username.as_deref()),
        ("phone_number", user.phone_number.as_deref()),
        ("last_ip", user.last_ip.as_deref()),
    ];
    for (field, text) in texts {
        rows.extend(text.map(|text| posting(field, text)));
    }
    let flags = [
        ("email_verified", user.email_verified),
        ("phone_verified", user.phone_verified),
        ("blocked", user.blocked),
    ];
    for (field, flag) in flags {
        rows.extend(flag.map(|flag| posting(field, if flag { "true" } else { "false" })));
    }
    for Identity { connection, user_id, provider, is_social, .. } in &user.identities {
        rows.push(posting("identities.connection", connection));
        rows.push(posting("identities.user_id", user_id));
        rows.push(posting("identities.provider", provider));
        rows.push(posting("identities.isSocial", if *is_social { "true" } else { "false" }));
    }
    rows.retain(|row| !is_common(&row.field, &row.value));
    let numbers = [
        ("updated_at", parse_ms(&user.updated_at)),
        ("last_login", user.last_login.as_deref().and_then(parse_ms)),
        ("logins_count", user.logins_count),
    ];
    for (field, value) in numbers {
        rows.extend(value.map(|value| Posting { field: field.to_owned(), value: number(value) }));
    }
    for (name, metadata) in [(APP, &user.app_metadata), (USER, &user.user_metadata)] {
        if let Some(metadata) = metadata {
            rows.append(&mut of_metadata(name, metadata));
        }
    }
    rows.sort_unstable();
    rows.dedup();
    rows
}

pub(super) const APP: &str = "app_metadata";
pub(super) const USER: &str = "user_metadata";
/// The field of the rows that say of whose metadata not everything is in the index.
pub const REST: &str = "*";

/// Rows for one kind of metadata.
const MOST_ROWS: usize = 64;
/// Bytes of the name of a field.
const MOST_NAME: usize = 256;
/// Characters of a value: longer ones are cut off, and nobody knows what they end with.
pub const MOST_TEXT: usize = 100;

/// Values that say next to nothing: nobody finds a user by them.
pub(super) fn is_common(field: &str, value: &str) -> bool {
    matches!(
        (field, value),
        ("email_verified", "true")
            | ("phone_verified", "true")
            | ("blocked", "false")
            | ("identities.provider", "auth0")
            | ("identities.isSocial", "false")
    )
}

fn posting(field: &str, text: &str) -> Posting {
    let folded = Dialect::Users.folding(field).of(text);
    Posting { field: field.to_owned(), value: self::text(&folded).0 }
}

fn of_metadata(name: &str, metadata: &Map<String, Value>) -> Vec<Posting> {
    let mut found = Leaves { rows: Vec::new(), is_whole: true };
    found.add_members(name, metadata);
    if !found.is_whole {
        found.rows.push(Posting { field: REST.to_owned(), value: name.to_owned() });
    }
    found.rows
}

struct Leaves {
    rows: Vec<Posting>,
    is_whole: bool,
}

impl Leaves {
    fn add_members(&mut self, path: &str, members: &Map<String, Value>) {
        for (name, value) in members {
            // No query names a member without a name.
            if name.is_empty() {
                self.is_whole = false;
            } else {
                self.add(&format!("{path}.{name}"), value);
            }
        }
    }

    fn add(&mut self, path: &str, value: &Value) {
        if self.rows.len() == MOST_ROWS || path.len() > MOST_NAME || path.contains('\0') {
            self.is_whole = false;
            return;
        }
        let text = match value {
            Value::Null => return,
            Value::Array(items) => return items.iter().for_each(|item| self.add(path, item)),
            Value::Object(members) => return self.add_members(path, members),
            Value::String(text) => self::text(text).0,
            Value::Bool(_) | Value::Number(_) => self::text(&value.to_string()).0,
        };
        self.rows.push(Posting { field: path.to_owned(), value: text });
    }
}

/// A text as it lies in the index, and whether nothing else does so. U+0000, which PostgreSQL has not, is written in two
/// characters; the order stays.
pub fn text(text: &str) -> (String, bool) {
    let is_whole = text.chars().nth(MOST_TEXT - 1).is_none();
    let end = text.char_indices().nth(MOST_TEXT).map_or(text.len(), |(at, _)| at);
    let text = &text[..end];
    if !text.contains(['\0', '\u{1}']) {
        return (text.to_owned(), is_whole);
    }
    (text.replace('\u{1}', "\u{1}\u{2}").replace('\0', "\u{1}\u{1}"), is_whole)
}

/// A number as it lies in the index: 16 digits, as SQL can write them too. What is below zero lies at zero.
pub fn number(number: i64) -> String {
    (BASE + number.clamp(0, MOST_NUMBER)).to_string()
}

const BASE: i64 = 1_000_000_000_000_000;
/// The largest number that lies in the index as it is.
pub(super) const MOST_NUMBER: i64 = 8_999_999_999_999_999;

/// Whether lists of users can be sorted by a field.
pub fn is_sortable(field: &str) -> bool {
    SORTABLE.contains(&field)
}

/// Each has one value at most, and all of them are in the index; the first two are columns.
const SORTABLE: [&str; 13] = [
    "created_at",
    "user_id",
    "email",
    "name",
    "nickname",
    "given_name",
    "family_name",
    "username",
    "phone_number",
    "last_ip",
    "last_login",
    "logins_count",
    "updated_at",
];

/// What a document is sorted by: the value of a field as it lies in the index.
pub fn order_of(document: &Value, field: &str) -> Option<String> {
    let value = document.get(field)?;
    match field {
        "last_login" | "updated_at" => value.as_str().and_then(parse_ms).map(number),
        "logins_count" => value.as_i64().map(number),
        _ => value.as_str().map(|text| posting(field, text).value),
    }
}
