//! Argon2id in PHC strings (RFC 9106), with memory that its caller keeps from one password to the next.

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::constant_time::verify_slices_are_equal;

/// The working memory of one thread: allocating it anew costs a fifth of the hash.
#[derive(Default)]
pub(crate) struct Memory(Vec<Block>);

impl Memory {
    /// Gives the memory back.
    pub(crate) fn release(&mut self) {
        self.0 = Vec::new();
    }

    fn blocks(&mut self, count: usize) -> &mut [Block] {
        if self.0.len() < count {
            self.0.resize_with(count, Block::new);
        }
        &mut self.0
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
    let mut out = [0; Params::DEFAULT_OUTPUT_LEN];
    fill(&CURRENT, password, salt, (memory, &mut out))?;
    let phc = PasswordHash {
        algorithm: ARGON2ID_IDENT,
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&CURRENT).ok()?,
        salt: Some(Salt::new(salt).ok()?),
        hash: Some(Output::new(&out).ok()?),
    };
    Some(phc.to_string())
}

/// Compares in constant time.
pub(crate) fn verify(phc: &str, password: &[u8], memory: &mut Memory) -> Judgement {
    let Some(stored) = Stored::read(phc) else { return Judgement::Unreadable };
    let mut out = vec![0; stored.hash.len()];
    if fill(&stored.params, password, &stored.salt, (memory, &mut out)).is_none() {
        return Judgement::Unreadable;
    }
    match verify_slices_are_equal(&out, stored.hash.as_bytes()) {
        Ok(()) => Judgement::Right { current: stored.is_current() },
        Err(_) => Judgement::Wrong,
    }
}

/// Whether a PHC string of somebody else's can be verified here.
pub(crate) fn is_readable(phc: &str) -> bool {
    Stored::read(phc).is_some()
}

/// The work of one verification, for nothing.
pub(crate) fn idle_work(memory: &mut Memory) {
    let mut out = [0; Params::DEFAULT_OUTPUT_LEN];
    let done = fill(&CURRENT, b"nobody's password", &[0; SALT], (memory, &mut out));
    // Keeps the optimizer from seeing that nobody looks at the result.
    std::hint::black_box((done, out));
}

/// Bytes of salt (RFC 9106, section 3.1).
pub(crate) const SALT: usize = 16;

/// m = 19 MiB, t = 2, p = 1.
const CURRENT: Params = Params::DEFAULT;

/// The most memory a stored hash may ask for, in KiB: imported hashes must not take the machine down.
const MOST_MEMORY: u32 = 256 * 1024;
const MOST_PASSES: u32 = 64;

fn fill(
    params: &Params,
    password: &[u8],
    salt: &[u8],
    (memory, out): (&mut Memory, &mut [u8]),
) -> Option<()> {
    let blocks = memory.blocks(params.block_count());
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    argon.hash_password_into_with_memory(password, salt, out, blocks).ok()
}

struct Stored {
    params: Params,
    salt: Salt,
    hash: Output,
}

impl Stored {
    fn read(phc: &str) -> Option<Self> {
        let parsed = PasswordHash::new(phc).ok()?;
        if parsed.algorithm != ARGON2ID_IDENT || parsed.version != Some(Version::V0x13.into()) {
            return None;
        }
        let params = Params::try_from(&parsed).ok()?;
        if params.m_cost() > MOST_MEMORY || params.t_cost() > MOST_PASSES {
            return None;
        }
        Some(Self { params, salt: parsed.salt?, hash: parsed.hash? })
    }

    fn is_current(&self) -> bool {
        let same = |of: fn(&Params) -> u32| of(&self.params) == of(&CURRENT);
        same(Params::m_cost)
            && same(Params::t_cost)
            && same(Params::p_cost)
            && self.salt.len() >= SALT
            && self.hash.len() == Params::DEFAULT_OUTPUT_LEN
    }
}

#[cfg(test)]
mod tests {
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
            "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        ] {
            assert_eq!(verify(phc, b"password", memory), Judgement::Unreadable, "{phc}");
        }
    }
}
