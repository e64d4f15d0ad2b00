//! Client-initiated backchannel authentication (OpenID CIBA Core 1.0, fact sheet 6.3 and 9.9): an application asks for a user
//! who is elsewhere, and the user answers there.

use secrecy::SecretString;
use serde::Deserialize;

use super::authorize_checks::{audience, details, no_repetition, scope};
use super::{AuthorizeError, OAuthError, Surroundings};
use crate::Rng;
use crate::ids;
use crate::model::{Client, PING};
use crate::params::Params;
use crate::records::{Backchannel, DeviceRecord};

/// The grant type.
pub const CIBA: &str = "urn:openid:params:grant-type:ciba";
/// Seconds that a request waits for its user, unless it asks for less.
pub const CIBA_LIFETIME: i64 = 300;
/// The way on which users are told.
const CHANNEL: &str = "email";
/// Characters of the longest message (CIBA Core, section 7.1: it should be short).
const LONGEST_MESSAGE: usize = 64;
/// Characters of what finds a request from the mail: with 32 letters and digits 100 bits.
const LINK_CODE: usize = 20;
/// Letters and digits that the comparison of user codes leaves as they are.
const LINK_LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
/// Characters of the longest token that applications are told with (section 7.1).
const LONGEST_TOKEN: usize = 1024;
/// Bytes of the largest request that is kept.
const MOST_BYTES: usize = 16 << 10;

/// Checks what an application asks for; whose id it names is for the caller to look up. The application proved itself before,
/// and is `around.client`.
///
/// # Errors
/// In the words of CIBA Core, section 13.
pub fn backchannel_request(
    params: &Params,
    around: &Surroundings<'_>,
    issuers: &dyn Fn(&str) -> bool,
    now: i64,
) -> Result<DeviceRecord, OAuthError> {
    let Some(client) = around.client else { return Err(OAuthError::Unauthorized) };
    if !client.may_use(CIBA) {
        return Err(OAuthError::GrantNotAllowed(CIBA.to_owned()));
    }
    if client.is_public() || !client.is_first_party {
        let text = "Backchannel authentication is for first-party applications that prove themselves";
        return Err(OAuthError::UnauthorizedClient(text.to_owned()));
    }
    // What it knows its users by leads to nobody, and to take their ids instead would tell it who is who.
    if client.pairwise_sector().is_some() {
        let text = "Backchannel authentication names users by their id, which the application does not know";
        return Err(OAuthError::UnauthorizedClient(text.to_owned()));
    }
    let channels = client.async_approval_notification_channels.as_deref().unwrap_or_default();
    if !channels.is_empty() && !channels.iter().any(|channel| channel == CHANNEL) {
        let text = "None of the application's notification channels is served here; email is";
        return Err(OAuthError::UnauthorizedClient(text.to_owned()));
    }
    if params.pairs().map(|(name, value)| name.len() + value.len()).sum::<usize>() > MOST_BYTES {
        return Err(OAuthError::TooLarge);
    }
    no_repetition(params).map_err(told)?;
    let scope = scope(params).map_err(told)?;
    if !scope.split(' ').any(|scope| scope == "openid") {
        return Err(OAuthError::Invalid("openid scope must be requested".to_owned()));
    }
    // The wire wants one always; by the specification it is there where it helps.
    let message = match params.get("binding_message") {
        None if around.settings.is_oidc_strict() => "",
        sent => sent.ok_or(OAuthError::Missing("binding_message"))?,
    };
    if !is_message(message) {
        let text = format!(
            "binding_message must be up to {LONGEST_MESSAGE} letters, digits, spaces and + - _ . , : #"
        );
        return Err(OAuthError::Denied { code: "invalid_binding_message", status: 400, text });
    }
    let user_id = hinted(params, issuers)?;
    let lifetime = match params.get("requested_expiry") {
        None => CIBA_LIFETIME,
        Some(text) => {
            text.parse().ok().filter(|seconds| (1..=CIBA_LIFETIME).contains(seconds)).ok_or_else(|| {
                OAuthError::Invalid(format!("requested_expiry must be from 1 to {CIBA_LIFETIME}"))
            })?
        }
    };
    Ok(DeviceRecord {
        client_id: client.client_id.clone(),
        scope,
        audience: audience(params, around).map_err(told)?,
        organization: None,
        authorization_details: details(params).map_err(told)?,
        user_code: String::new(),
        expires_at: now.saturating_add(lifetime),
        backchannel: Some(Backchannel { user_id, message: message.to_owned() }),
    })
}

/// What the application wants to be known by when it is told that its user answered (CIBA Core, section 7.1); `None` where it is not
/// told, and asks by itself.
///
/// # Errors
/// Where it is to be told and sends none, or one that is none.
pub fn notification_token(params: &Params, client: &Client) -> Result<Option<SecretString>, OAuthError> {
    let mode = client.openid.as_ref().and_then(|openid| openid.backchannel_token_delivery_mode.as_deref());
    if mode != Some(PING) {
        return Ok(None);
    }
    let token = params.get("client_notification_token");
    let token = token.ok_or(OAuthError::Missing("client_notification_token"))?;
    // The syntax of RFC 6750, section 2.1.
    let body = token.trim_end_matches('=');
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    match !body.is_empty() && body.bytes().all(fits) && token.len() <= LONGEST_TOKEN {
        true => Ok(Some(token.into())),
        false => Err(OAuthError::Invalid(format!(
            "client_notification_token must be a bearer token of at most {LONGEST_TOKEN} characters"
        ))),
    }
}

