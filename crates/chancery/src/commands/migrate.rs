//! `chancery migrate`.

use std::process::ExitCode;

use anyhow::Result;
use chancery_store::Store;
use serde_json::json;

use super::{Environment, storage};
use crate::cli::MigrateArgs;
use crate::output::Output;

pub(super) async fn run(args: MigrateArgs, environment: &Environment, out: &mut Output) -> Result<ExitCode> {
    let settings = storage::settings(args.storage, environment)?;
    let store = if args.check {
        storage::connect_without_key(&settings).await?
    } else {
        storage::connect_or_create_without_key(&settings).await?
    };
    let before = store.schema_version().await?;
    let known = Store::known_schema_version();
    if !args.check {
        store.migrate().await?;
    } else {
        store.check_newer().await?;
    }
    let after = store.schema_version().await?;
    store.close().await;
    if out.json {
        out.value(&json!({ "before": before, "now": after, "known": known }))?;
    } else if after < known {
        out.line(&format!("schema {after}, to be migrated to {known}"))?;
    } else if after == before {
        out.line(&format!("schema {after}, nothing to do"))?;
    } else {
        out.line(&format!("schema {after}, was {before}"))?;
    }
    Ok(if after < known { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
