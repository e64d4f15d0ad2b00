//! Hashes of passwords that come from elsewhere: the formats of the wire's bulk import. They are only ever verified; a right
//! password is hashed anew at once, with Argon2id.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{digest, hmac, pbkdf2};
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use crate::argon::{self, Judgement, Memory};

/// A hash as an import describes it: `custom_password_hash`. Serialized, it is what is stored.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportedHash {
    /// How it was made.
    pub algorithm: Algorithm,
    /// What came out.
    pub hash: HashValue,
    /// What was mixed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Option<Salt>,
    /// How the password was turned into bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<PasswordEncoding>,
    /// Scrypt: bytes of output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keylen: Option<usize>,
    /// Scrypt: N, a power of two; 16384 unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<u64>,
    /// Scrypt: r; 8 unless said.
    #[serde(default, rename = "blockSize", skip_serializing_if = "Option::is_none")]
    pub block_size: Option<u32>,
    /// Scrypt: p; 1 unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallelization: Option<u32>,
}

/// Shows how it was made and no more.
impl std::fmt::Debug for ImportedHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ImportedHash").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// Algorithms of the import.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// A PHC string.
    Argon2,
    /// `$2b$...`.
    Bcrypt,
    /// HMAC with a key.
    Hmac,
    /// RFC 2307: `{SSHA}...`.
    Ldap,
    /// One pass of a digest.
    Md5,
    /// One pass of a digest.
    Sha1,
    /// One pass of a digest.
    Sha256,
    /// One pass of a digest.
    Sha512,
    /// A PHC string: `$pbkdf2-sha256$i=...,l=...$salt$hash`.
    Pbkdf2,
    /// RFC 7914.
    Scrypt,
}

/// The hash itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HashValue {
    /// Text.
    pub value: String,
    /// How the text stands for bytes; `hex` unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// HMAC: of which digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// HMAC: its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Key>,
}

/// The key of an HMAC.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Text.
    pub value: String,
    /// How the text stands for bytes; `utf8` unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
}

/// The salt.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Salt {
    /// Text.
    pub value: String,
    /// How the text stands for bytes; `utf8` unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// Where it stood; before the password unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
}

/// Where the salt stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Position {
    /// Before the password.
    Prefix,
    /// Behind it.
    Suffix,
}

/// How text stands for bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// Base64, padded or not.
    Base64,
    /// Hexadecimal digits.
    Hex,
    /// As it is.
    Utf8,
}

/// How a password was turned into bytes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordEncoding {
    /// `utf8` unless said.
    pub encoding: CharacterEncoding,
}

/// Encodings of passwords.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CharacterEncoding {
    /// As UTF-8 for everything that is ASCII.
    Ascii,
    /// UTF-8.
    Utf8,
    /// UTF-16, little end first.
    Utf16le,
    /// The same.
    Ucs2,
    /// ISO 8859-1.
    Latin1,
    /// The same.
    Binary,
}

/// Why a hash is not taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// Not as its algorithm writes it.
    #[error("the hash is not in the form of its algorithm")]
    Malformed,
    /// Checking one password would take too long.
    #[error("the parameters of the hash ask for too much work")]
    TooCostly,
    /// A digest that is not supported.
    #[error("hash.digest must be sha1, sha224, sha256, sha384 or sha512")]
    Digest,
}

/// The most work one password may ask for: about a second.
const MOST_BCRYPT_COST: u32 = 14;
const MOST_ITERATIONS: u32 = 2_000_000;
/// KiB times passes: what 256 MiB take in eight passes.
const MOST_ARGON_WORK: u64 = 8 * 256 * 1024;
const MOST_SCRYPT_BYTES: u64 = 64 << 20;

impl ImportedHash {
    /// A bcrypt hash, as `password_hash` gives one.
    pub fn bcrypt(text: &str) -> Self {
        let hash =
            HashValue { value: text.to_owned(), encoding: Some(Encoding::Utf8), digest: None, key: None };
        Self {
            algorithm: Algorithm::Bcrypt,
            hash,
            salt: None,
            password: None,
            keylen: None,
            cost: None,
            block_size: None,
            parallelization: None,
        }
    }

