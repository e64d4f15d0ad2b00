//! Reading compact JWS (RFC 7515): first parsed, then proven.

use crate::encoding::base64url_decode;
use crate::{Algorithm, Error, VerifyingKey};
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use std::{collections::HashSet, fmt};

/// The longest token that is looked at, in bytes.
pub const MAX_TOKEN_LENGTH: usize = 16 * 1024;

/// A compact JWS that has been taken apart but is not yet believed.
#[derive(Clone)]
pub struct Unverified<'a> {
    header: Header,
    /// Header and payload as received, with the dot between: what was signed.
    signing_input: &'a str,
    payload: &'a str,
    signature: &'a str,
}

impl<'a> Unverified<'a> {
    /// Takes `token` apart and reads its header. Payload and signature are decoded when asked for.
    ///
    /// # Errors
    /// [`Error::TooLong`] over [`MAX_TOKEN_LENGTH`]; [`Error::Malformed`] where there are not three parts, or the header
    /// is not base64url of one JSON object without repeated members; [`Error::Critical`] where the header has `crit`.
    pub fn parse(token: &'a str) -> Result<Self, Error> {
        if token.len() > MAX_TOKEN_LENGTH {
            return Err(Error::TooLong);
        }
        let (signing_input, signature) = token.rsplit_once('.').ok_or(MALFORMED)?;
        let (header, payload) = signing_input.split_once('.').ok_or(MALFORMED)?;
        // A fourth dot would make the payload hold one: five parts are a JWE.
        if payload.contains('.') {
            return Err(MALFORMED);
        }
        let header = base64url_decode(header).map_err(|_| MALFORMED_HEADER)?;
        let header: Header = crate::encoding::read_object(&header).map_err(|_| MALFORMED_HEADER)?;
        if header.critical {
            return Err(Error::Critical);
        }
        Ok(Self { header, signing_input, payload, signature })
    }

    /// The header. Nobody has vouched for it yet: it may choose among keys, never bring one along.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The payload, of which nothing has been proven: good only for finding out whose key to try.
    ///
    /// # Errors
    /// [`Error::Malformed`] where it is not base64url.
    pub fn payload_unverified(&self) -> Result<Vec<u8>, Error> {
        base64url_decode(self.payload).map_err(|_| Error::Malformed("payload"))
    }

    /// Proves the token with `key` and returns its payload. The algorithm of the header must be among `allowed` *and*
    /// one that the key can verify; where both name a `kid`, it must be the same.
    ///
    /// # Errors
    /// [`Error::UnsupportedAlgorithm`], [`Error::AlgorithmNotAllowed`], [`Error::KeyMismatch`], [`Error::Signature`], or
    /// [`Error::Malformed`] where signature or payload are not base64url.
    pub fn verify(&self, key: &VerifyingKey, allowed: &[Algorithm]) -> Result<Vec<u8>, Error> {
        let algorithm: Algorithm = self.header.alg.parse()?;
        if !allowed.contains(&algorithm) {
            return Err(Error::AlgorithmNotAllowed);
        }
        if let (Some(asked), Some(offered)) = (self.header.kid.as_deref(), key.kid())
            && asked != offered
        {
            return Err(Error::KeyMismatch);
        }
        let signature = base64url_decode(self.signature).map_err(|_| Error::Malformed("signature"))?;
        key.verify_raw(algorithm, self.signing_input.as_bytes(), &signature)?;
        self.payload_unverified()
    }
}

/// Shows the header alone: a token is a credential.
impl fmt::Debug for Unverified<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Unverified").field("header", &self.header).finish_non_exhaustive()
    }
}

/// The header of a token. Keys and certificates that it brings along (`jwk`, `jku`, `x5u`, `x5c`) are not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The algorithm as written; it may be unknown, or `none`.
    pub alg: String,
    /// The media type of the token, as written.
    pub typ: Option<String>,
    /// The key id.
    pub kid: Option<String>,
    /// The media type of the payload.
    pub cty: Option<String>,
    critical: bool,
}

impl Header {
    /// Whether `typ` is `expected`, regardless of case and of an `application/` before it (RFC 7515, section 4.1.9).
    pub fn is_typ(&self, expected: &str) -> bool {
        let short = |name: &str| -> String {
            let name = name.to_ascii_lowercase();
            name.strip_prefix("application/").map(str::to_owned).unwrap_or(name)
        };
        self.typ.as_deref().is_some_and(|typ| short(typ) == short(expected))
    }
}

/// By hand, so that a member twice is noticed even where it is not read (RFC 7515, section 4).
impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeaderVisitor)
    }
}

struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = Header;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JOSE header")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Header, A::Error> {
        let (mut alg, mut typ, mut kid, mut cty, mut critical) = (None, None, None, None, false);
        let mut seen = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            match name.as_str() {
                "alg" => alg = Some(members.next_value()?),
                "typ" => typ = Some(members.next_value()?),
                "kid" => kid = Some(members.next_value()?),
                "cty" => cty = Some(members.next_value()?),
                "crit" => {
                    critical = true;
                    members.next_value::<IgnoredAny>()?;
                }
                _ => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
            if !seen.insert(name) {
                return Err(A::Error::custom("a member stands twice"));
            }
        }
        let alg = alg.ok_or_else(|| A::Error::missing_field("alg"))?;
        Ok(Header { alg, typ, kid, cty, critical })
    }
}

const MALFORMED: Error = Error::Malformed("token");
const MALFORMED_HEADER: Error = Error::Malformed("header");
