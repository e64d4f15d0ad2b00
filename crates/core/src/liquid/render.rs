//! Writes templates with what they are given. Nothing of that is copied before it is written, and every byte that is looked
//! at or made is counted: a short template with a large user costs no more than [`Budget`] allows.

use std::borrow::Cow;

use serde_json::Value;

use super::{Budget, Comparison, Condition, Filter, Liquid, Node, Operand, Operator, Output, Spent, Writing};
use crate::markup::{escaped, percent_encoded};

impl Liquid {
    /// The text; what the template names and was not given is empty. Cut off at `most` bytes.
    ///
    /// # Errors
    /// [`Spent`] when the budget is used up before the end.
    pub fn render(
        &self,
        given: &Value,
        writing: Writing,
        most: usize,
        budget: &mut Budget,
    ) -> Result<String, Spent> {
        let mut writer = Writer { given, writing, most, budget, out: String::new() };
        writer.write(&self.0)?;
        Ok(writer.out)
    }
}

impl Budget {
    fn spend(&mut self, bytes: usize) -> Result<(), Spent> {
        self.0 = self.0.checked_sub(bytes).ok_or(Spent)?;
        Ok(())
    }
}

/// What looking a name up costs, beside what is done with what it means.
const LOOK: usize = 8;

struct Writer<'a, 'b> {
    given: &'a Value,
    writing: Writing,
    most: usize,
    budget: &'b mut Budget,
    out: String,
}

impl<'a> Writer<'a, '_> {
    fn write(&mut self, nodes: &'a [Node]) -> Result<(), Spent> {
        for node in nodes {
            if self.out.len() >= self.most {
                return Ok(());
            }
            match node {
                Node::Text(text) => self.push(text)?,
                Node::Output(output) => self.output(output)?,
                Node::Branches(branches) => self.branches(branches)?,
            }
        }
        Ok(())
    }

    fn push(&mut self, text: &str) -> Result<(), Spent> {
        let room = self.most.saturating_sub(self.out.len());
        let text = cut(text, room);
        self.budget.spend(text.len())?;
        self.out.push_str(text);
        Ok(())
    }

    fn output(&mut self, output: &'a Output) -> Result<(), Spent> {
        let mut value = Said::Given(self.value(&output.value)?);
        for (filter, argument) in &output.filters {
            let argument = match argument {
                Some(argument) => self.value(argument)?,
                None => &Value::Null,
            };
            value = filter.apply(value, argument, self.budget)?;
        }
        let text = value.text(self.budget)?;
        match self.writing {
            Writing::Html => self.push(&escaped(&text)),
            Writing::Plain => self.push(&text),
        }
    }

    fn branches(&mut self, branches: &'a [(Option<Condition>, Vec<Node>)]) -> Result<(), Spent> {
        for (condition, nodes) in branches {
            let holds = match condition {
                Some(condition) => self.holds(condition)?,
                None => true,
            };
            if holds {
                return self.write(nodes);
            }
        }
        Ok(())
    }

    fn holds(&mut self, condition: &'a Condition) -> Result<bool, Spent> {
        let mut holds = self.compares(&condition.first)?;
        for (both, next) in &condition.rest {
            // `true or x` and `false and x` need no look at x.
            if holds == *both {
                holds = self.compares(next)?;
            }
        }
        Ok(holds != condition.negated)
    }

    fn compares(&mut self, comparison: &'a Comparison) -> Result<bool, Spent> {
        let left = self.value(&comparison.left)?;
        let Some((operator, right)) = &comparison.operator else {
            return Ok(!matches!(left, Value::Null | Value::Bool(false)));
        };
        let right = self.value(right)?;
        match operator {
            Operator::Equal => is_same(left, right, self.budget),
            Operator::NotEqual => Ok(!is_same(left, right, self.budget)?),
            Operator::Contains => contains(left, right, self.budget),
        }
    }

    fn value(&mut self, operand: &'a Operand) -> Result<&'a Value, Spent> {
        let parts = match operand {
            Operand::Literal(value) => return Ok(value),
            Operand::Path(parts) => parts,
        };
        let mut at = self.given;
        for part in parts {
            self.budget.spend(LOOK + part.len())?;
            match at.get(part.as_str()) {
                Some(next) => at = next,
                None => return Ok(&Value::Null),
            }
        }
        Ok(at)
    }
}

