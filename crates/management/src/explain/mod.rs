//! Explanations: why a token has a scope or not. Under `/api/chancery/v1/explain`; ours alone.
//!
//! What is told is what `chancery_core::scope::explain` says: the judge that issues tokens. What the judge looks at is loaded
//! as for a token.

mod access;
mod csv;
mod flow;
mod holders;
mod past;
mod reach;
mod unused;
mod what_if;

use std::sync::Arc;

use chancery_core::problem::{Missing, Problem};
use chancery_store::PreparedApi;
use chancery_web::Audience;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::call::{Answer, Call, missing};
use crate::ops::Table;

pub(crate) fn bind(table: &mut Table) {
    table.bind("POST /explain", what_if::explain_request);
    table.bind("GET /explain/tokens/{id}", past::explain_token);
    table.bind("GET /explain/unused", unused::unused);
    table.bind("GET /explain/users", holders::users);
    table.bind("GET /explain/applications", holders::applications);
    table.bind("GET /explain/users/{id}", access::of_user);
    table.bind("GET /explain/applications/{id}", access::of_application);
}

/// The API that an audience names.
fn api_named(call: &Call, audience: &str) -> Result<Arc<PreparedApi>, Problem> {
    match Audience::resolve(call.snapshot(), call.origin(), Some(audience)) {
        Ok(Audience::Api(api)) => Ok(api),
        _ => Err(Problem::NotFound(API)),
    }
}

/// Where a page begins and how long it is; tables are longer, since nobody reads them page by page.
fn page(call: &Call) -> Result<(String, i64), Problem> {
    let usual = if call.wants_csv { 1000 } else { 50 };
    Ok((call.query.text("from").unwrap_or_default().to_owned(), call.query.int("take").unwrap_or(usual)))
}

/// The list as it is wanted; `next` is in its body, and in the `Link` header of a table.
fn answer(call: &Call, mut body: Value, table: csv::Table, next: Option<String>) -> Answer {
    if call.wants_csv {
        let link = next.map(|next| next_link(call, &next));
        return Answer { csv: Some(table.into_text()), link, ..Answer::no_body() };
    }
    if let Some(next) = next {
        body["next"] = next.into();
    }
    Answer::ok(body)
}

fn next_link(call: &Call, next: &str) -> String {
    let escaped = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let kept =
        ["audience", "scope", "take"].into_iter().filter_map(|name| Some((name, call.query.text(name)?)));
    let query: Vec<String> =
        kept.chain([("from", next)]).map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    format!("<?{}>; rel=\"next\"", query.join("&"))
}

const CLIENT: Missing = missing("The client does not exist", "inexistent_client");
const USER: Missing = missing("The user does not exist.", "inexistent_user");
const API: Missing = missing("The resource server does not exist", "inexistent_resource_server");
