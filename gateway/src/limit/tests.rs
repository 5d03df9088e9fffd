use governor::clock::FakeRelativeClock;

use super::*;

const fn number(n: u32) -> NonZeroU32 {
    match NonZeroU32::new(n) {
        Some(n) => n,
        None => panic!("zero"),
    }
}

fn spec(key: LimitKey, count: u32, seconds: u64, burst: u32) -> LimitSpec {
    LimitSpec {
        key,
        count: number(count),
        period: Duration::from_secs(seconds),
        burst: number(burst),
    }
}

struct World {
    clock: FakeRelativeClock,
    limits: Limits,
    keys: IntGauge,
    evictions: IntCounter,
}

impl World {
    fn new() -> Self {
        let clock = FakeRelativeClock::default();
        clock.advance(Duration::from_secs(1000));
        let keys = IntGauge::new("keys", "keys").unwrap();
        let evictions = IntCounter::new("evictions", "evictions").unwrap();
        Self {
            limits: Limits::new(
                LimitClock::Fake(clock.clone()),
                keys.clone(),
                evictions.clone(),
            ),
            clock,
            keys,
            evictions,
        }
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// How many requests of `client` pass in a row.
fn passes(set: &LimitSet, client: &str) -> u32 {
    let headers = HeaderMap::new();
    (0..10_000)
        .take_while(|_| {
            set.check(ip(client), &headers, "/")
                .unwrap()
                .decision
                .allowed
        })
        .count() as u32
}

#[test]
fn the_burst_passes_and_then_the_rate() {
    let world = World::new();
    let set = world
        .limits
        .set("default", &[spec(LimitKey::Client, 100, 60, 100)]);
    let headers = HeaderMap::new();
    let first = set.check(ip("192.0.2.1"), &headers, "/").unwrap().decision;
    assert_eq!(
        first,
        Decision {
            allowed: true,
            limit: 100,
            remaining: 99,
            reset_seconds: 1,
            retry_after_seconds: 0
        }
    );
    assert_eq!(passes(&set, "192.0.2.1"), 99);
    let refused = set.check(ip("192.0.2.1"), &headers, "/").unwrap().decision;
    assert_eq!(
        refused,
        Decision {
            allowed: false,
            limit: 100,
            remaining: 0,
            reset_seconds: 60,
            retry_after_seconds: 1
        }
    );
    assert_eq!(
        passes(&set, "192.0.2.2"),
        100,
        "another client is not touched"
    );
    world.clock.advance(Duration::from_secs(6));
    assert_eq!(passes(&set, "192.0.2.1"), 10);
    world.clock.advance(Duration::from_secs(3600));
    assert_eq!(
        passes(&set, "192.0.2.1"),
        100,
        "a rest fills the bucket and no more"
    );
}

#[test]
fn retry_after_keeps_its_word() {
    let world = World::new();
    let set = world
        .limits
        .set("default", &[spec(LimitKey::Client, 1, 30, 2)]);
    assert_eq!(passes(&set, "192.0.2.1"), 2);
    let refused = set
        .check(ip("192.0.2.1"), &HeaderMap::new(), "/")
        .unwrap()
        .decision;
    assert_eq!(
        (refused.retry_after_seconds, refused.reset_seconds),
        (30, 60)
    );
    world.clock.advance(Duration::from_secs(29));
    assert_eq!(passes(&set, "192.0.2.1"), 0);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(passes(&set, "192.0.2.1"), 1);
}

#[test]
fn keys_group_requests_as_documented() {
    let world = World::new();
    let by = |key| {
        let set = world.limits.set("keys", &[spec(key, 1, 60, 1)]);
        Arc::clone(&set.limiters[0])
    };
    let header = HeaderName::from_static("x-api-key");
    let with = |value: &'static str| {
        HeaderMap::from_iter([(header.clone(), HeaderValue::from_static(value))])
    };
    let none = HeaderMap::new();
    let (client, route, key) = (
        by(LimitKey::Client),
        by(LimitKey::Route),
        by(LimitKey::Header(header.clone())),
    );
    for (what, limiter, one, two, same) in [
        (
            "two addresses",
            &client,
            ("192.0.2.1", &none, "/"),
            ("192.0.2.2", &none, "/"),
            false,
        ),
        (
            "two routes",
            &client,
            ("192.0.2.1", &none, "/a"),
            ("192.0.2.1", &none, "/b"),
            true,
        ),
        (
            "one /64",
            &client,
            ("2001:db8::1", &none, "/"),
            ("2001:db8::ffff:1", &none, "/"),
            true,
        ),
        (
            "two /64",
            &client,
            ("2001:db8::1", &none, "/"),
            ("2001:db8:0:1::1", &none, "/"),
            false,
        ),
        (
            "a mapped address",
            &client,
            ("192.0.2.1", &none, "/"),
            ("::ffff:192.0.2.1", &none, "/"),
            true,
        ),
        (
            "one route",
            &route,
            ("192.0.2.1", &none, "/"),
            ("192.0.2.2", &none, "/"),
            true,
        ),
        (
            "other routes",
            &route,
            ("192.0.2.1", &none, "/"),
            ("192.0.2.1", &none, "/a"),
            false,
        ),
        (
            "one key",
            &key,
            ("192.0.2.1", &with("k"), "/"),
            ("192.0.2.2", &with("k"), "/"),
            true,
        ),
        (
            "two keys",
            &key,
            ("192.0.2.1", &with("k"), "/"),
            ("192.0.2.1", &with("l"), "/"),
            false,
        ),
        (
            "no key",
            &key,
            ("192.0.2.1", &none, "/"),
            ("192.0.2.1", &none, "/"),
            true,
        ),
        (
            "no key, two clients",
            &key,
            ("192.0.2.1", &none, "/"),
            ("192.0.2.2", &none, "/"),
            false,
        ),
    ] {
        let hash = |(client, headers, route): (&str, &HeaderMap, &str)| {
            limiter.key(ip(client), headers, route)
        };
        assert_eq!(hash(one) == hash(two), same, "{what}");
    }
}

#[test]
fn a_reload_refills_no_bucket() {
    let world = World::new();
    let unchanged = [
        spec(LimitKey::Client, 60, 60, 10),
        spec(LimitKey::Route, 600, 60, 1000),
    ];
    let old = world.limits.set("default", &unchanged);
    assert_eq!(passes(&old, "192.0.2.1"), 10);
    let new = world.limits.set("default", &unchanged);
    assert!(Arc::ptr_eq(&old.limiters[0], &new.limiters[0]));
    drop(old);
    assert_eq!(passes(&new, "192.0.2.1"), 0);

    // Another rate, a burst twice as large, another order: what was used stays used.
    let changed = [
        spec(LimitKey::Route, 600, 60, 1000),
        spec(LimitKey::Client, 6, 60, 20),
    ];
    let newer = world.limits.set("default", &changed);
    drop(new);
    assert_eq!(passes(&newer, "192.0.2.1"), 10);
    assert_eq!(passes(&newer, "192.0.2.2"), 20);

    // A smaller burst does not hold the client back for longer than that burst takes.
    let smaller = world
        .limits
        .set("default", &[spec(LimitKey::Client, 60, 60, 5)]);
    drop(newer);
    assert_eq!(passes(&smaller, "192.0.2.1"), 0);
    world.clock.advance(Duration::from_secs(5));
    assert_eq!(passes(&smaller, "192.0.2.1"), 5);
}

#[test]
fn state_goes_with_the_last_snapshot_that_uses_it() {
    let world = World::new();
    let specs = [spec(LimitKey::Client, 60, 60, 10)];
    let set = world.limits.set("default", &specs);
    assert_eq!(passes(&set, "192.0.2.1"), 10);
    assert_eq!(world.keys.get(), 1);
    drop(set);
    assert_eq!(world.keys.get(), 0);
    let set = world.limits.set("default", &specs);
    assert_eq!(passes(&set, "192.0.2.1"), 10);
    assert!(
        world
            .limits
            .set("none", &[])
            .check(ip("192.0.2.1"), &HeaderMap::new(), "/")
            .is_none()
    );
}

#[test]
fn ten_million_keys_fit_and_wash_no_limit_away() {
    let world = World::new();
    let set = world
        .limits
        .set("default", &[spec(LimitKey::Client, 60, 60, 10)]);
    assert_eq!(passes(&set, "192.0.2.1"), 10);
    let limiter = &set.limiters[0];
    let before = limiter.table.bytes();
    assert_eq!(before, 1 << 20);
    let mut key = 1u64;
    for _ in 0..10_000_000 {
        // A multiplicative generator (Knuth, MMIX): 10 million different keys.
        key = key
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        assert!(limiter.check(key).allowed);
    }
    assert_eq!(limiter.table.bytes(), before);
    assert_eq!(world.keys.get(), 65_536);
    assert!(
        world.evictions.get() > 9_900_000,
        "{}",
        world.evictions.get()
    );
    assert_eq!(
        passes(&set, "192.0.2.1"),
        0,
        "the one that is held back is still held back"
    );
}

#[test]
fn reusing_the_slot_of_an_idle_key_is_no_eviction() {
    let world = World::new();
    let set = world
        .limits
        .set("default", &[spec(LimitKey::Client, 60, 60, 10)]);
    for round in 0..4u64 {
        for key in 0..40_000u64 {
            let key = (round << 32 | key).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
            assert!(set.limiters[0].check(key).allowed);
        }
        world.clock.advance(Duration::from_secs(60));
    }
    // 40,000 random keys leave few of 8,192 sets with more than eight of them.
    assert!(world.evictions.get() < 4_000, "{}", world.evictions.get());
}

#[test]
fn threads_share_one_bucket_exactly() {
    let world = World::new();
    let set = world
        .limits
        .set("default", &[spec(LimitKey::Client, 1, 60, 5_000)]);
    let passed: u32 = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| passes(&set, "192.0.2.1")))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    assert_eq!(passed, 5_000);
}

