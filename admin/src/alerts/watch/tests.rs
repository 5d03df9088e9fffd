use super::*;
use portcullis_config::AlertRule;

fn rules(json: &str) -> Alerts {
    let rules: Vec<AlertRule> = serde_json::from_str(json).expect("rules");
    Alerts {
        rules,
        ..Alerts::default()
    }
}

fn watch(settings: &Alerts) -> Watch {
    Watch::new(
        settings,
        Arc::new(|record: &Record| {
            if &*record.host == "t.test" {
                "t".into()
            } else {
                String::new()
            }
        }),
        0,
    )
}

fn entry(json: &str) -> Entry {
    Entry::read(json).expect("a record")
}

fn denied(client: &str, category: &str) -> Entry {
    entry(&format!(
        r#"{{"id":"1","client":"{client}","method":"GET","path":"/a","route":"api","action":"deny","status":403,
            "verdict":{{"score":92,"level":"CRITICAL","category":"{category}","evidence":[{{"rule":"r1","why":"because"}}]}}}}"#
    ))
}

#[test]
fn requests_of_one_client_and_kind_are_one_sighting() {
    let mut watch = watch(&Alerts::default());
    for moment in 0..20 {
        watch.see(&denied("192.0.2.1", "sqli"), 1000 + moment);
    }
    watch.see(&denied("192.0.2.1", "xss"), 1020);
    watch.see(&denied("192.0.2.2", "sqli"), 1020);
    watch.see(
        &entry(r#"{"action":"allow","status":200,"client":"192.0.2.1"}"#),
        1020,
    );
    let mut sightings = watch.take(1500);
    sightings.sort_by(|a, b| a.title.cmp(&b.title));
    let titles: Vec<&str> = sightings
        .iter()
        .map(|sighting| sighting.title.as_str())
        .collect();
    assert_eq!(
        titles,
        [
            "Cross-site scripting by 192.0.2.1",
            "SQL injection by 192.0.2.1",
            "SQL injection by 192.0.2.2"
        ]
    );
    let first = &sightings[1];
    assert_eq!(
        (first.requests, first.level, first.span_ms),
        (20, Level::Critical, (1000, 1019))
    );
    assert_eq!(
        (first.detail.rules["r1"], first.detail.why.as_str()),
        (20, "because")
    );
    assert_eq!(first.detail.examples.len(), MOST_EXAMPLES);
    assert!(watch.take(2000).is_empty(), "told once");
}

#[test]
fn who_shows_a_user_or_key_is_that() {
    let cases = [
        (
            r#"{"client":"192.0.2.1","user":"user:ab","key":"key:cd"}"#,
            "user:ab",
        ),
        (r#"{"client":"192.0.2.1","key":"key:cd"}"#, "key:cd"),
        (
            r#"{"client":"192.0.2.1","session":"session:ef"}"#,
            "address:192.0.2.1",
        ),
    ];
    for (json, expected) in cases {
        assert_eq!(subject(&entry(json).record), expected);
    }
}

#[test]
fn a_count_is_reached_before_anything_is_said_and_everything_is_said_then() {
    let settings = rules(r#"[{"name":"many","count":5,"within":"60s","when":{"status":["404"]}}]"#);
    let mut watch = watch(&settings);
    let missing = entry(r#"{"client":"192.0.2.1","status":404,"path":"/x"}"#);
    for moment in 0..4 {
        watch.see(&missing, moment);
    }
    assert!(watch.take(10).is_empty());
    watch.see(&missing, 20);
    let sightings = watch.take(30);
    assert_eq!(sightings[0].requests, 5);
    for step in 0..10 {
        let moment = 100_000 + step * 30_000;
        watch.see(&missing, moment);
        assert!(
            watch.take(moment).is_empty(),
            "one in half a minute is not five in one"
        );
    }
}

#[test]
fn a_share_is_of_the_same_route() {
    let settings = rules(
        r#"[{"name":"failing","count":3,"share":10,"per":"route","within":"60s","when":{"status":["5xx"]},"level":"HIGH"}]"#,
    );
    let mut watch = watch(&settings);
    let answer = |route: &str, status: u16| {
        entry(&format!(
            r#"{{"route":"{route}","status":{status},"client":"192.0.2.1"}}"#
        ))
    };
    for _ in 0..100 {
        watch.see(&answer("good", 200), 1);
        watch.see(&answer("bad", 200), 1);
    }
    for _ in 0..5 {
        watch.see(&answer("good", 500), 1);
    }
    for _ in 0..20 {
        watch.see(&answer("bad", 503), 1);
    }
    let sightings = watch.take(10);
    assert_eq!(sightings.len(), 1, "{sightings:?}");
    assert_eq!(
        (sightings[0].title.as_str(), sightings[0].requests),
        ("Upstream failing on route bad", 20)
    );
}

#[test]
fn silence_is_told_once_until_it_is_broken() {
    let settings = rules(
        r#"[{"name":"heartbeat","absent":true,"per":"all","within":"60s","when":{"route":["api"]}}]"#,
    );
    let mut watch = watch(&settings);
    let beat = entry(r#"{"route":"api","status":200}"#);
    watch.see(&beat, 30_000);
    assert!(watch.take(89_999).is_empty());
    assert_eq!(watch.take(90_000)[0].category, "silence");
    assert!(watch.take(200_000).is_empty());
    watch.see(&beat, 210_000);
    watch.see(&entry(r#"{"route":"other","status":200}"#), 265_000);
    assert_eq!(watch.take(270_000).len(), 1);
}

#[test]
fn a_storm_of_clients_is_one_incident_and_memory_is_bounded() {
    let mut watch = watch(&Alerts::default());
    for number in 0..30_000_u32 {
        let client = std::net::Ipv4Addr::from(0x0a00_0000 + number).to_string();
        watch.see(&denied(&client, "denial-of-service"), 1000);
    }
    assert!(watch.groups() <= STORM as usize + 2, "{}", watch.groups());
    let sightings = watch.take(1500);
    let many = sightings
        .iter()
        .find(|sighting| sighting.subject.is_empty())
        .expect("one of many");
    assert_eq!(many.title, "Denial of service by many clients");
    let sum: u64 = sightings.iter().map(|sighting| sighting.requests).sum();
    assert_eq!(sum, 30_000, "every request is counted somewhere");
    assert!(watch.take(10_000_000).is_empty());
    assert_eq!(watch.groups(), 0, "what is over is forgotten");
}

#[test]
fn tenants_do_not_share_an_incident() {
    let mut watch = watch(&Alerts::default());
    let mut other = denied("192.0.2.1", "sqli");
    other.record.host = "t.test".into();
    watch.see(&denied("192.0.2.1", "sqli"), 1);
    watch.see(&other, 1);
    let mut tenants: Vec<String> = watch
        .take(2)
        .into_iter()
        .map(|sighting| sighting.tenant)
        .collect();
    tenants.sort();
    assert_eq!(tenants, ["", "t"]);
}