    /// What is stored of it.
    ///
    /// # Errors
    /// [`NotTaken`], so that nobody finds out at their next sign-in.
    pub fn stored(&self) -> Result<String, NotTaken> {
        match self.algorithm {
            Algorithm::Argon2 => {
                // Our own form, and judged by the same rules.
                return match argon::work(&self.hash.value) {
                    Some(work) if work <= MOST_ARGON_WORK => Ok(self.hash.value.clone()),
                    Some(_) => Err(NotTaken::TooCostly),
                    None => Err(NotTaken::Malformed),
                };
            }
            Algorithm::Bcrypt => {
                let mut parts = self.hash.value.split('$').skip(1);
                let version = parts.next().ok_or(NotTaken::Malformed)?;
                let cost: u32 = parts.next().and_then(|cost| cost.parse().ok()).ok_or(NotTaken::Malformed)?;
                let rest = parts.next().map_or(0, str::len);
                if !matches!(version, "2a" | "2b" | "2x" | "2y") || rest != 53 || parts.next().is_some() {
                    return Err(NotTaken::Malformed);
                }
                if cost > MOST_BCRYPT_COST {
                    return Err(NotTaken::TooCostly);
                }
            }
            Algorithm::Pbkdf2 => {
                let read = Pbkdf2::read(&self.hash.value).ok_or(NotTaken::Malformed)?;
                if read.iterations.get() > MOST_ITERATIONS {
                    return Err(NotTaken::TooCostly);
                }
            }
            Algorithm::Scrypt => {
                let (cost, size, parallel) = self.scrypt_cost();
                if !cost.is_power_of_two() || cost < 2 || size == 0 || parallel == 0 {
                    return Err(NotTaken::Malformed);
                }
                let bytes = cost.saturating_mul(u64::from(size)).saturating_mul(128);
                if bytes.saturating_mul(u64::from(parallel)) > MOST_SCRYPT_BYTES {
                    return Err(NotTaken::TooCostly);
                }
                let expected = self.expected().ok_or(NotTaken::Malformed)?;
                if self.keylen != Some(expected.len()) || expected.len() < 8 || expected.len() > 256 {
                    return Err(NotTaken::Malformed);
                }
            }
            Algorithm::Hmac => {
                let digest = self.hash.digest.as_deref().and_then(hmac_of).ok_or(NotTaken::Digest)?;
                let length = digest.digest_algorithm().output_len();
                self.key().ok_or(NotTaken::Malformed)?;
                self.is_long(length)?;
            }
            Algorithm::Ldap => {
                Ldap::read(&self.hash.value).ok_or(NotTaken::Malformed)?;
            }
            Algorithm::Md5 => self.is_long(16)?,
            Algorithm::Sha1 => self.is_long(20)?,
            Algorithm::Sha256 => self.is_long(32)?,
            Algorithm::Sha512 => self.is_long(64)?,
        }
        self.salt_bytes().ok_or(NotTaken::Malformed)?;
        serde_json::to_string(self).map_err(|_| NotTaken::Malformed)
    }

    fn is_long(&self, length: usize) -> Result<(), NotTaken> {
        match self.expected() {
            Some(expected) if expected.len() == length => Ok(()),
            _ => Err(NotTaken::Malformed),
        }
    }

    fn expected(&self) -> Option<Vec<u8>> {
        decoded(&self.hash.value, self.hash.encoding.unwrap_or(Encoding::Hex))
    }

    fn key(&self) -> Option<Vec<u8>> {
        let key = self.hash.key.as_ref()?;
        decoded(&key.value, key.encoding.unwrap_or(Encoding::Utf8))
    }

    fn salt_bytes(&self) -> Option<Vec<u8>> {
        match &self.salt {
            None => Some(Vec::new()),
            Some(salt) => decoded(&salt.value, salt.encoding.unwrap_or(Encoding::Utf8)),
        }
    }

    fn scrypt_cost(&self) -> (u64, u32, u32) {
        (self.cost.unwrap_or(16_384), self.block_size.unwrap_or(8), self.parallelization.unwrap_or(1))
    }

    /// The password as it was hashed there; `None` where it cannot be written so, and so is not the one.
    fn bytes(&self, password: &str) -> Option<Vec<u8>> {
        let encoding = self.password.as_ref().map_or(CharacterEncoding::Utf8, |password| password.encoding);
        match encoding {
            CharacterEncoding::Utf8 => Some(password.as_bytes().to_vec()),
            CharacterEncoding::Ascii => password.is_ascii().then(|| password.as_bytes().to_vec()),
            CharacterEncoding::Utf16le | CharacterEncoding::Ucs2 => {
                Some(password.encode_utf16().flat_map(u16::to_le_bytes).collect())
            }
            CharacterEncoding::Latin1 | CharacterEncoding::Binary => {
                password.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect()
            }
        }
    }

