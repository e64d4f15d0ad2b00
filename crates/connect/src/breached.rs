//! Passwords that are known to the world: the common ones of this program, and where there is one, a list on disk.
//!
//! The list has the format of the well-known downloadable one: a line for each password, sorted, with the SHA-1 of it in
//! hexadecimal, or the first ten digits of it and more, and a count behind a colon. It is searched where it lies, so its size
//! does not matter.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use aws_lc_rs::digest;

use crate::common_passwords;

/// Bytes read at once around a place: several lines.
const WINDOW: usize = 256;
/// Digits that a line has at least: fewer would mean many passwords that nobody knows.
const FEWEST: usize = 10;

/// Whether it is one of them.
///
/// # Errors
/// Where the list cannot be read.
pub fn is_breached_in(list: Option<&Path>, password: &str) -> io::Result<bool> {
    if common_passwords::contains(password) {
        return Ok(true);
    }
    let Some(list) = list else { return Ok(false) };
    let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
    let wanted: String = digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    search(&mut File::open(list)?, &wanted)
}

/// Whether a list can be used.
///
/// # Errors
/// Says what is wrong with it.
pub fn check_list(list: &Path) -> io::Result<()> {
    let mut file = File::open(list)?;
    let mut start = [0; WINDOW];
    let length = file.read(&mut start)?;
    let line = start[..length].split(|b| *b == b'\n').next().unwrap_or_default();
    match hash_of(line) {
        Some(_) => Ok(()),
        None => Err(io::Error::other("a line must begin with ten to forty hexadecimal digits of a SHA-1")),
    }
}

/// Halves the file until the line is found where it would stand.
fn search(file: &mut (impl Read + Seek), wanted: &str) -> io::Result<bool> {
    let (mut low, mut high) = (0, file.seek(SeekFrom::End(0))?);
    // Invariant: a line that fits begins at `low` or behind it, and before `high`; `low` is the beginning of a line.
    while low < high {
        let middle = low + (high - low) / 2;
        let (start, line) = line_at(file, low, middle)?;
        let Some(hash) = hash_of(&line) else {
            return Err(io::Error::other("a line is no hash"));
        };
        let end = start + line.len() as u64 + 1;
        match hash.as_str().cmp(&wanted[..hash.len()]) {
            std::cmp::Ordering::Equal => return Ok(true),
            std::cmp::Ordering::Less => low = end,
            std::cmp::Ordering::Greater => high = start,
        }
    }
    Ok(false)
}

/// The line in which `at` lies, and where it begins. No line before `least` is looked at.
fn line_at(file: &mut (impl Read + Seek), least: u64, at: u64) -> io::Result<(u64, Vec<u8>)> {
    let from = at.saturating_sub(WINDOW as u64 / 2).max(least);
    file.seek(SeekFrom::Start(from))?;
    let mut window = Vec::with_capacity(WINDOW);
    file.take(WINDOW as u64).read_to_end(&mut window)?;
    let inside = usize::try_from(at - from).unwrap_or(0).min(window.len());
    let start = window[..inside].iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    if start == 0 && from > least {
        return Err(io::Error::other("a line is too long"));
    }
    let end = window[start..].iter().position(|b| *b == b'\n').map_or(window.len(), |end| start + end);
    Ok((from + start as u64, window[start..end].to_vec()))
}

fn hash_of(line: &[u8]) -> Option<String> {
    let digits = line.iter().take_while(|b| b.is_ascii_hexdigit()).count();
    let is_whole = line.get(digits).is_none_or(|b| matches!(b, b':' | b'\r'));
    let hash = std::str::from_utf8(&line[..digits]).ok()?;
    ((FEWEST..=40).contains(&digits) && is_whole).then(|| hash.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn every_line_is_found_and_no_other() {
        let hashes: Vec<String> = (0..500_u32)
            .map(|n| format!("{:040X}", u128::from(n) * 0x1_0000_0000_0000_0001_u128 + 7))
            .collect();
        for ending in ["\n", "\r\n", ":1\n", ":1234567\r\n"] {
            let text: String = hashes.iter().map(|hash| format!("{hash}{ending}")).collect();
            for cut in [0, ending.len()] {
                let mut file = Cursor::new(&text.as_bytes()[..text.len() - cut]);
                for hash in &hashes {
                    assert!(search(&mut file, hash).unwrap(), "{hash} {ending:?}");
                }
                for other in ["0".repeat(40), "F".repeat(40), format!("{:040X}", 8)] {
                    assert!(!search(&mut file, &other).unwrap(), "{other}");
                }
            }
        }
        assert!(!search(&mut Cursor::new(b""), &hashes[0]).unwrap());
    }

    #[test]
    fn beginnings_of_hashes_are_enough() {
        let mut file = Cursor::new(b"0123456789:3\nabcdef0123:1\n");
        assert!(search(&mut file, &format!("0123456789{}", "A".repeat(30))).unwrap());
        assert!(search(&mut file, &format!("ABCDEF0123{}", "0".repeat(30))).unwrap());
        assert!(!search(&mut file, &format!("0123456788{}", "A".repeat(30))).unwrap());
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for text in ["password\n", "0123\n", "", &"x".repeat(5000)] {
            assert!(hash_of(text.as_bytes()).is_none(), "{text}");
        }
        assert!(search(&mut Cursor::new("x".repeat(5000).as_bytes()), &"0".repeat(40)).is_err());
        assert!(
            is_breached_in(Some(Path::new("/nowhere")), "password").unwrap(),
            "the common ones need none"
        );
        assert!(is_breached_in(Some(Path::new("/nowhere")), "a long one of one's own").is_err());
        assert!(!is_breached_in(None, "a long one of one's own").unwrap());
    }
}
