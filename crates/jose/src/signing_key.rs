//! Keys that sign: parsed once, headers encoded once.

use crate::encoding::{base64url, base64url_length, push_base64url};
use crate::public_key::Public;
use crate::verifying_key::secret_key;
use crate::{Algorithm, Error, Jwk, VerifyingKey};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, RsaEncoding, RsaKeyPair,
};
use std::{fmt, sync::Arc};

/// A key ready to sign with one algorithm under one key id. `Send` and `Sync`; clones share the parsed key.
#[derive(Clone)]
pub struct SigningKey {
    algorithm: Algorithm,
    kid: Option<Arc<str>>,
    /// `base64url(header).`, one for each [`Typ`].
    headers: Arc<[String; 4]>,
    material: Material,
    public: VerifyingKey,
}

impl SigningKey {
    /// Reads an unencrypted PKCS#8 private key, which must be of the type that `algorithm` needs: RSA of 2048 to 8192
    /// bits, EC on P-256 (ES256) or P-384 (ES384), or Ed25519.
    ///
    /// # Errors
    /// [`Error::Key`] where it is not, [`Error::AlgorithmNotAllowed`] for HS256, which has no such keys.
    pub fn from_pkcs8(algorithm: Algorithm, kid: impl Into<String>, pkcs8_der: &[u8]) -> Result<Self, Error> {
        let (material, public) = match algorithm {
            Algorithm::HS256 => return Err(Error::AlgorithmNotAllowed),
            Algorithm::ES256 => ecdsa(&signature::ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8_der, Public::p256)?,
            Algorithm::ES384 => ecdsa(&signature::ECDSA_P384_SHA384_FIXED_SIGNING, pkcs8_der, Public::p384)?,
            Algorithm::EdDSA => {
                let pair = Ed25519KeyPair::from_pkcs8(pkcs8_der).map_err(|_| NOT_FIT)?;
                let public = Public::ed25519(pair.public_key().as_ref());
                (Material::Ed25519(Arc::new(pair)), public)
            }
            _rsa => {
                let pair = RsaKeyPair::from_pkcs8(pkcs8_der).map_err(|_| NOT_FIT)?;
                let public = Public::from_pkcs1(pair.public_key().as_ref())?;
                (Material::Rsa(Arc::new(pair)), public)
            }
        };
        let kid: Arc<str> = kid.into().into();
        let public = VerifyingKey::from_public(public, Some(&kid))?;
        Ok(Self {
            algorithm,
            headers: encode_headers(algorithm, Some(&kid)),
            kid: Some(kid),
            material,
            public,
        })
    }

    /// A key that signs HS256 with a secret shared with the reader of the tokens.
    ///
    /// # Errors
    /// [`Error::AlgorithmNotAllowed`] for another algorithm; [`Error::Key`] as [`VerifyingKey::from_secret`].
    pub fn from_secret(algorithm: Algorithm, kid: Option<String>, secret: &[u8]) -> Result<Self, Error> {
        if algorithm != Algorithm::HS256 {
            return Err(Error::AlgorithmNotAllowed);
        }
        let material = Material::Secret(Arc::new(secret_key(secret)?));
        let headers = encode_headers(algorithm, kid.as_deref());
        let public = VerifyingKey::from_secret(secret)?;
        Ok(Self { algorithm, kid: kid.map(Arc::from), headers, material, public })
    }

    /// The same key pair signing with another algorithm of its type: RS256, RS512 and PS256 share one RSA key.
    ///
    /// # Errors
    /// [`Error::KeyMismatch`] where the type of the key cannot do it.
    pub fn with_algorithm(&self, algorithm: Algorithm) -> Result<Self, Error> {
        if !self.public.supports(algorithm) {
            return Err(Error::KeyMismatch);
        }
        let headers = encode_headers(algorithm, self.kid());
        Ok(Self { algorithm, headers, ..self.clone() })
    }

    /// The same key under another name.
    #[must_use]
    pub fn with_kid(&self, kid: &str) -> Self {
        let headers = encode_headers(self.algorithm, Some(kid));
        Self { headers, kid: Some(kid.into()), public: self.public.with_kid(kid), ..self.clone() }
    }

    /// The algorithm it signs with.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key id that its tokens carry.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Whether a signature takes so long (RSA: 250 us and more) that many at once must wait in line.
    pub fn is_costly(&self) -> bool {
        matches!(self.material, Material::Rsa(_))
    }

    /// Signs `payload` as a compact JWS (RFC 7515, section 7.1). The token is the one allocation made here.
    ///
    /// # Errors
    /// [`Error::Crypto`] where the library fails.
    pub fn sign(&self, typ: Typ, payload: &[u8]) -> Result<String, Error> {
        let header = &self.headers[typ as usize];
        let length =
            header.len() + base64url_length(payload.len()) + 1 + base64url_length(self.signature_length());
        let mut token = String::with_capacity(length);
        token.push_str(header);
        push_base64url(payload, &mut token);
        let signature = self.signature(token.as_bytes())?;
        token.push('.');
        push_base64url(signature.as_slice(), &mut token);
        Ok(token)
    }

    /// Signs `message` as it is. ECDSA signatures are `r || s` (RFC 7518, section 3.4).
    ///
    /// # Errors
    /// [`Error::Crypto`] where the library fails.
    pub fn sign_raw(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(self.signature(message)?.as_slice().to_vec())
    }

