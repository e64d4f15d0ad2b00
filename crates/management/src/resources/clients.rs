//! `/clients`: applications (fact sheet 1.10 and 1.11). Members that nothing acts on are kept as they came.

use std::sync::Arc;

use chancery_core::ids;
use chancery_core::model::{AppType, Client, Connection};
use chancery_core::oauth::origin_of;
use chancery_core::problem::{Missing, Problem};
use chancery_store::{Change, Going, Kind, Snapshot};
use serde_json::{Map, Value, json};

use super::credentials;
use crate::call::{Answer, Call, internal, missing, print, read, stored};
use crate::ops::Table;
use crate::page::{Page, Slice, by_checkpoint, chosen};
use crate::resource::{self, Crud, Held, Lost, Resource, load, merged, put};
use crate::search::search;

pub(super) fn bind(table: &mut Table) {
    Crud::<Clients>::bind(table);
    table.bind("GET /clients", list);
    table.bind("POST /clients/{id}/rotate-secret", rotate_secret);
    table.bind("GET /clients/{id}/connections", connections);
    table.bind("GET /clients/search", search::<Clients>);
    credentials::bind(table);
}

pub(super) const MISSING: Missing = missing("The client does not exist", "inexistent_client");

pub(super) struct Clients;

impl Resource for Clients {
    type Model = Client;
    const KIND: Kind = Kind::Client;
    const PATH: &'static str = "/clients";
    const MEMBER: &'static str = "clients";
    const MISSING: Missing = MISSING;
    const TAKEN: &'static str = "The client already exists.";
    const FILTERS: &'static [&'static str] =
        &["is_global", "is_first_party", "app_type", "external_client_id", "q"];

    const KEPT: &'static [&'static str] = &["tenant", "signing_keys"];
    const COUNTS: bool = true;
    /// The placeholder for all applications comes last.
    fn sort(clients: &mut [&Client]) {
        clients.sort_by_key(|client| client.global.unwrap_or(false));
    }

    fn id(client: &Client) -> &str {
        &client.client_id
    }

    /// The URL where it describes itself, if it does.
    fn unique(client: &Client) -> Option<String> {
        client.rest.get("external_client_id").and_then(Value::as_str).map(str::to_owned)
    }

    fn held<'a>(snapshot: &'a Snapshot, id: &str) -> Option<&'a Client> {
        snapshot.client(id).map(|client| &client.client)
    }

    fn all_held<'a>(snapshot: &'a Snapshot, after: &'a str) -> Option<Held<'a, Client>> {
        Some(Box::new(snapshot.clients_after(after).map(|client| &client.client)))
    }

    /// The contract calls the same place by two names.
    async fn find(call: &Call) -> Result<String, Problem> {
        let id = call.at("id");
        Ok(if id.is_empty() { call.at("client_id") } else { id }.to_owned())
    }

    fn is_asked_for(call: &Call, client: &Client) -> bool {
        let query = &call.query;
        let kind = client.app_type.as_ref().map(app_type);
        query.flag("is_global").is_none_or(|wanted| client.global.unwrap_or(false) == wanted)
            && query.flag("is_first_party").is_none_or(|wanted| client.is_first_party == wanted)
            && query
                .text("app_type")
                .is_none_or(|wanted| wanted.split(',').any(|one| Some(one) == kind.as_deref()))
            && query
                .text("external_client_id")
                .is_none_or(|wanted| client.rest.get("external_client_id").is_some_and(|id| id == wanted))
            && query.text("q").is_none_or(|wanted| has_grant_type(client, wanted))
    }

    fn show(call: &Call, client: &Client) -> Result<Value, Problem> {
        let mut value = stripped(call, client)?;
        if call.caller.has("read:client_keys") {
            reveal(call, client, &mut value)?;
        }
        if !call.caller.has_any(&["read:clients", "update:clients", "create:clients", "read:client_keys"]) {
            keep(&mut value, SUMMARY);
        }
        Ok(value)
    }

    async fn create(
        call: &Call,
        body: Map<String, Value>,
        change: Change,
    ) -> Result<(Client, Change), Problem> {
        let client = new_client(call, body)?;
        check(call, &client)?;
        Ok((client, change))
    }

    /// The one answer that has the secret whatever the caller may read, and credentials in full.
    fn show_created(call: &Call, client: &Client) -> Result<Value, Problem> {
        let mut value = stripped(call, client)?;
        credentials::show_in_full(client, &mut value);
        reveal(call, client, &mut value)?;
        Ok(value)
    }

    /// Two members merge one level deeper than the rest; the secret never goes into the document as it is.
    fn incoming(
        call: &Call,
        before: &Client,
        mut body: Map<String, Value>,
    ) -> Result<Map<String, Value>, Problem> {
        may_update(call, &body)?;
        let stored = print(before)?;
        legacy_names(&mut body);
        if let Some(new) = body.get_mut("session_transfer").filter(|new| new.is_object()) {
            let mut all = stored.get("session_transfer").cloned().unwrap_or_else(session_transfer);
            overlay(&mut all, new);
            *new = all;
        }
        for name in ["client_metadata", "jwt_configuration"] {
            let Some(new) = body.get_mut(name).and_then(Value::as_object_mut) else { continue };
            let held = stored.get(name).cloned().unwrap_or_else(|| json!({}));
            if let Value::Object(all) = merged(held, std::mem::take(new)) {
                *new = all;
            }
        }
        if let Some(secret) = body.shift_remove("client_secret") {
            let sealed = seal(call, &before.client_id, secret.as_str().unwrap_or_default())?;
            body.insert("secret".to_owned(), sealed);
        }
        let held = before.credentials.clone();
        credentials::adopt(&mut body, held, &*call.ctx.app.rng, call.ctx.now_ms)?;
        Ok(body)
    }

    async fn update(
        call: &Call,
        before: &Client,
        after: &mut Client,
        change: Change,
    ) -> Result<Change, Problem> {
        if before.is_first_party != after.is_first_party && before.is_strict_third_party() {
            return Err(Problem::refused("The ownership of a third-party application cannot be changed."));
        }
        // Its document says what it is, and whoever holds the URL writes the document.
        let is_described = after.rest.get("external_metadata_type").is_some_and(|kind| kind == "cimd");
        if is_described && !after.is_strict_third_party() {
            return Err(Problem::refused(
                "An application that describes itself at a URL stays a strict third party.",
            ));
        }
        // One way to authenticate: keys, or the secret; the one that is set now.
        let sets = |name: &str| call.members().get(name).is_some_and(|value| !value.is_null());
        if sets("client_authentication_methods") {
            after.token_endpoint_auth_method = None;
        } else if sets("token_endpoint_auth_method") {
            after.client_authentication_methods = None;
        }
        check(call, after)?;
        Ok(change)
    }

    async fn delete(call: &Call, client: &Client, mut change: Change) -> Result<Change, Problem> {
        if client.global == Some(true) {
            return Err(Problem::refused("Global client cannot be deleted."));
        }
        for grant in call.snapshot().client_grants_of(&client.client_id) {
            change = change.delete(Kind::ClientGrant, &grant.id);
        }
        let (tenant, store) = (call.tenant(), call.store());
        store.clear(tenant, Going::Client(&client.client_id)).await.map_err(stored)?;
        let gone = store
            .delete_consents_of_client(tenant, &client.client_id)
            .and(store.delete_device_keys_of_client(tenant, &client.client_id));
        let unlinked = super::connections::without_client(call, &client.client_id).await?;
        change = unlinked.into_iter().fold(change, |change, (id, name, json, seen)| {
            change.update(Kind::Connection, &id, Some(&name), json, seen)
        });
        Ok(change.also(gone))
    }
}

