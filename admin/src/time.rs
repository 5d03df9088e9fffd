//! Times as the API writes and reads them: RFC 3339 in UTC with milliseconds outside, milliseconds since 1970 inside.

use std::time::{SystemTime, UNIX_EPOCH};

/// Now, in milliseconds since 1970.
pub fn now_ms() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// `2026-01-31T23:59:59.999Z`. Times before 1970 and after 9999 are written as the nearest that can be.
pub fn rfc3339(ms: i64) -> String {
    let ms = ms.clamp(0, LAST_MS);
    let (days, rest) = (ms / DAY_MS, ms % DAY_MS);
    let (year, month, day) = date(days);
    let (hour, minute) = (rest / 3_600_000, rest / 60_000 % 60);
    let (second, milli) = (rest / 1000 % 60, rest % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// Reads `2026-01-31T23:59:59Z`, with or without a fraction, `Z` or an offset; or milliseconds since 1970.
pub fn parse(text: &str) -> Option<i64> {
    if !text.is_empty() && text.len() <= 15 && text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().ok().filter(|ms| *ms <= LAST_MS);
    }
    let number = |range: std::ops::Range<usize>| -> Option<i64> {
        let digits = text.get(range)?;
        digits
            .bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| digits.parse().ok())?
    };
    let sign = |at: usize, signs: &str| text.get(at..=at).is_some_and(|sign| signs.contains(sign));
    if !(sign(4, "-") && sign(7, "-") && sign(10, "Tt ") && sign(13, ":") && sign(16, ":")) {
        return None;
    }
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    let sane = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=month_length(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    let (milli, zone) = fraction(text.get(19..)?)?;
    let ms = days(year, month, day) * DAY_MS + hour * 3_600_000 + minute * 60_000;
    let ms = ms + second * 1000 + milli - offset(zone)?;
    (sane && (0..=LAST_MS).contains(&ms)).then_some(ms)
}

/// Milliseconds of a fraction of a second, and what follows it.
fn fraction(text: &str) -> Option<(i64, &str)> {
    let Some(rest) = text.strip_prefix('.') else {
        return Some((0, text));
    };
    let end = rest.find(|c: char| !c.is_ascii_digit())?;
    let digits = rest
        .get(..end)
        .filter(|digits| (1..=9).contains(&digits.len()))?;
    let milli: i64 = format!("{digits:0<3}").get(..3)?.parse().ok()?;
    Some((milli, rest.get(end..)?))
}

/// Milliseconds that a zone is ahead of UTC.
fn offset(zone: &str) -> Option<i64> {
    if zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = match zone.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    if hours.len() != 2 || minutes.len() != 2 {
        return None;
    }
    let (hours, minutes): (u8, u8) = (hours.parse().ok()?, minutes.parse().ok()?);
    let sane = hours < 24 && minutes < 60;
    sane.then(|| sign * (i64::from(hours) * 3_600_000 + i64::from(minutes) * 60_000))
}

/// Year, month, day of a day counted from 1970. Years run from March, so that the leap day is the last of one.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + MARCH_0000;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    (era * 400 + year + i64::from(month <= 2), month, day)
}

/// The inverse of [`date`].
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - MARCH_0000
}

fn month_length(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

const DAY_MS: i64 = 86_400_000;
/// The last millisecond of the year 9999.
const LAST_MS: i64 = 253_402_300_799_999;
/// Days from the first of March of the year 0 to 1970.
const MARCH_0000: i64 = 719_468;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_written() {
        for (text, ms) in [
            ("1970-01-01T00:00:00.000Z", 0),
            ("2000-02-29T23:59:59.000Z", 951_868_799_000),
            ("2001-09-09T01:46:40.123Z", 1_000_000_000_123),
            ("9999-12-31T23:59:59.999Z", LAST_MS),
        ] {
            assert_eq!(parse(text), Some(ms), "{text}");
            assert_eq!(rfc3339(ms), text);
        }
        for (text, ms) in [
            ("1000000000123", Some(1_000_000_000_123)),
            ("2001-09-09T01:46:40Z", Some(1_000_000_000_000)),
            ("2001-09-09t03:46:40.1+02:00", Some(1_000_000_000_100)),
            ("2001-09-08 23:46:40.123456-02:00", Some(1_000_000_000_123)),
            ("", None),
            ("-1", None),
            ("9999999999999999", None),
            ("2001-02-29T00:00:00Z", None),
            ("2001-13-01T00:00:00Z", None),
            ("2001-09-09T24:00:00Z", None),
            ("2001-09-09T01:46:40", None),
            ("2001-09-09T01:46:40.Z", None),
            ("2001-09-09T01:46:40+0200", None),
            ("1970-01-01T00:00:00+00:01", None),
            ("2001-09-09T01:46:4éZ", None),
            ("+001-09-09T01:46:40Z", None),
        ] {
            assert_eq!(parse(text), ms, "{text}");
        }
    }

    #[test]
    fn every_day_is_its_own_inverse() {
        for day in (0..2_900_000).step_by(13) {
            let (year, month, of_month) = date(day);
            assert_eq!(days(year, month, of_month), day);
        }
    }
}
