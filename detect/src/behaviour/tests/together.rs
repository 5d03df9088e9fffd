//! What many addresses do together, and those who happen to be beside them.

use super::*;

/// An hour of readers who look at what is popular and at what is new, each a few things and the files around them.
fn hour(town: &Town, tally: &mut Tally) {
    let mut numbers = Numbers(11);
    for round in 0..1800_u64 {
        let who = town.someone(
            &format!("192.0.{}.{}", round % 7, numbers.below(200)),
            "Firefox",
        );
        let newest = 9000 + round / 20;
        let item = if round % 2 == 0 {
            newest
        } else {
            5000 + numbers.below(300)
        };
        tally.add(town.ask(&who, "GET", &format!("/items/{item}"), 200));
        tally.add(town.ask(&who, "GET", "/static/app.js", 200));
        town.wait(2000);
    }
}

#[test]
fn a_walk_that_many_addresses_share() {
    for step in [1, 10] {
        let town = Town::new();
        let (mut good, mut bad) = (Tally::default(), Tally::default());
        hour(&town, &mut good);
        for n in 0..300_u64 {
            let who = town.someone(&format!("203.0.{}.5", n % 40), &format!("agent{}", n % 40));
            bad.add(town.ask(&who, "GET", &format!("/items/{}", 20_000 + n * step), 200));
            town.wait(500);
            if n % 10 == 0 {
                let reader = town.someone("192.0.9.9", "Firefox");
                good.add(town.ask(&reader, "GET", "/static/app.js", 200));
                good.add(town.ask(&reader, "GET", &format!("/items/{}", 5000 + n % 7), 200));
            }
        }
        assert_eq!(good.passed, good.asked, "{step}: {good:?}");
        assert!(bad.stopped.is_some_and(|at| at <= 60), "{step}: {bad:?}");
    }
}

#[test]
fn many_who_read_one_thing_only() {
    let town = Town::new();
    let mut numbers = Numbers(12);
    let (mut good, mut bad) = (Tally::default(), Tally::default());
    hour(&town, &mut good);
    for n in 0..600_u64 {
        let who = town.someone(&format!("203.0.{}.5", n % 40), &format!("agent{}", n % 40));
        bad.add(town.ask(
            &who,
            "GET",
            &format!("/items/{}", numbers.below(1 << 40)),
            200,
        ));
        town.wait(500);
    }
    assert_eq!(good.passed, good.asked, "{good:?}");
    assert!(bad.stopped.is_some_and(|at| at <= 320), "{bad:?}");
}

#[test]
fn a_place_that_is_always_read_that_way_is_left_alone() {
    let town = Town::new();
    let mut numbers = Numbers(13);
    let mut tally = Tally::default();
    // Pictures under names of their own: browsers read nothing else here.
    for n in 0..20_000_u64 {
        let who = town.someone(&format!("192.0.{}.{}", n / 2000, n / 20 % 100), "Firefox");
        tally.add(town.ask(
            &who,
            "GET",
            &format!("/thumbs/{}", numbers.below(1 << 40)),
            200,
        ));
        town.wait(300);
    }
    assert_eq!(tally.passed, tally.asked, "{tally:?}");
}

#[test]
fn the_neighbour_of_a_stuffer_gets_in() {
    let town = Town::new();
    let attacker = town.someone("198.51.100.1", "python");
    let mut tally = Tally::default();
    for n in 0..40 {
        tally.add(town.login(&attacker, &format!("user{n}"), &format!("pw{n}"), 401));
        town.wait(1000);
    }
    assert!(tally.banned.is_some(), "{tally:?}");
    let address: SubjectId = "198.51.100.1".parse().unwrap();
    assert!(
        town.state.bans().find(address).is_some(),
        "alone at the address"
    );
    let neighbour = town.someone("198.51.100.1", "App/5");
    assert_eq!(town.login(&neighbour, "ann", "right", 200), Reaction::None);
    let neighbour = neighbour.session(&town, "s");
    assert_eq!(town.ask(&neighbour, "GET", "/feed", 200), Reaction::None);
    assert_ne!(town.ask(&attacker, "GET", "/feed", 200), Reaction::None);
}

