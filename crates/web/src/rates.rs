//! How often one address may ask: buckets that fill again with time, kept in memory. One node's view only, and forgotten
//! at restart, as in [`Attempts`](crate::Attempts).

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chancery_core::network::subscriber as network;

use crate::Allowance;

/// A bucket: so many at once, then one more every so often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Tells this bucket from others of the same address.
    pub name: &'static str,
    /// How many at once.
    pub burst: u32,
    /// Seconds until there is room for one more.
    pub every: i64,
}

/// The bucket is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many requests")]
pub struct TooManyRequests {
    /// The size of the bucket.
    pub limit: u32,
    /// Seconds until there is room again, at least 1.
    pub retry_after: u64,
    /// The same as Unix time.
    pub reset: i64,
}

impl From<Allowance> for TooManyRequests {
    fn from(left: Allowance) -> Self {
        Self { limit: left.limit, retry_after: left.retry_after, reset: left.reset }
    }
}

/// The buckets. At most a hundred thousand; full ones are forgotten first.
pub struct Rates {
    /// When each will be full again, Unix seconds.
    full_at: Mutex<HashMap<u64, i64>>,
    hasher: RandomState,
}

impl Rates {
    /// Takes one from the bucket of this address and `what`: a tenant, and whom or what the request is about. `now` is in
    /// seconds.
    ///
    /// # Errors
    /// [`TooManyRequests`].
    pub fn take(
        &self,
        rate: Rate,
        ip: IpAddr,
        what: impl Hash,
        now: i64,
    ) -> Result<Allowance, TooManyRequests> {
        let key = self.key(rate, ip, what);
        let mut buckets = self.lock();
        if buckets.len() >= MOST_BUCKETS && !buckets.contains_key(&key) {
            make_room(&mut buckets, now);
        }
        let full_at = next_full(rate, buckets.get(&key).copied(), now)?;
        buckets.insert(key, full_at);
        Ok(left(rate, full_at, now))
    }

    /// Whether there is room in the bucket, without taking from it.
    ///
    /// # Errors
    /// [`TooManyRequests`].
    pub fn look(&self, rate: Rate, ip: IpAddr, what: impl Hash, now: i64) -> Result<(), TooManyRequests> {
        let key = self.key(rate, ip, what);
        let full_at = self.lock().get(&key).copied();
        next_full(rate, full_at, now).map(drop)
    }

    fn key(&self, rate: Rate, ip: IpAddr, what: impl Hash) -> u64 {
        // Neither addresses nor names are kept, only this.
        self.hasher.hash_one((rate.name, network(ip), what))
    }

    /// Forgets everything: dev mode's reset.
    pub fn clear_all(&self) {
        self.lock().clear();
    }

    /// Numbers stay sound whatever happened to the thread that held them.
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, i64>> {
        self.full_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Rates {
    fn default() -> Self {
        Self { full_at: Mutex::default(), hasher: RandomState::new() }
    }
}

/// Shows how many there are.
impl std::fmt::Debug for Rates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rates").field("buckets", &self.lock().len()).finish_non_exhaustive()
    }
}

pub(crate) const MOST_BUCKETS: usize = 100_000;

/// When a bucket is full again after one more is taken from it.
fn next_full(rate: Rate, full_at: Option<i64>, now: i64) -> Result<i64, TooManyRequests> {
    let full_at = full_at.map_or(now, |at| now.max(at)).saturating_add(rate.every);
    let over = full_at - now - rate.every.saturating_mul(i64::from(rate.burst));
    if over > 0 {
        return Err(TooManyRequests {
            limit: rate.burst,
            retry_after: over.unsigned_abs(),
            reset: now.saturating_add(over),
        });
    }
    Ok(full_at)
}

/// What is left in a bucket that one was just taken from.
fn left(rate: Rate, full_at: i64, now: i64) -> Allowance {
    let owed = full_at - now;
    let room = rate.every.saturating_mul(i64::from(rate.burst)) - owed;
    let wait = match owed.checked_rem(rate.every) {
        None | Some(0) => rate.every,
        Some(partial) => partial,
    };
    Allowance {
        limit: rate.burst,
        remaining: room.checked_div(rate.every).and_then(|left| u32::try_from(left).ok()).unwrap_or(0),
        reset: now.saturating_add(wait),
        is_spent: false,
        retry_after: wait.unsigned_abs(),
    }
}

