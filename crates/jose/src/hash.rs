//! Digests, and the half hashes of OpenID Connect.

use crate::{Algorithm, encoding::base64url};
use aws_lc_rs::{digest, hmac};

/// SHA-256.
pub fn sha256(data: &[u8]) -> [u8; 32] {
    fixed(&digest::SHA256, data)
}

/// Whether two secrets are the same, in a time that says nothing of where they differ.
pub fn constant_time_eq(one: &[u8], other: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(one, other).is_ok()
}

/// HMAC with SHA-256 (RFC 2104).
pub fn hmac_sha256(key: &[u8], data: &[u8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), data).as_ref());
    bytes
}

/// SHA-1, for certificate thumbprints (`x5t`, RFC 7517, section 4.8) and nothing else.
pub fn sha1(data: &[u8]) -> [u8; 20] {
    fixed(&digest::SHA1_FOR_LEGACY_USE_ONLY, data)
}

/// `at_hash` and `c_hash`: the left half of the hash of `value`, base64url (OpenID Connect Core 1.0, sections 3.1.3.6
/// and 3.3.2.11). The hash is that of the ID token's algorithm; for EdDSA it is SHA-512, which Ed25519 uses inside.
pub fn half_hash(algorithm: Algorithm, value: &str) -> String {
    let function = match algorithm {
        Algorithm::RS256 | Algorithm::PS256 | Algorithm::HS256 | Algorithm::ES256 => &digest::SHA256,
        Algorithm::RS384 | Algorithm::PS384 | Algorithm::ES384 => &digest::SHA384,
        Algorithm::RS512 | Algorithm::PS512 | Algorithm::EdDSA => &digest::SHA512,
    };
    let hash = digest::digest(function, value.as_bytes());
    let hash = hash.as_ref();
    base64url(&hash[..hash.len() / 2])
}

fn fixed<const LENGTH: usize>(function: &'static digest::Algorithm, data: &[u8]) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    bytes.copy_from_slice(digest::digest(function, data).as_ref());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_of_abc() {
        assert_eq!(base64url(&sha256(b"abc")), "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
        assert_eq!(base64url(&sha1(b"abc")), "qZk-NkcGgWq6PiVxeFDCbJzQ2J0");
    }

    /// RFC 4231, section 4.3.
    #[test]
    fn the_second_case_of_rfc_4231() {
        let tag = hmac_sha256(b"Jefe", b"what do ya want for nothing?");
        assert_eq!(base64url(&tag), "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM");
    }

    /// The example of OpenID Connect Core 1.0, appendix A.3 (`at_hash`) and A.4 (`c_hash`).
    #[test]
    fn half_hashes_of_the_specification() {
        assert_eq!(
            half_hash(Algorithm::RS256, "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"),
            "77QmUPtjPfzWtF2AnpK9RQ"
        );
        assert_eq!(
            half_hash(Algorithm::RS256, "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk"),
            "LDktKdoQak3Pk0cnXxCltA"
        );
    }

    #[test]
    fn the_algorithm_chooses_the_hash() {
        for algorithm in Algorithm::ALL {
            let expected = match algorithm.as_str() {
                "EdDSA" => 32,
                name if name.ends_with("512") => 32,
                name if name.ends_with("384") => 24,
                _ => 16,
            };
            assert_eq!(
                crate::base64url_decode(&half_hash(algorithm, "x")).unwrap().len(),
                expected,
                "{algorithm}"
            );
        }
    }
}