#[test]
fn absurd_limits_do_not_overflow() {
    let world = World::new();
    for (count, seconds, burst) in [
        (1, 86_400 * 365, u32::MAX),
        (u32::MAX, 1, u32::MAX),
        (u32::MAX, 1, 1),
        (1, u64::MAX / 4, 1),
    ] {
        let set = world
            .limits
            .set("absurd", &[spec(LimitKey::Client, count, seconds, burst)]);
        assert!(
            set.check(ip("192.0.2.1"), &HeaderMap::new(), "/")
                .unwrap()
                .decision
                .allowed,
            "{count} {seconds} {burst}"
        );
    }
}

#[test]
fn the_client_is_told_where_it_stands() {
    let world = World::new();
    let set = world.limits.set(
        "default",
        &[
            spec(LimitKey::Client, 100, 60, 100),
            spec(LimitKey::Client, 1, 10, 2),
        ],
    );
    let mut told = HeaderMap::new();
    let check = set.check(ip("192.0.2.1"), &HeaderMap::new(), "/").unwrap();
    assert_eq!(check.name(), "client-2");
    check.write_headers(&mut told);
    let expect = |told: &HeaderMap, list: &[(&str, Option<&str>)]| {
        for (name, value) in list {
            assert_eq!(
                told.get(*name).map(|v| v.to_str().unwrap()),
                *value,
                "{name}"
            );
        }
    };
    expect(
        &told,
        &[
            (
                "ratelimit-policy",
                Some("\"client\";q=100;w=60, \"client-2\";q=2;w=20"),
            ),
            ("ratelimit", Some("\"client-2\";r=1;t=10")),
            ("ratelimit-limit", Some("2")),
            ("ratelimit-remaining", Some("1")),
            ("ratelimit-reset", Some("10")),
            ("retry-after", None),
        ],
    );
    set.check(ip("192.0.2.1"), &HeaderMap::new(), "/");
    let mut told = HeaderMap::new();
    set.check(ip("192.0.2.1"), &HeaderMap::new(), "/")
        .unwrap()
        .write_headers(&mut told);
    expect(
        &told,
        &[
            ("ratelimit", Some("\"client-2\";r=0;t=20")),
            ("ratelimit-remaining", Some("0")),
            ("retry-after", Some("10")),
        ],
    );
}

