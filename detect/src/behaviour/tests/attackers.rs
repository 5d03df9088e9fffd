//! Attackers. Each must be stopped within so many requests.

use super::*;

type Attack = fn(&Town, &mut Tally);

#[test]
fn every_attacker_is_stopped() {
    // Name, within how many requests stopped, whether banned, the attack.
    let attacks: [(&str, u32, bool, Attack); 22] = [
        ("brute force", 10, true, brute_force),
        ("brute force, eleven at once", 10, false, parallel),
        ("brute force without a known user", 12, true, blind),
        ("brute force from many addresses", 20, false, distributed),
        ("credential stuffing", 12, true, stuffing),
        (
            "credential stuffing from many addresses",
            60,
            true,
            spread_stuffing,
        ),
        ("password spraying from many addresses", 12, false, spraying),
        (
            "password spraying, each try from elsewhere with another program",
            180,
            false,
            disguised_spraying,
        ),
        (
            "stuffing, each try from elsewhere with a program that never gets in",
            60,
            false,
            cold_stuffing,
        ),
        ("scraping a list by its cursors", 60, true, cursors),
        (
            "objects refused between many that are allowed",
            300,
            true,
            hidden_objects,
        ),
        ("account take-over", 12, false, takeover),
        ("scraping page after page", 60, true, pages),
        ("scraping objects in any order", 250, true, objects),
        (
            "enumeration of objects that are refused",
            20,
            true,
            refused_objects,
        ),
        (
            "enumeration of objects that are not protected",
            50,
            true,
            open_objects,
        ),
        ("parameter fuzzing", 30, true, fuzzing),
        ("greedy requests", 15, true, greedy),
        ("expensive requests", 40, true, expensive),
        ("stolen session", 40, true, hijack),
        (
            "stolen session, same program",
            12,
            true,
            hijack_same_program,
        ),
        ("forged tokens", 5, true, forged),
    ];
    for (name, within, banned, attack) in attacks {
        let town = Town::new();
        let mut tally = Tally::default();
        attack(&town, &mut tally);
        assert!(
            tally.stopped.is_some_and(|at| at <= within),
            "{name}: {tally:?}"
        );
        assert_eq!(tally.banned.is_some(), banned, "{name}: {tally:?}");
    }
}

#[test]
fn brute_force_gets_fewer_than_ten_tries() {
    let town = Town::new();
    let mut tally = Tally::default();
    brute_force(&town, &mut tally);
    assert!(tally.passed < 10, "{tally:?}");
}

fn brute_force(town: &Town, tally: &mut Tally) {
    let who = town.someone("203.0.113.5", "python");
    for attempt in 0..60 {
        tally.add(town.login(&who, "ann", &format!("guess{attempt}"), 401));
        town.wait(700);
    }
}

fn parallel(town: &Town, tally: &mut Tally) {
    let mut who = town.someone("203.0.113.5", "python");
    who.subjects.attempt = Some(Attempt {
        user: town.state.hashing().user(b"ann"),
        secret: None,
    });
    // None is answered before all are asked.
    for _ in 0..11 {
        tally.add(town.judge(&who, "POST", "/login", 0.0).unwrap().reaction);
    }
}

fn blind(town: &Town, tally: &mut Tally) {
    let who = town.someone("203.0.113.5", "python");
    for _ in 0..60 {
        tally.add(town.ask(&who, "POST", "/api/login", 401));
        town.wait(900);
    }
}

fn distributed(town: &Town, tally: &mut Tally) {
    for attempt in 0..40 {
        let who = town.someone(
            &format!("203.0.{}.{attempt}", 113 + attempt),
            &format!("agent{}", attempt % 5),
        );
        tally.add(town.login(&who, "ann", &format!("guess{attempt}"), 401));
        town.wait(5000);
    }
}

fn stuffing(town: &Town, tally: &mut Tally) {
    let who = town.someone("203.0.113.5", "Chrome");
    for pair in 0..60 {
        let status = if pair % 40 == 3 { 200 } else { 401 };
        tally.add(town.login(&who, &format!("user{pair}"), &format!("pw{pair}"), status));
        town.wait(1500);
    }
}

