//! Wall-clock time as RFC 3339 in UTC with milliseconds, without a calendar library.

use std::time::SystemTime;

use super::json::two_digits;

/// Appends `"2026-01-31T23:59:59.999Z"`, quotes included. A time before 1970 reads as 1970, one after 9999 as its
/// last four digits.
pub(super) fn write_rfc3339(time: SystemTime, out: &mut Vec<u8>) {
    let since = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let (days, second) = (since.as_secs() / 86_400, (since.as_secs() % 86_400) as u32);
    let (year, month, day) = date(days);
    let mut text = *b"\"0000-00-00T00:00:00.000Z\"";
    let millisecond = since.subsec_millis();
    for (at, value) in [
        (1, (year / 100 % 100) as u32),
        (3, (year % 100) as u32),
        (6, month as u32),
        (9, day as u32),
        (12, second / 3600),
        (15, second / 60 % 60),
        (18, second % 60),
        (21, millisecond / 10),
    ] {
        text[at..at + 2].copy_from_slice(&two_digits(value as u8));
    }
    text[23] = b'0' + (millisecond % 10) as u8;
    out.extend_from_slice(&text);
}

/// Year, month and day of a day counted from 1970-01-01. Years are counted from March, so that a leap day ends one;
/// 400 such years are 146,097 days, and the months from March on repeat every five in 153 days.
fn date(days: u64) -> (u64, u64, u64) {
    // 719,468 days lie between 0000-03-01 and 1970-01-01.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn known_moments() {
        for (milliseconds, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_868_799_000, "2000-02-29T23:59:59.000Z"),
            (951_868_800_000, "2000-03-01T00:00:00.000Z"),
            (1_000_000_000_123, "2001-09-09T01:46:40.123Z"),
            (1_709_164_800_000, "2024-02-29T00:00:00.000Z"),
            (1_767_225_599_000, "2025-12-31T23:59:59.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            let mut out = Vec::new();
            write_rfc3339(
                SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds),
                &mut out,
            );
            assert_eq!(String::from_utf8(out).unwrap(), format!("\"{expected}\""));
        }
    }

    #[test]
    fn each_day_follows_the_one_before() {
        let mut last = date(0);
        for day in 1..200_000 {
            let next = date(day);
            let follows = next == (last.0, last.1, last.2 + 1)
                || (next.2 == 1
                    && (28..=31).contains(&last.2)
                    && (next.1 == last.1 + 1 || (next.1, last.1) == (1, 12)));
            assert!(follows, "{last:?} {next:?}");
            last = next;
        }
    }
}
