//! `chancery keys`.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, bail};
use chancery_core::{Clock, Rng, iso};
use chancery_store::{
    Error, KeyMaterial, KeyState, NextKeys, RequestKeyDoc, RequestKeyMaterial, SigningKeyDoc, Store, Tenant,
};
use serde_json::{Value, json};

use super::{Environment, storage};
use crate::cli::KeysCommand;
use crate::clock::SystemClock;
use crate::master_key;
use crate::output::Output;
use crate::rng::SystemRng;
use crate::seed::host;
use crate::terminal;

pub(super) async fn run(
    command: KeysCommand,
    environment: &Environment,
    out: &mut Output,
) -> Result<ExitCode> {
    match command {
        KeysCommand::GenerateMaster => {
            let key = master_key::generate(&SystemRng::default());
            out.line(&master_key::print(&key))?;
            return Ok(ExitCode::SUCCESS);
        }
        KeysCommand::List(args) => {
            let (store, tenant) = storage::tenant(args, environment).await?;
            list(&store, &tenant, out).await?;
        }
        KeysCommand::Rotate { now, tenant } => {
            let (store, tenant) = storage::sealed_tenant(tenant, environment).await?;
            if !now {
                see_that_they_are_known(&store.signing_keys(&tenant.id).await?)?;
            }
            let material = material().await?;
            let requests = match store.request_keys(&tenant.id, SystemClock.now()).await?.is_empty() {
                true => None,
                false => Some(request_material().await?),
            };
            store.rotate_keys(&tenant.id, next(&tenant, &material), requests.as_ref()).await?;
            out.say("The waiting keys sign from now on. Tokens signed before stay good until their key is revoked.");
            if requests.is_some() {
                out.say("New keys open encrypted requests; the ones before open them for seven days more.");
            }
            list(&store, &tenant, out).await?;
        }
        KeysCommand::Revoke { kid, yes, tenant } => {
            let (store, tenant) = storage::sealed_tenant(tenant, environment).await?;
            let now = SystemClock.now();
            let opens_requests = store.request_keys(&tenant.id, now).await?.iter().any(|key| key.kid == kid);
            let question = match opens_requests {
                true => Some(format!("Requests encrypted for {kid} will not be opened. Revoke it?")),
                false => what_ends(&store.signing_keys(&tenant.id).await?, &kid),
            };
            if let Some(question) = question
                && !yes
                && !terminal::is_agreed(&question, out)?
            {
                return Ok(ExitCode::SUCCESS);
            }
            if opens_requests {
                store.revoke_request_key(&tenant.id, &kid, &request_material().await?, now).await?;
                out.say(&format!("Requests encrypted for {kid} are opened no more."));
                return list(&store, &tenant, out).await.map(|()| ExitCode::SUCCESS);
            }
            let material = material().await?;
            match store.revoke_key(&tenant.id, &kid, next(&tenant, &material)).await {
                Err(Error::Guard) => bail!("tenant {} has no key {kid} that could be revoked", tenant.id),
                other => other?,
            };
            out.say(&format!("Tokens signed with {kid} are good no more."));
            list(&store, &tenant, out).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Seconds after which whoever checks tokens has fetched a new key: four times as long as the key set may be kept.
const KNOWN_AFTER: i64 = 60;

/// A key that signs before it was seen makes tokens that nobody can check.
fn see_that_they_are_known(keys: &[SigningKeyDoc]) -> Result<()> {
    let age = |key: &SigningKeyDoc| SystemClock.now().saturating_sub(key.created_at);
    let waiting = keys.iter().filter(|key| key.state == KeyState::Next);
    match waiting.map(|key| (age(key), &key.kid)).min() {
        Some((age, kid)) if age < KNOWN_AFTER => bail!(
            "the waiting key {kid} was made {age} seconds ago, and who checks tokens may not know it yet: wait for a minute, or add --now"
        ),
        _ => Ok(()),
    }
}

/// What ends with a signing key, as a question; `None` for one that signed nothing, or is not there.
fn what_ends(keys: &[SigningKeyDoc], kid: &str) -> Option<String> {
    let key = keys.iter().find(|key| key.kid == kid)?;
    let role = match key.state {
        KeyState::Current => "signs now",
        KeyState::Previous => "signed before",
        KeyState::Next | KeyState::Revoked => return None,
    };
    Some(format!(
        "The key {kid} {role}: every token signed with it ends, and users sign in again. Revoke it?"
    ))
}

async fn list(store: &Store, tenant: &Tenant, out: &mut Output) -> Result<()> {
    let keys = store.signing_keys(&tenant.id).await?;
    let for_requests = store.request_keys(&tenant.id, SystemClock.now()).await?;
    store.close().await;
    let values: Vec<Value> = keys.iter().map(value).chain(for_requests.iter().map(request_value)).collect();
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let row = |value| ["kid", "use", "kty", "state", "created_at"].map(|name| text(value, name)).to_vec();
    let rows: Vec<_> = values.iter().map(row).collect();
    out.table(&values, &["KID", "USE", "FAMILY", "STATE", "CREATED"], &rows)
}

/// A key for encrypted requests.
fn request_value(key: &RequestKeyDoc) -> Value {
    json!({
        "kid": key.kid,
        "use": "enc",
        "kty": key.jwk.kty,
        "state": if key.retired_at.is_none() { "current" } else { "previous" },
        "created_at": time(Some(key.created_at)),
        "rotated_at": key.retired_at.map(|at| time(Some(at))),
    })
}

fn value(key: &SigningKeyDoc) -> Value {
    json!({
        "kid": key.kid,
        "use": "sig",
        "kty": key.family,
        "state": key.state,
        "created_at": time(Some(key.created_at)),
        "current_since": key.current_since.map(|at| time(Some(at))),
        "rotated_at": key.rotated_at.map(|at| time(Some(at))),
        "revoked_at": key.revoked_at.map(|at| time(Some(at))),
    })
}

fn time(seconds: Option<i64>) -> String {
    seconds.map(|seconds| iso::format_ms(seconds.saturating_mul(1000))).unwrap_or_default()
}

/// Off the threads of the runtime: it takes up to a second.
async fn material() -> Result<KeyMaterial> {
    let rng: Arc<dyn Rng> = Arc::new(SystemRng::default());
    Ok(tokio::task::spawn_blocking(move || KeyMaterial::generate(&*rng)).await??)
}

/// As above, for encrypted requests.
async fn request_material() -> Result<RequestKeyMaterial> {
    Ok(tokio::task::spawn_blocking(|| RequestKeyMaterial::generate(&SystemRng::default())).await??)
}

fn next<'a>(tenant: &'a Tenant, material: &'a KeyMaterial) -> NextKeys<'a> {
    let common_name = host(tenant.origins.first().map_or("localhost", String::as_str));
    NextKeys { common_name, now: SystemClock.now(), material }
}
