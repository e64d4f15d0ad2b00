//! The language, before anybody knows what its fields are.
//!
//! ```text
//! list  := item*                 an item is `any`, or one `one` behind + - ! NOT
//! any   := all (OR all)*         also ||
//! all   := one (AND one)*        also &&
//! one   := [+ - ! NOT] one | ( list ) | field : value | value
//! value := ( list ) | word | "phrase" | [a TO b} | > >= < <= word | *
//! ```
//!
//! Items side by side are alternatives, as in Lucene, but for those behind `+`, which must be there, and those behind `-`,
//! `!` or `NOT`, which must not.

use std::ops::Bound;

use super::{MOST_BYTES, MOST_DEPTH, MOST_TERMS, Refused};

/// A query as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Written {
    All(Vec<Written>),
    Any(Vec<Written>),
    Not(Box<Written>),
    Term { field: Option<String>, value: Value },
}

/// What a field is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// The parts between asterisks: one is a plain word.
    Word(Vec<String>),
    Phrase(String),
    Range(Bound<String>, Bound<String>),
    /// Anything at all.
    Any,
}

pub(super) fn read(text: &str) -> Result<Written, Refused> {
    if text.len() > MOST_BYTES {
        return Err(Refused::TooLong);
    }
    let mut reader = Reader { rest: text, depth: 0, terms: 0 };
    let query = reader.list(None)?;
    match reader.rest {
        "" => Ok(query.unwrap_or(Written::All(Vec::new()))),
        rest => Err(Refused::at(rest, "nothing was opened that this closes")),
    }
}

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
    terms: usize,
}

/// What must be of an item of a list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Occurs {
    May,
    Must,
    MustNot,
}

