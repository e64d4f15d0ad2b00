//! Searching for users: the first, small form. Terms `field:value`, joined by `AND`; a value may end in `*`. Terms on the
//! address, the user name or the id use an index; the rest is a bounded look through the tenant.

use chancery_core::model::User;
use chancery_core::problem::Problem;
use chancery_store::UserOrder;
use serde_json::Value;

use super::users;
use crate::call::{Call, stored};

/// What is looked for, and in which order.
pub(super) struct Search {
    terms: Vec<Term>,
    order: UserOrder,
}

#[derive(Debug, PartialEq, Eq)]
struct Term {
    field: String,
    value: String,
    is_prefix: bool,
}

/// Part of what was found.
pub(super) struct Found {
    pub(super) users: Vec<User>,
    pub(super) total: i64,
}

impl Search {
    pub(super) fn of(call: &Call) -> Result<Self, Problem> {
        let mut terms = parse(call.query.text("q").unwrap_or_default())?;
        if let Some(connection) = call.query.text("connection") {
            terms.push(Term {
                field: "identities.connection".to_owned(),
                value: connection.to_owned(),
                is_prefix: false,
            });
        }
        let order = match call.query.text("sort") {
            Some(sort) if sort.ends_with(":-1") => UserOrder::CreatedDescending,
            _ => UserOrder::CreatedAscending,
        };
        Ok(Self { terms, order })
    }

    pub(super) async fn run(&self, call: &Call, start: i64, limit: i64) -> Result<Found, Problem> {
        let (tenant, store) = (call.tenant(), call.store());
        if self.terms.is_empty() {
            let users = store.users_page(tenant, self.order, start, limit).await.map_err(stored)?;
            return Ok(Found { users, total: store.users_count(tenant).await.map_err(stored)? });
        }
        let found = match self.indexed(call).await? {
            Some(candidates) => candidates.into_iter().filter(|user| self.fits(user)).collect(),
            None => self.looked_through(call).await?,
        };
        let total = i64::try_from(found.len()).unwrap_or(i64::MAX);
        let index = |number: i64| usize::try_from(number).unwrap_or(0);
        Ok(Found { users: found.into_iter().skip(index(start)).take(index(limit)).collect(), total })
    }

    /// The few users that an index names, if one of the terms has one.
    async fn indexed(&self, call: &Call) -> Result<Option<Vec<User>>, Problem> {
        let (tenant, store) = (call.tenant(), call.store());
        for term in self.terms.iter().filter(|term| !term.is_prefix) {
            match term.field.as_str() {
                "email" => return Ok(Some(store.users_by_email(tenant, &term.value).await.map_err(stored)?)),
                "user_id" => {
                    return Ok(Some(
                        store.user(tenant, &term.value).await.map_err(stored)?.into_iter().collect(),
                    ));
                }
                _ => {}
            }
        }
        Ok(None)
    }

    async fn looked_through(&self, call: &Call) -> Result<Vec<User>, Problem> {
        let mut found = Vec::new();
        for page in 0..MOST / STEP {
            let step = call.store().users_page(call.tenant(), self.order, page * STEP, STEP).await;
            let step = step.map_err(stored)?;
            let last = i64::try_from(step.len()).unwrap_or(STEP) < STEP;
            found.extend(step.into_iter().filter(|user| self.fits(user)));
            if last {
                return Ok(found);
            }
        }
        Err(Problem::RefusedAs(
            "query_too_broad",
            "The search would look through too many users: add a term on email or user_id.".into(),
        ))
    }

    fn fits(&self, user: &User) -> bool {
        let Ok(value) = users::shown(user) else { return false };
        self.terms.iter().all(|term| term.fits(&value, &term.field))
    }
}

/// Users looked through at most, and at once.
const MOST: i64 = 10_000;
const STEP: i64 = 500;

impl Term {
    /// Follows the dots of a field; lists are entered.
    fn fits(&self, value: &Value, field: &str) -> bool {
        match value {
            Value::Array(items) => items.iter().any(|item| self.fits(item, field)),
            Value::Object(members) if !field.is_empty() => {
                let (name, rest) = field.split_once('.').unwrap_or((field, ""));
                members.get(name).is_some_and(|member| self.fits(member, rest))
            }
            _ if !field.is_empty() => false,
            Value::String(text) => self.matches(text),
            Value::Bool(_) | Value::Number(_) => self.matches(&value.to_string()),
            Value::Null | Value::Object(_) => false,
        }
    }

    fn matches(&self, text: &str) -> bool {
        let (text, wanted) = (text.to_lowercase(), self.value.to_lowercase());
        if self.is_prefix { text.starts_with(&wanted) } else { text == wanted }
    }
}

fn parse(q: &str) -> Result<Vec<Term>, Problem> {
    let mut terms = Vec::new();
    let mut rest = q.trim();
    while !rest.is_empty() && rest != "*" {
        let (field, after) = rest.split_once(':').ok_or_else(|| unreadable(rest))?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        if field.is_empty() || !field.chars().all(plain) {
            return Err(unreadable(field));
        }
        let (value, after, is_quoted) = match after.strip_prefix('"') {
            Some(quoted) => {
                let (value, after) = quoted.split_once('"').ok_or_else(|| unreadable(quoted))?;
                (value, after, true)
            }
            None => {
                let end = after.find(char::is_whitespace).unwrap_or(after.len());
                (&after[..end], &after[end..], false)
            }
        };
        let prefix = value.strip_suffix('*').filter(|_| !is_quoted);
        let value = prefix.unwrap_or(value);
        if !is_quoted && value.contains(['*', '(', ')', '[', '{', '?', '~']) || value.is_empty() {
            return Err(unreadable(value));
        }
        terms.push(Term { field: field.to_owned(), value: value.to_owned(), is_prefix: prefix.is_some() });
        rest = after.trim_start();
        if !rest.is_empty() {
            rest = rest.strip_prefix("AND ").ok_or_else(|| unreadable(rest))?.trim_start();
        }
    }
    Ok(terms)
}

fn unreadable(at: &str) -> Problem {
    let shown: String = at.chars().take(40).collect();
    Problem::RefusedAs(
        "invalid_query_string",
        format!("The search is not understood at '{shown}': write field:\"value\" AND field:\"value\"")
            .into(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms() {
        let term = |field: &str, value: &str, is_prefix| Term {
            field: field.into(),
            value: value.into(),
            is_prefix,
        };
        assert_eq!(parse("").unwrap(), []);
        assert_eq!(parse("username:jane").unwrap(), [term("username", "jane", false)]);
        assert_eq!(
            parse(r#"email:"a b@x" AND name:ja*"#).unwrap(),
            [term("email", "a b@x", false), term("name", "ja", true)]
        );
        for bad in ["jane", "email:\"x", "a:b OR c:d", "name:*x", "name:[a TO b]", "na me:x", "name:"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn values() {
        let user =
            serde_json::json!({"identities": [{"connection": "A"}, {"connection": "B"}], "blocked": true});
        let term = |value: &str| Term { field: String::new(), value: value.into(), is_prefix: false };
        assert!(term("b").fits(&user, "identities.connection"));
        assert!(!term("c").fits(&user, "identities.connection"));
        assert!(term("true").fits(&user, "blocked"));
        assert!(!term("true").fits(&user, "blocked.x"));
    }
}
