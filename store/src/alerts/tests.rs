use super::*;
use crate::alerts::delivery::Progress;
use crate::testing::databases;

const WINDOW: i64 = 600_000;

fn seen(subject: &str, level: Level, at: i64) -> Sighting {
    let mut detail = Detail::default();
    detail::count_in(&mut detail.actions, "deny", 2);
    Sighting {
        rule: "attack".into(),
        tenant: String::new(),
        subject: subject.into(),
        category: "sqli".into(),
        level,
        title: format!("SQL injection by {subject}"),
        span_ms: (at - 10, at),
        requests: 2,
        detail,
    }
}

#[tokio::test]
async fn what_belongs_together_is_one_alert() {
    for fresh in databases().await {
        let alerts = &Alerts::new(fresh.database.clone());
        let first = alerts
            .note(&seen("address:a", Level::High, 1000), WINDOW)
            .await
            .expect("noted");
        assert_eq!(first.change, Change::Opened);
        let second = alerts
            .note(&seen("address:a", Level::High, 2000), WINDOW)
            .await
            .expect("noted");
        assert_eq!((second.change, second.alert.requests), (Change::Grown, 4));
        assert_eq!(second.alert.detail.actions["deny"], 4);
        assert_eq!((second.alert.first_ms, second.alert.last_ms), (990, 2000));
        let other = alerts
            .note(&seen("address:b", Level::High, 2000), WINDOW)
            .await
            .expect("noted");
        assert_eq!(other.change, Change::Opened);
        let late = alerts
            .note(&seen("address:a", Level::High, 2000 + WINDOW + 11), WINDOW)
            .await
            .expect("noted");
        assert_eq!(late.change, Change::Opened, "the window was over");
        assert_eq!(
            alerts
                .list(&AlertFilter::default(), 10)
                .await
                .expect("a list")
                .len(),
            3
        );
    }
}

#[tokio::test]
async fn who_acknowledged_is_asked_again_only_when_it_gets_worse() {
    for fresh in databases().await {
        let alerts = &Alerts::new(fresh.database.clone());
        let id = alerts
            .note(&seen("address:a", Level::High, 1000), WINDOW)
            .await
            .expect("noted")
            .alert
            .id;
        let done = alerts
            .acknowledge(&id, "ada", 1500)
            .await
            .expect("done")
            .expect("there");
        assert_eq!(
            (done.state, done.acknowledged_by.as_deref()),
            (State::Acknowledged, Some("ada"))
        );
        let again = alerts
            .acknowledge(&id, "bob", 1600)
            .await
            .expect("done")
            .expect("there");
        assert_eq!(
            again.acknowledged_by.as_deref(),
            Some("ada"),
            "the first one has looked"
        );
        let more = alerts
            .note(&seen("address:a", Level::High, 2000), WINDOW)
            .await
            .expect("noted")
            .alert;
        assert_eq!(more.state, State::Acknowledged);
        let worse = alerts
            .note(&seen("address:a", Level::Critical, 3000), WINDOW)
            .await
            .expect("noted");
        assert_eq!(
            (worse.change, worse.alert.state),
            (Change::Raised, State::Open)
        );
        assert!(
            alerts
                .acknowledge("nobody", "ada", 1)
                .await
                .expect("done")
                .is_none()
        );
    }
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_overlap() {
    for fresh in databases().await {
        let alerts = &Alerts::new(fresh.database.clone());
        for number in 0..25 {
            let moment = 1000 + number / 3;
            let sighting = seen(&format!("address:{number}"), Level::Low, moment);
            alerts.note(&sighting, WINDOW).await.expect("noted");
        }
        let mut filter = AlertFilter::default();
        let mut ids = Vec::new();
        loop {
            let page = alerts.list(&filter, 4).await.expect("a page");
            let Some(last) = page.last() else { break };
            filter.after = Some((last.last_ms, last.id.clone()));
            ids.extend(page.into_iter().map(|alert| alert.id));
        }
        assert_eq!(ids.len(), 25);
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 25);
    }
}

