//! `/organizations`: customers of the tenant with members, connections and applications of their own (fact sheet 11.4).
//!
//! What an organization has of connections, applications, client grants and mail domains is in its document; what is
//! named there and exists no more is not shown. Its members are records.

mod clients;
mod connections;
mod domains;
mod grants;
mod invitations;
pub(super) mod members;

pub(super) use domains::is_domain;
pub(super) use grants::client_grants_of;

use axum::http::StatusCode;
use chancery_core::ids;
use chancery_core::model::Organization;
use chancery_core::problem::{Missing, Problem};
use chancery_store::{Change, Error, Going, Kind};
use serde_json::{Map, Value};

use crate::call::{Answer, Call, print, read, read_stored, stored};
use crate::ops::Table;
use crate::page::Page;
use crate::resource::{self, Crud, Lost, Resource, load, put, refused};
use crate::search::search;

pub(super) use members::of_user;

pub(super) fn bind(table: &mut Table) {
    Crud::<Organizations>::bind(table);
    table.bind("GET /organizations", list);
    table.bind("GET /organizations/search", search::<Organizations>);
    // Deleting what is gone is an error here, unlike elsewhere.
    table.bind("DELETE /organizations/{id}", delete);
    table.bind("GET /organizations/name/{name}", by_name);
    connections::bind(table);
    clients::bind(table);
    grants::bind(table);
    invitations::bind(table);
    domains::bind(table);
    members::bind(table);
}

/// The most entries of one kind in the document of an organization.
const MOST: usize = 1000;

struct Organizations;

impl Resource for Organizations {
    type Model = Organization;
    const KIND: Kind = Kind::Organization;
    const PATH: &'static str = "/organizations";
    const MEMBER: &'static str = "organizations";
    const MISSING: Missing = Missing { message: "No organization found by that id or name", code: None };
    const TAKEN: &'static str = "An organization with this name already exists.";

    /// The contract calls the same part of a path by two names.
    async fn find(call: &Call) -> Result<String, Problem> {
        let older = call.at("id");
        Ok(if older.is_empty() { call.at("organization_id") } else { older }.to_owned())
    }

    fn id(organization: &Organization) -> &str {
        &organization.id
    }

    fn unique(organization: &Organization) -> Option<String> {
        Some(organization.name.clone())
    }

    fn show(_: &Call, organization: &Organization) -> Result<Value, Problem> {
        shown(organization)
    }

    async fn create(
        call: &Call,
        mut body: Map<String, Value>,
        change: Change,
    ) -> Result<(Organization, Change), Problem> {
        body.insert("id".to_owned(), ids::prefixed(&*call.ctx.app.rng, "org_").into());
        body.retain(|_, value| !value.is_null());
        let wanted = body.shift_remove("enabled_connections");
        let mut organization: Organization = read(Value::Object(body))?;
        for entry in wanted.as_ref().and_then(Value::as_array).into_iter().flatten() {
            connections::add(call, &mut organization, entry.clone())?;
        }
        Ok((organization, change))
    }

    async fn update(
        _: &Call,
        _: &Organization,
        _: &mut Organization,
        change: Change,
    ) -> Result<Change, Problem> {
        Ok(change)
    }

    async fn delete(call: &Call, organization: &Organization, change: Change) -> Result<Change, Problem> {
        let (tenant, store) = (call.tenant(), call.store());
        store.clear(tenant, Going::Organization(&organization.id)).await.map_err(stored)?;
        Ok(change.also(store.remove_all_members(tenant, &organization.id)))
    }
}

/// As the wire shows it: what has operations of its own is not shown.
fn shown(organization: &Organization) -> Result<Value, Problem> {
    let mut value = print(organization)?;
    if let Some(members) = value.as_object_mut() {
        for name in ["connections", "clients", "client_grants", "discovery_domains"] {
            members.shift_remove(name);
        }
    }
    Ok(value)
}

async fn list(call: Call) -> Result<Answer, Problem> {
    let Some(sort) = call.query.text("sort") else { return resource::list::<Organizations>(call).await };
    let (field, descending) = match sort.split_once(':') {
        Some((field, "1")) => (field, false),
        Some((field, "-1")) => (field, true),
        None => (sort, false),
        Some(_) => return Err(unsortable()),
    };
    let key: fn(&Organization) -> String = match field {
        "name" => |organization| organization.name.clone(),
        "display_name" => |organization| organization.display_name.clone().unwrap_or_default(),
        _ => return Err(unsortable()),
    };
    let found = call.store().docs_all(call.tenant(), Kind::Organization).await.map_err(stored)?;
    let mut all: Vec<Organization> =
        found.iter().map(|doc| read_stored(&doc.json)).collect::<Result<_, _>>()?;
    all.sort_by_cached_key(|organization| (key(organization), organization.id.clone()));
    if descending {
        all.reverse();
    }
    let page = Page::of(&call.query)?;
    let show = |organization: Organization| shown(&organization).unwrap_or_default();
    let slice = page.cut(all, |organization| organization.id.clone(), show);
    Ok(Answer::ok(page.body("organizations", slice)))
}

fn unsortable() -> Problem {
    Problem::Query("Query validation error: sort must be name or display_name, with :1 or :-1".to_owned())
}

async fn by_name(call: Call) -> Result<Answer, Problem> {
    let found = call.store().doc_by_uniq(call.tenant(), Kind::Organization, call.at("name")).await;
    let found = found.map_err(stored)?.ok_or(Problem::NotFound(Organizations::MISSING))?;
    Ok(Answer::ok(shown(&read_stored(&found.json)?)?))
}

async fn delete(call: Call) -> Result<Answer, Problem> {
    let (organization, _) = load::<Organizations>(&call).await?;
    let change = Organizations::delete(&call, &organization, Change::new(call.tenant())).await?;
    let rev = call.apply(change.delete(Kind::Organization, &organization.id)).await.map_err(stored)?;
    Ok(Answer::new(StatusCode::NO_CONTENT, None).at(rev))
}

/// The organization of the path.
pub(super) async fn here(call: &Call) -> Result<Organization, Problem> {
    Ok(load::<Organizations>(call).await?.0)
}

/// Rewrites the organization of the path, twice if somebody else does the same at the same time.
async fn rewrite<T>(
    call: &Call,
    edit: impl Fn(&mut Organization) -> Result<T, Problem>,
) -> Result<(T, i64), Problem> {
    for _ in 0..2 {
        let (mut organization, seen) = load::<Organizations>(call).await?;
        let answer = edit(&mut organization)?;
        let full = [
            organization.connections.len(),
            organization.clients.len(),
            organization.client_grants.len(),
            organization.discovery_domains.len(),
        ];
        if full.into_iter().any(|entries| entries > MOST) {
            return Err(Problem::refused(format!("An organization has at most {MOST} of these.")));
        }
        match call.apply(put::<Organizations>(Change::new(call.tenant()), &organization, seen)?).await {
            Ok(rev) => return Ok((answer, rev)),
            Err(Error::Guard) => {}
            Err(other) => return Err(refused::<Organizations>(other)),
        }
    }
    Err(Lost::Race.into())
}