impl Reader<'_> {
    /// Up to a closing parenthesis or the end. `None` where there is nothing.
    fn list(&mut self, field: Option<&str>) -> Result<Option<Written>, Refused> {
        let (mut may, mut must, mut not) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            self.skip_spaces();
            if self.rest.is_empty() || self.rest.starts_with(')') {
                break;
            }
            let (item, occurs) = self.any(field)?;
            match occurs {
                Occurs::May => may.push(item),
                Occurs::Must => must.push(item),
                Occurs::MustNot => not.push(Written::Not(Box::new(item))),
            }
        }
        // Where something must be there, what may be there decides nothing.
        if must.is_empty() && !may.is_empty() {
            must.push(one_or(may, Written::Any));
        }
        must.append(&mut not);
        Ok((!must.is_empty()).then(|| one_or(must, Written::All)))
    }

    fn any(&mut self, field: Option<&str>) -> Result<(Written, Occurs), Refused> {
        let first = self.all(field)?;
        let mut items = Vec::new();
        while self.takes_operator(&["OR", "||"]) {
            items.push(plain(self.all(field)?));
        }
        if items.is_empty() {
            return Ok(first);
        }
        items.insert(0, plain(first));
        Ok((Written::Any(items), Occurs::May))
    }

    fn all(&mut self, field: Option<&str>) -> Result<(Written, Occurs), Refused> {
        let first = self.one(field)?;
        let mut items = Vec::new();
        while self.takes_operator(&["AND", "&&"]) {
            items.push(plain(self.one(field)?));
        }
        if items.is_empty() {
            return Ok(first);
        }
        items.insert(0, plain(first));
        Ok((Written::All(items), Occurs::May))
    }

    fn one(&mut self, field: Option<&str>) -> Result<(Written, Occurs), Refused> {
        self.skip_spaces();
        let occurs = match self.rest.as_bytes().first() {
            Some(b'+') => Some(Occurs::Must),
            Some(b'-' | b'!') => Some(Occurs::MustNot),
            _ => None,
        };
        let occurs = match occurs {
            Some(occurs) => {
                self.rest = &self.rest[1..];
                occurs
            }
            None if self.takes_operator(&["NOT"]) => Occurs::MustNot,
            None => return Ok((self.primary(field)?, Occurs::May)),
        };
        let inner = self.deeper(|reader| Ok(plain(reader.one(field)?)))?;
        Ok((inner, occurs))
    }

    fn primary(&mut self, field: Option<&str>) -> Result<Written, Refused> {
        if ["AND", "OR", "&&", "||"].iter().any(|word| self.is_at_operator(word)) {
            return Err(Refused::at(self.rest, "an operator stands between two terms"));
        }
        if let Some(rest) = self.rest.strip_prefix('(') {
            self.rest = rest;
            return self.group(field);
        }
        if let Some((name, rest)) = field_name(self.rest)? {
            self.rest = rest;
            self.skip_spaces();
            return self.named(&name);
        }
        let value = self.value()?;
        self.term(field.map(str::to_owned), value)
    }

    /// What stands behind `name:`.
    fn named(&mut self, name: &str) -> Result<Written, Refused> {
        if name == "_exists_" {
            let Value::Word(parts) = self.value()? else {
                return Err(Refused::at(name, "write _exists_:field"));
            };
            let [field] = parts.as_slice() else {
                return Err(Refused::at(name, "write _exists_:field"));
            };
            return self.term(Some(field.clone()), Value::Any);
        }
        if let Some(rest) = self.rest.strip_prefix('(') {
            self.rest = rest;
            return self.group((name != "*").then_some(name));
        }
        let value = self.value()?;
        if name == "*" {
            return match value {
                Value::Any => Ok(Written::All(Vec::new())),
                other => self.term(None, other),
            };
        }
        self.term(Some(name.to_owned()), value)
    }

    fn group(&mut self, field: Option<&str>) -> Result<Written, Refused> {
        let inner = self.deeper(|reader| reader.list(field))?;
        match (inner, self.rest.strip_prefix(')')) {
            (Some(inner), Some(rest)) => {
                self.rest = rest;
                Ok(inner)
            }
            (None, _) => Err(Refused::at(self.rest, "there is nothing between the parentheses")),
            (_, None) => Err(Refused::at(self.rest, "a parenthesis is not closed")),
        }
    }

    fn value(&mut self) -> Result<Value, Refused> {
        let Some(first) = self.rest.chars().next() else {
            return Err(Refused::at("", "a value is missing at the end"));
        };
        match first {
            '"' => Ok(Value::Phrase(self.phrase()?)),
            '[' | '{' => self.range(),
            '<' | '>' => self.comparison(),
            _ => self.word(),
        }
    }

    fn phrase(&mut self) -> Result<String, Refused> {
        let (text, rest) = phrase(self.rest)?;
        self.rest = rest;
        Ok(text)
    }

    fn word(&mut self) -> Result<Value, Refused> {
        if self.rest.starts_with('/') {
            return Err(Refused::at(self.rest, "regular expressions are not searched for; quote the value"));
        }
        let mut parts = vec![String::new()];
        let mut end = self.rest.len();
        let mut chars = self.rest.char_indices();
        while let Some((at, c)) = chars.next() {
            let here = &self.rest[at..];
            match c {
                '*' => parts.push(String::new()),
                '\\' => match chars.next() {
                    Some((_, escaped)) => last(&mut parts).push(escaped),
                    None => return Err(Refused::at(here, "nothing stands behind the backslash")),
                },
                '?' => return Err(Refused::at(here, "? is not supported; use * or quote the value")),
                '~' | '^' | '[' | ']' | '{' | '}' | '"' => {
                    return Err(Refused::at(here, "quote the value, or put a backslash before this"));
                }
                _ if c.is_whitespace()
                    || matches!(c, '(' | ')')
                    || here.starts_with("&&")
                    || here.starts_with("||") =>
                {
                    end = at;
                    break;
                }
                _ => last(&mut parts).push(c),
            }
        }
        if end == 0 {
            return Err(Refused::at(self.rest, "a value is missing"));
        }
        self.rest = &self.rest[end..];
        let only_asterisks = parts.len() > 1 && parts.iter().all(String::is_empty);
        Ok(if only_asterisks { Value::Any } else { Value::Word(parts) })
    }

    fn comparison(&mut self) -> Result<Value, Refused> {
        let at = self.rest;
        let is_least = self.rest.starts_with('>');
        self.rest = &self.rest[1..];
        let with = self.rest.starts_with('=');
        self.rest = self.rest.strip_prefix('=').unwrap_or(self.rest);
        let value = match self.rest.chars().next() {
            Some('"') => self.phrase()?,
            Some('<' | '>' | '[' | '{') | None => return Err(Refused::at(at, "a value is missing")),
            _ => match self.word()? {
                Value::Word(parts) if parts.len() == 1 => parts.concat(),
                _ => return Err(Refused::at(at, "a limit has no asterisk")),
            },
        };
        let limit = if with { Bound::Included(value) } else { Bound::Excluded(value) };
        Ok(if is_least {
            Value::Range(limit, Bound::Unbounded)
        } else {
            Value::Range(Bound::Unbounded, limit)
        })
    }

    /// `[a TO b}`: a bracket belongs to the range, a brace does not.
    fn range(&mut self) -> Result<Value, Refused> {
        const WHY: &str = "a range is [from TO to], or with { } for limits that are not in it";
        let at = self.rest;
        let refused = || Refused::at(at, WHY);
        let with_first = self.rest.starts_with('[');
        self.rest = &self.rest[1..];
        let from = self.limit()?.ok_or_else(refused)?;
        self.skip_spaces();
        self.rest = self.rest.strip_prefix("TO").ok_or_else(refused)?;
        if !self.rest.starts_with(char::is_whitespace) {
            return Err(refused());
        }
        let to = self.limit()?.ok_or_else(refused)?;
        self.skip_spaces();
        let with_last = self.rest.starts_with(']');
        self.rest = self.rest.strip_prefix([']', '}']).ok_or_else(refused)?;
        let bound = |limit: Limit, with: bool| match limit {
            Limit::Open => Bound::Unbounded,
            Limit::At(value) if with => Bound::Included(value),
            Limit::At(value) => Bound::Excluded(value),
        };
        Ok(Value::Range(bound(from, with_first), bound(to, with_last)))
    }

    /// One end of a range.
    fn limit(&mut self) -> Result<Option<Limit>, Refused> {
        self.skip_spaces();
        if self.rest.starts_with('"') {
            return Ok(Some(Limit::At(self.phrase()?)));
        }
        let mut text = String::new();
        let mut end = self.rest.len();
        let mut chars = self.rest.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => text.extend(chars.next().map(|(_, escaped)| escaped)),
                _ if c.is_whitespace() || matches!(c, ']' | '}' | '[' | '{' | '(' | ')' | '"') => {
                    end = at;
                    break;
                }
                _ => text.push(c),
            }
        }
        let is_open = &self.rest[..end] == "*";
        self.rest = &self.rest[end..];
        Ok(if is_open { Some(Limit::Open) } else { (!text.is_empty()).then_some(Limit::At(text)) })
    }

    fn term(&mut self, field: Option<String>, value: Value) -> Result<Written, Refused> {
        self.terms += 1;
        if self.terms > MOST_TERMS { Err(Refused::TooMany) } else { Ok(Written::Term { field, value }) }
    }

    fn deeper<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, Refused>) -> Result<T, Refused> {
        if self.depth == MOST_DEPTH {
            return Err(Refused::TooDeep);
        }
        self.depth += 1;
        let done = work(self);
        self.depth -= 1;
        done
    }

    fn skip_spaces(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn takes_operator(&mut self, words: &[&str]) -> bool {
        self.skip_spaces();
        let Some(word) = words.iter().find(|word| self.is_at_operator(word)) else { return false };
        self.rest = &self.rest[word.len()..];
        true
    }

    /// Words are operators where they stand alone, and in capitals.
    fn is_at_operator(&self, word: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(word) else { return false };
        !word.starts_with(|c: char| c.is_ascii_alphabetic())
            || rest.is_empty()
            || rest.starts_with(|c: char| c.is_whitespace() || matches!(c, '(' | ')'))
    }
}

