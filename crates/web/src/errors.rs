//! Errors of the Authentication API as answers: the one place where they become HTTP.

use axum::response::{IntoResponse, Response};
use chancery_connect::{Busy, HashError};
use chancery_core::explanation::Record;
use chancery_core::oauth::OAuthError;
use chancery_core::params::ParamsError;
use http::StatusCode;
use http::header::{HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use serde_json::{Map, Value};

use crate::dpop::DPOP_NONCE;
use crate::responses::json;
use crate::{BodyError, SignError, TooManyRequests};

/// How the caller tried to prove who they are: decides the `WWW-Authenticate` of a 401 (RFC 9110 section 11.6.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scheme {
    /// In the body, or not at all: no challenge, so that browsers show no password window.
    #[default]
    None,
    /// `Authorization: Basic` (RFC 6749 section 5.2 asks for the challenge).
    Basic,
    /// `Authorization: Bearer` (RFC 6750 section 3).
    Bearer,
    /// `Authorization: DPoP` (RFC 9449 section 7.1).
    Dpop,
}

/// An [`OAuthError`] on its way out, with what the answer needs besides. `?` makes one of whatever goes wrong.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What the client is told.
    pub error: OAuthError,
    /// Which challenge a 401 carries.
    pub scheme: Scheme,
    /// Seconds after which trying again makes sense; 429 and 503 have one anyway.
    pub retry_after: Option<u32>,
    /// The bucket that was empty, for the `X-RateLimit-*` headers.
    pub rate: Option<Box<TooManyRequests>>,
    /// Further members of the body, such as `mfa_token`.
    pub extra: Option<Box<Map<String, Value>>>,
    /// What the tenant log keeps of the decision.
    pub decision: Option<Box<Decided>>,
    /// Codes and statuses are those of the specifications, where the wire has others.
    pub as_specified: bool,
    /// The nonce for the next proof of possession.
    pub nonce: Option<Box<HeaderValue>>,
    /// What the log is told, under the request id.
    pub cause: Option<Box<str>>,
}

/// A scope decision that ended a request, for the tenant log.
#[derive(Clone, Debug)]
pub struct Decided {
    /// For which API, as the wire names it.
    pub audience: Option<String>,
    /// The decision.
    pub record: Record,
}

impl Failure {
    /// The error alone.
    pub fn new(error: OAuthError) -> Self {
        Self {
            error,
            scheme: Scheme::None,
            retry_after: None,
            rate: None,
            extra: None,
            decision: None,
            as_specified: false,
            nonce: None,
            cause: None,
        }
    }

    /// An internal error with what the log should say. Never put a secret into it.
    pub fn server(cause: impl std::fmt::Display) -> Self {
        Self { cause: Some(cause.to_string().into()), ..Self::new(OAuthError::Server) }
    }

    /// The same with a challenge.
    #[must_use]
    pub fn with_scheme(self, scheme: Scheme) -> Self {
        Self { scheme, ..self }
    }

    /// The same as the specifications have it, where `strict` says so: see [`OAuthError::specified`].
    #[must_use]
    pub fn as_specified(self, strict: bool) -> Self {
        Self { as_specified: strict, ..self }
    }

    /// The same with seconds to wait.
    #[must_use]
    pub fn with_retry_after(self, seconds: u64) -> Self {
        Self { retry_after: Some(whole(seconds)), ..self }
    }

    fn unavailable(cause: impl std::fmt::Display) -> Self {
        Self { cause: Some(cause.to_string().into()), ..Self::new(OAuthError::Unavailable) }
    }

    /// Where a token is used, a proof that does not hold is a matter of the token (RFC 9449, section 7.1).
    fn status(&self) -> u16 {
        match (self.scheme, &self.error) {
            (Scheme::Dpop, OAuthError::Proof(_) | OAuthError::NonceNeeded) => 401,
            (_, error) if self.as_specified => error.specified().1,
            (_, error) => error.status(),
        }
    }

