//! Documents as resources: a type says what it is, this file says what happens to it. List, create, read, update and
//! delete are written once.

use std::future::Future;
use std::marker::PhantomData;

use axum::http::StatusCode;
use chancery_core::problem::{Missing, Problem};
use chancery_store::{Change, Error, Kind, Snapshot, Stored};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::call::{Answer, Call, internal, print, read, read_stored, stored};
use crate::ops::Table;
use crate::page::{Page, Slice, chosen};

/// A kind of document with the five verbs.
pub(crate) trait Resource: Send + Sync + 'static {
    /// As stored.
    type Model: Serialize + DeserializeOwned + Send + Sync;
    /// Where it is stored.
    const KIND: Kind;
    /// `/roles`.
    const PATH: &'static str;
    /// The name of lists in answers: `roles`.
    const MEMBER: &'static str;
    /// When there is none.
    const MISSING: Missing;
    /// When a name is taken.
    const TAKEN: &'static str;
    /// Query parameters that choose among the items; without one of them the database pages.
    const FILTERS: &'static [&'static str] = &[];
    /// What a deletion answers.
    const DELETED: (StatusCode, Option<&'static str>) = (StatusCode::NO_CONTENT, None);
    /// Whether deleting what is not there is an error though a deletion answers 204.
    const DELETED_ONCE: bool = false;
    /// What a creation answers.
    const CREATED: StatusCode = StatusCode::CREATED;

    fn id(model: &Self::Model) -> &str;

    /// What no two of a kind share.
    fn unique(_: &Self::Model) -> Option<String> {
        None
    }

    /// The id of the document that a path means.
    fn find(call: &Call) -> impl Future<Output = Result<String, Problem>> + Send {
        async { Ok(call.at("id").to_owned()) }
    }

    /// The document with this id as the snapshot holds it. Always `None` for kinds that no snapshot holds.
    fn held<'a>(_: &'a Snapshot, _id: &str) -> Option<&'a Self::Model> {
        None
    }

    /// Every document behind an id (empty is the beginning) as the snapshot holds them, in the order of their ids; `None`
    /// for kinds that no snapshot holds.
    fn all_held<'a>(_: &'a Snapshot, _after: &'a str) -> Option<Held<'a, Self::Model>> {
        None
    }

    /// Whether an item is in the list asked for.
    fn is_asked_for(_: &Call, _: &Self::Model) -> bool {
        true
    }

    /// Members that `fields` does not take away.
    const KEPT: &'static [&'static str] = &[];
    /// Whether lists say their own length beside the total.
    const COUNTS: bool = false;

    /// The order of lists where it is another than that of the ids. Pages by checkpoint are in the order of the ids.
    fn sort(_: &mut [&Self::Model]) {}

    /// As the wire shows it.
    fn show(call: &Call, model: &Self::Model) -> Result<Value, Problem>;

    /// A new one from a body, with what else is written with it.
    fn create(
        call: &Call,
        body: Map<String, Value>,
        change: Change,
    ) -> impl Future<Output = Result<(Self::Model, Change), Problem>> + Send;

    /// The answer to a creation.
    fn show_created(call: &Call, model: &Self::Model) -> Result<Value, Problem> {
        Self::show(call, model)
    }

    /// Changes the members of a body before they are merged into the document.
    fn incoming(_: &Call, _: &Self::Model, body: Map<String, Value>) -> Result<Map<String, Value>, Problem> {
        Ok(body)
    }

    /// Judges and completes an update; adds what else is written with it.
    fn update(
        call: &Call,
        before: &Self::Model,
        after: &mut Self::Model,
        change: Change,
    ) -> impl Future<Output = Result<Change, Problem>> + Send;

    /// Judges a deletion; adds what else goes. What is too much for one commit goes before, in slices.
    fn delete(
        call: &Call,
        model: &Self::Model,
        change: Change,
    ) -> impl Future<Output = Result<Change, Problem>> + Send;
}

/// Documents in a snapshot.
pub(crate) type Held<'a, T> = Box<dyn Iterator<Item = &'a T> + Send + 'a>;

/// Binds the verbs of a resource.
pub(crate) struct Crud<R>(PhantomData<R>);

impl<R: Resource> Crud<R> {
    pub(crate) fn bind(table: &mut Table) {
        table.bind(&format!("GET {}", R::PATH), list::<R>);
        Self::bind_at(table, &format!("{}/{{id}}", R::PATH));
    }

    /// The same where single items are at another path, and without the list.
    pub(crate) fn bind_at(table: &mut Table, one: &str) {
        Self::bind_fixed(table, one);
        table.bind(&format!("PATCH {one}"), update::<R>);
    }

