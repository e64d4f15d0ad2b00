//! `/connections`: where users and their passwords live. Strategies other than `auth0` are stored and shown; nobody can
//! sign in with them yet.

mod directory;
mod discovery;
mod keys;
mod saml;
mod scim;
mod strategies;

use std::time::Duration;

use axum::http::StatusCode;
use chancery_core::ids;
use chancery_core::iso::format_ms;
use chancery_core::logout::Initiator;
use chancery_core::model::{CharacterType, Connection, ConnectionOptions};
use chancery_core::problem::{Missing, Problem};
use chancery_store::{Change, Error, Kind, Snapshot};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::time::timeout;

use crate::call::{Answer, Call, internal, missing, read, read_stored, stored};
use crate::ops::Table;
use crate::page::{Page, Slice};
use crate::resource::{Crud, Held, Lost, Resource, load, put};

pub(super) fn bind(table: &mut Table) {
    Crud::<Connections>::bind(table);
    // A deletion answers with a time, which the description of a resource cannot.
    table.bind("DELETE /connections/{id}", delete);
    table.bind("GET /connections/{id}/clients", clients);
    table.bind("PATCH /connections/{id}/clients", set_clients);
    table.bind("DELETE /connections/{id}/users", delete_user);
    table.bind("GET /connections/{id}/status", status);
    keys::bind(table);
    scim::bind(table);
    directory::bind(table);
}

struct Connections;

impl Resource for Connections {
    type Model = Connection;
    const KIND: Kind = Kind::Connection;
    const PATH: &'static str = "/connections";
    const MEMBER: &'static str = "connections";
    const MISSING: Missing = missing("The connection does not exist", "inexistent_connection");
    const TAKEN: &'static str = "A connection with the same name already exists";
    const FILTERS: &'static [&'static str] = &["strategy", "name"];
    const DELETED: (StatusCode, Option<&'static str>) = (StatusCode::ACCEPTED, None);

    const KEPT: &'static [&'static str] =
        &["id", "is_domain_connection", "authentication", "connected_accounts"];

    fn id(connection: &Connection) -> &str {
        &connection.id
    }

    fn held<'a>(snapshot: &'a Snapshot, id: &str) -> Option<&'a Connection> {
        snapshot.connection(id).map(|connection| &**connection)
    }

    fn all_held<'a>(snapshot: &'a Snapshot, after: &'a str) -> Option<Held<'a, Connection>> {
        Some(Box::new(snapshot.connections_after(after).map(|connection| &**connection)))
    }

    fn unique(connection: &Connection) -> Option<String> {
        Some(connection.name.clone())
    }

    fn is_asked_for(call: &Call, connection: &Connection) -> bool {
        let strategies: Vec<&str> = call.query.all("strategy").collect();
        (strategies.is_empty() || strategies.contains(&connection.strategy.as_str()))
            && call.query.text("name").is_none_or(|name| name == connection.name)
    }

    fn show(call: &Call, connection: &Connection) -> Result<Value, Problem> {
        let mut value = shown(connection);
        if connection.enabled_for_all == Some(true) {
            value["enabled_clients"] = json!(every_client(call));
        }
        Ok(value)
    }

    async fn create(
        call: &Call,
        mut body: Map<String, Value>,
        change: Change,
    ) -> Result<(Connection, Change), Problem> {
        body.insert("id".to_owned(), ids::prefixed(&*call.ctx.app.rng, "con_").into());
        body.retain(|_, value| !value.is_null());
        let mut connection: Connection = read(Value::Object(body))?;
        connection.is_domain_connection.get_or_insert(false);
        connection.realms.get_or_insert_with(|| vec![connection.name.clone()]);
        if connection.strategy == DATABASE {
            connection
                .options
                .entry("mfa")
                .or_insert(json!({"active": true, "return_enroll_settings": true}));
            if !connection.options.contains_key("password_options") {
                connection.options.entry("passwordPolicy").or_insert("good".into());
            }
            connection.options.entry("strategy_version").or_insert(2.into());
        }
        without_nulls(&mut connection);
        complete(call, &mut connection)?;
        saml::complete(call, &mut connection, None).await?;
        strategies::complete(call, &mut connection, None);
        discovery::complete(call, &mut connection, None).await?;
        let change = keys::ensure(call, &connection, change).await?;
        Ok((connection, change))
    }

    async fn update(
        call: &Call,
        before: &Connection,
        after: &mut Connection,
        change: Change,
    ) -> Result<Change, Problem> {
        if call.body.get("enabled_clients").is_some() {
            after.enabled_for_all = None;
        }
        let rewritten = call.body.get("options").is_some();
        if rewritten {
            without_nulls(after);
            without_derived_rules(before, after);
        }
        same_uniqueness(before, after)?;
        complete(call, after)?;
        if rewritten {
            saml::complete(call, after, Some(before)).await?;
            strategies::complete(call, after, Some(before));
            discovery::complete(call, after, Some(before)).await?;
            return keys::ensure(call, after, change).await;
        }
        Ok(change)
    }

    async fn delete(call: &Call, connection: &Connection, change: Change) -> Result<Change, Problem> {
        let (tenant, store) = (call.tenant(), call.store());
        let ending = call.ctx.ending(Initiator::AccountDeleted);
        let named = (connection.id.as_str(), connection.name.as_str());
        let gone = store.delete_all_of_connection(tenant, named, ending).await.map_err(stored)?;
        Ok(change
            .also(gone)
            .delete(Kind::ConnectionKey, &connection.id)
            .delete(Kind::ScimConfiguration, &connection.id)
            .delete(Kind::DirectoryProvisioning, &connection.id))
    }
}

