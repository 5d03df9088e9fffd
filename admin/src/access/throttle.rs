//! Failed log-ins per source: ten in a minute, then nothing is tried until the minute has passed. An attempt takes its
//! place before the password is looked at and gives it back when it was right, so that many at once are not more than
//! ten. The table is bounded; a source is an address, of IPv6 its /64.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Failures of one source within [`WINDOW`] after which it has to wait.
pub const FAILURES: usize = 10;
/// How long a failure counts, in milliseconds.
pub const WINDOW: i64 = 60_000;
/// Sources that are remembered; beyond, the one that has been quiet for longest is forgotten.
pub const SOURCES: usize = 4096;

/// The failures of all sources.
#[derive(Debug, Default)]
pub struct Throttle(Mutex<HashMap<IpAddr, Failures>>);

/// Why an attempt is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// How long until the next one may be.
    pub after: Duration,
    /// Whether this is the first that is refused in a row; the others say nothing new.
    pub first: bool,
}

#[derive(Debug, Default)]
struct Failures {
    times: VecDeque<i64>,
    told: bool,
}

impl Throttle {
    /// Takes a place for an attempt at `now` (milliseconds).
    ///
    /// # Errors
    /// When the source has failed too often.
    pub fn take(&self, source: IpAddr, now: i64) -> Result<(), Wait> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let source = network(source);
        if !table.contains_key(&source) {
            make_room(&mut table, now);
        }
        table.entry(source).or_default().take(now)
    }

    /// Gives a place back: the attempt was none of an attacker's.
    pub fn give_back(&self, source: IpAddr) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let source = network(source);
        if let Some(failures) = table.get_mut(&source) {
            failures.times.pop_back();
            if failures.times.is_empty() {
                table.remove(&source);
            }
        }
    }

    /// How many sources are remembered.
    pub fn sources(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Failures {
    fn take(&mut self, now: i64) -> Result<(), Wait> {
        self.forget(now);
        match self.times.front() {
            Some(oldest) if self.times.len() >= FAILURES => {
                let rest = u64::try_from(oldest + WINDOW - now).unwrap_or(0);
                let first = !std::mem::replace(&mut self.told, true);
                Err(Wait {
                    after: Duration::from_millis(rest),
                    first,
                })
            }
            _ => {
                self.told = false;
                self.times.push_back(now);
                Ok(())
            }
        }
    }

    /// Forgets what has had its time, and what a clock that was set back has left in the future.
    fn forget(&mut self, now: i64) {
        self.times
            .retain(|time| (now - WINDOW..=now).contains(time) && now - time < WINDOW);
    }
}

fn make_room(table: &mut HashMap<IpAddr, Failures>, now: i64) {
    if table.len() < SOURCES {
        return;
    }
    table.retain(|_, failures| {
        failures.forget(now);
        !failures.times.is_empty()
    });
    let quietest = table
        .iter()
        .min_by_key(|(_, failures)| failures.times.back().copied())
        .map(|(source, _)| *source);
    if let (true, Some(source)) = (table.len() >= SOURCES, quietest) {
        table.remove(&source);
    }
}

/// The address, of IPv6 the first 64 bits: what one subscriber has.
fn network(source: IpAddr) -> IpAddr {
    match source {
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(address) => address.into(),
            None => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
        },
        IpAddr::V4(_) => source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn ten_failures_a_minute_then_a_wait() {
        let throttle = Throttle::default();
        let source = address("192.0.2.1");
        for n in 0..10 {
            assert_eq!(throttle.take(source, n * 1000), Ok(()), "{n}");
        }
        for (now, first) in [(10_000, true), (20_000, false), (59_999, false)] {
            let after = Duration::from_millis(u64::try_from(60_000 - now).expect("positive"));
            assert_eq!(throttle.take(source, now), Err(Wait { after, first }));
        }
        assert_eq!(throttle.take(address("192.0.2.2"), 59_999), Ok(()));
        assert_eq!(
            throttle.take(source, 60_000),
            Ok(()),
            "the first has passed"
        );
        assert!(throttle.take(source, 60_001).is_err_and(|wait| wait.first));
        assert_eq!(throttle.take(source, 61_000), Ok(()), "and the second");
    }

    #[test]
    fn what_succeeds_does_not_count() {
        let throttle = Throttle::default();
        let source = address("192.0.2.1");
        for n in 0..100 {
            assert_eq!(throttle.take(source, n), Ok(()));
            throttle.give_back(source);
        }
        assert_eq!(throttle.sources(), 0);
    }

    #[test]
    fn a_source_is_a_network_of_ipv6_and_an_address_of_ipv4() {
        let throttle = Throttle::default();
        for n in 0..10 {
            let source = address(&format!("2001:db8::{n}"));
            assert_eq!(throttle.take(source, 0), Ok(()));
            let mapped = address("::ffff:192.0.2.1");
            assert_eq!(throttle.take(mapped, 0), Ok(()));
        }
        for (source, free) in [
            ("2001:db8::ffff:1", false),
            ("2001:db8:0:1::1", true),
            ("192.0.2.1", false),
            ("::ffff:192.0.2.2", true),
        ] {
            assert_eq!(throttle.take(address(source), 1).is_ok(), free, "{source}");
        }
    }

    #[test]
    fn the_table_is_bounded_and_forgets_the_quietest() {
        let throttle = Throttle::default();
        let source = |n: usize| {
            let n = u32::try_from(n).expect("small");
            IpAddr::from(std::net::Ipv4Addr::from_bits(n))
        };
        for n in 0..SOURCES {
            let now = if n == 7 { 0 } else { 1 };
            assert_eq!(throttle.take(source(n), now), Ok(()));
        }
        for _ in 1..FAILURES {
            assert_eq!(throttle.take(source(8), 2), Ok(()));
        }
        assert_eq!(throttle.take(source(SOURCES), 3), Ok(()));
        assert_eq!(throttle.sources(), SOURCES);
        assert!(
            throttle.take(source(8), 4).is_err(),
            "who fails stays known"
        );
        assert_eq!(throttle.take(source(SOURCES + 1), WINDOW + 9), Ok(()));
        assert_eq!(throttle.sources(), 1, "what has passed makes room at once");
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out() {
        let throttle = Throttle::default();
        let source = address("192.0.2.1");
        for _ in 0..10 {
            assert_eq!(throttle.take(source, 1_000_000), Ok(()));
        }
        assert_eq!(throttle.take(source, 1_000), Ok(()));
    }
}
