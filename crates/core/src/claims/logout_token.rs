//! Logout tokens (OpenID Connect Back-Channel Logout 1.0, section 2.4; fact sheet 8.5).

use serde_json::Value;

use super::json::Object;

/// What goes into a logout token. It has no `nonce`, so that none can pass for an ID token.
#[derive(Clone, Copy, Debug)]
pub struct LogoutToken<'a> {
    /// With its trailing slash; the host where the session was.
    pub issuer: &'a str,
    /// Whom it is sent to: the only audience.
    pub client_id: &'a str,
    /// Whose session ended.
    pub subject: &'a str,
    /// Which: `sid`.
    pub session_id: &'a str,
    /// Seconds.
    pub issued_at: i64,
    /// The same each time this end is told to this application.
    pub jti: &'a str,
    /// The request that ended it, for people who search logs.
    pub trace_id: Option<&'a str>,
    /// What administrators noted on the session, where the application hears it.
    pub session_metadata: Option<&'a Value>,
}

impl LogoutToken<'_> {
    /// Seconds a token is good for.
    pub const LIFETIME: i64 = 120;

    /// The claims as JSON.
    pub fn payload(&self) -> Vec<u8> {
        let mut out = Object::with_capacity(512);
        out.string("iss", self.issuer);
        out.string("sub", self.subject);
        out.string("aud", self.client_id);
        out.number("iat", self.issued_at);
        out.number("exp", self.issued_at.saturating_add(Self::LIFETIME));
        out.string("jti", self.jti);
        out.value("events", &serde_json::json!({EVENT: {}}));
        out.optional_string("trace_id", self.trace_id);
        out.string("sid", self.session_id);
        if let Some(metadata) = self.session_metadata {
            out.value("session_metadata", metadata);
        }
        out.finish()
    }
}

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn says_all_that_the_specification_wants_and_no_nonce() {
        let note = json!({"device": "x"});
        let token = LogoutToken {
            issuer: "https://t.example/",
            client_id: "W",
            subject: "auth0|1",
            session_id: "s",
            issued_at: 1000,
            jti: "j",
            trace_id: Some("r"),
            session_metadata: Some(&note),
        };
        let said: Value = serde_json::from_slice(&token.payload()).unwrap();
        assert_eq!(
            said,
            json!({
                "iss": "https://t.example/", "sub": "auth0|1", "aud": "W", "iat": 1000, "exp": 1120, "jti": "j",
                "events": {"http://schemas.openid.net/event/backchannel-logout": {}}, "trace_id": "r", "sid": "s",
                "session_metadata": {"device": "x"},
            })
        );
    }
}
