//! `GET /clients/search` and its like: documents that a filter describes, by checkpoint.

use chancery_core::problem::Problem;
use chancery_core::search::{Dialect, Query, Refused, parse, parse_scim};
use chancery_store::Stored;
use serde_json::Value;

use crate::call::{Answer, Call, read_stored, stored};
use crate::page::{Page, Slice, by_checkpoint, chosen};
use crate::resource::Resource;

/// Neither found by nor shown: a search is no way to guess.
const SECRET: [&str; 3] = ["client_secret", "signing_secret", "signing_keys"];
/// Documents looked at, at once.
const STEP: i64 = 500;

/// Whatever the filter describes, in the order asked for.
pub(crate) async fn search<R: Resource>(call: Call) -> Result<Answer, Problem> {
    let page = by_checkpoint(&call.query)?;
    let q = call.query.text("q").unwrap_or_default();
    let filter = understood(match call.query.text("parser") {
        Some("scim") => parse_scim(q, Dialect::Documents),
        _ => parse(q, Dialect::Documents),
    })?;
    let slice = match (call.query.text("sort"), &page) {
        (Some(name), _) => sorted::<R>(&call, &filter, &page, name).await?,
        (None, Page::After { key, take }) => in_order_of_ids::<R>(&call, &filter, key, *take).await?,
        (None, Page::Offset { .. }) => return Err(Problem::Internal),
    };
    let mut body = page.body(R::MEMBER, slice);
    // A search is a page by checkpoint, and those have their member.
    if let Some(items) = body.get_mut(R::MEMBER) {
        *items = chosen(items.take(), &call.query, R::KEPT);
    }
    Ok(Answer::ok(body))
}

/// What was read, or why it is none in the words of the wire.
pub(crate) fn understood(read: Result<Query, Refused>) -> Result<Query, Problem> {
    read.map_err(|refused| {
        let mut said = refused.to_string();
        if let Some(first) = said.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        Problem::RefusedAs("invalid_query_string", format!("{said}.").into())
    })
}

/// Looks no further than it must.
async fn in_order_of_ids<R: Resource>(
    call: &Call,
    filter: &Query,
    key: &str,
    take: i64,
) -> Result<Slice, Problem> {
    let take = usize::try_from(take).unwrap_or(0);
    let (mut after, mut slice, mut last) = (key.to_owned(), Slice::default(), None);
    loop {
        let docs = call.store().docs_after(call.tenant(), R::KIND, &after, STEP).await.map_err(stored)?;
        for doc in &docs {
            let Some(value) = fitting::<R>(call, filter, doc)? else { continue };
            if slice.items.len() == take {
                slice.next = last;
                return Ok(slice);
            }
            slice.items.push(value);
            last = Some(doc.id.clone());
        }
        match docs.last() {
            Some(doc) if docs.len() as i64 == STEP => after.clone_from(&doc.id),
            _ => return Ok(slice),
        }
    }
}

async fn sorted<R: Resource>(call: &Call, filter: &Query, page: &Page, name: &str) -> Result<Slice, Problem> {
    let mut found = Vec::new();
    for doc in call.store().docs_all(call.tenant(), R::KIND).await.map_err(stored)? {
        if let Some(value) = fitting::<R>(call, filter, &doc)? {
            found.push((doc.id, value));
        }
    }
    let text = |value: &Value| value.get(name).and_then(Value::as_str).map(str::to_lowercase);
    // What has none comes last.
    found.sort_by_cached_key(|(_, value)| (text(value).is_none(), text(value)));
    Ok(page.cut(found, |(id, _)| id.clone(), |(_, value)| value))
}

/// The document as the caller may see it, if it is what the filter describes.
fn fitting<R: Resource>(call: &Call, filter: &Query, doc: &Stored) -> Result<Option<Value>, Problem> {
    let mut value = R::show(call, &read_stored(&doc.json)?)?;
    if let Some(members) = value.as_object_mut() {
        members.retain(|name, _| !SECRET.contains(&name.as_str()));
    }
    Ok(filter.fits(&value).then_some(value))
}
