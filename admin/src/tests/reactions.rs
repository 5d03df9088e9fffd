//! What people say and do, and where it shows: a mark on a record in lists, sums and exports; an acknowledged alert in the
//! live feed; a ban in the audit trail.

use futures_util::StreamExt;
use portcullis_store::alerts::{Alerts, Detail, Level, Sighting};

use super::*;
use crate::access::Remark;

/// The denied one of the plane's records.
const DENIED: &str = "/api/v1/logs/0000000000000000000000000000000a";
/// One that was let through.
const ALLOWED: &str = "/api/v1/logs/00000000000000000000000000000001";
/// The day of the plane's records.
const DAY: &str = "since=2026-01-31T00:00:00Z&until=2026-01-31T01:00:00Z";

#[tokio::test]
async fn what_somebody_says_of_a_verdict_shows_wherever_the_record_does() {
    let plane = plane().await;
    let say = async |path: &str, body: &str| {
        let answer = plane
            .ask("PUT", &format!("{path}/feedback"), Some(body))
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.json()
    };
    say(DENIED, r#"{"verdict":"confirmed"}"#).await;
    let said = say(
        DENIED,
        r#"{"verdict":"false-positive","comment":" free text "}"#,
    )
    .await;
    assert_eq!(
        (&said["verdict"], &said["comment"], &said["author"]),
        (
            &json!("false-positive"),
            &json!("free text"),
            &json!("somebody")
        )
    );
    say(ALLOWED, r#"{"verdict":"confirmed"}"#).await;
    let detail = plane.ask("GET", DENIED, None).await.json();
    assert_eq!(detail["feedback"], said);
    assert_eq!(detail["entry"]["feedback"], "false-positive");
    for (query, expected) in [
        ("feedback=false-positive", 1),
        ("feedback=confirmed,false-positive", 2),
        ("feedback=none", 8),
        ("feedback=none,confirmed", 9),
        ("feedback=confirmed&action=deny", 0),
    ] {
        let page = plane
            .ask("GET", &format!("/api/v1/logs?{query}"), None)
            .await
            .json();
        assert_eq!(
            page["logs"].as_array().map(Vec::len),
            Some(expected),
            "{query}"
        );
    }
    let csv = plane.ask("GET", "/api/v1/logs.csv?action=deny", None).await;
    assert!(
        csv.text.trim_end().ends_with(",false-positive"),
        "{}",
        csv.text
    );
    let sums = plane
        .ask("GET", &format!("/api/v1/stats?{DAY}"), None)
        .await
        .json();
    let feedback = &sums["feedback"];
    assert_eq!(
        *feedback,
        json!({
            "requests": 10, "denied": 1, "confirmed": 1, "false_positives": 1, "precision": 0.0, "models": {},
            "actions": {
                "allow": { "confirmed": 1, "false_positives": 0 },
                "deny": { "confirmed": 0, "false_positives": 1 },
            },
        })
    );
    let series = plane
        .ask(
            "GET",
            &format!("/api/v1/stats/feedback?{DAY}&step=hour"),
            None,
        )
        .await
        .json();
    assert_eq!(series["total"], *feedback);
    assert_eq!(
        series["points"],
        json!([{ "start": "2026-01-31T00:00:00.000Z", "sums": feedback }])
    );

    let back = async || {
        plane
            .ask("DELETE", &format!("{DENIED}/feedback"), None)
            .await
            .status
    };
    assert_eq!(back().await, StatusCode::NO_CONTENT);
    assert_eq!(back().await, StatusCode::NOT_FOUND);
    let detail = plane.ask("GET", DENIED, None).await.json();
    assert_eq!(detail.get("feedback"), None);
}

#[tokio::test]
async fn votes_of_records_are_told_over_time_and_two_models_compared() {
    let plane = plane().await;
    let votes = |id: &str, day: u32, action: &str, cnn: f64, bilstm: f64| {
        let vote = |model: &str, probability: f64| json!({ "model": model, "probability": probability, "agrees": probability >= 0.5 });
        let line = json!({
            "id": id, "time": format!("2026-02-0{day}T05:00:00.000Z"), "method": "GET", "path": "/v", "action": action,
            "verdict": { "ensemble": { "votes": [vote("cnn", cnn), vote("bilstm", bilstm)] } },
        });
        Entry::read(&line.to_string()).expect("a record")
    };
    let batch = [
        votes("v1", 1, "deny", 0.75, 0.25),
        votes("v2", 1, "allow", 0.25, 0.25),
        votes("v3", 2, "tag", 0.5, 1.0),
    ];
    Records::new(plane.database())
        .insert(&batch, "one")
        .await
        .expect("they are kept");
    let query = "since=2026-02-01T00:00:00Z&until=2026-02-03T00:00:00Z&step=day";
    let series = plane
        .ask("GET", &format!("/api/v1/models/timeseries?{query}"), None)
        .await
        .json();
    let votes = |votes: u64,
                 agreed: u64,
                 flagged: u64,
                 flagged_agreed: u64,
                 probability_mean: f64| {
        json!({ "votes": votes, "agreed": agreed, "flagged": flagged, "flagged_agreed": flagged_agreed, "probability_mean": probability_mean })
    };
    assert_eq!(
        series["points"],
        json!([
            { "start": "2026-02-01T00:00:00.000Z", "requests": 2, "flagged": 1,
              "models": { "cnn": votes(2, 1, 1, 1, 0.5), "bilstm": votes(2, 0, 1, 0, 0.25) } },
            { "start": "2026-02-02T00:00:00.000Z", "requests": 1, "flagged": 1,
              "models": { "cnn": votes(1, 1, 1, 1, 0.5), "bilstm": votes(1, 1, 1, 1, 1.0) } },
        ])
    );
    let compared = plane
        .ask("GET", "/api/v1/models/compare?a=cnn&b=bilstm", None)
        .await
        .json();
    let count = |name: &str| compared[name].as_u64();
    assert_eq!(
        [
            "counted",
            "looked_at",
            "both",
            "only_a",
            "only_b",
            "neither"
        ]
        .map(count),
        [3, 13, 1, 1, 0, 1].map(Some)
    );
    let one = plane
        .ask(
            "GET",
            "/api/v1/models/compare?a=cnn&b=bilstm&action=tag",
            None,
        )
        .await
        .json();
    assert_eq!((&one["looked_at"], &one["both"]), (&json!(1), &json!(1)));
}

#[tokio::test]
async fn an_acknowledged_alert_is_told_live_once() {
    let plane = plane().await;
    let sighting = Sighting {
        rule: "attack".to_owned(),
        tenant: String::new(),
        subject: "address:192.0.2.9".to_owned(),
        category: "sqli".to_owned(),
        level: Level::High,
        title: "somebody attacks".to_owned(),
        span_ms: (1, 2),
        requests: 1,
        detail: Detail::default(),
    };
    let noted = Alerts::new(plane.database()).note(&sighting, 1).await;
    let id = noted.expect("it is kept").alert.id;
    let watch = Request::builder().uri("/api/v1/live/events?topics=alert");
    let watch = watch.body(Body::empty()).expect("a request");
    let answer = plane
        .router
        .clone()
        .oneshot(watch)
        .await
        .expect("it answers");
    let mut events = answer.into_body().into_data_stream();
    for action in [
        "acknowledge",
        "acknowledge",
        "reopen",
        "reopen",
        "acknowledge",
    ] {
        let path = format!("/api/v1/alerts/{id}/{action}");
        assert_eq!(
            plane.ask("POST", &path, None).await.status,
            StatusCode::OK,
            "{action}"
        );
    }
    // What is told waits already: three changes, since two changed nothing.
    for change in ["acknowledged", "reopened", "acknowledged"] {
        let piece = events.next().await.expect("an event").expect("bytes");
        let text = String::from_utf8_lossy(&piece).into_owned();
        let data = text.lines().find_map(|line| line.strip_prefix("data: "));
        let event: Value = serde_json::from_str(data.expect("data")).expect("JSON");
        assert_eq!(
            (&event["type"], &event["data"]["change"]),
            (&json!("alert"), &json!(change))
        );
        assert_eq!(event["data"]["alert"]["id"], json!(id));
        let state = if change == "reopened" {
            "open"
        } else {
            "acknowledged"
        };
        assert_eq!(event["data"]["alert"]["state"], state);
    }
}

#[tokio::test]
async fn the_trail_is_told_whom_a_ban_is_for() {
    let plane = plane().await;
    let request = Request::builder().method("POST").uri("/api/v1/bans");
    let request = request.header(CONTENT_TYPE, "application/json");
    let body = Body::from(r#"{"subject":"192.0.2.77","cause":"scanning"}"#);
    let request = request.body(body).expect("a request");
    let answer = plane
        .router
        .clone()
        .oneshot(request)
        .await
        .expect("it answers");
    assert_eq!(answer.status(), StatusCode::CREATED);
    let remark = answer.extensions().get::<Remark>();
    let expected = Remark::on("address:192.0.2.77", "scanning".to_owned());
    assert_eq!(remark, Some(&expected));
}
