//! Text to value. Scalars are read as YAML 1.2's core schema says; anchors and merge keys are understood, within bounds.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use serde_json::{Map, Value};

use crate::deploy::files::{Fault, Lines};

/// Deeper than any configuration.
const DEEPEST: usize = 64;
/// More values than any configuration has, those that aliases repeat included.
const MOST: usize = 500_000;

/// The value of a text, and the line of each part by its JSON pointer.
pub(crate) fn read(text: &str) -> Result<(Value, Lines), Fault> {
    let mut reader = Reader { anchors: HashMap::new(), nodes: 0 };
    let mut stack: Vec<Open> = Vec::new();
    let mut root: Option<Node> = None;
    let mut documents = 0;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| Fault::new(error.marker().line(), error.info()))?;
        let node = match event {
            Event::DocumentStart(_) => {
                documents += 1;
                if documents > 1 {
                    return Err(fault(&span, "one document is read, and here begins a second"));
                }
                continue;
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => continue,
            Event::SequenceStart(anchor, _) => {
                stack.push(Open::list(anchor, span));
                deep_enough(&stack, &span)?;
                continue;
            }
            Event::MappingStart(anchor, _) => {
                stack.push(Open::object(anchor, span));
                deep_enough(&stack, &span)?;
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match stack.pop() {
                Some(open) => reader.close(open)?,
                None => continue,
            },
            Event::Scalar(text, style, anchor, tag) => {
                let is_text = style != ScalarStyle::Plain || tag.is_some_and(|tag| tag.suffix == "str");
                let value = if is_text { Value::String(text.into_owned()) } else { scalar(&text, &span)? };
                reader.node(value, &span, anchor)?
            }
            Event::Alias(anchor) => reader.alias(anchor, &span)?,
        };
        match stack.last_mut() {
            Some(open) => open.take(node, &span)?,
            None => root = Some(node),
        }
    }
    let mut lines = Lines::default();
    let root = root.unwrap_or(Node { value: Value::Null, line: 1, size: 1, below: Vec::new() });
    put("", root.line, &root.below, &mut lines);
    Ok((root.value, lines))
}

fn fault(span: &Span, what: impl Into<String>) -> Fault {
    Fault::new(span.start.line(), what)
}

fn deep_enough(stack: &[Open], span: &Span) -> Result<(), Fault> {
    if stack.len() > DEEPEST { Err(fault(span, format!("nested deeper than {DEEPEST}"))) } else { Ok(()) }
}

/// A value with where it stands.
#[derive(Clone)]
struct Node {
    value: Value,
    line: usize,
    /// How many values it is made of.
    size: usize,
    /// Lines of what it holds: a part of a pointer, and the same below.
    below: Vec<(String, Place)>,
}

#[derive(Clone)]
struct Place {
    line: usize,
    below: Vec<(String, Place)>,
}

fn put(pointer: &str, line: usize, below: &[(String, Place)], lines: &mut Lines) {
    lines.put(pointer, line);
    for (part, place) in below {
        put(
            &format!("{pointer}/{}", part.replace('~', "~0").replace('/', "~1")),
            place.line,
            &place.below,
            lines,
        );
    }
}

/// A list or an object that is not closed yet.
struct Open {
    anchor: usize,
    line: usize,
    size: usize,
    below: Vec<(String, Place)>,
    kind: Kind,
}

enum Kind {
    List(Vec<Value>),
    Object { members: Map<String, Value>, merged: Vec<Value>, key: Option<String> },
}

impl Open {
    fn list(anchor: usize, span: Span) -> Self {
        Self { anchor, line: span.start.line(), size: 1, below: Vec::new(), kind: Kind::List(Vec::new()) }
    }

    fn object(anchor: usize, span: Span) -> Self {
        let kind = Kind::Object { members: Map::new(), merged: Vec::new(), key: None };
        Self { anchor, line: span.start.line(), size: 1, below: Vec::new(), kind }
    }

    fn take(&mut self, node: Node, span: &Span) -> Result<(), Fault> {
        self.size += node.size;
        let place = Place { line: node.line, below: node.below };
        match &mut self.kind {
            Kind::List(items) => {
                self.below.push((items.len().to_string(), place));
                items.push(node.value);
            }
            Kind::Object { members, merged, key } => match key.take() {
                None => *key = Some(name(node.value, span)?),
                Some(name) if name == "<<" => merged.push(node.value),
                Some(name) => {
                    if members.contains_key(&name) {
                        return Err(fault(span, format!("{name} is there twice")));
                    }
                    self.below.push((name.clone(), place));
                    members.insert(name, node.value);
                }
            },
        }
        Ok(())
    }
}

/// A key: a text, or something that reads as one.
fn name(value: Value, span: &Span) -> Result<String, Fault> {
    match value {
        Value::String(name) => Ok(name),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(truth) => Ok(truth.to_string()),
        _ => Err(fault(span, "a name is a text")),
    }
}

struct Reader {
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

impl Reader {
    fn node(&mut self, value: Value, span: &Span, anchor: usize) -> Result<Node, Fault> {
        let node = Node { value, line: span.start.line(), size: 1, below: Vec::new() };
        self.count(1, node.line)?;
        self.keep(anchor, &node);
        Ok(node)
    }

    fn close(&mut self, open: Open) -> Result<Node, Fault> {
        self.count(1, open.line)?;
        let value = match open.kind {
            Kind::List(items) => Value::Array(items),
            Kind::Object { members, merged, .. } => Value::Object(with(members, merged, open.line)?),
        };
        let node = Node { value, line: open.line, size: open.size, below: open.below };
        self.keep(open.anchor, &node);
        Ok(node)
    }

