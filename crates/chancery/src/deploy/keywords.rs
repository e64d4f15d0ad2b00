//! `##NAME##` and `@@NAME@@` in files: the first is replaced by a text as it stands, the second by a value as JSON, with the
//! quotes around it. What nobody gives a value stays as it is at first: a secret is then left out, anything else refused.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

/// What names stand for.
#[derive(Clone, Default)]
pub(crate) struct Keywords {
    given: Map<String, Value>,
    from_environment: Option<fn(&str) -> Option<String>>,
    from_file: Map<String, Value>,
}

impl Keywords {
    /// `--var NAME=VALUE` wins over the environment, which wins over `AUTH0_KEYWORD_REPLACE_MAPPINGS` of a `--config` file.
    pub(crate) fn of(
        variables: &[String],
        config: Option<&Path>,
        environment: fn(&str) -> Option<String>,
    ) -> Result<Self> {
        let mut given = Map::new();
        for variable in variables {
            let Some((name, value)) = variable.split_once('=') else {
                bail!("--var {variable}: it is NAME=VALUE")
            };
            given.insert(name.to_owned(), value.into());
        }
        let from_file = config.map(mappings).transpose()?.unwrap_or_default();
        Ok(Self { given, from_environment: Some(environment), from_file })
    }

    /// The text with every known name put in.
    pub(super) fn put_into(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, marker, name, after)) = next_marker(rest) {
            let Some(value) = self.value(name) else {
                let kept = before.len() + marker.len();
                out.push_str(&rest[..kept]);
                rest = &rest[kept..];
                continue;
            };
            match marker.as_bytes()[0] {
                b'#' => {
                    out.push_str(before);
                    out.push_str(&value.as_str().map_or_else(|| value.to_string(), str::to_owned));
                    rest = after;
                }
                _ => {
                    let quoted =
                        ['"', '\''].into_iter().find(|q| before.ends_with(*q) && after.starts_with(*q));
                    out.push_str(quoted.and_then(|q| before.strip_suffix(q)).unwrap_or(before));
                    out.push_str(&value.to_string());
                    rest = quoted.and_then(|q| after.strip_prefix(q)).unwrap_or(after);
                }
            }
        }
        out.push_str(rest);
        out
    }

    /// The first marker of a text that nothing is given for.
    pub(super) fn unfilled<'a>(&self, text: &'a str) -> Option<&'a str> {
        let mut rest = text;
        while let Some((before, marker, name, _)) = next_marker(rest) {
            if self.value(name).is_none() {
                return Some(marker);
            }
            rest = &rest[before.len() + marker.len()..];
        }
        None
    }

    fn value(&self, name: &str) -> Option<Value> {
        let environment = || self.from_environment.and_then(|look| look(name)).map(Value::from);
        self.given.get(name).cloned().or_else(environment).or_else(|| self.from_file.get(name).cloned())
    }
}

/// Shows names only: values are secrets.
impl std::fmt::Debug for Keywords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.given.keys().chain(self.from_file.keys())).finish()
    }
}

fn mappings(path: &Path) -> Result<Map<String, Value>> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).with_context(|| shown.to_string())?;
    let mut config: Value = serde_json::from_str(&text).with_context(|| shown.to_string())?;
    match config["AUTH0_KEYWORD_REPLACE_MAPPINGS"].take() {
        Value::Null => Ok(Map::new()),
        Value::Object(mappings) => Ok(mappings),
        _ => bail!("{shown}: AUTH0_KEYWORD_REPLACE_MAPPINGS is an object of names and values"),
    }
}

/// What stands before the next marker, the marker, its name, and what stands after it.
fn next_marker(text: &str) -> Option<(&str, &str, &str, &str)> {
    let mut from = 0;
    while let Some(found) = text[from..].find(['#', '@']) {
        let start = from + found;
        let fence = if text[start..].starts_with("##") { "##" } else { "@@" };
        let name = text[start..].strip_prefix(fence).map(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            &rest[..end]
        });
        if let Some(name) = name.filter(|name| !name.is_empty()) {
            let end = start + fence.len() + name.len();
            if let Some(after) = text[end..].strip_prefix(fence) {
                return Some((&text[..start], &text[start..end + fence.len()], name, after));
            }
        }
        from = start + 1;
    }
    None
}

/// Whether a text is one marker that nobody gave a value for.
pub(super) fn is_marker(text: &str) -> bool {
    next_marker(text).is_some_and(|(before, _, _, after)| before.is_empty() && after.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn keywords() -> Keywords {
        let environment = |name: &str| (name == "FROM_ENV").then(|| "e".to_owned());
        let file = tempfile::NamedTempFile::new().unwrap();
        let config = json!({"AUTH0_KEYWORD_REPLACE_MAPPINGS": {"LIST": ["a", "b"], "FROM_ENV": "f", "N": 5}});
        std::fs::write(file.path(), config.to_string()).unwrap();
        Keywords::of(&["HOST=a.example".to_owned()], Some(file.path()), environment).unwrap()
    }

    #[test]
    fn what_is_put_in() {
        let put = |text: &str| keywords().put_into(text);
        assert_eq!(put("https://##HOST##/x ##FROM_ENV## ##N##"), "https://a.example/x e 5");
        assert_eq!(
            put("x: @@LIST@@, y: \"@@LIST@@\", z: '@@N@@'"),
            "x: [\"a\",\"b\"], y: [\"a\",\"b\"], z: 5"
        );
        assert_eq!(put("@@HOST@@"), "\"a.example\"");
        for same in ["##NONE##", "# ## not", "####", "a@b.example", "##a b##", "@@", "ü##"] {
            assert_eq!(put(same), same);
        }
        assert_eq!(put("##NONE####HOST##"), "##NONE##a.example");
    }

    #[test]
    fn markers() {
        assert!(is_marker("##SECRET##") && is_marker("@@A@@"));
        assert!(!is_marker("a ##SECRET##") && !is_marker("##") && !is_marker(""));
    }

    #[test]
    fn values_are_not_shown() {
        let shown = format!("{:?}", keywords());
        assert!(shown.contains("HOST") && !shown.contains("a.example"), "{shown}");
    }
}
