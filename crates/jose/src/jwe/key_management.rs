//! How both sides come to have the key of the content (RFC 7518, section 4).

use super::ContentEncryption;
use super::fill;
use super::header::Header;
use crate::encoding::base64url_decode;
use crate::public_key::Public;
use crate::{Error, VerifyingKey};
use aws_lc_rs::agreement::{self, ECDH_P256, UnparsedPublicKey};
use aws_lc_rs::digest::{self, SHA256};
use aws_lc_rs::key_wrap::{AES_128, AES_256, AesKek, KeyWrap};
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OAEP_SHA384_MGF1SHA384, OAEP_SHA512_MGF1SHA512,
    OaepAlgorithm, OaepPrivateDecryptingKey, OaepPublicEncryptingKey, PrivateDecryptingKey,
    PublicEncryptingKey,
};
use serde_json::Value;
use std::str::FromStr;
use zeroize::Zeroizing;

/// `alg`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyManagement {
    /// RSA-OAEP with SHA-1, for those who have nothing newer.
    RsaOaep,
    /// RSA-OAEP with SHA-256.
    RsaOaep256,
    /// RSA-OAEP with SHA-384.
    RsaOaep384,
    /// RSA-OAEP with SHA-512.
    RsaOaep512,
    /// A key that both derive (P-256).
    EcdhEs,
    /// The content's key, wrapped under one that both derive.
    EcdhEsA128Kw,
    /// The same with 256 bits.
    EcdhEsA256Kw,
    /// A secret that both have.
    Dir,
}

impl KeyManagement {
    /// Every one.
    pub const ALL: [Self; 8] = [
        Self::RsaOaep,
        Self::RsaOaep256,
        Self::RsaOaep384,
        Self::RsaOaep512,
        Self::EcdhEs,
        Self::EcdhEsA128Kw,
        Self::EcdhEsA256Kw,
        Self::Dir,
    ];

    /// As in the header.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RsaOaep => "RSA-OAEP",
            Self::RsaOaep256 => "RSA-OAEP-256",
            Self::RsaOaep384 => "RSA-OAEP-384",
            Self::RsaOaep512 => "RSA-OAEP-512",
            Self::EcdhEs => "ECDH-ES",
            Self::EcdhEsA128Kw => "ECDH-ES+A128KW",
            Self::EcdhEsA256Kw => "ECDH-ES+A256KW",
            Self::Dir => "dir",
        }
    }

    fn oaep(self) -> Option<&'static OaepAlgorithm> {
        match self {
            Self::RsaOaep => Some(&OAEP_SHA1_MGF1SHA1),
            Self::RsaOaep256 => Some(&OAEP_SHA256_MGF1SHA256),
            Self::RsaOaep384 => Some(&OAEP_SHA384_MGF1SHA384),
            Self::RsaOaep512 => Some(&OAEP_SHA512_MGF1SHA512),
            _ => None,
        }
    }

    /// What the derived key is for (section 4.6.2), and its length in bytes.
    fn derived(self, content: ContentEncryption) -> (&'static str, usize) {
        match self {
            Self::EcdhEsA128Kw => (self.as_str(), 16),
            Self::EcdhEsA256Kw => (self.as_str(), 32),
            _ => (content.as_str(), content.key_length()),
        }
    }
}

impl FromStr for KeyManagement {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|known| known.as_str() == name).ok_or(Error::UnsupportedAlgorithm)
    }
}

type Secret = Zeroizing<Vec<u8>>;

/// The key of one token's content, and what tells the other side.
pub(super) struct SealedKey {
    pub(super) content_key: Secret,
    pub(super) encrypted_key: Vec<u8>,
    /// `epk`.
    pub(super) ephemeral: Option<Value>,
}

/// The side that encrypts.
pub(super) enum Sealer {
    Rsa(OaepPublicEncryptingKey),
    /// The other side's point.
    P256(Vec<u8>),
    Secret(Secret),
}

