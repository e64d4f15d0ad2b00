//! Value to text: one way to write each, in block style, as other tools for this layout read it.

use serde_json::{Map, Value};

/// The text of an object.
pub(crate) fn print(members: &Map<String, Value>) -> String {
    if members.is_empty() {
        return "{}\n".to_owned();
    }
    let mut out = String::new();
    object(members, 0, &mut out);
    out
}

fn object(members: &Map<String, Value>, indent: usize, out: &mut String) {
    for (name, value) in members {
        pad(indent, out);
        out.push_str(&text(name));
        out.push(':');
        after_colon(value, indent, out);
    }
}

fn after_colon(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            out.push('\n');
            object(members, indent + 1, out);
        }
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            list(items, indent + 1, out);
        }
        other => {
            out.push(' ');
            scalar(other, indent + 1, out);
        }
    }
}

fn list(items: &[Value], indent: usize, out: &mut String) {
    for item in items {
        pad(indent, out);
        out.push('-');
        match item {
            Value::Object(members) if !members.is_empty() => {
                let start = out.len();
                object(members, indent + 1, out);
                // The first member stands behind the dash.
                out.replace_range(start..start + (indent + 1) * 2, " ");
            }
            Value::Array(items) if !items.is_empty() => {
                out.push('\n');
                list(items, indent + 1, out);
            }
            other => {
                out.push(' ');
                scalar(other, indent + 1, out);
            }
        }
    }
}

fn scalar(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::String(string) if is_block(string) => block(string, indent, out),
        Value::String(string) => out.push_str(&text(string)),
        other => out.push_str(&other.to_string()),
    }
    if !out.ends_with('\n') {
        out.push('\n');
    }
}

fn pad(indent: usize, out: &mut String) {
    out.extend(std::iter::repeat_n("  ", indent));
}

/// Lines that a literal block keeps exactly as they are.
fn is_block(text: &str) -> bool {
    let plain = |line: &str| !line.ends_with([' ', '\t']) && !line.contains(is_escaped);
    text.contains('\n')
        && !text.starts_with(['\n', ' ', '\t'])
        && text.trim_end_matches('\n').len() + 1 >= text.len()
        && text.split('\n').all(plain)
}

fn block(text: &str, indent: usize, out: &mut String) {
    out.push_str(if text.ends_with('\n') { "|\n" } else { "|-\n" });
    for line in text.lines() {
        if !line.is_empty() {
            pad(indent, out);
            out.push_str(line);
        }
        out.push('\n');
    }
}

/// A text on one line: bare where nobody could read it as anything else.
fn text(text: &str) -> String {
    if is_bare(text) {
        return text.to_owned();
    }
    if text.contains(is_escaped) { escaped(text) } else { format!("'{}'", text.replace('\'', "''")) }
}

/// What stands in no file as it is: control characters, the line ends and the mark of Unicode, and what is no
/// character. YAML 1.2 (5.1) wants most of them escaped, and a terminal that shows the file would obey some.
fn is_escaped(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// Between double quotes as JSON has it, where DEL and everything above may stand raw: those are escaped too.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in Value::from(text).to_string().chars() {
        if is_escaped(c) {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

fn is_bare(text: &str) -> bool {
    const OTHERS: [&str; 10] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan"];
    let first = text.chars().next();
    first.is_some_and(|first| first.is_ascii_alphabetic() || first == '/')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || " _-./@:()".contains(c))
        && !text.contains(": ")
        && !text.ends_with([' ', ':'])
        && !OTHERS.contains(&text.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::deploy::yaml::read;

    #[test]
    fn how_it_looks() {
        let value = json!({
            "clients": [{"name": "My App", "callbacks": ["https://a.example/cb", "#x"], "on": true, "none": {}, "x": [[1]]}],
            "page": "<b>\n  hi\n</b>\n", "empty": [], "n": null, "yes": "no", "odd": "tab\t", "quote": "it's: so",
        });
        let expected = "clients:\n  - name: My App\n    callbacks:\n      - https://a.example/cb\n      - '#x'\n    'on': true\n    none: {}\n    x:\n      -\n        - 1\npage: |\n  <b>\n    hi\n  </b>\nempty: []\n'n': null\n'yes': 'no'\nodd: \"tab\\t\"\nquote: 'it''s: so'\n";
        let text = print(value.as_object().unwrap());
        assert_eq!(text, expected);
        assert_eq!(read(&text).unwrap().0, value);
    }

    #[test]
    fn control_characters_are_escaped() {
        let names = (0x7f_u32..=0x9f)
            .chain([0x1b, 0x2028, 0x2029, 0xfeff, 0xfffe, 0xffff])
            .filter_map(char::from_u32);
        for c in names {
            for text in [format!("{c}31m"), format!("a{c}\nb")] {
                let value = json!({ "name": text, text.as_str(): [text, { "page": text }] });
                let written = print(value.as_object().unwrap());
                assert!(!written.contains(c), "{written:?}");
                assert!(written.contains(&format!("\\u{:04x}", u32::from(c))), "{written:?}");
                assert_eq!(read(&written).unwrap().0, value);
            }
        }
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::from),
            "[ -~\n\t\u{7f}-\u{a0}\u{e4}\u{2028}]{0,12}".prop_map(Value::String),
            "[a-z0-9:.#'\" \n-]{0,8}".prop_map(Value::String),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                prop::collection::vec(("[a-z<: #0-9~]{0,6}", inner), 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(members in prop::collection::vec(("[a-z]{1,5}", values()), 0..5)) {
            let value = Value::Object(members.into_iter().collect());
            let text = print(value.as_object().unwrap());
            // `<<` as a name is a merge to every reader of YAML.
            prop_assume!(!text.contains("<<"));
            let back = read(&text);
            prop_assert_eq!(back.map(|(value, _)| value).map_err(|fault| format!("{fault}\n{text}")), Ok(value));
        }
    }
}
