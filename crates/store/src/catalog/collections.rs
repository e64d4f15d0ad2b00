//! Documents of a kind with the names they are found by. A change touches what it changes: following one costs the same
//! in a large collection as in a small one.

use std::{cmp::Ordering, sync::Arc};

use chancery_core::model::{Api, Client, ClientGrant, Connection, FACTORS_API};

use super::{PreparedApi, PreparedClient, ordered::Ordered};
use crate::{KeyRing, Result, Store, error::parse};

/// By one name.
#[derive(Debug)]
pub(super) struct Map<T: ?Sized>(Ordered<Arc<str>, Arc<T>>);

impl<T: ?Sized> Clone for Map<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: ?Sized> Default for Map<T> {
    fn default() -> Self {
        Self(Ordered::default())
    }
}

impl<T: ?Sized> Map<T> {
    pub(super) fn get(&self, name: &str) -> Option<&Arc<T>> {
        self.0.find(|known| (**known).cmp(name))
    }

    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    /// All of them, in the order of their names.
    pub(super) fn values(&self) -> impl Iterator<Item = &Arc<T>> {
        self.0.values()
    }

    fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<T>)> {
        self.0.from(|_| Ordering::Greater)
    }

    /// Those behind a name, in order; the empty name is the beginning.
    pub(super) fn after<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Arc<T>> {
        let behind = |known: &Arc<str>| match (**known).cmp(name) {
            Ordering::Greater => Ordering::Greater,
            _ => Ordering::Less,
        };
        self.0.from(behind).map(|(_, value)| value)
    }

    pub(super) fn put(&mut self, name: &str, value: Arc<T>) -> Option<Arc<T>> {
        self.0.insert(name.into(), value)
    }

    pub(super) fn take(&mut self, name: &str) -> Option<Arc<T>> {
        self.0.remove(|known| (**known).cmp(name))
    }
}

/// By a name that several may have, and then by id.
#[derive(Debug)]
pub(super) struct Groups<T>(Ordered<(Arc<str>, Arc<str>), Arc<T>>);

impl<T> Clone for Groups<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Default for Groups<T> {
    fn default() -> Self {
        Self(Ordered::default())
    }
}

impl<T> Groups<T> {
    /// Those with this name, in the order of their ids.
    pub(super) fn of<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Arc<T>> {
        let first = |known: &(Arc<str>, Arc<str>)| (*known.0).cmp(name).then(Ordering::Greater);
        self.0.from(first).take_while(move |((known, _), _)| **known == *name).map(|(_, value)| value)
    }

    fn put(&mut self, name: &str, id: &str, value: Arc<T>) {
        self.0.insert((name.into(), id.into()), value);
    }

    fn take(&mut self, name: &str, id: &str) {
        self.0.remove(|known| (&*known.0, &*known.1).cmp(&(name, id)));
    }
}

/// What follows the changes of one kind of document.
pub(super) trait Collection {
    /// Forgets a document and every name of it.
    fn take(&mut self, id: &str);

    /// Adds one that is not there.
    fn put(&mut self, id: &str, json: &str) -> Result<()>;
}

/// Kinds without further names.
pub(super) struct Plain<'a, T: ?Sized>(pub(super) &'a mut Map<T>, pub(super) fn(&str) -> Result<Arc<T>>);

impl<T: ?Sized> Collection for Plain<'_, T> {
    fn take(&mut self, id: &str) {
        self.0.take(id);
    }

    fn put(&mut self, id: &str, json: &str) -> Result<()> {
        let document = self.1(json)?;
        self.0.put(id, document);
        Ok(())
    }
}

/// What documents are made ready with.
#[derive(Clone, Copy)]
pub(super) struct Keys<'a> {
    pub(super) store: &'a Store,
    pub(super) tenant: &'a str,
    pub(super) ring: &'a KeyRing,
}

