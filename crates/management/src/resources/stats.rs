//! `/stats`: how many sign in.

use chancery_core::problem::Problem;

use crate::call::{Answer, Call, stored};
use crate::ops::Table;

pub(super) fn bind(table: &mut Table) {
    table.bind("GET /stats/active-users", active_users);
}

/// Thirty days in milliseconds.
const A_WHILE: i64 = 30 * 86_400_000;

async fn active_users(call: Call) -> Result<Answer, Problem> {
    let since = call.ctx.now_ms.saturating_sub(A_WHILE);
    let count = call.store().users_active_since(call.tenant(), since).await.map_err(stored)?;
    Ok(Answer::ok(count.into()))
}
