//! `chancery apply`: the plan, a question, and one request that does everything or nothing.

use std::process::ExitCode;

use anyhow::Result;
use serde_json::{Value, json};

use super::Environment;
use super::plan::{Prepared, prepare, readable, show};
use crate::cli::ApplyArgs;
use crate::deploy::{Action, Planned, as_json};
use crate::output::Output;
use crate::terminal;

pub(super) async fn run(args: ApplyArgs, environment: &Environment, out: &mut Output) -> Result<ExitCode> {
    let Prepared { sets, plan, operations, of } = prepare(args.files, environment, out).await?;
    if !plan.unhandled.is_empty() {
        show(&plan, out)?;
        return Ok(ExitCode::FAILURE);
    }
    if !out.json {
        show(&plan, out)?;
    }
    if plan.diff.changes.is_empty() {
        if out.json {
            out.value(&json!({"plan": as_json(&plan), "revision": plan.revision, "created": []}))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    if !args.yes && !terminal::is_agreed("Make it so?", out)? {
        return Ok(ExitCode::FAILURE);
    }
    let planned = Planned { operations: operations.clone(), of };
    let answers = sets.apply(plan.revision, operations).await;
    let answers = match answers {
        Ok(answers) => answers,
        Err(error) => return Err(readable(error, &plan.diff.changes, &planned, &sets).await),
    };
    // What was made, with the ids and secrets that only its creation shows.
    let mut created: Vec<Value> = Vec::new();
    let mut last = None;
    for (answer, index) in answers.operations.iter().zip(&planned.of) {
        // What belongs to it is made after it.
        if last.replace(index) == Some(index) {
            continue;
        }
        let change = &plan.diff.changes[*index];
        let body = &answer["body"];
        let member = if change.unit.of.part() == "clients" { "client_id" } else { "id" };
        let id = body[member].as_str();
        if change.action == Action::Create && id.is_some() {
            created.push(json!({"type": change.unit.of.part(), "name": change.unit.name, "answer": body}));
            if !out.json && created.len() <= SHOWN {
                out.say(&format!("{} has the id {}.", change.unit, id.unwrap_or_default()));
            }
        }
    }
    if out.json {
        let whole = json!({"plan": as_json(&plan), "revision": answers.revision, "created": created});
        out.value(&whole)?;
    } else {
        out.say(&format!("Done: the configuration has the revision {}.", answers.revision));
    }
    Ok(ExitCode::SUCCESS)
}

/// Ids that a person reads; `--json` has all of them.
const SHOWN: usize = 20;
