//! Reading the one form of a hosted page.

use super::Pairs;

/// Where a form posts to and what it brings along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) action: String,
    pub(crate) hidden: Vec<(String, String)>,
    /// Names of all inputs, hidden ones too.
    pub(crate) inputs: Vec<String>,
    /// `name` and `value` of the buttons.
    pub(crate) buttons: Vec<(String, String)>,
}

impl Form {
    /// The first form of a page.
    pub(crate) fn find(html: &str) -> Option<Self> {
        let start = html.find("<form ")?;
        let form = &html[start..start + html[start..].find("</form>")?];
        let tags = |name: &'static str| {
            form.match_indices(name).map(|(at, _)| &form[at..at + form[at..].find('>').unwrap()])
        };
        let action = attribute(tags("<form ").next()?, "action")?;
        let inputs: Vec<&str> = tags("<input").collect();
        let named = |tag: &str| Some((attribute(tag, "name")?, attribute(tag, "value").unwrap_or_default()));
        let hidden = inputs.iter().filter(|tag| attribute(tag, "type").as_deref() == Some("hidden"));
        Some(Self {
            action,
            hidden: hidden.filter_map(|tag| named(tag)).collect(),
            inputs: inputs.iter().filter_map(|tag| attribute(tag, "name")).collect(),
            buttons: tags("<button").filter_map(named).collect(),
        })
    }

    /// The hidden inputs with what a user types.
    pub(crate) fn filled(&self, typed: Pairs<'_>) -> Vec<(String, String)> {
        let typed = typed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.hidden.iter().cloned().chain(typed).collect()
    }

    #[track_caller]
    pub(crate) fn value(&self, name: &str) -> String {
        let found = self.hidden.iter().find(|(n, _)| n == name);
        found.unwrap_or_else(|| panic!("no input {name}: {self:?}")).1.clone()
    }
}

/// An attribute of a tag, unescaped.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let lead = format!(" {name}=\"");
    let rest = &tag[tag.find(&lead)? + lead.len()..];
    Some(unescape(&rest[..rest.find('"')?]))
}

/// The escapes that templates write.
pub(crate) fn unescape(text: &str) -> String {
    [
        ("&#60;", "<"),
        ("&lt;", "<"),
        ("&#62;", ">"),
        ("&gt;", ">"),
        ("&#34;", "\""),
        ("&quot;", "\""),
        ("&#39;", "'"),
    ]
    .into_iter()
    .fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
    .replace("&#38;", "&")
    .replace("&amp;", "&")
}