/// Narrow scopes open the operation, each for the members it is named after.
fn may_update(call: &Call, body: &Map<String, Value>) -> Result<(), Problem> {
    let opened = |name: &str| match name {
        "client_secret" => call.caller.has("update:client_keys"),
        "client_authentication_methods" | "signed_request_object" | "token_endpoint_auth_method" => {
            call.caller.has_any(&["update:clients", "update:client_credentials"])
        }
        "token_vault_privileged_access" => {
            call.caller.has_any(&["update:clients", "update:client_token_vault_privileged_access"])
        }
        _ => call.caller.has("update:clients"),
    };
    if body.keys().all(|name| opened(name)) {
        return Ok(());
    }
    Err(Problem::Forbidden(
        "insufficient_scope",
        "Some fields cannot be updated with the permissions granted by the bearer token scopes.".into(),
    ))
}

/// A body with what the server adds (fact sheet 1.10).
pub(super) fn new_client(call: &Call, mut body: Map<String, Value>) -> Result<Client, Problem> {
    let rng = &*call.ctx.app.rng;
    credentials::adopt(&mut body, Vec::new(), rng, call.ctx.now_ms)?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let is_first_party = body.get("is_first_party").and_then(Value::as_bool).unwrap_or(true);
    let is_strict = !is_first_party && text("third_party_security_mode").as_deref() != Some("permissive");
    let client_id =
        if is_strict { format!("tpc_{}", ids::alphanumeric(rng, 22)) } else { ids::client_id(rng) };
    let kind = text("app_type").unwrap_or_default();
    let mut new = defaults(&kind, is_strict);
    let method = text("token_endpoint_auth_method");
    let is_public = method.as_deref() == Some("none");
    // The lifetimes of refresh tokens depend on whether the request says that the application authenticates.
    let proves_itself = method.is_some() && !is_public;
    let (absolute, idle) =
        if proves_itself || is_strict { (31_557_600, 2_592_000) } else { (2_592_000, 1_296_000) };
    new["refresh_token"]["token_lifetime"] = absolute.into();
    new["refresh_token"]["idle_token_lifetime"] = idle.into();
    if is_public && !is_strict {
        fit_for_public(&mut new, &kind);
    }
    legacy_names(&mut body);
    for (name, value) in body {
        match (name.as_str(), value) {
            (_, Value::Null) => {}
            ("jwt_configuration", Value::Object(members)) => {
                let mut merged = json!({"secret_encoded": false});
                merged.as_object_mut().into_iter().for_each(|all| all.extend(members.clone()));
                new[name] = merged;
            }
            ("refresh_token", Value::Object(members)) => {
                new[name].as_object_mut().into_iter().for_each(|all| all.extend(members.clone()));
            }
            ("session_transfer", value) => {
                let mut all = session_transfer();
                overlay(&mut all, &value);
                new[name] = all;
            }
            (_, value) => new[name] = value,
        }
    }
    new["client_id"] = client_id.clone().into();
    new["secret"] = seal(call, &client_id, &ids::client_secret(rng))?;
    let mut client: Client = read(new)?;
    if client.client_authentication_methods.is_some() {
        client.token_endpoint_auth_method = None;
    }
    Ok(client)
}

