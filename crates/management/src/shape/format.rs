//! Formats of texts. Each is a name for people and a test.

/// What a text must look like beyond its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `<` and `>` are refused, so that a name shows nothing but itself wherever it is shown.
    NoAngleBrackets,
    /// Letters, digits and single hyphens between them.
    ConnectionName,
    /// E.164.
    Phone,
    /// No white space.
    NoSpace,
    /// 10 to 64 of `A-Z a-z 0-9 _ -`.
    Kid,
    /// An address mail can be sent to.
    Email,
    /// That, or nothing.
    EmailOrEmpty,
    /// RFC 3339.
    DateTime,
    /// An absolute URI.
    Uri,
    /// That, or nothing.
    UriOrEmpty,
    /// An absolute `https` URI, or nothing.
    HttpsOrEmpty,
    /// An absolute URI, with placeholders perhaps.
    Url,
    /// An absolute `http` or `https` URL.
    WebUrl,
    /// Where a browser may be sent back to: an absolute URI without a fragment that runs nothing.
    CallbackUrl,
    /// Lower case letters, digits, `_` and `-`, the first neither of the two.
    OrganizationName,
    /// `#abc` or `#aabbcc`.
    HtmlColor,
    /// An address of the internet protocol, or a network of them.
    IpOrNetwork,
    /// `org_` + 16.
    OrganizationId,
    /// `cred_` + 22 or so.
    CredentialId,
    /// A client id.
    ClientId,
    /// `PROVIDER|ID`.
    UserId,
    /// `cop_` and 14 to 32 letters and digits.
    ConnectionProfileId,
    /// `uap_` and as many.
    UserAttributeProfileId,
    /// ISO 3166-1 alpha-2, in capitals.
    CountryCode,
    /// RFC 9562.
    Uuid,
    /// A name in the DNS.
    Hostname,
}

const NAMES: [(Format, &str); 26] = [
    (Format::NoAngleBrackets, "no-angle-brackets"),
    (Format::ConnectionName, "connection-name"),
    (Format::Phone, "phone"),
    (Format::NoSpace, "no-space"),
    (Format::Kid, "kid"),
    (Format::Email, "email"),
    (Format::EmailOrEmpty, "email-or-empty"),
    (Format::DateTime, "date-time"),
    (Format::Uri, "uri"),
    (Format::UriOrEmpty, "uri-or-empty"),
    (Format::HttpsOrEmpty, "https-or-empty"),
    (Format::Url, "url"),
    (Format::WebUrl, "web-url"),
    (Format::CallbackUrl, "callback-url"),
    (Format::OrganizationName, "organization-name"),
    (Format::HtmlColor, "html-color"),
    (Format::IpOrNetwork, "ip-or-network"),
    (Format::OrganizationId, "organization-id"),
    (Format::CredentialId, "credential-id"),
    (Format::ClientId, "client-id"),
    (Format::UserId, "user-id"),
    (Format::ConnectionProfileId, "connection-profile-id"),
    (Format::UserAttributeProfileId, "user-attribute-profile-id"),
    (Format::CountryCode, "country-code"),
    (Format::Uuid, "uuid"),
    (Format::Hostname, "hostname"),
];

