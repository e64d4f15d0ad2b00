//! `/keys/encryption`: what secrets are sealed with. That is the master key this server is started with, whatever is made
//! here (D87): a key that an administrator makes is listed and waits, and bringing one's own is refused rather than kept
//! and not used.

use chancery_core::ids;
use chancery_core::iso::format_ms;
use chancery_core::problem::{Missing, Problem};
use chancery_store::{Change, Kind};
use serde_json::{Value, json};

use super::super::collection::text;
use crate::call::{Answer, Call, read_stored, stored};
use crate::document::{find, rewrite};
use crate::ops::Table;
use crate::page::Page;

pub(super) fn bind(table: &mut Table) {
    table.bind("GET /keys/encryption", list);
    table.bind("POST /keys/encryption", create);
    table.bind("POST /keys/encryption/rekey", refused);
    table.bind("GET /keys/encryption/{kid}", show);
    table.bind("POST /keys/encryption/{kid}", refused);
    table.bind("DELETE /keys/encryption/{kid}", delete);
    table.bind("POST /keys/encryption/{kid}/wrapping-key", refused);
}

const KIND: Kind = Kind::EncryptionKey;
const MISSING: Missing = Missing { message: "The key does not exist.", code: None };

async fn refused(_: Call) -> Result<Answer, Problem> {
    Err(Problem::RefusedAs(
        "operation_not_supported",
        "Secrets of this server are sealed with the master key that it is started with: another cannot be brought, and \
         the key hierarchy cannot be renewed here."
            .into(),
    ))
}

/// The newest first.
async fn list(call: Call) -> Result<Answer, Problem> {
    let all = call.store().docs_all(call.tenant(), KIND).await.map_err(stored)?;
    let keys: Result<Vec<Value>, Problem> = all.iter().map(|doc| read_stored(&doc.json)).collect();
    let mut keys = keys?;
    keys.sort_by(|a, b| text(b, "created_at").cmp(text(a, "created_at")));
    let page = Page::offset(&call.query)?;
    let slice = page.cut(keys, |key| text(key, "kid").to_owned(), |key| key);
    Ok(Answer::ok(page.body("keys", slice)))
}

async fn create(call: Call) -> Result<Answer, Problem> {
    if text(&call.body, "type") != "customer-provided-root-key" {
        return refused(call).await;
    }
    let kid = uuid(&call);
    let now = format_ms(call.ctx.now_ms);
    let key = json!({
        "kid": kid,
        "type": "customer-provided-root-key",
        "state": "pre-activation",
        "created_at": now,
        "updated_at": now,
        "parent_kid": null,
    });
    let change = Change::new(call.tenant()).insert(KIND, &kid, None, key.to_string());
    let rev = call.apply(change).await.map_err(stored)?;
    Ok(Answer::created(key).at(rev))
}

/// Of version 4 (RFC 9562): keys are called so on the wire.
fn uuid(call: &Call) -> String {
    let digits = ids::hex(&*call.ctx.app.rng, 32);
    format!("{}-{}-4{}-a{}-{}", &digits[..8], &digits[8..12], &digits[13..16], &digits[17..20], &digits[20..])
}

async fn show(call: Call) -> Result<Answer, Problem> {
    Ok(Answer::ok(find(&call, KIND, call.at("kid")).await?.ok_or(Problem::NotFound(MISSING))?))
}

/// What it was called stays known.
async fn delete(call: Call) -> Result<Answer, Problem> {
    let (_, rev) = rewrite(&call, KIND, call.at("kid"), |found| {
        Ok(found.map(|mut key| {
            key["state"] = "destroyed".into();
            key["updated_at"] = format_ms(call.ctx.now_ms).into();
            key
        }))
    })
    .await?;
    Ok(Answer::no_content().at(rev))
}
