//! `/log-streams`: where log events are to be sent. None is sent anywhere yet.

use axum::http::StatusCode;
use chancery_core::problem::{Missing, Problem};
use chancery_store::Kind;
use serde_json::{Map, Value, json};

use super::super::collection::{Collection, Of, default, text};
use crate::call::{Answer, Call, missing, read_stored, stored};
use crate::ops::Table;
use crate::resource::{Crud, Resource};
use crate::secrets::split;

pub(super) fn bind(table: &mut Table) {
    Crud::<Of<LogStreams>>::bind(table);
    table.bind("GET /log-streams", list);
}

struct LogStreams;

impl Collection for LogStreams {
    const KIND: Kind = Kind::LogStream;
    const PATH: &'static str = "/log-streams";
    const MEMBER: &'static str = "log_streams";
    const MISSING: Missing = missing("The log stream does not exist.", "inexistent_log_stream");
    const CREATED: StatusCode = StatusCode::OK;
    const PREFIX: &'static str = "lst_";
    const DATED: bool = false;
    const SECRETIVE: Option<&'static str> = Some("sink");
    const SHOWS_SECRETS: bool = true;

    fn complete(call: &Call, stream: &mut Value) -> Result<(), Problem> {
        let wanted = match text(stream, "type") {
            "http" => "httpEndpoint",
            "eventbridge" => "awsAccountId",
            "eventgrid" => "azureSubscriptionId",
            "datadog" => "datadogApiKey",
            "splunk" => "splunkDomain",
            "sumo" => "sumoSourceAddress",
            "segment" => "segmentWriteKey",
            _ => "mixpanelProjectId",
        };
        // A sink that nobody sent again lies sealed.
        if call.body.get("sink").is_some_and(|sink| sink.get(wanted).is_none()) {
            return Err(Problem::payload(&format!("Missing required property: {wanted}"), "sink"));
        }
        let name = text(stream, "type").to_owned();
        default(stream, &json!({"name": name, "status": "active", "isPriority": false}));
        // What has priority is what is about security.
        if stream.get("isPriority") == Some(&Value::Bool(true)) {
            stream["filters"] = json!([{"type": "category", "name": "security"}]);
        }
        if let Some(pii) = stream.get_mut("pii_config") {
            default(pii, &json!({"method": "hash", "algorithm": "xxhash"}));
        }
        if let Some(members) = stream.as_object_mut() {
            // Where to begin is asked once.
            members.shift_remove("startFrom");
        }
        Ok(())
    }

    fn hide(stream: &mut Value) -> Map<String, Value> {
        let Some(sink) = stream.get_mut("sink") else { return Map::new() };
        let secrets = split(sink, |name| SECRETS.contains(&name));
        if secrets.is_empty() { secrets } else { Map::from_iter([("sink".to_owned(), secrets.into())]) }
    }
}

const SECRETS: [&str; 7] = [
    "httpAuthorization",
    "httpCustomHeaders",
    "datadogApiKey",
    "splunkToken",
    "sumoSourceAddress",
    "segmentWriteKey",
    "mixpanelServiceAccountPassword",
];

/// All of them: the list knows no pages.
async fn list(call: Call) -> Result<Answer, Problem> {
    let all = call.store().docs_all(call.tenant(), Kind::LogStream).await.map_err(stored)?;
    let shown: Result<Vec<Value>, Problem> =
        all.iter().map(|doc| Of::<LogStreams>::show(&call, &read_stored(&doc.json)?)).collect();
    Ok(Answer::ok(shown?.into()))
}
