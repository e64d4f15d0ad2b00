//! The sentences of the pages: one JSON file per language, keyed `screen.name`, with `${name}` for what is filled in.

use std::{collections::BTreeMap, sync::Arc};

use serde::Deserialize;

use crate::Language;

/// The texts of every language, read once when the server starts.
#[derive(Clone, Debug)]
pub struct TextCatalog {
    languages: Vec<Arc<Texts>>,
}

/// The texts of one language.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    language: Language,
    texts: BTreeMap<String, String>,
}

/// A text file: screen, then name, then text.
#[derive(Deserialize)]
struct TextFile(BTreeMap<String, BTreeMap<String, String>>);

impl TextCatalog {
    /// The texts that come with the server.
    ///
    /// # Errors
    /// A text file is not of the shape `{screen: {name: text}}`; the tests of this file rule that out.
    pub fn built_in() -> Result<Self, serde_json::Error> {
        let languages = Language::ALL.into_iter().map(|language| Texts::built_in(language).map(Arc::new));
        Ok(Self { languages: languages.collect::<Result<_, _>>()? })
    }

    /// The texts of a language.
    pub fn of(&self, language: Language) -> Arc<Texts> {
        self.languages.iter().find(|texts| texts.language == language).cloned().unwrap_or_default()
    }
}

impl Texts {
    fn built_in(language: Language) -> Result<Self, serde_json::Error> {
        let TextFile(screens) = serde_json::from_str(source(language))?;
        let texts = screens.into_iter().flat_map(|(screen, texts)| {
            texts.into_iter().map(move |(name, text)| (format!("{screen}.{name}"), text))
        });
        Ok(Self { language, texts: texts.collect() })
    }

    /// The language the texts are in.
    pub fn language(&self) -> Language {
        self.language
    }

    /// The text of a key. An unknown key is its own text: a page with a strange word is better than none.
    pub fn say<'a>(&'a self, key: &'a str) -> &'a str {
        self.texts.get(key).map_or(key, String::as_str)
    }

    /// The text of a key with every `${name}` replaced. What is filled in is not searched for names again. The result is
    /// text, not HTML: whoever puts it on a page escapes it.
    pub fn fill(&self, key: &str, values: &[(&str, &str)]) -> String {
        let mut filled = String::new();
        let mut rest = self.say(key);
        while let Some((before, name, after)) = next_placeholder(rest) {
            filled.push_str(before);
            match values.iter().find(|(known, _)| *known == name) {
                Some((_, value)) => filled.push_str(value),
                None => filled.push_str(&rest[before.len()..rest.len() - after.len()]),
            }
            rest = after;
        }
        filled.push_str(rest);
        filled
    }
}

/// What stands before the next `${name}`, the name, and what stands after it.
fn next_placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let (before, opened) = text.split_once("${")?;
    let (name, after) = opened.split_once('}')?;
    Some((before, name, after))
}

fn source(language: Language) -> &'static str {
    match language {
        Language::English => include_str!("../text/en.json"),
        Language::German => include_str!("../text/de.json"),
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    fn texts(language: Language) -> Texts {
        Texts::built_in(language).expect("the text file is well formed")
    }

    fn placeholders(mut text: &str) -> BTreeSet<&str> {
        let mut names = BTreeSet::new();
        while let Some((_, name, after)) = next_placeholder(text) {
            names.insert(name);
            text = after;
        }
        names
    }

    #[test]
    fn every_language_has_the_same_keys_and_placeholders() {
        let english = texts(Language::English);
        for language in Language::ALL {
            let other = texts(language);
            let keys = |texts: &Texts| texts.texts.keys().cloned().collect::<Vec<_>>();
            assert_eq!(keys(&other), keys(&english), "{language:?}");
            for (key, text) in &english.texts {
                assert_eq!(placeholders(other.say(key)), placeholders(text), "{language:?} {key}");
                assert!(!other.say(key).trim().is_empty(), "{language:?} {key} is empty");
            }
        }
    }

    #[test]
    fn every_key_is_used_and_every_used_key_exists() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut sources = String::new();
        for folder in ["templates", "src", "src/pages"] {
            for entry in fs::read_dir(root.join(folder)).expect("the folder is there") {
                let path = entry.expect("it can be listed").path();
                if path.is_file() {
                    sources.push_str(&fs::read_to_string(path).expect("it is text"));
                }
            }
        }
        let english = texts(Language::English);
        for key in english.texts.keys() {
            assert!(sources.contains(&format!("\"{key}\"")), "{key} is used nowhere");
        }
        let screens: BTreeSet<&str> = english.texts.keys().filter_map(|key| key.split('.').next()).collect();
        for quoted in sources
            .split('"')
            .filter(|quoted| quoted.bytes().all(|b| b.is_ascii_lowercase() || b"._".contains(&b)))
        {
            let is_key = quoted
                .split_once('.')
                .is_some_and(|(screen, name)| screens.contains(screen) && name != "html");
            assert!(!is_key || english.texts.contains_key(quoted), "{quoted} has no text");
        }
    }

    #[test]
    fn what_is_filled_in_is_not_filled_again() {
        let texts = Texts {
            language: Language::English,
            texts: BTreeMap::from([("a.b".into(), "<${one}> and ${two}, ${three} ${".into())]),
        };
        let filled = texts.fill("a.b", &[("one", "${two}"), ("two", "2")]);
        assert_eq!(filled, "<${two}> and 2, ${three} ${");
        assert_eq!(texts.fill("no.such", &[]), "no.such");
    }
}
