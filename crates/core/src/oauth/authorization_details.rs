//! Rich authorization requests (RFC 9396): what exactly an application wants to do, beside scopes. Within the bounds of fact sheet 2.10.

use serde_json::{Map, Value};

/// One thing that is asked for: an object with a `type`.
pub type AuthorizationDetail = Map<String, Value>;

/// Bytes of the parameter.
const MOST_BYTES: usize = 5 << 10;
/// Things asked for at once.
const MOST: usize = 5;
/// Members of an object, and entries of an array within.
const MOST_MEMBERS: usize = 10;
/// Characters of a name or a value.
const LONGEST: usize = 255;
/// Objects and arrays within one another, the detail itself among them.
const DEEPEST: usize = 5;

/// Reads the parameter.
///
/// # Errors
/// What is wrong with it, for the developer: an `invalid_authorization_details` (RFC 9396, section 5).
pub fn authorization_details(text: &str) -> Result<Vec<AuthorizationDetail>, String> {
    if text.len() > MOST_BYTES {
        return Err(format!("authorization_details has more than {MOST_BYTES} bytes"));
    }
    let read: Value =
        serde_json::from_str(text).map_err(|_| "authorization_details must be a JSON array".to_owned())?;
    let Value::Array(all) = read else {
        return Err("authorization_details must be a JSON array".to_owned());
    };
    if all.is_empty() || all.len() > MOST {
        return Err(format!("authorization_details must have 1 to {MOST} entries"));
    }
    all.into_iter().enumerate().map(|(index, one)| detail(one, index)).collect()
}

fn detail(value: Value, index: usize) -> Result<AuthorizationDetail, String> {
    let at = format!("authorization_details[{index}]");
    let Value::Object(members) = value else { return Err(format!("{at} must be an object")) };
    if kind(&members).is_empty() {
        return Err(format!("{at}.type must be a string"));
    }
    within_bounds(&members, DEEPEST, &at)?;
    Ok(members)
}

/// The `type` of a detail.
pub fn kind(detail: &AuthorizationDetail) -> &str {
    detail.get("type").and_then(Value::as_str).unwrap_or_default()
}

fn within_bounds(members: &Map<String, Value>, depth: usize, at: &str) -> Result<(), String> {
    if members.len() > MOST_MEMBERS {
        return Err(format!("{at} has more than {MOST_MEMBERS} members"));
    }
    for (name, value) in members {
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
        if name.is_empty() || name.len() > LONGEST || !name.bytes().all(fits) {
            return Err(format!(
                "{at} has a member whose name is not 1 to {LONGEST} of a-z, A-Z, 0-9, _, . and -"
            ));
        }
        value_within_bounds(value, depth, at)?;
    }
    Ok(())
}

fn value_within_bounds(value: &Value, depth: usize, at: &str) -> Result<(), String> {
    match value {
        Value::Object(_) | Value::Array(_) if depth <= 1 => {
            Err(format!("{at} is nested deeper than {DEEPEST} levels"))
        }
        Value::Object(members) => within_bounds(members, depth - 1, at),
        Value::Array(items) if items.len() > MOST_MEMBERS => {
            Err(format!("{at} has an array of more than {MOST_MEMBERS} entries"))
        }
        Value::Array(items) => items.iter().try_for_each(|item| value_within_bounds(item, depth - 1, at)),
        Value::String(text) if text.chars().count() > LONGEST => {
            Err(format!("{at} has a value of more than {LONGEST} characters"))
        }
        _ => Ok(()),
    }
}

/// What is left of what was granted where a later request asks for less (RFC 9396, section 6). Each that is asked for must have been
/// granted as it is: what would be "less" within one, only its API knows.
///
/// # Errors
/// What is wrong with what is asked for.
pub fn narrowed(
    granted: &[AuthorizationDetail],
    asked: Option<&str>,
) -> Result<Vec<AuthorizationDetail>, String> {
    let Some(asked) = asked else { return Ok(granted.to_vec()) };
    let asked = authorization_details(asked)?;
    match asked.iter().position(|one| !granted.contains(one)) {
        Some(index) => Err(format!("authorization_details[{index}] was not granted")),
        None => Ok(asked),
    }
}

/// As people read it: a line for each member but the type, what is nested on the same line.
pub fn lines(detail: &AuthorizationDetail) -> Vec<(String, String)> {
    let rest = detail.iter().filter(|(name, _)| *name != "type");
    rest.map(|(name, value)| (name.clone(), readable(value))).collect()
}

