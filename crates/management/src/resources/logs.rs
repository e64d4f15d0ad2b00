//! `/logs`: what happened in the tenant (fact sheet 12).

use chancery_core::problem::{Missing, Problem};
use chancery_core::records::LogEvent;
use serde_json::{Value, json};

use super::log_search::Search;
use crate::call::{Answer, Call, missing, print, stored};
use crate::ops::Table;
use crate::page::{Page, Slice, chosen};

pub(super) fn bind(table: &mut Table) {
    table.bind("GET /logs", list);
    table.bind("GET /logs/{id}", show);
    table.bind("GET /users/{id}/logs", of_user);
}

const MISSING: Missing = missing("The log event does not exist.", "inexistent_log");

pub(super) fn shown(event: &LogEvent) -> Result<Value, Problem> {
    let mut value = print(event)?;
    value["_id"] = event.log_id.as_str().into();
    // Readers find these members whether they mean anything for the event or not.
    for name in ["description", "user_agent", "user_id", "user_name", "client_name"] {
        if value.get(name).is_none() {
            value[name] = "".into();
        }
    }
    // Calls of this API have no connection; whatever else happens has one, if only an empty one.
    if value.get("connection_id").is_none() && event.kind != "sapi" {
        value["connection_id"] = "".into();
    }
    for name in NULLS {
        if value.get(name).is_none() {
            value[name] = Value::Null;
        }
    }
    value["isMobile"] = Value::Bool(false);
    Ok(value)
}

/// Members that are there even where there is nothing to say.
const NULLS: [&str; 13] = [
    "connection",
    "connection_id",
    "organization_id",
    "organization_name",
    "client_id",
    "ip",
    "hostname",
    "details",
    "audience",
    "scope",
    "strategy",
    "strategy_type",
    "location_info",
];

fn all_shown(call: &Call, events: &[LogEvent]) -> Result<Vec<Value>, Problem> {
    events.iter().map(|event| Ok(chosen(shown(event)?, &call.query, &[]))).collect()
}

/// `from` and `take` walk forward from an event; `page` and `per_page` backward from now, over the last thousand.
async fn list(call: Call) -> Result<Answer, Problem> {
    let (tenant, store) = (call.tenant(), call.store());
    // What was written just now should be there.
    call.ctx.app.logs.flush().await.map_err(stored)?;
    if call.query.has_any(&["from", "take"]) {
        let take = call.query.int("take").unwrap_or(50).clamp(1, 100);
        let from = call.query.text("from").unwrap_or_default();
        let events = store.logs_after(tenant, from, take).await.map_err(stored)?;
        let mut answer = Answer::ok(Value::Array(all_shown(&call, &events)?));
        answer.link = events.last().map(|last| {
            format!("<{}/api/v2/logs?from={}&take={take}>; rel=\"next\"", call.origin().base, last.log_id)
        });
        return Ok(answer);
    }
    let page = Page::offset(&call.query)?;
    let Page::Offset { start, limit, .. } = page else { return Err(Problem::Internal) };
    let search = Search::of(&call)?;
    let (events, total) = if search.is_plain() {
        let events = store.logs_page(tenant, start, limit).await.map_err(stored)?;
        (events, store.logs_count(tenant).await.map_err(stored)?)
    } else {
        search.run(&call, start, limit).await?
    };
    let items = all_shown(&call, &events)?;
    let length = items.len();
    let mut body = page.body("logs", Slice { items, total, next: None });
    if body.is_object() {
        body["length"] = json!(length);
    }
    Ok(Answer::ok(body))
}

async fn show(call: Call) -> Result<Answer, Problem> {
    let found = call.store().log(call.tenant(), call.at("id")).await.map_err(stored)?;
    Ok(Answer::ok(shown(&found.ok_or(Problem::NotFound(MISSING))?)?))
}

async fn of_user(call: Call) -> Result<Answer, Problem> {
    call.ctx.app.logs.flush().await.map_err(stored)?;
    let page = Page::offset(&call.query)?;
    let Page::Offset { start, limit, .. } = page else { return Err(Problem::Internal) };
    let found =
        call.store().logs_of_user(call.tenant(), call.at("id"), start, limit).await.map_err(stored)?;
    let items = all_shown(&call, &found)?;
    let total = start.saturating_add(i64::try_from(items.len()).unwrap_or(0));
    Ok(Answer::ok(page.body("logs", Slice { items, total, next: None })))
}
