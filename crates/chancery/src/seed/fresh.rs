//! What every new tenant holds.

use chancery_core::ids;
use chancery_core::model::{
    Api, AppType, Client, ClientGrant, Connection, JwtConfiguration, RefreshTokenSettings, StoredSecret,
    SubjectType, TenantSettings, TokenEndpointAuthMethod,
};
use chancery_store::{Change, Error, Kind};
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use super::{Credentials, Seeding, documents};

/// The database of users that every tenant has.
pub const CONNECTION: &str = "Username-Password-Authentication";

/// The Management API as stored: its audience is this behind the origin of the request.
pub const MANAGEMENT_IDENTIFIER: &str = "/api/v2/";

/// Where the demo tenant differs from a new one.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    /// For people.
    pub(super) friendly_name: Option<String>,
    /// Password grants go to the tenant's database without naming it.
    pub(super) default_directory: Option<String>,
    /// No page in between before a loopback callback.
    pub(super) skip_loopback_confirmation: Option<bool>,
    /// Languages of the pages, the preferred one first.
    pub(super) enabled_locales: Option<Vec<String>>,
}

/// Settings, the Management API with its application, the placeholder of all applications, an application to begin with, a
/// database of users.
pub(super) fn add(seeding: &Seeding<'_>, change: Change, wishes: &Wishes) -> Result<Change, Error> {
    let change = change.insert(Kind::Settings, "settings", None, documents::json(&settings(wishes)?)?);
    let change = documents::api(change, &management_api(seeding))?;
    let change = documents::client(change, &all_applications(seeding)?)?;
    let change = documents::client(change, &management_client(seeding)?)?;
    let change = documents::client(change, &default_app(seeding)?)?;
    let change = documents::client_grant(change, &management_grant(seeding))?;
    documents::connection(change, &database(seeding))
}

/// An application with what every one has. The members of the wire that are only kept are there too.
pub(super) fn application(
    seeding: &Seeding<'_>,
    name: &str,
    app_type: AppType,
    credentials: &Credentials,
) -> Result<Client, Error> {
    let secret = stored_secret(seeding, credentials)?;
    let method = if secret.is_some() {
        TokenEndpointAuthMethod::ClientSecretPost
    } else {
        TokenEndpointAuthMethod::None
    };
    Ok(Client {
        name: name.to_owned(),
        client_id: credentials.client_id.clone(),
        secret,
        app_type: Some(app_type),
        is_first_party: true,
        oidc_conformant: true,
        jwt_configuration: Some(JwtConfiguration {
            secret_encoded: Some(false),
            lifetime_in_seconds: Some(36_000),
            alg: Some("RS256".to_owned()),
            scopes: None,
        }),
        token_endpoint_auth_method: Some(method),
        refresh_token: Some(RefreshTokenSettings::default()),
        rest: kept_members(),
        ..Client::default()
    })
}

fn stored_secret(seeding: &Seeding<'_>, credentials: &Credentials) -> Result<Option<StoredSecret>, Error> {
    let Some(secret) = &credentials.client_secret else { return Ok(None) };
    let (tenant, client_id) = (seeding.tenant, credentials.client_id.as_str());
    seeding.store.seal_client_secret(tenant, client_id, secret.expose_secret()).map(Some)
}

fn kept_members() -> Map<String, Value> {
    [
        ("is_token_endpoint_ip_header_trusted", false),
        ("sso_disabled", false),
        ("cross_origin_authentication", false),
        ("custom_login_page_on", true),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), Value::Bool(value)))
    .collect()
}

/// Read from JSON because most of it is only kept: fact sheet 1.9 and the answers of a new tenant.
fn settings(wishes: &Wishes) -> Result<TenantSettings, Error> {
    let settings = json!({
        "allowed_logout_urls": [],
        "change_password": { "enabled": false },
        "default_audience": "",
        "default_directory": "",
        "enabled_locales": ["en"],
        "flags": {
            "allow_changing_enable_sso": false,
            "allow_legacy_delegation_grant_types": false,
            "allow_legacy_ro_grant_types": false,
            "allow_other_legacy_grant_types": false,
            "disable_impersonation": true,
            "enable_dynamic_client_registration": false,
            "enable_public_signup_user_exists_error": true,
            "enable_sso": true,
            "universal_login": true,
            "use_scope_descriptions_for_consent": false,
            "no_disclose_enterprise_connections": false,
            "revoke_refresh_token_grant": false,
            "disable_fields_map_fix": false,
            "mfa_show_factor_list_on_enrollment": false,
            "remove_alg_from_jwks": false,
            "disable_clickjack_protection_headers": false,
        },
        "guardian_mfa_page": { "enabled": false },
        "idle_session_lifetime": 72,
        "sandbox_version": "22",
        "sandbox_versions_available": ["22"],
        "session_lifetime": 168,
        "oidc_logout": { "rp_logout_end_session_endpoint_discovery": true },
        "allow_organization_name_in_authentication_api": false,
        "customize_mfa_in_postlogin_action": false,
        "pushed_authorization_requests_supported": false,
        "resource_parameter_profile": "compatibility",
        "session_cookie": { "mode": "persistent" },
    });
    let settings: TenantSettings = serde_json::from_value(settings)
        .map_err(|error| Error::Corrupt(format!("the settings of a new tenant: {error}")))?;
    Ok(TenantSettings {
        friendly_name: wishes.friendly_name.clone(),
        default_directory: wishes.default_directory.clone().or(settings.default_directory),
        skip_non_verifiable_callback_uri_confirmation_prompt: wishes.skip_loopback_confirmation,
        enabled_locales: wishes.enabled_locales.clone().or(settings.enabled_locales),
        ..settings
    })
}