fn spread_stuffing(town: &Town, tally: &mut Tally) {
    for pair in 0..200_u32 {
        let who = town.someone(
            &format!("203.{}.113.{}", pair / 50, pair / 2 % 250),
            "Go-http-client",
        );
        tally.add(town.login(&who, &format!("user{pair}"), &format!("pw{pair}"), 401));
        town.wait(800);
    }
}

fn spraying(town: &Town, tally: &mut Tally) {
    for user in 0..60_u32 {
        let who = town.someone(
            &format!("203.{user}.113.7"),
            ["curl", "wget"][user as usize % 2],
        );
        tally.add(town.login(&who, &format!("user{user}"), "Winter2026!", 401));
        town.wait(20_000);
    }
}

fn disguised_spraying(town: &Town, tally: &mut Tally) {
    for user in 0..240_u32 {
        let who = town.someone(&format!("203.{user}.113.7"), &format!("agent{user}"));
        tally.add(town.login(&who, &format!("user{user}"), "Winter2026!", 401));
        town.wait(3000);
    }
}

fn cold_stuffing(town: &Town, tally: &mut Tally) {
    for pair in 0..200_u32 {
        let who = town.someone(&format!("203.{pair}.113.9"), "Go-http-client");
        tally.add(town.login(&who, &format!("user{pair}"), &format!("pw{pair}"), 401));
        town.wait(5000);
    }
}

fn cursors(town: &Town, tally: &mut Tally) {
    let who = town.someone("203.0.113.5", "Chrome");
    for page in 0..400 {
        tally.add(town.ask(&who, "GET", &format!("/feed?cursor=c{page}x"), 200));
        town.wait(900);
    }
}

fn hidden_objects(town: &Town, tally: &mut Tally) {
    let owner = town.someone("192.0.2.1", "Firefox").session(town, "o");
    for n in 0..300 {
        town.ask(&owner, "GET", &format!("/orders/{}", n * 37), 200);
        town.wait(2000);
    }
    let who = town.someone("203.0.113.5", "Chrome").session(town, "s");
    for n in 0..600_u64 {
        let status = if n % 12 == 0 { 403 } else { 200 };
        tally.add(town.ask(
            &who,
            "GET",
            &format!("/orders/{}", 50_000 + n * 101),
            status,
        ));
        tally.add(town.ask(&who, "GET", "/orders", 200));
        town.wait(2000);
    }
}

fn takeover(town: &Town, tally: &mut Tally) {
    let mut owner = town
        .someone("192.0.2.1", "iPhone")
        .user(town, "ann")
        .session(town, "own");
    owner.subjects.country = Some(*b"CH");
    for _ in 0..60 {
        assert_eq!(town.ask(&owner, "GET", "/feed", 200), Reaction::None);
        town.wait(30_000);
    }
    let mut thief = town.someone("203.0.113.5", "Chrome on Linux");
    thief.subjects.country = Some(*b"XX");
    for guess in 0..4 {
        tally.add(town.login(
            &thief,
            "ann",
            &format!("{guess}"),
            if guess == 3 { 200 } else { 401 },
        ));
    }
    let mut thief = thief.user(town, "ann").session(town, "stolen");
    thief.subjects.country = Some(*b"XX");
    for target in [
        "/account/email",
        "/account/password",
        "/wallet/transfer",
        "/wallet/withdraw",
    ] {
        assert_eq!(
            town.ask(&owner, "GET", "/feed", 200),
            Reaction::None,
            "the owner stays in"
        );
        tally.add(town.ask(&thief, "POST", target, 200));
        town.wait(4000);
    }
    assert_eq!(
        town.ask(&owner, "GET", "/feed", 200),
        Reaction::None,
        "the owner is not banned"
    );
}

fn pages(town: &Town, tally: &mut Tally) {
    let who = town.someone("203.0.113.5", "python-requests");
    for page in 1..400 {
        tally.add(town.ask(&who, "GET", &format!("/products?page={page}"), 200));
        town.wait(900);
    }
}

fn objects(town: &Town, tally: &mut Tally) {
    let mut numbers = Numbers(3);
    let who = town.someone("203.0.113.5", "Chrome");
    for _ in 0..900 {
        tally.add(town.ask(
            &who,
            "GET",
            &format!("/products/{}", numbers.below(1 << 40)),
            200,
        ));
        town.wait(1500);
    }
}

