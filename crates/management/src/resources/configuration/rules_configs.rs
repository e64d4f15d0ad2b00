//! `/rules-configs`: values for scripts, under their keys. There are no scripts; a value is written and never shown.

use chancery_core::problem::Problem;
use chancery_store::Kind;
use serde_json::{Map, Value, json};

use crate::call::{Answer, Call, stored};
use crate::document::rewrite;
use crate::ops::Table;
use crate::secrets::seal;

pub(super) fn bind(table: &mut Table) {
    table.bind("GET /rules-configs", list);
    table.bind("PUT /rules-configs/{key}", set);
    table.bind("DELETE /rules-configs/{key}", delete);
}

const KIND: Kind = Kind::RuleConfig;

/// All of them: the list knows no pages.
async fn list(call: Call) -> Result<Answer, Problem> {
    let all = call.store().docs_all(call.tenant(), KIND).await.map_err(stored)?;
    Ok(Answer::ok(all.iter().map(|doc| json!({"key": doc.id})).collect()))
}

fn key(call: &Call) -> Result<&str, Problem> {
    let key = call.at("key");
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if (1..=127).contains(&key.len()) && key.bytes().all(is_good) {
        Ok(key)
    } else {
        Err(Problem::Path("'Must be letters, digits, underscores and hyphens' on property key.".to_owned()))
    }
}

/// The answer shows what was sent, as recorded.
async fn set(call: Call) -> Result<Answer, Problem> {
    let key = key(&call)?;
    let value = call.body.get("value").cloned().unwrap_or_default();
    let secrets: Map<String, Value> = Map::from_iter([("value".to_owned(), value.clone())]);
    let (_, rev) = rewrite(&call, KIND, key, |_| {
        let mut document = json!({"key": key});
        seal(&call, KIND, key, &mut document, secrets.clone())?;
        Ok(Some(document))
    })
    .await?;
    Ok(Answer::ok(json!({"key": key, "value": value})).at(rev))
}

async fn delete(call: Call) -> Result<Answer, Problem> {
    let (_, rev) = rewrite(&call, KIND, key(&call)?, |_| Ok(None)).await?;
    Ok(Answer::no_content().at(rev))
}
