//! What is done, to whom, and when it is over.

use super::*;

fn scan(town: &Town, who: &Someone, requests: u32) -> Tally {
    let mut tally = Tally::default();
    for n in 0..requests {
        tally.add(town.ask(who, "GET", &format!("/old/backup{n}.zip"), 404));
        town.wait(200);
    }
    tally
}

#[test]
fn a_ban_ends_by_itself_and_the_next_is_longer() {
    let town = Town::new();
    let who = town.someone("203.0.113.5", "nikto");
    let mut lengths = Vec::new();
    for _ in 0..3 {
        assert!(scan(&town, &who, 60).banned.is_some());
        let ban = town
            .state
            .bans()
            .find("203.0.113.5".parse().unwrap())
            .unwrap();
        lengths.push((ban.until.unwrap() - ban.since).as_secs());
        town.wait(1000 * (lengths.last().unwrap() + 1));
        assert_eq!(
            town.behaviour.check(&who.subjects, &town.clock),
            None,
            "it is over"
        );
    }
    assert_eq!(lengths, [300, 1200, 4800]);
}

#[test]
fn who_stops_is_forgiven() {
    let town = Town::new();
    let who = town.someone("203.0.113.5", "nikto");
    assert!(scan(&town, &who, 17).stopped.is_some());
    town.wait(2 * 3600 * 1000);
    let mut tally = Tally::default();
    for page in 0..20 {
        tally.add(town.ask(&who, "GET", &format!("/page{}", page % 4), 200));
        town.wait(3000);
    }
    assert_eq!(tally.passed, 20);
    let judged = town.judge(&who, "GET", "/", 0.0).unwrap();
    assert_eq!(judged.risk, Risk::default());
}

#[test]
fn observing_advises_and_bans_nobody() {
    let mut town = Town::new();
    town.policy.behaviour = Watch::Observe;
    let who = town.someone("203.0.113.5", "nikto");
    let tally = scan(&town, &who, 60);
    assert!(tally.banned.is_some());
    assert_eq!(town.state.bans().counts().added, 0);
    assert_eq!(town.behaviour.check(&who.subjects, &town.clock), None);
}

#[test]
fn without_bans_requests_are_denied_one_by_one() {
    let town = Town::with(Settings {
        enabled: true,
        bans: BanSettings {
            enabled: false,
            ..BanSettings::default()
        },
        ..Settings::default()
    });
    let who = town.someone("203.0.113.5", "nikto");
    let mut denied = false;
    for n in 0..60 {
        denied |= town.ask(&who, "GET", &format!("/old/backup{n}.zip"), 404) == Reaction::Deny;
    }
    let judged = town.judge(&who, "GET", "/old/x", 0.0).unwrap();
    assert!(denied || matches!(judged.reaction, Reaction::Throttle { .. }));
    assert_eq!(town.state.bans().counts().live, 0);
}

#[test]
fn the_allow_list_is_judged_and_left_alone() {
    let town = Town::with(Settings {
        enabled: true,
        allow: vec!["203.0.113.0/24".parse().unwrap()],
        ..Settings::default()
    });
    let who = town.someone("203.0.113.5", "nikto");
    town.state.bans().add(Ban {
        subject: SubjectId::address(who.subjects.client),
        since: MORNING,
        until: None,
        offences: 1,
        cause: "by hand".to_owned(),
        programs: 0,
    });
    let tally = scan(&town, &who, 60);
    assert_eq!(tally.passed, 60);
    let judged = town.judge(&who, "GET", "/old/x", 0.0).unwrap();
    assert!(!judged.findings.is_empty());
}

#[test]
fn an_exception_silences_a_detector() {
    for (rule, silent) in [
        ("behaviour-endpoint-enumeration", true),
        ("behaviour-*", true),
        ("behaviour-flood", false),
    ] {
        let mut town = Town::new();
        town.policy.exceptions.push(crate::policy::Exception {
            rule: Some(rule.to_owned()),
            path: Some("/old/*".to_owned()),
            ..Default::default()
        });
        let who = town.someone("203.0.113.5", "nikto");
        let tally = scan(&town, &who, 60);
        assert_eq!(tally.passed == 60, silent, "{rule} {tally:?}");
    }
}

#[test]
fn what_is_off_does_nothing() {
    let off = Town::with(Settings::default());
    let who = off.someone("203.0.113.5", "nikto");
    assert!(!off.behaviour.is_on() && off.behaviour.state().is_none());
    assert_eq!(off.behaviour.check(&who.subjects, &off.clock), None);
    let mut town = Town::new();
    town.policy.behaviour = Watch::Off;
    let request = Request {
        client: who.subjects.client,
        method: "GET",
        scheme: "https",
        host: "",
        path: b"/",
        query: None,
        headers: &[],
        body: Body::EMPTY,
        route: "",
    };
    let judged = town
        .behaviour
        .judge(&who.subjects, &request, 0.0, &town.policy, &town.clock);
    assert_eq!(judged, None);
    assert_eq!(town.state.counts().subjects, 0);
}

