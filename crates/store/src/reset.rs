//! Emptying a tenant: dev mode's reset.

use chancery_db::{Batch, params};

use crate::{Kind, Result, Store, docs};

/// A document that a reset keeps.
pub type Kept<'a> = (Kind, &'a str);

/// Everything that is a tenant's, beside its documents and the feed of their changes.
const RECORDS: [&str; 35] = [
    "users",
    "user_terms",
    "unindexed_users",
    "credentials",
    "user_roles",
    "user_permissions",
    "organization_members",
    "organization_member_roles",
    "user_groups",
    "group_members",
    "group_roles",
    "invitations",
    "sessions",
    "logout_notices",
    "backchannel_pings",
    "transactions",
    "codes",
    "device_codes",
    "refresh_tokens",
    "opaque_tokens",
    "revoked",
    "consents",
    "tickets",
    "authentication_methods",
    "password_history",
    "device_keys",
    "jobs",
    "directory_runs",
    "directory_accounts",
    "scope_use",
    "assertions",
    "tries",
    "logs",
    "log_blocks",
    "log_block_users",
];

impl Store {
    /// Empties a tenant in one batch, but for its origins and the documents to keep. Every node reads the tenant again.
    ///
    /// # Errors
    /// [`Error::Guard`](crate::Error::Guard) where there is no such tenant.
    pub async fn wipe_tenant(&self, tenant: &str, keep: &[Kept<'_>]) -> Result<()> {
        self.commit(self.wipe_tenant_batch(tenant, keep)).await
    }

    /// As [`Store::wipe_tenant`], to be committed with what the tenant is filled with.
    pub fn wipe_tenant_batch(&self, tenant: &str, keep: &[Kept<'_>]) -> Batch {
        let mut sql = String::from("DELETE FROM docs WHERE tenant = $1");
        let mut params = params![tenant];
        for (kind, id) in keep {
            params.extend([kind.as_str().into(), (*id).into()]);
            sql.push_str(&format!(" AND NOT (kind = ${} AND id = ${})", params.len() - 1, params.len()));
        }
        let batch = RECORDS.iter().fold(docs::step(tenant).run(sql, params), |batch, table| {
            batch.run(format!("DELETE FROM {table} WHERE tenant = $1"), params![tenant])
        });
        docs::announce(batch, tenant, docs::EVERYTHING, "")
    }
}
