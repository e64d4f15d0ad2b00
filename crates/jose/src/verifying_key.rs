//! Keys that verify. What a key *is* decides what it can verify; no header and no caller can widen that.

use crate::encoding::{pem, pem_decode};
use crate::public_key::Public;
use crate::{Algorithm, Error, Jwk};
use aws_lc_rs::hmac;
use aws_lc_rs::signature::ParsedPublicKey;
use std::{fmt, sync::Arc};

/// A parsed public key, or an HMAC secret. Cheap to clone.
///
/// An RSA key verifies RS256 to PS512, a P-256 key ES256, a P-384 key ES384, an Ed25519 key EdDSA, and a secret HS256:
/// each of these and never anything else (security case 15, RFC 8725, section 3.1).
#[derive(Clone)]
pub struct VerifyingKey {
    kid: Option<Arc<str>>,
    /// The one algorithm to which the `alg` of a JWK narrows the key.
    only: Option<Algorithm>,
    material: Arc<Material>,
}

impl VerifyingKey {
    /// Reads a public JWK (RFC 7517, 7518, 8037). Its `alg` narrows the key to that algorithm and its `kid` binds it to
    /// tokens that name the same one or none. `x5c` is not looked at.
    ///
    /// # Errors
    /// [`Error::Key`] where the key is unfit: an unknown type or curve, RSA under 2048 or over 8192 bits, a point that
    /// is not on the curve, `use` or `key_ops` for something other than signatures; [`Error::UnsupportedAlgorithm`] for
    /// an unknown `alg`; [`Error::Malformed`] where a member is not base64url.
    pub fn from_jwk(jwk: &Jwk) -> Result<Self, Error> {
        if jwk.use_.as_deref().is_some_and(|purpose| purpose != "sig") {
            return Err(Error::Key("its use is not sig"));
        }
        if jwk.key_ops.as_ref().is_some_and(|operations| !operations.iter().any(|name| name == "verify")) {
            return Err(Error::Key("its key_ops do not hold verify"));
        }
        let public = Public::from_jwk(jwk)?;
        let mut key = Self::from_public(public, jwk.kid.as_deref())?;
        if let Some(alg) = &jwk.alg {
            let only = alg.parse()?;
            if !key.supports(only) {
                return Err(Error::Key("its alg does not fit its type"));
            }
            key.only = Some(only);
        }
        Ok(key)
    }

    /// Reads the first PEM block of `text`: `PUBLIC KEY` (SubjectPublicKeyInfo), `RSA PUBLIC KEY` (PKCS#1) or
    /// `CERTIFICATE` (X.509). Of a certificate only the key is read: neither issuer nor dates are judged.
    ///
    /// # Errors
    /// [`Error::Key`] where the key is unfit (see [`VerifyingKey::from_jwk`]) or is a private one, [`Error::Malformed`]
    /// where PEM or DER are, [`Error::TooLong`] over 64 KiB.
    pub fn from_pem(text: &str) -> Result<Self, Error> {
        let (label, der) = pem_decode(text)?;
        let public = match label {
            "PUBLIC KEY" => Public::from_spki(&der)?,
            "RSA PUBLIC KEY" => Public::from_pkcs1(&der)?,
            "CERTIFICATE" => Public::from_certificate(&der)?,
            _ if label.ends_with("PRIVATE KEY") => return Err(Error::Key("it is a private key")),
            _ => return Err(Error::Key("the PEM label is neither PUBLIC KEY nor CERTIFICATE")),
        };
        Self::from_public(public, None)
    }

    /// A secret for HS256. Clients keep secrets of their own choice, so the 256 bits that RFC 7518, section 3.2 asks for
    /// are not enforced here.
    ///
    /// # Errors
    /// [`Error::Key`] where the secret is empty, or is a PEM text: that is a public key gone astray.
    pub fn from_secret(secret: &[u8]) -> Result<Self, Error> {
        secret_key(secret).map(|key| Self {
            kid: None,
            only: None,
            material: Arc::new(Material::Secret(Box::new(key))),
        })
    }