/// Full buckets say nothing. If all are in use, the half that says least is forgotten: memory stays bounded whatever is
/// thrown at it, and a flood of new buckets pushes out its own kind before those that are empty.
pub(crate) fn make_room(buckets: &mut HashMap<u64, i64>, now: i64) {
    buckets.retain(|_, full_at| *full_at > now);
    // With less than an eighth free all of this would soon be done again.
    if buckets.len() > MOST_BUCKETS / 8 * 7 {
        let mut all: Vec<i64> = buckets.values().copied().collect();
        let (_, &mut median, _) = all.select_nth_unstable(MOST_BUCKETS / 2);
        buckets.retain(|_, full_at| *full_at > median);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { name: "test", burst: 3, every: 10 };

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_burst_and_then_one_at_a_time() {
        let rates = Rates::default();
        let one = ip("192.0.2.1");
        for (remaining, reset) in [(2, 1010), (1, 1010), (0, 1010)] {
            let left = rates.take(RATE, one, "t", 1000).unwrap();
            assert_eq!((left.limit, left.remaining, left.reset, left.is_spent), (3, remaining, reset, false));
        }
        let empty = TooManyRequests { limit: 3, retry_after: 10, reset: 1010 };
        assert_eq!(rates.take(RATE, one, "t", 1000), Err(empty));
        assert_eq!(rates.take(RATE, one, "t", 1004).unwrap_err().retry_after, 6);
        assert!(rates.take(RATE, one, "t", 1010).is_ok(), "refused requests take nothing");
        assert!(rates.take(RATE, one, "t", 1010).is_err());
        for (rate, from, what) in
            [(RATE, ip("192.0.2.2"), "t"), (RATE, one, "u"), (Rate { name: "other", ..RATE }, one, "t")]
        {
            assert!(rates.take(rate, from, what, 1010).is_ok());
        }
        for _ in 0..3 {
            assert!(rates.take(RATE, one, "t", 1050).is_ok(), "never more than full");
        }
        assert!(rates.take(RATE, one, "t", 1050).is_err());
    }

    #[test]
    fn one_network_is_one_address() {
        let rates = Rates::default();
        for n in 0..3 {
            assert!(rates.take(RATE, ip(&format!("2001:db8::{n}")), "t", 0).is_ok());
        }
        assert!(rates.take(RATE, ip("2001:db8::ffff"), "t", 0).is_err());
        assert!(rates.take(RATE, ip("2001:db8:0:1::"), "t", 0).is_ok());
    }

    #[test]
    fn looking_takes_nothing() {
        let rates = Rates::default();
        let one = ip("192.0.2.1");
        for _ in 0..9 {
            assert_eq!(rates.look(RATE, one, "t", 1000), Ok(()));
        }
        for _ in 0..3 {
            rates.take(RATE, one, "t", 1000).unwrap();
        }
        assert_eq!(rates.look(RATE, one, "t", 1000), rates.take(RATE, one, "t", 1000).map(drop));
        assert!(rates.look(RATE, one, "t", 1010).is_ok());
    }

    /// Otherwise somebody with many names could have the count of their tries at one forgotten.
    #[test]
    fn a_flood_does_not_fill_an_empty_bucket() {
        let rates = Rates::default();
        let guesser = ip("192.0.2.1");
        while rates.take(RATE, guesser, "jane", 0).is_ok() {}
        for n in 0..250_000_u32 {
            let _ = rates.take(RATE, ip("192.0.2.2"), n, 0);
        }
        assert!(rates.take(RATE, guesser, "jane", 0).is_err());
        assert!(rates.lock().len() <= MOST_BUCKETS);
    }

    #[test]
    fn memory_is_bounded() {
        let rates = Rates::default();
        for n in 0..250_000_u32 {
            let _ = rates.take(RATE, ip("192.0.2.1"), n, i64::from(n) / 1000);
        }
        assert!(rates.lock().len() <= MOST_BUCKETS);
    }
}