    /// The same where nothing changes that is once made.
    pub(crate) fn bind_fixed(table: &mut Table, one: &str) {
        table.bind(&format!("POST {}", R::PATH), create::<R>);
        table.bind(&format!("GET {one}"), show::<R>);
        table.bind(&format!("DELETE {one}"), delete::<R>);
    }
}

/// The document a path means, with its revision: from the database, since it may be about to change.
pub(crate) async fn load<R: Resource>(call: &Call) -> Result<(R::Model, i64), Problem> {
    let id = R::find(call).await?;
    load_by_id::<R>(call, &id).await
}

async fn load_by_id<R: Resource>(call: &Call, id: &str) -> Result<(R::Model, i64), Problem> {
    let found = call.store().doc(call.tenant(), R::KIND, id).await.map_err(stored)?;
    let found = found.ok_or(Problem::NotFound(R::MISSING))?;
    Ok((read_stored(&found.json)?, found.rev))
}

/// Rewrites a document in a change.
pub(crate) fn put<R: Resource>(change: Change, model: &R::Model, seen: i64) -> Result<Change, Problem> {
    let json = serde_json::to_string(model).map_err(internal)?;
    Ok(change.update(R::KIND, R::id(model), R::unique(model).as_deref(), json, seen))
}

/// What to say when a change was not written.
pub(crate) fn refused<R: Resource>(error: Error) -> Problem {
    match error {
        Error::Conflict => Problem::conflict(R::TAKEN),
        other => stored(other),
    }
}

/// A part of the collection.
pub(crate) async fn list<R: Resource>(call: Call) -> Result<Answer, Problem> {
    let has_checkpoints = call.query.has_any(&["take", "from"]);
    let page = if has_checkpoints { Page::of(&call.query)? } else { Page::offset(&call.query)? };
    let slice = match held_items::<R>(&call, &page) {
        Some(slice) => slice?,
        None if call.query.has_any(R::FILTERS) => chosen_items::<R>(&call, &page).await?,
        None => stored_items::<R>(&call, &page).await?,
    };
    let length = slice.items.len();
    let mut body = page.body(R::MEMBER, slice);
    match body.get_mut(R::MEMBER) {
        Some(items) => {
            *items = chosen(items.take(), &call.query, R::KEPT);
            if R::COUNTS {
                body["length"] = length.into();
            }
        }
        None => body = chosen(body, &call.query, R::KEPT),
    }
    Ok(Answer::ok(body))
}

/// What the snapshot holds needs no database, and nothing is read that is not shown. `None` where it holds nothing of the kind.
fn held_items<R: Resource>(call: &Call, page: &Page) -> Option<Result<Slice, Problem>> {
    let is_filtered = call.query.has_any(R::FILTERS);
    let is_asked_for = |model: &&R::Model| !is_filtered || R::is_asked_for(call, model);
    Some(match page {
        Page::After { key, take } => {
            let behind = R::all_held(call.snapshot(), key)?.filter(is_asked_for);
            Slice::first(behind, *take, |model| R::id(model), |model| R::show(call, model))
        }
        Page::Offset { .. } => {
            let mut all: Vec<&R::Model> = R::all_held(call.snapshot(), "")?.filter(is_asked_for).collect();
            R::sort(&mut all);
            page.part(&all, |model| R::show(call, model))
        }
    })
}

/// A page as the database cuts it.
async fn stored_items<R: Resource>(call: &Call, page: &Page) -> Result<Slice, Problem> {
    let (tenant, store) = (call.tenant(), call.store());
    match page {
        Page::Offset { start, limit, totals } => {
            let found = store.docs_page(tenant, R::KIND, *start, *limit).await.map_err(stored)?;
            let total = if *totals { store.docs_count(tenant, R::KIND).await.map_err(stored)? } else { 0 };
            Ok(Slice { items: shown::<R>(call, &found)?, total, next: None })
        }
        Page::After { key, take } => {
            // One more than asked for tells whether there are more.
            let found =
                store.docs_after(tenant, R::KIND, key, take.saturating_add(1)).await.map_err(stored)?;
            Slice::first(found.iter(), *take, |doc| &doc.id, |doc| R::show(call, &read_stored(&doc.json)?))
        }
    }
}

