//! `/agent-access`, ours alone: how programs come in that nobody registered (`core::model::AgentAccess`).

use chancery_core::model::{AgentAccess, DescribedClients};
use chancery_core::problem::Problem;
use chancery_store::Kind;
use serde_json::Value;

use crate::call::{Answer, Call, internal, print, read};
use crate::document::rewrite;
use crate::ops::Table;

pub(super) fn bind_own(table: &mut Table) {
    table.bind("GET /agent-access", show);
    table.bind("PUT /agent-access", replace);
}

async fn show(call: Call) -> Result<Answer, Problem> {
    Ok(Answer::ok(print(&*call.snapshot().agents)?))
}

/// The whole of it: what is left out is as it was at first.
async fn replace(call: Call) -> Result<Answer, Problem> {
    let mut settings: AgentAccess = read(call.body.clone())?;
    let hidden = &mut settings.protected_resource_metadata.hidden;
    for (place, identifier) in hidden.iter_mut().enumerate() {
        *identifier = known_api(&call, identifier, &format!("protected_resource_metadata.hidden[{place}]"))?;
    }
    judge(&call, &settings.client_id_metadata_documents)?;
    let document = print(&settings)?;
    let (_, rev) = rewrite(&call, Kind::AgentAccess, "settings", |_| Ok(Some(document.clone()))).await?;
    serde_json::to_value(&settings).map(|shown: Value| Answer::ok(shown).at(rev)).map_err(internal)
}

/// What cannot act is refused: nobody should rely on it.
fn judge(call: &Call, template: &DescribedClients) -> Result<(), Problem> {
    const AT: &str = "client_id_metadata_documents";
    for (place, access) in template.apis.iter().enumerate() {
        let path = format!("{AT}.apis[{place}]");
        let api = call.snapshot().resolve_api(call.origin(), &access.identifier);
        let api =
            api.ok_or_else(|| Problem::payload("There is no such API", &format!("{path}.identifier")))?;
        if api.is_system() {
            let reason = "Applications that nobody registered get nothing of the server's own APIs";
            return Err(Problem::payload(reason, &format!("{path}.identifier")));
        }
        if template.apis[..place].iter().any(|other| other.identifier == access.identifier) {
            return Err(Problem::payload("The API is there twice", &format!("{path}.identifier")));
        }
        if let Some(scope) = access.scope.iter().find(|scope| !api.defines(scope)) {
            let reason = format!("The API does not define the scope {scope}");
            return Err(Problem::payload(&reason, &format!("{path}.scope")));
        }
    }
    for (place, name) in template.connections.iter().enumerate() {
        let is_there = call.snapshot().connections().any(|connection| connection.name == *name);
        if !is_there {
            return Err(Problem::payload(
                "There is no such connection",
                &format!("{AT}.connections[{place}]"),
            ));
        }
    }
    for (place, host) in template.hosts.iter().enumerate() {
        if !is_host(host.strip_prefix("*.").unwrap_or(host)) {
            let reason = "A host is a name such as agent.example.com, or *. before one";
            return Err(Problem::payload(reason, &format!("{AT}.hosts[{place}]")));
        }
    }
    Ok(())
}

fn known_api(call: &Call, identifier: &str, path: &str) -> Result<String, Problem> {
    let api = call.snapshot().resolve_api(call.origin(), identifier);
    api.map(|api| api.identifier.clone()).ok_or_else(|| Problem::payload("There is no such API", path))
}

/// Names as they stand in URLs: with a dot, since `*.com` would be anybody; `localhost` is for who tries things out.
fn is_host(name: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    (name.contains('.') || name == "localhost") && name.split('.').all(is_label)
}
