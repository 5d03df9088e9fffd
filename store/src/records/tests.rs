use futures_util::TryStreamExt as _;

use super::*;
use crate::testing::{Fresh, START, databases, entry};

/// Ids of a page's records.
fn ids(found: &[Found]) -> Vec<&str> {
    found.iter().map(|found| &*found.entry.record.id).collect()
}

/// A small world: who asks for what, how it is judged.
fn world() -> Vec<Entry> {
    let pick = |list: &'static [&'static str], n: usize| list[n % list.len()];
    (0..600)
        .map(|n| {
            let more = format!(
                r#""client":"{}","method":"{}","host":"{}","path":"{}","query":"{}","status":{},"route":"{}",
                "action":"{}","would":"{}","user":"{}","session":"{}","outcome":"complete",
                "verdict":{{"score":{},"level":"{}","category":"{}","evidence":[{{"rule":"{}","why":"{}"}}]}},"duration_us":5"#,
                pick(&["192.0.2.7", "198.51.100.9", "2001:db8::1", "192.0.2.200", "::ffff:10.1.2.3", "10.1.250.3"], n),
                pick(&["GET", "POST", "get"], n / 2),
                pick(&["shop.example.com", "Api.example.com:8443", "other.test", ""], n / 3),
                pick(&["/api/v1/users/42", "/api/v1/User", "/login", "/a%20b/c+d", "/%C3%A4/x"], n / 5),
                pick(&["", "q=1+UNION+SELECT", "name=%27%3B%20DROP", "id=7&x=ä"], n / 7),
                pick(&["200", "404", "403", "500", "0"], n / 11),
                pick(&["api", "API", "web"], n / 13),
                pick(&["allow", "deny", "tag"], n / 17),
                pick(&["", "deny", "throttle"], n / 19),
                pick(&["", "00c0ffee00c0ffee", "1111111111111111"], n / 23),
                pick(&["", "aaaaaaaaaaaaaaaa"], n / 29),
                n % 100,
                pick(&["LOW", "HIGH", "CRITICAL"], n / 31),
                pick(&["", "sqli", "xss"], n / 37),
                pick(&["sqli-union-select", "xss-script", "custom 'rule'"], n / 41),
                pick(&["UNION between two queries", "an event handler", "nothing"], n / 43),
            )
            .replace('\n', " ");
            entry(&format!("{:032x}", n * 7919), START + i64::try_from(n).unwrap() / 4 * 250, &more)
        })
        .collect()
}

