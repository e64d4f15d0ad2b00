//! Which applications and pages belong to this host: telephones and browsers ask before an application may use the passkeys that
//! are kept for it (Digital Asset Links, Apple's associated domains, WebAuthn's related origins).

use axum::response::Response;
use chancery_core::model::Client;
use chancery_core::oauth::PASSKEY_GRANT;
use chancery_web::{Ctx, json};
use http::StatusCode;
use serde_json::{Value, json};

/// More than any tenant has; browsers read a handful of related origins.
const MOST: usize = 200;

/// `/.well-known/assetlinks.json`.
pub(crate) async fn android(ctx: Ctx) -> Response {
    let links: Vec<Value> = clients(&ctx).filter_map(android_link).take(MOST).collect();
    json(StatusCode::OK, &links)
}

/// `/.well-known/apple-app-site-association`.
pub(crate) async fn apple(ctx: Ctx) -> Response {
    let (mut apps, mut details) = (Vec::new(), Vec::new());
    for (app, bundle) in clients(&ctx).filter_map(apple_id).take(MOST) {
        // The callback that SDKs for iOS use.
        details.push(json!({"appID": app, "paths": [format!("/ios/{bundle}/*")]}));
        apps.push(app);
    }
    let body = json!({"applinks": {"apps": [], "details": details}, "webcredentials": {"apps": apps}});
    json(StatusCode::OK, &body)
}

/// `/.well-known/webauthn`: pages of other hosts that may ask for passkeys of this one.
pub(crate) async fn pages(ctx: Ctx) -> Response {
    let may = |client: &&Client| client.may_use(PASSKEY_GRANT) && client.is_first_party;
    let all = clients(&ctx).filter(may).flat_map(Client::passkey_origins);
    let mut origins: Vec<String> = all.filter(|origin| origin.starts_with("https://")).collect();
    origins.sort_unstable();
    origins.dedup();
    origins.truncate(MOST);
    json(StatusCode::OK, &json!({ "origins": origins }))
}

fn clients(ctx: &Ctx) -> impl Iterator<Item = &Client> {
    ctx.tenant.clients().map(|client| &client.client)
}

fn android_link(client: &Client) -> Option<Value> {
    let package = client.mobile("/android/app_package_name")?.as_str().filter(|name| !name.is_empty())?;
    let certificates: Vec<&str> = client.android_certificates().collect();
    Some(json!({
        "relation": ["delegate_permission/common.handle_all_urls", "delegate_permission/common.get_login_creds"],
        "target": {
            "namespace": "android_app",
            "package_name": package,
            "sha256_cert_fingerprints": certificates,
        },
    }))
}

fn apple_id(client: &Client) -> Option<(String, &str)> {
    let team = client.mobile("/ios/team_id")?.as_str()?;
    let bundle = client.mobile("/ios/app_bundle_identifier")?.as_str()?;
    Some((format!("{team}.{bundle}"), bundle))
}
