//! Documents into a change, with the names under which no two of a kind may exist.

use chancery_core::model::{Api, Client, ClientGrant, Connection, Role};
use chancery_store::{Change, Error, Kind};
use serde::Serialize;

pub(super) fn api(change: Change, api: &Api) -> Result<Change, Error> {
    Ok(change.insert(Kind::Api, &api.id, Some(&api.identifier), json(api)?))
}

pub(super) fn client(change: Change, client: &Client) -> Result<Change, Error> {
    Ok(change.insert(Kind::Client, &client.client_id, None, json(client)?))
}

pub(super) fn client_grant(change: Change, grant: &ClientGrant) -> Result<Change, Error> {
    let uniq = grant.unique_name();
    Ok(change.insert(Kind::ClientGrant, &grant.id, Some(&uniq), json(grant)?))
}

pub(super) fn connection(change: Change, connection: &Connection) -> Result<Change, Error> {
    Ok(change.insert(Kind::Connection, &connection.id, Some(&connection.name), json(connection)?))
}

pub(super) fn role(change: Change, role: &Role) -> Result<Change, Error> {
    Ok(change.insert(Kind::Role, &role.id, Some(&role.name), json(role)?))
}

pub(super) fn json<T: Serialize>(document: &T) -> Result<String, Error> {
    serde_json::to_string(document)
        .map_err(|error| Error::Corrupt(format!("a seed has no JSON form: {error}")))
}
