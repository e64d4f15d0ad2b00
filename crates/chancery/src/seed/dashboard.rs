//! The dashboard's application, what it may ask for, and the role of those who administer with it.

use chancery_core::model::{AppType, Client, ClientGrant, Permission, Role, SubjectType};
use chancery_core::{dashboard, ids};
use chancery_store::{Change, Error, Kind};

use super::fresh::{MANAGEMENT_IDENTIFIER, application};
use super::{Credentials, Seeding, documents};

/// What is missing of application, grant and role; what is there stays as it is. Answers the role's id.
pub(crate) async fn add_missing(
    seeding: &Seeding<'_>,
    mut change: Change,
) -> Result<(Change, String), Error> {
    let (store, tenant) = (seeding.store, seeding.tenant);
    if store.doc(tenant, Kind::Client, dashboard::CLIENT_ID).await?.is_none() {
        change = documents::client(change, &client(seeding)?)?;
    }
    let grant = client_grant(seeding);
    if store.doc_by_uniq(tenant, Kind::ClientGrant, &grant.unique_name()).await?.is_none() {
        change = documents::client_grant(change, &grant)?;
    }
    if let Some(found) = store.doc_by_uniq(tenant, Kind::Role, dashboard::ROLE).await? {
        return Ok((change, found.id));
    }
    let role = role(seeding);
    Ok((documents::role(change, &role)?, role.id))
}

/// Public, since it runs in the browser, and sent back to each origin of the tenant.
pub(crate) fn client(seeding: &Seeding<'_>) -> Result<Client, Error> {
    let credentials = Credentials { client_id: dashboard::CLIENT_ID.to_owned(), client_secret: None };
    let client = application(seeding, "Chancery Dashboard", AppType::Spa, &credentials)?;
    let pages: Vec<String> = seeding.origins.iter().map(|origin| dashboard::url(origin)).collect();
    Ok(Client {
        description: Some("Administers this tenant, for users who may.".to_owned()),
        callbacks: Some(pages.clone()),
        allowed_logout_urls: Some(pages),
        web_origins: Some(seeding.origins.to_vec()),
        // What it asks for is never worth a token that lasts.
        grant_types: Some(vec!["authorization_code".to_owned()]),
        // It is answered by the server that asks, on loopback too.
        skip_non_verifiable_callback_uri_confirmation_prompt: Some(true),
        ..client
    })
}

/// Everything the Management API has, for users who hold it.
pub(crate) fn client_grant(seeding: &Seeding<'_>) -> ClientGrant {
    ClientGrant {
        id: ids::prefixed(seeding.rng, "cgr_"),
        client_id: Some(dashboard::CLIENT_ID.to_owned()),
        default_for: None,
        audience: MANAGEMENT_IDENTIFIER.to_owned(),
        scope: None,
        subject_type: SubjectType::User,
        authorization_details_types: None,
        allow_all_scopes: Some(true),
        organization_usage: None,
        allow_any_organization: None,
        is_system: None,
    }
}

/// Every permission on the Management API.
pub(crate) fn role(seeding: &Seeding<'_>) -> Role {
    let permissions = seeding.scopes.iter().map(|scope| Permission {
        resource_server_identifier: MANAGEMENT_IDENTIFIER.to_owned(),
        permission_name: scope.value.clone(),
    });
    Role {
        id: ids::prefixed(seeding.rng, "rol_"),
        name: dashboard::ROLE.to_owned(),
        description: Some("May do everything through the Management API.".to_owned()),
        kind: Some("tenant".to_owned()),
        owner_id: None,
        permissions: permissions.collect(),
    }
}
