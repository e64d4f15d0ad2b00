//! Public keys as numbers: from JWK, SubjectPublicKeyInfo, PKCS#1 and certificates, and back.

use crate::der::{self, Reader, element};
use crate::encoding::{base64url, base64url_decode};
use crate::jwk::{MISSING_MEMBER, UNKNOWN_TYPE};
use crate::{Algorithm, Error, Jwk};
use aws_lc_rs::signature::{self, ParsedPublicKey, VerificationAlgorithm};

/// A public key as numbers.
#[derive(Debug)]
pub(crate) enum Public {
    /// Modulus and exponent, big-endian, without leading zeros.
    Rsa { n: Vec<u8>, e: Vec<u8> },
    /// An uncompressed point: `4 || x || y`.
    P256(Vec<u8>),
    /// An uncompressed point: `4 || x || y`.
    P384(Vec<u8>),
    /// The encoded point.
    Ed25519(Vec<u8>),
}

impl Public {
    pub(crate) fn from_jwk(jwk: &Jwk) -> Result<Self, Error> {
        let decode = |member: &Option<String>| base64url_decode(member.as_deref().ok_or(MISSING_MEMBER)?);
        match jwk.kty.as_str() {
            // Some issuers write the sign byte of DER into `n` (RFC 7518, section 6.3.1.1 warns of it).
            "RSA" => Ok(Self::rsa(&decode(&jwk.n)?, &decode(&jwk.e)?)),
            "EC" => {
                let curve = jwk.curve(&["P-256", "P-384"])?;
                let (x, y) = (decode(&jwk.x)?, decode(&jwk.y)?);
                let length = if curve == "P-256" { 32 } else { 48 };
                // Full length, zeros included (RFC 7518, section 6.2.1.2).
                if x.len() != length || y.len() != length {
                    return Err(Error::Key("a coordinate has the wrong length"));
                }
                let point = [&[4], &x[..], &y[..]].concat();
                Ok(if curve == "P-256" { Self::P256(point) } else { Self::P384(point) })
            }
            "OKP" => {
                jwk.curve(&["Ed25519"])?;
                Ok(Self::Ed25519(decode(&jwk.x)?))
            }
            _ => Err(UNKNOWN_TYPE),
        }
    }

    /// `Certificate` (RFC 5280, section 4.1), read as far as its key.
    pub(crate) fn from_certificate(der: &[u8]) -> Result<Self, Error> {
        let mut outer = Reader::new(der);
        let mut certificate = outer.sequence()?;
        outer.end()?;
        let mut fields = certificate.sequence()?;
        if fields.peek(der::CONTEXT_0) {
            fields.read(der::CONTEXT_0)?;
        }
        fields.read(der::INTEGER)?;
        for _algorithm_issuer_validity_subject in 0..4 {
            fields.read(der::SEQUENCE)?;
        }
        Self::from_spki_fields(fields.sequence()?)
    }

    /// `SubjectPublicKeyInfo` (RFC 5280, section 4.1.2.7).
    pub(crate) fn from_spki(der: &[u8]) -> Result<Self, Error> {
        let mut outer = Reader::new(der);
        let spki = outer.sequence()?;
        outer.end()?;
        Self::from_spki_fields(spki)
    }

    fn from_spki_fields(mut spki: Reader<'_>) -> Result<Self, Error> {
        let mut algorithm = spki.sequence()?;
        let key = spki.bit_string()?;
        spki.end()?;
        let oid = algorithm.read(der::OBJECT_IDENTIFIER)?;
        if oid == RSA_ENCRYPTION {
            Self::from_pkcs1(key)
        } else if oid == EC_PUBLIC_KEY {
            match algorithm.read(der::OBJECT_IDENTIFIER)? {
                PRIME256V1 => Self::point(key, 65).map(Self::P256),
                SECP384R1 => Self::point(key, 97).map(Self::P384),
                _ => Err(Error::Key("the curve is not supported")),
            }
        } else if oid == ED25519 {
            Ok(Self::Ed25519(key.to_vec()))
        } else {
            Err(UNKNOWN_TYPE)
        }
    }

    /// `RSAPublicKey` (RFC 8017, appendix A.1.1).
    pub(crate) fn from_pkcs1(der: &[u8]) -> Result<Self, Error> {
        let mut outer = Reader::new(der);
        let mut key = outer.sequence()?;
        outer.end()?;
        let (n, e) = (key.unsigned()?, key.unsigned()?);
        key.end()?;
        Ok(Self::rsa(n, e))
    }

    /// From the form in which the library hands out an EC point.
    pub(crate) fn p256(point: &[u8]) -> Self {
        Self::P256(point.to_vec())
    }

    pub(crate) fn p384(point: &[u8]) -> Self {
        Self::P384(point.to_vec())
    }

    pub(crate) fn ed25519(bytes: &[u8]) -> Self {
        Self::Ed25519(bytes.to_vec())
    }

    pub(crate) fn rsa(n: &[u8], e: &[u8]) -> Self {
        Self::Rsa { n: der::without_leading_zeros(n).to_vec(), e: der::without_leading_zeros(e).to_vec() }
    }

    fn point(bytes: &[u8], length: usize) -> Result<Vec<u8>, Error> {
        // Compressed points are rare and not part of JOSE.
        if bytes.len() == length && bytes[0] == 4 {
            Ok(bytes.to_vec())
        } else {
            Err(Error::Key("the point is not in uncompressed form"))
        }
    }

