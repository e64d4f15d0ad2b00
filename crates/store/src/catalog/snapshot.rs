//! The configuration of a tenant at one revision. Immutable: a request takes one and sees nothing else change.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use chancery_core::attack::AttackProtection;
use chancery_core::model::{
    AgentAccess, Api, ClientGrant, Connection, Role, SubjectType, TenantSettings, TrustedIssuer,
};
use chancery_core::second_factor::SecondFactors;

use super::{
    Origin, PreparedApi, PreparedClient,
    collections::{Apis, Clients, Connections, Grants, Map},
};
use crate::{KeyRing, Kind, Published, RequestKeyDoc, RequestKeys, SigningKeyDoc};

/// The configuration of a tenant, ready for use.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Whose it is.
    pub tenant: String,
    /// The revision of the configuration; `x-config-rev` of answers.
    pub rev: i64,
    /// The tenant's settings; the defaults where it has none.
    pub settings: Arc<TenantSettings>,
    /// Which second factors there are, and when one is due.
    pub second_factors: SecondFactors,
    /// What is done against guessing and throttled.
    pub attack_protection: Arc<AttackProtection>,
    /// How applications come in that nobody registered.
    pub agents: Arc<AgentAccess>,
    /// The tenant's keys.
    pub keys: Arc<KeyRing>,
    pub(super) clients: Clients,
    pub(super) apis: Apis,
    pub(super) grants: Grants,
    pub(super) roles: Map<Role>,
    pub(super) trusted_issuers: Map<TrustedIssuer>,
    pub(super) connections: Connections,
    pub(super) others: HashMap<Kind, Map<str>>,
    pub(super) key_documents: Map<SigningKeyDoc>,
    /// Keys that applications encrypt their requests for.
    pub request_keys: Arc<RequestKeys>,
    pub(super) request_key_documents: Map<RequestKeyDoc>,
    pub(super) jwks: Bytes,
}

impl Snapshot {
    /// The application with this id.
    #[must_use]
    pub fn client(&self, client_id: &str) -> Option<&Arc<PreparedClient>> {
        self.clients.by_id.get(client_id)
    }

    /// Every application, by id.
    pub fn clients(&self) -> impl Iterator<Item = &Arc<PreparedClient>> {
        self.clients.by_id.values()
    }

