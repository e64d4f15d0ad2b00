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
        KeysInTheMaking::begin(rng, cores())
    }

    /// The same where something else needs a core meanwhile, and one key is enough to go on.
    ///
    /// # Errors
    /// What the system says when it gives no thread.
    pub fn begin_beside(rng: &Arc<dyn Rng>) -> std::io::Result<KeysInTheMaking> {
        KeysInTheMaking::begin(rng, cores() - 1)
    }

    /// Makes both and waits for them.
    ///
    /// # Errors
    /// As [`FirstKeys::begin`] and [`KeysInTheMaking::one`].
    pub async fn make(rng: &Arc<dyn Rng>) -> Result<Self> {
        let mut making = Self::begin(rng)?;
        Ok(Self { current: making.one(rng).await?, next: making.one(rng).await? })
    }
}

fn cores() -> usize {
    available_parallelism().map_or(1, usize::from).clamp(2, 4)
}

/// See [`FirstKeys::begin`].
#[derive(Debug)]
pub struct KeysInTheMaking(mpsc::UnboundedReceiver<chancery_store::Result<KeyMaterial>>);

impl KeysInTheMaking {
    fn begin(rng: &Arc<dyn Rng>, threads: usize) -> std::io::Result<Self> {
        let (sender, made) = mpsc::unbounded_channel();
        for n in 0..threads {
            let (sender, rng) = (sender.clone(), Arc::clone(rng));
            threads::begin(format!("key-{n}"), move || {
                // Nobody listens once enough are made.
                drop(sender.send(KeyMaterial::generate(&*rng)));
            })?;
        }
        Ok(Self(made))
    }

    /// Waits for the first of those that are left; where none is, for another one.
    ///
    /// # Errors
    /// Where the cryptographic library fails or the system gives no thread.
    pub async fn one(&mut self, rng: &Arc<dyn Rng>) -> Result<KeyMaterial> {
        if let Some(made) = self.0.recv().await {
            return Ok(made?);
        }
        *self = Self::begin(rng, 1)?;
        Ok(self.0.recv().await.context("no keys were made")??)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::SystemRng;

    /// However few begin with: a first start takes one, and the one that waits is made while the server serves.
    #[tokio::test]
    async fn there_is_always_another_key() {
        let rng: Arc<dyn Rng> = Arc::new(SystemRng::prepared().unwrap());
        let mut making = KeysInTheMaking::begin(&rng, 1).unwrap();
        assert!(making.one(&rng).await.is_ok());
        assert!(making.one(&rng).await.is_ok());
    }
}
