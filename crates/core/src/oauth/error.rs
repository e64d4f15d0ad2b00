//! Errors of the Authentication API: one table from variant to code, status and text (fact sheet 6, 14).

use crate::params::ParamsError;

/// An error answered as JSON by `/oauth/*` and its neighbours (RFC 6749 section 5.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OAuthError {
    /// A parameter that must be there is not.
    Missing(&'static str),
    /// A parameter was sent twice.
    Repeated(String),
    /// The body cannot be read as what its content type says.
    Malformed(ParamsError),
    /// The body is neither form nor JSON.
    ContentType,
    /// Larger than any request of the protocol.
    TooLarge,
    /// A parameter is there and wrong.
    Invalid(String),
    /// `authorization_details` cannot be read, or asks for what was not granted (RFC 9396, section 5): why.
    AuthorizationDetails(String),
    /// `scope` is not text.
    InvalidScope(&'static str),
    /// Unknown client or wrong secret; both alike.
    Unauthorized,
    /// The client's assertion does not hold.
    ClientAssertion(&'static str),
    /// The client certificate does not prove who calls (RFC 8705).
    ClientCertificate(&'static str),
    /// The proof of possession does not hold (RFC 9449): why.
    Proof(&'static str),
    /// It has to be made with a nonce of the server.
    NonceNeeded,
    /// The API gives tokens to those alone who show that they hold a key.
    ProofNeeded,
    /// The API gives tokens to those alone who show a certificate: why this request gets none.
    CertificateNeeded(&'static str),
    /// The client may not use this grant.
    GrantNotAllowed(String),
    /// Nobody may: it does not exist.
    UnsupportedGrant(String),
    /// A grant of the specification that this server does not serve to this kind of client.
    UnauthorizedClient(String),
    /// Unknown, expired, spent or somebody else's code.
    InvalidCode,
    /// Unknown, spent, ended or somebody else's device code.
    InvalidDeviceCode,
    /// The time of a device code is over.
    DeviceCodeExpired,
    /// The user has not answered the device yet.
    DevicePending,
    /// The device asks again too early; the seconds it has to wait.
    SlowDown(i64),
    /// The user who is asked elsewhere has not answered yet.
    BackchannelPending,
    /// The application asks again too early; the seconds it has to wait from now on.
    BackchannelSlowDown(i64),
    /// The user of a device said no, or may not: why.
    DeviceDenied(String),
    /// PKCE.
    WrongVerifier,
    /// Not the redirect URI the code was asked for with.
    WrongRedirectUri {
        /// What the client sent.
        sent: String,
        /// What it had sent to `/authorize`.
        expected: String,
    },
    /// Unknown, expired, revoked or somebody else's refresh token.
    InvalidRefreshToken,
    /// Unknown, expired, no user's or somebody else's token that was to be exchanged.
    SubjectToken,
    /// Unknown, expired or used assertion, or one that names nobody (RFC 7523, section 3.1).
    BadAssertion,
    /// The user behind a refresh token was deleted.
    UserGone,
    /// An administrator blocked the user.
    UserBlocked,
    /// Wrong password or unknown user; both alike.
    WrongPassword,
    /// Wrong, used or ended code that was mailed, or unknown address; all alike.
    WrongMailedCode,
    /// The password was right, and the world knows it.
    PasswordLeaked,
    /// The password was right, and a second factor is due.
    SecondFactorRequired,
    /// Unknown, used, or not one of ours.
    MfaTokenMalformed,
    /// Its time is over.
    MfaTokenExpired,
    /// Another application got it.
    MfaTokenOfOther,
    /// The `oob_code` is of another sign-in, or none.
    OobCodeOfOther,
    /// The code that was mailed is another one.
    WrongBindingCode,
    /// Wrong, used, or of another time.
    WrongOtp,
    /// Unknown or used.
    WrongRecoveryCode,
    /// The user has no second factor yet.
    NotEnrolled,
    /// The user has one already.
    AlreadyEnrolled,
    /// No factor of this server is challenged so.
    UnsupportedChallenge,
    /// Too many wrong passwords.
    TooManyAttempts,
    /// The realm of a password grant is unknown.
    UnknownRealm(String),
    /// The tenant has no default directory.
    NoDefaultDirectory,
    /// `audience` names no API.
    NoSuchApi(String),
    /// The same, as machines are told (fact sheet 3.5).
    NoSuchService(String),
    /// `audience` names an API that what is exchanged is not for: the text says so.
    NotForApi(String),
    /// `resource` names no API, or one that what is exchanged is not for (RFC 8707, section 2).
    InvalidTarget(String),
    /// The scope decision said no: code, status and text come from it.
    Denied {
        /// RFC 6749 code.
        code: &'static str,
        /// HTTP status.
        status: u16,
        /// For the developer.
        text: String,
    },
    /// Bearer token missing.
    TokenMissing,
    /// Bearer token not good.
    TokenInvalid(&'static str),
    /// Bearer token without the scope needed.
    TokenScope(&'static str),
    /// The token to revoke belongs to another client.
    NotYourToken,
    /// Tried too often.
    RateLimited,
    /// No capacity or no database just now.
    Unavailable,
    /// Our fault; the cause is in the log under the request id.
    Server,
}

impl OAuthError {
    /// What RFC 8693 calls `subject_token_type` is none that is exchanged here.
    pub fn unsupported_subject_token(kind: &str) -> Self {
        let shown: String = kind.chars().take(200).collect();
        Self::Invalid(format!("Unsupported subject_token_type: {shown}"))
    }

    /// `error`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) | Self::Repeated(_) | Self::Malformed(_) | Self::ContentType => {
                "invalid_request"
            }
            Self::TooLarge | Self::Invalid(_) | Self::UnknownRealm(_) => "invalid_request",
            Self::AuthorizationDetails(_) => INVALID_DETAILS,
            Self::InvalidScope(_) => "invalid_scope",
            Self::InvalidTarget(_) => "invalid_target",
            Self::Unauthorized | Self::NoSuchApi(_) | Self::NoSuchService(_) | Self::NotForApi(_) => {
                "access_denied"
            }
            Self::ClientAssertion(_) | Self::ClientCertificate(_) => "invalid_client",
            Self::Proof(_) => "invalid_dpop_proof",
            Self::NonceNeeded => "use_dpop_nonce",
            Self::ProofNeeded | Self::CertificateNeeded(_) | Self::SubjectToken => "invalid_request",
            Self::GrantNotAllowed(_) | Self::UnauthorizedClient(_) => "unauthorized_client",
            Self::UnsupportedGrant(_) => "unsupported_grant_type",
            Self::InvalidCode | Self::WrongVerifier | Self::WrongRedirectUri { .. } => "invalid_grant",
            Self::BadAssertion => "invalid_grant",
            Self::InvalidRefreshToken | Self::UserGone | Self::WrongPassword => "invalid_grant",
            Self::InvalidDeviceCode | Self::WrongMailedCode => "invalid_grant",
            Self::DeviceCodeExpired => "expired_token",
            Self::DevicePending | Self::BackchannelPending => "authorization_pending",
            Self::SlowDown(_) | Self::BackchannelSlowDown(_) => "slow_down",
            Self::DeviceDenied(_) => "access_denied",
            Self::SecondFactorRequired => "mfa_required",
            Self::MfaTokenExpired => "expired_token",
            Self::MfaTokenMalformed | Self::WrongOtp | Self::WrongRecoveryCode | Self::WrongBindingCode => {
                "invalid_grant"
            }
            Self::MfaTokenOfOther | Self::OobCodeOfOther => "invalid_request",
            Self::NotEnrolled => "association_required",
            Self::AlreadyEnrolled => "access_denied",
            Self::UnsupportedChallenge => "unsupported_challenge_type",
            Self::UserBlocked => "unauthorized",
            Self::PasswordLeaked => "password_leaked",
            Self::TooManyAttempts => "too_many_attempts",
            Self::NoDefaultDirectory | Self::Server => "server_error",
            Self::Denied { code, .. } => code,
            Self::TokenMissing | Self::TokenInvalid(_) => "invalid_token",
            Self::TokenScope(_) => "insufficient_scope",
            Self::NotYourToken => "invalid_request",
            Self::RateLimited => "too_many_requests",
            Self::Unavailable => "temporarily_unavailable",
        }
    }

    /// HTTP status. Bad codes, tokens and passwords are 403 on this wire, not 400 (fact sheet 6.4).
    pub fn status(&self) -> u16 {
        match self {
            Self::Unauthorized
            | Self::ClientAssertion(_)
            | Self::ClientCertificate(_)
            | Self::TokenMissing
            | Self::TokenInvalid(_) => 401,
            Self::UserBlocked | Self::PasswordLeaked => 401,
            Self::TooLarge => 413,
            Self::ContentType => 415,
            Self::TooManyAttempts | Self::RateLimited | Self::SlowDown(_) => 429,
            Self::Server | Self::NoDefaultDirectory => 500,
            Self::Unavailable => 503,
            Self::Denied { status, .. } => *status,
            Self::GrantNotAllowed(_) | Self::UnsupportedGrant(_) | Self::UnauthorizedClient(_) => 403,
            Self::InvalidCode | Self::WrongVerifier | Self::WrongRedirectUri { .. } => 403,
            Self::InvalidRefreshToken | Self::UserGone | Self::WrongPassword => 403,
            Self::InvalidDeviceCode | Self::DeviceCodeExpired | Self::DevicePending => 403,
            Self::DeviceDenied(_) | Self::WrongMailedCode => 403,
            Self::SecondFactorRequired | Self::WrongOtp | Self::WrongRecoveryCode => 403,
            Self::WrongBindingCode => 403,
            Self::MfaTokenExpired => 401,
            Self::MfaTokenMalformed => 403,
            Self::NotEnrolled | Self::AlreadyEnrolled => 403,
            Self::MfaTokenOfOther | Self::OobCodeOfOther | Self::UnsupportedChallenge => 400,
            Self::NoSuchApi(_) | Self::NoSuchService(_) | Self::NotForApi(_) | Self::TokenScope(_) => 403,
            Self::Missing(_) | Self::Repeated(_) | Self::Malformed(_) | Self::Invalid(_) => 400,
            Self::InvalidScope(_) | Self::UnknownRealm(_) | Self::NotYourToken => 400,
            Self::AuthorizationDetails(_) => 400,
            Self::BackchannelPending | Self::BackchannelSlowDown(_) => 400,
            Self::Proof(_)
            | Self::NonceNeeded
            | Self::ProofNeeded
            | Self::CertificateNeeded(_)
            | Self::SubjectToken => 400,
            Self::InvalidTarget(_) | Self::BadAssertion => 400,
        }
    }

    /// `error` and HTTP status as the specifications have them, where those of the wire are others: grants that do not hold are
    /// 400 (RFC 6749, section 5.2), and so is what devices are told (RFC 8628, section 3.5); an application that did not prove
    /// itself is `invalid_client`; an API that is not known is a bad target (RFC 8707, section 2).
    pub fn specified(&self) -> (&'static str, u16) {
        match self {
            Self::Unauthorized => ("invalid_client", 401),
            Self::NoSuchApi(_) | Self::NoSuchService(_) | Self::NotForApi(_) => ("invalid_target", 400),
            Self::UserBlocked => ("invalid_grant", 400),
            Self::GrantNotAllowed(_) | Self::UnsupportedGrant(_) | Self::UnauthorizedClient(_) => {
                (self.code(), 400)
            }
            Self::InvalidCode | Self::WrongVerifier | Self::WrongRedirectUri { .. } => (self.code(), 400),
            Self::InvalidRefreshToken | Self::UserGone | Self::WrongPassword => (self.code(), 400),
            Self::InvalidDeviceCode | Self::DeviceCodeExpired | Self::DevicePending => (self.code(), 400),
            Self::SlowDown(_) | Self::DeviceDenied(_) => (self.code(), 400),
            Self::Denied { code, status: 403, .. } => (*code, 400),
            other => (other.code(), other.status()),
        }
    }

    /// `error_description`. The texts of fact sheet 6.5 are compared by SDKs and are contract.
    pub fn description(&self) -> String {
        match self {
            Self::Missing(name) => format!("Missing required parameter: {name}"),
            Self::Repeated(name) => format!("Parameter sent more than once: {name}"),
            Self::Malformed(why) => why.to_string(),
            Self::ContentType => {
                "Content-Type must be application/x-www-form-urlencoded or application/json".to_owned()
            }
            Self::TooLarge => "The request is too large".to_owned(),
            Self::Invalid(text) | Self::UnauthorizedClient(text) | Self::InvalidTarget(text) => text.clone(),
            Self::AuthorizationDetails(text) => text.clone(),
            Self::InvalidScope(text)
            | Self::ClientAssertion(text)
            | Self::ClientCertificate(text)
            | Self::CertificateNeeded(text)
            | Self::Proof(text) => (*text).to_owned(),
            Self::NonceNeeded => "Authorization server requires nonce in DPoP proof".to_owned(),
            Self::ProofNeeded => "Tokens of this kind are given with a DPoP proof only".to_owned(),
            Self::Unauthorized => "Unauthorized".to_owned(),
            Self::GrantNotAllowed(grant) => format!("Grant type '{grant}' not allowed for the client."),
            Self::UnsupportedGrant(grant) => format!("Unsupported grant type: {grant}"),
            Self::InvalidDeviceCode => "Invalid or expired device code.".to_owned(),
            Self::DeviceCodeExpired => "The device code has expired.".to_owned(),
            Self::DevicePending => "User has yet to authorize device code.".to_owned(),
            Self::SlowDown(seconds) => {
                format!("You are polling faster than the specified interval of {seconds} seconds.")
            }
            Self::BackchannelPending => "The end-user authorization is pending".to_owned(),
            Self::BackchannelSlowDown(seconds) => {
                format!("You are polling faster than allowed. Try again in {seconds} seconds.")
            }
            Self::DeviceDenied(text) => text.clone(),
            Self::InvalidCode => "Invalid authorization code".to_owned(),
            Self::WrongVerifier => "Failed to verify code verifier".to_owned(),
            Self::WrongRedirectUri { sent, expected } => {
                format!("The redirect URI is wrong. You sent {sent}, and we expected {expected}")
            }
            Self::InvalidRefreshToken => "Unknown or invalid refresh token.".to_owned(),
            Self::SubjectToken => "The subject_token is not valid for this client".to_owned(),
            Self::BadAssertion => "Assertion is invalid or has expired".to_owned(),
            Self::UserGone => "The refresh_token was generated for a user who doesn't exist anymore.".to_owned(),
            Self::UserBlocked => "user is blocked".to_owned(),
            Self::WrongPassword => "Wrong email or password.".to_owned(),
            Self::WrongMailedCode => "Wrong email or verification code.".to_owned(),
            Self::PasswordLeaked => {
                "This password is on a list of breached passwords. Choose another one before you sign in again.".to_owned()
            }
            Self::SecondFactorRequired => SECOND_FACTOR_REQUIRED.to_owned(),
            Self::MfaTokenMalformed => "Malformed mfa_token".to_owned(),
            Self::MfaTokenExpired => "mfa_token is expired".to_owned(),
            Self::MfaTokenOfOther => "mfa_token not issued to this client".to_owned(),
            Self::OobCodeOfOther => "The oob_code doesn't match the mfa_token".to_owned(),
            Self::WrongBindingCode => "Invalid binding_code".to_owned(),
            Self::WrongOtp => "Invalid otp_code.".to_owned(),
            Self::WrongRecoveryCode => "Invalid recovery code.".to_owned(),
            Self::NotEnrolled => "User is not enrolled with a second factor. Use /mfa/associate first.".to_owned(),
            Self::AlreadyEnrolled => "User is already enrolled.".to_owned(),
            Self::UnsupportedChallenge => "User does not have any of the requested challenge types.".to_owned(),
            Self::TooManyAttempts => {
                "Too many wrong attempts to sign in. Wait a while before you try again.".to_owned()
            }
            Self::UnknownRealm(realm) => format!("Unknown realm {realm}."),
            Self::NoDefaultDirectory => "Authorization server not configured with default connection.".to_owned(),
            Self::NoSuchApi(audience) => format!("Service not found: {audience}"),
            Self::NoSuchService(audience) => format!("Service not enabled within domain: {audience}"),
            Self::NotForApi(text) => text.clone(),
            Self::Denied { text, .. } => text.clone(),
            Self::TokenMissing => "No access token was sent".to_owned(),
            Self::TokenInvalid(why) => (*why).to_owned(),
            Self::TokenScope(scope) => format!("The access token lacks the scope {scope}"),
            Self::NotYourToken => "The token was not issued to this client".to_owned(),
            Self::RateLimited => {
                "Too many requests. Check the X-RateLimit-Limit, X-RateLimit-Remaining and X-RateLimit-Reset headers."
                    .to_owned()
            }
            Self::Unavailable => "The service is busy. Try again shortly.".to_owned(),
            Self::Server => "An internal error happened".to_owned(),
        }
    }
}

impl From<ParamsError> for OAuthError {
    fn from(e: ParamsError) -> Self {
        Self::Malformed(e)
    }
}

const INVALID_DETAILS: &str = "invalid_authorization_details";

/// What the wire says where a second factor is due.
const SECOND_FACTOR_REQUIRED: &str = "Multifactor authentication required";

/// An error of `/authorize`, delivered to the application by redirect or shown on a page (fact sheet 2.8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizeError {
    /// `error`.
    pub code: &'static str,
    /// `error_description`.
    pub text: String,
}

impl AuthorizeError {
    /// Any code with its text.
    pub fn new(code: &'static str, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }

    /// `invalid_request`.
    pub fn invalid(text: impl Into<String>) -> Self {
        Self::new("invalid_request", text)
    }

    /// `invalid_authorization_details` (RFC 9396, section 5).
    pub fn details(text: impl Into<String>) -> Self {
        Self::new(INVALID_DETAILS, text)
    }

    /// `login_required`, with the text SDKs expect.
    pub fn login_required() -> Self {
        Self::new("login_required", "Login required")
    }

    /// `interaction_required`: a page of ours would ask for the organization.
    pub fn organization_required() -> Self {
        Self::new("interaction_required", "Organization selection required")
    }

    /// `interaction_required`: a page of ours would ask for a second factor.
    pub fn second_factor_required() -> Self {
        Self::new("interaction_required", SECOND_FACTOR_REQUIRED)
    }

    /// `consent_required`, with the text SDKs expect.
    pub fn consent_required() -> Self {
        Self::new("consent_required", "Consent required")
    }

    /// The user said no (fact sheet 4.4).
    pub fn declined() -> Self {
        Self::new("access_denied", "User did not authorize the request")
    }

    /// What `resource` names cannot be had (RFC 8707, section 2).
    pub fn invalid_target(text: impl Into<String>) -> Self {
        Self::new("invalid_target", text)
    }

    /// `audience` names no API (fact sheet 2.4).
    pub fn no_such_api(audience: &str) -> Self {
        Self::new("access_denied", format!("Service not found: {audience}"))
    }
}
