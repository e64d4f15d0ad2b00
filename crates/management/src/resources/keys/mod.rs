//! `/keys`: keys of the tenant, one file for each sort. Here those of `/keys/signing`: the keys that sign tokens. The key set of the tenant has more families than this list, which shows
//! the RSA ones: those with a certificate.

mod custom;
mod encryption;
mod network_acls;

use chancery_core::iso::format_ms;
use chancery_core::problem::{Missing, Problem};
use chancery_jose::{base64url, base64url_decode, certificate_envelope, pem, sha1};
use chancery_store::{Error, Family, KeyMaterial, KeyState, NextKeys, SigningKeyDoc};
use serde_json::{Value, json};

use crate::call::{Answer, Call, internal, missing, stored};
use crate::ops::Table;

pub(super) fn bind(table: &mut Table) {
    table.bind("GET /keys/signing", list);
    table.bind("GET /keys/signing/{kid}", show);
    table.bind("POST /keys/signing/rotate", rotate);
    table.bind("PUT /keys/signing/{kid}/revoke", revoke);
    custom::bind(table);
    encryption::bind(table);
    network_acls::bind(table);
}

const MISSING: Missing = missing("The signing key does not exist.", "inexistent_signing_key");

async fn all(call: &Call) -> Result<Vec<SigningKeyDoc>, Problem> {
    let mut keys = call.store().signing_keys(call.tenant()).await.map_err(stored)?;
    keys.retain(|key| key.family == Family::Rsa);
    Ok(keys)
}

fn shown(key: &SigningKeyDoc) -> Value {
    let der = key.certificate().unwrap_or_default();
    // Standard base64 is the URL-safe one with two other characters and padding.
    let bytes =
        base64url_decode(&der.trim_end_matches('=').replace('+', "-").replace('/', "_")).unwrap_or_default();
    let digest = sha1(&bytes);
    let fingerprint: Vec<_> = digest.iter().map(|b| format!("{b:02X}")).collect();
    let mut value = json!({
        "kid": key.kid,
        "cert": pem("CERTIFICATE", &bytes).trim_end().replace('\n', "\r\n"),
        "pkcs7": pem("PKCS7", &certificate_envelope(&bytes)).trim_end().replace('\n', "\r\n"),
        "current": key.state == KeyState::Current,
        "next": key.state == KeyState::Next,
        "previous": key.state == KeyState::Previous,
        "fingerprint": fingerprint.join(":"),
        "thumbprint": base64url(&digest),
        "revoked": key.state == KeyState::Revoked,
    });
    for (name, at) in
        [("current_since", key.current_since), ("rotated_at", key.rotated_at), ("revoked_at", key.revoked_at)]
    {
        if let Some(seconds) = at {
            value[name] = format_ms(seconds.saturating_mul(1000)).into();
        }
    }
    value
}

async fn list(call: Call) -> Result<Answer, Problem> {
    Ok(Answer::ok(all(&call).await?.iter().map(shown).collect()))
}

async fn show(call: Call) -> Result<Answer, Problem> {
    let keys = all(&call).await?;
    let found = keys.iter().find(|key| key.kid == call.at("kid"));
    Ok(Answer::ok(shown(found.ok_or(Problem::NotFound(MISSING))?)))
}

async fn rotate(call: Call) -> Result<Answer, Problem> {
    let material = material(&call).await?;
    let requests = call.ctx.next_request_keys().await.map_err(stored)?;
    let rotated = call.store().rotate_keys(call.tenant(), next(&call, &material), requests.as_ref());
    let rev = rotated.await.map_err(raced)?;
    call.ctx.app.catalog.sync().await.map_err(stored)?;
    let keys = all(&call).await?;
    let waiting = keys.iter().find(|key| key.state == KeyState::Next).ok_or(Problem::Internal)?;
    Ok(Answer::created(shown(waiting)).at(rev))
}

async fn revoke(call: Call) -> Result<Answer, Problem> {
    let kid = call.at("kid").to_owned();
    let (tenant, now) = (call.tenant(), call.ctx.now());
    let for_requests = call.store().request_keys(tenant, now).await.map_err(stored)?;
    if for_requests.iter().any(|key| key.kid == kid) {
        return revoke_request_key(&call, &kid).await;
    }
    if !all(&call).await?.iter().any(|key| key.kid == kid && key.state != KeyState::Revoked) {
        return Err(Problem::NotFound(MISSING));
    }
    let material = material(&call).await?;
    let rev = call.store().revoke_key(call.tenant(), &kid, next(&call, &material)).await.map_err(raced)?;
    call.ctx.app.catalog.sync().await.map_err(stored)?;
    let keys = all(&call).await?;
    let revoked = keys.iter().find(|key| key.kid == kid).ok_or(Problem::Internal)?;
    Ok(Answer::ok(shown(revoked)).at(rev))
}

/// Keys for encrypted requests are in no list here, and have no certificate. Whoever knows the id of one that leaked has it from the
/// key set.
async fn revoke_request_key(call: &Call, kid: &str) -> Result<Answer, Problem> {
    let (tenant, now) = (call.tenant(), call.ctx.now());
    let material = call.ctx.next_request_keys().await.map_err(stored)?.ok_or(Problem::NotFound(MISSING))?;
    let rev = call.store().revoke_request_key(tenant, kid, &material, now).await.map_err(raced)?;
    call.ctx.app.catalog.sync().await.map_err(stored)?;
    let at = format_ms(now.saturating_mul(1000));
    Ok(Answer::ok(json!({"kid": kid, "cert": "", "revoked": true, "revoked_at": at})).at(rev))
}

fn next<'a>(call: &'a Call, material: &'a KeyMaterial) -> NextKeys<'a> {
    NextKeys { common_name: &call.origin().authority, now: call.ctx.now(), material }
}

/// An RSA key takes up to a second of CPU, so it is made on a thread of its own.
async fn material(call: &Call) -> Result<KeyMaterial, Problem> {
    let app = std::sync::Arc::clone(&call.ctx.app);
    let made =
        tokio::task::spawn_blocking(move || KeyMaterial::generate(&*app.rng)).await.map_err(internal)?;
    made.map_err(internal)
}

fn raced(error: Error) -> Problem {
    match error {
        Error::Guard | Error::Conflict => {
            Problem::conflict("The keys were changed by somebody else at the same time.")
        }
        other => stored(other),
    }
}
