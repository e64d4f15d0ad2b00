//! One Argon2id hash, on as many threads as there are cores, each with its memory kept.

use std::thread;

use anyhow::{Context as _, Result, anyhow};
use argon2_rust::{Algorithm, Argon2, Params, Version, params::Memory};
use axum::body::Bytes;
use crossbeam_channel::{Receiver, Sender, bounded};
use tokio::sync::oneshot;

/// Memory in KiB, passes and lanes of a password hash; the server's own.
const MEMORY: u64 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// A fixed salt costs as much as a fresh one.
const SALT: &[u8; 16] = b"0123456789abcdef";

type Job = (Bytes, oneshot::Sender<Result<Vec<u8>>>);

/// The hashing threads.
pub(crate) struct Hasher {
    jobs: Sender<Job>,
}

impl Hasher {
    /// Starts that many threads.
    pub(crate) fn start(threads: usize) -> Result<Self> {
        let (jobs, queue) = bounded::<Job>(1024);
        for _ in 0..threads {
            let (queue, once) = (queue.clone(), Once::new()?);
            thread::Builder::new().name("floor-hash".to_owned()).spawn(move || work(&queue, once))?;
        }
        Ok(Self { jobs })
    }

    /// Hashes a password on one of the threads.
    pub(crate) async fn hash(&self, password: Bytes) -> Result<Vec<u8>> {
        let (reply, answer) = oneshot::channel();
        // More than 1,024 waiting would be a fault of the harness, which opens 256 connections.
        self.jobs.try_send((password, reply)).map_err(|_| anyhow!("the hashing queue is full"))?;
        answer.await.context("the hashing thread is gone")?
    }
}

fn work(queue: &Receiver<Job>, mut once: Once) {
    while let Ok((password, reply)) = queue.recv() {
        // The client may have gone away.
        let _ = reply.send(once.hash(&password));
    }
}

/// The parameters and the memory of one thread.
pub(crate) struct Once(argon2_rust::Hasher);

impl Once {
    /// With memory to use again and again.
    pub(crate) fn new() -> Result<Self> {
        let params = Params::builder().memory(Memory::kib(MEMORY)).passes(PASSES).lanes(LANES).build();
        let params = params.map_err(|error| anyhow!("{error}"))?;
        let mut hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hasher();
        hasher.reserve().map_err(|error| anyhow!("{error}"))?;
        Ok(Self(hasher))
    }

    /// The 32-byte hash.
    pub(crate) fn hash(&mut self, password: &[u8]) -> Result<Vec<u8>> {
        let mut hash = vec![0; 32];
        self.0.hash_into(password, SALT, &mut hash).map_err(|error| anyhow!("{error}"))?;
        Ok(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_memory_does_not_change_the_hash() {
        let mut once = Once::new().unwrap();
        let first = once.hash(b"password").unwrap();
        assert_ne!(first, once.hash(b"other").unwrap());
        assert_eq!(first, once.hash(b"password").unwrap());
    }
}