const DATABASE: &str = "auth0";

/// As the wire shows it.
pub(super) fn shown(connection: &Connection) -> Value {
    let mut value = serde_json::to_value(connection).unwrap_or_default();
    fill(&mut value, &json!({"authentication": {"active": true}, "connected_accounts": {"active": false}}));
    if connection.strategy == DATABASE {
        fill(&mut value, &json!({"options": {"password_options": password_rules(&connection.settings())}}));
    }
    value
}

/// A setting that is null is one that is not there: readers of settings know no null.
fn without_nulls(connection: &mut Connection) {
    connection.options.retain(|_, value| !value.is_null());
}

/// Answers show the rules in force where nobody wrote any. What is written back as it was shown stays unwritten: it would hold
/// on when the setting that it comes from changes, and says more than was shown (D118).
fn without_derived_rules(before: &Connection, after: &mut Connection) {
    let written = match after.options.shift_remove("password_options") {
        Some(Value::Object(written)) if after.strategy == DATABASE => written,
        Some(other) => {
            after.options.insert("password_options".to_owned(), other);
            return;
        }
        None => return,
    };
    let derived = password_rules(&after.settings());
    let known = before.options.get("password_options");
    let is_own = |name: &str, rule: &Value| {
        known.is_some_and(|known| known.get(name).is_some()) || derived.get(name) != Some(rule)
    };
    let kept: Map<String, Value> = written.into_iter().filter(|(name, rule)| is_own(name, rule)).collect();
    if known.is_some() || !kept.is_empty() {
        after.options.insert("password_options".to_owned(), Value::Object(kept));
    }
}

