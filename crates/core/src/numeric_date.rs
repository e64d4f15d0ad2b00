//! Moments in tokens that others made (RFC 7519, section 2): seconds, which may have a fraction.

use serde::de::{Deserialize, Deserializer, Error};

/// A moment in whole seconds since the Unix epoch, the fraction cut off. For `#[serde(deserialize_with)]`.
///
/// # Errors
/// Where it is no number, or one that no clock will show.
pub fn required<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    Number::deserialize(from)?.seconds().ok_or_else(|| D::Error::custom("no moment in seconds"))
}

/// The same for what may be left out; with `#[serde(default)]`.
///
/// # Errors
/// As [`required`].
pub fn optional<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    match Option::<Number>::deserialize(from)? {
        Some(number) => number.seconds().map(Some).ok_or_else(|| D::Error::custom("no moment in seconds")),
        None => Ok(None),
    }
}

#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Number {
    Whole(i64),
    Broken(f64),
}

/// Seconds that `f64` and `i64` both hold exactly.
const FURTHEST: f64 = 9_007_199_254_740_991.0;

impl Number {
    fn seconds(self) -> Option<i64> {
        match self {
            Self::Whole(seconds) => Some(seconds),
            // Within these bounds nothing is cut off but the fraction.
            Self::Broken(seconds) if seconds.abs() <= FURTHEST => Some(seconds.floor() as i64),
            Self::Broken(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Claims {
        #[serde(deserialize_with = "super::required")]
        exp: i64,
        #[serde(default, deserialize_with = "super::optional")]
        iat: Option<i64>,
    }

    #[test]
    fn fractions_are_cut_off_and_nothing_else_passes() {
        let read = |text: &str| serde_json::from_str::<Claims>(text).ok().map(|c| (c.exp, c.iat));
        assert_eq!(read(r#"{"exp":1795878000}"#), Some((1_795_878_000, None)));
        assert_eq!(read(r#"{"exp":1795878000.9,"iat":1.5e3}"#), Some((1_795_878_000, Some(1500))));
        assert_eq!(read(r#"{"exp":-0.5,"iat":null}"#), Some((-1, None)));
        for wrong in
            [r#"{"exp":"1795878000"}"#, r#"{"exp":1e300}"#, r#"{"exp":null}"#, r#"{"exp":[1]}"#, "{}"]
        {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert_eq!(read(r#"{"exp":1,"iat":"2"}"#), None);
        assert_eq!(read(r#"{"exp":18446744073709551615}"#), None);
    }
}
