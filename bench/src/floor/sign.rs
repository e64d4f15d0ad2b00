//! One signature, with a key parsed once.

use anyhow::{Result, anyhow};
use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};

/// A fresh 2048-bit RSA key and a fresh P-256 key.
pub(crate) struct Signer {
    rsa: RsaKeyPair,
    p256: EcdsaKeyPair,
    random: SystemRandom,
}

impl Signer {
    /// Makes the keys.
    pub(crate) fn generate() -> Result<Self> {
        let rsa = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| anyhow!("no RSA key"))?;
        let p256 =
            EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| anyhow!("no P-256 key"))?;
        Ok(Self { rsa, p256, random: SystemRandom::new() })
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256, RFC 7518 section 3.3.
    pub(crate) fn rs256(&self, message: &[u8]) -> Result<Vec<u8>> {
        let mut signature = vec![0; self.rsa.public_modulus_len()];
        self.rsa
            .sign(&RSA_PKCS1_SHA256, &self.random, message, &mut signature)
            .map_err(|_| anyhow!("RSA signing failed"))?;
        Ok(signature)
    }

    /// ECDSA with P-256 and SHA-256, RFC 7518 section 3.4.
    pub(crate) fn es256(&self, message: &[u8]) -> Result<Vec<u8>> {
        let signature = self.p256.sign(&self.random, message).map_err(|_| anyhow!("ECDSA signing failed"))?;
        Ok(signature.as_ref().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED, KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
    };

    use super::*;

    #[test]
    fn the_floor_signs_what_a_client_would_accept() {
        let signer = Signer::generate().unwrap();
        let signature = signer.rs256(b"message").unwrap();
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, signer.rsa.public_key());
        key.verify(b"message", &signature).unwrap();
        let signature = signer.es256(b"message").unwrap();
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, signer.p256.public_key());
        key.verify(b"message", &signature).unwrap();
    }
}