    /// Repeats what was anchored. It counts as much as if it were written out.
    fn alias(&mut self, anchor: usize, span: &Span) -> Result<Node, Fault> {
        let line = span.start.line();
        let size = match self.anchors.get(&anchor) {
            Some(node) => node.size,
            None => return Err(Fault::new(line, "an alias stands before the end of what it names")),
        };
        self.count(size, line)?;
        self.anchors.get(&anchor).cloned().ok_or_else(|| Fault::new(line, "an alias names nothing"))
    }

    fn keep(&mut self, anchor: usize, node: &Node) {
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
    }

    fn count(&mut self, more: usize, line: usize) -> Result<(), Fault> {
        self.nodes = self.nodes.saturating_add(more);
        if self.nodes > MOST {
            return Err(Fault::new(line, format!("more than {MOST} values, with what aliases repeat")));
        }
        Ok(())
    }
}

/// `<<` fills in what is not there.
fn with(
    mut members: Map<String, Value>,
    merged: Vec<Value>,
    line: usize,
) -> Result<Map<String, Value>, Fault> {
    for value in merged {
        let each = match value {
            Value::Array(items) => items,
            other => vec![other],
        };
        for value in each {
            let Value::Object(more) = value else { return Err(Fault::new(line, "<< takes an object")) };
            for (name, value) in more {
                members.entry(name).or_insert(value);
            }
        }
    }
    Ok(members)
}

/// The core schema of YAML 1.2, section 10.3.2.
fn scalar(text: &str, span: &Span) -> Result<Value, Fault> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Value::Null),
        "true" | "True" | "TRUE" => return Ok(Value::Bool(true)),
        "false" | "False" | "FALSE" => return Ok(Value::Bool(false)),
        _ => {}
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && unsigned.bytes().any(|byte| byte.is_ascii_digit())
        && unsigned.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-xoabcdefABCDEF".contains(&byte))
        && let Some(number) = number(text)
    {
        return Ok(number);
    }
    if [".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"].contains(&unsigned) {
        return Err(fault(span, format!("{text} has no form in JSON")));
    }
    Ok(Value::String(text.to_owned()))
}

fn number(text: &str) -> Option<Value> {
    let based = |prefix: &str, base: u32| {
        text.strip_prefix(prefix).and_then(|digits| i64::from_str_radix(digits, base).ok())
    };
    if let Some(number) = based("0x", 16).or(based("0o", 8)) {
        return Some(number.into());
    }
    if let Ok(number) = text.parse::<i64>() {
        return Some(number.into());
    }
    let digits = text.trim_start_matches(['+', '-']);
    let is_float = digits.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
    text.parse::<f64>().ok().filter(|_| is_float).and_then(serde_json::Number::from_f64).map(Value::Number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn value(text: &str) -> Value {
        read(text).unwrap().0
    }

    fn said(text: &str) -> String {
        read(text).unwrap_err().to_string()
    }

    #[test]
    fn values() {
        let text = "a: 1\nb: [true, ~, 'x', 1.5, -7, 0x1f, 1e3]\nc:\n  - d: \"e\\n\"\n    'f g': |\n      two\n      lines\n";
        let expected = json!({"a": 1, "b": [true, null, "x", 1.5, -7, 31, 1000.0],
            "c": [{"d": "e\n", "f g": "two\nlines\n"}]});
        assert_eq!(value(text), expected);
        assert_eq!(value(""), Value::Null);
        assert_eq!(
            value("- yes\n- 1.2.3\n- 2024-01-02\n- !!str 5\n- -"),
            json!(["yes", "1.2.3", "2024-01-02", "5", [null]])
        );
    }

    #[test]
    fn anchors_and_merges() {
        let text = "base: &b {a: 1, b: 2}\none:\n  <<: *b\n  b: 3\ntwo: *b\n";
        assert_eq!(
            value(text),
            json!({"base": {"a": 1, "b": 2}, "one": {"b": 3, "a": 1}, "two": {"a": 1, "b": 2}})
        );
    }

    #[test]
    fn lines() {
        let (_, lines) = read("a:\n  - x: 1\n  - x: 2\n    y/z: 3\n").unwrap();
        assert_eq!(lines.of("/a/1"), Some(3));
        assert_eq!(lines.of("/a/1/y~1z"), Some(4));
        assert_eq!(lines.of("/a/1/none"), Some(3), "the nearest that is there");
    }

    #[test]
    fn hostile() {
        assert!(
            said("a: 1\nb: 2\na: 3").contains("line 3: a is there twice"),
            "{}",
            said("a: 1\nb: 2\na: 3")
        );
        assert!(said("a: [1, 2").starts_with("line "));
        assert!(said("a: b: c").starts_with("line 1"));
        assert!(said(&"[".repeat(200)).contains("nested deeper than 64"));
        assert!(said("{[a]: 1}").contains("a name is a text"));
        assert!(said("a: &x [*x]").starts_with("line 1"));
        assert!(said("a: *nobody").starts_with("line 1"));
        assert!(said("--- 1\n--- 2").contains("second"));
        assert!(said("a: .inf").contains("no form in JSON"));
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let below = format!("*a{}, ", level - 1).repeat(10);
            bomb.push_str(&format!("a{level}: &a{level} [{below}x]\n"));
        }
        assert!(said(&bomb).contains("more than 500000 values"), "{}", said(&bomb));
    }
}
