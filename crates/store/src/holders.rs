//! Who holds a permission, directly or through roles: the other way round than [`Store::access_of`].

use std::collections::{BTreeMap, HashMap};

use chancery_db::{Value, params};

use crate::{Result, Store, rows::storable};

/// A user who holds a permission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Who.
    pub user_id: String,
    /// Their address, in lower case.
    pub email: Option<String>,
    /// Through what, in order.
    pub ways: Vec<Way>,
}

/// Through what a user holds a permission.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// Directly.
    Direct,
    /// By this role.
    Role(String),
    /// By a role that a group gives.
    Group {
        /// The role.
        role_id: String,
        /// Where the group gives it: in the tenant (empty), or in an organization.
        organization_id: String,
        /// The group; of several the first.
        group_id: String,
    },
    /// By a role held in organizations.
    Member {
        /// The role.
        role_id: String,
        /// Where; of several organizations the first.
        organization_id: String,
        /// In how many of them.
        organizations: i64,
    },
}

/// What is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Held<'a> {
    /// The API, as it is stored.
    pub api: &'a str,
    /// The scope.
    pub scope: &'a str,
    /// The roles that give it.
    pub role_ids: &'a [&'a str],
    /// Whether roles held in organizations count.
    pub in_organizations: bool,
}

/// Roles asked about in one statement: engines bound how many parts it may have.
const ROLES: usize = 50;
/// Users looked up in one statement.
const USERS: usize = 500;

impl Store {
    /// `limit` holders by user id, behind `after` (empty is the beginning).
    ///
    /// Each source is read in the order of users and no further than the page can reach, so that a page costs the same
    /// whether a role has ten holders or a million.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database), as every read here.
    pub async fn holders(
        &self,
        tenant: &str,
        held: &Held<'_>,
        after: &str,
        limit: i64,
    ) -> Result<Vec<Holder>> {
        let after = storable(after);
        let mut ways: BTreeMap<String, Vec<Way>> = BTreeMap::new();
        let direct: Vec<String> = self
            .db
            .query_scan(
                "SELECT user_id FROM user_permissions WHERE tenant = $1 AND api = $2 AND scope = $3 AND user_id > $4 \
                 ORDER BY user_id LIMIT $5",
                params![tenant, held.api, held.scope, after.as_str(), limit],
            )
            .await?;
        for user_id in direct {
            ways.entry(user_id).or_default().push(Way::Direct);
        }
        for role_ids in held.role_ids.chunks(ROLES) {
            let found: Vec<(String, String)> = self
                .db
                .query_scan(by_roles(OF_TENANT, role_ids), by(tenant, &after, limit, role_ids))
                .await?;
            for (user_id, role_id) in found {
                ways.entry(user_id).or_default().push(Way::Role(role_id));
            }
            let groups = [OF_GROUPS, OF_GROUPS_IN_ORGANIZATIONS];
            for sql in &groups[..1 + usize::from(held.in_organizations)] {
                let found: Vec<(String, String, String)> =
                    self.db.query_scan(by_roles(sql, role_ids), by(tenant, &after, limit, role_ids)).await?;
                for (user_id, role_id, place) in found {
                    let (organization_id, group_id) = place.split_once(' ').unwrap_or_default();
                    let way = Way::Group {
                        role_id,
                        organization_id: organization_id.to_owned(),
                        group_id: group_id.to_owned(),
                    };
                    ways.entry(user_id).or_default().push(way);
                }
            }
            if held.in_organizations {
                let sql = by_roles(OF_MEMBERS, role_ids);
                let found: Vec<(String, String, String, i64)> =
                    self.db.query_scan(sql, by(tenant, &after, limit, role_ids)).await?;
                for (user_id, role_id, organization_id, organizations) in found {
                    let way = Way::Member { role_id, organization_id, organizations };
                    ways.entry(user_id).or_default().push(way);
                }
            }
        }
        // Of these users every way is known: each source was read as far as the last of them.
        let users = ways.into_iter().take(usize::try_from(limit).unwrap_or(0));
        let mut holders: Vec<Holder> = users
            .map(|(user_id, mut ways)| {
                ways.sort_unstable();
                Holder { user_id, email: None, ways }
            })
            .collect();
        self.add_addresses(tenant, &mut holders).await?;
        Ok(holders)
    }

