//! Made-up sets in a temporary folder, judged by the built-in rules.

use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

fn write(folder: &Path, name: &str, lines: &[serde_json::Value]) {
    let file = folder.join(format!("{name}.jsonl.gz"));
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let mut gzip = GzEncoder::new(std::fs::File::create(file).unwrap(), Compression::fast());
    for line in lines {
        writeln!(gzip, "{line}").unwrap();
    }
    gzip.finish().unwrap();
}

fn plan(every: usize) -> Plan {
    Plan {
        detector: Detector::new(rules::load(None).unwrap()),
        policy: Policy::default(),
        every,
    }
}

fn request(label: u8, class: &str, host: &str, url: &str) -> serde_json::Value {
    serde_json::json!({
        "label": label, "cls": class, "src": "made up", "host": host, "method": "GET", "url": url,
        "headers": { "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0" },
        "body": ""
    })
}

const UNION: &str = "/a?id=1%27%20UNION%20SELECT%20password%20FROM%20users--%20";

#[test]
fn requests_are_counted_by_class_and_false_alarms_by_host_and_rule() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "requests/made",
        &[
            request(0, "benign", "shop.example", "/a?id=1"),
            // The label says harmless: to count it as a false alarm is right, whatever it is.
            request(0, "benign", "forum.example", UNION),
            request(1, "sqli", "shop.example", UNION),
            request(1, "sqli", "shop.example", UNION),
        ],
    );
    let found = find(folder.path(), &[]).unwrap();
    let (name, file, kind) = &found[0];
    let set = judge_set(&plan(1), name, file, *kind).unwrap();
    let counts: Vec<(&str, usize, usize)> = set
        .classes
        .iter()
        .map(|(name, class)| (name.as_str(), class.count, class.denied))
        .collect();
    assert_eq!(counts, [("benign", 2, 1), ("sqli", 2, 2)]);
    let hosts: Vec<&str> = set.alarms_by_host.keys().map(String::as_str).collect();
    assert_eq!(hosts, ["forum.example"]);
    let leading: usize = set.alarms_by_rule.values().map(|rule| rule.leading).sum();
    assert_eq!(leading, 1);

    let json = report::as_json(std::slice::from_ref(&set), 1);
    assert_eq!(json[0]["set"], "requests/made");
    assert_eq!(json[0]["classes"][1]["rate"], 1.0);
    assert_eq!(json[0]["false_alarms"]["count"], 1);
    assert_eq!(
        json[0]["false_alarms"]["by_rule"].as_array().unwrap().len(),
        1
    );

    let sampled = judge_set(&plan(3), name, file, *kind).unwrap();
    let judged: usize = sampled.classes.values().map(|class| class.count).sum();
    assert_eq!(judged, 2, "lines 1 and 4");
}

#[test]
fn a_text_is_put_into_the_query_and_into_json() {
    let folder = tempfile::tempdir().unwrap();
    let lines = [
        serde_json::json!({ "label": 0, "src": "chat", "value": "a quiet evening & a good book" }),
        serde_json::json!({ "label": 1, "src": "chat", "value": "1' UNION SELECT password FROM users-- " }),
    ];
    write(folder.path(), "text/made", &lines);
    let found = find(folder.path(), &["made".to_owned()]).unwrap();
    let (name, file, kind) = &found[0];
    let set = judge_set(&plan(1), name, file, *kind).unwrap();
    for place in ["json", "query"] {
        let class = &set.classes[place];
        assert_eq!((class.count, class.denied), (2, 1), "{place}");
    }
    assert!(
        set.alarms_by_host.is_empty(),
        "the only one denied is an attack"
    );
}

#[test]
fn what_is_missing_is_said() {
    let folder = tempfile::tempdir().unwrap();
    assert!(find(folder.path(), &[]).is_err());
    write(folder.path(), "requests/made", &[serde_json::json!([])]);
    assert!(find(folder.path(), &["other".to_owned()]).is_err());
    let found = find(folder.path(), &["requests/made".to_owned()]).unwrap();
    let error = judge_set(&plan(1), &found[0].0, &found[0].1, found[0].2).err();
    let error = format!("{:#}", error.unwrap());
    assert!(error.contains("line 1"), "{error}");
}

#[test]
fn wilson_intervals() {
    // Computed by hand from the formula.
    for (hits, count, low, high) in [
        (0, 0, 0.0, 1.0),
        (0, 100, 0.0, 0.03699),
        (5, 10, 0.23659, 0.76341),
        (100, 100, 0.96301, 1.0),
    ] {
        let (found_low, found_high) = tally::wilson(hits, count);
        assert!(
            (found_low - low).abs() < 1e-4,
            "{hits} of {count}: {found_low}"
        );
        assert!(
            (found_high - high).abs() < 1e-4,
            "{hits} of {count}: {found_high}"
        );
    }
}
