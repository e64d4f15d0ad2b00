//! Reads templates. Every input ends: each step takes at least one character, and blocks nest to a fixed depth.

use serde_json::Value;

use super::{Comparison, Condition, Filter, Liquid, LiquidError, Node, Operand, Operator, Output};

/// How deep conditions may stand in one another.
const DEEPEST: usize = 16;
/// How many outputs and tags a template may have, and filters an output, and comparisons a condition.
const MOST_TAGS: usize = 2000;
const MOST_PARTS: usize = 16;

impl Liquid {
    /// Reads a template.
    ///
    /// # Errors
    /// [`LiquidError`] at the first place that cannot be read, or that this server does not know.
    pub fn parse(text: &str) -> Result<Self, LiquidError> {
        let mut reader = Reader { text, at: 0, tags: 0 };
        let (nodes, end) = reader.block(0)?;
        match end {
            None => Ok(Self(nodes)),
            Some(tag) => Err(reader.error(format!("{tag} belongs to nothing"))),
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    tags: usize,
}

impl<'a> Reader<'a> {
    /// Nodes up to the end, or to a tag that is not the beginning of anything, which is answered too.
    fn block(&mut self, depth: usize) -> Result<(Vec<Node>, Option<&'a str>), LiquidError> {
        if depth > DEEPEST {
            return Err(self.error(format!("conditions stand in one another more than {DEEPEST} deep")));
        }
        let mut nodes = Vec::new();
        loop {
            let rest = &self.text[self.at..];
            // One search for both: a search for one of them would go to the end of the text at every tag.
            let opens = |at: usize| matches!(rest.as_bytes().get(at + 1), Some(b'{' | b'%'));
            let next = rest.match_indices('{').map(|(at, _)| at).find(|at| opens(*at));
            let Some(next) = next else {
                nodes.push(Node::Text(rest.to_owned()));
                self.at = self.text.len();
                return Ok((nodes, None));
            };
            nodes.push(Node::Text(rest[..next].to_owned()));
            self.at += next;
            self.tags += 1;
            if self.tags > MOST_TAGS {
                return Err(self.error(format!("there are more than {MOST_TAGS} outputs and tags")));
            }
            if rest[next..].starts_with("{{") {
                let inside = self.inside("}}")?;
                nodes.push(Node::Output(self.output(inside)?));
                continue;
            }
            let tag = self.inside("%}")?;
            let (name, rest) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
            match name {
                "if" | "unless" => nodes.push(self.branches(name, rest, depth)?),
                "comment" => self.comment()?,
                "elsif" | "else" | "endif" | "endunless" => return Ok((nodes, Some(tag))),
                _ => return Err(self.error(format!("there is no tag {name} here"))),
            }
        }
    }

    /// What stands between the braces that begin here and those that end them, without `-` and white space.
    fn inside(&mut self, end: &str) -> Result<&'a str, LiquidError> {
        let rest = &self.text[self.at + 2..];
        let length = rest.find(end).ok_or_else(|| self.error(format!("expected {end}")))?;
        self.at += 2 + length + 2;
        let inside = &rest[..length];
        let inside = inside.strip_prefix('-').unwrap_or(inside);
        Ok(inside.strip_suffix('-').unwrap_or(inside).trim())
    }

    fn comment(&mut self) -> Result<(), LiquidError> {
        let rest = &self.text[self.at..];
        let end = rest.find("endcomment").ok_or_else(|| self.error("expected endcomment".to_owned()))?;
        let close = rest[end..].find("%}").ok_or_else(|| self.error("expected %}".to_owned()))?;
        self.at += end + close + 2;
        Ok(())
    }

    fn branches(&mut self, name: &str, condition: &'a str, depth: usize) -> Result<Node, LiquidError> {
        let mut next = Some(self.condition(condition, name == "unless")?);
        let mut branches = Vec::new();
        loop {
            let (nodes, end) = self.block(depth + 1)?;
            let is_last = next.is_none();
            branches.push((next, nodes));
            let end = end.ok_or_else(|| self.error(format!("expected end{name}")))?;
            let (tag, rest) = end.split_once(char::is_whitespace).unwrap_or((end, ""));
            match tag {
                "elsif" if !is_last => next = Some(self.condition(rest, false)?),
                "else" if !is_last => next = None,
                _ if tag.strip_prefix("end") == Some(name) => return Ok(Node::Branches(branches)),
                _ => return Err(self.error(format!("expected end{name}, found {tag}"))),
            }
        }
    }

    fn output(&self, text: &'a str) -> Result<Output, LiquidError> {
        let mut parts = split_outside_quotes(text, '|').into_iter();
        let value = self.operand(parts.next().unwrap_or_default())?;
        if parts.len() > MOST_PARTS {
            return Err(self.error(format!("there are more than {MOST_PARTS} filters")));
        }
        let filters = parts.map(|part| {
            let (name, argument) = part.split_once(':').unwrap_or((part, ""));
            let filter = self.filter(name.trim())?;
            let argument = argument.trim();
            let argument = if argument.is_empty() { None } else { Some(self.operand(argument)?) };
            Ok((filter, argument))
        });
        Ok(Output { value, filters: filters.collect::<Result<_, _>>()? })
    }

    fn filter(&self, name: &str) -> Result<Filter, LiquidError> {
        Ok(match name {
            "append" => Filter::Append,
            "capitalize" => Filter::Capitalize,
            "default" => Filter::Default,
            "downcase" => Filter::Downcase,
            "escape" | "escape_once" => Filter::Escape,
            "prepend" => Filter::Prepend,
            "strip" | "lstrip" | "rstrip" => Filter::Strip,
            "upcase" => Filter::Upcase,
            "url_encode" => Filter::UrlEncode,
            _ => return Err(self.error(format!("there is no filter {name} here"))),
        })
    }

    fn condition(&self, text: &'a str, negated: bool) -> Result<Condition, LiquidError> {
        let mut words = words(text).into_iter().peekable();
        let mut comparison = || -> Result<(Comparison, Option<bool>), LiquidError> {
            let left = self.operand(words.next().unwrap_or_default())?;
            let operator = match words.peek().copied() {
                Some("==") => Some(Operator::Equal),
                Some("!=") => Some(Operator::NotEqual),
                Some("contains") => Some(Operator::Contains),
                _ => None,
            };
            let operator = match operator {
                Some(operator) => {
                    words.next();
                    Some((operator, self.operand(words.next().unwrap_or_default())?))
                }
                None => None,
            };
            let joined = match words.next() {
                None => None,
                Some("and") => Some(true),
                Some("or") => Some(false),
                Some(other) => return Err(self.error(format!("{other} is no comparison here"))),
            };
            Ok((Comparison { left, operator }, joined))
        };
        let (first, mut joined) = comparison()?;
        let mut rest = Vec::new();
        while let Some(both) = joined {
            let (next, after) = comparison()?;
            rest.push((both, next));
            if rest.len() > MOST_PARTS {
                return Err(self.error(format!("there are more than {MOST_PARTS} comparisons")));
            }
            joined = after;
        }
        Ok(Condition { first, rest, negated })
    }

    fn operand(&self, text: &str) -> Result<Operand, LiquidError> {
        let text = text.trim();
        for quote in ['"', '\''] {
            if let Some(inside) = text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote)) {
                return Ok(Operand::Literal(inside.into()));
            }
        }
        Ok(match text {
            "true" => Operand::Literal(Value::Bool(true)),
            "false" => Operand::Literal(Value::Bool(false)),
            "nil" | "null" => Operand::Literal(Value::Null),
            "blank" | "empty" => Operand::Literal("".into()),
            _ if text.parse::<i64>().is_ok() => {
                Operand::Literal(text.parse::<i64>().unwrap_or_default().into())
            }
            _ => {
                let is_name = |part: &str| {
                    !part.is_empty()
                        && part.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '@'))
                };
                let plain = text.replace("['", ".").replace("[\"", ".").replace("']", "").replace("\"]", "");
                let parts: Vec<String> = plain.split('.').map(str::to_owned).collect();
                if !parts.iter().all(|part| is_name(part)) {
                    return Err(self.error(format!("{text} is no name")));
                }
                Operand::Path(parts)
            }
        })
    }

    fn error(&self, what: String) -> LiquidError {
        LiquidError { line: self.text[..self.at].matches('\n').count() + 1, what }
    }
}

fn split_outside_quotes(text: &str, at: char) -> Vec<&str> {
    let mut quote = None;
    text.split(|c| {
        match quote {
            Some(open) if open == c => quote = None,
            None if matches!(c, '"' | '\'') => quote = Some(c),
            _ => {}
        }
        quote.is_none() && c == at
    })
    .collect()
}

/// Words, of which a quoted text is one.
fn words(text: &str) -> Vec<&str> {
    let mut quote = None;
    let words = text.split(|c: char| {
        match quote {
            Some(open) if open == c => quote = None,
            None if matches!(c, '"' | '\'') => quote = Some(c),
            _ => {}
        }
        quote.is_none() && c.is_whitespace()
    });
    words.filter(|word| !word.is_empty()).collect()
}
