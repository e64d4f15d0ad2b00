//! `/user-blocks` and `/anomaly/blocks/ips`: names and addresses that have to wait after wrong passwords. Each node counts
//! for itself, so this is what the node that answers knows.

use std::net::IpAddr;

use chancery_core::model::User;
use chancery_core::problem::{Missing, Problem};
use serde_json::{Value, json};

use super::users;
use crate::call::{Answer, Call};
use crate::ops::Table;

pub(super) fn bind(table: &mut Table) {
    table.bind("GET /user-blocks", of_identifier);
    table.bind("DELETE /user-blocks", unblock_identifier);
    table.bind("GET /user-blocks/{id}", of_user);
    table.bind("DELETE /user-blocks/{id}", unblock_user);
    table.bind("GET /anomaly/blocks/ips/{id}", of_address);
    table.bind("DELETE /anomaly/blocks/ips/{id}", unblock_address);
}

fn shown(call: &Call, identifiers: &[String]) -> Value {
    let blocked = identifiers.iter().flat_map(|identifier| {
        let from = call.ctx.blocked_from(identifier);
        from.into_iter().map(move |ip| json!({"identifier": identifier, "ip": ip}))
    });
    json!({"blocked_for": blocked.collect::<Vec<_>>()})
}

fn identifier(call: &Call) -> String {
    call.query.text("identifier").unwrap_or_default().to_owned()
}

/// What a user may type as their name.
fn identifiers(user: &User) -> Vec<String> {
    [&user.email, &user.username, &user.phone_number].into_iter().flatten().cloned().collect()
}

async fn of_identifier(call: Call) -> Result<Answer, Problem> {
    Ok(Answer::ok(shown(&call, &[identifier(&call)])))
}

async fn unblock_identifier(call: Call) -> Result<Answer, Problem> {
    call.ctx.unblock(&identifier(&call));
    Ok(Answer::no_content())
}

async fn of_user(call: Call) -> Result<Answer, Problem> {
    let user = users::load(&call, "id").await?;
    Ok(Answer::ok(shown(&call, &identifiers(&user))))
}

async fn unblock_user(call: Call) -> Result<Answer, Problem> {
    let user = users::load(&call, "id").await?;
    for identifier in identifiers(&user) {
        call.ctx.unblock(&identifier);
    }
    Ok(Answer::no_content())
}

const NOT_BLOCKED: Missing = Missing { message: "Not Found", code: None };

fn address(call: &Call) -> Result<IpAddr, Problem> {
    let text = call.at("id");
    text.parse().map_err(|_| {
        let shown: String = text.chars().take(60).collect();
        Problem::Path(format!("'Object didn't pass validation for format ip: {shown}' on property id."))
    })
}

async fn of_address(call: Call) -> Result<Answer, Problem> {
    match call.ctx.is_address_blocked(address(&call)?) {
        true => Ok(Answer::ok(json!({}))),
        false => Err(Problem::NotFound(NOT_BLOCKED)),
    }
}

async fn unblock_address(call: Call) -> Result<Answer, Problem> {
    call.ctx.unblock_address(address(&call)?);
    Ok(Answer::no_content())
}
