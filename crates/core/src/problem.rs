//! Errors of the Management API: fact sheet 11. One enum, one table of what each is on the wire.

use std::borrow::Cow;

use serde::Serialize;

/// Why a Management API operation was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The body is not as the operation wants it; the reason as [`Problem::payload`] makes it.
    Payload(String),
    /// A query parameter is not as the operation wants it.
    Query(String),
    /// A part of the path is not as the operation wants it.
    Path(String),
    /// The body is not JSON.
    NotJson,
    /// The body is no `application/json`.
    UnsupportedMediaType,
    /// The body is longer than the server reads.
    TooLarge,
    /// The body did not arrive in time.
    TooSlow,
    /// `Authorization` is there but no bearer token.
    BadAuthorizationHeader,
    /// No `Authorization`.
    MissingToken,
    /// Not a token of this server for this API.
    InvalidToken,
    /// The token is bound to a key, and the proof of it does not hold: why (RFC 9449).
    BadProof(&'static str),
    /// The proof has to be made with a nonce of the server.
    NonceNeeded,
    /// It was one.
    ExpiredToken,
    /// Its signature does not match.
    BadSignature,
    /// The token has none of these scopes.
    InsufficientScope(Vec<&'static str>),
    /// The token lacks these scopes, all of which are needed.
    LackingScopes(Vec<String>),
    /// The operation is right, the body well formed, and still it cannot be done.
    Refused(Cow<'static, str>),
    /// As [`Problem::Refused`], with an `errorCode` of its own.
    RefusedAs(&'static str, Cow<'static, str>),
    /// Nobody may do this, whatever their token says.
    Forbidden(&'static str, Cow<'static, str>),
    /// There is no such thing.
    NotFound(Missing),
    /// There is such a thing already.
    Conflict(Cow<'static, str>),
    /// As [`Problem::Conflict`], with an `errorCode` of its own.
    ConflictAs(&'static str, Cow<'static, str>),
    /// Too many requests.
    TooMany,
    /// An address was written to too often of late.
    TooManyMails,
    /// A published operation that this server does not have.
    NotBuilt,
    /// No operation at all.
    NoOperation,
    /// A search that would look at more than one may; asking for less makes sense.
    TooBroad,
    /// The database or a queue is full; trying again makes sense.
    Unavailable,
    /// Our fault. The cause goes to the log.
    Internal,
}

/// The text and code of a 404.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    /// What the reader is told.
    pub message: &'static str,
    /// `inexistent_client`, ...; some resources have none.
    pub code: Option<&'static str>,
}

/// The body of the answer.
#[derive(Debug, Serialize)]
pub struct ProblemBody {
    /// The HTTP status again.
    #[serde(rename = "statusCode")]
    pub status: u16,
    /// Its reason phrase.
    pub error: &'static str,
    /// For people.
    pub message: String,
    /// For programs.
    #[serde(rename = "errorCode", skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
}

impl Problem {
    /// `Payload validation error: 'REASON' on property PATH.`; no path for the body as a whole.
    pub fn payload(reason: &str, path: &str) -> Self {
        Self::Payload(located(reason, path))
    }

    /// As [`Problem::payload`], for query parameters.
    pub fn query(reason: &str, path: &str) -> Self {
        Self::Query(located(reason, path))
    }

    /// A 400 whose text says what to change.
    pub fn refused(message: impl Into<Cow<'static, str>>) -> Self {
        Self::Refused(message.into())
    }

    /// A 409 whose text says what is in the way.
    pub fn conflict(message: impl Into<Cow<'static, str>>) -> Self {
        Self::Conflict(message.into())
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.row().0
    }

    /// The body of the answer.
    pub fn body(&self) -> ProblemBody {
        let (status, code, message) = self.row();
        ProblemBody { status, error: reason_phrase(status), message: message.into_owned(), code }
    }

    fn row(&self) -> (u16, Option<&'static str>, Cow<'_, str>) {
        match self {
            Self::Payload(why) => {
                (400, Some("invalid_body"), format!("Payload validation error: {why}").into())
            }
            Self::Query(why) => {
                (400, Some("invalid_query_string"), format!("Query validation error: {why}").into())
            }
            Self::Path(why) => (400, Some("invalid_uri"), format!("Path validation error: {why}").into()),
            Self::NotJson => (400, None, "Invalid request payload JSON format".into()),
            Self::UnsupportedMediaType => (415, None, "Unsupported Media Type".into()),
            Self::TooLarge => {
                (413, None, "Payload content length greater than maximum allowed: 1048576".into())
            }
            Self::TooSlow => (408, None, "The request did not arrive in time".into()),
            Self::BadAuthorizationHeader => (400, None, "Bad HTTP authentication header format".into()),
            Self::MissingToken => (401, None, "Missing authentication".into()),
            Self::InvalidToken => (401, Some("invalid_token"), "Invalid token".into()),
            Self::BadProof(why) => (401, Some("invalid_dpop_proof"), (*why).into()),
            Self::NonceNeeded => {
                (401, Some("use_dpop_nonce"), "Resource server requires nonce in DPoP proof".into())
            }
            Self::ExpiredToken => {
                (401, Some("invalid_token"), "Expired token received for JSON Web Token validation".into())
            }
            Self::BadSignature => (
                401,
                Some("invalid_token"),
                "Invalid signature received for JSON Web Token validation".into(),
            ),
            Self::InsufficientScope(any_of) => (
                403,
                Some("insufficient_scope"),
                format!("Insufficient scope, expected any of: {}", any_of.join(",")).into(),
            ),
            Self::LackingScopes(all_of) => (
                403,
                Some("insufficient_scope"),
                format!("Insufficient scope, missing: {}", all_of.join(",")).into(),
            ),
            Self::Refused(message) => (400, Some("invalid_body"), message.as_ref().into()),
            Self::RefusedAs(code, message) => (400, Some(code), message.as_ref().into()),
            Self::Forbidden(code, message) => (403, Some(code), message.as_ref().into()),
            Self::NotFound(missing) => (404, missing.code, missing.message.into()),
            Self::Conflict(message) => (409, Some("conflict"), message.as_ref().into()),
            Self::ConflictAs(code, message) => (409, Some(code), message.as_ref().into()),
            Self::TooMany => (429, Some("too_many_requests"), "Global limit has been reached".into()),
            Self::TooManyMails => (
                429,
                Some("too_many_requests"),
                "Too many mails went to this address. Try again in a quarter of an hour.".into(),
            ),
            Self::NotBuilt => {
                (501, Some("not_implemented"), "This operation is not available on this server yet".into())
            }
            Self::NoOperation => (404, None, "Not Found".into()),
            Self::TooBroad => (
                503,
                None,
                "The query exceeded the timeout. Please try refining your search criteria.".into(),
            ),
            Self::Unavailable => (503, None, "The server is busy, please try again".into()),
            Self::Internal => (500, None, "An internal error occurred".into()),
        }
    }
}

fn located(reason: &str, path: &str) -> String {
    if path.is_empty() { format!("'{reason}'.") } else { format!("'{reason}' on property {path}.") }
}

fn reason_phrase(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        408 => "Request Timeout",
        409 => "Conflict",
        413 => "Request Entity Too Large",
        415 => "Unsupported Media Type",
        429 => "Too Many Requests",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(problem: &Problem) -> String {
        serde_json::to_string(&problem.body()).unwrap()
    }

    #[test]
    fn on_the_wire() {
        let missing = Missing { message: "The role does not exist.", code: None };
        assert_eq!(
            json(&Problem::NotFound(missing)),
            r#"{"statusCode":404,"error":"Not Found","message":"The role does not exist."}"#
        );
        assert_eq!(
            json(&Problem::payload("Additional properties not allowed: foo", "")),
            r#"{"statusCode":400,"error":"Bad Request","message":"Payload validation error: 'Additional properties not allowed: foo'.","errorCode":"invalid_body"}"#
        );
        assert_eq!(
            json(&Problem::InsufficientScope(vec!["read:users", "read:roles"])),
            r#"{"statusCode":403,"error":"Forbidden","message":"Insufficient scope, expected any of: read:users,read:roles","errorCode":"insufficient_scope"}"#
        );
    }
}
