//! `/stats`: how many sign in, as long as the log knows.

use chancery_core::iso::{format_ms, parse_ms};
use chancery_core::problem::Problem;
use serde_json::{Value, json};

use crate::call::{Answer, Call, stored};
use crate::ops::Table;

pub(super) fn bind(table: &mut Table) {
    table.bind("GET /stats/active-users", active_users);
    table.bind("GET /stats/daily", daily);
}

/// What the wire has no operation for.
pub(super) fn bind_own(table: &mut Table) {
    table.bind("GET /stats/tokens", tokens);
}

/// A day in milliseconds.
const DAY: i64 = 86_400_000;
/// How far back one looks who says nothing else.
const A_WHILE: i64 = 30 * DAY;

async fn active_users(call: Call) -> Result<Answer, Problem> {
    let since = call.ctx.now_ms.saturating_sub(A_WHILE);
    let count = call.store().users_active_since(call.tenant(), since).await.map_err(stored)?;
    Ok(Answer::ok(count.into()))
}

/// Days on which nobody signed in or up are left out.
async fn daily(call: Call) -> Result<Answer, Problem> {
    let to = day(&call, "to")?.unwrap_or(call.ctx.now_ms.div_euclid(DAY) * DAY);
    let from = day(&call, "from")?.unwrap_or(to.saturating_sub(A_WHILE - DAY));
    if from > to {
        return Err(Problem::query("The range ends before it begins", "to"));
    }
    // What was written just now should be counted.
    call.ctx.app.logs.flush().await.map_err(stored)?;
    let days = call.store().daily(call.tenant(), from, to.saturating_add(DAY)).await.map_err(stored)?;
    let shown = days.into_iter().map(|(day, found)| {
        json!({
            "date": format_ms(day.saturating_mul(DAY)),
            "logins": found.logins,
            "signups": found.signups,
            "leaked_passwords": 0,
            "created_at": format_ms(found.first_ms),
            "updated_at": format_ms(found.last_ms),
        })
    });
    Ok(Answer::ok(Value::Array(shown.collect())))
}

/// The most days that are counted at once.
const MOST_DAYS: i64 = 31;

/// Access tokens issued on each day, the last two weeks where nobody says otherwise (D117). A day without a number has more
/// events than are counted.
async fn tokens(call: Call) -> Result<Answer, Problem> {
    let to = day(&call, "to")?.unwrap_or(call.ctx.now_ms).div_euclid(DAY);
    let from = day(&call, "from")?.map_or(to.saturating_sub(13), |from| from.div_euclid(DAY));
    if from > to {
        return Err(Problem::query("The range ends before it begins", "to"));
    }
    if to - from >= MOST_DAYS {
        return Err(Problem::query("The range is longer than 31 days", "from"));
    }
    call.ctx.app.logs.flush().await.map_err(stored)?;
    let days =
        call.store().tokens_per_day(call.tenant(), from..=to, call.ctx.now_ms).await.map_err(stored)?;
    let shown = days.into_iter().map(|(day, tokens)| {
        let mut value = json!({"date": format_ms(day.saturating_mul(DAY))[..10]});
        if let Some(tokens) = tokens {
            value["tokens"] = tokens.into();
        }
        value
    });
    Ok(Answer::ok(json!({"days": Value::Array(shown.collect())})))
}

/// A parameter as `YYYYMMDD`, in milliseconds.
fn day(call: &Call, name: &str) -> Result<Option<i64>, Problem> {
    let Some(text) = call.query.text(name) else { return Ok(None) };
    let is_plain = text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit());
    let at = if is_plain {
        parse_ms(&format!("{}-{}-{}T00:00:00.000Z", &text[..4], &text[4..6], &text[6..]))
    } else {
        None
    };
    let wrong =
        || Problem::query(&format!("Object didn't pass validation for format YYYYMMDD: {text}"), name);
    at.map(Some).ok_or_else(wrong)
}