/// What is not there is as good as empty: `{% if name == "" %}` and `{% if name == blank %}`. An object on the left is its
/// name; lists and other objects are the same as nothing.
fn is_same(left: &Value, right: &Value, budget: &mut Budget) -> Result<bool, Spent> {
    let name = left.as_object().and_then(|members| members.get("name")).filter(|name| name.is_string());
    let left = name.unwrap_or(left);
    Ok(match (left, right) {
        (Value::String(left), Value::String(right)) if left.len() == right.len() => {
            budget.spend(left.len())?;
            left == right
        }
        (Value::Null, Value::String(right)) => right.is_empty(),
        (Value::Null | Value::Bool(_) | Value::Number(_), _) => left == right,
        _ => false,
    })
}

/// A text in a text, or a text, number, truth value or nothing in a list. Objects contain nothing.
fn contains(left: &Value, right: &Value, budget: &mut Budget) -> Result<bool, Spent> {
    match left {
        Value::Array(items) => {
            for item in items {
                budget.spend(LOOK)?;
                let is_found = match (item, right) {
                    // Nothing in a list is nothing, not an empty text.
                    (Value::Null, _) => right.is_null(),
                    _ => is_same(item, right, budget)?,
                };
                if is_found {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Value::Null | Value::Object(_) => Ok(false),
        _ if matches!(right, Value::Array(_) | Value::Object(_)) => Ok(false),
        Value::String(_) | Value::Number(_) | Value::Bool(_) => {
            let (left, right) = (Said::Given(left).text(budget)?, Said::Given(right).text(budget)?);
            Ok(!right.is_empty() && left.contains(&*right))
        }
    }
}

/// A value as it was given, or what filters made of it.
enum Said<'a> {
    Given(&'a Value),
    Made(String),
}

impl<'a> Said<'a> {
    /// As it is written: at most [`LONGEST`] bytes.
    fn text(self, budget: &mut Budget) -> Result<Cow<'a, str>, Spent> {
        let text = match self {
            Self::Made(text) => Cow::Owned(text),
            Self::Given(Value::Null) => Cow::Borrowed(""),
            Self::Given(Value::String(text)) => Cow::Borrowed(cut(text, LONGEST)),
            // `{{ tenant }}` is its name, as it is where the tenant is no more than that. Others say nothing.
            Self::Given(Value::Object(members)) => {
                Cow::Borrowed(cut(members.get("name").and_then(Value::as_str).unwrap_or_default(), LONGEST))
            }
            Self::Given(other) => Cow::Owned(printed(other)),
        };
        budget.spend(text.len())?;
        Ok(text)
    }

    fn is_missing(&self) -> bool {
        match self {
            Self::Given(Value::Null | Value::Bool(false)) => true,
            Self::Given(Value::String(text)) => text.is_empty(),
            Self::Given(_) => false,
            Self::Made(text) => text.is_empty(),
        }
    }
}

impl Filter {
    fn apply<'a>(self, value: Said<'a>, argument: &'a Value, budget: &mut Budget) -> Result<Said<'a>, Spent> {
        // Escaping is what writing into a page does anyhow, once.
        match self {
            Self::Default if value.is_missing() => return Ok(Said::Given(argument)),
            Self::Default | Self::Escape => return Ok(value),
            _ => {}
        }
        let said = value.text(budget)?;
        let made = match self {
            Self::Append => said.into_owned() + &Said::Given(argument).text(budget)?,
            Self::Prepend => Said::Given(argument).text(budget)?.into_owned() + &said,
            Self::Capitalize => {
                let mut letters = said.chars();
                let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
                first + letters.as_str()
            }
            Self::Downcase => said.to_lowercase(),
            Self::Strip => said.trim().to_owned(),
            Self::Upcase => said.to_uppercase(),
            Self::UrlEncode => percent_encoded(&said),
            Self::Default | Self::Escape => said.into_owned(),
        };
        budget.spend(made.len())?;
        Ok(Said::Made(cut(&made, LONGEST).to_owned()))
    }
}

/// What one value may hold: filters could make it grow without an end otherwise.
const LONGEST: usize = 64 * 1024;

fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most.min(text.len()))]
}

