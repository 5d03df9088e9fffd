use super::*;

fn sighting(
    actor: u64,
    group: Option<u32>,
    scenario: &'static str,
    time: f64,
    decision: Decision,
) -> Sighting<'static> {
    let attacker = group.is_some();
    Sighting {
        actor,
        group,
        scenario,
        attacker,
        hostile: attacker,
        victim: false,
        time,
        decision,
        cause: None,
    }
}

fn scored(sightings: &[Sighting<'_>]) -> Table {
    let mut scorer = Scorer::default();
    for sighting in sightings {
        scorer.see(sighting);
    }
    scorer.table()
}

use Decision::{Banned, Denied, Passed, Refused, Throttled};

#[test]
fn a_group_is_one_actor_whoever_of_it_was_stopped() {
    let table = scored(&[
        sighting(1, Some(1), "ddos", 10.0, Passed),
        sighting(2, Some(1), "ddos", 11.0, Passed),
        sighting(3, Some(1), "ddos", 12.5, Throttled),
        sighting(1, Some(1), "ddos", 13.0, Passed),
        sighting(9, None, "app", 13.0, Passed),
    ]);
    let row = &table.rows[0];
    assert_eq!(
        (
            row.actors,
            row.detected,
            row.before,
            row.through,
            row.hostile
        ),
        (1, 1, 2.0, 3, 4)
    );
    assert_eq!(row.seconds, Some(2.5));
    assert_eq!((row.precision(), row.recall(), row.f1()), (1.0, 1.0, 1.0));
    assert_eq!(
        table.harmless[0],
        Harmless {
            kind: "app".into(),
            actors: 1,
            stopped: 0,
            requests: 1,
            requests_stopped: 0
        }
    );
}

#[test]
fn figures_follow_from_their_counts() {
    // (stopped, missed, false alarms) → precision, recall, F1
    for (stopped, missed, alarms, precision, recall, f1) in [
        (4, 0, 0, 1.0, 1.0, 1.0),
        (3, 1, 0, 1.0, 0.75, 6.0 / 7.0),
        (3, 1, 1, 0.75, 0.75, 0.75),
        (0, 2, 0, 1.0, 0.0, 0.0),
        (0, 2, 3, 0.0, 0.0, 0.0),
        (0, 0, 0, 1.0, 1.0, 1.0),
    ] {
        let mut all = Vec::new();
        for group in 0..stopped + missed {
            let decision = if group < stopped { Denied } else { Passed };
            all.push(sighting(
                group.into(),
                Some(group),
                "scraping",
                1.0,
                decision,
            ));
        }
        for actor in 0..alarms {
            all.push(sighting(100 + actor, None, "browser", 1.0, Banned));
        }
        let row = scored(&all).total;
        let near = |one: f64, other: f64| (one - other).abs() < 1e-9;
        assert!(
            near(row.precision(), precision) && near(row.recall(), recall) && near(row.f1(), f1),
            "{row:?}"
        );
    }
}

#[test]
fn a_refusal_is_no_detection_and_no_passage() {
    let table = scored(&[
        sighting(1, Some(1), "sqli", 1.0, Refused),
        sighting(1, Some(1), "sqli", 2.0, Refused),
    ]);
    assert_eq!((table.total.detected, table.total.through), (0, 0));
}

#[test]
fn what_is_stopped_before_the_attack_began_was_not_detected_for_it() {
    let early = Sighting {
        hostile: false,
        ..sighting(1, Some(1), "scan", 1.0, Denied)
    };
    let table = scored(&[early, sighting(1, Some(1), "scan", 5.0, Passed)]);
    assert_eq!((table.total.detected, table.total.actors), (0, 1));
    let only_cover = scored(&[early]);
    assert_eq!(only_cover.total.actors, 0);
}

#[test]
fn every_false_alarm_is_charged_once_in_all() {
    let named = Sighting {
        cause: Some("scan"),
        ..sighting(8, None, "browser", 1.0, Denied)
    };
    let odd = Sighting {
        cause: Some("something else"),
        ..sighting(10, None, "browser", 1.0, Denied)
    };
    let table = scored(&[
        sighting(1, Some(1), "scan", 1.0, Denied),
        sighting(2, Some(2), "ddos", 1.0, Denied),
        sighting(3, Some(3), "ddos", 1.0, Denied),
        sighting(4, Some(4), "ddos", 1.0, Denied),
        named,
        sighting(9, None, "browser", 1.0, Throttled),
        odd,
    ]);
    assert_eq!(table.total.false_alarms, 3.0);
    let of = |name| {
        table
            .rows
            .iter()
            .find(|row| row.scenario == name)
            .unwrap()
            .false_alarms
    };
    assert_eq!((of("scan"), of("ddos")), (1.5, 1.5));
}

#[test]
fn victims_are_counted_apart() {
    let victim = Sighting {
        victim: true,
        ..sighting(5, None, "browser", 1.0, Denied)
    };
    let table = scored(&[sighting(1, Some(1), "session-hijack", 1.0, Denied), victim]);
    assert_eq!(
        (table.total.false_alarms, table.total.precision()),
        (0.0, 1.0)
    );
    assert_eq!(
        (table.harmless[0].kind.as_str(), table.harmless[0].stopped),
        ("victims", 1)
    );
}

#[test]
fn seeds_have_a_mean_and_a_spread() {
    let run = |missed: u32| {
        scored(
            &(0..4)
                .map(|group| {
                    sighting(
                        group.into(),
                        Some(group),
                        "ddos",
                        1.0,
                        if group < missed { Passed } else { Denied },
                    )
                })
                .collect::<Vec<_>>(),
        )
    };
    let summaries = over_seeds(&[run(0), run(2)]);
    let ddos = &summaries[0];
    assert_eq!(
        (ddos.scenario.as_str(), ddos.runs, ddos.recall.mean),
        ("ddos", 2, 0.75)
    );
    assert!((ddos.recall.deviation - 0.353_553).abs() < 1e-5);
    assert_eq!(summaries.last().unwrap().scenario, "all");
    assert_eq!(
        over_seeds(&[run(0)])[0].f1,
        Spread {
            mean: 1.0,
            deviation: 0.0
        }
    );
    assert_eq!(summary_lines(&summaries).len(), 3);
}

#[test]
fn tables_print_and_parse() {
    let table = scored(&[
        sighting(1, Some(1), "scan", 1.0, Denied),
        sighting(2, None, "app", 1.0, Passed),
    ]);
    let lines = table.lines();
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("scan ") && line.contains("1.000")),
        "{lines:?}"
    );
    assert_eq!(table.json()["attacks"][0]["f1"], 1.0);
    assert_eq!(table.json()["harmless"][0]["requests"], 1);
}
