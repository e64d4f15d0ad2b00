//! `/tenants/settings`: one document (fact sheet 1.9).

use chancery_core::model::TenantSettings;
use chancery_core::problem::Problem;
use chancery_store::{Change, Error, Kind, Stored};
use serde_json::{Map, Value, json};

use crate::call::{Answer, Call, print, read, read_stored, stored};
use crate::ops::Table;
use crate::page::chosen;
use crate::resource::{Lost, merged};

pub(super) fn bind(table: &mut Table) {
    table.bind("GET /tenants/settings", show);
    table.bind("PATCH /tenants/settings", update);
}

const ID: &str = "settings";

async fn load(call: &Call) -> Result<Option<Stored>, Problem> {
    call.store().doc(call.tenant(), Kind::Settings, ID).await.map_err(stored)
}

/// With what the wire always shows.
fn shown(settings: &TenantSettings) -> Result<Value, Problem> {
    let mut value = json!({
        "allowed_logout_urls": [],
        "change_password": {"enabled": false, "html": ""},
        "enabled_locales": ["en"],
        "error_page": {"html": "", "show_log_link": false, "url": ""},
        "flags": {
            "allow_changing_enable_sso": false,
            "allow_legacy_delegation_grant_types": false,
            "allow_legacy_ro_grant_types": false,
            "change_pwd_flow_v1": false,
            "disable_impersonation": true,
            "enable_apis_section": false,
            "enable_client_connections": false,
            "enable_custom_domain_in_emails": false,
            "enable_dynamic_client_registration": false,
            "enable_legacy_logs_search_v2": false,
            "enable_public_signup_user_exists_error": true,
            "enable_sso": true,
            "new_universal_login_experience_enabled": true,
            "universal_login": true,
            "use_scope_descriptions_for_consent": false,
            "revoke_refresh_token_grant": false,
            "disable_clickjack_protection_headers": false,
            "enable_pipeline2": false,
        },
        "guardian_mfa_page": {"enabled": false, "html": ""},
        "idle_session_lifetime": 72,
        "session_lifetime": 168,
        "sandbox_version": "22",
        "sandbox_versions_available": ["22"],
        "oidc_logout": {"rp_logout_end_session_endpoint_discovery": true},
        "resource_parameter_profile": "compatibility",
        "session_cookie": {"mode": "persistent"},
    });
    let set = print(settings)?;
    for (name, set) in set.as_object().into_iter().flatten() {
        match (value.get_mut(name), set) {
            (Some(Value::Object(default)), Value::Object(set)) if name == "flags" => {
                default.extend(set.clone())
            }
            _ => value[name] = set.clone(),
        }
    }
    Ok(value)
}

async fn show(call: Call) -> Result<Answer, Problem> {
    let settings: TenantSettings = match load(&call).await? {
        Some(found) => read_stored(&found.json)?,
        None => TenantSettings::default(),
    };
    Ok(Answer::ok(chosen(shown(&settings)?, &call.query, &[])))
}

async fn update(call: Call) -> Result<Answer, Problem> {
    for _ in 0..2 {
        let found = load(&call).await?;
        let before: TenantSettings = match &found {
            Some(found) => read_stored(&found.json)?,
            None => TenantSettings::default(),
        };
        let after: TenantSettings = read(merged(print(&before)?, incoming(&call, &before)?))?;
        check(&call, &after)?;
        let json = serde_json::to_string(&after).map_err(crate::call::internal)?;
        let change = Change::new(call.tenant());
        let change = match &found {
            Some(found) => change.update(Kind::Settings, ID, None, json, found.rev),
            None => change.insert(Kind::Settings, ID, None, json),
        };
        match call.apply(change).await {
            Ok(rev) => return Ok(Answer::ok(shown(&after)?).at(rev)),
            Err(Error::Guard | Error::Conflict) => {}
            Err(other) => return Err(stored(other)),
        }
    }
    Err(Lost::Race.into())
}

/// Flags merge one by one; lifetimes may be given in minutes.
fn incoming(call: &Call, before: &TenantSettings) -> Result<Map<String, Value>, Problem> {
    let mut body = call.members();
    if let Some(new) = body.get_mut("flags").and_then(Value::as_object_mut) {
        let mut flags = print(&before.flags)?.as_object().cloned().unwrap_or_default();
        flags.extend(std::mem::take(new));
        *new = flags;
    }
    for (minutes, hours) in [
        ("session_lifetime_in_minutes", "session_lifetime"),
        ("idle_session_lifetime_in_minutes", "idle_session_lifetime"),
        ("ephemeral_session_lifetime_in_minutes", "ephemeral_session_lifetime"),
        ("idle_ephemeral_session_lifetime_in_minutes", "idle_ephemeral_session_lifetime"),
    ] {
        if let Some(minutes) = body.shift_remove(minutes).and_then(|minutes| minutes.as_f64()) {
            body.insert(hours.to_owned(), (minutes / 60.0).into());
        }
    }
    Ok(body)
}

fn check(call: &Call, settings: &TenantSettings) -> Result<(), Problem> {
    let changed = |name: &str| call.body.get(name).is_some();
    if changed("default_directory")
        && let Some(name) = settings.default_directory()
        && call.snapshot().connection_by_name(name).is_none()
    {
        return Err(Problem::refused("The connection of default_directory does not exist."));
    }
    if settings.idle_session_seconds() > settings.session_seconds()
        && (changed("idle_session_lifetime") || changed("idle_session_lifetime_in_minutes"))
    {
        return Err(Problem::refused("idle_session_lifetime must not be longer than session_lifetime."));
    }
    Ok(())
}