    /// The public key with `use`, `kid` and `alg`; `None` for a secret.
    pub fn public_jwk(&self) -> Option<Jwk> {
        self.public.to_jwk().map(|jwk| Jwk { alg: Some(self.algorithm.to_string()), ..jwk })
    }

    /// The key that verifies what this one signs.
    pub fn verifying_key(&self) -> VerifyingKey {
        self.public.clone()
    }

    /// The public key as SubjectPublicKeyInfo DER, for PEM files and certificates; `None` for a secret.
    pub fn public_key_der(&self) -> Option<Vec<u8>> {
        self.public.spki()
    }

    fn signature_length(&self) -> usize {
        match &self.material {
            Material::Rsa(pair) => pair.public_modulus_len(),
            Material::Ecdsa(_) if self.algorithm == Algorithm::ES384 => 96,
            Material::Ecdsa(_) | Material::Ed25519(_) => 64,
            Material::Secret(_) => 32,
        }
    }

    fn signature(&self, message: &[u8]) -> Result<Signature, Error> {
        // The library has a random generator of its own and looks at none of ours.
        let random = SystemRandom::new();
        let mut signature = Signature { bytes: [0; MAX_SIGNATURE], length: self.signature_length() };
        let target = &mut signature.bytes[..signature.length];
        match &self.material {
            Material::Rsa(pair) => {
                let encoding = rsa_encoding(self.algorithm)?;
                pair.sign(encoding, &random, message, target).map_err(|_| Error::Crypto)?;
            }
            Material::Ecdsa(pair) => {
                target.copy_from_slice(pair.sign(&random, message).map_err(|_| Error::Crypto)?.as_ref());
            }
            Material::Ed25519(pair) => {
                target.copy_from_slice(pair.try_sign(message).map_err(|_| Error::Crypto)?.as_ref());
            }
            Material::Secret(key) => {
                hmac::sign_to_buffer(key, message, target).map_err(|_| Error::Crypto)?;
            }
        }
        Ok(signature)
    }
}

/// Shows key id and algorithm, and nothing of the key.
impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SigningKey").field("kid", &self.kid).field("alg", &self.algorithm).finish()
    }
}

/// The `typ` of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Typ {
    /// `JWT`: ID tokens, and access tokens of the default dialect.
    Jwt,
    /// `at+jwt`: access tokens of RFC 9068.
    AtJwt,
    /// `logout+jwt`: OpenID Connect Back-Channel Logout 1.0, section 2.4.
    LogoutJwt,
    /// `token-introspection+jwt`: RFC 9701, section 5.
    Introspection,
}

impl Typ {
    /// As in the header.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jwt => "JWT",
            Self::AtJwt => "at+jwt",
            Self::LogoutJwt => "logout+jwt",
            Self::Introspection => "token-introspection+jwt",
        }
    }
}

const NOT_FIT: Error = Error::Key("it is not a PKCS#8 private key of the type that the algorithm needs");

/// RSA with 8192 bits, the most that the library takes.
const MAX_SIGNATURE: usize = 1024;

/// A signature on the stack.
struct Signature {
    bytes: [u8; MAX_SIGNATURE],
    length: usize,
}

impl Signature {
    fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

#[derive(Clone)]
enum Material {
    Rsa(Arc<RsaKeyPair>),
    Ecdsa(Arc<EcdsaKeyPair>),
    Ed25519(Arc<Ed25519KeyPair>),
    Secret(Arc<hmac::Key>),
}

fn ecdsa(
    implementation: &'static EcdsaSigningAlgorithm,
    pkcs8_der: &[u8],
    public: fn(&[u8]) -> Public,
) -> Result<(Material, Public), Error> {
    let pair = EcdsaKeyPair::from_pkcs8(implementation, pkcs8_der).map_err(|_| NOT_FIT)?;
    let public = public(pair.public_key().as_ref());
    Ok((Material::Ecdsa(Arc::new(pair)), public))
}

fn rsa_encoding(algorithm: Algorithm) -> Result<&'static dyn RsaEncoding, Error> {
    match algorithm {
        Algorithm::RS256 => Ok(&signature::RSA_PKCS1_SHA256),
        Algorithm::RS384 => Ok(&signature::RSA_PKCS1_SHA384),
        Algorithm::RS512 => Ok(&signature::RSA_PKCS1_SHA512),
        Algorithm::PS256 => Ok(&signature::RSA_PSS_SHA256),
        Algorithm::PS384 => Ok(&signature::RSA_PSS_SHA384),
        Algorithm::PS512 => Ok(&signature::RSA_PSS_SHA512),
        Algorithm::HS256 | Algorithm::ES256 | Algorithm::ES384 | Algorithm::EdDSA => Err(Error::KeyMismatch),
    }
}

fn encode_headers(algorithm: Algorithm, kid: Option<&str>) -> Arc<[String; 4]> {
    let kid = kid.map(|kid| format!(r#","kid":{}"#, serde_json::Value::from(kid))).unwrap_or_default();
    Arc::new([Typ::Jwt, Typ::AtJwt, Typ::LogoutJwt, Typ::Introspection].map(|typ| {
        let mut header =
            base64url(format!(r#"{{"alg":"{algorithm}","typ":"{}"{kid}}}"#, typ.as_str()).as_bytes());
        header.push('.');
        header
    }))
}
