//! Times on the wire: ISO 8601 in UTC with milliseconds, such as `2024-10-14T13:27:44.558Z`.

use jiff::Timestamp;

/// Milliseconds since the epoch as text. Out-of-range times give the epoch.
pub fn format_ms(ms: i64) -> String {
    let time = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
    format!("{time:.3}")
}

/// The reverse; any RFC 3339 time is read. `None` for anything else.
pub fn parse_ms(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_always() {
        assert_eq!(format_ms(1_728_912_464_558), "2024-10-14T13:27:44.558Z");
        assert_eq!(format_ms(1_728_912_464_000), "2024-10-14T13:27:44.000Z");
        assert_eq!(parse_ms("2024-10-14T13:27:44.558Z"), Some(1_728_912_464_558));
        assert_eq!(parse_ms("yesterday"), None);
    }
}
