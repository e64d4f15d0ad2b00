//! What there is to know of an X.509 certificate (RFC 5280): whose it is and until when. Nothing is verified here: the
//! certificate is the envelope of a key that an administrator chose to trust, or TLS has verified it.

use crate::{pem_decode, sha1};

/// A certificate, as far as we read it.
#[derive(Debug, PartialEq, Eq)]
pub struct Certificate {
    /// `C` and `es` and so on, in the certificate's order.
    pub names: Vec<(String, String)>,
    /// End of validity, ISO 8601 with milliseconds.
    pub not_after: String,
    /// SHA-1 of the whole, hexadecimal digits.
    pub thumbprint: String,
}

impl Certificate {
    /// Reads PEM; `None` where it is no certificate.
    #[must_use]
    pub fn from_pem(text: &str) -> Option<Self> {
        let (label, der) = pem_decode(text).ok()?;
        if label == "CERTIFICATE" { Self::from_der(&der) } else { None }
    }

    /// Reads DER; `None` where it is no certificate. `tbsCertificate` is a sequence of an optional version `[0]`, serial
    /// number, signature algorithm, issuer, validity, subject, and more.
    #[must_use]
    pub fn from_der(der: &[u8]) -> Option<Self> {
        let (_, certificate, _) = element(der)?;
        let (_, mut rest, _) = element(certificate)?;
        let (tag, _, after) = element(rest)?;
        if tag == 0xa0 {
            rest = after;
        }
        let mut field = || {
            let (_, content, after) = element(rest)?;
            rest = after;
            Some(content)
        };
        let (_serial, _algorithm, _issuer) = (field()?, field()?, field()?);
        let (validity, subject) = (field()?, field()?);
        let (_, _, after) = element(validity)?;
        let (tag, end, _) = element(after)?;
        let not_after = time(tag, std::str::from_utf8(end).ok()?)?;
        let thumbprint = sha1(der).iter().map(|byte| format!("{byte:02x}")).collect();
        Some(Self { names: name(subject)?, not_after, thumbprint })
    }

    /// `C=es` and so on, one to a line.
    #[must_use]
    pub fn subject(&self) -> String {
        let lines: Vec<_> = self.names.iter().map(|(kind, name)| format!("{kind}={name}")).collect();
        lines.join("\n")
    }
}

/// Tag, content and what follows.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let (digits, rest) =
            rest.split_at_checked(usize::from(first & 0x7f)).filter(|(d, _)| d.len() <= 4)?;
        (digits.iter().fold(0_usize, |length, digit| length << 8 | usize::from(*digit)), rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

/// A sequence of sets of pairs of type and text.
fn name(mut der: &[u8]) -> Option<Vec<(String, String)>> {
    let mut names = Vec::new();
    while !der.is_empty() {
        let (_, mut set, after) = element(der)?;
        der = after;
        while !set.is_empty() {
            let (_, pair, after) = element(set)?;
            set = after;
            let (_, kind, value) = element(pair)?;
            let (_, text, _) = element(value)?;
            names.push((attribute(kind), String::from_utf8_lossy(text).into_owned()));
        }
    }
    Some(names)
}

/// The subject that a certificate must have, as somebody wrote it down: one attribute to a line as
/// [`Certificate::subject`] has them, or in one line with commas (RFC 4514, and as OpenSSL prints it).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistinguishedName(Vec<(String, String)>);

impl DistinguishedName {
    /// `None` where it is no name, or an empty one: that would be every certificate's without a subject.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let parts = if text.contains('\n') { text.lines().map(str::to_owned).collect() } else { split(text) };
        let pairs = parts.iter().map(|part| {
            let (kind, value) = part.split_once('=')?;
            Some((kind.trim().to_owned(), value.trim().to_owned()))
        });
        let pairs: Vec<_> = pairs.collect::<Option<_>>()?;
        (!pairs.is_empty()).then_some(Self(pairs))
    }

    /// Whether the certificate is of this subject: the same attributes in the same order, or in the opposite one, in which
    /// RFC 4514 writes them. Text that is not UTF-8 is nobody's name.
    #[must_use]
    pub fn is_of(&self, certificate: &Certificate) -> bool {
        let same = |(wanted, found): (&(String, String), &(String, String))| {
            wanted.0.eq_ignore_ascii_case(&found.0)
                && wanted.1 == found.1
                && !found.1.contains(char::REPLACEMENT_CHARACTER)
        };
        let names = &certificate.names;
        names.len() == self.0.len()
            && (self.0.iter().zip(names).all(same) || self.0.iter().rev().zip(names).all(same))
    }
}

/// At commas and pluses that no backslash stands before; the backslash goes.
fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let part = parts.last_mut().into_iter();
        match character {
            '\\' => part.for_each(|part| part.extend(characters.next())),
            ',' | '+' => parts.push(String::new()),
            other => part.for_each(|part| part.push(other)),
        }
    }
    parts
}