fn management_api(seeding: &Seeding<'_>) -> Api {
    Api {
        id: seeding.object_id(),
        name: Some("Auth0 Management API".to_owned()),
        identifier: MANAGEMENT_IDENTIFIER.to_owned(),
        is_system: Some(true),
        scopes: Some(seeding.scopes.to_vec()),
        ..Api::unnamed()
    }
}

/// The placeholder that stands for every application. It takes part in nothing, but tools list it.
fn all_applications(seeding: &Seeding<'_>) -> Result<Client, Error> {
    // Tools expect it to have one; without a grant type it opens nothing.
    let client_secret = Some(ids::client_secret(seeding.rng).into());
    let credentials = Credentials { client_id: ids::client_id(seeding.rng), client_secret };
    let client = application(seeding, "All Applications", AppType::Other(String::new()), &credentials)?;
    Ok(Client {
        global: Some(true),
        app_type: None,
        token_endpoint_auth_method: None,
        callbacks: Some(Vec::new()),
        grant_types: Some(Vec::new()),
        rest: client.rest.into_iter().chain([("sso".to_owned(), Value::Bool(false))]).collect(),
        ..client
    })
}

fn management_client(seeding: &Seeding<'_>) -> Result<Client, Error> {
    let client = application(seeding, "Management", AppType::NonInteractive, &seeding.clients.management)?;
    Ok(Client {
        description: Some("Administers this tenant through the Management API.".to_owned()),
        grant_types: Some(vec!["client_credentials".to_owned()]),
        callbacks: Some(Vec::new()),
        rest: client.rest.into_iter().chain(untouched()).collect(),
        ..client
    })
}

/// What an application has that was made by hand rather than through the API.
fn untouched() -> [(String, Value); 3] {
    [
        ("allowed_clients".to_owned(), json!([])),
        ("client_aliases".to_owned(), json!([])),
        (
            "native_social_login".to_owned(),
            json!({"apple": {"enabled": false}, "facebook": {"enabled": false}}),
        ),
    ]
}

/// The application that a new tenant begins with; it is sent back nowhere until somebody says where.
fn default_app(seeding: &Seeding<'_>) -> Result<Client, Error> {
    let client_secret = Some(ids::client_secret(seeding.rng).into());
    let credentials = Credentials { client_id: ids::client_id(seeding.rng), client_secret };
    let client = application(seeding, "Default App", AppType::Other(String::new()), &credentials)?;
    let grants = ["authorization_code", "implicit", "refresh_token", "client_credentials"];
    Ok(Client {
        app_type: None,
        token_endpoint_auth_method: None,
        callbacks: Some(Vec::new()),
        grant_types: Some(grants.map(str::to_owned).to_vec()),
        ..client
    })
}

fn management_grant(seeding: &Seeding<'_>) -> ClientGrant {
    ClientGrant {
        id: ids::prefixed(seeding.rng, "cgr_"),
        client_id: Some(seeding.clients.management.client_id.clone()),
        default_for: None,
        audience: MANAGEMENT_IDENTIFIER.to_owned(),
        scope: Some(seeding.scopes.iter().map(|scope| scope.value.clone()).collect()),
        subject_type: SubjectType::Client,
        authorization_details_types: None,
        allow_all_scopes: None,
        organization_usage: None,
        allow_any_organization: None,
        is_system: None,
    }
}

fn database(seeding: &Seeding<'_>) -> Connection {
    let options = json!({
        "mfa": { "active": true, "return_enroll_settings": true },
        "passwordPolicy": "good",
        "strategy_version": 2,
        "authentication_methods": {
            "passkey": { "enabled": false },
            "password": { "enabled": true, "api_behavior": "required", "signup_behavior": "allow" },
            "email_otp": { "enabled": false },
            "phone_otp": { "enabled": false },
        },
        "passkey_options": {
            "challenge_ui": "both",
            "local_enrollment_enabled": true,
            "progressive_enrollment_enabled": true,
        },
        "brute_force_protection": true,
        "disable_self_service_change_password": false,
    });
    Connection {
        id: ids::prefixed(seeding.rng, "con_"),
        options: options.as_object().cloned().unwrap_or_default(),
        strategy: "auth0".to_owned(),
        name: CONNECTION.to_owned(),
        enabled_clients: Vec::new(),
        enabled_for_all: Some(true),
        is_domain_connection: Some(false),
        realms: Some(vec![CONNECTION.to_owned()]),
        display_name: None,
        rest: serde_json::Map::new(),
    }
}

impl Seeding<'_> {
    pub(super) fn object_id(&self) -> String {
        ids::object_id(self.rng, self.now_ms.div_euclid(1000))
    }
}