/// As JSON, of which no more is made than is shown.
fn printed(value: &Value) -> String {
    let mut short = Short(Vec::new());
    // Fails where it is cut.
    let _ = serde_json::to_writer(&mut short, value);
    let end = std::str::from_utf8(&short.0).map_or_else(|error| error.valid_up_to(), str::len);
    short.0.truncate(end);
    String::from_utf8(short.0).unwrap_or_default()
}

/// Takes [`LONGEST`] bytes.
struct Short(Vec<u8>);

impl std::io::Write for Short {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let taken = bytes.len().min(LONGEST - self.0.len());
        self.0.extend_from_slice(&bytes[..taken]);
        // Nothing taken is an error to whoever has something left to write.
        Ok(taken)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn rendered(template: &str, writing: Writing) -> String {
        let given = json!({"user": {"name": "Jane <b>", "email": "jane@example.com", "user_metadata": {"lang": "de"}, "tags": ["a"]}, "url": "https://a.example/?a=1&b=2", "off": false, "n": 3});
        Liquid::parse(template).unwrap().render(&given, writing, 10_000, &mut enough()).unwrap()
    }

    fn enough() -> Budget {
        Budget::new(4 << 20)
    }

    #[test]
    fn what_templates_say() {
        let plain = |template: &str| rendered(template, Writing::Plain);
        assert_eq!(plain("Hi {{ user.name }}, {{-user['user_metadata'].lang-}}!"), "Hi Jane <b>, de!");
        assert_eq!(plain("{{ nobody | default: 'x|y' | upcase }}{{ n }}"), "X|Y3");
        assert_eq!(plain("{% if user.user_metadata.lang == \"de\" %}ja{% else %}no{% endif %}"), "ja");
        assert_eq!(plain("{% if off %}1{% elsif nobody %}2{% elsif n == 3 and url %}3{% endif %}"), "3");
        assert_eq!(plain("{% unless off or nobody %}on{% else %}off{% endunless %}"), "on");
        assert_eq!(
            plain("{% if user.tags contains 'a' %}{% if nobody == '' %}in{% endif %}{% endif %}"),
            "in"
        );
        assert_eq!(plain("a{% comment %}{{ broken {% endcomment %}b"), "ab");
        assert_eq!(plain("{{ url | url_encode }}"), "https%3A%2F%2Fa.example%2F%3Fa%3D1%26b%3D2");
    }

    #[test]
    fn things_are_spoken_of_by_their_names() {
        let given =
            json!({"tenant": {"name": "acme", "support_email": "s"}, "user_metadata": {"lang": "de"}});
        let said = |text: &str| {
            Liquid::parse(text).unwrap().render(&given, Writing::Plain, 100, &mut enough()).unwrap()
        };
        assert_eq!(said("{{ tenant }} {{ tenant | upcase }} {{ tenant.name }}"), "acme ACME acme");
        assert_eq!(said("[{{ user_metadata }}]"), "[]");
        assert_eq!(said("{% if tenant == 'acme' and user_metadata %}yes{% endif %}"), "yes");
    }

    #[test]
    fn values_are_never_markup() {
        let html = |template: &str| rendered(template, Writing::Html);
        assert_eq!(html("<p>{{ user.name }}</p>"), "<p>Jane &lt;b&gt;</p>");
        assert_eq!(html("{{ user.name | escape }}"), "Jane &lt;b&gt;", "once");
        assert_eq!(html("<a href=\"{{ url }}\">"), "<a href=\"https://a.example/?a=1&amp;b=2\">");
    }

    #[test]
    fn what_cannot_be_read_names_the_line() {
        for (template, line) in [
            ("{{ a", 1),
            ("\n{% for x in (1..1000000000) %}{% endfor %}", 2),
            ("{% if a %}", 1),
            ("{% endif %}", 1),
            ("{% if a %}{% else %}{% else %}{% endif %}", 1),
            ("{{ a | date: '%Y' }}", 1),
            ("{% include 'x' %}", 1),
            ("{% if a b %}{% endif %}", 1),
            ("{{ a..b }}", 1),
            ("{% if %}{% endif %}", 1),
        ] {
            assert_eq!(Liquid::parse(template).unwrap_err().line, line, "{template}");
        }
        assert!(Liquid::parse(&"{% if a %}".repeat(1000)).is_err());
        assert!(Liquid::parse(&"{{ a }}".repeat(2001)).is_err());
        assert!(Liquid::parse(&format!("{{{{ a {} }}}}", "| strip ".repeat(17))).is_err());
        assert!(Liquid::parse(&format!("{{% if a {} %}}{{% endif %}}", "and a ".repeat(18))).is_err());
    }

