//! Reads the notation of [`super`].

use std::collections::HashMap;
use std::sync::Arc;

use super::{Format, Member, Object, Range, Shape};

/// What a shape is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// `POST`.
    pub method: String,
    /// `/roles/{id}`.
    pub path: String,
    /// The query rather than the body.
    pub is_query: bool,
}

/// Where a shape file cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct SyntaxError {
    /// Counted from 1.
    pub line: usize,
    /// What was expected.
    pub what: String,
}

/// Reads a file of shapes.
///
/// # Errors
/// [`SyntaxError`] at the first place that cannot be read.
pub fn parse(text: &str) -> Result<Vec<(Header, Shape)>, SyntaxError> {
    let mut reader = Reader { text, at: 0, names: HashMap::new() };
    let mut shapes = Vec::new();
    while reader.skip_space() < text.len() {
        let word = reader.word()?.to_owned();
        if reader.eat("=") {
            let shape = reader.shape()?;
            reader.names.insert(word, shape);
            continue;
        }
        let path = reader.path()?.to_owned();
        let is_query = reader.eat("?");
        let shape = reader.shape()?;
        shapes.push((Header { method: word, path, is_query }, shape));
    }
    Ok(shapes)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    names: HashMap<String, Shape>,
}

impl<'a> Reader<'a> {
    fn shape(&mut self) -> Result<Shape, SyntaxError> {
        let mut any_of = vec![self.postfix()?];
        while self.eat("|") {
            any_of.push(self.postfix()?);
        }
        if any_of.len() == 1 {
            return Ok(any_of.swap_remove(0));
        }
        let words: Option<Vec<_>> = any_of.iter().map(single_choice).collect();
        Ok(words.map_or(Shape::OneOf(any_of), Shape::Choice))
    }

    fn postfix(&mut self) -> Result<Shape, SyntaxError> {
        let shape = self.primary()?;
        Ok(if self.eat("?") { Shape::Nullable(Arc::new(shape)) } else { shape })
    }

    fn primary(&mut self) -> Result<Shape, SyntaxError> {
        if self.eat("(") {
            let shape = self.shape()?;
            self.expect(")")?;
            return Ok(shape);
        }
        if self.eat("[") {
            let item = self.shape()?;
            self.expect("]")?;
            return Ok(Shape::List(Arc::new(item), self.range()?));
        }
        if self.eat("{") {
            return self.object();
        }
        self.skip_space();
        if self.rest().starts_with('"') {
            return Ok(Shape::Choice(vec![self.quoted()?]));
        }
        let word = self.word()?.to_owned();
        Ok(match word.as_str() {
            "any" => Shape::Any,
            "bool" => Shape::Bool,
            "true" => Shape::Literal(true),
            "false" => Shape::Literal(false),
            "int" => Shape::Int(self.range()?),
            "number" => Shape::Number(self.range()?),
            "string" => {
                let range = self.range()?;
                let format = if self.eat(":") { Some(self.format()?) } else { None };
                Shape::Text(range, format)
            }
            name => match self.names.get(name) {
                Some(shape) => shape.clone(),
                None => return Err(self.error(format!("no shape is called {name}"))),
            },
        })
    }

    fn object(&mut self) -> Result<Shape, SyntaxError> {
        let mut object = Object::default();
        while !self.eat("}") {
            if self.eat("...") {
                object.others = Some(Shape::Any);
            } else if self.eat("*") {
                self.expect(":")?;
                object.others = Some(self.shape()?);
            } else {
                self.skip_space();
                let name =
                    if self.rest().starts_with('"') { self.quoted()? } else { self.word()?.to_owned() };
                let needed = self.eat("!");
                self.expect(":")?;
                object.members.push(Member { name, needed, shape: self.shape()? });
            }
            self.eat(",");
        }
        object.count = self.range()?;
        Ok(Shape::Object(Arc::new(object)))
    }

