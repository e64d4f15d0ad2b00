//! What an application wants to hear of logouts (`oidc_logout`): fact sheet 8.5, OpenID Connect Back-Channel Logout 1.0 and
//! Front-Channel Logout 1.0.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::logout::Initiator;

/// How an application hears that a session ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct OidcLogout {
    /// Where logout tokens are posted. The first that is not empty counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel_logout_urls: Option<Vec<String>>,
    /// Of which ends it hears. Absent is of logouts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel_logout_initiators: Option<LogoutInitiators>,
    /// Whether it hears what administrators noted on the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel_logout_session_metadata: Option<LogoutMetadata>,
    /// Whether the application relies on `sid` in logout tokens, which all of them have (Back-Channel Logout, section 2.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel_logout_session_required: Option<bool>,
    /// The page that ends the application's own session, shown in a frame on ours (Front-Channel Logout, section 2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frontchannel_logout_uri: Option<String>,
    /// Whether that page is told the issuer and the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frontchannel_logout_session_required: Option<bool>,
    /// Further members, kept and shown.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// A choice among the ends of sessions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct LogoutInitiators {
    /// `all` or `custom`. Absent is `custom`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// With `custom`: which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selected_initiators: Option<Vec<String>>,
    /// Further members, kept and shown.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// Whether notes on sessions go along.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct LogoutMetadata {
    /// Absent is no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include: Option<bool>,
    /// Further members, kept and shown.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// What an application hears of that said nothing about it.
const BY_DEFAULT: [&str; 2] = ["rp-logout", "idp-logout"];

impl OidcLogout {
    /// Where the application hears of such an end of a session, if it does.
    pub fn listens(&self, initiator: Initiator) -> Option<&str> {
        let url = self.backchannel_logout_urls.iter().flatten().find(|url| !url.is_empty())?;
        let chosen = self.backchannel_logout_initiators.as_ref();
        let hears = match chosen {
            Some(chosen) if chosen.mode.as_deref() == Some("all") => true,
            Some(LogoutInitiators { selected_initiators: Some(selected), .. }) => {
                selected.iter().any(|name| name == initiator.as_str())
            }
            _ => BY_DEFAULT.contains(&initiator.as_str()),
        };
        hears.then_some(url)
    }

    /// Whether logout tokens hold what administrators noted on the session.
    pub fn hears_metadata(&self) -> bool {
        self.backchannel_logout_session_metadata.as_ref().is_some_and(|said| said.include == Some(true))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn who_hears_what() {
        let settings = |initiators: Value| -> OidcLogout {
            serde_json::from_value(json!({
                "backchannel_logout_urls": ["", "https://a.example/out"],
                "backchannel_logout_initiators": initiators,
            }))
            .unwrap()
        };
        for (initiators, by_logout, by_password) in [
            (Value::Null, true, false),
            (json!({"mode": "all"}), true, true),
            (json!({"mode": "custom"}), true, false),
            (json!({"mode": "custom", "selected_initiators": ["password-changed"]}), false, true),
            (json!({"mode": "custom", "selected_initiators": []}), false, false),
        ] {
            let it = settings(initiators.clone());
            let heard = |initiator| it.listens(initiator) == Some("https://a.example/out");
            assert_eq!(heard(Initiator::RpLogout), by_logout, "{initiators}");
            assert_eq!(heard(Initiator::PasswordChanged), by_password, "{initiators}");
        }
        assert_eq!(OidcLogout::default().listens(Initiator::RpLogout), None);
    }

    #[test]
    fn what_nobody_knows_is_kept() {
        let said = json!({"backchannel_logout_urls": [], "x": {"y": 1}, "backchannel_logout_initiators": {"mode": "all", "z": 2}});
        let read: OidcLogout = serde_json::from_value(said.clone()).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), said);
    }
}
