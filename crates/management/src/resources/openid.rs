//! Settings of OpenID Connect that the published API has no members for: of the tenant (`/api/chancery/v1/openid`) and of an
//! application (`/api/chancery/v1/clients/{id}/openid`, D190).

use chancery_core::iso::format_ms;
use chancery_core::model::{Client, OpenId, TenantOpenId, TenantSettings};
use chancery_core::oauth::{LARGEST_SECTOR, lists_all, openid_settings};
use chancery_core::problem::Problem;
use chancery_store::{Change, Kind};
use serde_json::{Map, Value, json};

use super::clients::Clients;
use crate::call::{Answer, Call, internal, stored};
use crate::document::rewrite;
use crate::ops::Table;
use crate::resource::{Lost, load, merged, put};

pub(super) fn bind_own(table: &mut Table) {
    table.bind("GET /openid", |call| async move {
        let settings = &call.snapshot().settings;
        Ok(Answer::ok(json!({ "oidc_strict": settings.is_oidc_strict() })))
    });
    table.bind("PATCH /openid", set);
    table.bind("GET /clients/{id}/openid", |call| async move {
        let (client, _) = load::<Clients>(&call).await?;
        Ok(Answer::ok(shown(&client)))
    });
    table.bind("PATCH /clients/{id}/openid", change);
}

async fn set(call: Call) -> Result<Answer, Problem> {
    let wish = call.body.get("oidc_strict").and_then(Value::as_bool);
    let (after, rev) = rewrite(&call, Kind::Settings, "settings", |found| {
        let had_none = found.is_none();
        let mut settings: TenantSettings =
            found.map(serde_json::from_value).transpose().map_err(internal)?.unwrap_or_default();
        if let Some(strict) = wish {
            settings.openid = strict.then_some(TenantOpenId { oidc_strict: Some(true) });
        }
        if had_none && settings == TenantSettings::default() {
            return Ok(None);
        }
        serde_json::to_value(settings).map(Some).map_err(internal)
    })
    .await?;
    let strict = after.is_some_and(|after| after.pointer("/openid/oidc_strict") == Some(&Value::Bool(true)));
    Ok(Answer::ok(json!({ "oidc_strict": strict })).at(rev))
}

/// Whoever sets the first says that the second is no more, unless they set it too.
const OF_ONE: [(&str, &str); 5] = [
    ("jwks", "jwks_uri"),
    ("jwks_uri", "jwks"),
    ("id_token_encrypted_response_alg", "id_token_encrypted_response_enc"),
    ("userinfo_encrypted_response_alg", "userinfo_encrypted_response_enc"),
    ("request_object_encryption_alg", "request_object_encryption_enc"),
];

/// Member by member; `null` is none. The document of a sector is read and has to list every callback.
async fn change(call: Call) -> Result<Answer, Problem> {
    for _ in 0..2 {
        let (mut client, seen) = load::<Clients>(&call).await?;
        let mut kept = members(&client);
        for (one, other) in OF_ONE {
            // What is set takes the place of the other; an `enc` goes with its `alg`.
            if call.members().contains_key(one) && !call.members().contains_key(other) {
                kept.remove(other);
            }
        }
        let wanted = merged(Value::Object(kept), call.members());
        let wanted: Map<String, Value> = match wanted {
            Value::Object(members) => members.into_iter().filter(|(_, value)| !value.is_null()).collect(),
            _ => Map::new(),
        };
        if wanted.contains_key("request_object_encryption_alg") {
            call.ctx.need_request_keys().await.map_err(stored)?;
        }
        let callbacks: Vec<String> = client.callbacks.clone().unwrap_or_default();
        let plain_http = !call.ctx.app.config.fetch_networks.0.is_empty();
        let read = openid_settings(&wanted, &callbacks, plain_http);
        let read = read.map_err(|error| Problem::refused(format!("{}.", error.text)))?;
        if let Some(url) = &read.sector_identifier_uri {
            let document = call.ctx.app.fetcher.json(url, LARGEST_SECTOR).await.map_err(|error| {
                Problem::refused(format!("sector_identifier_uri cannot be read: {error}."))
            })?;
            lists_all(&document, &callbacks).map_err(|error| Problem::refused(format!("{}.", error.text)))?;
        }
        let before = client.openid.take().unwrap_or_default();
        let after = OpenId {
            registered_at: before.registered_at,
            registration_token_sha256: before.registration_token_sha256,
            application_type: before.application_type,
            response_types: before.response_types,
            contacts: before.contacts,
            software_id: before.software_id,
            software_version: before.software_version,
            ..read
        };
        client.openid = (after != OpenId::default()).then(|| Box::new(after));
        match call.apply(put::<Clients>(Change::new(call.tenant()), &client, seen)?).await {
            Ok(rev) => return Ok(Answer::ok(shown(&client)).at(rev)),
            Err(chancery_store::Error::Guard | chancery_store::Error::Conflict) => {}
            Err(other) => return Err(stored(other)),
        }
    }
    Err(Lost::Race.into())
}

fn shown(client: &Client) -> Value {
    let mut shown = members(client);
    shown.entry("subject_type").or_insert_with(|| "public".into());
    shown.entry("require_auth_time").or_insert(Value::Bool(false));
    if let Some(at) = client.openid.as_ref().and_then(|openid| openid.registered_at) {
        shown.insert("registered_at".to_owned(), format_ms(at.saturating_mul(1000)).into());
    }
    Value::Object(shown)
}

/// What is set, by its names in registrations.
fn members(client: &Client) -> Map<String, Value> {
    let openid = client.openid.as_deref().cloned().unwrap_or_default();
    let all = [
        ("subject_type", json!(openid.pairwise.then_some("pairwise"))),
        ("sector_identifier_uri", json!(openid.sector_identifier_uri)),
        ("jwks", json!(openid.jwks)),
        ("jwks_uri", json!(openid.jwks_uri)),
        ("id_token_encrypted_response_alg", json!(openid.id_token_encrypted_response_alg)),
        ("id_token_encrypted_response_enc", json!(openid.id_token_encrypted_response_enc)),
        ("userinfo_signed_response_alg", json!(openid.userinfo_signed_response_alg)),
        ("userinfo_encrypted_response_alg", json!(openid.userinfo_encrypted_response_alg)),
        ("userinfo_encrypted_response_enc", json!(openid.userinfo_encrypted_response_enc)),
        ("request_object_encryption_alg", json!(openid.request_object_encryption_alg)),
        ("request_object_encryption_enc", json!(openid.request_object_encryption_enc)),
        ("request_object_signing_alg", json!(openid.request_object_signing_alg)),
        ("token_endpoint_auth_signing_alg", json!(openid.token_endpoint_auth_signing_alg)),
        ("backchannel_token_delivery_mode", json!(openid.backchannel_token_delivery_mode)),
        ("backchannel_client_notification_endpoint", json!(openid.backchannel_client_notification_endpoint)),
        ("request_uris", json!(openid.request_uris)),
        ("default_max_age", json!(openid.default_max_age)),
        ("require_auth_time", json!(openid.require_auth_time.then_some(true))),
        ("default_acr_values", json!(openid.default_acr_values)),
        ("client_uri", json!(openid.client_uri)),
        ("policy_uri", json!(openid.policy_uri)),
        ("tos_uri", json!(openid.tos_uri)),
    ];
    let says = |value: &Value| !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty());
    all.into_iter().filter(|(_, value)| says(value)).map(|(name, value)| (name.to_owned(), value)).collect()
}
