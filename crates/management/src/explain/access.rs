//! Everything that a user or an application can obtain.

use std::collections::BTreeSet;
use std::sync::Arc;

use chancery_core::problem::Problem;
use chancery_web::Audience;
use serde_json::{Value, json};

use super::csv::Table;
use super::reach::{Subject, reach};
use super::{CLIENT, USER, answer, page};
use crate::call::{Answer, Call, stored};

/// `GET /explain/users/{id}`: through an application that may ask for it.
pub(super) async fn of_user(call: Call) -> Result<Answer, Problem> {
    let (tenant, store) = (call.tenant(), call.store());
    let user = store.user(tenant, call.at("id")).await.map_err(stored)?;
    let user = user.ok_or(Problem::NotFound(USER))?;
    let access = store.access_of(tenant, &user.user_id).await.map_err(stored)?;
    let inside = match call.caller.has("read:organizations") {
        true => store.roles_in_organizations(tenant, &user.user_id).await.map_err(stored)?,
        false => Vec::new(),
    };
    let mut rows = BTreeSet::new();
    for api in call.snapshot().apis() {
        let audience = call.origin().absolute(&api.identifier).into_owned();
        let mut row = |scope: &str, way: [&str; 4]| {
            if api.defines(scope) {
                let [through, role_id, role_name, place] = way.map(str::to_owned);
                rows.insert([
                    audience.clone(),
                    api.id.clone(),
                    scope.to_owned(),
                    through,
                    role_id,
                    role_name,
                    place,
                ]);
            }
        };
        if !api.asks_for_permissions() {
            api.live_scopes().for_each(|scope| row(scope, ["open_api", "", "", ""]));
            continue;
        }
        for held in access.permissions.iter().filter(|p| p.resource_server_identifier == api.identifier) {
            row(&held.permission_name, ["direct", "", "", ""]);
        }
        let grouped = access.group_roles.iter().map(|given| &given.role_id);
        let own = access.role_ids.iter().chain(grouped).map(|id| ("", id));
        for (place, role_id) in own.chain(inside.iter().map(|(place, id)| (place.as_str(), id))) {
            let Some(role) = call.snapshot().role(role_id) else { continue };
            for held in role.permissions.iter().filter(|p| p.resource_server_identifier == api.identifier) {
                row(&held.permission_name, ["role", &role.id, &role.name, place]);
            }
        }
    }
    let rows = rows.into_iter().map(|[audience, api_id, scope, through, role_id, role_name, place]| {
        let mut row = json!({"audience": audience, "api_id": api_id, "scope": scope, "through": through});
        if !role_id.is_empty() {
            row["role"] = json!({"id": role_id, "name": role_name});
        }
        if !place.is_empty() {
            row["organization_id"] = place.into();
        }
        row
    });
    let rows: Vec<Value> = rows.collect();
    let (shown, next) = part(&call, rows)?;
    let mut table =
        Table::new(&["user_id", "audience", "scope", "through", "role_id", "role_name", "organization_id"]);
    let user_id = Value::from(user.user_id);
    for row in &shown {
        let role = &row["role"];
        let cells = [&user_id, &row["audience"], &row["scope"], &row["through"], &role["id"], &role["name"]];
        table.add(&[&cells[..], &[&row["organization_id"]]].concat());
    }
    Ok(answer(&call, json!({"user_id": user_id, "access": shown}), table, next))
}

/// `GET /explain/applications/{id}`: for itself, and for users who hold every permission.
pub(super) async fn of_application(call: Call) -> Result<Answer, Problem> {
    let client = call.snapshot().client(call.at("id")).ok_or(Problem::NotFound(CLIENT))?;
    let mut rows = Vec::new();
    for api in call.snapshot().apis() {
        let audience = Audience::Api(Arc::clone(api));
        for subject in Subject::BOTH {
            for (scope, way) in reach(&call, client, &audience, subject, None) {
                let mut row = way.shown(subject);
                row["audience"] = call.origin().absolute(&api.identifier).into();
                row["api_id"] = api.id.as_str().into();
                row["scope"] = scope.into();
                rows.push(row);
            }
        }
    }
    let (shown, next) = part(&call, rows)?;
    let client_id = Value::from(client.client_id.as_str());
    let mut table =
        Table::new(&["client_id", "audience", "scope", "subject_type", "through", "client_grant_id"]);
    for row in &shown {
        let cells = [&client_id, &row["audience"], &row["scope"], &row["subject_type"], &row["through"]];
        table.add(&[&cells[..], &[&row["client_grant_id"]]].concat());
    }
    Ok(answer(&call, json!({"client_id": client_id, "access": shown}), table, next))
}

/// A page of what was worked out whole: it begins at a number.
fn part(call: &Call, rows: Vec<Value>) -> Result<(Vec<Value>, Option<String>), Problem> {
    let (from, take) = page(call)?;
    let start: usize = match from.as_str() {
        "" => 0,
        number => {
            number.parse().map_err(|_| Problem::query("The checkpoint is none of this list", "from"))?
        }
    };
    let take = usize::try_from(take).unwrap_or(0);
    let end = start.saturating_add(take);
    let next = (end < rows.len()).then(|| end.to_string());
    Ok((rows.into_iter().skip(start).take(take).collect(), next))
}
