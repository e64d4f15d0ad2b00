//! Identifiers in the shapes that clients of the wire expect (fact sheet 11.3), and handles: an id that finds a row
//! beside a secret that proves the bearer may have it.

use std::sync::atomic::{AtomicU64, Ordering};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use crate::Rng;

const ALPHANUMERIC: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const HEX: &[u8; 16] = b"0123456789abcdef";

/// `length` characters, each drawn evenly from A-Z a-z 0-9.
pub fn alphanumeric(rng: &dyn Rng, length: usize) -> String {
    drawn(rng, ALPHANUMERIC, length)
}

/// `length` characters of the URL-safe base64 alphabet (6 bits each).
pub fn url_safe(rng: &dyn Rng, length: usize) -> String {
    drawn(rng, URL_SAFE, length)
}

/// `length` lower-case hexadecimal digits.
pub fn hex(rng: &dyn Rng, length: usize) -> String {
    drawn(rng, HEX, length)
}

/// `rol_` + 16 alphanumerics, `cgr_` + 16, `con_` + 16, ...
pub fn prefixed(rng: &dyn Rng, prefix: &str) -> String {
    format!("{prefix}{}", alphanumeric(rng, 16))
}

/// A client id: 32 alphanumerics.
pub fn client_id(rng: &dyn Rng) -> String {
    alphanumeric(rng, 32)
}

/// A client secret: 64 URL-safe characters, 384 bits.
pub fn client_secret(rng: &dyn Rng) -> String {
    url_safe(rng, 64)
}

/// 24 hexadecimal digits beginning with the time in seconds, as resource servers, user grants and database users have.
pub fn object_id(rng: &dyn Rng, now: i64) -> String {
    format!("{:08x}{}", now.rem_euclid(1 << 32), hex(rng, 16))
}

/// A random UUID (RFC 9562, section 5.4).
pub fn uuid(rng: &dyn Rng) -> String {
    let digits = hex(rng, 30);
    let variant = drawn(rng, b"89ab", 1);
    let (a, rest) = digits.split_at(8);
    let (b, rest) = rest.split_at(4);
    let (c, rest) = rest.split_at(3);
    let (d, e) = rest.split_at(3);
    format!("{a}-{b}-4{c}-{variant}{d}-{e}")
}

/// An id that sorts by its time of creation: 9 characters of milliseconds, then 13 random ones (78 bits).
/// Rows inserted together lie together on disk, which is worth a factor of four in durable inserts.
pub fn time_ordered(rng: &dyn Rng, now_ms: i64) -> String {
    format!("{}{}", sortable(now_ms), drawn(rng, SORTED, 13))
}

/// Ids as [`time_ordered`] makes them, for what is counted rather than kept secret: the time, 6 characters drawn once for
/// each process, and a number. Those of one process never go backwards within a millisecond.
#[derive(Debug)]
pub struct Sequence {
    process: String,
    next: AtomicU64,
}

impl Sequence {
    /// Begins at a random place.
    pub fn new(rng: &dyn Rng) -> Self {
        Self { process: drawn(rng, SORTED, 6), next: AtomicU64::new(0) }
    }

    /// The next one: 22 characters.
    pub fn next(&self, now_ms: i64) -> String {
        let mut id = String::with_capacity(ID_LENGTH);
        push_sortable::<SORTABLE>(&mut id, now_ms.cast_unsigned());
        id.push_str(&self.process);
        push_sortable::<7>(&mut id, self.next.fetch_add(1, Ordering::Relaxed));
        id
    }
}

/// When a [`time_ordered`] id was made: milliseconds. `None` for ids of another shape.
pub fn time_of(id: &str) -> Option<i64> {
    if id.len() != ID_LENGTH {
        return None;
    }
    let digit = |byte: u8| SORTED.binary_search(&byte).ok().and_then(|digit| i64::try_from(digit).ok());
    id.bytes().take(SORTABLE).try_fold(0, |time, byte| Some(time << 6 | digit(byte)?))
}

/// Not above any [`time_ordered`] id made at that time or later, and above every earlier one.
pub fn earliest(now_ms: i64) -> String {
    sortable(now_ms)
}

/// What a browser or client holds: `id` finds the row, the secret is stored only as its SHA-256.
#[derive(Clone, PartialEq, Eq)]
pub struct Handle {
    /// Time-ordered, 22 characters, no secret.
    pub id: String,
    secret: [u8; 32],
}

impl Handle {
    /// A new handle with 256 bits of secret.
    pub fn generate(rng: &dyn Rng, now_ms: i64) -> Self {
        let mut secret = [0; 32];
        rng.fill(&mut secret);
        Self { id: time_ordered(rng, now_ms), secret }
    }

    pub(crate) const fn of(id: String, secret: [u8; 32]) -> Self {
        Self { id, secret }
    }

