//! `/attack-protection`: settings that are kept for the tools that write them; the limits in force are those of
//! `docs/DECISIONS.md`, D56. One document for each.

use chancery_core::problem::Problem;
use chancery_store::Kind;
use serde_json::{Value, json};

use crate::call::{Answer, Call};
use crate::document::{find, overlay, rewrite};
use crate::ops::Table;

pub(super) fn bind(table: &mut Table) {
    for name in NAMES {
        table.bind(&format!("GET /attack-protection/{name}"), move |call| show(call, name));
        table.bind(&format!("PATCH /attack-protection/{name}"), move |call| update(call, name));
    }
}

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
    Ok(Answer::ok(over_defaults(name, find(&call, Kind::AttackProtection, name).await?)))
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
