//! The master key: 32 bytes under which private keys and readable secrets are sealed in the database. It never lies
//! in the database, or a copy of the one would give away the other.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use chancery_core::Rng;
use zeroize::{Zeroize, Zeroizing};

use crate::files;

/// 32 bytes, wiped when dropped.
pub type MasterKey = Zeroizing<[u8; 32]>;

/// A new key.
pub fn generate(rng: &dyn Rng) -> MasterKey {
    let mut key = MasterKey::default();
    rng.fill(key.as_mut());
    key
}

/// As it is written to files and settings: base64.
pub fn print(key: &MasterKey) -> Zeroizing<String> {
    Zeroizing::new(BASE64_STANDARD_NO_PAD.encode(key.as_ref()) + "=")
}

/// Reads 64 hexadecimal digits, or base64 with or without padding, of either alphabet.
///
/// # Errors
/// Says what a key looks like, and nothing of the text.
pub fn parse(text: &str) -> Result<MasterKey> {
    let text = text.trim();
    let bytes = if text.len() == 64 { hex(text) } else { base64(text) };
    let bytes = Zeroizing::new(bytes.unwrap_or_default());
    let Ok(mut fixed) = <[u8; 32]>::try_from(bytes.as_slice()) else {
        bail!("a master key is 32 bytes, written as base64 or as 64 hexadecimal digits; this is neither")
    };
    let key = MasterKey::new(fixed);
    fixed.zeroize();
    Ok(key)
}

/// Reads a key file.
///
/// # Errors
/// Names the file that cannot be read or holds no key, or that others may read.
pub fn read_file(path: &Path) -> Result<MasterKey> {
    let shown = path.display();
    let text =
        fs::read_to_string(path).with_context(|| format!("the master key file {shown} cannot be read"))?;
    let text = Zeroizing::new(text);
    let mode = fs::metadata(path).map(|found| found.permissions().mode()).unwrap_or_default();
    if mode & 0o007 != 0 {
        bail!("everybody on this machine may read the master key file {shown}: chmod 600 {shown}");
    }
    parse(&text).with_context(|| format!("the master key file {shown}"))
}

/// Reads a key file, or makes one with a new key (mode 0600) where there is none.
///
/// # Errors
/// As [`read_file`]; also where the file cannot be made.
pub fn read_or_create_file(path: &Path, rng: &dyn Rng) -> Result<MasterKey> {
    if path.exists() {
        return read_file(path);
    }
    let key = generate(rng);
    let text = Zeroizing::new(format!("{}\n", *print(&key)));
    match files::create(path, &text, 0o600) {
        Ok(()) => Ok(key),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => read_file(path),
        Err(error) => {
            Err(error).with_context(|| format!("the master key file {} cannot be made", path.display()))
        }
    }
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    BASE64_STANDARD_NO_PAD.decode(text).or_else(|_| BASE64_URL_SAFE_NO_PAD.decode(text)).ok()
}

fn hex(text: &str) -> Option<Vec<u8>> {
    // `from_str_radix` alone would take a sign.
    if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let digits = text.as_bytes().chunks_exact(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::SystemRng;

    #[test]
    fn every_spelling_is_read() {
        let key = generate(&SystemRng::default());
        let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        for text in [
            print(&key).to_string(),
            format!("  {}\n", *print(&key)),
            BASE64_STANDARD_NO_PAD.encode(key.as_ref()),
            BASE64_URL_SAFE_NO_PAD.encode(key.as_ref()),
            hex.to_uppercase(),
            hex,
        ] {
            assert_eq!(parse(&text).unwrap(), key, "{text}");
        }
        for text in ["", "secret", "AAAA", &"z".repeat(64), &"+f".repeat(32), &"ab".repeat(31)] {
            let error = parse(text).unwrap_err().to_string();
            assert!(text.is_empty() || !error.contains(text), "{error}");
        }
    }

    #[test]
    fn a_file_is_made_once_and_kept_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        let rng = SystemRng::default();
        let key = read_or_create_file(&path, &rng).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(read_or_create_file(&path, &rng).unwrap(), key);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(read_file(&path).unwrap_err().to_string().contains("chmod 600"));
        assert!(read_file(&folder.path().join("none")).unwrap_err().to_string().contains("none"));
    }
}
