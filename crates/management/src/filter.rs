//! Filters over documents, in two notations: `name eq "x" and not (app_type pr)` (SCIM, RFC 7644, section 3.4.2.2) and
//! `name:x* AND NOT app_type:spa` (Lucene's). Texts are compared without regard to case.

use chancery_core::problem::Problem;
use serde_json::Value;

/// What a document has to be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Filter {
    /// Anything.
    All,
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    Term {
        /// Members from the outside in, with dots between.
        field: String,
        test: Test,
    },
}

/// How a member is compared.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Test {
    Is(String),
    Begins(String),
    Ends(String),
    Contains(String),
    Present,
    Above(String),
    Below(String),
}

/// The longest filter, in bytes, and the deepest.
const LONGEST: usize = 2000;
const DEEPEST: usize = 16;

impl Filter {
    /// Reads a filter; `is_scim` says in which notation.
    ///
    /// # Errors
    /// [`Problem::RefusedAs`] that says where it is not understood.
    pub(crate) fn parse(text: &str, is_scim: bool) -> Result<Self, Problem> {
        if text.len() > LONGEST {
            return Err(refused("longer than 2000 bytes"));
        }
        let words = words(text, is_scim)?;
        if words.is_empty() || words == [Word::Plain("*".to_owned())] {
            return Ok(Self::All);
        }
        let mut reader = Reader { words, at: 0, depth: 0, is_scim };
        let filter = reader.any()?;
        match reader.next() {
            None => Ok(filter),
            Some(word) => Err(refused(word.text())),
        }
    }

    /// Whether a document is what the filter asks for.
    pub(crate) fn fits(&self, document: &Value) -> bool {
        match self {
            Self::All => true,
            Self::And(all) => all.iter().all(|filter| filter.fits(document)),
            Self::Or(any) => any.iter().any(|filter| filter.fits(document)),
            Self::Not(filter) => !filter.fits(document),
            Self::Term { field, test } => test.fits(document, field),
        }
    }
}

impl Test {
    /// Follows the dots of a field; lists are entered.
    fn fits(&self, value: &Value, field: &str) -> bool {
        match value {
            Value::Array(items) => items.iter().any(|item| self.fits(item, field)),
            Value::Object(members) if !field.is_empty() => {
                let (name, rest) = field.split_once('.').unwrap_or((field, ""));
                members.get(name).is_some_and(|member| self.fits(member, rest))
            }
            Value::Null => false,
            _ if !field.is_empty() => false,
            Value::String(text) => self.matches(text),
            Value::Bool(_) | Value::Number(_) => self.matches(&value.to_string()),
            Value::Object(_) => *self == Self::Present,
        }
    }

    fn matches(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        match self {
            Self::Is(wanted) => text == *wanted,
            Self::Begins(wanted) => text.starts_with(wanted),
            Self::Ends(wanted) => text.ends_with(wanted),
            Self::Contains(wanted) => text.contains(wanted),
            Self::Present => true,
            Self::Above(least) => text > *least,
            Self::Below(most) => text < *most,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Word {
    Open,
    Close,
    Colon,
    Plain(String),
    Quoted(String),
}

impl Word {
    fn text(&self) -> &str {
        match self {
            Self::Open => "(",
            Self::Close => ")",
            Self::Colon => ":",
            Self::Plain(text) | Self::Quoted(text) => text,
        }
    }

    fn is(&self, keyword: &str) -> bool {
        matches!(self, Self::Plain(text) if text.eq_ignore_ascii_case(keyword))
    }
}

/// A colon parts words in one of the notations only.
fn words(text: &str, is_scim: bool) -> Result<Vec<Word>, Problem> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (word, length) = match first {
            '(' => (Word::Open, 1),
            ')' => (Word::Close, 1),
            ':' if !is_scim => (Word::Colon, 1),
            '"' => {
                let end = rest[1..].find('"').ok_or_else(|| refused(rest))?;
                (Word::Quoted(rest[1..=end].to_owned()), end + 2)
            }
            _ => {
                let parts = |c: char| c.is_whitespace() || "()\"".contains(c) || c == ':' && !is_scim;
                // The value behind a colon may hold colons of its own, as addresses do.
                let is_value = found.last() == Some(&Word::Colon);
                let ends =
                    |c: char| if is_value { c.is_whitespace() || "()\"".contains(c) } else { parts(c) };
                let end = rest.find(ends).unwrap_or(rest.len());
                (Word::Plain(rest[..end].to_owned()), end)
            }
        };
        found.push(word);
        rest = rest[length..].trim_start();
    }
    Ok(found)
}

struct Reader {
    words: Vec<Word>,
    at: usize,
    depth: usize,
    is_scim: bool,
}

impl Reader {
    fn any(&mut self) -> Result<Filter, Problem> {
        let mut any = vec![self.all()?];
        while self.eat("or") {
            any.push(self.all()?);
        }
        Ok(if any.len() == 1 { any.swap_remove(0) } else { Filter::Or(any) })
    }

    fn all(&mut self) -> Result<Filter, Problem> {
        let mut all = vec![self.one()?];
        while self.eat("and") {
            all.push(self.one()?);
        }
        Ok(if all.len() == 1 { all.swap_remove(0) } else { Filter::And(all) })
    }

