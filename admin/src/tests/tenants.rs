//! Tenants: every route that is open to them, asked by each of them, before records, alerts and events of all of them.
//! What belongs to somebody bears their mark, so that a leak is seen wherever it comes out.

use std::time::Duration;

use futures_util::StreamExt;
use portcullis_store::alerts::{Alerts, Detail, Level, Sighting};
use portcullis_store::feedback::Mark;
use portcullis_store::{Batch, Feedback, Said, Scope};

use super::*;
use crate::access::tenant;

/// Who there is, the host and the route of each; the last belongs to nobody.
const OWNERS: [(&str, &str, &str); 3] = [
    ("a", "a.test", "route-a"),
    ("b", "shop.b.test", "route-b"),
    ("none", "c.test", "route-c"),
];

/// One who asked everybody for something.
const SHARED: &str = "192.0.2.200";

/// What is asked, and what tenant `a` must find in the answer: `{own}` and `{foreign}` are ids of theirs and of another.
const QUESTIONS: &[(&str, &str, &str)] = &[
    ("/api/v1/logs", "/api/v1/logs", "only-a"),
    ("/api/v1/logs", "/api/v1/logs?q=only*", "only-a"),
    ("/api/v1/logs", "/api/v1/logs?tenant=b", "unknown field"),
    (
        "/api/v1/logs",
        "/api/v1/logs?host=any.test,a.test",
        "only-a",
    ),
    ("/api/v1/logs", "/api/v1/logs?route=route-b", r#""logs":[]"#),
    ("/api/v1/logs.csv", "/api/v1/logs.csv", "only-a"),
    ("/api/v1/logs.ndjson", "/api/v1/logs.ndjson", "only-a"),
    ("/api/v1/logs/{id}", "/api/v1/logs/{own}", "only-a"),
    ("/api/v1/logs/{id}", "/api/v1/logs/{foreign}", "no record"),
    ("/api/v1/stats", "/api/v1/stats?{day}", r#""requests":2"#),
    (
        "/api/v1/stats/timeseries",
        "/api/v1/stats/timeseries?{day}",
        r#""requests":2"#,
    ),
    (
        "/api/v1/stats/feedback",
        "/api/v1/stats/feedback?{day}",
        r#""requests":2"#,
    ),
    ("/api/v1/stats/top", "/api/v1/stats/top?by=path", "only-a"),
    ("/api/v1/stats/top", "/api/v1/stats/top?by=host", "a.test"),
    ("/api/v1/alerts", "/api/v1/alerts", "only-a"),
    (
        "/api/v1/alerts",
        "/api/v1/alerts?subject=address:192.0.2.200",
        r#""high":1"#,
    ),
    (
        "/api/v1/alerts/{id}",
        "/api/v1/alerts/{own alert}",
        "only-a",
    ),
    (
        "/api/v1/alerts/{id}",
        "/api/v1/alerts/{foreign alert}",
        "no such alert",
    ),
    (
        "/api/v1/subjects/{id}",
        "/api/v1/subjects/192.0.2.200",
        "only-a",
    ),
    ("/api/v1/live", "/api/v1/live", "WebSocket"),
];

/// Routes that are about the caller alone, and are served elsewhere.
const OWN_AFFAIRS: [&str; 4] = [
    "/api/v1/session",
    "/api/v1/sessions",
    "/api/v1/tokens",
    "/api/v1/live/events",
];

/// After this nothing more comes.
const SILENCE: Duration = Duration::from_millis(500);

struct Town {
    plane: Plane,
    hub: Hub,
    records: Vec<Entry>,
    alerts: Vec<String>,
}

/// Two records of each owner, one by host and one by route, and an alert of each.
fn records() -> Vec<Entry> {
    let mut id = 0_u32;
    let mut made = Vec::new();
    for (owner, host, route) in OWNERS {
        for (host, route) in [(host, "shared"), ("any.test", route)] {
            id += 1;
            let record = json!({
                "id": format!("{id:032x}"), "time": format!("2026-01-31T00:00:{id:02}.000Z"), "client": SHARED,
                "method": "GET", "host": host, "path": format!("/only-{owner}/x"), "status": 200, "route": route,
                "action": "allow", "outcome": "complete", "reason": format!("only-{owner}"),
            });
            made.push(Entry::read(&record.to_string()).expect("a record"));
        }
    }
    made
}

fn sighting(owner: &str) -> Sighting {
    Sighting {
        rule: "attack".to_owned(),
        tenant: if owner == "none" { "" } else { owner }.to_owned(),
        subject: format!("address:{SHARED}"),
        category: "sqli".to_owned(),
        level: Level::High,
        title: format!("only-{owner}"),
        span_ms: (1, 2),
        requests: 1,
        detail: Detail::default(),
    }
}

async fn town(tenant: &str, scope: Scope) -> Town {
    let folder = tempfile::tempdir().expect("a folder");
    let database = Database::open_file(&folder.path().join("a.db")).await;
    let database = database.expect("it opens");
    let records = records();
    let kept = Records::new(database.clone()).insert(&records, "one").await;
    kept.expect("they are kept");
    let mut alerts = Vec::new();
    for (owner, ..) in OWNERS {
        let noted = Alerts::new(database.clone())
            .note(&sighting(owner), 1)
            .await;
        alerts.push(noted.expect("it is kept").alert.id);
    }
    let gateway = Arc::new(Table::default());
    let ban = gateway.ban(&format!("address:{SHARED}"), None, "only-none");
    ban.expect("it holds");
    let (sender, receiver) = watch::channel(Some(database));
    let hub = Hub::default();
    let api = Api::new(gateway.clone(), receiver, hub.clone());
    let caller = Caller {
        name: "somebody".to_owned(),
        role: Role::Analyst,
        tenant: Some(tenant.to_owned()),
        scope: Some(scope),
    };
    let plane = Plane {
        _folder: folder,
        router: finish(router(api.clone()).layer(Extension(caller)), api),
        gateway,
        database: sender,
    };
    Town {
        plane,
        hub,
        records,
        alerts,
    }
}

async fn town_of_a() -> Town {
    let scope = Scope {
        hosts: vec!["a.test".to_owned()],
        routes: vec!["route-a".to_owned()],
    };
    town("a", scope).await
}

/// A tenant that the configuration does not know any more, though its alerts are still there.
async fn town_of_the_gone() -> Town {
    town("b", Scope::default()).await
}

impl Town {
    fn path(&self, path: &str) -> String {
        path.replace("{own}", &self.records[0].record.id)
            .replace("{foreign}", &self.records[2].record.id)
            .replace("{own alert}", &self.alerts[0])
            .replace("{foreign alert}", &self.alerts[1])
            .replace(
                "{day}",
                "since=2026-01-31T00:00:00Z&until=2026-01-31T01:00:00Z",
            )
    }

    /// The beginning of the live feed, with an event of each owner in it.
    async fn live(&self) -> String {
        let request = Request::builder().uri("/api/v1/live/events");
        let request = request.body(Body::empty()).expect("a request");
        let answer = self.plane.router.clone().oneshot(request).await;
        let mut events = answer.expect("it answers").into_body().into_data_stream();
        self.hub.next_second();
        self.hub.show(&Batch::from(self.records.clone()));
        for (owner, ..) in OWNERS {
            let tenant = if owner == "none" { "" } else { owner };
            self.hub.alert(
                tenant,
                &json!({ "title": format!("alert of only-{owner}") }),
            );
        }
        // All of it waits already, so that silence is the end.
        let mut text = String::new();
        while let Ok(Some(Ok(more))) = tokio::time::timeout(SILENCE, events.next()).await {
            text.push_str(&String::from_utf8_lossy(&more));
        }
        text
    }
}

/// The marks of others in a text.
fn leaks(text: &str, own: &str) -> Vec<String> {
    let marks = OWNERS.iter().filter(|(owner, ..)| *owner != own);
    let marks = marks.flat_map(|(owner, host, route)| {
        [
            format!("only-{owner}"),
            (*host).to_owned(),
            (*route).to_owned(),
        ]
    });
    marks.filter(|mark| text.contains(mark)).collect()
}

#[tokio::test]
async fn a_tenant_is_shown_its_own_by_every_route_that_is_open_to_it() {
    let town = town_of_a().await;
    for (route, path, expected) in QUESTIONS {
        assert!(tenant::may_use(route), "{route} is closed");
        let answer = town.plane.ask("GET", &town.path(path), None).await;
        assert!(answer.text.contains(expected), "{path}: {}", answer.text);
        assert_eq!(leaks(&answer.text, "a"), [""; 0], "{path}: {}", answer.text);
    }
    for (method, route, _) in ROUTES {
        let is_open =
            method == Method::GET && tenant::may_use(route) && route.starts_with("/api/v1");
        let is_public = route.starts_with("/api/v1/docs") || route.contains("openapi");
        let is_asked = QUESTIONS.iter().any(|(asked, ..)| asked == route);
        assert!(
            !is_open || is_public || is_asked || OWN_AFFAIRS.contains(route),
            "{route} is open to tenants, and nobody has asked what it shows them"
        );
    }
}

#[tokio::test]
async fn a_tenant_that_is_gone_is_shown_nothing() {
    let town = town_of_the_gone().await;
    for (_, path, _) in QUESTIONS {
        let answer = town.plane.ask("GET", &town.path(path), None).await;
        assert_eq!(leaks(&answer.text, ""), [""; 0], "{path}: {}", answer.text);
    }
    assert_eq!(leaks(&town.live().await, ""), [""; 0]);
}

#[tokio::test]
async fn a_tenant_changes_no_alert_of_another() {
    let town = town_of_a().await;
    for (action, body) in [
        ("acknowledge", "{}"),
        ("reopen", "{}"),
        ("comments", r#"{"text":"hello"}"#),
    ] {
        for (alert, found) in town.alerts.iter().zip([true, false, false]) {
            let path = format!("/api/v1/alerts/{alert}/{action}");
            let answer = town.plane.ask("POST", &path, Some(body)).await;
            let status = answer.status.as_u16();
            assert_eq!(status < 300, found, "{path}: {}", answer.text);
            assert_eq!(leaks(&answer.text, "a"), [""; 0], "{path}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn a_tenant_says_nothing_of_records_of_others_and_hears_nothing_said_of_them() {
    let town = town_of_a().await;
    let database = town.plane.database();
    let body = r#"{"verdict":"false-positive"}"#;
    for (at, record) in town.records.iter().enumerate() {
        let id = &record.record.id;
        let path = format!("/api/v1/logs/{id}/feedback");
        let own = at < 2;
        let answer = town.plane.ask("PUT", &path, Some(body)).await;
        assert_eq!(
            answer.status.as_u16(),
            if own { 200 } else { 404 },
            "{path}"
        );
        // Somebody who sees everything marks it.
        let found = Records::new(database.clone()).by_id(id).await;
        let found = found.expect("it answers").expect("it is there");
        let mark = Mark {
            said: Said::Confirmed,
            comment: String::new(),
            author: "only-none".to_owned(),
            made_ms: 1,
        };
        if !own {
            let kept = Feedback::new(database.clone()).put(&found, &mark).await;
            kept.expect("it is kept");
        }
    }
    let day = "since=2026-01-31T00:00:00Z&until=2026-01-31T01:00:00Z";
    let sums = town
        .plane
        .ask("GET", &format!("/api/v1/stats/feedback?{day}"), None)
        .await
        .json();
    assert_eq!(
        (
            &sums["total"]["confirmed"],
            &sums["total"]["false_positives"]
        ),
        (&json!(0), &json!(2))
    );
    let listed = town
        .plane
        .ask("GET", "/api/v1/logs?feedback=confirmed", None)
        .await;
    assert_eq!(listed.text, r#"{"logs":[]}"#);
    for (at, record) in town.records.iter().enumerate() {
        let path = format!("/api/v1/logs/{}/feedback", record.record.id);
        let answer = town.plane.ask("DELETE", &path, None).await;
        assert_eq!(
            answer.status.as_u16(),
            if at < 2 { 204 } else { 404 },
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_tenant_watches_its_own_live() {
    let events = town_of_a().await.live().await;
    for own in ["/only-a/x", "alert of only-a"] {
        assert!(events.contains(own), "{own}: {events}");
    }
    assert_eq!(leaks(&events, "a"), [""; 0], "{events}");
}

#[tokio::test]
async fn what_is_known_of_a_client_from_others_is_not_told() {
    let town = town_of_a().await;
    let subject = town.plane.ask("GET", "/api/v1/subjects/192.0.2.200", None);
    let subject = subject.await.json();
    assert_eq!(subject["timeline"].as_array().map(Vec::len), Some(2));
    assert!(subject.get("ban").is_none(), "{subject}");
    let alert = town.path("/api/v1/alerts/{own alert}");
    let alert = town.plane.ask("GET", &alert, None).await.json();
    let kinds: Vec<&str> = alert["advice"]["remedies"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|remedy| remedy["kind"].as_str())
        .collect();
    assert_eq!(kinds, ["acknowledge"], "what is closed is not offered");
}
