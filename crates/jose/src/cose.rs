//! Public keys and signatures of WebAuthn credentials: COSE keys (RFC 9053) of the three algorithms that passkeys use.

use crate::cbor::Cbor;
use crate::der::Reader;
use crate::public_key::Public;
use crate::{Algorithm, Error, VerifyingKey};

/// The public key of a credential, bound to its algorithm.
#[derive(Clone, Debug)]
pub struct CredentialKey {
    key: VerifyingKey,
    algorithm: Algorithm,
}

impl CredentialKey {
    /// The identifiers of the algorithms (COSE registry) in the order in which they are asked for: EdDSA, ES256, RS256.
    pub const ALGORITHMS: [i64; 3] = [-8, -7, -257];

    /// Reads a `COSE_Key` after which nothing follows.
    ///
    /// # Errors
    /// [`Error::Malformed`] where it is none, [`Error::UnsupportedAlgorithm`] for other algorithms than
    /// [`CredentialKey::ALGORITHMS`], [`Error::Key`] where numbers and algorithm do not make a key.
    pub fn from_cose(bytes: &[u8]) -> Result<Self, Error> {
        Self::of(&Cbor::read_all(bytes)?)
    }

    /// As [`CredentialKey::from_cose`], of CBOR that was read.
    ///
    /// # Errors
    /// As there.
    pub fn of(cose: &Cbor<'_>) -> Result<Self, Error> {
        let number = |label| cose.at_number(label).and_then(Cbor::integer).ok_or(MISSING);
        let bytes = |label| cose.at_number(label).and_then(Cbor::bytes).ok_or(MISSING);
        let (kind, algorithm) = (number(KTY)?, number(ALG)?);
        let (public, algorithm) = match (algorithm, kind) {
            (-7, EC2) if number(CRV)? == P256 => {
                let (x, y) = (bytes(X)?, bytes(Y)?);
                if x.len() != 32 || y.len() != 32 {
                    return Err(Error::Key("a coordinate has the wrong length"));
                }
                (Public::p256(&[&[4], x, y].concat()), Algorithm::ES256)
            }
            (-8, OKP) if number(CRV)? == ED25519 => (Public::ed25519(bytes(X)?), Algorithm::EdDSA),
            (-257, RSA) => (Public::rsa(bytes(N)?, bytes(E)?), Algorithm::RS256),
            (-7 | -8 | -257, _) => return Err(Error::Key("its algorithm does not fit its type")),
            _ => return Err(Error::UnsupportedAlgorithm),
        };
        Ok(Self { key: VerifyingKey::from_public(public, None)?, algorithm })
    }

    /// Verifies what an authenticator signed. Its ECDSA signatures are DER (WebAuthn, section 6.5.5).
    ///
    /// # Errors
    /// [`Error::Malformed`] where an ECDSA signature is no DER, [`Error::Signature`] where it is wrong.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        match self.algorithm {
            Algorithm::ES256 => self.key.verify_raw(self.algorithm, message, &fixed(signature)?),
            _ => self.key.verify_raw(self.algorithm, message, signature),
        }
    }

    /// Its identifier in the COSE registry.
    pub fn algorithm(&self) -> i64 {
        match self.algorithm {
            Algorithm::ES256 => -7,
            Algorithm::EdDSA => -8,
            _ => -257,
        }
    }
}

/// `ECDSA-Sig-Value` (RFC 3279, section 2.2.3) as `r || s`.
fn fixed(der: &[u8]) -> Result<[u8; 64], Error> {
    let mut outer = Reader::new(der);
    let mut numbers = outer.sequence()?;
    outer.end()?;
    let mut fixed = [0; 64];
    for half in [0, 32] {
        let number = numbers.unsigned()?;
        let start = 32_usize.checked_sub(number.len()).ok_or(Error::Signature)?;
        fixed[half + start..half + 32].copy_from_slice(number);
    }
    numbers.end()?;
    Ok(fixed)
}

const MISSING: Error = Error::Key("a member of the COSE key is missing");