impl Sealer {
    pub(super) fn public(algorithm: KeyManagement, public: &Public) -> Result<Self, Error> {
        // Sizes and points are judged as for signatures.
        public.parse()?;
        match (algorithm, public) {
            (KeyManagement::Dir, _) => Err(Error::AlgorithmNotAllowed),
            (rsa, Public::Rsa { .. }) if rsa.oaep().is_some() => {
                let key = PublicEncryptingKey::from_der(&public.to_spki()).map_err(|_| NOT_FIT)?;
                OaepPublicEncryptingKey::new(key).map(Self::Rsa).map_err(|_| NOT_FIT)
            }
            (ecdh, Public::P256(point)) if ecdh.oaep().is_none() => Ok(Self::P256(point.clone())),
            _ => Err(NOT_FIT),
        }
    }

    pub(super) fn secret(content: ContentEncryption, secret: &[u8]) -> Result<Self, Error> {
        match secret.len() == content.key_length() {
            true => Ok(Self::Secret(Zeroizing::new(secret.to_vec()))),
            false => Err(Error::Key("the secret has not the length that its algorithm needs")),
        }
    }

    pub(super) fn content_key(
        &self,
        algorithm: KeyManagement,
        content: ContentEncryption,
    ) -> Result<SealedKey, Error> {
        match self {
            Self::Secret(secret) => {
                Ok(SealedKey { content_key: secret.clone(), encrypted_key: Vec::new(), ephemeral: None })
            }
            Self::Rsa(key) => {
                let content_key = random(content.key_length())?;
                let mut encrypted_key = vec![0; key.ciphertext_size()];
                let oaep = algorithm.oaep().ok_or(Error::KeyMismatch)?;
                let length = key
                    .encrypt(oaep, &content_key, &mut encrypted_key, None)
                    .map_err(|_| Error::Crypto)?
                    .len();
                encrypted_key.truncate(length);
                Ok(SealedKey { content_key, encrypted_key, ephemeral: None })
            }
            Self::P256(point) => {
                let own = agreement::PrivateKey::generate(&ECDH_P256).map_err(|_| Error::Crypto)?;
                let public = own.compute_public_key().map_err(|_| Error::Crypto)?;
                let jwk = Public::p256(public.as_ref()).to_jwk();
                let epk = serde_json::json!({"kty": "EC", "crv": "P-256", "x": jwk.x, "y": jwk.y});
                let (purpose, length) = algorithm.derived(content);
                let derived = derive(&own, point, (purpose, length), (&[], &[]))?;
                if algorithm == KeyManagement::EcdhEs {
                    return Ok(SealedKey {
                        content_key: derived,
                        encrypted_key: Vec::new(),
                        ephemeral: Some(epk),
                    });
                }
                let content_key = random(content.key_length())?;
                let mut wrapped = vec![0; content_key.len() + 8];
                let length =
                    kek(&derived)?.wrap(&content_key, &mut wrapped).map_err(|_| Error::Crypto)?.len();
                wrapped.truncate(length);
                Ok(SealedKey { content_key, encrypted_key: wrapped, ephemeral: Some(epk) })
            }
        }
    }
}

/// The side that decrypts.
pub(super) enum Opener {
    Rsa(OaepPrivateDecryptingKey),
    P256(agreement::PrivateKey),
    Secret(Secret),
}

impl Opener {
    pub(super) fn private(algorithm: KeyManagement, pkcs8_der: &[u8]) -> Result<Self, Error> {
        if algorithm == KeyManagement::Dir {
            return Err(Error::AlgorithmNotAllowed);
        }
        if algorithm.oaep().is_some() {
            let key = PrivateDecryptingKey::from_pkcs8(pkcs8_der).map_err(|_| NOT_FIT)?;
            return OaepPrivateDecryptingKey::new(key).map(Self::Rsa).map_err(|_| NOT_FIT);
        }
        agreement::PrivateKey::from_private_key_der(&ECDH_P256, pkcs8_der)
            .map(Self::P256)
            .map_err(|_| NOT_FIT)
    }

