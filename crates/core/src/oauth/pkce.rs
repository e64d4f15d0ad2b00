//! Proof Key for Code Exchange: RFC 7636.

use serde::{Deserialize, Serialize};

/// A code challenge with its method.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// What was sent.
    pub value: String,
    /// How the verifier becomes the challenge.
    pub method: ChallengeMethod,
}

/// Methods of RFC 7636.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChallengeMethod {
    /// SHA-256.
    S256,
    /// None at all.
    #[serde(rename = "plain")]
    Plain,
}

impl ChallengeMethod {
    /// The wire's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::S256 => "S256",
            Self::Plain => "plain",
        }
    }

    /// Reads the wire's name.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "S256" => Some(Self::S256),
            "plain" => Some(Self::Plain),
            _ => None,
        }
    }
}

impl Challenge {
    /// Whether the value is well-formed: 43 to 128 unreserved characters (section 4.2).
    pub fn is_well_formed(value: &str) -> bool {
        (43..=128).contains(&value.len())
            && value.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~'))
    }

    /// Whether this verifier belongs to the challenge; constant time in the comparison.
    pub fn is_met_by(&self, verifier: &str) -> bool {
        if !Self::is_well_formed(verifier) {
            return false;
        }
        let derived = match self.method {
            ChallengeMethod::S256 => chancery_jose::base64url(&chancery_jose::sha256(verifier.as_bytes())),
            ChallengeMethod::Plain => verifier.to_owned(),
        };
        aws_lc_rs::constant_time::verify_slices_are_equal(derived.as_bytes(), self.value.as_bytes()).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_7636_appendix_b() {
        let challenge = Challenge {
            value: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".into(),
            method: ChallengeMethod::S256,
        };
        assert!(challenge.is_met_by("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
        assert!(!challenge.is_met_by("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl"));
        assert!(!challenge.is_met_by(&challenge.value));
        assert!(!challenge.is_met_by(""));
    }
}