/// What the shape cannot say, and what the server adds.
fn complete(call: &Call, connection: &mut Connection) -> Result<(), Problem> {
    let unknown = |id: &&String| call.snapshot().client(id).is_none();
    if connection.enabled_clients.iter().any(|id| unknown(&id)) && call.body.get("enabled_clients").is_some()
    {
        connection.enabled_clients.retain(|id| !unknown(&id));
    }
    if connection.strategy != DATABASE {
        return Ok(());
    }
    let options = &mut connection.options;
    if options.contains_key("attributes") {
        if options.contains_key("validation") {
            return Err(Problem::refused("Cannot set both options.attributes and options.validation"));
        }
        if options.get("requires_username") == Some(&Value::Bool(true)) {
            return Err(Problem::refused("Cannot set both options.attributes and options.requires_username"));
        }
        check_attributes(options)?;
    }
    if call.body.get("cross_app_access_requesting_app").is_some_and(|app| !app.is_null()) {
        return Err(Problem::RefusedAs(
            "operation_not_supported",
            "Cross App Access Requesting App is not supported for this connection.".into(),
        ));
    }
    fill(
        options.entry("authentication_methods").or_insert_with(|| json!({})),
        &json!({
            "password": {"enabled": true, "api_behavior": "required", "signup_behavior": "allow"},
            "passkey": {"enabled": false},
            "email_otp": {"enabled": false},
            "phone_otp": {"enabled": false},
        }),
    );
    if let Some(email) = options.get_mut("attributes").and_then(|all| all.get_mut("email")) {
        fill(email, &json!({"unique": true, "verification_method": "link"}));
    }
    options.entry("passkey_options").or_insert(json!({
        "challenge_ui": "both",
        "progressive_enrollment_enabled": true,
        "local_enrollment_enabled": true,
    }));
    options.entry("brute_force_protection").or_insert(Value::Bool(true));
    // Whatever is not understood would silently be a default, which may be the laxer one.
    serde_json::from_value::<ConnectionOptions>(Value::Object(options.clone()))
        .map_err(|error| Problem::payload(&error.to_string(), "options"))?;
    Ok(())
}

/// What passwords must be, rule by rule: those that are in force where nobody wrote others (D86).
fn password_rules(options: &ConnectionOptions) -> Value {
    let strength = options.strength();
    let remembered = options.remembered_passwords();
    let types: Vec<CharacterType> = if strength.three_of_four {
        vec![
            CharacterType::Lowercase,
            CharacterType::Uppercase,
            CharacterType::Number,
            CharacterType::Special,
        ]
    } else {
        strength.needs
    };
    json!({
        "complexity": {
            "min_length": strength.min_length,
            "character_types": types,
            "character_type_rule": if strength.three_of_four { "three_of_four" } else { "all" },
            "identical_characters": if strength.no_runs { "block" } else { "allow" },
            "sequential_characters": if strength.no_sequences { "block" } else { "allow" },
            "max_length_exceeded": "error",
        },
        "dictionary": {
            "active": options.dictionary().is_some(),
            "custom": options.dictionary().unwrap_or_default(),
            "default": "en_10k",
        },
        "history": {"active": remembered > 0, "size": if remembered > 0 { remembered } else { 3 }},
        "profile_data": {
            "active": options.refuses_personal_data().unwrap_or(true),
            "blocked_fields": ["name", "username", "email"],
        },
    })
}

/// Adds what is not there, one level down too.
fn fill(value: &mut Value, defaults: &Value) {
    let (Some(members), Some(defaults)) = (value.as_object_mut(), defaults.as_object()) else { return };
    for (name, default) in defaults {
        match members.get_mut(name) {
            Some(member) => fill(member, default),
            None => {
                members.insert(name.clone(), default.clone());
            }
        }
    }
}

fn check_attributes(options: &Map<String, Value>) -> Result<(), Problem> {
    let attribute = |name: &str| options.get("attributes").and_then(|all| all.get(name));
    for name in ["email", "phone_number", "username"] {
        let required = attribute(name).is_some_and(|a| a.get("profile_required") == Some(&Value::Bool(true)));
        let status = attribute(name).and_then(|a| a.pointer("/signup/status")).and_then(Value::as_str);
        if required && status.is_some_and(|status| status != "required") {
            return Err(Problem::refused(format!("attribute {name} must also be required on signup")));
        }
    }
    Ok(())
}

