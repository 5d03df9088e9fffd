use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use super::super::message::Event;
use super::super::world::{Offline, Plan};
use super::*;

/// What the campaigns of one attack send, by group.
fn campaigns(name: &str, count: u32) -> HashMap<u32, Vec<Event>> {
    let plan = Plan {
        seed: 11,
        duration: 86_400.0,
        load: 0.05,
        scenarios: vec![scenario(name).unwrap()],
        campaigns: Some(count),
        most: 250,
        ..Plan::default()
    };
    let mut groups: HashMap<u32, Vec<Event>> = HashMap::new();
    for event in Offline::new(&plan) {
        if let Some(group) = event.act.who.group {
            groups.entry(group).or_default().push(event);
        }
    }
    groups
}

fn share(events: &[Event], holds: impl Fn(&Event) -> bool) -> f64 {
    events.iter().filter(|event| holds(event)).count() as f64 / events.len() as f64
}

#[test]
fn names_are_unique_and_ranges_are_ranges() {
    let names: HashSet<&str> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
    assert_eq!(names.len(), SCENARIOS.len());
    for variant in SCENARIOS.iter().flat_map(|scenario| scenario.variants) {
        assert!(variant.members.0 >= 1 && variant.members.0 <= variant.members.1);
        assert!(variant.rate.0 > 0.0 && variant.rate.0 <= variant.rate.1);
        assert!(variant.budget.0 >= 10 && variant.budget.0 <= variant.budget.1);
    }
    assert!(scenario("nonsense").is_none());
}

#[test]
fn every_attack_is_carried_out_in_all_its_variants() {
    for scenario in &SCENARIOS {
        let groups = campaigns(scenario.name, scenario.variants.len() as u32);
        let variants: HashSet<&str> = groups
            .values()
            .map(|events| events[0].act.who.variant)
            .collect();
        assert_eq!(variants.len(), scenario.variants.len(), "{}", scenario.name);
        for events in groups.values() {
            let hostile = share(events, |event| event.act.who.hostile);
            assert!(
                events.len() >= 8 && hostile > 0.1,
                "{}/{}: {} {hostile}",
                scenario.name,
                events[0].act.who.variant,
                events.len()
            );
        }
    }
}

#[test]
fn log_ins_fail_as_they_would() {
    for name in ["credential-stuffing", "brute-force", "password-spraying"] {
        for events in campaigns(name, 3).values() {
            let failed = share(events, |event| {
                !event.act.who.hostile || matches!(event.answer.status, 401 | 423)
            });
            assert!(failed > 0.8, "{name}: {failed}");
        }
    }
    let one_account = |events: &[Event]| {
        events
            .iter()
            .map(|event| {
                event
                    .act
                    .request
                    .body
                    .split("password")
                    .next()
                    .map(str::to_owned)
            })
            .collect::<HashSet<_>>()
            .len()
            == 1
    };
    assert!(
        campaigns("brute-force", 3)
            .values()
            .all(|events| one_account(events))
    );
    assert!(
        campaigns("password-spraying", 3)
            .values()
            .all(|events| !one_account(events))
    );
    let locked = campaigns("brute-force", 3)
        .into_values()
        .flatten()
        .any(|event| event.answer.status == 423);
    assert!(locked, "an account under attack is locked in the end");
    let inside = campaigns("account-takeover", 4)
        .into_values()
        .flatten()
        .filter(|event| event.answer.status < 300)
        .count();
    assert!(inside > 20, "{inside}");
}

#[test]
fn what_is_foreign_is_mostly_not_given() {
    for events in campaigns("object-enumeration", 4).values() {
        let hostile: Vec<Event> = events
            .iter()
            .filter(|event| event.act.who.hostile)
            .cloned()
            .collect();
        let refused = share(&hostile, |event| {
            matches!(event.answer.status, 401 | 403 | 404)
        });
        assert!(refused > 0.7, "{}: {refused}", events[0].act.who.variant);
    }
    let scans = campaigns("endpoint-scan", 3);
    assert!(
        scans
            .values()
            .all(|events| share(events, |event| event.answer.status >= 400) > 0.7)
    );
}

#[test]
fn spread_attacks_are_spread_and_others_are_not() {
    for name in ["credential-stuffing", "scraping", "ddos"] {
        for events in campaigns(name, 4).values() {
            let addresses: HashSet<IpAddr> =
                events.iter().map(|event| event.act.who.client()).collect();
            match events[0].act.who.variant {
                "spread" | "botnet" => assert!(addresses.len() > 3, "{name}: {}", addresses.len()),
                "one-source" | "sequential" | "lists" | "polite" => assert!(addresses.len() <= 3),
                _ => {}
            }
        }
    }
}

#[test]
fn stolen_sessions_open_and_forged_tokens_do_not() {
    for events in campaigns("session-hijack", 4).values() {
        let opened = events
            .iter()
            .filter(|event| event.act.who.hostile && event.answer.status < 300)
            .count();
        assert!(opened > 3, "{opened} of {}", events.len());
    }
    let forged = campaigns("forged-token", 4);
    assert!(
        forged
            .values()
            .flatten()
            .filter(|event| event.act.who.hostile)
            .all(|event| event.answer.status >= 400)
    );
}

#[test]
fn victims_go_on_while_they_are_robbed() {
    let plan = Plan {
        duration: 86_400.0,
        load: 0.05,
        scenarios: vec![scenario("session-hijack").unwrap()],
        campaigns: Some(3),
        ..Plan::default()
    };
    let victims: HashSet<u64> = Offline::new(&plan)
        .filter(|event| event.act.who.victim)
        .map(|event| event.act.who.actor)
        .collect();
    assert!(!victims.is_empty() && victims.len() <= 3, "{victims:?}");
}

#[test]
fn insiders_have_a_past_on_the_same_device() {
    for events in campaigns("behaviour-anomaly", 4).values() {
        let agents: HashSet<_> = events
            .iter()
            .map(|event| event.act.request.header("user-agent").map(str::to_owned))
            .collect();
        let accounts: HashSet<_> = events.iter().map(|event| event.act.who.account).collect();
        assert_eq!((agents.len(), accounts.len()), (1, 1));
    }
}
