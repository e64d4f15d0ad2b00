//! What each strategy adds to the settings of a connection by itself, as recorded: permissions become scopes of the
//! provider, certificates are read, and what was not said gets its default.

use chancery_core::ids;
use chancery_core::model::Connection;
use chancery_jose::Certificate;
use serde_json::{Map, Value, json};

use crate::call::Call;

/// Strategies of companies rather than of the public: no button unless asked for.
const ENTERPRISE: &[&str] = &[
    "ad",
    "adfs",
    "auth0-adldap",
    "google-apps",
    "ip",
    "office365",
    "oidc",
    "okta",
    "pingfederate",
    "samlp",
    "sharepoint",
    "waad",
];

/// Those whose set-up ends on a page for the company's administrator.
const PROVISIONED: &[&str] = &[
    "ad",
    "adfs",
    "auth0-adldap",
    "google-apps",
    "office365",
    "pingfederate",
    "samlp",
    "sharepoint",
    "waad",
];

/// Completes a new connection, or (`before`) one that was rewritten.
pub(super) fn complete(call: &Call, connection: &mut Connection, before: Option<&Connection>) {
    let strategy = connection.strategy.clone();
    let options = &mut connection.options;
    match strategy.as_str() {
        "ad" | "auth0-adldap" => {
            // Shown as null until it is set.
            options.entry("ips").or_insert(Value::Null);
            default(options, &json!({"brute_force_protection": true}));
        }
        "sms" | "email" if before.is_none() => default(options, &json!({"brute_force_protection": true})),
        "adfs" if before.is_none() => default(options, &json!({"thumbprints": []})),
        "oidc" | "okta" => open_id_connect(options, &strategy, before.is_none()),
        "pingfederate" | "samlp" => certificate(options, strategy == "pingfederate"),
        "google-apps" => google_workspace(options, before),
        _ => scopes(options, &strategy),
    }
    if ENTERPRISE.contains(&strategy.as_str()) {
        connection.rest.entry("show_as_button").or_insert(Value::Bool(false));
    }
    if matches!(strategy.as_str(), "oidc" | "okta") && connection.display_name.is_none() {
        connection.display_name = Some(connection.name.clone());
    }
    if PROVISIONED.contains(&strategy.as_str()) && before.is_none() {
        let length = if strategy == "ad" { 32 } else { 8 };
        let ticket = ids::alphanumeric(&*call.ctx.app.rng, length);
        let url = format!("{}/p/{strategy}/{ticket}", call.origin().base);
        connection.rest.insert("provisioning_ticket_url".to_owned(), url.into());
    }
}

fn default(options: &mut Map<String, Value>, defaults: &Value) {
    for (name, value) in defaults.as_object().into_iter().flatten() {
        options.entry(name.clone()).or_insert_with(|| value.clone());
    }
}

fn open_id_connect(options: &mut Map<String, Value>, strategy: &str, new: bool) {
    let (channel, mode) =
        if strategy == "okta" { ("back_channel", "basic_profile") } else { ("front_channel", "bind_all") };
    options.insert("schema_version".to_owned(), "oidc-V4".into());
    // A rewrite that says nothing of PKCE ends it, as recorded; a new connection begins with it.
    let pkce = if new { "auto" } else { "disabled" };
    default(
        options,
        &json!({
            "type": channel,
            "attribute_map": {"mapping_mode": mode},
            "connection_settings": {"pkce": pkce},
        }),
    );
}

fn google_workspace(options: &mut Map<String, Value>, before: Option<&Connection>) {
    let known = before.and_then(|before| before.options.get("map_user_id_to_id")).cloned();
    let reads_directory = ["ext_groups", "ext_is_admin", "ext_is_suspended", "ext_agreed_terms"]
        .iter()
        .any(|name| options.get(*name) == Some(&Value::Bool(true)));
    if reads_directory {
        default(options, &json!({"api_enable_users": true}));
    }
    default(
        options,
        &json!({
            "email": true,
            "profile": true,
            "scope": ["email", "profile"],
            "handle_login_from_social": true,
            "map_user_id_to_id": known.unwrap_or(Value::Bool(false)),
        }),
    );
}

/// The signing certificate of the other side: whose, until when, and its SHA-1 thumbprint.
fn certificate(options: &mut Map<String, Value>, moved: bool) {
    let Some(text) = options.get("signingCert").and_then(Value::as_str) else { return };
    let Some(read) = Certificate::from_pem(text) else { return };
    let subject: Map<String, Value> =
        read.names.iter().map(|(kind, name)| (long_name(kind).to_owned(), name.as_str().into())).collect();
    options.insert("expires".to_owned(), read.not_after.into());
    options.insert("subject".to_owned(), subject.into());
    options.insert("thumbprints".to_owned(), json!([read.thumbprint]));
    if let Some(text) = options.get("signingCert").cloned() {
        options.insert("cert".to_owned(), text);
    }
    if moved {
        options.shift_remove("signingCert");
    }
}

