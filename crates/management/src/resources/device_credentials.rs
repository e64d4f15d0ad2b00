//! `/device-credentials`: the refresh tokens of a user under the name they had before `/refresh-tokens`. Public keys of
//! devices are not kept: nothing accepts them.

use chancery_core::iso::format_ms;
use chancery_core::problem::Problem;
use chancery_core::records::RefreshRecord;
use serde_json::{Value, json};

use super::sessions::ended;
use crate::call::{Answer, Call, stored};
use crate::ops::Table;
use crate::page::{Page, chosen};

pub(super) fn bind(table: &mut Table) {
    table.bind("GET /device-credentials", list);
    table.bind("DELETE /device-credentials/{id}", delete);
}

fn kind(token: &RefreshRecord) -> &'static str {
    if token.rotating { "rotating_refresh_token" } else { "refresh_token" }
}

fn shown(token: &RefreshRecord) -> Value {
    let at = |seconds: i64| format_ms(seconds.saturating_mul(1000));
    json!({
        "id": token.id,
        "device_name": token.initial_user_agent.clone().unwrap_or_default(),
        "type": kind(token),
        "user_id": token.authorization.user_id,
        "client_id": token.authorization.client_id,
        "last_used": token.last_exchanged_at.map(at),
    })
}

async fn list(call: Call) -> Result<Answer, Problem> {
    let user_id = call.query.text("user_id").unwrap_or_default();
    let mut found = match user_id {
        "" => Vec::new(),
        user_id => {
            let client_id = call.query.text("client_id");
            let now = call.ctx.now();
            call.store().refresh_tokens_of(call.tenant(), user_id, client_id, now).await.map_err(stored)?
        }
    };
    found.retain(|token| call.query.text("type").is_none_or(|wanted| wanted == kind(token)));
    let page = Page::offset(&call.query)?;
    let slice = page.cut(found, |token| token.id.clone(), |token| shown(&token));
    let mut body = page.body("device_credentials", slice);
    match body.get_mut("device_credentials") {
        Some(items) => *items = chosen(items.take(), &call.query, &[]),
        None => body = chosen(body, &call.query, &[]),
    }
    Ok(Answer::ok(body))
}

async fn delete(call: Call) -> Result<Answer, Problem> {
    let found = call.store().refresh_token_by_id(call.tenant(), call.at("id")).await.map_err(stored)?;
    let Some(found) = found else { return Ok(Answer::no_content()) };
    let is_own = call.caller.user_id.as_ref() == Some(&found.authorization.user_id);
    if !call.caller.has("delete:device_credentials") && !is_own {
        return Err(Problem::InsufficientScope(vec!["delete:device_credentials"]));
    }
    call.store().commit(ended(&call, &found)).await.map_err(stored)?;
    Ok(Answer::no_content())
}
