//! `/user-blocks` and `/anomaly/blocks/ips`: names and addresses that are blocked after wrong passwords, on all nodes.

use std::net::IpAddr;

use chancery_core::model::User;
use chancery_core::problem::{Missing, Problem};
use chancery_web::Failure;
use serde_json::{Value, json};

use super::users;
use crate::call::{Answer, Call, internal, stored};
use crate::ops::Table;

pub(super) fn bind(table: &mut Table) {
    table.bind("GET /user-blocks", of_identifier);
    table.bind("DELETE /user-blocks", unblock_identifier);
    table.bind("GET /user-blocks/{id}", of_user);
    table.bind("DELETE /user-blocks/{id}", unblock_user);
    table.bind("GET /anomaly/blocks/ips/{id}", of_address);
    table.bind("DELETE /anomaly/blocks/ips/{id}", unblock_address);
}

async fn shown(call: &Call, identifiers: &[String]) -> Result<Value, Problem> {
    let mut blocked = Vec::new();
    let settings = &call.ctx.tenant.attack_protection.brute_force;
    let asks_for_those_that_hold = call.query.flag("consider_brute_force_enablement") == Some(true);
    if settings.blocks() || !asks_for_those_that_hold {
        for identifier in identifiers {
            for from in call.ctx.blocked_from(identifier).await.map_err(failed)? {
                blocked.push(match from {
                    Some(ip) => json!({"identifier": identifier, "ip": ip}),
                    None => json!({"identifier": identifier}),
                });
            }
        }
    }
    Ok(json!({"blocked_for": blocked}))
}

fn identifier(call: &Call) -> String {
    call.query.text("identifier").unwrap_or_default().to_owned()
}

/// What a user may type as their name.
fn identifiers(user: &User) -> Vec<String> {
    [&user.email, &user.username, &user.phone_number].into_iter().flatten().cloned().collect()
}

async fn of_identifier(call: Call) -> Result<Answer, Problem> {
    Ok(Answer::ok(shown(&call, &[identifier(&call)]).await?))
}

async fn unblock_identifier(call: Call) -> Result<Answer, Problem> {
    call.store().commit(call.ctx.unblock_batch(&identifier(&call))).await.map_err(stored)?;
    Ok(Answer::no_content())
}

async fn of_user(call: Call) -> Result<Answer, Problem> {
    let user = users::load(&call, "id").await?;
    Ok(Answer::ok(shown(&call, &identifiers(&user)).await?))
}

async fn unblock_user(call: Call) -> Result<Answer, Problem> {
    let user = users::load(&call, "id").await?;
    call.store().commit(call.ctx.unblock_user_batch(&user)).await.map_err(stored)?;
    call.ctx.log_unblocked(&user);
    Ok(Answer::no_content())
}

fn failed(failure: Failure) -> Problem {
    match failure.error.status() {
        503 => Problem::Unavailable,
        _ => internal(failure.cause.unwrap_or_default()),
    }
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
    match call.ctx.is_address_blocked(address(&call)?).await.map_err(failed)? {
        true => Ok(Answer::ok(json!({}))),
        false => Err(Problem::NotFound(NOT_BLOCKED)),
    }
}

async fn unblock_address(call: Call) -> Result<Answer, Problem> {
    call.ctx.unblock_address(address(&call)?).await.map_err(failed)?;
    Ok(Answer::no_content())
}
