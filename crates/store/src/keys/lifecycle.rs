//! Making, rotating and revoking signing keys.

use super::{Family, KeyMaterial, KeyState, RequestKeyMaterial, SigningKeyDoc, context, material::Owner};
use crate::{
    Change, Error, Kind, Result, Store,
    error::{parse, print},
};

/// What comes after the present keys.
#[derive(Clone, Copy, Debug)]
pub struct NextKeys<'a> {
    /// Host of the tenant, for the certificate.
    pub common_name: &'a str,
    /// Seconds.
    pub now: i64,
    /// The keys that wait for their turn.
    pub material: &'a KeyMaterial,
}

impl Store {
    /// The first keys of a tenant: `current` signs at once, `next.material` waits.
    ///
    /// # Errors
    /// [`Error::Conflict`] where the keys are stored already, [`Error::Guard`] where there is no such tenant.
    pub async fn create_initial_keys(
        &self,
        tenant: &str,
        current: &KeyMaterial,
        next: NextKeys<'_>,
    ) -> Result<i64> {
        self.apply(self.initial_keys(tenant, current, next)?).await
    }

    /// As [`Store::create_initial_keys`], to be applied with other changes.
    ///
    /// # Errors
    /// [`Error::Corrupt`] where the cryptographic library fails.
    pub fn initial_keys(&self, tenant: &str, current: &KeyMaterial, next: NextKeys<'_>) -> Result<Change> {
        let owner = self.owner(tenant, &next);
        let mut change = Change::new(tenant);
        for family in Family::ALL {
            change = insert(change, &current.document(owner, family, KeyState::Current, next.now)?)?;
            change = insert(change, &next.material.document(owner, family, KeyState::Next, next.now)?)?;
        }
        Ok(change)
    }

    /// The keys that sign, without any that wait: half the wait for primes when a tenant must be there soon.
    /// [`Store::add_next_keys`] completes them. To be applied with other changes.
    ///
    /// # Errors
    /// As [`Store::initial_keys`].
    pub fn current_keys(&self, tenant: &str, current: NextKeys<'_>) -> Result<Change> {
        let owner = self.owner(tenant, &current);
        Family::ALL.into_iter().try_fold(Change::new(tenant), |change, family| {
            insert(change, &current.material.document(owner, family, KeyState::Current, current.now)?)
        })
    }

    /// Keys that wait, in the families where none does. Does nothing where all have one.
    ///
    /// # Errors
    /// [`Error::Conflict`] where another process was faster.
    pub async fn add_next_keys(&self, tenant: &str, next: NextKeys<'_>) -> Result<i64> {
        let keys = self.signing_keys(tenant).await?;
        let waits = |family| keys.iter().any(|key| key.family == family && key.state == KeyState::Next);
        let owner = self.owner(tenant, &next);
        let missing = Family::ALL.into_iter().filter(|family| !waits(*family));
        let change = missing.map(|family| next.material.document(owner, family, KeyState::Next, next.now));
        let change = change.collect::<Result<Vec<_>>>()?.iter().try_fold(Change::new(tenant), insert)?;
        self.apply(change).await
    }

    /// Every key there ever was: current ones first, then next, previous and revoked, the newest first.
    ///
    /// # Errors
    /// [`Error::Corrupt`] where a document cannot be read.
    pub async fn signing_keys(&self, tenant: &str) -> Result<Vec<SigningKeyDoc>> {
        Ok(self.keys_with_rev(tenant).await?.into_iter().map(|(key, _)| key).collect())
    }

    /// Whether this store's master key is the one that the tenant's keys are sealed with. Nothing is to be sealed for the
    /// tenant where it is not: neither key would open all of it afterwards.
    ///
    /// # Errors
    /// [`Error::Corrupt`] where a key that signs, or waits to, was sealed with another master key.
    pub async fn check_master_key(&self, tenant: &str) -> Result<()> {
        for key in self.signing_keys(tenant).await? {
            if let (KeyState::Current | KeyState::Next, Some(sealed)) = (key.state, &key.sealed) {
                self.vault.open(&context(tenant, &key.kid), sealed)?;
            }
        }
        Ok(())
    }

    /// In every family the next key begins to sign, the current one becomes previous, and `next` waits. Keys that were
    /// previous stay good until they are revoked. In the same write `requests` take the place of the keys for encrypted requests,
    /// where the tenant has some.
    ///
    /// # Errors
    /// [`Error::Guard`] where somebody else rotated or revoked at the same time, or a family has no next key.
    pub async fn rotate_keys(
        &self,
        tenant: &str,
        next: NextKeys<'_>,
        requests: Option<&RequestKeyMaterial>,
    ) -> Result<i64> {
        let keys = self.keys_with_rev(tenant).await?;
        let mut change = Change::new(tenant);
        for family in Family::ALL {
            change = self.rotate_family(change, tenant, family, &keys, next)?;
        }
        if let Some(material) = requests {
            change = self.rotate_request_keys(change, tenant, material, next.now).await?;
        }
        self.apply(change).await
    }

