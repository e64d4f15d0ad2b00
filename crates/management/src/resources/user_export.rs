//! `/jobs/users-exports`: the users of a tenant as a file. The file is not kept anywhere: it is written while it is fetched,
//! in pages, so that it costs no memory whatever its size. Its address holds a secret that is good as long as the job is.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::extract::{RawPathParams, RawQuery};
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use chancery_core::model::User;
use chancery_core::problem::Problem;
use chancery_store::Kind;
use chancery_web::{App, Ctx};
use http_body::Frame;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use super::jobs::{MISSING, begin};
use super::users;
use crate::call::{Answer, Call, internal, stored};
use crate::ops::Table;
use crate::query::Query;

pub(super) fn bind(table: &mut Table) {
    table.bind("POST /jobs/users-exports", export);
}

/// Where the sealed secret of the file's address lies in the job; never shown.
pub(super) const SEALED: &str = "sealed";

async fn export(call: Call) -> Result<Answer, Problem> {
    let mut job = json!({"type": "users_export", "format": "json"});
    if let Some(id) = call.body.get("connection_id").and_then(Value::as_str) {
        let connection = call.snapshot().connection(id);
        let connection = connection.ok_or_else(|| Problem::refused("Connection does not exist."))?;
        job["connection_id"] = id.into();
        job["connection"] = connection.name.as_str().into();
    }
    for name in ["format", "limit", "fields"] {
        if let Some(value) = call.body.get(name).filter(|value| !value.is_null()) {
            job[name] = value.clone();
        }
    }
    let secret = chancery_core::ids::url_safe(&*call.ctx.app.rng, 43);
    let begun = begin(&call, job).await?;
    let id = begun.get("id").and_then(Value::as_str).unwrap_or_default();
    let mut done = begun.clone();
    done["status"] = "completed".into();
    let sealed = call.store().seal_setting(call.tenant(), Kind::Connection, id, &secret).map_err(internal)?;
    done[SEALED] = sealed.into();
    call.store().finish_job(call.tenant(), id, &done.to_string(), None).await.map_err(stored)?;
    Ok(Answer::ok(begun))
}

/// The job as the wire shows it: with the address of the file.
pub(super) fn shown(call: &Call, mut job: Value) -> Result<Value, Problem> {
    let sealed = job.as_object_mut().and_then(|members| members.shift_remove(SEALED));
    let Some(sealed) = sealed.as_ref().and_then(Value::as_str) else { return Ok(job) };
    let id = job.get("id").and_then(Value::as_str).unwrap_or_default();
    let secret = call.store().open_setting(call.tenant(), Kind::Connection, id, sealed).map_err(internal)?;
    let location = format!("{}/api/v2/jobs/{id}/export?ticket={}", call.origin().base, secret.as_str());
    job["location"] = location.into();
    Ok(job)
}

/// The file. No token is asked for, since whoever fetches it is often a program without one: the address is the secret.
pub(crate) async fn download(ctx: Ctx, path: RawPathParams, RawQuery(query): RawQuery) -> Response {
    let id = path.iter().next().map(|(_, id)| id.to_owned()).unwrap_or_default();
    let query = Query::parse(query.as_deref());
    match file(&ctx, &id, query.text("ticket").unwrap_or_default()).await {
        Ok(response) => response,
        Err(problem) => {
            let status = StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            chancery_web::json(status, &problem.body())
        }
    }
}

