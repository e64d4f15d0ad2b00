//! Collections of documents that tools write and read and that are all alike: an id, times, a name. What differs between
//! them is said in a few lines each; the rest is here, over [`Resource`].

use std::marker::PhantomData;

use axum::http::StatusCode;
use chancery_core::ids;
use chancery_core::iso::format_ms;
use chancery_core::problem::{Missing, Problem};
use chancery_store::{Change, Kind};
use serde_json::{Map, Value};

use crate::call::{Answer, Call, read_stored, stored};
use crate::page::{Page, by_checkpoint};
use crate::resource::Resource;
use crate::secrets::{opened, seal, without_secrets};

/// What one of them is.
pub(super) trait Collection: Send + Sync + 'static {
    const KIND: Kind;
    const PATH: &'static str;
    /// The name of lists in answers.
    const MEMBER: &'static str;
    const MISSING: Missing;
    const TAKEN: &'static str = "The resource already exists.";
    const CREATED: StatusCode = StatusCode::CREATED;
    /// How ids begin; 22 characters follow.
    const PREFIX: &'static str;
    /// Members that lists show; none means all.
    const SUMMARY: &'static [&'static str] = &[];
    /// Whether deleting what is not there is an error.
    const DELETED_ONCE: bool = false;
    /// What a deletion answers.
    const DELETED: (StatusCode, Option<&'static str>) = (StatusCode::NO_CONTENT, None);
    /// Whether a document says when it was made and changed.
    const DATED: bool = true;
    /// The member that secrets lie in: a new one ends what was sealed before.
    const SECRETIVE: Option<&'static str> = None;
    /// Whether reading shows the secrets, as the wire has it.
    const SHOWS_SECRETS: bool = false;

    /// Refuses what is no id, where that is not simply not found.
    fn judge_id(_: &str) -> Result<(), Problem> {
        Ok(())
    }

    /// What no two of them share.
    fn unique(_: &Value) -> Option<String> {
        None
    }

    /// Judges a document before it is written, and adds what it has without being told.
    fn complete(_: &Call, _: &mut Value) -> Result<(), Problem> {
        Ok(())
    }

    /// Takes out what is to be sealed. What is shown again keeps its place in the object it returns.
    fn hide(_: &mut Value) -> Map<String, Value> {
        Map::new()
    }

    /// Last touches to what the wire shows.
    fn shown(_: &Call, document: Value) -> Value {
        document
    }
}

/// A collection as a [`Resource`].
pub(super) struct Of<C>(PhantomData<C>);

impl<C: Collection> Resource for Of<C> {
    type Model = Value;
    const KIND: Kind = C::KIND;
    const PATH: &'static str = C::PATH;
    const MEMBER: &'static str = C::MEMBER;
    const MISSING: Missing = C::MISSING;
    const TAKEN: &'static str = C::TAKEN;
    const CREATED: StatusCode = C::CREATED;
    const DELETED: (StatusCode, Option<&'static str>) = C::DELETED;
    const DELETED_ONCE: bool = C::DELETED_ONCE;

    async fn find(call: &Call) -> Result<String, Problem> {
        let id = call.at("id");
        C::judge_id(id)?;
        Ok(id.to_owned())
    }

    fn id(document: &Value) -> &str {
        text(document, "id")
    }

    fn unique(document: &Value) -> Option<String> {
        C::unique(document)
    }

    fn show(call: &Call, document: &Value) -> Result<Value, Problem> {
        let mut value = without_secrets(document.clone());
        if C::SHOWS_SECRETS {
            let secrets = opened(call, C::KIND, Self::id(document), Some(document))?;
            crate::document::overlay(&mut value, Value::Object(secrets));
        }
        Ok(C::shown(call, value))
    }

    async fn create(
        call: &Call,
        mut body: Map<String, Value>,
        change: Change,
    ) -> Result<(Value, Change), Problem> {
        let id = format!("{}{}", C::PREFIX, ids::alphanumeric(&*call.ctx.app.rng, 22));
        let now = format_ms(call.ctx.now_ms);
        body.retain(|_, value| !value.is_null());
        body.insert("id".to_owned(), id.into());
        if C::DATED {
            body.insert("created_at".to_owned(), now.clone().into());
            body.insert("updated_at".to_owned(), now.into());
        }
        let mut document = Value::Object(body);
        finish::<C>(call, &mut document)?;
        Ok((document, change))
    }

    async fn update(call: &Call, _: &Value, after: &mut Value, change: Change) -> Result<Change, Problem> {
        if C::SECRETIVE.is_some_and(|name| call.body.get(name).is_some()) {
            *after = without_secrets(after.take());
        }
        if C::DATED {
            after["updated_at"] = format_ms(call.ctx.now_ms).into();
        }
        finish::<C>(call, after)?;
        Ok(change)
    }

    async fn delete(_: &Call, _: &Value, change: Change) -> Result<Change, Problem> {
        Ok(change)
    }
}

fn finish<C: Collection>(call: &Call, document: &mut Value) -> Result<(), Problem> {
    C::complete(call, document)?;
    let secrets = C::hide(document);
    let id = text(document, "id").to_owned();
    seal(call, C::KIND, &id, document, secrets)
}

/// The list of those that `is_asked_for`, for collections whose lists have checkpoints alone.
pub(super) async fn by_checkpoints<C: Collection>(
    call: Call,
    is_asked_for: fn(&Call, &Value) -> bool,
) -> Result<Answer, Problem> {
    let page = by_checkpoint(&call.query)?;
    sliced::<C>(&call, &page, is_asked_for).await
}

/// The list where it has pages by offset.
pub(super) async fn paged<C: Collection>(call: Call) -> Result<Answer, Problem> {
    let page = Page::offset(&call.query)?;
    sliced::<C>(&call, &page, |_, _| true).await
}

async fn sliced<C: Collection>(
    call: &Call,
    page: &Page,
    is_asked_for: fn(&Call, &Value) -> bool,
) -> Result<Answer, Problem> {
    let all = call.store().docs_all(call.tenant(), C::KIND).await.map_err(stored)?;
    let mut shown = Vec::new();
    for doc in &all {
        let mut value = Of::<C>::show(call, &read_stored(&doc.json)?)?;
        if let Some(members) = value.as_object_mut().filter(|_| !C::SUMMARY.is_empty()) {
            members.retain(|name, _| C::SUMMARY.contains(&name.as_str()));
        }
        if is_asked_for(call, &value) {
            shown.push(value);
        }
    }
    let slice = page.cut(shown, |value| text(value, "id").to_owned(), |value| value);
    Ok(Answer::ok(page.body(C::MEMBER, slice)))
}

/// A member that is a text; empty where it is none.
pub(super) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Adds members that are not there.
pub(super) fn default(document: &mut Value, defaults: &Value) {
    let (Some(members), Some(defaults)) = (document.as_object_mut(), defaults.as_object()) else { return };
    for (name, value) in defaults {
        members.entry(name.clone()).or_insert_with(|| value.clone());
    }
}
