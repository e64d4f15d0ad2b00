//! Keys that applications encrypt their requests for (RFC 9101, section 6.1). A tenant has them where one of its applications asked
//! for that, and they are for nothing else: what signs is never decrypted with.

use std::{fmt, sync::Arc};

use chancery_core::oauth::REQUEST_ENCRYPTIONS;
use chancery_core::{Rng, ids};
use chancery_jose::{
    Algorithm, ContentEncryption, DecryptionKey, Jwk, KeyManagement, SigningKey, generate_es256, generate_rsa,
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    Change, Error, Kind, Result, Store, Vault,
    error::{parse, print},
};

/// Such a key as stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RequestKeyDoc {
    /// 21 URL-safe characters.
    pub kid: String,
    /// The public key, with `use` `enc`.
    pub jwk: Jwk,
    /// PKCS#8, sealed for this tenant and kid.
    pub sealed: String,
    /// Seconds.
    pub created_at: i64,
    /// Since when another one stands in its place, in seconds. It is not published any more, and opens requests for a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<i64>,
}

/// Seconds for which a key that was replaced still opens requests: applications encrypt for what they read of the key set, and keep
/// that for a day or so.
const GRACE: i64 = 7 * 24 * 60 * 60;

/// One new key pair of each type, before they are stored.
pub struct RequestKeyMaterial([(Algorithm, String, Zeroizing<Vec<u8>>); 2]);

impl RequestKeyMaterial {
    /// Makes the key pairs. The RSA one takes up to a second of CPU: not on a thread that serves.
    ///
    /// # Errors
    /// [`Error::Corrupt`] where the cryptographic library fails.
    pub fn generate(rng: &dyn Rng) -> Result<Self> {
        let failed = |_| Error::corrupt("key generation failed");
        Ok(Self([
            (Algorithm::RS256, ids::url_safe(rng, 21), generate_rsa(2048).map_err(failed)?),
            (Algorithm::ES256, ids::url_safe(rng, 21), generate_es256().map_err(failed)?),
        ]))
    }
}

/// Shows the key ids.
impl fmt::Debug for RequestKeyMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(_, kid, _)| kid)).finish()
    }
}

impl Store {
    /// The first such keys of a tenant; `now` is in seconds. Applying it is [`Error::Conflict`] where it has some.
    ///
    /// # Errors
    /// [`Error::Corrupt`] where the cryptographic library fails.
    pub fn first_request_keys(
        &self,
        tenant: &str,
        material: &RequestKeyMaterial,
        now: i64,
    ) -> Result<Change> {
        material.0.iter().try_fold(Change::new(tenant), |change, new| self.with_request_key(change, new, now))
    }

    /// Those of a tenant that open requests at `now` (seconds), the ones in use first.
    ///
    /// # Errors
    /// [`Error::Corrupt`] where a document cannot be read.
    pub async fn request_keys(&self, tenant: &str, now: i64) -> Result<Vec<RequestKeyDoc>> {
        let mut keys: Vec<_> =
            self.request_keys_with_rev(tenant).await?.into_iter().map(|(key, _)| key).collect();
        keys.retain(|key| !key.retired_at.is_some_and(|at| is_over(at, now)));
        keys.sort_by_key(|key| (key.retired_at.is_some(), std::cmp::Reverse(key.created_at)));
        Ok(keys)
    }

    /// A key opens nothing any more, from now on: somebody else has it. Where it is in use, the new one of its type takes its place.
    ///
    /// # Errors
    /// [`Error::Guard`] where there is no such key, or somebody else was at it at the same time.
    pub async fn revoke_request_key(
        &self,
        tenant: &str,
        kid: &str,
        material: &RequestKeyMaterial,
        now: i64,
    ) -> Result<i64> {
        let keys = self.request_keys_with_rev(tenant).await?;
        let (key, rev) = keys.iter().find(|(key, _)| key.kid == kid).ok_or(Error::Guard)?;
        // Written first, so that nobody else puts another key in its place meanwhile.
        let seen = Change::new(tenant).update(Kind::RequestKey, kid, None, print("request key", key)?, *rev);
        let mut change = seen.delete(Kind::RequestKey, kid);
        if key.retired_at.is_none() {
            let new = material.0.iter().find(|(algorithm, ..)| kty(*algorithm) == key.jwk.kty);
            change = self.with_request_key(change, new.ok_or(Error::Guard)?, now)?;
        }
        self.apply(change).await
    }