    pub(crate) const fn secret(&self) -> &[u8; 32] {
        &self.secret
    }

    /// Reads what [`Handle::expose`] wrote; `None` for anything else. Never panics on hostile input.
    pub fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.split_at_checked(ID_LENGTH)?;
        if !id.bytes().all(|b| SORTED.contains(&b)) {
            return None;
        }
        let secret = BASE64_URL_SAFE_NO_PAD.decode(secret).ok()?;
        Some(Self { id: id.to_owned(), secret: secret.try_into().ok()? })
    }

    /// The text handed out: 22 + 43 characters, URL-safe.
    pub fn expose(&self) -> String {
        format!("{}{}", self.id, BASE64_URL_SAFE_NO_PAD.encode(self.secret))
    }

    /// The SHA-256 of the secret, which is what the database holds.
    pub fn digest(&self) -> Vec<u8> {
        chancery_jose::sha256(&self.secret).to_vec()
    }
}

/// Shows the id alone.
impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").field("id", &self.id).finish_non_exhaustive()
    }
}

const ID_LENGTH: usize = 22;
/// Characters of time at the beginning of an id.
const SORTABLE: usize = 9;
/// In ASCII order, so that text order is number order.
const SORTED: &[u8; 64] = b"-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";

fn sortable(n: i64) -> String {
    let mut out = String::with_capacity(ID_LENGTH);
    push_sortable::<SORTABLE>(&mut out, n.cast_unsigned());
    out
}

fn push_sortable<const DIGITS: usize>(out: &mut String, n: u64) {
    for place in (0..DIGITS).rev() {
        out.push(char::from(SORTED[usize::try_from(n >> (6 * place) & 63).unwrap_or_default()]));
    }
}

/// Even draw: bytes past the last whole multiple of the alphabet are thrown away.
pub fn drawn(rng: &dyn Rng, alphabet: &[u8], length: usize) -> String {
    let limit = 256 - 256 % alphabet.len();
    let mut out = String::with_capacity(length);
    let mut pool = [0; 64];
    while out.len() < length {
        rng.fill(&mut pool);
        let fit = pool.iter().filter(|b| usize::from(**b) < limit);
        for byte in fit.take(length - out.len()) {
            out.push(char::from(alphabet[usize::from(*byte) % alphabet.len()]));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::Counting;

    #[test]
    fn shapes() {
        let rng = Counting::default();
        assert_eq!(client_id(&rng).len(), 32);
        assert_eq!(client_secret(&rng).len(), 64);
        assert_eq!(object_id(&rng, 0x6a00_0000).len(), 24);
        assert!(prefixed(&rng, "rol_").starts_with("rol_"));
        assert_eq!(time_ordered(&rng, 1_700_000_000_000).len(), 22);
    }

    #[test]
    fn later_is_greater() {
        let mut times = [0, 1, 63, 64, 1_700_000_000_000, 1_700_000_000_001, 1_900_000_000_000];
        let texts: Vec<_> = times.iter().map(|t| sortable(*t)).collect();
        times.sort_unstable();
        let mut sorted = texts.clone();
        sorted.sort();
        assert_eq!(texts, sorted);
    }

    #[test]
    fn a_sequence_goes_up() {
        let rng = Counting::default();
        let sequence = Sequence::new(&rng);
        let made: Vec<_> = (0..200).map(|n| sequence.next(1_700_000_000_000 + n / 100)).collect();
        assert!(made.is_sorted() && made.iter().all(|id| id.len() == ID_LENGTH));
        assert_eq!(time_of(&made[199]), Some(1_700_000_000_001));
        let elsewhere = Sequence::new(&Counting::from(1));
        assert_ne!(Sequence::new(&Counting::default()).next(0), elsewhere.next(0));
    }

    #[test]
    fn an_id_tells_its_time() {
        let rng = Counting::default();
        for now in [0, 63, 64, 1_700_000_000_000, (1 << 53)] {
            let id = time_ordered(&rng, now);
            assert_eq!(time_of(&id), Some(now));
            assert!(earliest(now) < id && earliest(now + 1) > id);
        }
        assert_eq!(time_of("short"), None);
        assert_eq!(time_of(&"é".repeat(11)), None);
        assert_eq!(time_of(&"!".repeat(22)), None);
    }

    #[test]
    fn handle_round_trip() {
        let rng = Counting::default();
        let handle = Handle::generate(&rng, 1_700_000_000_000);
        assert_eq!(Handle::parse(&handle.expose()), Some(handle.clone()));
        assert!(!format!("{handle:?}").contains(&handle.expose()[22..]));
        for bad in ["", "x", "é".repeat(40).as_str(), &handle.expose()[1..], &format!("{}A", handle.expose())]
        {
            assert_eq!(Handle::parse(bad), None, "{bad}");
        }
    }
}