/// Attribute types in full (RFC 4519).
fn long_name(kind: &str) -> &str {
    match kind {
        "CN" => "commonName",
        "C" => "countryName",
        "L" => "localityName",
        "ST" => "stateOrProvinceName",
        "O" => "organizationName",
        "OU" => "organizationalUnitName",
        other => other,
    }
}

/// Permissions that are switched on, as the scopes that the provider knows.
fn scopes(options: &mut Map<String, Value>, strategy: &str) {
    match strategy {
        "google-oauth2" => {
            default(options, &json!({"email": true, "profile": true}));
            let scopes: Vec<String> = on(options).filter_map(google).collect();
            default(options, &json!({"scope": scopes}));
        }
        "facebook" => {
            let scopes: Vec<&str> = on(options).filter(|name| !FACEBOOK_SWITCHES.contains(name)).collect();
            let scopes = scopes.join(",");
            default(options, &json!({"scope": scopes}));
        }
        "github" => {
            let scopes: Vec<String> = on(options).filter_map(github).collect();
            default(options, &json!({"scope": scopes}));
        }
        "windowslive" => {
            let newer = options.get("strategy_version").and_then(Value::as_u64).is_some_and(|v| v >= 2);
            default(options, &json!({"signin": true}));
            let scopes: Vec<String> = on(options).filter_map(|name| microsoft(name, newer)).collect();
            default(options, &json!({"scope": scopes}));
        }
        "linkedin" => {
            let version = options.get("strategy_version").and_then(Value::as_u64).unwrap_or(1);
            default(options, &json!({"profile": true}));
            let scopes: Vec<&str> = on(options).filter_map(|name| linkedin(name, version)).collect();
            default(options, &json!({"scope": scopes}));
        }
        "line" => {
            options.insert("profile".to_owned(), true.into());
            let email = options.get("email") == Some(&Value::Bool(true));
            let scopes: &[&str] =
                if email { &["openid", "email", "profile"] } else { &["openid", "profile"] };
            options.insert("scope".to_owned(), json!(scopes));
        }
        "wordpress" => {
            options.insert("profile".to_owned(), true.into());
            options.insert("scope".to_owned(), json!(["profile"]));
        }
        "salesforce" | "salesforce-community" | "salesforce-sandbox" => {
            default(options, &json!({"scope": []}));
        }
        _ => {}
    }
}

/// The members that are `true`, in their order.
fn on(options: &Map<String, Value>) -> impl Iterator<Item = &str> {
    options.iter().filter(|(_, value)| **value == Value::Bool(true)).map(|(name, _)| name.as_str())
}

/// Members of Facebook connections that are not permissions.
const FACEBOOK_SWITCHES: &[&str] =
    &["allow_context_profile_field", "brute_force_protection", "disable_self_service_change_password"];

fn google(name: &str) -> Option<String> {
    let path = match name {
        "email" | "profile" => return Some(name.to_owned()),
        "analytics" | "blogger" | "books" | "calendar" | "contacts" | "drive" | "fitness" | "gmail"
        | "tasks" | "youtube" => name,
        "adsense_management" => "adsense",
        "android_publisher" => "androidpublisher",
        "calendar_addons_execute" => "calendar.addons.execute",
        "calendar_events" => "calendar.events",
        "calendar_events_readonly" => "calendar.events.readonly",
        "calendar_settings_readonly" => "calendar.settings.readonly",
        "contacts_new" => "contacts",
        "contacts_readonly" => "contacts.readonly",
        "contacts_other_readonly" => "contacts.other.readonly",
        "content_api_for_shopping" => "content",
        "coordinate" => "coordinate",
        "coordinate_readonly" => "coordinate.readonly",
        "directory_readonly" => "directory.readonly",
        "document_list" => "docs",
        "drive_activity" => "drive.activity",
        "drive_activity_readonly" => "drive.activity.readonly",
        "drive_appdata" => "drive.appdata",
        "drive_apps_readonly" => "drive.apps.readonly",
        "drive_file" => "drive.file",
        "drive_metadata" => "drive.metadata",
        "drive_metadata_readonly" => "drive.metadata.readonly",
        "drive_photos_readonly" => "drive.photos.readonly",
        "drive_readonly" => "drive.readonly",
        "drive_scripts" => "drive.scripts",
        "gmail_compose" => "gmail.compose",
        "gmail_insert" => "gmail.insert",
        "gmail_labels" => "gmail.labels",
        "gmail_metadata" => "gmail.metadata",
        "gmail_modify" => "gmail.modify",
        "gmail_readonly" => "gmail.readonly",
        "gmail_send" => "gmail.send",
        "gmail_settings_basic" => "gmail.settings.basic",
        "gmail_settings_sharing" => "gmail.settings.sharing",
        "google_cloud_storage" => "devstorage.read_write",
        "sites" => "sites",
        "tasks_readonly" => "tasks.readonly",
        "url_shortener" => "urlshortener",
        "webmaster_tools" => "webmasters",
        "youtube_readonly" => "youtube.readonly",
        "youtube_upload" => "youtube.upload",
        "youtubepartner" => "youtubepartner",
        _ => return None,
    };
    Some(format!("https://www.googleapis.com/auth/{path}"))
}