impl Format {
    /// As shape files and errors spell it.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(format, _)| *format == self).map_or("", |(_, name)| name)
    }

    /// The reverse.
    pub fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(_, known)| *known == name).map(|(format, _)| *format)
    }

    /// Whether a text has the format.
    pub fn fits(self, text: &str) -> bool {
        match self {
            Self::NoAngleBrackets => !text.is_empty() && !text.contains(['<', '>']),
            Self::ConnectionName => is_connection_name(text),
            Self::Phone => {
                let digits = text.strip_prefix('+').unwrap_or_default();
                (1..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
            }
            Self::NoSpace => !text.contains(char::is_whitespace),
            Self::Kid => {
                (10..=64).contains(&text.len())
                    && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
            }
            Self::Email => chancery_connect::users::email(text).is_ok(),
            Self::EmailOrEmpty => text.is_empty() || Self::Email.fits(text),
            Self::DateTime => chancery_core::iso::parse_ms(text).is_some(),
            Self::Uri | Self::Url => scheme(text).is_some(),
            Self::WebUrl => {
                (text.starts_with("https://") || text.starts_with("http://")) && Self::Uri.fits(text)
            }
            Self::UriOrEmpty => text.is_empty() || Self::Uri.fits(text),
            Self::HttpsOrEmpty => text.is_empty() || text.starts_with("https://") && Self::Uri.fits(text),
            Self::CallbackUrl => {
                // A fragment cannot be told from the answer's own (RFC 6749, section 3.1.2); the schemes named run
                // or show what they carry.
                let runs = |scheme: &str| {
                    ["javascript", "data", "vbscript", "blob", "about"]
                        .iter()
                        .any(|bad| scheme.eq_ignore_ascii_case(bad))
                };
                scheme(text).is_some_and(|scheme| !runs(scheme)) && !text.contains('#')
            }
            Self::OrganizationName => {
                let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
                text.bytes().next().is_some_and(fits)
                    && text.bytes().all(|b| fits(b) || matches!(b, b'-' | b'_'))
            }
            Self::HtmlColor => text.strip_prefix('#').is_some_and(|digits| {
                matches!(digits.len(), 3 | 6) && digits.bytes().all(|b| b.is_ascii_hexdigit())
            }),
            Self::IpOrNetwork => is_ip_or_network(text),
            Self::OrganizationId => is_prefixed(text, "org_"),
            Self::CredentialId => is_prefixed(text, "cred_"),
            Self::ClientId => {
                (1..=64).contains(&text.len())
                    && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
            }
            Self::UserId => (1..=1024).contains(&text.len()) && !text.contains(char::is_control),
            Self::ConnectionProfileId => is_prefixed(text, "cop_"),
            Self::UserAttributeProfileId => is_prefixed(text, "uap_"),
            Self::CountryCode => text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase()),
            Self::Uuid => is_uuid(text),
            Self::Hostname => is_hostname(text),
        }
    }
}

/// The scheme of an absolute URI without spaces and control characters.
fn scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once(':')?;
    let good = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
        && !rest.is_empty()
        && !text.contains(|c: char| c.is_whitespace() || c.is_control());
    good.then_some(scheme)
}

fn is_connection_name(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
        && !text.contains("--")
}

fn is_ip_or_network(text: &str) -> bool {
    let (address, length) =
        text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
    let Ok(address) = address.parse::<std::net::IpAddr>() else { return false };
    let longest = if address.is_ipv4() { 32 } else { 128 };
    length.is_none_or(|length| length.parse::<u8>().is_ok_and(|length| length <= longest))
}

fn is_uuid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
}

fn is_hostname(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    text.len() <= 253 && text.split('.').all(is_label)
}

fn is_prefixed(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|rest| {
        (14..=32).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_alphanumeric())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back() {
        for (format, name) in NAMES {
            assert_eq!(Format::named(name), Some(format));
            assert_eq!(format.name(), name);
        }
    }

    #[test]
    fn fits() {
        for (format, good, bad) in [
            (Format::NoAngleBrackets, "My API", "<b>"),
            (Format::ConnectionName, "Username-Password-Authentication", "a--b"),
            (Format::Phone, "+4915112345678", "0151"),
            (Format::Kid, "w0kIFOc-q7KKK", "short"),
            (Format::Email, "jane@example.com", "jane"),
            (Format::DateTime, "2030-01-01T00:00:00.000Z", "tomorrow"),
            (Format::Uri, "urn:x:y", "/relative"),
            (Format::HttpsOrEmpty, "", "http://app.example"),
            (Format::WebUrl, "https://example.com/done?x=1", "javascript:alert(1)"),
            (Format::CallbackUrl, "com.example.app:/cb", "javascript:alert(1)"),
            (Format::CallbackUrl, "https://*.app.example/cb", "https://app.example/#x"),
            (Format::OrganizationId, "org_z5YvxlXPO0NspoIa", "org_"),
            (Format::CredentialId, "cred_8wnHpGZdh24cLX1EBfcpv3", "8wnHpGZdh24cLX1EBfcpv3"),
            (Format::UserId, "auth0|x", ""),
            (Format::ConnectionProfileId, "cop_1cu7hYRotxr9BYXXwLH14g", "cop_WRONG"),
            (Format::UserAttributeProfileId, "uap_1cu7jNy3oKf2mDj9URMeQq", "uap_WRONG"),
            (Format::CountryCode, "CH", "ch"),
            (Format::Uuid, "00000000-0000-4000-8000-00000000000f", "00000000-0000-4000-8000"),
            (Format::Hostname, "login.example.com", "-x.example"),
        ] {
            assert!(format.fits(good), "{good}");
            assert!(!format.fits(bad), "{bad}");
        }
    }
}
