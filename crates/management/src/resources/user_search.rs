//! Searching for users: the parameters of `GET /users` (fact sheet 11.2, D70, D71).

use chancery_core::problem::Problem;
use chancery_core::search::{Dialect, Query, is_sortable, parse};
use chancery_store::{FoundUsers, SearchBounds, UserOrder, UserSearch, UserSort};

use crate::call::{Call, stored};
use crate::search::understood;

/// Who is looked for, and in which order.
pub(super) struct Search<'a> {
    query: Query,
    sort: UserSort<'a>,
}

impl<'a> Search<'a> {
    pub(super) fn of(call: &'a Call) -> Result<Self, Problem> {
        engine(call.query.text("search_engine"))?;
        let mut query = understood(parse(call.query.text("q").unwrap_or_default(), Dialect::Users))?;
        if let Some(connection) = call.query.text("connection").filter(|name| !name.is_empty()) {
            query = query.and(Query::is("identities.connection", connection));
        }
        let sort = match call.query.text("sort").filter(|sort| !sort.is_empty()) {
            None => UserSort::CREATED,
            Some(sort) => sort_of(sort)?,
        };
        Ok(Self { query, sort })
    }

    pub(super) async fn run(
        &self,
        call: &Call,
        (start, limit): (i64, i64),
        totals: bool,
    ) -> Result<FoundUsers, Problem> {
        let (tenant, store) = (call.tenant(), call.store());
        if self.query.is_everything() && self.sort.field == UserSort::CREATED.field {
            let order =
                if self.sort.descending { UserOrder::CreatedDescending } else { UserOrder::CreatedAscending };
            let users = store.users_page(tenant, order, start, limit).await.map_err(stored)?;
            let total = match totals {
                true => store.users_count_lately(tenant, call.ctx.now_ms).await.map_err(stored)?,
                false => 0,
            };
            return Ok(FoundUsers { users, total });
        }
        let index = |number: i64| usize::try_from(number).unwrap_or(0);
        let search = UserSearch {
            query: &self.query,
            sort: self.sort,
            start: index(start),
            limit: index(limit),
            totals,
            now_ms: call.ctx.now_ms,
            bounds: SearchBounds::default(),
        };
        store.search_users(tenant, &search).await.map_err(stored)
    }
}

/// The third one is the one there is.
fn engine(version: Option<&str>) -> Result<(), Problem> {
    let said = match version {
        Some("v1") => "You are not allowed to use search_engine=v1.",
        Some("v2") => "You are not allowed to use search_engine=v2. Use search_engine=v3 instead.",
        _ => return Ok(()),
    };
    Err(Problem::RefusedAs("invalid_query_string", said.into()))
}

/// `field:1` or `field:-1`.
fn sort_of(text: &str) -> Result<UserSort<'_>, Problem> {
    let (field, descending) = direction(text)?;
    if is_sortable(field) {
        return Ok(UserSort { field, descending });
    }
    Err(Problem::query(&format!("Sorting by {field} is not supported"), "sort"))
}

/// The field of a `sort`, and whether the largest comes first.
pub(super) fn direction(text: &str) -> Result<(&str, bool), Problem> {
    match text.rsplit_once(':') {
        Some((field, "1")) if !field.is_empty() => Ok((field, false)),
        Some((field, "-1")) if !field.is_empty() => Ok((field, true)),
        _ => Err(Problem::query("Write field:1, or field:-1 for the reverse", "sort")),
    }
}