    /// Trusts a key no more. Where it is the current one, its family rotates first; where it is the next one, another
    /// takes its place; `next` is used then.
    ///
    /// # Errors
    /// [`Error::Guard`] where there is no such key, it is revoked already, or somebody else was at it at the same time.
    pub async fn revoke_key(&self, tenant: &str, kid: &str, next: NextKeys<'_>) -> Result<i64> {
        let keys = self.keys_with_rev(tenant).await?;
        let (key, rev) = keys.iter().find(|(key, _)| key.kid == kid).ok_or(Error::Guard)?;
        let revoked = SigningKeyDoc {
            state: KeyState::Revoked,
            sealed: None,
            rotated_at: if key.state == KeyState::Current { Some(next.now) } else { key.rotated_at },
            revoked_at: Some(next.now),
            ..key.clone()
        };
        let change = Change::new(tenant);
        let change = match key.state {
            KeyState::Revoked => return Err(Error::Guard),
            KeyState::Previous => update(change, &revoked, *rev)?,
            KeyState::Current => {
                let rotated = self.rotate_family(change, tenant, key.family, &keys, next)?;
                update(rotated, &revoked, *rev + 1)?
            }
            KeyState::Next => {
                let owner = self.owner(tenant, &next);
                let other = next.material.document(owner, key.family, KeyState::Next, next.now)?;
                insert(update(change, &revoked, *rev)?, &other)?
            }
        };
        self.apply(change).await
    }

    fn rotate_family(
        &self,
        mut change: Change,
        tenant: &str,
        family: Family,
        keys: &[(SigningKeyDoc, i64)],
        next: NextKeys<'_>,
    ) -> Result<Change> {
        let find = |state| keys.iter().find(|(key, _)| key.family == family && key.state == state);
        let (successor, rev) = find(KeyState::Next).ok_or(Error::Guard)?;
        // The old one gives up its place first: there is room for one current key.
        if let Some((current, rev)) = find(KeyState::Current) {
            let over =
                SigningKeyDoc { state: KeyState::Previous, rotated_at: Some(next.now), ..current.clone() };
            change = update(change, &over, *rev)?;
        }
        let begun =
            SigningKeyDoc { state: KeyState::Current, current_since: Some(next.now), ..successor.clone() };
        change = update(change, &begun, *rev)?;
        let owner = self.owner(tenant, &next);
        insert(change, &next.material.document(owner, family, KeyState::Next, next.now)?)
    }

    async fn keys_with_rev(&self, tenant: &str) -> Result<Vec<(SigningKeyDoc, i64)>> {
        let stored = self.docs_all(tenant, Kind::SigningKey).await?;
        let keys = stored.iter().map(|doc| Ok((parse::<SigningKeyDoc>("signing key", &doc.json)?, doc.rev)));
        let mut keys: Vec<_> = keys.collect::<Result<_>>()?;
        keys.sort_by_key(|(key, _)| (key.state, key.family, std::cmp::Reverse(key.created_at)));
        Ok(keys)
    }

    fn owner<'a>(&'a self, tenant: &'a str, next: &NextKeys<'a>) -> Owner<'a> {
        Owner { vault: &self.vault, tenant, common_name: next.common_name }
    }
}

fn insert(change: Change, key: &SigningKeyDoc) -> Result<Change> {
    Ok(change.insert(Kind::SigningKey, &key.kid, uniq(key), print("signing key", key)?))
}

fn update(change: Change, key: &SigningKeyDoc, seen: i64) -> Result<Change> {
    Ok(change.update(Kind::SigningKey, &key.kid, uniq(key), print("signing key", key)?, seen))
}

/// A family has one current and one next key, whoever makes keys at the same time.
fn uniq(key: &SigningKeyDoc) -> Option<&'static str> {
    match (key.state, key.family) {
        (KeyState::Current, Family::Rsa) => Some("current RSA"),
        (KeyState::Current, Family::Ec) => Some("current EC"),
        (KeyState::Current, Family::Okp) => Some("current OKP"),
        (KeyState::Next, Family::Rsa) => Some("next RSA"),
        (KeyState::Next, Family::Ec) => Some("next EC"),
        (KeyState::Next, Family::Okp) => Some("next OKP"),
        (KeyState::Previous | KeyState::Revoked, _) => None,
    }
}
