//! Tenants and the origins they are reached at.

use chancery_db::{Batch, params};

use crate::{Error, Result, Store};

/// One tenant: an issuer of its own with everything under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// Leads every key.
    pub id: String,
    /// `https://host[:port]` without a slash at the end. The first is canonical.
    pub origins: Vec<String>,
}

impl Store {
    /// Adds a tenant without any configuration.
    ///
    /// # Errors
    /// [`Error::Conflict`] where the id or one of the origins is taken.
    pub async fn create_tenant(&self, tenant: &Tenant) -> Result<()> {
        let batch = Batch::default().run(
            "INSERT INTO tenants (id, config_rev, origins_rev) VALUES ($1, 0, 1)",
            params![tenant.id.as_str()],
        );
        self.commit(insert_origins(batch, &tenant.id, &tenant.origins)).await
    }

    /// Every tenant, by id, with its origins.
    ///
    /// # Errors
    /// [`Error::Busy`] or [`Error::Database`].
    pub async fn tenants(&self) -> Result<Vec<Tenant>> {
        let rows: Vec<(String, Option<String>)> = self
            .db
            .query(
                "SELECT t.id, o.origin FROM tenants t LEFT JOIN tenant_origins o ON o.tenant = t.id \
                 ORDER BY t.id, o.position",
                params![],
            )
            .await?;
        let mut tenants = Vec::<Tenant>::new();
        for (id, origin) in rows {
            if tenants.last().is_none_or(|last| last.id != id) {
                tenants.push(Tenant { id, origins: Vec::new() });
            }
            if let Some(last) = tenants.last_mut() {
                last.origins.extend(origin);
            }
        }
        Ok(tenants)
    }

    /// Replaces the origins of a tenant.
    ///
    /// # Errors
    /// [`Error::Guard`] where there is no such tenant, [`Error::Conflict`] where another one has an origin.
    pub async fn set_origins(&self, tenant: &str, origins: &[String]) -> Result<()> {
        let batch = Batch::default()
            .guard("UPDATE tenants SET origins_rev = origins_rev + 1 WHERE id = $1", params![tenant])
            .run("DELETE FROM tenant_origins WHERE tenant = $1", params![tenant]);
        self.commit(insert_origins(batch, tenant, origins)).await
    }

    /// The revision of a tenant's configuration.
    ///
    /// # Errors
    /// [`Error::Guard`] where there is no such tenant.
    pub async fn config_rev(&self, tenant: &str) -> Result<i64> {
        let rev = self.db.query_one("SELECT config_rev FROM tenants WHERE id = $1", params![tenant]).await?;
        rev.ok_or(Error::Guard)
    }
}

fn insert_origins(batch: Batch, tenant: &str, origins: &[String]) -> Batch {
    origins.iter().zip(0_i64..).fold(batch, |batch, (origin, position)| {
        batch.run(
            "INSERT INTO tenant_origins (origin, tenant, position) VALUES ($1, $2, $3)",
            params![origin.to_ascii_lowercase(), tenant, position],
        )
    })
}