/// An application that proves nothing gets no token of its own, and in a browser no refresh token that lasts.
fn fit_for_public(new: &mut Value, kind: &str) {
    if let Some(grants) = new.get_mut("grant_types").and_then(Value::as_array_mut) {
        grants.retain(|grant| grant != "client_credentials");
    }
    if kind == "spa" {
        for (name, value) in [
            ("rotation_type", json!("rotating")),
            ("expiration_type", json!("expiring")),
            ("infinite_token_lifetime", json!(false)),
            ("infinite_idle_token_lifetime", json!(false)),
        ] {
            new["refresh_token"][name] = value;
        }
    }
}

pub(crate) fn defaults(kind: &str, is_strict: bool) -> Value {
    let is_modern = is_strict || matches!(kind, "resource_server" | "express_configuration");
    let jwt = match (is_strict, is_modern) {
        (true, _) => json!({"secret_encoded": false, "alg": "RS256", "lifetime_in_seconds": 3600}),
        (_, true) => json!({"secret_encoded": false, "alg": "RS256"}),
        _ => json!({"secret_encoded": false, "lifetime_in_seconds": 36000}),
    };
    let grants = match kind {
        "resource_server" => json!([]),
        _ if is_strict => json!(["authorization_code"]),
        "express_configuration" => json!(["authorization_code", "client_credentials"]),
        _ => json!(["authorization_code", "implicit", "refresh_token", "client_credentials"]),
    };
    let mut new = json!({
        "is_first_party": true,
        "is_token_endpoint_ip_header_trusted": false,
        "oidc_conformant": is_modern,
        "jwt_configuration": jwt,
        "sso_disabled": false,
        "cross_origin_authentication": false,
        "grant_types": grants,
        "custom_login_page_on": true,
        "refresh_token": {
            "rotation_type": "non-rotating",
            "expiration_type": if is_strict { "expiring" } else { "non-expiring" },
            "leeway": 0,
            "infinite_token_lifetime": true,
            "infinite_idle_token_lifetime": !is_strict,
        },
    });
    if kind == "express_configuration" {
        new["callbacks"] = json!(["https://system-admin.okta.com/admin/app/generic/oauth20redirect"]);
        new["organization_usage"] = "require".into();
        new["organization_require_behavior"] = "pre_login_prompt".into();
        new["client_authentication_methods"] = json!({"private_key_jwt": {"credentials": []}});
    }
    if is_strict {
        new["third_party_security_mode"] = "strict".into();
        new["redirection_policy"] = "open_redirect_protection".into();
    }
    new
}