    fn salted(&self, password: &[u8]) -> Option<Vec<u8>> {
        let salt = self.salt_bytes()?;
        let is_suffix = self.salt.as_ref().and_then(|salt| salt.position) == Some(Position::Suffix);
        Some(if is_suffix { [password, &salt].concat() } else { [&salt, password].concat() })
    }

    fn is_right(&self, password: &str) -> Option<bool> {
        let bytes = self.bytes(password)?;
        let same = |expected: &[u8], found: &[u8]| verify_slices_are_equal(expected, found).is_ok();
        Some(match self.algorithm {
            Algorithm::Argon2 => return None,
            Algorithm::Bcrypt => bcrypt::verify(&bytes, &self.hash.value).ok()?,
            Algorithm::Pbkdf2 => Pbkdf2::read(&self.hash.value)?.is_right(&bytes),
            Algorithm::Ldap => Ldap::read(&self.hash.value)?.is_right(&bytes),
            Algorithm::Scrypt => {
                let (cost, size, parallel) = self.scrypt_cost();
                let params = scrypt::Params::new(u8::try_from(cost.ilog2()).ok()?, size, parallel).ok()?;
                let expected = self.expected()?;
                let mut found = vec![0; expected.len()];
                scrypt::scrypt(&bytes, &self.salt_bytes()?, &params, &mut found).ok()?;
                same(&expected, &found)
            }
            Algorithm::Hmac => {
                let key = hmac::Key::new(hmac_of(self.hash.digest.as_deref()?)?, &self.key()?);
                same(&self.expected()?, hmac::sign(&key, &self.salted(&bytes)?).as_ref())
            }
            Algorithm::Md5 => same(&self.expected()?, &Md5::digest(self.salted(&bytes)?)),
            Algorithm::Sha1 => same(
                &self.expected()?,
                digested(&digest::SHA1_FOR_LEGACY_USE_ONLY, &self.salted(&bytes)?).as_ref(),
            ),
            Algorithm::Sha256 => {
                same(&self.expected()?, digested(&digest::SHA256, &self.salted(&bytes)?).as_ref())
            }
            Algorithm::Sha512 => {
                same(&self.expected()?, digested(&digest::SHA512, &self.salted(&bytes)?).as_ref())
            }
        })
    }
}

/// Whether a stored hash is one of these.
pub(crate) fn is_imported(stored: &str) -> bool {
    stored.starts_with('{')
}

/// Verifies, with at least the work of a hash of our own, so that a user whose hash came from elsewhere is no faster told
/// from one who does not exist (security case 14).
pub(crate) fn verify(stored: &str, password: &[u8], memory: &mut Memory) -> Judgement {
    argon::idle_work(memory);
    let Ok(hash) = serde_json::from_str::<ImportedHash>(stored) else { return Judgement::Unreadable };
    let Ok(password) = std::str::from_utf8(password) else { return Judgement::Wrong };
    match hash.is_right(password) {
        Some(true) => Judgement::Right { current: false },
        _ => Judgement::Wrong,
    }
}

fn digested(algorithm: &'static digest::Algorithm, bytes: &[u8]) -> digest::Digest {
    digest::digest(algorithm, bytes)
}

fn hmac_of(digest: &str) -> Option<hmac::Algorithm> {
    Some(match digest {
        "sha1" => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        "sha224" => hmac::HMAC_SHA224,
        "sha256" => hmac::HMAC_SHA256,
        "sha384" => hmac::HMAC_SHA384,
        "sha512" => hmac::HMAC_SHA512,
        _ => return None,
    })
}

/// Standard alphabet; padding may be missing.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

fn decoded(text: &str, encoding: Encoding) -> Option<Vec<u8>> {
    match encoding {
        Encoding::Utf8 => Some(text.as_bytes().to_vec()),
        Encoding::Base64 => BASE64.decode(text).ok(),
        Encoding::Hex => {
            let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            let pairs = text.as_bytes().chunks(2);
            pairs.map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?)).collect()
        }
    }
}

