//! Who belongs to which organization, and the roles held there. The organization itself is a document.

use chancery_db::{Batch, params};

use crate::{Result, Store, rows::storable};

/// Members behind an id.
pub(crate) const MEMBERS: &str = "SELECT user_id FROM organization_members WHERE tenant = $1 AND organization_id = $2 \
     AND user_id > $3 ORDER BY user_id LIMIT $4 OFFSET $5";

impl Store {
    /// Makes users members of an organization; those who are already stay so.
    pub fn add_members(&self, tenant: &str, organization_id: &str, user_ids: &[String]) -> Batch {
        user_ids.iter().fold(Batch::default(), |batch, user_id| {
            batch.run(
                "INSERT INTO organization_members (tenant, organization_id, user_id) VALUES ($1, $2, $3) \
                 ON CONFLICT DO NOTHING",
                params![tenant, organization_id, user_id.as_str()],
            )
        })
    }

    /// Ends memberships, with the roles held there; users who are no members are no error.
    pub fn remove_members(&self, tenant: &str, organization_id: &str, user_ids: &[String]) -> Batch {
        user_ids.iter().fold(Batch::default(), |batch, user_id| {
            ["organization_members", "organization_member_roles"].iter().fold(batch, |batch, table| {
                batch.run(
                    format!(
                        "DELETE FROM {table} WHERE tenant = $1 AND organization_id = $2 AND user_id = $3"
                    ),
                    params![tenant, organization_id, storable(user_id)],
                )
            })
        })
    }

    /// Ends every membership and every invitation: goes with the deletion of the organization's document.
    pub fn remove_all_members(&self, tenant: &str, organization_id: &str) -> Batch {
        let tables = ["organization_members", "organization_member_roles", "group_roles", "invitations"];
        tables.iter().fold(Batch::default(), |batch, table| {
            batch.run(
                format!("DELETE FROM {table} WHERE tenant = $1 AND organization_id = $2"),
                params![tenant, organization_id],
            )
        })
    }

    /// Whether a user is a member.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database), as every read here.
    pub async fn is_member(&self, tenant: &str, organization_id: &str, user_id: &str) -> Result<bool> {
        let sql = "SELECT COUNT(*) FROM organization_members \
                   WHERE tenant = $1 AND organization_id = $2 AND user_id = $3";
        let found: Option<i64> =
            self.db.query_one(sql, params![tenant, organization_id, storable(user_id)]).await?;
        Ok(found.unwrap_or(0) > 0)
    }

    /// Ids of `limit` members in order, behind `after` (empty is the beginning) and then after the first `offset`.
    ///
    /// # Errors
    /// As [`Store::is_member`].
    pub async fn members(
        &self,
        tenant: &str,
        organization_id: &str,
        after: &str,
        offset: i64,
        limit: i64,
    ) -> Result<Vec<String>> {
        Ok(self.db.query(MEMBERS, params![tenant, organization_id, storable(after), limit, offset]).await?)
    }

    /// How many members an organization has.
    ///
    /// # Errors
    /// As [`Store::is_member`].
    pub async fn members_count(&self, tenant: &str, organization_id: &str) -> Result<i64> {
        let sql = "SELECT COUNT(*) FROM organization_members WHERE tenant = $1 AND organization_id = $2";
        Ok(self.db.query_one(sql, params![tenant, organization_id]).await?.unwrap_or(0))
    }

    /// Ids of the organizations a user is a member of, in order.
    ///
    /// # Errors
    /// As [`Store::is_member`].
    pub async fn organizations_of(&self, tenant: &str, user_id: &str) -> Result<Vec<String>> {
        let sql = "SELECT organization_id FROM organization_members WHERE tenant = $1 AND user_id = $2 \
                   ORDER BY organization_id";
        Ok(self.db.query(sql, params![tenant, storable(user_id)]).await?)
    }

    /// Gives roles to a member; those already held are no error. Fails with [`Error::Guard`](crate::Error::Guard) where the
    /// user is no member.
    pub fn assign_member_roles(
        &self,
        tenant: &str,
        organization_id: &str,
        user_id: &str,
        role_ids: &[String],
    ) -> Batch {
        // A write that changes nothing, but only where there is a member: in the same moment as the roles are given.
        let is_member = Batch::default().guard(
            "UPDATE organization_members SET user_id = user_id \
             WHERE tenant = $1 AND organization_id = $2 AND user_id = $3",
            params![tenant, organization_id, user_id],
        );
        role_ids.iter().fold(is_member, |batch, role_id| {
            batch.run(
                "INSERT INTO organization_member_roles (tenant, organization_id, user_id, role_id) \
                 VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
                params![tenant, organization_id, user_id, role_id.as_str()],
            )
        })
    }

    /// Takes roles from a member; those not held are no error.
    pub fn remove_member_roles(
        &self,
        tenant: &str,
        organization_id: &str,
        user_id: &str,
        role_ids: &[String],
    ) -> Batch {
        role_ids.iter().fold(Batch::default(), |batch, role_id| {
            batch.run(
                "DELETE FROM organization_member_roles \
                 WHERE tenant = $1 AND organization_id = $2 AND user_id = $3 AND role_id = $4",
                params![tenant, organization_id, user_id, storable(role_id)],
            )
        })
    }

    /// Ids of the roles a member holds in an organization, in order.
    ///
    /// # Errors
    /// As [`Store::is_member`].
    pub async fn member_roles(
        &self,
        tenant: &str,
        organization_id: &str,
        user_id: &str,
    ) -> Result<Vec<String>> {
        let sql = "SELECT role_id FROM organization_member_roles \
                   WHERE tenant = $1 AND organization_id = $2 AND user_id = $3 ORDER BY role_id";
        Ok(self.db.query(sql, params![tenant, organization_id, storable(user_id)]).await?)
    }

    /// Ids of `limit` members who hold a role in an organization, in order, behind `after` (empty is the beginning).
    ///
    /// # Errors
    /// As [`Store::is_member`].
    pub async fn members_with_role(
        &self,
        tenant: &str,
        organization_id: &str,
        role_id: &str,
        after: &str,
        limit: i64,
    ) -> Result<Vec<String>> {
        let sql = "SELECT user_id FROM organization_member_roles WHERE tenant = $1 AND organization_id = $2 \
                   AND role_id = $3 AND user_id > $4 ORDER BY user_id LIMIT $5";
        let params = params![tenant, organization_id, storable(role_id), storable(after), limit];
        Ok(self.db.query(sql, params).await?)
    }
}