    /// Applications by id, beginning behind one (empty is the beginning).
    pub fn clients_after<'a>(&'a self, client_id: &str) -> impl Iterator<Item = &'a Arc<PreparedClient>> {
        self.clients.by_id.after(client_id)
    }

    /// The application that stands for the API with this identifier (`resource_server_identifier`), the first by id.
    #[must_use]
    pub fn client_of_api(&self, identifier: &str) -> Option<&Arc<PreparedClient>> {
        self.clients.by_api.of(identifier).next()
    }

    /// The API with this identifier as stored; what a request names goes through [`Snapshot::resolve_api`].
    #[must_use]
    pub fn api(&self, identifier: &str) -> Option<&Arc<PreparedApi>> {
        self.apis.by_identifier.get(identifier)
    }

    /// The API with this id.
    #[must_use]
    pub fn api_by_id(&self, id: &str) -> Option<&Arc<PreparedApi>> {
        self.apis.by_id.get(id)
    }

    /// Every API that can issue tokens, by id.
    pub fn apis(&self) -> impl Iterator<Item = &Arc<PreparedApi>> {
        self.apis.by_id.values()
    }

    /// The document of an API, whether there is a key for it or not.
    #[must_use]
    pub fn api_document(&self, id: &str) -> Option<&Arc<Api>> {
        self.apis.documents.get(id)
    }

    /// Documents of APIs by id, beginning behind one (empty is the beginning).
    pub fn api_documents_after<'a>(&'a self, id: &str) -> impl Iterator<Item = &'a Arc<Api>> {
        self.apis.documents.after(id)
    }

    /// The API that an `audience` names at this origin. The server's own APIs go by `ORIGIN/api/v2/`, though they are
    /// stored without the origin; the stored form is no audience.
    #[must_use]
    pub fn resolve_api(&self, origin: &Origin, audience: &str) -> Option<&Arc<PreparedApi>> {
        let own = audience.strip_prefix(origin.base.as_str()).filter(|rest| rest.starts_with('/'));
        if let Some(api) = own.and_then(|path| self.api(path)).filter(|api| api.is_system()) {
            return Some(api);
        }
        self.api(audience).filter(|api| !api.identifier.starts_with('/'))
    }

    /// The grant of an application at an API (by its stored identifier) for machine or user flows.
    #[must_use]
    pub fn client_grant(
        &self,
        client_id: &str,
        audience: &str,
        subject: SubjectType,
    ) -> Option<&Arc<ClientGrant>> {
        let mut own = self.grants.by_client.of(client_id);
        own.find(|grant| grant.audience == audience && grant.subject_type == subject)
    }

    /// The grant that third-party applications without one of their own have at an API.
    #[must_use]
    pub fn default_client_grant(&self, audience: &str, subject: SubjectType) -> Option<&Arc<ClientGrant>> {
        let mut all = self.grants.for_third_parties.values();
        all.find(|grant| grant.audience == audience && grant.subject_type == subject)
    }

    /// The client grant with this id.
    #[must_use]
    pub fn client_grant_by_id(&self, id: &str) -> Option<&Arc<ClientGrant>> {
        self.grants.by_id.get(id)
    }

    /// Every client grant, by id.
    pub fn client_grants(&self) -> impl Iterator<Item = &Arc<ClientGrant>> {
        self.grants.by_id.values()
    }

    /// Client grants by id, beginning behind one (empty is the beginning).
    pub fn client_grants_after<'a>(&'a self, id: &str) -> impl Iterator<Item = &'a Arc<ClientGrant>> {
        self.grants.by_id.after(id)
    }

    /// The client grants of an application, by id.
    pub fn client_grants_of<'a>(&'a self, client_id: &str) -> impl Iterator<Item = &'a Arc<ClientGrant>> {
        self.grants.by_client.of(client_id)
    }

    /// The role with this id.
    #[must_use]
    pub fn role(&self, id: &str) -> Option<&Arc<Role>> {
        self.roles.get(id)
    }

    /// Every role, by id.
    pub fn roles(&self) -> impl Iterator<Item = &Arc<Role>> {
        self.roles.values()
    }

    /// Roles by id, beginning behind one (empty is the beginning).
    pub fn roles_after<'a>(&'a self, id: &str) -> impl Iterator<Item = &'a Arc<Role>> {
        self.roles.after(id)
    }

    /// The server of somebody else's whose tokens have this `iss`, if it is trusted. There are few.
    #[must_use]
    pub fn trusted_issuer(&self, iss: &str) -> Option<&Arc<TrustedIssuer>> {
        self.trusted_issuers.values().find(|trusted| trusted.issuer == iss)
    }

    /// Trusted issuers by id, beginning behind one (empty is the beginning).
    pub fn trusted_issuers_after<'a>(&'a self, id: &str) -> impl Iterator<Item = &'a Arc<TrustedIssuer>> {
        self.trusted_issuers.after(id)
    }

    /// The connection with this name, or else the first with this among its realms.
    #[must_use]
    pub fn connection_by_name(&self, name: &str) -> Option<&Arc<Connection>> {
        self.connections.by_name.get(name).or_else(|| self.connections.by_realm.of(name).next())
    }

    /// The connection with this id.
    #[must_use]
    pub fn connection(&self, id: &str) -> Option<&Arc<Connection>> {
        self.connections.by_id.get(id)
    }

    /// Every connection, by id.
    pub fn connections(&self) -> impl Iterator<Item = &Arc<Connection>> {
        self.connections.by_id.values()
    }

    /// Connections by id, beginning behind one (empty is the beginning).
    pub fn connections_after<'a>(&'a self, id: &str) -> impl Iterator<Item = &'a Arc<Connection>> {
        self.connections.by_id.after(id)
    }

    /// The JSON of a document whose kind is not made ready here: branding, mail, texts.
    #[must_use]
    pub fn document(&self, kind: Kind, id: &str) -> Option<&Arc<str>> {
        self.others.get(&kind)?.get(id)
    }

    /// Every document of such a kind, in no order.
    pub fn documents(&self, kind: Kind) -> impl Iterator<Item = &Arc<str>> {
        self.others.get(&kind).into_iter().flat_map(|all| all.values())
    }

    /// Whether tokens of the application are good here: it is registered, or one of those that describe themselves at a URL and
    /// that the tenant lets in. Nothing is fetched for it.
    #[must_use]
    pub fn knows_client(&self, client_id: &str) -> bool {
        self.client(client_id).is_some() || self.agents.client_id_metadata_documents.admit(client_id)
    }

    /// The same configuration for one request, with an application in it that describes itself, and with what the tenant lets
    /// such ones have. What it does not touch is shared.
    #[must_use]
    pub fn with_described(&self, client: Arc<PreparedClient>) -> Self {
        let mut next = self.clone();
        let template = &self.agents.client_id_metadata_documents;
        let id = client.client_id.clone();
        next.grants.add(template.grants(&id).map(Arc::new));
        for name in &template.connections {
            if let Some(known) = self.connections.by_name.get(name).filter(|known| !known.serves(&id)) {
                let mut connection = (**known).clone();
                connection.enabled_clients.push(id.clone());
                next.connections.replace(Arc::new(connection));
            }
        }
        next.clients.by_id.put(&id, client);
        next
    }

    /// How many documents of the kinds that may be many it holds.
    pub(super) const fn size(&self) -> usize {
        self.clients.by_id.len()
            + self.apis.documents.len()
            + self.grants.by_id.len()
            + self.roles.len()
            + self.connections.by_id.len()
    }

    /// Whether an application is held to a financial-grade profile: such ones sign with other algorithms.
    #[must_use]
    pub const fn has_financial_clients(&self) -> bool {
        self.clients.financial > 0
    }

    /// The answer of `/.well-known/jwks.json`.
    #[must_use]
    pub fn jwks(&self) -> &Bytes {
        &self.jwks
    }

    /// What that shows: whether keys say what they are for is the tenant's to say, and those for anything but RS256 are there where
    /// an application or an API has such an algorithm.
    pub(super) fn published(&self) -> Published {
        let (clients, apis) = (&self.clients.further, &self.apis.further);
        Published {
            alg: !self.settings.flags.remove_alg_from_jwks.unwrap_or(false),
            ps256: clients.ps256 + apis.ps256 > 0,
            rs512: clients.rs512 + apis.rs512 > 0,
            es256: clients.es256 + apis.es256 > 0,
            eddsa: clients.eddsa + apis.eddsa > 0,
        }
    }
}