    #[test]
    fn long_texts_are_cut() {
        let template = Liquid::parse("{{ a }}{{ a }}ä").unwrap();
        let cut = template.render(&json!({"a": "123"}), Writing::Plain, 7, &mut enough());
        assert_eq!(cut.unwrap(), "123123");
        let grows = format!("{{{{ a {} }}}}", "| append: a ".repeat(16));
        let long = "x".repeat(1 << 20);
        let given = json!({"a": long, "list": [long.as_str(), long.as_str()]});
        let grown =
            Liquid::parse(&grows).unwrap().render(&given, Writing::Html, 1 << 30, &mut Budget::new(8 << 20));
        assert!(grown.unwrap().len() <= 2 * LONGEST);
        let list = Liquid::parse("{{ list }}").unwrap();
        let printed = list.render(&given, Writing::Plain, 1 << 30, &mut enough()).unwrap();
        assert!(printed.len() == LONGEST && printed.starts_with("[\"x"));
    }

    #[test]
    fn only_texts_and_lists_contain_and_only_single_values_are_the_same() {
        let given = json!({"object": {"a": "b"}, "list": ["b", 1, null, {"a": "b"}], "text": "abc", "n": 31});
        for (condition, holds) in [
            ("object contains 'b'", false),
            ("object == object", false),
            ("object != object", true),
            ("object", true),
            ("list contains 'b'", true),
            ("list contains 1", true),
            ("list contains nil", true),
            ("list contains ''", false),
            ("list contains object", false),
            ("text contains 'bc'", true),
            ("text contains object", false),
            ("text contains ''", false),
            ("n contains 1", true),
            ("nobody contains 'a'", false),
            ("nobody == ''", true),
            ("nobody == nil", true),
            ("text == nobody", false),
            ("nobody or text == 'abc' and n == 31", true),
        ] {
            let template = Liquid::parse(&format!("{{% if {condition} %}}yes{{% endif %}}")).unwrap();
            let said = template.render(&given, Writing::Plain, 10, &mut enough()).unwrap();
            assert_eq!(said == "yes", holds, "{condition}");
        }
    }

    /// Each looks at half a megabyte, thousands of times, and stops where the budget does.
    #[test]
    fn a_short_template_with_a_large_user_is_given_up() {
        let many: serde_json::Map<String, Value> = (0..40_000).map(|n| (format!("k{n}"), n.into())).collect();
        let list: Vec<String> = (0..40_000).map(|n| n.to_string()).collect();
        let given = json!({"u": many, "list": list, "s": "x".repeat(500_000), "t": "x".repeat(500_000)});
        let if_often = |condition: &str| {
            let all = vec![condition; 16].join(" or ");
            format!("{{% if {all} %}}{{% endif %}}").repeat(100)
        };
        for template in [
            if_often("s contains 'y'"),
            if_often("s contains s"),
            if_often("s != t"),
            if_often("list contains 'y'"),
            "{{ list | upcase | downcase | strip }}".repeat(100),
            "{{ list | append: list | url_encode }}".repeat(100),
            "{{ s }}".repeat(100),
        ] {
            let read = Liquid::parse(&template).unwrap();
            let mut budget = enough();
            assert_eq!(
                read.render(&given, Writing::Html, 1 << 30, &mut budget),
                Err(Spent),
                "{template:.60}"
            );
        }
        // What cannot match is not looked at, however often it is asked.
        for condition in ["u contains 'y'", "u == u", "u contains u", "nobody contains u"] {
            let read = Liquid::parse(&if_often(condition)).unwrap();
            let mut budget = Budget::new(100_000);
            assert!(read.render(&given, Writing::Html, 1 << 30, &mut budget).is_ok(), "{condition}");
        }
    }

    proptest! {
        #[test]
        fn every_text_is_read_or_refused(text in "([{}%|'\". a-z=:-]|\\{\\{|\\{% if a %\\}|\\{% endif %\\}|ä){0,60}") {
            if let Ok(template) = Liquid::parse(&text) {
                let written = template.render(&json!({"a": "<"}), Writing::Html, 100, &mut enough()).unwrap();
                prop_assert!(written.len() <= 100);
            }
        }
    }
}
