//! Who and what a change of the configuration touches, counted before it is made. Numbers are of now; a few names come
//! along, so that a person recognises what is meant.

use chancery_core::records::RefreshRecord;
use chancery_db::{FromRow, Row, params};

use crate::{Result, Store, error::read, refresh_tokens::live_at, rows::words};

/// A number, with the first few by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// How many.
    pub count: i64,
    /// Ids of the first.
    pub first: Vec<String>,
}

/// Names shown of many.
const FEW: i64 = 5;
/// Refresh tokens looked at before the count is given up as "at least".
const MOST_TOKENS: usize = 100_000;
const SLICE: usize = 1000;
/// Roles that [`Store::users_permitted`] looks at.
pub const MOST_ROLES: usize = 10_000;

impl Store {
    /// Users who hold a scope of an API (any scope where none is named): directly, or by one of these roles that give it, in
    /// the tenant, in an organization or through a group. Each user counts once. At most [`MOST_ROLES`] of the roles are
    /// looked at: an engine bounds the parameters of a statement.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database), as every read here.
    pub async fn users_permitted(
        &self,
        tenant: &str,
        api: &str,
        scope: Option<&str>,
        role_ids: &[&str],
    ) -> Result<Touched> {
        let mut params = params![tenant, api];
        let mut held = String::from("SELECT user_id FROM user_permissions WHERE tenant = $1 AND api = $2");
        if let Some(scope) = scope {
            params.push(scope.into());
            held.push_str(" AND scope = $3");
        }
        let mut roles = Vec::new();
        for role_id in role_ids.iter().take(MOST_ROLES) {
            params.push((*role_id).into());
            roles.push(format!("${}", params.len()));
        }
        if !roles.is_empty() {
            held = format!("{held} UNION {}", by_roles(&roles.join(", ")));
        }
        self.held(&held, params).await
    }

    /// Users who hold a role, in the tenant or in an organization, or have it through a group.
    ///
    /// # Errors
    /// As [`Store::users_permitted`].
    pub async fn users_with_role(&self, tenant: &str, role_id: &str) -> Result<Touched> {
        self.held(&by_roles("$2"), params![tenant, role_id]).await
    }

    /// Users of a connection. No index leads there: a connection is rarely deleted.
    ///
    /// # Errors
    /// As [`Store::users_permitted`].
    pub async fn users_of_connection(&self, tenant: &str, connection: &str) -> Result<Touched> {
        let condition = "FROM users WHERE tenant = $1 AND connection = $2";
        let first = format!("SELECT id {condition} ORDER BY id LIMIT {FEW}");
        self.touched(format!("SELECT COUNT(*) {condition}"), first, params![tenant, connection]).await
    }

    /// Members of an organization.
    ///
    /// # Errors
    /// As [`Store::users_permitted`].
    pub async fn members_touched(&self, tenant: &str, organization_id: &str) -> Result<Touched> {
        let condition = "FROM organization_members WHERE tenant = $1 AND organization_id = $2";
        let first = format!("SELECT user_id {condition} ORDER BY user_id LIMIT {FEW}");
        self.touched(format!("SELECT COUNT(*) {condition}"), first, params![tenant, organization_id]).await
    }

    /// Consents to a scope of an API; to any scope of it where none is named. By user.
    ///
    /// # Errors
    /// As [`Store::users_permitted`].
    pub async fn consents_to(&self, tenant: &str, audience: &str, scope: Option<&str>) -> Result<Touched> {
        let (condition, params) = match scope {
            Some(scope) => (
                "FROM consents WHERE tenant = $1 AND audience = $2 \
                 AND replace(scope, CAST($3 AS TEXT), '') <> scope",
                params![tenant, audience, words::one(scope)],
            ),
            None => ("FROM consents WHERE tenant = $1 AND audience = $2", params![tenant, audience]),
        };
        let first = format!("SELECT DISTINCT user_id {condition} ORDER BY user_id LIMIT {FEW}");
        self.touched(format!("SELECT COUNT(*) {condition}"), first, params).await
    }