fn github(name: &str) -> Option<String> {
    match name {
        "email" | "follow" => Some(format!("user:{name}")),
        "repo_status" => Some("repo:status".to_owned()),
        "public_repo" | "repo" | "repo_deployment" | "delete_repo" | "notifications" | "gist" => {
            Some(name.to_owned())
        }
        _ => {
            let (verb, what) = name.split_once('_')?;
            matches!(verb, "read" | "write" | "admin").then(|| format!("{verb}:{what}"))
        }
    }
}

/// Version 1 asks the account service of old (`wl.`), version 2 the graph.
fn microsoft(name: &str, newer: bool) -> Option<String> {
    let Some(of_graph) = name.strip_prefix("graph_") else {
        let is_permission =
            !matches!(name, "brute_force_protection" | "disable_self_service_change_password");
        return (!newer && is_permission).then(|| format!("wl.{name}"));
    };
    if !newer {
        return None;
    }
    let permission = match of_graph {
        "calendars" => "Calendars.Read",
        "calendars_update" => "Calendars.ReadWrite",
        "contacts" => "Contacts.Read",
        "contacts_update" => "Contacts.ReadWrite",
        "device" => "Device.Read",
        "device_command" => "Device.Command",
        "emails" => "Mail.Read",
        "emails_update" => "Mail.ReadWrite",
        "files" => "Files.Read",
        "files_all" => "Files.Read.All",
        "files_all_update" => "Files.ReadWrite.All",
        "files_update" => "Files.ReadWrite",
        "notes" => "Notes.Read",
        "notes_create" => "Notes.Create",
        "notes_update" => "Notes.ReadWrite",
        "tasks" => "Tasks.Read",
        "tasks_update" => "Tasks.ReadWrite",
        "user" => "User.Read",
        "user_activity" => "UserActivity.ReadWrite.CreatedByApp",
        "user_update" => "User.ReadWrite",
        _ => return None,
    };
    Some(format!("https://graph.microsoft.com/{permission}"))
}

fn linkedin(name: &str, version: u64) -> Option<&'static str> {
    match (name, version) {
        ("profile", 3..) => Some("profile"),
        ("email", 3..) => Some("email"),
        ("profile" | "basic_profile", 1) => Some("r_basicprofile"),
        ("profile", _) => Some("r_liteprofile"),
        ("basic_profile", _) => Some("r_basicprofile"),
        ("full_profile", _) => Some("r_fullprofile"),
        ("email", _) => Some("r_emailaddress"),
        ("network", _) => Some("r_network"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(strategy: &str, options: &Value) -> Map<String, Value> {
        let mut options = options.as_object().cloned().unwrap();
        scopes(&mut options, strategy);
        options
    }

    #[test]
    fn permissions_become_scopes() {
        let scope = |strategy, options: Value| after(strategy, &options)["scope"].clone();
        assert_eq!(
            scope("github", json!({"email": true, "read_user": true, "repo": false, "profile": true})),
            json!(["user:email", "read:user"])
        );
        assert_eq!(scope("facebook", json!({"email": true, "public_profile": true})), "email,public_profile");
        assert_eq!(scope("facebook", json!({})), "");
        assert_eq!(
            scope("google-oauth2", json!({"profile": true, "calendar": true, "youtube": false})),
            json!(["profile", "https://www.googleapis.com/auth/calendar", "email"])
        );
        assert_eq!(
            scope("google-oauth2", json!({"scope": ["email"]})),
            json!(["email"]),
            "what was said stays"
        );
        assert_eq!(scope("windowslive", json!({})), json!(["wl.signin"]));
        assert_eq!(
            scope("windowslive", json!({"strategy_version": 2, "graph_user": true, "signin": true})),
            json!(["https://graph.microsoft.com/User.Read"])
        );
        assert_eq!(scope("linkedin", json!({"strategy_version": 2})), json!(["r_liteprofile"]));
        assert_eq!(
            scope("line", json!({"email": true, "scope": ["email"]})),
            json!(["openid", "email", "profile"])
        );
    }

    #[test]
    fn a_rewrite_keeps_what_google_workspace_was_told() {
        let before: Connection = serde_json::from_value(json!({
            "id": "con_1", "strategy": "google-apps", "name": "G", "options": {"map_user_id_to_id": true},
        }))
        .unwrap();
        let mut options = Map::new();
        google_workspace(&mut options, Some(&before));
        assert_eq!(options["map_user_id_to_id"], true);
        assert_eq!(options.get("api_enable_users"), None);
    }
}
