//! `/event-streams`: where events about users and organizations are to be sent. None is sent yet, so there are no
//! deliveries.

use chancery_core::problem::{Missing, Problem};
use chancery_store::Kind;
use serde_json::{Map, Value, json};

use super::super::collection::{Collection, Of, by_checkpoints, default};
use crate::call::{Answer, Call};
use crate::ops::Table;
use crate::resource::{Crud, load};
use crate::secrets::split;

pub(super) fn bind(table: &mut Table) {
    Crud::<Of<EventStreams>>::bind(table);
    table.bind("GET /event-streams", |call| by_checkpoints::<EventStreams>(call, |_, _| true));
    table.bind("GET /event-streams/{id}/deliveries", deliveries);
    table.bind("GET /event-streams/{id}/deliveries/{event_id}", delivery);
    table.bind("POST /event-streams/{id}/redeliver", redeliver);
    table.bind("POST /event-streams/{id}/redeliver/{event_id}", delivery);
}

struct EventStreams;

impl Collection for EventStreams {
    const KIND: Kind = Kind::EventStream;
    const PATH: &'static str = "/event-streams";
    const MEMBER: &'static str = "eventStreams";
    const MISSING: Missing = Missing { message: "The event stream does not exist.", code: None };
    const PREFIX: &'static str = "est_";
    const SECRETIVE: Option<&'static str> = Some("destination");

    fn judge_id(id: &str) -> Result<(), Problem> {
        let is_good = |rest: &str| rest.len() == 22 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if id.strip_prefix("est_").is_some_and(is_good) {
            return Ok(());
        }
        Err(Problem::Path(format!(
            "'Object didn't pass validation for format event-stream-id: {id}' on property id (Unique identifier for the \
             event stream)."
        )))
    }

    fn complete(_: &Call, stream: &mut Value) -> Result<(), Problem> {
        default(stream, &json!({"status": "enabled"}));
        Ok(())
    }

    fn hide(stream: &mut Value) -> Map<String, Value> {
        let authorization = stream.pointer_mut("/destination/configuration/webhook_authorization");
        authorization
            .map(|all| split(all, |name| matches!(name, "token" | "password" | "header_value")))
            .unwrap_or_default()
    }
}

const NO_EVENT: Missing = Missing { message: "The event does not exist.", code: None };

async fn deliveries(call: Call) -> Result<Answer, Problem> {
    load::<Of<EventStreams>>(&call).await?;
    Ok(Answer::ok(json!({"deliveries": []})))
}

async fn delivery(call: Call) -> Result<Answer, Problem> {
    load::<Of<EventStreams>>(&call).await?;
    Err(Problem::NotFound(NO_EVENT))
}

/// Nothing failed, so nothing is left to send again.
async fn redeliver(call: Call) -> Result<Answer, Problem> {
    load::<Of<EventStreams>>(&call).await?;
    Ok(Answer::accepted())
}
