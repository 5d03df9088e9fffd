//! How much memory the behaviour stage takes, measured at the allocator: a million subjects, and ten million keys that
//! pour through. A binary of its own, since the allocator is counted for the whole process.

use std::alloc::{GlobalAlloc, Layout, System};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use portcullis_detect::behaviour::{Behaviour, Hashing, Outcome, Settings, State};
use portcullis_detect::{Body, Policy, Request, Subjects, Timeline, Watch};

/// Counts the bytes that are allocated.
struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);

// SAFETY: it hands every call on to the system's allocator and only adds up sizes.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const MEGABYTE: usize = 1_000_000;

#[test]
fn ten_million_keys_pour_through_400_megabytes() {
    let before = LIVE.load(Ordering::Relaxed);
    let settings = Settings {
        enabled: true,
        ..Settings::default()
    };
    let clock = Timeline::starting(Duration::from_secs(1_767_603_600));
    let state = Arc::new(State::new(&settings.memory, Hashing::new(1), &clock));
    let behaviour = Behaviour::new(Arc::new(settings), state.clone());
    let policy = Policy {
        behaviour: Watch::Enforce,
        ..Policy::default()
    };
    let mut most = 0;
    for n in 0..10_000_000_u32 {
        // Each of the last million comes four times, so that profiles are given out as well.
        let times = if n >= 9_900_000 { 4 } else { 1 };
        let address = IpAddr::V4(Ipv4Addr::from(n.wrapping_mul(0x9e37_79b1)));
        for _ in 0..times {
            visit(&behaviour, &policy, address, &clock);
        }
        clock.advance(Duration::from_micros(100));
        if n % 65_536 == 0 {
            most = most.max(LIVE.load(Ordering::Relaxed) - before);
        }
    }
    let live = LIVE.load(Ordering::Relaxed) - before;
    let counts = state.counts();
    println!(
        "at most {} MB, {} MB at the end, {counts:?}",
        most / MEGABYTE,
        live / MEGABYTE
    );
    assert!(counts.subjects > 950_000, "{counts:?}");
    assert!(counts.profiles > 45_000, "{counts:?}");
    assert!(counts.subjects_evicted > 8_900_000, "{counts:?}");
    assert!(most.max(live) <= 400 * MEGABYTE, "{most} {live}");
    let off = counts.bytes.abs_diff(live);
    assert!(
        off < live / 20,
        "the metric says {} of {live}",
        counts.bytes
    );
}

fn visit(behaviour: &Behaviour, policy: &Policy, client: IpAddr, clock: &Timeline) {
    let request = Request {
        client,
        method: "GET",
        scheme: "https",
        host: "example.org",
        path: b"/",
        query: None,
        headers: &[],
        body: Body::EMPTY,
        route: "all",
    };
    let subjects = Subjects::of(client);
    let judged = behaviour.judge(&subjects, &request, 0.0, policy, clock);
    let outcome = Outcome {
        visit: judged.expect("the stage is on").visit,
        ..Outcome::of(subjects, 200)
    };
    behaviour.observe(&outcome, clock);
}
