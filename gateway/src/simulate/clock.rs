//! Virtual time: seconds since 1970 that pass as fast as the simulator can write, and how busy each hour of them is.

/// When simulated time begins: Monday, 2 March 2026, 00:00:00 UTC.
pub const EPOCH: f64 = 1_772_409_600.0;

/// Seconds of an hour, and of a day.
pub const HOUR: f64 = 3_600.0;
/// Seconds of a day.
pub const DAY: f64 = 86_400.0;

/// The hour of the day, 0 to 24, at `time`.
pub fn hour(time: f64) -> f64 {
    time.rem_euclid(DAY) / HOUR
}

/// Whether `time` falls on a Saturday or Sunday.
pub fn is_weekend(time: f64) -> bool {
    // 1 January 1970 was a Thursday.
    ((time / DAY).floor() as i64 + 3).rem_euclid(7) >= 5
}

/// How busy people are at `time`, as a multiple of the day's mean: little at night, a rise at noon, most in the evening;
/// `office` for people at work, who rise with the morning and stay away at the weekend.
pub fn load(time: f64, office: bool) -> f64 {
    let hour = hour(time) as usize % 24;
    let curve = if office { &OFFICE } else { &HOME };
    let mean = curve.iter().sum::<f64>() / 24.0;
    let weekend = match (office, is_weekend(time)) {
        (true, true) => 0.15,
        (false, true) => 1.2,
        (_, false) => 1.0,
    };
    curve[hour] / mean * weekend
}

/// The shape of a day at home, hour by hour.
const HOME: [f64; 24] = [
    0.35, 0.22, 0.15, 0.12, 0.12, 0.2, 0.4, 0.7, 0.9, 1.0, 1.05, 1.1, 1.2, 1.1, 1.0, 1.0, 1.1,
    1.25, 1.4, 1.6, 1.7, 1.5, 1.1, 0.65,
];

/// The shape of a day at work.
const OFFICE: [f64; 24] = [
    0.05, 0.04, 0.04, 0.04, 0.06, 0.15, 0.5, 1.2, 2.2, 2.6, 2.6, 2.3, 1.6, 2.0, 2.4, 2.3, 2.0, 1.3,
    0.6, 0.35, 0.25, 0.2, 0.15, 0.1,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_begins_on_a_monday_at_midnight() {
        assert_eq!(EPOCH.rem_euclid(DAY), 0.0);
        let weekend: Vec<bool> = (0..7)
            .map(|day| is_weekend(EPOCH + f64::from(day) * DAY))
            .collect();
        assert_eq!(weekend, [false, false, false, false, false, true, true]);
    }

    #[test]
    fn nights_are_quiet_and_a_week_is_average() {
        assert!(load(EPOCH + 3.0 * HOUR, false) * 5.0 < load(EPOCH + 20.0 * HOUR, false));
        assert!(load(EPOCH + 3.0 * HOUR, true) * 20.0 < load(EPOCH + 10.0 * HOUR, true));
        for office in [false, true] {
            let day = (0..24)
                .map(|hour| load(EPOCH + f64::from(hour) * HOUR, office))
                .sum::<f64>()
                / 24.0;
            assert!((day - 1.0).abs() < 1e-9, "{day}");
        }
    }
}
