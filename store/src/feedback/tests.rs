use super::*;
use crate::entry::Entry;
use crate::records::{Filter, Records};
use crate::testing::{START, databases, entry};

/// A hundred requests, of which every fourth is denied by the votes of two models of which one is wrong half the time.
fn world() -> Vec<Entry> {
    (0..100_usize)
        .map(|n| {
            let more = format!(
                r#""route":"{}","host":"{}.test","action":"{}","would":"{}","verdict":{{"score":50,"ensemble":{{"votes":[
                {{"model":"cnn","probability":0.9,"agrees":{}}},{{"model":"bilstm","probability":0.1,"agrees":{}}}]}}}}"#,
                ["web", "api"][n % 2],
                ["a", "b"][n % 2],
                ["deny", "allow", "allow", "allow"][n % 4],
                ["", "", "tag", ""][n % 4],
                n % 4 == 0,
                n % 8 == 0,
            )
            .replace('\n', " ");
            entry(&format!("{n:032x}"), START + i64::try_from(n).unwrap() * 1000, &more)
        })
        .collect()
}

fn mark(said: Said, at: i64) -> Mark {
    Mark {
        said,
        comment: "'; DROP TABLE feedback; -- ä".to_owned(),
        author: "ada".to_owned(),
        made_ms: at,
    }
}

async fn found(records: &Records, n: usize) -> Found {
    let found = records.by_id(&format!("{n:032x}")).await.unwrap();
    found.expect("it is in the world")
}

#[tokio::test]
async fn the_last_word_counts_and_can_be_taken_back() {
    for fresh in databases().await {
        let records = Records::new(fresh.database.clone());
        records.insert(&world(), "one").await.unwrap();
        let feedback = Feedback::new(fresh.database.clone());
        let eighth = found(&records, 8).await;
        assert_eq!(eighth.said, None);
        for (said, at) in [(Said::Confirmed, 5), (Said::FalsePositive, 6)] {
            feedback.put(&eighth, &mark(said, at)).await.unwrap();
        }
        let kept = feedback
            .of(&eighth.entry.record.id)
            .await
            .unwrap()
            .expect("a mark");
        assert_eq!(kept.mark, mark(Said::FalsePositive, 6));
        assert_eq!(
            (kept.time_ms, &*kept.action, &*kept.route),
            (START + 8000, "deny", "web")
        );
        let votes: Vec<(&str, bool)> = kept
            .votes
            .iter()
            .map(|(name, agrees)| (&**name, *agrees))
            .collect();
        assert_eq!(votes, [("bilstm", true), ("cnn", true)]);
        assert_eq!(found(&records, 8).await.said, Some(Said::FalsePositive));
        assert!(feedback.remove(kept.key).await.unwrap());
        assert!(!feedback.remove(kept.key).await.unwrap(), "it is gone");
        assert_eq!(feedback.of(&eighth.entry.record.id).await.unwrap(), None);
    }
}

#[tokio::test]
async fn records_are_found_by_what_was_said_of_them() {
    for fresh in databases().await {
        let records = Records::new(fresh.database.clone());
        records.insert(&world(), "one").await.unwrap();
        let feedback = Feedback::new(fresh.database.clone());
        for n in 0..60 {
            let said = match n % 3 {
                0 => Said::Confirmed,
                1 => Said::FalsePositive,
                _ => continue,
            };
            feedback
                .put(&found(&records, n).await, &mark(said, 1))
                .await
                .unwrap();
        }
        let (confirmed, wrong, nothing) = (Some(Said::Confirmed), Some(Said::FalsePositive), None);
        // What is asked for, how many there are, and how many of them were denied.
        for (wanted, all, denied) in [
            (vec![], 100, 25),
            (vec![confirmed], 20, 5),
            (vec![wrong], 20, 5),
            (vec![nothing], 60, 15),
            (vec![confirmed, wrong], 40, 10),
            (vec![nothing, wrong], 80, 20),
            (vec![confirmed, wrong, nothing], 100, 25),
        ] {
            for (actions, expected) in [(vec![], all), (vec!["deny".to_owned()], denied)] {
                let filter = Filter {
                    feedback: wanted.clone(),
                    actions: actions.clone(),
                    ..Filter::default()
                };
                let (mut seen, mut cursor) = (Vec::new(), None);
                loop {
                    let page = records.list(&filter, cursor.as_deref(), 7).await.unwrap();
                    for one in page.records {
                        assert!(
                            wanted.is_empty() || wanted.contains(&one.said),
                            "{filter:?}"
                        );
                        seen.push(one.key);
                    }
                    cursor = page.next;
                    if cursor.is_none() {
                        break;
                    }
                }
                assert_eq!(seen.len(), expected, "{wanted:?} {actions:?}");
                assert!(seen.is_sorted_by(|a, b| a > b), "newest first, none twice");
            }
        }
    }
}

#[tokio::test]
async fn marks_outlive_their_records_and_are_bounded() {
    for fresh in databases().await {
        let records = Records::new(fresh.database.clone());
        records.insert(&world(), "one").await.unwrap();
        let feedback = Feedback::new(fresh.database.clone());
        for n in 0..10 {
            feedback
                .put(&found(&records, n).await, &mark(Said::Confirmed, 1))
                .await
                .unwrap();
        }
        let keep = crate::Keep {
            age: std::time::Duration::from_secs(10),
            bytes: u64::MAX,
        };
        fresh
            .database
            .retire(keep, "one", START + 90_000)
            .await
            .unwrap();
        assert_eq!(
            records.by_id(&format!("{:032x}", 3)).await.unwrap(),
            None,
            "it is too old"
        );
        let scope = Scope {
            routes: vec!["web".to_owned()],
            hosts: Vec::new(),
        };
        for (from, to, scope, expected) in [
            (0, i64::MAX, None, 10),
            (0, i64::MAX, Some(&scope), 5),
            (START + 2000, START + 5000, None, 3),
        ] {
            let marks = feedback.between(from, to, scope).await.unwrap();
            assert_eq!(marks.len(), expected, "{from} {to} {scope:?}");
        }
        let listed = Filter {
            feedback: vec![Some(Said::Confirmed)],
            ..Filter::default()
        };
        assert_eq!(
            records.list(&listed, None, 50).await.unwrap().records,
            [],
            "they have no record"
        );
        // Too old, then too many.
        assert_eq!(feedback.forget(START + 3000, 100).await.unwrap(), 3);
        assert_eq!(feedback.forget(0, 4).await.unwrap(), 3);
        let left = feedback.between(0, i64::MAX, None).await.unwrap();
        let times: Vec<i64> = left
            .iter()
            .map(|marked| (marked.time_ms - START) / 1000)
            .collect();
        assert_eq!(times, [6, 7, 8, 9], "the newest stay");
    }
}