fn filters() -> Vec<Filter> {
    let none = Filter::default;
    let words = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
    let nets = |list: &[&str]| {
        list.iter()
            .map(|net| net.parse().unwrap())
            .collect::<Vec<_>>()
    };
    let text = |text: &str| Filter {
        text: Some(text.into()),
        ..none()
    };
    let path = |path: &str| Filter {
        path: Some(path.into()),
        ..none()
    };
    let scope = |routes: &[&str], hosts: &[&str]| Filter {
        scope: Some(Scope {
            routes: words(routes),
            hosts: words(hosts),
        }),
        ..none()
    };
    let mut all = vec![
        none(),
        Filter {
            from_ms: Some(START + 5000),
            to_ms: Some(START + 9000),
            ..none()
        },
        Filter {
            from_ms: Some(START + 9000),
            to_ms: Some(START + 5000),
            ..none()
        },
        Filter {
            from_ms: Some(i64::MIN),
            to_ms: Some(i64::MAX),
            ..none()
        },
        Filter {
            levels: words(&["high"]),
            ..none()
        },
        Filter {
            levels: words(&["LOW", "CRITICAL"]),
            categories: words(&["sqli"]),
            ..none()
        },
        Filter {
            actions: words(&["deny"]),
            ..none()
        },
        Filter {
            users: words(&["00c0ffee00c0ffee"]),
            sessions: words(&["aaaaaaaaaaaaaaaa"]),
            ..none()
        },
        Filter {
            keys: words(&["nobody"]),
            ..none()
        },
        Filter {
            routes: words(&["API"]),
            ..none()
        },
        Filter {
            hosts: words(&["api.example.com"]),
            ..none()
        },
        Filter {
            hosts: words(&["*.example.com", "other.test:1"]),
            ..none()
        },
        Filter {
            methods: words(&["Get"]),
            ..none()
        },
        Filter {
            statuses: vec![Status::Exact(404), Status::Class(5)],
            ..none()
        },
        Filter {
            statuses: vec![Status::Exact(0)],
            ..none()
        },
        Filter {
            statuses: vec![Status::Class(0)],
            ..none()
        },
        Filter {
            statuses: vec![Status::Class(u16::MAX)],
            ..none()
        },
        Filter {
            rules: words(&["custom 'rule'"]),
            ..none()
        },
        Filter {
            nodes: words(&["one"]),
            ..none()
        },
        Filter {
            nodes: words(&["two"]),
            ..none()
        },
        Filter {
            outcomes: words(&["complete"]),
            ..none()
        },
        scope(&["web"], &[]),
        scope(&[], &["*.example.com"]),
        scope(&["api"], &["other.test"]),
        scope(&[], &[]),
        Filter {
            text: Some("drop".into()),
            statuses: vec![Status::Class(4)],
            actions: words(&["deny"]),
            ..none()
        },
    ];
    all.extend(
        [
            "192.0.2.7/32",
            "192.0.2.0/24",
            "192.0.2.128/25",
            "192.0.0.0/12",
            "0.0.0.0/0",
            "10.0.0.0/8",
            "10.1.0.0/17",
        ]
        .map(|net| Filter {
            addresses: nets(&[net]),
            ..none()
        }),
    );
    all.extend(
        [
            "2001:db8::1/128",
            "2001:db8::/64",
            "2001:db8::/56",
            "2001:db8::/32",
            "::/0",
            "::ffff:10.1.2.3/128",
            "ffff::/16",
        ]
        .map(|net| Filter {
            addresses: nets(&[net, "203.0.113.0/24"]),
            ..none()
        }),
    );
    all.extend(
        [
            "union",
            "UNION select",
            "sel*",
            "drop table",
            "ä",
            "c d",
            "",
            "*",
            "' OR 1=1 --",
            "\" OR \"a",
            "a:* & b",
            "nothing event",
        ]
        .map(text),
    );
    all.extend(
        [
            "/",
            "/api",
            "/api/v1/us",
            "/api/v1/users/",
            "/a%20",
            "/a%20b/c+",
            "/%C3%A4",
            "/nowhere",
            "",
            "'; DROP TABLE records",
            "/\u{0}",
        ]
        .map(path),
    );
    all
}

/// Records inserted in batches by node `one`.
async fn filled(fresh: &Fresh, entries: &[Entry]) -> Records {
    let records = Records::new(fresh.database.clone());
    for batch in entries.chunks(250) {
        let inserted = records.insert(batch, "one").await.expect("it is written");
        assert_eq!((inserted.new, inserted.known), (batch.len(), 0));
    }
    records
}

