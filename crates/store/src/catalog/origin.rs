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
    /// Where applications with client certificates call (RFC 8705, section 5), no slash; `None` without TLS.
    pub certificate_base: Option<String>,
}

impl Origin {
    /// Where the service that we are compatible with has its aliases.
    pub const WITH_CERTIFICATES: &'static str = "https://mtls.{host}";

    /// With the origin for client certificates, made of its form: `{host}` is the host of this one, without its port. Browsers
    /// ask their users for certificates where a server asks for them, so it is never the same origin.
    #[must_use]
    pub fn with_certificates(self, form: &str) -> Self {
        let host =
            self.authority.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
        let base = form.replace("{host}", host.map_or(self.authority.as_str(), |(host, _)| host));
        let is_other = Self::parse(&base).is_some_and(|other| other.secure && other.base != self.base);
        Self { certificate_base: (self.secure && is_other).then_some(base), ..self }
    }

    /// The values of `Host` that mean the origin for client certificates.
    pub(crate) fn certificate_authorities(&self) -> Vec<String> {
        let beside = self.certificate_base.as_deref().and_then(Self::parse);
        beside.map(|origin| origin.authorities().collect()).unwrap_or_default()
    }

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
            certificate_base: None,
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
    fn certificates_have_an_origin_of_their_own() {
        let beside = |origin: &str, form: &str| {
            Origin::parse(origin).unwrap().with_certificates(form).certificate_base
        };
        let usual = Origin::WITH_CERTIFICATES;
        assert_eq!(beside("https://a.example", usual).as_deref(), Some("https://mtls.a.example"));
        assert_eq!(
            beside("https://a.example:4443", "https://{host}:4444").as_deref(),
            Some("https://a.example:4444")
        );
        assert_eq!(
            beside("https://[::1]:4443", "https://{host}:4444").as_deref(),
            Some("https://[::1]:4444")
        );
        assert_eq!(beside("http://a.example", usual), None, "certificates are shown in TLS");
        assert_eq!(beside("https://a.example", "https://{host}"), None, "the same origin");
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
