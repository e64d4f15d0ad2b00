//! Writes templates with what they are given.

use serde_json::Value;

use super::{Comparison, Condition, Filter, Liquid, Node, Operand, Operator, Output, Writing};

impl Liquid {
    /// The text; what the template names and was not given is empty. Cut off at `most` bytes.
    pub fn render(&self, given: &Value, writing: Writing, most: usize) -> String {
        let mut out = String::new();
        write(&self.0, given, writing, most, &mut out);
        out
    }
}

fn write(nodes: &[Node], given: &Value, writing: Writing, most: usize, out: &mut String) {
    for node in nodes {
        if out.len() >= most {
            return;
        }
        match node {
            Node::Text(text) => push(text, most, out),
            Node::Output(output) => push(&output.text(given, writing), most, out),
            Node::Branches(branches) => {
                let holds = |condition: &Option<Condition>| condition.as_ref().is_none_or(|c| c.holds(given));
                if let Some((_, nodes)) = branches.iter().find(|(condition, _)| holds(condition)) {
                    write(nodes, given, writing, most, out);
                }
            }
        }
    }
}

fn push(text: &str, most: usize, out: &mut String) {
    let room = most.saturating_sub(out.len());
    let end = text.floor_char_boundary(room.min(text.len()));
    out.push_str(&text[..end]);
}

impl Output {
    fn text(&self, given: &Value, writing: Writing) -> String {
        let mut value = self.value.of(given);
        for (filter, argument) in &self.filters {
            let argument = argument.as_ref().map(|argument| argument.of(given)).unwrap_or_default();
            value = filter.apply(value, &argument);
        }
        match writing {
            Writing::Html => escaped(&text(&value)),
            Writing::Plain => text(&value),
        }
    }
}

impl Filter {
    fn apply(self, value: Value, argument: &Value) -> Value {
        let said = text(&value);
        match self {
            Self::Append => (said + &text(argument)).into(),
            Self::Capitalize => {
                let mut letters = said.chars();
                let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
                (first + letters.as_str()).into()
            }
            Self::Default if said.is_empty() || value == Value::Bool(false) => argument.clone(),
            // Escaping is what writing into a page does anyhow, once.
            Self::Default | Self::Escape => value,
            Self::Downcase => said.to_lowercase().into(),
            Self::Prepend => (text(argument) + &said).into(),
            Self::Strip => said.trim().into(),
            Self::Upcase => said.to_uppercase().into(),
            Self::UrlEncode => percent_encoded(&said).into(),
        }
    }
}

impl Condition {
    fn holds(&self, given: &Value) -> bool {
        let mut holds = self.first.holds(given);
        for (both, next) in &self.rest {
            holds = if *both { holds && next.holds(given) } else { holds || next.holds(given) };
        }
        holds != self.negated
    }
}

impl Comparison {
    fn holds(&self, given: &Value) -> bool {
        let left = self.left.of(given);
        match &self.operator {
            None => !matches!(left, Value::Null | Value::Bool(false)),
            Some((Operator::Equal, right)) => is_same(&left, &right.of(given)),
            Some((Operator::NotEqual, right)) => !is_same(&left, &right.of(given)),
            Some((Operator::Contains, right)) => {
                let right = right.of(given);
                match &left {
                    Value::Array(items) => items.contains(&right),
                    left => !text(&right).is_empty() && text(left).contains(&text(&right)),
                }
            }
        }
    }
}

/// What is not there is as good as empty: `{% if name == "" %}` and `{% if name == blank %}`.
fn is_same(left: &Value, right: &Value) -> bool {
    left == right || (left.is_null() && *right == Value::String(String::new())) || named(left) == Some(right)
}

impl Operand {
    fn of(&self, given: &Value) -> Value {
        match self {
            Self::Literal(value) => value.clone(),
            Self::Path(parts) => {
                let mut at = given;
                for part in parts {
                    match at.get(part.as_str()) {
                        Some(next) => at = next,
                        None => return Value::Null,
                    }
                }
                at.clone()
            }
        }
    }
}

/// What one value may hold: filters could make it grow without an end otherwise.
const LONGEST: usize = 64 * 1024;

fn text(value: &Value) -> String {
    let mut text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        // `{{ tenant }}` is its name, as it is where the tenant is no more than that. Others say nothing.
        Value::Object(_) => named(value).and_then(Value::as_str).unwrap_or_default().to_owned(),
        other => other.to_string(),
    };
    text.truncate(text.floor_char_boundary(LONGEST.min(text.len())));
    text
}

/// What stands for a thing of several members.
fn named(value: &Value) -> Option<&Value> {
    value.as_object()?.get("name")
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

fn percent_encoded(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    text.bytes()
        .map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn rendered(template: &str, writing: Writing) -> String {
        let given = json!({"user": {"name": "Jane <b>", "email": "jane@example.com", "user_metadata": {"lang": "de"}, "tags": ["a"]}, "url": "https://a.example/?a=1&b=2", "off": false, "n": 3});
        Liquid::parse(template).unwrap().render(&given, writing, 10_000)
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
        let said = |text: &str| Liquid::parse(text).unwrap().render(&given, Writing::Plain, 100);
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
        assert_eq!(template.render(&json!({"a": "123"}), Writing::Plain, 7), "123123");
        let grows = format!("{{{{ a {} }}}}", "| append: a ".repeat(16));
        let long = "x".repeat(1 << 20);
        let made = Liquid::parse(&grows).unwrap().render(&json!({"a": long}), Writing::Html, 1 << 30);
        assert!(made.len() <= 2 * LONGEST, "{}", made.len());
    }

    proptest! {
        #[test]
        fn every_text_is_read_or_refused(text in "([{}%|'\". a-z=:-]|\\{\\{|\\{% if a %\\}|\\{% endif %\\}|ä){0,60}") {
            if let Ok(template) = Liquid::parse(&text) {
                let written = template.render(&json!({"a": "<"}), Writing::Html, 100);
                prop_assert!(written.len() <= 100);
            }
        }
    }
}
