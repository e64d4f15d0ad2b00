//! Encryption at rest: private keys and readable secrets are sealed with the server's master key.

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use zeroize::{Zeroize, Zeroizing};

use crate::{Error, Result};

/// Seals and opens small secrets with AES-256-GCM under a random nonce.
///
/// A sealed text is `v1.KEY.DATA`: `KEY` tells master keys apart without telling anything about them, `DATA` is nonce,
/// ciphertext and tag in base64url. The context (whose secret this is) is authenticated, so a seal copied to another row
/// does not open there.
pub struct Vault {
    key: RandomizedNonceKey,
    /// Made from the master key: every node has the same.
    tag_key: Zeroizing<[u8; 32]>,
    /// `v1.KEY.`
    prefix: String,
}

impl Vault {
    /// A vault under this master key.
    ///
    /// # Panics
    /// Never: AES-256 takes any 32 bytes.
    #[must_use]
    pub fn new(mut master_key: [u8; 32]) -> Self {
        let mut named = [KEY_NAME, &master_key[..]].concat();
        let name = BASE64.encode(&chancery_jose::sha256(&named)[..6]);
        named.zeroize();
        let tag_key = Zeroizing::new(chancery_jose::hmac_sha256(&master_key, TAG_KEY_NAME));
        #[expect(clippy::expect_used, reason = "the length is that of the algorithm")]
        let key = RandomizedNonceKey::new(&AES_256_GCM, &master_key).expect("AES-256 keys have 32 bytes");
        master_key.zeroize();
        Self { key, tag_key, prefix: format!("v1.{name}.") }
    }

    /// A tag over `data` for `context`, which nobody can make who has not the master key.
    #[must_use]
    pub fn tag(&self, context: &str, data: &[u8]) -> [u8; 32] {
        // A context holds no U+0000, so none is the beginning of another with its data.
        chancery_jose::hmac_sha256(&*self.tag_key, &[context.as_bytes(), b"\0", data].concat())
    }

    /// Encrypts `secret` for `context`.
    ///
    /// # Errors
    /// [`Error::Corrupt`] where the library fails or finds no randomness.
    pub fn seal(&self, context: &str, secret: &[u8]) -> Result<String> {
        // Room for the tag too, so that no reallocation leaves a copy of the plain text behind.
        let mut body = Vec::with_capacity(secret.len() + AES_256_GCM.tag_len());
        body.extend_from_slice(secret);
        let nonce = self
            .key
            .seal_in_place_append_tag(Aad::from(context.as_bytes()), &mut body)
            .map_err(|_| Error::corrupt("sealing failed"))?;
        let data = [&nonce.as_ref()[..], &body].concat();
        Ok(format!("{}{}", self.prefix, BASE64.encode(data)))
    }

    /// Decrypts what [`Vault::seal`] gave for the same `context`.
    ///
    /// # Errors
    /// [`Error::Corrupt`] where the text was sealed with another master key or for another context, or was altered.
    pub fn open(&self, context: &str, sealed: &str) -> Result<Zeroizing<Vec<u8>>> {
        let data = sealed.strip_prefix(&self.prefix).ok_or_else(|| {
            Error::Corrupt(format!("the secret of {context} was sealed with another master key"))
        })?;
        let broken = || Error::Corrupt(format!("the sealed secret of {context}"));
        let mut data = Zeroizing::new(BASE64.decode(data).map_err(|_| broken())?);
        if data.len() < NONCE {
            return Err(broken());
        }
        let mut nonce = [0; NONCE];
        nonce.copy_from_slice(&data[..NONCE]);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let body = &mut data[NONCE..];
        let length =
            self.key.open_in_place(nonce, Aad::from(context.as_bytes()), body).map_err(|_| broken())?.len();
        Ok(Zeroizing::new(data[NONCE..NONCE + length].to_vec()))
    }
}

/// Shows the name of the key alone.
impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Vault({}..)", self.prefix)
    }
}

const NONCE: usize = 12;
const TAG_KEY_NAME: &[u8] = b"chancery vault tag key";
const KEY_NAME: &[u8] = b"chancery vault key name ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_what_it_sealed_and_nothing_else() {
        let vault = Vault::new([7; 32]);
        let sealed = vault.seal("t/key/k1", b"private").unwrap();
        assert_eq!(&**vault.open("t/key/k1", &sealed).unwrap(), b"private");
        assert!(vault.open("t/key/k2", &sealed).is_err(), "another row");
        assert!(Vault::new([8; 32]).open("t/key/k1", &sealed).is_err(), "another master key");
        for at in 0..sealed.len() {
            let mut altered = sealed.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            assert!(vault.open("t/key/k1", &String::from_utf8(altered).unwrap()).is_err(), "byte {at}");
        }
        for end in 0..sealed.len() {
            assert!(vault.open("t/key/k1", &sealed[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn tags_are_of_key_context_and_data() {
        let tag = |key, context, data| Vault::new([key; 32]).tag(context, data);
        assert_eq!(tag(7, "c", b"d"), tag(7, "c", b"d"));
        assert_ne!(tag(7, "c", b"d"), tag(8, "c", b"d"));
        assert_ne!(tag(7, "c", b"d"), tag(7, "e", b"d"));
        assert_ne!(tag(7, "c", b"d"), tag(7, "c", b"e"));
    }

    #[test]
    fn the_same_secret_never_looks_the_same() {
        let vault = Vault::new([7; 32]);
        assert_ne!(vault.seal("c", b"s").unwrap(), vault.seal("c", b"s").unwrap());
        assert!(vault.seal("c", b"").is_ok());
    }
}
