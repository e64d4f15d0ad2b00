//! Encrypted tokens in compact form (JWE: RFC 7516, RFC 7518 sections 4 and 5). Whoever encrypts vouches for nothing: what is inside
//! is a signed token of its own.
//!
//! As for signatures the *key* decides which algorithm it is for, and a header only has to agree. There is no RSA1_5, and nothing is
//! compressed (`zip`): a compressed token tells about its content by its length, and may be a bomb.

mod content;
mod header;
mod key_management;

pub use content::ContentEncryption;
pub use key_management::KeyManagement;

use crate::encoding::{base64url_decode, push_base64url};
use crate::public_key::Public;
use crate::{Error, Jwk, base64url, pem_decode};
use header::Header;
use key_management::{Opener, Sealer};
use std::{fmt, sync::Arc};

/// The longest encrypted token that is looked at, in bytes: a token of the longest kind, encrypted.
pub const MAX_ENCRYPTED_LENGTH: usize = 24 * 1024;

/// A key that tokens are encrypted for, parsed once, with the algorithms that it is used with.
#[derive(Clone)]
pub struct EncryptionKey {
    algorithm: KeyManagement,
    content: ContentEncryption,
    kid: Option<Arc<str>>,
    sealer: Arc<Sealer>,
}

impl EncryptionKey {
    /// The public key of a PEM text (`PUBLIC KEY`, `RSA PUBLIC KEY` or `CERTIFICATE`).
    ///
    /// # Errors
    /// [`Error::Key`] where it is not a key that `algorithm` can use: RSA of 2048 to 8192 bits, or P-256;
    /// [`Error::AlgorithmNotAllowed`] for `dir`, [`Error::Malformed`] and [`Error::TooLong`] as
    /// [`VerifyingKey::from_pem`](crate::VerifyingKey::from_pem).
    pub fn from_pem(
        (algorithm, content): (KeyManagement, ContentEncryption),
        text: &str,
        kid: Option<&str>,
    ) -> Result<Self, Error> {
        let (label, der) = pem_decode(text)?;
        let public = match label {
            "PUBLIC KEY" => Public::from_spki(&der)?,
            "RSA PUBLIC KEY" => Public::from_pkcs1(&der)?,
            "CERTIFICATE" => Public::from_certificate(&der)?,
            _ => return Err(Error::Key("the PEM label is neither PUBLIC KEY nor CERTIFICATE")),
        };
        Self::from_public((algorithm, content), &public, kid)
    }

    /// The public key of a JWK. Its own `kid` goes into the header.
    ///
    /// # Errors
    /// As [`EncryptionKey::from_pem`]; [`Error::Key`] also where its `use`, `key_ops` or `alg` are for something else.
    pub fn from_jwk(
        (algorithm, content): (KeyManagement, ContentEncryption),
        jwk: &Jwk,
    ) -> Result<Self, Error> {
        if jwk.use_.as_deref().is_some_and(|purpose| purpose != "enc") {
            return Err(Error::Key("its use is not enc"));
        }
        let operations = ["wrapKey", "encrypt", "deriveKey", "deriveBits"];
        // Browsers write an empty list into public keys of ECDH: it names nothing that the key would be for instead.
        let fits = |names: &Vec<String>| {
            names.is_empty() || names.iter().any(|name| operations.contains(&name.as_str()))
        };
        if jwk.key_ops.as_ref().is_some_and(|names| !fits(names)) {
            return Err(Error::Key("its key_ops are not for encryption"));
        }
        if jwk.alg.as_deref().is_some_and(|alg| alg != algorithm.as_str()) {
            return Err(Error::Key("its alg is another one"));
        }
        Self::from_public((algorithm, content), &Public::from_jwk(jwk)?, jwk.kid.as_deref())
    }

    /// A secret that both sides have (`dir`), of exactly the length that `content` needs.
    ///
    /// # Errors
    /// [`Error::Key`] where the length is another.
    pub fn from_secret(content: ContentEncryption, secret: &[u8], kid: Option<&str>) -> Result<Self, Error> {
        let sealer = Arc::new(Sealer::secret(content, secret)?);
        Ok(Self { algorithm: KeyManagement::Dir, content, kid: kid.map(Arc::from), sealer })
    }

    fn from_public(
        (algorithm, content): (KeyManagement, ContentEncryption),
        public: &Public,
        kid: Option<&str>,
    ) -> Result<Self, Error> {
        let sealer = Arc::new(Sealer::public(algorithm, public)?);
        Ok(Self { algorithm, content, kid: kid.map(Arc::from), sealer })
    }

    /// How the content's key is agreed upon.
    pub fn algorithm(&self) -> KeyManagement {
        self.algorithm
    }