/// Until first set there is no such member; then all of its own members are there.
fn session_transfer() -> Value {
    json!({
        "can_create_session_transfer_token": false,
        "allowed_authentication_methods": [],
        "enforce_device_binding": "ip",
        "allow_refresh_token": false,
        "enforce_online_refresh_tokens": true,
        "enforce_cascade_revocation": true,
    })
}

fn overlay(all: &mut Value, new: &Value) {
    *all = merged(all.take(), new.as_object().cloned().unwrap_or_default());
}

/// Old clients call a member by its old name.
fn legacy_names(body: &mut Map<String, Value>) {
    if let Some(value) = body.shift_remove("cross_origin_auth") {
        body.entry("cross_origin_authentication").or_insert(value);
    }
}

/// What the shape cannot say.
fn check(call: &Call, client: &Client) -> Result<(), Problem> {
    if !client.is_first_party && client.organization_usage.is_some() {
        return Err(Problem::Forbidden(
            "operation_not_supported",
            "Organizations are only available to first party clients on user-based flows. Properties \
             organization_usage and organization_require_behavior must be unset for third party clients."
                .into(),
        ));
    }
    let framed = client.oidc_logout.as_ref().and_then(|settings| settings.frontchannel_logout_uri.as_deref());
    if framed.is_some_and(|uri| !may_be_framed(uri)) {
        return Err(Problem::payload(
            "It must be an http or https URL without fragment, of at most 2048 characters",
            "oidc_logout.frontchannel_logout_uri",
        ));
    }
    for policy in client.refresh_token.iter().flat_map(|settings| settings.policies.iter().flatten()) {
        let identifier = call.stored_identifier(&policy.audience);
        if call.snapshot().api(&identifier).is_some_and(|api| api.is_system()) {
            return Err(Problem::refused("Refresh token policies cannot name an API of this server."));
        }
    }
    Ok(())
}

/// Whether a page can be shown in a frame of ours: its origin goes into a policy.
fn may_be_framed(uri: &str) -> bool {
    let is_plain =
        |origin: String| origin.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:/".contains(&byte));
    uri.len() <= 2048
        && !uri.contains('#')
        && uri.bytes().all(|byte| byte.is_ascii_graphic())
        && origin_of(uri).is_some_and(is_plain)
}

/// The wire form without anything secret.
fn stripped(call: &Call, client: &Client) -> Result<Value, Problem> {
    let mut value = print(client)?;
    if let Some(members) = value.as_object_mut() {
        members.shift_remove("secret");
        members.shift_remove("credentials");
        members.shift_remove("openid");
        credentials::show_ids(members);
        members.insert("tenant".to_owned(), call.tenant().into());
        members.entry("global").or_insert(Value::Bool(false));
        members.entry("callback_url_template").or_insert(Value::Bool(false));
        if let Some(value) = members.get("cross_origin_authentication").cloned() {
            members.insert("cross_origin_auth".to_owned(), value);
        }
        let subject = format!("/CN={}", call.origin().authority);
        let shown = |der: &str| {
            let pkcs7 = certificate(der).replace("CERTIFICATE", "PKCS7");
            json!({"cert": certificate(der), "pkcs7": pkcs7, "subject": subject})
        };
        let keys = call.snapshot().keys.certificates().take(1).map(|(_, der)| shown(der));
        members.insert("signing_keys".to_owned(), keys.collect());
    }
    Ok(value)
}