// RFC 9052, section 7.1, and RFC 9053, sections 7.1 and 7.2; RFC 8230, section 4.
const KTY: i64 = 1;
const ALG: i64 = 3;
const CRV: i64 = -1;
const X: i64 = -2;
const Y: i64 = -3;
const N: i64 = -1;
const E: i64 = -2;
const OKP: i64 = 1;
const EC2: i64 = 2;
const RSA: i64 = 3;
const P256: i64 = 1;
const ED25519: i64 = 6;

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};

    fn ec2(x: &[u8], y: &[u8]) -> Vec<u8> {
        [&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 0x20], x, &[0x22, 0x58, 0x20], y].concat()
    }

    #[test]
    fn signatures_of_both_curves() {
        let rng = SystemRandom::new();
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let point = pair.public_key().as_ref();
        let key = CredentialKey::from_cose(&ec2(&point[1..33], &point[33..])).unwrap();
        assert_eq!(key.algorithm(), -7);
        for n in 0..64_u8 {
            // Some of these have numbers with leading zeros.
            let signature = pair.sign(&rng, &[n]).unwrap();
            key.verify(&[n], signature.as_ref()).unwrap();
            assert_eq!(key.verify(&[n, n], signature.as_ref()), Err(Error::Signature));
        }
        assert!(key.verify(b"x", &[]).is_err() && key.verify(b"x", &[0; 64]).is_err());

        let pair = Ed25519KeyPair::generate().unwrap();
        let cose =
            [&[0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 0x20][..], pair.public_key().as_ref()].concat();
        let key = CredentialKey::from_cose(&cose).unwrap();
        assert_eq!(key.algorithm(), -8);
        key.verify(b"message", pair.sign(b"message").as_ref()).unwrap();
        assert_eq!(key.verify(b"massage", pair.sign(b"message").as_ref()), Err(Error::Signature));
    }

    #[test]
    fn other_keys_are_refused() {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let point = pair.public_key().as_ref().to_vec();
        let good = ec2(&point[1..33], &point[33..]);
        let with = |at: usize, byte: u8| {
            let mut changed = good.clone();
            changed[at] = byte;
            CredentialKey::from_cose(&changed).map(|_| ())
        };
        assert_eq!(with(4, 0x26), Ok(()));
        assert_eq!(with(4, 0x27), Err(Error::Key("its algorithm does not fit its type")));
        assert_eq!(with(4, 0x22), Err(Error::UnsupportedAlgorithm), "ES384 is none of ours");
        assert!(with(2, 1).is_err() && with(6, 2).is_err(), "another type, another curve");
        assert!(with(20, good[20] ^ 1).is_err(), "no point of the curve");
        assert!(CredentialKey::from_cose(&[&good[..], &[0]].concat()).is_err());
        assert!(CredentialKey::from_cose(&[0xa0]).is_err());
    }

    /// Every way to write one of the eight points: the canonical ones first, then those that RFC 8032 does not allow.
    #[test]
    fn points_of_small_order_are_refused() {
        for point in [
            "0100000000000000000000000000000000000000000000000000000000000000",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "0000000000000000000000000000000000000000000000000000000000000000",
            "0000000000000000000000000000000000000000000000000000000000000080",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
            "0100000000000000000000000000000000000000000000000000000000000080",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        ] {
            let bytes: Vec<u8> =
                (0..32).map(|at| u8::from_str_radix(&point[2 * at..2 * at + 2], 16).unwrap()).collect();
            let refused = Err(Error::Key("its point is of small order"));
            let cose = [&[0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 0x20][..], &bytes].concat();
            assert_eq!(CredentialKey::from_cose(&cose).map(|_| ()), refused, "COSE {point}");
            let jwk = crate::Jwk {
                kty: "OKP".into(),
                crv: Some("Ed25519".into()),
                x: Some(crate::base64url(&bytes)),
                ..crate::Jwk::default()
            };
            assert_eq!(VerifyingKey::from_jwk(&jwk).map(|_| ()), refused, "JWK {point}");
            let pem = crate::encoding::pem("PUBLIC KEY", &Public::ed25519(&bytes).to_spki());
            assert_eq!(VerifyingKey::from_pem(&pem).map(|_| ()), refused, "PEM {point}");
        }
    }
}
