//! Signatures. An RSA signature holds a core for 250 us. When many are asked for at once they wait in a line of their own,
//! drawn off by at most one task for each core, which lets every request that is ready go first after each signature. One
//! alone is made where it is asked for. The cheap algorithms are always made where they are asked for.
//!
//! Where there is always something ready, one signature after each round of it would be next to none: a turn at signing
//! takes as long as the others had since the last.
//!
//! Threads for signing, which this had before, cost 20 us for each signature in switching between threads; signing
//! wherever asked for, without a line, made a small request beside 64 clients wait 18 ms.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chancery_jose::{SigningKey, Typ};
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

/// The line before the signing tasks. Cheap to clone.
#[derive(Clone)]
pub struct Signer(Arc<Shared>);

struct Shared {
    line: Mutex<Line>,
    /// Tasks at a time.
    most_tasks: usize,
    /// Places in the line.
    places: usize,
    /// Costly signatures asked for and not yet made.
    under_way: AtomicUsize,
    /// What all turns of all tasks took together, in microseconds.
    spent: AtomicU64,
}

/// The longest turn at signing: what a request that is ready may have to wait for it.
const LONGEST_TURN: Duration = Duration::from_millis(10);

#[derive(Default)]
struct Line {
    jobs: VecDeque<Job>,
    tasks: usize,
}

impl Signer {
    /// At most `tasks` costly signatures at the same time (at least one; the number of cores is right), and room for
    /// `places` waiting.
    pub fn new(tasks: usize, places: usize) -> Self {
        let (most_tasks, places) = (tasks.max(1), places.max(1));
        Self(Arc::new(Shared {
            line: Mutex::default(),
            most_tasks,
            places,
            under_way: AtomicUsize::new(0),
            spent: AtomicU64::new(0),
        }))
    }

    /// A compact JWS over `payload`.
    ///
    /// # Errors
    /// [`SignError::Busy`] when the line is full, [`SignError::Crypto`] when the library fails.
    pub async fn sign(&self, key: &Arc<SigningKey>, typ: Typ, payload: Vec<u8>) -> Result<String, SignError> {
        if !key.is_costly() {
            return Ok(key.sign(typ, &payload)?);
        }
        let turn = Turn::take(&self.0.under_way);
        if turn.is_alone {
            return Ok(key.sign(typ, &payload)?);
        }
        let (answer, answered) = oneshot::channel();
        self.0.join(Job { key: Arc::clone(key), typ, payload, answer })?;
        Ok(answered.await.map_err(|_| SignError::Busy)??)
    }

    /// How many tokens are waiting.
    pub fn waiting(&self) -> usize {
        self.0.lock().jobs.len()
    }
}

impl Shared {
    /// Puts the job in the line and sees that somebody draws it off.
    fn join(self: &Arc<Self>, job: Job) -> Result<(), SignError> {
        let mut line = self.lock();
        if line.jobs.len() >= self.places {
            return Err(SignError::Busy);
        }
        line.jobs.push_back(job);
        if line.tasks < self.most_tasks {
            line.tasks += 1;
            drop(line);
            tokio::spawn(Task { shared: Arc::clone(self), counted: true }.run());
        }
        Ok(())
    }

    /// The line stays sound whatever happened to the thread that held it.
    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Draws off the line until it is empty.
struct Task {
    shared: Arc<Shared>,
    /// Among [`Line::tasks`].
    counted: bool,
}

impl Task {
    async fn run(mut self) {
        let mut turn = Duration::ZERO;
        while self.sign_for(turn) {
            turn = self.let_others_go().await.min(LONGEST_TURN);
        }
    }

    /// One signature, and more until the time is over. Says whether the line may have more.
    fn sign_for(&mut self, turn: Duration) -> bool {
        let begin = Instant::now();
        let mut taken = Duration::ZERO;
        let more = loop {
            let Some(Job { key, typ, payload, answer }) = self.next() else { break false };
            // Nobody waits any more: the connection was closed.
            if answer.is_closed() {
                continue;
            }
            drop(answer.send(key.sign(typ, &payload)));
            taken = begin.elapsed();
            if taken >= turn {
                break true;
            }
        };
        self.shared.spent.fetch_add(micros(taken), Ordering::Relaxed);
        more
    }

    /// The runtime takes this task up again when nothing else is ready, and looks at the sockets in between. Tells how long that
    /// took; what other tasks signed meanwhile does not count, or two on one thread would each take longer because of the other.
    async fn let_others_go(&self) -> Duration {
        let (begin, spent) = (Instant::now(), self.shared.spent.load(Ordering::Relaxed));
        tokio::task::yield_now().await;
        let signing = self.shared.spent.load(Ordering::Relaxed).wrapping_sub(spent);
        begin.elapsed().saturating_sub(Duration::from_micros(signing))
    }

    /// Ends the count under the same lock that saw the empty line: whoever joins it next starts a task.
    fn next(&mut self) -> Option<Job> {
        let mut line = self.shared.lock();
        let job = line.jobs.pop_front();
        if job.is_none() {
            line.tasks -= 1;
            self.counted = false;
        }
        job
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// The runtime ended it half-way.
impl Drop for Task {
    fn drop(&mut self) {
        if self.counted {
            self.shared.lock().tasks -= 1;
        }
    }
}

/// Shows how full the line is.
impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("waiting", &self.waiting()).finish()
    }
}

/// Counts a signature as under way until dropped: also when the asker goes away.
struct Turn<'a> {
    under_way: &'a AtomicUsize,
    is_alone: bool,
}

