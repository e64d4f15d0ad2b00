//! The setting `rate_limits`: the name of a column, or a table with the column under `profile` and single rows under their names.

use std::fmt;
use std::num::NonZeroU32;

use chancery_core::rate_limit::{Limit, Limited, Limits, Profile};
use clap::ValueEnum;
use clap::builder::{EnumValueParser, TypedValueParser};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// What the operator says of limits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RateLimits(Limits);

impl RateLimits {
    /// As it is in force.
    pub fn limits(self) -> Limits {
        self.0
    }

    /// As a flag or in the environment: a column alone.
    pub(crate) fn argument() -> impl TypedValueParser<Value = Self> {
        EnumValueParser::<Column>::new().map(Self::from)
    }
}

/// A column of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
enum Column {
    /// None.
    #[default]
    None,
    /// Those of a free tenant.
    Free,
    /// Those of a small plan.
    Essentials,
    /// Those of a large plan.
    Enterprise,
}

impl From<Column> for RateLimits {
    fn from(column: Column) -> Self {
        let profile = match column {
            Column::None => Profile::None,
            Column::Free => Profile::Free,
            Column::Essentials => Profile::Essentials,
            Column::Enterprise => Profile::Enterprise,
        };
        Self(profile.into())
    }
}

impl<'de> Deserialize<'de> for RateLimits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NameOrTable)
    }
}

struct NameOrTable;

impl<'de> Visitor<'de> for NameOrTable {
    type Value = RateLimits;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("none, free, essentials, enterprise, or a table with limits")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<RateLimits, E> {
        let column = Column::from_str(name, false);
        column.map(RateLimits::from).map_err(|_| E::invalid_value(serde::de::Unexpected::Str(name), &self))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<RateLimits, A::Error> {
        let (mut column, mut rows) = (Column::None, Vec::new());
        while let Some(Name(name)) = table.next_key()? {
            match name {
                None => column = table.next_value()?,
                Some(row) => rows.push((row, table.next_value::<Row>()?.0)),
            }
        }
        let begin = RateLimits::from(column).0;
        Ok(RateLimits(rows.into_iter().fold(begin, |limits, (row, limit)| limits.with(row, limit))))
    }
}

/// The name of a row; `None` is `profile`. What is wrong is said here, where the line is known.
struct Name(Option<Limited>);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        match Limited::named(&name) {
            None if name != "profile" => {
                let known: Vec<&str> = Limited::NAMED.iter().map(|(name, _)| *name).collect();
                let known = known.join(", ");
                Err(D::Error::custom(format!("{name} is no limit; there are profile, {known}")))
            }
            row => Ok(Self(row)),
        }
    }
}

/// The limit of a row, or `false` for none.
struct Row(Option<Limit>);

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FalseOrFigures)
    }
}

struct FalseOrFigures;

impl<'de> Visitor<'de> for FalseOrFigures {
    type Value = Row;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("false, or { burst = N, per_second = N } or the same with per_minute or per_hour")
    }

    fn visit_bool<E: Error>(self, is_there: bool) -> Result<Row, E> {
        match is_there {
            true => Err(E::invalid_value(serde::de::Unexpected::Bool(true), &self)),
            false => Ok(Row(None)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<Row, A::Error> {
        let figures = Figures::deserialize(MapAccessDeserializer::new(table))?;
        let Figures { burst, per_second, per_minute, per_hour } = figures;
        let (count, seconds) = match (per_second, per_minute, per_hour) {
            (Some(count), None, None) => (count, 1),
            (None, Some(count), None) => (count, 60),
            (None, None, Some(count)) => (count, 3600),
            _ => return Err(A::Error::custom("a limit has one of per_second, per_minute and per_hour")),
        };
        Ok(Row(Some(Limit::of(burst.get(), count, seconds))))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Figures {
    burst: NonZeroU32,
    per_second: Option<NonZeroU32>,
    per_minute: Option<NonZeroU32>,
    per_hour: Option<NonZeroU32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct File {
        rate_limits: RateLimits,
    }

    fn read(text: &str) -> Result<Limits, String> {
        toml::from_str::<File>(text).map(|file| file.rate_limits.limits()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_column() {
        assert_eq!(read("rate_limits = \"free\""), Ok(Profile::Free.into()));
        assert_eq!(read("rate_limits = \"none\""), Ok(Limits::default()));
        let error = read("rate_limits = \"Gold\"").unwrap_err();
        assert!(error.contains("Gold") && error.contains("essentials"), "{error}");
    }

    #[test]
    fn rows() {
        let table = "[rate_limits]\nprofile = \"free\"\nkey_set = false\n\
                     token = { burst = 3, per_minute = 90 }\nsign_in = { burst = 5, per_hour = 60 }";
        let limits = read(table).unwrap();
        let figures = |row| limits.limit(row).map(|limit| (limit.burst, limit.interval));
        assert_eq!(figures(Limited::Token), Some((3, 666_666)));
        assert_eq!(figures(Limited::SignIn), Some((5, 60_000_000)));
        assert_eq!(figures(Limited::KeySet), None);
        assert_eq!(figures(Limited::Management), Some((2, 500_000)), "of the column");
        let alone = read("rate_limits = { userinfo = { burst = 9, per_second = 4000000 } }").unwrap();
        assert_eq!(alone.limit(Limited::UserInfo).map(|limit| limit.interval), Some(1), "never none");
        assert_eq!(alone.limit(Limited::Token), None);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (row, word) in [
            ("tokens = false", "management_api"),
            ("token = true", "per_minute"),
            ("token = { burst = 0, per_second = 1 }", "nonzero"),
            ("token = { burst = 1 }", "per_hour"),
            ("token = { burst = 1, per_second = 1, per_hour = 1 }", "one of"),
            ("token = { burst = 1, per_day = 1 }", "per_day"),
            ("profile = \"gold\"", "gold"),
        ] {
            let error = read(&format!("[rate_limits]\n{row}")).unwrap_err();
            assert!(error.contains(word) && error.contains("line 2"), "{error}");
        }
    }
}
