//! Groups of users that a company's directory keeps: who is in them, and the roles that they give.

use chancery_db::{Batch, FromRow, Row, Value, params};

use crate::{
    Result, Store,
    access::GroupRole,
    rows::{folded, storable},
};

/// A group of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// `grp_` + 22.
    pub id: String,
    /// Whose directory keeps it.
    pub connection_id: String,
    /// Unique in its connection.
    pub name: String,
    /// What the directory calls it; unique in its connection.
    pub external_id: Option<String>,
    /// Milliseconds.
    pub created_at: i64,
    /// Milliseconds.
    pub updated_at: i64,
}

/// One who is in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMember {
    /// The id that the account was made with, as the directory knows it.
    pub account: String,
    /// The user it belongs to now.
    pub user_id: String,
    /// Since when: milliseconds.
    pub since: i64,
}

/// Which groups are asked for; what is `None` does not matter.
#[derive(Clone, Copy, Debug, Default)]
pub struct GroupFilter<'a> {
    /// Of this connection.
    pub connection_id: Option<&'a str>,
    /// Of this name.
    pub name: Option<&'a str>,
    /// Whom the directory calls so.
    pub external_id: Option<&'a str>,
    /// With this in their name, whatever the case.
    pub search: Option<&'a str>,
    /// With this user in them.
    pub user_id: Option<&'a str>,
    /// That give this role, and where: in the tenant (empty) or in an organization.
    pub gives: Option<(&'a str, &'a str)>,
    /// That give some role in this organization.
    pub organization_id: Option<&'a str>,
}

const COLUMNS: &str =
    "SELECT id, connection_id, name, external_id, created_at, updated_at FROM user_groups g";

impl FromRow for Group {
    fn from_row(row: &mut Row) -> chancery_db::Result<Self> {
        Ok(Self {
            id: row.take()?,
            connection_id: row.take()?,
            name: row.take()?,
            external_id: row.take()?,
            created_at: row.take()?,
            updated_at: row.take()?,
        })
    }
}

