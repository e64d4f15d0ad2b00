//! Consents: which scopes a user allowed which application at which API.

use chancery_core::records::Consent;
use chancery_db::{Batch, FromRow, Row, Value, params};

use crate::{
    Result, Store,
    revocation::{self, Under},
    rows::{is_text, words},
};

/// Which consents to list; `None` is any.
#[derive(Clone, Copy, Debug, Default)]
pub struct ConsentFilter<'a> {
    /// Of this user.
    pub user_id: Option<&'a str>,
    /// To this application.
    pub client_id: Option<&'a str>,
    /// At this API; empty is userinfo only.
    pub audience: Option<&'a str>,
}

const COLUMNS: &str = "id, user_id, client_id, audience, organization_id, implicit, scope, declined";

impl Store {
    /// The consent of a user to an application at an API (empty is userinfo only) in an organization (empty is none).
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database), as every read here.
    pub async fn consent(
        &self,
        tenant: &str,
        user_id: &str,
        client_id: &str,
        audience: &str,
        organization_id: &str,
    ) -> Result<Option<Consent>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM consents WHERE tenant = $1 AND user_id = $2 AND client_id = $3 AND audience = $4 \
             AND organization_id = $5"
        );
        let row: Option<ConsentRow> =
            self.db.query_one(sql, params![tenant, user_id, client_id, audience, organization_id]).await?;
        Ok(row.map(|row| row.0))
    }

    /// Whether any user ever allowed the application anything that still stands.
    ///
    /// # Errors
    /// As [`Store::consent`].
    pub async fn has_consents(&self, tenant: &str, client_id: &str) -> Result<bool> {
        let sql = "SELECT COUNT(*) FROM (SELECT 1 FROM consents WHERE tenant = $1 AND client_id = $2 LIMIT 1) AS one";
        let count: Option<i64> = self.db.query_one(sql, params![tenant, client_id]).await?;
        Ok(count.is_some_and(|count| count > 0))
    }

    /// A consent by its id.
    ///
    /// # Errors
    /// As [`Store::consent`].
    pub async fn consent_by_id(&self, tenant: &str, id: &str) -> Result<Option<Consent>> {
        if !is_text(id) {
            return Ok(None);
        }
        let sql = format!("SELECT {COLUMNS} FROM consents WHERE tenant = $1 AND id = $2");
        let row: Option<ConsentRow> = self.db.query_one(sql, params![tenant, id]).await?;
        Ok(row.map(|row| row.0))
    }

    /// Adds to what was consented to, or begins it (then `consent.id` is its id). Two at once lose nothing. The last answer
    /// about a scope counts: what is declined now is allowed no more, and the other way round.
    ///
    /// What a user really allowed never mixes with what was allowed without asking: an explicit consent takes the place
    /// of an implicit one, an implicit one adds nothing to an explicit one.
    pub fn upsert_consent(&self, tenant: &str, consent: &Consent) -> Batch {
        let key = || {
            params![
                tenant,
                consent.user_id.as_str(),
                consent.client_id.as_str(),
                consent.audience.as_str(),
                consent.organization_id.as_str(),
                consent.implicit
            ]
        };
        let mut first = key();
        first.push(consent.id.as_str().into());
        first.push(words::print(&consent.scope).into());
        first.push(words::print(&consent.declined).into());
        let begun = Batch::default().run(
            "INSERT INTO consents (tenant, user_id, client_id, audience, organization_id, implicit, id, scope, declined) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
             ON CONFLICT (tenant, user_id, client_id, audience, organization_id) DO UPDATE SET \
             scope = CASE WHEN consents.implicit AND NOT excluded.implicit THEN excluded.scope ELSE consents.scope END, \
             implicit = (consents.implicit AND excluded.implicit)",
            first,
        );
        let about = |scope: &String| {
            let mut params = key();
            params.push(words::one(scope).into());
            params
        };
        let allowed = consent.scope.iter().fold(begun, |batch, scope| {
            let batch = batch.run(
                "UPDATE consents SET scope = scope || CAST($7 AS TEXT) \
                 WHERE tenant = $1 AND user_id = $2 AND client_id = $3 AND audience = $4 AND organization_id = $5 \
                 AND implicit = $6 AND replace(scope, CAST($7 AS TEXT), '') = scope",
                about(scope),
            );
            if consent.implicit {
                return batch;
            }
            batch.run(
                "UPDATE consents SET declined = replace(declined, CAST($7 AS TEXT), '') \
                 WHERE tenant = $1 AND user_id = $2 AND client_id = $3 AND audience = $4 AND organization_id = $5 \
                 AND implicit = $6 AND replace(declined, CAST($7 AS TEXT), '') <> declined",
                about(scope),
            )
        });
        consent.declined.iter().fold(allowed, |batch, scope| {
            batch.run(
                "UPDATE consents SET scope = replace(scope, CAST($7 AS TEXT), ''), \
                 declined = replace(declined, CAST($7 AS TEXT), '') || CAST($7 AS TEXT) \
                 WHERE tenant = $1 AND user_id = $2 AND client_id = $3 AND audience = $4 AND organization_id = $5 \
                 AND implicit = $6",
                about(scope),
            )
        })
    }

    /// Holds what is committed with it to a consent that is still as it was read: not withdrawn, nothing taken back.
    pub fn require_consent(&self, tenant: &str, consent: &Consent) -> Batch {
        Batch::default().guard(
            "UPDATE consents SET scope = $3 WHERE tenant = $1 AND id = $2 AND scope = $3",
            params![tenant, consent.id.as_str(), words::print(&consent.scope)],
        )
    }

    /// `limit` consents by id, after the first `offset`.
    ///
    /// # Errors
    /// As [`Store::consent`].
    pub async fn consents(
        &self,
        tenant: &str,
        filter: &ConsentFilter<'_>,
        offset: i64,
        limit: i64,
    ) -> Result<Vec<Consent>> {
        let Some((condition, mut params)) = condition(tenant, filter) else { return Ok(Vec::new()) };
        params.extend([limit.into(), offset.into()]);
        let last = params.len();
        let sql = format!(
            "SELECT {COLUMNS} FROM consents WHERE {condition} ORDER BY id LIMIT ${} OFFSET ${last}",
            last - 1
        );
        let rows: Vec<ConsentRow> = self.db.query_scan(sql, params).await?;
        Ok(rows.into_iter().map(|row| row.0).collect())
    }

    /// How many consents there are.
    ///
    /// # Errors
    /// As [`Store::consent`].
    pub async fn consents_count(&self, tenant: &str, filter: &ConsentFilter<'_>) -> Result<i64> {
        let Some((condition, params)) = condition(tenant, filter) else { return Ok(0) };
        let sql = format!("SELECT COUNT(*) FROM consents WHERE {condition}");
        Ok(self.db.query_scan(sql, params).await?.pop().unwrap_or(0))
    }

    /// Withdraws a consent with every code and token under it. Answers whether there was one.
    ///
    /// # Errors
    /// As [`Store::consent`].
    pub async fn delete_consent(&self, tenant: &str, id: &str) -> Result<bool> {
        let Some(consent) = self.consent_by_id(tenant, id).await? else { return Ok(false) };
        self.commit(self.delete_consent_batch(tenant, &consent)).await?;
        Ok(true)
    }

    /// As [`Store::delete_consent`], to be committed with other things.
    pub fn delete_consent_batch(&self, tenant: &str, consent: &Consent) -> Batch {
        let under = Under::Consent {
            user_id: &consent.user_id,
            client_id: &consent.client_id,
            audience: &consent.audience,
        };
        Batch::default()
            .run("DELETE FROM consents WHERE tenant = $1 AND id = $2", params![tenant, consent.id.as_str()])
            .and(revocation::revoke(tenant, &under))
    }

    /// Withdraws every consent of a user with every code and token of theirs.
    pub fn delete_consents_of_user(&self, tenant: &str, user_id: &str) -> Batch {
        Batch::default()
            .run("DELETE FROM consents WHERE tenant = $1 AND user_id = $2", params![tenant, user_id])
            .and(revocation::revoke(tenant, &Under::User(user_id)))
    }

    /// Forgets every consent to an application with every code and token it holds: goes with its deletion.
    pub fn delete_consents_of_client(&self, tenant: &str, client_id: &str) -> Batch {
        let kinds = ["client", "user"];
        kinds
            .iter()
            .fold(Batch::default(), |batch, kind| {
                self.forget_uses(batch, tenant, &format!("{kind}:{client_id}"))
            })
            .run("DELETE FROM consents WHERE tenant = $1 AND client_id = $2", params![tenant, client_id])
            .and(revocation::revoke(tenant, &Under::Client(client_id)))
    }

    /// Forgets every consent at an API with every code and token for it: goes with its deletion. An API that is defined
    /// later under the same identifier is another one.
    pub fn delete_consents_of_api(&self, tenant: &str, audience: &str) -> Batch {
        Batch::default()
            .run("DELETE FROM consents WHERE tenant = $1 AND audience = $2", params![tenant, audience])
            .and(revocation::revoke(tenant, &Under::Audience(audience)))
    }
}

/// The condition for those parts of the filter that are there; `None` where nothing can match.
fn condition(tenant: &str, filter: &ConsentFilter<'_>) -> Option<(String, Vec<Value>)> {
    let mut sql = String::from("tenant = $1");
    let mut params = params![tenant];
    let parts = [("user_id", filter.user_id), ("client_id", filter.client_id), ("audience", filter.audience)];
    for (column, wanted) in parts {
        let Some(wanted) = wanted else { continue };
        if !is_text(wanted) {
            return None;
        }
        params.push(wanted.into());
        sql.push_str(&format!(" AND {column} = ${}", params.len()));
    }
    Some((sql, params))
}

struct ConsentRow(Consent);

impl FromRow for ConsentRow {
    fn from_row(row: &mut Row) -> chancery_db::Result<Self> {
        Ok(Self(Consent {
            id: row.take()?,
            user_id: row.take()?,
            client_id: row.take()?,
            audience: row.take()?,
            organization_id: row.take()?,
            implicit: row.take()?,
            scope: words::parse(&row.take::<String>()?),
            declined: words::parse(&row.take::<String>()?),
        }))
    }
}
