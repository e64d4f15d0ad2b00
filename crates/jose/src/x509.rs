//! What there is to know of an X.509 certificate (RFC 5280): whose it is and until when. Nothing is verified here: the
//! certificate is the envelope of a key that an administrator chose to trust, or TLS has verified it.

use crate::der::{BOOLEAN, CONTEXT_0, CONTEXT_3, UTF8_STRING};
use crate::{pem_decode, sha1};

/// A certificate, as far as we read it.
#[derive(Debug, PartialEq, Eq)]
pub struct Certificate {
    /// `C` and `es` and so on, in the certificate's order.
    pub names: Vec<(String, String)>,
    /// Begin of validity, ISO 8601 with milliseconds.
    pub not_before: String,
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
        let (tag, begin, after) = element(validity)?;
        let not_before = time(tag, std::str::from_utf8(begin).ok()?)?;
        let (tag, end, _) = element(after)?;
        let not_after = time(tag, std::str::from_utf8(end).ok()?)?;
        let thumbprint = sha1(der).iter().map(|byte| format!("{byte:02x}")).collect();
        Some(Self { names: name(subject)?, not_before, not_after, thumbprint })
    }

    /// `C=es` and so on, one to a line.
    #[must_use]
    pub fn subject(&self) -> String {
        let lines: Vec<_> = self.names.iter().map(|(kind, name)| format!("{kind}={name}")).collect();
        lines.join("\n")
    }

    /// The subject as [`DistinguishedName::parse`] reads this very one back: one to a line, or in one line with backslashes where
    /// that would say something else. `None` where it is nobody's name.
    #[must_use]
    pub fn subject_to_demand(&self) -> Option<String> {
        let pairs = self.names.iter().map(|(kind, name)| format!("{kind}={}", escaped(name)));
        let in_one_line = pairs.collect::<Vec<_>>().join(",");
        let is_own = |text: &String| DistinguishedName::parse(text).is_some_and(|name| name.is_of(self));
        [self.subject(), in_one_line].into_iter().find(is_own)
    }
}

/// Whether a certificate in DER is one of an authority: it says so (RFC 5280, section 4.2.1.9), or is of the first version, which
/// could not say it. `None` where it is no certificate.
#[must_use]
pub fn is_of_authority(der: &[u8]) -> Option<bool> {
    let (_, certificate, _) = element(der)?;
    let (_, mut fields, _) = element(certificate)?;
    let (mut has_version, mut extensions) = (false, None);
    while !fields.is_empty() {
        let (tag, content, after) = element(fields)?;
        has_version |= tag == CONTEXT_0;
        if tag == CONTEXT_3 {
            extensions = Some(content);
        }
        fields = after;
    }
    let Some(extensions) = extensions else { return Some(!has_version) };
    let (_, mut extensions, _) = element(extensions)?;
    while !extensions.is_empty() {
        let (_, extension, after) = element(extensions)?;
        extensions = after;
        let (_, kind, mut value) = element(extension)?;
        if kind != BASIC_CONSTRAINTS {
            continue;
        }
        let (tag, _, after_critical) = element(value)?;
        if tag == BOOLEAN {
            value = after_critical;
        }
        let (_, constraints, _) = element(value)?;
        let (_, constraints, _) = element(constraints)?;
        // The default, no authority, is left out.
        return Some(element(constraints).is_some_and(|(tag, says, _)| tag == BOOLEAN && says != [0]));
    }
    Some(false)
}

/// `id-ce-basicConstraints`.
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];

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
            let (tag, value, _) = element(value)?;
            names.push((attribute(kind), text(tag, value)));
        }
    }
    Some(names)
}

/// What a string says (X.690, section 8.23). Each type has an encoding of its own: read by another's, the letters of one name spell
/// another one. What cannot be read becomes U+FFFD.
fn text(tag: u8, value: &[u8]) -> String {
    const UNREADABLE: char = char::REPLACEMENT_CHARACTER;
    match tag {
        UTF8_STRING => String::from_utf8_lossy(value).into_owned(),
        // NumericString, PrintableString, TeletexString, IA5String and VisibleString, as far as they are the same.
        0x12 | 0x13 | 0x14 | 0x16 | 0x1a if value.is_ascii() => String::from_utf8_lossy(value).into_owned(),
        // BMPString.
        0x1e if value.len().is_multiple_of(2) => {
            let units = value.chunks_exact(2).map(|pair| pair.iter().fold(0, |n, b| n << 8 | u16::from(*b)));
            char::decode_utf16(units).map(|c| c.unwrap_or(UNREADABLE)).collect()
        }
        // UniversalString.
        0x1c if value.len().is_multiple_of(4) => {
            let units = value.chunks_exact(4).map(|four| four.iter().fold(0, |n, b| n << 8 | u32::from(*b)));
            units.map(|unit| char::from_u32(unit).unwrap_or(UNREADABLE)).collect()
        }
        _ => UNREADABLE.to_string(),
    }
}

