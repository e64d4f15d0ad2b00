//! `/resource-servers`: APIs and their scopes (fact sheet 1.1 to 1.3).

use chancery_core::ids;
use chancery_core::model::{
    Api, ClientPolicy, Policy, ScopeDefinition, SigningAlg, SubjectTypeAuthorization, UserPolicy,
};
use chancery_core::problem::{Missing, Problem};
use chancery_jose::{VerifyingKey, base64url};
use chancery_store::{Change, Kind, Snapshot};
use serde_json::{Map, Value};

use super::permissions::{self, Lost};
use super::system_apis;
use crate::call::{Call, internal, missing, print, read, stored};
use crate::ops::Table;
use crate::resource::{Crud, Held, Resource};
use crate::search::search;

pub(super) fn bind(table: &mut Table) {
    Crud::<Apis>::bind(table);
    table.bind("GET /resource-servers/search", search::<Apis>);
}

pub(super) const MISSING: Missing =
    missing("The resource server does not exist", "inexistent_resource_server");

struct Apis;

impl Resource for Apis {
    type Model = Api;
    const KIND: Kind = Kind::Api;
    const PATH: &'static str = "/resource-servers";
    const MEMBER: &'static str = "resource_servers";
    const MISSING: Missing = MISSING;
    const TAKEN: &'static str = "A resource server with the same identifier already exists.";
    const FILTERS: &'static [&'static str] = &["identifiers"];

    fn id(api: &Api) -> &str {
        &api.id
    }

    fn held<'a>(snapshot: &'a Snapshot, id: &str) -> Option<&'a Api> {
        snapshot.api_document(id).map(|api| &**api)
    }

    fn all_held<'a>(snapshot: &'a Snapshot, after: &'a str) -> Option<Held<'a, Api>> {
        Some(Box::new(snapshot.api_documents_after(after).map(|api| &**api)))
    }

    fn unique(api: &Api) -> Option<String> {
        Some(api.identifier.clone())
    }

    /// Id or identifier; some clients encode the identifier twice (fact sheet 1.1).
    async fn find(call: &Call) -> Result<String, Problem> {
        let text = call.at("id");
        if text.len() == 24 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Ok(text.to_owned());
        }
        let again = percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
        for identifier in [text, &again] {
            let identifier = call.stored_identifier(identifier);
            if let Some(api) = call.snapshot().api(&identifier) {
                return Ok(api.id.clone());
            }
            let found =
                call.store().doc_by_uniq(call.tenant(), Kind::Api, &identifier).await.map_err(stored)?;
            if let Some(found) = found {
                return Ok(found.id);
            }
        }
        Err(Problem::NotFound(MISSING))
    }

    fn is_asked_for(call: &Call, api: &Api) -> bool {
        let identifier = call.origin().absolute(&api.identifier);
        call.query.all("identifiers").any(|wanted| wanted == identifier)
    }

    fn show(call: &Call, api: &Api) -> Result<Value, Problem> {
        let mut value = print(api)?;
        value["identifier"] = call.origin().absolute(&api.identifier).into();
        reveal(call, api, &mut value)?;
        if let Some(key) =
            value.pointer_mut("/token_encryption/encryption_key").and_then(Value::as_object_mut)
        {
            key.shift_remove("pem");
        }
        let identifier = call.origin().absolute(&api.identifier);
        if let Some(client) = call.snapshot().client_of_api(&identifier) {
            value["client_id"] = client.client_id.as_str().into();
        }
        Ok(value)
    }

    async fn create(
        call: &Call,
        mut body: Map<String, Value>,
        change: Change,
    ) -> Result<(Api, Change), Problem> {
        body.insert("id".to_owned(), ids::object_id(&*call.ctx.app.rng, call.ctx.now()).into());
        let named = body.get("identifier").and_then(Value::as_str).unwrap_or_default();
        let stored = own_path(call, named).unwrap_or(if named.starts_with('/') { "" } else { named });
        if let Some(Value::Object(mut given)) = system_apis::predefined(stored) {
            given.insert("id".to_owned(), body["id"].clone());
            return Ok((read(Value::Object(given))?, change));
        }
        seal_secret(call, &mut body)?;
        let mut api: Api = read(Value::Object(body))?;
        if is_reserved(call, &api.identifier) {
            return Err(Problem::refused("The selected identifier is reserved."));
        }
        api.subject_type_authorization.get_or_insert_with(default_policies);
        complete(call, &mut api)?;
        Ok((api, change))
    }

    fn incoming(
        call: &Call,
        before: &Api,
        mut body: Map<String, Value>,
    ) -> Result<Map<String, Value>, Problem> {
        body.insert("id".to_owned(), before.id.as_str().into());
        seal_secret(call, &mut body)?;
        Ok(body)
    }

    async fn update(call: &Call, before: &Api, after: &mut Api, change: Change) -> Result<Change, Problem> {
        let may_change = |name: &String| match name.as_str() {
            "token_lifetime" | "token_lifetime_for_web" => true,
            "name" | "scopes" => false,
            _ => !system_apis::is_fixed(before),
        };
        if before.is_system() && !call.members().keys().all(may_change) {
            return Err(Problem::refused("System resource servers cannot be patched."));
        }
        complete(call, after)?;
        let gone: Vec<&str> = before.live_scopes().filter(|scope| !after.defines(scope)).collect();
        if gone.is_empty() {
            return Ok(change);
        }
        permissions::forget(call, change, before, Lost::Scopes(&gone)).await
    }

    async fn delete(call: &Call, api: &Api, change: Change) -> Result<Change, Problem> {
        if system_apis::is_fixed(api) {
            return Err(Problem::refused("System resource servers cannot be deleted."));
        }
        permissions::forget(call, change, api, Lost::Everything).await
    }
}