#[test]
fn who_changes_programs_loses_the_address() {
    let town = Town::new();
    let mut banned = 0;
    for program in 0..8 {
        let who = town.someone("198.51.100.1", &format!("agent{program}"));
        for n in 0..40 {
            let user = format!("user{program}-{n}");
            let reaction = town.login(&who, &user, "x", 401);
            banned += u32::from(matches!(reaction, Reaction::Ban { .. }));
            town.wait(500);
        }
    }
    assert!(banned >= 4, "{banned}");
    let stranger = town.someone("198.51.100.1", "never seen");
    assert_ne!(town.ask(&stranger, "GET", "/feed", 200), Reaction::None);
}

#[test]
fn a_common_password_during_a_spray_is_let_in() {
    let town = Town::new();
    for user in 0..60_u32 {
        let who = town.someone(&format!("203.{}.113.7", user % 20), "python");
        town.login(&who, &format!("user{user}"), "123456", 401);
        town.wait(5000);
    }
    for (address, agent) in [("192.0.2.1", "Firefox"), ("192.0.2.2", "App/5")] {
        let who = town.someone(address, agent);
        assert_eq!(
            town.login(&who, "ann", "123456", 200),
            Reaction::None,
            "{agent}"
        );
    }
}

#[test]
fn a_person_who_mistypes_the_name_during_a_wave_is_let_in() {
    let town = Town::new();
    for pair in 0..300_u32 {
        let who = town.someone(&format!("203.{}.113.9", pair % 100), "python");
        town.login(&who, &format!("user{pair}"), &format!("pw{pair}"), 401);
        town.wait(1000);
    }
    let who = town.someone("192.0.2.1", "Firefox");
    for (user, status) in [
        ("an", 401),
        ("ann", 401),
        ("ann", 401),
        ("ann", 401),
        ("ann", 200),
    ] {
        assert_eq!(
            town.login(&who, user, "right", status),
            Reaction::None,
            "{user}"
        );
        town.wait(6000);
    }
}

#[test]
fn a_user_is_known_tomorrow() {
    let town = Town::new();
    let user = town.someone("192.0.2.1", "Firefox").user(&town, "ann");
    for _ in 0..20 {
        town.ask(&user, "GET", "/feed", 200);
        town.wait(1000);
    }
    town.wait(20 * 3600 * 1000);
    town.ask(&user, "GET", "/feed", 200);
    let requests = |id| town.state.portrait(id).unwrap().requests;
    let [address, user] =
        [SubjectKind::Address, SubjectKind::User].map(|kind| user.subjects.id(kind).unwrap());
    assert_eq!((requests(address), requests(user)), (1, 21));
}

#[test]
fn a_hidden_program_that_writes_is_slowed_down() {
    let agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
    for (method, fetch, stopped) in [
        ("POST", false, true),
        ("POST", true, false),
        ("GET", false, false),
    ] {
        let town = Town::new();
        let who = town.someone("203.0.113.5", "script");
        let mut headers: Vec<(&str, &[u8])> = vec![
            ("user-agent", agent.as_bytes()),
            ("accept", b"*/*"),
            ("accept-encoding", b"gzip"),
        ];
        if fetch {
            headers.extend([("sec-fetch-mode", &b"cors"[..]), ("accept-language", b"en")]);
        }
        let mut tally = Tally::default();
        for _ in 0..40 {
            let request = Request {
                client: who.subjects.client,
                method,
                scheme: "https",
                host: "shop.example.org",
                path: b"/cart/items",
                query: None,
                headers: &headers,
                body: Body::EMPTY,
                route: "shop",
            };
            let judged =
                town.behaviour
                    .judge(&who.subjects, &request, 0.0, &town.policy, &town.clock);
            tally.add(judged.unwrap().reaction);
            town.wait(3000);
        }
        assert_eq!(
            tally.stopped.is_some(),
            stopped,
            "{method} {fetch}: {tally:?}"
        );
    }
}
