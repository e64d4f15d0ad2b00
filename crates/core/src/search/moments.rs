//! Times in queries: as exact as they are written. `2017-12` is all of that month.

use jiff::{Span, ToSpan, civil::DateTime, tz::TimeZone};

/// The first and the last millisecond of what is written: a year, month, day, hour, minute, second or millisecond in UTC or
/// with an offset, or milliseconds since the epoch.
pub(super) fn span(text: &str) -> Option<(i64, i64)> {
    if text.len() > 4 && is_digits(text) {
        let ms = text.parse().ok()?;
        return Some((ms, ms));
    }
    let (date, time) =
        text.split_once(['T', 't', ' ']).map_or((text, None), |(date, time)| (date, Some(time)));
    let (time, offset_minutes) = time.map_or(Some((None, 0)), |time| {
        let (time, offset) = split_offset(time)?;
        Some((Some(time), offset))
    })?;
    let mut written = date.splitn(3, '-');
    let year = digits(written.next()?, 4)?;
    let month = written.next().map(|text| digits(text, 2));
    let day = written.next().map(|text| digits(text, 2));
    let (mut clock, mut step) = ((0, 0, 0, 0), 1.year());
    if month.is_some() {
        step = 1.month();
    }
    if day.is_some() {
        step = 1.day();
    }
    if let Some(time) = time {
        day?;
        (clock, step) = clock_of(time)?;
    }
    let (month, day) = (month.unwrap_or(Some(1))?, day.unwrap_or(Some(1))?);
    let (hour, minute, second, ms) = clock;
    let first = DateTime::new(
        i16::try_from(year).ok()?,
        i8::try_from(month).ok()?,
        i8::try_from(day).ok()?,
        hour,
        minute,
        second,
        ms * 1_000_000,
    )
    .ok()?;
    let offset = i64::from(offset_minutes) * 60_000;
    let last = first.checked_add(step).ok()?;
    Some((utc(first)? - offset, utc(last)? - offset - 1))
}

type Clock = (i8, i8, i8, i32);

fn clock_of(time: &str) -> Option<(Clock, Span)> {
    let mut parts = time.splitn(3, ':');
    let hour = i8::try_from(digits(parts.next()?, 2)?).ok()?;
    let Some(minute) = parts.next() else { return Some(((hour, 0, 0, 0), 1.hour())) };
    let minute = i8::try_from(digits(minute, 2)?).ok()?;
    let Some(second) = parts.next() else { return Some(((hour, minute, 0, 0), 1.minute())) };
    let Some((second, fraction)) = second.split_once('.') else {
        return Some(((hour, minute, i8::try_from(digits(second, 2)?).ok()?, 0), 1.second()));
    };
    let second = i8::try_from(digits(second, 2)?).ok()?;
    if fraction.is_empty() || fraction.len() > 9 || !is_digits(fraction) {
        return None;
    }
    // Anything finer than a millisecond is cut off.
    let ms = digits(&format!("{fraction:0<3}")[..3], 3)?;
    Some(((hour, minute, second, i32::try_from(ms).ok()?), 1.millisecond()))
}

/// The time of day and its minutes east of UTC.
fn split_offset(time: &str) -> Option<(&str, i32)> {
    if let Some(time) = time.strip_suffix(['Z', 'z']) {
        return Some((time, 0));
    }
    let Some(at) = time.find(['+', '-']) else { return Some((time, 0)) };
    let (time, offset) = time.split_at(at);
    let sign = if offset.starts_with('-') { -1 } else { 1 };
    let offset = offset[1..].replace(':', "");
    if offset.len() != 4 || !is_digits(&offset) {
        return None;
    }
    let (hours, minutes) = (digits(&offset[..2], 2)?, digits(&offset[2..], 2)?);
    (hours < 24 && minutes < 60)
        .then(|| i32::try_from(hours * 60 + minutes).ok().map(|all| (time, sign * all)))?
}

fn digits(text: &str, count: usize) -> Option<i64> {
    (text.len() == count && is_digits(text)).then(|| text.parse().ok())?
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|c| c.is_ascii_digit())
}

fn utc(time: DateTime) -> Option<i64> {
    Some(time.to_zoned_datetime(TimeZone::UTC).ok()?.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iso::parse_ms;

    #[test]
    fn as_exact_as_written() {
        for (text, first, last) in [
            ("2018", "2018-01-01T00:00:00.000Z", "2018-12-31T23:59:59.999Z"),
            ("2018-02", "2018-02-01T00:00:00.000Z", "2018-02-28T23:59:59.999Z"),
            ("2018-12-31", "2018-12-31T00:00:00.000Z", "2018-12-31T23:59:59.999Z"),
            ("2018-12-31T01", "2018-12-31T01:00:00.000Z", "2018-12-31T01:59:59.999Z"),
            ("2018-12-31T01:02Z", "2018-12-31T01:02:00.000Z", "2018-12-31T01:02:59.999Z"),
            ("2018-12-31T01:02:03", "2018-12-31T01:02:03.000Z", "2018-12-31T01:02:03.999Z"),
            ("2018-12-31T01:02:03.04Z", "2018-12-31T01:02:03.040Z", "2018-12-31T01:02:03.040Z"),
            ("2018-12-31T01:02:03+02:00", "2018-12-30T23:02:03.000Z", "2018-12-30T23:02:03.999Z"),
            ("1546300800000", "2019-01-01T00:00:00.000Z", "2019-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(span(text), parse_ms(first).zip(parse_ms(last)), "{text}");
        }
        for bad in [
            "",
            "x",
            "201",
            "2018-13",
            "2018-2",
            "2018-02-30",
            "2018-01T01",
            "2018-01-01T25",
            "2018-01-01T1+1",
            "2018-01-01T01:02:03.4。",
            "2018-01-01T01:02:03+e。",
            "2018-01-01T01:02:03+0é0",
            "٢٠١٨",
        ] {
            assert_eq!(span(bad), None, "{bad}");
        }
    }
}