    /// New ones take the place of those that the tenant has; nothing happens where it has none. Those that were replaced long enough
    /// before go. Applying it is [`Error::Guard`] where somebody else did so at the same time.
    pub(super) async fn rotate_request_keys(
        &self,
        mut change: Change,
        tenant: &str,
        material: &RequestKeyMaterial,
        now: i64,
    ) -> Result<Change> {
        let mut has_some = false;
        for (key, rev) in self.request_keys_with_rev(tenant).await? {
            match key.retired_at {
                Some(at) if is_over(at, now) => change = change.delete(Kind::RequestKey, &key.kid),
                Some(_) => {}
                None => {
                    has_some = true;
                    let retired = RequestKeyDoc { retired_at: Some(now), ..key };
                    let text = print("request key", &retired)?;
                    change = change.update(Kind::RequestKey, &retired.kid, None, text, rev);
                }
            }
        }
        match has_some {
            true => material.0.iter().try_fold(change, |change, new| self.with_request_key(change, new, now)),
            false => Ok(change),
        }
    }

    async fn request_keys_with_rev(&self, tenant: &str) -> Result<Vec<(RequestKeyDoc, i64)>> {
        let stored = self.docs_all(tenant, Kind::RequestKey).await?;
        stored.iter().map(|doc| Ok((parse("request key", &doc.json)?, doc.rev))).collect()
    }

    fn with_request_key(
        &self,
        change: Change,
        (algorithm, kid, pkcs8): &(Algorithm, String, Zeroizing<Vec<u8>>),
        now: i64,
    ) -> Result<Change> {
        let unfit = |error: chancery_jose::Error| Error::Corrupt(format!("new key {kid}: {error}"));
        let key = SigningKey::from_pkcs8(*algorithm, kid.as_str(), pkcs8).map_err(unfit)?;
        let public = key.public_jwk().ok_or_else(|| Error::corrupt("a key pair without a public key"))?;
        // Without `alg`: it is for all that its type can do.
        let jwk = Jwk { use_: Some("enc".to_owned()), alg: None, ..public };
        let sealed = self.vault.seal(&context(change.tenant(), kid), pkcs8)?;
        let document = RequestKeyDoc { kid: kid.clone(), jwk, sealed, created_at: now, retired_at: None };
        let text = print("request key", &document)?;
        Ok(change.insert(Kind::RequestKey, kid, Some(kty(*algorithm)), text))
    }
}

/// One of each is in use (RFC 7518, section 6.1).
fn kty(algorithm: Algorithm) -> &'static str {
    if algorithm == Algorithm::RS256 { "RSA" } else { "EC" }
}

/// The keys of a tenant that open requests. Most have none.
#[derive(Clone, Default)]
pub struct RequestKeys {
    /// Each with the time since when it is replaced.
    keys: Vec<(Option<i64>, DecryptionKey)>,
    public: Vec<Jwk>,
}

impl RequestKeys {
    /// Whether the tenant has some.
    #[must_use]
    pub fn are_there(&self) -> bool {
        !self.keys.is_empty()
    }

    /// The public keys, as they are published.
    #[must_use]
    pub fn public(&self) -> &[Jwk] {
        &self.public
    }

    /// What is in an encrypted request at a time (seconds); `None` where no key opens it, whatever the reason.
    #[must_use]
    pub fn open(&self, token: &str, now: i64) -> Option<Vec<u8>> {
        let good = self.keys.iter().filter(|(retired, _)| !retired.is_some_and(|at| is_over(at, now)));
        // Each key has one algorithm and looks at nothing of another one.
        good.map(|(_, key)| key).find_map(|key| key.decrypt(token, &ContentEncryption::ALL).ok())
    }

    /// Opens the private halves.
    pub(crate) fn read(vault: &Vault, tenant: &str, documents: &[Arc<RequestKeyDoc>]) -> Result<Self> {
        let mut keys = Vec::new();
        for document in documents {
            let pkcs8 = vault.open(&context(tenant, &document.kid), &document.sealed)?;
            let is_rsa = document.jwk.kty == "RSA";
            for algorithm in REQUEST_ENCRYPTIONS.into_iter().filter(|alg| is_for_rsa(*alg) == is_rsa) {
                let unfit = |error: chancery_jose::Error| {
                    Error::Corrupt(format!("request key {}: {error}", document.kid))
                };
                let key = DecryptionKey::from_pkcs8(algorithm, &pkcs8).map_err(unfit)?;
                keys.push((document.retired_at, key));
            }
        }
        // Those in use are looked at first.
        keys.sort_by_key(|(retired, _)| retired.is_some());
        let in_use = documents.iter().filter(|document| document.retired_at.is_none());
        Ok(Self { keys, public: in_use.map(|document| document.jwk.clone()).collect() })
    }
}

fn is_over(retired_at: i64, now: i64) -> bool {
    now.saturating_sub(retired_at) >= GRACE
}

/// Shows key ids alone.
impl fmt::Debug for RequestKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.public.iter().map(|jwk| &jwk.kid)).finish()
    }
}

fn is_for_rsa(algorithm: KeyManagement) -> bool {
    algorithm.as_str().starts_with("RSA")
}

/// What a sealed key is bound to.
fn context(tenant: &str, kid: &str) -> String {
    format!("{tenant}/request-key/{kid}")
}
