//! `/attack-protection`: settings that are kept for the tools that write them; the limits in force are those of
//! `docs/DECISIONS.md`, D56. One document for each.

use chancery_core::problem::Problem;
use chancery_store::Kind;
use serde_json::{Map, Value, json};

use crate::call::{Answer, Call};
use crate::document::{find, overlay, rewrite};
use crate::ops::Table;
use crate::secrets::{opened, seal, split, without_secrets};

pub(super) fn bind(table: &mut Table) {
    for name in NAMES {
        table.bind(&format!("GET /attack-protection/{name}"), move |call| show(call, name));
        table.bind(&format!("PATCH /attack-protection/{name}"), move |call| update(call, name));
    }
    table.bind("GET /attack-protection/captcha", |call| show(call, CAPTCHA));
    table.bind("PATCH /attack-protection/captcha", update_captcha);
}

const CAPTCHA: &str = "captcha";
const NAMES: [&str; 4] =
    ["bot-detection", "breached-password-detection", "brute-force-protection", "suspicious-ip-throttling"];

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
