//! The CBOR (RFC 8949) that authenticators write: definite lengths in their shortest form, no tags, no floats (the canonical
//! form of CTAP2). Everything else is refused, and so is what is deeper or larger than any authenticator's.

use crate::Error;

/// Levels of arrays and maps inside one another; CTAP2 itself allows four.
const DEEPEST: usize = 6;
/// Items of one array, or pairs of one map.
const MOST: u64 = 64;

/// A value, borrowing from what it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cbor<'a> {
    /// A whole number that fits an `i64`.
    Integer(i64),
    /// A byte string.
    Bytes(&'a [u8]),
    /// A text.
    Text(&'a str),
    /// An array.
    Array(Vec<Cbor<'a>>),
    /// A map; no key stands twice.
    Map(Vec<(Cbor<'a>, Cbor<'a>)>),
    /// True or false.
    Bool(bool),
    /// `null`.
    Null,
}

impl<'a> Cbor<'a> {
    /// Reads the value that `bytes` begin with, and gives it with what follows.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn read(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), Error> {
        let mut reader = Reader { rest: bytes };
        let value = reader.value(0)?;
        Ok((value, reader.rest))
    }

    /// Reads a value after which nothing follows.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn read_all(bytes: &'a [u8]) -> Result<Self, Error> {
        match Self::read(bytes)? {
            (value, []) => Ok(value),
            _ => Err(MALFORMED),
        }
    }

    /// The value of a map under a text.
    pub fn at(&self, name: &str) -> Option<&Self> {
        self.find(&Cbor::Text(name))
    }

    /// The value of a map under a number.
    pub fn at_number(&self, number: i64) -> Option<&Self> {
        self.find(&Cbor::Integer(number))
    }

    /// The bytes, where it is a byte string.
    pub fn bytes(&self) -> Option<&'a [u8]> {
        if let Self::Bytes(bytes) = self { Some(bytes) } else { None }
    }

    /// The number, where it is one.
    pub fn integer(&self) -> Option<i64> {
        if let Self::Integer(number) = self { Some(*number) } else { None }
    }

    /// The text, where it is one.
    pub fn text(&self) -> Option<&'a str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    fn find(&self, key: &Cbor<'_>) -> Option<&Self> {
        let Self::Map(pairs) = self else { return None };
        pairs.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: usize) -> Result<Cbor<'a>, Error> {
        let (major, argument) = self.head()?;
        Ok(match major {
            0 => Cbor::Integer(i64::try_from(argument).map_err(|_| MALFORMED)?),
            1 => Cbor::Integer(-1 - i64::try_from(argument).map_err(|_| MALFORMED)?),
            2 => Cbor::Bytes(self.take(argument)?),
            3 => Cbor::Text(std::str::from_utf8(self.take(argument)?).map_err(|_| MALFORMED)?),
            4 | 5 if depth == DEEPEST || argument > MOST => return Err(MALFORMED),
            4 => Cbor::Array((0..argument).map(|_| self.value(depth + 1)).collect::<Result<_, _>>()?),
            5 => {
                let mut pairs: Vec<(Cbor<'a>, Cbor<'a>)> = Vec::new();
                for _ in 0..argument {
                    let key = self.value(depth + 1)?;
                    if pairs.iter().any(|(name, _)| *name == key) {
                        return Err(MALFORMED);
                    }
                    pairs.push((key, self.value(depth + 1)?));
                }
                Cbor::Map(pairs)
            }
            7 => match argument {
                20 => Cbor::Bool(false),
                21 => Cbor::Bool(true),
                22 => Cbor::Null,
                _ => return Err(MALFORMED),
            },
            _ => return Err(MALFORMED),
        })
    }

    /// The major type and its argument, which must be in its shortest form.
    fn head(&mut self) -> Result<(u8, u64), Error> {
        let [first] = self.take(1)? else { return Err(MALFORMED) };
        let (major, short) = (first >> 5, first & 0x1f);
        let (length, least) = match short {
            0..=23 => return Ok((major, u64::from(short))),
            24 => (1, 24),
            25 => (2, 1 << 8),
            26 => (4, 1 << 16),
            27 => (8, 1 << 32),
            _ => return Err(MALFORMED),
        };
        let digits = self.take(length)?;
        let argument = digits.iter().fold(0, |argument, digit| argument << 8 | u64::from(*digit));
        // Simple values of more than five bits are floats, or nothing that anybody writes.
        if argument < least || major == 7 { Err(MALFORMED) } else { Ok((major, argument)) }
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Error> {
        let length = usize::try_from(length).map_err(|_| MALFORMED)?;
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(MALFORMED)?;
        self.rest = rest;
        Ok(taken)
    }
}

const MALFORMED: Error = Error::Malformed("CBOR");

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Of RFC 8949, appendix A.
    #[test]
    fn values_of_the_specification() {
        let cases: [(&[u8], Cbor<'_>); 12] = [
            (&[0x00], Cbor::Integer(0)),
            (&[0x17], Cbor::Integer(23)),
            (&[0x18, 0x18], Cbor::Integer(24)),
            (&[0x19, 0x03, 0xe8], Cbor::Integer(1000)),
            (&[0x1a, 0x00, 0x0f, 0x42, 0x40], Cbor::Integer(1_000_000)),
            (&[0x20], Cbor::Integer(-1)),
            (&[0x39, 0x03, 0xe7], Cbor::Integer(-1000)),
            (&[0xf5], Cbor::Bool(true)),
            (&[0xf6], Cbor::Null),
            (&[0x44, 1, 2, 3, 4], Cbor::Bytes(&[1, 2, 3, 4])),
            (&[0x64, b'I', b'E', b'T', b'F'], Cbor::Text("IETF")),
            (&[0x82, 1, 0x81, 2], Cbor::Array(vec![Cbor::Integer(1), Cbor::Array(vec![Cbor::Integer(2)])])),
        ];
        for (bytes, value) in cases {
            assert_eq!(Cbor::read_all(bytes).unwrap(), value, "{bytes:x?}");
        }
        let map = Cbor::read_all(&[0xa2, 0x01, 0x02, 0x61, b'a', 0x41, 9]).unwrap();
        assert_eq!(map.at_number(1).and_then(Cbor::integer), Some(2));
        assert_eq!(map.at("a").and_then(Cbor::bytes), Some(&[9][..]));
        assert_eq!(map.at("b"), None);
    }

    #[test]
    fn what_authenticators_do_not_write_is_refused() {
        let deep = [0x81; 4096];
        let wide = [0x9a, 0xff, 0xff, 0xff, 0xff];
        let cases: [&[u8]; 14] = [
            &[],
            &[0x18, 0x17],                               // not the shortest form
            &[0x1b, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0], // over an i64
            &[0x42, 1],                                  // too short
            &[0x5f, 0x41, 1, 0xff],                      // indefinite lengths
            &[0x9f, 0xff],
            &[0xc1, 0x00],       // a tag
            &[0xf9, 0x3c, 0x00], // a float
            &[0xf8, 0xff],       // a simple value
            &[0xa2, 1, 2, 1, 3], // a key that stands twice
            &[0x61, 0xff],       // no UTF-8
            &[0x00, 0x00],       // something follows
            &deep,
            &wide,
        ];
        for bytes in cases {
            assert!(Cbor::read_all(bytes).is_err(), "{:x?}", &bytes[..bytes.len().min(12)]);
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _unused = Cbor::read(&bytes);
        }
    }
}
