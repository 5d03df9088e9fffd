use super::*;
use crate::entry::Entry;
use crate::records::Records;
use crate::testing::{START, databases, entry};

fn world() -> Vec<Entry> {
    (0..500_usize)
        .map(|n| {
            let more = format!(
                r#""host":"{}","route":"{}","status":{},"action":"{}","bytes_in":3,"duration_us":{},
                "verdict":{{"score":{},"level":"LOW","category":"{}","evidence":[{{"rule":"a"}},{{"rule":"b"}},{{"rule":"a"}}]}}"#,
                ["a.test", "b.test:80"][n % 2],
                ["web", "api", "api"][n % 3],
                [200, 404, 0][n % 3],
                ["allow", "deny"][n % 2],
                n,
                n % 100,
                ["", "xss"][n % 2]
            )
            .replace('\n', " ");
            entry(&format!("{n:x}"), START + i64::try_from(n).unwrap() * 1000, &more)
        })
        .collect()
}

#[tokio::test]
async fn parts_and_sums_say_the_same_and_one_node_adds_up() {
    for fresh in databases().await {
        let world = world();
        let records = Records::new(fresh.database.clone());
        for batch in world.chunks(70) {
            records.insert(batch, "one").await.unwrap();
        }
        let rollups = Rollups::new(fresh.database.clone());
        let ask = |width| rollups.series(width, START, START + 3_600_000, None);
        let before = (
            ask(Width::Minute).await.unwrap(),
            ask(Width::Hour).await.unwrap(),
        );
        assert_eq!(before.0.len(), 9, "500 seconds");
        assert_eq!(before.1.len(), 1);
        let cell = &before.1[0].cell;
        assert_eq!(
            (cell.requests, cell.bytes_in, cell.scored),
            (500, 1500, 500)
        );
        assert_eq!(
            (
                cell.actions["deny"],
                cell.categories["xss"],
                cell.rules["a"]
            ),
            (250, 250, 500)
        );
        assert_eq!(
            (
                cell.classes["2xx"],
                cell.classes["4xx"],
                cell.classes["0xx"]
            ),
            (167, 167, 166)
        );
        assert!((cell.score_mean() - 49.5).abs() < 0.01);
        assert!((cell.latency.quantile(0.5) / 250.0 - 1.0).abs() < 0.07);

        assert!(rollups.fold("one", START).await.unwrap() > 0);
        assert_eq!(
            rollups.fold("two", START + 1000).await.unwrap(),
            0,
            "the lease is another's"
        );
        assert_eq!(
            before,
            (
                ask(Width::Minute).await.unwrap(),
                ask(Width::Hour).await.unwrap()
            )
        );
        let late = [entry(
            "late",
            START + 30_000,
            r#""route":"web","action":"tag""#,
        )];
        records.insert(&late, "two").await.unwrap();
        assert_eq!(
            rollups.fold("two", START + 1000).await.unwrap(),
            0,
            "the lease is another's"
        );
        assert_eq!(
            rollups.fold("two", START + 60_000).await.unwrap(),
            1,
            "the lease ran out"
        );
        let after = ask(Width::Minute).await.unwrap();
        assert_eq!(after[0].cell.requests, before.0[0].cell.requests + 1);
        assert_eq!(after[0].cell.actions["tag"], 1);
    }
}