/// Attribute types by their object identifier (RFC 4519).
fn attribute(oid: &[u8]) -> String {
    match oid {
        [0x55, 0x04, 3] => "CN".to_owned(),
        [0x55, 0x04, 5] => "serialNumber".to_owned(),
        [0x55, 0x04, 6] => "C".to_owned(),
        [0x55, 0x04, 7] => "L".to_owned(),
        [0x55, 0x04, 8] => "ST".to_owned(),
        [0x55, 0x04, 10] => "O".to_owned(),
        [0x55, 0x04, 11] => "OU".to_owned(),
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1] => "emailAddress".to_owned(),
        other => other.iter().map(|b| format!("{b:02x}")).collect(),
    }
}

/// UTCTime has two digits of the year, from 1950 to 2049; GeneralizedTime has four.
fn time(tag: u8, text: &str) -> Option<String> {
    let digits = text.strip_suffix('Z').filter(|d| d.bytes().all(|b| b.is_ascii_digit()))?;
    let full = match (tag, digits.len()) {
        (0x17, 12) if digits < "50" => format!("20{digits}"),
        (0x17, 12) => format!("19{digits}"),
        (0x18, 14) => digits.to_owned(),
        _ => return None,
    };
    let part = |range: std::ops::Range<usize>| &full[range];
    // Not through a clock's type: certificates without an end say the last second of the year 9999.
    Some(format!(
        "{}-{}-{}T{}:{}:{}.000Z",
        part(0..4),
        part(4..6),
        part(6..8),
        part(8..10),
        part(10..12),
        part(12..14)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_certificate() {
        let pem = "-----BEGIN CERTIFICATE-----\n\
            MIIBrzCCAVWgAwIBAgIUQ2VydGlmaWNhdGUgZm9yIHRlc3RzMAoGCCqGSM49BAMC\n\
            -----END CERTIFICATE-----\n";
        assert_eq!(Certificate::from_pem(pem), None, "cut short");
        let oid_cn = [0x06, 3, 0x55, 4, 3];
        let pair = wrap(0x30, &[&oid_cn[..], &wrap(0x0c, b"Jane")].concat());
        let subject = wrap(0x30, &wrap(0x31, &pair));
        let validity = wrap(0x30, &[wrap(0x17, b"200101000000Z"), wrap(0x18, b"20501231235959Z")].concat());
        let fields =
            [wrap(0xa0, &[2, 1, 2]), wrap(2, &[1]), wrap(0x30, &[]), wrap(0x30, &[]), validity, subject];
        let der = wrap(0x30, &wrap(0x30, &fields.concat()));
        let certificate = Certificate::from_der(&der).unwrap();
        assert_eq!(certificate.subject(), "CN=Jane");
        assert_eq!(certificate.not_after, "2050-12-31T23:59:59.000Z");
        for end in 0..der.len() {
            assert_eq!(Certificate::from_der(&der[..end]), None);
        }
    }

    #[test]
    fn subjects_are_compared_as_a_whole() {
        let names = [("C", "JP"), ("O", "Client, Inc."), ("CN", "client.example.org")];
        let certificate = Certificate {
            names: names.iter().map(|(kind, value)| ((*kind).to_owned(), (*value).to_owned())).collect(),
            not_after: String::new(),
            thumbprint: String::new(),
        };
        let is_of = |text: &str| DistinguishedName::parse(text).is_some_and(|name| name.is_of(&certificate));
        assert!(is_of(&certificate.subject()));
        assert!(is_of("CN=client.example.org,O=Client\\, Inc.,C=JP"));
        assert!(is_of("C = JP, O = Client\\, Inc., CN = client.example.org"));
        for other in [
            "",
            "CN",
            "CN=client.example.org",
            "C=JP\nO=Client, Inc.\nCN=client.example.org\nOU=x",
            "C=JP\nO=Client, Inc.\nCN=client.example.ORG",
            "O=Client\\, Inc.,CN=client.example.org,C=JP",
        ] {
            assert!(!is_of(other), "{other}");
        }
    }

    #[test]
    fn every_attribute_of_a_set_counts() {
        let pair =
            |oid: u8, text: &[u8]| wrap(0x30, &[&[0x06, 3, 0x55, 4, oid][..], &wrap(0x0c, text)].concat());
        let set = wrap(0x31, &[pair(3, b"a"), pair(10, b"b")].concat());
        assert_eq!(name(&set).unwrap().len(), 2);
    }

    #[test]
    fn times() {
        assert_eq!(time(0x17, "330513093313Z").as_deref(), Some("2033-05-13T09:33:13.000Z"));
        assert_eq!(time(0x17, "991231235959Z").as_deref(), Some("1999-12-31T23:59:59.000Z"));
        assert_eq!(time(0x17, "99123123595Z"), None);
        assert_eq!(time(0x18, "2033130100000xZ"), None);
    }

    fn wrap(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len()).unwrap();
        if length < 0x80 {
            [&[tag, length], content].concat()
        } else {
            [&[tag, 0x81, length], content].concat()
        }
    }
}
