//! Authorization requests that the application's server sends ahead (RFC 9126, fact sheet 2.10).

use super::OAuthError;
use crate::params::Params;

/// What a `request_uri` of ours begins with (RFC 9126, section 2.2).
pub const REQUEST_URI: &str = "urn:ietf:params:oauth:request_uri:";
/// Seconds that a request waits for the browser.
pub const PUSHED_LIFETIME: i64 = 30;
/// Bytes of the largest one.
const MOST_BYTES: usize = 10 << 10;
/// Parameters of the application's own.
const MOST_EXTENSIONS: usize = 10;

/// What is kept of a request: the parameters of `/authorize` and some of the application's own (`ext-...`), for the
/// application that proved itself. Credentials are not among them, and what is unknown is left out.
///
/// # Errors
/// What is sent twice, too large, too much, or names another request.
pub fn pushed(params: &Params, client_id: &str) -> Result<Params, OAuthError> {
    if let Some(name) = params.repeated() {
        return Err(OAuthError::Repeated(name.to_owned()));
    }
    if params.has("request_uri") {
        return Err(OAuthError::Invalid("request_uri must not be sent here".to_owned()));
    }
    let is_own = |name: &str| name.starts_with("ext-");
    if params.names().filter(|name| is_own(name)).count() > MOST_EXTENSIONS {
        return Err(OAuthError::Invalid(format!("More than {MOST_EXTENSIONS} parameters begin with ext-")));
    }
    let mut kept = Params::default();
    kept.push("client_id", client_id);
    let mut bytes = 0;
    for (name, value) in params.pairs().filter(|(name, _)| KNOWN.contains(name) || is_own(name)) {
        bytes += name.len() + value.len();
        kept.push(name, value);
    }
    if bytes > MOST_BYTES { Err(OAuthError::TooLarge) } else { Ok(kept) }
}

/// Every parameter that means something at `/authorize` (fact sheet 2.1), beside the client's.
const KNOWN: [&str; 28] = [
    "acr_values",
    "audience",
    "authorization_details",
    "claims",
    "code_challenge",
    "code_challenge_method",
    "connection",
    "connection_scope",
    "correlation_id",
    "display",
    "dpop_jkt",
    "id_token_hint",
    "invitation",
    "login_hint",
    "max_age",
    "nonce",
    "organization",
    "prompt",
    "redirect_uri",
    "request",
    "resource",
    "response_mode",
    "response_type",
    "scope",
    "screen_hint",
    "state",
    "ui_locales",
    "realm",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn params(pairs: &[(&str, &str)]) -> Params {
        let mut params = Params::default();
        for (name, value) in pairs {
            params.push(*name, *value);
        }
        params
    }

    #[test]
    fn credentials_and_the_unknown_are_left_out() {
        let sent = params(&[
            ("client_id", "another"),
            ("client_secret", "s3cret"),
            ("client_assertion", "eyJ"),
            ("scope", "openid"),
            ("ext-theme", "dark"),
            ("whatever", "x"),
        ]);
        let kept = pushed(&sent, "app").unwrap();
        assert_eq!(kept, params(&[("client_id", "app"), ("scope", "openid"), ("ext-theme", "dark")]));
    }

    #[test]
    fn what_is_refused() {
        let refused = |pairs: &[(&str, &str)]| pushed(&params(pairs), "app").unwrap_err().code();
        assert_eq!(refused(&[("scope", "a"), ("scope", "b")]), "invalid_request");
        assert_eq!(refused(&[("request_uri", "urn:x")]), "invalid_request");
        assert_eq!(pushed(&params(&[("state", &"x".repeat(MOST_BYTES))]), "app").unwrap_err().status(), 413);
        let names: Vec<String> = (0..=MOST_EXTENSIONS).map(|n| format!("ext-{n}")).collect();
        let many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "x")).collect();
        assert_eq!(refused(&many), "invalid_request");
        assert!(pushed(&params(&many[1..]), "app").is_ok());
    }
}