fn readable(value: &Value) -> String {
    let joined = |parts: Vec<String>| parts.join(", ");
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => plain(text),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(items) => joined(items.iter().map(nested).collect()),
        Value::Object(members) => {
            joined(members.iter().map(|(name, value)| format!("{name}: {}", nested(value))).collect())
        }
    }
}

fn nested(value: &Value) -> String {
    match value {
        Value::Array(_) | Value::Object(_) => format!("({})", readable(value)),
        _ => readable(value),
    }
}

/// Characters that break lines or turn the direction of what follows could make one line look like another.
pub fn plain(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{61c}' | '\u{feff}')
    };
    text.chars().map(|c| if steers(c) { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(value: &Value) -> String {
        authorization_details(&value.to_string()).unwrap_err()
    }

    #[test]
    fn what_is_read_and_what_is_refused() {
        let payment =
            json!({"type": "payment", "amount": {"value": "12.50", "currency": "EUR"}, "to": ["a", "b"]});
        let read = authorization_details(&json!([payment]).to_string()).unwrap();
        assert_eq!((read.len(), kind(&read[0])), (1, "payment"));
        let deep = |levels: usize| (0..levels).fold(json!("x"), |inner, _| json!({"a": inner}));
        let with = |value: Value| json!([{"type": "t", "a": value}]);
        assert!(authorization_details(&with(deep(4)).to_string()).is_ok());
        for bad in [
            json!({}),
            json!("x"),
            json!([]),
            json!(["x"]),
            json!([{}]),
            json!([{"type": 1}]),
            json!([{"type": ""}]),
            json!(vec![json!({"type": "t"}); 6]),
            with(deep(5)),
            with(json!([[[[["x"]]]]])),
            with(json!("x".repeat(256))),
            with(json!(vec![1; 11])),
            json!([{"type": "t", "a b": 1}]),
            json!([{"type": "t", "": 1}]),
            json!([{"type": "t".repeat(256)}]),
            json!([(0..10)
                .map(|n| (format!("m{n}"), json!(n)))
                .chain([("type".to_owned(), json!("t"))])
                .collect::<Map<_, _>>()]),
        ] {
            assert!(refused(&bad).starts_with("authorization_details"), "{bad}");
        }
        assert!(authorization_details(&format!("[{}]", " ".repeat(MOST_BYTES))).is_err());
        assert!(authorization_details(&"[".repeat(5000)).is_err());
    }

    /// Every digit of a number counts: it may be money.
    #[test]
    fn numbers_stay_what_they_are() {
        for text in
            ["9007199254740993", "1.7976931348623157e308", "123456789.12345679", "5e-324", "0.1", "8.41e21"]
        {
            let read = authorization_details(&format!(r#"[{{"type":"t","n":{text}}}]"#)).unwrap();
            let written = serde_json::to_string(&read).unwrap();
            assert_eq!(authorization_details(&written).unwrap(), read, "{text}");
            assert_eq!(read[0]["n"].as_f64(), text.parse().ok(), "{text}");
        }
    }

    /// Security case 2: what comes later lies within what was granted.
    #[test]
    fn never_more_than_was_granted() {
        let granted = authorization_details(r#"[{"type":"a","limit":5},{"type":"b"}]"#).unwrap();
        assert_eq!(narrowed(&granted, None).unwrap(), granted);
        assert_eq!(narrowed(&granted, Some(r#"[{"limit":5,"type":"a"}]"#)).unwrap(), granted[..1]);
        for more in [r#"[{"type":"a","limit":6}]"#, r#"[{"type":"a"}]"#, r#"[{"type":"c"}]"#, "[]", "x"] {
            assert!(narrowed(&granted, Some(more)).is_err(), "{more}");
        }
        assert!(narrowed(&[], Some(r#"[{"type":"a"}]"#)).is_err());
    }

    #[test]
    fn people_read_it_on_lines_that_stay_lines() {
        let text =
            r#"[{"type":"t","amount":{"value":"1","in":["x",{"y":null}]},"ok":true,"evil":"a\u202eb\nc"}]"#;
        let read = authorization_details(text).unwrap();
        let shown = lines(&read[0]);
        let pair = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        assert_eq!(
            shown,
            [
                pair("amount", "value: 1, in: (x, (y: -))"),
                pair("ok", "true"),
                pair("evil", "a\u{fffd}b\u{fffd}c")
            ]
        );
    }
}
