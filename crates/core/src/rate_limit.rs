//! Limits of what a tenant, a user or an address may ask altogether (fact sheet 13.2): token buckets, as arithmetic.

use std::num::NonZeroU32;

/// A token bucket: so many at once, then one more each interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// How many at once.
    pub burst: u32,
    /// Microseconds until there is room for one more.
    pub interval: i64,
}

/// What is left after one was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// When the bucket is full again, in microseconds: what has to be remembered of it. Unchanged by a refusal.
    pub full_at: i64,
    /// How many more are there at once; `None` where this was one too many.
    pub remaining: Option<u32>,
    /// Microseconds until there is room for one more.
    pub wait: i64,
}

impl Left {
    /// Whether four fifths of a limit of so many are used, or more.
    pub fn is_nearly_spent(&self, burst: u32) -> bool {
        let remaining = u64::from(self.remaining.unwrap_or(0));
        remaining.saturating_mul(5) <= u64::from(burst)
    }
}

impl Limit {
    /// So many at once, and so many more in each time of so many seconds.
    pub fn of(burst: u32, count: NonZeroU32, seconds: u32) -> Self {
        let micros = i64::from(seconds).saturating_mul(1_000_000);
        Self { burst, interval: (micros / i64::from(count.get())).max(1) }
    }

    const fn per_second(burst: u32, count: i64) -> Self {
        Self { burst, interval: 1_000_000 / count }
    }

    const fn per_minute(burst: u32, count: i64) -> Self {
        Self { burst, interval: 60_000_000 / count }
    }

    /// Takes one from a bucket that is full at `full_at`. Times are in microseconds. A clock that was set back makes nobody
    /// wait for longer than an empty bucket does.
    pub fn take(self, full_at: Option<i64>, now: i64) -> Left {
        let room = self.interval.saturating_mul(i64::from(self.burst));
        let before = full_at.unwrap_or(now).clamp(now, now.saturating_add(room));
        let owed = before.saturating_sub(now).saturating_add(self.interval);
        if owed > room {
            return Left { full_at: before, remaining: None, wait: owed.saturating_sub(room) };
        }
        let remaining = room.saturating_sub(owed).checked_div(self.interval).unwrap_or(0);
        let partial = owed.checked_rem(self.interval).unwrap_or(0);
        Left {
            full_at: now.saturating_add(owed),
            remaining: Some(u32::try_from(remaining).unwrap_or(u32::MAX)),
            wait: if partial == 0 { self.interval } else { partial },
        }
    }
}

/// A column of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// No limit of this file.
    #[default]
    None,
    /// As a free tenant.
    Free,
    /// As a tenant of a small plan.
    Essentials,
    /// As a tenant in production of a large plan.
    Enterprise,
}

/// Which limits there are: a column, and what is said of single rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    profile: Profile,
    rows: Vec<(Limited, Option<Limit>)>,
}

impl From<Profile> for Limits {
    fn from(profile: Profile) -> Self {
        Self { profile, rows: Vec::new() }
    }
}

impl Limits {
    /// The same with another limit in this row, or without one.
    #[must_use]
    pub fn with(mut self, what: Limited, limit: Option<Limit>) -> Self {
        self.rows.retain(|(row, _)| *row != what);
        self.rows.push((what, limit));
        self
    }

    /// The limit of this row, where it has one.
    pub fn limit(&self, what: Limited) -> Option<Limit> {
        let own = self.rows.iter().find(|(row, _)| *row == what);
        own.map_or_else(|| self.profile.limit(what), |(_, limit)| *limit)
    }

    /// Whether no row has one.
    pub fn are_none(&self) -> bool {
        Limited::NAMED.iter().all(|(_, row)| self.limit(*row).is_none())
    }
}

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limited {
    /// The Authentication API of a tenant.
    Authentication,
    /// `/oauth/token` of a tenant.
    Token,
    /// `/oidc/register` of a tenant.
    Registration,
    /// The key set of a tenant.
    KeySet,
    /// Pages where people sign in, by address.
    Pages,
    /// The Management API of a tenant.
    Management,
    /// `/userinfo` of a user.
    UserInfo,
    /// Sign-ins of a name from an address.
    SignIn,
    /// Exchanges by a profile, of a tenant.
    ProfileExchange,
    /// Exchanges on behalf of users, of a tenant.
    OnBehalfOf,
    /// Assertions of other servers, of a tenant.
    Assertion,
    /// Mailed codes for a second factor, of one sign-in.
    MailedFactor,
}