/// How many sign with something else than RS256.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Further {
    pub(super) ps256: usize,
    pub(super) rs512: usize,
    pub(super) es256: usize,
    pub(super) eddsa: usize,
}

impl Further {
    fn count(&mut self, algorithm: &str) -> Option<&mut usize> {
        match algorithm {
            "PS256" => Some(&mut self.ps256),
            "RS512" => Some(&mut self.rs512),
            "ES256" => Some(&mut self.es256),
            "EdDSA" => Some(&mut self.eddsa),
            _ => None,
        }
    }

    fn comes(&mut self, algorithm: &str) {
        if let Some(count) = self.count(algorithm) {
            *count += 1;
        }
    }

    fn goes(&mut self, algorithm: &str) {
        if let Some(count) = self.count(algorithm) {
            *count = count.saturating_sub(1);
        }
    }
}

/// Applications.
#[derive(Clone, Debug, Default)]
pub(super) struct Clients {
    pub(super) by_id: Map<PreparedClient>,
    /// By what is signed for them beside access tokens.
    pub(super) further: Further,
    /// How many are financial-grade.
    pub(super) financial: usize,
    /// Those that stand for an API, by its identifier.
    pub(super) by_api: Groups<PreparedClient>,
}

/// A collection with what its documents are made ready with.
pub(super) struct Preparing<'a, T>(pub(super) &'a mut T, pub(super) Keys<'a>);

impl Collection for Preparing<'_, Clients> {
    fn take(&mut self, id: &str) {
        let Some(old) = self.0.by_id.take(id) else { return };
        further(&old).for_each(|algorithm| self.0.further.goes(algorithm));
        self.0.financial = self.0.financial.saturating_sub(usize::from(old.fapi().is_some()));
        if let Some(api) = stands_for(&old) {
            self.0.by_api.take(api, id);
        }
    }

    fn put(&mut self, id: &str, json: &str) -> Result<()> {
        let client = PreparedClient::prepare(self.1.store, self.1.tenant, parse::<Client>("client", json)?)?;
        let client = Arc::new(client);
        further(&client).for_each(|algorithm| self.0.further.comes(algorithm));
        self.0.financial += usize::from(client.fapi().is_some());
        if let Some(api) = stands_for(&client) {
            self.0.by_api.put(api, id, Arc::clone(&client));
        }
        self.0.by_id.put(id, client);
        Ok(())
    }
}

/// What ID tokens are signed with, and what is told at `/userinfo`; for a financial-grade application answers of `/authorize`, whatever
/// its ID tokens are (D216).
fn further(client: &Client) -> impl Iterator<Item = &str> {
    let userinfo = client.openid.as_ref().and_then(|openid| openid.userinfo_signed_response_alg.as_deref());
    let answers = client.fapi().map(|_| "PS256");
    [Some(client.id_token_alg()), userinfo, answers].into_iter().flatten()
}

fn stands_for(client: &Client) -> Option<&str> {
    client.resource_server_identifier.as_deref()
}

/// APIs by both their names.
#[derive(Clone, Debug, Default)]
pub(super) struct Apis {
    /// Also those that cannot issue tokens for want of a key.
    pub(super) documents: Map<Api>,
    /// By their access tokens.
    pub(super) further: Further,
    pub(super) by_id: Map<PreparedApi>,
    pub(super) by_identifier: Map<PreparedApi>,
}

impl Collection for Preparing<'_, Apis> {
    fn take(&mut self, id: &str) {
        self.0.documents.take(id);
        if let Some(old) = self.0.by_id.take(id) {
            self.0.by_identifier.take(&old.identifier);
            self.0.further.goes(old.signer.algorithm().as_str());
        }
    }

    fn put(&mut self, id: &str, json: &str) -> Result<()> {
        let api: Arc<Api> = parse("API", json).map(Arc::new)?;
        self.0.put(self.1, id, api);
        Ok(())
    }
}

