//! Where a tenant is reached, and the names that follow from it.

use std::{borrow::Cow, sync::Arc};

/// A tenant with one of its origins: what a request's `Host` leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantHandle {
    /// The tenant.
    pub id: String,
    /// The origin the request came to.
    pub origin: Arc<Origin>,
}

/// One origin of a tenant with what is derived from it once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// `https://host[:port]`, no slash.
    pub base: String,
    /// `https://host[:port]/`: `iss`, with the slash.
    pub issuer: String,
    /// `host[:port]`, in lower case.
    pub authority: String,
    /// Whether it is https.
    pub secure: bool,
    /// `https://host[:port]/api/v2/`.
    pub management_audience: String,
    /// `https://host[:port]/userinfo`.
    pub userinfo_audience: String,
}

impl Origin {
    /// Reads `https://host[:port]` or `http://host[:port]`; a slash at the end is left out.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let base = text.trim_end_matches('/').to_ascii_lowercase();
        let (scheme, authority) = base.split_once("://")?;
        let secure = match scheme {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        if authority.is_empty() || authority.contains(['/', '?', '#', '@', ' ', '\\']) {
            return None;
        }
        Some(Self {
            issuer: format!("{base}/"),
            authority: authority.to_owned(),
            secure,
            management_audience: format!("{base}/api/v2/"),
            userinfo_audience: format!("{base}/userinfo"),
            base,
        })
    }

    /// The identifier of an API as clients see it: those of the server's own APIs are stored without the origin.
    #[must_use]
    pub fn absolute<'a>(&self, identifier: &'a str) -> Cow<'a, str> {
        if identifier.starts_with('/') {
            Cow::Owned(format!("{}{identifier}", self.base))
        } else {
            Cow::Borrowed(identifier)
        }
    }

    /// The values of `Host` that mean this origin.
    pub(crate) fn authorities(&self) -> impl Iterator<Item = String> {
        let port = if self.secure { ":443" } else { ":80" };
        let has_port = self.authority.rsplit(']').next().is_some_and(|tail| tail.contains(':'));
        let short = self.authority.strip_suffix(port).map(str::to_owned);
        let long = (!has_port).then(|| format!("{}{port}", self.authority));
        [Some(self.authority.clone()), short, long].into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_from_the_origin() {
        let origin = Origin::parse("https://Login.Example:4443/").unwrap();
        assert_eq!(origin.base, "https://login.example:4443");
        assert_eq!(origin.issuer, "https://login.example:4443/");
        assert_eq!(origin.management_audience, "https://login.example:4443/api/v2/");
        assert_eq!(origin.absolute("/api/v2/"), "https://login.example:4443/api/v2/");
        assert_eq!(origin.absolute("https://api.example/"), "https://api.example/");
        for bad in ["", "login.example", "ftp://a", "https://", "https://a/b", "https://u@a", "https://a?b"] {
            assert_eq!(Origin::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_default_port_may_be_said() {
        let all = |text| Origin::parse(text).unwrap().authorities().collect::<Vec<_>>();
        assert_eq!(all("https://a.example"), ["a.example", "a.example:443"]);
        assert_eq!(all("http://a.example:80"), ["a.example:80", "a.example"]);
        assert_eq!(all("http://localhost:4000"), ["localhost:4000"]);
        assert_eq!(all("https://[::1]"), ["[::1]", "[::1]:443"]);
        assert_eq!(all("http://[::1]:4000"), ["[::1]:4000"]);
    }
}
