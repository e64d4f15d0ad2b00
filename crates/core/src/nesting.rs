//! How deep JSON from outside may be nested. Every reader here has a bound of its own (128 levels), and what is kept lies within
//! documents, lists, events and files of a few levels more: what was accepted near the bound could not be read again, and
//! would take with it whatever it is listed with (security case 22).

use serde_json::Value;

/// Lists and objects within one another, of a whole body.
pub const DEEPEST: usize = 64;

/// Whether a body is nested deeper than that.
pub fn is_too_deep(body: &Value) -> bool {
    !fits(body, DEEPEST)
}

/// The same of a member of a body.
pub fn is_too_deep_within(member: &Value) -> bool {
    !fits(member, DEEPEST - 1)
}

fn fits(value: &Value, left: usize) -> bool {
    match value {
        Value::Array(items) => left > 0 && items.iter().all(|item| fits(item, left - 1)),
        Value::Object(members) => left > 0 && members.values().all(|member| fits(member, left - 1)),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(levels: usize, open: &str, close: &str) -> Value {
        let text = format!("{}1{}", open.repeat(levels), close.repeat(levels));
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn as_deep_as_that_and_no_deeper() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[0,", "]")] {
            assert!(!is_too_deep(&nested(DEEPEST, open, close)), "{open}");
            assert!(is_too_deep(&nested(DEEPEST + 1, open, close)), "{open}");
            assert!(!is_too_deep_within(&nested(DEEPEST - 1, open, close)), "{open}");
            assert!(is_too_deep_within(&nested(DEEPEST, open, close)), "{open}");
        }
        assert!(!is_too_deep(&Value::from("[".repeat(1000))));
    }

    /// A library underneath reads an object with a name of its own as the JSON in its text, which begins to count anew.
    #[test]
    fn what_is_read_from_a_text_counts_too() {
        let inner = nested(100, "[", "]").to_string();
        let body = serde_json::json!({ "a": { "$serde_json::private::RawValue": inner } }).to_string();
        assert!(is_too_deep(&serde_json::from_str(&body).unwrap()));
    }
}