fn refused_objects(town: &Town, tally: &mut Tally) {
    let mut numbers = Numbers(4);
    let who = town
        .someone("203.0.113.5", "Chrome")
        .session(town, "s")
        .user(town, "mallory");
    for _ in 0..60 {
        let status = if numbers.below(5) == 0 { 200 } else { 403 };
        tally.add(town.ask(
            &who,
            "GET",
            &format!("/orders/{}", numbers.below(1 << 30)),
            status,
        ));
        town.wait(2000);
    }
}

fn open_objects(town: &Town, tally: &mut Tally) {
    let who = town
        .someone("203.0.113.5", "Chrome")
        .session(town, "s")
        .user(town, "mallory");
    for id in 7000..7200 {
        tally.add(town.ask(&who, "GET", &format!("/orders/{id}"), 200));
        town.wait(1000);
    }
}

fn fuzzing(town: &Town, tally: &mut Tally) {
    let mut numbers = Numbers(5);
    let who = town.someone("203.0.113.5", "wfuzz").session(town, "s");
    for n in 0..120 {
        let status = [200, 400, 500, 422][numbers.below(4) as usize];
        tally.add(town.ask(
            &who,
            "GET",
            &format!("/search?q=%{n:02x}&debug{n}=1"),
            status,
        ));
        town.wait(300);
    }
}

fn greedy(town: &Town, tally: &mut Tally) {
    let who = town.someone("203.0.113.5", "curl").session(town, "s");
    for n in 0..80 {
        tally.add(town.ask(&who, "GET", &format!("/export?limit=50000&q={n}"), 200));
        town.wait(1000);
    }
}

fn expensive(town: &Town, tally: &mut Tally) {
    let others = town.someone("192.0.2.1", "Firefox").session(town, "o");
    for _ in 0..50 {
        town.ask(&others, "GET", "/search?q=a", 200);
        town.wait(1000);
    }
    let who = town.someone("203.0.113.5", "curl").session(town, "s");
    for n in 0..200 {
        tally.add(town.ask_for(&who, "GET", &format!("/search?q=a*{n}*b"), 200, 4000));
        town.wait(1000);
    }
}

fn hijack(town: &Town, tally: &mut Tally) {
    let owner = town
        .someone("192.0.2.1", "Firefox")
        .session(town, "s")
        .user(town, "ann");
    let thief = town
        .someone("203.0.113.5", "python")
        .session(town, "s")
        .user(town, "ann");
    for _ in 0..20 {
        town.ask(&owner, "GET", "/feed", 200);
        town.wait(20_000);
    }
    for _ in 0..30 {
        town.ask(&owner, "GET", "/feed", 200);
        town.wait(4000);
        tally.add(town.ask(&thief, "GET", "/account", 200));
        town.wait(4000);
    }
}

fn hijack_same_program(town: &Town, tally: &mut Tally) {
    let mut owner = town.someone("192.0.2.1", "Chrome").session(town, "s");
    let mut thief = town.someone("203.0.113.5", "Chrome").session(town, "s");
    (owner.subjects.system, thief.subjects.system) = (Some(64500), Some(64501));
    for _ in 0..30 {
        town.ask(&owner, "GET", "/feed", 200);
        town.wait(9000);
        tally.add(town.ask(&thief, "GET", "/account", 200));
        town.wait(9000);
    }
}

fn forged(town: &Town, tally: &mut Tally) {
    let mut who = town.someone("203.0.113.5", "curl");
    who.subjects.token = Token::Forged;
    for _ in 0..30 {
        tally.add(town.ask(&who, "GET", "/admin", 401));
        town.wait(1000);
    }
}

