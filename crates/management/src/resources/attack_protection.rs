//! `/attack-protection`: settings that are kept for the tools that write them; the limits in force are those of
//! `docs/DECISIONS.md`, D56. One document for each.

use chancery_core::problem::Problem;
use chancery_store::{Change, Error, Kind, Stored};
use serde_json::{Value, json};

use crate::call::{Answer, Call, internal, read_stored, stored};
use crate::ops::Table;
use crate::resource::Lost;

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

async fn load(call: &Call, name: &str) -> Result<Option<Stored>, Problem> {
    call.store().doc(call.tenant(), Kind::AttackProtection, name).await.map_err(stored)
}

/// As stored, over what a new tenant has.
fn read(found: Option<&Stored>, name: &str) -> Result<Value, Problem> {
    let mut value = defaults(name);
    if let Some(found) = found {
        overlay(&mut value, read_stored(&found.json)?);
    }
    Ok(value)
}

/// Objects are merged, everything else is replaced; null leaves things as they are.
fn overlay(value: &mut Value, new: Value) {
    match (value, new) {
        (_, Value::Null) => {}
        (Value::Object(members), Value::Object(new)) => {
            for (name, new) in new {
                overlay(members.entry(name).or_insert(Value::Null), new);
            }
        }
        (value, new) => *value = new,
    }
}

async fn show(call: Call, name: &'static str) -> Result<Answer, Problem> {
    Ok(Answer::ok(read(load(&call, name).await?.as_ref(), name)?))
}

async fn update(call: Call, name: &'static str) -> Result<Answer, Problem> {
    for _ in 0..2 {
        let found = load(&call, name).await?;
        let mut value = read(found.as_ref(), name)?;
        overlay(&mut value, call.body.clone());
        let json = serde_json::to_string(&value).map_err(internal)?;
        let change = Change::new(call.tenant());
        let change = match &found {
            Some(found) => change.update(Kind::AttackProtection, name, None, json, found.rev),
            None => change.insert(Kind::AttackProtection, name, None, json),
        };
        match call.apply(change).await {
            Ok(rev) => return Ok(Answer::ok(value).at(rev)),
            Err(Error::Guard | Error::Conflict) => {}
            Err(other) => return Err(stored(other)),
        }
    }
    Err(Lost::Race.into())
}