/// `$pbkdf2-sha256$i=100000,l=32$salt$hash`.
struct Pbkdf2 {
    algorithm: pbkdf2::Algorithm,
    iterations: std::num::NonZeroU32,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl Pbkdf2 {
    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split('$').skip(1);
        let algorithm = match parts.next()? {
            "pbkdf2" | "pbkdf2-sha1" => pbkdf2::PBKDF2_HMAC_SHA1,
            "pbkdf2-sha256" => pbkdf2::PBKDF2_HMAC_SHA256,
            "pbkdf2-sha384" => pbkdf2::PBKDF2_HMAC_SHA384,
            "pbkdf2-sha512" => pbkdf2::PBKDF2_HMAC_SHA512,
            _ => return None,
        };
        let mut iterations = None;
        for parameter in parts.next()?.split(',') {
            match parameter.split_once('=')? {
                ("i", number) => iterations = number.parse().ok(),
                ("l", _) => {}
                _ => return None,
            }
        }
        let (salt, hash) = (BASE64.decode(parts.next()?).ok()?, BASE64.decode(parts.next()?).ok()?);
        let sound = parts.next().is_none() && (8..=256).contains(&hash.len());
        sound.then_some(Self { algorithm, iterations: iterations?, salt, hash })
    }

    fn is_right(&self, password: &[u8]) -> bool {
        pbkdf2::verify(self.algorithm, self.iterations, &self.salt, password, &self.hash).is_ok()
    }
}

/// RFC 2307: `{SHA}`, `{SSHA}`, `{SHA256}`, `{SSHA512}`, `{MD5}`, `{SMD5}` and so on, then base64 of digest and salt.
struct Ldap {
    algorithm: Option<&'static digest::Algorithm>,
    digest: Vec<u8>,
    salt: Vec<u8>,
}

impl Ldap {
    fn read(text: &str) -> Option<Self> {
        let (scheme, value) = text.strip_prefix('{')?.split_once('}')?;
        let scheme = scheme.to_ascii_uppercase();
        let (algorithm, length): (Option<&'static digest::Algorithm>, usize) = match scheme.as_str() {
            "MD5" | "SMD5" => (None, 16),
            "SHA" | "SSHA" => (Some(&digest::SHA1_FOR_LEGACY_USE_ONLY), 20),
            "SHA256" | "SSHA256" => (Some(&digest::SHA256), 32),
            "SHA384" | "SSHA384" => (Some(&digest::SHA384), 48),
            "SHA512" | "SSHA512" => (Some(&digest::SHA512), 64),
            _ => return None,
        };
        let bytes = BASE64.decode(value).ok()?;
        let (digest, salt) = bytes.split_at_checked(length)?;
        let is_salted = scheme.starts_with("SS") || scheme == "SMD5";
        (is_salted || salt.is_empty()).then(|| Self {
            algorithm,
            digest: digest.to_vec(),
            salt: salt.to_vec(),
        })
    }