/// The subject that a certificate must have, as somebody wrote it down: one attribute to a line as
/// [`Certificate::subject`] has them, or in one line with commas (RFC 4514, and as OpenSSL prints it).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistinguishedName(Vec<(String, String)>);

impl DistinguishedName {
    /// `None` where it is no name, or an empty one: that would be every certificate's without a subject.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let pairs: Vec<_> = if text.contains('\n') {
            let literal = |value: &str| Some(value.trim().to_owned());
            text.lines().map(|line| pair(line, literal)).collect::<Option<_>>()?
        } else {
            split(text).into_iter().map(|part| pair(part, unescaped)).collect::<Option<_>>()?
        };
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

fn pair(part: &str, read: impl Fn(&str) -> Option<String>) -> Option<(String, String)> {
    let (kind, value) = part.split_once('=')?;
    Some((named(kind.trim()), read(value)?))
}

/// At commas and pluses that neither stand in quotes nor behind a backslash.
fn split(text: &str) -> Vec<&str> {
    let (mut is_escaped, mut is_quoted) = (false, false);
    let parts = text.split(|character| {
        let is_plain = !std::mem::take(&mut is_escaped);
        match character {
            '\\' => is_escaped = is_plain,
            '"' if is_plain => is_quoted = !is_quoted,
            ',' | '+' => return is_plain && !is_quoted,
            _ => {}
        }
        false
    });
    parts.collect()
}

/// Without the white space around it, its quotes and backslashes; two hexadecimal digits behind one are a byte of UTF-8 (RFC
/// 4514, section 2.4).
fn unescaped(value: &str) -> Option<String> {
    let (mut bytes, mut kept) = (Vec::new(), 0);
    let mut rest = value.trim_start().as_bytes();
    while let [byte, after @ ..] = rest {
        rest = after;
        match byte {
            b'"' => kept = bytes.len(),
            b'\\' => {
                let hex = after.split_at_checked(2).and_then(|(digits, after)| {
                    let digits = std::str::from_utf8(digits).ok().filter(|d| !d.starts_with('+'))?;
                    Some((u8::from_str_radix(digits, 16).ok()?, after))
                });
                let (byte, after) =
                    hex.or_else(|| after.split_first().map(|(byte, after)| (*byte, after)))?;
                bytes.push(byte);
                (kept, rest) = (bytes.len(), after);
            }
            byte => bytes.push(*byte),
        }
    }
    while bytes.len() > kept && bytes.last().is_some_and(u8::is_ascii_whitespace) {
        bytes.pop();
    }
    String::from_utf8(bytes).ok()
}

/// What [`unescaped`] takes away again.
fn escaped(value: &str) -> String {
    let last = value.chars().count().saturating_sub(1);
    let mut text = String::new();
    for (at, character) in value.chars().enumerate() {
        match character {
            '\\' | ',' | '+' | '"' | ';' | '<' | '>' | '=' | '#' => text.extend(['\\', character]),
            c if c.is_control() || (c == ' ' && (at == 0 || at == last)) => {
                text.extend(c.encode_utf8(&mut [0; 4]).bytes().map(|byte| format!("\\{byte:02x}")));
            }
            other => text.push(other),
        }
    }
    text
}

/// The name that [`attribute`] has for what somebody wrote: numbers with points stand for themselves.
fn named(kind: &str) -> String {
    let numbers = kind.split('.').map(|number| number.parse::<u32>().ok()).collect::<Option<Vec<_>>>();
    match numbers.as_deref() {
        Some([first @ 0..=2, second @ 0..=39, rest @ ..]) => {
            let mut oid = Vec::new();
            for number in std::iter::once(first * 40 + second).chain(rest.iter().copied()) {
                let sevens = (1..5).rev().filter(|place| number >> (7 * place) > 0);
                oid.extend(sevens.map(|place| 0x80 | (number >> (7 * place)) as u8));
                oid.push((number & 0x7f) as u8);
            }
            attribute(&oid)
        }
        _ => kind.to_owned(),
    }
}

