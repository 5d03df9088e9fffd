//! What a profile says of its subject, and that it says nothing of whoever had it before.

use std::net::{IpAddr, Ipv4Addr};

use super::*;

const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

fn profile() -> Profile {
    Profile::new(SubjectId::address(CLIENT), 0)
}

/// A request for a number at one place.
fn number(number: u64) -> Visit {
    Visit {
        template: 7,
        number: Some(number),
        object: number + 1,
        ..Visit::default()
    }
}

/// The run after going through some numbers.
fn run(numbers: impl IntoIterator<Item = u64>) -> u32 {
    let (mut profile, subjects) = (profile(), Subjects::of(CLIENT));
    let runs = numbers
        .into_iter()
        .map(|n| profile.request(0, 0, &number(n), &subjects).run);
    runs.last().unwrap_or_default()
}

#[test]
fn a_run_is_what_goes_on() {
    let again = |pages: u64| (0..50).flat_map(move |_| 1..=pages);
    for (name, run, expected) in [
        ("forth", run(1..=40), 40..=40),
        ("back", run((1000..1040).rev()), 39..=39),
        (
            "in steps of ten",
            run((0..40).map(|n| 1000 + 10 * n)),
            38..=39,
        ),
        (
            "with gaps",
            run((0..40).map(|n| 1000 + n * 2 + n % 2)),
            39..=39,
        ),
        ("two in turn", run((0..40).map(|n| 1000 + (n ^ 1))), 20..=40),
        (
            "one odd among them",
            run((1000..1040).chain([7]).chain([1040])),
            2..=9,
        ),
        ("one page again and again", run([3; 50]), 0..=1),
        ("two pages again and again", run(again(2)), 2..=2),
        ("four pages again and again", run(again(4)), 4..=4),
        ("twenty pages again and again", run(again(20)), 20..=20),
        ("here and there", run((0..50).map(|n| mix(n) >> 20)), 0..=1),
    ] {
        assert!(expected.contains(&run), "{name}: {run}, {expected:?}");
    }
}

#[test]
fn who_gets_a_profile_inherits_nothing() {
    let subjects = Subjects::of(CLIENT);
    let mut used = profile();
    for n in 0..100 {
        let visit = Visit {
            template: 1 + n % 30,
            cursor: n,
            write: n % 3 == 0,
            asset: n % 5 == 0,
            costly: true,
            odd: 1,
            ..number(n)
        };
        used.request(n * 1000, (n % 24) as usize, &visit, &subjects);
        used.deny(&visit);
        used.becomes_stranger(true);
    }
    used.distance = 3.0;
    let next = SubjectId::address(IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1)));
    let mut new = Profile::new(next, 200_000);
    used.renew(next, 200_000);
    assert_eq!((used.id, used.stood()), (new.id, new.stood()));
    for n in 0..40 {
        let visit = Visit {
            asset: n % 4 == 0,
            write: n % 7 == 0,
            ..number(n)
        };
        let [one, other] = [&mut used, &mut new].map(|profile| {
            let traits = profile.request(200_000 + n, 3, &visit, &subjects);
            (traits, profile.shape(), profile.becomes_stranger(n == 20))
        });
        assert_eq!(one, other, "request {n}");
    }
}

#[test]
fn shares_are_of_the_window() {
    let (mut profile, subjects) = (profile(), Subjects::of(CLIENT));
    for n in 0..200 {
        // Assets first, then every second one writes.
        let visit = Visit {
            asset: n < 100,
            write: n >= 100 && n % 2 == 0,
            ..number(n)
        };
        let traits = profile.request(n, 0, &visit, &subjects);
        let expected = match n {
            20 | 99 => (1.0, 0),
            105 => (26.0 / 32.0, 3),
            120 => (11.0 / 32.0, 11),
            199 => (0.0, 16),
            _ => continue,
        };
        assert_eq!((traits.assets, traits.writes), expected, "request {n}");
    }
}
