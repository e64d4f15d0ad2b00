//! Mails, counted in memory by the address they go to. One node's view only, and forgotten at restart: a brake, no more.
//! Wrong passwords are counted in the database (`attacks`).

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chancery_core::network::subscriber as network;

/// Ten for one name from one address: wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many attempts")]
pub struct TooManyAttempts {
    /// Seconds until the next try is heard.
    pub retry_after: u64,
}

/// The counters. At most a hundred thousand; each is forgotten a quarter of an hour after the last try.
pub struct Attempts {
    counts: Mutex<HashMap<u64, Count>>,
    hasher: RandomState,
}

/// Who tries what.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// The tenant.
    pub tenant: &'a str,
    /// Where from.
    pub ip: IpAddr,
    /// About whom; compared in lower case.
    pub identifier: &'a str,
}

impl Attempts {
    /// Whether one more may be tried.
    ///
    /// # Errors
    /// [`TooManyAttempts`].
    pub fn check(&self, attempt: Attempt<'_>, now: i64) -> Result<(), TooManyAttempts> {
        let counts = self.lock();
        match counts.get(&self.key(attempt)) {
            Some(count) if count.failures >= MOST_FAILURES && count.last + FORGOTTEN_AFTER > now => {
                let left = count.last + FORGOTTEN_AFTER - now;
                Err(TooManyAttempts { retry_after: left.unsigned_abs() })
            }
            _ => Ok(()),
        }
    }

    /// Counts one. Returns whether this one was the last allowed.
    pub fn fail(&self, attempt: Attempt<'_>, now: i64) -> bool {
        let key = self.key(attempt);
        let mut counts = self.lock();
        if counts.len() >= MOST_COUNTS && !counts.contains_key(&key) {
            make_room(&mut counts, now);
        }
        let count = counts.entry(key).or_insert(Count { failures: 0, last: now });
        if count.last + FORGOTTEN_AFTER <= now {
            count.failures = 0;
        }
        count.failures = count.failures.saturating_add(1);
        count.last = now;
        count.failures == MOST_FAILURES
    }

    /// Forgets every count: dev mode's reset.
    pub fn clear_all(&self) {
        self.lock().clear();
    }

    /// Names are not kept, only this.
    fn key(&self, attempt: Attempt<'_>) -> u64 {
        self.hasher.hash_one((attempt.tenant, network(attempt.ip), attempt.identifier.to_lowercase()))
    }

    /// Counters stay sound whatever happened to the thread that held them.
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Count>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Attempts {
    fn default() -> Self {
        Self { counts: Mutex::default(), hasher: RandomState::new() }
    }
}

/// Shows how many there are.
impl std::fmt::Debug for Attempts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attempts").field("counts", &self.lock().len()).finish_non_exhaustive()
    }
}

#[derive(Clone, Copy)]
struct Count {
    failures: u32,
    last: i64,
}

const MOST_FAILURES: u32 = 10;
const FORGOTTEN_AFTER: i64 = 15 * 60;
const MOST_COUNTS: usize = 100_000;

/// Old ones go first, then the half with the fewest failures that was counted longest ago: memory stays bounded whatever is
/// thrown at it, and a flood of new names does not have the tries at another one forgotten.
fn make_room(counts: &mut HashMap<u64, Count>, now: i64) {
    counts.retain(|_, c| c.last + FORGOTTEN_AFTER > now);
    // With less than an eighth free all of this would soon be done again.
    if counts.len() > MOST_COUNTS / 8 * 7 {
        let mut all: Vec<(u32, i64)> = counts.values().map(|c| (c.failures, c.last)).collect();
        let (_, &mut median, _) = all.select_nth_unstable(MOST_COUNTS / 2);
        // Where half and more of them are alike, alike ones go.
        counts.retain(|_, c| (c.failures, c.last) > median);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt<'a>(ip: &str, identifier: &'a str) -> Attempt<'a> {
        Attempt { tenant: "t", ip: ip.parse().unwrap(), identifier }
    }

    #[test]
    fn ten_and_then_wait() {
        let attempts = Attempts::default();
        let jane = attempt("192.0.2.1", "jane@example.com");
        for n in 1..=10 {
            assert_eq!(attempts.check(jane, 1000), Ok(()));
            assert_eq!(attempts.fail(jane, 1000), n == 10);
        }
        assert_eq!(attempts.check(jane, 1000), Err(TooManyAttempts { retry_after: 900 }));
        assert!(attempts.check(attempt("192.0.2.1", "JANE@example.com"), 1000).is_err());
        assert!(attempts.check(attempt("192.0.2.2", "jane@example.com"), 1000).is_ok());
        assert!(attempts.check(attempt("192.0.2.1", "sam@example.com"), 1000).is_ok());
        assert!(attempts.check(Attempt { tenant: "u", ..jane }, 1000).is_ok());
        assert!(attempts.check(jane, 1899).is_err());
        assert!(attempts.check(jane, 1900).is_ok());
        assert!(!attempts.fail(jane, 1900), "counting begins anew");
    }

    #[test]
    fn memory_is_bounded() {
        let attempts = Attempts::default();
        let victim = attempt("192.0.2.1", "jane");
        for _ in 0..10 {
            attempts.fail(victim, 0);
        }
        let nearly = attempt("192.0.2.1", "sam");
        for _ in 0..9 {
            attempts.fail(nearly, 0);
        }
        for n in 0..MOST_COUNTS + 10 {
            attempts.fail(attempt("192.0.2.1", &n.to_string()), 0);
        }
        assert!(attempts.lock().len() <= MOST_COUNTS);
        assert!(attempts.check(victim, 0).is_err(), "a flood does not free what is blocked");
        assert!(attempts.fail(nearly, 0), "nor has the tenth try begun anew");
    }
}