impl<'a> Turn<'a> {
    fn take(under_way: &'a AtomicUsize) -> Self {
        Self { under_way, is_alone: under_way.fetch_add(1, Ordering::AcqRel) == 0 }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.under_way.fetch_sub(1, Ordering::AcqRel);
    }
}

struct Job {
    key: Arc<SigningKey>,
    typ: Typ,
    payload: Vec<u8>,
    answer: oneshot::Sender<Result<String, chancery_jose::Error>>,
}

#[cfg(test)]
mod tests {
    use chancery_jose::{Algorithm, Unverified, generate_es256, generate_rsa};

    use super::*;

    fn rsa() -> Arc<SigningKey> {
        Arc::new(SigningKey::from_pkcs8(Algorithm::RS256, "k", &generate_rsa(2048).unwrap()).unwrap())
    }

    type Call = tokio::task::JoinHandle<Result<String, SignError>>;

    fn ask(signer: &Signer, key: &Arc<SigningKey>, times: usize) -> Vec<Call> {
        let one = |_| {
            let (signer, key) = (signer.clone(), Arc::clone(key));
            tokio::spawn(async move { signer.sign(&key, Typ::Jwt, b"{}".to_vec()).await })
        };
        (0..times).map(one).collect()
    }

    #[tokio::test]
    async fn both_ways_sign() {
        let signer = Signer::new(2, 16);
        let es = SigningKey::from_pkcs8(Algorithm::ES256, "e", &generate_es256().unwrap()).unwrap();
        for (key, alone) in [(rsa(), true), (rsa(), false), (Arc::new(es), true)] {
            let _other = (!alone).then(|| Turn::take(&signer.0.under_way));
            let token = signer.sign(&key, Typ::Jwt, b"{}".to_vec()).await.unwrap();
            let read = Unverified::parse(&token).unwrap();
            assert_eq!(read.verify(&key.verifying_key(), &[key.algorithm()]).unwrap(), b"{}");
        }
    }

    #[tokio::test]
    async fn who_goes_away_gives_the_turn_back() {
        let (signer, key) = (Signer::new(1, 1000), rsa());
        let held = Turn::take(&signer.0.under_way);
        for _ in 0..100 {
            let call =
                tokio::time::timeout(std::time::Duration::ZERO, signer.sign(&key, Typ::Jwt, Vec::new()));
            drop(call.await);
        }
        drop(held);
        assert_eq!(signer.0.under_way.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn a_full_queue_says_so() {
        let (signer, key) = (Signer::new(1, 1), rsa());
        let held = Turn::take(&signer.0.under_way);
        let calls = ask(&signer, &key, 200);
        let mut busy = 0;
        for call in calls {
            busy += usize::from(call.await.unwrap() == Err(SignError::Busy));
        }
        assert!((1..200).contains(&busy), "{busy}");
        assert_eq!(signer.0.under_way.load(Ordering::Relaxed), 1, "each gave its turn back");
        drop(held);
        assert!(signer.sign(&key, Typ::Jwt, b"{}".to_vec()).await.is_ok(), "and works again afterwards");
    }

    /// Who is always ready does not leave the line one signature for each of their rounds.
    #[tokio::test]
    async fn a_busy_server_signs_too() {
        const SIGNATURES: usize = 50;
        let (signer, key) = (Signer::new(1, SIGNATURES), rsa());
        let rounds = Arc::new(AtomicUsize::new(0));
        let others = tokio::spawn({
            let rounds = Arc::clone(&rounds);
            async move {
                loop {
                    let begin = Instant::now();
                    while begin.elapsed() < LONGEST_TURN {}
                    rounds.fetch_add(1, Ordering::Relaxed);
                    tokio::task::yield_now().await;
                }
            }
        });
        let _held = Turn::take(&signer.0.under_way);
        let calls = ask(&signer, &key, SIGNATURES);
        for call in calls {
            assert!(call.await.unwrap().is_ok());
        }
        others.abort();
        let rounds = rounds.load(Ordering::Relaxed);
        assert!(rounds < SIGNATURES / 2, "{rounds}");
    }

    /// Two tasks on one thread do not take each other's turns for the others'.
    #[tokio::test]
    async fn two_tasks_do_not_prolong_each_other() {
        let (signer, key) = (Signer::new(2, 1000), rsa());
        let _held = Turn::take(&signer.0.under_way);
        let calls = ask(&signer, &key, 200);
        // Nothing else is ready, so that each turn is one signature; with each other's counted they would grow to the longest.
        let mut turns = 0;
        while signer.waiting() > 0 || turns == 0 {
            turns += 1;
            tokio::task::yield_now().await;
        }
        assert!(turns > 25, "{turns} looks between 200 signatures of two tasks");
        for call in calls {
            assert!(call.await.unwrap().is_ok());
        }
    }
}
