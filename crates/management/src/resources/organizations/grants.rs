//! Client grants that machines may use for an organization.

use std::collections::BTreeSet;

use chancery_core::model::{ClientGrant, GrantOrganizationUsage, Organization};
use chancery_core::problem::Problem;
use chancery_store::Kind;
use serde_json::Value;

use super::super::client_grants;
use super::{here, rewrite, shown as shown_organization};
use crate::call::{Answer, Call, read_stored, stored};
use crate::ops::Table;
use crate::page::Page;

pub(super) fn bind(table: &mut Table) {
    table.bind("GET /organizations/{id}/client-grants", list);
    table.bind("POST /organizations/{id}/client-grants", add);
    table.bind("DELETE /organizations/{id}/client-grants/{grant_id}", remove);
    table.bind("GET /client-grants/{id}/organizations", organizations);
}

fn by_id<'a>(call: &'a Call, id: &str) -> Option<&'a ClientGrant> {
    call.snapshot().client_grant_by_id(id).map(|grant| &**grant)
}

/// The applications that have a client grant in an organization, each once, in the order of their ids. Without the
/// organization there are none.
pub(in super::super) async fn client_grants_of(call: &Call, id: &str) -> Result<Vec<String>, Problem> {
    let found = call.store().doc(call.tenant(), Kind::Organization, id).await.map_err(stored)?;
    let Some(found) = found else { return Ok(Vec::new()) };
    let organization: Organization = read_stored(&found.json)?;
    let grants = organization.client_grants.iter().filter_map(|id| by_id(call, id));
    let clients: BTreeSet<String> = grants.filter_map(|grant| grant.client_id.clone()).collect();
    Ok(clients.into_iter().collect())
}

async fn list(call: Call) -> Result<Answer, Problem> {
    let organization = here(&call).await?;
    let ids: Vec<&str> = call.query.all("grant_ids").collect();
    let chosen: Vec<&ClientGrant> = organization
        .client_grants
        .iter()
        .filter_map(|id| by_id(&call, id))
        .filter(|grant| ids.is_empty() || ids.contains(&grant.id.as_str()))
        .filter(|grant| client_grants::is_named(&call, grant))
        .collect();
    let page = Page::offset(&call.query)?;
    let show = |grant| client_grants::shown(&call, grant).unwrap_or_default();
    Ok(Answer::ok(page.body("client_grants", page.cut(chosen, |grant| grant.id.clone(), show))))
}

async fn add(call: Call) -> Result<Answer, Problem> {
    let id = call.body.get("grant_id").and_then(Value::as_str).unwrap_or_default();
    let grant = by_id(&call, id).ok_or(Problem::NotFound(client_grants::MISSING))?;
    if matches!(grant.organization_usage, None | Some(GrantOrganizationUsage::Deny)) {
        return Err(Problem::refused(
            "The grant must have organization_usage allow or require to be associated with an organization.",
        ));
    }
    let ((), rev) = rewrite(&call, |organization| {
        if organization.client_grants.iter().any(|known| known == id) {
            return Err(Problem::conflict("This client grant is already associated with the organization."));
        }
        organization.client_grants.push(id.to_owned());
        Ok(())
    })
    .await?;
    let mut value = client_grants::shown(&call, grant)?;
    if let Some(members) = value.as_object_mut()
        && let Some(id) = members.shift_remove("id")
    {
        members.insert("grant_id".to_owned(), id);
    }
    Ok(Answer::created(value).at(rev))
}

/// What is gone is gone.
async fn remove(call: Call) -> Result<Answer, Problem> {
    let ((), rev) = rewrite(&call, |organization| {
        organization.client_grants.retain(|id| id != call.at("grant_id"));
        Ok(())
    })
    .await?;
    Ok(Answer::no_content().at(rev))
}

/// The organizations a grant is for. Looks at all of them.
async fn organizations(call: Call) -> Result<Answer, Problem> {
    let grant = by_id(&call, call.at("id")).ok_or(Problem::NotFound(client_grants::MISSING))?;
    let found = call.store().docs_all(call.tenant(), Kind::Organization).await.map_err(stored)?;
    let mut all: Vec<Organization> =
        found.iter().map(|doc| read_stored(&doc.json)).collect::<Result<_, _>>()?;
    all.retain(|organization| organization.client_grants.contains(&grant.id));
    let page = Page::of(&call.query)?;
    let show = |organization: Organization| shown_organization(&organization).unwrap_or_default();
    let slice = page.cut(all, |organization| organization.id.clone(), show);
    Ok(Answer::ok(page.body("organizations", slice)))
}
