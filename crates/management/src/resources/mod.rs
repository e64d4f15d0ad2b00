//! What the operations do, one file per resource.

mod apis;
mod client_grants;
mod permissions;
mod roles;

use crate::ops::Table;

/// Binds every operation that is built.
pub(crate) fn bind(table: &mut Table) {
    apis::bind(table);
    client_grants::bind(table);
    roles::bind(table);
}
