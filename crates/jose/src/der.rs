//! The little DER (X.690) that keys and certificates need: a writer, and a strict reader.

use crate::Error;

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const NULL: u8 = 0x05;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const UTF8_STRING: u8 = 0x0c;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;
/// `[0] EXPLICIT`, the version of a certificate.
pub(crate) const CONTEXT_0: u8 = 0xa0;
/// `[3] EXPLICIT`, the extensions of a certificate.
pub(crate) const CONTEXT_3: u8 = 0xa3;

/// An element of `tag` holding `parts` one after the other.
pub(crate) fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut der = Vec::with_capacity(length + 6);
    der.push(tag);
    if length < 0x80 {
        der.push(length as u8);
    } else {
        let bytes = length.to_be_bytes();
        let bytes = without_leading_zeros(&bytes);
        der.push(0x80 | bytes.len() as u8);
        der.extend_from_slice(bytes);
    }
    for part in parts {
        der.extend_from_slice(part);
    }
    der
}

/// A non-negative INTEGER from its big-endian bytes.
pub(crate) fn unsigned(bytes: &[u8]) -> Vec<u8> {
    match without_leading_zeros(bytes) {
        [] => element(INTEGER, &[&[0]]),
        bytes if bytes[0] & 0x80 != 0 => element(INTEGER, &[&[0], bytes]),
        bytes => element(INTEGER, &[bytes]),
    }
}

/// A BIT STRING of whole bytes.
pub(crate) fn bit_string(bytes: &[u8]) -> Vec<u8> {
    element(BIT_STRING, &[&[0], bytes])
}

/// Big-endian bytes without the zeros before the number.
pub(crate) fn without_leading_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    &bytes[zeros..]
}

/// Reads elements one after the other. Only definite lengths in their shortest form and tags of one byte are taken.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(der: &'a [u8]) -> Self {
        Self { rest: der }
    }

    /// The content of the next element, which must have `tag`.
    pub(crate) fn read(&mut self, tag: u8) -> Result<&'a [u8], Error> {
        let (found, content) = self.next()?;
        if found == tag { Ok(content) } else { Err(MALFORMED) }
    }

    /// A reader of the next element, which must be a SEQUENCE.
    pub(crate) fn sequence(&mut self) -> Result<Reader<'a>, Error> {
        self.read(SEQUENCE).map(Reader::new)
    }

    /// The next non-negative INTEGER, without leading zeros.
    pub(crate) fn unsigned(&mut self) -> Result<&'a [u8], Error> {
        match self.read(INTEGER)? {
            [] => Err(MALFORMED),
            [first, ..] if first & 0x80 != 0 => Err(MALFORMED),
            bytes => Ok(without_leading_zeros(bytes)),
        }
    }

    /// The next BIT STRING, which must hold whole bytes.
    pub(crate) fn bit_string(&mut self) -> Result<&'a [u8], Error> {
        match self.read(BIT_STRING)? {
            [0, bytes @ ..] => Ok(bytes),
            _ => Err(MALFORMED),
        }
    }

    /// Whether the next element has `tag`.
    pub(crate) fn peek(&self, tag: u8) -> bool {
        self.rest.first() == Some(&tag)
    }

    /// Demands that nothing is left.
    pub(crate) fn end(&self) -> Result<(), Error> {
        if self.rest.is_empty() { Ok(()) } else { Err(MALFORMED) }
    }

    fn next(&mut self) -> Result<(u8, &'a [u8]), Error> {
        let [tag, length, rest @ ..] = self.rest else { return Err(MALFORMED) };
        let (length, rest) = match *length {
            short @ 0..=0x7f => (usize::from(short), rest),
            // Two bytes are enough for the 64 KiB that anyone may hand in, and so is the third for good measure.
            long @ 0x81..=0x83 => {
                let (digits, rest) = rest.split_at_checked(usize::from(long & 0x7f)).ok_or(MALFORMED)?;
                let length = digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit));
                if digits[0] == 0 || length < 0x80 {
                    return Err(MALFORMED);
                }
                (length, rest)
            }
            _ => return Err(MALFORMED),
        };
        let (content, rest) = rest.split_at_checked(length).ok_or(MALFORMED)?;
        self.rest = rest;
        Ok((*tag, content))
    }
}

const MALFORMED: Error = Error::Malformed("DER");

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn integers_are_minimal() {
        assert_eq!(unsigned(&[]), [2, 1, 0]);
        assert_eq!(unsigned(&[0, 0]), [2, 1, 0]);
        assert_eq!(unsigned(&[0, 1, 2]), [2, 2, 1, 2]);
        assert_eq!(unsigned(&[0x80]), [2, 2, 0, 0x80]);
    }

    #[test]
    fn what_der_forbids_is_refused() {
        let cases: [&[u8]; 9] = [
            &[],
            &[0x30],
            &[0x30, 0x01],
            &[0x30, 0x80, 0x00, 0x00],
            &[0x30, 0x81, 0x01, 0x00],
            &[0x30, 0x82, 0x00, 0x81],
            &[0x30, 0x84, 0x00, 0x00, 0x00, 0x00],
            &[0x30, 0xff],
            &[0x31, 0x00],
        ];
        for case in cases {
            assert!(Reader::new(case).sequence().is_err(), "{case:?}");
        }
        assert!(Reader::new(&[2, 0]).unsigned().is_err());
        assert!(Reader::new(&[2, 1, 0x80]).unsigned().is_err());
        assert!(Reader::new(&[3, 1, 1]).bit_string().is_err());
        assert!(Reader::new(&[3, 0]).bit_string().is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(content in proptest::collection::vec(any::<u8>(), 0..70_000)) {
            let der = element(OCTET_STRING, &[&content]);
            let mut reader = Reader::new(&der);
            prop_assert_eq!(reader.read(OCTET_STRING).unwrap(), &content[..]);
            prop_assert!(reader.end().is_ok());
        }

        #[test]
        fn integers_come_back(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let der = unsigned(&bytes);
            prop_assert_eq!(Reader::new(&der).unsigned().unwrap(), without_leading_zeros(&bytes));
        }
    }
}