    fn one(&mut self) -> Result<Filter, Problem> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(refused("too deep"));
        }
        let filter = self.inner();
        self.depth -= 1;
        filter
    }

    fn inner(&mut self) -> Result<Filter, Problem> {
        if self.eat("not") {
            return Ok(Filter::Not(Box::new(self.one()?)));
        }
        match self.next() {
            Some(Word::Open) => {
                let filter = self.any()?;
                match self.next() {
                    Some(Word::Close) => Ok(filter),
                    _ => Err(refused("a parenthesis that is not closed")),
                }
            }
            Some(Word::Plain(field)) if is_field(&field) => {
                let (field, test) = if self.is_scim { self.scim(field)? } else { self.lucene(field)? };
                Ok(Filter::Term { field, test })
            }
            Some(word) => Err(refused(word.text())),
            None => Err(refused("the end")),
        }
    }

    fn scim(&mut self, field: String) -> Result<(String, Test), Problem> {
        let operator = self.next().map(|word| word.text().to_ascii_lowercase()).unwrap_or_default();
        if operator == "pr" {
            return Ok((field, Test::Present));
        }
        let Some(Word::Plain(value) | Word::Quoted(value)) = self.next() else {
            return Err(refused(&operator));
        };
        let value = value.to_lowercase();
        let test = match operator.as_str() {
            "eq" => Test::Is(value),
            "co" => Test::Contains(value),
            "sw" => Test::Begins(value),
            "ew" => Test::Ends(value),
            "gt" => Test::Above(value),
            "lt" => Test::Below(value),
            _ => return Err(refused(&operator)),
        };
        Ok((field, test))
    }

    fn lucene(&mut self, field: String) -> Result<(String, Test), Problem> {
        if self.next() != Some(Word::Colon) {
            return Err(refused(&field));
        }
        match self.next() {
            Some(Word::Quoted(value)) => Ok((field, Test::Is(value.to_lowercase()))),
            Some(Word::Plain(value)) if field == "_exists_" && is_field(&value) => Ok((value, Test::Present)),
            Some(Word::Plain(value)) if !value.contains(['[', ']', '{', '}', '?', '~', '^']) => {
                let (inner, lower) = (value.trim_matches('*'), value.to_lowercase());
                let stripped = inner.to_lowercase();
                let test = match (value.starts_with('*'), value.ends_with('*')) {
                    _ if inner.contains('*') => return Err(refused(&value)),
                    _ if inner.is_empty() => Test::Present,
                    (true, true) => Test::Contains(stripped),
                    (true, false) => Test::Ends(stripped),
                    (false, true) => Test::Begins(stripped),
                    (false, false) => Test::Is(lower),
                };
                Ok((field, test))
            }
            word => Err(refused(word.as_ref().map_or("the end", Word::text))),
        }
    }

    fn eat(&mut self, keyword: &str) -> bool {
        let found = self.words.get(self.at).is_some_and(|word| word.is(keyword));
        self.at += usize::from(found);
        found
    }

    fn next(&mut self) -> Option<Word> {
        let word = self.words.get(self.at).cloned();
        self.at += 1;
        word
    }
}

fn is_field(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
}

fn refused(at: &str) -> Problem {
    let shown: String = at.chars().take(40).collect();
    let place = if shown.is_empty() { "the end".to_owned() } else { format!("'{shown}'") };
    Problem::RefusedAs("invalid_query_string", format!("The filter is not understood at {place}").into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_notations() {
        let document = json!({"name": "My App", "app_type": "spa", "global": false,
            "callbacks": ["https://a.example/cb"], "jwt": {"alg": "RS256"}});
        for (text, is_scim, wanted) in [
            ("", true, true),
            ("*", false, true),
            ("name eq \"my app\"", true, true),
            ("name sw \"my\" and app_type eq \"spa\"", true, true),
            ("name co \"zzz\" or (jwt.alg eq \"RS256\" and not (global eq true))", true, true),
            ("not (name pr)", true, false),
            ("logo_uri pr", true, false),
            ("name:my*", false, true),
            ("name:\"My App\" AND app_type:regular_web", false, false),
            ("app_type:regular_web OR callbacks:https://a.example/*", false, true),
            ("NOT global:true AND _exists_:jwt.alg", false, true),
            ("name:*app AND (app_type:spa OR app_type:native)", false, true),
        ] {
            assert_eq!(Filter::parse(text, is_scim).unwrap().fits(&document), wanted, "{text}");
        }
        for (text, is_scim) in [
            ("name", true),
            ("name eq", true),
            ("name is \"x\"", true),
            ("(name pr", true),
            ("name pr )", true),
            ("name eq \"x", true),
            ("name", false),
            ("name:", false),
            ("name:[a TO b]", false),
            ("name:a*b", false),
            ("na me:x", false),
        ] {
            assert!(Filter::parse(text, is_scim).is_err(), "{text}");
        }
    }

    #[test]
    fn deep_and_long_ones_are_refused() {
        assert!(Filter::parse(&format!("{}a pr", "not ".repeat(400)), true).is_err());
        assert!(Filter::parse(&"(".repeat(900), false).is_err());
        assert!(Filter::parse(&"a:b OR ".repeat(400), false).is_err());
    }
}
