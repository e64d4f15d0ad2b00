//! `chancery backup`.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use super::{Environment, storage};
use crate::cli::BackupArgs;
use crate::output::Output;

pub(super) async fn run(args: BackupArgs, environment: &Environment, out: &mut Output) -> Result<ExitCode> {
    let store = storage::connect_without_key(&storage::settings(args.storage, environment)?).await?;
    storage::require_current(&store).await?;
    let shown = args.file.display().to_string();
    if args.file.exists() {
        bail!("{shown} exists already");
    }
    store.backup(&args.file).await.with_context(|| format!("the backup {shown}"))?;
    store.close().await;
    out.say(&format!("The database is copied to {shown}. It opens with the same master key only."));
    Ok(ExitCode::SUCCESS)
}
