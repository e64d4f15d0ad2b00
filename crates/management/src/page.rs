//! Lists: pages by offset, pages by checkpoint, and the choice of members. The same everywhere (fact sheet 11.1).

use std::collections::HashSet;

use chancery_core::problem::Problem;
use chancery_jose::{base64url, base64url_decode};
use serde_json::{Map, Value};

use crate::query::Query;

/// Which part of a list is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    /// `page`, `per_page`, `include_totals`.
    Offset {
        /// Items before.
        start: i64,
        /// At most so many.
        limit: i64,
        /// Whether the answer is an object that says so, rather than the bare list.
        totals: bool,
    },
    /// `from`, `take`.
    After {
        /// The key of the last item seen; empty is the beginning.
        key: String,
        /// At most so many.
        take: i64,
    },
}

/// A part of a list.
#[derive(Debug, Default)]
pub(crate) struct Slice {
    /// The items.
    pub(crate) items: Vec<Value>,
    /// How many there are altogether; pages by offset only.
    pub(crate) total: i64,
    /// The key of the last item, where there are more; pages by checkpoint only.
    pub(crate) next: Option<String>,
}

impl Slice {
    /// The first `take` of what comes behind a checkpoint, in the order of the keys: nothing before it is looked at, and
    /// an item that went meanwhile is not missed.
    ///
    /// # Errors
    /// That of `show`.
    pub(crate) fn first<T>(
        mut behind: impl Iterator<Item = T>,
        take: i64,
        key: impl Fn(&T) -> &str,
        show: impl Fn(T) -> Result<Value, Problem>,
    ) -> Result<Self, Problem> {
        let (mut slice, mut last) = (Self::default(), None);
        for item in behind.by_ref().take(index(take)) {
            last = Some(key(&item).to_owned());
            slice.items.push(show(item)?);
        }
        slice.next = last.filter(|_| behind.next().is_some());
        Ok(slice)
    }
}

impl Page {
    /// Reads the parameters. `take` or `from` win over the others.
    ///
    /// # Errors
    /// [`Problem::Refused`] for a checkpoint that is none of ours.
    pub(crate) fn of(query: &Query) -> Result<Self, Problem> {
        if query.has_any(&["take", "from"]) {
            let take = query.int("take").unwrap_or(DEFAULT);
            let key = query.text("from").map(decode).transpose()?.unwrap_or_default();
            return Ok(Self::After { key, take });
        }
        Self::offset(query)
    }

    /// For lists without checkpoints.
    ///
    /// # Errors
    /// None so far.
    pub(crate) fn offset(query: &Query) -> Result<Self, Problem> {
        let limit = query.int("per_page").filter(|n| *n > 0).unwrap_or(DEFAULT);
        let start = query.int("page").unwrap_or(0).saturating_mul(limit);
        Ok(Self::Offset { start, limit, totals: query.flag("include_totals").unwrap_or(false) })
    }

    /// The part of a list that is in memory. `key` names an item for checkpoints.
    pub(crate) fn cut<T>(&self, all: Vec<T>, key: impl Fn(&T) -> String, show: impl Fn(T) -> Value) -> Slice {
        let total = i64::try_from(all.len()).unwrap_or(i64::MAX);
        match self {
            Self::Offset { start, limit, .. } => {
                let (start, limit) = (index(*start), index(*limit));
                let items = all.into_iter().skip(start).take(limit).map(show).collect();
                Slice { items, total, next: None }
            }
            Self::After { key: last, take } => {
                let begin = if last.is_empty() {
                    0
                } else {
                    all.iter().position(|item| key(item) == *last).map_or(all.len(), |at| at + 1)
                };
                let end = begin.saturating_add(index(*take)).min(all.len());
                let next = (end < all.len() && end > begin).then(|| key(&all[end - 1]));
                let items = all.into_iter().skip(begin).take(end - begin).map(show).collect();
                Slice { items, total, next }
            }
        }
    }

    /// The part of what is in memory and already in order, by offset.
    pub(crate) fn part<T: Copy>(
        &self,
        all: &[T],
        show: impl Fn(T) -> Result<Value, Problem>,
    ) -> Result<Slice, Problem> {
        let Self::Offset { start, limit, .. } = self else { return Err(Problem::Internal) };
        let items = all.iter().skip(index(*start)).take(index(*limit)).map(|item| show(*item));
        let total = i64::try_from(all.len()).unwrap_or(i64::MAX);
        Ok(Slice { items: items.collect::<Result<_, _>>()?, total, next: None })
    }