    /// Whether the key can verify `algorithm`.
    pub fn supports(&self, algorithm: Algorithm) -> bool {
        let fits = match &*self.material {
            Material::Public { parsed, .. } => parsed.iter().any(|(of, _)| *of == algorithm),
            Material::Secret(_) => algorithm == Algorithm::HS256,
        };
        fits && self.only.is_none_or(|only| only == algorithm)
    }

    /// The key id, where the key came with one.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The same key under another name: it verifies tokens that name this one, or none.
    #[must_use]
    pub fn with_kid(&self, kid: &str) -> Self {
        Self { kid: Some(kid.into()), ..self.clone() }
    }

    /// The public key as a JWK with `use` = `sig`, and `kid` and `alg` where known; `None` for a secret.
    pub fn to_jwk(&self) -> Option<Jwk> {
        let Material::Public { public, .. } = &*self.material else { return None };
        let mut jwk = public.to_jwk();
        jwk.kid = self.kid.as_deref().map(str::to_owned);
        jwk.alg = self.only.map(|only| only.to_string());
        Some(jwk)
    }

    /// The public key as PEM (SubjectPublicKeyInfo); `None` for a secret.
    pub fn to_pem(&self) -> Option<String> {
        let Material::Public { public, .. } = &*self.material else { return None };
        Some(pem("PUBLIC KEY", &public.to_spki()))
    }

    /// Verifies a bare signature over `message`. ECDSA signatures are `r || s` (RFC 7518, section 3.4).
    ///
    /// # Errors
    /// [`Error::KeyMismatch`] where the key cannot verify `algorithm`, [`Error::Signature`] where the signature is wrong.
    pub fn verify_raw(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        if !self.supports(algorithm) {
            return Err(Error::KeyMismatch);
        }
        match &*self.material {
            Material::Public { parsed, .. } => {
                let (_, key) = parsed.iter().find(|(of, _)| *of == algorithm).ok_or(Error::KeyMismatch)?;
                key.verify_sig(message, signature).map_err(|_| Error::Signature)
            }
            // Compares in constant time.
            Material::Secret(key) => hmac::verify(key, message, signature).map_err(|_| Error::Signature),
        }
    }

    pub(crate) fn from_public(public: Public, kid: Option<&str>) -> Result<Self, Error> {
        let parsed = public.parse()?;
        Ok(Self {
            kid: kid.map(Arc::from),
            only: None,
            material: Arc::new(Material::Public { public, parsed }),
        })
    }

    /// The public half of a signing key: the DER walk has been done by it.
    pub(crate) fn spki(&self) -> Option<Vec<u8>> {
        match &*self.material {
            Material::Public { public, .. } => Some(public.to_spki()),
            Material::Secret(_) => None,
        }
    }
}

/// Shows the key id and the algorithms, and nothing of the key.
impl fmt::Debug for VerifyingKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let algorithms: Vec<_> =
            Algorithm::ALL.into_iter().filter(|algorithm| self.supports(*algorithm)).collect();
        formatter
            .debug_struct("VerifyingKey")
            .field("kid", &self.kid)
            .field("algorithms", &algorithms)
            .finish()
    }
}

/// The HMAC key of a secret, after the checks of [`VerifyingKey::from_secret`].
pub(crate) fn secret_key(secret: &[u8]) -> Result<hmac::Key, Error> {
    if secret.is_empty() {
        return Err(Error::Key("the secret is empty"));
    }
    if secret.trim_ascii_start().starts_with(b"-----BEGIN") {
        return Err(Error::Key("a PEM text is no secret"));
    }
    Ok(hmac::Key::new(hmac::HMAC_SHA256, secret))
}

enum Material {
    Public {
        public: Public,
        /// The library binds a parsed key to an algorithm: one for each that the type of key can do.
        parsed: Vec<(Algorithm, ParsedPublicKey)>,
    },
    Secret(Box<hmac::Key>),
}
