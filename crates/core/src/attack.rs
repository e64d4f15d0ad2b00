//! Attack protection: what a tenant's settings mean, and when a try is one too many. Pure: what was counted comes in, what is
//! to be counted goes out.

use std::net::IpAddr;

use serde::{Deserialize, Deserializer};

use crate::network::Network;

/// Seconds after which wrong passwords that were too few for a block are forgotten.
const FORGOTTEN_AFTER: i64 = 86_400;
/// Seconds after the last wrong password for which a block lasts, where nobody lifts it.
const BLOCK: i64 = 30 * 86_400;

/// What the tenant's settings say, each with what a new tenant has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttackProtection {
    /// Against guessing one account's password.
    pub brute_force: BruteForce,
    /// Against one address with many accounts.
    pub throttling: Throttling,
    /// Against passwords that are known to the world.
    pub breached: BreachedPasswords,
}

/// What is done about an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shield {
    /// It is refused.
    Block,
    /// The user is told by mail.
    UserNotification,
    /// Administrators are told: by the tenant's log.
    AdminNotification,
    /// One of a newer release.
    #[serde(other)]
    Unknown,
}

/// Where wrong passwords are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CountMode {
    /// For each name and address.
    #[default]
    CountPerIdentifierAndIp,
    /// For each name, wherever from.
    CountPerIdentifier,
}

/// `/attack-protection/brute-force-protection`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct BruteForce {
    /// On.
    pub enabled: bool,
    /// What is done.
    pub shields: Vec<Shield>,
    /// Where they are counted.
    pub mode: CountMode,
    /// From here nothing is counted.
    #[serde(deserialize_with = "networks")]
    pub allowlist: Vec<Network>,
    /// So many wrong passwords, and the name is blocked.
    pub max_attempts: i64,
}

/// `/attack-protection/suspicious-ip-throttling`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Throttling {
    /// On.
    pub enabled: bool,
    /// What is done.
    pub shields: Vec<Shield>,
    /// From here nothing is counted.
    #[serde(deserialize_with = "networks")]
    pub allowlist: Vec<Network>,
    /// How much is too much.
    pub stage: Stages,
}

/// [`Throttling::stage`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Stages {
    /// Wrong passwords.
    #[serde(rename = "pre-login")]
    pub login: Bucket,
    /// Sign-ups.
    #[serde(rename = "pre-user-registration")]
    pub sign_up: Bucket,
}

/// So many at once, then one more every so often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Bucket {
    /// How many at once.
    pub max_attempts: i64,
    /// Milliseconds until there is room for one more.
    pub rate: i64,
}

/// `/attack-protection/breached-password-detection`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct BreachedPasswords {
    /// On.
    pub enabled: bool,
    /// At sign-in.
    pub shields: Vec<Shield>,
    /// Elsewhere.
    pub stage: BreachStages,
}

/// [`BreachedPasswords::stage`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct BreachStages {
    /// Where an account is made.
    #[serde(rename = "pre-user-registration")]
    pub sign_up: ShieldsOnly,
    /// Where a new password is chosen.
    #[serde(rename = "pre-change-password")]
    pub reset: ShieldsOnly,
}

/// A stage with shields of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ShieldsOnly {
    /// What is done.
    pub shields: Vec<Shield>,
}

/// What is stored of tries: a number, and when it is forgotten (seconds).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Of names, how many; of buckets, when they are full again, in milliseconds.
    pub amount: i64,
    /// Seconds.
    pub ends_at: i64,
}

/// A try that is one too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany {
    /// Seconds until the next one is heard, at least 1.
    pub retry_after: i64,
}

/// A try that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// What is stored from now on.
    pub next: Tried,
    /// It was the last for now: worth a word.
    pub is_last: bool,
}

impl AttackProtection {
    /// The same with what one document says; `None` where it is gone. Documents of other parts change nothing.
    ///
    /// # Errors
    /// Where the document cannot be read.
    pub fn with(mut self, id: &str, json: Option<&str>) -> serde_json::Result<Self> {
        fn read<T: Default + serde::de::DeserializeOwned>(json: Option<&str>) -> serde_json::Result<T> {
            json.map_or_else(|| Ok(T::default()), serde_json::from_str)
        }
        match id {
            "brute-force-protection" => self.brute_force = read(json)?,
            "suspicious-ip-throttling" => self.throttling = read(json)?,
            "breached-password-detection" => self.breached = read(json)?,
            _ => {}
        }
        Ok(self)
    }
}

