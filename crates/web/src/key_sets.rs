//! Keys of applications that lie where the application says (`jwks_uri`, RFC 7591, section 2): fetched when a signature
//! needs them or something is encrypted for it, and kept for a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chancery_core::model::Client;
use chancery_core::oauth::{EncryptedResponse, OAuthError, encryption_key, encryption_keys};
use chancery_jose::{EncryptionKey, Jwk};
use chancery_store::AssertionKey;

use crate::{Ctx, Rate};

/// Sets of keys by their address. One node's view only.
#[derive(Default)]
pub struct KeySets(Mutex<HashMap<String, Kept>>);

#[derive(Clone, Default)]
struct Kept {
    keys: Arc<[AssertionKey]>,
    for_encryption: Arc<[Jwk]>,
    /// When it was asked for, whether it came or not; seconds.
    asked_at: i64,
}

/// Bytes of the largest set.
const LARGEST: usize = 64 << 10;
/// Seconds a set is good for: a key that was taken away is believed no longer.
const GOOD_FOR: i64 = 300;
/// Seconds before the same address is asked again for a key that was not there.
const PATIENCE: i64 = 2;
/// Sets that are kept.
const MOST: usize = 1000;
/// How often one caller may have other servers asked.
const RATE: Rate = Rate { name: "key-sets", burst: 20, every: 3 };

impl KeySets {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, url: &str) -> Option<Kept> {
        self.lock().get(url).cloned()
    }

    fn put(&self, url: &str, kept: Kept) {
        let mut all = self.lock();
        if all.len() >= MOST && !all.contains_key(url) {
            // What was asked for longest ago, half of it: whoever names many addresses pushes out mostly their own.
            let mut times: Vec<i64> = all.values().map(|kept| kept.asked_at).collect();
            let (_, &mut median, _) = times.select_nth_unstable(MOST / 2);
            all.retain(|_, kept| kept.asked_at > median);
        }
        all.insert(url.to_owned(), kept);
    }

    /// Forgets everything: dev mode's reset.
    pub fn clear_all(&self) {
        self.lock().clear();
    }
}

/// Shows how many there are.
impl std::fmt::Debug for KeySets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeySets").field("sets", &self.lock().len()).finish()
    }
}

impl Ctx {
    /// The keys at the application's `jwks_uri` that verify signatures; none where it has no such address, or nothing of use is
    /// there. `kid` is the one that is looked for: where the set that is known has none of that name, the address is asked again,
    /// since applications change their keys without saying so.
    pub async fn keys_of(&self, client: &Client, kid: Option<&str>) -> Arc<[AssertionKey]> {
        let has_it = |known: &Kept| {
            let is_named = |kid| known.keys.iter().any(|key| key.kid.as_deref().is_none_or(|own| own == kid));
            !known.keys.is_empty() && kid.is_none_or(is_named)
        };
        self.published_set(client, has_it).await.map(|kept| kept.keys).unwrap_or_default()
    }

    /// The key that something is encrypted for; `None` where the application wants it in the open.
    ///
    /// # Errors
    /// Where it wants it encrypted and has no key for that: it is not sent in the open instead.
    pub async fn encryption_key(
        &self,
        client: &Client,
        what: EncryptedResponse,
    ) -> Result<Option<EncryptionKey>, OAuthError> {
        let Some(openid) = client.openid.as_deref() else { return Ok(None) };
        let Some((alg, how)) = what.of(openid) else { return Ok(None) };
        let missing = || OAuthError::Denied {
            code: "invalid_client_metadata",
            status: 400,
            text: format!("The application has no key for {} {alg}", what.name()),
        };
        let how = how.ok_or_else(missing)?;
        if let Some(set) = &openid.jwks {
            return encryption_key(&encryption_keys(set), how).map(Some).ok_or_else(missing);
        }
        let find = |kept: &Kept| encryption_key(&kept.for_encryption, how);
        let kept = Box::pin(self.published_set(client, |kept| find(kept).is_some())).await;
        kept.as_ref().and_then(find).map(Some).ok_or_else(missing)
    }

    /// What lies at the application's `jwks_uri`: as it is known, where that is fresh and has what is looked for.
    async fn published_set(&self, client: &Client, has_it: impl Fn(&Kept) -> bool) -> Option<Kept> {
        let url = client.openid.as_ref()?.jwks_uri.as_deref()?;
        let (sets, now) = (&self.app.key_sets, self.now());
        let known = sets.find(url);
        if let Some(known) = &known {
            let age = now.saturating_sub(known.asked_at);
            if age < PATIENCE || (age < GOOD_FOR && has_it(known)) {
                return Some(known.clone());
            }
        }
        if self.app.rates.take(RATE, self.ip, &self.tenant.tenant, now).is_err() {
            return known.filter(|known| now.saturating_sub(known.asked_at) < GOOD_FOR);
        }
        let kept = match self.app.fetcher.json(url, LARGEST).await {
            Ok(set) => Kept {
                keys: AssertionKey::of_set(&set).into(),
                for_encryption: encryption_keys(&set).into(),
                asked_at: now,
            },
            Err(error) => {
                tracing::info!(client_id = client.client_id, %error, "jwks_uri of {}: {error}", client.client_id);
                Kept { asked_at: now, ..Kept::default() }
            }
        };
        sets.put(url, kept.clone());
        Some(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded() {
        let sets = KeySets::default();
        for n in 0..3000_i64 {
            sets.put(&n.to_string(), Kept { asked_at: n, ..Kept::default() });
        }
        assert!(sets.lock().len() <= MOST);
        assert!(sets.find("2999").is_some() && sets.find("0").is_none());
    }
}
