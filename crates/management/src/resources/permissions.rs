//! Permissions: an API's scope as something roles, users and applications hold.

use chancery_core::model::{Api, ClientGrant, Permission, Role};
use chancery_core::problem::Problem;
use chancery_store::{Change, Going, Kind};
use serde::Deserialize;
use serde_json::{Value, json};

use super::apis;
use crate::call::{Call, internal, read_stored, stored};

/// The body of every operation that gives or takes permissions.
#[derive(Deserialize)]
struct Body {
    permissions: Vec<Permission>,
}

/// The permissions of a body, with identifiers as they are stored.
pub(super) fn of_body(call: &Call) -> Result<Vec<Permission>, Problem> {
    let body: Body = call.body_as()?;
    let stored = body.permissions.into_iter().map(|permission| Permission {
        resource_server_identifier: call.stored_identifier(&permission.resource_server_identifier),
        ..permission
    });
    Ok(stored.collect())
}

/// As [`of_body`], each of them a live scope.
pub(super) fn live_of_body(call: &Call) -> Result<Vec<Permission>, Problem> {
    let permissions = of_body(call)?;
    for permission in &permissions {
        let api = call.snapshot().api(&permission.resource_server_identifier);
        let api = api.ok_or(Problem::NotFound(apis::MISSING))?;
        if !api.defines(&permission.permission_name) {
            return Err(Problem::refused(format!(
                "The permission '{}' does not exist on the resource server '{}'.",
                permission.permission_name,
                call.origin().absolute(&api.identifier)
            )));
        }
    }
    Ok(permissions)
}

/// As lists show it; `None` where the scope is gone.
pub(super) fn shown(call: &Call, permission: &Permission) -> Option<Value> {
    let api = call.snapshot().api(&permission.resource_server_identifier)?;
    let scope = api.scopes.iter().flatten().find(|scope| scope.value == permission.permission_name)?;
    Some(json!({
        "permission_name": permission.permission_name,
        "description": scope.description.as_deref().unwrap_or_default(),
        "resource_server_name": api.name.as_deref().unwrap_or_default(),
        "resource_server_identifier": call.origin().absolute(&api.identifier),
    }))
}

/// What of an API goes.
#[derive(Clone, Copy)]
pub(super) enum Lost<'a> {
    Scopes(&'a [&'a str]),
    Everything,
}

impl Lost<'_> {
    fn takes(&self, scope: &str) -> bool {
        match self {
            Self::Scopes(scopes) => scopes.contains(&scope),
            Self::Everything => true,
        }
    }
}

/// Takes what goes from every role, user, application, consent and token that holds it. Sources are silent on this: see the
/// project's decisions.
pub(super) async fn forget(
    call: &Call,
    mut change: Change,
    api: &Api,
    lost: Lost<'_>,
) -> Result<Change, Problem> {
    let (id, identifier) = (api.id.as_str(), api.identifier.as_str());
    for found in call.store().docs_all(call.tenant(), Kind::Role).await.map_err(stored)? {
        let mut role: Role = read_stored(&found.json)?;
        let before = role.permissions.len();
        role.permissions.retain(|held| {
            held.resource_server_identifier != identifier || !lost.takes(&held.permission_name)
        });
        if role.permissions.len() != before {
            let json = serde_json::to_string(&role).map_err(internal)?;
            change = change.update(Kind::Role, &role.id, Some(&role.name), json, found.rev);
        }
    }
    for found in call.store().docs_all(call.tenant(), Kind::ClientGrant).await.map_err(stored)? {
        let mut grant: ClientGrant = read_stored(&found.json)?;
        if grant.audience != identifier {
            continue;
        }
        let Lost::Scopes(_) = lost else {
            change = change.delete(Kind::ClientGrant, &grant.id);
            continue;
        };
        let Some(scope) = &mut grant.scope else { continue };
        let before = scope.len();
        scope.retain(|held| !lost.takes(held));
        if scope.len() != before {
            let json = serde_json::to_string(&grant).map_err(internal)?;
            change = change.update(Kind::ClientGrant, &grant.id, Some(&grant.unique_name()), json, found.rev);
        }
    }
    let (tenant, store) = (call.tenant(), call.store());
    if let Lost::Scopes(scopes) = lost {
        store.drop_granted(tenant, identifier, scopes).await.map_err(stored)?;
    }
    let going = match lost {
        Lost::Scopes(scopes) => Going::Scopes { id, identifier, scopes },
        Lost::Everything => Going::Api { id, identifier },
    };
    store.clear(tenant, going).await.map_err(stored)?;
    Ok(match lost {
        Lost::Scopes(scopes) => change
            .also(store.drop_permissions(tenant, identifier, scopes))
            .also(store.drop_consented(tenant, identifier, scopes)),
        Lost::Everything => change
            .also(store.drop_all_permissions(tenant, identifier))
            .also(store.delete_consents_of_api(tenant, identifier)),
    })
}
