//! Many operations in one go: all of them, or none. `POST /api/chancery/v1/plan` says what would come of them,
//! `POST /api/chancery/v1/apply` makes them so. Ours alone: the wire has nothing like it.
//!
//! Each operation takes the way it takes alone (scopes, shape, handler), but writes to a stage; the next one sees what was
//! written there. At the end everything is one batch, guarded by the revision that the caller has seen.

mod answers;
mod effects;
mod operation;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use chancery_core::problem::Problem;
use chancery_store::{Error, Snapshot, Staged};
use chancery_web::{Allowance, App, Ctx, Sent, ServerConfig, json, read_any_json};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use self::answers::Answers;
use self::operation::{Asked, Wanted};
use crate::call::{Answer, Call, Caller, Part, internal, stored};
use crate::dispatch::{
    admitted, challenge, charge, check_head, checked_body, may, refuse, say, unreadable, write_event,
};
use crate::ops::{Operation, table};
use crate::query::Query;

/// The largest set of changes, in bytes: larger than other bodies, since it carries pages and mails.
const LARGEST: usize = 16 << 20;
/// The most operations of a set.
const MOST: usize = 5000;

pub(crate) fn add_routes(router: Router<Arc<App>>) -> Router<Arc<App>> {
    router
        .route("/api/chancery/v1/plan", post(|ctx, request| serve(ctx, request, false)))
        .route("/api/chancery/v1/apply", post(|ctx, request| serve(ctx, request, true)))
}

async fn serve(ctx: Ctx, request: Request, is_meant: bool) -> Response {
    let mut allowance = None;
    let asked = ctx.clone();
    let mut response = match Box::pin(run(ctx, request, is_meant, &mut allowance)).await {
        Ok(body) => json(StatusCode::OK, &body),
        Err(failed) => failed.into_response(),
    };
    challenge(&asked, &mut response);
    if let Some(allowance) = allowance {
        say(&mut response, allowance);
    }
    response
}

/// Why a set was refused, and which of its operations was the reason.
struct Failed {
    problem: Problem,
    operation: Option<usize>,
}