impl Apis {
    fn put(&mut self, keys: Keys<'_>, id: &str, api: Arc<Api>) {
        self.documents.put(id, Arc::clone(&api));
        if let Some(ready) = PreparedApi::prepare(keys.store, keys.tenant, api, keys.ring).map(Arc::new) {
            self.by_identifier.put(&ready.identifier, Arc::clone(&ready));
            self.further.comes(ready.signer.algorithm().as_str());
            self.by_id.put(id, ready);
        }
    }

    /// The same APIs with other keys, and the one that comes with the product.
    pub(super) fn with_keys(&self, keys: Keys<'_>) -> Self {
        let mut all = Self::default();
        // No document stands for it: it is found by its identifier, and listed nowhere.
        let built_in =
            PreparedApi::prepare(keys.store, keys.tenant, Arc::new(Api::about_factors()), keys.ring);
        if let Some(built_in) = built_in.map(Arc::new) {
            all.by_identifier.put(FACTORS_API, built_in);
        }
        self.documents.iter().for_each(|(id, api)| all.put(keys, id, Arc::clone(api)));
        all
    }
}

/// Client grants by id and by application.
#[derive(Clone, Debug, Default)]
pub(super) struct Grants {
    pub(super) by_id: Map<ClientGrant>,
    pub(super) by_client: Groups<ClientGrant>,
    pub(super) for_third_parties: Map<ClientGrant>,
}

impl Collection for Grants {
    fn take(&mut self, id: &str) {
        if let Some(old) = self.by_id.take(id) {
            self.for_third_parties.take(id);
            if let Some(client_id) = &old.client_id {
                self.by_client.take(client_id, id);
            }
        }
    }

    fn put(&mut self, id: &str, json: &str) -> Result<()> {
        let grant: Arc<ClientGrant> = parse("client grant", json).map(Arc::new)?;
        if let Some(client_id) = &grant.client_id {
            self.by_client.put(client_id, id, Arc::clone(&grant));
        } else if grant.default_for.as_deref() == Some("third_party_clients") {
            self.for_third_parties.put(id, Arc::clone(&grant));
        }
        self.by_id.put(id, grant);
        Ok(())
    }
}

impl Grants {
    /// Adds grants of one application for one request.
    pub(super) fn add(&mut self, grants: impl Iterator<Item = Arc<ClientGrant>>) {
        for grant in grants {
            if let Some(client_id) = &grant.client_id {
                self.by_client.put(client_id, &grant.id, Arc::clone(&grant));
            }
        }
    }
}

impl Connections {
    /// Puts another state of a connection in its place, under the same names.
    pub(super) fn replace(&mut self, connection: Arc<Connection>) {
        self.by_name.put(&connection.name, Arc::clone(&connection));
        for realm in connection.realms.iter().flatten() {
            self.by_realm.put(realm, &connection.id, Arc::clone(&connection));
        }
        self.by_id.put(&connection.id.clone(), connection);
    }
}

/// Connections by all their names.
#[derive(Clone, Debug, Default)]
pub(super) struct Connections {
    pub(super) by_id: Map<Connection>,
    pub(super) by_name: Map<Connection>,
    pub(super) by_realm: Groups<Connection>,
}

impl Collection for Connections {
    fn take(&mut self, id: &str) {
        if let Some(old) = self.by_id.take(id) {
            self.by_name.take(&old.name);
            old.realms.iter().flatten().for_each(|realm| self.by_realm.take(realm, id));
        }
    }

    fn put(&mut self, id: &str, json: &str) -> Result<()> {
        let connection: Arc<Connection> = parse("connection", json).map(Arc::new)?;
        self.by_name.put(&connection.name, Arc::clone(&connection));
        for realm in connection.realms.iter().flatten() {
            self.by_realm.put(realm, id, Arc::clone(&connection));
        }
        self.by_id.put(id, connection);
        Ok(())
    }
}