    /// The body of the answer: `member` names the list.
    pub(crate) fn body(&self, member: &str, slice: Slice) -> Value {
        let mut body = Map::new();
        match self {
            Self::Offset { totals: false, .. } => return Value::Array(slice.items),
            Self::Offset { start, limit, totals: true } => {
                body.insert("start".to_owned(), (*start).into());
                body.insert("limit".to_owned(), (*limit).into());
                body.insert("total".to_owned(), slice.total.into());
                body.insert(member.to_owned(), Value::Array(slice.items));
            }
            Self::After { .. } => {
                body.insert(member.to_owned(), Value::Array(slice.items));
                if let Some(next) = slice.next {
                    body.insert("next".to_owned(), base64url(next.as_bytes()).into());
                }
            }
        }
        Value::Object(body)
    }
}

/// For lists that have checkpoints alone.
///
/// # Errors
/// As [`Page::of`].
pub(crate) fn by_checkpoint(query: &Query) -> Result<Page, Problem> {
    Ok(match Page::of(query)? {
        Page::Offset { limit, .. } => Page::After { key: String::new(), take: limit },
        page => page,
    })
}

/// Leaves the members that `fields` and `include_fields` ask for, and those to keep whatever is asked for.
pub(crate) fn chosen(mut value: Value, query: &Query, kept: &[&str]) -> Value {
    let Some(fields) = query.text("fields").filter(|fields| !fields.is_empty()) else { return value };
    let include = query.flag("include_fields").unwrap_or(true);
    let fields: HashSet<&str> = fields.split(',').map(str::trim).collect();
    let named = |name: &str| fields.contains(name);
    match &mut value {
        Value::Object(members) => {
            members.retain(|name, _| named(name) == include || kept.contains(&name.as_str()));
        }
        Value::Array(items) => {
            for members in items.iter_mut().filter_map(Value::as_object_mut) {
                members.retain(|name, _| named(name) == include || kept.contains(&name.as_str()));
            }
        }
        _ => {}
    }
    value
}

fn decode(from: &str) -> Result<String, Problem> {
    let bytes = base64url_decode(from).ok();
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| {
        Problem::RefusedAs(
            "invalid_query_string",
            "The checkpoint in the 'from' parameter is invalid or has expired: begin again without it".into(),
        )
    })
}

fn index(number: i64) -> usize {
    usize::try_from(number).unwrap_or(0)
}

const DEFAULT: i64 = 50;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn page(query: &str) -> Page {
        Page::of(&Query::parse(Some(query))).unwrap()
    }

    fn body(query: &str) -> Value {
        let page = page(query);
        let slice = page.cut((0..5).collect(), ToString::to_string, |n: i32| n.into());
        page.body("numbers", slice)
    }

    #[test]
    fn by_offset() {
        assert_eq!(body(""), json!([0, 1, 2, 3, 4]));
        assert_eq!(body("per_page=2&page=1"), json!([2, 3]));
        assert_eq!(
            body("per_page=2&page=2&include_totals=true"),
            json!({"start": 4, "limit": 2, "total": 5, "numbers": [4]})
        );
        assert_eq!(body("per_page=2&page=9223372036854775807"), json!([]));
    }

    #[test]
    fn by_checkpoint() {
        let first = body("take=2&include_totals=true");
        assert_eq!(first["numbers"], json!([0, 1]));
        let second = body(&format!("take=2&from={}", first["next"].as_str().unwrap()));
        assert_eq!(second["numbers"], json!([2, 3]));
        let third = body(&format!("take=2&from={}", second["next"].as_str().unwrap()));
        assert_eq!(third, json!({"numbers": [4]}));
        assert!(Page::of(&Query::parse(Some("from=%21"))).is_err());
    }

    #[test]
    fn members() {
        let chosen = |query: &str| chosen(json!([{"a": 1, "b": 2, "c": 3}]), &Query::parse(Some(query)), &[]);
        assert_eq!(chosen("fields=a,c"), json!([{"a": 1, "c": 3}]));
        assert_eq!(chosen("fields=a&include_fields=false"), json!([{"b": 2, "c": 3}]));
        assert_eq!(chosen("include_fields=false"), json!([{"a": 1, "b": 2, "c": 3}]));
    }
}
