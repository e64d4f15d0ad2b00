//! The pool of threads that hash passwords.
//!
//! One hash takes about 7 to 16 ms of a core and 19 MiB. On the threads that serve requests it would hold up everything
//! else, so it has its own, which step back behind those, behind a queue of bounded length: when more people sign in than
//! can be hashed for, the surplus is told so at once instead of waiting without end.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use chancery_core::Rng;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::oneshot;

use crate::argon::{self, Judgement, Memory, SALT};
use crate::imported;

/// The longest password, in bytes of UTF-8. Nothing is ever cut off: a longer one is refused when set and is wrong when
/// tried.
pub const MAX_PASSWORD_BYTES: usize = 1024;

/// No thread is free and the queue is full: answer 503 and let the client come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords are waiting to be hashed")]
pub struct Busy;

/// Why a password was not hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// See [`Busy`].
    #[error(transparent)]
    Busy(#[from] Busy),
    /// Longer than [`MAX_PASSWORD_BYTES`]; the password policy says so first.
    #[error("the password is longer than {MAX_PASSWORD_BYTES} bytes")]
    TooLong,
}

/// What a stored hash says about a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// It is the password.
    pub ok: bool,
    /// It is, and the hash should be made anew with today's parameters: hash and store it.
    pub rehash: bool,
}

/// Hashes and verifies passwords on its own threads: Argon2id, m = 19 MiB, t = 2, p = 1. Cheap to clone; the threads end
/// with the last clone.
#[derive(Clone)]
pub struct PasswordHasher {
    queue: Sender<Job>,
    rng: Arc<dyn Rng>,
}

impl PasswordHasher {
    /// Starts `threads` threads (at least one) with room for `queue` passwords waiting. `rng` makes the salts.
    ///
    /// # Errors
    /// What the system says when it gives no thread.
    pub fn new(rng: Arc<dyn Rng>, threads: usize, queue: usize) -> std::io::Result<Self> {
        let (sender, receiver) = bounded(queue.max(1));
        for n in 0..threads.max(1) {
            let jobs = receiver.clone();
            thread::Builder::new().name(format!("password-{n}")).spawn(move || {
                step_back();
                work(&jobs);
            })?;
        }
        Ok(Self { queue: sender, rng })
    }

    /// As [`PasswordHasher::new`] with a thread for each core, and a queue of 64 for each thread, which is a wait of half a
    /// second to one. Where a thread cannot step back on its own there is one fewer, so that a rush of sign-ins leaves a core to the
    /// issue of tokens.
    ///
    /// # Errors
    /// As [`PasswordHasher::new`].
    pub fn for_cores(rng: Arc<dyn Rng>, cores: usize) -> std::io::Result<Self> {
        let threads = cores.saturating_sub(usize::from(!cfg!(target_os = "linux"))).max(1);
        Self::new(rng, threads, threads * 64)
    }

    /// Whether `password` is the one behind the PHC string `phc`. A hash that cannot be read never matches. The time
    /// taken does not depend on the answer.
    ///
    /// # Errors
    /// [`Busy`] when the queue is full.
    pub async fn verify(&self, phc: &str, password: SecretString) -> Result<Verified, Busy> {
        if password.expose_secret().len() > MAX_PASSWORD_BYTES {
            // As slow as for a user who does not exist.
            self.verify_nothing().await?;
            return Ok(Verified { ok: false, rehash: false });
        }
        let phc = phc.to_owned();
        let judgement = self.run(|answer| Job::Verify { phc, password, answer }).await?;
        if judgement == Judgement::Unreadable {
            tracing::error!("a stored password hash cannot be read; its user cannot sign in with a password");
        }
        Ok(Verified {
            ok: matches!(judgement, Judgement::Right { .. }),
            rehash: judgement == (Judgement::Right { current: false }),
        })
    }

    /// The work of [`PasswordHasher::verify`] for a user who does not exist, so that they cannot be told apart by time
    /// (security case 14).
    ///
    /// # Errors
    /// [`Busy`] when the queue is full.
    pub async fn verify_nothing(&self) -> Result<(), Busy> {
        self.run(|answer| Job::Nothing { answer }).await
    }

