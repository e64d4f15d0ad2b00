//! The part of Liquid that texts of mail are written in: outputs with filters, and conditions. There are no loops, no
//! includes and nothing else that could read what it was not given. Conditions and filters alone can look at much, many
//! times: [`Budget`] bounds that.
//!
//! ```text
//! Hello {{ user.name | default: "there" }}
//! {% if user.user_metadata.lang == "de" %}Willkommen{% elsif application.name %}Hi{% else %}Welcome{% endif %}
//! {% unless user.email_verified %}...{% endunless %} {% comment %}never shown{% endcomment %}
//! ```

mod parse;
mod render;

/// A template that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Liquid(Vec<Node>);

/// Why a template cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct LiquidError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

/// How values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing {
    /// Into a page: what a value holds is text, never markup, whether or not the template says `escape`.
    Html,
    /// Into plain text.
    Plain,
}

/// How many bytes rendering may yet look at and make. One is for all the parts of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget(usize);

impl Budget {
    /// So many bytes.
    pub fn new(bytes: usize) -> Self {
        Self(bytes)
    }
}

/// The budget is used up: what the template asks for is too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the template looks at too much")]
pub struct Spent;

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Text(String),
    Output(Output),
    /// The first branch whose condition holds; one without a condition always does.
    Branches(Vec<(Option<Condition>, Vec<Node>)>),
}

#[derive(Clone, Debug, PartialEq)]
struct Output {
    value: Operand,
    filters: Vec<(Filter, Option<Operand>)>,
}

#[derive(Clone, Debug, PartialEq)]
enum Operand {
    Literal(serde_json::Value),
    /// `user.user_metadata.lang`
    Path(Vec<String>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filter {
    Append,
    Capitalize,
    Default,
    Downcase,
    Escape,
    Prepend,
    Strip,
    Upcase,
    UrlEncode,
}

/// Joined from left to right, as written.
#[derive(Clone, Debug, PartialEq)]
struct Condition {
    first: Comparison,
    rest: Vec<(bool, Comparison)>,
    /// `unless`.
    negated: bool,
}

#[derive(Clone, Debug, PartialEq)]
struct Comparison {
    left: Operand,
    operator: Option<(Operator, Operand)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Contains,
}
