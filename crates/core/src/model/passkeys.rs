//! Passkeys of a database connection: whether there are any, and how they are offered.

use chancery_jose::base64url;
use serde::Deserialize;
use serde_json::Value;

use super::{Client, Connection};
use crate::oauth::origin_of;

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

impl Client {
    /// Where answers of authenticators may come from that this application asked itself: its own pages, as browsers write their
    /// origin, and its Android application, which is known by the certificate that signs it. iOS says the server's own host.
    pub fn passkey_origins(&self) -> Vec<String> {
        let lists = [&self.web_origins, &self.allowed_origins];
        let pages = lists.into_iter().flatten().flatten().filter(|url| !url.contains('*'));
        let pages = pages.filter_map(|url| origin_of(url));
        let keys = self.android_certificates().filter_map(fingerprint);
        let keys = keys.map(|digest| format!("android:apk-key-hash:{}", base64url(&digest)));
        pages.chain(keys).take(MOST_ORIGINS).collect()
    }

    /// SHA-256 of the certificates that sign its Android application, as `AA:BB:...`.
    pub fn android_certificates(&self) -> impl Iterator<Item = &str> {
        let all = self.mobile("/android/sha256_cert_fingerprints").and_then(Value::as_array);
        all.into_iter().flatten().filter_map(Value::as_str)
    }

    /// What it says of itself as an application of a telephone, by JSON pointer.
    pub fn mobile(&self, pointer: &str) -> Option<&Value> {
        self.rest.get("mobile")?.pointer(pointer)
    }
}

/// More has no application.
const MOST_ORIGINS: usize = 100;

/// The bytes of `AA:BB:...`, 32 of them.
fn fingerprint(text: &str) -> Option<[u8; 32]> {
    let hex: Vec<u8> = text.bytes().filter(|byte| *byte != b':').collect();
    let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(&hex).ok()?;
    bytes.try_into().ok()
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

    #[test]
    fn where_answers_may_come_from() {
        let digest = vec!["0A"; 32].join(":");
        let client = json!({
            "client_id": "c", "name": "App",
            "web_origins": ["https://App.example:443/x", "https://*.wild.example", "com.app://x"],
            "allowed_origins": ["http://localhost:3000"],
            "mobile": {"android": {"sha256_cert_fingerprints": [digest, "zz", "0A", 7]}},
        });
        let client: Client = serde_json::from_value(client).unwrap();
        let key = format!("android:apk-key-hash:{}", base64url(&[10; 32]));
        assert_eq!(client.passkey_origins(), ["https://app.example", "http://localhost:3000", key.as_str()]);
        assert!(Client::default().passkey_origins().is_empty());
    }
}