/// One address for several users is chosen when a database is made: those who have signed in already must not find
/// themselves to be two.
fn same_uniqueness(before: &Connection, after: &Connection) -> Result<(), Problem> {
    let is_unique = |connection: &Connection| {
        connection.options.get("attributes").and_then(|all| all.pointer("/email/unique"))
            != Some(&Value::Bool(false))
    };
    if is_unique(before) && !is_unique(after) {
        return Err(Problem::RefusedAs("invalid_body", "cannot add non-unique email attribute".into()));
    }
    Ok(())
}

/// How long an answer waits for the users of a connection to go. A million of them take minutes, and the status says no more than that
/// it has begun.
const PATIENCE: Duration = Duration::from_secs(3);

async fn delete(call: Call) -> Result<Answer, Problem> {
    let body = json!({"deleted_at": format_ms(call.ctx.now_ms)});
    let accepted = Answer::new(StatusCode::ACCEPTED, Some(body));
    // A set of changes waits for what it consists of.
    if call.staged.is_some() {
        return Ok(deleted(call).await?.map_or_else(Answer::no_content, |rev| accepted.at(rev)));
    }
    let (tenant, id) = (call.tenant().to_owned(), call.at("id").to_owned());
    let mut work = tokio::spawn(deleted(call));
    if let Ok(ended) = timeout(PATIENCE, &mut work).await {
        return Ok(ended.map_err(internal)??.map_or_else(Answer::no_content, |rev| accepted.at(rev)));
    }
    tokio::spawn(async move {
        if let Err(problem) = work.await.map_err(internal).flatten() {
            tracing::warn!(
                tenant,
                id,
                "this connection may be there with the rest of its users: {problem:?}"
            );
        }
    });
    Ok(accepted)
}

/// The revision without the connection of the path; `None` where there was none. Signing up goes on until it is gone, so users who
/// came meanwhile are looked for again.
async fn deleted(call: Call) -> Result<Option<i64>, Problem> {
    for _ in 0..TIMES {
        let connection = match load::<Connections>(&call).await {
            Ok((connection, _)) => connection,
            Err(Problem::NotFound(_)) => return Ok(None),
            Err(other) => return Err(other),
        };
        let applied = match Connections::delete(&call, &connection, Change::new(call.tenant())).await {
            Ok(change) => call.apply(change.delete(Kind::Connection, &connection.id)).await.map_err(stored),
            Err(problem) => Err(problem),
        };
        match applied {
            Ok(rev) => return Ok(Some(rev)),
            // There are users again, or somebody else deletes it too.
            Err(Problem::Conflict(_)) => {}
            Err(other) => return Err(other),
        }
    }
    Err(stored(Error::Guard))
}

const TIMES: usize = 5;

const OFFLINE: Missing = missing("The connection is not online.", "connection_offline");

/// Whether the other side can be reached: of a directory's connector, which nobody can connect yet, it never can; of a
/// database that is this server's own, it always can.
async fn status(call: Call) -> Result<Answer, Problem> {
    let (connection, _) = load::<Connections>(&call).await?;
    if connection.strategy == DATABASE { Ok(Answer::ok(json!({}))) } else { Err(Problem::NotFound(OFFLINE)) }
}

/// The applications whose users may sign in here.
async fn clients(call: Call) -> Result<Answer, Problem> {
    let (connection, _) = load::<Connections>(&call).await?;
    let mut ids: Vec<String> = if connection.enabled_for_all == Some(true) {
        every_client(&call)
    } else {
        connection.enabled_clients
    };
    ids.sort();
    let page = match Page::of(&call.query)? {
        Page::Offset { .. } => Page::After { key: String::new(), take: 1000 },
        page => page,
    };
    let Page::After { key, take } = &page else { return Err(Problem::Internal) };
    let behind = ids.iter().filter(|id| *id > key);
    let slice = Slice::first(behind, *take, |id| id.as_str(), |id| Ok(json!({"client_id": id})))?;
    Ok(Answer::ok(page.body("clients", slice)))
}