    fn code(&self) -> &'static str {
        if self.as_specified { self.error.specified().0 } else { self.error.code() }
    }

    fn challenge(&self, description: &str) -> Option<String> {
        let status = self.status();
        match (self.scheme, &self.error) {
            (Scheme::Basic, _) if status == 401 => {
                Some("Basic realm=\"Users\", charset=\"UTF-8\"".to_owned())
            }
            // Without a token there is nothing wrong with it, so no error is named (RFC 6750 section 3.1).
            (_, OAuthError::TokenMissing) => Some("Bearer realm=\"Users\"".to_owned()),
            (Scheme::Dpop, _) if status == 401 => Some(format!(
                "DPoP realm=\"Users\", error=\"{}\", error_description=\"{}\", algs=\"ES256\"",
                self.error.code(),
                quoted(description)
            )),
            (_, OAuthError::TokenScope(scope)) => Some(format!(
                "Bearer realm=\"Users\", error=\"insufficient_scope\", error_description=\"{}\", scope=\"{}\"",
                quoted(description),
                quoted(scope)
            )),
            (_, OAuthError::TokenInvalid(_)) => Some(bearer(self.error.code(), description)),
            (Scheme::Bearer, _) if status == 401 => Some(bearer(self.error.code(), description)),
            _ => None,
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let description = self.error.description();
        let mut body = Map::new();
        body.insert("error".to_owned(), self.code().into());
        body.insert("error_description".to_owned(), description.as_str().into());
        let challenge = self.challenge(&description);
        let status = StatusCode::from_u16(self.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        body.extend(self.extra.into_iter().flat_map(|members| *members));
        let mut response = json(status, &body);
        if let Some(challenge) = challenge.and_then(|c| HeaderValue::try_from(c).ok()) {
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        let wait = match status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => self.retry_after.or(Some(1)),
            _ => self.retry_after,
        };
        if let Some(seconds) = wait {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        if let Some(nonce) = self.nonce {
            response.headers_mut().insert(DPOP_NONCE, *nonce);
        }
        if let Some(rate) = self.rate {
            let headers = response.headers_mut();
            headers.insert("x-ratelimit-limit", rate.limit.into());
            headers.insert("x-ratelimit-remaining", 0.into());
            headers.insert("x-ratelimit-reset", rate.reset.into());
        }
        if let Some(cause) = self.cause {
            response.extensions_mut().insert(Cause(cause.into()));
        }
        response
    }
}

/// Rides on a response to the middleware, which logs it once with the request id. Never goes out.
#[derive(Clone, Debug)]
pub struct Cause(pub String);

/// `server_error` as an answer, for where no `Failure` fits.
pub(crate) fn server_error(cause: String) -> Response {
    Failure::server(cause).into_response()
}

impl From<OAuthError> for Failure {
    fn from(error: OAuthError) -> Self {
        Self::new(error)
    }
}

impl From<TooManyRequests> for Failure {
    fn from(rate: TooManyRequests) -> Self {
        let retry_after = Some(whole(rate.retry_after));
        Self { retry_after, rate: Some(Box::new(rate)), ..Self::new(OAuthError::RateLimited) }
    }
}

impl From<ParamsError> for Failure {
    fn from(error: ParamsError) -> Self {
        Self::new(error.into())
    }
}

impl From<chancery_store::Error> for Failure {
    fn from(error: chancery_store::Error) -> Self {
        match error {
            chancery_store::Error::Busy(_) => Self::unavailable(error),
            other => Self::server(other),
        }
    }
}

impl From<chancery_db::Error> for Failure {
    fn from(error: chancery_db::Error) -> Self {
        chancery_store::Error::from(error).into()
    }
}

impl From<Busy> for Failure {
    fn from(error: Busy) -> Self {
        Self::unavailable(error)
    }
}

impl From<HashError> for Failure {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Busy(busy) => busy.into(),
            HashError::TooLong => Self::new(OAuthError::Invalid("The password is too long".to_owned())),
        }
    }
}

impl From<SignError> for Failure {
    fn from(error: SignError) -> Self {
        match error {
            SignError::Busy => Self::unavailable(error),
            SignError::Crypto(_) => Self::server(error),
        }
    }
}

impl From<chancery_jose::Error> for Failure {
    fn from(error: chancery_jose::Error) -> Self {
        Self::server(error)
    }
}

impl From<BodyError> for Failure {
    fn from(error: BodyError) -> Self {
        Self::new(error.into())
    }
}

/// Nobody waits longer than that anyway.
fn whole(seconds: u64) -> u32 {
    u32::try_from(seconds).unwrap_or(u32::MAX)
}

fn bearer(code: &str, description: &str) -> String {
    format!("Bearer realm=\"Users\", error=\"{code}\", error_description=\"{}\"", quoted(description))
}

/// Fits between the quotes of RFC 6750 section 3.
fn quoted(text: &str) -> String {
    text.chars().filter(|c| matches!(c, ' '..='~') && !matches!(c, '"' | '\\')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn challenge(failure: Failure) -> Option<String> {
        let response = failure.into_response();
        response.headers().get(WWW_AUTHENTICATE).map(|v| v.to_str().unwrap().to_owned())
    }

    #[test]
    fn challenges_follow_the_scheme() {
        let unauthorized = || Failure::new(OAuthError::Unauthorized);
        assert_eq!(challenge(unauthorized()), None);
        assert!(challenge(unauthorized().with_scheme(Scheme::Basic)).unwrap().starts_with("Basic "));
        assert_eq!(
            challenge(Failure::new(OAuthError::TokenMissing)).as_deref(),
            Some("Bearer realm=\"Users\"")
        );
        assert_eq!(
            challenge(Failure::new(OAuthError::TokenInvalid("The token has expired"))).as_deref(),
            Some(r#"Bearer realm="Users", error="invalid_token", error_description="The token has expired""#)
        );
        let scope = challenge(Failure::new(OAuthError::TokenScope("read:users"))).unwrap();
        assert!(scope.contains("insufficient_scope") && scope.ends_with("scope=\"read:users\""));
        assert_eq!(challenge(Failure::new(OAuthError::InvalidCode).with_scheme(Scheme::Basic)), None);
    }

    #[test]
    fn waiting() {
        let response = Failure::new(OAuthError::TooManyAttempts).with_retry_after(60).into_response();
        assert_eq!(
            (response.status().as_u16(), &response.headers()[RETRY_AFTER]),
            (429, &"60".parse().unwrap())
        );
        let response = Failure::from(Busy).into_response();
        assert_eq!(
            (response.status().as_u16(), &response.headers()[RETRY_AFTER]),
            (503, &"1".parse().unwrap())
        );
    }

    #[test]
    fn causes_ride_along_and_stay_inside() {
        let response = Failure::from(chancery_store::Error::Guard).into_response();
        assert_eq!(response.status(), 500);
        assert!(response.extensions().get::<Cause>().is_some());
        assert!(response.headers().values().all(|v| !v.as_bytes().starts_with(b"the row")));
    }
}
