//! `/jobs`: imports and exports of users, and mails that prove an address. A job goes on when its request is answered; what became of
//! it is kept for a day.

use std::convert::Infallible;
use std::time::Duration;

use axum::http::StatusCode;
use chancery_core::ids;
use chancery_core::iso::format_ms;
use chancery_core::problem::{Missing, Problem};
use serde_json::{Value, json};

use super::user_import::Import;
use super::users;
use crate::call::{Answer, Call, missing, read_stored, stored};
use crate::ops::Table;

pub(super) fn bind(table: &mut Table) {
    table.bind("GET /jobs/{id}", show);
    table.bind("GET /jobs/{id}/errors", errors);
    table.bind("POST /jobs/users-imports", import);
    table.bind("POST /jobs/verification-email", verification);
}

pub(super) const MISSING: Missing = missing("The job does not exist.", "inexistent_job");
/// How long the answer waits for a job that is short.
const A_MOMENT: Duration = Duration::from_millis(250);
/// How long it is kept, in seconds.
const KEPT: i64 = 86_400;
/// When the node that works on it last said so, in milliseconds; never shown.
const ALIVE: &str = "alive_ms";
/// How often it says so.
const BEAT: Duration = Duration::from_secs(10);
/// With six of them missing the node is gone, and the work with it. In milliseconds.
const GONE: i64 = 60_000;

async fn load(call: &Call) -> Result<(Value, Option<String>), Problem> {
    let found = call.store().job(call.tenant(), call.at("id")).await.map_err(stored)?;
    let (doc, errors) = found.ok_or(Problem::NotFound(MISSING))?;
    Ok((read_stored(&doc)?, errors))
}

async fn show(call: Call) -> Result<Answer, Problem> {
    let mut job = load(&call).await?.0;
    let alive =
        job.as_object_mut().and_then(|members| members.shift_remove(ALIVE)).and_then(|at| at.as_i64());
    let silence = alive.map_or(0, |at| call.ctx.now_ms.saturating_sub(at));
    if job.get("status") == Some(&Value::from("pending")) && silence > GONE {
        job["status"] = "failed".into();
    }
    Ok(Answer::ok(super::user_export::shown(&call, job)?))
}

async fn errors(call: Call) -> Result<Answer, Problem> {
    match load(&call).await?.1 {
        Some(errors) => Ok(Answer::ok(read_stored(&errors)?)),
        None => Ok(Answer::no_content()),
    }
}

/// A new job, waiting.
pub(super) async fn begin(call: &Call, mut job: Value) -> Result<Value, Problem> {
    let id = ids::prefixed(&*call.ctx.app.rng, "job_");
    job["status"] = "pending".into();
    job["created_at"] = format_ms(call.ctx.now_ms).into();
    job["id"] = id.as_str().into();
    let ends_at = call.ctx.now().saturating_add(KEPT);
    call.store().insert_job(call.tenant(), &id, &job.to_string(), ends_at).await.map_err(stored)?;
    Ok(job)
}

async fn verification(call: Call) -> Result<Answer, Problem> {
    let id = call.body.get("user_id").and_then(Value::as_str).unwrap_or_default();
    let user = call.store().user(call.tenant(), id).await.map_err(stored)?;
    let user = user.ok_or(Problem::NotFound(users::MISSING))?;
    let Some(email) = user.email.as_deref() else {
        return Err(Problem::refused("The user has no email address."));
    };
    if !call.ctx.may_mail(email) {
        return Err(Problem::TooManyMails);
    }
    let job = begin(&call, json!({"type": "verification_email"})).await?;
    let mut done = job.clone();
    done["status"] = match call.ctx.mail_verification_again(&user).await {
        Ok(()) => "completed".into(),
        Err(_) => "failed".into(),
    };
    let id = job.get("id").and_then(Value::as_str).unwrap_or_default();
    call.store().finish_job(call.tenant(), id, &done.to_string(), None).await.map_err(stored)?;
    Ok(Answer::created(job))
}

/// Says again and again that somebody works on this job.
async fn beat(call: &Call, mut job: Value) -> Infallible {
    let id = job.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    loop {
        tokio::time::sleep(BEAT).await;
        job[ALIVE] = call.ctx.app.clock.now_ms().into();
        // The next one may succeed.
        if let Err(error) = call.store().finish_job(call.tenant(), &id, &job.to_string(), None).await {
            tracing::warn!(job = id, "it could not be written down that an import goes on: {error}");
        }
    }
}

async fn import(call: Call) -> Result<Answer, Problem> {
    let import = Import::of(&call)?;
    let mut job = json!({
        "type": "users_import",
        "status": "pending",
        "connection_id": import.connection.id,
        "connection": import.connection.name,
    });
    if let Some(external) =
        call.body.get("external_id").and_then(Value::as_str).filter(|text| !text.is_empty())
    {
        job["external_id"] = external.into();
    }
    job[ALIVE] = call.ctx.now_ms.into();
    let mut job = begin(&call, job).await?;
    let begun = job.clone();
    if let Some(members) = job.as_object_mut() {
        members.shift_remove(ALIVE);
    }
    // The answer says that it has begun; whoever wants to know how it ended asks again.
    let work = tokio::spawn(async move {
        let (summary, errors) = tokio::select! {
            done = import.run(&call) => done,
            never = beat(&call, begun.clone()) => match never {},
        };
        let mut done = begun;
        done["status"] = "completed".into();
        done["summary"] = summary;
        let id = done.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let errors = (!errors.is_empty()).then(|| Value::Array(errors).to_string());
        let done = done.to_string();
        let finished = call.store().finish_job(call.tenant(), &id, &done, errors.as_deref()).await;
        if let Err(error) = finished {
            tracing::error!(job = id, "an import is done, but that could not be written down: {error}");
        }
    });
    // Of a few users there is something to tell by the time that somebody asks.
    let _ = tokio::time::timeout(A_MOMENT, work).await;
    Ok(Answer::new(StatusCode::ACCEPTED, Some(job)))
}