    /// `(1..20)`, directly behind what it limits.
    fn range(&mut self) -> Result<Range, SyntaxError> {
        if !self.rest().starts_with('(') {
            return Ok(Range::default());
        }
        self.expect("(")?;
        let min = self.number()?;
        self.expect("..")?;
        let max = self.number()?;
        self.expect(")")?;
        Ok(Range { min, max })
    }

    fn number(&mut self) -> Result<Option<i64>, SyntaxError> {
        let digits = self.take(|c| c.is_ascii_digit() || c == '-');
        if digits.is_empty() {
            return Ok(None);
        }
        digits.parse().map(Some).map_err(|_| self.error("expected a number".to_owned()))
    }

    fn format(&mut self) -> Result<Format, SyntaxError> {
        let word = self.word()?.to_owned();
        Format::named(&word).ok_or_else(|| self.error(format!("no format is called {word}")))
    }

    fn quoted(&mut self) -> Result<String, SyntaxError> {
        self.expect("\"")?;
        let text = self.take(|c| c != '"').to_owned();
        self.expect("\"")?;
        Ok(text)
    }

    fn path(&mut self) -> Result<&'a str, SyntaxError> {
        self.skip_space();
        let path = self.take(|c| !c.is_whitespace());
        if path.starts_with('/') { Ok(path) } else { Err(self.error("expected a path".to_owned())) }
    }

    fn word(&mut self) -> Result<&'a str, SyntaxError> {
        self.skip_space();
        let word = self.take(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '#' | '$' | '.'));
        if word.is_empty() { Err(self.error("expected a word".to_owned())) } else { Ok(word) }
    }

    fn take(&mut self, fits: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !fits(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn expect(&mut self, token: &str) -> Result<(), SyntaxError> {
        if self.eat(token) { Ok(()) } else { Err(self.error(format!("expected {token}"))) }
    }

    fn eat(&mut self, token: &str) -> bool {
        let before = self.at;
        self.skip_space();
        if self.rest().starts_with(token) {
            self.at += token.len();
            return true;
        }
        self.at = before;
        false
    }

    /// Skips space and `// comments`; answers where it stands.
    fn skip_space(&mut self) -> usize {
        loop {
            self.take(char::is_whitespace);
            if !self.rest().starts_with("//") {
                return self.at;
            }
            self.take(|c| c != '\n');
        }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn error(&self, what: String) -> SyntaxError {
        SyntaxError { line: self.text[..self.at].lines().count().max(1), what }
    }
}

fn single_choice(shape: &Shape) -> Option<String> {
    match shape {
        Shape::Choice(words) if words.len() == 1 => words.first().cloned(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_notation() {
        let shapes = parse(
            "Colour = \"red\" | \"blue\" // either\n\
             POST /things/{id} { name!: string(..20):email, colours: [Colour](1..)?\n n: int(0..9)\n ... }(1..)?\n\
             GET /things ? {only: true, either: [string] | string}",
        )
        .unwrap();
        let (header, body) = &shapes[0];
        assert_eq!(
            (header.method.as_str(), header.path.as_str(), header.is_query),
            ("POST", "/things/{id}", false)
        );
        assert!(matches!(body, Shape::Nullable(_)));
        assert_eq!(body.members().len(), 3);
        assert!(body.members()[0].needed);
        assert_eq!(body.member("n"), Some(&Shape::Int(Range { min: Some(0), max: Some(9) })));
        assert!(
            matches!(body.member("colours"), Some(Shape::Nullable(list)) if matches!(&**list, Shape::List(item, _) if **item == Shape::Choice(vec!["red".into(), "blue".into()])))
        );
        assert!(shapes[1].0.is_query);
        assert!(matches!(shapes[1].1.member("either"), Some(Shape::OneOf(two)) if two.len() == 2));
    }

    #[test]
    fn errors_name_the_line() {
        assert_eq!(parse("A = string\nPOST /x {a: b}").unwrap_err().line, 2);
        assert!(parse("POST x {}").is_err());
        assert!(parse("POST /x {a string}").is_err());
    }
}
