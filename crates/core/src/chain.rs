//! Chains of secrets, of which one replaces the other: rotating refresh tokens.
//!
//! Only the digests of the newest secrets are stored. That a secret was good once is proved by the secret itself: half of
//! it is drawn, the other half is a MAC over that under the chain's key. So no row has to be kept for each exchange, and a
//! made-up secret under a known id is no sign of theft (RFC 9700, section 4.14.2).

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    Rng,
    ids::{self, Handle},
};

/// Bytes drawn, and as many of the MAC: 128 bits each.
const HALF: usize = 16;

/// The key of one chain. It makes no secret good: who reads it in the database can only pretend that one was used twice.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ChainKey(Vec<u8>);

impl ChainKey {
    /// A new key: 256 bits.
    pub fn generate(rng: &dyn Rng) -> Self {
        let mut key = [0; 32];
        rng.fill(&mut key);
        Self(key.to_vec())
    }

    /// The first handle of a new chain, which gives it its id. `now_ms` is in milliseconds.
    pub fn first(&self, rng: &dyn Rng, now_ms: i64) -> Handle {
        self.next(rng, &ids::time_ordered(rng, now_ms))
    }

    /// A new secret for the chain with this id.
    pub fn next(&self, rng: &dyn Rng, id: &str) -> Handle {
        let mut secret = [0; 2 * HALF];
        let (drawn, mac) = secret.split_at_mut(HALF);
        rng.fill(drawn);
        mac.copy_from_slice(&self.mac(id, drawn)[..HALF]);
        Handle::of(id.to_owned(), secret)
    }

    /// Whether the secret was made with this key, for this id; in constant time. The key of old records is empty: none was.
    pub fn made(&self, handle: &Handle) -> bool {
        let (drawn, mac) = handle.secret().split_at(HALF);
        !self.0.is_empty() && verify_slices_are_equal(mac, &self.mac(&handle.id, drawn)[..HALF]).is_ok()
    }

    fn mac(&self, id: &str, drawn: &[u8]) -> [u8; 32] {
        chancery_jose::hmac_sha256(&self.0, &[id.as_bytes(), drawn].concat())
    }
}

/// base64url.
impl Serialize for ChainKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_URL_SAFE_NO_PAD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for ChainKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        BASE64_URL_SAFE_NO_PAD.decode(text.as_bytes()).map(Self).map_err(serde::de::Error::custom)
    }
}

/// Shows nothing of the key.
impl std::fmt::Debug for ChainKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ChainKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::Counting;

    #[test]
    fn its_own_are_told_from_all_others() {
        let rng = Counting::default();
        let key = ChainKey::generate(&rng);
        let first = key.first(&rng, 1_700_000_000_000);
        let next = key.next(&rng, &first.id);
        assert_ne!(first, next);
        let text = next.expose();
        assert!([&first, &next, &Handle::parse(&text).unwrap()].iter().all(|handle| key.made(handle)));
        let elsewhere = ChainKey::generate(&rng).next(&rng, &first.id);
        let moved = Handle::of("another".to_owned(), *first.secret());
        let made_up = Handle::generate(&rng, 1_700_000_000_000);
        assert!([&elsewhere, &moved, &made_up].iter().all(|handle| !key.made(handle)));
        assert!(
            !ChainKey::default().made(&ChainKey::default().next(&rng, "x")),
            "an empty key makes nothing"
        );
    }

    #[test]
    fn it_survives_being_stored_and_is_not_shown() {
        let key = ChainKey::generate(&Counting::default());
        let json = serde_json::to_string(&key).unwrap();
        assert_eq!(serde_json::from_str::<ChainKey>(&json).unwrap(), key);
        assert_eq!(format!("{key:?}"), "ChainKey");
    }
}