/// What finds a request from the mail to its user, and takes the place of a code that is typed.
pub fn link_code(rng: &dyn Rng) -> String {
    ids::drawn(rng, LINK_LETTERS, LINK_CODE)
}

/// The user could not be found, or not by what was sent.
pub fn unknown_user() -> OAuthError {
    let text = "User ID is malformed or unknown".to_owned();
    OAuthError::Denied { code: "unknown_user_id", status: 400, text }
}

/// `login_hint` in the `iss_sub` format; other hints are not heard.
fn hinted(params: &Params, issuers: &dyn Fn(&str) -> bool) -> Result<String, OAuthError> {
    #[derive(Deserialize)]
    struct Hint {
        format: String,
        iss: String,
        sub: String,
    }
    if params.has("login_hint_token") || params.has("id_token_hint") {
        return Err(OAuthError::Invalid("Users are named by login_hint alone".to_owned()));
    }
    let sent = params.get("login_hint").ok_or(OAuthError::Missing("login_hint"))?;
    let hint: Hint = serde_json::from_str(sent).map_err(|_| {
        OAuthError::Invalid("login_hint must be a JSON object with format, iss and sub".to_owned())
    })?;
    if hint.format != "iss_sub" {
        return Err(OAuthError::Invalid("the format of login_hint must be iss_sub".to_owned()));
    }
    if !issuers(&hint.iss) || hint.sub.is_empty() || hint.sub.len() > 300 {
        return Err(unknown_user());
    }
    Ok(hint.sub)
}

fn is_message(message: &str) -> bool {
    let fit = |c: char| c.is_alphanumeric() || " +-_.,:#".contains(c);
    message.chars().count() <= LONGEST_MESSAGE && message.chars().all(fit)
}

fn told(error: AuthorizeError) -> OAuthError {
    let status = if error.code == "access_denied" { 403 } else { 400 };
    OAuthError::Denied { code: error.code, status, text: error.text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages() {
        for good in ["a", "Pay 12.50 EUR to ACME, ref: #7-1_2+3", "Grüße", &"x".repeat(64)] {
            assert!(is_message(good), "{good}");
        }
        for bad in ["<b>", "a\nb", "https://evil.example", "a@b", &"x".repeat(65)] {
            assert!(!is_message(bad), "{bad}");
        }
    }

    #[test]
    fn who_is_told_says_by_what() {
        let of = |mode: Option<&str>, token: Option<&str>| {
            let openid = crate::model::OpenId {
                backchannel_token_delivery_mode: mode.map(str::to_owned),
                ..crate::model::OpenId::default()
            };
            let client = Client { openid: Some(Box::new(openid)), ..Client::default() };
            let mut params = Params::default();
            if let Some(token) = token {
                params.push("client_notification_token", token);
            }
            notification_token(&params, &client).map(|token| token.is_some())
        };
        assert_eq!(of(Some("ping"), Some("8d67dc78-7faa-4d41-aabd-67707b374255==")), Ok(true));
        assert_eq!(of(Some("poll"), Some("a b")), Ok(false));
        assert_eq!(of(None, None), Ok(false));
        let long = "x".repeat(1025);
        for bad in
            [None, Some(""), Some("=="), Some("a b"), Some("a\r\nx: y"), Some("a=b"), Some(long.as_str())]
        {
            assert!(of(Some("ping"), bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn hints() {
        let of = |hint: &str| {
            let mut params = Params::default();
            params.push("login_hint", hint);
            hinted(&params, &|iss| iss == "https://a.example/")
        };
        let good = r#"{"format":"iss_sub","iss":"https://a.example/","sub":"auth0|1"}"#;
        assert_eq!(of(good).as_deref(), Ok("auth0|1"));
        for (bad, code) in [
            ("jane@example.com", "invalid_request"),
            (r#"{"format":"email","iss":"https://a.example/","sub":"x"}"#, "invalid_request"),
            (r#"{"format":"iss_sub","iss":"https://b.example/","sub":"x"}"#, "unknown_user_id"),
            (r#"{"format":"iss_sub","iss":"https://a.example/","sub":""}"#, "unknown_user_id"),
            (&"[".repeat(10_000), "invalid_request"),
        ] {
            assert_eq!(of(bad).unwrap_err().code(), code, "{bad}");
        }
    }

    #[test]
    fn link_codes_survive_the_comparison_of_user_codes() {
        let code = link_code(&crate::ports::Counting::default());
        assert_eq!(code.len(), LINK_CODE);
        assert_eq!(super::super::typed_code(&code).as_deref(), Some(code.as_str()));
    }
}
