//! Argon2id in PHC strings (RFC 9106), with memory that its caller keeps from one password to the next.

use argon2_rust::params::{self, TagLen};
use argon2_rust::{Algorithm, Argon2, Hasher, Params, Version};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use phc::{Ident, Output, ParamsString, PasswordHash, Salt};

/// The working memory of one thread: allocating it anew costs a third of the hash.
pub(crate) struct Memory(Hasher);

impl Default for Memory {
    fn default() -> Self {
        Self(argon(CURRENT).hasher())
    }
}

impl Memory {
    /// Gives the memory back.
    pub(crate) fn release(&mut self) {
        self.0.clear();
    }
}

/// What a stored hash says about a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// It is the password; `current` tells whether the hash has the parameters used today.
    Right {
        /// Made with today's parameters.
        current: bool,
    },
    /// It is not.
    Wrong,
    /// The stored hash cannot be read or asks for more memory than is reasonable.
    Unreadable,
}

/// Hashes with today's parameters: `$argon2id$v=19$m=19456,t=2,p=1$...`.
pub(crate) fn hash(password: &[u8], salt: &[u8; SALT], memory: &mut Memory) -> Option<String> {
    let mut out = [0; TAG];
    fill(CURRENT, &Input { password, salt, data: &[] }, (memory, &mut out))?;
    let mut params = ParamsString::new();
    params.add_decimal("m", CURRENT.memory_kib()).ok()?;
    params.add_decimal("t", CURRENT.passes()).ok()?;
    params.add_decimal("p", CURRENT.lanes()).ok()?;
    let phc = PasswordHash {
        algorithm: Ident::new(ARGON2ID).ok()?,
        version: Some(Version::V0x13.as_u32()),
        params,
        salt: Some(Salt::new(salt).ok()?),
        hash: Some(Output::new(&out).ok()?),
    };
    Some(phc.to_string())
}

/// Compares in constant time. A hash from elsewhere that costs less than ours costs as much here, and so does one that cannot
/// be read: otherwise time would tell who is known.
pub(crate) fn verify(phc: &str, password: &[u8], memory: &mut Memory) -> Judgement {
    let stored = Stored::read(phc);
    if stored.as_ref().is_none_or(|stored| work_of(stored.params) < work_of(CURRENT)) {
        idle_work(memory);
    }
    let Some(stored) = stored else { return Judgement::Unreadable };
    let mut out = vec![0; stored.hash.len()];
    let input = Input { password, salt: &stored.salt, data: &stored.data };
    if fill(stored.params, &input, (memory, &mut out)).is_none() {
        return Judgement::Unreadable;
    }
    match verify_slices_are_equal(&out, stored.hash.as_bytes()) {
        Ok(()) => Judgement::Right { current: stored.is_current() },
        Err(_) => Judgement::Wrong,
    }
}

/// The work of one verification of a PHC string of somebody else's: KiB times passes. `None` where it cannot be verified here.
pub(crate) fn work(phc: &str) -> Option<u64> {
    Some(work_of(Stored::read(phc)?.params))
}

fn work_of(params: Params) -> u64 {
    u64::from(params.memory_kib()) * u64::from(params.passes())
}

/// The work of one verification, for nothing.
pub(crate) fn idle_work(memory: &mut Memory) {
    let mut out = [0; TAG];
    let input = Input { password: b"nobody's password", salt: &[0; SALT], data: &[] };
    let done = fill(CURRENT, &input, (memory, &mut out));
    // Keeps the optimizer from seeing that nobody looks at the result.
    std::hint::black_box((done, out));
}

/// Bytes of salt (RFC 9106, section 3.1).
pub(crate) const SALT: usize = 16;

/// Bytes of a hash.
const TAG: usize = 32;
const ARGON2ID: &str = "argon2id";
/// m = 19 MiB, t = 2, p = 1, and a hash of 32 bytes.
const CURRENT: Params = Params::OWASP;

/// The most memory a stored hash may ask for, in KiB: imported hashes must not take the machine down.
const MOST_MEMORY: u32 = 256 * 1024;
const MOST_PASSES: u32 = 64;

const fn argon(params: Params) -> Argon2 {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// The password, its salt and what else goes into a hash.
struct Input<'a> {
    password: &'a [u8],
    salt: &'a [u8],
    data: &'a [u8],
}

fn fill(params: Params, input: &Input<'_>, (memory, out): (&mut Memory, &mut [u8])) -> Option<()> {
    let hasher = &mut memory.0;
    hasher.set_argon2(argon(params));
    let done = hasher.hash_into_with_ad(input.password, input.salt, &[], input.data, out);
    // What others' hashes need beyond ours is not kept for them.
    if params.memory_blocks() > CURRENT.memory_blocks() {
        hasher.clear();
    }
    done.ok()
}

struct Stored {
    params: Params,
    salt: Salt,
    data: Vec<u8>,
    hash: Output,
}

impl Stored {
    fn read(phc: &str) -> Option<Self> {
        let parsed = PasswordHash::new(phc).ok()?;
        if parsed.algorithm.as_str() != ARGON2ID || parsed.version != Some(Version::V0x13.as_u32()) {
            return None;
        }
        let (salt, hash) = (parsed.salt?, parsed.hash?);
        let (params, data) = params(&parsed.params, hash.len())?;
        if params.memory_kib() > MOST_MEMORY || params.passes() > MOST_PASSES {
            return None;
        }
        Some(Self { params, salt, data, hash })
    }