#[tokio::test]
async fn a_tenant_sees_its_own_sums_alone() {
    for fresh in databases().await {
        Records::new(fresh.database.clone())
            .insert(&world(), "one")
            .await
            .unwrap();
        let rollups = Rollups::new(fresh.database.clone());
        for folded in [false, true] {
            if folded {
                rollups.fold("one", START).await.unwrap();
            }
            for (routes, hosts, expected) in [
                (vec!["web"], vec![], 167),
                (vec![], vec!["b.test"], 250),
                (vec!["web"], vec!["b.test"], 334),
                (vec![], vec![], 0),
            ] {
                let names = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
                let scope = Scope {
                    routes: names(routes),
                    hosts: names(hosts),
                };
                let routes = rollups
                    .by_route(Width::Hour, START, START + 1, Some(&scope))
                    .await
                    .unwrap();
                assert_eq!(
                    routes.values().map(|cell| cell.requests).sum::<u64>(),
                    expected,
                    "{scope:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn what_is_old_is_forgotten() {
    for fresh in databases().await {
        Records::new(fresh.database.clone())
            .insert(&world(), "one")
            .await
            .unwrap();
        let rollups = Rollups::new(fresh.database.clone());
        rollups.fold("one", START).await.unwrap();
        rollups.forget(START + 300_000, START).await.unwrap();
        let minutes = rollups
            .series(Width::Minute, START, i64::MAX, None)
            .await
            .unwrap();
        let hours = rollups
            .series(Width::Hour, START, i64::MAX, None)
            .await
            .unwrap();
        assert_eq!((minutes.len(), hours.len()), (4, 1));
    }
}

#[test]
fn hosts_that_clients_make_up_are_bounded() {
    let entries: Vec<Entry> = (0..1000)
        .map(|n| entry(&n.to_string(), START, &format!(r#""host":"h{n}.test""#)))
        .collect();
    let adds = Parts::of(entries.iter().map(|entry| &entry.record));
    assert_eq!(adds.len(), HOSTS + 1);
    assert_eq!(adds.values().map(|cell| cell.requests).sum::<u64>(), 1000);
}

#[tokio::test]
async fn votes_are_counted_by_model_and_by_what_became_of_the_request() {
    let vote = |model: &str, probability: f64, agrees: bool| {
        format!(r#"{{"model":"{model}","probability":{probability},"agrees":{agrees}}}"#)
    };
    let line = |n: i64, done: &str, votes: &[String]| {
        let more = format!(
            r#"{done},"verdict":{{"ensemble":{{"votes":[{}]}}}}"#,
            votes.join(",")
        );
        entry(&format!("{n:x}"), START + n * 1000, &more)
    };
    let denied = r#""action":"deny""#;
    let allowed = r#""action":"allow""#;
    let observed = r#""action":"allow","would":"deny""#;
    let world = [
        line(
            1,
            denied,
            &[vote("cnn", 0.75, true), vote("bilstm", 0.5, false)],
        ),
        line(
            2,
            allowed,
            &[vote("cnn", 0.25, false), vote("bilstm", 1.0, true)],
        ),
        line(3, observed, &[vote("cnn", 0.5, true)]),
        entry("4", START + 4000, r#""action":"allow""#),
    ];
    for fresh in databases().await {
        let records = Records::new(fresh.database.clone());
        for batch in world.chunks(2) {
            records.insert(batch, "one").await.unwrap();
        }
        let rollups = Rollups::new(fresh.database.clone());
        for folded in [false, true] {
            if folded {
                rollups.fold("one", START).await.unwrap();
            }
            let points = rollups
                .series(Width::Hour, START, START + 1, None)
                .await
                .unwrap();
            let cell = &points[0].cell;
            let expected = |votes, agreed, flagged, flagged_agreed, probability_sum| Votes {
                votes,
                agreed,
                flagged,
                flagged_agreed,
                probability_sum,
            };
            assert_eq!(cell.models["cnn"], expected(3, 2, 2, 2, 1.5));
            assert_eq!(cell.models["bilstm"], expected(2, 1, 1, 0, 1.5));
            assert_eq!(
                (cell.requests, cell.flagged, cell.decided("deny")),
                (4, 2, 2)
            );
        }
    }
}

#[test]
fn a_cell_of_a_version_without_votes_is_read() {
    let old = r#"{"requests":3,"actions":{"deny":1},"latency":[[3,3]]}"#;
    assert_eq!((cell_of(old).requests, cell_of(old).models.len()), (3, 0));
    let with = Cell {
        models: [(
            "cnn".into(),
            Votes {
                votes: 3,
                ..Votes::default()
            },
        )]
        .into(),
        ..Cell::default()
    };
    let text = text_of(&with);
    assert!(text.contains(r#""models":{"cnn":[3,0,0,0,0.0]}"#), "{text}");
    assert_eq!(cell_of(&text), with);
}