/// The text between the quotation mark that begins here and the next, and what comes behind it.
pub(super) fn phrase(quoted: &str) -> Result<(String, &str), Refused> {
    let mut text = String::new();
    let mut chars = quoted.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((text, &quoted[at + 1..])),
            '\\' => text.extend(chars.next().map(|(_, escaped)| escaped)),
            _ => text.push(c),
        }
    }
    Err(Refused::at(quoted, "a quotation mark is not closed"))
}

enum Limit {
    Open,
    At(String),
}

/// The name before a colon, if there is one, and what comes behind the colon.
fn field_name(text: &str) -> Result<Option<(String, &str)>, Refused> {
    if let Some(rest) = text.strip_prefix("*:") {
        return Ok(Some(("*".to_owned(), rest)));
    }
    let mut name = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            ':' if name.is_empty() => return Err(Refused::at(text, "the name of a field is missing")),
            ':' => return Ok(Some((name, &text[at + 1..]))),
            '\\' => name.extend(chars.next().map(|(_, escaped)| escaped)),
            _ if c.is_whitespace() || "()[]{}\"*?~^<>/".contains(c) => return Ok(None),
            _ => name.push(c),
        }
    }
    Ok(None)
}

fn plain((item, occurs): (Written, Occurs)) -> Written {
    if occurs == Occurs::MustNot { Written::Not(Box::new(item)) } else { item }
}

fn one_or(mut items: Vec<Written>, many: fn(Vec<Written>) -> Written) -> Written {
    match items.pop() {
        Some(only) if items.is_empty() => only,
        last => {
            items.extend(last);
            many(items)
        }
    }
}

fn last(parts: &mut Vec<String>) -> &mut String {
    if parts.is_empty() {
        parts.push(String::new());
    }
    let at = parts.len() - 1;
    &mut parts[at]
}
