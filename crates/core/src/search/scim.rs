//! Filters in SCIM's notation (RFC 7644, section 3.4.2.2), read into the same query: `name sw "ze" and not (app_type pr)`.

use std::ops::Bound;

use super::{
    MOST_BYTES, MOST_DEPTH, Refused,
    syntax::{Value, Written, phrase},
};

pub(super) fn read(text: &str) -> Result<Written, Refused> {
    if text.len() > MOST_BYTES {
        return Err(Refused::TooLong);
    }
    let mut reader = Reader { rest: text.trim_start(), depth: 0 };
    if matches!(reader.rest.trim_end(), "" | "*") {
        return Ok(Written::All(Vec::new()));
    }
    let filter = reader.any()?;
    match reader.rest {
        "" => Ok(filter),
        rest => Err(Refused::at(rest, "comparisons are joined by and, or")),
    }
}

/// What is left; it never begins with a space.
struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn any(&mut self) -> Result<Written, Refused> {
        let mut any = vec![self.all()?];
        while self.takes("or") {
            any.push(self.all()?);
        }
        Ok(if any.len() == 1 { any.swap_remove(0) } else { Written::Any(any) })
    }

    fn all(&mut self) -> Result<Written, Refused> {
        let mut all = vec![self.one()?];
        while self.takes("and") {
            all.push(self.one()?);
        }
        Ok(if all.len() == 1 { all.swap_remove(0) } else { Written::All(all) })
    }

    fn one(&mut self) -> Result<Written, Refused> {
        if self.depth == MOST_DEPTH {
            return Err(Refused::TooDeep);
        }
        self.depth += 1;
        let one = self.inner();
        self.depth -= 1;
        one
    }

    fn inner(&mut self) -> Result<Written, Refused> {
        if self.takes("not") {
            return Ok(Written::Not(Box::new(self.one()?)));
        }
        let Some(rest) = self.rest.strip_prefix('(') else { return self.comparison() };
        self.go_on(rest);
        let inner = self.any()?;
        let rest = self
            .rest
            .strip_prefix(')')
            .ok_or_else(|| Refused::at(self.rest, "a parenthesis is not closed"))?;
        self.go_on(rest);
        Ok(inner)
    }

    fn comparison(&mut self) -> Result<Written, Refused> {
        let at = self.rest;
        let field = self.word();
        if field.is_empty() {
            return Err(Refused::at(at, "the name of a member is missing"));
        }
        let at = self.rest;
        let operator = self.word().to_ascii_lowercase();
        let value = match operator.as_str() {
            "pr" => Value::Any,
            "eq" | "ne" => Value::Phrase(self.value()?),
            "co" => Value::Word(vec![String::new(), self.value()?, String::new()]),
            "sw" => Value::Word(vec![self.value()?, String::new()]),
            "ew" => Value::Word(vec![String::new(), self.value()?]),
            "gt" => Value::Range(Bound::Excluded(self.value()?), Bound::Unbounded),
            "ge" => Value::Range(Bound::Included(self.value()?), Bound::Unbounded),
            "lt" => Value::Range(Bound::Unbounded, Bound::Excluded(self.value()?)),
            "le" => Value::Range(Bound::Unbounded, Bound::Included(self.value()?)),
            _ => return Err(Refused::at(at, "the operators are eq, ne, co, sw, ew, gt, ge, lt, le and pr")),
        };
        let term = Written::Term { field: Some(field.to_owned()), value };
        Ok(if operator == "ne" { Written::Not(Box::new(term)) } else { term })
    }

    fn value(&mut self) -> Result<String, Refused> {
        if self.rest.starts_with('"') {
            let (text, rest) = phrase(self.rest)?;
            self.go_on(rest);
            return Ok(text);
        }
        let at = self.rest;
        match self.word() {
            "" => Err(Refused::at(at, "a value is missing")),
            word => Ok(word.to_owned()),
        }
    }

    fn takes(&mut self, keyword: &str) -> bool {
        let before = self.rest;
        let found = self.word().eq_ignore_ascii_case(keyword);
        if !found {
            self.rest = before;
        }
        found
    }

    fn word(&mut self) -> &'a str {
        let ends = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '"');
        let (word, rest) = self.rest.split_at(self.rest.find(ends).unwrap_or(self.rest.len()));
        self.go_on(rest);
        word
    }

    fn go_on(&mut self, rest: &'a str) {
        self.rest = rest.trim_start();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Dialect, MOST_TERMS, parse, parse_scim};
    use super::*;

    #[test]
    fn both_notations_fit_the_same() {
        let document = json!({"name": "My App", "app_type": "spa", "global": false, "lifetime": 36000,
            "callbacks": ["https://a.example/cb"], "jwt": {"alg": "RS256"}});
        for (scim, lucene, wanted) in [
            ("", "", true),
            (r#"name eq "my app""#, r#"name:"my app""#, true),
            (r#"name sw "my" and app_type eq "spa""#, "name:my* AND app_type:spa", true),
            (
                r#"name co "zzz" or (jwt.alg eq "RS256" and not (global eq true))"#,
                "name:*zzz* OR (jwt.alg:RS256 AND NOT global:true)",
                true,
            ),
            ("NOT (name pr)", "NOT _exists_:name", false),
            ("logo_uri pr", "_exists_:logo_uri", false),
            (r#"name ew "pp" AND name ne "App""#, "name:*pp AND NOT name:App", true),
            (r#"name gt "m" and name lt "n""#, "name:{m TO n}", true),
            (r#"name ge "n""#, "name:>=n", false),
            (r#"callbacks sw "https://a.example/""#, "callbacks:https://a.example/*", true),
            (r#"name eq "my \"app\"""#, r#"name:"my \"app\"""#, false),
        ] {
            let fits = |query: Result<_, _>| -> bool {
                let query: super::super::Query =
                    query.unwrap_or_else(|refused: Refused| panic!("{scim}: {refused}"));
                query.fits(&document)
            };
            assert_eq!(fits(parse_scim(scim, Dialect::Documents)), wanted, "{scim}");
            assert_eq!(fits(parse(lucene, Dialect::Documents)), wanted, "{lucene}");
        }
    }

    #[test]
    fn a_word_alone_is_found_within_names() {
        let document = json!({"name": "Nightly export", "app_type": "spa"});
        for (q, fits) in
            [("export", true), ("\"ly exp\"", true), ("night*", true), ("spa", false), ("-export", false)]
        {
            assert_eq!(parse(q, Dialect::Documents).unwrap().fits(&document), fits, "{q}");
        }
    }

    #[test]
    fn what_is_no_filter_says_where() {
        for (text, said) in [
            ("name", "at the end"),
            ("name eq", "a value is missing"),
            (r#"name is "x""#, "'is \"x\"'"),
            ("(name pr", "a parenthesis is not closed"),
            ("name pr )", "joined by and"),
            (r#"name eq "x"#, "a quotation mark is not closed"),
            (r#""name" eq x"#, "the name of a member is missing"),
        ] {
            let refused = parse_scim(text, Dialect::Documents).expect_err(text).to_string();
            assert!(refused.contains(said), "{text}: {refused}");
        }
        let parsed = |text: &str| parse_scim(text, Dialect::Documents);
        assert_eq!(parsed(&"not ".repeat(400)), Err(Refused::TooDeep));
        assert_eq!(parsed(&"(".repeat(400)), Err(Refused::TooDeep));
        assert_eq!(parsed(&"x".repeat(MOST_BYTES + 1)), Err(Refused::TooLong));
        assert_eq!(parsed(&format!("{}a pr", "a pr or ".repeat(MOST_TERMS))), Err(Refused::TooMany));
    }
}
