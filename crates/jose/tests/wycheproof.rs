//! Project Wycheproof: thousands of signatures made to trip verifiers. Every valid one must verify and every invalid one
//! must not, through the key formats that this crate reads.

#![cfg(test)]

use chancery_jose::{Algorithm, VerifyingKey, pem};
use wycheproof::{TestResult, ecdsa, eddsa, mac, rsa_pkcs1_verify, rsa_pss_verify};

#[test]
fn rsa_pkcs1() {
    use rsa_pkcs1_verify::{TestName, TestSet};
    let sets = [
        (TestName::Rsa2048Sha256, Algorithm::RS256),
        (TestName::Rsa2048Sha384, Algorithm::RS384),
        (TestName::Rsa2048Sha512, Algorithm::RS512),
        (TestName::Rsa3072Sha256, Algorithm::RS256),
        (TestName::Rsa4096Sha256, Algorithm::RS256),
        (TestName::Rsa4096Sha512, Algorithm::RS512),
    ];
    for (name, algorithm) in sets {
        let mut tally = Tally::new(format!("{name:?}"), algorithm);
        for group in TestSet::load(name).unwrap().test_groups {
            for key in [pem("PUBLIC KEY", &group.der), pem("RSA PUBLIC KEY", &group.asn_key), group.pem] {
                let key = VerifyingKey::from_pem(&key).unwrap();
                group
                    .tests
                    .iter()
                    .for_each(|test| tally.judge(&key, (&test.msg, &test.sig), (test.tc_id, test.result)));
            }
        }
        tally.end(30);
    }
}

#[test]
fn rsa_pss() {
    use rsa_pss_verify::{TestName, TestSet};
    let sets = [
        (TestName::RsaPss2048Sha256Mgf1SaltLen32, Algorithm::PS256),
        (TestName::RsaPss3072Sha256Mgf1SaltLen32, Algorithm::PS256),
        (TestName::RsaPss4096Sha256Mgf1SaltLen32, Algorithm::PS256),
        (TestName::RsaPss2048Sha384Mgf1SaltLen48, Algorithm::PS384),
        (TestName::RsaPss4096Sha384Mgf1SaltLen48, Algorithm::PS384),
        (TestName::RsaPss4096Sha512Mgf1SaltLen64, Algorithm::PS512),
    ];
    for (name, algorithm) in sets {
        let mut tally = Tally::new(format!("{name:?}"), algorithm);
        for group in TestSet::load(name).unwrap().test_groups {
            let key = VerifyingKey::from_pem(&pem("PUBLIC KEY", &group.der)).unwrap();
            group
                .tests
                .iter()
                .for_each(|test| tally.judge(&key, (&test.msg, &test.sig), (test.tc_id, test.result)));
        }
        tally.end(30);
    }
}

/// A salt of another length than that of the hash is valid PSS but not valid JOSE (RFC 7518, section 3.5).
#[test]
fn rsa_pss_with_another_salt() {
    use rsa_pss_verify::{TestName, TestSet};
    let mut refused = 0;
    for group in TestSet::load(TestName::RsaPss2048Sha256Mgf1SaltLen0).unwrap().test_groups {
        let key = VerifyingKey::from_pem(&group.pem).unwrap();
        for test in group.tests.iter().filter(|test| test.result == TestResult::Valid) {
            assert!(key.verify_raw(Algorithm::PS256, &test.msg, &test.sig).is_err(), "{}", test.tc_id);
            refused += 1;
        }
    }
    assert!(refused > 50);
}

#[test]
fn ecdsa_raw() {
    use ecdsa::{TestName, TestSet};
    let sets = [
        (TestName::EcdsaSecp256r1Sha256P1363, Algorithm::ES256),
        (TestName::EcdsaSecp384r1Sha384P1363, Algorithm::ES384),
    ];
    for (name, algorithm) in sets {
        let mut tally = Tally::new(format!("{name:?}"), algorithm);
        for group in TestSet::load(name).unwrap().test_groups {
            for key in [pem("PUBLIC KEY", &group.der), group.pem] {
                let key = VerifyingKey::from_pem(&key).unwrap();
                group
                    .tests
                    .iter()
                    .for_each(|test| tally.judge(&key, (&test.msg, &test.sig), (test.tc_id, test.result)));
            }
        }
        tally.end(150);
    }
}

/// A signature in DER is valid ECDSA but not valid JOSE (RFC 7518, section 3.4).
#[test]
fn ecdsa_in_der() {
    use ecdsa::{TestName, TestSet};
    let mut refused = 0;
    for group in TestSet::load(TestName::EcdsaSecp256r1Sha256).unwrap().test_groups {
        let key = VerifyingKey::from_pem(&group.pem).unwrap();
        for test in &group.tests {
            assert!(key.verify_raw(Algorithm::ES256, &test.msg, &test.sig).is_err(), "{}", test.tc_id);
            refused += 1;
        }
    }
    assert!(refused > 300);
}

#[test]
fn ed25519() {
    use eddsa::{TestName, TestSet};
    let mut tally = Tally::new("Ed25519".into(), Algorithm::EdDSA);
    for group in TestSet::load(TestName::Ed25519).unwrap().test_groups {
        for key in [pem("PUBLIC KEY", &group.der), group.pem] {
            let key = VerifyingKey::from_pem(&key).unwrap();
            group
                .tests
                .iter()
                .for_each(|test| tally.judge(&key, (&test.msg, &test.sig), (test.tc_id, test.result)));
        }
    }
    tally.end(50);
}

#[test]
fn hmac() {
    use mac::{TestName, TestSet};
    let mut tally = Tally::new("HmacSha256".into(), Algorithm::HS256);
    for group in TestSet::load(TestName::HmacSha256).unwrap().test_groups {
        for test in group.tests {
            let key = VerifyingKey::from_secret(&test.key).unwrap();
            // JOSE has no shortened tags: those that are valid by themselves must fail here.
            let result = if group.tag_size == 256 { test.result } else { TestResult::Invalid };
            tally.judge(&key, (&test.msg, &test.tag), (test.tc_id, result));
        }
    }
    tally.end(20);
}

/// Counts what was seen, so that a set that has moved or emptied does not pass in silence.
struct Tally {
    name: String,
    algorithm: Algorithm,
    valid: usize,
    invalid: usize,
}

impl Tally {
    fn new(name: String, algorithm: Algorithm) -> Self {
        Self { name, algorithm, valid: 0, invalid: 0 }
    }

    fn judge(
        &mut self,
        key: &VerifyingKey,
        (message, signature): (&[u8], &[u8]),
        (id, expected): (usize, TestResult),
    ) {
        let verified = key.verify_raw(self.algorithm, message, signature).is_ok();
        match expected {
            TestResult::Valid => self.valid += 1,
            TestResult::Invalid => self.invalid += 1,
            // For example PKCS#1 padding without the NULL, which RFC 8017 does not want accepted.
            TestResult::Acceptable => return,
        }
        assert_eq!(verified, expected == TestResult::Valid, "{} {id}", self.name);
    }

    fn end(&self, least: usize) {
        assert!(
            self.valid + self.invalid >= least,
            "{}: {} valid, {} invalid",
            self.name,
            self.valid,
            self.invalid
        );
        assert!(
            self.valid > 0 && self.invalid > 0,
            "{}: {} valid, {} invalid",
            self.name,
            self.valid,
            self.invalid
        );
    }
}
