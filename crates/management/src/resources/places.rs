//! Searches among those who belong somewhere, which the published API does not have: `/api/chancery/v1/organizations/{id}/members/search`
//! and `/api/chancery/v1/roles/{id}/users/search` (D157).

use chancery_core::problem::Problem;
use chancery_core::search::{Dialect, Query, is_shown_of_members, parse};
use chancery_store::{Place, SearchBounds};
use serde_json::Value;

use super::organizations::{self, members};
use super::roles;
use crate::call::{Answer, Call, stored};
use crate::ops::Table;
use crate::page::{Page, Slice, by_checkpoint};
use crate::search::understood;

pub(super) fn bind_own(table: &mut Table) {
    table.bind("GET /organizations/{id}/members/search", |call| async move {
        let organization = organizations::here(&call).await?;
        let page = by_checkpoint(&call.query)?;
        let mut slice = found(&call, &page, Place::Organization(&organization.id)).await?;
        for member in &mut slice.items {
            let id = member["user_id"].as_str().unwrap_or_default().to_owned();
            let held = members::held(&call, &organization, &id).await?;
            member["roles"] = held.iter().map(members::named).collect();
        }
        Ok(Answer::ok(page.body("members", slice)))
    });
    table.bind("GET /roles/{id}/users/search", |call| async move {
        let role = roles::here(&call).await?;
        let page = by_checkpoint(&call.query)?;
        let slice = found(&call, &page, Place::Role(&role.id)).await?;
        Ok(Answer::ok(page.body("users", slice)))
    });
}

async fn found(call: &Call, page: &Page, place: Place<'_>) -> Result<Slice, Problem> {
    let Page::After { key, take } = page else { return Err(Problem::Internal) };
    let query = query(call)?;
    let limit = usize::try_from(*take).unwrap_or(0);
    let (tenant, bounds) = (call.tenant(), SearchBounds::default());
    let found =
        call.store().search_place(tenant, place, &query, (key, limit), bounds).await.map_err(stored)?;
    let next = found.users.last().filter(|_| found.is_more).map(|last| last.user_id.clone());
    let items: Vec<Value> = found.users.iter().map(members::shown).collect();
    Ok(Slice { items, total: 0, next })
}

/// What is looked for: anything of users by who may read them, and what the list shows by everybody else.
fn query(call: &Call) -> Result<Query, Problem> {
    let text = call.query.text("q").unwrap_or_default();
    if call.caller.has(READ_USERS) {
        return understood(parse(text, Dialect::Users));
    }
    let query = understood(parse(text, Dialect::Members))?;
    if query.names(&|field| !is_shown_of_members(field)) {
        call.caller.needs(&[READ_USERS])?;
    }
    Ok(query)
}

const READ_USERS: &str = "read:users";
