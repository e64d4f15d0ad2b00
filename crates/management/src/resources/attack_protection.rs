//! `/attack-protection`: one document for each part. Guessing, throttling and breached passwords act (`chancery_core::attack`
//! reads their documents); the others are kept for the tools that write them.

use chancery_core::problem::{Missing, Problem};
use chancery_store::Kind;
use serde_json::{Map, Value, json};

use super::collection::{Collection, Of, text};
use crate::call::{Answer, Call, read_stored, stored};
use crate::document::{find, overlay, rewrite};
use crate::ops::Table;
use crate::resource::{Crud, Resource};
use crate::secrets::{opened, seal, split, without_secrets};

pub(super) fn bind(table: &mut Table) {
    for name in NAMES {
        table.bind(&format!("GET /attack-protection/{name}"), move |call| show(call, name));
        table.bind(&format!("PATCH /attack-protection/{name}"), move |call| update(call, name));
    }
    Crud::<Of<Policies>>::bind(table);
    table.bind("GET /attack-protection/captcha/policies", policies);
    table.bind("GET /attack-protection/captcha", |call| show(call, CAPTCHA));
    table.bind("PATCH /attack-protection/captcha", update_captcha);
}

const CAPTCHA: &str = "captcha";
const NAMES: [&str; 5] = [
    "bot-detection",
    "breached-password-detection",
    "brute-force-protection",
    "phone-provider-protection",
    "suspicious-ip-throttling",
];

/// What a new tenant has.
fn defaults(name: &str) -> Value {
    match name {
        "bot-detection" => json!({
            "challenge_password_policy": "never",
            "challenge_passwordless_policy": "never",
            "challenge_password_reset_policy": "never",
            "allowlist": [],
            "bot_detection_level": "medium",
            "monitoring_mode_enabled": false,
        }),
        "breached-password-detection" => json!({
            "enabled": false,
            "shields": [],
            "admin_notification_frequency": [],
            "method": "standard",
            "stage": {"pre-user-registration": {"shields": []}, "pre-change-password": {"shields": []}},
        }),
        CAPTCHA => json!({
            "active_provider_id": "auth_challenge",
            "simple_captcha": {},
            "auth_challenge": {"fail_open": false},
            "recaptcha_v2": {"site_key": ""},
            "recaptcha_enterprise": {"site_key": "", "project_id": ""},
            "hcaptcha": {"site_key": ""},
            "friendly_captcha": {"site_key": ""},
            "arkose": {
                "site_key": "",
                "client_subdomain": "client-api",
                "verify_subdomain": "verify-api",
                "fail_open": false,
            },
        }),
        "phone-provider-protection" => json!({"type": "default"}),
        "brute-force-protection" => json!({
            "enabled": true,
            "shields": ["block", "user_notification"],
            "mode": "count_per_identifier_and_ip",
            "allowlist": [],
            "max_attempts": 10,
        }),
        _ => json!({
            "enabled": true,
            "shields": ["admin_notification", "block"],
            "allowlist": [],
            "stage": {
                "pre-login": {"max_attempts": 100, "rate": 864_000},
                "pre-user-registration": {"max_attempts": 50, "rate": 1200},
                "pre-custom-token-exchange": {"max_attempts": 10, "rate": 600_000},
            },
        }),
    }
}

/// As stored, over what a new tenant has.
fn over_defaults(name: &str, found: Option<Value>) -> Value {
    let mut value = defaults(name);
    overlay(&mut value, found.unwrap_or_default());
    value
}

async fn show(call: Call, name: &'static str) -> Result<Answer, Problem> {
    let found = find(&call, Kind::AttackProtection, name).await?;
    Ok(Answer::ok(without_secrets(over_defaults(name, found))))
}

async fn update(call: Call, name: &'static str) -> Result<Answer, Problem> {
    let (value, rev) = rewrite(&call, Kind::AttackProtection, name, |found| {
        let mut value = over_defaults(name, found);
        overlay(&mut value, call.body.clone());
        Ok(Some(value))
    })
    .await?;
    Ok(Answer::ok(value.unwrap_or_default()).at(rev))
}

/// Providers' secrets are sealed together; those of providers that a body does not name are kept as they were.
async fn update_captcha(call: Call) -> Result<Answer, Problem> {
    let mut body = call.body.clone();
    let mut secrets = Map::new();
    for (provider, settings) in body.as_object_mut().into_iter().flatten() {
        let hidden = split(settings, |name| matches!(name, "secret" | "api_key"));
        if !hidden.is_empty() {
            secrets.insert(provider.clone(), Value::Object(hidden));
        }
    }
    let (value, rev) = rewrite(&call, Kind::AttackProtection, CAPTCHA, |found| {
        let mut all = opened(&call, Kind::AttackProtection, CAPTCHA, found.as_ref())?;
        all.extend(secrets.clone());
        let mut value = over_defaults(CAPTCHA, found);
        overlay(&mut value, body.clone());
        seal(&call, Kind::AttackProtection, CAPTCHA, &mut value, all)?;
        Ok(Some(value))
    })
    .await?;
    Ok(Answer::ok(without_secrets(value.unwrap_or_default())).at(rev))
}

/// Which CAPTCHA is asked of whom.
struct Policies;

impl Collection for Policies {
    const KIND: Kind = Kind::CaptchaPolicy;
    const PATH: &'static str = "/attack-protection/captcha/policies";
    const MEMBER: &'static str = "policies";
    const MISSING: Missing = Missing { message: "The CAPTCHA policy does not exist.", code: None };
    const TAKEN: &'static str = "A CAPTCHA policy with this name already exists.";
    const PREFIX: &'static str = "cap_";
    const SECRETIVE: Option<&'static str> = Some("action");

    fn unique(policy: &Value) -> Option<String> {
        Some(text(policy, "name").to_owned())
    }

    fn hide(policy: &mut Value) -> Map<String, Value> {
        let mut secrets = Map::new();
        for (provider, settings) in
            policy.get_mut("action").and_then(Value::as_object_mut).into_iter().flatten()
        {
            let hidden = split(settings, |name| matches!(name, "secret" | "api_key"));
            if !hidden.is_empty() {
                secrets.insert(provider.clone(), Value::Object(hidden));
            }
        }
        secrets
    }
}

/// All of them, the first to be asked first.
async fn policies(call: Call) -> Result<Answer, Problem> {
    let all = call.store().docs_all(call.tenant(), Kind::CaptchaPolicy).await.map_err(stored)?;
    let shown: Result<Vec<Value>, Problem> =
        all.iter().map(|doc| Of::<Policies>::show(&call, &read_stored(&doc.json)?)).collect();
    let mut shown = shown?;
    shown.sort_by_key(|policy| policy.get("priority").and_then(Value::as_i64));
    Ok(Answer::ok(shown.into()))
}

#[cfg(test)]
mod tests {
    use chancery_core::attack::AttackProtection;

    use super::*;

    /// What is shown of a new tenant is what acts there.
    #[test]
    fn the_defaults_are_those_that_act() {
        let mut read = AttackProtection::default();
        for name in NAMES {
            read = read.with(name, Some(&defaults(name).to_string())).unwrap();
        }
        assert_eq!(read, AttackProtection::default());
    }
}