fn every_client(call: &Call) -> Vec<String> {
    let mut ids: Vec<String> = call.snapshot().clients().map(|client| client.client_id.clone()).collect();
    ids.sort();
    ids
}

#[derive(Deserialize)]
struct Switch {
    client_id: String,
    status: bool,
}

async fn set_clients(call: Call) -> Result<Answer, Problem> {
    let switches: Vec<Switch> = call.body_as()?;
    if switches.iter().any(|switch| switch.status && call.snapshot().client(&switch.client_id).is_none()) {
        return Err(Problem::NotFound(super::clients::MISSING));
    }
    for _ in 0..2 {
        let (mut connection, seen) = load::<Connections>(&call).await?;
        // Taking one application away from all of them names the others.
        if connection.enabled_for_all == Some(true) && switches.iter().any(|switch| !switch.status) {
            connection.enabled_for_all = None;
            connection.enabled_clients = every_client(&call);
        }
        for Switch { client_id, status } in &switches {
            connection.enabled_clients.retain(|id| id != client_id);
            if *status {
                connection.enabled_clients.push(client_id.clone());
            }
        }
        match call.apply(put::<Connections>(Change::new(call.tenant()), &connection, seen)?).await {
            Ok(rev) => return Ok(Answer::no_content().at(rev)),
            Err(chancery_store::Error::Guard) => {}
            Err(other) => return Err(stored(other)),
        }
    }
    Err(Lost::Race.into())
}

/// The user who signs in here with an address.
async fn delete_user(call: Call) -> Result<Answer, Problem> {
    let (connection, _) = load::<Connections>(&call).await?;
    let email = call.query.text("email").unwrap_or_default().to_lowercase();
    let (tenant, store) = (call.tenant(), call.store());
    let found = store.credential(tenant, &connection.name, &email).await.map_err(stored)?;
    // A user name may look like anything; an address is what is asked for.
    let found =
        found.filter(|found| found.user.email.as_ref().is_some_and(|own| own.to_lowercase() == email));
    if let Some(found) = found {
        let told = call.ctx.tell_sessions_of(&found.user.user_id, Initiator::AccountDeleted);
        let gone = store.delete_user_batch(tenant, &found.user.user_id);
        store.commit(told.and(gone)).await.map_err(stored)?;
    }
    Ok(Answer::no_content())
}

/// Connections that named an application, without it: id, name, document, revision.
pub(super) async fn without_client(
    call: &Call,
    client_id: &str,
) -> Result<Vec<(String, String, String, i64)>, Problem> {
    let mut changed = Vec::new();
    for found in call.store().docs_all(call.tenant(), Kind::Connection).await.map_err(stored)? {
        let mut connection: Connection = read_stored(&found.json)?;
        let before = connection.enabled_clients.len();
        connection.enabled_clients.retain(|id| id != client_id);
        if connection.enabled_clients.len() != before {
            let json = serde_json::to_string(&connection).map_err(internal)?;
            changed.push((connection.id, connection.name, json, found.rev));
        }
    }
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::print;

    #[test]
    fn attributes() {
        let options = |status: &str| {
            let options = json!({"attributes": {"phone_number": {"profile_required": true, "signup": {"status": status}}}});
            options.as_object().cloned().unwrap()
        };
        assert!(check_attributes(&options("required")).is_ok());
        let said = check_attributes(&options("inactive")).unwrap_err().body().message;
        assert_eq!(said, "attribute phone_number must also be required on signup");
    }

    #[test]
    fn the_wire_form() {
        let connection: Connection = serde_json::from_value(
            json!({"id": "con_1", "strategy": "auth0", "name": "Users", "show_as_button": true}),
        )
        .unwrap();
        assert_eq!(print(&connection).unwrap()["show_as_button"], true);
    }
}
