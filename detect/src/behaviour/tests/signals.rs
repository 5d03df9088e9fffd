//! Signals that compare a client with the others: where they go from a place, what they ask there and how much of it,
//! how long that takes, and in whose hands a session is. Each with somebody who only looks like it.

use super::*;

/// Screens of an application: from each a list, an item of it, and back, now and then the settings.
const SCREENS: [[&str; 3]; 3] = [
    ["/home", "/list?page=1&size=20", "/item/4711"],
    ["/list?page=2&size=50", "/item/4712", "/item/4712/notes"],
    ["/item/4713", "/item/4713/notes", "/home"],
];

/// People who go where the application leads them.
fn people(town: &Town, from: u32, count: u32) -> Tally {
    let mut tally = Tally::default();
    let mut numbers = Numbers(u64::from(from) + 9);
    for n in from..from + count {
        let who = town
            .someone(&format!("192.0.{}.{}", n / 200, n % 200), "Firefox")
            .session(town, &format!("person{n}"))
            .browser();
        for _ in 0..10 {
            for target in SCREENS[numbers.below(3) as usize] {
                tally.add(town.ask(&who, "GET", target, 200));
                town.wait(40);
            }
            let odd = numbers.below(30) == 0;
            tally.add(town.ask(&who, "GET", if odd { "/settings" } else { "/home" }, 200));
            town.wait(3000);
        }
    }
    tally
}

/// Somebody who takes the same places in another order, twenty times.
fn jump(town: &Town, who: &Someone) -> Tally {
    let mut tally = Tally::default();
    for n in 0..40_usize {
        let target = [
            "/item/9/notes",
            "/settings",
            "/item/9/notes",
            "/list?page=1&size=20",
        ][n % 4];
        tally.add(town.ask(who, "GET", target, 200));
        town.wait(1500);
    }
    tally
}

fn stranger(town: &Town, name: &str) -> Someone {
    let who = town.someone("203.0.113.5", "Chrome");
    who.session(town, name)
}

#[test]
fn an_order_that_no_screen_has_is_throttled_in_a_browser() {
    let town = Town::new();
    let all = people(&town, 0, 200);
    assert_eq!(all.passed, all.asked, "people");
    let jumped = jump(&town, &stranger(&town, "a").browser());
    assert!(
        jumped.stopped.is_some_and(|at| at <= 20) && jumped.banned.is_none_or(|at| at > 25),
        "{jumped:?}"
    );
    // An app may fetch what it likes in the order it likes.
    let app = jump(&town, &stranger(&town, "b"));
    assert_eq!(app.passed, app.asked, "{app:?}");
    let all = people(&town, 200, 20);
    assert_eq!(all.passed, all.asked, "people, afterwards");
}

#[test]
fn before_the_usual_order_is_known_nobody_is_judged_by_it() {
    let town = Town::new();
    people(&town, 0, 20);
    let jumped = jump(&town, &stranger(&town, "a").browser());
    assert_eq!(jumped.passed, jumped.asked, "{jumped:?}");
}

#[test]
fn a_new_release_makes_nobody_a_stranger_for_long() {
    let town = Town::new();
    people(&town, 0, 200);
    town.wait(7_200_000);
    let mut stopped = 0;
    for n in 0..60 {
        let who = town
            .someone(&format!("198.51.100.{n}"), "Firefox")
            .session(&town, &format!("new{n}"))
            .browser();
        stopped += u32::from(jump(&town, &who).stopped.is_some());
    }
    assert!(stopped <= 12, "{stopped} of 60 before it was understood");
}

#[test]
fn parameters_that_nobody_else_sends_are_fuzzing_and_one_of_them_a_tracker() {
    let town = Town::new();
    people(&town, 0, 60);
    let names = ["debug", "admin", "role", "uid", "callback", "next", "file"];
    let mut fuzzed = Tally::default();
    let mut tracked = Tally::default();
    let (fuzzer, visitor) = (
        town.someone("203.0.113.5", "ffuf"),
        town.someone("203.0.113.6", "Firefox"),
    );
    for n in 0..60_usize {
        // The application knows none of them and answers as if nothing were.
        let odd = format!("/list?page=1&{}_{}=x", names[n % 7], n / 7);
        fuzzed.add(town.ask(&fuzzer, "GET", &odd, 200));
        let link = format!("/list?page={}&gclid=c0ffee{n}", n % 5);
        tracked.add(town.ask(&visitor, "GET", &link, 200));
        town.wait(2000);
    }
    assert!(fuzzed.stopped.is_some_and(|at| at <= 24), "{fuzzed:?}");
    assert_eq!(tracked.passed, tracked.asked, "{tracked:?}");
}

