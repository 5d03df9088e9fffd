//! Hours in which nobody is disturbed.

use portcullis_config::Quiet;

const DAY: i64 = 24 * 60;
const MINUTE_MS: i64 = 60_000;

/// When something may be told that comes at `now_ms`: now, or when the quiet hours end.
pub(super) fn due_ms(quiet: Option<&Quiet>, now_ms: i64) -> i64 {
    let hours = quiet.and_then(|quiet| Some((quiet.span()?, quiet.offset_minutes()?)));
    let Some(((from, to), offset)) = hours else {
        return now_ms;
    };
    let (from, to) = (i64::from(from), i64::from(to));
    let minute = (now_ms.div_euclid(MINUTE_MS) + i64::from(offset)).rem_euclid(DAY);
    // Both counted from the beginning of the quiet hours, so that midnight needs no case of its own.
    let (passed, length) = ((minute - from).rem_euclid(DAY), (to - from).rem_euclid(DAY));
    if passed >= length {
        return now_ms;
    }
    (now_ms.div_euclid(MINUTE_MS) + length - passed) * MINUTE_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_at_night_is_told_in_the_morning() {
        let night = Quiet {
            from: "22:00".into(),
            to: "07:00".into(),
            offset: "+01:00".into(),
        };
        let at = |day: i64, hour: i64, minute: i64| ((day * 24 + hour) * 60 + minute) * MINUTE_MS;
        // (UTC, due in UTC): the wall is an hour ahead.
        let cases = [
            (at(3, 12, 0), at(3, 12, 0)),
            (at(3, 20, 59), at(3, 20, 59)),
            (at(3, 21, 0), at(4, 6, 0)),
            (at(3, 23, 30) + 5, at(4, 6, 0)),
            (at(4, 5, 59), at(4, 6, 0)),
            (at(4, 6, 0), at(4, 6, 0)),
        ];
        for (now, due) in cases {
            assert_eq!(due_ms(Some(&night), now), due, "{now}");
        }
        assert_eq!(due_ms(None, 5), 5);
    }
}
