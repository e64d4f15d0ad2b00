//! `chancery export`: a running server's configuration as files.

use std::collections::BTreeSet;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::cli::ExportArgs;
use crate::deploy::{self, Live, Sets, Unit, parts};
use crate::management::Management;
use crate::output::Output;

pub(super) async fn run(args: ExportArgs, out: &mut Output) -> Result<ExitCode> {
    let known = parts();
    if let Some(name) = args.only.iter().chain(&args.exclude).find(|name| !known.contains(&name.as_str())) {
        bail!("{name} is no part of files: they are {}", known.join(", "));
    }
    let chosen: BTreeSet<String> = known
        .iter()
        .map(|part| (*part).to_owned())
        .filter(|part| (args.only.is_empty() || args.only.contains(part)) && !args.exclude.contains(part))
        .collect();
    let is_file = deploy::yaml_name(&args.path).is_some();
    let is_taken = match is_file {
        true => args.path.exists(),
        false => {
            args.path.is_file() || args.path.read_dir().is_ok_and(|mut entries| entries.next().is_some())
        }
    };
    if is_taken && !args.force {
        bail!("{} is there already: --force writes over it", args.path.display());
    }
    let sets = Sets::new(Management::connect(args.server).await?);
    let live = Live::read(&sets, &chosen).await?;
    let units: Vec<Unit> = live.units.into_iter().filter(|unit| chosen.contains(unit.of.part())).collect();
    let mut all = deploy::assets(&units);
    // A part without anything in it is a part all the same.
    for part in chosen.iter().filter(|part| LISTS.contains(&part.as_str())) {
        all.entry(part.as_str()).or_insert_with(|| serde_json::json!([]));
    }
    let written = deploy::written(&args.path, all);
    let root = if is_file { args.path.parent().unwrap_or(&args.path) } else { &args.path };
    let root = if root.as_os_str().is_empty() { std::path::Path::new(".") } else { root };
    std::fs::create_dir_all(root).with_context(|| root.display().to_string())?;
    written.write(root)?;
    out.say(&format!(
        "{} things are in {} files under {}, as of revision {}.",
        units.len(),
        written.0.len(),
        root.display(),
        live.revision
    ));
    Ok(ExitCode::SUCCESS)
}

const LISTS: [&str; 7] =
    ["resourceServers", "clients", "clientGrants", "roles", "databases", "connections", "organizations"];
