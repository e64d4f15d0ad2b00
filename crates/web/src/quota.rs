//! How often one application may call in a second: windows kept in memory, one node's view only.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::HeaderMap;
use http::header::RETRY_AFTER;

/// What is left after a call, for the `X-RateLimit-*` headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Calls in a second.
    pub limit: u32,
    /// Of those, how many are left.
    pub remaining: u32,
    /// When the next window begins, Unix seconds.
    pub reset: i64,
    /// Whether this call was one too many.
    pub is_spent: bool,
    /// Seconds until one more makes sense, where it was.
    pub retry_after: u64,
}

impl Allowance {
    /// Of two the one of which there is less.
    #[must_use]
    pub fn scarcer(self, other: Self) -> Self {
        if other.remaining < self.remaining { other } else { self }
    }

    /// Says so.
    pub fn say(self, headers: &mut HeaderMap) {
        headers.insert("x-ratelimit-limit", self.limit.into());
        headers.insert("x-ratelimit-remaining", self.remaining.into());
        headers.insert("x-ratelimit-reset", self.reset.into());
        if self.is_spent {
            headers.insert(RETRY_AFTER, self.retry_after.into());
        }
    }
}

/// The windows: whom, the second, and how many calls there were in it.
#[derive(Default)]
pub struct Quota {
    windows: Mutex<HashMap<u64, (i64, u32)>>,
    hasher: RandomState,
}

impl Quota {
    /// Counts one call of `whom` against `limit`. `now` is in seconds.
    pub fn take(&self, limit: u32, whom: impl Hash, now: i64) -> Allowance {
        self.take_many(1, limit, whom, now)
    }

    /// Counts a request that is worth so many calls. There must be one left; what is beyond the second is not owed, so that
    /// a request that is worth more than the limit can be made at all.
    pub fn take_many(&self, calls: u32, limit: u32, whom: impl Hash, now: i64) -> Allowance {
        let key = self.hasher.hash_one(whom);
        let mut windows = self.lock();
        if windows.len() >= MOST_WINDOWS && !windows.contains_key(&key) {
            // Windows that are over say nothing. Were all of this second, forgetting them would lift the limit of as many
            // applications for the rest of a second.
            windows.retain(|_, (second, _)| *second == now);
            if windows.len() >= MOST_WINDOWS {
                windows.clear();
            }
        }
        let window = windows.entry(key).or_insert((now, 0));
        if window.0 != now {
            *window = (now, 0);
        }
        let is_spent = window.1 >= limit;
        if !is_spent {
            window.1 = window.1.saturating_add(calls).min(limit);
        }
        Allowance {
            limit,
            remaining: limit - window.1,
            reset: now.saturating_add(1),
            is_spent,
            retry_after: 1,
        }
    }

    /// Numbers stay sound whatever happened to the thread that held them.
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, (i64, u32)>> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shows how many there are.
impl std::fmt::Debug for Quota {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Quota").field("windows", &self.lock().len()).finish_non_exhaustive()
    }
}

const MOST_WINDOWS: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_in_a_second() {
        let quota = Quota::default();
        let take = |whom: &str, now| quota.take(2, whom, now);
        assert_eq!(
            take("a", 10),
            Allowance { limit: 2, remaining: 1, reset: 11, is_spent: false, retry_after: 1 }
        );
        assert_eq!(take("a", 10).remaining, 0);
        assert!(!take("b", 10).is_spent, "others have their own");
        assert_eq!(
            take("a", 10),
            Allowance { limit: 2, remaining: 0, reset: 11, is_spent: true, retry_after: 1 }
        );
        assert!(!take("a", 11).is_spent, "a new second");
    }

    #[test]
    fn many_at_once() {
        let quota = Quota::default();
        let take = |calls, now| quota.take_many(calls, 10, "a", now);
        assert_eq!(
            take(4, 10),
            Allowance { limit: 10, remaining: 6, reset: 11, is_spent: false, retry_after: 1 }
        );
        assert_eq!(
            take(400, 10),
            Allowance { limit: 10, remaining: 0, reset: 11, is_spent: false, retry_after: 1 }
        );
        assert!(take(1, 10).is_spent);
        assert_eq!(take(1, 11).remaining, 9, "nothing is owed");
    }

    #[test]
    fn memory_is_bounded() {
        let quota = Quota::default();
        for whom in 0..MOST_WINDOWS * 2 {
            quota.take(1, whom, 10);
        }
        assert!(quota.lock().len() <= MOST_WINDOWS);
    }
}
