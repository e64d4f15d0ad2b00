//! `/client-grants`: what one application may ask of one API (fact sheet 1.5).

use chancery_core::ids;
use chancery_core::model::ClientGrant;
use chancery_core::problem::{Missing, Problem};
use chancery_store::{Batch, Change, Kind, Snapshot};
use serde_json::{Map, Value};

use super::apis;
use crate::call::{Call, missing, print, read};
use crate::ops::Table;
use crate::resource::{Crud, Held, Resource};
use crate::search::search;

pub(super) fn bind(table: &mut Table) {
    Crud::<ClientGrants>::bind(table);
    table.bind("GET /client-grants/search", search::<ClientGrants>);
}

pub(super) const MISSING: Missing = missing("The grant does not exist.", "inexistent_client_grant");

struct ClientGrants;

impl Resource for ClientGrants {
    type Model = ClientGrant;
    const KIND: Kind = Kind::ClientGrant;
    const PATH: &'static str = "/client-grants";
    const MEMBER: &'static str = "client_grants";
    const MISSING: Missing = MISSING;
    const TAKEN: &'static str = "A client grant for this client, audience and subject type already exists.";
    const FILTERS: &'static [&'static str] =
        &["audience", "client_id", "allow_any_organization", "subject_type", "default_for"];

    fn id(grant: &ClientGrant) -> &str {
        &grant.id
    }

    fn held<'a>(snapshot: &'a Snapshot, id: &str) -> Option<&'a ClientGrant> {
        snapshot.client_grant_by_id(id).map(|grant| &**grant)
    }

    fn all_held<'a>(snapshot: &'a Snapshot, after: &'a str) -> Option<Held<'a, ClientGrant>> {
        Some(Box::new(snapshot.client_grants_after(after).map(|grant| &**grant)))
    }

    fn unique(grant: &ClientGrant) -> Option<String> {
        Some(grant.unique_name())
    }

    fn is_asked_for(call: &Call, grant: &ClientGrant) -> bool {
        let text =
            |name, value: Option<&str>| call.query.text(name).is_none_or(|wanted| Some(wanted) == value);
        let subject = grant.subject_type.as_str();
        is_named(call, grant)
            && text("default_for", grant.default_for.as_deref())
            && text("subject_type", Some(subject))
            && call
                .query
                .flag("allow_any_organization")
                .is_none_or(|wanted| grant.allow_any_organization.unwrap_or(false) == wanted)
    }

    fn show(call: &Call, grant: &ClientGrant) -> Result<Value, Problem> {
        shown(call, grant)
    }

    async fn create(
        call: &Call,
        mut body: Map<String, Value>,
        change: Change,
    ) -> Result<(ClientGrant, Change), Problem> {
        body.insert("id".to_owned(), ids::prefixed(&*call.ctx.app.rng, "cgr_").into());
        let mut grant: ClientGrant = read(Value::Object(body))?;
        grant.audience = call.stored_identifier(&grant.audience);
        if grant.scope.is_none() && grant.allow_all_scopes != Some(true) {
            grant.scope = Some(Vec::new());
        }
        check(call, &grant)?;
        let change = change.also(given(call, &grant, &[]));
        Ok((grant, change))
    }

    async fn update(
        call: &Call,
        before: &ClientGrant,
        after: &mut ClientGrant,
        change: Change,
    ) -> Result<Change, Problem> {
        if before.is_system == Some(true) {
            return Err(Problem::refused("System client grants cannot be changed."));
        }
        if after.scope.is_none() && after.allow_all_scopes != Some(true) {
            after.scope = Some(Vec::new());
        }
        check(call, after)?;
        Ok(change.also(given(call, after, before.scope.as_deref().unwrap_or_default())))
    }

    async fn delete(_: &Call, grant: &ClientGrant, change: Change) -> Result<Change, Problem> {
        if grant.is_system == Some(true) {
            return Err(Problem::refused("System client grants cannot be deleted."));
        }
        Ok(change)
    }
}

/// A note of the scopes that are new in it.
fn given(call: &Call, grant: &ClientGrant, before: &[String]) -> Batch {
    let Some(client_id) = &grant.client_id else { return Batch::default() };
    let new = grant.scope.iter().flatten().filter(|scope| !before.contains(scope));
    let new = new.map(|scope| (grant.audience.as_str(), scope.as_str()));
    let holder = format!("{}:{client_id}", grant.subject_type.as_str());
    call.store().note_given_scopes(call.tenant(), (&holder, call.ctx.today()), new)
}

/// Whether it is of the application and the API that the query names, if any.
pub(super) fn is_named(call: &Call, grant: &ClientGrant) -> bool {
    let text = |name, value: Option<&str>| call.query.text(name).is_none_or(|wanted| Some(wanted) == value);
    text("audience", Some(&call.origin().absolute(&grant.audience)))
        && text("client_id", grant.client_id.as_deref())
}

/// As the wire shows it.
pub(super) fn shown(call: &Call, grant: &ClientGrant) -> Result<Value, Problem> {
    let mut value = print(grant)?;
    value["audience"] = call.origin().absolute(&grant.audience).into();
    if grant.allow_all_scopes == Some(true)
        && let Some(members) = value.as_object_mut()
    {
        members.shift_remove("scope");
    }
    Ok(value)
}

/// What the shape cannot say.
fn check(call: &Call, grant: &ClientGrant) -> Result<(), Problem> {
    let for_third_parties = match (&grant.client_id, &grant.default_for) {
        (Some(client_id), None) => {
            let client = call.snapshot().client(client_id);
            !client.ok_or(Problem::NotFound(CLIENT_MISSING))?.is_first_party
        }
        (None, Some(_)) => true,
        _ => return Err(Problem::refused("Exactly one of client_id and default_for is needed.")),
    };
    let api = call.snapshot().api(&grant.audience).ok_or(Problem::NotFound(apis::MISSING))?;
    if api.is_system() && for_third_parties {
        return Err(Problem::refused(
            "Client grants for this API cannot be created for third-party clients.",
        ));
    }
    if for_third_parties && grant.allow_any_organization == Some(true) {
        return Err(Problem::refused("allow_any_organization is not available to third-party clients."));
    }
    let mut unknown = grant.scope.iter().flatten().filter(|scope| !api.defines(scope));
    // What the Management API's document lists depends on the release: unknown scopes are kept, and give nothing.
    match unknown.next().filter(|_| !api.is_system()) {
        Some(scope) => {
            Err(Problem::refused(format!("The scope '{scope}' does not exist on the resource server.")))
        }
        None => Ok(()),
    }
}

const CLIENT_MISSING: Missing = missing("The client does not exist", "inexistent_client");