impl Limited {
    /// Every row with the name that operators know it by.
    pub const NAMED: [(&'static str, Self); 12] = [
        ("authentication_api", Self::Authentication),
        ("token", Self::Token),
        ("registration", Self::Registration),
        ("key_set", Self::KeySet),
        ("login_pages", Self::Pages),
        ("management_api", Self::Management),
        ("userinfo", Self::UserInfo),
        ("sign_in", Self::SignIn),
        ("profile_exchange", Self::ProfileExchange),
        ("on_behalf_of", Self::OnBehalfOf),
        ("assertion", Self::Assertion),
        ("mailed_factor", Self::MailedFactor),
    ];

    /// The row of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMED.iter().find(|(known, _)| *known == name).map(|(_, row)| *row)
    }
}

impl Profile {
    /// The limit of this row, where it has one.
    pub const fn limit(self, what: Limited) -> Option<Limit> {
        match (self, what) {
            (Self::None, _) => None,
            (Self::Free, Limited::Authentication) => Some(Limit::per_minute(300, 300)),
            (Self::Essentials, Limited::Authentication) => Some(Limit::per_second(25, 25)),
            (Self::Enterprise, Limited::Authentication) => Some(Limit::per_second(100, 100)),
            (Self::Free, Limited::Management) => Some(Limit::per_second(2, 2)),
            (Self::Essentials, Limited::Management) => Some(Limit::per_minute(10, 150)),
            (Self::Enterprise, Limited::Management) => Some(Limit::per_second(50, 16)),
            (Self::Free, Limited::Token) => Some(Limit::per_second(30, 30)),
            (Self::Free, Limited::KeySet) => Some(Limit::per_second(20, 20)),
            (Self::Free, Limited::OnBehalfOf) => Some(Limit::per_second(2, 2)),
            (Self::Free, Limited::Assertion) => Some(Limit::per_second(5, 5)),
            (Self::Free, Limited::ProfileExchange | Limited::MailedFactor)
            | (_, Limited::Token | Limited::KeySet) => None,
            (Self::Essentials, Limited::ProfileExchange) => Some(Limit::per_second(4, 4)),
            (Self::Essentials, Limited::OnBehalfOf) => Some(Limit::per_second(8, 8)),
            (Self::Essentials, Limited::Assertion) => Some(Limit::per_second(25, 25)),
            (Self::Enterprise, Limited::ProfileExchange) => Some(Limit::per_second(15, 15)),
            (Self::Enterprise, Limited::OnBehalfOf) => Some(Limit::per_second(30, 30)),
            (Self::Enterprise, Limited::Assertion) => Some(Limit::per_second(50, 50)),
            (_, Limited::MailedFactor) => Some(Limit::per_minute(12, 12)),
            (_, Limited::SignIn) => Some(Limit::per_minute(20, 10)),
            (_, Limited::Registration) => Some(Limit::per_second(5, 5)),
            (_, Limited::UserInfo) => Some(Limit::per_minute(10, 5)),
            (_, Limited::Pages) => Some(Limit::per_minute(500, 500)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_burst_and_then_one_at_a_time() {
        let limit = Limit::per_second(2, 4);
        let one = limit.take(None, 0);
        assert_eq!((one.remaining, one.wait), (Some(1), 250_000));
        let two = limit.take(Some(one.full_at), 100_000);
        assert_eq!((two.remaining, two.wait), (Some(0), 150_000));
        let three = limit.take(Some(two.full_at), 100_000);
        assert_eq!((three.remaining, three.wait, three.full_at), (None, 150_000, two.full_at));
        assert_eq!(limit.take(Some(three.full_at), 250_000).remaining, Some(0), "refusals take nothing");
    }

    #[test]
    fn four_fifths_are_nearly_all() {
        let limit = Limit::per_second(5, 1);
        let (mut full_at, mut nearly) = (None, Vec::new());
        for _ in 0..5 {
            let left = limit.take(full_at, 0);
            full_at = Some(left.full_at);
            nearly.push(left.is_nearly_spent(limit.burst));
        }
        assert_eq!(nearly, [false, false, false, true, true]);
    }

    #[test]
    fn single_rows() {
        let own = Limit::per_second(7, 1);
        let limits = Limits::from(Profile::Free).with(Limited::Token, Some(own)).with(Limited::KeySet, None);
        assert_eq!(limits.limit(Limited::Token), Some(own));
        assert_eq!(limits.limit(Limited::KeySet), None);
        assert_eq!(limits.limit(Limited::UserInfo), Profile::Free.limit(Limited::UserInfo));
        assert!(!limits.are_none() && Limits::default().are_none());
        assert!(!Limits::default().with(Limited::Assertion, Some(own)).are_none(), "one row is enough");
        assert!(Limits::default().with(Limited::Token, Some(own)).with(Limited::Token, None).are_none());
        for (name, row) in Limited::NAMED {
            assert_eq!(Limited::named(name), Some(row));
        }
        assert_eq!(Limited::named("tokens"), None);
    }

    #[test]
    fn a_clock_that_was_set_back_harms_nobody_for_long() {
        let limit = Limit::per_second(2, 4);
        let empty = limit.take(Some(i64::MAX), 0);
        assert_eq!((empty.remaining, empty.wait), (None, 250_000));
    }

    #[test]
    fn the_columns_of_the_table() {
        let of = |profile: Profile| {
            [Limited::Authentication, Limited::Management, Limited::Token, Limited::KeySet]
                .map(|row| profile.limit(row).map(|limit| (limit.burst, limit.interval)))
        };
        assert_eq!(of(Profile::None), [None; 4]);
        assert_eq!(
            of(Profile::Free),
            [Some((300, 200_000)), Some((2, 500_000)), Some((30, 33_333)), Some((20, 50_000))]
        );
        assert_eq!(of(Profile::Essentials), [Some((25, 40_000)), Some((10, 400_000)), None, None]);
        assert_eq!(of(Profile::Enterprise), [Some((100, 10_000)), Some((50, 62_500)), None, None]);
        let exchanges = |profile: Profile| {
            [Limited::ProfileExchange, Limited::OnBehalfOf, Limited::Assertion, Limited::MailedFactor]
                .map(|row| profile.limit(row).map_or(0, |limit| limit.burst))
        };
        assert_eq!(exchanges(Profile::None), [0; 4]);
        assert_eq!(exchanges(Profile::Free), [0, 2, 5, 0]);
        assert_eq!(exchanges(Profile::Essentials), [4, 8, 25, 12]);
        assert_eq!(exchanges(Profile::Enterprise), [15, 30, 50, 12]);
        for profile in [Profile::Free, Profile::Essentials, Profile::Enterprise] {
            assert_eq!(profile.limit(Limited::Registration), Some(Limit { burst: 5, interval: 200_000 }));
            assert_eq!(profile.limit(Limited::UserInfo), Some(Limit { burst: 10, interval: 12_000_000 }));
            assert_eq!(profile.limit(Limited::Pages), Some(Limit { burst: 500, interval: 120_000 }));
            assert_eq!(profile.limit(Limited::SignIn), Some(Limit { burst: 20, interval: 6_000_000 }));
        }
    }

    proptest! {
        #[test]
        fn never_more_than_the_burst_and_what_came_back(
            burst in 1_u32..20,
            interval in 1_i64..5_000,
            steps in prop::collection::vec(0_i64..10_000, 1..200),
        ) {
            let limit = Limit { burst, interval };
            let (mut now, mut full_at, mut taken) = (0, None, 0);
            for step in steps {
                now += step;
                let left = limit.take(full_at, now);
                full_at = Some(left.full_at);
                taken += i64::from(left.remaining.is_some());
                prop_assert!(taken <= i64::from(burst) + now / interval);
            }
        }
    }
}