#[test]
fn bans_survive_a_restart() {
    let town = Town::new();
    let who = town.someone("203.0.113.5", "nikto");
    scan(&town, &who, 60);
    let written = serde_json::to_string(&town.state.bans().export()).unwrap();
    let reborn = Town::new();
    reborn
        .state
        .bans()
        .import(serde_json::from_str::<Vec<Ban>>(&written).unwrap());
    assert!(
        reborn
            .behaviour
            .check(&who.subjects, &reborn.clock)
            .is_some()
    );
    // Twice changes nothing.
    reborn
        .state
        .bans()
        .import(serde_json::from_str::<Vec<Ban>>(&written).unwrap());
    assert_eq!(reborn.state.bans().counts().added, 1);
    assert!(reborn.state.bans().remove("203.0.113.5".parse().unwrap()));
    assert!(
        reborn
            .behaviour
            .check(&who.subjects, &reborn.clock)
            .is_none()
    );
}

#[test]
fn what_is_known_outlives_the_settings() {
    let town = Town::new();
    let who = town.someone("203.0.113.5", "nikto");
    let before = scan(&town, &who, 9);
    assert_eq!(before.stopped, None);
    let reloaded = Town {
        behaviour: Behaviour::new(
            Arc::new(Settings {
                enabled: true,
                ..Settings::default()
            }),
            town.state.clone(),
        ),
        ..town
    };
    let mut tally = Tally::default();
    for n in 100..106 {
        tally.add(reloaded.ask(&who, "GET", &format!("/old/backup{n}.zip"), 404));
    }
    assert!(tally.stopped.is_some(), "{tally:?}");
}

#[test]
fn a_finding_becomes_evidence_and_score() {
    let town = Town::new();
    let detector = crate::Detector::default().with_behaviour(town.behaviour.clone());
    let who = town.someone("203.0.113.5", "nikto");
    scan(&town, &who, 15);
    let request = Request {
        client: who.subjects.client,
        method: "GET",
        scheme: "https",
        host: "shop.example.org",
        path: b"/old/file.zip",
        query: None,
        headers: &[],
        body: Body::EMPTY,
        route: "shop",
    };
    let mut worker = crate::Worker::default();
    let verdict = detector.inspect(
        &mut worker,
        &request,
        &town.policy,
        &who.subjects,
        &town.clock,
    );
    assert_eq!(verdict.action, crate::Action::Throttle, "{verdict:?}");
    assert_eq!(&*verdict.evidence[0].rule, "behaviour-endpoint-enumeration");
    assert_eq!(verdict.evidence[0].field, "address:203.0.113.5");
    assert_eq!(verdict.category, Some(crate::Category::Scanner));
    assert!(verdict.stages.behaviour.is_some());
    let json = serde_json::to_value(&verdict).unwrap();
    assert_eq!(json["behaviour"]["risk"]["subject"], "address:203.0.113.5");
    let unwatched = detector.inspect(
        &mut worker,
        &request,
        &Policy::default(),
        &who.subjects,
        &town.clock,
    );
    assert_eq!((unwatched.score, unwatched.behaviour), (0.0, None));
}

#[test]
fn nodes_tell_each_other() {
    let (here, there) = (Town::new(), Town::new());
    for n in 0..6 {
        let who = here.someone(&format!("203.0.{n}.5"), "bot");
        here.login(&who, "ann", &format!("{n}"), 401);
    }
    let deltas = here.state.take_deltas(1000);
    assert!(here.state.take_deltas(1000).is_empty());
    for delta in &deltas {
        let text = serde_json::to_string(delta).unwrap();
        there
            .state
            .apply(&serde_json::from_str(&text).unwrap(), &there.clock);
    }
    let mut tally = Tally::default();
    for n in 10..16 {
        let who = there.someone(&format!("203.0.{n}.5"), "bot");
        tally.add(there.login(&who, "ann", &format!("{n}"), 401));
    }
    assert!(
        tally.stopped.is_some(),
        "six there and five here are more than ten: {tally:?}"
    );
}

#[test]
fn an_unanswered_login_is_no_failure() {
    let town = Town::new();
    let mut who = town.someone("203.0.113.5", "app");
    who.subjects.attempt = Some(Attempt {
        user: town.state.hashing().user(b"ann"),
        secret: None,
    });
    // The server is broken: nobody's password is wrong.
    for _ in 0..6 {
        assert_eq!(town.ask(&who, "POST", "/login", 503), Reaction::None);
        town.wait(2000);
    }
    let user = SubjectId::new(SubjectKind::User, town.state.hashing().user(b"ann"));
    let failed = town.state.portrait(user).unwrap().login_failures;
    assert!(failed <= 3.0, "{failed}");
}
