//! Members of a registration, each read within its bounds. A member that is `null` or an empty text is not there.

use serde_json::{Map, Value, json};
use url::Url;

use super::{RegistrationError, Result};

/// The whole of it.
pub(super) struct Members<'a> {
    pub(super) all: &'a Map<String, Value>,
    pub(super) plain_http: bool,
}

const LONGEST_URL: usize = 2000;
const MOST_KEYS: usize = 20;
/// Members that a public key never has.
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

impl Members<'_> {
    pub(super) fn is_there(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    fn find(&self, name: &str) -> Option<&Value> {
        self.all.get(name).filter(|value| !value.is_null() && value.as_str() != Some(""))
    }

    /// A text of at most so many bytes.
    pub(super) fn text(&self, name: &str, most: usize) -> Result<Option<String>> {
        let Some(value) = self.find(name) else { return Ok(None) };
        match value.as_str() {
            Some(text) if text.len() <= most => Ok(Some(text.to_owned())),
            _ => Err(bad(name, format!("must be a text of at most {most} bytes"))),
        }
    }

    /// One of a few words.
    pub(super) fn one_of(&self, name: &str, known: &[&str]) -> Result<Option<String>> {
        let Some(value) = self.find(name) else { return Ok(None) };
        match value.as_str().filter(|text| known.contains(text)) {
            Some(text) => Ok(Some(text.to_owned())),
            None => Err(bad(name, format!("must be one of {}", known.join(", ")))),
        }
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool> {
        Ok(self.flag_or_none(name)?.unwrap_or(false))
    }

    /// As [`Members::flag`], where saying nothing is another thing than saying no.
    pub(super) fn flag_or_none(&self, name: &str) -> Result<Option<bool>> {
        match self.find(name).map(Value::as_bool) {
            None => Ok(None),
            Some(Some(flag)) => Ok(Some(flag)),
            Some(None) => Err(bad(name, "must be true or false")),
        }
    }

    /// Whole, and not negative.
    pub(super) fn seconds(&self, name: &str) -> Result<Option<i64>> {
        let Some(value) = self.find(name) else { return Ok(None) };
        match value.as_i64().filter(|seconds| (0..=i64::from(i32::MAX)).contains(seconds)) {
            Some(seconds) => Ok(Some(seconds)),
            None => Err(bad(name, "must be a whole number of seconds")),
        }
    }

    /// A list of at most so many texts of at most so many bytes; empty where it is not there.
    pub(super) fn texts(&self, name: &str, most: usize, longest: usize) -> Result<Vec<String>> {
        let Some(value) = self.find(name) else { return Ok(Vec::new()) };
        let texts: Option<Vec<String>> = value.as_array().and_then(|all| {
            all.iter()
                .map(|one| one.as_str().filter(|text| text.len() <= longest).map(str::to_owned))
                .collect()
        });
        texts.filter(|texts| texts.len() <= most).ok_or_else(|| {
            bad(name, format!("must be a list of at most {most} texts of at most {longest} bytes"))
        })
    }

    /// The same of words that stand in a list separated by spaces.
    pub(super) fn words(&self, name: &str, most: usize) -> Result<Vec<String>> {
        let words = self.texts(name, most, 255)?;
        match words.iter().any(|word| word.is_empty() || !word.bytes().all(|byte| byte.is_ascii_graphic())) {
            true => Err(bad(name, "must list values without spaces")),
            false => Ok(words),
        }
    }

    /// A page or picture that people are shown or led to.
    pub(super) fn web_url(&self, name: &str) -> Result<Option<String>> {
        let Some(text) = self.text(name, LONGEST_URL)? else { return Ok(None) };
        match is_url(&text, &["https", "http"]) {
            true => Ok(Some(text)),
            false => Err(bad(name, "must be an https URL without user information")),
        }
    }

    /// A page that browsers are led to with something to say: on the way nobody reads it (OpenID Connect Core 4).
    pub(super) fn secure_page(&self, name: &str) -> Result<Option<String>> {
        let Some(text) = self.text(name, LONGEST_URL)? else { return Ok(None) };
        match is_url(&text, &["https"]) && !text.contains('#') {
            true => Ok(Some(text)),
            false => Err(bad(name, "must be an https URL without user information and fragment")),
        }
    }

    /// Where a document lies that this server fetches.
    pub(super) fn document(&self, name: &str) -> Result<Option<String>> {
        let Some(text) = self.text(name, LONGEST_URL)? else { return Ok(None) };
        match self.is_document(&text) && !text.contains('#') {
            true => Ok(Some(text)),
            false => Err(bad(name, "must be an https URL without user information and fragment")),
        }
    }

    /// The same of several. A fragment only tells versions of a document apart (OpenID Connect Core 6.2).
    pub(super) fn documents(&self, name: &str, most: usize) -> Result<Vec<String>> {
        let all = self.texts(name, most, LONGEST_URL)?;
        match all.iter().all(|url| self.is_document(url)) {
            true => Ok(all),
            false => Err(bad(name, "must list https URLs without user information")),
        }
    }

    fn is_document(&self, text: &str) -> bool {
        is_url(text, if self.plain_http { &["https", "http"] } else { &["https"] })
    }

    /// A set of public keys, each with the members that keys have (RFC 7517, section 4): texts and lists of texts. Others must be
    /// ignored, and what is nested as deep as JSON may be could not be read again once it lies within a document.
    pub(super) fn key_set(&self, name: &str) -> Result<Option<Value>> {
        let Some(value) = self.find(name) else { return Ok(None) };
        let keys =
            value.get("keys").and_then(Value::as_array).filter(|keys| (1..=MOST_KEYS).contains(&keys.len()));
        let keys =
            keys.ok_or_else(|| bad(name, format!("must be a JSON Web Key Set of 1 to {MOST_KEYS} keys")))?;
        let mut kept = Vec::with_capacity(keys.len());
        for key in keys {
            let Some(members) = key.as_object() else { return Err(bad(name, "has a key that is no object")) };
            if PRIVATE.iter().any(|private| members.contains_key(*private)) {
                return Err(bad(name, "has a private key: send public ones, and use that one no more"));
            }
            let flat = members.iter().filter(|(_, value)| is_flat(value));
            kept.push(Value::Object(flat.map(|(name, value)| (name.clone(), value.clone())).collect()));
        }
        Ok(Some(json!({ "keys": kept })))
    }
}

fn is_flat(value: &Value) -> bool {
    value.is_string() || value.as_array().is_some_and(|all| all.iter().all(Value::is_string))
}

/// Plain, so that nobody reads another host in it.
fn is_url(text: &str, schemes: &[&str]) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    schemes.contains(&url.scheme())
        && text.get(url.scheme().len()..).is_some_and(|rest| rest.starts_with("://"))
        && url.host_str().is_some_and(|host| !host.is_empty())
        && url.username().is_empty()
        && url.password().is_none()
        && text.bytes().all(|byte| byte.is_ascii_graphic())
        && !text.contains('\\')
}

fn bad(name: &str, why: impl std::fmt::Display) -> RegistrationError {
    RegistrationError::metadata(format!("{name} {why}"))
}
