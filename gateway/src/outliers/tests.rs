//! Groups made up in a table, somebody far from all of them, and the thread that finds him.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use portcullis_detect::behaviour::{Behaviour, Hashing, Outcome, Settings};
use portcullis_detect::{Body, Policy, Request, Subjects, SystemClock, Watch as Mode};

use super::*;
use crate::metrics::Metrics;

const FEATURES: usize = Sample::NAMES.len();

fn subject(n: u32) -> SubjectId {
    SubjectId::address(IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + n)))
}

/// `count` clients around a middle, no further than `spread` in any feature.
fn group(from: u32, count: u32, middle: f32, spread: f32) -> Vec<Sample> {
    let mut random = fastrand::Rng::with_seed(u64::from(from));
    let value = |random: &mut fastrand::Rng| middle + spread * (random.f32() * 2.0 - 1.0);
    (from..from + count)
        .map(|n| Sample {
            subject: subject(n),
            values: [(); FEATURES].map(|()| value(&mut random)),
        })
        .collect()
}

#[test]
fn who_is_far_from_both_groups_is_found_and_nobody_else() {
    let mut samples = group(0, 200, 1.0, 0.3);
    samples.extend(group(1000, 150, 3.0, 0.3));
    samples.extend(group(5000, 1, 9.0, 0.0));
    let measured = compare(&samples, 8);
    assert_eq!(measured.distances.len(), 351);
    let far = measured.distances[&subject(5000)];
    assert!(far > 2.0, "{far}");
    let others = measured.outliers - 1;
    assert!(others <= 350 / 10, "{others} of 350 are in no group");
    let worst = samples[..350]
        .iter()
        .map(|sample| measured.distances[&sample.subject]);
    let worst = worst.fold(0.0, f32::max);
    assert!(worst < 2.0, "{worst}");
}

#[test]
fn odd_samples() {
    let nan = Sample {
        subject: subject(1),
        values: [f32::NAN; FEATURES],
    };
    let same = |count: u32| -> Vec<Sample> {
        (0..count)
            .map(|n| Sample {
                subject: subject(n),
                values: [1.0; FEATURES],
            })
            .collect()
    };
    for (name, samples, measured, outliers) in [
        ("nobody", vec![], 0, 0),
        ("too few to be groups", same(31), 0, 0),
        ("all the same", same(100), 100, 0),
        ("no numbers", vec![nan; 40], 1, 0),
    ] {
        let found = compare(&samples, 8);
        let read = (found.distances.len(), found.outliers);
        assert_eq!(read, (measured, outliers), "{name}");
    }
    assert_eq!(compare(&same(40), 0).outliers, 0, "no group of one");
}

#[test]
fn thousands_alike_are_grouped_in_part_and_all_are_measured() {
    let mut samples = group(0, 6000, 1.0, 0.01);
    samples.extend(group(50_000, 1, 9.0, 0.0));
    let measured = compare(&samples, 8);
    assert_eq!(measured.distances.len(), 6001);
    assert!(measured.distances[&subject(50_000)] > 3.0);
    assert_eq!(measured.outliers, 1);
    // All are neighbours of all: of 20,000, every tenth is grouped.
    let points = Array2::zeros((20_000, 2));
    for (neighbours, grouped) in [(8.0, 20_000), (400.0, 10_000), (20_000.0, 2000)] {
        let rows = part(&points, neighbours).nrows();
        assert_eq!(rows, grouped, "{neighbours}");
    }
}

/// Forty clients who read a page now and then, and one who does nothing but fail.
fn town(state: &Arc<State>) {
    let settings = Settings {
        enabled: true,
        ..Settings::default()
    };
    let behaviour = Behaviour::new(Arc::new(settings), state.clone());
    let policy = Policy {
        behaviour: Mode::Enforce,
        ..Policy::default()
    };
    for n in 0..41_u32 {
        let subjects = Subjects::of(IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + n)));
        for round in 0..24_u32 {
            let path = match n {
                40 => format!("/{}/guess/{round}", "deep/".repeat(round as usize % 7)),
                _ => "/page".to_owned(),
            };
            let request = Request {
                client: subjects.client,
                method: if n == 40 { "PUT" } else { "GET" },
                scheme: "https",
                host: "shop.example",
                path: path.as_bytes(),
                query: None,
                headers: &[],
                body: Body::EMPTY,
                route: "all",
            };
            let judged = behaviour.judge(&subjects, &request, 0.0, &policy, &SystemClock);
            let outcome = Outcome {
                visit: judged.map(|judged| judged.visit).unwrap_or_default(),
                ..Outcome::of(subjects, if n == 40 { 500 } else { 200 })
            };
            behaviour.observe(&outcome, &SystemClock);
        }
    }
}

#[test]
fn the_thread_measures_and_stops() {
    let state = Arc::new(State::new(
        &Settings::default().memory,
        Hashing::new(1),
        &SystemClock,
    ));
    town(&state);
    let metrics = Metrics::new().expect("metrics");
    let settings = Outlier {
        every: 1,
        ..Outlier::default()
    };
    let watch = Watch::start(&settings, &state, metrics.clone()).expect("a thread");
    assert!(watch.is_some());
    let end = Instant::now() + Duration::from_secs(30);
    let measured = |text: &str| text.contains("portcullis_outlier_sample 41");
    while !measured(&metrics.render()) && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(50));
    }
    let text = metrics.render();
    assert!(measured(&text), "{text}");
    let far = measure(&state, &settings, &SystemClock).distances[&subject(40)];
    assert!(far >= settings.distance, "{far}");
    let never = Outlier {
        every: 0,
        ..Outlier::default()
    };
    let none = Watch::start(&never, &state, metrics).expect("no thread");
    assert!(none.is_none());
}
