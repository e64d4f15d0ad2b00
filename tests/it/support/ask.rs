//! An authorize request, and where its answer lands.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::call::encode;
use super::{Answer, CALLBACK};

/// A request to `/authorize` as an application writes it.
#[derive(Clone, Debug)]
pub(crate) struct Ask(Vec<(String, String)>);

impl Ask {
    /// `response_type=code` with `state=xyz` and no audience.
    pub(crate) fn code(client_id: &str, scope: &str) -> Self {
        let ask = Self(Vec::new()).with("client_id", client_id).with("redirect_uri", CALLBACK);
        ask.with("response_type", "code").with("scope", scope).with("state", "xyz")
    }

    /// Nothing yet.
    pub(crate) fn empty() -> Self {
        Self(Vec::new())
    }

    /// Sets a parameter, in the place of an earlier one.
    pub(crate) fn with(self, name: &str, value: &str) -> Self {
        self.without(name).and(name, value)
    }

    /// Adds a parameter beside those there.
    pub(crate) fn and(mut self, name: &str, value: &str) -> Self {
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.retain(|(n, _)| n != name);
        self
    }

    /// PKCE with S256.
    pub(crate) fn challenged(self, verifier: &str) -> Self {
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(chancery_jose::sha256(verifier.as_bytes()));
        self.with("code_challenge", &challenge).with("code_challenge_method", "S256")
    }

    pub(crate) fn encoded(&self) -> String {
        let pairs: Vec<(&str, &str)> = self.0.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        encode(&pairs)
    }

    pub(crate) fn path(&self) -> String {
        format!("/authorize?{}", self.encoded())
    }
}

/// What an application finds in the URL it is called back at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Landing {
    /// The URL without what was added.
    pub(crate) url: String,
    /// `?` or `#`.
    pub(crate) by: char,
    pub(crate) params: Vec<(String, String)>,
}

impl Landing {
    #[track_caller]
    pub(crate) fn of(answer: &Answer) -> Self {
        let location = answer.location().unwrap_or_else(|| panic!("no redirect: {answer:?}"));
        let by = if location.contains('#') { '#' } else { '?' };
        let (url, added) = location.split_once(by).unwrap_or_else(|| panic!("nothing added: {location}"));
        let params = form_urlencoded::parse(added.as_bytes()).into_owned().collect();
        Self { url: url.to_owned(), by, params }
    }

    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub(crate) fn get(&self, name: &str) -> String {
        self.find(name).unwrap_or_else(|| panic!("no {name}: {self:?}")).to_owned()
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.params.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// Asserts an error and where the application's `state` is.
    #[track_caller]
    pub(crate) fn is_error(&self, error: &str, description: &str) {
        let found = (self.find("error"), self.find("error_description"), self.find("state"));
        assert_eq!(found, (Some(error), Some(description), Some("xyz")), "{self:?}");
        assert_eq!(self.find("iss"), Some(super::ISSUER), "RFC 9207");
        let given = ["code", "access_token", "id_token"];
        assert!(given.iter().all(|name| self.find(name).is_none()), "{self:?}");
    }
}
