//! Configuration that tools write and read, and that nothing acts on yet: one file for each collection. What is secret in
//! it lies sealed. `coverage` and `kept` say that it does nothing.

mod event_streams;
mod flows;
mod log_streams;
mod network_acls;
mod profiles;
mod rules_configs;
mod self_service;

use crate::ops::Table;

pub(super) fn bind(table: &mut Table) {
    log_streams::bind(table);
    event_streams::bind(table);
    flows::bind(table);
    network_acls::bind(table);
    profiles::bind(table);
    rules_configs::bind(table);
    self_service::bind(table);
}
