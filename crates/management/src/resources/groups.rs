//! `/groups`: sets of users that come from directories. None is read here, and nothing else makes a group: there are none, and
//! every group that is named is missing. The laws about tokens, scopes, bodies and whose group it would be hold all the same.

use chancery_core::problem::{Missing, Problem};

use super::{roles, users};
use crate::call::{Answer, Call, missing};
use crate::ops::Table;
use crate::page::{Slice, by_checkpoint};

pub(super) fn bind(table: &mut Table) {
    for operation in [
        "GET /groups/{id}",
        "DELETE /groups/{id}",
        "GET /groups/{id}/members",
        "GET /groups/{id}/roles",
        "POST /groups/{id}/roles",
        "DELETE /groups/{id}/roles",
    ] {
        table.bind(operation, no_group);
    }
    table.bind("GET /roles/{id}/groups", none_with_role);
    table.bind("POST /roles/{id}/groups", no_group_for_role);
    table.bind("DELETE /roles/{id}/groups", no_group_for_role);
    table.bind("GET /users/{id}/effective-roles/sources/groups", none_behind_role);
}

pub(super) const MISSING: Missing = missing("Group not found.", "inexistent_group");

async fn no_group(_: Call) -> Result<Answer, Problem> {
    Err(Problem::NotFound(MISSING))
}

async fn none_with_role(call: Call) -> Result<Answer, Problem> {
    roles::here(&call).await?;
    none(&call)
}

async fn no_group_for_role(call: Call) -> Result<Answer, Problem> {
    roles::here(&call).await?;
    Err(Problem::NotFound(MISSING))
}

/// No role comes from a group.
async fn none_behind_role(call: Call) -> Result<Answer, Problem> {
    users::load(&call, "id").await?;
    if call.snapshot().role(call.query.text("role_id").unwrap_or_default()).is_none() {
        return Err(Problem::NotFound(roles::MISSING));
    }
    none(&call)
}

/// The empty list of groups, with the checkpoint checked.
pub(super) fn none(call: &Call) -> Result<Answer, Problem> {
    let page = by_checkpoint(&call.query)?;
    Ok(Answer::ok(page.body("groups", Slice::default())))
}
