//! Settings of security keys, and for whom credentials are made.

use serde::Deserialize;

use super::Verification;

/// What an administrator sets for `webauthn-roaming` and `webauthn-platform`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct KeySettings {
    /// Whether authenticators make sure who it is; of roaming ones alone.
    pub user_verification: Verification,
    /// Whether the next one counts.
    pub override_relying_party: bool,
    /// A domain above that of the tenant, whose credentials may be used on all of its hosts.
    pub relying_party_identifier: Option<String>,
}

impl KeySettings {
    /// The relying party at a host.
    pub fn relying_party<'a>(&'a self, host: &'a str) -> &'a str {
        let other = self.relying_party_identifier.as_deref().filter(|_| self.override_relying_party);
        relying_party(host, other)
    }
}

/// The host itself, or a domain above it where one is set. A domain that is not above it no browser would take; neither do we
/// (security case 22: `badexample.com` is not below `example.com`).
pub fn relying_party<'a>(host: &'a str, other: Option<&'a str>) -> &'a str {
    let is_above = |domain: &&str| {
        let below = host.strip_suffix(*domain).and_then(|start| start.strip_suffix('.'));
        domain.contains('.') && (host == *domain || below.is_some_and(|start| !start.is_empty()))
    };
    other.filter(is_above).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relying_party_is_the_host_or_above_it() {
        let cases = [
            ("login.example.com", None, "login.example.com"),
            ("login.example.com", Some("example.com"), "example.com"),
            ("login.example.com", Some("login.example.com"), "login.example.com"),
            ("badexample.com", Some("example.com"), "badexample.com"),
            ("example.com", Some("login.example.com"), "example.com"),
            ("login.example.com", Some("com"), "login.example.com"),
            ("login.example.com", Some(""), "login.example.com"),
            (".example.com", Some("example.com"), ".example.com"),
            ("localhost", Some("example.com"), "localhost"),
        ];
        for (host, other, expected) in cases {
            assert_eq!(relying_party(host, other), expected, "{host} {other:?}");
        }
        let settings: KeySettings = serde_json::from_str(
            r#"{"userVerification": "required", "overrideRelyingParty": false, "relyingPartyIdentifier": "example.com"}"#,
        )
        .unwrap();
        assert_eq!(settings.relying_party("a.example.com"), "a.example.com", "it is not switched on");
        assert_eq!(settings.user_verification, Verification::Required);
    }
}
