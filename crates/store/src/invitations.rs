//! Invitations to organizations: found by their ticket, accepted once.

use chancery_core::records::Invitation;
use chancery_db::{Batch, params};
use chancery_jose::{base64url, sha256};

use crate::{
    Kind, Result, Store,
    error::{parse, print},
    rows::storable,
};

impl Store {
    /// Writes a new invitation with its ticket. Fails with [`Error::Conflict`](crate::Error::Conflict) where the id is taken.
    ///
    /// # Errors
    /// As [`Vault::seal`](crate::Vault::seal).
    pub fn insert_invitation(&self, tenant: &str, new: &Invitation, ticket: &str) -> Result<Batch> {
        let sealed = self.seal_setting(tenant, Kind::Organization, &new.id, ticket)?;
        let kept = Invitation { sealed_ticket: sealed, ..new.clone() };
        Ok(Batch::default().run(
            "INSERT INTO invitations (tenant, id, organization_id, digest, created_ms, ends_at, doc) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            params![
                tenant,
                new.id.as_str(),
                new.organization_id.as_str(),
                digest(ticket),
                new.created_ms,
                new.expires_at,
                print("invitation", &kept)?
            ],
        ))
    }

    /// The invitation that a ticket stands for, while it is good. `now` is in seconds.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database), as every read here.
    pub async fn invitation(&self, tenant: &str, ticket: &str, now: i64) -> Result<Option<Invitation>> {
        let sql = "SELECT doc FROM invitations WHERE tenant = $1 AND digest = $2 AND ends_at > $3";
        let doc: Option<String> = self.db.query_one(sql, params![tenant, digest(ticket), now]).await?;
        doc.map(|doc| parse("invitation", &doc)).transpose()
    }

    /// One of an organization's invitations, by its id.
    ///
    /// # Errors
    /// As [`Store::invitation`].
    pub async fn invitation_by_id(
        &self,
        tenant: &str,
        organization_id: &str,
        id: &str,
    ) -> Result<Option<Invitation>> {
        let sql = "SELECT doc FROM invitations WHERE tenant = $1 AND organization_id = $2 AND id = $3";
        let doc: Option<String> =
            self.db.query_one(sql, params![tenant, organization_id, storable(id)]).await?;
        doc.map(|doc| parse("invitation", &doc)).transpose()
    }

    /// `limit` invitations of an organization after the first `offset`, the newest first or the oldest.
    ///
    /// # Errors
    /// As [`Store::invitation`].
    pub async fn invitations(
        &self,
        tenant: &str,
        organization_id: &str,
        newest_first: bool,
        (offset, limit): (i64, i64),
    ) -> Result<Vec<Invitation>> {
        let order = if newest_first { "created_ms DESC, id DESC" } else { "created_ms, id" };
        let sql = format!(
            "SELECT doc FROM invitations WHERE tenant = $1 AND organization_id = $2 \
             ORDER BY {order} LIMIT $3 OFFSET $4"
        );
        let docs: Vec<String> = self.db.query(sql, params![tenant, organization_id, limit, offset]).await?;
        docs.iter().map(|doc| parse("invitation", doc)).collect()
    }

    /// How many invitations an organization has.
    ///
    /// # Errors
    /// As [`Store::invitation`].
    pub async fn invitations_count(&self, tenant: &str, organization_id: &str) -> Result<i64> {
        let sql = "SELECT COUNT(*) FROM invitations WHERE tenant = $1 AND organization_id = $2";
        Ok(self.db.query_one(sql, params![tenant, organization_id]).await?.unwrap_or(0))
    }

    /// The ticket of an invitation, for the Management API.
    ///
    /// # Errors
    /// As [`Vault::open`](crate::Vault::open).
    pub fn invitation_ticket(
        &self,
        tenant: &str,
        invitation: &Invitation,
    ) -> Result<zeroize::Zeroizing<String>> {
        self.open_setting(tenant, Kind::Organization, &invitation.id, &invitation.sealed_ticket)
    }

    /// Takes an invitation back; one that is gone is no error.
    pub fn delete_invitation(&self, tenant: &str, organization_id: &str, id: &str) -> Batch {
        Batch::default().run(
            "DELETE FROM invitations WHERE tenant = $1 AND organization_id = $2 AND id = $3",
            params![tenant, organization_id, storable(id)],
        )
    }

    /// Accepts it, once: to be committed with what it gives. Of many commits one succeeds, the others fail with
    /// [`Error::Guard`](crate::Error::Guard).
    pub fn accept_invitation(&self, tenant: &str, id: &str) -> Batch {
        Batch::default().guard("DELETE FROM invitations WHERE tenant = $1 AND id = $2", params![tenant, id])
    }
}

fn digest(ticket: &str) -> String {
    base64url(&sha256(ticket.as_bytes()))
}
