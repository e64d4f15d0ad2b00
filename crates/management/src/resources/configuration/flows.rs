//! `/flows`, `/flows/vault/connections` and `/forms`: forms of the hosted pages, the steps they run and the services that
//! these call. No page shows a form yet, and no flow runs.

use chancery_core::problem::{Missing, Problem};
use chancery_jose::sha256;
use chancery_store::Kind;
use serde_json::{Map, Value, json};

use super::super::collection::{Collection, Of, paged, text};
use crate::call::{Answer, Call};
use crate::ops::Table;
use crate::resource::Crud;

pub(super) fn bind(table: &mut Table) {
    Crud::<Of<Flows>>::bind(table);
    Crud::<Of<Services>>::bind(table);
    Crud::<Of<Forms>>::bind(table);
    table.bind("GET /flows", paged::<Flows>);
    table.bind("GET /flows/vault/connections", paged::<Services>);
    table.bind("GET /forms", paged::<Forms>);
    table.bind("GET /flows/{flow_id}/executions", executions);
    for verb in ["GET", "DELETE"] {
        table.bind(&format!("{verb} /flows/{{flow_id}}/executions/{{execution_id}}"), execution);
    }
}

/// Members that lists show.
const SUMMARY: &[&str] = &["id", "name", "created_at", "updated_at"];

struct Flows;

impl Collection for Flows {
    const KIND: Kind = Kind::Flow;
    const PATH: &'static str = "/flows";
    const MEMBER: &'static str = "flows";
    const MISSING: Missing = Missing { message: "Flow not found", code: None };
    const PREFIX: &'static str = "af_";
    const SUMMARY: &'static [&'static str] = SUMMARY;
    const DELETED_ONCE: bool = true;

    fn complete(_: &Call, flow: &mut Value) -> Result<(), Problem> {
        without_empty(flow);
        Ok(())
    }
}

struct Forms;

impl Collection for Forms {
    const KIND: Kind = Kind::Form;
    const PATH: &'static str = "/forms";
    const MEMBER: &'static str = "forms";
    const MISSING: Missing = Missing { message: "Form not found", code: None };
    const PREFIX: &'static str = "ap_";
    const SUMMARY: &'static [&'static str] = SUMMARY;
    const DELETED_ONCE: bool = true;

    fn complete(_: &Call, form: &mut Value) -> Result<(), Problem> {
        without_empty(form);
        // Somebody who has filled in the form goes on where they were.
        super::super::collection::default(form, &json!({"ending": {"resume_flow": true}}));
        Ok(())
    }
}

/// Members that are empty are not shown, as recorded.
fn without_empty(document: &mut Value) {
    if let Some(members) = document.as_object_mut() {
        members.retain(|_, value| *value != json!([]) && *value != json!({}));
    }
}

struct Services;

impl Collection for Services {
    const KIND: Kind = Kind::FlowConnection;
    const PATH: &'static str = "/flows/vault/connections";
    const MEMBER: &'static str = "connections";
    const MISSING: Missing = Missing { message: "Connection not found", code: None };
    const PREFIX: &'static str = "ac_";
    const SECRETIVE: Option<&'static str> = Some("setup");
    const DELETED_ONCE: bool = true;

    fn complete(_: &Call, service: &mut Value) -> Result<(), Problem> {
        let is_set_up = service.get("setup").is_some_and(Value::is_object);
        // What is sealed shows in the fingerprint whether it changed.
        let digest = sha256(service.to_string().as_bytes());
        let fingerprint: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        service["fingerprint"] = fingerprint.into();
        if is_set_up || service.get("ready").is_none() {
            service["ready"] = is_set_up.into();
        }
        super::super::collection::default(service, &json!({"refreshed_at": null}));
        Ok(())
    }

    /// How to sign in at a service is secret as a whole.
    fn hide(service: &mut Value) -> Map<String, Value> {
        crate::secrets::split(service, |name| name == "setup")
    }
}

const NO_EXECUTION: Missing = Missing { message: "Execution not found", code: None };

async fn executions(call: Call) -> Result<Answer, Problem> {
    found(&call).await?;
    if call.query.has_any(&["take", "from"]) {
        return Ok(Answer::ok(json!({"executions": []})));
    }
    if call.query.flag("include_totals") == Some(true) {
        let limit = call.query.int("per_page").unwrap_or(50);
        let start = call.query.int("page").unwrap_or(0).saturating_mul(limit);
        return Ok(Answer::ok(json!({"start": start, "limit": limit, "total": 0, "executions": []})));
    }
    Ok(Answer::ok(json!([])))
}

async fn execution(call: Call) -> Result<Answer, Problem> {
    found(&call).await?;
    Err(Problem::NotFound(NO_EXECUTION))
}

async fn found(call: &Call) -> Result<(), Problem> {
    let flow = crate::document::find(call, Kind::Flow, call.at("flow_id")).await?;
    flow.filter(|flow| !text(flow, "id").is_empty()).map(|_| ()).ok_or(Problem::NotFound(Flows::MISSING))
}
