//! Key sets that others publish, kept for a while: those of servers whose tokens are trusted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chancery_store::AssertionKey;
use serde_json::Value;

use crate::key_set::{LARGEST_KEY_SET, verifying_keys};
use crate::{Ask, Ctx, FetchError};

/// What this node knows of them.
#[derive(Debug, Default)]
pub struct PublishedKeys(Mutex<HashMap<String, Known>>);

#[derive(Clone, Debug)]
struct Known {
    keys: Arc<[AssertionKey]>,
    fetched_at: i64,
    until: i64,
}

impl Ctx {
    /// The keys at `url`, which an administrator named. Where a token names a key that is not among those that are known, they
    /// are fetched again, though not all the time: the other side may have changed it since.
    ///
    /// # Errors
    /// See [`FetchError`].
    pub async fn published_keys(
        &self,
        url: &str,
        kid: Option<&str>,
    ) -> Result<Arc<[AssertionKey]>, FetchError> {
        let now = self.now();
        let known = self.app.published_keys.lock().get(url).cloned();
        if let Some(known) = known {
            let has =
                |kid: &str| known.keys.iter().any(|key| key.kid.as_deref().is_none_or(|own| own == kid));
            let is_recent = now.saturating_sub(known.fetched_at) < AGAIN;
            if known.until > now && (is_recent || kid.is_none_or(has)) {
                return Ok(known.keys);
            }
        }
        let reply = self.app.fetcher.ask(Ask::json(url, LARGEST_KEY_SET)).await?;
        let kept = reply.max_age.unwrap_or(KEPT).clamp(AGAIN, KEPT_AT_MOST);
        let set: Value = serde_json::from_slice(&reply.document()?).map_err(|_| FetchError::NotJson)?;
        let keys: Arc<[AssertionKey]> = verifying_keys(&set).into();
        let known = Known { keys: Arc::clone(&keys), fetched_at: now, until: now.saturating_add(kept) };
        let mut all = self.app.published_keys.lock();
        if all.len() >= MOST {
            all.clear();
        }
        all.insert(url.to_owned(), known);
        Ok(keys)
    }
}

impl PublishedKeys {
    /// Whole entries go in and out: they are sound whatever happened to the thread that held them.
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sets that are kept, of all tenants: administrators name them.
const MOST: usize = 1000;
/// Seconds a set is kept where it does not say, and at most; and how long after a fetch there is no other for a key that is
/// not there.
const KEPT: i64 = 600;
const KEPT_AT_MOST: i64 = 3600;
const AGAIN: i64 = 30;