impl Store {
    /// Writes down a new group. Answers [`Error::Conflict`](crate::Error::Conflict) where the connection has one of its name.
    pub fn insert_group(&self, tenant: &str, group: &Group) -> Batch {
        Batch::default().run(
            "INSERT INTO user_groups (tenant, id, connection_id, name, external_id, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            params![
                tenant,
                group.id.as_str(),
                group.connection_id.as_str(),
                group.name.as_str(),
                group.external_id.clone(),
                group.created_at,
                group.updated_at
            ],
        )
    }

    /// Writes what a group is called now. Answers [`Error::Guard`](crate::Error::Guard) where there is no such group.
    pub fn update_group(&self, tenant: &str, group: &Group) -> Batch {
        Batch::default().guard(
            "UPDATE user_groups SET name = $1, external_id = $2, updated_at = $3 WHERE tenant = $4 AND id = $5",
            params![
                group.name.as_str(),
                group.external_id.clone(),
                group.updated_at,
                tenant,
                group.id.as_str()
            ],
        )
    }

    /// Removes a group with its members and all that it gives.
    pub fn delete_group(&self, tenant: &str, id: &str) -> Batch {
        // The group first: whoever writes into it at this moment waits, and finds none.
        let gone = Batch::default()
            .run("DELETE FROM user_groups WHERE tenant = $1 AND id = $2", params![tenant, storable(id)]);
        ["group_members", "group_roles"].iter().fold(gone, |batch, table| {
            batch.run(
                format!("DELETE FROM {table} WHERE tenant = $1 AND group_id = $2"),
                params![tenant, storable(id)],
            )
        })
    }

    /// Removes every group of a connection: goes with the connection's document.
    pub fn delete_groups_of_connection(&self, tenant: &str, connection_id: &str) -> Batch {
        let theirs = "tenant = $1 AND group_id IN \
                      (SELECT id FROM user_groups WHERE tenant = $1 AND connection_id = $2)";
        // A write that changes nothing: whoever writes into one of them at this moment was first, or waits.
        let held = Batch::default().run(
            "UPDATE user_groups SET name = name WHERE tenant = $1 AND connection_id = $2",
            params![tenant, connection_id],
        );
        let emptied = ["group_members", "group_roles"].iter().fold(held, |batch, table| {
            batch.run(format!("DELETE FROM {table} WHERE {theirs}"), params![tenant, connection_id])
        });
        emptied.run(
            "DELETE FROM user_groups WHERE tenant = $1 AND connection_id = $2",
            params![tenant, connection_id],
        )
    }

    /// Puts accounts of a connection into a group, each for the user it belongs to in this moment; those that are in it
    /// already stay, and those that are gone are left out.
    pub fn add_group_members(
        &self,
        tenant: &str,
        group_id: &str,
        (connection, accounts): (&str, &[String]),
        now_ms: i64,
    ) -> Batch {
        accounts.iter().fold(Batch::default(), |batch, account| {
            // A write that changes nothing: where the account is linked, unlinked or deleted at this moment, one waits for
            // the other, so that nobody is a member by an account that is no longer theirs.
            let held = batch.run(
                "UPDATE credentials SET account = account WHERE tenant = $1 AND connection = $2 AND account = $3",
                params![tenant, connection, account.as_str()],
            );
            held.run(
                "INSERT INTO group_members (tenant, group_id, account, user_id, created_at) \
                 SELECT g.tenant, g.id, c.account, c.user_id, CAST($5 AS BIGINT) \
                 FROM user_groups g JOIN credentials c ON c.tenant = g.tenant \
                 WHERE g.tenant = $1 AND g.id = $2 AND c.connection = $3 AND c.account = $4 ON CONFLICT DO NOTHING",
                params![tenant, group_id, connection, account.as_str(), now_ms],
            )
        })
    }

    /// Takes accounts out of a group; those that are not in it are no error.
    pub fn remove_group_members(&self, tenant: &str, group_id: &str, accounts: &[String]) -> Batch {
        accounts.iter().fold(Batch::default(), |batch, account| {
            batch.run(
                "DELETE FROM group_members WHERE tenant = $1 AND group_id = $2 AND account = $3",
                params![tenant, group_id, storable(account)],
            )
        })
    }

    /// Takes every account out of a group.
    pub fn empty_group(&self, tenant: &str, group_id: &str) -> Batch {
        Batch::default()
            .run("DELETE FROM group_members WHERE tenant = $1 AND group_id = $2", params![tenant, group_id])
    }

    /// Gives roles to a group, in the tenant (no organization) or in an organization. Answers
    /// [`Error::Guard`](crate::Error::Guard) where there is no such group.
    pub fn add_group_roles(
        &self,
        tenant: &str,
        group_id: &str,
        organization_id: &str,
        role_ids: &[String],
    ) -> Batch {
        // A write that changes nothing, but only where there is the group: in the same moment as the roles are given.
        let is_there = Batch::default().guard(
            "UPDATE user_groups SET name = name WHERE tenant = $1 AND id = $2",
            params![tenant, group_id],
        );
        role_ids.iter().fold(is_there, |batch, role_id| {
            batch.run(
                "INSERT INTO group_roles (tenant, group_id, organization_id, role_id) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT DO NOTHING",
                params![tenant, group_id, organization_id, role_id.as_str()],
            )
        })
    }

    /// Takes roles from a group; those that it does not give are no error.
    pub fn remove_group_roles(
        &self,
        tenant: &str,
        group_id: &str,
        organization_id: &str,
        role_ids: &[String],
    ) -> Batch {
        role_ids.iter().fold(Batch::default(), |batch, role_id| {
            batch.run(
                "DELETE FROM group_roles \
                 WHERE tenant = $1 AND group_id = $2 AND organization_id = $3 AND role_id = $4",
                params![tenant, group_id, organization_id, storable(role_id)],
            )
        })
    }

    /// One group.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database), as every read here.
    pub async fn group(&self, tenant: &str, id: &str) -> Result<Option<Group>> {
        let sql = format!("{COLUMNS} WHERE tenant = $1 AND id = $2");
        Ok(self.db.query_one(sql, params![tenant, storable(id)]).await?)
    }

    /// `limit` groups by id, behind `after` (empty is the beginning) and then after the first `offset`.
    ///
    /// # Errors
    /// As [`Store::group`].
    pub async fn groups(
        &self,
        tenant: &str,
        filter: &GroupFilter<'_>,
        after: &str,
        (offset, limit): (i64, i64),
    ) -> Result<Vec<Group>> {
        let (condition, mut params) = filter.condition(tenant);
        params.push(storable(after).into());
        let behind = params.len();
        params.extend([limit.into(), offset.into()]);
        let sql = format!(
            "{COLUMNS} WHERE {condition} AND id > ${behind} ORDER BY id LIMIT ${} OFFSET ${}",
            behind + 1,
            behind + 2
        );
        Ok(self.db.query(sql, params).await?)
    }

    /// How many groups there are.
    ///
    /// # Errors
    /// As [`Store::group`].
    pub async fn groups_count(&self, tenant: &str, filter: &GroupFilter<'_>) -> Result<i64> {
        let (condition, params) = filter.condition(tenant);
        let sql = format!("SELECT COUNT(*) FROM user_groups g WHERE {condition}");
        Ok(self.db.query_one(sql, params).await?.unwrap_or(0))
    }

    /// `limit` members of a group by account, behind `after` (empty is the beginning).
    ///
    /// # Errors
    /// As [`Store::group`].
    pub async fn group_members(
        &self,
        tenant: &str,
        group_id: &str,
        after: &str,
        limit: i64,
    ) -> Result<Vec<GroupMember>> {
        let sql = "SELECT account, user_id, created_at FROM group_members \
                   WHERE tenant = $1 AND group_id = $2 AND account > $3 ORDER BY account LIMIT $4";
        let rows: Vec<(String, String, i64)> =
            self.db.query(sql, params![tenant, storable(group_id), storable(after), limit]).await?;
        let member = |(account, user_id, since)| GroupMember { account, user_id, since };
        Ok(rows.into_iter().map(member).collect())
    }

    /// Ids of the roles that a group gives, in the tenant (no organization) or in an organization, in order.
    ///
    /// # Errors
    /// As [`Store::group`].
    pub async fn roles_of_group(
        &self,
        tenant: &str,
        group_id: &str,
        organization_id: &str,
    ) -> Result<Vec<String>> {
        let sql = "SELECT role_id FROM group_roles WHERE tenant = $1 AND group_id = $2 AND organization_id = $3 \
                   ORDER BY role_id";
        Ok(self.db.query(sql, params![tenant, storable(group_id), storable(organization_id)]).await?)
    }

    /// The roles that a user has through groups in an organization, by role and group.
    ///
    /// # Errors
    /// As [`Store::group`].
    pub async fn group_roles_in(
        &self,
        tenant: &str,
        organization_id: &str,
        user_id: &str,
    ) -> Result<Vec<GroupRole>> {
        let sql = "SELECT r.role_id, g.id, g.name FROM group_members m \
                   JOIN group_roles r ON r.tenant = m.tenant AND r.group_id = m.group_id AND r.organization_id = $3 \
                   JOIN user_groups g ON g.tenant = m.tenant AND g.id = m.group_id \
                   WHERE m.tenant = $1 AND m.user_id = $2 ORDER BY r.role_id, g.id";
        let params = params![tenant, storable(user_id), storable(organization_id)];
        let rows: Vec<(String, String, String)> = self.db.query(sql, params).await?;
        let given = |(role_id, group_id, group_name)| GroupRole { role_id, group_id, group_name };
        let mut roles: Vec<GroupRole> = rows.into_iter().map(given).collect();
        // Two accounts of a user may be in one group.
        roles.dedup();
        Ok(roles)
    }
}