#[test]
fn spoofed_addresses_and_false_crawlers() {
    for (claim, crawler, expected) in [
        (Claim::Internal, Crawler::None, true),
        (Claim::Private, Crawler::None, false),
        (Claim::None, Crawler::None, false),
        (Claim::None, Crawler::Claimed, false),
        (Claim::None, Crawler::Verified, false),
        (Claim::None, Crawler::False, true),
    ] {
        let town = Town::new();
        let mut who = town.someone("203.0.113.5", "agent");
        who.subjects.claim = claim;
        who.subjects.crawler = crawler;
        let mut tally = Tally::default();
        for n in 0..20 {
            tally.add(town.ask(&who, "GET", &format!("/page{}", n % 5), 200));
            town.wait(1000);
        }
        assert_eq!(
            tally.banned.is_some(),
            expected,
            "{claim:?} {crawler:?} {tally:?}"
        );
    }
}

#[test]
fn another_public_address_with_every_request() {
    let town = Town::new();
    let mut tally = Tally::default();
    for n in 0..30_u32 {
        let mut who = town.someone("203.0.113.5", "agent");
        let claim = town.state.hashing().name("claim", &n.to_be_bytes());
        who.subjects.claim = Claim::Public(claim);
        tally.add(town.ask(&who, "GET", "/", 200));
        town.wait(500);
    }
    assert!(tally.banned.is_some_and(|at| at <= 12), "{tally:?}");
}

#[test]
fn floods() {
    // Requests a second, places, seconds, whether it is stopped.
    for (rate, places, seconds, expected) in [
        (1, 1, 900, false),
        (5, 20, 120, false),
        (10, 20, 60, false),
        (25, 1, 30, true),
        (60, 20, 30, true),
        (500, 50, 5, true),
    ] {
        let town = Town::new();
        let who = town.someone("203.0.113.5", "agent");
        let mut tally = Tally::default();
        for n in 0..rate * seconds {
            tally.add(town.ask(
                &who,
                "GET",
                &format!(
                    "/page/of/{}",
                    ["a", "b"][n as usize % 2].repeat(1 + n as usize % places)
                ),
                200,
            ));
            town.wait(1000 / rate as u64);
        }
        assert_eq!(
            tally.stopped.is_some(),
            expected,
            "{rate}/s at {places}: {tally:?}"
        );
    }
}

#[test]
fn a_surge_sheds_those_who_came_with_it() {
    let town = Town::new();
    let regulars: Vec<Someone> = (0..40)
        .map(|n| {
            town.someone(&format!("192.0.2.{n}"), "Firefox")
                .session(&town, &format!("s{n}"))
        })
        .collect();
    let bots: Vec<Someone> = (0..200)
        .map(|n| town.someone(&format!("203.0.113.{n}"), "bot"))
        .collect();
    let mut numbers = Numbers(6);
    let mut good = Tally::default();
    let mut bad = Tally::default();
    for second in 0..900_u64 {
        for _ in 0..20 {
            let who = &regulars[numbers.below(40) as usize];
            let target =
                ["/feed", "/search?q=a", "/cart", "/news", "/me"][numbers.below(5) as usize];
            good.add(town.ask(who, "GET", target, 200));
        }
        if second >= 600 {
            for _ in 0..600 {
                bad.add(town.ask(
                    &bots[numbers.below(200) as usize],
                    "GET",
                    "/search?q=a",
                    200,
                ));
            }
        }
        town.wait(1000);
    }
    assert_eq!(good.passed, good.asked, "{good:?}");
    assert!(bad.passed * 20 < bad.asked, "{bad:?}");
}

#[test]
fn repeated_attacks_ban_and_one_rule_that_errs_does_not() {
    let town = Town::new();
    let attacker = town.someone("203.0.113.5", "sqlmap");
    let unlucky = town.someone("192.0.2.1", "Firefox");
    let mut tally = Tally::default();
    for n in 0..20 {
        let judged = town.judge(&attacker, "GET", &format!("/item?q={n}"), 90.0);
        tally.add(judged.map_or_else(|refused| refused, |judged| judged.reaction));
        // The same value on the same page, between others.
        assert_eq!(
            town.judge(&unlucky, "GET", "/item?q=union", 90.0)
                .unwrap()
                .reaction,
            Reaction::None
        );
        assert_eq!(
            town.ask(&unlucky, "GET", &format!("/page{n}"), 200),
            Reaction::None
        );
        town.wait(1000);
    }
    assert!(tally.banned.is_some_and(|at| at <= 10), "{tally:?}");
}
