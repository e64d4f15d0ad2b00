//! `GET /explain/tokens/{id}`: why a token that was asked for earlier has the scopes it has. One id leads to the log event
//! that kept the decision: that of the event, of the request (`x-request-id`), or of the token (`jti`), which are the same.

use chancery_core::explanation::tell_past;
use chancery_core::ids;
use chancery_core::problem::{Missing, Problem};

use crate::call::{Answer, Call, missing, print, stored};

pub(super) async fn explain_token(call: Call) -> Result<Answer, Problem> {
    // What was decided just now should be there.
    call.ctx.app.logs.flush().await.map_err(stored)?;
    let id = call.at("id");
    let found = call.store().log(call.tenant(), id).await.map_err(stored)?;
    let Some(event) = found else { return Err(Problem::NotFound(why_not(&call, id))) };
    let told = tell_past(&event).ok_or(Problem::NotFound(NO_TOKEN))?;
    let mut value = print(&told)?;
    value["log_id"] = event.log_id.into();
    value["date"] = event.date.into();
    value["type"] = event.kind.into();
    Ok(Answer::ok(value))
}

/// Ids begin with their time, so it can be said whether an event was there once.
fn why_not(call: &Call, id: &str) -> Missing {
    let kept_from = call.ctx.now_ms - call.ctx.app.config.log_retention.saturating_mul(1000);
    match ids::time_of(id) {
        Some(at) if (FIRST_MS..kept_from).contains(&at) => EXPIRED,
        _ => UNKNOWN,
    }
}

/// What looks like an id of before this is none of ours: 2025.
const FIRST_MS: i64 = 1_735_689_600_000;

const EXPIRED: Missing = missing(
    "The log event that kept the decision is no longer there: log_retention_days of the server says how long events are kept",
    "log_expired",
);
const UNKNOWN: Missing = missing(
    "No token was asked for under this id. It is the x-request-id of the answer, the log_id of the event, or the jti of the token",
    "inexistent_token",
);
const NO_TOKEN: Missing = missing("The log event with this id is not about a token", "no_token_event");
