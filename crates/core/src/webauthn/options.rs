//! What is asked of a browser, in the JSON that `parseCreationOptionsFromJSON` and `parseRequestOptionsFromJSON` read
//! (WebAuthn, section 5.1.9 and 5.1.10).

use chancery_jose::CredentialKey;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::LIFETIME;

/// Whether the authenticator makes sure who it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verification {
    /// Not for us.
    Discouraged,
    /// If it can.
    #[default]
    Preferred,
    /// It must.
    Required,
}

/// Whose account a credential is for.
#[derive(Clone, Copy, Debug)]
pub struct Account<'a> {
    /// What the authenticator keeps for the account, in base64url; says nothing of its owner.
    pub handle: &'a str,
    /// What tells accounts of one person apart: an address.
    pub name: &'a str,
    /// How the person is called.
    pub display_name: &'a str,
}

/// For `navigator.credentials.create()`.
#[derive(Clone, Copy, Debug)]
pub struct Creation<'a> {
    /// In base64url.
    pub challenge: &'a str,
    /// A host.
    pub relying_party: &'a str,
    /// The name of the tenant.
    pub relying_party_name: &'a str,
    /// Whose it will be.
    pub account: Account<'a>,
    /// Credentials of which the authenticator must have none, each with `type` and `id`.
    pub exclude: &'a [Value],
    /// `platform` or `cross-platform`, unless either is good.
    pub attachment: Option<&'a str>,
    /// The authenticator must keep it so that no id has to be named.
    pub discoverable: bool,
    /// Whether it makes sure who it is.
    pub verification: Verification,
}

/// For `navigator.credentials.get()`.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// In base64url.
    pub challenge: &'a str,
    /// A host.
    pub relying_party: &'a str,
    /// The credentials that may be shown, each with `type`, `id` and `transports`; empty for those that name their user themselves.
    pub allow: &'a [Value],
    /// Whether it makes sure who it is.
    pub verification: Verification,
}

impl Creation<'_> {
    /// The options.
    pub fn to_json(&self) -> Value {
        let Self { account, .. } = self;
        let algorithms = CredentialKey::ALGORITHMS.map(|alg| json!({"type": "public-key", "alg": alg}));
        let resident = if self.discoverable { "required" } else { "discouraged" };
        let mut selection = json!({
            "residentKey": resident,
            "requireResidentKey": self.discoverable,
            "userVerification": self.verification,
        });
        if let Some(attachment) = self.attachment {
            selection["authenticatorAttachment"] = attachment.into();
        }
        json!({
            "challenge": self.challenge,
            "rp": {"id": self.relying_party, "name": self.relying_party_name},
            "user": {"id": account.handle, "name": account.name, "displayName": account.display_name},
            "pubKeyCredParams": algorithms,
            "timeout": LIFETIME * 1000,
            "excludeCredentials": self.exclude,
            "authenticatorSelection": selection,
            "attestation": "none",
        })
    }
}

impl Request<'_> {
    /// The options.
    pub fn to_json(&self) -> Value {
        let mut options = json!({
            "challenge": self.challenge,
            "timeout": LIFETIME * 1000,
            "rpId": self.relying_party,
            "userVerification": self.verification,
        });
        if !self.allow.is_empty() {
            options["allowCredentials"] = self.allow.into();
        }
        options
    }
}
