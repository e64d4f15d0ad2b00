//! `/clients/{id}/credentials`: public keys and certificates of applications.
//!
//! All of an application's credentials lie in one list of its document. The members that use some of them
//! (`client_authentication_methods`, `signed_request_object`, `token_vault_privileged_access`) name them by id; those
//! that sign assertions are kept there in full too, because the snapshot reads them from there.

use chancery_core::iso::{format_ms, parse_ms};
use chancery_core::model::{Client, CredentialRef};
use chancery_core::problem::{Missing, Problem};
use chancery_core::{Rng, ids};
use chancery_jose::{Certificate, DistinguishedName, VerifyingKey, base64url, pem_decode, sha256};
use chancery_store::Change;
use serde_json::{Map, Value, json};

use super::clients::Clients;
use crate::call::{Answer, Call, missing, print, stored};

use crate::ops::Table;
use crate::resource::{Lost, load, put};

pub(super) fn bind(table: &mut Table) {
    table.bind("GET /clients/{client_id}/credentials", list);
    table.bind("POST /clients/{client_id}/credentials", add);
    table.bind("GET /clients/{client_id}/credentials/{credential_id}", show);
    table.bind("PATCH /clients/{client_id}/credentials/{credential_id}", update);
    table.bind("DELETE /clients/{client_id}/credentials/{credential_id}", remove);
}

const MISSING: Missing = missing("Credential does not exist", "inexistent_credential");

/// The lists that name credentials.
const USERS: [&str; 5] = [
    "/client_authentication_methods/private_key_jwt/credentials",
    "/client_authentication_methods/tls_client_auth/credentials",
    "/client_authentication_methods/self_signed_tls_client_auth/credentials",
    "/signed_request_object/credentials",
    "/token_vault_privileged_access/credentials",
];

/// Takes the credentials of a body into the application's list, where they are new, and leaves references.
pub(super) fn adopt(
    body: &mut Map<String, Value>,
    mut held: Vec<CredentialRef>,
    rng: &dyn Rng,
    now_ms: i64,
) -> Result<(), Problem> {
    let mut document = Value::Object(std::mem::take(body));
    for path in USERS {
        let Some(named) = document.pointer_mut(path).and_then(Value::as_array_mut) else { continue };
        for item in named.iter_mut() {
            let credential = match item.get("id").and_then(Value::as_str) {
                Some(id) => held.iter().find(|c| c.id == id).cloned().ok_or(Problem::NotFound(MISSING))?,
                None => {
                    let new = new_credential(item, rng, now_ms)?;
                    held.push(new.clone());
                    new
                }
            };
            *item = if path == USERS[0] { print(&credential)? } else { json!({"id": credential.id}) };
        }
    }
    document["credentials"] = print(&held)?;
    if let Value::Object(members) = document {
        *body = members;
    }
    Ok(())
}

/// Brings the copies up to date, and drops references to what is gone.
fn refresh(client: &mut Client) -> Result<(), Problem> {
    let held = client.credentials.clone();
    let mut document = print(client)?;
    for path in USERS {
        let Some(named) = document.pointer_mut(path).and_then(Value::as_array_mut) else { continue };
        let known = |item: &Value| held.iter().find(|c| item.get("id").is_some_and(|id| *id == *c.id));
        named.retain(|item| known(item).is_some());
        if path == USERS[0] {
            for item in named.iter_mut() {
                if let Some(credential) = known(item) {
                    *item = print(credential)?;
                }
            }
        }
    }
    *client = crate::call::read(document)?;
    Ok(())
}

/// The wire form of an application names its credentials.
pub(super) fn show_ids(members: &mut Map<String, Value>) {
    rewrite(members, |id| Some(json!({"id": id})));
}

/// The answer to a creation shows them.
pub(super) fn show_in_full(client: &Client, value: &mut Value) {
    let Some(members) = value.as_object_mut() else { return };
    rewrite(members, |id| client.credentials.iter().find(|c| c.id == id).and_then(|c| shown(c).ok()));
}

fn rewrite(members: &mut Map<String, Value>, with: impl Fn(&str) -> Option<Value>) {
    let mut document = Value::Object(std::mem::take(members));
    for path in USERS {
        let Some(named) = document.pointer_mut(path).and_then(Value::as_array_mut) else { continue };
        for item in named.iter_mut() {
            if let Some(new) = item.get("id").and_then(Value::as_str).and_then(&with) {
                *item = new;
            }
        }
    }
    if let Value::Object(rewritten) = document {
        *members = rewritten;
    }
}

/// Without the key: whoever sent it has it.
fn shown(credential: &CredentialRef) -> Result<Value, Problem> {
    let mut value = print(credential)?;
    if let Some(members) = value.as_object_mut() {
        members.shift_remove("pem");
    }
    Ok(value)
}

