//! Many behind one address: the one who attacks is stopped, the others are not.

use super::*;

/// An office in which thirty people work, and one program that attacks.
fn office(
    attack: impl Fn(&Town, &Someone, u32) -> Reaction,
    attacker: impl Fn(&Town) -> Someone,
) -> (Town, Tally, Tally) {
    let town = Town::new();
    let people: Vec<Someone> = (0..30)
        .map(|n| {
            let who = town.someone("198.51.100.1", ["Firefox", "Chrome"][n % 2]);
            who.session(&town, &format!("s{n}"))
                .user(&town, &format!("user{n}"))
        })
        .collect();
    let mut numbers = Numbers(7);
    let attacker = attacker(&town);
    let (mut good, mut bad) = (Tally::default(), Tally::default());
    for round in 0..3000 {
        let who = &people[numbers.below(30) as usize];
        let target = ["/feed", "/tasks", "/mail", "/calendar"][numbers.below(4) as usize];
        good.add(town.ask(who, "GET", target, 200));
        if round >= 600 && round % 2 == 0 {
            bad.add(attack(&town, &attacker, round));
        }
        town.wait(300);
    }
    (town, good, bad)
}

#[test]
fn a_scanner_in_the_office_is_banned_without_the_office() {
    let (town, good, bad) = office(
        |town, who, n| town.ask(who, "GET", &format!("/old/backup{n}.zip"), 404),
        |town| town.someone("198.51.100.1", "nikto"),
    );
    assert_eq!(good.passed, good.asked, "{good:?}");
    assert!(bad.banned.is_some(), "{bad:?}");
    let kinds: Vec<SubjectKind> = town
        .state
        .bans()
        .export()
        .iter()
        .map(|ban| ban.subject.kind)
        .collect();
    assert!(!kinds.contains(&SubjectKind::Address), "{kinds:?}");
}

#[test]
fn a_scanner_with_the_office_browser_is_banned_by_its_session() {
    let (town, good, bad) = office(
        |town, who, n| town.ask(who, "GET", &format!("/old/backup{n}.zip"), 404),
        |town| {
            town.someone("198.51.100.1", "Firefox")
                .session(town, "evil")
        },
    );
    assert_eq!(good.passed, good.asked, "{good:?}");
    assert!(bad.banned.is_some(), "{bad:?}");
    let bans = town.state.bans().export();
    assert!(
        bans.iter()
            .all(|ban| ban.subject.kind == SubjectKind::Session),
        "{bans:?}"
    );
}

#[test]
fn password_guessing_in_the_office_does_not_lock_the_office_out() {
    let (town, good, bad) = office(
        |town, who, n| town.login(who, "boss", &format!("{n}"), 401),
        |town| town.someone("198.51.100.1", "python"),
    );
    assert_eq!(good.passed, good.asked, "{good:?}");
    assert!(bad.stopped.is_some_and(|at| at <= 10), "{bad:?}");
    let colleague = town.someone("198.51.100.1", "Chrome");
    assert_eq!(
        town.login(&colleague, "user3", "right", 200),
        Reaction::None
    );
}

#[test]
fn an_attacker_alone_at_his_address_is_banned_by_address() {
    let town = Town::new();
    let mut tally = Tally::default();
    for n in 0..60 {
        // Another program name with every request does not help.
        let who = town.someone("203.0.113.5", &format!("agent{n}"));
        tally.add(town.ask(&who, "GET", &format!("/old/backup{n}.zip"), 404));
        town.wait(300);
    }
    assert!(tally.banned.is_some_and(|at| at <= 40), "{tally:?}");
    let bans = town.state.bans().export();
    assert_eq!(bans[0].subject, "203.0.113.5".parse().unwrap());
}

#[test]
fn the_owner_of_an_account_under_attack_gets_in() {
    let town = Town::new();
    let owner = town.someone("192.0.2.1", "Firefox");
    let signed_in = owner.user(&town, "ann").session(&town, "s");
    for _ in 0..20 {
        town.ask(&signed_in, "GET", "/feed", 200);
        town.wait(10_000);
    }
    for attempt in 0..100 {
        let who = town.someone(&format!("203.0.{attempt}.7"), "bot");
        town.login(&who, "ann", &format!("{attempt}"), 401);
        town.wait(1000);
    }
    assert_eq!(town.login(&owner, "ann", "right", 200), Reaction::None);
}

#[test]
fn who_does_well_passes_a_ban_of_the_address() {
    let town = Town::new();
    let regular = town.someone("198.51.100.1", "App").session(&town, "s");
    for _ in 0..10 {
        town.ask(&regular, "GET", "/feed", 200);
        town.wait(10_000);
    }
    let attacker = town.someone("198.51.100.1", "nikto");
    let address = SubjectId::address(attacker.subjects.client);
    town.state.bans().add(Ban {
        subject: address,
        since: MORNING,
        until: None,
        offences: 1,
        cause: "endpoint-enumeration".to_owned(),
        programs: 0,
    });
    assert_eq!(town.behaviour.check(&regular.subjects, &town.clock), None);
    assert!(
        town.behaviour
            .check(&attacker.subjects, &town.clock)
            .is_some()
    );
    let mut stranger = attacker.session(&town, "new");
    assert!(
        town.behaviour
            .check(&stranger.subjects, &town.clock)
            .is_some()
    );
    stranger.subjects.token = Token::Valid;
    assert_eq!(town.behaviour.check(&stranger.subjects, &town.clock), None);
}

#[test]
fn who_is_robbed_of_a_session_is_not_slowed_down() {
    let town = Town::new();
    let [owner, thief] = [("192.0.2.1", "Firefox"), ("203.0.113.5", "python")]
        .map(|(address, agent)| town.someone(address, agent).session(&town, "s"));
    for _ in 0..20 {
        assert_eq!(town.ask(&owner, "GET", "/feed", 200), Reaction::None);
        town.wait(20_000);
    }
    let taken = town.ask(&thief, "GET", "/account", 200);
    assert!(matches!(taken, Reaction::Throttle { .. }), "{taken:?}");
    town.wait(4000);
    assert_eq!(town.ask(&owner, "GET", "/feed", 200), Reaction::None);
    town.wait(4000);
    let again = town.ask(&thief, "GET", "/account", 200);
    assert!(matches!(again, Reaction::Ban { .. }), "{again:?}");
}