#[tokio::test]
async fn every_filter_finds_what_looking_at_each_record_finds() {
    let world = world();
    for fresh in databases().await {
        let records = filled(&fresh, &world).await;
        for filter in filters() {
            let mut expected: Vec<&str> = Vec::new();
            let mut sorted: Vec<&Entry> = world.iter().collect();
            sorted.sort_by_key(|entry| std::cmp::Reverse(key::of(&entry.record)));
            for entry in sorted {
                if filter.matches(&entry.record, "one") {
                    expected.push(&entry.record.id);
                }
            }
            let (mut cursor, mut found) = (None::<String>, Vec::new());
            loop {
                let page = records
                    .list(&filter, cursor.as_deref(), 97)
                    .await
                    .expect("it is answered");
                assert!(page.records.len() <= 97);
                found.extend(page.records);
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(
                ids(&found),
                expected,
                "{:?} {filter:?}",
                fresh.database.dialect()
            );
            let exported: Vec<Found> = records
                .export(filter)
                .try_collect()
                .await
                .expect("it is exported");
            assert_eq!(exported, found);
        }
    }
}

#[tokio::test]
async fn a_record_is_found_by_its_id() {
    for fresh in databases().await {
        let world = world();
        let records = filled(&fresh, &world).await;
        for entry in [&world[0], &world[311], &world[599]] {
            let found = records
                .by_id(&entry.record.id)
                .await
                .unwrap()
                .expect("it is there");
            assert_eq!((&found.entry, &*found.node), (entry, "one"));
        }
        for id in [
            "",
            "x",
            "' OR 1=1",
            &format!("{:032x}", 1),
            &"\"".repeat(64),
            "\u{0}",
        ] {
            assert_eq!(records.by_id(id).await.unwrap(), None, "{id}");
        }
    }
}

#[tokio::test]
async fn what_comes_twice_is_kept_once() {
    for fresh in databases().await {
        let world = world();
        let records = filled(&fresh, &world[..300]).await;
        let again = records.insert(&world[200..400], "one").await.unwrap();
        assert_eq!((again.new, again.known), (100, 100));
        let again = records.insert(&world[..400], "one").await.unwrap();
        assert_eq!((again.new, again.known), (0, 400));
        let all: Vec<Found> = records
            .export(Filter::default())
            .try_collect()
            .await
            .unwrap();
        assert_eq!(all.len(), 400);
        let cells = crate::Rollups::new(fresh.database.clone());
        let points = cells
            .series(crate::Width::Minute, 0, i64::MAX, None)
            .await
            .unwrap();
        assert_eq!(
            points.iter().map(|point| point.cell.requests).sum::<u64>(),
            400
        );
    }
}

/// Ids of one millisecond whose keys are the same.
fn twins() -> [String; 2] {
    let mut seen = std::collections::HashMap::new();
    for n in 0.. {
        let id = format!("{n:032x}");
        let low = key::fnv(id.as_bytes()) & 0x3f_ffff;
        if let Some(other) = seen.insert(low, id.clone()) {
            return [other, id];
        }
    }
    unreachable!("hashes of 22 bits meet soon")
}

#[tokio::test]
async fn two_records_of_one_key_are_both_kept_however_they_come() {
    let [one, two] = twins();
    let [one, two] = [entry(&one, START, ""), entry(&two, START, "")];
    for fresh in databases().await {
        let records = Records::new(fresh.database.clone());
        for batch in [
            &[one.clone()][..],
            std::slice::from_ref(&two),
            &[two.clone(), one.clone()],
            std::slice::from_ref(&two),
        ] {
            records.insert(batch, "one").await.unwrap();
        }
        let page = records.list(&Filter::default(), None, 10).await.unwrap();
        assert_eq!(page.records.len(), 2);
        for entry in [&one, &two] {
            assert!(records.by_id(&entry.record.id).await.unwrap().is_some());
        }
    }
}

#[tokio::test]
async fn a_cursor_of_another_question_is_refused() {
    let [fresh, _] = databases().await;
    let records = filled(&fresh, &world()).await;
    let next = records
        .list(&Filter::default(), None, 1)
        .await
        .unwrap()
        .next
        .expect("there is more");
    let other = Filter {
        text: Some("a".into()),
        ..Filter::default()
    };
    for (filter, cursor) in [(&other, next.as_str()), (&Filter::default(), "1 OR 1=1")] {
        let error = records
            .list(filter, Some(cursor), 1)
            .await
            .expect_err("it is refused");
        assert!(matches!(error, StoreError::Asked(_)), "{error}");
    }
}