/// Somebody asks for something slow sixty times; how many others use it as well, in every visit.
fn slow(others: u32, who: impl Fn(&Town) -> Someone) -> Tally {
    let town = Town::new();
    for n in 0..60 {
        let who = town
            .someone(&format!("192.0.2.{n}"), "Firefox")
            .session(&town, &format!("person{n}"));
        for round in 0..20 {
            town.ask_for(&who, "GET", ["/home", "/list"][round % 2], 200, 20);
            town.wait(1000);
        }
        if n < others.max(25) {
            town.ask_for(&who, "GET", "/report", 200, 450);
        }
        if n >= others {
            continue;
        }
        for _ in 0..3 {
            town.ask_for(&who, "GET", "/report", 200, 450);
            town.wait(1000);
        }
    }
    // Long enough for the first visits of others to fade, where they do not come back.
    let mut tally = Tally::default();
    let who = who(&town);
    town.wait(if others == 0 { 3_600_000 * 2 } else { 0 });
    for n in 0..30 {
        let who = town
            .someone(&format!("198.51.100.{n}"), "Firefox")
            .session(&town, &format!("later{n}"));
        for _ in 0..20 {
            town.ask_for(&who, "GET", "/home", 200, 20);
            town.wait(500);
        }
    }
    for _ in 0..60 {
        tally.add(town.ask_for(&who, "GET", "/report", 200, 450));
        town.wait(2000);
    }
    tally
}

#[test]
fn reports_that_few_ask_for_exhaust_and_what_all_ask_for_does_not() {
    let somebody = |town: &Town| town.someone("203.0.113.5", "Chrome").session(town, "s");
    let rare = slow(0, somebody);
    assert!(rare.stopped.is_some_and(|at| at <= 40), "{rare:?}");
    let usual = slow(60, somebody);
    assert_eq!(usual.passed, usual.asked, "{usual:?}");
    let partner = slow(0, |town| town.someone("203.0.113.5", "sync").key(town, "k"));
    assert_eq!(partner.passed, partner.asked, "{partner:?}");
}

#[test]
fn where_a_service_is_slow_for_all_nobody_is_to_blame() {
    let town = Town::new();
    let people: Vec<Someone> = (0..30)
        .map(|n| town.someone(&format!("198.51.{n}.7"), "Firefox"))
        .collect();
    let busy = town.someone("192.0.2.7", "Firefox");
    let mut tally = Tally::default();
    for round in 0..900 {
        let ms = if round < 600 { 100 } else { 6000 };
        let target = ["/home", "/list"][round % 2];
        tally.add(town.ask_for(&people[round % 30], "GET", target, 200, ms));
        if round % 10 == 0 {
            tally.add(town.ask_for(&busy, "GET", "/list", 200, ms));
        }
        town.wait(200);
    }
    assert_eq!(tally.passed, tally.asked, "{tally:?}");
}

#[test]
fn pages_larger_than_anybody_asks_for_are_greedy() {
    for (size, expected) in [(50, false), (100, false), (200, true), (500, true)] {
        let town = Town::new();
        people(&town, 0, 60);
        let who = town.someone("203.0.113.5", "Chrome").session(&town, "s");
        let mut tally = Tally::default();
        for n in 0..25 {
            let target = format!("/list?page={}&size={size}", n % 4);
            tally.add(town.ask(&who, "GET", &target, 200));
            town.wait(2000);
        }
        assert_eq!(tally.stopped.is_some(), expected, "{size}: {tally:?}");
    }
}

#[test]
fn a_session_in_another_browser_elsewhere_is_stopped_long_after_its_owner_left() {
    // Seconds since the owner left, program and address of the other, whether it is stopped at once.
    for (gone, agent, address, expected) in [
        (1500, "python", "203.0.113.5", true),
        (5, "python", "203.0.113.5", true),
        // The same browser on another network; another browser at home; much later.
        (1500, "Firefox", "203.0.113.5", false),
        (1500, "python", "192.0.2.9", false),
        (7200, "python", "203.0.113.5", false),
    ] {
        let town = Town::new();
        let owner = town.someone("192.0.2.1", "Firefox").session(&town, "s");
        for _ in 0..10 {
            town.ask(&owner, "GET", "/home", 200);
            town.wait(5000);
        }
        town.wait(gone * 1000);
        let other = town.someone(address, agent).session(&town, "s");
        let reaction = town.ask(&other, "GET", "/home", 200);
        assert_eq!(
            reaction != Reaction::None,
            expected,
            "{gone} {agent} {address}"
        );
    }
}
