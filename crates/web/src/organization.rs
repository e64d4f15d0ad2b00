//! The organization a request takes place in.

use chancery_core::claims::OrganizationClaims;
use chancery_core::model::{Connection, Organization};
use chancery_core::records::Invitation;
use chancery_store::Kind;

use crate::{Ctx, Failure};

impl Ctx {
    /// The organization that a request names: by its id, or by its name where the tenant lets requests do so.
    ///
    /// # Errors
    /// As every read of the store.
    pub async fn organization(&self, named: &str) -> Result<Option<Organization>, Failure> {
        let tenant = &self.tenant.tenant;
        let store = &self.app.store;
        let by_id = store.doc(tenant, Kind::Organization, named).await?;
        let found = match by_id {
            None if self.tenant.settings.shows_organization_names() => {
                store.doc_by_uniq(tenant, Kind::Organization, &named.to_lowercase()).await?
            }
            by_id => by_id,
        };
        found.map(|found| serde_json::from_str(&found.json)).transpose().map_err(Failure::server)
    }

    /// The organization of this name, whatever its case: what a person types, who may always name it so.
    ///
    /// # Errors
    /// As every read of the store.
    pub async fn organization_by_name(&self, name: &str) -> Result<Option<Organization>, Failure> {
        let name = name.trim().to_lowercase();
        let found = self.app.store.doc_by_uniq(&self.tenant.tenant, Kind::Organization, &name).await?;
        found.map(|found| serde_json::from_str(&found.json)).transpose().map_err(Failure::server)
    }

    /// The organizations that a user may go on in: theirs, where the connection they came by is switched on; in the order
    /// of their titles, 100 at most.
    ///
    /// # Errors
    /// As every read of the store.
    pub async fn organizations_to_choose(
        &self,
        user_id: &str,
        connection: &str,
    ) -> Result<Vec<Organization>, Failure> {
        let (tenant, store) = (&self.tenant.tenant, &self.app.store);
        let mut choices = Vec::new();
        for id in store.organizations_of(tenant, user_id).await? {
            if choices.len() == MOST_CHOICES {
                break;
            }
            let Some(found) = store.doc(tenant, Kind::Organization, &id).await? else { continue };
            let organization: Organization = serde_json::from_str(&found.json).map_err(Failure::server)?;
            if self.organization_admits(&organization, connection) {
                choices.push(organization);
            }
        }
        choices.sort_by_cached_key(|organization| organization.title().to_lowercase());
        Ok(choices)
    }

    /// The invitation of a request of this application to this organization, while it is good.
    ///
    /// # Errors
    /// As every read of the store.
    pub async fn invitation(
        &self,
        ticket: &str,
        organization: &Organization,
        client_id: &str,
    ) -> Result<Option<Invitation>, Failure> {
        let found = self.app.store.invitation(&self.tenant.tenant, ticket, self.now()).await?;
        Ok(found.filter(|found| found.organization_id == organization.id && found.client_id == client_id))
    }

    /// What tokens say of it: the name only where the tenant lets requests name it so.
    pub fn organization_claims<'a>(&self, organization: &'a Organization) -> OrganizationClaims<'a> {
        let shows_name = self.tenant.settings.shows_organization_names();
        OrganizationClaims { id: &organization.id, name: shows_name.then_some(organization.name.as_str()) }
    }

    /// Whether people of this connection may sign in to the organization.
    pub fn organization_admits(&self, organization: &Organization, connection: &str) -> bool {
        let connection = self.tenant.connection_by_name(connection);
        connection.is_some_and(|connection| is_enabled(organization, connection))
    }
}

/// More than this nobody reads through; an application with such users names the organization itself.
const MOST_CHOICES: usize = 100;

/// Whether the organization has this connection, switched on.
pub fn is_enabled(organization: &Organization, connection: &Connection) -> bool {
    organization.connection(&connection.id).is_some_and(|own| own.is_enabled)
}

/// Whether signing in by this connection makes members of whoever does.
pub fn joins_by_login(organization: &Organization, connection: &Connection) -> bool {
    organization.connection(&connection.id).is_some_and(|own| own.assign_membership_on_login)
}