    /// One parsed key for each algorithm that the type can verify. The library checks numbers and points here.
    pub(crate) fn parse(&self) -> Result<Vec<(Algorithm, ParsedPublicKey)>, Error> {
        let table: &[(Algorithm, &'static dyn VerificationAlgorithm)] = match self {
            Self::Rsa { n, .. } => {
                let bits = n.len() * 8 - n.first().map_or(0, |byte| byte.leading_zeros() as usize);
                match bits {
                    ..2048 => return Err(Error::Key("an RSA key needs at least 2048 bits")),
                    8193.. => return Err(Error::Key("an RSA key has at most 8192 bits")),
                    _ => RSA,
                }
            }
            Self::P256(_) => &[(Algorithm::ES256, &signature::ECDSA_P256_SHA256_FIXED)],
            Self::P384(_) => &[(Algorithm::ES384, &signature::ECDSA_P384_SHA384_FIXED)],
            Self::Ed25519(bytes) if is_small_order(bytes) => {
                return Err(Error::Key("its point is of small order"));
            }
            Self::Ed25519(_) => &[(Algorithm::EdDSA, &signature::ED25519)],
        };
        let bytes = self.library_form();
        table
            .iter()
            .map(|(algorithm, implementation)| {
                Ok((*algorithm, ParsedPublicKey::new(*implementation, &bytes)?))
            })
            .collect::<Result<_, aws_lc_rs::error::KeyRejected>>()
            .map_err(|_| Error::Key("its numbers are not those of a key"))
    }

    /// What goes into the BIT STRING of the SubjectPublicKeyInfo, which is also what the library parses.
    fn library_form(&self) -> Vec<u8> {
        match self {
            Self::Rsa { n, e } => element(der::SEQUENCE, &[&der::unsigned(n), &der::unsigned(e)]),
            Self::P256(bytes) | Self::P384(bytes) | Self::Ed25519(bytes) => bytes.clone(),
        }
    }

    pub(crate) fn to_spki(&self) -> Vec<u8> {
        let oid = |oid: &[u8]| element(der::OBJECT_IDENTIFIER, &[oid]);
        let algorithm = match self {
            Self::Rsa { .. } => vec![oid(RSA_ENCRYPTION), element(der::NULL, &[])],
            Self::P256(_) => vec![oid(EC_PUBLIC_KEY), oid(PRIME256V1)],
            Self::P384(_) => vec![oid(EC_PUBLIC_KEY), oid(SECP384R1)],
            Self::Ed25519(_) => vec![oid(ED25519)],
        };
        let algorithm = element(der::SEQUENCE, &[&algorithm.concat()]);
        element(der::SEQUENCE, &[&algorithm, &der::bit_string(&self.library_form())])
    }

    pub(crate) fn to_jwk(&self) -> Jwk {
        let jwk = |kty: &str| Jwk { kty: kty.into(), use_: Some("sig".into()), ..Jwk::default() };
        let point = |crv: &str, bytes: &[u8]| {
            let (x, y) = bytes[1..].split_at(bytes.len() / 2);
            Jwk { crv: Some(crv.into()), x: Some(base64url(x)), y: Some(base64url(y)), ..jwk("EC") }
        };
        match self {
            Self::Rsa { n, e } => Jwk { n: Some(base64url(n)), e: Some(base64url(e)), ..jwk("RSA") },
            Self::P256(bytes) => point("P-256", bytes),
            Self::P384(bytes) => point("P-384", bytes),
            Self::Ed25519(bytes) => {
                Jwk { crv: Some("Ed25519".into()), x: Some(base64url(bytes)), ..jwk("OKP") }
            }
        }
    }
}

/// Whether an Ed25519 point is one of the eight whose order divides 8, in any way to write it (RFC 8032, section 5.1.7, and "Taming the
/// many EdDSAs"): with such a key one signature is good for many messages, so that nothing is proven. The sign bit does not matter.
fn is_small_order(point: &[u8]) -> bool {
    let Some((last, rest)) = point.split_last() else { return false };
    SMALL_ORDER.iter().any(|known| known[..31] == *rest && known[31] == last & 0x7f)
}

/// The y coordinates of points of small order, little-endian: 0, 1, -1, the two of order 8, and p and p + 1, which are 0 and 1 again.
const SMALL_ORDER: [[u8; 32]; 7] = [
    [0; 32],
    y(0x01, 0x00, 0x00),
    y(0xec, 0xff, 0x7f),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5,
        0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a,
        0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
    y(0xed, 0xff, 0x7f),
    y(0xee, 0xff, 0x7f),
];

const fn y(first: u8, middle: u8, last: u8) -> [u8; 32] {
    let mut bytes = [middle; 32];
    (bytes[0], bytes[31]) = (first, last);
    bytes
}

const RSA: &[(Algorithm, &dyn VerificationAlgorithm)] = &[
    (Algorithm::RS256, &signature::RSA_PKCS1_2048_8192_SHA256),
    (Algorithm::RS384, &signature::RSA_PKCS1_2048_8192_SHA384),
    (Algorithm::RS512, &signature::RSA_PKCS1_2048_8192_SHA512),
    (Algorithm::PS256, &signature::RSA_PSS_2048_8192_SHA256),
    (Algorithm::PS384, &signature::RSA_PSS_2048_8192_SHA384),
    (Algorithm::PS512, &signature::RSA_PSS_2048_8192_SHA512),
];

/// 1.2.840.113549.1.1.1
const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// 1.2.840.10045.2.1
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// 1.2.840.10045.3.1.7, which JOSE calls P-256
const PRIME256V1: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// 1.3.132.0.34, which JOSE calls P-384
const SECP384R1: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
/// 1.3.101.112
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
