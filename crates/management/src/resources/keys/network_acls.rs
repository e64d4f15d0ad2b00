//! `/keys/network-acls`: keys that requests may be signed with (RFC 9421), for network access lists. Kept only; a key is
//! written and never shown, but for the fingerprint of it.

use chancery_core::problem::{Missing, Problem};
use chancery_jose::{base64url, sha256};
use chancery_store::Kind;
use serde_json::{Map, Value, json};

use super::super::collection::{Collection, Of, text};
use crate::call::{Answer, Call, read_stored, stored};
use crate::ops::Table;
use crate::resource::{Crud, Resource};
use crate::secrets::split;

pub(super) fn bind(table: &mut Table) {
    Crud::<Of<Keys>>::bind_fixed(table, "/keys/network-acls/{id}");
    table.bind("GET /keys/network-acls", list);
}

struct Keys;

impl Collection for Keys {
    const KIND: Kind = Kind::NetworkAclKey;
    const PATH: &'static str = "/keys/network-acls";
    const MEMBER: &'static str = "keys";
    const MISSING: Missing = Missing { message: "The key does not exist.", code: None };
    const TAKEN: &'static str = "A key with this name already exists.";
    const PREFIX: &'static str = "nak_";

    fn unique(key: &Value) -> Option<String> {
        Some(text(key, "name").to_owned())
    }

    fn complete(_: &Call, key: &mut Value) -> Result<(), Problem> {
        key["fingerprint"] = base64url(&sha256(text(key, "value").as_bytes())).into();
        Ok(())
    }

    fn hide(key: &mut Value) -> Map<String, Value> {
        split(key, |name| name == "value")
    }
}

/// All of them: the list knows no pages.
async fn list(call: Call) -> Result<Answer, Problem> {
    let all = call.store().docs_all(call.tenant(), Kind::NetworkAclKey).await.map_err(stored)?;
    let shown: Result<Vec<Value>, Problem> =
        all.iter().map(|doc| Of::<Keys>::show(&call, &read_stored(&doc.json)?)).collect();
    Ok(Answer::ok(json!({"keys": shown?})))
}