    /// A PHC string with a new salt, for the database.
    ///
    /// # Errors
    /// [`HashError::TooLong`], or [`HashError::Busy`] when the queue is full.
    pub async fn hash(&self, password: SecretString) -> Result<String, HashError> {
        if password.expose_secret().len() > MAX_PASSWORD_BYTES {
            return Err(HashError::TooLong);
        }
        let mut salt = [0; SALT];
        self.rng.fill(&mut salt);
        let phc = self.run(|answer| Job::Hash { password, salt, answer }).await?;
        Ok(phc.ok_or(Busy)?)
    }

    /// How many passwords are waiting.
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// How many may wait.
    pub fn room(&self) -> usize {
        self.queue.capacity().unwrap_or(usize::MAX)
    }

    async fn run<T>(&self, job: impl FnOnce(oneshot::Sender<T>) -> Job) -> Result<T, Busy> {
        let (answer, answered) = oneshot::channel();
        self.queue.try_send(job(answer)).map_err(|e| match e {
            TrySendError::Full(_) | TrySendError::Disconnected(_) => Busy,
        })?;
        answered.await.map_err(|_| Busy)
    }
}

/// Shows how full the queue is.
impl std::fmt::Debug for PasswordHasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PasswordHasher").field("waiting", &self.waiting()).finish_non_exhaustive()
    }
}

enum Job {
    Verify { phc: String, password: SecretString, answer: oneshot::Sender<Judgement> },
    Nothing { answer: oneshot::Sender<()> },
    Hash { password: SecretString, salt: [u8; SALT], answer: oneshot::Sender<Option<String>> },
}

/// How far the hashing threads step back, as by `nice(1)`: of a core that both want, a thread that serves requests gets three
/// quarters. Less far, and machines wait for their tokens while everybody signs in; further, and nobody could sign in while
/// machines' tokens fill the cores.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 5;

/// Lets the threads that serve requests go first. On Linux alone a thread has a niceness of its own; elsewhere it is the process's.
#[cfg(target_os = "linux")]
fn step_back() {
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::warn!(%error, "passwords are hashed at the same priority as everything else");
    }
}

#[cfg(not(target_os = "linux"))]
fn step_back() {}

/// How long a thread keeps its 19 MiB when nobody signs in.
const KEEP_MEMORY: Duration = Duration::from_secs(5);

fn work(jobs: &Receiver<Job>) {
    let mut memory = Memory::default();
    loop {
        let job = match jobs.recv_timeout(KEEP_MEMORY) {
            Ok(job) => job,
            Err(RecvTimeoutError::Timeout) => {
                memory.release();
                let Ok(job) = jobs.recv() else { return };
                job
            }
            Err(RecvTimeoutError::Disconnected) => return,
        };
        do_job(job, &mut memory);
    }
}

