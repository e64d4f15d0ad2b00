//! `GET /clients/search` and its like: documents that a filter describes, by checkpoint.

use chancery_core::problem::Problem;
use serde_json::Value;

use crate::call::{Answer, Call, read_stored, stored};
use crate::filter::Filter;
use crate::page::{by_checkpoint, chosen};
use crate::resource::Resource;

/// Neither found by nor shown: a search is no way to guess.
const SECRET: [&str; 3] = ["client_secret", "signing_secret", "signing_keys"];

/// Whatever the filter describes, in the order asked for.
pub(crate) async fn search<R: Resource>(call: Call) -> Result<Answer, Problem> {
    let page = by_checkpoint(&call.query)?;
    let is_scim = call.query.text("parser") == Some("scim");
    let filter = Filter::parse(call.query.text("q").unwrap_or_default(), is_scim)?;
    let mut found = Vec::new();
    for doc in call.store().docs_all(call.tenant(), R::KIND).await.map_err(stored)? {
        let model: R::Model = read_stored(&doc.json)?;
        let mut value = R::show(&call, &model)?;
        if let Some(members) = value.as_object_mut() {
            members.retain(|name, _| !SECRET.contains(&name.as_str()));
        }
        if filter.fits(&value) {
            found.push((R::id(&model).to_owned(), value));
        }
    }
    if let Some(name) = call.query.text("sort") {
        let text = |value: &Value| value.get(name).and_then(Value::as_str).map(str::to_lowercase);
        // What has none comes last.
        found.sort_by_cached_key(|(_, value)| (text(value).is_none(), text(value)));
    }
    let slice = page.cut(found, |(id, _)| id.clone(), |(_, value)| chosen(value, &call.query, R::KEPT));
    Ok(Answer::ok(page.body(R::MEMBER, slice)))
}