#[tokio::test]
async fn filters_ask_for_what_they_say() {
    for fresh in databases().await {
        let alerts = &Alerts::new(fresh.database.clone());
        let low = alerts
            .note(&seen("address:a", Level::Low, 1000), WINDOW)
            .await
            .expect("noted")
            .alert
            .id;
        alerts
            .note(&seen("address:b", Level::Critical, 2000), WINDOW)
            .await
            .expect("noted");
        alerts.acknowledge(&low, "ada", 1).await.expect("done");
        let cases = [
            (
                AlertFilter {
                    state: Some(State::Open),
                    ..Default::default()
                },
                1,
            ),
            (
                AlertFilter {
                    least: Some(Level::High),
                    ..Default::default()
                },
                1,
            ),
            (
                AlertFilter {
                    subject: Some("address:a".into()),
                    ..Default::default()
                },
                1,
            ),
            (
                AlertFilter {
                    subject: Some("' OR 1=1 --".into()),
                    ..Default::default()
                },
                0,
            ),
            (
                AlertFilter {
                    category: Some("sqli".into()),
                    ..Default::default()
                },
                2,
            ),
            (
                AlertFilter {
                    tenant: Some("x".into()),
                    ..Default::default()
                },
                0,
            ),
            (
                AlertFilter {
                    since_ms: Some(1500),
                    ..Default::default()
                },
                1,
            ),
        ];
        for (filter, count) in cases {
            assert_eq!(
                alerts.list(&filter, 10).await.expect("a list").len(),
                count,
                "{filter:?}"
            );
        }
        assert_eq!(
            alerts.open_by_level(None).await.expect("counts"),
            [0, 0, 0, 1]
        );
    }
}

#[tokio::test]
async fn a_delivery_is_tried_until_it_succeeds_or_is_dead() {
    for fresh in databases().await {
        let alerts = &Alerts::new(fresh.database.clone());
        let id = alerts
            .note(&seen("address:a", Level::High, 1000), WINDOW)
            .await
            .expect("noted")
            .alert
            .id;
        assert!(
            alerts
                .tell(&id, "chat", Change::Opened, (1000, 1000), 3_600_000)
                .await
                .expect("told")
        );
        assert!(
            !alerts
                .tell(&id, "chat", Change::Opened, (2000, 2000), 3_600_000)
                .await
                .expect("told"),
            "too soon"
        );
        assert!(
            !alerts
                .tell(&id, "chat", Change::Grown, (2000, 2000), 0)
                .await
                .expect("told")
        );
        let due = alerts.take_due(1000, 10).await.expect("due");
        assert_eq!((due.len(), due[0].attempts), (1, 1));
        assert!(
            alerts.take_due(1001, 10).await.expect("due").is_empty(),
            "somebody works on it"
        );
        alerts
            .failed(&due[0].id, "refused", 1100, Some(5000))
            .await
            .expect("noted");
        assert!(alerts.take_due(4999, 10).await.expect("due").is_empty());
        let again = alerts.take_due(5000, 10).await.expect("due");
        assert_eq!((again[0].attempts, again[0].error.as_str()), (2, "refused"));
        alerts
            .failed(&again[0].id, "refused", 5100, None)
            .await
            .expect("noted");
        assert_eq!(alerts.dead_letters(10).await.expect("a list").len(), 1);
        assert!(alerts.retry(&again[0].id, 6000).await.expect("done"));
        let last = alerts.take_due(6000, 10).await.expect("due");
        alerts.delivered(&last[0].id, 6100).await.expect("noted");
        assert_eq!(
            alerts.deliveries(&id).await.expect("a list")[0].state,
            Progress::Delivered
        );
        assert!(alerts.take_due(i64::MAX, 10).await.expect("due").is_empty());
    }
}

#[tokio::test]
async fn comments_are_bounded_and_what_is_old_is_forgotten_whole() {
    for fresh in databases().await {
        let alerts = &Alerts::new(fresh.database.clone());
        let id = alerts
            .note(&seen("address:a", Level::High, 1000), WINDOW)
            .await
            .expect("noted")
            .alert
            .id;
        assert!(alerts.comment(&id, "ada", "  ", 1).await.is_err());
        assert!(
            alerts
                .comment(&id, "ada", &"x".repeat(LONGEST_COMMENT + 1), 1)
                .await
                .is_err()
        );
        alerts
            .comment(&id, "ada", "our own scan", 1)
            .await
            .expect("noted");
        assert_eq!(
            alerts.comments(&id).await.expect("a list")[0].text,
            "our own scan"
        );
        assert_eq!(alerts.forget(1000).await.expect("done"), 0);
        assert_eq!(alerts.forget(1001).await.expect("done"), 1);
        assert!(alerts.comments(&id).await.expect("a list").is_empty());
    }
}

#[test]
fn tables_of_names_are_bounded() {
    let mut detail = Detail::default();
    for number in 0..1000 {
        detail::count_in(&mut detail.paths, &format!("/{number}"), 1);
    }
    assert_eq!(detail.paths.len(), detail::MOST_NAMES + 1);
    assert_eq!(
        detail.paths[detail::OTHERS],
        1000 - detail::MOST_NAMES as u64
    );
}
