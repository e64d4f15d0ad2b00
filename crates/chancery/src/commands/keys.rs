//! `chancery keys`.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, bail};
use chancery_core::{Clock, Rng, iso};
use chancery_store::{
    Error, Family, KeyMaterial, KeyState, NextKeys, RequestKeyMaterial, SigningKeyDoc, Store, Tenant,
};
use serde_json::{Value, json};

use super::{Environment, storage};
use crate::cli::KeysCommand;
use crate::clock::SystemClock;
use crate::master_key;
use crate::output::Output;
use crate::rng::SystemRng;
use crate::seed::host;

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
        KeysCommand::Rotate(args) => {
            let (store, tenant) = storage::sealed_tenant(args, environment).await?;
            let material = material().await?;
            store.rotate_keys(&tenant.id, next(&tenant, &material)).await?;
            let requests =
                tokio::task::spawn_blocking(|| RequestKeyMaterial::generate(&SystemRng::default()));
            if let Some(change) =
                store.next_request_keys(&tenant.id, &requests.await??, SystemClock.now()).await?
            {
                store.apply(change).await?;
                out.say(
                    "So do new keys for encrypted requests; the ones before open them for seven days more.",
                );
            }
            out.say("The waiting keys sign from now on. Tokens signed before stay good until their key is revoked.");
            list(&store, &tenant, out).await?;
        }
        KeysCommand::Revoke { kid, tenant } => {
            let (store, tenant) = storage::sealed_tenant(tenant, environment).await?;
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

async fn list(store: &Store, tenant: &Tenant, out: &mut Output) -> Result<()> {
    let keys = store.signing_keys(&tenant.id).await?;
    store.close().await;
    let values: Vec<Value> = keys.iter().map(value).collect();
    let rows: Vec<_> = keys
        .iter()
        .map(|key| {
            vec![key.kid.clone(), family(key).to_owned(), state(key).to_owned(), time(Some(key.created_at))]
        })
        .collect();
    out.table(&values, &["KID", "FAMILY", "STATE", "CREATED"], &rows)
}

fn value(key: &SigningKeyDoc) -> Value {
    json!({
        "kid": key.kid,
        "kty": key.family,
        "state": key.state,
        "created_at": time(Some(key.created_at)),
        "current_since": key.current_since.map(|at| time(Some(at))),
        "rotated_at": key.rotated_at.map(|at| time(Some(at))),
        "revoked_at": key.revoked_at.map(|at| time(Some(at))),
    })
}

/// As `kty` of a JSON Web Key spells it (RFC 7518, section 6.1).
fn family(key: &SigningKeyDoc) -> &'static str {
    match key.family {
        Family::Rsa => "RSA",
        Family::Ec => "EC",
        Family::Okp => "OKP",
    }
}

fn state(key: &SigningKeyDoc) -> &'static str {
    match key.state {
        KeyState::Current => "current",
        KeyState::Next => "next",
        KeyState::Previous => "previous",
        KeyState::Revoked => "revoked",
    }
}

fn time(seconds: Option<i64>) -> String {
    seconds.map(|seconds| iso::format_ms(seconds.saturating_mul(1000))).unwrap_or_default()
}

/// Off the threads of the runtime: it takes up to a second.
async fn material() -> Result<KeyMaterial> {
    let rng: Arc<dyn Rng> = Arc::new(SystemRng::default());
    Ok(tokio::task::spawn_blocking(move || KeyMaterial::generate(&*rng)).await??)
}

fn next<'a>(tenant: &'a Tenant, material: &'a KeyMaterial) -> NextKeys<'a> {
    let common_name = host(tenant.origins.first().map_or("localhost", String::as_str));
    NextKeys { common_name, now: SystemClock.now(), material }
}
