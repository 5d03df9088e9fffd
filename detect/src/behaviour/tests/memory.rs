//! Memory is bounded, and what must not be forgotten is not.

use super::*;

#[test]
fn ten_thousand_places_hold_a_hundred_thousand_subjects() {
    let town = Town::with(Settings {
        enabled: true,
        memory: Memory {
            subjects: 10_000,
            profiles: 500,
            ..Memory::default()
        },
        ..Settings::default()
    });
    let bad = town.someone("203.0.113.5", "nikto");
    for n in 0..11 {
        town.ask(&bad, "GET", &format!("/old/{n}/x.zip"), 404);
    }
    let risk = town
        .state
        .portrait(SubjectId::address(bad.subjects.client))
        .unwrap()
        .risk;
    assert!(risk > 30.0, "{risk}");
    for n in 0..100_000_u32 {
        let address = IpAddr::from(n.to_be_bytes());
        let who = Someone {
            subjects: Subjects::of(address),
            browser: false,
        };
        town.ask(&who, "GET", "/", 200);
        town.wait(1);
    }
    let counts = town.state.counts();
    assert!(counts.subjects <= 10_080, "{counts:?}");
    assert!(counts.subjects_evicted > 80_000, "{counts:?}");
    assert!(counts.profiles <= 504, "{counts:?}");
    let kept = town.state.portrait(SubjectId::address(bad.subjects.client));
    assert!(kept.is_some(), "who is at risk is kept before who is new");
}

#[test]
fn the_quiet_are_forgotten() {
    let town = Town::new();
    for n in 0..1000_u32 {
        let subjects = Subjects::of(IpAddr::from(n.to_be_bytes()));
        town.ask(
            &Someone {
                subjects,
                browser: false,
            },
            "GET",
            "/",
            200,
        );
    }
    town.wait(5 * 3600 * 1000);
    for n in 1000..6000_u32 {
        let subjects = Subjects::of(IpAddr::from(n.to_be_bytes()));
        town.ask(
            &Someone {
                subjects,
                browser: false,
            },
            "GET",
            "/",
            200,
        );
    }
    let counts = town.state.counts();
    assert!(counts.subjects_expired >= 990, "{counts:?}");
    assert_eq!(counts.subjects_evicted, 0);
}

#[test]
fn a_million_fit_in_400_megabytes() {
    // By the sizes that the store allocates; detect/tests/memory.rs measures the allocator.
    let of_each = size_of::<super::super::compact::Compact>() + 24 + 21 + 4;
    let of_profile = size_of::<super::super::profile::Profile>();
    let all = of_each * 1_000_000 + of_profile * 50_000;
    assert!(all < 385_000_000, "{of_each} and {of_profile} make {all}");
}

#[test]
fn the_window_holds_the_last_32() {
    let town = Town::new();
    let who = town.someone("192.0.2.1", "Firefox");
    for n in 0..50 {
        town.ask(&who, "GET", &format!("/place{n}/x"), 200 + n % 2);
        town.wait(1000);
    }
    let window = town.state.window(SubjectId::address(who.subjects.client));
    assert_eq!(window.len(), 32);
    assert!(
        window
            .iter()
            .all(|step| step.gap == 1000 && step.status >= 200)
    );
    assert_eq!(window[31].status, 201);
}

#[test]
fn samples_and_distances() {
    let town = Town::new();
    for n in 0..50_u8 {
        let who = town.someone(&format!("192.0.2.{n}"), "Firefox");
        for _ in 0..25 {
            town.ask(&who, "GET", "/", 200);
            town.wait(100);
        }
    }
    let recent = Duration::from_secs(600);
    let samples = town.state.sample(20, recent, &town.clock);
    assert_eq!(samples.len(), 20);
    assert!(
        samples
            .iter()
            .flat_map(|sample| sample.values)
            .all(f32::is_finite)
    );
    let far = samples[0].subject;
    town.state.note_distances(&[(far, 9.0)].into());
    let address = far.to_string().replace("address:", "");
    let judged = town
        .judge(&town.someone(&address, "Firefox"), "GET", "/", 0.0)
        .unwrap();
    assert!(
        judged
            .findings
            .iter()
            .any(|finding| finding.kind == Kind::Outlier)
    );
    assert_eq!(judged.reaction, Reaction::None, "a hint by itself");
    town.state.note_distances(&[].into());
    town.state.note_distances(&[].into());
    let mut who = town.someone(&address, "Firefox");
    who.browser = true;
    let later = town.judge(&who, "GET", "/", 0.0).unwrap();
    let value = later
        .findings
        .iter()
        .find(|finding| finding.kind == Kind::Outlier);
    assert!(
        value.is_some_and(|finding| finding.value < 2.5),
        "{value:?}"
    );
    town.wait(700_000);
    assert!(town.state.sample(20, recent, &town.clock).is_empty());
}
