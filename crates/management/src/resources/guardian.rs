//! `/guardian`: settings of second factors. Those of security keys act; the others are of factors that this server does not ask
//! for, and are kept. What is secret in them lies sealed. Which factors there are is in `second_factors`.

use chancery_core::problem::Problem;
use chancery_store::Kind;
use serde_json::{Map, Value, json};

use crate::call::{Answer, Call, internal};
use crate::document::{find, overlay, rewrite};
use crate::ops::Table;
use crate::resource::merged;
use crate::secrets::{opened, seal, split, without_secrets};

pub(super) fn bind(table: &mut Table) {
    for setting in SETTINGS {
        table.bind(&format!("GET {}", setting.path), |call| show(call, setting));
        for verb in setting.verbs {
            let replaces = *verb == "PUT";
            table.bind(&format!("{verb} {}", setting.path), move |call| set(call, setting, replaces));
        }
    }
    for path in WRITE_ONLY {
        for verb in ["PUT", "PATCH"] {
            table.bind(&format!("{verb} {path}"), move |call| hide(call, path));
        }
    }
}

/// One document of settings.
struct Setting {
    path: &'static str,
    /// Two paths may lead to one document.
    name: &'static str,
    /// How it is written beside being read.
    verbs: &'static [&'static str],
    /// What a new tenant has.
    defaults: &'static str,
    /// Members that lie sealed.
    secrets: &'static [&'static str],
    /// Whether reading shows those too, as the wire has it.
    shows_secrets: bool,
}

const PLAIN: Setting =
    Setting { path: "", name: "", verbs: &["PUT"], defaults: "{}", secrets: &[], shows_secrets: false };
const TEXTS: &str = r#"{"enrollment_message": "{{code}} is your verification code for {{tenant.friendly_name}}. Please enter this code to verify your enrollment.", "verification_message": "{{code}} is your verification code for {{tenant.friendly_name}}."}"#;

const SETTINGS: &[Setting] = &[
    Setting {
        path: "/guardian/factors/duo/settings",
        name: "duo",
        verbs: &["PUT", "PATCH"],
        secrets: &["skey"],
        shows_secrets: true,
        ..PLAIN
    },
    Setting {
        path: "/guardian/factors/phone/providers/twilio",
        name: "twilio",
        secrets: &["auth_token"],
        shows_secrets: true,
        ..PLAIN
    },
    Setting {
        path: "/guardian/factors/sms/providers/twilio",
        name: "twilio",
        secrets: &["auth_token"],
        shows_secrets: true,
        ..PLAIN
    },
    Setting {
        path: "/guardian/factors/push-notification/providers/sns",
        name: "sns",
        verbs: &["PUT", "PATCH"],
        secrets: &["aws_secret_access_key"],
        ..PLAIN
    },
    Setting {
        path: "/guardian/factors/push-notification/providers/apns",
        name: "apns",
        verbs: &["PUT", "PATCH"],
        defaults: r#"{"sandbox": false, "enabled": false}"#,
        secrets: &["p12"],
        ..PLAIN
    },
    Setting { path: "/guardian/factors/phone/templates", name: "phone-templates", defaults: TEXTS, ..PLAIN },
    Setting { path: "/guardian/factors/sms/templates", name: "phone-templates", defaults: TEXTS, ..PLAIN },
    Setting {
        path: "/guardian/factors/phone/message-types",
        name: "message-types",
        defaults: r#"{"message_types": []}"#,
        ..PLAIN
    },
    Setting {
        path: "/guardian/factors/phone/selected-provider",
        name: "phone-provider",
        defaults: r#"{"provider": "auth0"}"#,
        ..PLAIN
    },
    Setting {
        path: "/guardian/factors/sms/selected-provider",
        name: "phone-provider",
        defaults: r#"{"provider": "auth0"}"#,
        ..PLAIN
    },
    Setting {
        path: "/guardian/factors/push-notification/selected-provider",
        name: "push-provider",
        defaults: r#"{"provider": "guardian"}"#,
        ..PLAIN
    },
    Setting {
        path: "/guardian/factors/webauthn-roaming/settings",
        name: "webauthn-roaming",
        defaults: r#"{"userVerification": "preferred", "overrideRelyingParty": false}"#,
        ..PLAIN
    },
    Setting {
        path: "/guardian/factors/webauthn-platform/settings",
        name: "webauthn-platform",
        defaults: r#"{"overrideRelyingParty": false}"#,
        ..PLAIN
    },
    Setting { path: "/prompts/mfa-push", name: "push-application", verbs: &["PATCH"], ..PLAIN },
    Setting {
        path: "/risk-assessments/settings/new-device",
        name: "new-device",
        verbs: &["PATCH"],
        defaults: r#"{"remember_for": 30}"#,
        ..PLAIN
    },
];

/// Keys that are written and never read again.
const WRITE_ONLY: [&str; 2] = [
    "/guardian/factors/push-notification/providers/fcm",
    "/guardian/factors/push-notification/providers/fcmv1",
];

const KIND: Kind = Kind::GuardianSetting;

async fn show(call: Call, setting: &'static Setting) -> Result<Answer, Problem> {
    let found = find(&call, KIND, setting.name).await?;
    let mut value: Value = serde_json::from_str(setting.defaults).map_err(internal)?;
    if setting.shows_secrets {
        overlay(&mut value, Value::Object(opened(&call, KIND, setting.name, found.as_ref())?));
    }
    overlay(&mut value, without_secrets(found.unwrap_or_default()));
    Ok(Answer::ok(value))
}

/// The answer shows what was sent, secrets too, as recorded; what a PUT leaves out goes, sealed or not.
async fn set(call: Call, setting: &'static Setting, replaces: bool) -> Result<Answer, Problem> {
    let mut body = Value::Object(call.members());
    let secrets = split(&mut body, |name| setting.secrets.contains(&name));
    let body = body.as_object().cloned().unwrap_or_default();
    let (_, rev) = rewrite(&call, KIND, setting.name, |found| {
        let before = found.filter(|_| !replaces).unwrap_or_else(|| json!({}));
        let mut hidden = opened(&call, KIND, setting.name, Some(&before))?;
        hidden.extend(secrets.clone());
        hidden.retain(|_, secret| !secret.is_null());
        let mut value = merged(without_secrets(before), body.clone());
        seal(&call, KIND, setting.name, &mut value, hidden)?;
        Ok(Some(value))
    })
    .await?;
    Ok(Answer::ok(call.body).at(rev))
}

async fn hide(call: Call, path: &'static str) -> Result<Answer, Problem> {
    let name = path.rsplit('/').next().unwrap_or_default();
    let mut secrets: Map<String, Value> = call.members();
    secrets.retain(|_, secret| !secret.is_null());
    let (_, rev) = rewrite(&call, KIND, name, |_| {
        let mut value = json!({});
        seal(&call, KIND, name, &mut value, secrets.clone())?;
        Ok(Some(value))
    })
    .await?;
    Ok(Answer::ok(json!({})).at(rev))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_new_tenant_has_can_be_read() {
        for setting in SETTINGS {
            assert!(serde_json::from_str::<Value>(setting.defaults).unwrap().is_object(), "{}", setting.path);
        }
    }
}
