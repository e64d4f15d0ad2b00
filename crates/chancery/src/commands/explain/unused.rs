//! `chancery explain unused`: what could be taken away, and the file that `chancery plan` reads to do it.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::table::printable;
use crate::deploy::yaml_text;
use crate::management::Management;
use crate::output::Output;

pub(super) async fn run(
    management: &Management,
    days: u32,
    write: Option<&Path>,
    out: &mut Output,
) -> Result<ExitCode> {
    let told = management.own_get(&format!("/explain/unused?days={days}")).await?;
    let mut rows = Vec::new();
    for (kind, list, name) in
        [("client grant", &told["client_grants"], "client_name"), ("role", &told["roles"], "name")]
    {
        for holder in list.as_array().into_iter().flatten() {
            for unused in holder["unused"].as_array().into_iter().flatten() {
                let last = unused["last_used"].as_str().unwrap_or("never");
                let row =
                    [kind, &text(&holder[name]), &text(&unused["audience"]), &text(&unused["scope"]), last];
                rows.push(row.map(str::to_owned).to_vec());
            }
        }
    }
    out.table(&told, &["OF", "NAME", "API", "SCOPE", "LAST ISSUED"], &rows)?;
    if told["is_complete"] != true {
        let since = told["since"].as_str().unwrap_or("today");
        out.say(&format!("Uses are noted since {since} only: what was issued before that is not known."));
    }
    if let Some(path) = write {
        write_patch(&told, path)?;
        out.say(&format!("{} holds what is left: chancery plan {0}", path.display()));
    }
    Ok(ExitCode::SUCCESS)
}

fn write_patch(told: &Value, path: &Path) -> Result<()> {
    let Some(patch) = told["patch"].as_object() else { bail!("the server answered with no patch") };
    let shown = path.display();
    if !path.extension().is_some_and(|end| end == "yaml" || end == "yml") {
        bail!("{shown} is no name for the file: it ends in .yaml");
    }
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .with_context(|| format!("the file {shown}"))?;
    std::io::Write::write_all(&mut file, yaml_text(patch).as_bytes())
        .with_context(|| format!("the file {shown}"))
}

fn text(value: &Value) -> String {
    printable(value.as_str().unwrap_or_default())
}
