//! `chancery plan`: what files would change, tried out by the server and thrown away.

use std::collections::BTreeSet;
use std::process::ExitCode;

use anyhow::{Result, anyhow, bail};
use serde_json::Value;

use super::Environment;
use crate::cli::{FilesArgs, PlanArgs};
use crate::deploy::{
    self, Assets, Change, Keywords, Live, Plan, Planned, Refused, Sets, as_json, diff, operations, parts,
    unhandled,
};
use crate::management::Management;
use crate::output::Output;

pub(super) async fn run(args: PlanArgs, environment: &Environment, out: &mut Output) -> Result<ExitCode> {
    let prepared = prepare(args.files, environment, out).await?;
    show(&prepared.plan, out)?;
    let is_changed = !prepared.plan.diff.changes.is_empty();
    if !prepared.plan.unhandled.is_empty() {
        return Ok(ExitCode::FAILURE);
    }
    Ok(if args.exit_code && is_changed { ExitCode::from(2) } else { ExitCode::SUCCESS })
}

const TRIES: usize = 5;

/// A plan with what it takes to make it so.
pub(super) struct Prepared {
    pub(super) sets: Sets,
    pub(super) plan: Plan,
    pub(super) operations: Vec<Value>,
    /// For each operation the index of its change.
    pub(super) of: Vec<usize>,
}

/// Reads the files and the server, and has the server try the difference.
pub(super) async fn prepare(
    args: FilesArgs,
    environment: &Environment,
    out: &mut Output,
) -> Result<Prepared> {
    let keywords = Keywords::of(&args.var, args.config.as_deref(), environment.keyword.unwrap_or(|_| None))?;
    let files = deploy::read(&args.path, keywords)?;
    for name in &files.strange {
        out.say(&format!("{name} is no part of the layout, and is not read."));
    }
    files.check_names(&args.exclude)?;
    let chosen = chosen(&files, &args.only, &args.exclude)?;
    files.check_markers(&chosen)?;
    let (wanted, left_out) = files.units(&chosen)?;
    for line in left_out {
        out.say(&format!("{line}."));
    }
    let sets = Sets::new(Management::connect(args.server).await?);
    let mut tries = 0;
    let (unhandled, diff, planned, answers) = loop {
        let live = Live::read(&sets, &chosen).await?;
        let unhandled = unhandled(&files, &live, &chosen);
        let diff = diff(&wanted, &live, &chosen, args.delete)?;
        let planned = operations(&diff.changes, &live, &sets, args.delete)?;
        tries += 1;
        match sets.plan(Some(live.revision), planned.operations.clone()).await {
            Ok(answers) => break (unhandled, diff, planned, answers),
            // Somebody was quicker; what they did is looked at too.
            Err(error)
                if tries < TRIES && error.downcast_ref::<Refused>().is_some_and(Refused::is_change) => {}
            Err(error) => return Err(readable(error, &diff.changes, &planned, &sets).await),
        }
    };
    let plan = Plan {
        revision: answers.revision,
        diff,
        effects: answers.effects,
        hidden_effects: answers.hidden_effects,
        unhandled,
    };
    Ok(Prepared { sets, plan, operations: planned.operations, of: planned.of })
}

/// The parts that are looked at: those of the files, or fewer.
fn chosen(files: &Assets, only: &[String], exclude: &[String]) -> Result<BTreeSet<String>> {
    let all = files.spoken();
    let known = parts();
    if let Some(name) =
        only.iter().chain(exclude).find(|name| !files.has_name(name) && !known.contains(&name.as_str()))
    {
        bail!("{name} is no part of files: they are {}", known.join(", "));
    }
    Ok(all
        .into_iter()
        .filter(|part| (only.is_empty() || only.contains(part)) && !exclude.contains(part))
        .collect())
}

/// A refusal with the place in the files that it is about, and the API that there is not where it is about that.
pub(super) async fn readable(
    error: anyhow::Error,
    changes: &[Change],
    planned: &Planned,
    sets: &Sets,
) -> anyhow::Error {
    let Some(refused) = error.downcast_ref::<Refused>() else { return error };
    let about = refused.operation.and_then(|index| {
        let change = changes.get(*planned.of.get(index)?)?;
        Some((change, planned.operations.get(index)?))
    });
    let Some((change, operation)) = about else { return error };
    let place = change.unit.place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default();
    if refused.is_missing() {
        for identifier in apis_named(operation) {
            let is_made = |change: &Change| {
                change.unit.of.part() == "resourceServers" && change.unit.name == identifier
            };
            if !changes.iter().any(is_made) && sets.lacks_api(identifier).await {
                return anyhow!("{place}{}: there is no API {identifier}", change.unit);
            }
        }
    }
    anyhow!("{place}{}: {}", change.unit, refused.message)
}

/// The APIs that a client grant or permissions of a role name.
fn apis_named(operation: &Value) -> BTreeSet<&str> {
    let body = &operation["body"];
    let permissions = body["permissions"].as_array().into_iter().flatten();
    let held = permissions.map(|permission| &permission["resource_server_identifier"]);
    std::iter::once(&body["audience"]).chain(held).filter_map(Value::as_str).collect()
}

/// Data to stdout, talk to stderr.
pub(super) fn show(plan: &Plan, out: &mut Output) -> Result<()> {
    if out.json {
        out.value(&as_json(plan))?;
    } else {
        for line in deploy::show(plan, out) {
            out.line(&line)?;
        }
    }
    for note in &plan.diff.notes {
        out.say(&format!("{note}."));
    }
    if let Some(line) = deploy::kept_line(&plan.diff.kept) {
        out.say(&line);
    }
    if !plan.hidden_effects.is_empty() {
        out.say(&format!(
            "Some effects are not shown: that takes the scopes {}.",
            plan.hidden_effects.join(" ")
        ));
    }
    if !plan.unhandled.is_empty() {
        let lines: Vec<_> =
            plan.unhandled.iter().map(|line| format!("{line}; leave it out with --exclude")).collect();
        match out.json {
            true => out.error("unhandled", &lines.join("\n")),
            false => lines.iter().for_each(|line| out.error("unhandled", line)),
        }
    }
    Ok(())
}