    fn is_right(&self, password: &[u8]) -> bool {
        let salted = [password, &self.salt].concat();
        let found = match self.algorithm {
            Some(algorithm) => digested(algorithm, &salted).as_ref().to_vec(),
            None => Md5::digest(&salted).to_vec(),
        };
        verify_slices_are_equal(&self.digest, &found).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn judged(hash: &Value, password: &str) -> Judgement {
        let hash: ImportedHash = serde_json::from_value(hash.clone()).unwrap();
        let stored = hash.stored().unwrap();
        verify(&stored, password.as_bytes(), &mut Memory::default())
    }

    /// Made with other programs: openssl and Python's hashlib.
    #[test]
    fn hashes_of_other_programs() {
        let right = Judgement::Right { current: false };
        for hash in [
            json!({"algorithm": "md5", "hash": {"value": "5f4dcc3b5aa765d61d8327deb882cf99", "encoding": "hex"}}),
            json!({"algorithm": "sha1", "hash": {"value": "5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8"}}),
            json!({"algorithm": "sha256", "hash": {"value": "XohImNooBHFR0OVvjcYpJ3NgPQ1qq73WKhHvch0VQtg=", "encoding": "base64"}}),
            json!({"algorithm": "ldap", "hash": {"value": "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "encoding": "utf8"}}),
        ] {
            assert_eq!(judged(&hash, "password"), right, "{hash}");
            assert_eq!(judged(&hash, "Password"), Judgement::Wrong, "{hash}");
        }
    }

    /// RFC 6070, RFC 7914, RFC 4231.
    #[test]
    fn vectors_of_the_standards() {
        let right = Judgement::Right { current: false };
        let pbkdf2 = json!({"algorithm": "pbkdf2", "hash": {"value": "$pbkdf2-sha1$i=4096,l=20$c2FsdA$SwB5AbdlSJq+rUnZJvch0GWkKcE", "encoding": "utf8"}});
        assert_eq!(judged(&pbkdf2, "password"), right);
        assert_eq!(judged(&pbkdf2, "passwort"), Judgement::Wrong);
        let scrypt = json!({"algorithm": "scrypt", "keylen": 64, "cost": 1024, "blockSize": 8, "parallelization": 16,
            "salt": {"value": "NaCl"},
            "hash": {"value": "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"}});
        assert_eq!(judged(&scrypt, "password"), right);
        assert_eq!(judged(&scrypt, "p"), Judgement::Wrong);
        let hmac = json!({"algorithm": "hmac", "hash": {"digest": "sha256", "key": {"value": "Jefe"},
            "value": "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"}});
        assert_eq!(judged(&hmac, "what do ya want for nothing?"), right);
        assert_eq!(judged(&hmac, "nothing"), Judgement::Wrong);
    }

    #[test]
    fn bcrypt_and_salts() {
        let right = Judgement::Right { current: false };
        let text = bcrypt::hash("Correct-Horse-7", 4).unwrap();
        let bcrypt = serde_json::to_value(ImportedHash::bcrypt(&text)).unwrap();
        assert_eq!(judged(&bcrypt, "Correct-Horse-7"), right);
        assert_eq!(judged(&bcrypt, "correct-horse-7"), Judgement::Wrong);
        let digest = |text: &str| {
            let digest = digested(&digest::SHA512, text.as_bytes());
            digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        for (position, salted) in [("prefix", "saltpassword"), ("suffix", "passwordsalt")] {
            let hash = json!({"algorithm": "sha512", "hash": {"value": digest(salted)}, "salt": {"value": "salt", "position": position}});
            assert_eq!(judged(&hash, "password"), right);
        }
    }

    #[test]
    fn what_would_take_the_machine_down_is_not_taken() {
        let refused =
            |hash: Value| serde_json::from_value::<ImportedHash>(hash).unwrap().stored().unwrap_err();
        let text = |algorithm: &str, value: &str| json!({"algorithm": algorithm, "hash": {"value": value, "encoding": "utf8"}});
        let bcrypt = format!("$2b$31${}", "a".repeat(53));
        assert_eq!(refused(text("bcrypt", &bcrypt)), NotTaken::TooCostly);
        assert_eq!(refused(text("bcrypt", "$2b$10$short")), NotTaken::Malformed);
        let pbkdf2 = "$pbkdf2-sha256$i=4000000000,l=20$c2FsdA$SwB5AbdlSJq+rUnZJvch0GWkKcE";
        assert_eq!(refused(text("pbkdf2", pbkdf2)), NotTaken::TooCostly);
        let argon2 =
            |costs: &str| text("argon2", &format!("$argon2id$v=19${costs}$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo"));
        assert_eq!(refused(argon2("m=262144,t=64,p=1")), NotTaken::TooCostly);
        assert_eq!(refused(argon2("m=65536,t=33,p=4")), NotTaken::TooCostly);
        assert!(serde_json::from_value::<ImportedHash>(argon2("m=262144,t=8,p=1")).unwrap().stored().is_ok());
        assert_eq!(
            refused(text("argon2", "$argon2id$v=19$m=4294967295,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2g")),
            NotTaken::Malformed
        );
        assert_eq!(refused(text("ldap", "{CRYPT}x")), NotTaken::Malformed);
        assert_eq!(refused(json!({"algorithm": "md5", "hash": {"value": "abc"}})), NotTaken::Malformed);
        let scrypt = json!({"algorithm": "scrypt", "keylen": 8, "cost": 1_u64 << 40, "hash": {"value": "0011223344556677"}});
        assert_eq!(refused(scrypt), NotTaken::TooCostly);
        let hmac = json!({"algorithm": "hmac", "hash": {"value": "00", "digest": "whirlpool", "key": {"value": "k"}}});
        assert_eq!(refused(hmac), NotTaken::Digest);
    }
}
