//! What the operations do, one file per resource.

mod apis;
mod attack_protection;
mod client_grants;
mod clients;
mod connections;
mod credentials;
mod grants;
mod keys;
mod logs;
mod organizations;
mod permissions;
mod roles;
mod sessions;
mod system_apis;
mod tenant;
mod user_access;
mod user_search;
mod users;

use crate::ops::Table;

/// Binds every operation that is built.
pub(crate) fn bind(table: &mut Table) {
    apis::bind(table);
    clients::bind(table);
    client_grants::bind(table);
    roles::bind(table);
    users::bind(table);
    user_access::bind(table);
    grants::bind(table);
    connections::bind(table);
    tenant::bind(table);
    keys::bind(table);
    sessions::bind(table);
    logs::bind(table);
    organizations::bind(table);
    attack_protection::bind(table);
}