/// A second gateway with the same secret, clock and limits.
fn pair(specs: &[LimitSpec]) -> (World, [Limits; 2], [LimitSet; 2]) {
    let world = World::new();
    let limits = [(); 2].map(|()| {
        let clock = LimitClock::Fake(world.clock.clone());
        Limits::new(clock, world.keys.clone(), world.evictions.clone()).shared(Hashing::new(7))
    });
    let sets = [0, 1].map(|at: usize| limits[at].set("default", specs));
    (world, limits, sets)
}

#[test]
fn what_one_gateway_let_through_the_other_charges() {
    let (_world, limits, sets) = pair(&[spec(LimitKey::Client, 60, 60, 20)]);
    let [here, there] = &sets;
    let headers = HeaderMap::new();
    for _ in 0..8 {
        here.check(ip("192.0.2.1"), &headers, "/");
    }
    here.check(ip("2001:db8::1"), &headers, "/");
    let passed = limits[0].passed(100);
    assert_eq!(passed.iter().map(|(_, _, count)| count).sum::<u32>(), 9);
    assert_eq!(limits[0].passed(100), [], "told once");
    limits[1].charge(&passed);
    assert_eq!(
        limits[1].passed(100),
        [],
        "what others let through is not told again"
    );
    assert_eq!(passes(there, "192.0.2.1"), 12);
    assert_eq!(passes(there, "2001:db8::2"), 19);
    assert_eq!(passes(there, "192.0.2.2"), 20);
    assert_eq!(
        limits[1].passed(100).len(),
        3,
        "refusals are not told, what passed is"
    );
}