/// Attribute types by their object identifier (RFC 4519, and what qualified certificates name companies by: ETSI EN 319 412-1).
fn attribute(oid: &[u8]) -> String {
    const USERS: [u8; 9] = [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01];
    let name = match oid {
        [0x55, 0x04, 3] => "CN",
        [0x55, 0x04, 4] => "SN",
        [0x55, 0x04, 5] => "serialNumber",
        [0x55, 0x04, 6] => "C",
        [0x55, 0x04, 7] => "L",
        [0x55, 0x04, 8] => "ST",
        [0x55, 0x04, 9] => "STREET",
        [0x55, 0x04, 10] => "O",
        [0x55, 0x04, 11] => "OU",
        [0x55, 0x04, 12] => "title",
        [0x55, 0x04, 15] => "businessCategory",
        [0x55, 0x04, 17] => "postalCode",
        [0x55, 0x04, 42] => "GN",
        [0x55, 0x04, 97] => "organizationIdentifier",
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1] => "emailAddress",
        [users @ .., 1] if *users == USERS => "UID",
        [users @ .., 25] if *users == USERS => "DC",
        other => return other.iter().map(|b| format!("{b:02x}")).collect(),
    };
    name.to_owned()
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
            not_before: String::new(),
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

    fn of(names: &[(&str, &str)]) -> Certificate {
        Certificate {
            names: names.iter().map(|(kind, value)| ((*kind).to_owned(), (*value).to_owned())).collect(),
            not_before: String::new(),
            not_after: String::new(),
            thumbprint: String::new(),
        }
    }

    /// In the way of RFC 4514 and as OpenSSL prints it.
    #[test]
    fn names_are_read_as_they_are_written() {
        let bank = of(&[("DC", "example"), ("organizationIdentifier", "PSDDE-1"), ("CN", "a, \"b\" \\ c ")]);
        let is_bank = |text: &str| DistinguishedName::parse(text).is_some_and(|name| name.is_of(&bank));
        for text in [
            r#"DC=example,organizationIdentifier=PSDDE-1,CN=a\, \"b\" \\ c\ "#,
            r#"CN=a\2C \22b\22 \5c c\20, 2.5.4.97 = PSDDE-1, 0.9.2342.19200300.100.1.25 = example"#,
            r#"DC = example, organizationIdentifier = PSDDE-1, CN = "a, \"b\" \\ c ""#,
        ] {
            assert!(is_bank(text), "{text}");
        }
        for text in [
            r#"DC=example,organizationIdentifier=PSDDE-1,CN=a\, \"b\" \\ c "#,
            r"DC=example,organizationIdentifier=PSDDE-1,CN=a\",
            r"DC=example,organizationIdentifier=PSDDE-1,CN=\ff",
        ] {
            assert!(!is_bank(text), "{text}");
        }
    }

    /// A certificate demands itself, and no other whose name looks the same when it is written down.
    #[test]
    fn a_certificate_is_demanded_by_its_own_name() {
        let plain = of(&[("C", "JP"), ("O", "Client, Inc."), ("CN", "x")]);
        assert_eq!(plain.subject_to_demand().as_deref(), Some("C=JP\nO=Client, Inc.\nCN=x"));
        let two = of(&[("CN", "x"), ("O", "Bank")]);
        let one = of(&[("CN", "x, O=Bank")]);
        let lines = of(&[("C", "DE"), ("CN", "x\nO=Bank"), ("OU", " y ")]);
        for own in [&plain, &two, &one, &lines] {
            let name = DistinguishedName::parse(&own.subject_to_demand().unwrap()).unwrap();
            for other in [&plain, &two, &one, &lines] {
                assert_eq!(name.is_of(other), own == other, "{name:?} {other:?}");
            }
        }
        assert_eq!(of(&[]).subject_to_demand(), None);
        assert_eq!(of(&[("CN", "\u{fffd}")]).subject_to_demand(), None);
    }

    /// The bytes of these two letters of a BMPString spell another name in a UTF8String.
    #[test]
    fn case_17_a_name_is_read_by_the_type_of_its_text() {
        assert_eq!(text(0x0c, b"bank"), "bank");
        assert_eq!(text(0x13, b"bank"), "bank");
        assert_eq!(text(0x1e, b"bank"), "\u{6261}\u{6e6b}");
        assert_eq!(text(0x1e, b"\0b\0a"), "ba");
        assert_eq!(text(0x1c, b"\0\0\0b"), "b");
        for (tag, value) in
            [(0x1e, &b"ban"[..]), (0x1c, b"bank!"), (0x1c, b"bank"), (0x13, b"b\xe4"), (0x30, b"bank")]
        {
            assert!(text(tag, value).contains('\u{fffd}'), "{tag:x}");
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