    /// Consents to an application, by user.
    ///
    /// # Errors
    /// As [`Store::users_permitted`].
    pub async fn consents_to_client(&self, tenant: &str, client_id: &str) -> Result<Touched> {
        let condition = "FROM consents WHERE tenant = $1 AND client_id = $2";
        let first = format!("SELECT DISTINCT user_id {condition} ORDER BY user_id LIMIT {FEW}");
        self.touched(format!("SELECT COUNT(*) {condition}"), first, params![tenant, client_id]).await
    }

    /// Live refresh tokens of an application.
    ///
    /// # Errors
    /// As [`Store::users_permitted`].
    pub async fn tokens_of_client(&self, tenant: &str, client_id: &str, now: i64) -> Result<i64> {
        let live = live_at("$3");
        let sql =
            format!("SELECT COUNT(*) FROM refresh_tokens WHERE tenant = $1 AND client_id = $2 AND {live}");
        Ok(self.db.query_scan(sql, params![tenant, client_id, now]).await?.pop().unwrap_or(0))
    }

    /// Live refresh tokens for an API: all of them, and how many hold each of these scopes. The last is whether there are
    /// more than were looked at. Every token of the tenant is passed, as where a scope is taken away.
    ///
    /// # Errors
    /// As [`Store::users_permitted`], or [`Error::Corrupt`](crate::Error::Corrupt).
    pub async fn tokens_with_scopes(
        &self,
        tenant: &str,
        audience: &str,
        scopes: &[String],
        now: i64,
    ) -> Result<(i64, Vec<i64>, bool)> {
        let sql = format!(
            "SELECT id, doc FROM refresh_tokens WHERE tenant = $1 AND audience = $2 AND {} AND id > $4 \
             ORDER BY id LIMIT {SLICE}",
            live_at("$3")
        );
        let (mut all, mut each, mut after) = (0, vec![0; scopes.len()], String::new());
        for _ in 0..MOST_TOKENS / SLICE {
            let slice: Vec<Token> =
                self.db.query_scan(sql.clone(), params![tenant, audience, now, after.as_str()]).await?;
            for token in &slice {
                all += 1;
                let record: RefreshRecord = read("refresh token", &token.doc)?;
                for (count, scope) in each.iter_mut().zip(scopes) {
                    *count += i64::from(record.authorization.scope.contains(scope));
                }
            }
            match slice.into_iter().nth(SLICE - 1) {
                Some(last) => after = last.id,
                None => return Ok((all, each, false)),
            }
        }
        Ok((all, each, true))
    }

    /// The users that a query finds.
    async fn held(&self, held: &str, params: Vec<chancery_db::Value>) -> Result<Touched> {
        let count = format!("SELECT COUNT(DISTINCT user_id) FROM ({held}) AS held");
        let first = format!("SELECT DISTINCT user_id FROM ({held}) AS held ORDER BY user_id LIMIT {FEW}");
        self.touched(count, first, params).await
    }

    async fn touched(
        &self,
        count: String,
        first: String,
        params: Vec<chancery_db::Value>,
    ) -> Result<Touched> {
        let count = self.db.query_scan(count, params.clone()).await?.pop().unwrap_or(0);
        let first = if count == 0 { Vec::new() } else { self.db.query_scan(first, params).await? };
        Ok(Touched { count, first })
    }
}

/// Finds the users who have one of these roles, in the tenant or in an organization, or through a group.
fn by_roles(roles: &str) -> String {
    format!(
        "SELECT user_id FROM user_roles WHERE tenant = $1 AND role_id IN ({roles}) \
         UNION SELECT user_id FROM organization_member_roles WHERE tenant = $1 AND role_id IN ({roles}) \
         UNION SELECT m.user_id FROM group_roles r \
         JOIN group_members m ON m.tenant = r.tenant AND m.group_id = r.group_id \
         WHERE r.tenant = $1 AND r.role_id IN ({roles})"
    )
}

struct Token {
    id: String,
    doc: String,
}

impl FromRow for Token {
    fn from_row(row: &mut Row) -> chancery_db::Result<Self> {
        Ok(Self { id: row.take()?, doc: row.take()? })
    }
}
