//! A JSON object written member by member.

use serde_json::Value;

/// An object under construction. The caller sees to it that no name is written twice.
#[derive(Debug)]
pub(super) struct Object {
    out: Vec<u8>,
}

impl Object {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        let mut out = Vec::with_capacity(bytes);
        out.push(b'{');
        Self { out }
    }

    pub(super) fn string(&mut self, name: &str, value: &str) {
        self.name(name);
        write_string(&mut self.out, value);
    }

    pub(super) fn optional_string(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.string(name, value);
        }
    }

    pub(super) fn number(&mut self, name: &str, value: i64) {
        self.name(name);
        write_number(&mut self.out, value);
    }

    pub(super) fn boolean(&mut self, name: &str, value: bool) {
        self.name(name);
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
    }

    pub(super) fn strings(&mut self, name: &str, values: &[&str]) {
        self.name(name);
        self.out.push(b'[');
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            write_string(&mut self.out, value);
        }
        self.out.push(b']');
    }

    /// One string, the values separated by spaces.
    pub(super) fn joined(&mut self, name: &str, values: &[&str]) {
        self.name(name);
        self.out.push(b'"');
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                self.out.push(b' ');
            }
            write_escaped(&mut self.out, value);
        }
        self.out.push(b'"');
    }

    /// An array of a string and a string of two parts.
    pub(super) fn string_and_concatenated(&mut self, name: &str, first: &str, left: &str, right: &str) {
        self.name(name);
        self.out.push(b'[');
        write_string(&mut self.out, first);
        self.out.extend_from_slice(b",\"");
        write_escaped(&mut self.out, left);
        write_escaped(&mut self.out, right);
        self.out.extend_from_slice(b"\"]");
    }

    /// An object of one string.
    pub(super) fn object_of_string(&mut self, name: &str, inner: &str, value: &str) {
        self.name(name);
        self.out.push(b'{');
        write_string(&mut self.out, inner);
        self.out.push(b':');
        write_string(&mut self.out, value);
        self.out.push(b'}');
    }

    pub(super) fn value(&mut self, name: &str, value: &Value) {
        self.name(name);
        self.out.extend_from_slice(value.to_string().as_bytes());
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.out.push(b'}');
        self.out
    }

    fn name(&mut self, name: &str) {
        if self.out.len() > 1 {
            self.out.push(b',');
        }
        write_string(&mut self.out, name);
        self.out.push(b':');
    }
}

fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    write_escaped(out, text);
    out.push(b'"');
}

/// RFC 8259, section 7: quotation mark, backslash and control characters are escaped, everything else is UTF-8 as it is.
fn write_escaped(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let mut clean_from = 0;
    for (index, byte) in bytes.iter().enumerate() {
        if *byte >= 0x20 && *byte != b'"' && *byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[clean_from..index]);
        clean_from = index + 1;
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            control => {
                out.extend_from_slice(b"\\u00");
                out.push(HEX[usize::from(control >> 4)]);
                out.push(HEX[usize::from(control & 15)]);
            }
        }
    }
    out.extend_from_slice(&bytes[clean_from..]);
}

fn write_number(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    let mut digits = [0; 20];
    let mut start = digits.len();
    let mut rest = value.unsigned_abs();
    loop {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[start..]);
}

const HEX: &[u8; 16] = b"0123456789abcdef";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    proptest! {
        #[test]
        fn reads_back_as_written(
            name in any::<String>(), text in any::<String>(), control in "[\\x00-\\x22\\\\\\x7f]{0,8}",
            number in any::<i64>(), flag in any::<bool>(), list in prop::collection::vec(any::<String>(), 0..4),
        ) {
            let list: Vec<&str> = list.iter().map(String::as_str).collect();
            let mut object = Object::with_capacity(0);
            object.string(&format!("1{name}"), &text);
            object.string("control", &control);
            object.number("number", number);
            object.boolean("flag", flag);
            object.strings("list", &list);
            object.joined("joined", &list);
            object.string_and_concatenated("both", &text, &control, &text);
            object.value("value", &json!({&name: [text, number]}));
            let read: Value = serde_json::from_slice(&object.finish()).unwrap();
            prop_assert_eq!(read, json!({
                format!("1{name}"): text, "control": control, "number": number, "flag": flag, "list": list,
                "joined": list.join(" "), "both": [text, format!("{control}{text}")],
                "value": {&name: [text, number]},
            }));
        }
    }

    #[test]
    fn extremes() {
        let mut object = Object::with_capacity(0);
        object.number("least", i64::MIN);
        object.number("zero", 0);
        object.strings("none", &[]);
        assert_eq!(object.finish(), br#"{"least":-9223372036854775808,"zero":0,"none":[]}"#);
        assert_eq!(Object::with_capacity(0).finish(), b"{}");
    }
}
