//! Token exchange (RFC 8693, fact sheet 6.3): what is exchanged for what, and who acts for whom.

use serde_json::{Value, json};

use super::OAuthError;

/// The grant type.
pub const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// The one kind of token that is exchanged, and that comes of it.
pub const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// Levels of `act` in a token, the one who acts now included.
const MOST_ACTORS: usize = 5;

/// `act` of a token that `client_id` got for one which was issued to `issued_to` and has this `act`: who acts now is outermost,
/// who acted before is told by it (RFC 8693, section 4.1).
///
/// # Errors
/// [`OAuthError::Invalid`] where the chain is as long as it may be already.
pub fn delegated(act: Option<&Value>, issued_to: &str, client_id: &str) -> Result<Value, OAuthError> {
    let before = act.cloned().unwrap_or_else(|| json!({ "sub": issued_to }));
    let mut levels = 0;
    let mut level = Some(&before);
    while let Some(actor) = level {
        levels += 1;
        level = actor.get("act");
    }
    if levels >= MOST_ACTORS {
        let text = "Delegation chain (`act` claim) depth exceeds the maximum allowed limit of 4";
        return Err(OAuthError::Invalid(text.to_owned()));
    }
    Ok(json!({ "sub": client_id, "act": before }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_acts_now_is_outermost() {
        let first = delegated(None, "app", "api-1").unwrap();
        assert_eq!(first, json!({ "sub": "api-1", "act": { "sub": "app" } }));
        let mut act = first;
        for level in 3..=MOST_ACTORS {
            act = delegated(Some(&act), "ignored", &format!("api-{level}")).unwrap();
        }
        assert_eq!(act["sub"], "api-5");
        assert_eq!(act.pointer("/act/act/act/act/sub"), Some(&json!("app")));
        assert!(delegated(Some(&act), "x", "api-6").is_err());
    }
}
