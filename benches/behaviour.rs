//! What behaviour costs a request at a million live subjects: judging it and taking in its answer, with an address, a
//! session and a user, drawn at random so that no cache helps. Beside it stands what one load from memory costs that no
//! cache holds, since that is what most of the time goes into, and what makes figures of two machines comparable.
//!
//! Time is that of the processor (`/proc/thread-self/schedstat`), so that other programs do not count; the clock on the
//! wall where there is no such file.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use portcullis_detect::behaviour::{Behaviour, Hashing, Outcome, Settings, State, SubjectHash};
use portcullis_detect::{Body, Clock, Policy, Request, Subjects, Timeline, Watch};

/// Bytes of the memory that single loads are taken from: more than any cache, and about what a million subjects take.
const MEMORY: usize = 1 << 28;

/// Clients, each of which is an address, a session and a user.
const CLIENTS: u32 = 333_000;

/// Clients that come every minute or so: all three of their subjects have profiles.
const BUSY: u32 = 15_000;

/// The time that this thread has run.
fn processor_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(text.split(' ').next()?.parse().ok()?))
}

/// How long so many rounds of something take.
fn timed(rounds: u64, mut round: impl FnMut()) -> Duration {
    let (wall, before) = (Instant::now(), processor_time());
    for _ in 0..rounds {
        round();
    }
    let ran = processor_time()
        .zip(before)
        .map(|(now, before)| now - before);
    // The kernel counts in steps of some milliseconds.
    ran.filter(|ran| ran.as_millis() >= 1)
        .unwrap_or_else(|| wall.elapsed())
}

fn subjects(client: u32) -> Subjects {
    let hash = |salt: u64| {
        SubjectHash::from_value(u64::from(client).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ salt)
    };
    Subjects {
        user: Some(hash(1)),
        session: Some(hash(2)),
        agent: Some(SubjectHash::from_value(u64::from(client % 50))),
        ..Subjects::of(IpAddr::V4(Ipv4Addr::from(client.wrapping_mul(0x9e37_79b1))))
    }
}

fn exchange(
    behaviour: &Behaviour,
    policy: &Policy,
    subjects: Subjects,
    path: &[u8],
    clock: &dyn Clock,
) {
    let request = Request {
        client: subjects.client,
        method: "GET",
        scheme: "https",
        host: "example.org",
        path,
        query: Some(b"page=1&sort=name"),
        headers: &[],
        body: Body::EMPTY,
        route: "all",
    };
    if behaviour.check(&subjects, clock).is_some() {
        return;
    }
    let judged = behaviour.judge(&subjects, &request, 0.0, policy, clock);
    let outcome = Outcome {
        visit: black_box(judged)
            .map(|judged| judged.visit)
            .unwrap_or_default(),
        latency: Duration::from_millis(20),
        ..Outcome::of(subjects, 200)
    };
    behaviour.observe(&outcome, clock);
}

fn behaviour(criterion: &mut Criterion) {
    let settings = Settings {
        enabled: true,
        ..Settings::default()
    };
    let clock = Timeline::starting(Duration::from_secs(1_767_603_600));
    let state = Arc::new(State::new(&settings.memory, Hashing::new(1), &clock));
    let on = Behaviour::new(Arc::new(settings), state);
    let policy = Policy {
        behaviour: Watch::Enforce,
        ..Policy::default()
    };
    for client in 0..CLIENTS {
        exchange(&on, &policy, subjects(client), b"/", &clock);
        clock.advance(Duration::from_millis(1));
    }
    let mut n = 0_u32;
    criterion.bench_function("behaviour/a million subjects", |bencher| {
        bencher.iter_custom(|rounds| {
            timed(rounds, || {
                n = n.wrapping_add(1);
                clock.advance(Duration::from_millis(5));
                let client = n.wrapping_mul(0x85eb_ca6b) % CLIENTS;
                exchange(
                    &on,
                    &policy,
                    subjects(client),
                    b"/api/v1/orders/4711/items",
                    &clock,
                );
            })
        });
    });
    criterion.bench_function("behaviour/a million subjects, a few are busy", |bencher| {
        bencher.iter_custom(|rounds| {
            timed(rounds, || {
                n = n.wrapping_add(1);
                clock.advance(Duration::from_millis(5));
                // Four of five requests are of as many clients as have profiles.
                let all = if n.is_multiple_of(5) { CLIENTS } else { BUSY };
                let client = n.wrapping_mul(0x85eb_ca6b) % all;
                let path = b"/api/v1/orders/4711/items";
                exchange(&on, &policy, subjects(client), path, &clock);
            })
        });
    });
    let memory = vec![1_u8; MEMORY];
    let mut at = 0_usize;
    criterion.bench_function("behaviour/one load from memory", |bencher| {
        bencher.iter_custom(|rounds| {
            timed(rounds, || {
                // Where the next one is depends on what this one holds.
                let next = at.wrapping_mul(0x5851_f42d_4c95_7f2d) + usize::from(memory[at]);
                at = black_box((next ^ (next >> 32)) % MEMORY);
            })
        });
    });
    criterion.bench_function("behaviour/one of a few subjects", |bencher| {
        bencher.iter_custom(|rounds| {
            timed(rounds, || {
                n = n.wrapping_add(1);
                clock.advance(Duration::from_millis(5));
                let path = b"/api/v1/orders/4711/items";
                exchange(&on, &policy, subjects(n % 16), path, &clock);
            })
        });
    });
    let off = Behaviour::default();
    criterion.bench_function("behaviour/off", |bencher| {
        bencher.iter(|| {
            exchange(
                &off,
                &policy,
                subjects(1),
                b"/api/v1/orders/4711/items",
                &clock,
            )
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().measurement_time(Duration::from_secs(8)).sample_size(30);
    targets = behaviour
}
criterion_main!(benches);
