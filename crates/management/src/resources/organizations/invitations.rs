//! Invitations: a link with which somebody becomes a member.

use axum::http::StatusCode;
use chancery_core::ids;
use chancery_core::iso::format_ms;
use chancery_core::problem::{Missing, Problem};
use chancery_core::records::Invitation;
use serde_json::{Value, json};

use super::here;
use crate::call::{Answer, Call, internal, stored};
use crate::ops::Table;
use crate::page::{Page, Slice, chosen};

pub(super) fn bind(table: &mut Table) {
    table.bind("GET /organizations/{id}/invitations", list);
    table.bind("POST /organizations/{id}/invitations", create);
    table.bind("GET /organizations/{id}/invitations/{invitation_id}", show);
    table.bind("DELETE /organizations/{id}/invitations/{invitation_id}", delete);
}

const MISSING: Missing = Missing { message: "The invitation does not exist.", code: None };
/// A week, in seconds: where `ttl_sec` is absent or 0.
const LIFETIME: i64 = 604_800;

fn shown(call: &Call, organization: &str, invitation: &Invitation) -> Result<Value, Problem> {
    let ticket = call.store().invitation_ticket(call.tenant(), invitation).map_err(internal)?;
    let mut value = json!({
        "id": invitation.id,
        "organization_id": invitation.organization_id,
        "inviter": {"name": invitation.inviter},
        "invitee": {"email": invitation.email},
        "invitation_url": url(&invitation.login_url, &ticket, &invitation.organization_id, organization),
        "ticket_id": ticket.as_str(),
        "client_id": invitation.client_id,
        "created_at": format_ms(invitation.created_ms),
        "expires_at": format_ms(invitation.expires_at.saturating_mul(1000)),
    });
    if let Some(connection) = &invitation.connection_id {
        value["connection_id"] = connection.as_str().into();
    }
    if !invitation.roles.is_empty() {
        value["roles"] = json!(invitation.roles);
    }
    for (name, metadata) in
        [("app_metadata", &invitation.app_metadata), ("user_metadata", &invitation.user_metadata)]
    {
        if let Some(metadata) = metadata {
            value[name] = Value::Object(metadata.clone());
        }
    }
    Ok(value)
}

/// Where the application begins a login, told of the invitation.
fn url(login_url: &str, ticket: &str, organization_id: &str, name: &str) -> String {
    let joint = if login_url.contains('?') { '&' } else { '?' };
    // Names and ids hold URL-safe characters only.
    format!("{login_url}{joint}invitation={ticket}&organization={organization_id}&organization_name={name}")
}

async fn list(call: Call) -> Result<Answer, Problem> {
    let organization = here(&call).await?;
    let newest_first = match call.query.text("sort") {
        None | Some("created_at:-1") => true,
        Some("created_at:1" | "created_at") => false,
        Some(_) => {
            let why = "Query validation error: sort must be created_at:1 or created_at:-1";
            return Err(Problem::Query(why.to_owned()));
        }
    };
    let page = Page::offset(&call.query)?;
    let Page::Offset { start, limit, totals } = page else { return Err(Problem::Internal) };
    let (tenant, store) = (call.tenant(), call.store());
    let found =
        store.invitations(tenant, &organization.id, newest_first, (start, limit)).await.map_err(stored)?;
    let total = match totals {
        true => store.invitations_count(tenant, &organization.id).await.map_err(stored)?,
        false => 0,
    };
    let items: Result<Vec<Value>, Problem> = found
        .iter()
        .map(|invitation| Ok(chosen(shown(&call, &organization.name, invitation)?, &call.query, &[])))
        .collect();
    Ok(Answer::ok(page.body("invitations", Slice { items: items?, total, next: None })))
}

async fn create(call: Call) -> Result<Answer, Problem> {
    let organization = here(&call).await?;
    let text = |name: &str| call.body.get(name).and_then(Value::as_str);
    let inner = |path: &str| call.body.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    let client = text("client_id").and_then(|id| call.snapshot().client(id));
    let client = client.ok_or(Problem::NotFound(super::super::clients::MISSING))?;
    let default = call.snapshot().settings.default_redirection_uri.as_deref();
    let login_url = client.initiate_login_uri.as_deref().or(default).filter(|url| !url.is_empty());
    let login_url = login_url.ok_or_else(|| {
        Problem::refused(
            "A default login route is required to generate the invitation url: set initiate_login_uri of the \
             application or default_redirection_uri of the tenant.",
        )
    })?;
    let connection_id = text("connection_id");
    if connection_id.is_some_and(|id| organization.connection(id).is_none()) {
        return Err(Problem::refused("The connection is not one of the organization's."));
    }
    let roles: Vec<String> = match call.body.get("roles") {
        Some(roles) => serde_json::from_value(roles.clone()).unwrap_or_default(),
        None => Vec::new(),
    };
    if let Some(unknown) = roles.iter().find(|id| call.snapshot().role(id).is_none()) {
        return Err(Problem::refused(format!("The role {unknown} does not exist.")));
    }
    let seconds = call.body.get("ttl_sec").and_then(Value::as_i64).filter(|seconds| *seconds > 0);
    let metadata = |name: &str| call.body.get(name).and_then(Value::as_object).cloned();
    let rng = &*call.ctx.app.rng;
    let ticket = ids::alphanumeric(rng, 32);
    let new = Invitation {
        id: ids::prefixed(rng, "uinv_"),
        organization_id: organization.id.clone(),
        client_id: client.client_id.clone(),
        connection_id: connection_id.map(str::to_owned),
        inviter: inner("/inviter/name"),
        email: inner("/invitee/email"),
        login_url: login_url.to_owned(),
        roles,
        app_metadata: metadata("app_metadata"),
        user_metadata: metadata("user_metadata"),
        created_ms: call.ctx.now_ms,
        expires_at: call.ctx.now().saturating_add(seconds.unwrap_or(LIFETIME)),
        sealed_ticket: String::new(),
    };
    let batch = call.store().insert_invitation(call.tenant(), &new, &ticket).map_err(internal)?;
    call.store().commit(batch).await.map_err(stored)?;
    let kept =
        call.store().invitation_by_id(call.tenant(), &organization.id, &new.id).await.map_err(stored)?;
    let kept = kept.ok_or(Problem::Internal)?;
    if call.body.get("send_invitation_email") != Some(&Value::Bool(false)) {
        let link = url(login_url, &ticket, &organization.id, &organization.name);
        call.ctx.mail_invitation(&new, organization.title(), &link);
    }
    Ok(Answer::new(StatusCode::CREATED, Some(shown(&call, &organization.name, &kept)?)))
}

async fn show(call: Call) -> Result<Answer, Problem> {
    let organization = here(&call).await?;
    let id = call.at("invitation_id");
    let found = call.store().invitation_by_id(call.tenant(), &organization.id, id).await.map_err(stored)?;
    let found = found.ok_or(Problem::NotFound(MISSING))?;
    Ok(Answer::ok(chosen(shown(&call, &organization.name, &found)?, &call.query, &[])))
}

async fn delete(call: Call) -> Result<Answer, Problem> {
    let organization = here(&call).await?;
    let batch = call.store().delete_invitation(call.tenant(), &organization.id, call.at("invitation_id"));
    call.store().commit(batch).await.map_err(stored)?;
    Ok(Answer::no_content())
}

#[cfg(test)]
mod tests {
    #[test]
    fn links() {
        let link = super::url("https://a.example/login?x=1", "t", "org_1", "acme");
        assert_eq!(
            link,
            "https://a.example/login?x=1&invitation=t&organization=org_1&organization_name=acme"
        );
    }
}
