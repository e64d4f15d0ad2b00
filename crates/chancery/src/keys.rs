//! Making the first keys of a tenant, quickly.

use std::sync::Arc;
use std::thread::available_parallelism;

use anyhow::{Context, Result};
use chancery_core::Rng;
use chancery_store::KeyMaterial;
use tokio::sync::mpsc;

use crate::threads;

/// The keys a tenant begins with: the first signs at once, the second waits.
#[derive(Debug)]
pub struct FirstKeys {
    /// Signs at once.
    pub current: KeyMaterial,
    /// Waits for its turn.
    pub next: KeyMaterial,
}

impl FirstKeys {
    /// Begins to make both on threads of their own. The time to find two primes varies tenfold, so every core looks, at
    /// most four, and the first two to finish win.
    ///
    /// # Errors
    /// What the system says when it gives no thread.
    pub fn begin(rng: &Arc<dyn Rng>) -> std::io::Result<KeysInTheMaking> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let cores = available_parallelism().map_or(1, usize::from).clamp(2, 4);
        for n in 0..cores {
            let (sender, rng) = (sender.clone(), Arc::clone(rng));
            threads::begin(format!("key-{n}"), move || {
                // Nobody listens once two are made.
                drop(sender.send(KeyMaterial::generate(&*rng)));
            })?;
        }
        Ok(KeysInTheMaking(receiver))
    }

    /// Makes both and waits for them.
    ///
    /// # Errors
    /// As [`FirstKeys::begin`] and [`KeysInTheMaking::finish`].
    pub async fn make(rng: &Arc<dyn Rng>) -> Result<Self> {
        Self::begin(rng)?.finish().await
    }
}

/// See [`FirstKeys::begin`].
#[derive(Debug)]
pub struct KeysInTheMaking(mpsc::UnboundedReceiver<chancery_store::Result<KeyMaterial>>);

impl KeysInTheMaking {
    /// Waits for both.
    ///
    /// # Errors
    /// Where the cryptographic library fails.
    pub async fn finish(mut self) -> Result<FirstKeys> {
        Ok(FirstKeys { current: self.one().await?, next: self.one().await? })
    }

    /// Waits for the first of those that are left.
    ///
    /// # Errors
    /// Where the cryptographic library fails, or both were taken.
    pub async fn one(&mut self) -> Result<KeyMaterial> {
        Ok(self.0.recv().await.context("no keys were made")??)
    }
}
