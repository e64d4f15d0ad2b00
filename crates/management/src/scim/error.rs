//! Errors of the SCIM endpoint (RFC 7644, section 3.12).

use axum::http::StatusCode;
use serde_json::{Value, json};

/// Why a directory's request was refused.
#[derive(Debug)]
pub(super) enum ScimError {
    /// No good token of this connection.
    Unauthorized,
    /// The token lacks this scope.
    Scope(String),
    /// No such endpoint.
    NoEndpoint,
    /// No such user or group.
    Missing(&'static str),
    /// The request, with the kind of the fault and a text.
    Invalid(&'static str, String),
    /// There is one already.
    Taken(&'static str),
    /// Somebody else wrote at the same time.
    Race,
    /// The body's type.
    MediaType,
    /// The body's size.
    TooLarge,
    /// Too many requests.
    TooMany,
    /// The database is busy.
    Unavailable,
    /// Our fault; the cause is in the log.
    Internal,
}

impl ScimError {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Scope(_) => StatusCode::FORBIDDEN,
            Self::NoEndpoint | Self::Missing(_) => StatusCode::NOT_FOUND,
            Self::Invalid(..) => StatusCode::BAD_REQUEST,
            Self::Taken(_) | Self::Race => StatusCode::CONFLICT,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    pub(super) fn body(&self) -> Value {
        let (kind, detail) = match self {
            Self::Unauthorized => (None, "The token is missing, not of this connection, or has expired"),
            Self::Scope(scope) => (None, &**scope),
            Self::NoEndpoint => (None, "There is no such endpoint"),
            Self::Missing(what) => (None, *what),
            Self::Invalid(kind, detail) => (Some(*kind), &**detail),
            Self::Taken(what) => (Some("uniqueness"), *what),
            Self::Race => (None, "Somebody else changed it at the same time"),
            Self::MediaType => (None, "Send application/scim+json"),
            Self::TooLarge => (None, "The body is too large"),
            Self::TooMany => (None, "Too many requests"),
            Self::Unavailable => (None, "The service is busy: try again"),
            Self::Internal => (None, "An error on our side"),
        };
        let detail = match self {
            Self::Scope(scope) => format!("The token lacks the scope {scope}"),
            _ => detail.to_owned(),
        };
        let mut body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": self.status().as_str(),
            "detail": detail,
        });
        if let Some(kind) = kind {
            body["scimType"] = kind.into();
        }
        body
    }
}

impl From<chancery_store::Error> for ScimError {
    fn from(error: chancery_store::Error) -> Self {
        match error {
            chancery_store::Error::Conflict => Self::Taken("There is one of this name already"),
            chancery_store::Error::Guard => Self::Race,
            chancery_store::Error::Busy(_) => Self::Unavailable,
            other => {
                tracing::error!(error = %other, "scim: {other}");
                Self::Internal
            }
        }
    }
}
