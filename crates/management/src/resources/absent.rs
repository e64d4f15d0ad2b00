//! What this server cannot have any of: lists that are empty and switches that are off, so that tools which read a whole
//! tenant get through. Whatever would make one answers 501, and turning one on is refused, so these cannot be wrong.

use chancery_core::problem::Problem;
use serde_json::{Map, Value, json};

use crate::call::{Answer, Call};
use crate::ops::Table;

pub(super) fn bind(table: &mut Table) {
    for &(path, list) in LISTS {
        table.bind(&format!("GET {path}"), move |call| async move { Ok(Answer::ok(empty(&call, list))) });
    }
    for (path, answer) in OFF {
        table.bind(&format!("GET {path}"), move |_| async move { parsed(answer).map(Answer::ok) });
    }
    for &(operation, now) in KEPT_OFF {
        table.bind(operation, move |call| async move { left_as_it_is(&call, now) });
    }
}

/// How an empty list looks.
#[derive(Clone, Copy)]
enum List {
    /// `[]`, and with totals or by checkpoint a member of this name.
    Paged(&'static str),
    /// Always a member of this name.
    Named(&'static str),
}

/// The lists.
const LISTS: &[(&str, List)] = &[
    ("/actions/actions", List::Named("actions")),
    ("/actions/modules", List::Named("modules")),
    ("/actions/triggers", List::Named("triggers")),
    ("/actions/triggers/{triggerId}/bindings", List::Named("bindings")),
    ("/hooks", List::Paged("hooks")),
    ("/rate-limit-policies", List::Named("rate_limit_policies")),
    ("/rules", List::Paged("rules")),
];

/// The switches.
const OFF: &[(&str, &str)] = &[
    ("/risk-assessments/settings", r#"{"enabled": false}"#),
    ("/supplemental-signals", r#"{"akamai_enabled": false}"#),
];

/// What may be written where: only what is there already. Tools write back what they read.
const KEPT_OFF: &[(&str, &str)] = &[
    ("PATCH /risk-assessments/settings", r#"{"enabled": false}"#),
    ("PATCH /supplemental-signals", r#"{"akamai_enabled": false}"#),
    ("PATCH /actions/triggers/{triggerId}/bindings", r#"{"bindings": []}"#),
];

fn left_as_it_is(call: &Call, now: &str) -> Result<Answer, Problem> {
    let value = parsed(now)?;
    if call.body == value {
        return Ok(Answer::ok(value));
    }
    Err(Problem::RefusedAs(
        "operation_not_supported",
        format!("This cannot be changed on this server, where nothing would act on it: it stays {now}")
            .into(),
    ))
}

fn parsed(text: &str) -> Result<Value, Problem> {
    serde_json::from_str(text).map_err(crate::call::internal)
}

fn empty(call: &Call, list: List) -> Value {
    let with_totals = call.query.flag("include_totals") == Some(true);
    let by_checkpoint = call.query.has_any(&["take", "from"]);
    let name = match list {
        List::Paged(_) if !with_totals && !by_checkpoint => return json!([]),
        List::Paged(name) | List::Named(name) => name,
    };
    let number =
        |name: &str| call.query.text(name).and_then(|text| text.parse::<i64>().ok()).filter(|n| *n >= 0);
    let mut body = Map::new();
    body.insert(name.to_owned(), json!([]));
    if with_totals {
        let limit = number("per_page").unwrap_or(50);
        body.insert("start".to_owned(), number("page").unwrap_or(0).saturating_mul(limit).into());
        body.insert("limit".to_owned(), limit.into());
        body.insert("total".to_owned(), 0.into());
    } else if matches!(list, List::Named(_)) && call.query.has_any(&["page", "per_page"]) {
        body.insert("total".to_owned(), 0.into());
        body.insert("page".to_owned(), number("page").unwrap_or(0).into());
        body.insert("per_page".to_owned(), number("per_page").unwrap_or(50).into());
    }
    Value::Object(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::operations;

    #[test]
    fn what_is_off_can_be_read() {
        for (path, answer) in OFF.iter().chain(KEPT_OFF) {
            assert!(parsed(answer).is_ok(), "{path}");
        }
    }

    /// A list is only sure to be empty while nothing can be put on it.
    #[test]
    fn nothing_makes_what_is_listed_as_none() {
        let operations = operations();
        let makes = |path: &str| {
            operations.iter().any(|op| {
                let name = format!("{} {}", op.method, op.path);
                let is_kept_off = KEPT_OFF.iter().any(|(kept, _)| *kept == name);
                op.is_built() && op.method != axum::http::Method::GET && op.path == path && !is_kept_off
            })
        };
        for path in LISTS.iter().map(|(path, _)| path).chain(OFF.iter().map(|(path, _)| path)) {
            assert!(!makes(path), "{path}");
        }
    }
}
