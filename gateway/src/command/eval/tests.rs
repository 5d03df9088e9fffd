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

fn write_text(folder: &Path, name: &str, text: &str) {
    let file = folder.join(name);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, text).unwrap();
}

fn plan(folder: &Path, every: usize) -> Plan {
    let mut judge = Judge::new(Detector::new(rules::load(None).unwrap()), 1);
    judge.keep_wrong = true;
    Plan {
        folder: folder.to_owned(),
        judge,
        every,
        seed: 1,
        payloads: OnceCell::new(),
    }
}

fn judge(plan: &Plan, name: &str) -> Judged {
    let found = catalogue::find(&plan.folder, &[name.to_owned()]).unwrap();
    plan.judge_set(&found[0]).unwrap()
}

fn request(label: u8, class: &str, host: &str, url: &str) -> serde_json::Value {
    serde_json::json!({
        "label": label, "cls": class, "src": "made up", "host": host, "method": "GET", "url": url,
        "headers": { "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0" },
        "body": ""
    })
}

fn counts(set: &tally::SetTally) -> Vec<(&str, usize, usize)> {
    set.classes
        .iter()
        .map(|(name, class)| (name.as_str(), class.count, class.denied))
        .collect()
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
            request(1, "sqli", "shop.example", "/a?id=2"),
        ],
    );
    let judged = judge(&plan(folder.path(), 1), "made");
    let set = &judged.tally;
    assert_eq!(counts(set), [("benign", 2, 1), ("sqli", 2, 1)]);
    let hosts: Vec<&str> = set.alarms_by_host.keys().map(String::as_str).collect();
    assert_eq!(hosts, ["forum.example"]);
    let leading: usize = set.alarms_by_rule.values().map(|rule| rule.leading).sum();
    assert_eq!(leading, 1);
    let wrong: Vec<&str> = judged
        .wrong
        .iter()
        .map(|line| line["url"].as_str().unwrap())
        .collect();
    assert_eq!(wrong, [UNION, "/a?id=2"]);

    let json = report::set_as_json(set, 1);
    assert_eq!(json["set"], "requests/made");
    assert_eq!(json["classes"][1]["rate"], 0.5);
    assert_eq!(json["false_alarms"]["count"], 1);
    assert_eq!(json["false_alarms"]["by_rule"].as_array().unwrap().len(), 1);

    let sampled = judge(&plan(folder.path(), 3), "made").tally;
    assert_eq!(sampled.sum(|_| true).count, 2, "lines 1 and 4");
}

#[test]
fn a_text_is_put_into_the_query_and_into_json() {
    let folder = tempfile::tempdir().unwrap();
    let lines = [
        serde_json::json!({ "label": 0, "src": "chat", "value": "a quiet evening & a good book" }),
        serde_json::json!({ "label": 1, "src": "chat", "value": "1' UNION SELECT password FROM users-- " }),
    ];
    write(folder.path(), "text/made", &lines);
    let set = judge(&plan(folder.path(), 1), "made").tally;
    assert_eq!(counts(&set), [("json", 2, 1), ("query", 2, 1)]);
    assert!(
        set.alarms_by_host.is_empty(),
        "the only one denied is an attack"
    );
}

#[test]
fn payload_lists_are_cleaned_and_grafted() {
    let folder = tempfile::tempdir().unwrap();
    let benign = |url: &str| request(0, "benign", "shop.example", url);
    write(
        folder.path(),
        "requests/browser_benign.train",
        &[benign("/a?order=tea+or+coffee%3F&n=%2F")],
    );
    write(folder.path(), "requests/api_benign.train", &[benign("/b")]);
    write(
        folder.path(),
        "requests/made_benign.valid",
        &[benign("/c?id=1"), benign("/d/e?x=2&y=3")],
    );
    write_text(
        folder.path(),
        "payloads/fuzzdb/attack/sql-injection/list.txt",
        "# comment\nadmin_1.x\ntea or coffee?\n/\n1' UNION SELECT password FROM users-- \n",
    );
    write_text(
        folder.path(),
        "payloads/fuzzdb/attack/email/list.txt",
        "jane@example.com\n",
    );
    let plan = plan(folder.path(), 1);
    let judged = judge(&plan, "graft/made_benign.valid");
    assert_eq!(counts(&judged.tally), [("no bar", 1, 0), ("sql", 1, 1)]);
    let cleaned = plan.payloads().unwrap();
    let sql = cleaned.counts["fuzzdb/attack/sql-injection"];
    assert_eq!(
        (sql.lines, sql.tokens, sql.benign, sql.kept()),
        (4, 1, 2, 1)
    );
    assert_eq!(judged.tally.groups["together"].len(), 2);
}

