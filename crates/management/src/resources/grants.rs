//! `/grants`: what users consented to (fact sheet 4.3). Withdrawing one ends every token under it.

use chancery_core::problem::Problem;
use chancery_core::records::Consent;
use chancery_store::ConsentFilter;
use serde_json::{Value, json};

use crate::call::{Answer, Call, stored};
use crate::ops::Table;
use crate::page::{Page, Slice};

pub(super) fn bind(table: &mut Table) {
    table.bind("GET /grants", list);
    table.bind("DELETE /grants", delete_of_user);
    table.bind("DELETE /grants/{id}", delete);
}

async fn list(call: Call) -> Result<Answer, Problem> {
    let userinfo = &call.origin().userinfo_audience;
    // Stored without a name, since it is no API.
    let audience = call.query.text("audience").map(|audience| match audience {
        audience if audience == userinfo => String::new(),
        audience => call.stored_identifier(audience),
    });
    let filter = ConsentFilter {
        user_id: call.query.text("user_id"),
        client_id: call.query.text("client_id"),
        audience: audience.as_deref(),
    };
    let page = Page::offset(&call.query)?;
    let Page::Offset { start, limit, .. } = page else { return Err(Problem::Internal) };
    let found = call.store().consents(call.tenant(), &filter, start, limit).await.map_err(stored)?;
    let total = call.store().consents_count(call.tenant(), &filter).await.map_err(stored)?;
    let items = found.iter().map(|consent| shown(&call, consent)).collect();
    Ok(Answer::ok(page.body("grants", Slice { items, total, next: None })))
}

/// `clientID`, though every other member has its words apart.
fn shown(call: &Call, consent: &Consent) -> Value {
    let audience = if consent.audience.is_empty() {
        call.origin().userinfo_audience.clone()
    } else {
        call.origin().absolute(&consent.audience).into_owned()
    };
    let mut value = json!({
        "id": consent.id,
        "clientID": consent.client_id,
        "user_id": consent.user_id,
        "audience": audience,
        "scope": consent.scope,
    });
    if !consent.organization_id.is_empty() {
        value["organization_id"] = consent.organization_id.as_str().into();
    }
    value
}

async fn delete(call: Call) -> Result<Answer, Problem> {
    call.store().delete_consent(call.tenant(), call.at("id")).await.map_err(stored)?;
    Ok(Answer::no_content())
}

async fn delete_of_user(call: Call) -> Result<Answer, Problem> {
    let user_id = call.query.text("user_id").unwrap_or_default();
    let batch = call.store().delete_consents_of_user(call.tenant(), user_id);
    call.store().commit(batch).await.map_err(stored)?;
    Ok(Answer::no_content())
}