fn new_credential(body: &Value, rng: &dyn Rng, now_ms: i64) -> Result<CredentialRef, Problem> {
    let text =
        |name: &str| body.get(name).and_then(Value::as_str).filter(|t| !t.is_empty()).map(str::to_owned);
    let unfit = |what: &str| Problem::payload(what, "pem");
    let kind = text("credential_type").unwrap_or_default();
    let pem = text("pem");
    let certificate = pem.as_deref().and_then(Certificate::from_pem);
    let now = format_ms(now_ms);
    let mut credential = CredentialRef {
        id: format!("cred_{}", ids::alphanumeric(rng, 22)),
        name: text("name"),
        created_at: Some(now.clone()),
        updated_at: Some(now),
        expires_at: text("expires_at").and_then(|at| parse_ms(&at)).map(format_ms),
        ..CredentialRef::default()
    };
    match kind.as_str() {
        "public_key" => {
            let key = VerifyingKey::from_pem(pem.as_deref().unwrap_or_default());
            let jwk = key.ok().and_then(|key| key.to_jwk()).ok_or_else(|| unfit("Invalid public key"))?;
            let thumbprint = jwk.thumbprint().map_err(|_| unfit("Invalid public key"))?;
            credential.kid = Some(text("kid").unwrap_or_else(|| base64url(&thumbprint)));
            credential.alg = Some(text("alg").unwrap_or_else(|| "RS256".to_owned()));
            if body.get("parse_expiry_from_cert") == Some(&Value::Bool(true)) {
                let certificate =
                    certificate.ok_or_else(|| unfit("A certificate is needed to read its expiry"))?;
                credential.expires_at = Some(certificate.not_after);
            }
            credential.pem = pem;
        }
        "cert_subject_dn" => {
            let subject = match text("subject_dn") {
                Some(written) => DistinguishedName::parse(&written).map(|_| written),
                None => certificate.and_then(|certificate| certificate.subject_to_demand()),
            };
            let subject =
                subject.ok_or_else(|| unfit("A certificate or a subject_dn with a subject is needed"));
            credential.subject_dn = Some(subject?);
        }
        _ => {
            let certificate = certificate.ok_or_else(|| unfit("Invalid certificate"))?;
            let (_, der) =
                pem_decode(pem.as_deref().unwrap_or_default()).map_err(|_| unfit("Invalid certificate"))?;
            credential.thumbprint_sha256 = Some(base64url(&sha256(&der)));
            credential.expires_at = Some(certificate.not_after);
            credential.pem = pem;
        }
    }
    credential.credential_type = Some(kind);
    Ok(credential)
}

async fn list(call: Call) -> Result<Answer, Problem> {
    let (client, _) = load::<Clients>(&call).await?;
    let shown: Result<Vec<_>, _> = client.credentials.iter().map(shown).collect();
    Ok(Answer::ok(Value::Array(shown?)))
}

async fn show(call: Call) -> Result<Answer, Problem> {
    let (client, _) = load::<Clients>(&call).await?;
    let found = client.credentials.iter().find(|c| c.id == call.at("credential_id"));
    Ok(Answer::ok(shown(found.ok_or(Problem::NotFound(MISSING))?)?))
}

async fn add(call: Call) -> Result<Answer, Problem> {
    let new = new_credential(&call.body, &*call.ctx.app.rng, call.ctx.now_ms)?;
    let rev = edit(&call, |client| {
        if client.credentials.len() >= MOST {
            return Err(Problem::refused("An application has at most 10 credentials."));
        }
        client.credentials.push(new.clone());
        Ok(())
    })
    .await?;
    Ok(Answer::created(shown(&new)?).at(rev))
}

async fn update(call: Call) -> Result<Answer, Problem> {
    let expires = call.body.get("expires_at").and_then(Value::as_str).and_then(parse_ms).map(format_ms);
    let mut after = CredentialRef::default();
    let rev = edit(&call, |client| {
        let found = client.credentials.iter_mut().find(|c| c.id == call.at("credential_id"));
        let credential = found.ok_or(Problem::NotFound(MISSING))?;
        credential.expires_at.clone_from(&expires);
        credential.updated_at = Some(format_ms(call.ctx.now_ms));
        after.clone_from(credential);
        Ok(())
    })
    .await?;
    Ok(Answer::ok(shown(&after)?).at(rev))
}

async fn remove(call: Call) -> Result<Answer, Problem> {
    let rev = edit(&call, |client| {
        client.credentials.retain(|c| c.id != call.at("credential_id"));
        Ok(())
    })
    .await?;
    Ok(Answer::no_content().at(rev))
}

/// Rewrites the application of the path, twice if somebody else does the same at the same time.
async fn edit(call: &Call, mut edit: impl FnMut(&mut Client) -> Result<(), Problem>) -> Result<i64, Problem> {
    for _ in 0..2 {
        let (mut client, seen) = load::<Clients>(call).await?;
        edit(&mut client)?;
        refresh(&mut client)?;
        match call.apply(put::<Clients>(Change::new(call.tenant()), &client, seen)?).await {
            Ok(rev) => return Ok(rev),
            Err(chancery_store::Error::Guard) => {}
            Err(other) => return Err(stored(other)),
        }
    }
    Err(Lost::Race.into())
}

const MOST: usize = 10;
