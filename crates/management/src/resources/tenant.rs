//! `/tenants/settings`: one document (fact sheet 1.9).

use chancery_core::model::TenantSettings;
use chancery_core::oauth::check_mask;
use chancery_core::problem::Problem;
use chancery_store::{Change, Error, Kind, Stored};
use serde_json::{Map, Value, json};

use crate::call::{Answer, Call, print, read, read_stored, stored};
use crate::document::find;
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
    let mut value = defaults();
    let mut set = print(settings)?;
    // Settings of our own are written and read at a place of their own.
    if let Some(members) = set.as_object_mut() {
        members.shift_remove("openid");
    }
    for (name, set) in set.as_object().into_iter().flatten() {
        match (value.get_mut(name), set) {
            (Some(Value::Object(default)), Value::Object(set)) if name == "flags" => {
                default.extend(set.clone());
            }
            _ => value[name] = whole(set),
        }
    }
    // A page of one's own that is empty is none, as recorded.
    for page in ["change_password", "guardian_mfa_page"] {
        if let Some(page) = value.get_mut(page).and_then(Value::as_object_mut)
            && page.get("html") == Some(&Value::String(String::new()))
        {
            page.shift_remove("html");
        }
    }
    Ok(value)
}

/// 72, not 72.0.
fn whole(value: &Value) -> Value {
    match value.as_f64().filter(|number| value.is_f64() && number.fract() == 0.0 && number.abs() < 1e15) {
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and small, as the line above says")]
        Some(number) => (number as i64).into(),
        None => value.clone(),
    }
}

pub(crate) fn defaults() -> Value {
    json!({
        "allowed_logout_urls": [],
        "acr_values_supported": [],
        "change_password": {"enabled": false},
        "default_audience": "",
        "default_directory": "",
        "default_redirection_uri": "",
        "enabled_locales": ["en"],
        "error_page": {"html": "", "show_log_link": false, "url": ""},
        "flags": default_flags(),
        "friendly_name": "",
        "guardian_mfa_page": {"enabled": false},
        "session_lifetime": 168,
        "idle_session_lifetime": 72,
        "ephemeral_session_lifetime": 72,
        "idle_ephemeral_session_lifetime": 24,
        "picture_url": "",
        "sandbox_version": "22",
        "sandbox_versions_available": ["22"],
        "support_email": "",
        "support_url": "",
        "sessions": {"oidc_logout_prompt_enabled": true},
        "oidc_logout": {"rp_logout_end_session_endpoint_discovery": true},
        "allow_organization_name_in_authentication_api": false,
        "customize_mfa_in_postlogin_action": false,
        "pushed_authorization_requests_supported": false,
        "mtls": {"enable_endpoint_aliases": false},
        "universal_login": {"colors": {"primary": "#0f5fe0", "page_background": "#ffffff"}},
        "resource_parameter_profile": "compatibility",
        "phone_consolidated_experience": false,
        "client_id_metadata_document_supported": false,
        "dynamic_client_registration_security_mode": "strict",
        "session_cookie": {"mode": "persistent"},
    })
}

/// Most of these belong to features of another time. They are kept because tools send them back.
fn default_flags() -> Value {
    json!({
        "allow_changing_enable_sso": false,
        "allow_legacy_delegation_grant_types": false,
        "allow_legacy_ro_grant_types": false,
        "allow_legacy_tokeninfo_endpoint": false,
        "allow_other_legacy_grant_types": false,
        "cannot_change_enforce_client_authentication_on_passwordless_start": true,
        "change_pwd_flow_v1": false,
        "dashboard_log_streams_next": false,
        "dashboard_new_onboarding": false,
        "disable_clickjack_protection_headers": false,
        "disable_fields_map_fix": false,
        "disable_impersonation": true,
        "disable_management_api_sms_obfuscation": false,
        "enable_adfs_waad_email_verification": false,
        "enable_apis_section": false,
        "enable_client_connections": false,
        "enable_custom_domain_in_emails": false,
        "enable_dynamic_client_registration": false,
        "enable_idtoken_api2": false,
        "enable_legacy_logs_search_v2": false,
        "enable_legacy_profile": false,
        "enable_pipeline2": false,
        "enable_public_signup_user_exists_error": true,
        "enable_sso": true,
        "enforce_client_authentication_on_passwordless_start": true,
        "mfa_show_factor_list_on_enrollment": false,
        "new_universal_login_experience_enabled": true,
        "no_disclose_enterprise_connections": false,
        "remove_alg_from_jwks": false,
        "revoke_refresh_token_grant": false,
        "universal_login": true,
        "use_scope_descriptions_for_consent": false,
    })
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
            Ok(rev) => return Ok(Answer::ok(with_looks(&call, shown(&after)?).await?).at(rev)),
            Err(Error::Guard | Error::Conflict) => {}
            Err(other) => return Err(stored(other)),
        }
    }
    Err(Lost::Race.into())
}

/// The answer to a change says under `universal_login` what was set elsewhere about the hosted pages; the settings as they
/// are read do not.
async fn with_looks(call: &Call, mut settings: Value) -> Result<Value, Problem> {
    let prompts = find(call, Kind::Prompts, ID).await?;
    let is_on = |name: &str| prompts.as_ref().is_some_and(|prompts| prompts.get(name) == Some(&json!(true)));
    let has_theme = call.store().docs_count(call.tenant(), Kind::Theme).await.map_err(stored)? > 0;
    let looks = [
        ("identifier_first", is_on("identifier_first")),
        ("is_custom_template_set", super::branding::has_template(call).await?),
        ("is_custom_theme_set", has_theme),
    ];
    if let Some(shown) = settings.get_mut("universal_login").and_then(Value::as_object_mut) {
        shown.extend(
            looks.into_iter().filter(|(_, set)| *set).map(|(name, _)| (name.to_owned(), true.into())),
        );
    }
    Ok(settings)
}

/// Flags and pages merge member by member; lifetimes may be given in minutes.
fn incoming(call: &Call, before: &TenantSettings) -> Result<Map<String, Value>, Problem> {
    let mut body = call.members();
    if let Some(new) = body.get_mut("flags").and_then(Value::as_object_mut) {
        let mut flags = print(&before.flags)?.as_object().cloned().unwrap_or_default();
        flags.extend(std::mem::take(new));
        *new = flags;
    }
    let held = print(before)?;
    for page in ["change_password", "guardian_mfa_page"] {
        if let Some(new) = body.get_mut(page).and_then(Value::as_object_mut)
            && let Some(mut all) = held.get(page).and_then(Value::as_object).cloned()
        {
            all.extend(std::mem::take(new));
            *new = all;
        }
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
    if changed("default_audience")
        && let Some(named) = settings.default_audience()
        && named != call.origin().userinfo_audience
        // Tools send back what they read.
        && call.snapshot().settings.default_audience() != Some(named)
        && call.snapshot().resolve_api(call.origin(), named).is_none()
    {
        return Err(Problem::refused("The API of default_audience does not exist."));
    }
    if settings.idle_session_seconds() > settings.session_seconds()
        && (changed("idle_session_lifetime") || changed("idle_session_lifetime_in_minutes"))
    {
        return Err(Problem::refused("idle_session_lifetime must not be longer than session_lifetime."));
    }
    if changed("device_flow")
        && let Some(flow) = &settings.device_flow
        && let Some(mask) = &flow.mask
    {
        let checked = check_mask(flow.charset.unwrap_or_default(), mask);
        checked.map_err(|text| Problem::refused(format!("device_flow.{text}.")))?;
    }
    Ok(())
}
