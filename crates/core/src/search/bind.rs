//! From what was written to what is compared.

use std::ops::Bound;

use super::{
    MOST_TERMS, Pattern, Query, Range, Refused, Term, Test,
    fields::{Dialect, Kind},
    moments,
    syntax::{Value, Written},
};

pub(super) fn bind(written: Written, dialect: Dialect) -> Result<Query, Refused> {
    let mut binder = Binder { dialect, terms: 0 };
    binder.query(written)
}

struct Binder {
    dialect: Dialect,
    terms: usize,
}

impl Binder {
    fn query(&mut self, written: Written) -> Result<Query, Refused> {
        Ok(match written {
            Written::All(all) => Query::All(self.queries(all)?),
            Written::Any(any) => Query::Any(self.queries(any)?),
            Written::Not(query) => Query::Not(Box::new(self.query(*query)?)),
            Written::Term { field: Some(field), value } => Query::Term(self.term(&field, value)?),
            Written::Term { field: None, value: Value::Any } => Query::everything(),
            Written::Term { field: None, value } => {
                let value = if self.dialect.finds_parts() { anywhere(value) } else { value };
                let fields = self.dialect.bare().iter();
                Query::Any(
                    fields.map(|field| Ok(Query::Term(self.term(field, value.clone())?))).collect::<Result<
                        _,
                        Refused,
                    >>(
                    )?,
                )
            }
        })
    }

    fn queries(&mut self, written: Vec<Written>) -> Result<Vec<Query>, Refused> {
        written.into_iter().map(|one| self.query(one)).collect()
    }

    fn term(&mut self, field: &str, value: Value) -> Result<Term, Refused> {
        self.terms += 1;
        if self.terms > MOST_TERMS {
            return Err(Refused::TooMany);
        }
        let folding = self.dialect.folding(field);
        let fold = |text: &str| folding.of(text).into_owned();
        let test = match (self.dialect.kind(field), value) {
            (_, Value::Any) => Test::Exists,
            (Kind::Number, Value::Word(parts)) if parts.len() == 1 => number(field, &parts.concat())?,
            (Kind::Number, Value::Phrase(text)) => number(field, &text)?,
            (Kind::Number, Value::Range(from, to)) => {
                Test::Numbers((whole(field, &from)?, whole(field, &to)?))
            }
            (Kind::Time, Value::Word(parts)) if parts.len() == 1 => time(field, &parts.concat())?,
            (Kind::Time, Value::Phrase(text)) => time(field, &text)?,
            (Kind::Time, Value::Range(from, to)) => Test::Times(times(field, &from, &to)?),
            (Kind::Number | Kind::Time, Value::Word(_)) => {
                return Err(Refused::field(field, "it has no part to put an asterisk for; use a range"));
            }
            (Kind::Text | Kind::Any | Kind::Whole, Value::Phrase(text)) => Test::Is(fold(&text)),
            (Kind::Text | Kind::Any | Kind::Whole, Value::Word(parts)) if parts.len() == 1 => {
                Test::Is(fold(&parts.concat()))
            }
            (Kind::Whole, _) => {
                return Err(Refused::field(field, "user_metadata has no wildcards and no ranges"));
            }
            (Kind::Text | Kind::Any, Value::Word(parts)) => {
                let pattern = Pattern::of(parts.iter().map(|part| fold(part)).collect());
                if !pattern.is_prefix() && pattern.literal().chars().count() < self.dialect.least_literal() {
                    return Err(Refused::field(
                        field,
                        "an asterisk elsewhere than at the end needs three characters beside it",
                    ));
                }
                Test::Like(pattern)
            }
            (Kind::Text, Value::Range(from, to)) => {
                Test::Texts((from.map(|text| fold(&text)), to.map(|text| fold(&text))))
            }
            (Kind::Any, Value::Range(from, to)) => Test::Mixed((from, to)),
        };
        Ok(Term { field: field.to_owned(), folding, test })
    }
}

/// A word or phrase with anything around it.
fn anywhere(value: Value) -> Value {
    let around = |text: String| Value::Word(vec![String::new(), text, String::new()]);
    match value {
        Value::Word(mut parts) if parts.len() == 1 => around(parts.swap_remove(0)),
        Value::Phrase(text) => around(text),
        other => other,
    }
}

fn number(field: &str, text: &str) -> Result<Test, Refused> {
    let number = parsed(field, text)?;
    Ok(Test::Numbers((Bound::Included(number), Bound::Included(number))))
}

fn parsed(field: &str, text: &str) -> Result<i64, Refused> {
    text.parse().map_err(|_| Refused::field(field, "it is a whole number"))
}

fn whole(field: &str, limit: &Bound<String>) -> Result<Bound<i64>, Refused> {
    Ok(match limit {
        Bound::Included(text) => Bound::Included(parsed(field, text)?),
        Bound::Excluded(text) => Bound::Excluded(parsed(field, text)?),
        Bound::Unbounded => Bound::Unbounded,
    })
}

fn time(field: &str, text: &str) -> Result<Test, Refused> {
    let (first, last) = span(field, text)?;
    Ok(Test::Times((Bound::Included(first), Bound::Included(last))))
}

/// A limit is as wide as it is written: `[* TO 2017-12]` has all of December, `{2017-11 TO *]` begins with it.
fn times(field: &str, from: &Bound<String>, to: &Bound<String>) -> Result<Range<i64>, Refused> {
    let from = match from {
        Bound::Included(text) => Bound::Included(span(field, text)?.0),
        Bound::Excluded(text) => Bound::Excluded(span(field, text)?.1),
        Bound::Unbounded => Bound::Unbounded,
    };
    let to = match to {
        Bound::Included(text) => Bound::Included(span(field, text)?.1),
        Bound::Excluded(text) => Bound::Excluded(span(field, text)?.0),
        Bound::Unbounded => Bound::Unbounded,
    };
    Ok((from, to))
}

fn span(field: &str, text: &str) -> Result<(i64, i64), Refused> {
    moments::span(text).ok_or_else(|| Refused::field(field, "it is a time, such as 2018-01-31"))
}