    fn is_current(&self) -> bool {
        let same = |of: fn(&Params) -> u32| of(&self.params) == of(&CURRENT);
        same(Params::memory_kib)
            && same(Params::passes)
            && same(Params::lanes)
            && self.salt.len() >= SALT
            && self.hash.len() == TAG
    }
}

/// `m`, `t` and `p`, all of them, and `data`; nothing else: with a key beside it a hash cannot be verified here.
fn params(text: &ParamsString, length: usize) -> Option<(Params, Vec<u8>)> {
    if text.iter().any(|(name, _)| !["m", "t", "p", "data"].contains(&name.as_str())) {
        return None;
    }
    let builder = Params::builder()
        .memory(params::Memory::kib(text.get_decimal("m")?.into()))
        .passes(text.get_decimal("t")?)
        .lanes(text.get_decimal("p")?)
        .tag_len(TagLen::bytes(length as u64));
    let data = match text.get("data") {
        Some(value) => value.b64_decode(&mut [0; DATA]).ok()?.to_vec(),
        None => Vec::new(),
    };
    Some((builder.build().ok()?, data))
}

/// Bytes of data beside a password (the text form of password hashes allows no more).
const DATA: usize = 64;

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::*;

    #[test]
    fn right_and_wrong() {
        let memory = &mut Memory::default();
        let phc = hash(b"correct horse", &[7; SALT], memory).unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert_eq!(verify(&phc, b"correct horse", memory), Judgement::Right { current: true });
        assert_eq!(verify(&phc, b"correct horse ", memory), Judgement::Wrong);
        assert_eq!(verify(&phc, b"", memory), Judgement::Wrong);
    }

    #[test]
    fn memory_left_dirty_changes_nothing() {
        let memory = &mut Memory::default();
        let first = hash(b"a", &[1; SALT], memory);
        let _ = hash(b"b", &[2; SALT], memory);
        assert_eq!(hash(b"a", &[1; SALT], memory), first);
        assert_eq!(hash(b"a", &[1; SALT], &mut Memory::default()), first);
    }

    /// Made by the reference implementation: `echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1 -l 24`.
    #[test]
    fn other_parameters_are_read_and_marked() {
        let phc = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        let memory = &mut Memory::default();
        assert_eq!(verify(phc, b"password", memory), Judgement::Right { current: false });
    }

    /// Another implementation says what is right: of many parameters, with and without data beside the password.
    #[test]
    fn two_implementations_agree() {
        let memory = &mut Memory::default();
        for (m, t, p, length, data) in [
            (8, 1, 1, 10, ""),
            (64, 3, 1, 32, ""),
            (100, 2, 3, 33, "abc"),
            (1024, 1, 4, 64, ""),
            (19_456, 2, 1, 32, "x"),
        ] {
            let mut other = argon2::ParamsBuilder::new();
            other.m_cost(m).t_cost(t).p_cost(p).output_len(length);
            other.data(argon2::AssociatedData::new(data.as_bytes()).unwrap());
            let other = argon2::Argon2::new(
                argon2::Algorithm::Argon2id,
                argon2::Version::V0x13,
                other.build().unwrap(),
            );
            let mut hash = vec![0; length];
            other.hash_password_into("pässword".as_bytes(), b"eightbyt", &mut hash).unwrap();
            let encoded = |bytes: &[u8]| base64::engine::general_purpose::STANDARD_NO_PAD.encode(bytes);
            let data =
                if data.is_empty() { String::new() } else { format!(",data={}", encoded(data.as_bytes())) };
            let phc =
                format!("$argon2id$v=19$m={m},t={t},p={p}{data}${}${}", encoded(b"eightbyt"), encoded(&hash));
            let right = Judgement::Right { current: false };
            assert_eq!(verify(&phc, "pässword".as_bytes(), memory), right, "{phc}");
            assert_eq!(verify(&phc, b"password", memory), Judgement::Wrong, "{phc}");
        }
    }

    /// The best of several each, so that what else the machine does counts little.
    #[test]
    fn cheap_hashes_take_as_long_as_nobodys() {
        let memory = &mut Memory::default();
        let mut best = |job: &mut dyn FnMut(&mut Memory)| {
            let mut time = |memory: &mut Memory| {
                let begin = std::time::Instant::now();
                job(memory);
                begin.elapsed()
            };
            (0..7).map(|_| time(memory)).min().unwrap()
        };
        let nobody = best(&mut |memory| idle_work(memory));
        for phc in ["$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo", "unreadable"] {
            let known =
                best(&mut |memory| assert_ne!(verify(phc, b"x", memory), Judgement::Right { current: true }));
            // Without the work it would be a hundredth.
            assert!(known * 8 > nobody, "{phc}: {known:?}, {nobody:?} for nobody");
        }
    }

    #[test]
    fn hostile_hashes() {
        let memory = &mut Memory::default();
        for phc in [
            "",
            "$",
            "$2b$12$abcdefghijklmnopqrstuv",
            "$argon2id$v=19$m=4294967295,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            "$argon2id$v=19$m=256,t=4294967295,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ",
            "$argon2id$v=19$m=256,t=2,p=1,keyid=a2V5$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            "$argon2id$v=19$t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            "$argon2id$v=19$m=256,t=0,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            "$argon2id$v=16$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        ] {
            assert_eq!(verify(phc, b"password", memory), Judgement::Unreadable, "{phc}");
        }
    }
}