fn certificate(base64_der: &str) -> String {
    let lines: Vec<_> = base64_der.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

/// Adds the secret.
fn reveal(call: &Call, client: &Client, value: &mut Value) -> Result<(), Problem> {
    let Some(secret) = &client.secret else { return Ok(()) };
    let plain =
        call.store().open_client_secret(call.tenant(), &client.client_id, secret).map_err(internal)?;
    value["client_secret"] = plain.as_str().into();
    Ok(())
}

fn seal(call: &Call, client_id: &str, secret: &str) -> Result<Value, Problem> {
    let sealed = call.store().seal_client_secret(call.tenant(), client_id, secret).map_err(internal)?;
    print(&sealed)
}

fn keep(value: &mut Value, names: &[&str]) {
    if let Some(members) = value.as_object_mut() {
        members.retain(|name, _| names.contains(&name.as_str()));
    }
}

/// `client_grant.organization_id:org_x` is answered by [`list`]; beside it there is the grant type, and the name.
fn has_grant_type(client: &Client, q: &str) -> bool {
    match q.split_once(':') {
        Some(("client_grant.grant_type" | GRANT_ORGANIZATION, _)) => true,
        Some((_, wanted)) => client.may_use(wanted.trim_matches('"')),
        None => client.name.to_lowercase().contains(&q.to_lowercase()),
    }
}

const GRANT_ORGANIZATION: &str = "client_grant.organization_id";

/// Applications that have a client grant in an organization are found through the organization, all others as ever.
async fn list(call: Call) -> Result<Answer, Problem> {
    let organization = match call.query.text("q").and_then(|q| q.split_once(':')) {
        Some((GRANT_ORGANIZATION, id)) => id.trim_matches('"').to_owned(),
        _ => return resource::list::<Clients>(call).await,
    };
    let mut found: Vec<String> = super::organizations::client_grants_of(&call, &organization).await?;
    found.retain(|id| call.snapshot().client(id).is_some());
    let page = Page::of(&call.query)?;
    let show = |id: String| {
        let client = call.snapshot().client(&id);
        client.and_then(|client| Clients::show(&call, client).ok()).unwrap_or_default()
    };
    let slice = page.cut(found, Clone::clone, show);
    let mut body = page.body(Clients::MEMBER, slice);
    match body.get_mut(Clients::MEMBER) {
        Some(items) => *items = chosen(items.take(), &call.query, Clients::KEPT),
        None => body = chosen(body, &call.query, Clients::KEPT),
    }
    Ok(Answer::ok(body))
}

fn app_type(kind: &AppType) -> String {
    serde_json::to_value(kind).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// A new secret; the old one stops at once.
async fn rotate_secret(call: Call) -> Result<Answer, Problem> {
    let mut lost = Lost::Race;
    for _ in 0..2 {
        let (mut client, seen) = load::<Clients>(&call).await?;
        let secret = ids::client_secret(&*call.ctx.app.rng);
        client.secret = Some(read(seal(&call, &client.client_id, &secret)?)?);
        match call.apply(put::<Clients>(Change::new(call.tenant()), &client, seen)?).await {
            Ok(rev) => {
                let mut value = stripped(&call, &client)?;
                value["client_secret"] = secret.into();
                return Ok(Answer::ok(value).at(rev));
            }
            Err(chancery_store::Error::Guard) => lost = Lost::Race,
            Err(other) => return Err(stored(other)),
        }
    }
    Err(lost.into())
}

/// The connections an application's users may sign in with.
async fn connections(call: Call) -> Result<Answer, Problem> {
    let (client, _) = load::<Clients>(&call).await?;
    let strategies: Vec<&str> = call.query.all("strategy").collect();
    let page = by_checkpoint(&call.query)?;
    let Page::After { key, take } = &page else { return Err(Problem::Internal) };
    let found = call
        .snapshot()
        .connections_after(key)
        .filter(|connection| connection.admits(&client))
        .filter(|connection| strategies.is_empty() || strategies.contains(&connection.strategy.as_str()));
    let show = |connection: &Arc<Connection>| {
        Ok(chosen(without_others(super::connections::shown(connection)), &call.query, &[]))
    };
    let slice = Slice::first(found, *take, |connection| &connection.id, show)?;
    Ok(Answer::ok(page.body("connections", slice)))
}

/// Whom else a connection serves is asked of the connection.
fn without_others(mut connection: Value) -> Value {
    if let Some(members) = connection.as_object_mut() {
        members.shift_remove("enabled_clients");
        members.shift_remove("enabled_for_all");
    }
    connection
}

/// What `read:client_summary` alone shows.
const SUMMARY: &[&str] = &["client_id", "name", "app_type", "logo_uri", "is_first_party", "tenant", "global"];