impl GroupFilter<'_> {
    fn condition(&self, tenant: &str) -> (String, Vec<Value>) {
        let (mut sql, mut params) = (String::from("g.tenant = $1"), params![tenant]);
        let mut with = |condition: &str, values: &[&str]| {
            let mut condition = condition.to_owned();
            for value in values {
                params.push(storable(value).into());
                condition = condition.replacen('?', &format!("${}", params.len()), 1);
            }
            sql.push_str(" AND ");
            sql.push_str(&condition);
        };
        if let Some(connection_id) = self.connection_id {
            with("g.connection_id = ?", &[connection_id]);
        }
        if let Some(name) = self.name {
            with("g.name = ?", &[name]);
        }
        if let Some(external_id) = self.external_id {
            with("g.external_id = ?", &[external_id]);
        }
        if let Some(search) = self.search {
            // Without patterns: a name is compared with what is left of it when the text is taken out.
            with("replace(lower(g.name), lower(CAST(? AS TEXT)), '') <> lower(g.name)", &[search]);
        }
        if let Some(user_id) = self.user_id {
            with(
                "EXISTS (SELECT 1 FROM group_members m \
                 WHERE m.tenant = g.tenant AND m.group_id = g.id AND m.user_id = ?)",
                &[user_id],
            );
        }
        if let Some((role_id, organization_id)) = self.gives {
            with(
                "EXISTS (SELECT 1 FROM group_roles r WHERE r.tenant = g.tenant AND r.group_id = g.id \
                 AND r.role_id = ? AND r.organization_id = ?)",
                &[role_id, organization_id],
            );
        }
        if let Some(organization_id) = self.organization_id {
            with(
                "EXISTS (SELECT 1 FROM group_roles r WHERE r.tenant = g.tenant AND r.group_id = g.id \
                 AND r.organization_id = ?)",
                &[organization_id],
            );
        }
        (sql, params)
    }
}