/// `signing_secret` goes into the document sealed for the `id` beside it; null clears.
fn seal_secret(call: &Call, body: &mut Map<String, Value>) -> Result<(), Problem> {
    let Some(secret) = body.shift_remove("signing_secret") else { return Ok(()) };
    let api_id = body.get("id").and_then(Value::as_str).unwrap_or_default();
    let sealed = secret.as_str().map(|secret| seal(call, api_id, secret)).transpose()?;
    body.insert(SEALED.to_owned(), sealed.into());
    Ok(())
}

fn seal(call: &Call, api_id: &str, secret: &str) -> Result<String, Problem> {
    call.store().seal_api_secret(call.tenant(), api_id, secret).map_err(internal)
}

/// Shows the secret in the place of its sealed form.
fn reveal(call: &Call, api: &Api, value: &mut Value) -> Result<(), Problem> {
    let (Some(members), Some(sealed)) = (value.as_object_mut(), &api.sealed_signing_secret) else {
        return Ok(());
    };
    let plain = call.store().open_api_secret(call.tenant(), &api.id, sealed).map_err(internal)?;
    let place = members.keys().position(|name| name == SEALED).unwrap_or(members.len());
    members.shift_remove(SEALED);
    members.shift_insert(place, "signing_secret".to_owned(), plain.as_str().into());
    Ok(())
}

const SEALED: &str = "sealed_signing_secret";

/// Identifiers this server answers for itself, at any of its origins.
fn is_reserved(call: &Call, identifier: &str) -> bool {
    let path = path_here(call, identifier).unwrap_or_default().trim_end_matches('/');
    identifier.starts_with('/') || ["/api/v2", "/userinfo", "/mfa", "/me", "/my-org"].contains(&path)
}

/// The path of an identifier at any host of this tenant, in whatever case.
fn path_here<'a>(call: &Call, identifier: &'a str) -> Option<&'a str> {
    let (_, after) = identifier.split_once("://")?;
    let (authority, path) = after.split_at(after.find('/')?);
    let host = call.ctx.app.catalog.tenant_by_host(&authority.to_ascii_lowercase())?;
    (host.id == call.tenant()).then_some(path)
}

/// The path of an identifier at the origin called.
fn own_path<'a>(call: &Call, identifier: &'a str) -> Option<&'a str> {
    identifier.strip_prefix(call.origin().base.as_str()).filter(|path| path.starts_with('/'))
}

