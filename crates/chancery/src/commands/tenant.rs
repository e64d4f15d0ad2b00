//! `chancery tenant list`.

use std::process::ExitCode;

use anyhow::Result;
use serde_json::{Value, json};

use super::{Environment, storage};
use crate::cli::StorageArgs;
use crate::output::Output;

pub(super) async fn list(args: StorageArgs, environment: &Environment, out: &mut Output) -> Result<ExitCode> {
    let store = storage::connect_without_key(&storage::settings(args, environment)?).await?;
    storage::require_current(&store).await?;
    let tenants = store.tenants().await?;
    store.close().await;
    let values: Vec<Value> =
        tenants.iter().map(|tenant| json!({ "id": tenant.id, "origins": tenant.origins })).collect();
    let rows: Vec<_> = tenants.into_iter().map(|tenant| vec![tenant.id, tenant.origins.join(" ")]).collect();
    out.table(&values, &["TENANT", "ORIGINS"], &rows)?;
    Ok(ExitCode::SUCCESS)
}