/// The whole collection from the database, filtered and cut in memory.
async fn chosen_items<R: Resource>(call: &Call, page: &Page) -> Result<Slice, Problem> {
    let all = call.store().docs_all(call.tenant(), R::KIND).await.map_err(stored)?;
    let all: Result<Vec<R::Model>, _> = all.iter().map(|doc| read_stored(&doc.json)).collect();
    let all = all?;
    let chosen = all.iter().filter(|model| R::is_asked_for(call, model));
    match page {
        Page::After { key, take } => {
            let behind = chosen.filter(|model| R::id(model) > key.as_str());
            Slice::first(behind, *take, |model| R::id(model), |model| R::show(call, model))
        }
        Page::Offset { .. } => {
            let mut chosen: Vec<&R::Model> = chosen.collect();
            R::sort(&mut chosen);
            page.part(&chosen, |model| R::show(call, model))
        }
    }
}

fn shown<R: Resource>(call: &Call, found: &[Stored]) -> Result<Vec<Value>, Problem> {
    found.iter().map(|doc| R::show(call, &read_stored(&doc.json)?)).collect()
}

async fn create<R: Resource>(call: Call) -> Result<Answer, Problem> {
    let (model, change) = R::create(&call, call.members(), Change::new(call.tenant())).await?;
    let json = serde_json::to_string(&model).map_err(internal)?;
    let change = change.insert(R::KIND, R::id(&model), R::unique(&model).as_deref(), json);
    let rev = call.apply(change).await.map_err(refused::<R>)?;
    Ok(Answer::new(R::CREATED, Some(R::show_created(&call, &model)?)).at(rev))
}

async fn show<R: Resource>(call: Call) -> Result<Answer, Problem> {
    let id = R::find(&call).await?;
    let shown = match R::held(call.snapshot(), &id) {
        Some(model) => R::show(&call, model)?,
        // Not here yet, or none of what snapshots hold.
        None => R::show(&call, &load_by_id::<R>(&call, &id).await?.0)?,
    };
    Ok(Answer::ok(chosen(shown, &call.query, R::KEPT)))
}

async fn update<R: Resource>(call: Call) -> Result<Answer, Problem> {
    // Somebody else's change between our reading and our writing: look again, once.
    match try_update::<R>(&call).await {
        Err(Lost::Race) => try_update::<R>(&call).await.map_err(Problem::from),
        other => other.map_err(Problem::from),
    }
}

async fn try_update<R: Resource>(call: &Call) -> Result<Answer, Lost> {
    let (before, seen) = load::<R>(call).await?;
    let body = R::incoming(call, &before, call.members())?;
    let mut after: R::Model = read(merged(print(&before)?, body))?;
    let change = R::update(call, &before, &mut after, Change::new(call.tenant())).await?;
    let change = put::<R>(change, &after, seen)?;
    let rev = call.apply(change).await.map_err(|error| match error {
        Error::Guard => Lost::Race,
        other => Lost::Refused(refused::<R>(other)),
    })?;
    Ok(Answer::ok(R::show(call, &after)?).at(rev))
}

async fn delete<R: Resource>(call: Call) -> Result<Answer, Problem> {
    // What goes along may change between our reading and our writing, as in an update.
    match try_delete::<R>(&call).await {
        Err(Lost::Race) => try_delete::<R>(&call).await.map_err(Problem::from),
        other => other.map_err(Problem::from),
    }
}

async fn try_delete<R: Resource>(call: &Call) -> Result<Answer, Lost> {
    let model = match load::<R>(call).await {
        Ok((model, _)) => model,
        // What is gone is gone: deleting it again is no error, unless the resource says so.
        Err(Problem::NotFound(_)) if R::DELETED.0 == StatusCode::NO_CONTENT && !R::DELETED_ONCE => {
            return Ok(Answer::no_content());
        }
        Err(other) => return Err(other.into()),
    };
    let change = R::delete(call, &model, Change::new(call.tenant())).await?;
    let change = change.delete(R::KIND, R::id(&model));
    let rev = call.apply(change).await.map_err(|error| match error {
        Error::Guard => Lost::Race,
        other => Lost::Refused(refused::<R>(other)),
    })?;
    let (status, body) = R::DELETED;
    let body = body.map(|text| serde_json::from_str(text).unwrap_or_default());
    Ok(Answer::new(status, body).at(rev))
}

/// Why an update was not made.
pub(crate) enum Lost {
    /// The document changed since it was read.
    Race,
    /// Anything else.
    Refused(Problem),
}

impl From<Problem> for Lost {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}

impl From<Lost> for Problem {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::Race => Problem::conflict("The resource was changed by somebody else at the same time."),
            Lost::Refused(problem) => problem,
        }
    }
}

/// PATCH: members are replaced whole, null clears.
pub(crate) fn merged(mut document: Value, body: Map<String, Value>) -> Value {
    let Some(members) = document.as_object_mut() else { return document };
    for (name, value) in body {
        if value.is_null() {
            members.shift_remove(&name);
        } else {
            members.insert(name, value);
        }
    }
    document
}
