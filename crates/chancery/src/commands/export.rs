//! `chancery export`: a running server's configuration as files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
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
    if !is_file && !args.path.is_dir() && has_ending(&args.path) {
        bail!(
            "{}: a file ends in .yaml or .yml; a folder with such a name is made first",
            args.path.display()
        );
    }
    let is_taken = match is_file {
        true => is_there(&args.path),
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
    let root = if root.as_os_str().is_empty() { Path::new(".") } else { root };
    // Pages and mails lie beside a YAML file, where others may lie already.
    if let Some(name) = written.0.keys().find(|name| is_there(&root.join(name))).filter(|_| !args.force) {
        bail!("{} is there already: --force writes over it", root.join(name).display());
    }
    std::fs::create_dir_all(root).with_context(|| root.display().to_string())?;
    written.write(root)?;
    let place = if is_file { &args.path } else { root };
    out.say(&format!(
        "{} things of revision {} are in {}{}.",
        units.len(),
        live.revision,
        place.display(),
        if is_file { String::new() } else { format!(", in {}", counted(written.0.len())) },
    ));
    if is_file {
        for (folder, files) in folders(written.0.keys()) {
            let at = if root == Path::new(".") { PathBuf::from(folder) } else { root.join(folder) };
            out.say(&format!("It refers to {} beside it, in {}.", counted(files), at.display()));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The folders beside a YAML file, with how many files are in each.
fn folders<'a>(names: impl Iterator<Item = &'a String>) -> BTreeMap<&'a str, usize> {
    let mut folders = BTreeMap::new();
    for folder in names.filter_map(|name| Some(name.split_once('/')?.0)) {
        *folders.entry(folder).or_insert(0) += 1;
    }
    folders
}

fn counted(files: usize) -> String {
    format!("{files} file{}", if files == 1 { "" } else { "s" })
}

/// A link that leads nowhere is there too: what is written would go where it leads.
fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// `tenant.json`, but not `tenant-1.2`.
fn has_ending(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| ending.len() <= 5 && ending.chars().all(|c| c.is_ascii_alphabetic()))
}

const LISTS: [&str; 7] =
    ["resourceServers", "clients", "clientGrants", "roles", "databases", "connections", "organizations"];
