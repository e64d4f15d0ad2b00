//! What the operations do, one file per resource.

mod absent;
mod agent_access;
mod apis;
mod attack_protection;
mod authentication_methods;
mod blocks;
mod branding;
mod client_documents;
mod client_grants;
pub(crate) mod clients;
mod collection;
mod configuration;
mod connections;
mod credentials;
mod custom_domains;
mod device_credentials;
mod emails;
mod grants;
mod groups;
mod guardian;
mod identities;
mod jobs;
mod keys;
mod log_search;
mod logs;
mod openid;
mod organizations;
mod permissions;
mod places;
mod prompts;
mod roles;
mod second_factors;
mod sessions;
mod stats;
pub(crate) mod system_apis;
pub(crate) mod tenant;
mod tickets;
mod token_exchange_profiles;
mod trusted_issuers;
mod user_access;
pub(crate) mod user_export;
mod user_import;
mod user_search;
mod users;

use crate::ops::Table;

/// Binds every operation that is built.
pub(crate) fn bind(table: &mut Table) {
    apis::bind(table);
    clients::bind(table);
    client_documents::bind(table);
    client_grants::bind(table);
    roles::bind(table);
    users::bind(table);
    user_access::bind(table);
    identities::bind(table);
    blocks::bind(table);
    stats::bind(table);
    device_credentials::bind(table);
    authentication_methods::bind(table);
    groups::bind(table);
    jobs::bind(table);
    user_export::bind(table);
    custom_domains::bind(table);
    absent::bind(table);
    configuration::bind(table);
    guardian::bind(table);
    tickets::bind(table);
    grants::bind(table);
    connections::bind(table);
    tenant::bind(table);
    keys::bind(table);
    second_factors::bind(table);
    sessions::bind(table);
    logs::bind(table);
    organizations::bind(table);
    attack_protection::bind(table);
    branding::bind(table);
    prompts::bind(table);
    emails::bind(table);
    token_exchange_profiles::bind(table);
}

/// Binds the operations that are ours alone.
pub(crate) fn bind_own(table: &mut Table) {
    stats::bind_own(table);
    second_factors::bind_own(table);
    places::bind_own(table);
    agent_access::bind_own(table);
    trusted_issuers::bind_own(table);
    openid::bind_own(table);
}