impl From<Problem> for Failed {
    fn from(problem: Problem) -> Self {
        Self { problem, operation: None }
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let Some(index) = self.operation else { return refuse(&self.problem) };
        let mut body = serde_json::to_value(self.problem.body()).unwrap_or_default();
        body["operation"] = index.into();
        let status = StatusCode::from_u16(self.problem.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        json(status, &body)
    }
}

async fn run(
    ctx: Ctx,
    request: Request,
    is_meant: bool,
    allowance: &mut Option<Allowance>,
) -> Result<Value, Failed> {
    let (parts, body) = request.into_parts();
    let sent = Sent { method: &parts.method, path: parts.uri.path(), headers: &parts.headers };
    let caller = admitted(&ctx, &sent, allowance).await?;
    let config = ServerConfig { max_body: LARGEST, ..ctx.app.config.clone() };
    let body = read_any_json(&config, &parts.headers, body).await.map_err(|error| unreadable(&error))?;
    let wanted = Wanted::read(body, MOST)?;
    charge(&ctx, &caller, wanted.operations.len().saturating_sub(1), allowance);
    if is_meant && wanted.revision.is_none() {
        return Err(Problem::payload("Missing required property: revision", "").into());
    }
    // What another node wrote is seen too.
    ctx.app.catalog.sync().await.map_err(stored)?;
    let base = ctx.app.catalog.snapshot(&ctx.tenant.tenant).await.map_err(stored)?;
    if let Some(seen) = wanted.revision.filter(|seen| *seen != base.rev) {
        return Err(changed(seen).into());
    }
    let staged = ctx.app.store.staged(&base.tenant);
    let mut set = Set {
        part: Part::new(staged.store().clone(), is_meant),
        staged,
        now: Arc::clone(&base),
        ctx,
        caller,
        sent: BTreeSet::new(),
    };
    let operations = table().operations;
    let mut answers = Answers::default();
    let mut writes = Vec::new();
    for (index, asked) in wanted.operations.into_iter().enumerate() {
        let operation = asked.find(&operations);
        let answer = match operation {
            Ok(operation) => {
                if operation.method != Method::GET {
                    writes.push((operation, index));
                }
                set.perform(operation, asked, &mut answers).await
            }
            Err(problem) => Err(problem),
        };
        let kept = answer.and_then(|answer| answers.push(answer));
        kept.map_err(|problem| Failed { problem, operation: Some(index) })?;
    }
    let answers = answers.into_all();
    let Set { staged, ctx, caller, sent, .. } = set;
    if !is_meant {
        let (effects, hidden) = effects::of(&ctx, &caller, &base, &staged.differences(), &sent).await?;
        // What was read belongs to one revision.
        if ctx.app.store.config_rev(&base.tenant).await.map_err(stored)? != base.rev {
            return Err(changed(base.rev).into());
        }
        let writes: BTreeSet<usize> = writes.into_iter().map(|(_, index)| index).collect();
        // What a plan makes is not there: its ids and secrets are good for nothing.
        let each = answers.into_iter().enumerate();
        let shown: Vec<Value> = each.map(|(index, answer)| shown(answer, !writes.contains(&index))).collect();
        return Ok(json!({
            "revision": base.rev,
            "operations": shown,
            "effects": effects,
            "hidden_effects": hidden,
        }));
    }
    let event =
        |(operation, index): &(&Operation, usize)| write_event(operation, answers[*index].status, &caller);
    let events: Vec<_> = writes.iter().map(event).collect();
    // What was begun is done and noted, whether or not anybody still waits for the answer.
    let work = tokio::spawn(async move {
        let rev = commit(staged, base.rev).await?;
        events.into_iter().for_each(|event| ctx.log(event));
        ctx.app.catalog.sync().await.map_err(stored)?;
        Ok::<_, Problem>(rev)
    });
    let rev = work.await.map_err(internal)??;
    let shown: Vec<Value> = answers.into_iter().map(|answer| shown(answer, true)).collect();
    Ok(json!({"revision": rev, "operations": shown}))
}

fn shown(answer: Answer, with_body: bool) -> Value {
    match answer.body.filter(|_| with_body) {
        Some(body) => json!({"status": answer.status.as_u16(), "body": body}),
        None => json!({"status": answer.status.as_u16()}),
    }
}

async fn commit(staged: Staged, seen: i64) -> Result<i64, Problem> {
    staged.commit(seen).await.map_err(|error| match error {
        Error::Guard => changed(seen),
        Error::Conflict => Problem::conflict("Two of these changes want the same name at the same time."),
        other => stored(other),
    })
}

fn changed(seen: i64) -> Problem {
    Problem::ConflictAs(
        "configuration_changed",
        format!("The configuration was changed by somebody else after revision {seen}. Nothing was done.")
            .into(),
    )
}

/// A set of changes on its way.
struct Set {
    ctx: Ctx,
    caller: Caller,
    staged: Staged,
    part: Part,
    /// The configuration with everything so far.
    now: Arc<Snapshot>,
    /// What the paths call things by.
    sent: BTreeSet<String>,
}

impl Set {
    /// One operation, as [`dispatch`](crate::dispatch) does it.
    async fn perform(
        &mut self,
        operation: &Operation,
        asked: Asked,
        before: &mut Answers,
    ) -> Result<Answer, Problem> {
        may(operation, &self.caller)?;
        if !operation::may_be_staged(operation) {
            return Err(Problem::refused(format!(
                "{} {} cannot be part of a set of changes.",
                operation.method, operation.path
            )));
        }
        asked.check()?;
        let Asked { path, query, body, .. } = asked;
        let path = operation::path(operation, path, before)?;
        let query = Query::parse(query.as_deref());
        check_head(operation, &path, &query)?;
        self.sent.extend(path.iter().map(|(_, value)| value.clone()));
        let body = match (operation.body(), body) {
            (Some(shape), body) => checked_body(shape, before.resolved(body)?)?,
            (None, Value::Null) => Value::Null,
            (None, _) => return Err(Problem::payload("The operation takes no body", "body")),
        };
        let ctx = Ctx { tenant: Arc::clone(&self.now), ..self.ctx.clone() };
        let staged = Some(self.part.clone());
        let call = Call { ctx, caller: self.caller.clone(), path, query, body, wants_csv: false, staged };
        let handler = operation.handler.as_ref().ok_or(Problem::NotBuilt)?;
        let answer = match handler(call).await {
            // Whoever reads a whole tenant asks for what may not be there.
            Err(Problem::NotFound(_)) if operation.method == Method::GET => {
                Answer::new(StatusCode::NOT_FOUND, None)
            }
            other => other?,
        };
        self.now = self.staged.snapshot(&self.now).map_err(stored)?;
        Ok(answer)
    }
}

/// Numbers and first names by what they count, for [`effects`].
type Counts = BTreeMap<&'static str, Value>;