impl BruteForce {
    /// Whether wrong passwords from this address are counted.
    pub fn counts(&self, ip: IpAddr) -> bool {
        self.enabled && !within(&self.allowlist, ip)
    }

    /// Whether names are blocked at all.
    pub fn blocks(&self) -> bool {
        self.enabled && self.shields.contains(&Shield::Block)
    }

    /// Whether a password may be tried after what was counted. `now` is in seconds.
    ///
    /// # Errors
    /// [`TooMany`].
    pub fn admits(&self, tried: Option<Tried>, now: i64) -> Result<(), TooMany> {
        match live(tried, now) {
            Some(tried) if self.blocks() && tried.amount >= self.max_attempts => {
                Err(TooMany { retry_after: tried.ends_at - now })
            }
            _ => Ok(()),
        }
    }

    /// Counts a wrong password.
    ///
    /// # Errors
    /// [`TooMany`] where it was not to be tried any more.
    pub fn after_failure(&self, tried: Option<Tried>, now: i64) -> Result<Counted, TooMany> {
        self.admits(tried, now)?;
        let amount = live(tried, now).map_or(0, |tried| tried.amount).saturating_add(1);
        let lasts = if amount >= self.max_attempts { BLOCK } else { FORGOTTEN_AFTER };
        let next = Tried { amount, ends_at: now.saturating_add(lasts) };
        Ok(Counted { next, is_last: amount == self.max_attempts })
    }
}

impl Throttling {
    /// Whether what this address does is counted.
    pub fn counts(&self, ip: IpAddr) -> bool {
        self.enabled && !within(&self.allowlist, ip)
    }

    /// Whether addresses are blocked at all.
    pub fn blocks(&self) -> bool {
        self.enabled && self.shields.contains(&Shield::Block)
    }
}

impl Bucket {
    /// Whether there is room for one more. `now_ms` is in milliseconds.
    ///
    /// # Errors
    /// [`TooMany`].
    pub fn admits(self, tried: Option<Tried>, now_ms: i64) -> Result<(), TooMany> {
        self.take(tried, now_ms).map(drop)
    }

    /// Takes one.
    ///
    /// # Errors
    /// [`TooMany`] where it is empty.
    pub fn take(self, tried: Option<Tried>, now_ms: i64) -> Result<Counted, TooMany> {
        let room = self.rate.saturating_mul(self.max_attempts);
        let full_at = tried.map_or(now_ms, |tried| tried.amount.max(now_ms));
        // A bucket that was made smaller is empty for no longer than it takes to fill.
        let full_at = full_at.min(now_ms.saturating_add(room)).saturating_add(self.rate);
        let over = full_at.saturating_sub(now_ms).saturating_sub(room);
        if over > 0 {
            return Err(TooMany { retry_after: over.saturating_add(999).div_euclid(1000).max(1) });
        }
        let next = Tried { amount: full_at, ends_at: full_at.saturating_add(999).div_euclid(1000) };
        Ok(Counted { next, is_last: over.saturating_add(self.rate) > 0 })
    }
}

impl BreachedPasswords {
    /// Whether passwords that are known to the world are looked for at sign-in.
    pub fn watches_sign_in(&self) -> bool {
        self.enabled && !self.shields.is_empty()
    }

    /// The shields of sign-up, where it is watched.
    pub fn at_sign_up(&self) -> Option<&[Shield]> {
        Some(&*self.stage.sign_up.shields).filter(|shields| self.enabled && !shields.is_empty())
    }

    /// The shields of new passwords, where they are watched.
    pub fn at_reset(&self) -> Option<&[Shield]> {
        Some(&*self.stage.reset.shields).filter(|shields| self.enabled && !shields.is_empty())
    }
}

impl Default for BruteForce {
    fn default() -> Self {
        Self {
            enabled: true,
            shields: vec![Shield::Block, Shield::UserNotification],
            mode: CountMode::default(),
            allowlist: Vec::new(),
            max_attempts: 10,
        }
    }
}

impl Default for Throttling {
    fn default() -> Self {
        Self {
            enabled: true,
            shields: vec![Shield::AdminNotification, Shield::Block],
            allowlist: Vec::new(),
            stage: Stages::default(),
        }
    }
}

