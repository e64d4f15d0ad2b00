//! Documents that operations read and write whole, whether they are there yet or not: settings of the tenant, and what
//! hangs on something else.

use chancery_core::problem::Problem;
use chancery_store::{Change, Error, Kind};
use serde_json::Value;

use crate::call::{Call, internal, read_stored, stored};
use crate::resource::Lost;

/// The document, if there is one: from the snapshot where it holds it.
pub(crate) async fn find(call: &Call, kind: Kind, id: &str) -> Result<Option<Value>, Problem> {
    if let Some(held) = call.snapshot().document(kind, id) {
        return read_stored(held).map(Some);
    }
    let found = call.store().doc(call.tenant(), kind, id).await.map_err(stored)?;
    found.map(|found| read_stored(&found.json)).transpose()
}

/// Writes what `change` makes of the document; `None` is no document, before and after. Answers what is there now, and
/// the revision of the configuration.
///
/// `change` runs again where somebody else wrote in between: tools write the parts of one document all at once. What changes
/// nothing is not written.
pub(crate) async fn rewrite(
    call: &Call,
    kind: Kind,
    id: &str,
    change: impl Fn(Option<Value>) -> Result<Option<Value>, Problem> + Send,
) -> Result<(Option<Value>, i64), Problem> {
    for _ in 0..TRIES {
        let found = call.store().doc(call.tenant(), kind, id).await.map_err(stored)?;
        let before: Option<Value> = found.as_ref().map(|found| read_stored(&found.json)).transpose()?;
        let after = change(before.clone())?;
        if after == before {
            return Ok((after, call.snapshot().rev));
        }
        let written = Change::new(call.tenant());
        let written = match (&found, &after) {
            (Some(found), Some(after)) => {
                let json = serde_json::to_string(after).map_err(internal)?;
                written.update(kind, id, None, json, found.rev)
            }
            (None, Some(after)) => {
                written.insert(kind, id, None, serde_json::to_string(after).map_err(internal)?)
            }
            (Some(_), None) => written.delete(kind, id),
            // They are equal, see above.
            (None, None) => return Ok((None, call.snapshot().rev)),
        };
        match call.apply(written).await {
            Ok(rev) => return Ok((after, rev)),
            Err(Error::Guard | Error::Conflict) => {}
            Err(other) => return Err(stored(other)),
        }
    }
    Err(Lost::Race.into())
}

/// More than the parts of any document that tools write at once.
const TRIES: usize = 12;

/// Objects are merged, everything else is replaced; null leaves things as they are.
pub(crate) fn overlay(value: &mut Value, new: Value) {
    match (value, new) {
        (_, Value::Null) => {}
        (Value::Object(members), Value::Object(new)) => {
            for (name, new) in new {
                overlay(members.entry(name).or_insert(Value::Null), new);
            }
        }
        (value, new) => *value = new,
    }
}