/// Skips work whose asker has gone: a closed connection costs nothing.
fn do_job(job: Job, memory: &mut Memory) {
    // A receiver that went away meanwhile is no error, so the results of `send` are dropped.
    match job {
        Job::Verify { answer, .. } if answer.is_closed() => {}
        Job::Hash { answer, .. } if answer.is_closed() => {}
        Job::Nothing { answer } if answer.is_closed() => {}
        Job::Verify { phc, password, answer } => {
            let bytes = password.expose_secret().as_bytes();
            let judgement = match imported::is_imported(&phc) {
                true => imported::verify(&phc, bytes, memory),
                false => argon::verify(&phc, bytes, memory),
            };
            let _ = answer.send(judgement);
        }
        Job::Hash { password, salt, answer } => {
            let _ = answer.send(argon::hash(password.expose_secret().as_bytes(), &salt, memory));
        }
        Job::Nothing { answer } => {
            argon::idle_work(memory);
            let _ = answer.send(());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};
    use std::time::Instant;

    use super::*;

    struct Counting(AtomicU8);
    impl Rng for Counting {
        fn fill(&self, out: &mut [u8]) {
            for b in out {
                *b = self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn pool(threads: usize, queue: usize) -> PasswordHasher {
        PasswordHasher::new(Arc::new(Counting(AtomicU8::new(0))), threads, queue).unwrap()
    }

    #[tokio::test]
    async fn right_wrong_and_too_long() {
        let pool = pool(1, 8);
        let phc = pool.hash("Grüße!".into()).await.unwrap();
        assert_ne!(pool.hash("Grüße!".into()).await.unwrap(), phc, "each hash has its own salt");
        let ok = |ok, rehash| Ok(Verified { ok, rehash });
        assert_eq!(pool.verify(&phc, "Grüße!".into()).await, ok(true, false));
        assert_eq!(pool.verify(&phc, "grüße!".into()).await, ok(false, false));
        assert_eq!(pool.verify("rubbish", "Grüße!".into()).await, ok(false, false));
        let long = "x".repeat(MAX_PASSWORD_BYTES + 1);
        assert_eq!(pool.hash(long.clone().into()).await, Err(HashError::TooLong));
        assert_eq!(pool.verify(&phc, long.into()).await, ok(false, false));
        let longest = "x".repeat(MAX_PASSWORD_BYTES);
        let phc = pool.hash(longest.clone().into()).await.unwrap();
        assert_eq!(pool.verify(&phc, longest.into()).await, ok(true, false));
    }

    #[tokio::test]
    async fn old_parameters_ask_for_a_new_hash() {
        let phc = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        let verified = pool(1, 1).verify(phc, "password".into()).await;
        assert_eq!(verified, Ok(Verified { ok: true, rehash: true }));
    }

    /// As `/proc` says, of a thread that no other test has.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn hashing_steps_back_and_nothing_else_does() {
        let _pool = pool(9, 1);
        let niceness = |name: &str| {
            std::fs::read_dir("/proc/self/task").unwrap().find_map(|task| {
                let task = task.unwrap().path();
                let of_name = std::fs::read_to_string(task.join("comm")).ok()?.trim_end() == name;
                let stat = std::fs::read_to_string(task.join("stat")).ok().filter(|_| of_name)?;
                // What follows the name in parentheses begins with the third field; niceness is the nineteenth.
                stat.rsplit_once(')')?.1.split_whitespace().nth(16)?.parse::<i32>().ok()
            })
        };
        // Whoever started the tests may have stepped back already.
        let own = || rustix::process::getpriority_process(None).unwrap();
        let before = own();
        let begin = Instant::now();
        while niceness("password-8") != Some(before + NICENESS) {
            assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", niceness("password-8"));
            tokio::task::yield_now().await;
        }
        assert_eq!(own(), before, "the thread that asks");
    }

    #[tokio::test]
    async fn a_full_queue_says_so_at_once() {
        let pool = pool(1, 2);
        let calls: Vec<_> = (0..40)
            .map(|_| {
                let pool = pool.clone();
                tokio::spawn(async move { pool.verify_nothing().await })
            })
            .collect();
        let mut refused = 0;
        for call in calls {
            refused += usize::from(call.await.unwrap() == Err(Busy));
        }
        // Two wait and at most one is at work; the burst comes faster than a hash.
        assert!((1..=38).contains(&refused), "{refused}");
        assert_eq!(pool.verify_nothing().await, Ok(()), "and works again afterwards");
    }

    #[tokio::test]
    async fn work_nobody_waits_for_is_not_done() {
        let pool = pool(1, 64);
        for _ in 0..60 {
            let call = tokio::time::timeout(Duration::ZERO, pool.verify_nothing());
            assert!(call.await.is_err());
        }
        let start = Instant::now();
        pool.verify_nothing().await.unwrap();
        // Sixty hashes are about a second; two are 32 ms (slower without optimisation, in proportion).
        let one = Instant::now();
        pool.verify_nothing().await.unwrap();
        assert!(start.elapsed() < one.elapsed() * 20);
    }
}