impl Default for Stages {
    fn default() -> Self {
        Self {
            login: Bucket { max_attempts: 100, rate: 864_000 },
            sign_up: Bucket { max_attempts: 50, rate: 1200 },
        }
    }
}

/// What has ended was never counted.
fn live(tried: Option<Tried>, now: i64) -> Option<Tried> {
    tried.filter(|tried| tried.ends_at > now)
}

fn within(networks: &[Network], ip: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(ip))
}

/// They were checked when they were written; what cannot be read lets nobody through.
fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Network>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    Ok(texts.iter().filter_map(|text| text.parse().ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_and_then_blocked() {
        let settings = BruteForce::default();
        let mut tried = None;
        for n in 1..=10 {
            let counted = settings.after_failure(tried, 1000).unwrap();
            assert_eq!((counted.next.amount, counted.is_last), (n, n == 10));
            tried = Some(counted.next);
        }
        assert_eq!(settings.admits(tried, 1000), Err(TooMany { retry_after: BLOCK }));
        assert!(settings.after_failure(tried, 1000 + BLOCK - 1).is_err());
        assert_eq!(settings.after_failure(tried, 1000 + BLOCK).unwrap().next.amount, 1, "over");
        let patient = BruteForce { max_attempts: 11, ..settings.clone() };
        assert!(patient.admits(tried, 1000).is_ok(), "a higher limit lifts the block");
        let few = Some(Tried { amount: 9, ends_at: 1000 });
        assert_eq!(settings.after_failure(few, 1000).unwrap().next.amount, 1, "forgotten");
    }

    #[test]
    fn without_the_shield_it_is_only_counted() {
        let settings =
            BruteForce { shields: vec![Shield::UserNotification], max_attempts: 2, ..BruteForce::default() };
        let mut tried = None;
        let lasts: Vec<bool> = (0..4)
            .map(|_| {
                let counted = settings.after_failure(tried, 5).unwrap();
                tried = Some(counted.next);
                counted.is_last
            })
            .collect();
        assert_eq!(lasts, [false, true, false, false], "told once");
        assert!(!BruteForce { enabled: false, ..settings }.counts([192, 0, 2, 1].into()));
    }

    #[test]
    fn a_bucket_empties_and_fills() {
        let bucket = Bucket { max_attempts: 3, rate: 2000 };
        let mut tried = None;
        for n in 1..=3 {
            let counted = bucket.take(tried, 10_000).unwrap();
            assert_eq!(counted.is_last, n == 3, "{n}");
            tried = Some(counted.next);
        }
        assert_eq!(bucket.take(tried, 10_000), Err(TooMany { retry_after: 2 }));
        assert_eq!(bucket.admits(tried, 11_500), Err(TooMany { retry_after: 1 }));
        assert!(bucket.admits(tried, 12_000).is_ok());
        assert_eq!(bucket.take(tried, 12_000).unwrap().next.ends_at, 18);
        let smaller = Bucket { max_attempts: 1, rate: 2000 };
        let stored = Some(Tried { amount: 1_000_000, ends_at: 1000 });
        assert_eq!(
            smaller.admits(stored, 14_000),
            Err(TooMany { retry_after: 2 }),
            "no longer than it takes to fill"
        );
        let endless = Bucket { max_attempts: i64::MAX, rate: i64::MAX };
        assert!(endless.take(tried, i64::MAX).is_ok(), "no overflow");
    }

    #[test]
    fn documents_change_their_part() {
        let all = AttackProtection::default();
        let json = r#"{"enabled":true,"shields":["block","captcha"],"mode":"count_per_identifier","max_attempts":3,
                       "allowlist":["192.0.2.0/24","no address"]}"#;
        let changed = all.clone().with("brute-force-protection", Some(json)).unwrap();
        assert_eq!(changed.brute_force.mode, CountMode::CountPerIdentifier);
        assert!(!changed.brute_force.counts([192, 0, 2, 9].into()));
        assert!(changed.brute_force.counts([198, 51, 100, 9].into()));
        assert!(!changed.brute_force.counts("::ffff:192.0.2.9".parse().unwrap()));
        assert_eq!(changed.throttling, all.throttling);
        assert_eq!(changed.clone().with("captcha", Some("{}")).unwrap(), changed);
        assert_eq!(changed.with("brute-force-protection", None).unwrap(), all);
        assert!(all.with("suspicious-ip-throttling", Some("[")).is_err());
    }
}
