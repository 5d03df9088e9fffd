use std::collections::{HashMap, HashSet};

use super::super::line::{self, Format};
use super::super::site::SITES;
use super::*;

fn bytes(seed: u64) -> String {
    let plan = Plan {
        seed,
        duration: 2.0 * HOUR,
        start: 9.0 * HOUR,
        load: 2.0,
        attacks: 0.3,
        most: 200,
        ..Plan::default()
    };
    let mut text = String::new();
    for event in Offline::new(&plan).take(8_000) {
        line::write(&event, Format::Json, &mut text);
    }
    text
}

#[test]
fn the_same_seed_is_the_same_bytes_and_another_is_not() {
    let first = bytes(5);
    assert!(first.lines().count() > 4_000);
    assert!(first == bytes(5));
    assert!(first != bytes(6));
}

#[test]
fn time_passes_forward_within_its_bounds() {
    let plan = Plan {
        duration: HOUR,
        start: 8.0 * HOUR,
        load: 3.0,
        attacks: 0.3,
        most: 300,
        ..Plan::default()
    };
    let mut traffic = Offline::new(&plan);
    let (mut last, mut most) = (EPOCH + plan.start, 0);
    while let Some(event) = traffic.next() {
        assert!(event.time >= last && event.time < EPOCH + plan.start + plan.duration);
        last = event.time;
        most = most.max(traffic.world().present());
    }
    assert!(last > EPOCH + plan.start + 0.9 * plan.duration);
    assert!(most < 3_000, "{most}");
    assert_eq!(traffic.world().turned_away(), 0);
}

#[test]
fn load_and_share_are_about_what_was_asked_for() {
    let plan = Plan {
        duration: 24.0 * HOUR,
        load: 1.5,
        attacks: 0.2,
        most: 400,
        ..Plan::default()
    };
    let (mut normal, mut hostile) = (0u32, 0u32);
    for event in Offline::new(&plan) {
        if event.act.who.is_attacker() {
            hostile += 1
        } else {
            normal += 1
        }
    }
    let rate = f64::from(normal) / plan.duration;
    assert!((0.5 * plan.load..2.0 * plan.load).contains(&rate), "{rate}");
    let share = f64::from(hostile) / f64::from(hostile + normal);
    assert!((0.08..0.45).contains(&share), "{share}");
}

#[test]
fn nights_are_quieter_than_evenings() {
    let plan = Plan {
        duration: 24.0 * HOUR,
        load: 1.5,
        attacks: 0.0,
        ..Plan::default()
    };
    let mut hours = [0u32; 24];
    for event in Offline::new(&plan) {
        let who = &event.act.who;
        if ["browser", "app", "visitor"].contains(&who.scenario) {
            hours[((event.time - EPOCH) / HOUR) as usize] += 1;
        }
    }
    let (night, evening): (u32, u32) = (hours[2..5].iter().sum(), hours[18..21].iter().sum());
    assert!(evening > 3 * night, "{hours:?}");
}

#[test]
fn everybody_is_there_and_labels_agree() {
    let plan = Plan {
        duration: 24.0 * HOUR,
        load: 2.0,
        attacks: 0.3,
        most: 300,
        ..Plan::default()
    };
    let mut kinds: HashMap<&str, u32> = HashMap::new();
    let mut scenario_of: HashMap<u32, &str> = HashMap::new();
    let (mut normal, mut hostile) = (HashSet::new(), HashSet::new());
    for event in Offline::new(&plan) {
        let who = &event.act.who;
        *kinds.entry(who.scenario).or_default() += 1;
        match who.group {
            Some(group) => {
                assert_eq!(
                    *scenario_of.entry(group).or_insert(who.scenario),
                    who.scenario
                );
                assert_eq!(who.hostile, who.class != "cover", "{who:?}");
                assert!(!who.variant.is_empty() && !who.victim);
                hostile.insert(who.actor);
            }
            None => {
                assert_eq!((who.class, who.hostile, who.variant), ("benign", false, ""));
                normal.insert(who.actor);
            }
        }
        assert_eq!(event.act.request.header("host"), Some(SITES[who.site].host));
    }
    assert!(normal.is_disjoint(&hostile));
    for scenario in &SCENARIOS {
        assert!(
            kinds.contains_key(scenario.name),
            "{} is missing",
            scenario.name
        );
    }
    for population in &POPULATIONS {
        assert!(
            kinds.contains_key(population.name),
            "{} is missing",
            population.name
        );
    }
}

#[test]
fn normal_traffic_is_messy_and_mostly_fine() {
    let plan = Plan {
        duration: 12.0 * HOUR,
        start: 8.0 * HOUR,
        load: 2.0,
        attacks: 0.0,
        ..Plan::default()
    };
    let mut statuses: HashMap<u16, f64> = HashMap::new();
    let mut total = 0.0;
    for event in Offline::new(&plan) {
        *statuses.entry(event.answer.status).or_default() += 1.0;
        total += 1.0;
        assert!(event.answer.latency_ms > 0.0);
    }
    let share = |from: u16, to: u16| {
        statuses
            .iter()
            .filter(|(status, _)| (from..=to).contains(*status))
            .map(|(_, count)| count / total)
            .sum::<f64>()
    };
    assert!(share(200, 399) > 0.9, "{statuses:?}");
    for status in [201, 304, 401, 404, 423] {
        assert!(statuses.contains_key(&status), "{status}: {statuses:?}");
    }
    assert!((0.002..0.06).contains(&share(404, 404)), "{statuses:?}");
    assert!((0.002..0.06).contains(&share(401, 401)), "{statuses:?}");
}

#[test]
fn a_number_of_campaigns_can_be_asked_for() {
    let ddos = super::super::attack::scenario("scraping").unwrap();
    let plan = Plan {
        duration: 6.0 * HOUR,
        load: 0.2,
        scenarios: vec![ddos],
        campaigns: Some(5),
        most: 200,
        ..Plan::default()
    };
    let groups: HashSet<u32> = Offline::new(&plan)
        .filter_map(|event| event.act.who.group)
        .collect();
    assert_eq!(groups.len(), 5);
}
