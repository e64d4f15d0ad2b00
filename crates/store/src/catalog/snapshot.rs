//! The configuration of a tenant at one revision. Immutable: a request takes one and sees nothing else change.

use std::{collections::HashMap, sync::Arc};

use chancery_core::model::{Api, ClientGrant, Connection, Role, SubjectType, TenantSettings};

use super::{Origin, PreparedApi, PreparedClient};
use crate::{KeyRing, Kind, SigningKeyDoc, Store};

/// Documents of a kind by id. Shared by every snapshot in which the kind is the same.
pub(super) type Map<T> = Arc<HashMap<String, Arc<T>>>;

/// The configuration of a tenant, ready for use.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Whose it is.
    pub tenant: String,
    /// The revision of the configuration; `x-config-rev` of answers.
    pub rev: i64,
    /// The tenant's settings; the defaults where it has none.
    pub settings: Arc<TenantSettings>,
    /// The tenant's keys.
    pub keys: Arc<KeyRing>,
    pub(super) clients: Map<PreparedClient>,
    pub(super) apis: Apis,
    pub(super) grants: Grants,
    pub(super) roles: Map<Role>,
    pub(super) connections: Connections,
    pub(super) others: HashMap<Kind, Map<str>>,
    pub(super) key_documents: Map<SigningKeyDoc>,
}

impl Snapshot {
    /// The application with this id.
    #[must_use]
    pub fn client(&self, client_id: &str) -> Option<&Arc<PreparedClient>> {
        self.clients.get(client_id)
    }

    /// Every application, in no order.
    pub fn clients(&self) -> impl Iterator<Item = &Arc<PreparedClient>> {
        self.clients.values()
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

    /// Every API, in no order.
    pub fn apis(&self) -> impl Iterator<Item = &Arc<PreparedApi>> {
        self.apis.by_id.values()
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
        matching(self.grants.by_client.get(client_id)?, audience, subject)
    }

    /// The grant that third-party applications without one of their own have at an API.
    #[must_use]
    pub fn default_client_grant(&self, audience: &str, subject: SubjectType) -> Option<&Arc<ClientGrant>> {
        matching(&self.grants.for_third_parties, audience, subject)
    }

    /// The client grant with this id.
    #[must_use]
    pub fn client_grant_by_id(&self, id: &str) -> Option<&Arc<ClientGrant>> {
        self.grants.by_id.get(id)
    }

    /// Every client grant, in no order.
    pub fn client_grants(&self) -> impl Iterator<Item = &Arc<ClientGrant>> {
        self.grants.by_id.values()
    }

    /// The role with this id.
    #[must_use]
    pub fn role(&self, id: &str) -> Option<&Arc<Role>> {
        self.roles.get(id)
    }

    /// Every role, in no order.
    pub fn roles(&self) -> impl Iterator<Item = &Arc<Role>> {
        self.roles.values()
    }

    /// The connection with this name, or with this among its realms.
    #[must_use]
    pub fn connection_by_name(&self, name: &str) -> Option<&Arc<Connection>> {
        self.connections.by_name.get(name).or_else(|| self.connections.by_realm.get(name))
    }

    /// The connection with this id.
    #[must_use]
    pub fn connection(&self, id: &str) -> Option<&Arc<Connection>> {
        self.connections.by_id.get(id)
    }

    /// Every connection, in no order.
    pub fn connections(&self) -> impl Iterator<Item = &Arc<Connection>> {
        self.connections.by_id.values()
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

    /// The answer of `/.well-known/jwks.json`, with or without `alg` as the tenant's flag says.
    #[must_use]
    pub fn jwks(&self) -> &Arc<str> {
        self.keys.jwks(!self.settings.flags.remove_alg_from_jwks.unwrap_or(false))
    }
}

fn matching<'a>(
    grants: &'a [Arc<ClientGrant>],
    audience: &str,
    subject: SubjectType,
) -> Option<&'a Arc<ClientGrant>> {
    grants.iter().find(|grant| grant.audience == audience && grant.subject_type == subject)
}

/// APIs by both their names.
#[derive(Clone, Debug, Default)]
pub(super) struct Apis {
    /// Also those that cannot issue tokens for want of a key.
    pub(super) documents: Map<Api>,
    by_id: Map<PreparedApi>,
    by_identifier: Map<PreparedApi>,
}

impl Apis {
    pub(super) fn index(store: &Store, tenant: &str, documents: Map<Api>, keys: &KeyRing) -> Self {
        let ready =
            documents.values().filter_map(|api| PreparedApi::prepare(store, tenant, Arc::clone(api), keys));
        let ready: Vec<_> = ready.map(Arc::new).collect();
        let by_id = ready.iter().map(|api| (api.id.clone(), Arc::clone(api))).collect();
        let by_identifier = ready.iter().map(|api| (api.identifier.clone(), Arc::clone(api))).collect();
        Self { documents, by_id: Arc::new(by_id), by_identifier: Arc::new(by_identifier) }
    }
}

/// Client grants by id and by application.
#[derive(Clone, Debug, Default)]
pub(super) struct Grants {
    pub(super) by_id: Map<ClientGrant>,
    by_client: Arc<HashMap<String, Vec<Arc<ClientGrant>>>>,
    for_third_parties: Arc<Vec<Arc<ClientGrant>>>,
}

impl Grants {
    pub(super) fn index(by_id: Map<ClientGrant>) -> Self {
        let mut by_client = HashMap::<String, Vec<Arc<ClientGrant>>>::new();
        let mut for_third_parties = Vec::new();
        for grant in by_id.values() {
            if let Some(client_id) = &grant.client_id {
                by_client.entry(client_id.clone()).or_default().push(Arc::clone(grant));
            } else if grant.default_for.as_deref() == Some("third_party_clients") {
                for_third_parties.push(Arc::clone(grant));
            }
        }
        Self { by_id, by_client: Arc::new(by_client), for_third_parties: Arc::new(for_third_parties) }
    }
}

/// Connections by all their names.
#[derive(Clone, Debug, Default)]
pub(super) struct Connections {
    pub(super) by_id: Map<Connection>,
    by_name: Map<Connection>,
    by_realm: Map<Connection>,
}

impl Connections {
    pub(super) fn index(by_id: Map<Connection>) -> Self {
        let by_name = by_id.values().map(|connection| (connection.name.clone(), Arc::clone(connection)));
        let by_realm = by_id.values().flat_map(|connection| {
            let realms = connection.realms.iter().flatten();
            realms.map(|realm| (realm.clone(), Arc::clone(connection)))
        });
        Self { by_name: Arc::new(by_name.collect()), by_realm: Arc::new(by_realm.collect()), by_id }
    }
}
