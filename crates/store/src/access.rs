//! What users are permitted: their roles and the permissions they hold directly. What a role holds is in its document.

use chancery_core::model::Permission;
use chancery_db::{Batch, params};

use crate::{Result, Store, rows::storable};

/// What a user holds. Permissions through roles come from the snapshot's role documents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserAccess {
    /// Ids of roles, in order.
    pub role_ids: Vec<String>,
    /// Held directly, in order.
    pub permissions: Vec<Permission>,
    /// Roles that groups give, in order: a role once for each group.
    pub group_roles: Vec<GroupRole>,
}

/// A role that a group gives to those who are in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupRole {
    /// The role.
    pub role_id: String,
    /// The group.
    pub group_id: String,
    /// For people.
    pub group_name: String,
}

/// One holder of a role, as lists show them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleMember {
    /// Who.
    pub user_id: String,
    /// Their address, in lower case.
    pub email: Option<String>,
}

/// Holders of a role behind a user id.
pub(crate) const MEMBERS_AFTER: &str = "SELECT m.user_id, u.email FROM user_roles m \
     JOIN users u ON u.tenant = m.tenant AND u.id = m.user_id \
     WHERE m.tenant = $1 AND m.role_id = $2 AND m.user_id > $3 ORDER BY m.user_id LIMIT $4";

impl Store {
    /// What a user holds; nothing for users who do not exist.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database), as every read here.
    pub async fn access_of(&self, tenant: &str, user_id: &str) -> Result<UserAccess> {
        // One statement, so that it is one point in time. Put in order here: engines sort each part by itself, which costs more than
        // finding it.
        let mut rows: Vec<(String, Option<String>, Option<String>)> = self
            .db
            .query(
                "SELECT role_id AS name, CAST(NULL AS TEXT) AS scope, CAST(NULL AS TEXT) AS group_id \
                 FROM user_roles WHERE tenant = $1 AND user_id = $2 \
                 UNION ALL \
                 SELECT api AS name, scope, CAST(NULL AS TEXT) AS group_id \
                 FROM user_permissions WHERE tenant = $1 AND user_id = $2 \
                 UNION ALL \
                 SELECT r.role_id AS name, g.name AS scope, g.id AS group_id FROM group_members m \
                 JOIN group_roles r ON r.tenant = m.tenant AND r.group_id = m.group_id AND r.organization_id = '' \
                 JOIN user_groups g ON g.tenant = m.tenant AND g.id = m.group_id \
                 WHERE m.tenant = $1 AND m.user_id = $2",
                params![tenant, storable(user_id)],
            )
            .await?;
        rows.sort_unstable();
        let mut access = UserAccess::default();
        for row in rows {
            match row {
                (role_id, Some(group_name), Some(group_id)) => {
                    access.group_roles.push(GroupRole { role_id, group_id, group_name });
                }
                (name, Some(permission_name), None) => {
                    access.permissions.push(Permission { resource_server_identifier: name, permission_name });
                }
                (role_id, None, _) => access.role_ids.push(role_id),
            }
        }
        // Two accounts of a user may be in one group.
        access.group_roles.dedup();
        Ok(access)
    }

    /// Gives roles to a user; those already held are no error.
    ///
    /// # Errors
    /// As [`Store::access_of`].
    pub async fn assign_roles(&self, tenant: &str, user_id: &str, role_ids: &[String]) -> Result<()> {
        self.commit(self.assign_roles_batch(tenant, user_id, role_ids)).await
    }

    /// As [`Store::assign_roles`], to be committed with other things.
    pub fn assign_roles_batch(&self, tenant: &str, user_id: &str, role_ids: &[String]) -> Batch {
        role_ids.iter().fold(Batch::default(), |batch, role_id| {
            batch.run(
                "INSERT INTO user_roles (tenant, user_id, role_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                params![tenant, user_id, role_id.as_str()],
            )
        })
    }

    /// Takes roles from a user; those not held are no error.
    ///
    /// # Errors
    /// As [`Store::access_of`].
    pub async fn remove_roles(&self, tenant: &str, user_id: &str, role_ids: &[String]) -> Result<()> {
        let batch = role_ids.iter().fold(Batch::default(), |batch, role_id| {
            batch.run(
                "DELETE FROM user_roles WHERE tenant = $1 AND user_id = $2 AND role_id = $3",
                params![tenant, user_id, role_id.as_str()],
            )
        });
        self.commit(batch).await
    }

    /// `limit` holders of a role by user id, after the first `offset`.
    ///
    /// # Errors
    /// As [`Store::access_of`].
    pub async fn role_members(
        &self,
        tenant: &str,
        role_id: &str,
        offset: i64,
        limit: i64,
    ) -> Result<Vec<RoleMember>> {
        let rows = self.db.query(
            "SELECT m.user_id, u.email FROM user_roles m JOIN users u ON u.tenant = m.tenant AND u.id = m.user_id \
             WHERE m.tenant = $1 AND m.role_id = $2 ORDER BY m.user_id LIMIT $3 OFFSET $4",
            params![tenant, role_id, limit, offset],
        );
        Ok(rows.await?.into_iter().map(member).collect())
    }