#[test]
fn what_was_let_through_at_once_is_made_up_for_and_no_more() {
    let (world, limits, sets) = pair(&[spec(LimitKey::Client, 60, 60, 20)]);
    assert_eq!(
        sets.each_ref().map(|set| passes(set, "192.0.2.1")),
        [20, 20]
    );
    let passed = [0, 1].map(|at: usize| limits[at].passed(100));
    limits[0].charge(&passed[1]);
    limits[1].charge(&passed[0]);
    // Forty passed where twenty may: for twenty seconds nobody does, and then one in each second.
    for (wait, expected) in [(19, 0), (1, 0), (1, 1)] {
        world.clock.advance(Duration::from_secs(wait));
        assert_eq!(passes(&sets[0], "192.0.2.1"), expected, "{wait}");
    }
    // However much is charged, 64 requests or a burst are owed at the most.
    let (id, key, _) = passed[0][0];
    limits[1].charge(&[(id, key, u32::MAX), (id, key, u32::MAX)]);
    world.clock.advance(Duration::from_secs(66));
    assert_eq!(passes(&sets[1], "192.0.2.1"), 2);
}

#[test]
fn limits_that_nobody_shares_tell_nothing_and_strange_ones_are_passed_over() {
    let world = World::new();
    let specs = [spec(LimitKey::Client, 60, 60, 20)];
    let alone = world.limits.set("default", &specs);
    assert_eq!(passes(&alone, "192.0.2.1"), 20);
    assert_eq!(world.limits.passed(100), []);
    world.limits.charge(&[(1, 2, 3)]);
    let (_world, limits, sets) = pair(&specs);
    let other = limits[1].set("other", &specs);
    passes(&sets[0], "192.0.2.1");
    limits[1].charge(&limits[0].passed(100));
    assert_eq!(passes(&other, "192.0.2.1"), 20, "a limit of another policy");
}
