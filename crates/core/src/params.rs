//! The parameters of a request, whichever way they came: query, form or JSON.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::nesting;

/// Names and values in the order sent.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, String)>);

/// Why a body is not a set of parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParamsError {
    /// Not JSON.
    #[error("The body is not valid JSON")]
    NotJson,
    /// JSON, but not an object.
    #[error("The body must be a JSON object")]
    NotAnObject,
    /// Not UTF-8 after percent decoding.
    #[error("The body is not valid UTF-8")]
    NotUtf8,
    /// Nested deeper than what is kept could be read again.
    #[error("The body is nested deeper than {} levels", nesting::DEEPEST)]
    TooDeep,
    /// More parameters than any request of the protocol has.
    #[error("Too many parameters")]
    TooMany,
}

/// One name or value. Broken UTF-8 is refused: a value that needed repair is not what was meant.
fn decoded(encoded: &[u8]) -> Result<String, ParamsError> {
    let bytes = match encoded.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        true => {
            let spaced: Vec<u8> =
                encoded.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
            Cow::from(percent_encoding::percent_decode(&spaced)).into_owned()
        }
        false => encoded.to_vec(),
    };
    String::from_utf8(bytes).map_err(|_| ParamsError::NotUtf8)
}

impl Params {
    /// Reads a query string or an `application/x-www-form-urlencoded` body.
    pub fn from_form(encoded: &[u8]) -> Result<Self, ParamsError> {
        let mut pairs = Vec::with_capacity(8);
        for pair in encoded.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            if pairs.len() == MOST {
                return Err(ParamsError::TooMany);
            }
            let (name, value) = match pair.iter().position(|byte| *byte == b'=') {
                Some(at) => (&pair[..at], &pair[at + 1..]),
                None => (pair, &[][..]),
            };
            pairs.push((decoded(name)?, decoded(value)?));
        }
        Ok(Self(pairs))
    }

    /// Reads a JSON object. `null` is absent, numbers and booleans become text, a list of texts becomes a repeated
    /// parameter (`scope`: one value joined by spaces), anything deeper stays JSON text. A member that stands twice is a
    /// repeated parameter too: readers that keep the first and readers that keep the last must not disagree unseen.
    pub fn from_json(body: &[u8]) -> Result<Self, ParamsError> {
        let Members(members) = serde_json::from_slice(body).map_err(|why| match why.classify() {
            serde_json::error::Category::Data => ParamsError::NotAnObject,
            _ => ParamsError::NotJson,
        })?;
        if members.len() > MOST {
            return Err(ParamsError::TooMany);
        }
        if members.iter().any(|(_, value)| nesting::is_too_deep_within(value)) {
            return Err(ParamsError::TooDeep);
        }
        let mut pairs = Vec::with_capacity(members.len());
        for (name, value) in members {
            match value {
                Value::Null => {}
                Value::String(text) => pairs.push((name, text)),
                Value::Array(items) if items.iter().all(Value::is_string) => {
                    let texts = items.into_iter().filter_map(|i| i.as_str().map(str::to_owned));
                    if name == "scope" {
                        pairs.push((name, texts.collect::<Vec<_>>().join(" ")));
                    } else {
                        pairs.extend(texts.take(MOST).map(|text| (name.clone(), text)));
                    }
                }
                other => pairs.push((name, other.to_string())),
            }
        }
        Ok(Self(pairs))
    }

    /// The first value of this name; an empty value counts as absent (RFC 6749 section 3.1).
    pub fn get<'a>(&'a self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(n, v)| n == name && !v.is_empty()).map(|(_, v)| v.as_str())
    }

    /// Every value of this name that is not empty.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(n, v)| n == name && !v.is_empty()).map(|(_, v)| v.as_str())
    }

    /// Whether it was sent at all, empty or not.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(n, _)| n == name)
    }

    /// The first name sent more than once, apart from those that may be (RFC 6749 section 3.1, RFC 8707).
    pub fn repeated(&self) -> Option<&str> {
        let may = |name: &str| matches!(name, "resource" | "audience");
        let mut names: Vec<&str> = self.0.iter().map(|(n, _)| n.as_str()).filter(|n| !may(n)).collect();
        names.sort_unstable();
        names.windows(2).find(|w| w[0] == w[1]).map(|w| w[0])
    }

    /// Names in the order sent.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(n, _)| n.as_str())
    }

    /// Names and values in the order sent.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(n, v)| (n.as_str(), v.as_str()))
    }

    /// Adds a parameter, for tests and for building queries.
    pub fn push(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push((name.into(), value.into()));
    }

    /// The parameters as a query string.
    pub fn encode(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }
}

/// The members of an object in the order sent, those that stand twice too.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Vec::with_capacity(8);
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

/// Names only: values may be secrets.
impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

const MOST: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_and_form_mean_the_same() {
        let json = Params::from_json(br#"{"a":"1","n":null,"b":true,"scope":["x","y"],"c":3}"#).unwrap();
        let form = Params::from_form(b"a=1&b=true&scope=x+y&c=3").unwrap();
        assert!(json == form);
        assert_eq!(json.get("n"), None);
    }

    #[test]
    fn hostile() {
        assert_eq!(Params::from_json(b"[1]"), Err(ParamsError::NotAnObject));
        assert_eq!(Params::from_json(b"null"), Err(ParamsError::NotAnObject));
        assert_eq!(Params::from_json(b"{} {}"), Err(ParamsError::NotJson));
        assert_eq!(Params::from_json(b"{"), Err(ParamsError::NotJson));
        assert_eq!(Params::from_json("[".repeat(100_000).as_bytes()), Err(ParamsError::NotAnObject));
        let deep = format!("{{\"a\":{}", "[".repeat(100_000));
        assert_eq!(Params::from_json(deep.as_bytes()), Err(ParamsError::NotJson));
        let nested =
            |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1));
        assert!(Params::from_json(nested(nesting::DEEPEST).as_bytes()).is_ok());
        assert_eq!(Params::from_json(nested(nesting::DEEPEST + 1).as_bytes()), Err(ParamsError::TooDeep));
        assert_eq!(Params::from_form(b"a=%ff"), Err(ParamsError::NotUtf8));
        assert_eq!(Params::from_form("a=1&".repeat(300).as_bytes()), Err(ParamsError::TooMany));
        assert_eq!(Params::from_json(br#"{"a":"1","b":"2","a":"3"}"#).unwrap().repeated(), Some("a"));
        assert_eq!(Params::from_form(b"a=1&b=2&a=").unwrap().repeated(), Some("a"));
        assert_eq!(Params::from_form(b"resource=1&resource=2").unwrap().repeated(), None);
        let shown = format!("{:?}", Params::from_form(b"client_secret=hush").unwrap());
        assert!(!shown.contains("hush"));
    }
}