    /// `limit` users who hold permissions on an API directly, by user id.
    ///
    /// # Errors
    /// As [`Store::access_of`].
    pub async fn permission_holders(&self, tenant: &str, api: &str, limit: i64) -> Result<Vec<RoleMember>> {
        let rows = self.db.query(
            "SELECT DISTINCT p.user_id, u.email FROM user_permissions p \
             JOIN users u ON u.tenant = p.tenant AND u.id = p.user_id \
             WHERE p.tenant = $1 AND p.api = $2 ORDER BY p.user_id LIMIT $3",
            params![tenant, api, limit],
        );
        Ok(rows.await?.into_iter().map(member).collect())
    }

    /// `limit` holders of a role by user id, beginning behind `after` (empty is the beginning).
    ///
    /// # Errors
    /// As [`Store::access_of`].
    pub async fn role_members_after(
        &self,
        tenant: &str,
        role_id: &str,
        after: &str,
        limit: i64,
    ) -> Result<Vec<RoleMember>> {
        let rows = self.db.query(MEMBERS_AFTER, params![tenant, role_id, storable(after), limit]);
        Ok(rows.await?.into_iter().map(member).collect())
    }

    /// How many hold a role.
    ///
    /// # Errors
    /// As [`Store::access_of`].
    pub async fn role_members_count(&self, tenant: &str, role_id: &str) -> Result<i64> {
        let sql = "SELECT COUNT(*) FROM user_roles WHERE tenant = $1 AND role_id = $2";
        Ok(self.db.query_one(sql, params![tenant, role_id]).await?.unwrap_or(0))
    }

    /// Gives permissions to a user directly; those already held are no error.
    ///
    /// # Errors
    /// As [`Store::access_of`].
    pub async fn add_permissions(
        &self,
        tenant: &str,
        user_id: &str,
        permissions: &[Permission],
    ) -> Result<()> {
        let batch = permissions.iter().fold(Batch::default(), |batch, permission| {
            batch.run(
                "INSERT INTO user_permissions (tenant, user_id, api, scope) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT DO NOTHING",
                held(tenant, user_id, permission),
            )
        });
        self.commit(batch).await
    }

    /// Takes permissions from a user; those not held are no error.
    ///
    /// # Errors
    /// As [`Store::access_of`].
    pub async fn remove_permissions(
        &self,
        tenant: &str,
        user_id: &str,
        permissions: &[Permission],
    ) -> Result<()> {
        let batch = permissions.iter().fold(Batch::default(), |batch, permission| {
            batch.run(
                "DELETE FROM user_permissions WHERE tenant = $1 AND user_id = $2 AND api = $3 AND scope = $4",
                held(tenant, user_id, permission),
            )
        });
        self.commit(batch).await
    }

    /// Takes a role from everyone: goes with the deletion of its document.
    pub fn remove_role_everywhere(&self, tenant: &str, role_id: &str) -> Batch {
        let batch = ["user_roles", "organization_member_roles", "group_roles"].iter().fold(
            Batch::default(),
            |batch, table| {
                batch.run(
                    format!("DELETE FROM {table} WHERE tenant = $1 AND role_id = $2"),
                    params![tenant, role_id],
                )
            },
        );
        self.forget_uses(batch, tenant, &format!("role:{role_id}"))
    }

    /// Takes these scopes of an API from everyone who holds them directly: goes with the change of the API's document.
    pub fn drop_permissions<S: AsRef<str>>(&self, tenant: &str, api: &str, scopes: &[S]) -> Batch {
        scopes.iter().fold(Batch::default(), |batch, scope| {
            batch.run(
                "DELETE FROM user_permissions WHERE tenant = $1 AND api = $2 AND scope = $3",
                params![tenant, api, scope.as_ref()],
            )
        })
    }

    /// Takes every scope of an API from everyone: goes with the deletion of the API's document.
    pub fn drop_all_permissions(&self, tenant: &str, api: &str) -> Batch {
        Batch::default()
            .run("DELETE FROM user_permissions WHERE tenant = $1 AND api = $2", params![tenant, api])
    }
}

fn held(tenant: &str, user_id: &str, permission: &Permission) -> Vec<chancery_db::Value> {
    params![
        tenant,
        user_id,
        permission.resource_server_identifier.as_str(),
        permission.permission_name.as_str()
    ]
}

fn member((user_id, email): (String, Option<String>)) -> RoleMember {
    RoleMember { user_id, email }
}