    /// A compact JWE of `plaintext`. `cty` says what that is: `JWT` for a token (RFC 7519, section 5.2).
    ///
    /// # Errors
    /// [`Error::Crypto`] where the library fails.
    pub fn encrypt(&self, plaintext: &[u8], cty: Option<&str>) -> Result<String, Error> {
        let sealed = self.sealer.content_key(self.algorithm, self.content)?;
        let mut header = serde_json::Map::new();
        header.insert("alg".to_owned(), self.algorithm.as_str().into());
        header.insert("enc".to_owned(), self.content.as_str().into());
        for (name, value) in [("kid", self.kid.as_deref()), ("cty", cty)] {
            if let Some(value) = value {
                header.insert(name.to_owned(), value.into());
            }
        }
        if let Some(epk) = sealed.ephemeral {
            header.insert("epk".to_owned(), epk);
        }
        let mut token = base64url(serde_json::Value::Object(header).to_string().as_bytes());
        let locked = self.content.encrypt(&sealed.content_key, token.as_bytes(), plaintext)?;
        token.reserve((sealed.encrypted_key.len() + plaintext.len() + 96) * 4 / 3);
        for part in [&sealed.encrypted_key[..], &locked.iv, &locked.ciphertext, &locked.tag] {
            token.push('.');
            push_base64url(part, &mut token);
        }
        Ok(token)
    }
}

/// Shows the algorithms and the key id.
impl fmt::Debug for EncryptionKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("EncryptionKey")
            .field("alg", &self.algorithm)
            .field("enc", &self.content)
            .field("kid", &self.kid)
            .finish()
    }
}

/// A key that opens tokens, with the one algorithm it is for.
#[derive(Clone)]
pub struct DecryptionKey {
    algorithm: KeyManagement,
    opener: Arc<Opener>,
}

impl DecryptionKey {
    /// Reads an unencrypted PKCS#8 private key.
    ///
    /// # Errors
    /// [`Error::Key`] where `algorithm` cannot use it, [`Error::AlgorithmNotAllowed`] for `dir`.
    pub fn from_pkcs8(algorithm: KeyManagement, pkcs8_der: &[u8]) -> Result<Self, Error> {
        Ok(Self { algorithm, opener: Arc::new(Opener::private(algorithm, pkcs8_der)?) })
    }

    /// A secret that both sides have (`dir`).
    pub fn from_secret(secret: &[u8]) -> Self {
        Self { algorithm: KeyManagement::Dir, opener: Arc::new(Opener::secret(secret)) }
    }

    /// Opens a token: its `alg` must be the key's, its `enc` among `allowed`.
    ///
    /// # Errors
    /// [`Error::TooLong`] over [`MAX_ENCRYPTED_LENGTH`]; [`Error::Malformed`] where there are not five parts, or the header is not one;
    /// [`Error::Critical`] for `crit` and `zip`; [`Error::KeyMismatch`] and [`Error::AlgorithmNotAllowed`] for other algorithms;
    /// [`Error::Decryption`] for everything else, without saying what was wrong.
    pub fn decrypt(&self, token: &str, allowed: &[ContentEncryption]) -> Result<Vec<u8>, Error> {
        if token.len() > MAX_ENCRYPTED_LENGTH {
            return Err(Error::TooLong);
        }
        let mut parts = token.split('.');
        let mut next = || parts.next().ok_or(Error::Malformed("token"));
        let (protected, key, iv, ciphertext, tag) = (next()?, next()?, next()?, next()?, next()?);
        if parts.next().is_some() {
            return Err(Error::Malformed("token"));
        }
        let header = Header::parse(protected)?;
        if header.alg != self.algorithm.as_str() {
            return Err(Error::KeyMismatch);
        }
        let content = allowed.iter().copied().find(|content| content.as_str() == header.enc);
        let content = content.ok_or(Error::AlgorithmNotAllowed)?;
        let decode = |part: &str| base64url_decode(part).map_err(|_| Error::Malformed("token"));
        let (key, iv, ciphertext, tag) = (decode(key)?, decode(iv)?, decode(ciphertext)?, decode(tag)?);
        let content_key = self.opener.content_key(self.algorithm, content, &header, &key)?;
        content.decrypt(&content_key, protected.as_bytes(), &content::Locked { iv, ciphertext, tag })
    }
}

/// Shows the algorithm, and nothing of the key.
impl fmt::Debug for DecryptionKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("DecryptionKey").field("alg", &self.algorithm).finish_non_exhaustive()
    }
}

/// Random bytes for one token.
#[expect(
    clippy::disallowed_methods,
    reason = "keys and vectors of tokens are the library's to choose, as key pairs are: a test that fixed them would reuse them"
)]
fn fill(bytes: &mut [u8]) -> Result<(), Error> {
    aws_lc_rs::rand::fill(bytes).map_err(|_| Error::Crypto)
}
