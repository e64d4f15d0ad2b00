//! What a new tenant holds, and the demo tenant of dev mode.
//!
//! A seed is one [`Change`]: all of it is there or nothing, however many processes start on one database.

pub(crate) mod dashboard;
mod demo;
mod documents;
mod fresh;
mod scopes;
mod secrets;

use chancery_core::Rng;
use chancery_core::model::ScopeDefinition;
use chancery_store::{Change, Error, KeyMaterial, Kind, NextKeys, Store};
use serde::Deserialize;

pub(crate) use demo::CALLBACK_PAGE;
pub use demo::{ADMIN, API_IDENTIFIER, API_SCOPES, JANE, Person, SAM};
pub use fresh::{CONNECTION, MANAGEMENT_IDENTIFIER};
pub use scopes::management_scopes;
pub(crate) use secrets::random_management;
pub use secrets::{Credentials, DemoClients, demo_clients};

/// Which contents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Seed {
    /// An API with two scopes, applications and users to try everything with.
    #[default]
    Demo,
    /// What a new tenant holds, and the management application.
    Fresh,
}

/// Where and with what to seed.
#[derive(Clone, Copy)]
pub struct Seeding<'a> {
    /// The database.
    pub store: &'a Store,
    /// For ids.
    pub rng: &'a dyn Rng,
    /// Milliseconds.
    pub now_ms: i64,
    /// Id of the tenant.
    pub tenant: &'a str,
    /// Origins of the tenant, without a slash at the end.
    pub origins: &'a [String],
    /// Ids and secrets of the applications to be made.
    pub clients: &'a DemoClients,
    /// What [`management_scopes`] gave.
    pub scopes: &'a [ScopeDefinition],
}

/// The keys a tenant begins with.
#[derive(Clone, Copy, Debug)]
pub struct FirstKeys<'a> {
    /// Sign at once.
    pub current: &'a KeyMaterial,
    /// Wait for their turn; `None` where they are added later.
    pub next: Option<&'a KeyMaterial>,
}

impl Seeding<'_> {
    /// Makes the tenant, its keys and its contents. Where another process was faster, its work stands and nothing is done.
    ///
    /// # Errors
    /// [`Error::Conflict`] where one of the origins belongs to another tenant; as [`Store::apply`].
    pub async fn first(&self, seed: Seed, keys: FirstKeys<'_>) -> Result<(), Error> {
        self.make_tenant().await?;
        self.fill(seed, keys).await
    }

    /// Makes the tenant, without anything in it. Nothing is done where it is there.
    ///
    /// # Errors
    /// As [`Seeding::first`].
    pub async fn make_tenant(&self) -> Result<(), Error> {
        let tenant = chancery_store::Tenant { id: self.tenant.to_owned(), origins: self.origins.to_vec() };
        match self.store.create_tenant(&tenant).await {
            // The process that made the tenant may have died before it filled it.
            Err(Error::Conflict) if self.exists().await? => Ok(()),
            other => other,
        }
    }

    /// Gives a tenant that is empty its keys and its contents. Where another process was faster, its work stands.
    ///
    /// # Errors
    /// As [`Store::apply`].
    pub async fn fill(&self, seed: Seed, keys: FirstKeys<'_>) -> Result<(), Error> {
        let common_name = host(self.origins.first().map_or("localhost", String::as_str));
        let with = |material| NextKeys { common_name, now: self.now_ms.div_euclid(1000), material };
        let change = match keys.next {
            Some(next) => self.store.initial_keys(self.tenant, keys.current, with(next))?,
            None => self.store.current_keys(self.tenant, with(keys.current))?,
        };
        match self.store.apply(self.contents(change, seed)?).await {
            Ok(_) | Err(Error::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Empties the tenant and fills it again; the signing keys stay, and the management application with its secret.
    ///
    /// # Errors
    /// As [`Store::apply`].
    pub async fn again(&self, seed: Seed) -> Result<(), Error> {
        let keys = self.store.signing_keys(self.tenant).await?;
        let keep: Vec<_> = keys.iter().map(|key| (Kind::SigningKey, key.kid.as_str())).collect();
        let change = Change::new(self.tenant).also(self.store.wipe_tenant_batch(self.tenant, &keep));
        self.store.apply(self.contents(change, seed)?).await?;
        Ok(())
    }

    /// Whether the tenant is there with its keys, which come with the rest.
    ///
    /// # Errors
    /// [`Error::Busy`] or [`Error::Database`].
    pub async fn is_done(&self) -> Result<bool, Error> {
        Ok(self.store.docs_count(self.tenant, Kind::SigningKey).await? > 0)
    }

    async fn exists(&self) -> Result<bool, Error> {
        Ok(self.store.tenants().await?.iter().any(|tenant| tenant.id == self.tenant))
    }

    fn contents(&self, change: Change, seed: Seed) -> Result<Change, Error> {
        match seed {
            Seed::Demo => demo::add(self, change),
            Seed::Fresh => fresh::add(self, change, &fresh::Wishes::default()),
        }
    }
}

/// `localhost` of `http://localhost:4000`, `[::1]` of `http://[::1]:4000`.
pub(crate) fn host(origin: &str) -> &str {
    let authority = origin.split_once("://").map_or(origin, |(_, rest)| rest);
    let port = authority.rfind(':').filter(|at| !authority[*at..].contains(']'));
    port.map_or(authority, |at| &authority[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        for (origin, expected) in [
            ("http://localhost:4000", "localhost"),
            ("https://auth.example", "auth.example"),
            ("http://[::1]:4000", "[::1]"),
            ("http://[::1]", "[::1]"),
        ] {
            assert_eq!(host(origin), expected);
        }
    }
}
