//! What behaviour costs a request at a million live subjects: judging it and taking in its answer, with an address, a
//! session and a user, drawn at random so that no cache helps.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use portcullis_detect::behaviour::{Behaviour, Hashing, Outcome, Settings, State, SubjectHash};
use portcullis_detect::{Body, Clock, Policy, Request, Subjects, Timeline, Watch};

/// Clients, each of which is an address, a session and a user.
const CLIENTS: u32 = 333_000;

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
        bencher.iter(|| {
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

criterion_group!(benches, behaviour);
criterion_main!(benches);
