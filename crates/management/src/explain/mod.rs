//! Explanations: why a token has a scope or not. Under `/api/chancery/v1/explain`; ours alone.
//!
//! What is told is what `chancery_core::scope::explain` says: the judge that issues tokens. What the judge looks at is loaded
//! as for a token.

mod flow;
mod past;
mod what_if;

use crate::ops::Table;

pub(crate) fn bind(table: &mut Table) {
    table.bind("POST /explain", what_if::explain_request);
    table.bind("GET /explain/tokens/{id}", past::explain_token);
}
