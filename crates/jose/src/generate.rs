//! New key pairs, as PKCS#8 DER. The caller encrypts them before they rest anywhere.

use crate::Error;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{self, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use zeroize::Zeroizing;

/// A new RSA key pair of 2048, 3072 or 4096 bits, as PKCS#8 DER. It takes from 50 ms up to seconds of CPU.
///
/// # Errors
/// [`Error::Key`] for another size, [`Error::Crypto`] where the library fails.
pub fn generate_rsa(bits: u32) -> Result<Zeroizing<Vec<u8>>, Error> {
    let size = match bits {
        2048 => KeySize::Rsa2048,
        3072 => KeySize::Rsa3072,
        4096 => KeySize::Rsa4096,
        _ => return Err(Error::Key("an RSA key is generated with 2048, 3072 or 4096 bits")),
    };
    let pair = rsa::KeyPair::generate(size).map_err(|_| Error::Crypto)?;
    let document: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| Error::Crypto)?;
    Ok(Zeroizing::new(document.as_ref().to_vec()))
}

/// A new P-256 key pair for ES256, as PKCS#8 DER.
///
/// # Errors
/// [`Error::Crypto`] where the library fails.
pub fn generate_es256() -> Result<Zeroizing<Vec<u8>>, Error> {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| Error::Crypto)?;
    let document = pair.to_pkcs8v1().map_err(|_| Error::Crypto)?;
    Ok(Zeroizing::new(document.as_ref().to_vec()))
}

/// A new Ed25519 key pair for EdDSA, as PKCS#8 DER.
///
/// # Errors
/// [`Error::Crypto`] where the library fails.
pub fn generate_ed25519() -> Result<Zeroizing<Vec<u8>>, Error> {
    let pair = Ed25519KeyPair::generate().map_err(|_| Error::Crypto)?;
    let document = pair.to_pkcs8v1().map_err(|_| Error::Crypto)?;
    Ok(Zeroizing::new(document.as_ref().to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Algorithm, SigningKey};

    #[test]
    fn other_sizes_are_refused() {
        for bits in [0, 512, 1024, 2047, 8192, u32::MAX] {
            assert!(matches!(generate_rsa(bits), Err(Error::Key(_))), "{bits}");
        }
    }

    #[test]
    fn sizes_are_kept() {
        for (bits, length) in [(2048, 256), (3072, 384), (4096, 512)] {
            let key = SigningKey::from_pkcs8(Algorithm::RS256, "k", &generate_rsa(bits).unwrap()).unwrap();
            assert_eq!(key.sign_raw(b"message").unwrap().len(), length);
        }
    }

    #[test]
    fn no_two_keys_are_alike() {
        assert_ne!(generate_es256().unwrap(), generate_es256().unwrap());
        assert_ne!(generate_ed25519().unwrap(), generate_ed25519().unwrap());
    }
}