#[test]
fn lists_bear_the_labels_of_their_files() {
    let folder = tempfile::tempdir().unwrap();
    let attack = "1' UNION SELECT password FROM users-- ";
    for name in ["payload_test.csv", "payload_train.csv"] {
        let rows = format!(
            "\"payload\",\"length\",\"attack_type\",\"label\"\n\"{attack}\",\"38\",\"sqli\",\"anom\"\n\"calle mayor 3\",\"13\",\"norm\",\"norm\"\n"
        );
        write_text(folder.path(), &format!("payloads/httpparams/{name}"), &rows);
    }
    write_text(
        folder.path(),
        "payloads/libinjection/data/sqli-a.txt",
        "# no\n1%27+UNION+SELECT+password+FROM+users--\n",
    );
    write_text(
        folder.path(),
        "payloads/libinjection/tests/test-sqli-001.txt",
        "--INPUT--\nfoo\n--EXPECTED--\n\n",
    );
    let plan = plan(folder.path(), 1);
    let params = judge(&plan, "payloads/httpparams").tally;
    assert_eq!(
        counts(&params),
        [
            ("norm, json", 2, 0),
            ("norm, query", 2, 0),
            ("sqli, json", 2, 2),
            ("sqli, query", 2, 2),
        ]
    );
    let lists = judge(&plan, "libinjection").tally;
    assert_eq!(
        counts(&lists),
        [
            ("cases, harmless, json", 1, 0),
            ("cases, harmless, query", 1, 0),
            ("sqli, json", 1, 1),
            ("sqli, query", 1, 1),
        ]
    );
}

#[test]
fn a_log_becomes_requests() {
    let folder = tempfile::tempdir().unwrap();
    let line = |target: &str| {
        format!(
            "192.0.2.1 - - [1/Jan/2020:00:00:00 +0000] \"GET {target} HTTP/1.1\" 200 5 \"-\" \"Mozilla/5.0\"\n"
        )
    };
    let log = line("/") + &line(UNION) + &line("/a b");
    write_text(folder.path(), "behaviour/scanner_made.log", &log);
    let set = judge(&plan(folder.path(), 1), "behaviour").tally;
    let class = set.classes["scanner_made"];
    assert_eq!((class.count, class.denied, class.refused), (3, 1, 1));
    assert!(set.alarms_by_host.is_empty(), "scanners bear no label");

    write_text(
        folder.path(),
        "behaviour/broken.log",
        &(line("/") + "nothing\n"),
    );
    let plan = plan(folder.path(), 1);
    let found = catalogue::find(folder.path(), &["broken".to_owned()]).unwrap();
    let error = format!("{:#}", plan.judge_set(&found[0]).err().unwrap());
    assert!(error.contains("broken.log:2"), "{error}");
}

#[test]
fn what_is_missing_is_said() {
    let folder = tempfile::tempdir().unwrap();
    assert!(catalogue::find(folder.path(), &[]).is_err());
    write(folder.path(), "requests/made", &[serde_json::json!([])]);
    assert!(catalogue::find(folder.path(), &["other".to_owned()]).is_err());
    let found = catalogue::find(folder.path(), &["requests/made".to_owned()]).unwrap();
    let error = plan(folder.path(), 1).judge_set(&found[0]).err();
    let error = format!("{:#}", error.unwrap());
    assert!(error.contains("made.jsonl.gz:1"), "{error}");
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

#[test]
fn suites_and_the_table() {
    let folder = tempfile::tempdir().unwrap();
    let case = |payload: &str| {
        format!(
            "payload:\n  - \"{payload}\"\nencoder:\n  - Plain\n  - URL\nplaceholder:\n  - JSONRequest\ntype: Made\n"
        )
    };
    let suite = "suites/gotestwaf/testcases";
    let attack = case("1' UNION SELECT password FROM users-- ");
    write_text(folder.path(), &format!("{suite}/owasp/a.yml"), &attack);
    let calm = case("a quiet evening");
    write_text(folder.path(), &format!("{suite}/false-pos/b.yml"), &calm);
    let stage = |data: &str, host: &str, log: &str| {
        format!(
            "      - input:\n          method: POST\n          headers:\n            {host}: h\n          data: \"{data}\"\n        output:\n          log:\n            {log}\n"
        )
    };
    let rule = format!(
        "---\nrule_id: 942100\ntests:\n  - test_id: 1\n    stages:\n{}{}{}",
        stage(
            "a=1' UNION SELECT password FROM users-- ",
            "Host",
            "expect_ids: [942100]"
        ),
        stage("a=tea", "X", "expect_ids: [942100]"),
        stage("a=tea", "Host", "no_expect_ids: [942100]"),
    );
    write_text(folder.path(), "suites/crs_regression/942100.yaml", &rule);
    let plan = plan(folder.path(), 1);
    let mut results = table::Results::new();
    for (name, level) in table::RUNS {
        if name.starts_with("suites/") {
            results.insert((name, level), judge(&plan, name).tally);
        }
    }
    let crs = &results[&("suites/crs_regression", 1)];
    assert_eq!(
        counts(crs),
        [("942 must fire", 2, 1), ("942 must not", 1, 0)]
    );
    assert_eq!(crs.refusals["host-missing"], 1);
    let gotestwaf = &results[&("suites/gotestwaf", 1)];
    assert_eq!(
        counts(gotestwaf),
        [("false-pos: Made", 2, 0), ("owasp: Made", 2, 2)]
    );

    let json = table::as_json(&table::rows(&results), &table::naming(&results));
    let row = |set: &str, part: &str| {
        let mut rows = json.as_array().unwrap().iter();
        let row = rows.find(|row| row["set"] == set && row["part"] == part);
        row.unwrap()["reached"].clone()
    };
    assert_eq!(row("suites/gotestwaf", "attacks"), true);
    assert_eq!(row("suites/gotestwaf", "false positives"), true);
    assert_eq!(row("suites/crs_regression", "must fire, level 1"), false);
    assert_eq!(
        row("requests/api_benign.valid", ""),
        false,
        "it is not there"
    );
}
