//! How often one address may ask: buckets that fill again with time, kept in memory. One node's view only, and forgotten
//! at restart, as in [`Attempts`](crate::Attempts).

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::limits::network;

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
    pub fn take(&self, rate: Rate, ip: IpAddr, what: impl Hash, now: i64) -> Result<(), TooManyRequests> {
        // Neither addresses nor names are kept, only this.
        let key = self.hasher.hash_one((rate.name, network(ip), what));
        let mut buckets = self.lock();
        if buckets.len() >= MOST_BUCKETS && !buckets.contains_key(&key) {
            make_room(&mut buckets, now);
        }
        let full_at = buckets.get(&key).map_or(now, |at| now.max(*at)).saturating_add(rate.every);
        let over = full_at - now - rate.every.saturating_mul(i64::from(rate.burst));
        if over > 0 {
            return Err(TooManyRequests {
                limit: rate.burst,
                retry_after: over.unsigned_abs(),
                reset: now.saturating_add(over),
            });
        }
        buckets.insert(key, full_at);
        Ok(())
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

const MOST_BUCKETS: usize = 100_000;

/// Full buckets say nothing. If all are in use, all are forgotten: memory stays bounded whatever is thrown at it.
fn make_room(buckets: &mut HashMap<u64, i64>, now: i64) {
    buckets.retain(|_, full_at| *full_at > now);
    if buckets.len() >= MOST_BUCKETS {
        buckets.clear();
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
        for _ in 0..3 {
            assert_eq!(rates.take(RATE, one, "t", 1000), Ok(()));
        }
        let empty = TooManyRequests { limit: 3, retry_after: 10, reset: 1010 };
        assert_eq!(rates.take(RATE, one, "t", 1000), Err(empty));
        assert_eq!(rates.take(RATE, one, "t", 1004).unwrap_err().retry_after, 6);
        assert_eq!(rates.take(RATE, one, "t", 1010), Ok(()), "refused requests take nothing");
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
    fn memory_is_bounded() {
        let rates = Rates::default();
        for n in 0..250_000_u32 {
            let _ = rates.take(RATE, ip("192.0.2.1"), n, i64::from(n) / 1000);
        }
        assert!(rates.lock().len() <= MOST_BUCKETS);
    }
}