    async fn add_addresses(&self, tenant: &str, holders: &mut [Holder]) -> Result<()> {
        for part in holders.chunks_mut(USERS) {
            let mut sql = String::from("SELECT id, email FROM users WHERE tenant = $1 AND id IN (");
            let mut params = params![tenant];
            for holder in part.iter() {
                params.push(holder.user_id.as_str().into());
                sql.push_str(if params.len() == 2 { "$" } else { ", $" });
                sql.push_str(&params.len().to_string());
            }
            sql.push(')');
            let found: Vec<(String, Option<String>)> = self.db.query_scan(sql, params).await?;
            let mut addresses: HashMap<String, Option<String>> = found.into_iter().collect();
            for holder in part {
                holder.email = addresses.remove(&holder.user_id).flatten();
            }
        }
        Ok(())
    }

    /// The roles a user has in organizations, through groups too: pairs of organization and role, in order.
    ///
    /// # Errors
    /// As [`Store::holders`].
    pub async fn roles_in_organizations(&self, tenant: &str, user_id: &str) -> Result<Vec<(String, String)>> {
        let sql = "SELECT organization_id, role_id FROM organization_member_roles WHERE tenant = $1 AND user_id = $2 \
                   UNION \
                   SELECT r.organization_id, r.role_id FROM group_members m \
                   JOIN group_roles r ON r.tenant = m.tenant AND r.group_id = m.group_id \
                   JOIN organization_members o ON o.tenant = m.tenant AND o.organization_id = r.organization_id \
                   AND o.user_id = m.user_id \
                   WHERE m.tenant = $1 AND m.user_id = $2 \
                   ORDER BY organization_id, role_id";
        Ok(self.db.query(sql, params![tenant, storable(user_id)]).await?)
    }
}

/// One row for each user, in their order: a page is of users, and a member may hold a role in many organizations.
const OF_TENANT: &str = "SELECT user_id, role_id FROM user_roles \
     WHERE tenant = $1 AND role_id = $ROLE AND user_id > $2 ORDER BY user_id LIMIT $3";
/// Organization and group are one text, so that the first of them belong together.
const OF_GROUPS: &str = "SELECT m.user_id, MIN(r.role_id) AS role_id, MIN(r.organization_id || ' ' || r.group_id) AS place \
     FROM group_roles r JOIN group_members m ON m.tenant = r.tenant AND m.group_id = r.group_id \
     WHERE r.tenant = $1 AND r.role_id = $ROLE AND r.organization_id = '' AND m.user_id > $2 \
     GROUP BY m.user_id ORDER BY m.user_id LIMIT $3";
/// Members of the organization alone: nobody else signs in there.
const OF_GROUPS_IN_ORGANIZATIONS: &str = "SELECT m.user_id, MIN(r.role_id) AS role_id, \
     MIN(r.organization_id || ' ' || r.group_id) AS place \
     FROM group_roles r JOIN group_members m ON m.tenant = r.tenant AND m.group_id = r.group_id \
     JOIN organization_members o ON o.tenant = r.tenant AND o.organization_id = r.organization_id \
     AND o.user_id = m.user_id \
     WHERE r.tenant = $1 AND r.role_id = $ROLE AND r.organization_id <> '' AND m.user_id > $2 \
     GROUP BY m.user_id ORDER BY m.user_id LIMIT $3";
const OF_MEMBERS: &str = "SELECT user_id, MIN(role_id) AS role_id, MIN(organization_id) AS organization_id, COUNT(*) AS places \
     FROM organization_member_roles WHERE tenant = $1 AND role_id = $ROLE AND user_id > $2 \
     GROUP BY user_id ORDER BY user_id LIMIT $3";

/// The first holders of each role, one part for each: a bound over all of them would sort all of them.
fn by_roles(sql: &str, role_ids: &[&str]) -> String {
    let part = |n: usize| {
        let sql = sql.replace("$ROLE", &format!("${}", n + 4));
        format!("SELECT * FROM ({sql}) part{n}")
    };
    (0..role_ids.len()).map(part).collect::<Vec<_>>().join(" UNION ALL ")
}

fn by(tenant: &str, after: &str, limit: i64, role_ids: &[&str]) -> Vec<Value> {
    let mut params = params![tenant, after, limit];
    params.extend(role_ids.iter().map(|id| Value::from(*id)));
    params
}
