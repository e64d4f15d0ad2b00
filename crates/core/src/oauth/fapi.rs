//! Financial-grade profiles: FAPI 2.0 Security Profile, and FAPI 1.0 Advanced (Part 2). Which one an application keeps to is
//! its `compliance_level`; what follows from that stands here.

use chancery_jose::Algorithm;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    AuthorizeError, Challenge, ChallengeMethod, OAuthError, RedirectUri, ResponseMode, ResponseType,
};

/// The profile of an application, and how it proves itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ComplianceLevel {
    /// No profile.
    None,
    /// FAPI 1.0 Advanced with private_key_jwt.
    Fapi1AdvPkjPar,
    /// FAPI 1.0 Advanced with a client certificate.
    Fapi1AdvMtlsPar,
    /// FAPI 2.0 Security Profile with private_key_jwt.
    Fapi2SpPkjMtls,
    /// FAPI 2.0 Security Profile with a client certificate.
    Fapi2SpMtlsMtls,
}

/// What an application under one of the profiles is held to. All of them have requests that are pushed ahead, PKCE, and
/// tokens that are bound to a client certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fapi {
    /// FAPI 2.0 rather than 1.0.
    pub is_second: bool,
    /// The application proves itself with a client certificate, rather than with a signed assertion.
    pub by_certificate: bool,
}

/// RSASSA-PKCS1-v1_5 is none of them (FAPI 2.0, section 5.4.1; FAPI 1.0 Part 2, section 8.6).
pub const FAPI_ALGORITHMS: [Algorithm; 3] = [Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA];

impl ComplianceLevel {
    /// What follows from it.
    pub fn rules(self) -> Option<Fapi> {
        let (is_second, by_certificate) = match self {
            Self::None => return None,
            Self::Fapi1AdvPkjPar => (false, false),
            Self::Fapi1AdvMtlsPar => (false, true),
            Self::Fapi2SpPkjMtls => (true, false),
            Self::Fapi2SpMtlsMtls => (true, true),
        };
        Some(Fapi { is_second, by_certificate })
    }
}

/// A request of `/authorize`, as far as the profiles speak of it.
pub struct FapiRequest<'a> {
    /// Whether it was pushed ahead.
    pub is_pushed: bool,
    /// Where the answer goes.
    pub redirect_uri: &'a RedirectUri,
    /// What is asked for.
    pub response_type: ResponseType,
    /// How it travels.
    pub response_mode: ResponseMode,
    /// PKCE.
    pub challenge: Option<&'a Challenge>,
}

impl Fapi {
    /// FAPI 2.0, section 5.3.2.2; FAPI 1.0 Part 2, section 5.2.2.
    ///
    /// # Errors
    /// Which rule the request breaks.
    pub fn check(self, request: &FapiRequest<'_>) -> Result<(), AuthorizeError> {
        let ResponseType { code, token, id_token } = request.response_type;
        let refuse = |why: &str| {
            Err(AuthorizeError::invalid(format!("The compliance level of the client demands {why}")))
        };
        if !request.is_pushed {
            return refuse("pushed authorization requests");
        }
        if !request.redirect_uri.as_str().starts_with("https://") {
            return refuse("an https redirect_uri");
        }
        if !request.challenge.is_some_and(|challenge| challenge.method == ChallengeMethod::S256) {
            return refuse("PKCE with code_challenge_method S256");
        }
        let is_code = code && !token && !id_token;
        match self.is_second {
            true if !is_code => refuse("response_type code"),
            // The ID token, or else the signature over the answer, proves that nobody changed it on the way.
            false if token || !(id_token || request.response_mode.is_signed()) => {
                refuse("response_type code id_token, or code with response_mode jwt")
            }
            _ => Ok(()),
        }
    }

    /// Whether the way in which the application proved itself is that of its profile.
    ///
    /// # Errors
    /// Which one it should have been.
    pub fn check_client(self, shows_certificate: bool) -> Result<(), OAuthError> {
        match (self.by_certificate, shows_certificate) {
            (true, false) => Err(OAuthError::ClientCertificate(
                "The compliance level of the client demands a client certificate",
            )),
            (false, true) => Err(OAuthError::ClientCertificate(
                "The compliance level of the client demands private_key_jwt",
            )),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests() {
        let second = ComplianceLevel::Fapi2SpPkjMtls.rules().unwrap();
        let first = ComplianceLevel::Fapi1AdvMtlsPar.rules().unwrap();
        assert_eq!(ComplianceLevel::None.rules(), None);
        let uri = |text: &str| RedirectUri::allowed(text, [text]).unwrap();
        let (secure, plain) = (uri("https://app.example/cb"), uri("http://localhost/cb"));
        let s256 = Challenge { value: String::new(), method: ChallengeMethod::S256 };
        let bare = Challenge { value: String::new(), method: ChallengeMethod::Plain };
        let types = |text: &str| ResponseType::parse(text).unwrap();
        let (query, jwt, fragment) = (ResponseMode::Query, ResponseMode::QueryJwt, ResponseMode::Fragment);
        let cases = [
            (true, &secure, "code", query, Some(&s256), true, false),
            (true, &secure, "code", jwt, Some(&s256), true, true),
            (true, &secure, "code id_token", fragment, Some(&s256), false, true),
            (true, &secure, "code token", fragment, Some(&s256), false, false),
            (true, &secure, "code token id_token", fragment, Some(&s256), false, false),
            (false, &secure, "code", jwt, Some(&s256), false, false),
            (true, &plain, "code", jwt, Some(&s256), false, false),
            (true, &secure, "code", jwt, Some(&bare), false, false),
            (true, &secure, "code", jwt, None, false, false),
        ];
        for (is_pushed, redirect_uri, text, response_mode, challenge, by_second, by_first) in cases {
            let response_type = types(text);
            let request = FapiRequest { is_pushed, redirect_uri, response_type, response_mode, challenge };
            assert_eq!(second.check(&request).is_ok(), by_second, "{text} {response_mode:?}");
            assert_eq!(first.check(&request).is_ok(), by_first, "{text} {response_mode:?}");
        }
    }
}