    pub(super) fn secret(secret: &[u8]) -> Self {
        Self::Secret(Zeroizing::new(secret.to_vec()))
    }

    pub(super) fn content_key(
        &self,
        algorithm: KeyManagement,
        content: ContentEncryption,
        header: &Header,
        encrypted_key: &[u8],
    ) -> Result<Secret, Error> {
        match self {
            Self::Secret(secret) => match encrypted_key.is_empty() {
                true => Ok(secret.clone()),
                false => Err(Error::Decryption),
            },
            // A key that does not open is replaced by another one, so that nobody learns whether it did (RFC 7516, section 11.5).
            Self::Rsa(key) => {
                let oaep = algorithm.oaep().ok_or(Error::KeyMismatch)?;
                let mut opened = Zeroizing::new(vec![0; key.min_output_size()]);
                let other = random(content.key_length())?;
                let found = key.decrypt(oaep, encrypted_key, &mut opened, None).ok().map(|key| key.to_vec());
                Ok(found.map(Zeroizing::new).filter(|key| key.len() == other.len()).unwrap_or(other))
            }
            Self::P256(own) => {
                let epk = header.epk.as_ref().ok_or(Error::Decryption)?;
                // On the curve, or it is none: points elsewhere give the private key away.
                let Ok(Public::P256(point)) = Public::from_jwk(epk) else { return Err(Error::Decryption) };
                VerifyingKey::from_public(Public::P256(point.clone()), None)
                    .map_err(|_| Error::Decryption)?;
                let decode = |text: &Option<String>| {
                    base64url_decode(text.as_deref().unwrap_or_default()).map_err(|_| Error::Decryption)
                };
                let (apu, apv) = (decode(&header.apu)?, decode(&header.apv)?);
                let derived = derive(own, &point, algorithm.derived(content), (&apu, &apv))?;
                if algorithm == KeyManagement::EcdhEs {
                    return if encrypted_key.is_empty() { Ok(derived) } else { Err(Error::Decryption) };
                }
                if encrypted_key.len() != content.key_length() + 8 {
                    return Err(Error::Decryption);
                }
                let mut opened = Zeroizing::new(vec![0; encrypted_key.len()]);
                let length =
                    kek(&derived)?.unwrap(encrypted_key, &mut opened).map_err(|_| Error::Decryption)?.len();
                opened.truncate(length);
                Ok(opened)
            }
        }
    }
}

/// Concat KDF (section 4.6.2, NIST SP 800-56A).
fn derive(
    own: &agreement::PrivateKey,
    point: &[u8],
    (purpose, length): (&str, usize),
    (apu, apv): (&[u8], &[u8]),
) -> Result<Secret, Error> {
    let counted = |part: &[u8]| {
        let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
        [&length.to_be_bytes()[..], part].concat()
    };
    let bits = u32::try_from(length * 8).unwrap_or(u32::MAX);
    let info =
        [counted(purpose.as_bytes()), counted(apu), counted(apv), bits.to_be_bytes().to_vec()].concat();
    agreement::agree(own, UnparsedPublicKey::new(&ECDH_P256, point), Error::Decryption, |shared| {
        let mut derived = Zeroizing::new(Vec::with_capacity(64));
        for round in 1_u32.. {
            if derived.len() >= length {
                break;
            }
            let mut hash = digest::Context::new(&SHA256);
            for part in [&round.to_be_bytes()[..], shared, &info] {
                hash.update(part);
            }
            derived.extend_from_slice(hash.finish().as_ref());
        }
        derived.truncate(length);
        Ok(derived)
    })
}

fn kek(key: &[u8]) -> Result<AesKek, Error> {
    let cipher = if key.len() == 16 { &AES_128 } else { &AES_256 };
    AesKek::new(cipher, key).map_err(|_| Error::Crypto)
}

fn random(length: usize) -> Result<Secret, Error> {
    let mut bytes = Zeroizing::new(vec![0; length]);
    fill(&mut bytes)?;
    Ok(bytes)
}

const NOT_FIT: Error = Error::Key("it is not a key of the type that the algorithm needs");