/// An account of a connection, found without knowing its user.
#[derive(Clone, Copy, Debug)]
pub enum AccountName<'a> {
    /// By the id it was made with.
    Account(&'a str),
    /// By its address.
    Email(&'a str),
    /// By its user name.
    Username(&'a str),
}

impl Store {
    /// An account of a connection and the user it belongs to now.
    ///
    /// # Errors
    /// As [`Store::group`].
    pub async fn account(
        &self,
        tenant: &str,
        connection: &str,
        name: AccountName<'_>,
    ) -> Result<Option<(String, String)>> {
        let (column, value) = match name {
            AccountName::Account(id) => ("account", id.to_owned()),
            AccountName::Email(email) => ("email", email.to_lowercase()),
            AccountName::Username(username) => ("username", username.to_lowercase()),
        };
        let sql = format!(
            "SELECT account, user_id FROM credentials WHERE tenant = $1 AND connection = $2 AND {column} = $3"
        );
        Ok(self.db.query_one(sql, params![tenant, connection, storable(&value)]).await?)
    }

    /// `limit` accounts of a connection after the first `offset`, by id, each with the user it belongs to now.
    ///
    /// # Errors
    /// As [`Store::group`].
    pub async fn accounts(
        &self,
        tenant: &str,
        connection: &str,
        (offset, limit): (i64, i64),
    ) -> Result<Vec<(String, String)>> {
        let sql = "SELECT account, user_id FROM credentials WHERE tenant = $1 AND connection = $2 \
                   ORDER BY account LIMIT $3 OFFSET $4";
        Ok(self.db.query(sql, params![tenant, connection, limit, offset]).await?)
    }

    /// How many accounts a connection has.
    ///
    /// # Errors
    /// As [`Store::group`].
    pub async fn accounts_count(&self, tenant: &str, connection: &str) -> Result<i64> {
        let sql = "SELECT COUNT(*) FROM credentials WHERE tenant = $1 AND connection = $2";
        Ok(self.db.query_one(sql, params![tenant, connection]).await?.unwrap_or(0))
    }

    /// Writes by which names an account is found, where it belongs to somebody else's user now.
    pub fn rename_account(
        &self,
        tenant: &str,
        connection: &str,
        account: &str,
        (email, username): (Option<&str>, Option<&str>),
    ) -> Batch {
        Batch::default().guard(
            "UPDATE credentials SET email = $1, username = $2 WHERE tenant = $3 AND connection = $4 AND account = $5",
            params![folded(email), folded(username), tenant, connection, account],
        )
    }

    /// Removes an account that belongs to somebody else's user now: that user stays.
    pub fn remove_account(&self, tenant: &str, connection: &str, account: &str) -> Batch {
        self.leave_groups(tenant, account).guard(
            "DELETE FROM credentials WHERE tenant = $1 AND connection = $2 AND account = $3",
            params![tenant, connection, account],
        )
    }

    /// Takes an account out of every group.
    pub fn leave_groups(&self, tenant: &str, account: &str) -> Batch {
        Batch::default()
            .run("DELETE FROM group_members WHERE tenant = $1 AND account = $2", params![tenant, account])
    }
}
