//! Requests made to hurt, through the whole engine with the shipped rules: each ends soon, in little memory, and with
//! something that says what it was.

#![allow(
    clippy::print_stderr,
    reason = "the figures are for the person who runs it"
)]

#[path = "../../benches/hostile.rs"]
mod hostile;
#[path = "support/near_misses.rs"]
mod near_misses;

use std::alloc::{GlobalAlloc, Layout, System};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use portcullis_config::load_rules;
use portcullis_detect::ruletest::{Case, OwnedRequest};
use portcullis_detect::{
    Detector, Origin, Policy, RuleSet, RuleSpec, Subjects, SystemClock, Worker,
};

/// What is allocated now, and the most that ever was. This file holds one test, so nobody else allocates meanwhile.
struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: all work is handed to the system's allocator; only sizes are counted.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(live, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// The most that one inspection may take beside the request itself, patterns compiled for it included.
const MEMORY: usize = 64 << 20;
/// 50 ms are allowed to a release build (`cargo bench --bench inspect bad_input`); tests run ten times slower on
/// machines that do other things too.
const PATIENCE: Duration = Duration::from_millis(1500);
/// What all workers together may keep after attackers have made the caches of every pattern grow that they could.
const CACHES: usize = 32 << 20;
/// How many workers that are; each further one adds as much as the second.
const WORKERS: usize = 2;

fn detector() -> Detector {
    let rules = load_rules::<RuleSpec>(None).expect("the shipped rules load");
    let specs = rules.into_iter().map(|rule| {
        let origin = Origin {
            file: rule.file.into(),
            line: 0,
        };
        (origin, rule.value)
    });
    Detector::new(RuleSet::compile(specs.collect()).expect("the shipped rules compile"))
}

#[test]
fn bad_input_ends_soon_in_little_memory_and_is_evidence() {
    let detector = detector();
    let mut worker = Worker::default();
    for (name, request) in &hostile::requests() {
        let live = LIVE.load(Ordering::Relaxed);
        PEAK.store(live, Ordering::Relaxed);
        let mut best = Duration::MAX;
        for _ in 0..3 {
            let started = Instant::now();
            let said = inspect(&detector, &mut worker, request);
            best = best.min(started.elapsed());
            assert!(said, "{name} left no trace");
        }
        let memory = PEAK.load(Ordering::Relaxed) - live;
        eprintln!("{name}: {best:?}, {} KiB", memory >> 10);
        assert!(best < PATIENCE, "{name} took {best:?}");
        assert!(memory < MEMORY, "{name} took {memory} bytes");
    }
    caches_stay_small(&detector, worker);
}

/// Runs an inspection; whether it found anything, or left something out and said so.
fn inspect(detector: &Detector, worker: &mut Worker, request: &OwnedRequest) -> bool {
    let policy = Policy {
        paranoia: 4,
        ..Policy::default()
    };
    let subjects = Subjects::of(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let verdict =
        request.with(|request| detector.inspect(worker, request, &policy, &subjects, &SystemClock));
    !verdict.evidence.is_empty() || verdict.uninspected.fields
}

/// Near misses of every rule make every automaton grow. The first worker also compiles what was not yet; what the
/// second one adds is what each worker costs.
fn caches_stay_small(detector: &Detector, first: Worker) {
    let texts = near_misses::near_misses();
    let attack = |mut worker: Worker| {
        for (_, text) in &texts {
            let case = Case {
                arg: Some(near_misses::fill(text, 1024)),
                body: Some(near_misses::fill(text, 8 * 1024)),
                ..Case::default()
            };
            let request = OwnedRequest::of(&case).expect("a request");
            inspect(detector, &mut worker, &request);
        }
        worker
    };
    let first = attack(first);
    let before = LIVE.load(Ordering::Relaxed);
    let second = std::thread::scope(|scope| {
        let other = scope.spawn(|| attack(Worker::default()));
        other.join().expect("no panic")
    });
    let each = LIVE.load(Ordering::Relaxed).saturating_sub(before);
    eprintln!("each worker keeps {} KiB", each >> 10);
    assert!(each * WORKERS < CACHES, "each worker keeps {each} bytes");
    drop((first, second));
}
