//! How much of what is scarce one address holds at a time: places in the queue for hashing passwords, fetches of what applications
//! say of themselves. One node's view, kept only while it is held.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chancery_core::network::subscriber as network;

/// Who holds how many, by address. As many entries as there are addresses that hold something.
#[derive(Debug, Default)]
pub(crate) struct Shares {
    held: Mutex<HashMap<IpAddr, usize>>,
}

/// A place that one address holds until this is dropped, also when its request is given up.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    shares: &'a Shares,
    network: IpAddr,
}

impl Shares {
    /// One more place for this address (IPv6: /64), unless it holds `most` already.
    pub(crate) fn hold(&self, ip: IpAddr, most: usize) -> Option<Place<'_>> {
        let network = network(ip);
        let mut held = self.lock();
        let now = held.get(&network).copied().unwrap_or_default();
        if now >= most {
            return None;
        }
        held.insert(network, now + 1);
        Some(Place { shares: self, network })
    }

    /// Numbers stay sound whatever happened to the thread that held them.
    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut held = self.shares.lock();
        match held.get_mut(&self.network) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(held.remove(&self.network)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_back_and_leave_nothing() {
        let shares = Shares::default();
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let first = shares.hold(ip("2001:db8::1"), 2).unwrap();
        let second = shares.hold(ip("2001:db8::2"), 2).unwrap();
        assert!(shares.hold(ip("2001:db8::3"), 2).is_none(), "one network is one address");
        let third = shares.hold(ip("2001:db8::3"), 3).unwrap();
        assert!(shares.hold(ip("192.0.2.1"), 1).is_some());
        drop(first);
        assert!(shares.hold(ip("2001:db8::1"), 2).is_none());
        drop(second);
        assert!(shares.hold(ip("2001:db8::1"), 2).is_some());
        drop(third);
        assert!(shares.lock().is_empty());
    }
}