async fn file(ctx: &Ctx, id: &str, ticket: &str) -> Result<Response, Problem> {
    let (tenant, store) = (&ctx.tenant.tenant, &ctx.app.store);
    let found = store.job(tenant, id).await.map_err(stored)?;
    let (doc, _) = found.ok_or(Problem::NotFound(MISSING))?;
    let job: Value = serde_json::from_str(&doc).map_err(internal)?;
    let sealed = job.get(SEALED).and_then(Value::as_str).ok_or(Problem::NotFound(MISSING))?;
    let secret = store.open_setting(tenant, Kind::Connection, id, sealed).map_err(internal)?;
    if !chancery_jose::constant_time_eq(secret.as_bytes(), ticket.as_bytes()) {
        return Err(Problem::NotFound(MISSING));
    }
    let plan = Plan::of(&job);
    let (kind, name) = match plan.csv {
        true => ("text/csv; charset=utf-8", "users.csv"),
        false => ("application/x-ndjson", "users.ndjson"),
    };
    let (sender, receiver) = mpsc::channel(2);
    tokio::spawn(write(Arc::clone(&ctx.app), tenant.clone(), plan, sender));
    let mut response = Body::new(Pages(receiver)).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(value) = HeaderValue::try_from(format!("attachment; filename=\"{name}\"")) {
        headers.insert(CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

/// What goes into the file.
struct Plan {
    connection: Option<String>,
    csv: bool,
    limit: usize,
    /// Where a value is found in a user, and its name in the file; empty is the whole user.
    fields: Vec<(String, String)>,
}

/// Columns of CSV unless the job says which.
const COLUMNS: [&str; 8] =
    ["user_id", "email", "email_verified", "username", "name", "created_at", "last_login", "logins_count"];

impl Plan {
    fn of(job: &Value) -> Self {
        let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let csv = text(job, "format").as_deref() == Some("csv");
        let listed = job.get("fields").and_then(Value::as_array).into_iter().flatten();
        let mut fields: Vec<(String, String)> = listed
            .filter_map(|field| {
                let name = text(field, "name")?;
                Some((name.clone(), text(field, "export_as").unwrap_or(name)))
            })
            .collect();
        if csv && fields.is_empty() {
            fields = COLUMNS.iter().map(|name| ((*name).to_owned(), (*name).to_owned())).collect();
        }
        let limit = job.get("limit").and_then(Value::as_u64).and_then(|limit| usize::try_from(limit).ok());
        Self { connection: text(job, "connection"), csv, limit: limit.unwrap_or(usize::MAX), fields }
    }

    fn head(&self) -> String {
        let names: Vec<String> = self.fields.iter().map(|(_, name)| quoted(name)).collect();
        if self.csv { format!("{}\r\n", names.join(",")) } else { String::new() }
    }

    fn line(&self, user: &User) -> String {
        let whole = users::shown(user).unwrap_or_default();
        if self.csv {
            let cells: Vec<String> = self.fields.iter().map(|(path, _)| cell(at(&whole, path))).collect();
            return format!("{}\r\n", cells.join(","));
        }
        if self.fields.is_empty() {
            return format!("{whole}\n");
        }
        let found =
            self.fields.iter().filter_map(|(path, name)| Some((name.clone(), at(&whole, path)?.clone())));
        format!("{}\n", Value::Object(found.collect::<Map<_, _>>()))
    }
}

/// `identities[0].connection`, `user_metadata.plan`.
fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, step| {
        let (name, places) = step.split_once('[').map_or((step, ""), |(name, rest)| (name, rest));
        let value = value.get(name)?;
        places
            .split('[')
            .filter(|place| !place.is_empty())
            .try_fold(value, |value, place| value.get(place.strip_suffix(']')?.parse::<usize>().ok()?))
    })
}

/// RFC 4180. A spreadsheet takes a text that begins like a formula for one, so such a text gets an apostrophe.
fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) if text.starts_with(['=', '+', '-', '@', '\t', '\r']) => {
            quoted(&format!("'{text}"))
        }
        Some(Value::String(text)) => quoted(text),
        Some(other) => quoted(&other.to_string()),
    }
}

fn quoted(text: &str) -> String {
    if text.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// Users read at once.
const PAGE: i64 = 500;

/// Reads page after page, as fast as they are fetched. Ends when nobody fetches any more.
async fn write(app: Arc<App>, tenant: String, plan: Plan, sender: mpsc::Sender<Result<Bytes, Cut>>) {
    if sender.send(Ok(plan.head().into())).await.is_err() {
        return;
    }
    let (mut after, mut left) = (String::new(), plan.limit);
    while left > 0 {
        let page = app.store.users_after(&tenant, plan.connection.as_deref(), &after, PAGE).await;
        let page = match page {
            Ok(page) => page,
            Err(error) => {
                tracing::error!("an export of users was cut off: {error}");
                // The connection breaks, so that a part is not taken for the whole.
                let _ = sender.send(Err(Cut)).await;
                return;
            }
        };
        let Some(last) = page.last() else { return };
        after.clone_from(&last.user_id);
        let text: String = page.iter().take(left).map(|user| plan.line(user)).collect();
        left = left.saturating_sub(page.len());
        if sender.send(Ok(text.into())).await.is_err() {
            return;
        }
    }
}

/// The file ends before its end.
#[derive(Debug, thiserror::Error)]
#[error("the export was cut off")]
struct Cut;

/// Pages on their way to whoever fetches them.
struct Pages(mpsc::Receiver<Result<Bytes, Cut>>);

impl http_body::Body for Pages {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        self.0.poll_recv(context).map(|page| page.map(|page| page.map(Frame::data)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_a_user() {
        let user = json!({"email": "a@example.com", "identities": [{"connection": "db"}], "user_metadata": {"a": {"b": 1}}});
        assert_eq!(at(&user, "identities[0].connection"), Some(&json!("db")));
        assert_eq!(at(&user, "user_metadata.a.b"), Some(&json!(1)));
        for nowhere in ["identities[1].connection", "identities[x]", "nobody", "email.x", "identities[0"] {
            assert_eq!(at(&user, nowhere), None, "{nowhere}");
        }
    }

    #[test]
    fn cells() {
        assert_eq!(cell(Some(&json!("a,\"b\""))), "\"a,\"\"b\"\"\"");
        assert_eq!(cell(Some(&json!("=1+1"))), "'=1+1");
        assert_eq!(cell(Some(&json!(true))), "true");
        assert_eq!(cell(None), "");
    }
}
