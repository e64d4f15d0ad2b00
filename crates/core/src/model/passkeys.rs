//! Passkeys of a database connection: whether there are any, and how they are offered.

use serde::Deserialize;
use serde_json::Value;

use super::Connection;

/// `passkey_options`. A new connection has all of them on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct PasskeyOptions {
    /// How the login page asks for one.
    pub challenge_ui: PasskeyChallenge,
    /// Whoever signed in with a password is offered one.
    pub progressive_enrollment_enabled: bool,
    /// Whoever signed in with one of another machine is offered one of this machine.
    pub local_enrollment_enabled: bool,
}

/// How the login page asks for a passkey.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PasskeyChallenge {
    /// Both of the others.
    #[default]
    Both,
    /// Browsers offer those they have in the field for the address.
    Autofill,
    /// There is a button.
    Button,
}

impl PasskeyChallenge {
    /// Whether browsers offer them in the field.
    pub const fn fills_in(self) -> bool {
        matches!(self, Self::Both | Self::Autofill)
    }

    /// Whether there is a button.
    pub const fn has_button(self) -> bool {
        matches!(self, Self::Both | Self::Button)
    }
}

impl Default for PasskeyOptions {
    fn default() -> Self {
        Self {
            challenge_ui: PasskeyChallenge::Both,
            progressive_enrollment_enabled: true,
            local_enrollment_enabled: true,
        }
    }
}

impl Connection {
    /// How passkeys are offered; `None` where there are none. Databases alone have them.
    pub fn passkeys(&self) -> Option<PasskeyOptions> {
        let methods = self.options.get("authentication_methods")?;
        let is_on = methods.pointer("/passkey/enabled").and_then(Value::as_bool).unwrap_or(false);
        let options = self.options.get("passkey_options").cloned().unwrap_or_default();
        let is_on = is_on && self.strategy == "auth0";
        is_on.then(|| serde_json::from_value(options).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn there_are_none_unless_they_are_switched_on() {
        let of = |strategy: &str, options: Value| {
            let connection = json!({"id": "con_1", "name": "db", "strategy": strategy, "options": options});
            serde_json::from_value::<Connection>(connection).unwrap().passkeys()
        };
        assert_eq!(of("auth0", json!({})), None);
        assert_eq!(of("auth0", json!({"authentication_methods": null})), None);
        assert_eq!(of("auth0", json!({"authentication_methods": {"passkey": {"enabled": false}}})), None);
        let on = json!({"passkey": {"enabled": true}});
        assert_eq!(of("samlp", json!({"authentication_methods": on})), None);
        let plain = of("auth0", json!({"authentication_methods": on, "passkey_options": null}));
        assert_eq!(plain, Some(PasskeyOptions::default()));
        let options = json!({"challenge_ui": "button", "progressive_enrollment_enabled": false});
        let set = of("auth0", json!({"authentication_methods": on, "passkey_options": options})).unwrap();
        assert!(set.challenge_ui.has_button() && !set.challenge_ui.fills_in());
        assert!(!set.progressive_enrollment_enabled && set.local_enrollment_enabled);
    }
}
