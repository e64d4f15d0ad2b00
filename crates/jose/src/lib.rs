//! JOSE for an authorization server: signed tokens (RFC 7515, 7519), keys and key sets (RFC 7517, 7518, 8037, 7638), and the
//! keys of WebAuthn credentials.
//!
//! Three habits make it fast and hard to misuse:
//!
//! - a key is parsed once, its token headers are encoded once, and signing allocates the token and nothing else;
//! - the *key* decides which algorithms it can ever verify, so a public key never turns into an HMAC secret, whatever
//!   the header of a token says (RFC 8725, section 3.1);
//! - a token is [`Unverified`] until a key and the algorithms the caller allows have proven it.
//!
//! Everything is synchronous and pure: no I/O and no clock. `exp`, `aud` and the other claims are the caller's to judge.

mod algorithm;
mod cbor;
mod certificate;
mod cose;
mod der;
mod encoding;
mod error;
mod generate;
mod hash;
mod jwe;
mod jwk;
mod jws;
mod otp;
mod own_key;
mod public_key;
mod signing_key;
mod verifying_key;
mod x509;

pub use algorithm::Algorithm;
pub use cbor::Cbor;
pub use certificate::{certificate_envelope, self_signed_certificate};
pub use cose::CredentialKey;
pub use encoding::{base64, base64_decode, base64url, base64url_decode, pem, pem_decode, read_object};
pub use error::Error;
pub use generate::{generate_ed25519, generate_es256, generate_rsa};
pub use hash::{constant_time_eq, half_hash, hmac_sha256, sha1, sha256};
pub use jwe::{ContentEncryption, DecryptionKey, EncryptionKey, KeyManagement, MAX_ENCRYPTED_LENGTH};
pub use jwk::{Jwk, JwkSet};
pub use jws::{Header, MAX_TOKEN_LENGTH, Unverified};
pub use otp::hotp;
pub use own_key::OwnKey;
pub use signing_key::{SigningKey, Typ};
pub use verifying_key::VerifyingKey;
pub use x509::{Certificate, DistinguishedName, is_of_authority};
