//! `/keys/custom-signing`: public keys that an administrator uploads. They are kept; nothing is verified with them yet.

use chancery_core::problem::{Missing, Problem};
use chancery_jose::{Jwk, VerifyingKey};
use chancery_store::Kind;
use serde_json::Value;

use crate::call::{Answer, Call};
use crate::document::{find, rewrite};
use crate::ops::Table;

pub(super) fn bind(table: &mut Table) {
    table.bind("GET /keys/custom-signing", show);
    table.bind("PUT /keys/custom-signing", set);
    table.bind("DELETE /keys/custom-signing", delete);
}

const KIND: Kind = Kind::CustomSigningKeys;
const ID: &str = "keys";
const NONE: Missing = Missing {
    message: "No custom signing keys found for this tenant. Upload custom signing keys first.",
    code: None,
};

async fn show(call: Call) -> Result<Answer, Problem> {
    Ok(Answer::ok(find(&call, KIND, ID).await?.ok_or(Problem::NotFound(NONE))?))
}

/// What is no key, is too weak to be one or has a private part is refused now rather than when somebody signs with it.
async fn set(call: Call) -> Result<Answer, Problem> {
    for (index, key) in call.body.get("keys").and_then(Value::as_array).into_iter().flatten().enumerate() {
        // The longest curve is not one that signs here.
        let is_p521 = key.get("crv").is_some_and(|curve| curve == "P-521");
        let read = || {
            serde_json::from_value::<Jwk>(key.clone()).ok().and_then(|key| VerifyingKey::from_jwk(&key).ok())
        };
        if !is_p521 && read().is_none() {
            return Err(Problem::payload("It is no public key that can be used", &format!("keys[{index}]")));
        }
    }
    let (value, rev) = rewrite(&call, KIND, ID, |_| Ok(Some(call.body.clone()))).await?;
    Ok(Answer::ok(value.unwrap_or_default()).at(rev))
}

async fn delete(call: Call) -> Result<Answer, Problem> {
    let (_, rev) = rewrite(&call, KIND, ID, |_| Ok(None)).await?;
    Ok(Answer::no_content().at(rev))
}
