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
            let (sql, params) = by_roles(OF_TENANT, role_ids, tenant, (&after, end(&ways, limit), limit));
            let found: Vec<(String, String)> = self.db.query_scan(sql, params).await?;
            for (user_id, role_id) in found {
                ways.entry(user_id).or_default().push(Way::Role(role_id));
            }
            if held.in_organizations {
                let (sql, params) =
                    by_roles(OF_MEMBERS, role_ids, tenant, (&after, end(&ways, limit), limit));
                let found: Vec<(String, String, String, i64)> = self.db.query_scan(sql, params).await?;
                for (user_id, role_id, organization_id, organizations) in found {
                    let way = Way::Member { role_id, organization_id, organizations };
                    ways.entry(user_id).or_default().push(way);
                }
            }
        }
        self.through_groups(tenant, held, (&after, limit), &mut ways).await?;
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

    /// Adds the users behind `after` who are in groups that give some of the roles, as far as the page reaches. A user has a
    /// role through one group of the tenant and through one of organizations, the first of each.
    async fn through_groups(
        &self,
        tenant: &str,
        held: &Held<'_>,
        (after, limit): (&str, i64),
        ways: &mut BTreeMap<String, Vec<Way>>,
    ) -> Result<()> {
        let places = self.giving(tenant, held).await?;
        let mut first: BTreeMap<(String, String, bool), &(String, String)> = BTreeMap::new();
        let mut rest = places.as_slice();
        // What is found in the first groups says how far the others need be read, so few of them go first.
        let mut few = 1;
        while !rest.is_empty() {
            let (these, others) = rest.split_at(few.min(rest.len()));
            (rest, few) = (others, (few * 2).min(ROLES));
            let (sql, params) = in_groups(these, tenant, (after, end(ways, limit), limit));
            let found: Vec<(String, i64)> = self.db.query_scan(sql, params).await?;
            for (user_id, part) in found {
                let part = usize::try_from(part).ok().and_then(|part| these.get(part));
                let Some((place, roles)) = part else { continue };
                for role_id in roles {
                    // The places come in their order.
                    let key = (user_id.clone(), role_id.clone(), place.0.is_empty());
                    first.entry(key).or_insert(place);
                }
                ways.entry(user_id).or_default();
            }
        }
        for ((user_id, role_id, _), (organization_id, group_id)) in first {
            let (organization_id, group_id) = (organization_id.clone(), group_id.clone());
            ways.entry(user_id).or_default().push(Way::Group { role_id, organization_id, group_id });
        }
        Ok(())
    }

    /// Organization (empty is the tenant) and group, in order, with those of the roles that the group gives there.
    async fn giving(&self, tenant: &str, held: &Held<'_>) -> Result<Vec<Place>> {
        let mut places: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
        for role_ids in held.role_ids.chunks(ROLES) {
            let numbers: Vec<String> = (0..role_ids.len()).map(|n| format!("${}", n + 2)).collect();
            let sql = format!("{GIVEN} AND role_id IN ({})", numbers.join(", "));
            let mut params = params![tenant];
            params.extend(role_ids.iter().map(|id| Value::from(*id)));
            let given: Vec<(String, String, String)> = self.db.query_scan(sql, params).await?;
            for (role_id, organization_id, group_id) in given {
                if organization_id.is_empty() || held.in_organizations {
                    places.entry((organization_id, group_id)).or_default().push(role_id);
                }
            }
        }
        Ok(places.into_iter().collect())
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
     WHERE tenant = $1 AND role_id = $ROLE AND user_id > $2 $UP_TO ORDER BY user_id LIMIT $3";
const GIVEN: &str = "SELECT role_id, organization_id, group_id FROM group_roles WHERE tenant = $1";
const IN_GROUP: &str = "SELECT m.user_id, CAST($PART AS BIGINT) AS part FROM group_members m \
     WHERE m.tenant = $1 AND m.group_id = $GROUP AND m.user_id > $2";
/// Members of the organization alone: nobody else signs in there.
const IN_ORGANIZATION: &str = "EXISTS (SELECT 1 FROM organization_members o \
     WHERE o.tenant = $1 AND o.organization_id = $PLACE AND o.user_id = m.user_id)";
/// Two accounts of a user may be in one group.
const EACH_ONCE: &str = "GROUP BY m.user_id ORDER BY m.user_id LIMIT $3";
const OF_MEMBERS: &str = "SELECT user_id, MIN(role_id) AS role_id, MIN(organization_id) AS organization_id, COUNT(*) AS places \
     FROM organization_member_roles WHERE tenant = $1 AND role_id = $ROLE AND user_id > $2 $UP_TO \
     GROUP BY user_id ORDER BY user_id LIMIT $3";

/// Where a group gives roles, and which.
type Place = ((String, String), Vec<String>);

/// The first users in each group behind one user, and up to another one if that is known, with the number of the group.
fn in_groups(
    places: &[Place],
    tenant: &str,
    (after, end, limit): (&str, Option<&str>, i64),
) -> (String, Vec<Value>) {
    let mut params = params![tenant, after, limit];
    let mut number = |value: &str| {
        params.push(value.into());
        format!("${}", params.len())
    };
    let end = end.map(|end| format!(" AND m.user_id <= {}", number(end))).unwrap_or_default();
    let part = |(part, ((organization_id, group_id), _)): (usize, &Place)| {
        let within = IN_GROUP.replace("$PART", &part.to_string()).replace("$GROUP", &number(group_id));
        let place = match organization_id.as_str() {
            "" => String::new(),
            place => format!(" AND {}", IN_ORGANIZATION.replace("$PLACE", &number(place))),
        };
        format!("SELECT * FROM ({within}{end}{place} {EACH_ONCE}) part{part}")
    };
    let parts: Vec<String> = places.iter().enumerate().map(part).collect();
    (parts.join(" UNION ALL "), params)
}

/// The last user of the page as far as it is known: whoever comes behind is not on it.
fn end(ways: &BTreeMap<String, Vec<Way>>, limit: i64) -> Option<&str> {
    let last = usize::try_from(limit).ok()?.checked_sub(1)?;
    ways.keys().nth(last).map(String::as_str)
}

/// The first holders of each role behind one user, and up to another one if that is known, one part for each: a bound over
/// all of them would sort all of them.
fn by_roles(
    sql: &str,
    role_ids: &[&str],
    tenant: &str,
    (after, end, limit): (&str, Option<&str>, i64),
) -> (String, Vec<Value>) {
    let mut params = params![tenant, after, limit];
    params.extend(role_ids.iter().map(|id| Value::from(*id)));
    let up_to = match end {
        Some(end) => {
            params.push(end.into());
            format!("AND user_id <= ${}", params.len())
        }
        None => String::new(),
    };
    let part = |n: usize| {
        let sql = sql.replace("$ROLE", &format!("${}", n + 4)).replace("$UP_TO", &up_to);
        format!("SELECT * FROM ({sql}) part{n}")
    };
    ((0..role_ids.len()).map(part).collect::<Vec<_>>().join(" UNION ALL "), params)
}