fn default_policies() -> SubjectTypeAuthorization {
    SubjectTypeAuthorization {
        client: Some(ClientPolicy { policy: Policy::RequireClientGrant }),
        user: Some(UserPolicy { policy: Policy::AllowAll }),
        anonymous_user: None,
    }
}

/// What the shape cannot say, and what the server adds.
fn complete(call: &Call, api: &mut Api) -> Result<(), Problem> {
    check_scopes(api.scopes.as_deref().unwrap_or_default())?;
    if api.signing_alg == SigningAlg::HS256 && api.sealed_signing_secret.is_none() {
        let secret = ids::alphanumeric(&*call.ctx.app.rng, 32);
        api.sealed_signing_secret = Some(seal(call, &api.id, &secret)?);
    }
    chancery_store::token_encryption(api).map_err(|error| {
        Problem::payload(&format!("Invalid public key: {error}"), "token_encryption.encryption_key.pem")
    })?;
    let key = api.token_encryption.as_mut().and_then(|encryption| encryption.get_mut("encryption_key"));
    if let Some(key) = key {
        let pem = key.get("pem").and_then(Value::as_str).unwrap_or_default();
        let jwk = VerifyingKey::from_pem(pem).ok().and_then(|key| key.to_jwk());
        let thumbprint = jwk.and_then(|jwk| jwk.thumbprint().ok());
        let thumbprint = thumbprint
            .ok_or_else(|| Problem::payload("Invalid public key", "token_encryption.encryption_key.pem"))?;
        key["thumbprint_sha256"] = base64url(&thumbprint).into();
    }
    Ok(())
}

/// Scopes are words of RFC 6749 section 3.3, each defined once, and none that OpenID Connect or the user's profile
/// already gives a meaning (fact sheet 1.2).
fn check_scopes(scopes: &[ScopeDefinition]) -> Result<(), Problem> {
    if scopes.len() > MOST_SCOPES {
        return Err(Problem::payload(
            &format!("Array is too long ({}), maximum {MOST_SCOPES}", scopes.len()),
            "scopes",
        ));
    }
    let mut seen = std::collections::HashMap::new();
    for (index, scope) in scopes.iter().enumerate() {
        let fits = |b: u8| (0x21..=0x7e).contains(&b) && b != b'"' && b != b'\\';
        if !scope.value.bytes().all(fits) {
            return Err(Problem::payload(
                "A scope is made of visible ASCII characters other than \" and \\, without spaces",
                &format!("scopes[{index}].value"),
            ));
        }
        if RESERVED_SCOPES.contains(&scope.value.as_str()) {
            return Err(Problem::refused(format!("The scope '{}' is reserved.", scope.value)));
        }
        if let Some(first) = seen.insert(scope.value.as_str(), index) {
            return Err(Problem::payload(
                &format!("Array items are not unique (indexes {first} and {index})"),
                "scopes",
            ));
        }
    }
    Ok(())
}

const MOST_SCOPES: usize = 1000;

const RESERVED_SCOPES: [&str; 15] = [
    "address",
    "created_at",
    "email",
    "email_verified",
    "family_name",
    "given_name",
    "identities",
    "name",
    "nickname",
    "offline_access",
    "online_access",
    "openid",
    "phone",
    "picture",
    "profile",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn said(values: &[&str]) -> Option<String> {
        let scopes: Vec<_> = values
            .iter()
            .map(|v| ScopeDefinition { value: (*v).to_owned(), description: None, consent: None })
            .collect();
        check_scopes(&scopes).err().map(|problem| problem.body().message)
    }

    #[test]
    fn scopes() {
        assert_eq!(said(&["read:contacts", "Read:contacts", "https://x/y"]), None);
        assert!(said(&["a b"]).unwrap().contains("scopes[0].value"));
        assert!(said(&["ä"]).is_some());
        assert_eq!(said(&["openid"]).as_deref(), Some("The scope 'openid' is reserved."));
        assert!(said(&["a", "b", "a"]).unwrap().contains("not unique (indexes 0 and 2)"));
    }
}
