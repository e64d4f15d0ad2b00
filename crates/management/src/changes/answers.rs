//! What the operations of a set answered, and what later ones take over from it.

use chancery_core::problem::Problem;
use serde_json::{Map, Value};

use crate::call::Answer;

/// The answers so far. Both what is kept and what is taken over are bounded: a set says in a few bytes how often it wants
/// to read or to repeat something large.
#[derive(Default)]
pub(super) struct Answers {
    all: Vec<Answer>,
    kept: usize,
    taken: usize,
}

/// The most memory that answers are kept in.
const MOST_KEPT: usize = 64 << 20;
/// The most text that references stand for: as much as a set may hold itself.
const MOST_TAKEN: usize = super::LARGEST;
const RESULT: &str = "$result";

impl Answers {
    pub(super) fn push(&mut self, answer: Answer) -> Result<(), Problem> {
        self.kept = self.kept.saturating_add(answer.body.as_ref().map_or(0, weight));
        if self.kept > MOST_KEPT {
            let most = MOST_KEPT >> 20;
            return Err(Problem::refused(format!(
                "The answers to the operations are larger than {most} MiB: ask for less in one set."
            )));
        }
        self.all.push(answer);
        Ok(())
    }

    pub(super) fn into_all(self) -> Vec<Answer> {
        self.all
    }

    /// A value with the answers that it speaks of in the place of the references.
    pub(super) fn resolved(&mut self, value: Value) -> Result<Value, Problem> {
        Ok(match value {
            Value::Array(items) => {
                Value::Array(items.into_iter().map(|item| self.resolved(item)).collect::<Result<_, _>>()?)
            }
            Value::Object(members) if members.contains_key(RESULT) => self.result(&members)?,
            Value::Object(members) => {
                let each = members.into_iter().map(|(name, value)| Ok((name, self.resolved(value)?)));
                Value::Object(each.collect::<Result<_, Problem>>()?)
            }
            other => other,
        })
    }

    /// Plain values only: with whole objects, each operation could be deeper and larger than all before it together.
    fn result(&mut self, members: &Map<String, Value>) -> Result<Value, Problem> {
        let wrong = || {
            Problem::payload("$result is an earlier operation's number and a member of its answer", "body")
        };
        let Some(Value::Array(parts)) = members.get(RESULT).filter(|_| members.len() == 1) else {
            return Err(wrong());
        };
        let [index, name] = parts.as_slice() else { return Err(wrong()) };
        let index = index.as_u64().and_then(|index| usize::try_from(index).ok()).ok_or_else(wrong)?;
        let name = name.as_str().ok_or_else(wrong)?;
        let answer = self.all.get(index).and_then(|answer| answer.body.as_ref());
        let value = answer.and_then(|body| body.get(name)).ok_or_else(wrong)?;
        let refused = |why: &str| {
            let name: String = name.chars().take(64).collect();
            Problem::payload(&format!("$result [{index}, {name:?}] {why}"), "body")
        };
        match value {
            Value::String(text) => self.taken = self.taken.saturating_add(text.len()),
            Value::Number(_) | Value::Bool(_) => {}
            _ => return Err(refused("is no text, number or boolean")),
        }
        if self.taken > MOST_TAKEN {
            let most = MOST_TAKEN >> 20;
            return Err(refused(&format!("makes the set larger than {most} MiB")));
        }
        Ok(value.clone())
    }
}

/// About what a value takes of memory: small values cost more there than on the wire.
fn weight(value: &Value) -> usize {
    let inner = match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(weight).fold(0, usize::saturating_add),
        Value::Object(members) => {
            let each = members.iter().map(|(name, value)| name.len().saturating_add(weight(value)));
            each.fold(0, usize::saturating_add)
        }
        _ => 0,
    };
    inner.saturating_add(size_of::<Value>())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answers(body: Value) -> Answers {
        let mut answers = Answers::default();
        answers.push(Answer::ok(body)).unwrap();
        answers
    }

    #[test]
    fn plain_values_are_taken_over() {
        let mut before = answers(json!({"client_id": "abc", "first": true, "number": 7}));
        let body = json!({"grants": [{"client_id": {"$result": [0, "client_id"]}, "a": {"$result": [0, "first"]},
            "b": {"$result": [0, "number"]}}]});
        let resolved = before.resolved(body).unwrap();
        assert_eq!(resolved, json!({"grants": [{"client_id": "abc", "a": true, "b": 7}]}));
        for wrong in [
            json!({"$result": [1, "client_id"]}),
            json!({"$result": [0, "none"]}),
            json!({"$result": [-1, "client_id"]}),
            json!({"$result": "client_id"}),
            json!({"$result": [0, "client_id"], "more": 1}),
        ] {
            assert!(before.resolved(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn trees_are_not() {
        let mut before = answers(json!({"options": {}, "list": [], "nothing": null}));
        for name in ["options", "list", "nothing"] {
            let said = before.resolved(json!([{"$result": [0, name]}])).unwrap_err().body().message;
            assert!(said.contains(&format!("$result [0, \"{name}\"] is no text")), "{said}");
        }
    }

    #[test]
    fn what_is_repeated_is_bounded() {
        let mut before = answers(json!({"html": "x".repeat(MOST_TAKEN / 4)}));
        let often = |times: usize| Value::Array(vec![json!({"$result": [0, "html"]}); times]);
        before.resolved(often(4)).unwrap();
        let said = before.resolved(often(1)).unwrap_err().body().message;
        assert!(said.contains("larger than 16 MiB"), "{said}");
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut answers = answers(json!("x".repeat(MOST_KEPT / 2)));
        answers.push(Answer::no_content()).unwrap();
        let small = vec![json!(0); MOST_KEPT / 2 / size_of::<Value>()];
        assert!(answers.push(Answer::ok(small.into())).is_err(), "small values count for what they take");
    }
}
